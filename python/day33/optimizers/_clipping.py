"""Bounds on gradients, as Keras and TensorFlow clip them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _native

if TYPE_CHECKING:
    from .._native import Float32


def by_norm(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """Each gradient, scaled down to an L2 norm of `bound` where it has a larger one."""
    scaled = []
    for gradient in gradients:
        norm = math.sqrt(_native.sum_of_squares(gradient))
        scaled.append(gradient if norm <= bound else _scaled(gradient, bound / norm))
    return scaled


def by_global_norm(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """All gradients, scaled down by one factor where their common L2 norm is larger than `bound`.

    As in Keras, one NaN or infinity makes every gradient NaN.
    """
    norm = math.sqrt(math.fsum(_native.sum_of_squares(gradient) for gradient in gradients))
    if norm <= bound:
        return list(gradients)
    factor = bound / norm if math.isfinite(norm) else math.nan
    return [_scaled(gradient, factor) for gradient in gradients]


def by_value(gradients: Sequence[Float32], bound: float) -> list[Float32]:
    """Every entry between -bound and bound; NaN stays."""
    return [np.clip(gradient, np.float32(-bound), np.float32(bound)) for gradient in gradients]


def _scaled(gradient: Float32, factor: float) -> Float32:
    with np.errstate(invalid="ignore"):  # infinity times 0
        return gradient * np.float32(factor)
