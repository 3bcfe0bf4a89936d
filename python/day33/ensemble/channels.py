"""Rows of a feature matrix as pictures, and the three channels of a hidden digit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["ChannelSplitter"]

Floats = NDArray[Any]

CHANNELS = ("original", "digit", "letter")


def picture_size(image_shape: tuple[int, ...]) -> int:
    """How many leading columns of a row are its picture. ValueError unless it is (H, W) or (H, W, C), all positive."""
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or any(
        isinstance(side, bool) or not isinstance(side, int | np.integer) or side < 1 for side in shape
    ):
        raise ValueError(f"image_shape is {image_shape!r}; expected (H, W) or (H, W, C) of positive integers")
    return int(np.prod(shape))


def as_pictures(X: Floats, image_shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The pictures (N, H, W, C) in the leading columns of X, and the columns after them; views, no copy.

    Raises ValueError where X has fewer columns than a picture has pixels.
    """
    size = picture_size(image_shape)
    if X.ndim != 2 or X.shape[1] < size:
        raise ValueError(f"X has shape {X.shape}; pictures of shape {image_shape} need {size} columns or more")
    height, width, *channels = image_shape
    return X[:, :size].reshape(len(X), height, width, channels[0] if channels else 1), X[:, size:]


def as_rows(pictures: Floats, rest: Floats) -> Floats:
    """What `as_pictures` took apart: pictures (N, H, W, C) and the columns after them as one matrix."""
    rows = pictures.reshape(len(pictures), -1)
    return np.concatenate([rows, rest], axis=1) if rest.shape[1] else rows


class ChannelSplitter(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Splits a picture in which a digit shines through a letter into three: original, digit only, letter only.

    Where digit and letter overlap, the pixel is brighter than the letter alone ever is. So the digit channel keeps
    pixels of `threshold` and above, the letter channel those below, and the rest of each is 0.

    Columns beyond the picture (the letter as one-hot, say) are passed on behind the channels.

    Args:
        threshold: the grey value, in the units of X, that parts the two.
        image_shape: (H, W) of the picture in the leading columns, or None for all columns (of whatever shape).
        noise_floor: pixels below it are set to 0 first. The competition's background is noise of 0 to 4, on which
            boosted trees waste splits.
        channels: the channels wanted, in order, of "original", "digit" and "letter".

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
        """Learns nothing but the number of columns. ValueError where they are fewer than the picture has."""
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=True)
        for name in ("threshold", "noise_floor"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a finite number")
        if not self.channels or not set(self.channels) <= set(CHANNELS):
            raise ValueError(f"channels is {self.channels!r}; expected some of {', '.join(CHANNELS)}")
        size = X.shape[1] if self.image_shape is None else picture_size(self.image_shape)
        if X.shape[1] < size:
            raise ValueError(f"X has {X.shape[1]} columns; pictures of {self.image_shape} need {size}")
        self.n_pixels_ = size
        return self

    def transform(self, X: Any) -> Floats:
        """(N, H * W + E) to (N, H * W * C + E)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="numeric", ensure_all_finite=True)
        pixels, rest = X[:, : self.n_pixels_], X[:, self.n_pixels_ :]
        if self.noise_floor > 0:
            pixels = np.where(pixels < self.noise_floor, 0, pixels)
        bright = pixels >= self.threshold
        made = {"original": pixels, "digit": np.where(bright, pixels, 0), "letter": np.where(bright, 0, pixels)}
        stacked = np.stack([made[channel] for channel in self.channels], axis=-1)
        return as_rows(stacked.astype(X.dtype, copy=False), rest)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """``original_0, digit_0, letter_0, original_1, ...`` for three channels, then the columns passed on."""
        check_is_fitted(self)
        names = [f"{channel}_{i}" for i in range(self.n_pixels_) for channel in self.channels]
        if input_features is None:
            input_features = getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])
        return np.asarray([*names, *list(input_features)[self.n_pixels_ :]], dtype=object)
