"""Functions that cut arrays into pieces, turn them around, repeat them and pad them, under the names of `keras.ops`.

Arguments are as in `shaping.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.arrays import as_axis, as_int, as_number, is_int
from ._functions import call, dtype_of
from ._moving import Flip, Pad, Repeat, Roll, Split, Tile, Unstack
from .elementwise import not_equal, subtract
from .indexing import getitem
from .shaping import as_tuple, ravel, reshape, shape, shape_of, swapaxes

_X = ("x",)
_MODES = ("constant", "reflect", "symmetric")


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along an axis.

    Args:
        x: the values.
        indices_or_sections: how many pieces of one length, or the positions before which to cut.
        axis: the axis.

    Returns:
        A list of them.

    Raises:
        ValueError: the length of the axis is no multiple of the number of pieces.
    """
    if is_int(indices_or_sections):
        wanted: Any = as_int("indices_or_sections", indices_or_sections, 1)
    else:
        wanted = as_tuple("indices_or_sections", indices_or_sections)
    found = call(Split(wanted, as_int("axis", axis)), _X, x)
    return found if isinstance(found, list) else [found]


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """The slices along an axis, without it: a list.

    Args:
        x: the values.
        num: their number, where the axis has an unknown length.
        axis: the axis.

    Raises:
        ValueError: the axis has another length, or an unknown one and `num` is None.
    """
    sizes = shape_of(x)
    size = sizes[as_axis(axis, len(sizes))] if num is None else as_int("num", num, 0)
    if size is None:
        raise ValueError(f"x has shape {sizes}, whose axis {axis} has an unknown length; expected num")
    if not size:
        return []
    found = call(Unstack(size, as_int("axis", axis)), _X, x)
    return found if isinstance(found, list) else [found]


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """The order turned around along axes; along all by default."""
    return call(Flip(None if axis is None else as_tuple("axis", axis)), _X, x)


def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Any:
    """Values moved by `shift` places along an axis, those that leave at the end to the beginning.

    Args:
        x: the values.
        shift: how far; one for each axis where there are several.
        axis: along which; None for all values in a row.
    """
    shifts = as_tuple("shift", shift)
    if axis is None:
        return reshape(call(Roll((int(np.sum(shifts)),), (0,)), _X, ravel(x)), shape(x))
    axes = as_tuple("axis", axis)
    shifts = shifts * len(axes) if len(shifts) == 1 else shifts
    axes = axes * len(shifts) if len(axes) == 1 else axes
    if len(axes) != len(shifts):
        raise ValueError(f"shift is {shift} and axis is {axis}; expected one shift for each axis")
    return call(Roll(shifts, axes), _X, x)


def tile(x: Any, repeats: int | Sequence[int]) -> Any:
    """The array side by side with itself: so many times along each axis, of which the last are meant."""
    wanted = as_tuple("repeats", repeats)
    for number in wanted:
        as_int("repeats", number, 0)
    return call(Tile(wanted), _X, x)


def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Each value several times in a row.

    Args:
        x: the values.
        repeats: how often; one number, or one for each position of the axis.
        axis: along which; None for all values in a row.

    Raises:
        ValueError: another number of numbers.
    """
    wanted = as_tuple("repeats", repeats)
    for number in wanted:
        as_int("repeats", number, 0)
    if axis is None:
        return repeat(ravel(x), repeats, 0)
    return call(Repeat(wanted[0] if len(wanted) == 1 else wanted, as_int("axis", axis)), _X, x)


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Borders around an array.

    Args:
        x: the values.
        pad_width: for each axis how much comes before and after; one pair, or one number, for all.
        mode: "constant"; "reflect", x reflected at its outermost values; or "symmetric", with these repeated.
        constant_values: a number for the mode "constant", 0 by default.

    Raises:
        ValueError: another mode, negative widths, or a border wider than what is reflected.
    """
    if mode not in _MODES:
        raise ValueError(f"mode is {mode!r}; expected one of {_MODES}")
    if constant_values is not None and mode != "constant":
        raise ValueError(f"constant_values is {constant_values!r} with mode {mode!r}; expected None")
    widths = np.asarray(pad_width)
    rank = len(shape_of(x))
    if widths.dtype.kind not in "iu" or widths.shape not in ((), (1,), (2,), (1, 2), (rank, 2)):
        raise ValueError(f"pad_width is {pad_width!r} and x has {rank} axes; expected pairs of integers, one per axis")
    pairs = np.broadcast_to(widths, (rank, 2))
    if widths.size and widths.min() < 0:
        raise ValueError(f"pad_width is {pad_width!r}; expected numbers of at least 0")
    value = 0.0 if constant_values is None else as_number("constant_values", constant_values)
    return call(Pad(tuple((int(before), int(after)) for before, after in pairs), mode, value), _X, x)


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`split` into so many pieces whose lengths differ by one at most, the longer ones first."""
    size = shape_of(x)[as_axis(axis, len(shape_of(x)))]
    if not is_int(indices_or_sections) or size is None:
        return split(x, indices_or_sections, axis)
    count = as_int("indices_or_sections", indices_or_sections, 1)
    lengths = [size // count + (number < size % count) for number in range(count)]
    return split(x, np.cumsum(lengths)[:-1].tolist(), axis)


def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along an axis, `n` times over."""
    along = as_axis(axis, len(shape_of(a)))
    times, length = as_int("n", n, 0), shape_of(a)[along]
    for _ in range(times if length is None else min(times, length)):  # after which nothing is left
        before = [slice(None)] * along
        later, earlier = getitem(a, (*before, slice(1, None))), getitem(a, (*before, slice(None, -1)))
        a = not_equal(later, earlier) if dtype_of(a) == "bool" else subtract(later, earlier)
    return a


def fliplr(x: Any) -> Any:
    """The order turned around along the second axis."""
    return flip(x, 1)


def flipud(x: Any) -> Any:
    """The order turned around along the first axis."""
    return flip(x, 0)


def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """A quarter turn, `k` times over, from the first of two axes to the second."""
    rank = len(shape_of(array))
    first, second = (as_axis(axis, rank, "axes") for axis in axes)
    if first == second:
        raise ValueError(f"axes is {axes}; expected two axes")
    turns = as_int("k", k) % 4
    if turns == 2:
        return flip(array, (first, second))
    if turns == 1:
        return swapaxes(flip(array, second), first, second)
    return flip(swapaxes(array, first, second), second) if turns else array


def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the first axis."""
    return split(x, indices_or_sections, 0)


def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the second axis; along the only one where there is no other."""
    return split(x, indices_or_sections, 1 if len(shape_of(x)) > 1 else 0)


def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the third axis."""
    return split(x, indices_or_sections, 2)
