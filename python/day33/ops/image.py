"""The functions of `keras.ops.image` on images (N, H, W, C) or (H, W, C). Arguments are as in `elementwise.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.arrays import as_int, as_number, as_pair
from ._functions import call, is_symbolic
from ._images import AffineTransform, Resize
from .creation import zeros
from .elementwise import add, cast
from .indexing import getitem
from .matrices import tensordot
from .moving import pad
from .shaping import expand_dims, shape, shape_of, squeeze

__all__ = ["affine_transform", "crop_images", "pad_images", "resize", "rgb_to_grayscale"]

_RESIZINGS = ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5")
_INTERPOLATIONS = ("nearest", "bilinear")
_FILL_MODES = ("constant", "nearest", "wrap", "reflect")
_GRAY = np.array([0.2989, 0.587, 0.114], np.float32)  # as in TensorFlow, after ITU-R BT.601


def resize(
    images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False,
    crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_mode: str = "constant",
    fill_value: float = 0.0, data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images in another size.

    Args:
        images: real numbers (N, H, W, C) or (H, W, C).
        size: (height, width).
        interpolation: "nearest", "bilinear", "bicubic", "area", "lanczos3" or "lanczos5".
        antialias: whether images that become smaller are smoothed.
        crop_to_aspect_ratio, pad_to_aspect_ratio: whether borders are cut off, or added, so that nothing is stretched.
        fill_mode, fill_value: what is added: "constant" and a number.
        data_format: None or "channels_last".

    Returns:
        Images of the same dtype.

    Raises:
        ValueError: an option that is not supported, or a shape that is none of images.
    """
    if interpolation not in _RESIZINGS:
        raise ValueError(f"interpolation is {interpolation!r}; expected one of {_RESIZINGS}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio are both True; expected one of them at most")
    if fill_mode != "constant":
        raise ValueError(f'fill_mode is {fill_mode!r}; expected "constant"')
    wanted = as_pair("size", size)
    dtype = _dtype(images)

    def resized(batch: Any) -> Any:
        if crop_to_aspect_ratio or pad_to_aspect_ratio:
            batch = _in_proportion(batch, wanted, bool(crop_to_aspect_ratio), as_number("fill_value", fill_value))
        return call(Resize(wanted, interpolation, bool(antialias)), ("images",), batch)

    result = _on_batch(resized, images, data_format)
    return cast(result, "int32") if dtype == "int32" else result


def _in_proportion(images: Any, size: tuple[int, int], crop: bool, value: float) -> Any:
    """Images cut, or enlarged up to a pixel, to the proportions of a size, at both ends alike."""
    height, width = _known_size(images)
    wide, high = int(float(height * size[1]) / size[0]), int(float(width * size[0]) / size[1])
    if crop:
        wide, high = max(min(width, wide), 1), max(min(height, high), 1)
        top, left = int(float(height - high) / 2), int(float(width - wide) / 2)
        return getitem(images, (slice(None), slice(top, top + high), slice(left, left + wide)))
    wide, high = max(width, wide), max(height, high)
    top, left = int(float(high - height) / 2), int(float(wide - width) / 2)
    return pad(images, [(0, 0), (top, top), (left, left), (0, 0)], constant_values=value)


def affine_transform(
    images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant", fill_value: float = 0,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images turned, moved, stretched: pixel (x, y) of the result comes from a place that eight numbers say.

    For ``(a0, a1, a2, b0, b1, b2, c0, c1)`` it is ``((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`` with
    ``k = c0 x + c1 y + 1``.

    Args:
        images: real numbers (N, H, W, C) or (H, W, C).
        transform: the numbers: (8,), or (N, 8) for each image.
        interpolation: "nearest" or "bilinear".
        fill_mode: what is outside: "constant", "nearest", "wrap" or "reflect".
        fill_value: for the first.
        data_format: None or "channels_last".

    Raises:
        ValueError: an option that is not supported, or shapes that do not fit.
    """
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"interpolation is {interpolation!r}; expected one of {_INTERPOLATIONS}")
    if fill_mode not in _FILL_MODES:
        raise ValueError(f"fill_mode is {fill_mode!r}; expected one of {_FILL_MODES}")
    numbers = shape_of(transform)
    if numbers[-1:] != (8,) or len(numbers) > len(shape_of(images)) - 2:
        raise ValueError(f"transform has shape {numbers}; expected (8,), or (N, 8) for images (N, H, W, C)")
    function = AffineTransform(interpolation, fill_mode, as_number("fill_value", fill_value))

    def transformed(batch: Any) -> Any:
        each = transform if len(numbers) == 2 else add(zeros((shape(batch)[0], 8)), transform)
        return call(function, ("images", "transform"), batch, each)

    return _on_batch(transformed, images, data_format)


def crop_images(
    images: Any, top_cropping: int | None = None, left_cropping: int | None = None, bottom_cropping: int | None = None,
    right_cropping: int | None = None, target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images without borders. Two of top, bottom and target height say where to cut, and two of the others.

    Raises:
        ValueError: other numbers of them, or more than there is.
    """

    def cropped(batch: Any) -> Any:
        height, width = _known_size(batch)
        top, bottom = _borders("height", height, top_cropping, bottom_cropping, target_height, -1)
        left, right = _borders("width", width, left_cropping, right_cropping, target_width, -1)
        return getitem(batch, (slice(None), slice(top, height - bottom), slice(left, width - right)))

    return _on_batch(cropped, images, data_format)


def pad_images(
    images: Any, top_padding: int | None = None, left_padding: int | None = None, bottom_padding: int | None = None,
    right_padding: int | None = None, target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images with zeros around them. Two of top, bottom and target height say how many, and two of the others.

    Raises:
        ValueError: other numbers of them, or a target smaller than the image.
    """

    def padded(batch: Any) -> Any:
        height, width = _known_size(batch)
        rows = _borders("height", height, top_padding, bottom_padding, target_height, 1)
        columns = _borders("width", width, left_padding, right_padding, target_width, 1)
        return pad(batch, [(0, 0), rows, columns, (0, 0)])

    return _on_batch(padded, images, data_format)


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """The brightness of images of three colours: 0.2989 red + 0.587 green + 0.114 blue, with one channel.

    Raises:
        ValueError: other than three channels.
    """

    def gray(batch: Any) -> Any:
        if shape_of(batch)[-1] != 3:
            raise ValueError(f"images have shape {shape_of(images)}; expected three channels")
        return expand_dims(tensordot(batch, _GRAY, 1), -1)

    return _on_batch(gray, images, data_format)


def _borders(
    axis: str, size: int, before: int | None, after: int | None, target: int | None, sign: int
) -> tuple[int, int]:
    """What is cut off (`sign` -1) or added (1) before and after, from two of three numbers."""
    given = {"before": before, "after": after, "target": target}
    if sum(number is not None for number in given.values()) != 2:
        raise ValueError(f"{axis} is cut or padded by {given}; expected two of the three numbers")
    for name, number in given.items():
        if number is not None:
            as_int(f"{name} of {axis}", number, 0)
    if target is not None:
        total = sign * (target - size)
        before, after = (before, total - before) if before is not None else (total - (after or 0), after)
    result = before or 0, after or 0
    if min(result) < 0 or (sign < 0 and sum(result) >= size):
        raise ValueError(f"{axis} {size} is cut or padded by {given}; expected numbers that leave an image")
    return result


def _on_batch(function: Callable[[Any], Any], images: Any, data_format: str | None) -> Any:
    """A function of batches of images, also on a single image."""
    if data_format not in (None, "channels_last"):
        raise ValueError(f'data_format is {data_format!r}; expected "channels_last"')
    rank = len(shape_of(images))
    if rank not in (3, 4):
        raise ValueError(f"images have shape {shape_of(images)}; expected (N, H, W, C) or (H, W, C)")
    return function(images) if rank == 4 else squeeze(function(expand_dims(images, 0)), 0)


def _known_size(images: Any) -> tuple[int, int]:
    sizes = shape_of(images)
    if None in sizes[1:3]:
        raise ValueError(f"images have shape {sizes}; expected a known height and width")
    return int(sizes[1] or 0), int(sizes[2] or 0)


def _dtype(images: Any) -> str:
    if is_symbolic(images):
        return str(getattr(images, "dtype", "float32"))
    return "int32" if np.asarray(images).dtype.kind in "iu" else "float32"


def __dir__() -> list[str]:
    return list(__all__)
