"""Losses of overlap, for masks of pictures: Dice and Tversky.

By default they give one number for the batch as a whole, as Keras does, which a plan then takes in stages;
``axis=(1, 2, 3)`` gives one per picture.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from .._core.arrays import as_number
from ._values import finished, pair
from .base import OwnLoss, Reduction

_EPSILON = 1e-7

Axes = int | tuple[int, ...] | list[int] | None


def dice(y_true: Any, y_pred: Any, axis: Axes = None) -> Any:
    """``1 - 2·sum(y_true·y_pred) / (sum(y_true) + sum(y_pred) + 1e-7)``.

    Args:
        y_true, y_pred: masks of one shape, 0 to 1.
        axis: that the sums go over; all by default.

    Returns:
        The shape without these axes.

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    overlap = ops.sum(ops.multiply(true, pred), axis=axis)
    sizes = ops.add(ops.sum(true, axis=axis), ops.sum(pred, axis=axis))
    share = ops.divide(ops.multiply(overlap, 2.0), ops.add(sizes, _EPSILON))
    return finished(ops.subtract(1.0, share))


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> Any:
    """``1 - overlap / (overlap + alpha·missed + beta·wrong + 1e-7)``.

    ``overlap`` is ``sum(y_true·y_pred)``, ``missed`` is ``sum(y_true·(1 - y_pred))`` and ``wrong``
    ``sum((1 - y_true)·y_pred)``. With 0.5 and 0.5 it is `dice`.

    Source: Salehi et al., Tversky loss function for image segmentation, 2017.

    Args:
        y_true, y_pred: masks of one shape, 0 to 1.
        alpha, beta: factors.
        axis: that the sums go over; all by default.

    Returns:
        The shape without these axes.

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    overlap = ops.sum(ops.multiply(true, pred), axis=axis)
    missed = ops.sum(ops.multiply(ops.subtract(1.0, pred), true), axis=axis)
    wrong = ops.sum(ops.multiply(pred, ops.subtract(1.0, true)), axis=axis)
    both = ops.add(ops.multiply(missed, as_number("alpha", alpha)), ops.multiply(wrong, as_number("beta", beta)))
    return finished(ops.subtract(1.0, ops.divide(overlap, ops.add(ops.add(overlap, both), _EPSILON))))


class Dice(OwnLoss):
    """1 minus the Dice coefficient of two masks; see `dice`."""

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "dice", axis: Axes = None,
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(OwnLoss):
    """1 minus the Tversky index of two masks; see `tversky`."""

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "tversky", axis: Axes = None, dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(
            tversky, reduction, name, dtype, alpha=as_number("alpha", alpha), beta=as_number("beta", beta), axis=axis
        )
