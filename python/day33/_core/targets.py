"""Targets and sample weights: their ranks, labels and masks, as losses and metrics take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_float32, drop_last_axis


def match_rank(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Makes ranks that differ by one equal where the extra last axis has length 1, as Keras does for losses.

    The axis is dropped; only where the other array has a single axis, it gets one more instead.
    """
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        return (first, second[..., np.newaxis]) if second.ndim == 1 else (first[..., 0], second)
    if second.ndim == first.ndim + 1:
        second, first = match_rank(second, first)
    return first, second


def smooth_labels(y_true: NDArray[Any], kind: str, label_smoothing: float) -> NDArray[Any]:
    """Pulls targets towards 1/2 (binary) or 1/classes (categorical) by the given part."""
    if not label_smoothing:
        return y_true
    classes = 2 if kind == "binary_crossentropy" else y_true.shape[-1]
    kept, spread = y_true.dtype.type(1.0 - label_smoothing), y_true.dtype.type(label_smoothing / classes)
    return np.asarray(y_true * kept + spread)


def class_labels(name: str, value: ArrayLike, shape: tuple[int, ...], classes: int) -> NDArray[np.int32]:
    """Integer labels as C-contiguous int32 of the given shape; an extra last axis of length 1 is dropped.

    Floats are truncated as in Keras. TypeError for other dtypes, ValueError for a wrong shape or labels outside
    [0, classes).
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype} and shape {array.shape}; expected integer labels")
    array = drop_last_axis(array, len(shape))
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected labels of shape {shape} or {(*shape, 1)}")
    if array.size:
        low, high = array.min(), array.max()
        if not (low >= 0 and high < classes):  # written so that NaN is refused too
            raise ValueError(
                f"{name} of shape {array.shape} holds labels from {low:.10g} to {high:.10g}; expected 0 to "
                f"{classes - 1}"
            )
    return np.ascontiguousarray(array, np.int32)


def position_weights(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Sample weights as float32: of (N,), one per sample, or of `shape`, one per position (N, ...).

    Accepts (N,), (N, 1, ...) and everything of the rank of `shape`, or with an extra last axis of length 1, that
    broadcasts to it. ValueError otherwise.
    """
    weights = as_float32(name, value)
    weights = drop_last_axis(weights, len(shape))
    samples = shape[:1]
    if weights.ndim and weights.shape[:1] == samples and weights.size == samples[0]:
        return weights.reshape(samples)
    if weights.ndim == len(shape) and all(got in (1, want) for got, want in zip(weights.shape, shape, strict=True)):
        return np.ascontiguousarray(np.broadcast_to(weights, shape))
    raise ValueError(
        f"{name} has shape {weights.shape}; expected {samples}, one per sample, or {shape}, one per position"
    )


def mask_weights(
    mask: NDArray[np.int32], weights: NDArray[np.float32] | None = None, scaled: bool = False
) -> NDArray[np.float32]:
    """Sample weights that are 0 where `mask` is 0 (Keras 3, `losses.loss.apply_mask`).

    Args:
        mask: (N, ...), the leading axes of the positions of an output.
        weights: (N,) or (N, ...), also leading axes of the positions; None for 1 everywhere.
        scaled: multiply the others by total / counted, so that a mean over all positions becomes that over the counted
            ones.

    Returns:
        float32 with the axes of the longer of the two.
    """
    counted = np.count_nonzero(mask)
    factor = mask.size / counted if scaled and counted else 1.0
    result = np.where(mask != 0, np.float32(factor), np.float32(0))
    if weights is None:
        return result
    ndim = max(mask.ndim, weights.ndim)
    mine, theirs = (array.reshape(*array.shape, *[1] * (ndim - array.ndim)) for array in (result, weights))
    return np.asarray(mine * theirs)
