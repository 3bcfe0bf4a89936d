"""Metrics by name, by configuration and by function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import losses
from .._core.naming import snake_case
from .base import Metric
from .means import MeanMetricWrapper

CLASSES: dict[str, type[Metric]] = {}  # by their names; the room's __init__ fills it
_SHORT = {
    "bce": "BinaryCrossentropy",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "mse": "MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError",
}


def maker(identifier: Any) -> Callable[[], Metric]:
    """A function that gives the metric of `identifier`, which is checked at once; see `get`."""
    if isinstance(identifier, Metric):
        return lambda: identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier
    if isinstance(identifier, losses.Loss):
        return lambda: MeanMetricWrapper(identifier.call, identifier.name)
    if isinstance(identifier, str):
        made = _class(identifier)
        return lambda: _named(identifier, made())
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        made = _class(identifier["class_name"])
        return lambda: made(**identifier.get("config", {}))
    if callable(identifier):
        return lambda: MeanMetricWrapper(identifier)
    raise TypeError(f"metric is {identifier!r}; expected a name, a Metric or a function of y_true and y_pred")


def get(identifier: Any) -> Metric:
    """A metric from itself, its name, its configuration, or a function ``fn(y_true, y_pred)``, which is averaged.

    A metric made from a string keeps that string as its name, as in `compile` of Keras. Raises ValueError for an
    unknown name, TypeError for anything else.
    """
    return maker(identifier)()


def _class(name: str) -> type[Metric]:
    names = {snake_case(known): known for known in CLASSES} | {known: known for known in CLASSES}
    names |= _SHORT | {short.upper(): known for short, known in _SHORT.items()}
    if name not in names:
        raise ValueError(f"metric is {name!r}; expected one of {', '.join(sorted(names))}, or a function")
    return CLASSES[names[name]]


def _named(name: str, metric: Metric) -> Metric:
    metric.name = name
    return metric
