"""More training pictures out of those that are there. Applied inside a resample, so never across a validation fold.

An augmentation has two methods. `enlarge` adds rows once, for members that see a fixed matrix (boosted trees);
`redraw` gives the training set of one epoch, for members that see a different version of it in each (networks).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from .._core.arrays import as_int
from .channels import Floats, as_pictures, as_rows

__all__ = ["Augmentation", "Chain", "HorizontalFlip", "RandomAffine", "Rows", "warp"]

Rows = NDArray[np.intp]

_CHUNK = 256  # pictures whose coordinates are in memory at a time


class Augmentation(BaseEstimator):  # type: ignore[misc]
    """Base of the augmentations. Subclasses define `_changed` (all rows, changed) and may override `redraw`."""

    def enlarge(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any], Rows]:
        """The rows of X with new ones behind them.

        Args:
            X: rows (N, F). y: labels (N,). rng: what random changes are drawn from.

        Returns:
            X (N + M, F), y (N + M,), and for each row the number of the row of X it was made of (N + M,).

        Raises:
            TypeError, ValueError: a parameter is of a wrong type or out of range, or X does not hold pictures.
        """
        origins = np.arange(len(X))
        return np.concatenate([X, self._changed(X, rng)]), np.concatenate([y, y]), np.concatenate([origins, origins])

    def redraw(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any]]:
        """A random version of the training set, for one epoch: rows and their labels. Args and errors as `enlarge`."""
        return self._changed(X, rng), y

    def _changed(self, X: Floats, rng: np.random.Generator) -> Floats:
        raise TypeError(f"{type(self).__name__} does not define how rows are changed")


class HorizontalFlip(Augmentation):
    """Pictures mirrored left to right, each channel by itself; `enlarge` doubles the training set.

    Most mirrored digits are not digits, so this may reduce the accuracy: measure it.

    Args:
        image_shape: (H, W) or (H, W, C) of the picture in the leading columns. Columns beyond it stay.
    """

    def __init__(self, image_shape: tuple[int, ...] = (28, 28)) -> None:
        self.image_shape = image_shape

    def _changed(self, X: Floats, rng: np.random.Generator) -> Floats:
        pictures, rest = as_pictures(X, self.image_shape)
        return as_rows(pictures[:, :, ::-1], rest)

    def redraw(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any]]:
        """Each row mirrored with probability one half."""
        heads = rng.random(len(X)) < 0.5
        return np.where(heads[:, np.newaxis], self._changed(X, rng), X), y


class RandomAffine(Augmentation):
    """Pictures turned, scaled and shifted at random about their centre, with bilinear interpolation and black around.

    Each picture draws an angle from [-rotation, rotation], one scale for both axes from [1 - scale, 1 + scale], and
    shifts from [-shift, shift] times its height and width, all uniformly.

    Args:
        rotation: in radians. scale, shift: as parts of 1.
        image_shape: (H, W) or (H, W, C) of the picture in the leading columns. Columns beyond it stay.
        copies: how many changed versions of each row `enlarge` adds.
    """

    def __init__(
        self,
        rotation: float = 0.22,
        scale: float = 0.12,
        shift: float = 0.15,
        image_shape: tuple[int, ...] = (28, 28),
        copies: int = 1,
    ) -> None:
        self.rotation = rotation
        self.scale = scale
        self.shift = shift
        self.image_shape = image_shape
        self.copies = copies

    def enlarge(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any], Rows]:
        """The rows of X, and `copies` changed versions of each behind them."""
        copies = as_int("copies", self.copies, 1)
        parts = [X, *(self._changed(X, rng) for _ in range(copies))]
        return np.concatenate(parts), np.tile(y, len(parts)), np.tile(np.arange(len(X)), len(parts))

    def _changed(self, X: Floats, rng: np.random.Generator) -> Floats:
        for name, limit in (("rotation", np.inf), ("scale", 1), ("shift", 1)):
            if not 0 <= getattr(self, name) < limit:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected 0 <= {name} < {limit:g}")
        pictures, rest = as_pictures(X, self.image_shape)
        n, height, width, _ = pictures.shape
        angle = rng.uniform(-self.rotation, self.rotation, n)
        zoom = rng.uniform(1 - self.scale, 1 + self.scale, (n, 1, 1))
        shift = rng.uniform(-self.shift, self.shift, (n, 2)) * (height, width)
        cosine, sine = np.cos(angle), np.sin(angle)
        turn = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
        return as_rows(warp(pictures, turn / zoom, shift), rest)


def warp(pictures: Floats, matrices: NDArray[np.float64], shifts: NDArray[np.float64]) -> Floats:
    """Pictures (N, H, W, C) read at matrix · (p - centre - shift) + centre for each pixel p = (y, x); dtype stays.

    Bilinear between the four neighbours; what lies outside counts as 0. matrices (N, 2, 2), shifts (N, 2).
    """
    n, height, width, _ = pictures.shape
    result = np.empty_like(pictures)
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    grid = np.moveaxis(np.mgrid[:height, :width], 0, -1).reshape(-1, 2) - centre
    for start in range(0, n, _CHUNK):
        part = pictures[start : start + _CHUNK]
        moved = grid[np.newaxis] - shifts[start : start + _CHUNK, np.newaxis]
        source = moved @ matrices[start : start + _CHUNK].transpose(0, 2, 1) + centre
        result[start : start + _CHUNK] = _bilinear(part, source).reshape(part.shape)
    return result


def _bilinear(pictures: Floats, points: NDArray[np.float64]) -> Floats:
    """The values of each picture (N, H, W, C) at its own points (N, P, 2): (N, P, C)."""
    n, height, width, channels = pictures.shape
    # A frame of black, two pixels wide: every point is moved into it or lies inside, so no neighbour is missing.
    framed = np.pad(pictures, ((0, 0), (2, 2), (2, 2), (0, 0)))
    flat = framed.reshape(-1, channels)
    y = np.clip(points[..., 0], -2, height) + 2
    x = np.clip(points[..., 1], -2, width) + 2
    low_y, low_x = y.astype(np.intp), x.astype(np.intp)
    dy, dx = (y - low_y).astype(np.float32)[..., np.newaxis], (x - low_x).astype(np.float32)[..., np.newaxis]
    first = (np.arange(n)[:, np.newaxis] * (height + 4) + low_y) * (width + 4) + low_x
    below = first + (width + 4)
    upper = flat[first] * (1 - dx) + flat[first + 1] * dx
    lower = flat[below] * (1 - dx) + flat[below + 1] * dx
    values = upper * (1 - dy) + lower * dy
    if np.issubdtype(pictures.dtype, np.integer):
        values = np.rint(values)
    return np.asarray(values, pictures.dtype)


class Chain(Augmentation):
    """Several augmentations, one after the other; each works on what the one before it gave.

    Args:
        steps: the augmentations, at least one.
    """

    def __init__(self, steps: Sequence[Augmentation]) -> None:
        self.steps = steps

    def enlarge(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any], Rows]:
        """`enlarge` of each step; the origins lead back to the rows of X."""
        origins = np.arange(len(X))
        for step in self.steps:
            X, y, made_of = step.enlarge(X, y, rng)
            origins = origins[made_of]
        return X, y, origins

    def redraw(self, X: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, NDArray[Any]]:
        """`redraw` of each step."""
        for step in self.steps:
            X, y = step.redraw(X, y, rng)
        return X, y
