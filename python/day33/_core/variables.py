"""`Variable`: a weight, with a name, on memory the native side owns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _native
from .arrays import as_float32
from .dispatch import Operators, is_tracing

if TYPE_CHECKING:
    from .._native import Float32

__all__ = ["AssignedInTrace", "Variable"]

_lock = threading.Lock()
_modes_version = 0


def modes_version() -> int:
    """How often `modes_changed` was called. What depends on which variables train is outdated when it has grown."""
    return _modes_version


def modes_changed() -> None:
    """Notes that something became trainable, or stopped being so."""
    global _modes_version
    with _lock:
        _modes_version += 1


_before_changes: list[Callable[[Iterable[Variable] | None], None]] = []


def before_changes(function: Callable[[Iterable[Variable] | None], None]) -> None:
    """Has `function` called with variables before their values change, with None where it is not known which do."""
    _before_changes.append(function)


def about_to_change(variables: Iterable[Variable] | None = None) -> None:
    """Has to be called before values of variables change."""
    for function in _before_changes:
        function(variables)


class AssignedInTrace(TypeError):
    """A variable was assigned by code of which a plan is made: it would happen once, and not in each run."""


class Variable(Operators):
    """A float32 array that a layer owns, with a name. Python's operators are functions of `day33.ops`.

    Args:
        initial_value: real numbers; the variable keeps their shape.
        trainable: whether an optimizer may change it.
        name: such as "kernel".
        path: the name with the names of its owners before it, such as "conv2d/kernel". `name` by default.
        regularizer: None, or a function of the values that gives a number, which training adds to the loss; see
            `day33.regularizers`.
        constraint: None, or what makes new values of the values after each update by an optimizer: a function of an
            array that returns one of the same shape, see `day33.constraints`.

    Raises:
        TypeError: `initial_value` does not hold real numbers.

    Attributes:
        name, path: as given.
        constraint: as given; may be set.
        parameter: the native object that holds the values and counts their versions.
        when_assigned: called after `assign`, where a plan holds the values as constants. Lost in copies.
    """

    dtype = "float32"
    _regularizer: Callable[[Any], Any] | None = None
    _revision = 0
    constraint: Callable[[Float32], ArrayLike] | None = None
    when_assigned: Callable[[], None] | None = None

    def __init__(
        self, initial_value: ArrayLike, *, trainable: bool = True, name: str = "variable", path: str | None = None,
        regularizer: Callable[[Any], Any] | None = None, constraint: Callable[[Float32], ArrayLike] | None = None,
    ) -> None:  # fmt: skip
        value = as_float32(f"initial_value of variable {name!r}", initial_value)
        self.name = name
        self.path = name if path is None else path
        self._trainable = bool(trainable)
        self._regularizer = regularizer
        self.constraint = constraint
        self.parameter = _native.Parameter(value.shape)
        self.parameter.assign(value)

    @property
    def regularizer(self) -> Callable[[Any], Any] | None:
        """What training adds to the loss for these values. May be set; models that are compiled notice it."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Callable[[Any], Any] | None) -> None:
        if value is not None and not callable(value):
            raise TypeError(f"regularizer of variable {self.path!r} is {value!r}; expected a function or None")
        if value is not self._regularizer:
            self._regularizer = value
            self._revision += 1
            modes_changed()

    @property
    def revision(self) -> int:
        """How often another regularizer was set."""
        return self._revision

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change it. May be set; models that are compiled notice it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if self._trainable != bool(value):
            self._trainable = bool(value)
            modes_changed()

    @property
    def overwrite_with_gradient(self) -> bool:
        """False: no gradient takes the place of values, as those of scales of 8-bit numbers do in Keras."""
        return False

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: object) -> None:
        if value:
            raise ValueError(f"overwrite_with_gradient of variable {self.path!r} is {value!r}; expected False")

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis. It never changes."""
        return tuple(self.parameter.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of values."""
        return int(self.parameter.size)

    @property
    def value(self) -> Float32:
        """The values, as a read-only float32 array on the variable's own memory: it shows later changes."""
        return self.parameter.view()

    def numpy(self) -> Float32:
        """The values, as a float32 array of the caller's own."""
        return np.array(self.parameter.view())

    def assign(self, value: ArrayLike) -> Variable:
        """Replaces the values.

        Args:
            value: real numbers of the variable's shape; nothing is broadcast.

        Returns:
            The variable itself.

        Raises:
            TypeError: `value` does not hold real numbers, or a plan is made of the code that assigns.
            ValueError: it has another shape.
        """
        self._refuse_in_trace()
        array = as_float32(f"value for variable {self.path!r}", value)
        if array.shape != self.shape:
            raise ValueError(f"value for variable {self.path!r} has shape {array.shape}; expected {self.shape}")
        about_to_change((self,))
        self.parameter.assign(array)
        if self.when_assigned is not None:
            self.when_assigned()
        return self

    def assign_add(self, delta: ArrayLike) -> Variable:
        """Adds to the values; see `assign`. `delta` may broadcast to the variable's shape."""
        return self.assign(self.numpy() + self._delta(delta))

    def assign_sub(self, delta: ArrayLike) -> Variable:
        """Subtracts from the values; see `assign`. `delta` may broadcast to the variable's shape."""
        return self.assign(self.numpy() - self._delta(delta))

    def _refuse_in_trace(self) -> None:
        if is_tracing():
            raise AssignedInTrace(
                f"variable {self.path!r} is assigned by code of which a plan is made once; expected the assignment "
                "outside of it, or calls of the layer or model on arrays, which run its `call` each time, such as in a "
                "`train_step` or a loop with a tape"
            )

    def _delta(self, delta: ArrayLike) -> Float32:
        self._refuse_in_trace()
        array = as_float32(f"delta for variable {self.path!r}", delta)
        try:
            return np.broadcast_to(array, self.shape)
        except ValueError:
            raise ValueError(
                f"delta for variable {self.path!r} has shape {array.shape}; expected what broadcasts to {self.shape}"
            ) from None

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            return np.asarray(self.value, dtype=dtype)
        return np.array(self.value, dtype=dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "name": self.name, "path": self.path, "_trainable": self._trainable, "_regularizer": self._regularizer,
            "constraint": self.constraint, "value": self.numpy(),
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        value = state.pop("value")
        self.__dict__.update(state)
        self.parameter = _native.Parameter(value.shape)
        self.parameter.assign(value)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable}>"
