"""Norms of vectors and matrices, as `numpy.linalg.norm` defines them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core.arrays import as_axes, as_axis, as_number
from .algebra import svd
from .elementwise import abs as absolute
from .elementwise import cast, not_equal, power, sqrt, square
from .reductions import max, min, sum
from .shaping import expand_dims, moveaxis, shape_of

_MATRIX_NORMS = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def norm(x: Any, ord: Any = None, axis: int | tuple[int, ...] | list[int] | None = None, keepdims: bool = False) -> Any:
    """The norm of vectors along one axis, or of matrices along two.

    ========== ============================= ==================================
    ord        of vectors                    of matrices
    ========== ============================= ==================================
    None       root of the sum of squares    the same
    "fro"      refused                       the same
    "nuc"      refused                       the sum of the singular values
    inf, -inf  largest, smallest abs(x)      the largest, smallest sum of a row
    1, -1      ``sum(|x|^ord)^(1/ord)``      the same of a column
    2, -2      the same                      the largest, smallest singular value
    0          how many differ from 0        refused
    another    ``sum(|x|^ord)^(1/ord)``      refused
    ========== ============================= ==================================

    Args:
        x: real numbers.
        ord: which norm. Those of singular values are there for arrays alone.
        axis: of the vectors, or a pair of axes, those of rows and columns; None for all that x has.
        keepdims: whether the axes stay, with length 1.

    Raises:
        ValueError: no such norm for vectors or matrices, or x has more than two axes where they are not named.
        TypeError: a norm of singular values inside of a graph.
    """
    rank = len(shape_of(x))
    axes = as_axes(axis, rank)
    if isinstance(axis, list | tuple) and len(axes) == 2:  # the first one is that of the rows
        axes = as_axis(axis[0], rank), as_axis(axis[1], rank)
    if ord is None:
        return sqrt(sum(square(x), axes, keepdims))
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError(f"axis is {axis!r} for x of shape {shape_of(x)} and ord={ord!r}; expected one axis or two")


def _of_vectors(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"ord is {ord!r} for vectors; expected a number, infinity or None")
    if ord == 2:
        return sqrt(sum(square(x), axis, keepdims))
    sizes = absolute(cast(x, "float32"))
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(sizes, axis, keepdims)
    if ord == 0:
        return sum(cast(not_equal(x, 0), "float32"), axis, keepdims)
    if ord == 1:
        return sum(sizes, axis, keepdims)
    exponent = as_number("ord", ord)
    return power(sum(power(sizes, np.float32(exponent)), axis, keepdims), np.float32(1.0 / exponent))


def _of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord not in _MATRIX_NORMS:
        raise ValueError(f"ord is {ord!r} for matrices; expected one of {_MATRIX_NORMS}")
    if ord == "fro":
        return sqrt(sum(square(x), axes, keepdims))
    rows, columns = axes
    extreme = min if ord in (-1, -2, -math.inf) else max
    if ord in (1, -1, math.inf, -math.inf):
        along, over = (rows, columns) if ord in (1, -1) else (columns, rows)
        found = extreme(sum(absolute(cast(x, "float32")), along, keepdims=True), over, keepdims=True)
        return found if keepdims else sum(found, axes)
    values = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
    found = sum(values, -1) if ord == "nuc" else extreme(values, -1)
    for axis in sorted(axes) if keepdims else ():
        found = expand_dims(found, axis)
    return found
