"""Functions of targets and predictions that are metrics in Keras, with one value per sample, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_float32
from .._core.targets import match_rank
from .._core.tensors import Tensor, as_tensor

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


def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``100 · mean(|t - p| / max(|t|, 1e-7))`` over the last axis."""
    true, pred = pair(y_true, y_pred)
    return as_tensor(100 * np.mean(np.abs(true - pred) / np.maximum(np.abs(true), EPSILON), axis=-1))


def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``mean((log(1 + p) - log(1 + t))²)`` over the last axis, of values that are at least 1e-7."""
    true, pred = (np.log1p(np.maximum(values, EPSILON)) for values in pair(y_true, y_pred))
    return as_tensor(np.mean(np.square(pred - true), axis=-1))


def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``mean(log(cosh(p - t)))`` over the last axis, computed as ``|d| + log1p(exp(-2|d|)) - log(2)``."""
    true, pred = pair(y_true, y_pred)
    distance = np.abs(pred - true)
    return as_tensor(np.mean(distance + np.log1p(np.exp(-2 * distance)) - np.log(2), axis=-1))


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of ``d²/2`` where ``|d| <= delta``, else of ``delta·|d| - delta²/2``."""
    true, pred = pair(y_true, y_pred)
    distance = np.abs(pred - true)
    values = np.where(distance <= delta, np.square(distance) / 2, delta * distance - delta**2 / 2)
    return as_tensor(values.mean(axis=-1))


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Tensor:
    """``sum(t·p) / (|t|·|p|)`` along `axis`, 0 for a vector of zeros: 1 for the same direction, -1 for the opposite."""
    true, pred = pair(y_true, y_pred)
    return as_tensor(np.sum(_unit(true, axis) * _unit(pred, axis), axis=axis))


def _unit(vectors: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    squares = np.sum(np.square(vectors), axis=axis, keepdims=True)
    return np.asarray(vectors / np.sqrt(np.maximum(squares, np.square(EPSILON))))


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``sum(t · log(t / p))`` over the last axis, of probabilities clipped to [1e-7, 1]."""
    true, pred = (np.clip(values, EPSILON, 1) for values in pair(y_true, y_pred))
    return as_tensor(np.sum(true * np.log(true / pred), axis=-1))


def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``mean(p - t · log(p + 1e-7))`` over the last axis."""
    true, pred = pair(y_true, y_pred)
    with np.errstate(invalid="ignore", divide="ignore"):
        return as_tensor(np.mean(pred - true * np.log(pred + EPSILON), axis=-1))


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``mean(max(1 - t·p, 0))`` over the last axis. Targets are -1 and 1; where all are 0 or 1, 0 stands for -1."""
    return as_tensor(np.mean(_margins(y_true, y_pred), axis=-1))


def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``mean(max(1 - t·p, 0)²)`` over the last axis. Targets are -1 and 1; where all are 0 or 1, 0 stands for -1."""
    return as_tensor(np.mean(np.square(_margins(y_true, y_pred)), axis=-1))


def _margins(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    true, pred = pair(y_true, y_pred)
    if np.isin(true, (0, 1)).all():
        true = 2 * true - 1
    return np.maximum(1 - true * pred, 0)


def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Tensor:
    """``max(1 + max((1 - t)·p) - sum(t·p), 0)`` with maximum and sum over the last axis, for one-hot targets."""
    true, pred = pair(y_true, y_pred)
    return as_tensor(np.maximum(np.max((1 - true) * pred, axis=-1) - np.sum(true * pred, axis=-1) + 1, 0))


def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Any = -1) -> Tensor:
    """``cov(t, p) / (std(t) · std(p))`` along `axis`, Pearson's coefficient. NaN where all values are the same."""
    true, pred = pair(y_true, y_pred)
    return as_tensor(np.mean(_standard(true, axis) * _standard(pred, axis), axis=axis))


def _standard(values: NDArray[np.float64], axis: Any) -> NDArray[np.float64]:
    centred = values - values.mean(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(centred / centred.std(axis=axis, keepdims=True))


def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Any = -1) -> Tensor:
    """Lin's coefficient along `axis`: ``2·cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))²)`` (Lin, 1989)."""
    true, pred = pair(y_true, y_pred)
    centres = [values.mean(axis=axis, keepdims=True) for values in (true, pred)]
    covariance = np.mean((true - centres[0]) * (pred - centres[1]), axis=axis)
    distance = np.squeeze(np.square(centres[0] - centres[1]), axis=axis)
    spread = true.var(axis=axis) + pred.var(axis=axis) + distance
    return as_tensor(2 * covariance / (spread + EPSILON))
