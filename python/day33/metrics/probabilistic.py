"""How well predicted probabilities fit the targets: running means of cross-entropies and divergences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import losses
from .._core.arrays import as_axis, drop_last_axis
from .._core.targets import match_rank
from . import _functions as functions
from .means import FunctionMean


class KLDivergence(FunctionMean):
    """The mean Kullback-Leibler divergence of predicted distributions from the targets; see `kl_divergence`."""

    direction = "down"
    function = staticmethod(functions.kl_divergence)


class Poisson(FunctionMean):
    """The mean of ``p - t·log(p)``, the negative log-likelihood of counts; see `poisson`."""

    direction = "down"
    function = staticmethod(functions.poisson)


class BinaryCrossentropy(FunctionMean):
    """The mean binary cross-entropy of predictions.

    Args:
        name, dtype: see `Metric`.
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by 1/2, from 0 to 1.
    """

    direction = "down"
    function = staticmethod(losses.binary_crossentropy)

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        self._begin(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


def _classes_last(values: NDArray[Any], axis: int) -> NDArray[Any]:
    return np.moveaxis(values, as_axis(axis, values.ndim), -1)


def _categorical(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, label_smoothing: float, axis: int) -> Any:
    true, pred = (_classes_last(np.asarray(values), axis) for values in (y_true, y_pred))
    return losses.categorical_crossentropy(true, pred, from_logits, label_smoothing)


class CategoricalCrossentropy(FunctionMean):
    """The mean cross-entropy of one-hot targets and predictions.

    Args:
        name, dtype: see `Metric`.
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by the uniform distribution, from 0 to 1.
        axis: of the classes.
    """

    direction = "down"
    function = staticmethod(_categorical)

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        self._begin(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(FunctionMean):
    """The mean cross-entropy of labels and predictions.

    Args:
        name, dtype: see `Metric`.
        from_logits: predictions are logits, not probabilities.
        ignore_class: a label whose positions have the value 0 and, where there are sample weights, no weight.
        axis: of the classes.
    """

    direction = "down"
    function = staticmethod(losses.sparse_categorical_crossentropy)

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        self._begin(name, dtype, from_logits=from_logits)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        pred = _classes_last(np.asarray(y_pred), self.axis)
        labels = np.asarray(y_true)
        if labels.ndim == pred.ndim and labels.shape[self.axis] == 1:
            labels = np.squeeze(labels, self.axis)
        labels = drop_last_axis(labels, pred.ndim - 1)
        if self.ignore_class is None:
            super().update_state(labels, pred, sample_weight)
            return
        counted = labels != self.ignore_class
        values = losses.sparse_categorical_crossentropy(np.where(counted, labels, 0), pred, self.from_logits)
        if sample_weight is not None:
            mask, weights = match_rank(counted, np.asarray(sample_weight, np.float64))
            sample_weight = mask * weights.reshape(*weights.shape, *[1] * (mask.ndim - weights.ndim))
        self._add(np.where(counted, values, 0.0), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignore_class": self.ignore_class, "axis": self.axis}
