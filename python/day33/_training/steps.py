"""`Steps`: how `fit`, `evaluate` and the methods for one batch make a step: natively, or in the user's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..metrics import Metric
from ..random.seeds import stream_from
from .batches import S, Samples
from .given import Given, GivenStandardizer
from .meters import Meters
from .state import Resumable

M = TypeVar("M", bound=Samples, covariant=True)
Logs = dict[str, Any]
DrawSeed = Callable[[], int]


class MakesSamples(Protocol[M]):
    """Checks and converts what users hand over."""

    def __call__(self, x: Any, y: Any, sample_weight: Any) -> M: ...
    def single(self, x: Any, y: Any, sample_weight: Any) -> M:
        """A batch on its own."""
        ...

    def item(self, item: Any) -> M:
        """From what an iterable gave."""
        ...


@dataclass(frozen=True)
class Steps(Generic[S]):
    """One way to make steps.

    Attributes:
        standardize: from what users hand over to what `run` takes.
        run: makes the step of a batch. The function gives a seed for what is random in it.
        logs: the values after the last step, for callbacks, sorted by name.
        final_logs: the same at the end of an epoch.
        own: the step that the user has written, where there is one.
    """

    standardize: MakesSamples[S]
    run: Callable[[S, DrawSeed], object]
    logs: Callable[[], Logs]
    final_logs: Callable[[], Logs]
    own: OwnStep | None = None

    def states(self, metrics: Resumable) -> Resumable:
        """What an epoch needs to go on in the middle: the state of the metrics, and what a step of the user's gave."""
        return metrics if self.own is None else _LogsAndMetrics(self.own, metrics)


class OwnStep:
    """A step that the user has written: ``step(data)`` gives a dict of values for the logs.

    Args:
        step: the method of the model.
        metrics: gives the values of the model's metrics by name.
    """

    def __init__(self, step: Callable[[Any], Any], metrics: Callable[[], Mapping[str, Any]]) -> None:
        self._step = step
        self._metrics = metrics
        self._last: Logs = {}

    def run(self, given: Given, draw_seed: DrawSeed) -> None:
        """Makes a step, whose random numbers derive from one seed."""
        with stream_from(draw_seed()):
            self.call(given.data)

    def call(self, data: Any) -> Logs:
        """Makes a step; the values for the logs. TypeError where the step gives no dict."""
        found = self._step(data)
        if not isinstance(found, Mapping):
            raise TypeError(
                f"{getattr(self._step, '__qualname__', self._step)} returned {found!r}; expected a dict of values by "
                "name, as get_metrics_result() gives it"
            )
        self._last = plain_logs(found)
        return self._last

    def logs(self) -> Logs:
        """What the last step gave."""
        return dict(self._last)

    def restore_logs(self, logs: Mapping[str, Any]) -> None:
        """Has `logs` give what a step gave in an earlier run."""
        self._last = dict(logs)

    def final_logs(self) -> Logs:
        """What the last step gave; the metrics as they stand now where they have the same names, as in Keras."""
        metrics = plain_logs(self._metrics())
        return metrics if metrics.keys() == self._last.keys() else dict(self._last)

    def steps(self, class_weight: Mapping[int, float] | None = None) -> Steps[Given]:
        """As `fit` takes them."""
        return Steps(GivenStandardizer(class_weight), self.run, self.logs, self.final_logs, self)


def plain_logs(logs: Mapping[str, Any]) -> Logs:
    """Values as floats, sorted by name; those of dicts inside by their own names, and what is no number as it is."""
    result: Logs = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, Mapping):
            result.update(plain_logs(value))
            continue
        try:
            result[name] = float(value)
        except (TypeError, ValueError):
            result[name] = np.asarray(value) if hasattr(value, "__array__") else value
    return result


class _LogsAndMetrics:
    """The state of metrics, and the numbers that the last step of the user's gave: an epoch may end with them."""

    def __init__(self, step: OwnStep, metrics: Resumable) -> None:
        self._step = step
        self._metrics = metrics

    def get_state(self) -> dict[str, Any]:
        numbers = {name: value for name, value in self._step.logs().items() if isinstance(value, float | np.ndarray)}
        return {"metrics": self._metrics.get_state(), "logs": numbers}

    def check_state(self, state: Any) -> None:
        if not isinstance(state, dict) or state.keys() not in ({"metrics", "logs"}, set()):
            raise ValueError(f"its means are {state!r}; expected those of the metrics, and the logs of a step")
        if not state:
            return
        logs = state["logs"]
        if not isinstance(logs, dict) or not all(isinstance(value, float | np.ndarray) for value in logs.values()):
            raise ValueError(f"the logs of its last step are {logs!r}; expected numbers by name")
        self._metrics.check_state(state["metrics"])

    def set_state(self, state: Mapping[str, Any]) -> None:
        if state:
            self._metrics.set_state(state["metrics"])
            self._step.restore_logs(state["logs"])


class MetricStates:
    """The state of a model's metrics, for a run that goes on later: those of `compile`, and all others in their order.

    Args:
        meters: those of `compile`.
        metrics: gives all metrics of the model.
    """

    def __init__(self, meters: Meters, metrics: Callable[[], Sequence[Metric]]) -> None:
        self._meters = meters
        self._metrics = metrics

    def _others(self) -> dict[str, Metric]:
        compiled = {id(metric) for metric in self._meters.metrics}
        own = [metric for metric in self._metrics() if id(metric) not in compiled and metric.variables]
        return {f"{number}/{metric.name}": metric for number, metric in enumerate(own)}

    def get_state(self) -> dict[str, Any]:
        """What `set_state` takes."""
        others = {name: metric.get_state() for name, metric in self._others().items()}
        return {"compiled": self._meters.get_state(), "others": others}

    def check_state(self, state: Any) -> None:
        """ValueError where `set_state` could not take `state`."""
        if not isinstance(state, dict) or state.keys() not in ({"compiled", "others"}, set()):
            raise ValueError(f"its means are {state!r}; expected those of `compile` and those of the model")
        if not state:
            return
        self._meters.check_state(state["compiled"])
        others = self._others()
        if not isinstance(state["others"], dict) or state["others"].keys() != others.keys():
            raise ValueError(f"its metrics are {state['others']!r}; expected {sorted(others)}")
        for name, metric in others.items():
            metric.check_state(state["others"][name])

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `get_state` gave."""
        if state:
            self._meters.set_state(state["compiled"])
            for name, metric in self._others().items():
                metric.set_state(state["others"][name])
