"""`Loss`: what a loss is to users and to plans.

Every loss first gives one value per position, such as (N, ...) from predictions of (N, ..., C). Sample weights multiply
these values. `reduction` then makes a number of them:

- ``"sum_over_batch_size"`` or ``"mean"``: their sum divided by their count (not by the sum of the weights),
- ``"mean_with_sample_weight"``: their sum divided by the sum of the weights,
- ``"sum"``: their sum,
- ``"none"`` or None: the values as they are. In `compile`, as in Keras, the gradient is then that of the sum, and the
  reported loss is the mean over all positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import ops
from .._core.arrays import as_float32
from .._core.dispatch import tracing
from .._core.naming import snake_case
from .._core.targets import mask_weights, position_weights
from .._core.tensors import Number, as_tensor, mask_of
from .._core.user_code import blaming
from .._graph.functions import Spec
from .._graph.graph import Graph
from .._graph.tensors import SymbolicTensor
from ._values import as_values, is_array, match_ranks, rank, with_axis, without_axis

Reduction = Literal["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"] | None

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class Loss:
    """Base of the losses, for losses of your own: define ``call(self, y_true, y_pred)`` with functions of `day33.ops`.

    `call` gets targets and predictions in float32, as arrays or as values of a graph: training traces it once for each
    combination of shapes and runs it inside of the model's plan. It returns one value per position, or one number for
    the batch.

    Args:
        name: the name in logs of models with several outputs without names; the class in snake case by default.
        reduction: how the values become a number, see the description of this module.
        dtype: None or "float32".

    Raises:
        ValueError: unknown reduction, or another dtype.
    """

    kind: str = ""  # the name of the native loss; "" where there is none
    # What the native losses are told.
    from_logits: bool = False
    label_smoothing: float = 0.0

    def __init__(
        self, name: str | None = None, reduction: Reduction = "sum_over_batch_size", dtype: object = None
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction is {reduction!r}; expected one of {_REDUCTIONS}")
        named = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
        if named not in (None, "float32"):
            raise ValueError(f"dtype is {dtype!r}; day33 computes in float32 only")
        self.reduction = reduction
        self.name = name or self.kind or snake_case(type(self).__name__)

    dtype = "float32"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per position.

        Args:
            y_true: targets (N, ...). y_pred: predictions (N, ...).

        Returns:
            (N, ...), or one number for the batch.
        """
        raise TypeError(f"{type(self).__name__} does not define call(self, y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss.

        Positions that the mask of `y_pred` leaves out do not count, as in Keras: tensors, and what a tape recorded,
        have the mask of the layer or model that gave them.

        Args:
            y_true, y_pred: arrays, or values of a graph, as `call` takes them.
            sample_weight: a number, (N,), or a shape that broadcasts to that of the values; they are multiplied by it.

        Returns:
            Of arrays, a float that also answers ``.numpy()``, or float32 (N, ...) for reduction "none". Of what belongs
            to a graph, a value of it.

        Raises:
            ValueError: shapes that do not fit. TypeError: no real numbers.
        """
        mask = mask_of(y_pred)
        true, pred = as_values("y_true", y_true), as_values("y_pred", y_pred)
        values = self.call(true, pred)
        counted = self.counted(true)
        if mask is not None and mask.ndim > rank(values) > 0:
            mask = None  # there is no value for each of its positions
        if mask is not None:
            values = values if rank(values) else ops.multiply(values, np.ones(mask.shape, np.float32))
            counted = _both(counted, mask)
        if counted is not None:
            counted = _fitted(counted, rank(values))
        if is_array(values) and (sample_weight is None or is_array(sample_weight)):
            return self._of_arrays(np.asarray(values), sample_weight, counted)
        return self._of_graph(values, sample_weight, counted)

    def counted(self, y_true: Any) -> Any:
        """Which positions count at all, 0 or False for the others; None for all. A hook."""
        return None

    def prepared(self, y_true: NDArray[Any]) -> NDArray[Any]:
        """What the targets of a batch are before they enter a plan, where that depends on the batch as a whole. A hook.

        `traced_call` gets what this returns.
        """
        return y_true

    def traced_call(self, y_true: Any, y_pred: Any) -> Any:
        """`call` for targets that are `prepared`."""
        return self.call(y_true, y_pred)

    def _of_arrays(self, values: NDArray[Any], sample_weight: ArrayLike | None, counted: Any) -> Any:
        weights = None
        if sample_weight is not None:
            if values.ndim == 0:  # one number for the batch is multiplied by each of the weights
                weights = as_float32("sample_weight", sample_weight)
                values = np.broadcast_to(values, weights.shape)
            elif np.ndim(sample_weight) == 0:  # one weight for all
                weights = as_float32("sample_weight", sample_weight)
            else:
                weights = position_weights("sample_weight", sample_weight, values.shape)
        if counted is not None:
            weights = mask_weights(np.asarray(counted), weights, self.reduction in _MEANS)
        divisor = float(max(values.size, 1))
        if weights is not None:
            if self.reduction == "mean_with_sample_weight" and values.ndim:
                divisor = float(weights.sum(dtype=np.float64))
            values = values * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        if self.reduction in ("none", None):
            return as_tensor(values.astype(np.float32))
        total = float(values.sum(dtype=np.float64))
        if self.reduction == "sum":
            return Number(total)
        return Number(total / divisor if divisor else 0.0)

    def _of_graph(self, values: Any, sample_weight: Any, counted: Any) -> Any:
        weights = None if sample_weight is None else _fitted(as_values("sample_weight", sample_weight), rank(values))
        if counted is not None and is_array(counted) and not isinstance(counted, SymbolicTensor):
            # Known numbers: what counts gets a weight, and a mean stays one over all positions.
            factor: Any = mask_weights(np.asarray(counted), scaled=self.reduction in _MEANS)
            weights = factor if weights is None else ops.multiply(weights, factor)
            counted = None
        counts = None if counted is None else ops.cast(counted, "float32")
        for factor in (weights, counts):
            values = values if factor is None else ops.multiply(values, factor)
        if self.reduction in ("none", None) or rank(values) == 0:
            return values
        if self.reduction == "sum":
            return ops.sum(values)
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            counts = weights if counts is None else ops.multiply(weights, counts)
        if counts is None:
            return ops.mean(values)
        total = ops.sum(counts)
        return ops.divide(ops.sum(values), ops.where(ops.equal(total, 0.0), 1.0, total))

    # ---- in compile ----

    @property
    def is_native(self) -> bool:
        """Whether plans have the loss as an op of their own; others are traced."""
        own = {"call", "__call__", "traced_call"} & set(vars(self))
        cls = type(self)
        return bool(self.kind) and not own and cls.call is OwnLoss.call and cls.__call__ is Loss.__call__

    def trace(self, target: Spec, prediction: Spec) -> Graph:
        """The loss as a graph, from targets and predictions to a value per position.

        Args:
            target, prediction: their shapes, batch first, and dtypes.

        Returns:
            A graph with one output, the values; or, where `call` gives one number for the batch, without outputs and
            with that as its loss.

        Raises:
            TypeError, ValueError: `call` does something that cannot be traced; the message has the line.
        """
        given = [SymbolicTensor(spec.shape, spec.dtype, name) for spec, name in
                 ((target, "y_true"), (prediction, "y_pred"))]  # fmt: skip
        owner = f"loss {self.name!r}"
        with tracing(), blaming(owner):
            value = self.traced_call(*given)
        if not isinstance(value, SymbolicTensor):
            raise TypeError(
                f"{owner} gave {value!r} for symbolic tensors; expected what functions of day33.ops make of y_pred"
            )
        if value.shape == ():
            return Graph(given, [], owner, [value])
        return Graph(given, [value], owner)

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name. A subclass with arguments of its own adds them."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A loss from what `get_config` gave."""
        return cls(**config)


_MEANS = ("sum_over_batch_size", "mean")


def _both(counted: Any, mask: NDArray[Any]) -> Any:
    """What counts and is not masked."""
    if counted is None:
        return mask
    axes = max(rank(counted), mask.ndim)
    counted, fitted = _fitted(counted, axes), _fitted(mask, axes)
    return (np.asarray(counted) != 0) & fitted if is_array(counted) else ops.logical_and(counted, fitted)


def _fitted(weights: Any, axes: int) -> Any:
    """Weights with as many axes as the values: one per sample is one for all positions of it."""
    if rank(weights) == axes + 1 and weights.shape[-1] == 1:
        weights = without_axis(weights)
    while 0 < rank(weights) < axes:
        weights = with_axis(weights)
    return weights


class LossFunctionWrapper(Loss):
    """A function as a loss.

    Args:
        fn: ``fn(y_true, y_pred, **kwargs)``, written with functions of `day33.ops`, from targets and predictions to one
            value per position, or to one number for the batch.
        reduction, name, dtype: see `Loss`; the name of the function by default.
        kwargs: handed on to `fn`.
    """

    def __init__(
        self, fn: Callable[..., Any], reduction: Reduction = "sum_over_batch_size", name: str | None = None,
        dtype: object = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name or self.kind or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._keywords = kwargs

    def options(self) -> dict[str, Any]:
        """What is handed on to `fn` besides targets and predictions."""
        return self._keywords

    def call(self, y_true: Any, y_pred: Any) -> Any:
        true, pred = match_ranks(y_true, y_pred)
        return self.fn(true, pred, **self.options())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": self.fn, **self.options()}


class OwnLoss(LossFunctionWrapper):
    """A loss of day33: a function of this room, whose options are attributes that may be changed."""

    def __init__(
        self, fn: Callable[..., Any], reduction: Reduction, name: str | None, dtype: object, **options: Any
    ) -> None:
        super().__init__(fn, reduction, name, dtype)
        self._option_names = tuple(options)
        vars(self).update(options)

    def options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._option_names}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self.options())

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self.options()}
