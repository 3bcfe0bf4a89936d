"""Functions that make arrays of shapes and numbers, under the names of `keras.ops`.

They give arrays at once, but where one of the sizes is a symbolic integer that `ops.shape` gave: then they add a node
to its graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int, as_number, is_int
from .._core.variables import Variable
from ._creation import Full, FullLike, Numbers
from ._functions import as_dtype, as_operand, call, is_symbolic
from ._sizes import AxisSize, as_sizes, numbered
from .elementwise import add, cast
from .indexing import one_hot
from .reductions import max
from .shaping import broadcast_to, shape_of


def zeros(shape: Any, dtype: Any = None) -> Any:
    """0 everywhere, float32 by default."""
    return full(shape, 0, as_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """1 everywhere, float32 by default."""
    return full(shape, 1, as_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere.

    Args:
        shape: an integer or a sequence of them; sizes that `ops.shape` gave are among them for symbolic tensors.
        fill_value: a number, or what broadcasts to the shape.
        dtype: of the result; float32 by default.

    Raises:
        ValueError: a negative size, another dtype.
    """
    kind = as_dtype(dtype)
    sizes, tensors = as_sizes("shape", shape)
    if not tensors and not is_symbolic(fill_value):
        return np.full(tuple(size for size in sizes if isinstance(size, int)), fill_value, kind)
    if is_symbolic(fill_value) or np.ndim(fill_value):
        return broadcast_to(cast(fill_value, kind), shape)
    return call(Full(as_number("fill_value", fill_value), sizes, kind), ["shape"] * len(tensors), *tensors)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """0 everywhere, in the shape and dtype of x, or another dtype."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """1 everywhere, in the shape and dtype of x, or another dtype."""
    return full_like(x, 1, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere, in the shape and dtype of x, or another dtype.

    Args:
        x: an array or a symbolic tensor.
        fill_value: a number, or what broadcasts to that shape.
        dtype: None for that of x.
    """
    if not is_symbolic(x, fill_value):
        array = as_operand("x", x)
        return np.full(array.shape, fill_value, array.dtype if dtype is None else as_dtype(dtype))
    kind = getattr(x, "dtype", "float32") if dtype is None else as_dtype(dtype)
    if is_symbolic(fill_value) or np.ndim(fill_value):
        return cast(add(full_like(x, 0, "float32"), fill_value), kind)
    return call(FullLike(as_number("fill_value", fill_value), str(kind)), ("x",), x)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers from `start` up to, and without, `stop`; with one argument, from 0 up to it.

    Args:
        start, stop: numbers. step: 1 by default.
        dtype: int32 by default where all of them are integers, else float32.

    Raises:
        TypeError: a symbolic size beside numbers that are no integers. ValueError: a step of 0.
    """
    numbers = [start] if stop is None else [start, stop]
    numbers = [0, *numbers] if len(numbers) == 1 else numbers
    numbers.append(1 if step is None else step)
    if isinstance(step, int | float | np.generic) and step == 0:
        raise ValueError("step is 0; expected another number")
    whole = all(isinstance(number, AxisSize) or is_int(number) for number in numbers)
    kind = as_dtype(dtype) if dtype is not None else "int32" if whole else "float32"
    if not any(isinstance(number, AxisSize) for number in numbers):
        return np.arange(*numbers).astype(kind)
    return _numbers("arange", numbers, kind)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`, as `numpy.linspace` makes them. Arrays only."""
    if is_symbolic(start, stop):
        raise TypeError("linspace was given symbolic values; expected numbers or arrays")
    kind = as_dtype(dtype)
    numbers, distance = np.linspace(
        start, stop, as_int("num", num, 0), bool(endpoint), retstep=True, axis=as_int("axis", axis)
    )
    return (numbers.astype(kind), distance) if retstep else numbers.astype(kind)


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """``base ** linspace(start, stop, num)``, computed in double. Arrays only."""
    if is_symbolic(start, stop, base):
        raise TypeError("logspace was given symbolic values; expected numbers or arrays")
    count, along = as_int("num", num, 0), as_int("axis", axis)
    return np.logspace(start, stop, count, bool(endpoint), np.float64(base), axis=along).astype(as_dtype(dtype))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """`num` numbers from `start` to `stop`, each a multiple of the one before, computed in double. Arrays only.

    Raises:
        ValueError: a start or stop of 0.
    """
    if is_symbolic(start, stop):
        raise TypeError("geomspace was given symbolic values; expected numbers or arrays")
    count, along = as_int("num", num, 0), as_int("axis", axis)
    return np.geomspace(start, stop, count, bool(endpoint), axis=along).astype(as_dtype(dtype))


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:
    """1 on a diagonal, 0 elsewhere.

    Args:
        N: the number of rows. M: of columns, N by default.
        k: which diagonal: above the main one where positive.
        dtype: float32 by default.
    """
    columns = N if M is None else M
    kind = as_dtype(dtype)
    if isinstance(N, AxisSize) or isinstance(columns, AxisSize):
        return _numbers("eye", [N, columns, as_int("k", k)], kind)
    return np.eye(as_int("N", N, 0), as_int("M", columns, 0), as_int("k", k), dtype=kind)


def identity(n: Any, dtype: Any = None) -> Any:
    """1 on the main diagonal of a square matrix, 0 elsewhere."""
    return eye(n, dtype=dtype)


def _numbers(kind: str, numbers: list[Any], dtype: str) -> Any:
    sizes, tensors = numbered(numbers, lambda _, number: as_int(f"a number of {kind}", number))
    return call(Numbers(kind, sizes, dtype), ["shape"] * len(tensors), *tensors)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """X as functions take it: an array of float32, int32 or bool; symbolic tensors stay.

    Args:
        x: real numbers.
        dtype: another of these dtypes.
        sparse, ragged: None or False; day33 has none of these.
    """
    for name, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise ValueError(f"{name} is {value!r}; expected None or False, day33 has no such arrays")
    if dtype is not None:
        return cast(x, dtype)
    return x if is_symbolic(x) else as_operand("x", x)


def convert_to_numpy(x: Any) -> Any:
    """X as an array of the caller's own.

    Raises:
        TypeError: a symbolic tensor, which has no values yet.
    """
    return x.numpy() if isinstance(x, Variable) else np.array(x)


def size(x: Any) -> Any:
    """The number of values, where it is known.

    Raises:
        ValueError: a symbolic tensor of unknown size.
    """
    sizes = shape_of(x)
    if None in sizes:
        raise ValueError(f"x has shape {sizes}; expected known sizes")
    return int(np.prod([number or 0 for number in sizes], dtype=np.int64))


def empty(shape: Any, dtype: Any = None) -> Any:
    """`zeros`: day33 leaves no array without values."""
    return zeros(shape, dtype)


def empty_like(x: Any, dtype: Any = None) -> Any:
    """`zeros_like`: day33 leaves no array without values."""
    return zeros_like(x, dtype)


def array(x: Any, dtype: Any = None) -> Any:
    """`convert_to_tensor`."""
    return convert_to_tensor(x, dtype)


def copy(x: Any) -> Any:
    """The same values, in an array of their own."""
    return x if is_symbolic(x) else as_operand("x", x).copy()


def is_tensor(x: Any) -> bool:
    """Whether x is a symbolic tensor, an array or a variable."""
    return is_symbolic(x) or isinstance(x, np.ndarray | Variable)


def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at all positions that integers along axis 1 say, 0 elsewhere: (N, T, ...) gives (N, ..., classes).

    Args:
        inputs: integers (N, T, ...), or (T,) for one sample.
        num_classes: the number of classes.
        axis: where the axis of the classes is put before axis 1 goes.
        dtype: of the result, float32 by default.
        sparse: False; day33 has no sparse arrays.
    """
    found = one_hot(inputs, num_classes, axis, dtype, sparse)
    return max(found, 1 if len(shape_of(inputs)) > 1 else 0)
