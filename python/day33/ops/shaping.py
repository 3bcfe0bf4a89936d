"""Functions that move values, under the names of `keras.ops`. Arguments are as in `elementwise.py`, of any dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.arrays import as_int
from ._functions import call
from ._shaping import Concatenate, Reshape


def reshape(x: Any, newshape: int | Sequence[int]) -> Any:
    """The same values, in the same order, in another shape. One size may be -1: it follows from the others.

    Raises:
        ValueError: the shape has another number of values.
    """
    sizes = newshape if isinstance(newshape, list | tuple) else [newshape]
    return call(Reshape(tuple(as_int("newshape", size) for size in sizes)), ("x",), x)


def concatenate(xs: Sequence[Any], axis: int = -1) -> Any:
    """Arrays one after the other along an axis.

    Raises:
        ValueError: no arrays, or shapes that differ on another axis.
    """
    if not isinstance(xs, list | tuple) or not xs:
        raise ValueError(f"xs is {xs!r}; expected a list of at least one array")
    return call(Concatenate(as_int("axis", axis)), [f"xs[{number}]" for number in range(len(xs))], *xs)
