"""Functions that put values in order, under the names of `keras.ops`: on arrays alone, and so without gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axis, as_int
from ._alone import given
from .shaping import shape_of


def sort(x: Any, axis: int = -1) -> Any:
    """The values in ascending order along an axis. Arrays only."""
    return np.sort(given("sort", x), as_axis(axis, len(shape_of(x))))


def argsort(x: Any, axis: int = -1) -> Any:
    """The positions of the values in ascending order along an axis, int32; equal ones keep theirs. Arrays only."""
    return np.argsort(given("argsort", x), as_axis(axis, len(shape_of(x))), kind="stable").astype(np.int32)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """The k largest values along the last axis, largest first, and their positions (int32). Arrays only.

    Args:
        x: real numbers.
        k: how many.
        sorted: they are in any case.
    """
    values = given("top_k", x)
    k = as_int("k", k, 0, values.shape[-1] if values.ndim else 0)
    order = np.argsort(-values.astype(np.float64), axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(values, order, -1), order.astype(np.int32)


def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Coordinates on a grid, as `numpy.meshgrid` makes them of arrays of one axis. Arrays only."""
    return [np.ascontiguousarray(grid) for grid in
            np.meshgrid(*(given("meshgrid", item) for item in x), indexing=indexing)]  # type: ignore[call-overload]  # fmt: skip
