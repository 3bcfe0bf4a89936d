"""Metrics: running means over samples, with the names and rules of Keras 3.

`update_state` adds a batch, `result` gives the value so far as a float, which also answers ``.numpy()``, and
`reset_state` starts over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import losses
from ._core.arrays import drop_last_axis
from ._core.naming import snake_case
from ._core.targets import match_rank
from ._core.tensors import Number

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]

_MetricFunction = Callable[..., Any]


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


def sparse_top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> NDArray[np.bool_]:
    """Where the labelled class is among the k largest predictions; ties at the border count as inside.

    ValueError where the shapes do not fit together.
    """
    pred = np.asarray(y_pred)
    labels = _labels(y_true, pred)
    if pred.ndim == 0 or pred.shape[-1] == 0 or labels.shape != pred.shape[:-1]:
        raise ValueError(
            f"y_true has shape {labels.shape}; expected {pred.shape[:-1]}, for y_pred of shape {pred.shape}"
        )
    # As TensorFlow's in_top_k: a label of no class is never a hit, nor are scores with NaN or infinity in them.
    known = (labels >= 0) & (labels < pred.shape[-1])
    places = np.where(known, labels, 0).astype(np.intp)
    labelled = np.take_along_axis(pred, places[..., np.newaxis], axis=-1)
    return np.asarray(known & (np.sum(pred > labelled, axis=-1) < k) & np.isfinite(pred).all(axis=-1))


def _labels(y_true: ArrayLike, pred: NDArray[Any]) -> NDArray[Any]:
    return drop_last_axis(np.asarray(y_true), pred.ndim - 1)


class Metric:
    """Base of the metrics, for metrics of your own: define `update_state`, `result` and `reset_state`.

    `direction` is "up" where more is better, "down" where less is, None if unknown: callbacks with ``mode="auto"``
    use it. `get_state` and `set_state` carry the running numbers over a checkpoint in the middle of an epoch; the
    defaults take every attribute that is a float or an int.

    Where the output of a model has a mask and `heeds_mask` is True, sample weights are 0 where the mask leaves out a
    position, with and without sample weights of the user. That is so for means of a function of targets and predictions
    (`MeanMetricWrapper`), as in Keras.
    """

    direction: str | None = None
    heeds_mask = False

    def __init__(self, name: str) -> None:
        self.name = name

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: targets (N, ...), as the user gave them.
            y_pred: predictions (N, ...).
            sample_weight: None, (N,) or (N, ...).
        """
        raise TypeError(f"{type(self).__name__} does not define update_state")

    def result(self) -> float:
        """The value so far."""
        raise TypeError(f"{type(self).__name__} does not define result")

    def reset_state(self) -> None:
        """Starts over."""
        raise TypeError(f"{type(self).__name__} does not define reset_state")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __call__(self, *args: Any, **keywords: Any) -> float:
        self.update_state(*args, **keywords)
        return self.result()

    def get_state(self) -> dict[str, float]:
        """The running numbers."""
        return {key: value for key, value in vars(self).items() if isinstance(value, float | int)}

    def check_state(self, state: dict[str, float]) -> None:
        """ValueError where `set_state` could not take `state`."""
        own = self.get_state()
        if state.keys() != own.keys() or not all(isinstance(value, float | int) for value in state.values()):
            raise ValueError(f"the state of metric {self.name!r} is {state!r}; expected numbers for {', '.join(own)}")

    def set_state(self, state: dict[str, float]) -> None:
        """Goes on from what `get_state` gave."""
        vars(self).update(state)


class Mean(Metric):
    """The mean of values: ``update_state(values, sample_weight=None)``. 0 before the first value.

    Values of (N, ...) are first averaged for each sample. With weights the result is the weighted sum divided by the
    sum of the weights.
    """

    def __init__(self, name: str = "mean") -> None:
        super().__init__(name)
        self.total = 0.0
        self.count = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        self._add(np.asarray(values, np.float64), sample_weight)

    def _add(self, values: NDArray[np.float64], sample_weight: Any) -> None:
        if sample_weight is None:
            if values.ndim == 0:
                self.total += float(values)
                self.count += 1.0
            elif values.size:
                self.total += float(values.sum()) / (values.size // values.shape[0])
                self.count += float(values.shape[0])
            return
        values, weights = match_rank(values, np.asarray(sample_weight, np.float64))
        if values.ndim > weights.ndim:
            values = values.mean(axis=tuple(range(weights.ndim, values.ndim)))
        try:
            weights = np.broadcast_to(weights, values.shape)
        except ValueError:
            raise ValueError(
                f"metric {self.name!r} has values of shape {values.shape}, and sample weights or a mask of shape "
                f"{weights.shape}; expected one value per weight (a function that reduces further cannot be weighted)"
            ) from None
        if not values.size:
            return
        rest = values.size // values.shape[0] if values.ndim else 1
        self.total += float((values * weights).sum()) / rest
        self.count += float(weights.sum()) / rest

    def result(self) -> float:
        return Number(self.total / self.count if self.count else 0.0)

    def reset_state(self) -> None:
        self.total = 0.0
        self.count = 0.0


class MeanMetricWrapper(Mean):
    """The mean over samples of ``fn(y_true, y_pred, **keywords)``, any function that gives one number per sample.

    `fn` gets NumPy arrays and returns (N, ...), or one number for the batch, which then counts as one value. The
    default name is that of the function in snake case, "lambda" where it has none.
    """

    heeds_mask = True

    def __init__(self, fn: _MetricFunction, name: str | None = None, **keywords: Any) -> None:
        super().__init__(name or snake_case(str(getattr(fn, "__name__", type(fn).__name__))))
        self._fn = fn
        self._keywords = keywords

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        self._add(np.asarray(self._fn(y_true, y_pred, **self._keywords), np.float64), sample_weight)


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets exactly."""

    direction = "up"

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(accuracy, name)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions, cut at `threshold`, equal targets of 0 and 1.

    Args:
        name: in the logs.
        threshold: predictions above it count as 1.
    """

    direction = "up"

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the class of a one-hot target."""

    direction = "up"

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(categorical_accuracy, name)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the labelled class."""

    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(sparse_categorical_accuracy, name)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of a one-hot target is among the `k` largest predictions."""

    direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(top_k_categorical_accuracy, name, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the labelled class is among the `k` largest predictions."""

    direction = "up"

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, k=k)


class MeanSquaredError(MeanMetricWrapper):
    """The mean squared difference."""

    direction = "down"

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(losses.mean_squared_error, name)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean absolute difference."""

    direction = "down"

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__(losses.mean_absolute_error, name)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean binary cross-entropy of predictions (probabilities unless `from_logits`)."""

    direction = "down"

    def __init__(
        self, name: str = "binary_crossentropy", from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(losses.binary_crossentropy, name, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets and predictions (probabilities unless `from_logits`)."""

    direction = "down"

    def __init__(
        self, name: str = "categorical_crossentropy", from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy, name, from_logits=from_logits, label_smoothing=label_smoothing
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of labels and predictions (probabilities unless `from_logits`)."""

    direction = "down"

    def __init__(self, name: str = "sparse_categorical_crossentropy", from_logits: bool = False) -> None:
        super().__init__(losses.sparse_categorical_crossentropy, name, from_logits=from_logits)


_CLASSES: tuple[Callable[[], Metric], ...] = (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
_BY_NAME: dict[str, Callable[[], Metric]] = {
    **{metric().name: metric for metric in _CLASSES},
    **{getattr(metric, "__name__", ""): metric for metric in _CLASSES},
    **{"bce": BinaryCrossentropy, "BCE": BinaryCrossentropy},
    **{"mse": MeanSquaredError, "MSE": MeanSquaredError, "mae": MeanAbsoluteError, "MAE": MeanAbsoluteError},
}


def get(identifier: Any) -> Metric:
    """A metric from itself, its name, or a function ``fn(y_true, y_pred)``, which is averaged over the samples.

    A metric made from a string keeps that string as its name, as in `compile` of Keras. Raises ValueError for an
    unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()  # type: ignore[call-arg]
    if isinstance(identifier, losses.Loss):
        return MeanMetricWrapper(identifier.call, identifier.name)
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            raise ValueError(f"metric is {identifier!r}; expected one of {', '.join(sorted(_BY_NAME))}, or a function")
        metric = _BY_NAME[identifier]()
        metric.name = identifier
        return metric
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    raise TypeError(f"metric is {identifier!r}; expected a name, a Metric or a function of y_true and y_pred")


def __dir__() -> list[str]:
    return list(__all__)
