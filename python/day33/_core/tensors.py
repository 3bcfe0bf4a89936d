"""`Tensor` and `Number`: an array and a float with the one method that notebooks call on TensorFlow's tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

_INT32 = np.iinfo(np.int32)


class Tensor(np.ndarray[Any, Any]):
    """A NumPy array that also answers ``.numpy()``. What models, losses and the functions of `day33.tf` return.

    Operators and ufuncs give tensors; other functions of NumPy give plain arrays, as they do of TensorFlow's tensors.
    """

    def numpy(self) -> NDArray[Any]:
        """The same values as a plain NumPy array; a NumPy number where there is no axis."""
        plain = self.view(np.ndarray)
        return plain if plain.ndim else cast("NDArray[Any]", plain[()])

    @property
    def _keras_mask(self) -> NDArray[Any] | None:
        """The mask under the name that Keras has for it."""
        return mask_of(self)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, np.ndarray) else as_tensor(np.asarray(found))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_plain(args), **{name: _plain(value) for name, value in kwargs.items()})


def _plain(value: Any) -> Any:
    """The argument of a function of NumPy with arrays in place of tensors."""
    if isinstance(value, Tensor):
        return value.view(np.ndarray)
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


MaskSource = Callable[[], "NDArray[Any] | None"]


def set_mask(value: Any, source: MaskSource) -> None:
    """Says which mask a tensor, or a recorded value, has; plain arrays have none.

    Args:
        source: gives the mask, or None, when somebody asks for it.
    """
    if not isinstance(value, np.ndarray) or isinstance(value, Tensor):
        value.__dict__["_mask_source"] = source


def mask_of(value: Any) -> NDArray[Any] | None:
    """The mask that a value has from the layer that gave it: truth values with its leading axes, or None."""
    source: MaskSource | None = getattr(value, "__dict__", {}).get("_mask_source")
    return None if source is None else source()


def has_mask(value: Any) -> bool:
    """Whether a layer said that a value may have a mask."""
    return "_mask_source" in getattr(value, "__dict__", {})


class Number(float):
    """A float that also answers ``.numpy()``: a loss of arrays."""

    def numpy(self) -> np.float32:
        """The value as a NumPy number."""
        return np.float32(self)


def as_tensor(array: Any) -> Tensor:
    """A view on the memory of `array`."""
    return np.asarray(array).view(Tensor)


def to_tensor(value: Any, dtype: DTypeLike | None = None) -> Tensor:
    """`value` as a tensor with TensorFlow's dtype: Python floats become float32, Python integers int32 where they fit.

    Arrays, and floats that NumPy made, keep their dtype.

    Args:
        value: an array, a number, a string, or nested lists of them.
        dtype: of the result, whatever `value` has.

    Raises:
        ValueError: ragged lists. TypeError: what is neither a number nor a string.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"value cannot be read as a tensor: {error}") from None
    if array.dtype.kind not in "biufSU":
        raise TypeError(f"value has dtype {array.dtype} and shape {array.shape}; expected numbers")
    if dtype is None and not hasattr(value, "dtype"):
        dtype = _default_dtype(array, _first_leaf(value))
    return as_tensor(array if dtype is None else array.astype(dtype, copy=False))


def _first_leaf(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


def _default_dtype(array: NDArray[Any], leaf: Any) -> DTypeLike | None:
    if array.dtype.kind == "f":
        return None if hasattr(leaf, "dtype") else np.float32
    if array.dtype.kind == "i" and not isinstance(leaf, Tensor):
        fits = array.size == 0 or (array.min() >= _INT32.min and array.max() <= _INT32.max)
        return np.int32 if fits else np.int64
    return None
