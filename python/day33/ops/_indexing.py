"""Functions that pick values by their positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.arrays import as_axis
from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._shapes import broadcast_shapes, keeps_samples_on_axes
from ._shaping import moved


@dataclass(frozen=True)
class Cut:
    """`slice`, which Python 3.11 cannot hash."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None

    def steps(self, size: int) -> range:
        """The positions on an axis of that length."""
        return range(*slice(self.start, self.stop, self.step).indices(size))

    @property
    def is_everything(self) -> bool:
        return self.start in (None, 0) and self.stop is None and self.step in (None, 1)


@dataclass(frozen=True)
class GetItem(Function):
    """Indexing with integers, slices and new axes.

    Attributes:
        items: an integer or a slice for each axis of the argument, with None where a new axis comes in between.
    """

    items: tuple[int | Cut | None, ...]
    keras_name = "GetItem"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        sizes: list[int | None] = []
        rest = iter(x.shape)
        for item in self.items:
            size = 1 if item is None else next(rest)
            if isinstance(item, int):
                if size is not None and not -size <= item < size:
                    raise IndexError(f"index is {item} for an axis of length {size}; x has shape {x.shape}")
            elif item is None or size is None:
                sizes.append(1 if item is None else None)
            else:
                sizes.append(len(item.steps(size)))
        return Spec(tuple(sizes), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return given[0].batched and isinstance(self.items[0], Cut) and self.items[0].is_everything

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        begins, sizes, strides, shape = [], [], [], []
        rest = iter(x.shape)
        for item in self.items[first:]:
            if item is None:
                shape.append(1)
                continue
            size = next(rest)
            if isinstance(item, int):
                begins.append(item % size)
                sizes.append(1)
                strides.append(1)
                continue
            steps = item.steps(size)
            begins.append(steps.start)
            sizes.append(len(steps))
            strides.append(steps.step)
            shape.append(len(steps))
        result = x.tensor
        if tuple(sizes) != x.shape or any(stride != 1 for stride in strides):
            result = plan.builder.strided_slice(result, begins, sizes, strides)
        return moved(plan, x, plan.builder.reshape(result, shape))

    def get_config(self) -> dict[str, Any]:
        return {}

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        key = [
            {"class_name": "__slice__", "config": {"start": item.start, "stop": item.stop, "step": item.step}}
            if isinstance(item, Cut) else item
            for item in self.items
        ]  # fmt: skip
        return [*arguments, key], {}


@dataclass(frozen=True)
class Take(Function):
    """The slices of x along an axis at some positions."""

    axis: int
    keras_name = "Take"

    def infer(self, *given: Spec) -> Spec:
        x, indices = given
        check_indices(indices)
        axis = as_axis(self.axis, len(x.shape))
        return Spec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        x, indices = given
        axis = as_axis(self.axis, len(x.shape))
        if indices.batched:
            return not x.batched and axis == 0
        return keeps_samples_on_axes(x, [axis])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x, indices = operands
        whole = 0 if first and x.slot is not None else first  # what is the same for all samples has all of its axes
        axis = as_axis(self.axis, len(x.shape) + whole) - whole
        if indices.value is not None:
            constant = within(indices.value, x.shape[axis])
            return moved(plan, x, plan.builder.take(x.tensor, constant, axis))
        if x.slot is not None and x.dtype == "float32" and axis == 0 and len(x.shape) == 2:
            return [plan.builder.embedding(indices.tensor, x.slot)]
        return moved(plan, x, plan.builder.gather(x.tensor, indices.tensor, axis))


@dataclass(frozen=True)
class TakeAlongAxis(Function):
    """For each position of `indices`, the value of x that stands there along the axis."""

    axis: int
    keras_name = "TakeAlongAxis"

    def infer(self, *given: Spec) -> Spec:
        x, indices = given
        check_indices(indices)
        axis = as_axis(self.axis, len(x.shape))
        if len(indices.shape) != len(x.shape):
            raise ValueError(f"indices has shape {indices.shape} and x has shape {x.shape}; expected as many axes")
        without: list[Shape] = [(*shape[:axis], *shape[axis + 1 :]) for shape in (x.shape, indices.shape)]
        shape = broadcast_shapes(("x", "indices"), without)
        return Spec((*shape[:axis], indices.shape[axis], *shape[axis:]), x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        if as_axis(self.axis, len(given[0].shape)) == 0:
            return False
        return all(item.batched or item.shape[0] == 1 for item in given) and any(item.batched for item in given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        # What is the same for all samples begins with an axis of length 1 for the batch.
        x, indices = (
            plan.builder.reshape(item.tensor, item.shape[1:]) if first and item.slot is not None else item.tensor
            for item in operands
        )
        axis = as_axis(self.axis, len(plan.shape(x)) + first) - first
        return moved(plan, operands[0], plan.builder.take_along_axis(x, indices, axis))


@dataclass(frozen=True)
class OneHot(Function):
    """1 at the position that an integer says, on a new axis; 0 elsewhere."""

    num_classes: int
    axis: int = -1
    dtype: str = "float32"
    keras_name = "OneHot"
    keras_module = "nn"

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        check_indices(x, "x")
        axis = as_axis(self.axis, len(x.shape) + 1)
        return Spec((*x.shape[:axis], self.num_classes, *x.shape[axis:]), self.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return given[0].batched and as_axis(self.axis, len(given[0].shape) + 1) != 0

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first + 1) - first
        result = plan.builder.one_hot(x.tensor, self.num_classes, axis)
        if self.dtype != "float32":
            result = plan.builder.cast(result, "int32")
        plan.set_dtype(result, self.dtype)
        return [result]


def check_indices(spec: Spec, name: str = "indices") -> None:
    """TypeError for what cannot be positions."""
    if spec.dtype != "int32":
        raise TypeError(f"{name} has dtype {spec.dtype} and shape {spec.shape}; expected integers")


def within(indices: Any, size: int) -> Any:
    """Constant positions as int64. ValueError where one is not there."""
    numbers = np.require(indices, np.int64, "C")
    if numbers.size and not -size <= int(numbers.min()) <= int(numbers.max()) < size:
        raise ValueError(
            f"indices hold numbers from {numbers.min()} to {numbers.max()}; expected {-size} to {size - 1}"
        )
    return numbers
