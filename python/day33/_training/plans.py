"""`TrainingPlans`: the native plans that train a model, and the arrays its gradients go to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._core.targets import mask_weights
from .._core.types import Array
from .._core.variables import Variable, modes_version
from .._graph.compiling import CompiledPlan, LossTerm
from .._graph.functions import Spec
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
        self.trainable: list[Variable] = [v for v in compiled_plan.variables if v.trainable]
        self._slots: list[Float32 | None] = [gradient(v) if v.trainable else None for v in compiled_plan.variables]
        self.gradients: list[Float32] = [gradient for gradient in self._slots if gradient is not None]

    def train(self, batch: Batch, seed: int, want_outputs: bool) -> StepResult:
        """Writes the gradients of a batch into `gradients`."""
        masks = self._masks(batch)
        sums, outputs = self.plan.train_step(
            *self._arguments(batch, masks), self.parameters, self._slots, seed=seed, want_outputs=want_outputs
        )
        return self._result(sums, outputs, batch, masks)

    def evaluate(self, batch: Batch, want_outputs: bool) -> StepResult:
        """What the batch gives in inference mode."""
        masks = self._masks(batch)
        sums, outputs = self.plan.evaluate(*self._arguments(batch, masks), self.parameters, want_outputs=want_outputs)
        return self._result(sums, outputs, batch, masks)

    def _arguments(
        self, batch: Batch, masks: Mapping[int, Array]
    ) -> tuple[list[Array], list[Array | None], list[Array | None]]:
        """Inputs, targets and weights as the plan takes them. Targets of traced losses are inputs."""
        compiled, traced = self.compiled_plan, self.compiled_plan.traced
        targets: list[Array | None] = list(batch.targets)
        weights = self._loss_weights(batch, masks)
        inputs = batch.inputs
        if traced:
            inputs = [*inputs, *(batch.targets[number] for number in traced)]
            targets = [None if number in traced else target for number, target in enumerate(targets)]
        if traced or compiled.penalty is not None:
            targets, weights = compiled.per_part(targets), compiled.per_part(weights)
        return inputs, targets, weights

    def _result(
        self, sums: Sequence[float], outputs: list[Array], batch: Batch, masks: Mapping[int, Array]
    ) -> StepResult:
        values, penalty = self.compiled_plan.split_sums(sums, batch.size)
        return StepResult(values, outputs, masks, penalty)

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


class TrainingPlans:
    """The plans of a model with the losses of an objective, one for each combination of input shapes."""

    def __init__(self, model: PlannedModel, objective: Objective) -> None:
        self._model = model
        self.objective = objective
        self._programs: OrderedDict[tuple[int, Shapes, Shapes], Program] = OrderedDict()
        self._gradients: dict[int, tuple[Variable, Float32]] = {}

    # Plans are native and gradients go by identity: a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_programs": OrderedDict(), "_gradients": {}}

    def output_shapes(self, input_shapes: Shapes) -> list[tuple[int, ...]]:
        """The shapes of the outputs (without the batch) for inputs of these shapes.

        Raises:
            ValueError: the objective does not fit the outputs of the model.
        """
        self.objective.resolve(self._model.output_keys())
        if self.objective.is_traced:
            return [tuple(shape) for shape in self._model.compile_plan(input_shapes).plan.output_shapes]
        return self._program(input_shapes, ()).output_shapes

    def program(self, batch: Batch) -> Program:
        """The plan for a batch. Cached."""
        if not self.objective.is_traced:
            return self._program(batch.input_shapes, ())
        pairs = zip(self.objective.losses, batch.targets, strict=True)
        return self._program(
            batch.input_shapes, tuple(target.shape[1:] for item, target in pairs if not item.loss.is_native)
        )

    def _program(self, input_shapes: Shapes, target_shapes: Shapes) -> Program:
        # The version rises when any model's layers or trainable flags change: until then the program stays right.
        key = (modes_version(), input_shapes, target_shapes)
        program = self._programs.get(key)
        if program is None:
            self.objective.resolve(self._model.output_keys())
            terms = self.objective.terms([Spec(shape) for shape in target_shapes])
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
