"""Layers that only change the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .._arrays import as_int
from ..graph import Lowering, Shape
from ._images import check_channels_last
from .base import Layer


class Flatten(Layer):
    """(N, ...) to (N, product of the rest), row by row; (N,) to (N, 1)."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = check_channels_last(data_format)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes = tuple(input_shape[1:])
        return (input_shape[0], None if None in sizes else math.prod(sizes))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.reshape(inputs[0], (math.prod(lowering.shape(inputs[0])),))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(N, ...) to (N, *target_shape), row by row. One size may be -1: what is left for it."""

    def __init__(self, target_shape: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        self.target_shape = tuple(as_int(f"target_shape[{i}]", size, -1) for i, size in enumerate(sizes))
        if self.target_shape.count(-1) > 1 or 0 in self.target_shape:
            raise ValueError(f"target_shape is {target_shape}; expected positive sizes, at most one of them -1")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes = tuple(input_shape[1:])
        if None in sizes:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        total, known = math.prod(sizes), math.prod(size for size in self.target_shape if size != -1)
        if (total % known or not known) if -1 in self.target_shape else total != known:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)}, {total} values a sample; "
                f"expected what fits target_shape {self.target_shape}"
            )
        return (input_shape[0], *(total // known if size == -1 else size for size in self.target_shape))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape: Any = self.compute_output_shape((None, *lowering.shape(inputs[0])))
        return [lowering.builder.reshape(inputs[0], shape[1:])]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None if len(self.target_shape) == 3 else (low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
