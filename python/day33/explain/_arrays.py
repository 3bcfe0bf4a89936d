"""The reader's arrays: matrices become images; what is too large to draw is cut, with a note of what was left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_float32, check_image
from ._words import shape

__all__ = ["MAX_KERNEL", "MAX_SIDE", "as_images", "as_kernel", "cut", "refuse_wide"]

MAX_SIDE = 10  # cells of an image, along each side
MAX_KERNEL = 7  # cells of a kernel or a window, along each side
MAX_SPAN = 14  # cells that a dilated window may cover
MAX_CHANNELS = 3
MAX_FILTERS = 8

Floats = np.ndarray[Any, np.dtype[np.float32]]


def as_images(name: str, value: ArrayLike) -> Floats:
    """Images (N, H, W, C); a matrix is one image of one channel.

    Raises:
        TypeError, ValueError: as of `day33.ops`; there is no image.
    """
    array = as_float32(name, value)
    if array.ndim == 2:
        array = array[np.newaxis, :, :, np.newaxis]
    check_image(name, array)
    if not len(array):
        raise ValueError(f"{name} has shape {array.shape}; expected at least one image")
    return array


def as_kernel(value: ArrayLike) -> Floats:
    """A kernel (KH, KW, ., .); a matrix is one of one channel and one filter."""
    array = as_float32("kernel", value)
    return array[:, :, np.newaxis, np.newaxis] if array.ndim == 2 else array


def refuse_wide(name: str, sides: tuple[int, ...], spans: tuple[int, ...]) -> None:
    """Raises ValueError where a window is too large to draw."""
    if max(sides) > MAX_KERNEL:
        raise ValueError(f"{name} is {sides[0]} x {sides[1]}; expected at most {MAX_KERNEL} x {MAX_KERNEL} to draw")
    if max(spans) > MAX_SPAN:
        raise ValueError(
            f"{name} covers {spans[0]} x {spans[1]} cells with its dilation; "
            f"expected at most {MAX_SPAN} x {MAX_SPAN} to draw"
        )


def cut(
    x: Floats, sides: tuple[int, int] = (MAX_SIDE, MAX_SIDE), channels: int = MAX_CHANNELS, name: str = "x"
) -> tuple[Floats, list[str]]:
    """The first image, its top left corner and its first channels; and a note, where that is not all of it."""
    small = np.ascontiguousarray(x[:1, : sides[0], : sides[1], :channels])
    if small.shape == x.shape:
        return small, []
    return small, [
        f"`{name}` has shape {shape(x.shape)}, which is too large to draw. Shown, and computed with, is its part of "
        f"shape {shape(small.shape)}: the first image, its top left corner and its first channels."
    ]
