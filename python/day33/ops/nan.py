"""Reductions that leave NaN out, under the names of `keras.ops`. Arguments are as in `reductions.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import cast, divide, isnan, logical_not, sqrt, square, subtract, where
from .reductions import all as every
from .reductions import max, min, prod, sum

Axis = int | tuple[int, ...] | list[int] | None


def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum."""
    return sum(where(isnan(x), 0.0, x), axis, keepdims)


def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product."""
    return prod(where(isnan(x), 1.0, x), axis, keepdims)


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
    missing = isnan(x)
    found = max(where(missing, np.float32(-np.inf), x), axis, keepdims)
    return where(every(missing, axis, keepdims), np.float32(np.nan), found)


def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest value; NaN where there is nothing else."""
    missing = isnan(x)
    found = min(where(missing, np.float32(np.inf), x), axis, keepdims)
    return where(every(missing, axis, keepdims), np.float32(np.nan), found)
