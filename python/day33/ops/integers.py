"""Functions of integers, bit by bit and by their divisors, under the names of `keras.ops`: on arrays alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._alone import given

# In 64 bits, of which the lower half is kept. Shifts by more than 31 places are shifts by 31, as in TensorFlow.
_BITS = 31


def _of_integers(name: str, function: Callable[..., Any], *values: Any) -> Any:
    arrays = [given(name, value, f"argument {number} of {name}") for number, value in enumerate(values)]
    for number, array in enumerate(arrays):
        if array.dtype.kind != "i":
            raise TypeError(f"argument {number} of {name} has dtype {array.dtype}; expected integers")
    try:
        return np.asarray(function(*(array.astype(np.int64) for array in arrays))).astype(np.int32)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"shapes of {name} do not broadcast: {shapes}") from None


def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that both have."""
    return _of_integers("bitwise_and", np.bitwise_and, x, y)


def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that either has."""
    return _of_integers("bitwise_or", np.bitwise_or, x, y)


def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that one of them has."""
    return _of_integers("bitwise_xor", np.bitwise_xor, x, y)


def bitwise_not(x: Any) -> Any:
    """The bits that it does not have: ``-x - 1``."""
    return _of_integers("bitwise_not", np.bitwise_not, x)


def bitwise_left_shift(x: Any, y: Any) -> Any:
    """The bits of x, y places higher."""
    return _of_integers("bitwise_left_shift", lambda a, b: np.left_shift(a, np.clip(b, 0, _BITS)), x, y)


def bitwise_right_shift(x: Any, y: Any) -> Any:
    """The bits of x, y places lower; negative numbers stay negative."""
    return _of_integers("bitwise_right_shift", lambda a, b: np.right_shift(a, np.clip(b, 0, _BITS)), x, y)


def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor."""
    return _of_integers("gcd", np.gcd, x1, x2)


def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple."""
    return _of_integers("lcm", np.lcm, x1, x2)


bitwise_invert = bitwise_not
left_shift, right_shift = bitwise_left_shift, bitwise_right_shift
