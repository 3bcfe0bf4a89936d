"""Functions that move values: other shapes, other orders of axes, pieces put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._shapes import as_axis, keeps_samples_on_axes


@dataclass(frozen=True)
class Reshape(Function):
    """The same values in another shape, of which one size may be -1."""

    newshape: tuple[int, ...]
    keras_name = "Reshape"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        return Spec(self._shape(x.shape), x.dtype)

    def _shape(self, shape: Shape) -> Shape:
        wanted, unknown = self.newshape, None in shape
        if wanted.count(-1) > 1 or any(size < -1 for size in wanted):
            raise ValueError(f"newshape is {wanted}; expected sizes, at most one of which is -1")
        known = math.prod(size for size in wanted if size != -1)
        if not unknown:
            count = math.prod(size or 0 for size in shape)
            if -1 in wanted and known and count % known == 0:
                return tuple(count // known if size == -1 else size for size in wanted)
            if -1 not in wanted and count == known:
                return wanted
            raise ValueError(f"newshape is {wanted}, but x has shape {shape}, which is {count} values")
        return tuple(None if size == -1 else size for size in wanted)

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        rest = self.newshape[1:]
        own = math.prod(size or 0 for size in x.shape[1:])
        first = self.newshape[:1]
        known = math.prod(size for size in rest if size != -1)
        fits = known == own if -1 not in rest else bool(known) and own % known == 0
        return x.batched and fits and (first == (-1,) or (x.shape[0] is not None and first == x.shape[:1]))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        wanted = self.newshape[first:]
        count = math.prod(x.shape)
        known = math.prod(size for size in wanted if size != -1)
        result = plan.builder.reshape(x.tensor, tuple(count // known if size == -1 else size for size in wanted))
        plan.set_dtype(result, x.dtype)
        return [result]

    def get_config(self) -> dict[str, Any]:
        return {"newshape": list(self.newshape)}


@dataclass(frozen=True)
class Concatenate(Function):
    """Arrays one after the other along an axis."""

    axis: int
    keras_name = "Concatenate"

    def infer(self, *given: Spec) -> Spec:
        shapes = [item.shape for item in given]
        axis = as_axis(self.axis, len(shapes[0]))
        for shape in shapes[1:]:
            fits = len(shape) == len(shapes[0]) and all(
                number == axis or None in (a, b) or a == b
                for number, (a, b) in enumerate(zip(shape, shapes[0], strict=True))
            )
            if not fits:
                raise ValueError(f"xs have shapes {shapes}; expected the same sizes on all axes but {axis}")
        sizes = [shape[axis] for shape in shapes]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        dtypes = {item.dtype for item in given}
        dtype = next(iter(dtypes)) if len(dtypes) == 1 else "float32" if "float32" in dtypes else "int32"
        return Spec((*shapes[0][:axis], total, *shapes[0][axis + 1 :]), dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return all(keeps_samples_on_axes(item, [as_axis(self.axis, len(item.shape))]) for item in given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        dtype = self.infer(*(Spec((*[None] * first, *item.shape), item.dtype) for item in operands)).dtype
        tensors = [
            plan.builder.cast(item.tensor, "float32") if dtype == "float32" != item.dtype else item.tensor
            for item in operands
        ]
        axis = as_axis(self.axis, len(operands[0].shape) + first) - first
        result = tensors[0] if len(tensors) == 1 else plan.builder.concatenate(tensors, axis=axis)
        plan.set_dtype(result, dtype)
        return [result]
