"""Hidden digits composed of digits and letters, and as an augmentation: new digits behind the letters of the data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.hidden_digits import compose_hidden_digits
from .augmentation import Augmentation, Rows
from .channels import Floats, as_rows, picture_size

__all__ = ["ComposedDigits", "letter_masks", "lookalikes"]

# Where the greys of a letter without digit lie in the competition's images, as measured on its training set.
_LETTER_GREYS = (85, 150)
_NOISE = 5  # greys: the background's are 0 to 4
_CHUNK = 256  # pictures compared at a time
_COVERED = 0.85  # of the letter's grey: what is darker is its rim


def letter_masks(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """How much of each pixel the letter covers, 0 to 1, whatever digit shines through: (N, H, W) to (N, H, W).

    Pixels brighter than the letter alone (the digit) are wholly letter, darker ones (its rim) partly.
    """
    masks = np.clip(pictures / _letter_levels(pictures)[:, np.newaxis, np.newaxis], 0, 1).astype(np.float32)
    masks[masks < _NOISE / _LETTER_GREYS[0]] = 0
    return masks


def _letter_levels(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """The grey of the letter alone in each picture (N, H, W): the most frequent one from 85 to 150, (N,).

    Counted with its neighbours, since there is noise.
    """
    low, high = _LETTER_GREYS
    levels = np.empty(len(pictures), np.float32)
    for index, picture in enumerate(pictures):
        greys = np.bincount(np.clip(picture, 0, 255).astype(np.intp).ravel(), minlength=256)
        levels[index] = low + np.convolve(greys, np.ones(_NOISE), mode="same")[low:high].argmax()
    return levels


def lookalikes(digits: NDArray[Any], pictures: NDArray[Any], nearest: int = 3) -> NDArray[np.bool_]:
    """Which digits are among the nearest that could be hidden in one of the pictures.

    The competition hid digits of MNIST. Composing training images of MNIST may therefore show a network the very digit
    that a held-out image hides, which makes the accuracy of a cross-validation too high; without these digits it does
    not. Digits are compared by the mean squared difference where the letter shows, the digit's brightness there taken
    as 0 to 1.

    Args:
        digits: (M, H, W), 0 to 255. pictures: (N, H, W), 0 to 255.
        nearest: how many digits count for each picture.

    Returns:
        For each digit whether it is one of them (M,).
    """
    flat = digits.reshape(len(digits), -1).astype(np.float32) / 255
    squares = np.square(flat)
    nearest = min(nearest, len(digits))
    found = np.zeros(len(digits), np.bool_)
    for start in range(0, len(pictures), _CHUNK):
        part = pictures[start : start + _CHUNK].reshape(-1, flat.shape[1]).astype(np.float32)
        levels = _letter_levels(pictures[start : start + _CHUNK])[:, np.newaxis]
        shown = part >= _COVERED * levels
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a picture that shows nothing
            brightest = np.nanpercentile(np.where(shown, part, np.nan), 97, axis=1, keepdims=True)
        visible = np.clip((part - levels) / np.maximum(brightest - levels, 1), 0, 1)
        # Squared distances where the letter shows, but for a constant of each picture.
        distances = shown.astype(np.float32) @ squares.T - 2 * (np.where(shown, visible, 0).astype(np.float32) @ flat.T)
        found[np.argpartition(distances, nearest - 1, axis=1)[:, :nearest]] = True
    return found


class ComposedDigits(Augmentation):
    """New digits behind the letters of the training set: real letters, hidden digits of your own.

    A hidden digit of the competition is ``letter * (a + b * digit)`` with digit and letter in 0 to 1, and small noise.
    The letter can be recovered from the image, the digit cannot (it was drawn only where the letter is). So a new image
    needs a letter of the training set and a digit from elsewhere.

    Args:
        digits: (M, 28, 28) uint8, such as MNIST's. labels: (M,), from the same set as y.
        share: how many new images an epoch (or `enlarge`) gets, as a multiple of the training set.
        keep: whether an epoch also has the training set itself.

    Digits that are not (M, H, W) with as many labels, a share that is not positive, and rows shorter than a digit are
    ValueErrors of `enlarge` and `redraw`.
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
                f"digits has shape {digits.shape} with {len(self.labels)} labels; expected (M, H, W) with M labels"
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
