"""Products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._elementwise import as_float
from ._shapes import broadcast_shapes


@dataclass(frozen=True)
class Matmul(Function):
    """Matrix products over the last two axes, leading axes broadcast; arguments of one axis are rows or columns."""

    keras_name = "Matmul"

    def infer(self, *given: Spec) -> Spec:
        x1, x2 = given
        if not x1.shape or not x2.shape:
            raise ValueError(f"x1 and x2 have shapes {x1.shape} and {x2.shape}; expected at least one axis each")
        rows = x1.shape[-2:-1]
        columns = x2.shape[-1:] if len(x2.shape) > 1 else ()
        inner = x1.shape[-1], x2.shape[-2 if len(x2.shape) > 1 else -1]
        if None not in inner and inner[0] != inner[1]:
            raise ValueError(
                f"x1 and x2 have shapes {x1.shape} and {x2.shape}; expected the last axis of x1 as long as the "
                "next to last one of x2"
            )
        leading = broadcast_shapes(("x1", "x2"), (x1.shape[:-2], x2.shape[:-2]))
        return Spec((*leading, *rows, *columns), "int32" if "float32" not in (x1.dtype, x2.dtype) else "float32")

    def keeps_samples(self, *given: Given) -> bool:
        x1, x2 = given
        if x1.batched and x2.batched:
            return len(x1.shape) == len(x2.shape) >= 3
        # The batch is an axis of rows of x1, or a leading one of either.
        samples, same = (x1, x2) if x1.batched else (x2, x1)
        if len(samples.shape) < (2 if x1.batched else 3):
            return False
        return len(same.shape) < max(len(samples.shape), 3) or same.shape[0] == 1

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x1, x2 = operands
        if x2.slot is not None and x2.dtype == "float32" and len(x2.shape) == 2 and x1.shape:
            return [plan.builder.dense(as_float(plan, x1), x2.slot)]
        a, b = (
            self._without_batch(plan, item, other) if first and item.slot is not None else as_float(plan, item)
            for item, other in ((x1, x2), (x2, x1))
        )
        result = plan.builder.matmul(a, b)
        if "float32" not in (x1.dtype, x2.dtype):
            result = plan.builder.cast(result, "int32")
            plan.set_dtype(result, "int32")
        return [result]

    def _without_batch(self, plan: Writer, item: Operand, other: Operand) -> int:
        """What is the same for all samples, without a leading axis of length 1 for the batch."""
        extra = len(item.shape) > max(len(other.shape), 2)
        tensor = as_float(plan, item)
        return plan.builder.reshape(tensor, item.shape[1:]) if extra else tensor
