"""True and false, positives and negatives at thresholds: what precision, recall and the area under curves count."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from .._core.targets import match_rank

Floats = NDArray[np.float64]
_EPSILON = 1e-7  # keras.config.epsilon()
_LEFT_OUT = np.float32(-1e10)  # what a prediction outside the largest k becomes


class Counts(NamedTuple):
    """Sums of weights, (thresholds,) each, or (thresholds, labels)."""

    true_positives: Floats
    false_positives: Floats
    true_negatives: Floats
    false_negatives: Floats


class Thresholds:
    """Predictions above a threshold are positive.

    Args:
        values: float32 thresholds, (T,).

    Attributes:
        evenly: whether they are 0, 1/(T - 1), ..., 1, up to 1e-7. Keras then clips predictions to [0, 1] and finds
            their place by a multiplication in float32, which this does too, so that the same predictions are counted.
    """

    def __init__(self, values: Any, evenly: bool | None = None) -> None:
        self.values = np.asarray(values, np.float32)
        count = len(self.values)
        if evenly is None:
            evenly = count > 2 and bool(np.allclose(values, np.arange(count) / (count - 1), atol=_EPSILON))
        self.evenly = evenly
        self._first_below = bool(self.values[0] < 0 or self.values[-1] > 1)
        self._order = np.argsort(self.values, kind="stable")

    def __len__(self) -> int:
        return len(self.values)

    def passed(self, pred: NDArray[np.float32]) -> NDArray[np.intp]:
        """How many of the thresholds, from the lowest on, each prediction is above. None for NaN."""
        if not self.evenly:
            found = np.searchsorted(self.values[self._order], pred, side="left")
            return np.asarray(np.where(np.isnan(pred), 0, found), np.intp)
        last = np.float32(len(self) - 1)
        with np.errstate(invalid="ignore"):
            passed = np.ceil(np.clip(pred, 0, 1) * last)
        if self._first_below:
            passed = np.maximum(passed, 1)
        return np.asarray(np.where(np.isnan(pred), 0, passed), np.intp)

    def above(self, passed: NDArray[np.intp], weights: Floats) -> Floats:
        """The sum of the weights of the predictions above each threshold, (T,)."""
        found = np.bincount(passed.ravel(), weights.ravel(), len(self) + 1)
        sums = np.cumsum(found[::-1])[::-1][1:]
        given = np.empty(len(sums))
        given[self._order] = sums
        return given


def given_thresholds(thresholds: Any, default: float) -> tuple[list[float], Thresholds]:
    """The list that a user's argument stands for. ValueError for one outside [0, 1]."""
    if thresholds is None:
        return [default], Thresholds([default])
    values = list(thresholds) if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    if not values or not all(value is not None and 0 <= value <= 1 for value in values):
        raise ValueError(f"thresholds is {thresholds!r}; expected numbers from 0 to 1")
    return values, Thresholds(values)


def evenly_spaced(count: int) -> list[float]:
    """`count` numbers strictly between 0 and 1 that divide it into equal parts."""
    numbers: list[float] = (np.arange(1, count + 1) / (count + 1)).tolist()
    return numbers


def top_k_threshold(top_k: int | None) -> float:
    """The default threshold: everything that is among the largest k is positive."""
    return 0.5 if top_k is None else float(_LEFT_OUT)


def count(
    y_true: Any,
    y_pred: Any,
    thresholds: Thresholds,
    *,
    sample_weight: Any = None,
    label_weights: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    by_label: bool = False,
) -> Counts:
    """Counts the four cases at each threshold.

    Args:
        y_true: targets, true where they are not 0.
        y_pred: predictions of the same shape, or with an extra last axis of length 1 on one side.
        thresholds: predictions above are positive.
        sample_weight: None, or a shape whose axes are the first of those of `y_pred`, to which it can be stretched.
        label_weights: (labels,), multiplied with the weights of samples.
        top_k: only the largest k along the last axis may be positive.
        class_id: count that position of the last axis only.
        by_label: count each position of the last axis of (N, labels) on its own.

    Raises:
        ValueError: shapes that do not fit.
    """
    true, pred = match_rank(np.asarray(y_true), np.asarray(y_pred, np.float32))
    if true.shape != pred.shape:
        raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected the same shape")
    if by_label and pred.ndim != 2:
        raise ValueError(f"y_pred has shape {pred.shape}; expected (N, labels), for multi_label=True")
    weights = np.ones(pred.shape) if sample_weight is None else stretched(sample_weight, pred.shape)
    if label_weights is not None:
        weights = weights * label_weights
    if top_k is not None:
        pred = _largest(pred, top_k)
    if class_id is not None:
        if pred.ndim < 2:
            raise ValueError(f"y_pred has shape {pred.shape}; expected (N, classes), for class_id={class_id}")
        if class_id >= pred.shape[-1]:
            raise ValueError(f"class_id is {class_id}; expected less than {pred.shape[-1]}, the classes of y_pred")
        true, pred, weights = (array[..., class_id] for array in (true, pred, weights))
    true = true != 0
    passed = thresholds.passed(pred)
    right, wrong = np.where(true, weights, 0.0), np.where(true, 0.0, weights)
    if by_label:
        columns = [_four(thresholds, passed[:, i], right[:, i], wrong[:, i]) for i in range(pred.shape[1])]
        return Counts(*(np.stack(parts, axis=1) for parts in zip(*columns, strict=True)))
    return _four(thresholds, passed, right, wrong)


def _four(thresholds: Thresholds, passed: NDArray[np.intp], right: Floats, wrong: Floats) -> Counts:
    hits, false_alarms = (thresholds.above(passed, weights) for weights in (right, wrong))
    return Counts(hits, false_alarms, wrong.sum() - false_alarms, right.sum() - hits)


def stretched(sample_weight: Any, shape: tuple[int, ...]) -> Floats:
    """Weights whose axes are the first of `shape`, or all of them and one more of length 1, as an array of `shape`."""
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    expanded = weights.reshape(*weights.shape, *[1] * (len(shape) - weights.ndim))
    try:
        return np.broadcast_to(expanded, shape)
    except ValueError:
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected the first axes of {shape}, the shape of the predictions"
        ) from None


def _largest(pred: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The predictions, with all but the largest k along the last axis out of reach. The first of equal ones counts."""
    if pred.ndim == 0 or k > pred.shape[-1]:
        raise ValueError(f"top_k is {k}; expected at most the last size of y_pred, which has shape {pred.shape}")
    order = np.argsort(-pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(pred, _LEFT_OUT)
    np.put_along_axis(kept, order, np.take_along_axis(pred, order, axis=-1), axis=-1)
    return kept


def share(part: Any, rest: Any) -> Floats:
    """``part / (part + rest)``, 0 where both are 0."""
    return ratio(part, part + rest)


def ratio(part: Any, whole: Any) -> Floats:
    """``part / whole``, 0 where `whole` is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole == 0, 0.0, part / whole)


def checked(top_k: Any, class_id: Any) -> tuple[int | None, int | None]:
    """Both arguments as numbers or None."""
    return (
        None if top_k is None else as_int("top_k", top_k, 1),
        None if class_id is None else as_int("class_id", class_id, 0),
    )
