"""`AUC`: the area under a curve of two shares over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int
from . import _counts as counts
from ._counts import Floats, Thresholds
from .base import as_result
from .confusion import CountingMetric

_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(CountingMetric):
    """The area under the ROC or the precision-recall curve, as a sum over thresholds.

    Args:
        num_thresholds: how many thresholds, from just below 0 to just above 1.
        curve: "ROC" (recall over the rate of false positives), "PR" (precision over recall) or "PRGAIN" (both as gains
            over the always-positive classifier; Flach and Kull, 2015).
        summation_method: of the steps between thresholds: "interpolation" (the middle; for "PR" the formula of Davis
            and Goadrich, 2006), "minoring" (the smaller side) or "majoring" (the larger one).
        name, dtype: see `Metric`.
        thresholds: the thresholds between 0 and 1, in place of `num_thresholds`.
        multi_label: the mean of the areas of the labels of (N, labels), rather than one area of all predictions.
        num_labels: with `multi_label`, how many labels there are; else the first batch shows it.
        label_weights: (labels,): weights of the areas with `multi_label`, else of the predictions.
        from_logits: predictions are logits, not probabilities.

    Raises:
        ValueError: an argument is none of these; in an update, shapes that do not fit.
    """

    direction = "up"
    _builds_late = True

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = _one_of("curve", curve, _CURVES)
        self.summation_method = _one_of("summation_method", summation_method, _METHODS)
        self._given = None if thresholds is None else sorted(thresholds)
        if self._given is None:
            inner = counts.evenly_spaced(as_int("num_thresholds", num_thresholds, 2) - 2)
        else:
            inner = counts.given_thresholds(self._given, 0.5)[0] if self._given else []
        self.num_thresholds = len(inner) + 2
        evenly = True if self._given is None else Thresholds([0.0, *inner, 1.0]).evenly
        # A bit beyond both ends: every prediction is above the first, none above the last.
        self.thresholds = [-1e-7, *inner, 1 + 1e-7]
        self._thresholds = Thresholds(self.thresholds, evenly)
        self.multi_label = bool(multi_label)
        self.num_labels = None if num_labels is None else as_int("num_labels", num_labels, 1)
        if self.num_labels is not None and not self.multi_label:
            raise ValueError(f"num_labels is {num_labels} and multi_label is False; expected None")
        self.label_weights = None if label_weights is None else np.asarray(label_weights, np.float64)
        self.from_logits = bool(from_logits)
        if not self.multi_label:
            self._add_counts((self.num_thresholds,))
        elif self.num_labels is not None:
            self._add_counts((self.num_thresholds, self.num_labels))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        pred = np.asarray(y_pred, np.float32)
        if self.from_logits:
            with np.errstate(over="ignore"):
                pred = np.reciprocal(1 + np.exp(-pred))
        if not self._variables:
            if pred.ndim != 2:
                raise ValueError(f"y_pred has shape {pred.shape}; expected (N, labels), for multi_label=True")
            self._add_counts((self.num_thresholds, pred.shape[1]))
        self._count(
            y_true,
            pred,
            sample_weight=sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            by_label=self.multi_label,
        )

    def result(self) -> Any:
        if not self._variables:
            return as_result(0.0)
        terms = self._interpolated() if (self.curve, self.summation_method) == ("PR", _METHODS[0]) else self._steps()
        areas = np.sum(terms, axis=0)
        if self.multi_label:
            if self.label_weights is None:
                return as_result(np.mean(areas))
            return as_result(counts.ratio(np.sum(areas * self.label_weights), np.sum(self.label_weights)))
        return as_result(areas)

    def _steps(self) -> Floats:
        """The area between each two thresholds."""
        x, y = self._points()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
        return np.asarray((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Floats, Floats]:
        hits, false_alarms, rejected, missed = (np.asarray(getattr(self, name)) for name in self.counted)
        recall = counts.share(hits, missed)
        if self.curve == "ROC":
            return counts.share(false_alarms, rejected), recall
        if self.curve == "PR":
            return recall, counts.share(hits, false_alarms)
        # Gains lose their meaning without a hit: recall 0, precision 1. Below the always-positive one, recall is 0.
        odds = counts.ratio(hits + missed, rejected + false_alarms)
        recall_gain = np.where(hits == 0, 0.0, 1 - odds * counts.ratio(missed, hits))
        precision_gain = np.where(hits == 0, 1.0, 1 - odds * counts.ratio(false_alarms, hits))
        return np.maximum(recall_gain, 0.0), precision_gain

    def _interpolated(self) -> Floats:
        """The area under the precision-recall curve between each two thresholds, with true and false positives, not
        their ratio, changing evenly: with slope s = dTP / dP and intercept i = TP - s·P, where P = TP + FP, it is
        s · (dTP + i · log(P_a / P_b)) / (TP + FN).
        """
        hits, false_alarms, _, missed = (np.asarray(getattr(self, name)) for name in self.counted)
        positive = hits + false_alarms
        upper, lower = positive[:-1], positive[1:]
        gained = hits[:-1] - hits[1:]
        slope = counts.ratio(gained, np.maximum(upper - lower, 0))
        intercept = hits[1:] - slope * lower
        growth = np.where((upper > 0) & (lower > 0), counts.ratio(upper, np.maximum(lower, 0)), 1.0)
        return counts.ratio(slope * (gained + intercept * np.log(growth)), np.maximum(hits[1:] + missed[1:], 0))

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
        return config if self._given is None else {**config, "thresholds": self._given}


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """The word that is meant, in capitals, small letters or, of methods, with a capital in front."""
    found = {spelt: word for word in allowed for spelt in (word.upper(), word.lower(), word.capitalize(), word)}
    if value not in found:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
    return found[value]
