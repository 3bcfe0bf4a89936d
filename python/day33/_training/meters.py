"""`Meters`: the running means that an epoch reports, of the loss and of the metrics of each output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import metrics as metric_registry
from .._core.targets import mask_weights
from .._core.types import Array
from ..metrics import Mean, Metric
from ..metrics.registry import maker
from .batches import Batch
from .structures import leaves, per_output


class StepResult(NamedTuple):
    """What a plan gave for a batch.

    Attributes:
        values: the value of each loss.
        outputs: of the model, (N, ...) each; empty where they were not wanted.
        masks: of the outputs that have one, by number: int32 with the leading axes of the output, 0 where a position
            does not count.
        penalty: what is minimised besides the losses.
    """

    values: Sequence[float]
    outputs: Sequence[Array]
    masks: Mapping[int, Array]
    penalty: float = 0.0


def is_accuracy(identifier: Any) -> bool:
    """Whether `identifier` is the word for the accuracy that suits the shapes, in any case, as in Keras."""
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def accuracy_for(name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> Metric:
    """The binary, sparse categorical or categorical accuracy, from the shapes of targets and predictions."""
    if pred_shape[-1] == 1:
        return metric_registry.BinaryAccuracy(name)
    if len(true_shape) < len(pred_shape) or true_shape[-1] == 1:
        return metric_registry.SparseCategoricalAccuracy(name)
    return metric_registry.CategoricalAccuracy(name)


class OutputMetrics:
    """`metrics` or `weighted_metrics` of `compile`, made when the first batch shows the shapes."""

    def __init__(self, given: Any, argument: str) -> None:
        if given is not None and not isinstance(given, list | tuple | Mapping):
            raise TypeError(f"{argument} is {given!r}; expected a list, tuple or dict of metrics")
        self._given = given
        self._argument = argument
        self._uses_weights = argument == "weighted_metrics"
        self.built = given is None or not given
        self.entries: list[tuple[int, str, Metric]] = []  # output, name of the output in logs, metric
        for item in leaves(given):
            if not is_accuracy(item):
                maker(item)

    def alike(self) -> list[Metric]:
        """Metrics of the kinds that are, or will be, in `entries`."""
        given = leaves(self._given)
        return [metric_registry.BinaryAccuracy() if is_accuracy(item) else metric_registry.get(item) for item in given]

    def build(self, output_names: Sequence[str], labels: Sequence[Array | None], outputs: Sequence[Array]) -> None:
        """Makes the metrics. ValueError where they do not fit the outputs, or an output that has one has no targets."""
        names = list(output_names)
        if len(names) == 1:
            chosen: list[Any] = [leaves(self._given)]
        else:
            chosen = per_output(self._given, names, self._argument)
        for index, item in enumerate(chosen):
            prefix = f"{names[index]}_" if len(names) > 1 else ""
            for identifier in leaves(item):
                label = labels[index]
                if label is None:
                    raise ValueError(
                        f"{self._argument} has a metric of output {names[index]!r}, but y has no targets for it"
                    )
                if is_accuracy(identifier):
                    metric = accuracy_for(identifier, label.shape, outputs[index].shape)
                else:
                    metric = metric_registry.get(identifier)
                self.entries.append((index, prefix, metric))
        self.built = True

    def update(self, batch: Batch, result: StepResult) -> None:
        """Adds a batch."""
        for index, _, metric in self.entries:
            weights = batch.weights[index] if self._uses_weights else None
            mask = result.masks.get(index) if metric.heeds_mask else None
            if mask is not None:
                weights = mask_weights(mask, weights)
            if weights is None and not self._uses_weights:
                metric.update_state(batch.labels[index], result.outputs[index])
            else:
                metric.update_state(batch.labels[index], result.outputs[index], sample_weight=weights)


def _plain(value: Any) -> Any:
    """One value as a float, several as an array of the caller's own."""
    array = np.asarray(value)
    return np.array(array) if array.size != 1 else float(array.reshape(()))


def _takes(metric: Metric, state: dict[str, Any]) -> bool:
    try:
        metric.check_state(state)
    except ValueError:
        return False
    return True


class Meters:
    """Running means over the samples of an epoch.

    Args:
        given: `metrics` of `compile`.
        weighted: `weighted_metrics` of `compile`.

    Attributes:
        want_outputs: whether `update` needs the outputs of the model.
        total: the mean of the loss that is minimised.
        parts: the means of the losses of the outputs, where there are several.
    """

    def __init__(self, given: Any, weighted: Any) -> None:
        self._plain = OutputMetrics(given, "metrics")
        self._weighted = OutputMetrics(weighted, "weighted_metrics")
        self.want_outputs = not (self._plain.built and self._weighted.built)
        self.total = Mean("loss")
        self.parts: list[Mean] = []
        self._output_names: list[str] = []
        self._pending: dict[str, dict[str, Any]] = {}

    def resolve(self, output_names: Sequence[str], with_loss: Sequence[str]) -> None:
        """Fits the meters to the outputs of a model; `with_loss` are those that have a loss."""
        self._output_names = list(output_names)
        self.parts = [Mean(f"{name}_loss") for name in with_loss] if len(with_loss) > 1 else []

    @property
    def metrics(self) -> list[Metric]:
        """In Keras's order: the total, the metrics asked for, the loss of each output if there are several."""
        entries = self._plain.entries + self._weighted.entries
        return [self.total, *(metric for _, _, metric in entries), *self.parts]

    def reset(self) -> None:
        """Starts all means over."""
        for metric in self.metrics:
            metric.reset_state()

    def share(self, batch: Batch) -> float:
        """How much the loss of a batch counts in the mean over batches: the number of its samples."""
        return batch.size

    @property
    def is_built(self) -> bool:
        """Whether all metrics asked for exist."""
        return self._plain.built and self._weighted.built

    def update_losses(self, batch: Batch, total: float, result: StepResult) -> None:
        """Adds a batch to the means of the losses.

        Args:
            batch: what the model was given.
            total: the loss of the batch that is minimised.
            result: what came of it.
        """
        share = self.share(batch)
        for mean, value in zip([self.total, *self.parts], [total, *result.values], strict=False):
            mean.add(value * share, share)

    def measure(self, batch: Batch, result: StepResult) -> None:
        """Adds a batch to the metrics asked for, if there are any. `batch` and `result` as of `update_losses`."""
        if self.want_outputs:
            if not self.is_built:
                self._build(batch, result.outputs)
            for group in (self._plain, self._weighted):
                group.update(batch, result)

    def _build(self, batch: Batch, outputs: Sequence[Array]) -> None:
        for group in (self._plain, self._weighted):
            if not group.built:
                group.build(self._output_names, batch.labels, outputs)
        if self._pending:
            state, self._pending = self._pending, {}
            for name, metric in self.named():
                if metric is not self.total and metric not in self.parts:
                    if name in state and _takes(metric, state[name]):
                        metric.set_state(state[name])

    def named(self) -> list[tuple[str, Metric]]:
        """(name in the logs, metric); a name that is taken gets a number, or "weighted_" in front, as in Keras."""
        named: dict[str, Metric] = {"loss": self.total}
        for group, second in ((self._plain, ""), (self._weighted, "weighted_")):
            for _, prefix, metric in group.entries:
                name = prefix + metric.name
                if name in named and second:
                    name = prefix + second + metric.name
                base, number = name, 1
                while name in named:
                    name = f"{base}_{number}"
                    number += 1
                named[name] = metric
        named.update({part.name: part for part in self.parts})
        return list(named.items())

    def logs(self) -> dict[str, Any]:
        """The values so far, sorted by name as Keras hands them to callbacks: numbers, and arrays where a metric has
        several values. A metric whose result is a dict gives an entry for each of its keys.
        """
        values: dict[str, Any] = {}
        for name, metric in sorted(self.named(), key=lambda item: item[0]):
            result = metric.result()
            values.update(result if isinstance(result, Mapping) else {name: result})
        return {name: _plain(value) for name, value in values.items()}

    def ordered(self, logs: Mapping[str, float]) -> list[float]:
        """The values in the order of `metrics`, as evaluate and train_on_batch return them."""
        names = [metric.name for metric in self.metrics]
        first = [logs[name] for name in names if name in logs]
        return first + [logs[name] for name in sorted(logs) if name not in names]

    def get_state(self) -> dict[str, dict[str, Any]]:
        """The sums behind the means, by the names in the logs."""
        return {name: metric.get_state() for name, metric in self.named()}

    def check_state(self, state: Any) -> None:
        """ValueError where `set_state` could not take `state`."""
        if not isinstance(state, dict):
            raise ValueError(f"its means are {state!r}; expected a dict")
        known = dict(self.named())
        for name, sums in state.items():
            if not isinstance(sums, dict):
                raise ValueError(f"its mean of {name} is {sums!r}; expected a dict")
            if name in known:
                known[name].check_state(sums)
            elif not any(_takes(metric, sums) for group in (self._plain, self._weighted) for metric in group.alike()):
                raise ValueError(f"its mean of {name} is {sums!r}; expected numbers of a metric of the model")

    def set_state(self, state: Mapping[str, dict[str, Any]]) -> None:
        """Restores what `get_state` gave. Metrics that do not exist yet are set when the first batch makes them."""
        known = dict(self.named())
        self._pending = {name: values for name, values in state.items() if name not in known}
        for name, metric in known.items():
            if name in state:
                metric.set_state(state[name])
