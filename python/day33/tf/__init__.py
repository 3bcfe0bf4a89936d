"""The part of TensorFlow's names that small notebooks use, on NumPy: ``from day33 import tf``.

Tensors are NumPy arrays that also answer ``.numpy()``. Layers called on them give such tensors back, models give them
for arrays, too. `tf.keras` is `day33.keras`, so ``tf.keras.layers.Dense`` is `day33.layers.Dense`.

Dtypes follow TensorFlow: Python floats become float32 and Python integers int32; arrays keep their dtype. Names of
TensorFlow that day33 does not have say so when they are used; docs/keras.md lists what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import keras
from .._core import namespaces
from .._core.tensors import Tensor, as_tensor, to_tensor
from .._data.specs import TensorSpec
from .._native import __version__ as __version__
from . import data, nn, random

__all__ = [
    "Tensor", "TensorSpec", "argmax", "bool", "cast", "concat", "constant", "convert_to_tensor", "data", "expand_dims",
    "float16", "float32", "float64", "function", "int8", "int16", "int32", "int64", "keras", "nn", "ones", "random",
    "reshape", "shape", "squeeze", "string", "uint8", "zeros",
]  # fmt: skip

float16, float32, float64 = np.float16, np.float32, np.float64
int8, int16, int32, int64, uint8 = np.int8, np.int16, np.int32, np.int64, np.uint8
bool = np.bool_
string = np.str_

_Axes = int | Sequence[int] | None
_F = TypeVar("_F", bound=Callable[..., Any])

__getattr__ = namespaces.absent("tf")
namespaces.add_alias(keras.__name__, f"{__name__}.keras")
namespaces.explain_imports(__name__, "tf")


def __dir__() -> list[str]:
    return list(__all__)


def convert_to_tensor(value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """`value` as a tensor. ValueError for ragged lists, TypeError for what holds neither numbers nor strings."""
    tensor = to_tensor(value, dtype)
    return as_tensor(np.char.decode(tensor)) if tensor.dtype.kind == "S" else tensor


constant = convert_to_tensor


@overload
def function(func: _F, **options: Any) -> _F: ...
@overload
def function(func: None = None, **options: Any) -> Callable[[_F], _F]: ...


def function(
    func: Any = None, input_signature: Any = None, autograph: Any = True, jit_compile: Any = None,
    reduce_retracing: Any = False, **experimental: Any,
) -> Any:  # fmt: skip
    """The function itself: day33 has no graphs of Python code. Works as ``@tf.function`` and ``@tf.function(...)``.

    Args:
        func: the function; without it, a decorator is returned.
        input_signature, autograph, jit_compile, reduce_retracing: for the sake of TensorFlow code.
        experimental: so are its options whose names begin with "experimental_". TypeError for others.
    """
    for name in experimental:
        if not name.startswith("experimental_"):
            raise TypeError(f"tf.function has no argument {name!r}")
    return (lambda decorated: decorated) if func is None else func


def zeros(shape: int | Sequence[int], dtype: DTypeLike = np.float32) -> Tensor:
    """A tensor of zeros."""
    return as_tensor(np.zeros(shape, dtype))


def ones(shape: int | Sequence[int], dtype: DTypeLike = np.float32) -> Tensor:
    """A tensor of ones."""
    return as_tensor(np.ones(shape, dtype))


def squeeze(input: ArrayLike, axis: _Axes = None) -> Tensor:
    """Without the axes of size 1, or without those of `axis`. ValueError where one of them has another size."""
    array = convert_to_tensor(input)
    return as_tensor(np.squeeze(array, tuple(axis) if isinstance(axis, Sequence) else axis))


def expand_dims(input: ArrayLike, axis: int) -> Tensor:
    """With a new axis of size 1 at `axis`."""
    return as_tensor(np.expand_dims(convert_to_tensor(input), axis))


def reshape(tensor: ArrayLike, shape: int | Sequence[int]) -> Tensor:
    """The values in the same order, in another shape; one size may be -1."""
    return as_tensor(np.reshape(convert_to_tensor(tensor), shape))


def concat(values: Sequence[ArrayLike], axis: int) -> Tensor:
    """Tensors of one dtype, one after the other along `axis`. TypeError where the dtypes differ, as in TensorFlow."""
    tensors = [convert_to_tensor(value) for value in values]
    dtypes = {str(tensor.dtype) for tensor in tensors}
    if len(dtypes) > 1:
        raise TypeError(f"values have the dtypes {', '.join(sorted(dtypes))}; expected one dtype, see tf.cast")
    return as_tensor(np.concatenate(tensors, axis))


def argmax(input: ArrayLike, axis: int = 0, output_type: DTypeLike = np.int64) -> Tensor:
    """The position of the first maximum along `axis`."""
    return as_tensor(np.argmax(convert_to_tensor(input), axis).astype(output_type))


def cast(x: ArrayLike, dtype: DTypeLike) -> Tensor:
    """The values as `dtype`; floats are cut to integers."""
    return as_tensor(np.asarray(x).astype(dtype))


def shape(input: ArrayLike) -> Tensor:
    """The shape as a tensor of int32."""
    return convert_to_tensor(np.array(np.shape(input), np.int32))
