"""Functions that cut arrays into pieces, turn them around, repeat them and put borders around them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._core.arrays import as_axes, as_axis
from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._shapes import keeps_samples_on_axes
from ._shaping import moved


def part(plan: Writer, tensor: int, shape: Sequence[int], axis: int, begin: int, size: int, stride: int = 1) -> int:
    """`size` cells of one axis of a tensor of that shape, in steps of `stride`."""
    begins, sizes, strides = [0] * len(shape), list(shape), [1] * len(shape)
    begins[axis], sizes[axis], strides[axis] = begin, size, stride
    return plan.builder.strided_slice(tensor, begins, sizes, strides)


@dataclass(frozen=True)
class Split(Function):
    """Pieces along an axis: so many of one size, or cut before these positions."""

    indices_or_sections: int | tuple[int, ...]
    axis: int
    keras_name = "Split"

    def _cuts(self, size: int) -> list[int]:
        """Where pieces begin, and where the last one ends."""
        wanted = self.indices_or_sections
        if isinstance(wanted, int):
            if size % wanted:
                raise ValueError(f"indices_or_sections is {wanted} and axis {self.axis} has length {size}; expected a "
                                 "divisor of it")  # fmt: skip
            return list(range(0, size + 1, size // wanted)) if size else [0] * (wanted + 1)
        places = [min(max(place + size if place < 0 else place, 0), size) for place in wanted]
        return [0, *places, size]

    def infer(self, *given: Spec) -> tuple[Spec, ...]:
        (x,) = given
        axis = as_axis(self.axis, len(x.shape))
        size = x.shape[axis]
        if size is None:
            wanted = self.indices_or_sections
            count = wanted if isinstance(wanted, int) else len(wanted) + 1
            sizes: list[int | None] = [None] * count
        else:
            cuts = self._cuts(size)
            sizes = [max(end - begin, 0) for begin, end in itertools.pairwise(cuts)]
        return tuple(Spec((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype) for size in sizes)

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(self.axis, len(given[0].shape))])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first) - first
        cuts = self._cuts(x.shape[axis])
        results = []
        for begin, end in itertools.pairwise(cuts):
            results += moved(plan, x, part(plan, x.tensor, x.shape, axis, begin, max(end - begin, 0)))
        return results


@dataclass(frozen=True)
class Unstack(Function):
    """The slices along an axis, without it."""

    num: int
    axis: int
    keras_name = "Unstack"
    keras_module = "core"

    def infer(self, *given: Spec) -> tuple[Spec, ...]:
        (x,) = given
        axis = as_axis(self.axis, len(x.shape))
        if x.shape[axis] not in (None, self.num):
            raise ValueError(f"num is {self.num} and x has shape {x.shape}; expected the length of axis {axis}")
        return (Spec((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype),) * self.num

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(self.axis, len(given[0].shape))])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first) - first
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        results = []
        for number in range(self.num):
            piece = part(plan, x.tensor, x.shape, axis, number, 1)
            results += moved(plan, x, plan.builder.reshape(piece, shape))
        return results


@dataclass(frozen=True)
class Flip(Function):
    """The order turned around along axes; None stands for all."""

    axis: tuple[int, ...] | None
    keras_name = "Flip"

    def infer(self, *given: Spec) -> Spec:
        as_axes(self.axis, len(given[0].shape))
        return given[0]

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], as_axes(self.axis, len(given[0].shape)))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axes = [axis - first for axis in as_axes(self.axis, len(x.shape) + first)]
        begins = [size - 1 if axis in axes else 0 for axis, size in enumerate(x.shape)]
        strides = [-1 if axis in axes else 1 for axis in range(len(x.shape))]
        return moved(plan, x, plan.builder.strided_slice(x.tensor, begins, x.shape, strides))


@dataclass(frozen=True)
class Roll(Function):
    """Values moved along axes by so many places; those that leave at the end come in at the beginning."""

    shift: tuple[int, ...]
    axis: tuple[int, ...]
    keras_name = "Roll"

    def infer(self, *given: Spec) -> Spec:
        for axis in self.axis:
            as_axis(axis, len(given[0].shape))
        return given[0]

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(axis, len(given[0].shape)) for axis in self.axis])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        tensor = x.tensor
        for shift, axis in zip(self.shift, self.axis, strict=True):
            along = as_axis(axis, len(x.shape) + first) - first
            size = x.shape[along]
            places = shift % size if size else 0
            if places:
                end = part(plan, tensor, x.shape, along, size - places, places)
                tensor = plan.builder.concatenate([end, part(plan, tensor, x.shape, along, 0, size - places)], along)
        return moved(plan, x, plan.builder.reshape(tensor, x.shape))


@dataclass(frozen=True)
class Tile(Function):
    """The array so many times along each axis."""

    repeats: tuple[int, ...]
    keras_name = "Tile"

    def _full(self, shape: Shape) -> tuple[Shape, tuple[int, ...]]:
        """Shape and repeats with the same number of axes."""
        missing = len(self.repeats) - len(shape)
        return (1,) * missing + tuple(shape), (1,) * -missing + self.repeats

    def infer(self, *given: Spec) -> Spec:
        shape, repeats = self._full(given[0].shape)
        sizes = tuple(None if size is None else size * n for size, n in zip(shape, repeats, strict=True))
        return Spec(sizes, given[0].dtype)

    def keeps_samples(self, *given: Given) -> bool:
        (x,) = given
        missing = len(x.shape) - len(self.repeats)
        return x.batched and missing >= 0 and (missing > 0 or self.repeats[0] == 1)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        shape, repeats = self._full((*[-1] * first, *x.shape))
        sizes = tuple(size for size in shape[first:] if size is not None)
        return moved(plan, x, plan.builder.tile(plan.builder.reshape(x.tensor, sizes), repeats[first:]))


@dataclass(frozen=True)
class Repeat(Function):
    """Each cell of an axis so many times, or each as often as its number says."""

    repeats: int | tuple[int, ...]
    axis: int
    keras_name = "Repeat"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        axis = as_axis(self.axis, len(x.shape))
        size, repeats = x.shape[axis], self.repeats
        if isinstance(repeats, int):
            total = None if size is None else size * repeats
        elif size in (None, len(repeats)):
            total = sum(repeats)
        else:
            raise ValueError(f"repeats has {len(repeats)} numbers and x has shape {x.shape}; expected one, or one for "
                             f"each cell of axis {axis}")  # fmt: skip
        return Spec((*x.shape[:axis], total, *x.shape[axis + 1 :]), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(self.axis, len(given[0].shape))])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first) - first
        repeats = self.repeats if isinstance(self.repeats, int) else list(self.repeats)
        return moved(plan, x, plan.builder.repeat(x.tensor, repeats, axis))


@dataclass(frozen=True)
class Pad(Function):
    """Borders around an array: a constant, or the array reflected."""

    pad_width: tuple[tuple[int, int], ...]
    mode: str = "constant"
    constant_values: float = 0.0
    keras_name = "Pad"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        if len(self.pad_width) != len(x.shape):
            raise ValueError(f"pad_width has {len(self.pad_width)} pairs and x has shape {x.shape}; expected a pair "
                             "for each axis")  # fmt: skip
        sizes = []
        for size, (before, after) in zip(x.shape, self.pad_width, strict=True):
            largest = {"reflect": -1, "symmetric": 0}.get(self.mode)
            if largest is not None and size is not None and max(before, after) > size + largest:
                raise ValueError(f"pad_width is {self.pad_width} and x has shape {x.shape}; expected at most "
                                 f"{size + largest} for mode {self.mode!r}")  # fmt: skip
            sizes.append(None if size is None else size + before + after)
        return Spec(tuple(sizes), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return given[0].batched and self.pad_width[0] == (0, 0)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        borders = self.pad_width[first:]
        return moved(plan, x, plan.builder.pad(x.tensor, borders, self.mode, self.constant_values))

    def get_config(self) -> dict[str, Any]:
        return {"pad_width": [list(pair) for pair in self.pad_width], "mode": self.mode}

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        return list(arguments), {"constant_values": self.constant_values} if self.mode == "constant" else {}
