"""What is explained when the reader brings nothing: arrays small enough for a page, with something to see in them."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]


def picture() -> Floats:
    """A bright block with a hole on a dark ground, (1, 7, 7, 1): it has edges of all directions."""
    rows = ["0000000", "0555500", "0500500", "0500500", "0555500", "0000000", "0000000"]
    return np.array([[int(sign) for sign in row] for row in rows], np.float32)[None, :, :, None]


def edge_kernel() -> Floats:
    """Right minus left, with more weight in the middle (Sobel's), (3, 3, 1, 1)."""
    return np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)[:, :, None, None]


def code() -> Floats:
    """Nine numbers, as a layer in the middle of an auto-encoder may give them, (1, 3, 3, 1)."""
    return np.array([[1, 2, 0], [0, 3, 1], [2, 0, 1]], np.float32)[None, :, :, None]


def stamp() -> Floats:
    """A soft point, (3, 3, 1, 1)."""
    return np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)[:, :, None, None]


def hills() -> Floats:
    """Numbers with one clear maximum in most windows of 2 x 2, and a tie, (1, 6, 6, 1)."""
    rows = [[1, 3, 2, 0, 1, 1], [0, 2, 4, 1, 5, 2], [6, 1, 0, 0, 3, 3], [2, 1, 7, 1, 0, 2],
            [0, 4, 1, 2, 8, 1], [3, 0, 2, 5, 1, 0]]  # fmt: skip
    return np.array(rows, np.float32)[None, :, :, None]


def rectangles() -> Floats:
    """The corners of two rectangles, 3 wide and 2 high, and 2 wide and 3 high, (2, 4, 2)."""
    return np.array([[[1, 1], [1, 3], [4, 1], [4, 3]], [[1, 1], [3, 1], [1, 4], [3, 4]]], np.float32)
