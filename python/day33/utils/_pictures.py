"""Pictures as arrays, read by Pillow and resized as TensorFlow's `tf.image` does it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}  # of Pillow


def read_picture(path: str, color_mode: str) -> NDArray[np.uint8]:
    """The picture in a file, (H, W, C). ValueError if there is none, FileNotFoundError if there is no file."""
    from PIL import Image, UnidentifiedImageError

    mode = _MODES[color_mode]
    try:
        with Image.open(path) as picture:
            if mode == "L":
                picture.draft("L", picture.size)  # of a JPEG the luminance as it is stored
            if picture.mode.startswith("I;16"):  # Pillow would clip these to 255
                array = np.asarray(Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert(mode))
            else:
                array = np.asarray(picture.convert(mode))
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is no picture that can be read: {error}") from error
    return array.reshape(*array.shape[:2], CHANNELS[color_mode])


def fitted(picture: NDArray[np.uint8], size: tuple[int, int], interpolation: str, fit: str) -> NDArray[Any]:
    """A picture (H, W, C) in another size.

    Args:
        picture: uint8.
        size: height and width.
        interpolation: "bilinear" (float32) or "nearest" (uint8).
        fit: "distort", "crop" (the middle, of the shape of `size`) or "pad" (the whole, in the middle of zeros).
    """
    if fit == "crop":
        return _resized(_cropped(picture, size), size, interpolation)
    if fit == "pad":
        return _padded(picture, size, interpolation)
    return _resized(picture, size, interpolation)


def _resized(picture: NDArray[np.uint8], size: tuple[int, int], interpolation: str) -> NDArray[Any]:
    if interpolation == "nearest":
        rows, columns = (_centres(old, new).astype(np.intp) for old, new in zip(picture.shape, size, strict=False))
        rows, columns = np.minimum(rows, picture.shape[0] - 1), np.minimum(columns, picture.shape[1] - 1)
        return np.asarray(picture[rows][:, columns])
    # Along the width first, then along the height, each in float32.
    above, below, height_share = _neighbours(picture.shape[0], size[0])
    left, right, width_share = _neighbours(picture.shape[1], size[1])
    values = picture.astype(np.float32)
    across = values[:, left] + (values[:, right] - values[:, left]) * width_share[:, np.newaxis]
    return np.asarray(across[above] + (across[below] - across[above]) * height_share[:, np.newaxis, np.newaxis])


def _centres(old: int, new: int) -> NDArray[np.float32]:
    """Where the middles of the new pixels lie, in old pixels."""
    scale = np.float32(old) / np.float32(new)
    return (np.arange(new, dtype=np.float32) + np.float32(0.5)) * scale


def _neighbours(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """The old pixels on both sides of each new one, and the share of the second."""
    places = _centres(old, new) - np.float32(0.5)
    floor = np.floor(places)
    low = np.maximum(floor, 0).astype(np.intp)
    high = np.minimum(np.ceil(places), old - 1).astype(np.intp)
    return low, high, places - floor


def _cropped(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    kept_height = max(min(height, int(width * size[0] / size[1])), 1)
    kept_width = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return picture[top : top + kept_height, left : left + kept_width]


def _padded(picture: NDArray[np.uint8], size: tuple[int, int], interpolation: str) -> NDArray[Any]:
    sides = np.array(picture.shape[:2], np.float32)
    target = np.array(size, np.float32)
    wanted = sides / np.max(sides / target)
    resized = _resized(picture, (int(wanted[0]), int(wanted[1])), interpolation)
    top, left = (max(int(gap), 0) for gap in np.floor((target - wanted) / 2))
    padded = np.zeros((*size, picture.shape[2]), resized.dtype)
    padded[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
    return padded
