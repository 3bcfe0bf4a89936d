"""`TrainingPlans`: the native plans that train a model, and the arrays its gradients go to."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._core.targets import mask_weights
from .._core.types import Array
from .._core.variables import Variable, modes_version
from .._graph.lowering import CompiledPlan, LossTerm
from .batches import Batch
from .meters import StepResult
from .objective import Objective, OutputLoss

if TYPE_CHECKING:
    from .._native import Float32

_PROGRAMS_KEPT = 16

Shapes = tuple[tuple[int, ...], ...]


class PlannedModel(Protocol):
    """A model as its training plans see it."""

    def output_keys(self) -> list[str]:
        """What `loss`, `metrics` and `y` call the outputs."""

    def compile_plan(self, input_shapes: Shapes, losses: tuple[LossTerm, ...] | None = None) -> CompiledPlan:
        """The plan for inputs of these shapes (without the batch), with these losses."""


class Program:
    """A plan with losses, for inputs of certain shapes, and the arrays its gradients go to.

    Attributes:
        output_shapes: without the batch.
        is_random: whether a step draws random numbers.
        trainable: the variables that a step has gradients of. gradients: the arrays they go to, in the same order.
    """

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

    def train(self, batch: Batch, seed: int, want_outputs: bool) -> StepResult:
        """Writes the gradients of a batch into `gradients`."""
        masks = self._masks(batch)
        sums, outputs = self.plan.train_step(
            batch.inputs,
            batch.targets,
            self._loss_weights(batch, masks),
            self.parameters,
            self._slots,
            seed=seed,
            want_outputs=want_outputs,
        )
        return StepResult(self._values(sums, batch.size), outputs, masks)

    def evaluate(self, batch: Batch, want_outputs: bool) -> StepResult:
        """What the batch gives in inference mode."""
        masks = self._masks(batch)
        sums, outputs = self.plan.evaluate(
            batch.inputs, batch.targets, self._loss_weights(batch, masks), self.parameters, want_outputs=want_outputs
        )
        return StepResult(self._values(sums, batch.size), outputs, masks)

    def _masks(self, batch: Batch) -> Mapping[int, Array]:
        return {} if self.compiled_plan.masks is None else self.compiled_plan.masks.masks(batch.inputs)

    def _loss_weights(self, batch: Batch, masks: Mapping[int, Array]) -> list[Array | None]:
        """The weights of each loss, with what the masks of the outputs leave out at 0."""
        weights = list(batch.loss_weights)
        for number, item in enumerate(self._losses):
            positions = (batch.size, *self.output_shapes[item.output][:-1])
            mask = masks.get(item.output)
            if mask is not None and mask.ndim <= len(positions):
                scaled = item.loss.reduction in ("sum_over_batch_size", "mean")
                masked = mask_weights(mask, weights[number], scaled)
                masked = masked.reshape(*masked.shape, *[1] * (len(positions) - masked.ndim))
                weights[number] = np.ascontiguousarray(np.broadcast_to(masked, positions))
        return weights

    def _values(self, sums: Sequence[float], size: int) -> list[float]:
        return [
            total / (positions * size) if positions and size else total
            for total, positions in zip(sums, self._positions, strict=True)
        ]


class TrainingPlans:
    """The plans of a model with the losses of an objective, one for each combination of input shapes."""

    def __init__(self, model: PlannedModel, objective: Objective) -> None:
        self._model = model
        self.objective = objective
        self._programs: OrderedDict[tuple[int, Shapes], Program] = OrderedDict()
        self._gradients: dict[int, tuple[Variable, Float32]] = {}

    # Plans are native and gradients go by identity: a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_programs": OrderedDict(), "_gradients": {}}

    def program(self, input_shapes: Shapes) -> Program:
        """The plan for inputs of these shapes (without the batch). Cached.

        Raises ValueError where the objective does not fit the outputs of the model.
        """
        # The version rises when any model's layers or trainable flags change: until then the program stays right.
        key = (modes_version(), input_shapes)
        program = self._programs.get(key)
        if program is None:
            terms = self.objective.resolve(self._model.output_keys())
            plan = self._model.compile_plan(input_shapes, terms)
            program = self._programs[key] = Program(plan, self.objective.losses, self._gradient)
            if len(self._programs) > _PROGRAMS_KEPT:
                self._programs.popitem(last=False)
        return program

    def _gradient(self, variable: Variable) -> Float32:
        """The array for the gradient of a variable, one for all programs."""
        if id(variable) not in self._gradients:
            self._gradients[id(variable)] = variable, np.zeros(variable.shape, np.float32)
        return self._gradients[id(variable)][1]
