"""The part of TensorFlow's names that small notebooks use, on NumPy: ``from day33 import tf``.

Tensors are NumPy arrays that also answer ``.numpy()``. Layers called on them give such tensors back, models give them
for arrays, too. `tf.keras` is `day33.keras`, so ``tf.keras.layers.Dense`` is `day33.layers.Dense`.

Dtypes follow TensorFlow: Python floats become float32 and Python integers int32; arrays keep their dtype. Names of
TensorFlow that day33 does not have say so when they are used; docs/keras.md lists what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np

from .. import keras
from .._core import namespaces
from .._core.tensors import Tensor
from .._core.variables import Variable
from .._data.specs import TensorSpec
from .._native import __version__ as __version__
from .._tape import GradientTape
from . import data, image, linalg, math, nn, random, strings
from .arrays import (
    broadcast_to,
    cast,
    clip_by_value,
    concat,
    constant,
    convert_to_tensor,
    einsum,
    expand_dims,
    eye,
    fill,
    gather,
    identity,
    linspace,
    matmul,
    meshgrid,
    norm,
    one_hot,
    ones,
    ones_like,
    pad,
    range,
    rank,
    repeat,
    reshape,
    reverse,
    roll,
    shape,
    size,
    slice,
    sort,
    split,
    squeeze,
    stack,
    stop_gradient,
    tensordot,
    tile,
    transpose,
    unstack,
    where,
    zeros,
    zeros_like,
)
from .math import (
    abs,
    acos,
    add,
    add_n,
    argmax,
    argmin,
    asin,
    atan,
    cos,
    cosh,
    cumsum,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    round,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    truediv,
)

__all__ = [
    "GradientTape",
    "Tensor",
    "TensorSpec",
    "Variable",
    "abs",
    "acos",
    "add",
    "add_n",
    "argmax",
    "argmin",
    "asin",
    "atan",
    "bool",
    "broadcast_to",
    "cast",
    "clip_by_value",
    "concat",
    "constant",
    "convert_to_tensor",
    "cos",
    "cosh",
    "cumsum",
    "data",
    "divide",
    "einsum",
    "equal",
    "exp",
    "expand_dims",
    "eye",
    "fill",
    "float16",
    "float32",
    "float64",
    "floor",
    "function",
    "gather",
    "greater",
    "greater_equal",
    "identity",
    "image",
    "int8",
    "int16",
    "int32",
    "int64",
    "keras",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "logical_and",
    "logical_not",
    "logical_or",
    "math",
    "matmul",
    "maximum",
    "meshgrid",
    "minimum",
    "multiply",
    "negative",
    "newaxis",
    "nn",
    "norm",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "pow",
    "random",
    "range",
    "rank",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "round",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "size",
    "slice",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "string",
    "strings",
    "subtract",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "transpose",
    "truediv",
    "uint8",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
]

float16, float32, float64 = np.float16, np.float32, np.float64
int8, int16, int32, int64, uint8 = np.int8, np.int16, np.int32, np.int64, np.uint8
bool = np.bool_
string = np.str_
newaxis = None

_F = TypeVar("_F", bound=Callable[..., Any])

__getattr__ = namespaces.absent("tf")
namespaces.add_alias(keras.__name__, f"{__name__}.keras")
namespaces.explain_imports(__name__, "tf")


def __dir__() -> list[str]:
    return list(__all__)


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
