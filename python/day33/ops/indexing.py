"""Functions that pick values by their positions, under the names of `keras.ops`. Arguments are as in `shaping.py`."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .._core import tree
from .._core.arrays import as_int
from .._core.dispatch import Symbolic
from ._functions import as_dtype, call
from ._indexing import Cut, GetItem, OneHot, Take, TakeAlongAxis, within
from .elementwise import cast
from .shaping import as_tuple, ravel, reshape, shape_of

_TWO = ("x", "indices")


def getitem(x: Any, key: Any) -> Any:
    """``x[key]`` with constant indices.

    Args:
        x: the values.
        key: integers, slices, an ellipsis, None for a new axis, arrays of integers; or a tuple of these. Arrays, and
            integers beside them, stand next to each other.

    Raises:
        TypeError: an index that is symbolic, a truth value or no integer.
        IndexError: an index that is not there, or too many of them.
    """
    items = _with_all_axes(x, key if isinstance(key, tuple) else (key,))
    if not any(isinstance(item, np.ndarray) for item in items):
        return call(GetItem(tuple(items)), ("x",), x)
    return _with_arrays(x, items)


def _with_all_axes(x: Any, key: tuple[Any, ...]) -> list[Any]:
    """An index for each axis, with None between them."""
    rank = len(shape_of(x))
    items = [_index(item) for item in key]
    used = builtins.sum(item is not None and item is not Ellipsis for item in items)
    if used > rank:
        raise IndexError(f"x has shape {shape_of(x)}, but there are {used} indices; expected at most {rank}")
    if builtins.sum(item is Ellipsis for item in items) > 1:
        raise IndexError("the index has several ellipses; expected one")
    place = next((number for number, item in enumerate(items) if item is Ellipsis), len(items))
    return [*items[:place], *[Cut()] * (rank - used), *items[place + 1 :]]


def _index(item: Any) -> Any:
    if isinstance(item, Symbolic):
        instead = (
            "For conditions, how many values they leave is not known; use day33.ops.where(condition, x, 0)"
            if str(getattr(item, "dtype", "")) == "bool"
            else "For positions that are computed, use day33.ops.take(x, indices, axis) or take_along_axis"
        )
        raise TypeError(f"the index {item!r} is symbolic; expected constants. {instead}")
    if item is None or item is Ellipsis:
        return item
    if isinstance(item, builtins.slice):
        return Cut(*(None if end is None else as_int("index", end) for end in (item.start, item.stop, item.step)))
    array = np.asarray(item)
    if array.dtype.kind == "b":
        raise TypeError(
            f"the index {item!r} holds truth values; expected integers. To keep values under a condition, use "
            "day33.ops.where(condition, x, 0)"
        )
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"the index {item!r} has dtype {array.dtype}; expected integers, slices, None and ...")
    return array.astype(np.int64) if array.ndim else int(array)


def _with_arrays(x: Any, items: list[Any]) -> Any:
    """Indexing with arrays of integers: the axes that they and the integers beside them stand for are taken as one."""
    places = [number for number, item in enumerate(items) if isinstance(item, np.ndarray | int)]
    first, last = places[0], places[-1]
    if places != list(range(first, last + 1)):
        raise TypeError(
            "arrays and integers in the index stand apart; expected them next to each other. Index one after the other"
        )
    plain = call(GetItem(tuple(Cut() if number in places else item for number, item in enumerate(items))), ("x",), x)
    sizes = shape_of(plain)
    if len(places) == 1:
        return take(plain, items[first], first)
    merged = tuple(size for size in sizes[first : last + 1] if size is not None)
    if len(merged) < len(places):
        raise TypeError(f"the index has several arrays for axes of {sizes[first : last + 1]}; expected known lengths")
    arrays = [within(item, size) % size for item, size in zip(items[first : last + 1], merged, strict=True)]
    flat = np.ravel_multi_index([array.tolist() for array in np.broadcast_arrays(*arrays)], merged)
    shape = [*sizes[:first], math.prod(merged), *sizes[last + 1 :]]
    return take(reshape(plain, [-1 if size is None else size for size in shape]), flat, first)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices of x along an axis at some positions. Gradients of positions that are taken often add up.

    Args:
        x: the values.
        indices: integers of any shape, also symbolic; negative ones count from the end. Numbers that are no integers
            are cut off.
        axis: which axis of x they replace; None for all values in a row.

    Raises:
        ValueError: a position that is not there.
    """
    if axis is None:
        return take(ravel(x), indices, 0)
    return call(Take(as_int("axis", axis)), _TWO, x, _positions(indices))


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """For each position of `indices`, the value of x that stands there along the axis.

    Args:
        x: the values.
        indices: integers with as many axes as x; axes of length 1 are broadcast, but for `axis`.
        axis: None for all values in a row.

    Raises:
        ValueError: shapes that do not fit, or a position that is not there.
    """
    if axis is None:
        return take_along_axis(ravel(x), ravel(indices), 0)
    return call(TakeAlongAxis(as_int("axis", axis)), _TWO, x, _positions(indices))


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at the position that each integer says, on a new axis, 0 elsewhere; zeros where there is no such position.

    Args:
        x: integers.
        num_classes: the length of the new axis.
        axis: its place in the result.
        dtype: of the result, float32 by default.
        sparse: False; day33 has no sparse arrays.
    """
    if sparse:
        raise ValueError(f"sparse is {sparse!r}; expected False, day33 has no sparse arrays")
    function = OneHot(as_int("num_classes", num_classes, 1), as_int("axis", axis), as_dtype(dtype))
    return call(function, ("x",), _positions(x))


def _positions(indices: Any) -> Any:
    """Positions as integers."""
    dtype = getattr(indices, "dtype", None) or np.asarray(indices).dtype
    return indices if str(dtype).startswith(("int", "uint")) else cast(indices, "int32")


def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of an array.

    Args:
        inputs: the values.
        start_indices: where it begins on each axis: constants.
        shape: its lengths; -1 for all that follows.

    Raises:
        TypeError: symbolic positions. ValueError: the block reaches out of the array.
    """
    if any(isinstance(item, Symbolic) for item in [start_indices, *tree.flatten(start_indices)]):
        raise TypeError("start_indices are symbolic; expected constants. For positions that are computed, use "
                        "day33.ops.take")  # fmt: skip
    starts, sizes, given = as_tuple("start_indices", start_indices), as_tuple("shape", shape), shape_of(inputs)
    if not len(starts) == len(sizes) == len(given):
        raise ValueError(f"start_indices is {starts}, shape is {sizes} and inputs has shape {given}; expected a number "
                         "for each axis")  # fmt: skip
    cuts = []
    for start, size, length in zip(starts, sizes, given, strict=True):
        if start < 0 or (length is not None and start + max(size, 0) > length):
            raise ValueError(f"start_indices is {starts}, shape is {sizes} and inputs has shape {given}; expected a "
                             "block inside")  # fmt: skip
        everything = start == 0 and size in (-1, length)
        cuts.append(Cut() if everything else Cut(start, None if size == -1 else start + size))
    return call(GetItem(tuple(cuts)), ("inputs",), inputs)
