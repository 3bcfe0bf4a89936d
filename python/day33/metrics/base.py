"""`Metric`: what all metrics are. State in variables, three methods, a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .. import initializers
from .._core.arrays import as_sizes
from .._core.naming import snake_case, unique
from .._core.signatures import accepted_arguments
from .._core.tensors import Number, as_tensor
from ._variables import MetricVariable

State = dict[str, Any]
MetricFunction = Callable[..., Any]
_INNER = "metrics"  # in a state, those of the metrics inside


class Metric:
    """Base of the metrics, for metrics of your own.

    A subclass makes its state in `__init__` with `add_weight` (or its other name, `add_variable`), adds to it in
    `update_state`, and computes a number, an array or a dict of numbers from it in `result`. `reset_state` sets all
    variables to zero, those of metrics kept as attributes included. Batches come as NumPy arrays::

        class Hits(Metric):
            def __init__(self, name="hits", **kwargs):
                super().__init__(name=name, **kwargs)
                self.hits = self.add_weight(name="hits", initializer="zeros")

            def update_state(self, y_true, y_pred, sample_weight=None):
                self.hits.assign_add(np.sum(y_true == np.round(y_pred)))

            def result(self):
                return self.hits

    Where the output of a model has a mask and `heeds_mask` is True, sample weights are 0 where the mask leaves out a
    position, with and without sample weights of the user. That is so for means of a function of targets and predictions
    (`MeanMetricWrapper`), as in Keras.

    Args:
        dtype: of variables that are made without one, "float32" by default. The metrics of day33 themselves compute
            and keep their state in double precision.
        name: in the logs. By default the class in snake case, with a number behind it for all but the first.

    Raises:
        TypeError: a name that is no string.
        ValueError: a dtype that is none of real numbers.

    Attributes:
        name, dtype: as given.
        direction: "up" where more is better, "down" where less is, None if unknown: callbacks with ``mode="auto"`` use
            it.
    """

    direction: str | None = None
    heeds_mask = False
    # Whether variables are made when the first batch shows their shapes.
    _builds_late = False

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name is {name!r}; expected a string")
        self.name = name or unique(snake_case(type(self).__name__))
        self.dtype = _dtype_name(dtype)
        self._variables: list[MetricVariable] = []
        self._restored: State = {}

    def add_variable(
        self,
        shape: int | Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> MetricVariable:
        """A new variable, which `variables`, `reset_state` and checkpoints know of.

        Args:
            shape: of the variable.
            initializer: a name, an object or a function of `day33.initializers`; None for zeros.
            dtype: that of the metric by default.
            aggregation: for the sake of Keras code; there are no replicas to aggregate over.
            name: "variable" by default.

        Raises:
            AttributeError: before ``super().__init__()``.
        """
        if "_variables" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__} adds a variable before super().__init__(); expected it first in __init__"
            )
        sizes = as_sizes("shape", (shape,) if np.ndim(shape) == 0 else shape)
        make = initializers.get("zeros" if initializer is None else initializer)
        value = np.array(make(sizes), self.dtype if dtype is None else _dtype_name(dtype))
        variable = MetricVariable(value, name or "variable")
        self._variables.append(variable)
        if self._restored:
            restored = self._restored.pop(list(_keyed(self._variables))[-1], None)
            if restored is not None:
                variable.assign(restored)
        return variable

    def add_weight(
        self,
        shape: int | Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> MetricVariable:
        """Another name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[MetricVariable]:
        """The variables of this metric, then those of metrics that are its attributes, also in lists and dicts."""
        return [*self._variables, *(variable for metric in self._inner_metrics() for variable in metric.variables)]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: targets (N, ...), as the user gave them.
            y_pred: predictions (N, ...).
            sample_weight: None, (N,) or (N, ...).
        """
        raise TypeError(f"{type(self).__name__} does not define update_state")

    def result(self) -> Any:
        """The value so far: a number, an array, or a dict of numbers by name."""
        raise TypeError(f"{type(self).__name__} does not define result")

    def reset_state(self) -> None:
        """Starts over: all variables become zero. TypeError where there are none, and so nothing to reset."""
        self._restored = {}
        variables = self.variables
        if not variables and not self._builds_late:
            raise TypeError(
                f"{type(self).__name__} has no variables and does not define reset_state; expected add_weight in "
                f"__init__, or a reset_state"
            )
        for variable in variables:
            variable.reset()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name; a subclass with more of them adds to it."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A metric like the one whose `get_config` gave `config`, with fresh state."""
        return cls(**config)

    # ---- state in checkpoints ----

    def get_state(self) -> State:
        """The variables by name, attributes that are numbers and no arguments of the constructor, and the states of
        the metrics among the attributes as "metrics".
        """
        arguments = accepted_arguments(type(self))
        numbers = {
            name: value
            for name, value in vars(self).items()
            if isinstance(value, float | int) and not isinstance(value, bool) and name not in arguments
        }
        variables = {key: _plain(variable.numpy()) for key, variable in _keyed(self._variables).items()}
        inner = {str(number): metric.get_state() for number, metric in enumerate(self._inner_metrics())}
        return {**numbers, **variables, **({_INNER: inner} if inner else {})}

    def check_state(self, state: State) -> None:
        """ValueError where `set_state` could not take `state`."""
        own = self.get_state()
        inner = own.pop(_INNER, {})
        rest = {key: value for key, value in state.items() if key != _INNER}
        late = self._builds_late or not own
        fits = rest.keys() >= own.keys() if late else rest.keys() == own.keys()
        given = state.get(_INNER, {})
        fits = fits and isinstance(given, dict) and given.keys() == inner.keys()
        if not fits or not all(_is_number(value, own.get(key)) for key, value in rest.items()):
            raise ValueError(f"the state of metric {self.name!r} is {state!r}; expected numbers for {', '.join(own)}")
        for number, metric in enumerate(self._inner_metrics()):
            metric.check_state(given[str(number)])

    def set_state(self, state: State) -> None:
        """Goes on from what `get_state` gave. Variables that the first batch is to make begin with theirs."""
        rest = dict(state)
        for key, inner in rest.pop(_INNER, {}).items():
            self._inner_metrics()[int(key)].set_state(inner)
        for key, variable in _keyed(self._variables).items():
            if key in rest:
                variable.assign(rest.pop(key))
        for key in [key for key in rest if key in vars(self)]:
            setattr(self, key, rest.pop(key))
        self._restored = rest

    def _inner_metrics(self) -> list[Metric]:
        """The metrics among the attributes, also in lists, tuples and dicts."""
        return list(_metrics_in(vars(self).values()))


def as_result(value: ArrayLike) -> Any:
    """What the metrics of day33 give: a float that answers ``.numpy()``, or a float32 tensor."""
    array = np.asarray(value)
    return as_tensor(array.astype(np.float32)) if array.ndim else Number(array)


def _dtype_name(dtype: Any) -> str:
    try:
        found = np.dtype("float32" if dtype is None else "int32" if dtype == "int" else dtype)
    except TypeError:
        found = None
    if found is None or found.kind not in "fiub":
        raise ValueError(f'dtype is {dtype!r}; expected a dtype of real numbers, such as "float32"')
    return found.name


def _metrics_in(values: Any) -> Iterator[Metric]:
    for value in values:
        if isinstance(value, Metric):
            yield value
        elif isinstance(value, list | tuple):
            yield from _metrics_in(value)
        elif isinstance(value, Mapping):
            yield from _metrics_in(value.values())


def _keyed(variables: Sequence[MetricVariable]) -> dict[str, MetricVariable]:
    """By name, with a number behind names that are taken."""
    used: Counter[str] = Counter()
    keyed = {}
    for variable in variables:
        number = used[variable.name]
        used[variable.name] += 1
        keyed[f"{variable.name}_{number}" if number else variable.name] = variable
    return keyed


def _plain(value: Any) -> Any:
    return value if value.ndim else value.item()


def _is_number(value: Any, own: Any) -> bool:
    """Whether a value of a state is one number or an array of them, of the shape of `own` where that is known."""
    if not isinstance(value, float | int | np.ndarray) or np.asarray(value).dtype.kind not in "fiub":
        return False
    return own is None or np.shape(value) == np.shape(own)
