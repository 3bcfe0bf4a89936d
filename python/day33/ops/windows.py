"""Window functions, and the function that one of them is made of, under the names of `keras.ops`.

On arrays and numbers alone: NumPy computes them in double, and they are rounded to float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int, as_number
from ._alone import double, given, single


def _length(name: str, x: Any) -> int:
    return as_int(f"x of {name}", np.asarray(given(name, x))[()], 0)


def bartlett(x: Any) -> Any:
    """The triangle of x numbers, from 0 to 1 to 0."""
    return single(np.bartlett(_length("bartlett", x)))


def blackman(x: Any) -> Any:
    """Blackman's window of x numbers."""
    return single(np.blackman(_length("blackman", x)))


def hamming(x: Any) -> Any:
    """Hamming's window of x numbers."""
    return single(np.hamming(_length("hamming", x)))


def hanning(x: Any) -> Any:
    """Von Hann's window of x numbers."""
    return single(np.hanning(_length("hanning", x)))


def kaiser(x: Any, beta: Any) -> Any:
    """Kaiser's window of x numbers; the larger `beta`, the narrower."""
    return single(np.kaiser(_length("kaiser", x), as_number("beta", np.asarray(given("kaiser", beta, "beta"))[()])))


def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0."""
    return single(np.i0(double("i0", x)))
