"""Hidden digits composed of digits and letters, and as an augmentation: new digits behind the letters of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._hidden_digits import compose_hidden_digits
from .augmentation import Augmentation, Floats, Rows
from .channels import as_rows, picture_size

__all__ = ["ComposedDigits", "letter_masks"]

# Where the greys of a letter without digit lie in the competition's images, as measured on its training set.
_LETTER_GREYS = (85, 150)
_NOISE = 5  # greys: the background's are 0 to 4


def letter_masks(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """How much of each pixel the letter covers, 0 to 1, whatever digit shines through: (N, H, W) to (N, H, W).

    The grey of the letter alone is the most frequent one from 85 to 150, counted with its neighbours since there is
    noise. Brighter pixels (the digit) are wholly letter, darker ones (its rim) partly.
    """
    low, high = _LETTER_GREYS
    masks = np.empty(pictures.shape, np.float32)
    for picture, mask in zip(pictures, masks, strict=True):
        greys = np.bincount(np.clip(picture, 0, 255).astype(np.intp).ravel(), minlength=256)
        around = np.convolve(greys, np.ones(_NOISE), mode="same")[low:high]
        np.clip(picture / np.float32(low + around.argmax()), 0, 1, out=mask)
    masks[masks < _NOISE / low] = 0
    return masks


class ComposedDigits(Augmentation):
    """New digits behind the letters of the training set: real letters, hidden digits of your own.

    A hidden digit of the competition is ``letter * (a + b * digit)`` with digit and letter in 0 to 1, and small noise.
    The letter can be had back from the image, the digit cannot (it was drawn where the letter is, only). So a new
    image needs a letter of the training set and a digit from elsewhere.

    Args:
        digits: (M, 28, 28) uint8, such as MNIST's. labels: (M,), from the same set as y.
        share: how many new images an epoch (or `enlarge`) gets, as a multiple of the training set.
        keep: whether an epoch also has the training set itself.
    """

    def __init__(self, digits: NDArray[Any], labels: NDArray[Any], share: float = 1.0, keep: bool = True) -> None:
        self.digits = digits
        self.labels = labels
        self.share = share
        self.keep = keep

    def enlarge(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any], Rows]:
        """The rows of X, and new images behind them; their origin is the row that lent its letter."""
        new, labels, origins = self._new(X, y, rng)
        return np.concatenate([X, new]), np.concatenate([y, labels]), np.concatenate([np.arange(len(X)), origins])

    def redraw(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any]]:
        """The rows of X (unless `keep` is False), and other new images at each call."""
        new, labels, _ = self._new(X, y, rng)
        if not self.keep:
            return new, labels
        return np.concatenate([X, new]), np.concatenate([y, labels])

    def _new(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any], Rows]:
        digits = np.asarray(self.digits)
        if digits.ndim != 3 or len(digits) == 0 or len(digits) != len(self.labels):
            raise ValueError(
                f"digits has shape {digits.shape} and there are {len(self.labels)} labels; expected (M, H, W) and M"
            )
        if not self.share > 0:
            raise ValueError(f"share is {self.share!r}; expected a positive number")
        size = picture_size(digits.shape[1:])
        if X.shape[1] < size:
            raise ValueError(f"X has {X.shape[1]} columns; digits of {digits.shape[1:]} need {size}")
        count = max(round(self.share * len(X)), 1)
        origins = rng.integers(len(X), size=count)
        drawn = rng.integers(len(digits), size=count)
        masks = letter_masks(X[origins, :size].reshape(count, *digits.shape[1:]))
        new = compose_hidden_digits(digits[drawn].astype(np.float32) / 255, masks, rng)
        rows = as_rows(new.astype(X.dtype), X[origins, size:])
        return rows, np.asarray(self.labels)[drawn].astype(y.dtype), origins
