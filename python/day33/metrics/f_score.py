"""F-scores: precision and recall as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_number
from ._functions import EPSILON
from .base import Metric, as_result


class FBetaScore(Metric):
    """``(1 + beta²) · precision · recall / (beta² · precision + recall)`` of (N, classes).

    Args:
        average: None for one score per class; "micro" for the score of all counts together; "macro" for the mean of
            the scores; "weighted" for their mean weighted by the number of targets.
        beta: how much more recall counts than precision, above 0.
        threshold: predictions above it, from 0 to 1, are positive; None for the largest of each sample.
        name, dtype: see `Metric`.

    Raises:
        ValueError: an argument is none of these; in an update, arrays that are not (N, classes).
    """

    direction = "up"
    _builds_late = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f'average is {average!r}; expected None, "micro", "macro" or "weighted"')
        if as_number("beta", beta) <= 0:
            raise ValueError(f"beta is {beta}; expected a number above 0")
        if threshold is not None and not 0 < as_number("threshold", threshold) <= 1:
            raise ValueError(f"threshold is {threshold}; expected None or a number above 0 of at most 1")
        self.average = average
        self.beta = float(beta)
        self.threshold = threshold

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives, self.false_positives, self.false_negatives, self.intermediate_weights = (
            self.add_variable(shape, dtype="float64", name=name)
            for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, pred = (np.asarray(values, np.float32) for values in (y_true, y_pred))
        if true.ndim != 2 or true.shape != pred.shape:
            raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected (N, classes) of both")
        if not self._variables:
            self._build(pred.shape[1])
        if self.threshold is None:
            positive = (pred >= pred.max(axis=-1, keepdims=True)) & (np.abs(pred) > 1e-9)  # of zeros, none
        else:
            positive = pred > np.float32(self.threshold)
        weights = np.ones((len(pred), 1)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        weights = weights[:, np.newaxis] if weights.ndim == 1 else weights
        if weights.ndim != 2 or len(weights) != len(pred):
            raise ValueError(f"sample_weight has shape {weights.shape}; expected ({len(pred)},), one per sample")
        axis = None if self.average == "micro" else 0
        for variable, values in (
            (self.true_positives, positive * true),
            (self.false_positives, positive * (1 - true)),
            (self.false_negatives, ~positive * true),
            (self.intermediate_weights, true),
        ):
            variable.assign_add(np.sum(values * weights, axis=axis))

    def result(self) -> Any:
        if not self._variables:
            raise ValueError(f"metric {self.name!r} has no result before the first batch")
        tiny = EPSILON
        hits = np.asarray(self.true_positives)
        precision = hits / (hits + self.false_positives + tiny)
        recall = hits / (hits + self.false_negatives + tiny)
        scores = np.asarray((1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + tiny))
        if self.average == "weighted":
            weights = np.asarray(self.intermediate_weights)
            return as_result(np.sum(scores * weights / (weights.sum() + tiny)))
        return as_result(scores if self.average is None else scores.mean())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall of (N, classes); see `FBetaScore`, with `beta` 1.

    Args:
        average, threshold, name, dtype: see `FBetaScore`.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
