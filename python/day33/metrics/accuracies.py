"""How often predictions are right: functions with one value per sample, and their running means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_int, drop_last_axis
from .._core.targets import match_rank
from .means import FunctionMean


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.bool_]:
    """Where the two are equal: (N, ...)."""
    true, pred = match_rank(np.asarray(y_true), np.asarray(y_pred))
    return np.asarray(true == pred)


def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Where the target is 1 and the prediction above the threshold, or 0 and not above: (N, ...)."""
    true, pred = match_rank(np.asarray(y_true), np.asarray(y_pred))
    return np.asarray(true == (pred > threshold))


def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.bool_]:
    """Where the largest target and the largest prediction are the same class: (N, ..., C) gives (N, ...)."""
    return np.asarray(np.argmax(y_true, axis=-1) == np.argmax(y_pred, axis=-1))


def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.bool_]:
    """Where the largest prediction is the labelled class: labels (N, ...) or (N, ..., 1) give (N, ...)."""
    pred = np.asarray(y_pred)
    if pred.ndim == 0:
        raise ValueError("y_pred has shape (); expected (N, ..., C)")
    return np.asarray(_labels(y_true, pred) == np.argmax(pred, axis=-1))


def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> NDArray[np.bool_]:
    """Where the largest target is among the k largest predictions: (N, ..., C) gives (N, ...)."""
    return sparse_top_k_categorical_accuracy(np.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False
) -> NDArray[np.bool_]:
    """Where the labelled class is among the k largest predictions; ties at the border count as inside.

    Args:
        y_true: labels, (N, ...) or (N, ..., 1).
        y_pred: scores (N, ..., C); with `from_sorted_ids` the numbers of classes, the best first.
        k: how many of them.
        from_sorted_ids: see `y_pred`.

    Raises:
        ValueError: shapes that do not fit together.
    """
    pred = np.asarray(y_pred)
    labels = _labels(y_true, pred)
    if pred.ndim == 0 or pred.shape[-1] == 0 or labels.shape != pred.shape[:-1]:
        raise ValueError(
            f"y_true has shape {labels.shape}; expected {pred.shape[:-1]}, for y_pred of shape {pred.shape}"
        )
    if from_sorted_ids:
        return np.asarray((labels[..., np.newaxis] == pred[..., :k]).any(axis=-1))
    # As TensorFlow's in_top_k: a label of no class is never a hit, nor are scores with NaN or infinity in them.
    known = (labels >= 0) & (labels < pred.shape[-1])
    places = np.where(known, labels, 0).astype(np.intp)
    labelled = np.take_along_axis(pred, places[..., np.newaxis], axis=-1)
    return np.asarray(known & (np.sum(pred > labelled, axis=-1) < k) & np.isfinite(pred).all(axis=-1))


def _labels(y_true: ArrayLike, pred: NDArray[Any]) -> NDArray[Any]:
    return drop_last_axis(np.asarray(y_true), pred.ndim - 1)


class Accuracy(FunctionMean):
    """How often predictions equal targets exactly."""

    direction = "up"
    function = staticmethod(accuracy)


class BinaryAccuracy(FunctionMean):
    """How often predictions, cut at `threshold`, equal targets of 0 and 1.

    Args:
        name, dtype: see `Metric`.
        threshold: predictions above it count as 1.
    """

    direction = "up"
    function = staticmethod(binary_accuracy)

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        self._begin(name, dtype, threshold=threshold)


class CategoricalAccuracy(FunctionMean):
    """How often the largest prediction is the class of a one-hot target."""

    direction = "up"
    function = staticmethod(categorical_accuracy)


class SparseCategoricalAccuracy(FunctionMean):
    """How often the largest prediction is the labelled class."""

    direction = "up"
    function = staticmethod(sparse_categorical_accuracy)


class TopKCategoricalAccuracy(FunctionMean):
    """How often the class of a one-hot target is among the `k` largest predictions."""

    direction = "up"
    function = staticmethod(top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        self._begin(name, dtype, k=as_int("k", k, 1))


class SparseTopKCategoricalAccuracy(FunctionMean):
    """How often the labelled class is among the `k` largest predictions.

    Args:
        k: how many.
        name, dtype: see `Metric`.
        from_sorted_ids: predictions are not scores but the numbers of classes, from the highest score to the lowest.
    """

    direction = "up"
    function = staticmethod(sparse_top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None, from_sorted_ids: bool = False) -> None:
        self._begin(name, dtype, k=as_int("k", k, 1), from_sorted_ids=bool(from_sorted_ids))
