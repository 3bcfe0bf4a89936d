"""Losses between distributions: Kullback-Leibler divergence and Poisson.

The functions take targets and predictions of one shape, (N, ..., C), and give (N, ...). They raise ValueError for
shapes that differ and TypeError for what does not hold real numbers.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ._values import finished, pair
from .base import OwnLoss, Reduction

_EPSILON = 1e-7


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y_true·log(y_true / y_pred))`` over the last axis, of probabilities clipped to [1e-7, 1]."""
    true, pred = (ops.clip(values, _EPSILON, 1.0) for values in pair(y_true, y_pred))
    return finished(ops.sum(ops.multiply(true, ops.log(ops.divide(true, pred))), axis=-1))


def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(y_pred - y_true·log(y_pred + 1e-7))`` over the last axis: minus a log-likelihood, but for a constant."""
    true, pred = pair(y_true, y_pred)
    logs = ops.log(ops.add(pred, _EPSILON))
    return finished(ops.mean(ops.subtract(pred, ops.multiply(true, logs)), axis=-1))


class KLDivergence(OwnLoss):
    """The Kullback-Leibler divergence of predictions from targets; see `kl_divergence`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: object = None
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(OwnLoss):
    """The loss of counts whose expectations are predicted; see `poisson`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "poisson", dtype: object = None
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)
