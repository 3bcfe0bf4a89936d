"""The part of TensorFlow's names that small notebooks use, on NumPy: ``from day33 import tf``.

Tensors are NumPy arrays that also answer ``.numpy()``. Layers and models called on them give such tensors back. Below
`keras` are day33's own modules, so ``tf.keras.layers.Dense`` is `day33.layers.Dense`.

Dtypes follow TensorFlow: Python floats become float32 and Python integers int32; arrays keep their dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import activations, callbacks, datasets, initializers, layers, losses, metrics, models, ops, optimizers
from .. import random as _random
from .. import text as _text
from .._core.tensors import Tensor, as_tensor
from . import data

__all__ = [
    "Tensor", "argmax", "bool", "cast", "concat", "constant", "convert_to_tensor", "data", "expand_dims", "float32",
    "float64", "int32", "int64", "keras", "nn", "ones", "random", "reshape", "shape", "squeeze", "zeros",
]  # fmt: skip

float32, float64, int32, int64 = np.float32, np.float64, np.int32, np.int64
bool = np.bool_

Axes = int | Sequence[int] | None


def convert_to_tensor(value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """`value` as a tensor. ValueError for ragged lists, TypeError for what holds no numbers."""
    array = np.asarray(value)
    if dtype is None and not hasattr(value, "dtype"):
        dtype = {"f": np.float32, "i": np.int32}.get(array.dtype.kind)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"value has dtype {array.dtype} and shape {array.shape}; expected numbers")
    return as_tensor(array if dtype is None else array.astype(dtype, copy=False))


constant = convert_to_tensor


def zeros(shape: int | Sequence[int], dtype: DTypeLike = np.float32) -> Tensor:
    """A tensor of zeros."""
    return as_tensor(np.zeros(shape, dtype))


def ones(shape: int | Sequence[int], dtype: DTypeLike = np.float32) -> Tensor:
    """A tensor of ones."""
    return as_tensor(np.ones(shape, dtype))


def squeeze(input: ArrayLike, axis: Axes = None) -> Tensor:
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


def _activation(name: Literal["relu", "sigmoid", "tanh"]) -> Any:
    function = getattr(ops, name)

    def apply(x: ArrayLike) -> Tensor:
        return as_tensor(function(x))

    apply.__name__, apply.__doc__ = name, function.__doc__
    return apply


def _softmax(logits: ArrayLike, axis: int = -1) -> Tensor:
    return as_tensor(ops.softmax(logits, axis))


_softmax.__doc__ = ops.softmax.__doc__

nn = SimpleNamespace(
    relu=_activation("relu"), sigmoid=_activation("sigmoid"), softmax=_softmax, tanh=_activation("tanh")
)
random = SimpleNamespace(set_seed=_random.set_random_seed)
keras = SimpleNamespace(
    Input=layers.Input,
    Model=models.Model,
    Sequential=models.Sequential,
    activations=activations,
    callbacks=callbacks,
    datasets=datasets,
    initializers=initializers,
    layers=layers,
    losses=losses,
    metrics=metrics,
    models=models,
    optimizers=optimizers,
    preprocessing=SimpleNamespace(
        sequence=SimpleNamespace(pad_sequences=_text.pad_sequences), text=SimpleNamespace(Tokenizer=_text.Tokenizer)
    ),
    utils=SimpleNamespace(set_random_seed=_random.set_random_seed),
)
