"""Metrics of yes/no predictions, counted at thresholds: precision, recall and what they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int
from . import _counts as counts
from ._counts import Counts, Thresholds
from ._variables import MetricVariable
from .base import Metric, as_result


class CountingMetric(Metric):
    """Base of metrics that add up some of the four counts at thresholds."""

    counted: tuple[str, ...] = Counts._fields
    _thresholds: Thresholds

    def _add_counts(self, shape: tuple[int, ...]) -> None:
        for name in self.counted:
            setattr(self, name, self.add_variable(shape, dtype="float64", name=name))

    def _count(self, y_true: Any, y_pred: Any, **arguments: Any) -> None:
        found = counts.count(y_true, y_pred, self._thresholds, **arguments)
        for name in self.counted:
            variable: MetricVariable = getattr(self, name)
            variable.assign_add(getattr(found, name))


class ConfusionCount(CountingMetric):
    """Base of the metrics that are one of the four counts.

    Args:
        thresholds: a number from 0 to 1, or several: predictions above it are positive. 0.5 by default. The result has
            one value per threshold.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a threshold outside [0, 1]; in an update, shapes that do not fit.
    """

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds, self._thresholds = counts.given_thresholds(thresholds, 0.5)
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight=sample_weight)

    def result(self) -> Any:
        return _single(getattr(self, self.counted[0]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(ConfusionCount):
    """The number, or the weights, of positive predictions that are right.

    Args:
        thresholds, name, dtype: see `Precision`.
    """

    counted = ("true_positives",)


class FalsePositives(ConfusionCount):
    """The number, or the weights, of positive predictions that are wrong.

    Args:
        thresholds, name, dtype: see `Precision`.
    """

    counted = ("false_positives",)


class TrueNegatives(ConfusionCount):
    """The number, or the weights, of negative predictions that are right.

    Args:
        thresholds, name, dtype: see `Precision`.
    """

    counted = ("true_negatives",)


class FalseNegatives(ConfusionCount):
    """The number, or the weights, of negative predictions that are wrong.

    Args:
        thresholds, name, dtype: see `Precision`.
    """

    counted = ("false_negatives",)


class _Share(CountingMetric):
    """The share of true positives among these and another count; see the subclasses."""

    direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.top_k, self.class_id = counts.checked(top_k, class_id)
        self.thresholds, self._thresholds = counts.given_thresholds(thresholds, counts.top_k_threshold(self.top_k))
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight=sample_weight, top_k=self.top_k, class_id=self.class_id)

    def result(self) -> Any:
        hits, others = (getattr(self, name) for name in self.counted)
        return _single(counts.share(hits, others))

    def get_config(self) -> dict[str, Any]:
        arguments = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **arguments}


class Precision(_Share):
    """The share of positive predictions that are right; 0 where there is none.

    Args:
        thresholds: a number from 0 to 1, or several: predictions above it are positive. 0.5 by default. The result has
            one value per threshold.
        top_k: only the `top_k` largest predictions of a sample, along the last axis, can be positive; without
            `thresholds` they all are.
        class_id: count only this position of the last axis.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a threshold outside [0, 1]; in an update, shapes that do not fit.
    """

    counted = ("true_positives", "false_positives")


class Recall(_Share):
    """The share of the positive targets that are found; 0 where there is none.

    Args:
        thresholds, top_k, class_id, name, dtype: see `Precision`.
    """

    counted = ("true_positives", "false_negatives")


class _Best(CountingMetric):
    """The best of one share at thresholds where another share is large enough; see the subclasses."""

    direction = "up"
    bound = ""  # the argument that says how large
    constrained = ("", "")  # the share that is bound: the count on top, and the other one below
    wanted = ("", "")  # the share whose maximum is the result

    def _begin(self, bound: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        Metric.__init__(self, dtype, name)
        if not 0 <= bound <= 1:
            raise ValueError(f"{self.bound} is {bound}; expected a number from 0 to 1")
        self.num_thresholds = as_int("num_thresholds", num_thresholds, 1)
        setattr(self, self.bound, bound)
        self.class_id = counts.checked(None, class_id)[1]
        one = self.num_thresholds == 1
        self.thresholds = [0.5] if one else [0.0, *counts.evenly_spaced(self.num_thresholds - 2), 1.0]
        self._thresholds = Thresholds(self.thresholds, evenly=not one)
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight=sample_weight, class_id=self.class_id)

    def result(self) -> Any:
        constrained, wanted = (
            counts.share(*(getattr(self, name) for name in names)) for names in (self.constrained, self.wanted)
        )
        # Keras compares in float32.
        allowed = constrained.astype(np.float32) >= np.float32(getattr(self, self.bound))
        return as_result(np.max(np.where(allowed, wanted, 0.0)))

    def get_config(self) -> dict[str, Any]:
        names = ("num_thresholds", self.bound, "class_id")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class SensitivityAtSpecificity(_Best):
    """The largest sensitivity TP / (TP + FN) at thresholds where the specificity TN / (TN + FP) is large enough.

    Args:
        specificity: the least specificity, from 0 to 1.
        num_thresholds: how many thresholds from 0 to 1 are tried.
        class_id: count only this position of the last axis.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a number outside its range; in an update, shapes that do not fit.
    """

    bound = "specificity"
    constrained = ("true_negatives", "false_positives")
    wanted = ("true_positives", "false_negatives")

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._begin(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_Best):
    """The largest specificity TN / (TN + FP) at thresholds where the sensitivity TP / (TP + FN) is large enough.

    Args:
        sensitivity: the least sensitivity, from 0 to 1.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    bound = "sensitivity"
    constrained = ("true_positives", "false_negatives")
    wanted = ("true_negatives", "false_positives")

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._begin(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_Best):
    """The largest precision TP / (TP + FP) at thresholds where the recall TP / (TP + FN) is large enough.

    Args:
        recall: the least recall, from 0 to 1.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    bound = "recall"
    constrained = ("true_positives", "false_negatives")
    wanted = ("true_positives", "false_positives")

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._begin(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_Best):
    """The largest recall TP / (TP + FN) at thresholds where the precision TP / (TP + FP) is large enough.

    Args:
        precision: the least precision, from 0 to 1.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    bound = "precision"
    constrained = ("true_positives", "false_positives")
    wanted = ("true_positives", "false_negatives")

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._begin(precision, num_thresholds, class_id, name, dtype)


def _single(values: Any) -> Any:
    """The values at the thresholds, or the number where there is one threshold."""
    return as_result(values[0] if len(values) == 1 else values)
