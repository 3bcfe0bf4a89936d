"""Sizes of axes that are not known while a graph is made, above all that of the batch, and shapes made with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.arrays import as_int, is_int
from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from .._graph.tensors import Node, SymbolicTensor


class AxisSize(SymbolicTensor):
    """The size of an axis of a symbolic tensor, times a factor: an integer that is known when the graph is run.

    Attributes:
        of: the tensor.
        axis, factor: the axis, from 0, and the factor.
    """

    def __init__(self, of: SymbolicTensor, axis: int, factor: int = 1) -> None:
        super().__init__((), "int32")
        self.of, self.axis, self.factor = of, axis, factor
        Node(SizeOf(axis, factor), (of,), {}, None, self)

    def __mul__(self, other: Any) -> Any:
        if is_int(other) and int(other) > 0:
            return AxisSize(self.of, self.axis, self.factor * int(other))
        return super().__mul__(other)

    __rmul__ = __mul__


@dataclass(frozen=True)
class SizeOf(Function):
    """The size of an axis times a factor, as a scalar."""

    axis: int
    factor: int = 1
    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        return Spec((), "int32")

    def keeps_samples(self, *given: Given) -> bool:
        return False

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [plan.constant(np.int32(operands[0].shape[self.axis - first] * self.factor))]


@dataclass(frozen=True)
class Of:
    """A size in the shape of a result: that of an axis of an argument, times a factor."""

    argument: int
    axis: int
    factor: int = 1


Sizes = tuple[int | Of, ...]


def as_sizes(name: str, shape: Any) -> tuple[Sizes, list[SymbolicTensor]]:
    """A shape that a user gave, and the tensors that its symbolic sizes belong to.

    Raises:
        TypeError, ValueError: it is no sequence of sizes of at least 0.
    """
    given = list(shape) if isinstance(shape, list | tuple | np.ndarray) else [shape]
    return numbered(given, lambda number, size: as_int(f"{name}[{number}]", size, 0))


def numbered(given: Sequence[Any], check: Callable[[int, Any], int]) -> tuple[Sizes, list[SymbolicTensor]]:
    """Integers and symbolic sizes, and the tensors that these belong to.

    Args:
        given: both.
        check: makes an integer of what is not symbolic, and of its place.
    """
    places: dict[SymbolicTensor, int] = {}
    sizes: list[int | Of] = []
    for number, size in enumerate(given):
        if isinstance(size, AxisSize):
            sizes.append(Of(places.setdefault(size.of, len(places)), size.axis, size.factor))
        else:
            sizes.append(check(number, size))
    return tuple(sizes), list(places)


def resolved(sizes: Sizes, shapes: Sequence[Shape]) -> Shape:
    """The shape, from those of the arguments; a size of None is unknown."""
    result: list[int | None] = []
    for size in sizes:
        if isinstance(size, int):
            result.append(size)
        else:
            own = shapes[size.argument][size.axis]
            result.append(None if own is None else own * size.factor)
    return tuple(result)


def emitted(sizes: Sizes, operands: Sequence[Operand], first: int) -> tuple[int, ...]:
    """The shape in a plan whose tensors lack `first` leading axes."""
    shapes = [(*[None] * first, *operand.shape) for operand in operands]
    return tuple(size for size in resolved(sizes, shapes)[first:] if size is not None)


def begins_with_batch(sizes: Sizes, given: Sequence[Given]) -> bool:
    """Whether the shape begins with the size of the batch, and has no such size elsewhere."""
    on_batch = [
        number for number, size in enumerate(sizes)
        if isinstance(size, Of) and size.axis == 0 and given[size.argument].batched
    ]  # fmt: skip
    return on_batch == [0] and sizes[0].factor == 1  # type: ignore[union-attr]
