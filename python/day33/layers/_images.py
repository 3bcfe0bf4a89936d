"""Checks shared by the layers on images (N, H, W, C)."""

from __future__ import annotations

from typing import Any

from .._core.tree import is_shape
from .._core.types import Shape
from .._native import conv_output_length
from .base import Layer

ImageShape = tuple[int | None, int | None, int | None, int | None]


def check_channels_last(data_format: str | None) -> str:
    if data_format not in (None, "channels_last"):
        raise ValueError(f'data_format is {data_format!r}; expected "channels_last": day33 has images as (N, H, W, C)')
    return "channels_last"


def image_shape(layer: Layer, shape: Any) -> ImageShape:
    """`shape` if it is (N, H, W, C), else ValueError."""
    if is_shape(shape) and len(shape) == 4:
        n, h, w, c = shape
        return n, h, w, c
    raise ValueError(f"layer {layer.name!r} was given an input of shape {shape}; expected (N, H, W, C)")


def window_length(
    layer: Layer, shape: Shape, axis: int, window: int, stride: int, dilation: int, padding: str
) -> int | None:
    """Positions of a sliding window along `axis` of `shape`. ValueError where not one fits."""
    size = shape[axis]
    if size is None:
        return None
    if size < 1 or (padding == "valid" and size < (window - 1) * dilation + 1):
        raise ValueError(
            f"layer {layer.name!r} was given an input of shape {shape}; axis {axis} is too short for a window of "
            f'{(window - 1) * dilation + 1} with padding "{padding}"'
        )
    return conv_output_length(size, window, stride, dilation, padding)
