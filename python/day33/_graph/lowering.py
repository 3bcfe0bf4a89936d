"""Native plans: what layers write their ops into, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._native import ParameterList, Plan, PlanBuilder

if TYPE_CHECKING:
    from .._core.types import Array
    from .._core.variables import Variable


class Lowering:
    """A plan that is being written: the builder, the slots of the variables so far, the masks, and the mode."""

    def __init__(self) -> None:
        self.builder = PlanBuilder()
        self.variables: list[Variable] = []
        self.inference = False  # inside a layer that was called with training=False
        self._slots: dict[int, int] = {}
        self._dtypes: dict[int, str] = {}
        self._masks: dict[int, int] = {}
        self._masked_by_call: set[int] = set()

    def slot(self, variable: Variable | None) -> int:
        """The parameter slot of `variable`, made on first use; -1 for None."""
        if variable is None:
            return -1
        if id(variable) not in self._slots:
            self._slots[id(variable)] = self.builder.parameter(variable.shape, trainable=variable.trainable)
            self.variables.append(variable)
        return self._slots[id(variable)]

    def input(self, shape: Sequence[int], dtype: str) -> int:
        """A new input of the plan, `shape` without the batch."""
        tensor = self.builder.input(shape, dtype)
        self._dtypes[tensor] = dtype
        return tensor

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Without the batch."""
        return tuple(self.builder.shape(tensor))

    def dtype(self, tensor: int) -> str:
        """Of a tensor of the plan: "float32" or "int32"."""
        return self._dtypes.get(tensor, "float32")

    def set_dtype(self, tensor: int, dtype: str) -> None:
        """Notes the dtype of a layer's result."""
        self._dtypes[tensor] = dtype

    def mask(self, tensor: int) -> int:
        """The mask of a tensor: int32, without the axes it is the same for; -1 for none."""
        return self._masks.get(tensor, -1)

    def mask_over_time(self, tensor: int) -> int:
        """The mask of a tensor (T, ...) if it has one number per time step; -1 otherwise.

        Raises:
            ValueError: the call gave another mask.
        """
        mask = self.mask(tensor)
        if mask < 0 or self.shape(mask) == self.shape(tensor)[:1]:
            return mask
        if self.is_masked_by_call(tensor):
            raise ValueError(f"mask has shape {('N', *self.shape(mask))}; expected (N, T), one number per time step")
        return -1

    def set_mask(self, tensor: int, mask: int) -> None:
        """Gives a layer's result a mask, or, with -1, says that it has none."""
        self._masks[tensor] = mask

    def with_masks(self, tensors: Sequence[int], masks: Sequence[int | None]) -> list[int]:
        """The same tensors with the masks that a call gave for them, in place of those they have.

        Args:
            tensors: of the plan.
            masks: tensors of the plan, as numbers or truth values; None for a tensor that keeps its own. Empty where
                no mask was given.
        """
        if not masks:
            return list(tensors)
        return [
            tensor if mask is None else self._with_mask(tensor, mask)
            for tensor, mask in zip(tensors, masks, strict=True)
        ]

    def _with_mask(self, tensor: int, mask: int) -> int:
        if self.dtype(mask) != "int32":
            shape = self.shape(mask)
            mask = self.builder.differs(self.builder.reshape(mask, (*shape, 1)), 0.0)
        view = self.builder.reshape(tensor, self.shape(tensor))
        self.set_dtype(view, self.dtype(tensor))
        self.set_mask(view, mask)
        self._masked_by_call.add(view)
        return view

    def is_masked_by_call(self, tensor: int) -> bool:
        """Whether the mask of a tensor was given by the call of the layer, not made by a layer before it."""
        return tensor in self._masked_by_call

    def pass_mask(self, inputs: Sequence[int], results: Sequence[int]) -> None:
        """Gives the first mask of the inputs to those results that have no mask yet and still have its axes."""
        mask = next((self.mask(tensor) for tensor in inputs if self.mask(tensor) >= 0), -1)
        for result in results:
            axes = self.shape(mask) if mask >= 0 else ()
            if result not in self._masks and mask >= 0 and self.shape(result)[: len(axes)] == axes:
                self._masks[result] = mask

    @contextmanager
    def mode(self, training: bool | None) -> Iterator[None]:
        """The mode inside a layer that was called with this `training`; once False, it stays so further inside."""
        before = self.inference
        self.inference = before or training is False
        try:
            yield
        finally:
            self.inference = before


@dataclass(frozen=True)
class LossTerm:
    """A loss on output number `output`, as `PlanBuilder.loss` takes it."""

    output: int
    kind: str
    from_logits: bool = False
    reduction: str = "mean"
    weight: float = 1.0


@dataclass(frozen=True)
class CompiledPlan:
    """A plan with what it runs on.

    Attributes:
        variables: in slot order.
        masks: a plan for the masks of the outputs, None where no output has one or the plan has no losses.
    """

    plan: Plan
    parameters: ParameterList
    variables: list[Variable]
    masks: MaskPlan | None = None


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
    lower: Callable[[Lowering, list[int]], list[int]],
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[str],
    losses: Sequence[LossTerm] | None,
) -> CompiledPlan:
    """The plan of what `lower` writes, for inputs of `shapes` (without the batch)."""
    lowering = Lowering()
    inputs = [lowering.input(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    outputs = lower(lowering, inputs)
    for term in losses or ():
        if not 0 <= term.output < len(outputs):
            raise ValueError(f"loss is for output {term.output}; the model has {len(outputs)}")
        lowering.builder.loss(
            outputs[term.output], term.kind, from_logits=term.from_logits, reduction=term.reduction, weight=term.weight
        )
    masked = {number for number, output in enumerate(outputs) if losses and lowering.mask(output) >= 0}
    plan = lowering.builder.build(outputs)
    parameters = ParameterList([variable.parameter for variable in lowering.variables])
    masks = compile_masks(lower, shapes, dtypes, masked) if masked else None
    return CompiledPlan(plan, parameters, lowering.variables, masks)


def compile_masks(
    lower: Callable[[Lowering, list[int]], list[int]],
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[str],
    of: Collection[int] | None = None,
) -> MaskPlan | None:
    """The plan for the masks of what `lower` writes, for inputs of `shapes`; None where no output has one.

    The builder drops what the masks do not need.

    Args:
        of: the numbers of the outputs whose masks are wanted; all by default.
    """
    lowering = Lowering()
    outputs = lower(lowering, [lowering.input(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)])
    masked = [
        number for number, output in enumerate(outputs) if (of is None or number in of) and lowering.mask(output) >= 0
    ]
    if not masked:
        return None
    plan = lowering.builder.build([lowering.mask(outputs[number]) for number in masked])
    return MaskPlan(plan, ParameterList([variable.parameter for variable in lowering.variables]), masked)
