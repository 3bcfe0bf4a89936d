"""Bounds on gradients, as Keras and TensorFlow clip them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _native
from .._core.slices import SlicedGradient, with_slices

if TYPE_CHECKING:
    from .._native import Float32


def by_norm(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """Each gradient, scaled down to an L2 norm of `bound` where it has a larger one.

    The norm of a sum of slices is that of all slices, side by side, as TensorFlow takes it.
    """
    scaled = []
    for gradient in gradients:
        norm = math.sqrt(_sum_of_squares(gradient))
        scaled.append(gradient if norm <= bound else _scaled(gradient, bound / norm))
    return scaled


def by_global_norm(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """All gradients, scaled down by one factor where their common L2 norm is larger than `bound`.

    As in Keras, one NaN or infinity makes every gradient NaN. The norm of a sum of slices is that of all slices; what
    comes out is one slice, as on TensorFlow.
    """
    norm = math.sqrt(math.fsum(_sum_of_squares(gradient) for gradient in gradients))
    gradients = [with_slices(d, None) if isinstance(d, SlicedGradient) else d for d in gradients]
    if norm <= bound:
        return list(gradients)
    factor = bound / norm if math.isfinite(norm) else math.nan
    return [_scaled(gradient, factor) for gradient in gradients]


def by_value(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """Every entry between -bound and bound; NaN stays."""
    return [
        np.clip(gradient, np.float32(-bound), np.float32(bound), out=np.empty_like(gradient)) for gradient in gradients
    ]


def _sum_of_squares(gradient: Float32) -> float:
    if isinstance(gradient, SlicedGradient) and gradient.sums is not None:
        assert gradient.sums.squares is not None
        return float(gradient.sums.squares.sum(dtype=np.float64))
    return _native.sum_of_squares(gradient)


def _scaled(gradient: Float32, factor: float) -> Float32:
    with np.errstate(invalid="ignore"):  # infinity times 0
        scaled = np.multiply(gradient, np.float32(factor), out=np.empty_like(gradient))  # no scalar of shape ()
        if not isinstance(gradient, SlicedGradient):
            return scaled
        return with_slices(scaled, None if gradient.sums is None else gradient.sums.scaled(factor))
