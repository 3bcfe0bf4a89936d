"""Diagonals and triangles of matrices, under the names of `keras.ops`. Arguments are as in `elementwise.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axis, as_int
from ._functions import as_dtype, dtype_of
from .elementwise import where
from .indexing import take
from .moving import pad
from .reductions import sum
from .shaping import moveaxis, ravel, reshape, shape_of


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """1 on a diagonal and below it, 0 above: N rows, M columns. Arrays only."""
    rows = as_int("N", N, 0)
    return np.tri(rows, rows if M is None else as_int("M", M, 0), as_int("k", k), dtype=as_dtype(dtype))


def tril(x: Any, k: int = 0) -> Any:
    """The values on a diagonal of the last two axes and below it; 0 above."""
    return where(_triangle(x, k), x, _zero(x))


def triu(x: Any, k: int = 0) -> Any:
    """The values on a diagonal of the last two axes and above it; 0 below."""
    return where(~_triangle(x, as_int("k", k) - 1), x, _zero(x))


def _zero(x: Any) -> Any:
    return np.zeros((), dtype_of(x))


def _triangle(x: Any, k: int) -> Any:
    """Where a diagonal and what is below it stands."""
    rows, columns = _known(x, -2), _known(x, -1)
    return np.tri(rows, columns, as_int("k", k), dtype=bool)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The values on a diagonal of two axes, along a new last axis.

    Args:
        x: with at least two axes, of which these two have known lengths.
        offset: which diagonal: above the main one where positive.
        axis1, axis2: the rows and the columns.

    Raises:
        ValueError: an axis that is not there, or both the same.
    """
    shape = shape_of(x)
    row, column = as_axis(axis1, len(shape), "axis1"), as_axis(axis2, len(shape), "axis2")
    if row == column:
        raise ValueError(f"axis1 is {axis1} and axis2 is {axis2}; expected two axes")
    rows, columns = _known(x, row), _known(x, column)
    k = as_int("offset", offset)
    first = np.arange(max(0, min(rows + min(k, 0), columns - max(k, 0))))
    places = (first + max(-k, 0)) * columns + first + max(k, 0)
    moved = moveaxis(x, (row, column), (-2, -1))
    rest = shape_of(moved)[:-2]
    flat = reshape(moved, [*(-1 if size is None else size for size in rest), rows * columns])
    return take(flat, places, len(rest))


def diag(x: Any, k: int = 0) -> Any:
    """Of (N,) a square matrix with these values on a diagonal, and 0 elsewhere; of a matrix the diagonal.

    Args:
        x: the values, of a known length.
        k: which diagonal: above the main one where positive.

    Raises:
        ValueError: more axes, or an unknown length.
    """
    sizes = shape_of(x)
    if len(sizes) == 2:
        return diagonal(x, k)
    if len(sizes) != 1 or sizes[0] is None:
        raise ValueError(f"x of diag has shape {sizes}; expected (N,) or (M, N), of known lengths")
    place = as_int("k", k)
    size = int(sizes[0]) + abs(place)
    if not size:
        return reshape(x, (0, 0))
    # The value of row i, or of column i below the main diagonal, stands at i.
    wide = pad(x, ((0, abs(place)),))
    return where(np.eye(size, k=place, dtype=bool), reshape(wide, (size, 1) if place >= 0 else (1, size)), _zero(x))


def diagflat(x: Any, k: int = 0) -> Any:
    """`diag` of all values in a row."""
    return diag(ravel(x), k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the values on a diagonal of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def _known(x: Any, axis: int) -> int:
    shape = shape_of(x)
    if len(shape) < 2 or shape[axis] is None:
        raise ValueError(f"x has shape {shape}; expected at least two axes, of known lengths")
    return int(shape[axis] or 0)
