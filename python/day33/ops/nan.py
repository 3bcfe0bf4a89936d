"""Reductions that leave NaN out, under the names of `keras.ops`. Arguments are as in `reductions.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._functions import dtype_of
from .elementwise import cast, divide, isnan, logical_not, sqrt, square, subtract, where
from .reductions import all as every
from .reductions import argmax, argmin, cumprod, cumsum, max, min, prod, sum

Axis = int | tuple[int, ...] | list[int] | None


def _filled(x: Any, value: float) -> Any:
    """A value in place of NaN; integers as they are."""
    return where(isnan(x), np.float32(value), x) if dtype_of(x) == "float32" else x


def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum."""
    return sum(_filled(x, 0.0), axis, keepdims)


def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product."""
    return prod(_filled(x, 1.0), axis, keepdims)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean; NaN where there is nothing else."""
    count = sum(cast(logical_not(isnan(x)), "float32"), axis, keepdims)
    return divide(nansum(x, axis, keepdims), count)


def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The variance; NaN where there is nothing else."""
    missing = isnan(x)
    distance = subtract(where(missing, 0.0, x), nanmean(x, axis, keepdims=True))
    return nanmean(where(missing, np.float32(np.nan), square(distance)), axis, keepdims)


def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The standard deviation; NaN where there is nothing else."""
    return sqrt(nanvar(x, axis, keepdims))


def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest value; NaN where there is nothing else."""
    if dtype_of(x) != "float32":
        return max(x, axis, keepdims)
    missing = isnan(x)
    found = max(where(missing, np.float32(-np.inf), x), axis, keepdims)
    return where(every(missing, axis, keepdims), np.float32(np.nan), found)


def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest value; NaN where there is nothing else."""
    if dtype_of(x) != "float32":
        return min(x, axis, keepdims)
    missing = isnan(x)
    found = min(where(missing, np.float32(np.inf), x), axis, keepdims)
    return where(every(missing, axis, keepdims), np.float32(np.nan), found)


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums along an axis, in another dtype if one is given; along all values in a row by default."""
    return cumsum(_filled(x, 0.0), axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products along an axis, in another dtype if one is given; along all values in a row by default."""
    return cumprod(_filled(x, 1.0), axis, dtype)


def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The position of the largest value along an axis: int32; -1 where there is nothing else."""
    if dtype_of(x) != "float32":
        return argmax(x, axis, keepdims)
    return where(every(isnan(x), axis, keepdims), -1, argmax(_filled(x, -np.inf), axis, keepdims))


def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The position of the smallest value along an axis: int32; -1 where there is nothing else."""
    if dtype_of(x) != "float32":
        return argmin(x, axis, keepdims)
    return where(every(isnan(x), axis, keepdims), -1, argmin(_filled(x, np.inf), axis, keepdims))
