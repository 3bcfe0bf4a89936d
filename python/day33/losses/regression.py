"""Losses of numbers: squared, absolute, relative and logarithmic errors, Huber, log-cosh, cosine similarity.

The functions take targets and predictions of one shape, (N, ..., C), as arrays or as values of a graph, and give one
value per position, (N, ...), by a mean or sum over the last axis. They raise ValueError for shapes that differ and
TypeError for what does not hold real numbers.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from .._core.arrays import as_number
from ._values import finished, pair
from .base import OwnLoss, Reduction

_EPSILON = 1e-7
_LOG_2 = math.log(2.0)


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((y_true - y_pred)²)`` over the last axis."""
    true, pred = pair(y_true, y_pred)
    return finished(ops.mean(ops.square(ops.subtract(true, pred)), axis=-1))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(|y_true - y_pred|)`` over the last axis."""
    true, pred = pair(y_true, y_pred)
    return finished(ops.mean(ops.abs(ops.subtract(true, pred)), axis=-1))


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100·mean(|y_true - y_pred| / max(|y_true|, 1e-7))`` over the last axis."""
    true, pred = pair(y_true, y_pred)
    share = ops.divide(ops.subtract(true, pred), ops.maximum(ops.abs(true), _EPSILON))
    return finished(ops.multiply(ops.mean(ops.abs(share), axis=-1), 100.0))


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((log(y_true + 1) - log(y_pred + 1))²)`` over the last axis, of numbers raised to at least 1e-7."""
    true, pred = pair(y_true, y_pred)
    logs = [ops.log(ops.add(ops.maximum(values, _EPSILON), 1.0)) for values in (true, pred)]
    return finished(ops.mean(ops.square(ops.subtract(*logs)), axis=-1))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The mean over the last axis of ``e²/2`` where ``|e| <= delta``, else of ``delta·|e| - delta²/2``; e is the error.

    Source: Huber, Robust Estimation of a Location Parameter, 1964.

    Args:
        y_true, y_pred: of one shape (N, ..., C).
        delta: where the parabola ends.

    Returns:
        (N, ...).
    """
    true, pred = pair(y_true, y_pred)
    border = as_number("delta", delta)
    error = ops.subtract(pred, true)
    size = ops.abs(error)
    far = ops.subtract(ops.multiply(size, border), 0.5 * border * border)
    return finished(
        ops.mean(ops.where(ops.less_equal(size, border), ops.multiply(ops.square(error), 0.5), far), axis=-1)
    )


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))`` over the last axis, as ``e + softplus(-2e) - log 2``."""
    true, pred = pair(y_true, y_pred)
    error = ops.subtract(pred, true)
    folded = ops.softplus(ops.multiply(error, -2.0))
    return finished(ops.mean(ops.subtract(ops.add(error, folded), _LOG_2), axis=-1))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between targets and predictions: -1 for the same direction, 1 for the opposite one.

    A vector of length 0 has the cosine 0 with all others.

    Args:
        y_true, y_pred: of one shape.
        axis: along which the vectors lie.

    Returns:
        The shape without `axis`.
    """
    true, pred = pair(y_true, y_pred)
    return finished(
        ops.negative(ops.sum(ops.multiply(ops.normalize(true, axis), ops.normalize(pred, axis)), axis=axis))
    )


class MeanSquaredError(OwnLoss):
    """The mean of squared differences; see `mean_squared_error`."""

    kind = "mean_squared_error"

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "mean_squared_error",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(OwnLoss):
    """The mean of absolute differences; see `mean_absolute_error`."""

    kind = "mean_absolute_error"

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "mean_absolute_error",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(OwnLoss):
    """The mean of absolute differences in percent of the target; see `mean_absolute_percentage_error`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "mean_absolute_percentage_error",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(OwnLoss):
    """The mean of squared differences of logarithms; see `mean_squared_logarithmic_error`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "mean_squared_logarithmic_error",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(OwnLoss):
    """Squares of small errors, absolute values of large ones; see `huber`."""

    def __init__(
        self, delta: float = 1.0, reduction: Reduction = "sum_over_batch_size", name: str | None = "huber_loss",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(huber, reduction, name, dtype, delta=as_number("delta", delta))


class LogCosh(OwnLoss):
    """The logarithm of the hyperbolic cosine of errors; see `log_cosh`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "log_cosh", dtype: object = None
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(OwnLoss):
    """Minus the cosine of the angle between targets and predictions; see `cosine_similarity`."""

    def __init__(
        self, axis: int = -1, reduction: Reduction = "sum_over_batch_size", name: str | None = "cosine_similarity",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
