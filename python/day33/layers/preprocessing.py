"""Layers that prepare data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_float32
from .._core.types import Shape
from .._graph.lowering import Lowering
from .base import Layer


class Rescaling(Layer):
    """x * scale + offset.

    Input and output (N, ...), float32.

    Args:
        scale, offset: a number, or an array that NumPy stretches to the shape of a sample, such as one value per
            channel.

    Raises:
        TypeError: scale or offset that do not hold real numbers.
        ValueError: when called, an input to whose shape they cannot be stretched.
    """

    supports_masking = True

    def __init__(self, scale: ArrayLike, offset: ArrayLike = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = _plain("scale", scale)
        self.offset = _plain("offset", offset)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sample = tuple(input_shape[1:])
        for name, value in (("scale", self.scale), ("offset", self.offset)):
            shape = np.shape(value)
            pairs = zip(shape[::-1], sample[::-1], strict=False)
            if len(shape) > len(sample) or any(own not in (1, size) and size is not None for own, size in pairs):
                raise ValueError(
                    f"layer {self.name!r} was given an input of shape {tuple(input_shape)}, to which its {name} of "
                    f"shape {shape} cannot be stretched"
                )
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape = lowering.shape(inputs[0])
        both = [np.asarray(value, np.float32) for value in (self.scale, self.offset)]
        if any(value.ndim for value in both):
            both = [np.broadcast_to(value, shape) for value in both]
        return [lowering.builder.rescaling(inputs[0], *(np.ascontiguousarray(value).reshape(-1) for value in both))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


def _plain(name: str, value: ArrayLike) -> Any:
    """A float, or nested lists of them, as a configuration holds them."""
    array = as_float32(name, value)
    return float(value) if array.ndim == 0 else array.tolist()  # type: ignore[arg-type]
