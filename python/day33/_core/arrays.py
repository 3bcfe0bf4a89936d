"""Checks and conversions of what users hand in: arrays, numbers, pairs, paddings.

The one rule for arrays, everywhere in day33: a C-contiguous float32 array is used as it is, without a copy.
Other real dtypes (float16, float64, integers, bool) and other strides are converted once to float32. Things
with ``__array__`` (tensors of other frameworks, data frames) and nested lists go through ``numpy.asarray``.
Objects, strings, complex numbers and masked arrays raise ``TypeError``; a wrong rank raises ``ValueError``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .._native import Float32
    from .types import Shape

_FLOAT32 = np.dtype(np.float32)
INT32_MAX = 2**31 - 1

# Keras's own defaults: the slope of keras.activations.leaky_relu and the scale of keras.activations.elu.
LEAKY_RELU_SLOPE = 0.2
ELU_ALPHA = 1.0


def refuse_masked(name: str, value: object) -> None:
    """Raises TypeError for a masked array: `numpy.asarray` would drop the mask and use what it hides."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array of shape {value.shape}; expected none (fill it: {name}.filled(0))")


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


def as_ids(name: str, value: ArrayLike) -> NDArray[np.int32]:
    """Ids of tokens as int32, from integers or, cut as Keras cuts them, from floats."""
    array = _as_array(name, value)
    if array.dtype.kind == "f":
        within = (array > -1) & (array < INT32_MAX + 1)
        if not within.all():
            wrong = tuple(int(i) for i in np.argwhere(~within)[0])
            raise ValueError(
                f"{name} of shape {array.shape} holds {array[wrong]} at {wrong}; expected numbers from 0 to {INT32_MAX}"
            )
        array = array.astype(np.int32)
    return as_indices(name, array, INT32_MAX + 1)


def check_image(name: str, array: NDArray[Any]) -> None:
    """Raises ValueError unless `array` is (N, H, W, C) with H, W, C >= 1. N may be 0."""
    if array.ndim != 4 or 0 in array.shape[1:]:
        raise ValueError(f"{name} has shape {array.shape}; expected (N, H, W, C) with H, W and C of at least 1")


def check_shape(name: str, array: NDArray[Any], expected: tuple[int, ...], what: str) -> None:
    if array.shape != expected:
        raise ValueError(f"{name} has shape {array.shape}; expected {expected}, {what}")


def is_int(value: object) -> bool:
    """Whether `value` is an integer, of Python, NumPy or anything with ``__index__``. A bool is none."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(value, bool | np.bool_)


def as_axis(axis: object, rank: int, name: str = "axis") -> int:
    """An axis counted from 0. TypeError, ValueError where there is none."""
    if not is_int(axis):
        raise TypeError(f"{name} is {axis!r}; expected an integer")
    number = as_int(name, axis, -(2**31))
    if not -rank <= number < rank:
        raise ValueError(f"{name} is {number} for an array of {rank} dimensions; expected {-rank} to {rank - 1}")
    return number % rank


def as_axes(axis: object, rank: int, name: str = "axis") -> tuple[int, ...]:
    """Axes counted from 0, ascending; None stands for all."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, list | tuple) else [axis]
    axes = [as_axis(item, rank, name) for item in given]
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name} is {axis!r}; expected each axis once")
    return tuple(sorted(axes))


def drop_last_axis(array: NDArray[Any], rank: int) -> NDArray[Any]:
    """`array` without its last axis where that has length 1 and is one more than `rank`."""
    return array[..., 0] if array.ndim == rank + 1 > 0 and array.shape[-1] == 1 else array


def fit_rank(array: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """`array` with a last axis of length 1 added or dropped where it then has the rank of `shape`, as Keras does.

    `shape` is with the batch. Its other sizes are not compared.
    """
    if array.ndim == len(shape) - 1 and shape[-1] == 1:
        return array[..., np.newaxis]
    return drop_last_axis(array, len(shape))


def as_int(name: str, value: object, minimum: int = -(2**31), maximum: int | None = INT32_MAX) -> int:
    """`value` as an int.

    Args:
        name: the argument, for the message.
        value: what the caller was given for it.
        minimum, maximum: the bounds, themselves included. None for no upper bound. Where the number goes to native
            code, int32 is the limit.

    Raises:
        TypeError: `value` is no integer. A bool is none.
        ValueError: it is out of bounds.
    """
    if not is_int(value):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    number = operator.index(value)  # type: ignore[arg-type]
    if number < minimum:
        raise ValueError(f"{name} is {number}; expected at least {minimum}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} is {number}; expected at most {maximum}")
    return number


def as_count(name: str, value: object, minimum: int = 1) -> int:
    """`value` as an int of at least `minimum` without an upper bound: a number of epochs, steps or samples."""
    return as_int(name, value, minimum, None)


def as_optional_count(name: str, value: object) -> int | None:
    """None, or `value` as an int from 1 to the limit of int32."""
    return None if value is None else as_int(name, value, 1)


def as_number(name: str, value: object, minimum: float | None = None) -> float:
    """`value` as a finite float of at least `minimum`.

    Raises:
        TypeError: `value` is no real number. A bool is none.
        ValueError: it is NaN, infinite or below `minimum`.
    """
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "fiu":
        raise TypeError(f"{name} is {value!r}; expected a number")
    number = float(array)
    if not math.isfinite(number) or (minimum is not None and number < minimum):
        bound = "" if minimum is None else f" of at least {minimum:g}"
        raise ValueError(f"{name} is {value}; expected a finite number{bound}")
    return number


def as_pair(name: str, value: object, minimum: int = 1) -> tuple[int, int]:
    """An int for height and width, or a pair of them, as a pair. Each at least `minimum`."""
    if type(value) is int and minimum <= value <= INT32_MAX:
        return value, value
    if isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim):
        if len(value) != 2:
            raise ValueError(f"{name} is {value!r}; expected an integer or a pair (height, width)")
        return as_int(f"{name}[0]", value[0], minimum), as_int(f"{name}[1]", value[1], minimum)
    number = as_int(name, value, minimum)
    return number, number


def as_sizes(name: str, value: object, minimum: int = 0) -> tuple[int, ...]:
    """A sequence of ints, each at least `minimum`, as a tuple."""
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} is {value!r}; expected a sequence of integers")
    return tuple(as_int(f"{name}[{i}]", size, minimum) for i, size in enumerate(value))


def as_padding(padding: object) -> str:
    """ "valid" or "same", in any case."""
    if isinstance(padding, str) and padding.lower() in ("valid", "same"):
        return padding.lower()
    raise ValueError(f'padding is {padding!r}; expected "valid" or "same"')
