"""Checks and conversions of what users hand in: arrays, pairs, paddings, activations.

The one rule for arrays, everywhere in day33: a C-contiguous float32 array is used as it is, without a copy.
Other real dtypes (float16, float64, integers, bool) and other strides are converted once to float32. Things
with ``__array__`` (tensors of other frameworks, data frames) and nested lists go through ``numpy.asarray``.
Objects, strings, complex numbers and masked arrays raise ``TypeError``; a wrong rank raises ``ValueError``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .._native import Float32

_FLOAT32 = np.dtype(np.float32)
_INT32_MAX = 2**31 - 1

# Keras's own defaults: the slope of keras.activations.leaky_relu and the scale of keras.activations.elu.
LEAKY_RELU_SLOPE = 0.2
ELU_ALPHA = 1.0


def refuse_masked(name: str, value: object) -> None:
    """Raises TypeError for a masked array: `numpy.asarray` would drop the mask and use what it hides."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array of shape {value.shape}; fill it first (value.filled(0))")


def _as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    refuse_masked(name, value)
    try:
        return np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    except RuntimeError as error:  # tensors that refuse, for example because they require a gradient
        raise TypeError(f"{name} cannot be read as an array: {error}") from error


def needs_no_conversion(value: object) -> TypeGuard[Float32]:
    """Whether `value` is a C-contiguous, aligned float32 array, which is used as it is."""
    if type(value) is not np.ndarray or value.dtype != _FLOAT32:
        return False
    flags = value.flags
    return flags.c_contiguous and flags.aligned


def as_float32(name: str, value: ArrayLike) -> Float32:
    """`value` as a C-contiguous, aligned float32 array: itself where it already is one, else one conversion."""
    if needs_no_conversion(value):
        return value
    array = _as_array(name, value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype} and shape {array.shape}; expected real numbers")
    return np.require(array, np.float32, ("C", "A"))


def as_indices(name: str, value: ArrayLike, size: int) -> NDArray[np.int32]:
    """`value` as C-contiguous int32, every entry checked to be in [0, size)."""
    array = _as_array(name, value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype} and shape {array.shape}; expected integers")
    if array.size and (array.min() < 0 or array.max() >= size):
        wrong = np.argmax((array < 0) | (array >= size))
        position = tuple(int(i) for i in np.unravel_index(wrong, array.shape))
        raise ValueError(
            f"{name} of shape {array.shape} holds {int(array[position])} at {position}; "
            f"expected numbers from 0 to {size - 1}"
        )
    return np.require(array, np.int32, ("C", "A"))


def check_image(name: str, array: NDArray[Any]) -> None:
    """Raises ValueError unless `array` is (N, H, W, C) with H, W, C >= 1. N may be 0."""
    if array.ndim != 4 or 0 in array.shape[1:]:
        raise ValueError(f"{name} has shape {array.shape}; expected (N, H, W, C) with H, W and C of at least 1")


def check_shape(name: str, array: NDArray[Any], expected: tuple[int, ...], what: str) -> None:
    if array.shape != expected:
        raise ValueError(f"{name} has shape {array.shape}; expected {expected}, {what}")


def as_int(name: str, value: object, minimum: int) -> int:
    """`value` as an int of at least `minimum`. TypeError for anything but an integer (bool included)."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if not minimum <= number <= _INT32_MAX:
        raise ValueError(f"{name} is {number}; expected a value from {minimum} to {_INT32_MAX}")
    return number


def as_pair(name: str, value: object, minimum: int = 1) -> tuple[int, int]:
    """An int, or a pair of ints for height and width, as a pair. Each at least `minimum`."""
    if type(value) is int and minimum <= value <= _INT32_MAX:
        return value, value
    if isinstance(value, tuple | list | np.ndarray):
        if len(value) != 2:
            raise ValueError(f"{name} is {value!r}; expected an integer or a pair (height, width)")
        return as_int(f"{name}[0]", value[0], minimum), as_int(f"{name}[1]", value[1], minimum)
    number = as_int(name, value, minimum)
    return number, number


def as_padding(padding: object) -> str:
    """ "valid" or "same", in any case."""
    if isinstance(padding, str) and padding.lower() in ("valid", "same"):
        return padding.lower()
    raise ValueError(f'padding is {padding!r}; expected "valid" or "same"')
