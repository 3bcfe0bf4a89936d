"""Layers with several inputs."""

from __future__ import annotations

from typing import Any

from .. import _tree
from .._arrays import as_int
from ..graph import Lowering, Shape
from .base import Layer


class _Merge(Layer):
    def _shapes(self, input_shape: Any) -> list[Shape]:
        if _tree.is_shape(input_shape) or not input_shape:
            raise ValueError(f"layer {self.name!r} was given {input_shape}; expected a list of tensors")
        return [tuple(shape) for shape in input_shape]


class Add(_Merge):
    """Sum of inputs of one shape."""

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        merged = list(shapes[0])
        for shape in shapes[1:]:
            if len(shape) != len(merged):
                raise ValueError(f"layer {self.name!r} was given shapes {shapes}; expected one shape for all")
            for axis, (left, right) in enumerate(zip(merged, shape, strict=True)):
                if None not in (left, right) and left != right:
                    raise ValueError(f"layer {self.name!r} was given shapes {shapes}; expected one shape for all")
                merged[axis] = right if left is None else left
        return (shapes[0][0], *merged[1:])

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.add(inputs)] if len(inputs) > 1 else inputs


class Concatenate(_Merge):
    """Inputs one after the other along `axis`, which counts the batch as 0; the other axes must agree."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_int("axis", axis, -(2**31))
        if self.axis == 0:
            raise ValueError("axis is 0, the batch; expected another axis")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        rank = len(shapes[0])
        axis = self._axis(rank)
        merged = list(shapes[0])
        for shape in shapes[1:]:
            for place in range(rank):
                free = place in (0, axis) or len(shape) != rank or None in (merged[place], shape[place])
                if len(shape) != rank or (not free and merged[place] != shape[place]):
                    raise ValueError(
                        f"layer {self.name!r} was given shapes {shapes}; expected them to agree but on axis {self.axis}"
                    )
            if axis:
                here, more = merged[axis], shape[axis]
                merged[axis] = None if here is None or more is None else here + more
        return tuple(merged)

    def _axis(self, rank: int) -> int:
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 0 < axis < rank:
            raise ValueError(f"axis of layer {self.name!r} is {self.axis}; inputs have rank {rank}, 0 is the batch")
        return axis

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if len(inputs) == 1:
            return inputs
        return [lowering.builder.concatenate(inputs, self._axis(len(lowering.shape(inputs[0])) + 1) - 1)]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if self._axis(len(input_shape[0])) == len(input_shape[0]) - 1 else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
