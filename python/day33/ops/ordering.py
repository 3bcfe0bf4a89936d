"""Functions that put values in order, under the names of `keras.ops`: on arrays alone, and so without gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core.arrays import as_axes, as_axis, as_int
from ._alone import double, given, single
from .shaping import shape_of

Axis = int | tuple[int, ...] | list[int] | None


def sort(x: Any, axis: int | None = -1) -> Any:
    """The values in ascending order along an axis, or, with None, of all values in a row. Arrays only."""
    return np.sort(given("sort", x), None if axis is None else as_axis(axis, len(shape_of(x))))


def argsort(x: Any, axis: int | None = -1) -> Any:
    """The positions of the values in ascending order, int32; equal ones keep theirs. As `sort`."""
    along = None if axis is None else as_axis(axis, len(shape_of(x)))
    return np.argsort(given("argsort", x), along, kind="stable").astype(np.int32)


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


def argpartition(x: Any, kth: int, axis: int = -1) -> Any:
    """Positions (int32) that put the value of rank `kth` in its place, smaller ones before and larger ones behind.

    Args:
        x: the values.
        kth: the place along the axis, counted from 0, or from the end where negative.
        axis: the axis.

    Raises:
        ValueError: no such place.
    """
    values = given("argpartition", x)
    along = as_axis(axis, values.ndim)
    return np.argpartition(values, as_axis(kth, values.shape[along], "kth"), along).astype(np.int32)


# ---- quantiles: in double, as `numpy.quantile` ----

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which a part q of the values lies. Arrays only.

    Args:
        x: real numbers.
        q: a number between 0 and 1, or several: then these are the first axis of the result.
        axis: an axis, several, or None for all.
        method: what is taken between two values: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: whether the axes stay, with length 1.

    Raises:
        ValueError: another method, or a q outside of its range.
    """
    return _quantile("quantile", np.quantile, x, q, axis, method, keepdims)


def nanquantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` of the values that are not NaN; NaN where there is nothing else."""
    return _quantile("nanquantile", np.nanquantile, x, q, axis, method, keepdims)


def percentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` with q between 0 and 100."""
    return quantile(x, np.asarray(q, np.float64) / 100.0, axis, method, keepdims)


def nanpercentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`nanquantile` with q between 0 and 100."""
    return nanquantile(x, np.asarray(q, np.float64) / 100.0, axis, method, keepdims)


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The value in the middle, or the mean of the two there. Arrays only."""
    return _median("median", np.median, x, axis, keepdims)


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """`median` of the values that are not NaN; NaN where there is nothing else."""
    return _median("nanmedian", np.nanmedian, x, axis, keepdims)


def _median(function: str, find: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Apart from quantiles, which between infinities are NaN."""
    values = double(function, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return single(find(values, as_axes(axis, values.ndim), keepdims=bool(keepdims)))


def _quantile(function: str, find: Any, x: Any, q: Any, axis: Axis, method: str, keepdims: bool) -> Any:
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}; expected one of {_METHODS}")
    values = double(function, x)
    axes = as_axes(axis, values.ndim)
    if any(values.shape[one] == 0 for one in axes):
        raise ValueError(f"x has shape {values.shape}; {function} along {axes} expected at least one value")
    parts = np.asarray(q, np.float64)
    if parts.size and not (parts.min() >= 0 and parts.max() <= 1):
        raise ValueError(f"q of {function} is {q!r}; expected numbers in its range")
    with warnings.catch_warnings():  # of slices without numbers, which give NaN
        warnings.simplefilter("ignore", RuntimeWarning)
        return single(find(values, parts, axes, method=method, keepdims=bool(keepdims)))


# ---- places and counts ----


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where values belong in a sequence that ascends: int32. Arrays only.

    Args:
        sorted_sequence: (N,), ascending. values: of any shape.
        side: "left" for the place before equal ones, "right" for that behind them.

    Raises:
        ValueError: a sequence of more axes, or another side.
    """
    sequence = double("searchsorted", sorted_sequence, "sorted_sequence")
    if sequence.ndim != 1 or side not in ("left", "right"):
        raise ValueError(f"sorted_sequence has shape {sequence.shape} and side is {side!r}; expected (N,) and \"left\" "
                         'or "right"')  # fmt: skip
    found = np.searchsorted(sequence, double("searchsorted", values, "values"), "left" if side == "left" else "right")
    return np.asarray(found, np.int32)


def digitize(x: Any, bins: Any) -> Any:
    """How many of the borders, which ascend, are at most x: int32. Arrays only."""
    return searchsorted(bins, x, "right")


def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Any, Any]:
    """How many values lie in each of some bins of one width, float32, and the borders of the bins. Arrays only.

    Args:
        x: (N,).
        bins: how many.
        range: the lowest and the highest border; those of the values by default.

    Raises:
        ValueError: more axes, or borders that do not ascend.
    """
    values = double("histogram", x)
    if values.ndim != 1:
        raise ValueError(f"x of histogram has shape {values.shape}; expected (N,)")
    count = as_int("bins", bins, 1)
    if range is not None and (len(range) != 2 or not range[0] < range[1]):
        raise ValueError(f"range is {range!r}; expected a pair of ascending numbers")
    found, borders = np.histogram(values, count, None if range is None else (float(range[0]), float(range[1])))
    return single(found), single(borders)


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number occurs, or the sum of the weights of its places. Arrays only.

    Args:
        x: integers of at least 0: (N,), or (M, N), whose rows are counted apart.
        weights: of the shape of x.
        minlength: the length of the result at least; it reaches to the largest number.
        sparse: False; day33 has no sparse arrays.

    Returns:
        int32 (length,) or (M, length); float32 for weights that are.

    Raises:
        ValueError: negative numbers, or another shape.
    """
    if sparse:
        raise ValueError(f"sparse is {sparse!r}; expected False, day33 has no sparse arrays")
    numbers = given("bincount", x)
    if numbers.dtype != np.int32 or numbers.ndim not in (1, 2) or (numbers.size and numbers.min() < 0):
        raise ValueError(f"x of bincount has dtype {numbers.dtype} and shape {numbers.shape}; expected integers of at "
                         "least 0, (N,) or (M, N)")  # fmt: skip
    amounts = None if weights is None else given("bincount", weights, "weights")
    if amounts is not None and amounts.shape != numbers.shape:
        raise ValueError(f"weights has shape {amounts.shape}; expected {numbers.shape}, as x")
    length = max(as_int("minlength", minlength, 0), int(numbers.max()) + 1 if numbers.size else 0)
    rows = numbers.reshape(-1, numbers.shape[-1])
    counted = [
        np.bincount(row, None if amounts is None else amounts.reshape(rows.shape)[number], length)
        for number, row in enumerate(rows)
    ]
    dtype = np.float32 if amounts is not None and amounts.dtype == np.float32 else np.int32
    return np.array(counted, dtype).reshape(*numbers.shape[:-1], length)


def nonzero(x: Any) -> list[Any]:
    """The positions of values other than 0: int32, an array for each axis. Arrays only."""
    return [places.astype(np.int32) for places in np.nonzero(given("nonzero", x))]


def unique(
    x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, size: int | None = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    """The different values in ascending order, each NaN for itself. Arrays only.

    Args:
        x: the values.
        sorted: they are in any case.
        return_index, return_inverse, return_counts: whether to give as well, as int32, where each occurs first, which
            of them makes each value of x, and how often each occurs.
        axis: whose slices are compared; None for single values.
        size: how many there shall be: others are left out, or `fill_value` (the first one by default) is added.

    Returns:
        An array, or a tuple of it and what else is asked for.
    """
    values = given("unique", x)
    axis = None if axis is None else as_axis(axis, values.ndim)
    found, first, inverse, counts = np.unique(values, True, True, True, axis, equal_nan=False)
    inverse = inverse.reshape(values.shape) if axis is None else inverse
    if size is not None:
        found, more = _sized(found, as_int("size", size, 0), axis or 0, fill_value)
        first, counts = (np.pad(part[:size], (0, more)) for part in (first, counts))
    extra = ((first, return_index), (inverse, return_inverse), (counts, return_counts))
    wanted = [part.astype(np.int32) for part, asked in extra if asked]
    return (found, *wanted) if wanted else found


def _sized(found: Any, size: int, axis: int, fill_value: Any) -> tuple[Any, int]:
    """So many slices along an axis, and how many were added."""
    more = max(size - found.shape[axis], 0)
    filling = np.take(found, [0] * more, axis)
    if fill_value is not None:
        filling = np.full_like(filling, fill_value)
    kept = np.take(found, np.arange(min(size, found.shape[axis])), axis)
    return np.concatenate([kept, filling], axis), more
