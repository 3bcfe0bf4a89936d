"""Losses. In `compile` they become loss terms of the native plan; called on arrays they compute in NumPy.

Every loss first gives one value per position, (N, ...) from predictions of (N, ..., C): the mean or sum over the last
axis. Sample weights multiply these values. `reduction` then makes a number of them:

- ``"sum_over_batch_size"`` or ``"mean"``: their sum divided by their count (not by the sum of the weights),
- ``"sum"``: their sum,
- ``"none"`` or None: the values as they are. In `compile`, as in Keras, the gradient is then that of the sum, and the
  reported loss is the mean over all positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core.arrays import as_float32
from ._core.dispatch import tracing
from ._core.naming import snake_case
from ._core.targets import class_labels, match_rank, position_weights, smooth_labels
from ._core.tensors import Number, as_tensor
from ._graph.functions import Spec
from ._graph.graph import Graph
from ._graph.tensors import SymbolicTensor

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]

_Values = NDArray[np.float64]

_REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None)
# Keras clips probabilities to [1e-7, 1 - 1e-7] in float32, where the upper bound is 1 - 2**-23.
_LOWEST = np.float32(1e-7)
_HIGHEST = np.float32(1) - np.float32(1e-7)


def _pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    true, pred = match_rank(as_float32("y_true", y_true), as_float32("y_pred", y_pred))
    if true.shape != pred.shape or true.ndim == 0:
        raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected the same shape, rank >= 1")
    return true, pred


def _log_softmax(logits: NDArray[Any]) -> _Values:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float64)


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> _Values:
    """``mean((y_true - y_pred)²)`` over the last axis: (N, ..., C) and (N, ..., C) give (N, ...)."""
    true, pred = _pair(y_true, y_pred)
    return as_tensor(np.mean(np.square(true - pred, dtype=np.float64), axis=-1))


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> _Values:
    """``mean(|y_true - y_pred|)`` over the last axis: (N, ..., C) and (N, ..., C) give (N, ...)."""
    true, pred = _pair(y_true, y_pred)
    return as_tensor(np.mean(np.abs(true - pred, dtype=np.float64), axis=-1))


def binary_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0
) -> _Values:
    """``-mean(t·log p + (1 - t)·log(1 - p))`` over the last axis: (N, ..., C) and (N, ..., C) give (N, ...).

    Probabilities are clipped to [1e-7, 1 - 1e-7]. From logits z it is ``max(z, 0) - z·t + log(1 + exp(-|z|))``.
    """
    true, pred = _pair(y_true, y_pred)
    true = smooth_labels(true, "binary_crossentropy", label_smoothing).astype(np.float64)
    if from_logits:
        logits = pred.astype(np.float64)
        values = np.maximum(logits, 0.0) - logits * true + np.log1p(np.exp(-np.abs(logits)))
    else:
        p = np.clip(pred, _LOWEST, _HIGHEST).astype(np.float64)
        values = -(true * np.log(p) + (1.0 - true) * np.log1p(-p))
    return as_tensor(values.mean(axis=-1))


def categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0
) -> _Values:
    """``-sum(t·log p)`` over the last axis, the classes: (N, ..., C) and (N, ..., C) give (N, ...).

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7]. From logits, p is their softmax.
    """
    true, pred = _pair(y_true, y_pred)
    true = smooth_labels(true, "categorical_crossentropy", label_smoothing)
    if from_logits:
        logs = _log_softmax(pred)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN where the sum is 0, as in Keras
            share = pred / pred.sum(axis=-1, keepdims=True)
        logs = np.log(np.clip(share, _LOWEST, _HIGHEST), dtype=np.float64)
    return as_tensor(-(true * logs).sum(axis=-1))


def sparse_categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> _Values:
    """``-log p[label]``: labels of (N, ...) or (N, ..., 1) and predictions of (N, ..., C) give (N, ...).

    Probabilities are clipped to [1e-7, 1 - 1e-7] and, as in Keras, then divided by their sum. From logits, p is their
    softmax. Raises ValueError for labels outside [0, C).
    """
    pred = as_float32("y_pred", y_pred)
    if pred.ndim == 0:
        raise ValueError("y_pred has shape (); expected (N, ..., C)")
    labels = class_labels("y_true", y_true, pred.shape[:-1], pred.shape[-1])
    logs = _log_softmax(pred if from_logits else np.log(np.clip(pred, _LOWEST, _HIGHEST), dtype=np.float64))
    return as_tensor(-np.take_along_axis(logs, labels[..., np.newaxis].astype(np.intp), axis=-1)[..., 0])


class Loss:
    """Base of the losses; use the subclasses. Called on arrays, it gives a float, or an array for reduction "none".

    Args:
        reduction: "sum_over_batch_size" (default), "mean" (the same), "sum", "none" or None.
        name: the name in logs of models with several outputs without names.

    Raises:
        ValueError: unknown reduction.
    """

    kind: str = ""  # the name of the native loss

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction is {reduction!r}; expected one of {_REDUCTIONS}")
        if type(self) is Loss:
            raise TypeError("Loss is a base class; use one of " + ", ".join(sorted(set(_SUPPORTED))))
        self.reduction = reduction
        self.name = name or self.kind or snake_case(type(self).__name__)
        self.from_logits = False
        self.label_smoothing = 0.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def is_native(self) -> bool:
        """Whether plans have the loss as an op of their own; others are traced."""
        return bool(self.kind) and type(self).call is Loss.call and "call" not in vars(self)

    # Whether targets whose rank differs by one from that of the predictions are fitted to it.
    fits_rank = False

    def trace(self, target: Spec, prediction: Spec) -> Graph:
        """The loss as a graph, from targets and predictions to a value per position.

        Args:
            target, prediction: their shapes, batch first, and dtypes.

        Returns:
            A graph with one output, the values; or, where `call` gives one number for the batch, without outputs and
            with that as its loss.

        Raises:
            TypeError: `call` does something that cannot be traced.
        """
        given = [SymbolicTensor(spec.shape, spec.dtype, name) for spec, name in
                 ((target, "y_true"), (prediction, "y_pred"))]  # fmt: skip
        owner = f"loss {self.name!r}"
        with tracing():
            value = self.call(*given)
        if not isinstance(value, SymbolicTensor):
            raise TypeError(
                f"{owner} gave {value!r} for symbolic tensors; expected what functions of day33.ops make of y_pred"
            )
        if value.shape == ():
            return Graph(given, [], owner, [value])
        return Graph(given, [value], owner)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> _Values:
        """One value per position.

        Args:
            y_true: targets, as the function of this loss takes them.
            y_pred: predictions (N, ..., C).

        Returns:
            float64 (N, ...).

        Raises:
            ValueError: shapes that do not fit. TypeError: no real numbers.
        """
        keywords: dict[str, Any] = {}
        if self.from_logits:
            keywords["from_logits"] = True
        if self.label_smoothing:
            keywords["label_smoothing"] = self.label_smoothing
        return _FUNCTIONS[self.kind](y_true, y_pred, **keywords)

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float | NDArray[np.float32]:
        """The loss of arrays.

        Args:
            y_true, y_pred: as in `call`.
            sample_weight: (N,), or a shape that broadcasts to that of the values; they are multiplied by it.

        Returns:
            A float that also answers ``.numpy()``, or float32 (N, ...) for reduction "none".

        Raises:
            ValueError: shapes that do not fit. TypeError: no real numbers.
        """
        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            weights = position_weights("sample_weight", sample_weight, values.shape)
            values = values * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        if self.reduction in ("none", None):
            return as_tensor(values.astype(np.float32))
        total = float(values.sum())
        return Number(total if self.reduction == "sum" else total / max(values.size, 1))


class LossFunctionWrapper(Loss):
    """A function as a loss.

    Args:
        fn: ``fn(y_true, y_pred, **kwargs)``, written with `day33.ops`: symbolic tensors to one value per position, or
            to one number for the batch.
        reduction, name: see `Loss`; the name of the function by default.
        kwargs: handed on to `fn`.
    """

    fits_rank = True

    def __init__(
        self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name or getattr(fn, "__name__", None))
        self.fn = fn
        self._keywords = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self._keywords)


class MeanSquaredError(Loss):
    """Mean of the squared differences; see `mean_squared_error`."""

    kind = "mean_squared_error"


class MeanAbsoluteError(Loss):
    """Mean of the absolute differences; see `mean_absolute_error`."""

    kind = "mean_absolute_error"


class _CrossentropyWithTargets(Loss):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; expected a number from 0 to 1")
        self.from_logits = bool(from_logits)
        self.label_smoothing = float(label_smoothing)


class BinaryCrossentropy(_CrossentropyWithTargets):
    """Cross-entropy of independent yes/no targets; see `binary_crossentropy`.

    In `compile`, after a layer that ends in a sigmoid or softmax, it is computed from the logits before that,
    without clipping and whatever `from_logits` says, as in Keras.

    Args:
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by 1/2, from 0 to 1.
        reduction, name: see `Loss`.
    """

    kind = "binary_crossentropy"


class CategoricalCrossentropy(_CrossentropyWithTargets):
    """Cross-entropy of targets that are distributions over classes (one-hot); see `categorical_crossentropy`.

    In `compile`, after a layer that ends in a sigmoid or softmax, it is computed from the logits before that,
    without clipping and whatever `from_logits` says, as in Keras.

    Args:
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by the uniform distribution, from 0 to 1.
        reduction, name: see `Loss`.
    """

    kind = "categorical_crossentropy"


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy of integer labels; see `sparse_categorical_crossentropy`.

    In `compile`, after a layer that ends in a sigmoid or softmax, it is computed from the logits before that,
    without clipping and whatever `from_logits` says, as in Keras.

    Args:
        from_logits: predictions are logits, not probabilities.
        reduction, name: see `Loss`.
    """

    kind = "sparse_categorical_crossentropy"

    def __init__(
        self, from_logits: bool = False, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)


_FUNCTIONS: dict[str, Callable[..., _Values]] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}
_CLASSES: tuple[type[Loss], ...] = (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
_ALIASES = {"bce": "binary_crossentropy", "mae": "mean_absolute_error", "mse": "mean_squared_error"}
_SUPPORTED = {
    **{loss.kind: loss for loss in _CLASSES},
    **{loss.__name__: loss for loss in _CLASSES},
    **{alias: loss for alias, kind in _ALIASES.items() for loss in _CLASSES if loss.kind == kind},
    **{alias.upper(): loss for alias, kind in _ALIASES.items() for loss in _CLASSES if loss.kind == kind},
}


def get(identifier: Any) -> Loss:
    """A loss from itself, its name ("mse", "mean_squared_error", "MeanSquaredError", ...) or its function here.

    A function ``fn(y_true, y_pred)`` becomes a `LossFunctionWrapper`: it is traced into the plan, with its gradient.

    Raises:
        ValueError: anything else.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str) and identifier in _SUPPORTED:
        return _SUPPORTED[identifier]()
    for kind, function in _FUNCTIONS.items():
        if identifier is function:
            return _SUPPORTED[kind]()
    if callable(identifier) and not isinstance(identifier, type):
        return LossFunctionWrapper(identifier)
    raise ValueError(
        f"loss is {identifier!r}; expected one of {', '.join(sorted(_SUPPORTED))}, an object of these classes, a "
        "subclass of Loss with `call`, or a function fn(y_true, y_pred) of day33.ops"
    )


def __dir__() -> list[str]:
    return list(__all__)
