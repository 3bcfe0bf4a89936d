"""Functions that are made of others, under the names of `keras.ops`. Arguments are as in `elementwise.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core.arrays import as_axis, is_int
from ._functions import dtype_of
from .creation import copy as copied
from .elementwise import abs as absolute
from .elementwise import (
    add,
    divide,
    equal,
    erf,
    exp,
    isfinite,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log10,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    where,
)
from .reductions import all as every
from .reductions import max, mean, min, sum
from .shaping import broadcast_to, reshape, shape, shape_of

# Giles, Approximating the erfinv function, GPU Computing Gems 2, 2010: in w = -log(1 - x²).
_NEAR = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
         0.246640727, 1.50140941)  # fmt: skip
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
         1.00167406, 2.83297682)  # fmt: skip


def erfinv(x: Any) -> Any:
    """The number whose error function is x, to about 3e-7 of its size; infinite at -1 and 1, NaN beyond.

    Source: Giles, Approximating the erfinv function, 2010.
    """
    w = negative(log(multiply(subtract(1.0, x), add(1.0, x))))
    near = _polynomial(subtract(minimum(w, 5.0), 2.5), _NEAR)
    tail = _polynomial(subtract(sqrt(maximum(w, 5.0)), 3.0), _TAIL)
    tail = where(isfinite(w), tail, w)  # at 1 and -1, where w is infinite, and beyond, where it is NaN
    return multiply(where(less(w, 5.0), near, tail), x)


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    value: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        value = add(multiply(value, x), coefficient)
    return value


def logaddexp(x1: Any, x2: Any) -> Any:
    """``log(exp(x1) + exp(x2))``, without overflow."""
    high = maximum(x1, x2)
    distance = negative(absolute(subtract(x1, x2)))
    # Infinities of one sign have no distance.
    return where(isnan(distance), add(x1, x2), add(high, log1p(exp(distance))))


def erfc(x: Any) -> Any:
    """``1 - erf(x)``."""
    return subtract(1.0, erf(x))


def hypot(x1: Any, x2: Any) -> Any:
    """``√(x1² + x2²)``, without overflow."""
    one, other = absolute(x1), absolute(x2)
    high, low = maximum(one, other), minimum(one, other)
    ratio = where(equal(high, 0.0), 0.0, divide(low, where(equal(high, 0.0), 1.0, high)))
    return multiply(high, sqrt(add(1.0, square(ratio))))


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """``x1 / x2``, and 0 where x2 is 0."""
    none = equal(x2, 0)
    return where(none, 0.0, divide(x1, where(none, 1, x2)))


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """X with numbers in the place of NaN and of infinities.

    Args:
        x: real numbers.
        nan: for NaN. posinf, neginf: for the infinities; the largest and the lowest number of float32 by default.
    """
    if dtype_of(x) != "float32":
        return copied(x)
    largest = float(np.finfo(np.float32).max)
    x = where(isnan(x), np.float32(nan), x)
    x = where(equal(x, np.float32(np.inf)), np.float32(largest if posinf is None else posinf), x)
    return where(equal(x, np.float32(-np.inf)), np.float32(-largest if neginf is None else neginf), x)


def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Where x1 and x2 differ by at most ``atol + rtol * |x2|``."""
    bound = add(multiply(absolute(x2), np.float32(rtol)), np.float32(atol))
    close = where(isfinite(x2), less_equal(absolute(subtract(x1, x2)), bound), equal(x1, x2))
    return close if not equal_nan else where(isnan(x2), isnan(x1), close)


def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many values differ from 0: int32."""
    return sum(where(not_equal(x, 0), 1, 0), axis)


def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, or with weights the sum of weighted values divided by the sum of the weights.

    Args:
        x: real numbers.
        axis: an axis, several, or None for all.
        weights: of the shape of x, or one for each position of a single axis.
    """
    if weights is None:
        return mean(x, axis)
    rank = len(shape_of(x))
    if is_int(axis) and len(shape_of(weights)) == 1 < rank:
        wide = [-1 if number == as_axis(axis, rank) else 1 for number in range(rank)]
        weights = broadcast_to(reshape(weights, wide), shape(x))
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The distance between the largest and the smallest value."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether `isclose` holds everywhere."""
    return every(isclose(x1, x2, rtol, atol, equal_nan))


def cbrt(x: Any) -> Any:
    """The cube root."""
    return multiply(sign(x), power(absolute(x), 1.0 / 3.0))


def deg2rad(x: Any) -> Any:
    """Degrees as radians."""
    return multiply(x, math.pi / 180.0)


def rad2deg(x: Any) -> Any:
    """Radians as degrees."""
    return multiply(x, 180.0 / math.pi)


def heaviside(x1: Any, x2: Any) -> Any:
    """0 where x1 is negative, 1 where it is positive, x2 where it is 0."""
    return where(less(x1, 0), 0.0, where(equal(x1, 0), x2, 1.0))


def isposinf(x: Any) -> Any:
    """Where x is positive infinity."""
    return equal(x, np.float32(np.inf))


def isneginf(x: Any) -> Any:
    """Where x is negative infinity."""
    return equal(x, np.float32(-np.inf))


def logaddexp2(x1: Any, x2: Any) -> Any:
    """``log2(2**x1 + 2**x2)``, without overflow."""
    scale = math.log(2.0)
    return multiply(logaddexp(multiply(x1, scale), multiply(x2, scale)), 1.0 / scale)


def sinc(x: Any) -> Any:
    """``sin(πx) / (πx)``, and 1 at 0."""
    none = equal(x, 0)
    angle = multiply(where(none, 1.0, x), math.pi)
    return where(none, 1.0, divide(sin(angle), angle))


def fmax(x1: Any, x2: Any) -> Any:
    """The larger of the two; where one is NaN, the other."""
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of the two; where one is NaN, the other."""
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio in decibels: ``20 log10(max_val) - 10 log10(mean((x1 - x2)²))``."""
    noise = mean(square(subtract(x1, x2)))
    return subtract(20.0 * math.log10(max_val), multiply(10.0, log10(noise)))
