"""Images of hidden digits composed anew, as augmentations: with other digits, or with the same in another light."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.hidden_digits import compose_hidden_digits
from .augmentation import Augmentation, RandomAffine, Rows
from .channels import Floats, as_pictures, as_rows, picture_size, plain_shape
from .letters import COVERED, LETTER_GREYS, letter_levels, letter_masks, visible_digits

__all__ = ["ComposedDigits", "Recomposed", "lookalikes"]

_CHUNK = 256  # pictures compared at a time
# Greys above the letter's of all of the competition's images: what is composed is as bright and as dark as any of them.
_GAINS = (60, 130)
_STROKE = 94  # greys above its letter's that a digit has on average
_LARGEST_CUT = 0.4  # of the visible digit
_PUNCHED = 0.7  # of the cuts; the others leave what lies inside the other letter


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
        levels = letter_levels(pictures[start : start + _CHUNK])[:, np.newaxis]
        shown = part >= COVERED * levels
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
        mirror: whether letters of new images are mirrored at random, left to right and upside down: four times as many
            openings on a digit. Digits are not mirrored.

    Digits that are not (M, H, W) with as many labels, a share that is not positive, and rows shorter than a digit are
    ValueErrors of `enlarge` and `redraw`.
    """

    def __init__(
        self, digits: NDArray[Any], labels: NDArray[Any], share: float = 1.0, keep: bool = True, mirror: bool = False
    ) -> None:
        self.digits = digits
        self.labels = labels
        self.share = share
        self.keep = keep
        self.mirror = mirror

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
        if self.mirror:
            masks = _mirrored(masks, rng)
        new = _composed(digits[drawn].astype(np.float32) / 255, masks, rng)
        rows = as_rows(new.astype(X.dtype), X[origins, size:])
        return rows, np.asarray(self.labels)[drawn].astype(y.dtype), origins


def _mirrored(pictures: Floats, rng: np.random.Generator) -> Floats:
    """Each of the pictures (N, H, W) upside down with probability one half, and left to right with another one."""
    for axis in (1, 2):
        pictures = np.where(rng.random((len(pictures), 1, 1)) < 0.5, np.flip(pictures, axis), pictures)
    return pictures


class Recomposed(Augmentation):
    """Images taken apart into letter and visible digit, and put together again: lit like others, in less of a letter.

    With the probability `cut`, a part of the letter is cut away: another letter of the rows, turned, scaled and shifted
    at random, is punched out of it, or what lies outside that letter. So the network sees the digits of a small
    training set through other openings. A cut that would hide more than 0.4 of what is visible is not made.

    Args:
        cut: probability from 0 to 1.
        image_shape: (H, W) of the picture in the leading columns. Columns beyond it stay.
    """

    def __init__(self, cut: float = 0.5, image_shape: tuple[int, int] = (28, 28)) -> None:
        self.cut = cut
        self.image_shape = image_shape

    def _changed(self, X: Floats, rng: np.random.Generator) -> Floats:
        if not 0 <= self.cut <= 1:
            raise ValueError(f"cut is {self.cut!r}; expected a probability from 0 to 1")
        pictures, rest = as_pictures(X, plain_shape(self.image_shape, X.shape[1]))
        pictures = pictures[..., 0]
        levels = letter_levels(pictures)
        masks, digits = letter_masks(pictures, levels), visible_digits(pictures, levels) / _STROKE
        chosen = np.flatnonzero(rng.random(len(X)) < self.cut)
        masks[chosen] = _cut(masks[chosen], digits[chosen], masks[rng.integers(len(X), size=len(chosen))], rng)
        return as_rows(_composed(digits, masks, rng).astype(X.dtype), rest)


def _cut(masks: Floats, digits: Floats, others: Floats, rng: np.random.Generator) -> Floats:
    """Letter masks (N, H, W) less the others, or less what lies outside these, where the digits stay visible."""
    rows = as_rows(others, others[:, 0, :0])
    turned, _ = RandomAffine(np.pi, 0.3, 0.2, masks.shape[1:]).redraw(rows, others, rng)
    stencils = turned.reshape(masks.shape)
    inner = rng.random((len(masks), 1, 1)) < _PUNCHED
    smaller = masks * np.where(inner, 1 - stencils, stencils)
    stays = (smaller * digits).sum((1, 2)) > (1 - _LARGEST_CUT) * (masks * digits).sum((1, 2))
    return np.where(stays[:, np.newaxis, np.newaxis], smaller, masks)


def _composed(digits: Floats, masks: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    return compose_hidden_digits(digits, masks, rng, levels=LETTER_GREYS, gains=_GAINS)
