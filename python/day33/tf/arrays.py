"""TensorFlow's functions that make and move tensors: of arrays by NumPy in their dtype, in graphs by `day33.ops`.

They belong to the package `tf` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import ops
from .._core.dispatch import Symbolic
from .._core.tensors import as_tensor, to_tensor
from .._core.variables import Variable
from ._wrapping import answer, in_graph, is_own

__all__ = [
    "broadcast_to", "cast", "clip_by_value", "concat", "constant", "convert_to_tensor", "einsum", "expand_dims",
    "eye", "fill", "gather", "identity", "linspace", "matmul", "meshgrid", "norm", "one_hot", "ones", "ones_like",
    "pad", "range", "rank", "repeat", "reshape", "reverse", "roll", "shape", "size", "slice", "sort", "split",
    "squeeze", "stack", "stop_gradient", "tensordot", "tile", "transpose", "unstack", "where", "zeros", "zeros_like",
]  # fmt: skip


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: Any = None) -> Any:
    """`value` as a tensor. ValueError for ragged lists, TypeError for what holds neither numbers nor strings."""
    if in_graph(value):
        return value if dtype is None else ops.cast(value, dtype)
    if isinstance(value, list | tuple) and any(isinstance(item, Symbolic) for item in value):
        return ops.stack(value)
    tensor = to_tensor(value, dtype)
    return as_tensor(np.char.decode(tensor)) if tensor.dtype.kind == "S" else tensor


constant = convert_to_tensor


def _moved(x: Any) -> Any:
    """A tensor for what NumPy moves; arrays, which a tape may watch, and what belongs to a graph stay what they are."""
    return x if in_graph(x) or isinstance(x, np.ndarray | Variable) else convert_to_tensor(x)


def _is_numpys(*values: Any) -> bool:
    return not is_own(*values)


def zeros(shape: Any, dtype: DTypeLike = np.float32, name: Any = None) -> Any:
    """A tensor of zeros."""
    return fill(shape, 0, dtype)


def ones(shape: Any, dtype: DTypeLike = np.float32, name: Any = None) -> Any:
    """A tensor of ones."""
    return fill(shape, 1, dtype)


def fill(dims: Any, value: Any, dtype: Any = None, name: Any = None) -> Any:
    """A tensor with one value everywhere.

    Args:
        dims: the shape. value: the number. dtype: by default that of the value.
    """
    kind = convert_to_tensor(value).dtype if dtype is None else dtype
    if _has_symbols(dims) or in_graph(value):
        return ops.full(dims, value, kind)
    return as_tensor(np.full(dims, value, kind))


def zeros_like(input: Any, dtype: Any = None, name: Any = None) -> Any:
    """A tensor of zeros of the shape and dtype of another one."""
    return ops.zeros_like(input, dtype) if in_graph(input) else as_tensor(np.zeros_like(_moved(input), dtype))


def ones_like(input: Any, dtype: Any = None, name: Any = None) -> Any:
    """A tensor of ones of the shape and dtype of another one."""
    return ops.ones_like(input, dtype) if in_graph(input) else as_tensor(np.ones_like(_moved(input), dtype))


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = np.float32, name: Any = None
) -> Any:
    """A matrix with 1 on its main diagonal.

    Args:
        num_rows, num_columns: its sizes. batch_shape: None. dtype: of it.
    """
    if batch_shape is not None:
        raise ValueError(f"batch_shape is {batch_shape!r}; expected None")
    return answer(ops.eye(num_rows, num_columns, dtype=dtype))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = None) -> Any:
    """Numbers from `start` up to, and without, `limit`; with one argument, from 0 up to it."""
    return answer(ops.arange(start, limit, delta, dtype))


def linspace(start: Any, stop: Any, num: int, name: Any = None, axis: int = 0) -> Any:
    """`num` numbers at equal distances from `start` to `stop`."""
    return answer(ops.linspace(start, stop, num, axis=axis))


def squeeze(input: Any, axis: Any = None, name: Any = None) -> Any:
    """Without the axes of size 1, or without those of `axis`. ValueError where one of them has another size."""
    axis = tuple(axis) if isinstance(axis, Sequence) else axis
    x = _moved(input)
    return as_tensor(np.squeeze(x, axis)) if _is_numpys(x) else answer(ops.squeeze(x, axis))


def expand_dims(input: Any, axis: int, name: Any = None) -> Any:
    """With a new axis of size 1 at `axis`."""
    x = _moved(input)
    return as_tensor(np.expand_dims(x, axis)) if _is_numpys(x) else answer(ops.expand_dims(x, axis))


def reshape(tensor: Any, shape: Any, name: Any = None) -> Any:
    """The values in the same order, in another shape; one size may be -1."""
    x = _moved(tensor)
    return as_tensor(np.reshape(x, shape)) if _is_numpys(x) else answer(ops.reshape(x, shape))


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: Any = None) -> Any:
    """The axes in another order; turned around by default."""
    x = _moved(a)
    return as_tensor(np.transpose(x, perm)) if _is_numpys(x) else answer(ops.transpose(x, perm))


def concat(values: Any, axis: int, name: Any = None) -> Any:
    """Tensors of one dtype, one after the other along `axis`. TypeError where the dtypes differ, as in TensorFlow."""
    tensors = [_moved(value) for value in values]
    dtypes = {str(tensor.dtype) for tensor in tensors}
    if len(dtypes) > 1:
        raise TypeError(f"values have the dtypes {', '.join(sorted(dtypes))}; expected one dtype, see tf.cast")
    return as_tensor(np.concatenate(tensors, axis)) if _is_numpys(*tensors) else answer(ops.concatenate(tensors, axis))


def stack(values: Any, axis: int = 0, name: Any = None) -> Any:
    """Tensors of one shape side by side along a new axis."""
    tensors = [_moved(value) for value in values]
    return as_tensor(np.stack(tensors, axis)) if _is_numpys(*tensors) else answer(ops.stack(tensors, axis))


def unstack(value: Any, num: int | None = None, axis: int = 0, name: Any = None) -> list[Any]:
    """The slices along an axis, without it."""
    found: list[Any] = answer(ops.unstack(_moved(value), num, axis))
    return found


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: Any = None, name: Any = None) -> list[Any]:
    """Pieces along an axis: so many of one size, or of the sizes in a list."""
    wanted = num_or_size_splits
    if np.ndim(wanted):
        wanted = [int(number) for number in np.cumsum(wanted)[:-1]]
    found: list[Any] = answer(ops.split(_moved(value), wanted, axis))
    return found


def tile(input: Any, multiples: Any, name: Any = None) -> Any:
    """The tensor side by side with itself, so many times along each axis."""
    return answer(ops.tile(_moved(input), multiples))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: Any = None) -> Any:
    """Each value several times in a row."""
    return answer(ops.repeat(_moved(input), repeats, axis))


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: Any = None) -> Any:
    """Borders around a tensor: a constant, or the tensor reflected ("REFLECT", "SYMMETRIC")."""
    kind = str(mode).lower()
    return answer(ops.pad(_moved(tensor), paddings, kind, constant_values if kind == "constant" else None))


def reverse(tensor: Any, axis: Any, name: Any = None) -> Any:
    """The order turned around along axes."""
    return answer(ops.flip(_moved(tensor), axis))


def roll(input: Any, shift: Any, axis: Any, name: Any = None) -> Any:
    """Values moved along axes, those that leave at the end to the beginning."""
    return answer(ops.roll(_moved(input), shift, axis))


def broadcast_to(input: Any, shape: Any, name: Any = None) -> Any:
    """The values repeated along axes of length 1 and new leading ones."""
    return answer(ops.broadcast_to(_moved(input), shape))


def slice(input_: Any, begin: Any, size: Any, name: Any = None) -> Any:
    """A block of a tensor; a size of -1 takes all that follows."""
    return answer(ops.slice(_moved(input_), begin, size))


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: int = 0, batch_dims: int = 0, name: Any = None
) -> Any:
    """The slices along an axis at some positions.

    Args:
        params: the values. indices: the positions. axis: which axis they replace.
        batch_dims: 0; otherwise see `day33.ops.take_along_axis`.
        validate_indices: for the sake of TensorFlow code.
    """
    if batch_dims:
        raise ValueError(f"batch_dims is {batch_dims}; expected 0. See day33.ops.take_along_axis")
    return answer(ops.take(_moved(params), indices, axis))


def one_hot(
    indices: Any, depth: int, on_value: Any = None, off_value: Any = None, axis: int | None = None, dtype: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """`on_value`, 1 by default, at the position that each integer says, `off_value`, 0, elsewhere on a new axis."""
    found = ops.one_hot(indices, depth, -1 if axis is None else axis)
    if on_value is not None or off_value is not None:
        found = ops.where(found, 1.0 if on_value is None else on_value, 0.0 if off_value is None else off_value)
    return answer(found if dtype is None else ops.cast(found, dtype))


def cast(x: Any, dtype: Any, name: Any = None) -> Any:
    """The values as `dtype`; floats are cut to integers."""
    return ops.cast(x, dtype) if in_graph(x) else as_tensor(np.asarray(x).astype(dtype))


def shape(input: Any, out_type: Any = np.int32, name: Any = None) -> Any:
    """The shape: a tensor of int32; of a symbolic tensor a tuple, which stands for its unknown sizes, too."""
    return ops.shape(input) if in_graph(input) else convert_to_tensor(np.array(np.shape(input), out_type))


def size(input: Any, name: Any = None) -> Any:
    """The number of values."""
    return convert_to_tensor(ops.size(input))


def rank(input: Any, name: Any = None) -> Any:
    """The number of axes."""
    return convert_to_tensor(len(input.shape) if hasattr(input, "shape") else np.ndim(input))


def identity(input: Any, name: Any = None) -> Any:
    """The same values."""
    return _moved(input)


def stop_gradient(input: Any, name: Any = None) -> Any:
    """The same values, through which no gradient goes back."""
    return answer(ops.stop_gradient(_moved(input)))


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: Any = None) -> Any:
    """The values, but at least a minimum and at most a maximum."""
    return answer(ops.clip(t, clip_value_min, clip_value_max))


def where(condition: Any, x: Any, y: Any, name: Any = None) -> Any:
    """X where the condition holds, y elsewhere."""
    return answer(ops.where(condition, x, y))


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: Any = None) -> Any:
    """The matrix product over the last two axes.

    Args:
        a, b: of at least two axes.
        transpose_a, transpose_b: whether the last two axes change places first.
    """
    a = ops.swapaxes(a, -1, -2) if transpose_a else a
    return answer(ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b))


def tensordot(a: Any, b: Any, axes: Any, name: Any = None) -> Any:
    """The sum of products over several axes."""
    return answer(ops.tensordot(a, b, axes))


def einsum(equation: str, *inputs: Any, name: Any = None) -> Any:
    """Sums of products of tensors whose axes have letters."""
    return answer(ops.einsum(equation, *inputs))


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: Any = None) -> Any:
    """The norm of vectors, of all values in a row where `axis` is None, or of matrices along two axes."""
    plain = ord == "euclidean"
    if axis is None:
        found = ops.norm(ops.ravel(tensor), 2 if plain else ord)
        return answer(ops.reshape(found, (1,) * len(ops.shape(tensor))) if keepdims else found)
    pair = isinstance(axis, list | tuple) and len(axis) == 2
    return answer(ops.norm(tensor, ("fro" if pair else 2) if plain else ord, axis, keepdims))


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: Any = None) -> Any:
    """The values in order along an axis. Arrays only."""
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f'direction is {direction!r}; expected "ASCENDING" or "DESCENDING"')
    found = ops.sort(values, axis)
    return answer(np.flip(found, axis) if direction == "DESCENDING" else found)


def meshgrid(*args: Any, indexing: str = "xy") -> list[Any]:
    """Coordinates on a grid. Arrays only."""
    found: list[Any] = answer(ops.meshgrid(*args, indexing=indexing))
    return found


def _has_symbols(shape: Any) -> bool:
    return any(isinstance(size, Symbolic) for size in (shape if isinstance(shape, list | tuple) else [shape]))
