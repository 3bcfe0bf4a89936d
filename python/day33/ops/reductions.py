"""Functions along axes, under the names of `keras.ops`.

Arguments are as in `elementwise.py`. `axis` is an axis, several, or None for all; with `keepdims` they stay, with
length 1. Axis 0 of a symbolic tensor is the batch: what goes over it takes the batch as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axes, as_axis
from ._functions import call, dtype_of
from ._reductions import ArgReduction, Cumulation, Reduction
from .elementwise import (
    abs as absolute,
)
from .elementwise import (
    add,
    cast,
    exp,
    log,
    maximum,
    minimum,
    sqrt,
    square,
    stop_gradient,
    subtract,
    where,
)
from .shaping import reshape, shape_of

Axis = int | tuple[int, ...] | list[int] | None


def _reduce(kind: str, x: Any, axis: Axis, keepdims: bool) -> Any:
    axes = None if axis is None else as_axes(axis, _rank(x))
    return call(Reduction(kind, axes, bool(keepdims)), ("x",), x)


def _rank(x: Any) -> int:
    return len(shape_of(x))


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum."""
    return _reduce("sum", x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean, in float32."""
    return _reduce("mean", x, axis, keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product, in another dtype if one is given."""
    return _reduce("prod", x if dtype is None else cast(x, dtype), axis, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest value, at least `initial`; NaN where there is one. Several that attain it share the gradient."""
    found = _reduce("max", x, axis, keepdims)
    return found if initial is None else _like(x, maximum(found, initial))


def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest value, at most `initial`; NaN where there is one. Several that attain it share the gradient."""
    found = _reduce("min", x, axis, keepdims)
    return found if initial is None else _like(x, minimum(found, initial))


def _like(x: Any, found: Any) -> Any:
    """A number found among truth values as one of them."""
    return cast(found, "bool") if dtype_of(x) == "bool" else found


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether a value is true (not 0)."""
    return _reduce("any", x, axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all values are true (not 0)."""
    return _reduce("all", x, axis, keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The variance: the mean of the squared distances from the mean."""
    return mean(square(subtract(x, mean(x, axis, keepdims=True))), axis, keepdims)


def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The standard deviation: the root of the variance."""
    return sqrt(var(x, axis, keepdims))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The logarithm of the sum of the exponentials, without overflow."""
    highest = stop_gradient(max(x, axis, keepdims=True))
    highest = where(absolute(highest) < np.float32(np.inf), highest, 0.0)
    total = log(sum(exp(subtract(x, highest)), axis, keepdims))
    return add(total, highest if keepdims else sum(highest, axis))


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The position of the largest value along an axis, the first of several: int32. NaN counts as largest."""
    return _arg("argmax", x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The position of the smallest value along an axis, the first of several: int32. NaN counts as smallest."""
    return _arg("argmin", x, axis, keepdims)


def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums along an axis, in another dtype if one is given; along all values in a row by default."""
    return _cumulate("cumsum", x if dtype is None else cast(x, dtype), axis)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products along an axis, in another dtype if one is given; along all values in a row by default."""
    return _cumulate("cumprod", x if dtype is None else cast(x, dtype), axis)


def _arg(kind: str, x: Any, axis: int | None, keepdims: bool) -> Any:
    rank = _rank(x)
    if axis is None:
        found = call(ArgReduction(kind, 0), ("x",), reshape(x, (-1,)))
        return reshape(found, (1,) * rank) if keepdims else found
    return call(ArgReduction(kind, as_axis(axis, rank), bool(keepdims)), ("x",), x)


def _cumulate(kind: str, x: Any, axis: int | None) -> Any:
    if axis is None:
        return _cumulate(kind, reshape(x, (-1,)), 0)
    return call(Cumulation(kind, as_axis(axis, _rank(x))), ("x",), x)
