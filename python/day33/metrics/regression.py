"""How far predictions are from targets: running means of distances, R², correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import losses
from .._core.arrays import as_int
from . import _functions as functions
from .base import Metric, as_result
from .means import FunctionMean, Mean


class MeanSquaredError(FunctionMean):
    """The mean squared difference."""

    direction = "down"
    function = staticmethod(losses.mean_squared_error)


class MeanAbsoluteError(FunctionMean):
    """The mean absolute difference."""

    direction = "down"
    function = staticmethod(losses.mean_absolute_error)


class MeanAbsolutePercentageError(FunctionMean):
    """The mean absolute difference in percent of the target; see `mean_absolute_percentage_error`."""

    direction = "down"
    function = staticmethod(functions.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionMean):
    """The mean squared difference of ``log(1 + value)``; see `mean_squared_logarithmic_error`."""

    direction = "down"
    function = staticmethod(functions.mean_squared_logarithmic_error)


class LogCoshError(FunctionMean):
    """The mean of ``log(cosh(difference))``; see `log_cosh`."""

    direction = "down"
    function = staticmethod(functions.log_cosh)

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class CosineSimilarity(FunctionMean):
    """The mean cosine of the angle between targets and predictions: 1 for the same direction, -1 for the opposite.

    Args:
        name, dtype: see `Metric`.
        axis: along which the vectors lie.
    """

    direction = "up"
    function = staticmethod(functions.cosine_similarity)

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        self._begin(name, dtype, axis=axis)


class PearsonCorrelation(FunctionMean):
    """The mean correlation of targets and predictions; see `pearson_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: along which the values lie, or several axes.
    """

    direction = "up"
    function = staticmethod(functions.pearson_correlation)

    def __init__(self, name: str | None = None, dtype: Any = None, axis: Any = -1) -> None:
        self._begin(name, dtype, axis=axis)


class ConcordanceCorrelation(FunctionMean):
    """The mean agreement of targets and predictions, in correlation and in scale; see `concordance_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: along which the values lie, or several axes.
    """

    direction = "up"
    function = staticmethod(functions.concordance_correlation)

    def __init__(self, name: str | None = None, dtype: Any = None, axis: Any = -1) -> None:
        self._begin(name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The square root of the mean squared difference over all batches.

    Args:
        name, dtype: see `Metric`.
    """

    direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        true, pred = functions.pair(y_true, y_pred)
        self._add(np.square(pred - true), sample_weight)

    def result(self) -> Any:
        return as_result(np.sqrt(super().result()))


class R2Score(Metric):
    """The coefficient of determination: ``1 - sum((t - p)²) / sum((t - mean(t))²)``, of (N, outputs).

    1 for perfect predictions, 0 for predictions as good as the mean of the targets. An output whose targets are all the
    same counts as 0.

    Args:
        class_aggregation: of the scores of the outputs: "uniform_average", "variance_weighted_average", or None for
            one score per output.
        num_regressors: above 0, the number of predictors k of the adjusted score ``1 - (1 - R²)(n - 1) / (n - k - 1)``.
        name, dtype: see `Metric`.

    Raises:
        ValueError: another aggregation, a negative number, or, in an update, arrays that are not (N, outputs).
    """

    direction = "up"
    _builds_late = True

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        allowed = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in allowed:
            raise ValueError(f"class_aggregation is {class_aggregation!r}; expected one of {allowed}")
        self.class_aggregation = class_aggregation
        self.num_regressors = as_int("num_regressors", num_regressors, 0)
        self.num_samples = self.add_variable(dtype="float64", name="num_samples")

    def _build(self, outputs: int) -> None:
        self.squared_sum, self.sum, self.total_mse, self.count = (
            self.add_variable((outputs,), dtype="float64", name=name)
            for name in ("squared_sum", "sum", "residual", "count")
        )

    @property
    def _is_built(self) -> bool:
        return len(self._variables) > 1

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, pred = functions.pair(y_true, y_pred)
        if true.ndim != 2 or true.shape != pred.shape:
            raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected (N, outputs) of both")
        if not self._is_built:
            self._build(true.shape[1])
        weights = np.asarray(1.0 if sample_weight is None else sample_weight, np.float64)
        weights = np.broadcast_to(weights[:, np.newaxis] if weights.ndim == 1 else weights, true.shape)
        self.sum.assign_add(np.sum(true * weights, axis=0))
        self.squared_sum.assign_add(np.sum(np.square(true) * weights, axis=0))
        self.total_mse.assign_add(np.sum(np.square(true - pred) * weights, axis=0))
        self.count.assign_add(np.sum(weights, axis=0))
        self.num_samples.assign_add(true.size)

    def result(self) -> Any:
        if not self._is_built:
            raise ValueError(f"metric {self.name!r} has no result before the first batch")
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum - self.sum * self.sum / self.count
            scores = np.asarray(1 - self.total_mse / total)
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "variance_weighted_average":
                scores = np.sum(total * scores) / np.sum(total)
            elif self.class_aggregation is not None:
                scores = np.mean(scores)
        if self.num_regressors:
            freedom = float(self.num_samples) - self.num_regressors - 1
            if freedom <= 0:
                warnings.warn(
                    f"num_regressors is {self.num_regressors} and there are {int(self.num_samples)} values; expected "
                    "fewer: the score is not adjusted",
                    stacklevel=2,
                )
            else:
                scores = 1 - (1 - scores) * (float(self.num_samples) - 1) / freedom
        return as_result(scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
