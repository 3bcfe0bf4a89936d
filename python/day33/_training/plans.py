"""`TrainingPlans`: the native plans that train a model, and the arrays its gradients go to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from .._core.slices import SliceSums, Wanted, with_slices
from .._core.types import Array
from .._core.variables import Variable, about_to_change, modes_version
from .._graph.compiling import CompiledPlan, LossTerm
from .._graph.functions import Spec
from ..random import next_seed
from .batches import Batch
from .meters import StepResult
from .objective import Objective, OutputLoss
from .weighting import loss_weights

if TYPE_CHECKING:
    from .._native import Float32

_PROGRAMS_KEPT = 32

Shapes = tuple[tuple[int, ...], ...]


class PlannedModel(Protocol):
    """A model as its training plans see it."""

    def output_keys(self) -> list[str]:
        """What `loss`, `metrics` and `y` call the outputs."""

    def compile_plan(
        self, input_shapes: Shapes, losses: tuple[LossTerm, ...] | None = None, training: bool = False
    ) -> CompiledPlan:
        """The plan for inputs of these shapes (without the batch), with these losses, for runs in this mode."""


class _Given(NamedTuple):
    """A batch as a plan takes it, with the masks of outputs, and the factors of losses that take it as a whole."""

    inputs: list[Array]
    targets: list[Array | None]
    weights: list[Array | None]
    masks: Mapping[int, Array]
    scales: Sequence[float]


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
        slice_sums: Callable[[Variable, Wanted], SliceSums],
    ) -> None:
        self.compiled_plan = compiled_plan
        self.plan = compiled_plan.plan
        self.parameters = compiled_plan.parameters
        self.output_shapes: list[tuple[int, ...]] = [tuple(shape) for shape in self.plan.output_shapes]
        self.is_random = self.plan.is_random
        self._losses = output_losses
        self.trainable: list[Variable] = [v for v in compiled_plan.variables if v.trainable]
        self._slots: list[Float32 | None] = [gradient(v) if v.trainable else None for v in compiled_plan.variables]
        penalties = compiled_plan.weights
        known = set(self.trainable)
        # Of weights that no sample meets, but a regularizer.
        self._alone = [] if penalties is None else [v for v in penalties.variables if v not in known]
        self.trainable += self._alone
        self._plain: list[Float32] = [gradient(v) for v in self.trainable]
        self.gradients = self._plain
        self._by_variable = dict(zip(self.trainable, self._plain, strict=True))
        self._new_sums = slice_sums

    def train(self, batch: Batch, seed: int, want_outputs: bool, slice_sums: Wanted = ()) -> StepResult:
        """Writes the gradients of a batch into `gradients`.

        Args:
            slice_sums: which sums over slices are wanted; `gradients` then know their slices.
        """
        if slice_sums:
            return self._train_sliced(batch, seed, want_outputs, slice_sums)
        self.gradients = self._plain
        return self._train(batch, seed, want_outputs)

    def _train_sliced(self, batch: Batch, seed: int, want_outputs: bool, wanted: Wanted) -> StepResult:
        kinds = self.plan.gradient_kinds(True)
        penalties = self.compiled_plan.weights
        regularized = set() if penalties is None else set(penalties.variables)
        variables = self.compiled_plan.variables
        # The gradient of a regularizer is no slice.
        sums = [
            self._new_sums(v, wanted) if kind and v not in regularized else None
            for v, kind in zip(variables, kinds, strict=True)
        ]
        result = self._train(batch, seed, want_outputs, slice_sums=sums)
        found = dict(zip(variables, sums, strict=True))
        self.gradients = [with_slices(self._by_variable[v], found.get(v)) for v in self.trainable]
        return result

    def _train(self, batch: Batch, seed: int, want_outputs: bool, **slice_sums: Any) -> StepResult:
        given = self._given(batch)
        about_to_change(self.compiled_plan.variables)  # moving averages
        sums, outputs = self.plan.train_step(
            given.inputs, given.targets, given.weights, self.parameters, self._slots, seed=seed,
            want_outputs=want_outputs, **slice_sums,
        )  # fmt: skip
        penalties = self.compiled_plan.weights
        if penalties is None:
            return self._result(sums, outputs, batch, given)
        for variable in self._alone:
            self._by_variable[variable][...] = 0.0
        return self._result(sums, outputs, batch, given, penalties.add_gradients(self._by_variable))

    def evaluate(self, batch: Batch, want_outputs: bool) -> StepResult:
        """What the batch gives in inference mode."""
        given = self._given(batch)
        sums, outputs = self.plan.evaluate(
            given.inputs, given.targets, given.weights, self.parameters, want_outputs=want_outputs,
            seed=next_seed() if self.compiled_plan.draws else 0,
        )  # fmt: skip
        penalties = self.compiled_plan.weights
        return self._result(sums, outputs, batch, given, 0.0 if penalties is None else penalties.value())

    def _given(self, batch: Batch) -> _Given:
        """The batch as the plan takes it. Targets of traced losses are inputs."""
        compiled, traced = self.compiled_plan, self.compiled_plan.traced
        masks = {} if compiled.masks is None else compiled.masks.masks(batch.inputs)
        weights, scales = loss_weights(self._losses, compiled.loss_values, self.output_shapes, batch, masks)
        inputs: list[Any] = batch.inputs
        targets: list[Array | None] = list(batch.targets)
        if traced:
            inputs = [*inputs, *(self._losses[number].loss.prepared(batch.targets[number]) for number in traced)]
            targets = [None if number in traced else target for number, target in enumerate(targets)]
        if traced or compiled.penalty is not None:
            targets, weights = compiled.per_part(targets), compiled.per_part(weights)
        return _Given(inputs, targets, weights, masks, scales)

    def _result(
        self, sums: Sequence[float], outputs: list[Array], batch: Batch, given: _Given, of_weights: float = 0.0
    ) -> StepResult:
        values, penalty = self.compiled_plan.split_sums(sums, batch.size, given.scales)
        return StepResult(values, outputs, given.masks, penalty + of_weights)


class TrainingPlans:
    """The plans of a model with the losses of an objective, one for each combination of input shapes."""

    def __init__(self, model: PlannedModel, objective: Objective) -> None:
        self._model = model
        self.objective = objective
        self._programs: OrderedDict[tuple[int, Shapes, Shapes, bool], Program] = OrderedDict()
        self._gradients: dict[int, tuple[Variable, Float32]] = {}
        self._sums: dict[tuple[int, Wanted], tuple[Variable, SliceSums]] = {}

    # Plans are native and gradients go by identity: a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_programs": OrderedDict(), "_gradients": {}, "_sums": {}}

    def output_shapes(self, input_shapes: Shapes) -> list[tuple[int, ...]]:
        """The shapes of the outputs (without the batch) for inputs of these shapes.

        Raises:
            ValueError: the objective does not fit the outputs of the model.
        """
        known = self._programs.get((modes_version(), input_shapes, (), False))
        if known is not None:
            return known.output_shapes
        self.objective.resolve(self._model.output_keys())
        if self.objective.is_traced:
            return [tuple(shape) for shape in self._model.compile_plan(input_shapes).plan.output_shapes]
        return self._program(input_shapes, (), False).output_shapes

    def program(self, batch: Batch, training: bool = False) -> Program:
        """The plan for a batch, to be run in this mode. Cached."""
        if not self.objective.is_traced:
            return self._program(batch.input_shapes, (), training)
        pairs = zip(self.objective.losses, batch.targets, strict=True)
        targets = tuple(target.shape[1:] for item, target in pairs if item.traced)
        return self._program(batch.input_shapes, targets, training)

    def _program(self, input_shapes: Shapes, target_shapes: Shapes, training: bool) -> Program:
        # The version rises when any model's layers or trainable flags change: until then the program stays right.
        key = (modes_version(), input_shapes, target_shapes, training)
        program = self._programs.get(key)
        if program is None:
            self.objective.resolve(self._model.output_keys())
            terms = self.objective.terms([Spec(shape) for shape in target_shapes])
            plan = self._model.compile_plan(input_shapes, terms, training)
            if not terms and plan.penalty is None and plan.weights is None:
                raise ValueError(
                    "there is nothing to minimise: training and evaluation need a loss; give one to compile, or use "
                    "add_loss"
                )
            program = self._programs[key] = Program(plan, self.objective.losses, self._gradient, self._slice_sums)
            if not plan.of_one_mode:
                self._programs[*key[:3], not training] = program
            while len(self._programs) > _PROGRAMS_KEPT:
                self._programs.popitem(last=False)
        return program

    def _gradient(self, variable: Variable) -> Float32:
        """The array for the gradient of a variable, one for all programs."""
        if id(variable) not in self._gradients:
            self._gradients[id(variable)] = variable, np.zeros(variable.shape, np.float32)
        return self._gradients[id(variable)][1]

    def _slice_sums(self, variable: Variable, wanted: Wanted) -> SliceSums:
        """The arrays for sums over the slices of the gradient of a variable, the same for all programs."""
        key = id(variable), wanted
        if key not in self._sums:
            self._sums[key] = variable, SliceSums.zeros(variable.shape, wanted)
        return self._sums[key][1]
