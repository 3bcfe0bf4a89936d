"""`Objective`: what `compile` was given, fitted to the outputs of a model: what is minimised and what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import losses
from .._graph.lowering import LossTerm
from .batches import Batch
from .hooks import refuse_loss_hooks
from .meters import Meters, StepResult
from .structures import leaves, per_output


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
        """The loss as a plan takes it."""
        # Keras differentiates the sum where nothing is reduced.
        summed = self.loss.reduction in ("sum", "none", None)
        return LossTerm(
            output=self.output,
            kind=self.loss.kind,
            from_logits=self.loss.from_logits,
            reduction="sum" if summed else "mean",
            weight=self.weight,
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
            refuse_loss_hooks(losses.get(item))
        self.meters = meters or Meters(metrics, weighted_metrics)
        self.losses: list[OutputLoss] = []
        self.output_names: list[str] = []
        self._terms: tuple[LossTerm, ...] | None = None

    @property
    def has_loss(self) -> bool:
        """Whether `compile` was given a loss."""
        return self.arguments["loss"] is not None

    @property
    def want_outputs(self) -> bool:
        """Whether `update` needs the outputs of the model."""
        return self.meters.want_outputs

    def resolve(self, output_names: Sequence[str]) -> tuple[LossTerm, ...]:
        """Fits losses and meters to the outputs, once. ValueError where they do not fit."""
        if self._terms is None:
            self.output_names = list(output_names)
            self.losses = self._resolve_losses()
            self.meters.resolve(self.output_names, [item.name for item in self.losses])
            self._terms = tuple(item.term() for item in self.losses)
        return self._terms

    def update(self, batch: Batch, result: StepResult) -> None:
        """Adds a batch to the meters."""
        total = 0.0
        for item, value in zip(self.losses, result.values, strict=True):
            total += item.weight * value
        self.meters.update(batch, total, result)

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
