"""Random numbers as functions without arguments, or of what gives them the size of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._sizes import Sizes, begins_with_batch, emitted, resolved


@dataclass(frozen=True)
class Random(Function):
    """Independent numbers, others in each run.

    Attributes:
        kind: "uniform", at least 0 and below 1, or "normal", of mean 0 and deviation 1.
        sizes: the shape, with sizes of the arguments in it.
        seed: of the op; None for a number of its own.
    """

    kind: str
    sizes: Sizes
    seed: int | None = None

    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        return Spec(resolved(self.sizes, [item.shape for item in given]))

    def keeps_samples(self, *given: Given) -> bool:
        return begins_with_batch(self.sizes, given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [plan.builder.random(self.kind, emitted(self.sizes, operands, first), plan.op_seed(self.seed))]
