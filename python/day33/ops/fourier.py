"""Fourier transforms, under the names of `keras.ops`: on arrays alone, computed by NumPy in double.

Complex numbers are pairs of real arrays: the real and the imaginary parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from ._alone import double, single


def _complex(function: str, x: Any, axes: int) -> NDArray[np.complex128]:
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(f"x of {function} is {type(x).__name__}; expected a pair of arrays: real and imaginary parts")
    real, imaginary = (double(function, part) for part in x)
    if real.shape != imaginary.shape or real.ndim < axes:
        raise ValueError(f"x of {function} has shapes {real.shape} and {imaginary.shape}; expected one shape of at "
                         f"least {axes} axes")  # fmt: skip
    return real + 1j * imaginary


def _pair(x: NDArray[Any]) -> tuple[Any, Any]:
    return single(x.real), single(x.imag)


def fft(x: Any) -> tuple[Any, Any]:
    """The Fourier transform along the last axis, ``sum(x[n] exp(-2πi k n / N))``.

    Args:
        x: real and imaginary parts (..., N).
    """
    return _pair(np.fft.fft(_complex("fft", x, 1)))


def fft2(x: Any) -> tuple[Any, Any]:
    """The Fourier transform along the last two axes, of real and imaginary parts (..., H, W)."""
    return _pair(np.fft.fft2(_complex("fft2", x, 2)))


def ifft2(x: Any) -> tuple[Any, Any]:
    """The inverse of `fft2`."""
    return _pair(np.fft.ifft2(_complex("ifft2", x, 2)))


def rfft(x: Any, fft_length: int | None = None) -> tuple[Any, Any]:
    """The first half of the Fourier transform of real numbers along the last axis; the other half mirrors it.

    Args:
        x: real numbers (..., N).
        fft_length: to which length x is cut, or filled with zeros.

    Returns:
        Real and imaginary parts (..., N // 2 + 1).
    """
    length = None if fft_length is None else as_int("fft_length", fft_length, 1)
    numbers = double("rfft", x)
    if numbers.ndim == 0:
        raise ValueError("x of rfft has shape (); expected at least one axis")
    return _pair(np.fft.rfft(numbers, length))


def irfft(x: Any, fft_length: int | None = None) -> Any:
    """The inverse of `rfft`.

    Args:
        x: real and imaginary parts (..., M).
        fft_length: the length of the result, 2 (M - 1) by default.
    """
    length = None if fft_length is None else as_int("fft_length", fft_length, 1)
    return single(np.fft.irfft(_complex("irfft", x, 1), length))
