"""Hinge losses: how far predictions are from the right side of a margin.

The functions take targets and predictions of one shape, (N, ..., C), and give (N, ...). They raise ValueError for
shapes that differ and TypeError for what does not hold real numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ._values import finished, is_array, pair
from .base import OwnLoss, Reduction


def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true·y_pred, 0))`` over the last axis.

    Args:
        y_true: -1 or 1; where all of them are 0 or 1, 0 stands for -1.
        y_pred: of the same shape.
    """
    true, pred = pair(y_true, y_pred)
    return finished(_hinge(_signs(true), pred))


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true·y_pred, 0)²)`` over the last axis.

    Args:
        y_true: -1 or 1; where all of them are 0 or 1, 0 stands for -1.
        y_pred: of the same shape.
    """
    true, pred = pair(y_true, y_pred)
    return finished(_squared_hinge(_signs(true), pred))


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(max((1 - y_true)·y_pred) - sum(y_true·y_pred) + 1, 0)``, over the last axis, the classes.

    Args:
        y_true: one-hot. y_pred: of the same shape.
    """
    true, pred = pair(y_true, y_pred)
    right = ops.sum(ops.multiply(true, pred), axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, true), pred), axis=-1)
    return finished(ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0))


def _hinge(signs: Any, pred: Any) -> Any:
    return ops.mean(_missing(signs, pred), axis=-1)


def _squared_hinge(signs: Any, pred: Any) -> Any:
    return ops.mean(ops.square(_missing(signs, pred)), axis=-1)


def _missing(signs: Any, pred: Any) -> Any:
    return ops.maximum(ops.subtract(1.0, ops.multiply(signs, pred)), 0.0)


def _signs(true: Any) -> Any:
    """-1 and 1 for targets that are all 0 or 1; others as they are."""
    if is_array(true):
        return _signs_of_array(true)
    binary = ops.all(ops.logical_or(ops.equal(true, 0.0), ops.equal(true, 1.0)))
    return ops.where(binary, ops.subtract(ops.multiply(true, 2.0), 1.0), true)


def _signs_of_array(true: NDArray[Any]) -> NDArray[Any]:
    return 2.0 * true - 1.0 if np.isin(true, (0, 1)).all() else true


class _OfSigns(OwnLoss):
    """Targets become signs where those of a whole batch are 0 or 1, which is found before the plan runs."""

    def prepared(self, y_true: NDArray[Any]) -> NDArray[Any]:
        return _signs_of_array(y_true)


class Hinge(_OfSigns):
    """The distance from the right side of a margin of 1; see `hinge`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "hinge", dtype: object = None
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)

    def traced_call(self, y_true: Any, y_pred: Any) -> Any:
        return _hinge(*pair(y_true, y_pred))


class SquaredHinge(_OfSigns):
    """The square of the distance from the right side of a margin of 1; see `squared_hinge`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: object = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)

    def traced_call(self, y_true: Any, y_pred: Any) -> Any:
        return _squared_hinge(*pair(y_true, y_pred))


class CategoricalHinge(OwnLoss):
    """How far the right class is from being 1 above all others; see `categorical_hinge`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "categorical_hinge",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(categorical_hinge, reduction, name, dtype)
