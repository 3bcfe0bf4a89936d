"""Functions that move values, under the names of `keras.ops`.

Arguments are as in `elementwise.py`, of any dtype, which results keep. Axis 0 of a symbolic tensor is the batch: what
mixes it with other axes, or changes its order, takes the batch as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.arrays import as_axis, as_int, is_int
from .._graph.tensors import SymbolicTensor
from ._functions import call
from ._shaping import BroadcastTo, Concatenate, ExpandDims, Reshape, Squeeze, Stack, Transpose
from ._sizes import AxisSize, Of, Sizes, as_sizes

_X = ("x",)


def shape_of(x: Any) -> tuple[int | None, ...]:
    """The shape of an argument."""
    found = getattr(x, "shape", None)
    return tuple(np.shape(x) if found is None else found)


def as_tuple(name: str, value: Any) -> tuple[int, ...]:
    """An integer, or a sequence of them, as a tuple."""
    given = value if isinstance(value, list | tuple | np.ndarray) else [value]
    return tuple(as_int(name, item) for item in given)


def named(xs: Any) -> list[str]:
    """Names for the arrays of a list. ValueError where there are none."""
    if not isinstance(xs, list | tuple) or not xs:
        raise ValueError(f"xs is {xs!r}; expected a list of at least one array")
    return [f"xs[{number}]" for number in range(len(xs))]


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of the axes: integers, and for those of a symbolic tensor that are not known yet, symbolic integers.

    The first of these stands for the size of the batch. `reshape`, `broadcast_to`, `zeros`, `ones`, `full`, the
    functions of `day33.random` and arithmetic take such sizes.
    """
    sizes = shape_of(x)
    if not isinstance(x, SymbolicTensor):
        return sizes
    return tuple(AxisSize(x, axis) if size is None else size for axis, size in enumerate(sizes))


def reshape(x: Any, newshape: Any) -> Any:
    """The same values, in the same order, in another shape. One size may be -1: it follows from the others.

    Args:
        x: the values.
        newshape: an integer or a sequence of them; of a symbolic tensor also sizes that `shape` gave.

    Raises:
        ValueError: the shape has another number of values.
    """
    given = list(newshape) if isinstance(newshape, list | tuple | np.ndarray) else [newshape]
    if any(isinstance(size, AxisSize) for size in given):
        given = _without_sizes(given, shape_of(x))
    return call(Reshape(tuple(None if size is None else as_int("newshape", size) for size in given)), _X, x)


def _without_sizes(given: list[Any], own: tuple[int | None, ...]) -> list[Any]:
    """A new shape in which -1 stands for a symbolic size, or None for that of the batch where there is a -1."""
    symbolic = [number for number, size in enumerate(given) if isinstance(size, AxisSize)]
    open_sizes = len(symbolic) + [size for size in given if is_int(size)].count(-1)
    if open_sizes > 1 and symbolic[0] == 0 and given[0].axis == 0 and given[0].factor == 1:
        symbolic, given[0] = symbolic[1:], None
        open_sizes -= 1
        if open_sizes == 1 and not symbolic and None not in own[1:]:
            # The -1 follows from the rest, so that -1 can stand for the batch.
            rest = Reshape(tuple(given[1:]))._shape(own[1:])
            return [-1, *rest]
    if open_sizes > 1:
        raise ValueError(f"newshape has {open_sizes} sizes that are not known; expected the batch first and one more")
    return [-1 if number in symbolic else size for number, size in enumerate(given)]


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """With new axes of length 1 at these places of the result."""
    return call(ExpandDims(as_tuple("axis", axis)), _X, x)


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """Without axes of length 1: these, or all of them but a batch of unknown size.

    Raises:
        ValueError: an axis is not there or has another length.
    """
    return call(Squeeze(None if axis is None else as_tuple("axis", axis)), _X, x)


def ravel(x: Any) -> Any:
    """All values in a row."""
    return reshape(x, -1)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; turned around by default.

    Raises:
        ValueError: `axes` does not name each axis once.
    """
    return call(Transpose(None if axes is None else as_tuple("axes", axes)), _X, x)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes in each other's place."""
    axes = list(range(len(shape_of(x))))
    one, other = as_axis(axis1, len(axes), "axis1"), as_axis(axis2, len(axes), "axis2")
    axes[one], axes[other] = axes[other], axes[one]
    return transpose(x, axes)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Axes moved to other places; the rest keeps its order.

    Raises:
        ValueError: `source` and `destination` differ in length, or an axis is named twice.
    """
    rank = len(shape_of(x))
    sources = [as_axis(axis, rank, "source") for axis in as_tuple("source", source)]
    places = [as_axis(axis, rank, "destination") for axis in as_tuple("destination", destination)]
    if len(sources) != len(places) or len(set(sources)) < len(sources) or len(set(places)) < len(places):
        raise ValueError(f"source is {source} and destination is {destination}; expected as many axes, each once")
    axes = [axis for axis in range(rank) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        axes.insert(place, axis)
    return transpose(x, axes)


def broadcast_to(x: Any, shape: Any) -> Any:
    """The values repeated along axes of length 1 and new leading ones.

    Args:
        x: the values.
        shape: of the result; sizes that `shape` gave are among them for symbolic tensors.

    Raises:
        ValueError: x does not broadcast to the shape.
    """
    sizes, tensors = as_sizes("shape", shape)
    numbered: Sizes = tuple(
        Of(size.argument + 1, size.axis, size.factor) if isinstance(size, Of) else size for size in sizes
    )
    return call(BroadcastTo(numbered), ["x", *["shape"] * len(tensors)], x, *tensors)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Arrays one after the other along an axis.

    Raises:
        ValueError: no arrays, or shapes that differ on another axis.
    """
    return call(Concatenate(as_int("axis", axis)), named(xs), *xs)


def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape side by side along a new axis.

    Raises:
        ValueError: no arrays, or shapes that differ.
    """
    return call(Stack(as_int("axis", axis)), named(x), *x)


def hstack(xs: Sequence[Any]) -> Any:
    """Arrays one after the other along their second axis, or along the only one."""
    return concatenate(xs, 0 if len(named(xs)) and len(shape_of(xs[0])) < 2 else 1)


def vstack(xs: Sequence[Any]) -> Any:
    """Arrays one below the other: along their first axis, rows of one axis as matrices of one row."""
    named(xs)
    return concatenate([reshape(x, (1, -1)) if len(shape_of(x)) < 2 else x for x in xs], 0)


def dstack(xs: Sequence[Any]) -> Any:
    """Arrays one behind the other: along their third axis, which those of fewer axes get."""
    named(xs)

    def deep(x: Any) -> Any:
        rank = len(shape_of(x))
        return x if rank > 2 else expand_dims(x, 2) if rank == 2 else reshape(x, (1, -1, 1))

    return concatenate([deep(x) for x in xs], 2)


def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """Two arrays one after the other along an axis; all values in a row by default."""
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape_of(x))
