"""Functions that give the same values other shapes, other orders of axes, or put them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._core.arrays import as_axes, as_axis
from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._shapes import keeps_samples_on_axes
from ._sizes import Sizes, begins_with_batch, emitted, resolved


def viewed(plan: Writer, operand: Operand, shape: Sequence[int]) -> list[int]:
    """An argument in another shape, as the result of `emit`."""
    result = plan.builder.reshape(operand.tensor, tuple(shape))
    plan.set_dtype(result, operand.dtype)
    return [result]


def moved(plan: Writer, operand: Operand, result: int) -> list[int]:
    """A tensor made of an argument without arithmetic, as the result of `emit`."""
    plan.set_dtype(result, operand.dtype)
    return [result]


@dataclass(frozen=True)
class Reshape(Function):
    """The same values in another shape, of which one size may be -1. A first size of None is that of the batch."""

    newshape: tuple[int | None, ...]
    keras_name = "Reshape"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        return Spec(self._shape(x.shape), x.dtype)

    def _shape(self, shape: Shape) -> Shape:
        wanted = self.newshape
        if wanted.count(-1) > 1 or any(size is not None and size < -1 for size in wanted):
            raise ValueError(f"newshape is {wanted}; expected sizes, at most one of which is -1")
        if wanted[:1] == (None,) and shape:
            return shape[0], *Reshape(wanted[1:])._shape(shape[1:])
        known = math.prod(size for size in wanted if size is not None and size != -1)
        if -1 in wanted and not known:
            raise ValueError(f"newshape is {wanted}; expected no -1 beside a size of 0")
        if None in shape:
            return tuple(None if size == -1 else size for size in wanted)
        count = math.prod(size or 0 for size in shape)
        if -1 in wanted and known and count % known == 0:
            return tuple(count // known if size == -1 else size for size in wanted)
        if -1 not in wanted and count == known:
            return wanted
        raise ValueError(f"newshape is {wanted}, but x has shape {shape}, which is {count} values")

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        if not x.batched or not self.newshape:
            return False
        size, *rest = self.newshape
        own = math.prod(number or 0 for number in x.shape[1:])
        known = math.prod(number for number in rest if number is not None and number != -1)
        fits = known == own if -1 not in rest else bool(known) and own % known == 0
        return fits and (size in (-1, None) or size == x.shape[0])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        wanted = tuple(x.shape[0] if size is None else size for size in self.newshape[first:])
        known = math.prod(size for size in wanted if size != -1)
        return viewed(plan, x, [math.prod(x.shape) // known if size == -1 else size for size in wanted])


@dataclass(frozen=True)
class ExpandDims(Function):
    """New axes of length 1, at these places of the result."""

    axis: tuple[int, ...]
    keras_name = "ExpandDims"

    def infer(self, *given: Spec) -> Spec:
        return Spec(self._shape(given[0].shape), given[0].dtype)

    def _shape(self, shape: Shape) -> Shape:
        rank = len(shape) + len(self.axis)
        new = as_axes(self.axis, rank)
        rest = iter(shape)
        return tuple(1 if axis in new else next(rest) for axis in range(rank))

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        return x.batched and 0 not in as_axes(self.axis, len(x.shape) + len(self.axis))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        shape = self._shape((*[-1] * first, *x.shape))
        return viewed(plan, x, [size for size in shape[first:] if size is not None])

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis[0] if len(self.axis) == 1 else list(self.axis)}


@dataclass(frozen=True)
class Squeeze(Function):
    """Without these axes, of length 1; None stands for all such axes."""

    axis: tuple[int, ...] | None
    keras_name = "Squeeze"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        axes = self._axes(x.shape)
        wrong = [axis for axis in axes if x.shape[axis] != 1]
        if wrong:
            raise ValueError(f"axis is {wrong[0]} and x has shape {x.shape}; expected an axis of length 1")
        return Spec(tuple(size for axis, size in enumerate(x.shape) if axis not in axes), x.dtype)

    def _axes(self, shape: Shape) -> tuple[int, ...]:
        if self.axis is None:
            return tuple(axis for axis, size in enumerate(shape) if size == 1)
        return as_axes(self.axis, len(shape))

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        if self.axis is None and x.shape[0] == 1:
            return False
        return keeps_samples_on_axes(x, self._axes(x.shape))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axes = [axis - first for axis in self._axes((*[-1] * first, *x.shape))]
        return viewed(plan, x, [size for axis, size in enumerate(x.shape) if axis not in axes])


@dataclass(frozen=True)
class Transpose(Function):
    """The axes in another order; None turns it around."""

    axes: tuple[int, ...] | None
    keras_name = "Transpose"

    def _axes(self, rank: int) -> tuple[int, ...]:
        if self.axes is None:
            return tuple(range(rank))[::-1]
        axes = tuple(as_axis(axis, rank, "axes") for axis in self.axes)
        if sorted(axes) != list(range(rank)):
            raise ValueError(f"axes is {self.axes} for an array of {rank} dimensions; expected each of them once")
        return axes

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        return Spec(tuple(x.shape[axis] for axis in self._axes(len(x.shape))), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        return x.batched and self._axes(len(x.shape))[0] == 0

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axes = self._axes(len(x.shape) + first)[first:]
        return moved(plan, x, plan.builder.permute(x.tensor, [axis - first for axis in axes]))


@dataclass(frozen=True)
class BroadcastTo(Function):
    """The argument broadcast to a shape. More arguments are those whose sizes are in the shape."""

    shape: Sizes

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return "BroadcastTo" if all(isinstance(size, int) for size in self.shape) else ""

    def infer(self, *given: Spec) -> Spec:
        x = given[0]
        shape = resolved(self.shape, [item.shape for item in given])
        missing = len(shape) - len(x.shape)
        fits = missing >= 0 and all(
            None in (own, size) or own in (1, size) for own, size in zip(x.shape, shape[missing:], strict=True)
        )
        if not fits:
            raise ValueError(f"shape is {shape} and x has shape {x.shape}; expected a shape to which x broadcasts")
        return Spec(shape, x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        x, *others = given
        if x.batched and (len(x.shape) != len(self.shape) or not others):
            return False
        if not x.batched and len(x.shape) == len(self.shape) and x.shape[0] != 1:
            return False
        return begins_with_batch(self.shape, given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x = operands[0]
        shape = emitted(self.shape, operands, first)
        tensor = x.tensor
        if len(x.shape) > len(shape):  # of the batch's length 1
            tensor = plan.builder.reshape(tensor, x.shape[len(x.shape) - len(shape) :])
        return moved(plan, x, plan.builder.broadcast_to(tensor, shape) if shape else tensor)


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
        return Spec((*shapes[0][:axis], total, *shapes[0][axis + 1 :]), common_dtype(given))

    def keeps_samples(self, *given: Given) -> bool:
        return all(keeps_samples_on_axes(item, [as_axis(self.axis, len(item.shape))]) for item in given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        axis = as_axis(self.axis, len(operands[0].shape) + first) - first
        return joined(plan, operands, [item.shape for item in operands], axis)

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        return [list(arguments)], {}


@dataclass(frozen=True)
class Stack(Function):
    """Arrays of one shape side by side along a new axis."""

    axis: int
    keras_name = "Stack"

    def infer(self, *given: Spec) -> Spec:
        shapes = [item.shape for item in given]
        axis = as_axis(self.axis, len(shapes[0]) + 1)
        for shape in shapes[1:]:
            if len(shape) != len(shapes[0]) or any(
                None not in (a, b) and a != b for a, b in zip(shape, shapes[0], strict=True)
            ):
                raise ValueError(f"xs have shapes {shapes}; expected one shape")
        return Spec((*shapes[0][:axis], len(shapes), *shapes[0][axis:]), common_dtype(given))

    def keeps_samples(self, *given: Given) -> bool:
        return all(item.batched for item in given) and as_axis(self.axis, len(given[0].shape) + 1) != 0

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        shape = operands[0].shape
        axis = as_axis(self.axis, len(shape) + first + 1) - first
        return joined(plan, operands, [(*shape[:axis], 1, *shape[axis:])] * len(operands), axis)

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        return [list(arguments)], {}


def common_dtype(given: Sequence[Spec] | Sequence[Operand]) -> str:
    """The dtype of what is put together of several arrays."""
    dtypes = {item.dtype for item in given}
    return next(iter(dtypes)) if len(dtypes) == 1 else "float32" if "float32" in dtypes else "int32"


def joined(plan: Writer, operands: Sequence[Operand], shapes: Sequence[Sequence[int]], axis: int) -> list[int]:
    """Arguments in these shapes, one after the other along an axis, as the result of `emit`."""
    dtype = common_dtype(operands)
    tensors = []
    for item, shape in zip(operands, shapes, strict=True):
        tensor = plan.builder.cast(item.tensor, "float32") if dtype == "float32" != item.dtype else item.tensor
        tensors.append(plan.builder.reshape(tensor, tuple(shape)))
    result = tensors[0] if len(tensors) == 1 else plan.builder.concatenate(tensors, axis=axis)
    plan.set_dtype(result, dtype)
    return [result]
