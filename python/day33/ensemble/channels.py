"""Rows of a feature matrix as pictures, and the channels of a hidden digit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._core.arrays import as_int
from ..sklearn.inputs import validated
from .letters import letter_levels, letter_masks, visible_digits

__all__ = ["CHANNELS", "ChannelSplitter", "Floats", "as_pictures", "as_rows", "picture_size", "plain_shape"]

Floats = NDArray[Any]

CHANNELS = ("original", "digit", "letter")
# Those of `CHANNELS`, and what looks the same in images of any brightness.
_KNOWN = (*CHANNELS, "mask", "visible")
_WHITE = 255
# Greys above the letter's that are white in "visible": nine strokes in ten are darker.
_BRIGHTEST = 112


def picture_size(image_shape: tuple[int, ...]) -> int:
    """How many leading columns of a row are its picture.

    Raises:
        TypeError, ValueError: `image_shape` is not (H, W) or (H, W, C) of positive integers.
    """
    shape = tuple(image_shape)
    if len(shape) not in (2, 3):
        raise ValueError(f"image_shape is {image_shape!r}; expected (H, W) or (H, W, C)")
    return math.prod(as_int(f"image_shape[{axis}]", side, 1) for axis, side in enumerate(shape))


def plain_shape(image_shape: tuple[int, int] | None, columns: int) -> tuple[int, int]:
    """`image_shape` as (H, W); for None that of a picture of all columns, a square where their number is one.

    Raises:
        TypeError, ValueError: `image_shape` is neither None nor two positive integers.
    """
    if image_shape is None:
        side = math.isqrt(columns)
        return (side, side) if side * side == columns else (1, columns)
    if len(tuple(image_shape)) != 2:
        raise ValueError(f"image_shape is {image_shape!r}; expected (H, W)")
    picture_size(image_shape)
    return int(image_shape[0]), int(image_shape[1])


def as_pictures(X: Floats, image_shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The pictures (N, H, W, C) in the leading columns of X (N, F), and the columns after them; views, no copy.

    Raises:
        ValueError: X has fewer columns than a picture has pixels.
    """
    size = picture_size(image_shape)
    if X.ndim != 2 or X.shape[1] < size:
        raise ValueError(f"X has shape {X.shape}; pictures of shape {image_shape} need {size} columns or more")
    height, width, *channels = image_shape
    return X[:, :size].reshape(len(X), height, width, channels[0] if channels else 1), X[:, size:]


def as_rows(pictures: Floats, rest: Floats) -> Floats:
    """What `as_pictures` took apart: pictures (N, H, W, C) and the columns after them as one matrix."""
    rows = pictures.reshape(len(pictures), math.prod(pictures.shape[1:]))  # -1 is not known for no pictures
    return np.concatenate([rows, rest], axis=1) if rest.shape[1] else rows


class ChannelSplitter(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Splits a picture of a digit hidden in a letter into channels; by default original, digit only, letter only.

    Where digit and letter overlap, the pixel is brighter than the letter alone ever is. So the digit channel keeps
    pixels of `threshold` and above, the letter channel those below, and the rest of each is 0.

    Two more channels do not need a threshold, which is too high for dark images and too low for bright ones: the letter
    of each image has a grey of its own, the most frequent one from 85 to 150. "mask" is how much of the pixel the
    letter covers, and "visible" how bright the digit shines there above the letter's grey, both as greys from 0 to 255.

    Columns beyond the picture (the letter as one-hot, for example) are passed on behind the channels.

    Args:
        threshold: the grey value, in the units of X, that separates the two.
        image_shape: (H, W) of the picture in the leading columns, or None for all columns (of whatever shape).
        noise_floor: pixels below it are set to 0 first. The competition's background is noise of 0 to 4, on which
            boosted trees waste splits.
        channels: the channels wanted, in order, of "original", "digit", "letter", "mask" and "visible".

    A row of H * W pixels and E more columns becomes one of H * W * C + E: the picture as (H, W, C), then the rest.
    The dtype stays.
    """

    def __init__(
        self,
        threshold: float = 150,
        image_shape: tuple[int, int] | None = None,
        *,
        noise_floor: float = 0,
        channels: tuple[str, ...] = CHANNELS,
    ) -> None:
        self.threshold = threshold
        self.image_shape = image_shape
        self.noise_floor = noise_floor
        self.channels = channels

    def fit(self, X: Any, y: Any = None) -> ChannelSplitter:
        """Learn the number of columns, and nothing else.

        Args:
            X: rows (N, F) of numbers. y: not looked at.

        Raises:
            TypeError: X is a masked array, or a parameter has a wrong type.
            ValueError: X has fewer columns than the picture, or a parameter is out of range.
        """
        X = validated(self, X, dtype="numeric", ensure_all_finite=True)
        self.n_pixels_ = self._pixels_of(X.shape[1])
        return self

    def _pixels_of(self, columns: int) -> int:
        """How many leading columns of that many are the picture. TypeError or ValueError for wrong parameters."""
        for name in ("threshold", "noise_floor"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a finite number")
        if not self.channels or not set(self.channels) <= set(_KNOWN):
            raise ValueError(f"channels is {self.channels!r}; expected some of {', '.join(_KNOWN)}")
        size = columns if self.image_shape is None else picture_size(self.image_shape)
        if columns < size:
            raise ValueError(f"X has {columns} columns; pictures of {self.image_shape} need {size}")
        return size

    def transform(self, X: Any) -> Floats:
        """Split the pictures.

        Args:
            X: rows (N, H * W + E) of numbers.

        Returns:
            (N, H * W * C + E) in the dtype of X.

        Raises:
            TypeError: X is a masked array.
            ValueError: X has another number of columns than `fit` saw, or NaN or infinity.
        """
        check_is_fitted(self)
        X = validated(self, X, reset=False, dtype="numeric", ensure_all_finite=True)
        pixels, rest = X[:, : self.n_pixels_], X[:, self.n_pixels_ :]
        if self.noise_floor > 0:
            pixels = np.where(pixels < self.noise_floor, 0, pixels)
        stacked = np.stack([made.astype(X.dtype, copy=False) for made in self._channels(pixels)], axis=-1)
        return as_rows(stacked, rest)

    def _channels(self, pixels: Floats) -> Iterator[Floats]:
        """Each of the channels of pixels (N, P), as (N, P)."""
        rows = pixels[:, np.newaxis]  # as pictures, whose greys are counted wherever they lie
        levels = letter_levels(rows) if {"mask", "visible"} & set(self.channels) else None
        for channel in self.channels:
            if channel == "original":
                yield pixels
            elif levels is None or channel in CHANNELS:
                yield np.where((pixels >= self.threshold) == (channel == "digit"), pixels, 0)
            else:
                shares = letter_masks(rows, levels) if channel == "mask" else visible_digits(rows, levels) / _BRIGHTEST
                yield np.rint(_WHITE * np.minimum(shares[:, 0], 1))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """``original_0, digit_0, letter_0, original_1, ...`` for three channels, then the columns passed on."""
        check_is_fitted(self)
        names = [f"{channel}_{i}" for i in range(self.n_pixels_) for channel in self.channels]
        return np.asarray([*names, *_check_feature_names_in(self, input_features)[self.n_pixels_ :]], dtype=object)
