"""`Objective`: what `compile` was given, fitted to the outputs of a model: what is minimised and what is measured."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import losses
from .._graph.compiling import LossTerm
from .._graph.functions import Spec
from .batches import Batch
from .meters import Meters, StepResult
from .structures import is_array, labelled, leaves, per_output


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

    @functools.cached_property
    def traced(self) -> bool:
        """Whether the loss is a function in the plan."""
        return not self.loss.is_native

    def term(self, target: Spec | None) -> LossTerm:
        """The loss as a plan takes it. `target` is the shape of a traced loss's targets, without the batch."""
        # Keras differentiates the sum where nothing is reduced.
        summed = self.loss.reduction in ("sum", "none", None)
        return LossTerm(
            output=self.output,
            kind="value" if self.traced else self.loss.kind,
            from_logits=self.loss.from_logits,
            reduction="sum" if summed else "mean",
            reports_mean=not self.sums,
            weight=self.weight,
            traced=self.loss if self.traced else None,
            target=target,
        )


class Objective:
    """Losses and meters of a compiled model. Their kinds are checked at once, the fit to the outputs in `resolve`.

    Args:
        loss, loss_weights, metrics, weighted_metrics: as in `compile`.
        meters: what is measured; `Meters` of the metrics by default.

    Attributes:
        arguments: those of `compile` by name, for files.
        losses, output_names: in the order of the outputs, once `resolve` has been called.
    """

    def __init__(
        self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any, meters: Meters | None = None
    ) -> None:
        self.arguments = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        for item in leaves(loss):
            if item is not None:
                losses.get(item)
        self.meters = meters or Meters(metrics, weighted_metrics)
        self.losses: list[OutputLoss] = []
        self.output_names: list[str] = []
        self._resolved = False

    @property
    def want_outputs(self) -> bool:
        """Whether `update` needs the outputs of the model."""
        return self.meters.want_outputs

    def resolve(self, output_names: Sequence[str]) -> None:
        """Fits losses and meters to the outputs, once. ValueError where they do not fit."""
        if not self._resolved:
            self.output_names = list(output_names)
            self.losses = self._resolve_losses()
            self.meters.resolve(self.output_names, [item.name for item in self.losses])
            self._resolved = True

    @property
    def is_traced(self) -> bool:
        """Whether a loss is traced, so that a plan depends on the shapes of targets, too."""
        return any(item.traced for item in self.losses)

    def terms(self, targets: Sequence[Spec]) -> tuple[LossTerm, ...]:
        """The losses as a plan takes them.

        Args:
            targets: shapes of the targets of the traced ones, in order, without the batch.
        """
        rest = iter(targets)
        return tuple(item.term(next(rest) if item.traced else None) for item in self.losses)

    def update(self, batch: Batch, result: StepResult) -> None:
        """Adds a batch to the meters."""
        self.update_losses(batch, result)
        self.meters.measure(batch, result)

    def update_losses(self, batch: Batch, result: StepResult) -> None:
        """Adds a batch to the means of the losses alone."""
        total = result.penalty
        for item, value in zip(self.losses, result.values, strict=True):
            total += item.weight * value
        self.meters.update_losses(batch, total, result)

    def losses_of(self, y: Any, outputs: Sequence[Any], sample_weight: Any) -> list[Any]:
        """The losses of a batch, called as objects.

        Args:
            y, sample_weight: as users give them.
            outputs: of the model: arrays, or what a tape recorded.
        """
        labels = self.targets_of(y)
        weights = self.weights_of(sample_weight)
        values = []
        for item in self.losses:
            label, target = labels[item.output]
            if target is None:
                raise ValueError(f"{label} is missing; output {item.name!r} has a loss and needs targets")
            values.append(item.loss(target, outputs[item.output], sample_weight=weights[item.output][1]))
        return values

    def targets_of(self, y: Any) -> list[tuple[str, Any]]:
        """For each output a label for messages and what `y` has for it, None for nothing."""
        names = self.output_names
        if y is None:
            return [("y", None) for _ in names]
        with_loss = [item.output for item in self.losses]
        if isinstance(y, list | tuple) and len(y) == len(with_loss) < len(names):
            # Targets for the outputs with a loss alone.
            given: list[tuple[str, Any]] = [("y", None) for _ in names]
            for place, index in enumerate(with_loss):
                given[index] = (f"y[{place}]", y[place])
            return given
        if isinstance(y, Mapping):
            known = {names[index] for index in with_loss}
            if not known <= set(y):
                raise ValueError(f"y has the keys {sorted(map(str, y))}; expected {sorted(known)}")
            return [(f"y[{name!r}]", y.get(name)) for name in names]
        return labelled(y, names, "y")

    def weights_of(self, sample_weight: Any) -> list[tuple[str, Any]]:
        """For each output a label for messages and what `sample_weight` has for it, None for nothing."""
        names = self.output_names
        if isinstance(sample_weight, Mapping):
            return [(f"sample_weight[{name!r}]", sample_weight.get(name)) for name in names]
        if isinstance(sample_weight, list | tuple) and any(is_array(item) or item is None for item in sample_weight):
            return labelled(sample_weight, names, "sample_weight")
        return [("sample_weight", sample_weight)] * len(names)

    def _resolve_losses(self) -> list[OutputLoss]:
        names, given = self.output_names, self.arguments["loss"]
        if isinstance(given, Mapping | list | tuple):
            chosen = per_output(given, names, "loss")
        else:
            chosen = [given] * len(names)
        # One object for each output is right even where they share it: losses keep no state.
        indices = [index for index, item in enumerate(chosen) if item is not None]
        weights = self._resolve_weights(indices)
        resolved = [OutputLoss(index, names[index], losses.get(chosen[index]), weights[index]) for index in indices]
        if len(resolved) > 1 and 0 < sum(item.loss.reduction in ("none", None) for item in resolved) < len(resolved):
            raise ValueError('losses with reduction "none" cannot be added to losses that are reduced to one number')
        return resolved

    def _resolve_weights(self, indices: list[int]) -> dict[int, float]:
        names, given = self.output_names, self.arguments["loss_weights"]
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
