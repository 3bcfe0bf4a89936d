"""From what layers and losses write to a plan, native where one plan is enough, else in stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .._core.variables import about_to_change
from .._native import ParameterList
from ..random import next_seed
from .functions import Spec, known_shape
from .lowering import AddedLoss, CrossesSamples, Lowering, Mode
from .staged_plan import Cut, StagedPlan
from .staging import LossPlace, StagedLowering
from .weight_penalties import WeightPenalties

if TYPE_CHECKING:
    from .._core.types import Array
    from .._core.variables import Variable
    from .._native import Plan
    from .graph import Graph

Lower = Callable[[Any, list[int]], list[int]]


class TracedLoss(Protocol):
    """A loss that is a function in a graph. Losses that are equal give equal graphs."""

    def trace(self, target: Spec, prediction: Spec) -> Graph:
        """The graph of the loss, from target and prediction (batch first) to one value per position, its output; or,
        where it is one number for the batch, without an output and with that as its loss.
        """


@dataclass(frozen=True)
class LossTerm:
    """A loss on output number `output`: of a native kind, or traced.

    Attributes:
        kind, from_logits: of a native loss.
        reduction: "mean" or "sum" over all positions, whose gradient is taken. weight: a factor of the gradient.
        reports_mean: whether the value that is reported is the mean.
        traced: the loss as a function; `target` is the shape of its target without the batch, and its dtype.
    """

    output: int
    kind: str = "value"
    from_logits: bool = False
    reduction: str = "mean"
    reports_mean: bool = True
    weight: float = 1.0
    traced: TracedLoss | None = None
    target: Spec | None = None


@dataclass(frozen=True)
class Part:
    """One native loss of a plan.

    Attributes:
        factor: of it in the value it belongs to.
        positions: per sample, that its sum is divided by; 0 where it is not.
        per_sample: whether it is divided by the number of samples.
    """

    factor: float
    positions: int
    per_sample: bool = False


@dataclass(frozen=True)
class LossValue:
    """The native losses that a loss term, or what is minimised besides, consists of, and a constant.

    Attributes:
        positions: the shape of the values that weights multiply, without the batch; None where there is one number, or
            an array of another kind, for the batch as a whole.
    """

    parts: tuple[Part, ...]
    constant: float = 0.0
    positions: tuple[int, ...] | None = None

    def of(self, sums: Sequence[float], samples: int, scale: float = 1.0) -> float:
        """The value.

        Args:
            sums: of its native losses over that many samples.
            scale: what the weights were that multiply the batch as a whole.
        """
        total = self.constant * scale
        for part, found in zip(self.parts, sums, strict=True):
            count = part.positions * samples or samples * part.per_sample
            total += part.factor * (found / count if count else found)
        return total


@dataclass(frozen=True)
class CompiledPlan:
    """A plan with what it runs on.

    Attributes:
        plan: native, or in stages.
        variables: in slot order.
        masks: a plan for the masks of the outputs, None where no output has one or the plan has no losses.
        loss_values: of each loss term, in order.
        penalty: of what the graph minimises besides; None for nothing.
        traced: the numbers of the loss terms whose targets are inputs of the plan, after the others.
        draws: whether random numbers are drawn in inference as well.
        truths: the numbers of the outputs that are truth values, which plans have as int32.
        of_one_mode: whether it serves only in the mode for which it was made.
        weights: the penalties on weights; None for none, and where the plan has no losses.
    """

    plan: Plan | StagedPlan
    parameters: ParameterList
    variables: list[Variable]
    masks: MaskPlan | None = None
    loss_values: tuple[LossValue, ...] = ()
    penalty: LossValue | None = None
    traced: tuple[int, ...] = ()
    draws: bool = False
    truths: frozenset[int] = frozenset()
    of_one_mode: bool = False
    weights: WeightPenalties | None = None

    def forward(self, inputs: Sequence[Array], training: bool = False) -> list[Array]:
        """The outputs, with a seed from the stream of seeds where random numbers are drawn."""
        if training or self.plan.samples is not None:
            about_to_change(self.variables)  # moving averages, or states
        seed = next_seed() if training or self.draws else 0
        outputs = self.plan.forward(inputs, self.parameters, training=training, seed=seed)
        for number in self.truths:
            outputs[number] = outputs[number] != 0
        return outputs

    @property
    def crosses_samples(self) -> bool:
        """Whether the outputs of a sample depend on the other samples of the batch."""
        return isinstance(self.plan, StagedPlan) and self.plan.crosses_samples

    def split_sums(
        self, sums: Sequence[float], samples: int, scales: Sequence[float] | None = None
    ) -> tuple[list[float], float]:
        """The value of each loss term and the penalty, from the sums that a plan gives; scales as in `LossValue.of`."""
        values, start = [], 0
        for value, scale in zip(self.loss_values, scales or [1.0] * len(self.loss_values), strict=True):
            values.append(value.of(sums[start : start + len(value.parts)], samples, scale))
            start += len(value.parts)
        return values, 0.0 if self.penalty is None else self.penalty.of(sums[start:], samples)

    def per_part(self, items: Sequence[Any]) -> list[Any]:
        """What belongs to each loss term, for each of its native losses; None for those of the penalty."""
        spread = [item for item, value in zip(items, self.loss_values, strict=True) for _ in value.parts]
        return spread + [None] * (0 if self.penalty is None else len(self.penalty.parts))


@dataclass(frozen=True)
class MaskPlan:
    """Computes masks of a model's outputs from its inputs.

    Attributes:
        outputs: the numbers of the outputs that have one, in the order of the plan's results.
    """

    plan: Plan
    parameters: ParameterList
    outputs: list[int]

    def masks(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """int32 masks, by number of the output."""
        return dict(zip(self.outputs, self.plan.forward(inputs, self.parameters), strict=True))


def compile_plan(
    lower: Lower, shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], losses: Sequence[LossTerm] | None,
    regularized: Sequence[Variable] = (), training: bool = False,
) -> CompiledPlan:  # fmt: skip
    """The plan of what `lower` writes.

    Args:
        shapes, dtypes: of the inputs, without the batch.
        losses: what is minimised, with what `lower` adds; None for a plan without losses.
        regularized: variables whose penalties are minimised, too.
        training: in which mode it will run, for layers that do something else in training.
    """
    traced = [term for term in losses or () if term.traced is not None]
    targets = [term.target for term in traced if term.target is not None]
    all_shapes = [*shapes, *(known_shape(target) for target in targets)]
    all_dtypes = [*dtypes, *(target.dtype for target in targets)]
    wanted = losses is not None
    try:
        lowering = Lowering(wants_penalties=wanted, mode=Mode(training))
        inputs = [lowering.input(shape, dtype) for shape, dtype in zip(all_shapes, all_dtypes, strict=True)]
        writing = _Writing(lowering, lower, inputs, len(shapes), losses or ())
        if any(output < 0 for output in writing.outputs):
            raise CrossesSamples
        plan: Plan | StagedPlan = lowering.builder.build(writing.outputs)
        variables = lowering.variables
    except CrossesSamples:
        written: list[_Writing] = []

        def cut(size: int) -> Cut:
            stages = StagedLowering(wants_penalties=wanted, mode=Mode(training))
            # Steps of training take no gradients of inputs.
            numbers = [
                stages.give((size, *shape), dtype, size, has_gradient=not wanted)
                for shape, dtype in zip(all_shapes, all_dtypes, strict=True)
            ]
            written.append(_Writing(stages, lower, numbers, len(shapes), losses or ()))
            return Cut(stages, numbers, written[-1].outputs, written[-1].places)

        plan = StagedPlan(cut)
        writing, variables = written[0], plan.variables
    masked = {number for number, output in enumerate(writing.outputs) if losses and writing.lowering.mask(output) >= 0}
    return CompiledPlan(
        plan,
        ParameterList([variable.parameter for variable in variables]),
        variables,
        compile_masks(lower, shapes, dtypes, masked, training) if masked else None,
        tuple(writing.values),
        writing.penalty,
        tuple(number for number, term in enumerate(losses or ()) if term.traced is not None),
        writing.lowering.draws.always,
        frozenset(n for n, output in enumerate(writing.outputs) if writing.lowering.dtype(output) == "bool"),
        writing.lowering.runs.matters,
        WeightPenalties(regularized) if wanted and regularized else None,
    )


class _Writing:
    """A model with its losses, written into one plan or into stages."""

    def __init__(
        self, lowering: Lowering | StagedLowering, lower: Lower, inputs: Sequence[int], count: int,
        losses: Sequence[LossTerm],
    ) -> None:  # fmt: skip
        self.lowering = lowering
        self.values: list[LossValue] = []
        self.places: list[tuple[LossPlace, bool]] = []  # of stages, and whether the value is the mean
        self.outputs = lower(lowering, list(inputs[:count]))
        besides, constant = self._added()
        targets = iter(inputs[count:])
        for term in losses:
            if not 0 <= term.output < len(self.outputs):
                raise ValueError(f"loss is for output {term.output}; the model has {len(self.outputs)}")
            output = self.outputs[term.output]
            if term.traced is None:
                self.values.append(LossValue((self._native(term, output),), positions=lowering.shape(output)[:-1]))
            else:
                self.values.append(self._traced(term, next(targets), output))
        self.penalty = LossValue(tuple(self._parts(besides, 1.0)), constant) if besides or constant else None

    def _added(self) -> tuple[list[AddedLoss], float]:
        """What was added to the loss since the last time, and the constant in it."""
        lowering = self.lowering
        losses, constant = lowering.losses, lowering.loss_constant
        lowering.losses, lowering.loss_constant = [], 0.0
        return losses, constant

    def _native(self, term: LossTerm, output: int) -> Part:
        positions = math.prod(self.lowering.shape(output)[:-1]) if term.reports_mean else 0
        return self._loss(
            output, term.kind, 1.0, positions, from_logits=term.from_logits, reduction=term.reduction,
            weight=term.weight,
        )  # fmt: skip

    def _traced(self, term: LossTerm, target: int, output: int) -> LossValue:
        assert term.traced is not None
        lowering = self.lowering
        given = [Spec((None, *lowering.shape(number)), lowering.dtype(number)) for number in (target, output)]
        graph = term.traced.trace(*given)
        results = graph.lower(lowering, [target, output])
        found, constant = self._added()
        if not results:
            return LossValue(tuple(self._parts(found, term.weight)), constant)
        (result,) = results
        reported = "mean" if term.reports_mean else "sum"
        return LossValue(
            tuple(self._parts([AddedLoss(result, term.reduction, 1.0)], term.weight, reported)),
            positions=lowering.shape(result) if lowering.has_samples(result) else None,
        )

    def _parts(self, losses: Sequence[AddedLoss], weight: float, reported: str | None = None) -> list[Part]:
        parts = []
        for loss in losses:
            mean = (reported or loss.reduction) == "mean"
            positions = math.prod(self.lowering.shape(loss.value)) if mean else 0
            given = loss.factor * weight / max(loss.samples or 1, 1)
            part = self._loss(loss.value, "value", loss.factor, positions, reduction=loss.reduction, weight=given)
            parts.append(Part(part.factor, part.positions, loss.samples is not None))
        return parts

    def _loss(self, number: int, kind: str, factor: float, positions: int, **options: Any) -> Part:
        place = self.lowering.loss(number, kind, **options)
        if place is None:
            return Part(factor, positions)
        self.places.append((place, positions > 0))  # the stages divide themselves
        return Part(factor, 0)


def compile_masks(
    lower: Lower,
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[str],
    of: Collection[int] | None = None,
    training: bool = False,
) -> MaskPlan | None:
    """The plan for the masks of what `lower` writes, for inputs of `shapes`; None where no output has one.

    The builder drops what the masks do not need.

    Args:
        of: the numbers of the outputs whose masks are wanted; all by default.
        training: as of `compile_plan`.
    """
    lowering = Lowering(mode=Mode(training))
    outputs = lower(lowering, [lowering.input(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)])
    masked = [
        number for number, output in enumerate(outputs) if (of is None or number in of) and lowering.mask(output) >= 0
    ]
    if not masked:
        return None
    plan = lowering.builder.build([lowering.mask(outputs[number]) for number in masked], effects=False)
    return MaskPlan(plan, ParameterList([variable.parameter for variable in lowering.variables]), masked)
