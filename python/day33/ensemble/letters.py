"""What an image of a hidden digit says about its letter: how bright it is, which pixels it covers, what shines through.

A hidden digit of the competition is ``letter * (a + b * digit)`` with digit and letter in 0 to 1, and small noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COVERED", "LETTER_GREYS", "letter_levels", "letter_masks", "visible_digits"]

# Where the greys of a letter without digit lie in the competition's images, as measured on its training set.
LETTER_GREYS = (85, 150)
_NOISE = 5  # greys: the background's are 0 to 4
COVERED = 0.85  # of the letter's grey: what is darker is its rim


def letter_levels(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """The grey of the letter alone in each picture (N, H, W): the most frequent one from 85 to 150, (N,).

    Counted with its neighbours, since there is noise.
    """
    low, high = LETTER_GREYS
    levels = np.empty(len(pictures), np.float32)
    for index, picture in enumerate(pictures):
        greys = np.bincount(np.clip(picture, 0, 255).astype(np.intp).ravel(), minlength=256)
        levels[index] = low + np.convolve(greys, np.ones(_NOISE), mode="same")[low:high].argmax()
    return levels


def letter_masks(pictures: NDArray[Any], levels: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """How much of each pixel the letter covers, 0 to 1, whatever digit shines through: (N, H, W) to (N, H, W).

    Pixels brighter than the letter alone (the digit) are wholly letter, darker ones (its rim) partly. `levels` are
    those of `letter_levels`, where they are known.
    """
    levels = letter_levels(pictures) if levels is None else levels
    masks = np.clip(pictures / levels[:, np.newaxis, np.newaxis], 0, 1).astype(np.float32)
    masks[masks < _NOISE / LETTER_GREYS[0]] = 0
    return masks


def visible_digits(pictures: NDArray[Any], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much brighter than its letter each pixel is, in greys: the digit where the letter covers it, 0 elsewhere.

    (N, H, W) and the levels of `letter_levels` (N,) to (N, H, W).
    """
    return np.maximum(pictures - levels[:, np.newaxis, np.newaxis], 0).astype(np.float32)
