"""What single numbers are made of, under the names of `keras.ops`. Arguments are as in `elementwise.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._alone import given
from ._functions import as_dtype, dtype_of
from .creation import copy, ones_like, zeros_like
from .elementwise import abs as absolute
from .elementwise import (
    cast,
    clip,
    divide,
    equal,
    exp2,
    isnan,
    less,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    where,
)


def fabs(x: Any) -> Any:
    """The absolute value in float32."""
    return absolute(cast(x, "float32"))


def fmod(x1: Any, x2: Any) -> Any:
    """The remainder of x1 with the sign of x1."""
    rest = mod(absolute(x1), absolute(x2))
    return where(less(x1, 0), negative(rest), rest)


def signbit(x: Any) -> Any:
    """Where x is negative, or -0; not at NaN."""
    if dtype_of(x) != "float32":
        return less(cast(x, "int32"), 0)
    none = equal(x, 0)
    return less(where(none, divide(1.0, where(none, x, 1.0)), x), 0)


def ldexp(x1: Any, x2: Any) -> Any:
    """``x1 * 2**x2`` in float32, for integers x2.

    Raises:
        TypeError: x2 does not hold integers.
    """
    if dtype_of(x2) == "float32":
        raise TypeError("x2 of ldexp has dtype float32; expected integers")
    return multiply(cast(x1, "float32"), exp2(cast(x2, "float32")))


def nextafter(x1: Any, x2: Any) -> Any:
    """The number of float32 next to x1 in the direction of x2. Arrays only."""
    one, other = (np.asarray(given("nextafter", x, name), np.float32) for x, name in ((x1, "x1"), (x2, "x2")))
    return np.asarray(np.nextafter(one, other))


def saturate_cast(x: Any, dtype: Any) -> Any:
    """X in another dtype, where what it cannot hold becomes the nearest it can: for int32, and 0 and 1 for bool."""
    kind = as_dtype(dtype)
    if kind == "int32" and dtype_of(x) == "float32":
        # The largest number of float32 that int32 holds, then those above it.
        inside = cast(clip(x, np.float32(-(2**31)), np.float32(2**31 - 128)), kind)
        return where(less(x, np.float32(2**31)), inside, np.int32(2**31 - 1))
    if kind == "bool" and dtype_of(x) != "bool":
        return cast(minimum(maximum(x, 0), 1), kind)
    return cast(x, kind)


# ---- of complex numbers, which have no imaginary part here ----


def angle(x: Any) -> Any:
    """0 for positive numbers, 0 and -0, π for negative ones."""
    return where(less(x, 0), np.float32(math.pi), where(isnan(x), x, np.float32(0)))


def real(x: Any) -> Any:
    """X itself."""
    return copy(x)


def imag(x: Any) -> Any:
    """0 everywhere."""
    return zeros_like(x)


def conjugate(x: Any) -> Any:
    """X itself."""
    return copy(x)


def isreal(x: Any) -> Any:
    """True everywhere."""
    return ones_like(x, "bool")


conj = conjugate
