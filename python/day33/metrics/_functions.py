"""Functions of targets and predictions that are metrics in Keras: those of losses, and some that are metrics alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_axes, as_float32
from .._core.targets import match_rank
from .._core.tensors import Tensor, as_tensor
from ..losses import (
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_percentage_error,
    mean_squared_logarithmic_error,
    poisson,
    squared_hinge,
)

__all__ = [
    "EPSILON",
    "categorical_hinge",
    "concordance_correlation",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "pair",
    "pearson_correlation",
    "poisson",
    "squared_hinge",
]

EPSILON = np.float64(np.float32(1e-7))  # keras.config.epsilon(), as float32 has it


def pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Targets and predictions of one rank, rounded to float32 as models give them. ValueError for other shapes."""
    true, pred = match_rank(as_float32("y_true", y_true), as_float32("y_pred", y_pred))
    try:
        np.broadcast_shapes(true.shape, pred.shape)
    except ValueError:
        raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected the same shape") from None
    if pred.ndim == 0 or true.ndim == 0:
        raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected at least one axis")
    return true.astype(np.float64), pred.astype(np.float64)


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Tensor:
    """``sum(t·p) / (|t|·|p|)`` along `axis`, 0 for a vector of zeros: 1 for the same direction, -1 for the opposite."""
    true, pred = pair(y_true, y_pred)
    axes = as_axes(axis, pred.ndim)
    return as_tensor(np.sum(_unit(true, axes) * _unit(pred, axes), axis=axes))


def _unit(vectors: NDArray[np.float64], axes: tuple[int, ...]) -> NDArray[np.float64]:
    squares = np.sum(np.square(vectors), axis=axes, keepdims=True)
    return np.asarray(vectors / np.sqrt(np.maximum(squares, np.square(EPSILON))))


def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Any = -1) -> Tensor:
    """``cov(t, p) / (std(t) · std(p))`` along `axis`, Pearson's coefficient. NaN where all values are the same."""
    true, pred = pair(y_true, y_pred)
    axes = as_axes(axis, pred.ndim)
    return as_tensor(np.mean(_standard(true, axes) * _standard(pred, axes), axis=axes))


def _standard(values: NDArray[np.float64], axes: tuple[int, ...]) -> NDArray[np.float64]:
    centred = values - values.mean(axis=axes, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(centred / centred.std(axis=axes, keepdims=True))


def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Any = -1) -> Tensor:
    """Lin's coefficient along `axis`: ``2·cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))²)`` (Lin, 1989)."""
    true, pred = pair(y_true, y_pred)
    axes = as_axes(axis, pred.ndim)
    centres = [values.mean(axis=axes, keepdims=True) for values in (true, pred)]
    covariance = np.mean((true - centres[0]) * (pred - centres[1]), axis=axes)
    distance = np.squeeze(np.square(centres[0] - centres[1]), axis=axes)
    spread = true.var(axis=axes) + pred.var(axis=axes) + distance
    return as_tensor(2 * covariance / (spread + EPSILON))
