"""Sums and means over samples, and the mean of a function of targets and predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.naming import snake_case
from .._core.targets import mask_weights, match_rank
from .._core.tensors import as_tensor, mask_of
from .base import Metric, MetricFunction, as_result


class Sum(Metric):
    """The sum of values: ``update_state(values, sample_weight=None)``. With weights, that of values times weights.

    Args:
        name, dtype: see `Metric`.
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(dtype="float64", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        values = np.asarray(values, np.float64)
        if sample_weight is not None:
            values, weights = _matched(self.name, values, sample_weight, np.sum)
            values = values * weights
        self.total.assign_add(values.sum())

    def result(self) -> Any:
        return as_result(self.total)


class Mean(Metric):
    """The mean of values: ``update_state(values, sample_weight=None)``. 0 before the first value.

    Values of (N, ...) are first averaged for each sample. With weights the result is the weighted sum divided by the
    sum of the weights.

    Args:
        name, dtype: see `Metric`.
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(dtype="float64", name="total")
        self.count = self.add_variable(dtype="float64", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        self._add(np.asarray(values, np.float64), sample_weight)

    def add(self, total: float, count: float) -> None:
        """Adds `count` values whose sum is `total`."""
        self.total.assign_add(total)
        self.count.assign_add(count)

    def _add(self, values: NDArray[np.float64], sample_weight: Any) -> None:
        if sample_weight is None:
            if values.ndim == 0:
                self.add(float(values), 1.0)
            elif values.size:
                self.add(float(values.sum()) / (values.size // values.shape[0]), float(values.shape[0]))
            return
        values, weights = _matched(self.name, values, sample_weight, np.mean)
        if values.size:
            rest = values.size // values.shape[0] if values.ndim else 1
            self.add(float((values * weights).sum()) / rest, float(weights.sum()) / rest)

    def result(self) -> Any:
        total, count = float(self.total), float(self.count)
        return as_result(total / count if count else 0.0)


def _matched(name: str, values: NDArray[Any], sample_weight: Any, reduce: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values, reduced to the axes that the weights have, and weights of the same shape."""
    values, weights = match_rank(values, np.asarray(sample_weight, np.float64))
    if values.ndim > weights.ndim:
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    try:
        return values, np.broadcast_to(weights, values.shape)
    except ValueError:
        raise ValueError(
            f"metric {name!r} has values of shape {values.shape}, and sample weights or a mask of shape "
            f"{weights.shape}; expected one value per weight (a function that reduces further cannot be weighted)"
        ) from None


class MeanMetricWrapper(Mean):
    """The mean over samples of ``fn(y_true, y_pred, **kwargs)``, any function that gives one number per sample.

    Args:
        fn: gets NumPy arrays and returns (N, ...), or one number for the batch, which then counts as one value.
        name: by default that of the function in snake case, "lambda" where it has none.
        dtype: see `Metric`.
        kwargs: passed on to `fn`.
    """

    heeds_mask = True

    def __init__(self, fn: MetricFunction, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or snake_case(str(getattr(fn, "__name__", type(fn).__name__))), dtype)
        self._fn = fn
        self._keywords = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        mask = mask_of(y_pred)
        if mask is not None:
            sample_weight = mask_weights(mask, None if sample_weight is None else np.asarray(sample_weight))
        values = self._fn(as_tensor(y_true), as_tensor(y_pred), **self._keywords)
        self._add(np.asarray(values, np.float64), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": self._fn, **self._keywords}


class FunctionMean(MeanMetricWrapper):
    """Base of the metrics that are means of a function which their class names.

    Args:
        name: in the logs; by default the name of the function.
        dtype: see `Metric`.
    """

    function: MetricFunction

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self._begin(name, dtype)

    def _begin(self, name: str | None, dtype: Any, **arguments: Any) -> None:
        """The constructor of a class whose function takes arguments; they are attributes, too, as in Keras."""
        super().__init__(type(self).function, name, dtype, **arguments)
        vars(self).update(arguments)

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._keywords}
