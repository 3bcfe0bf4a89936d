"""What `compile` was given, resolved for a model: losses and metrics an output, and the plans that train on them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import losses
from . import metrics as metrics_module
from .data import Array, Batch
from .graph import CompiledPlan, LossTerm

if TYPE_CHECKING:
    from ._native import Float32
    from .variables import Variable

_PROGRAMS_KEPT = 16


@dataclass(frozen=True)
class OutputLoss:
    """The loss of one output, with its factor in the total."""

    output: int
    name: str
    loss: losses.Loss
    weight: float

    @property
    def sums(self) -> bool:
        """Whether the reported value is a sum over positions, not their mean."""
        return self.loss.reduction == "sum"

    def term(self) -> LossTerm:
        # Keras differentiates the sum where nothing is reduced.
        summed = self.loss.reduction in ("sum", "none", None)
        return LossTerm(
            output=self.output,
            kind=self.loss.kind,
            from_logits=self.loss.from_logits,
            reduction="sum" if summed else "mean",
            weight=self.weight,
        )


class OutputLosses:
    """`loss` and `loss_weights` as given; names and kinds are checked at once, the fit to the outputs in `resolve`."""

    def __init__(self, loss: Any, loss_weights: Any) -> None:
        self._loss = loss
        self._loss_weights = loss_weights
        for item in _leaves(loss):
            losses.get(item)

    def resolve(self, output_names: Sequence[str]) -> list[OutputLoss]:
        """The losses in the order of the outputs. ValueError where they do not fit the outputs."""
        names = list(output_names)
        given = self._loss
        if isinstance(given, Mapping | list | tuple):
            per_output = _per_output(given, names, "loss")
        else:
            per_output = [given] * len(names)
        # One object for each output is right even where they share it: losses keep no state.
        indices = [index for index, item in enumerate(per_output) if item is not None]
        weights = self._resolve_weights(names, indices)
        resolved = [OutputLoss(index, names[index], losses.get(per_output[index]), weights[index]) for index in indices]
        if len(resolved) > 1 and 0 < sum(item.loss.reduction in ("none", None) for item in resolved) < len(resolved):
            raise ValueError('losses with reduction "none" cannot be added to losses that are reduced to one number')
        return resolved

    def _resolve_weights(self, names: list[str], indices: list[int]) -> dict[int, float]:
        given = self._loss_weights
        if given is None:
            return dict.fromkeys(indices, 1.0)
        if isinstance(given, Mapping):
            unknown = sorted(set(given) - set(names))
            if unknown:
                raise ValueError(f"loss_weights has the keys {unknown}; the outputs are {names}")
            return {index: float(given.get(names[index], 1.0)) for index in indices}
        values = list(given) if isinstance(given, list | tuple) else [given]
        if len(values) == len(names):
            return {index: float(values[index]) for index in indices}
        if len(values) == len(indices):
            return {index: float(value) for index, value in zip(indices, values, strict=True)}
        raise ValueError(f"loss_weights has {len(values)} numbers; expected {len(names)}, for the outputs {names}")


class OutputMetrics:
    """`metrics` or `weighted_metrics` of `compile`, made when the first batch shows the shapes."""

    def __init__(self, given: Any, argument: str) -> None:
        if given is not None and not isinstance(given, list | tuple | Mapping):
            raise TypeError(f"{argument} is {given!r}; expected a list, tuple or dict of metrics")
        self._given = given
        self._argument = argument
        self.built = given is None or not given
        self.entries: list[tuple[int, str, metrics_module.Metric]] = []  # output, name of the output in logs, metric
        for item in _leaves(given):
            if item not in ("accuracy", "acc"):
                metrics_module.get(item)

    def build(self, output_names: Sequence[str], labels: Sequence[Array | None], outputs: Sequence[Array]) -> None:
        names = list(output_names)
        if len(names) == 1:
            chosen: list[Any] = [_leaves(self._given)]
        else:
            chosen = _per_output(self._given, names, self._argument)
        for index, item in enumerate(chosen):
            prefix = f"{names[index]}_" if len(names) > 1 else ""
            for identifier in _leaves(item):
                label = labels[index]
                if label is None:
                    raise ValueError(f"{self._argument} wants a metric of output {names[index]!r}, but y has nothing")
                if isinstance(identifier, str) and identifier in ("accuracy", "acc"):
                    metric = metrics_module.get_accuracy(identifier, label.shape, outputs[index].shape)
                else:
                    metric = metrics_module.get(identifier)
                self.entries.append((index, prefix, metric))
        self.built = True


class CompiledTraining:
    """Losses, metrics and running means of a compiled model. `arguments` are those of `compile`, for files."""

    def __init__(self, loss: Any, loss_weights: Any, given_metrics: Any, weighted_metrics: Any) -> None:
        self.has_loss = loss is not None
        self.arguments = {
            "loss": loss, "loss_weights": loss_weights, "metrics": given_metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self._losses = OutputLosses(loss, loss_weights)
        self._plain = OutputMetrics(given_metrics, "metrics")
        self._weighted = OutputMetrics(weighted_metrics, "weighted_metrics")
        self.want_outputs = not (self._plain.built and self._weighted.built)
        self.total = metrics_module.Mean("loss")
        self.parts: list[metrics_module.Mean] = []
        self.losses: list[OutputLoss] = []
        self.terms: tuple[LossTerm, ...] | None = None
        self.output_names: list[str] = []
        self.warned = False
        self._pending: dict[str, dict[str, float]] = {}
        self.programs: OrderedDict[Hashable, Program] = OrderedDict()
        self._gradients: dict[int, tuple[Variable, Float32]] = {}

    # Plans are native and gradients go by identity: a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "programs": OrderedDict(), "_gradients": {}}

    def add_program(self, key: Hashable, compiled_plan: CompiledPlan) -> Program:
        """A program for a plan, kept in `programs` among the latest ones."""
        program = Program(compiled_plan, self.losses, self._gradient)
        self.programs[key] = program
        if len(self.programs) > _PROGRAMS_KEPT:
            self.programs.popitem(last=False)
        return program

    def _gradient(self, variable: Variable) -> Float32:
        """The array for the gradient of a variable, one for all programs."""
        if id(variable) not in self._gradients:
            self._gradients[id(variable)] = variable, np.zeros(variable.shape, np.float32)
        return self._gradients[id(variable)][1]

    def resolve(self, output_names: Sequence[str]) -> None:
        """Fit the losses to the outputs, once."""
        if self.terms is None:
            self.output_names = list(output_names)
            self.losses = self._losses.resolve(self.output_names)
            if len(self.losses) > 1:
                self.parts = [metrics_module.Mean(f"{item.name}_loss") for item in self.losses]
            self.terms = tuple(item.term() for item in self.losses)

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """In Keras's order: the total, the metrics asked for, the loss of each output if there are several."""
        entries = self._plain.entries + self._weighted.entries
        return [self.total, *(metric for _, _, metric in entries), *self.parts]

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def update(self, batch: Batch, values: Sequence[float], outputs: Sequence[Array]) -> float:
        """Add a batch: `values` holds the reported value of each loss. Returns the total of the batch."""
        size = batch.size
        total = 0.0
        for item, value in zip(self.losses, values, strict=True):
            total += item.weight * value
        self.total.total += total * size
        self.total.count += size
        for part, value in zip(self.parts, values, strict=False):
            part.total += value * size
            part.count += size
        if self.want_outputs:
            if not (self._plain.built and self._weighted.built):
                self._build_metrics(batch, outputs)
            for index, _, metric in self._plain.entries:
                metric.update_state(batch.labels[index], outputs[index])
            for index, _, metric in self._weighted.entries:
                metric.update_state(batch.labels[index], outputs[index], sample_weight=batch.weights[index])
        return total

    def _build_metrics(self, batch: Batch, outputs: Sequence[Array]) -> None:
        for group in (self._plain, self._weighted):
            if not group.built:
                group.build(self.output_names, batch.labels, outputs)
        if self._pending:
            state, self._pending = self._pending, {}
            for name, metric in self._named():
                if metric is not self.total and metric not in self.parts:
                    metric.set_state(state.get(name, {}))

    def _named(self) -> list[tuple[str, metrics_module.Metric]]:
        """(name in the logs, metric); a name that is taken gets a number, or "weighted_" in front, as in Keras."""
        named: dict[str, metrics_module.Metric] = {"loss": self.total}
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

    def logs(self) -> dict[str, float]:
        """The running means, sorted by name as Keras hands them to callbacks."""
        if not self.want_outputs and not self.parts:
            return {"loss": self.total.result()}
        return {name: float(metric.result()) for name, metric in sorted(self._named(), key=lambda item: item[0])}

    def ordered(self, logs: Mapping[str, float]) -> list[float]:
        """The values in the order of `metrics`, as evaluate and train_on_batch return them."""
        names = [metric.name for metric in self.metrics]
        first = [logs[name] for name in names if name in logs]
        return first + [logs[name] for name in sorted(logs) if name not in names]

    def get_state(self) -> dict[str, dict[str, float]]:
        return {name: metric.get_state() for name, metric in self._named()}

    def set_state(self, state: Mapping[str, dict[str, float]]) -> None:
        """Restore running means. Those of metrics that do not exist yet are set when the first batch makes them."""
        known = dict(self._named())
        self._pending = {name: values for name, values in state.items() if name not in known}
        for name, metric in known.items():
            if name in state:
                metric.set_state(state[name])


class Program:
    """A plan with losses, for inputs of certain shapes, and the arrays its gradients go to."""

    def __init__(
        self,
        compiled_plan: CompiledPlan,
        output_losses: Sequence[OutputLoss],
        gradient: Callable[[Variable], Float32],
    ) -> None:
        self.compiled_plan = compiled_plan
        self.plan = compiled_plan.plan
        self.parameters = compiled_plan.parameters
        self.output_shapes: list[tuple[int, ...]] = [tuple(shape) for shape in self.plan.output_shapes]
        self.is_random = self.plan.is_random
        self._losses = output_losses
        # Reported values: 0 positions stands for a sum.
        self._positions = [
            0 if item.sums else math.prod(self.output_shapes[item.output][:-1]) for item in output_losses
        ]
        self.trainable: list[Variable] = [v for v in compiled_plan.variables if v.trainable]
        self._slots: list[Float32 | None] = [gradient(v) if v.trainable else None for v in compiled_plan.variables]
        self.gradients: list[Float32] = [gradient for gradient in self._slots if gradient is not None]

    def train(self, batch: Batch, seed: int, want_outputs: bool) -> tuple[list[float], list[Array]]:
        """Gradients of a batch into `gradients`; the value of each loss, and the outputs if wanted."""
        sums, outputs = self.plan.train_step(
            batch.inputs,
            batch.targets,
            self._loss_weights(batch),
            self.parameters,
            self._slots,
            seed=seed,
            want_outputs=want_outputs,
        )
        return self._values(sums, batch.size), outputs

    def evaluate(self, batch: Batch, want_outputs: bool) -> tuple[list[float], list[Array]]:
        sums, outputs = self.plan.evaluate(
            batch.inputs, batch.targets, self._loss_weights(batch), self.parameters, want_outputs=want_outputs
        )
        return self._values(sums, batch.size), outputs

    def _loss_weights(self, batch: Batch) -> list[Array | None]:
        """The weights of each loss, with what the masks of the outputs leave out at 0."""
        if self.compiled_plan.masks is None:
            return batch.loss_weights
        masks = self.compiled_plan.masks.masks(batch.inputs)
        weights = list(batch.loss_weights)
        for number, item in enumerate(self._losses):
            positions = (batch.size, *self.output_shapes[item.output][:-1])
            if item.output in masks and masks[item.output].ndim <= len(positions):
                scaled = item.loss.reduction in ("sum_over_batch_size", "mean")
                weights[number] = losses.masked_weights(weights[number], masks[item.output], positions, scaled)
        return weights

    def _values(self, sums: Sequence[float], size: int) -> list[float]:
        return [
            total / (positions * size) if positions and size else total
            for total, positions in zip(sums, self._positions, strict=True)
        ]


def _leaves(given: Any) -> list[Any]:
    """The items of nested lists, tuples and dicts without the Nones."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [leaf for item in given.values() for leaf in _leaves(item)]
    if isinstance(given, list | tuple):
        return [leaf for item in given for leaf in _leaves(item)]
    return [given]


def _per_output(given: Any, names: list[str], argument: str) -> list[Any]:
    """One item an output, from a list in the order of the outputs or a dict by their names."""
    if isinstance(given, Mapping):
        unknown = sorted(set(map(str, given)) - set(names))
        missing = sorted(set(names) - set(given)) if argument == "loss" else []
        if unknown or missing:
            raise ValueError(f"{argument} has the keys {list(given)}; the outputs are {names}")
        return [given.get(name) for name in names]
    if len(given) != len(names):
        raise ValueError(f"{argument} has {len(given)} entries; expected {len(names)}, for the outputs {names}")
    return list(given)
