"""What nodes of an ONNX graph take and give, while a model is made of them.

day33 has the batch first and the channels last, ONNX has the channels second and the steps of a sequence first. So a
`Value` is a symbolic tensor with the batch first, and an *order*: axis i in ONNX is axis ``order[i]`` of the tensor. A
transpose changes nothing but the order; another tensor is made only when a layer asks for an order that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .. import ops
from .._graph import limits
from .._graph.tensors import SymbolicTensor

Array = NDArray[Any]
Order = tuple[int, ...]
MOST = 2**24  # values in the constants that a file makes of others


class _Batch:
    """The number of samples, in shapes."""

    def __repr__(self) -> str:
        return "N"


BATCH: Final = _Batch()
Size = Any  # an int, None or an Open where it is open, or BATCH


class Open:
    """A size that is not known: a reshape may stand for it by -1."""

    def __init__(self, axis: int) -> None:
        self._axis = axis

    def __int__(self) -> int:
        raise ValueError(f"it computes with the size of axis {self._axis}, which is open; expected a known size")


def plain(rank: int) -> Order:
    """The order in which the axes are as in ONNX."""
    return tuple(range(rank))


def channels_last(rank: int) -> Order:
    """The order of images and sequences: (N, C, ...) in ONNX, (N, ..., C) in day33."""
    return (0, rank - 1, *range(1, rank - 1))


def steps_second(rank: int) -> Order:
    """The order of (T, N, ...) in ONNX, (N, T, ...) in day33."""
    return (1, 0, *range(2, rank))


def batch_ahead(rank: int, batch: int) -> Order:
    """The order in which the batch, that axis in ONNX, is taken to the front and all others stay as they are."""
    return tuple(0 if axis == batch else axis + 1 if axis < batch else axis for axis in range(rank))


@dataclass(eq=False)
class Value:
    """A tensor of the graph.

    Attributes:
        tensors: by order. array: instead, what it holds, if that is known; shapes are arrays of objects, which may
            hold BATCH. Constants that have a batch have one row.
    """

    tensors: dict[Order, SymbolicTensor] = field(default_factory=dict)
    array: Array | None = None

    @staticmethod
    def of(tensor: SymbolicTensor, order: Sequence[int] | None = None) -> Value:
        """The value of a tensor; by default in plain order."""
        return Value({plain(len(tensor.shape)) if order is None else tuple(order): tensor})

    @staticmethod
    def known(array: Any) -> Value:
        """A constant."""
        return Value(array=np.asarray(array))

    @property
    def rank(self) -> int:
        return len(next(iter(self.tensors))) if self.array is None else self.array.ndim

    @property
    def order(self) -> Order:
        """An order in which it is there."""
        return next(iter(self.tensors))

    @property
    def batch(self) -> int:
        """Which axis in ONNX is the batch."""
        return self.order.index(0)

    @property
    def sizes(self) -> list[Size]:
        """As in ONNX."""
        if self.array is not None:
            return list(self.array.shape)
        order = self.order
        shape = self.tensors[order].shape
        return [BATCH if axis == 0 else shape[axis] for axis in order]

    @property
    def dtype(self) -> str:
        if self.array is not None:
            return {"f": "float32", "b": "bool"}.get(self.array.dtype.kind, "int32")
        return self.tensors[self.order].dtype

    def tensor(self, order: Sequence[int] | None = None) -> SymbolicTensor:
        """The tensor in an order, by default the plain one.

        Raises:
            ValueError: the value is a constant, or in that order the batch would not be first.
        """
        if self.array is not None:
            raise ValueError("it takes a constant where a value that depends on the inputs is expected")
        wanted = plain(self.rank) if order is None else tuple(order)
        if wanted not in self.tensors:
            have = self.order
            if wanted.index(0) != have.index(0):
                raise ValueError(
                    f"it takes the batch on axis {have.index(0)} where axis {wanted.index(0)} is expected to be it"
                )
            perm = [have[wanted.index(axis)] for axis in range(self.rank)]
            self.tensors[wanted] = ops.transpose(self.tensors[have], perm)
        return self.tensors[wanted]

    def constant(self) -> Array:
        """What it holds. ValueError where that is not known."""
        if self.array is None:
            raise ValueError("it takes a value that depends on the inputs where a constant is expected")
        return self.array

    def numbers(self) -> list[Size]:
        """A vector of sizes, places or axes."""
        array = self.constant()
        if array.ndim > 1 or array.dtype.kind not in "iuO":
            raise ValueError(f"it takes {array.dtype} of shape {array.shape} where a vector of integers is expected")
        return [item if item is BATCH else int(item) for item in array.reshape(-1).tolist()]

    def integers(self) -> list[int]:
        """The same without BATCH."""
        numbers = self.numbers()
        if BATCH in numbers:
            raise ValueError(f"it takes {numbers}, where N is the number of samples; expected constants")
        return numbers


def allow(*shape: int) -> None:
    """Refuses a constant of this shape, before it is made, if with all others it is more than a file may ask for."""
    left = limits.current()
    if left is not None and not left.take_values(math.prod(shape)):
        raise ValueError(
            f"it makes a constant of shape {shape}; expected no more than {MOST:,} values in all constants"
        )


def as_operand(array: Array) -> Any:
    """A constant as functions of `day33.ops` take it; a single number without axes."""
    if array.dtype.kind == "O":
        raise ValueError("it computes with the number of samples; expected results of each sample by itself")
    if array.dtype.kind in "iu":
        if array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
            raise ValueError("it takes integers beyond the range of int32")
        array = array.astype(np.int32)
    elif array.dtype.kind == "f":
        array = array.astype(np.float32)
    return array.reshape(()) if array.size == 1 else array


def common_order(values: Iterable[Value]) -> Order:
    """An order that as many of these values as possible have."""
    found: dict[Order, int] = {}
    for value in values:
        for order in value.tensors:
            found[order] = found.get(order, 0) + 1
    return max(found, key=lambda order: found[order])


def aligned(values: Sequence[Value]) -> tuple[list[Any], Order]:
    """Operands that broadcast as those of ONNX, and the order of the result."""
    rank = max(value.rank for value in values)
    full = [value for value in values if value.array is None and value.rank == rank]
    if not full or any(value.rank != rank for value in values if value.array is None):
        shapes = [value.sizes for value in values]
        raise ValueError(f"it takes values of shapes {shapes}; expected samples and constants of no higher rank")
    order = common_order(full)
    operands = []
    for value in values:
        if value.array is None:
            operands.append(value.tensor(order))
            continue
        array = value.array.reshape((1,) * (rank - value.array.ndim) + value.array.shape)
        array = array.transpose([order.index(axis) for axis in range(rank)])
        if array.shape[0] != 1:
            raise ValueError(f"it takes a constant of shape {value.array.shape} with rows of its own for the samples")
        operands.append(as_operand(array))
    return operands, order


def elementwise(function: Callable[..., Any], *values: Value) -> Value:
    """A function of single elements, with broadcasting."""
    operands, order = aligned(values)
    return Value.of(function(*operands), order)
