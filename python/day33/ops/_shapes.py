"""Axes and shapes of functions: checks, and what becomes of them in a plan of one sample."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.arrays import as_int, is_int
from .._core.types import Shape
from .._graph.functions import Given


def broadcast_shapes(names: Sequence[str], shapes: Sequence[Shape]) -> Shape:
    """The shape to which all are broadcast, as in NumPy; a size of None is unknown.

    Raises:
        ValueError: two sizes differ, and neither is 1.
    """
    rank = max(len(shape) for shape in shapes)
    result: list[int | None] = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        known = sizes - {None}
        if len(known) > 1:
            given = ", ".join(f"{name} {tuple(shape)}" for name, shape in zip(names, shapes, strict=True))
            raise ValueError(f"shapes do not broadcast: {given}; expected sizes that are equal or 1 on each axis")
        result.append(next(iter(known)) if known else None if sizes else 1)
    return tuple(result)


def may_be_equal(one: Shape, other: Shape) -> bool:
    """Whether two shapes are equal where both are known."""
    return len(one) == len(other) and all(None in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))


def as_axis(axis: object, rank: int, name: str = "axis") -> int:
    """An axis counted from 0. TypeError, ValueError where there is none."""
    if not is_int(axis):
        raise TypeError(f"{name} is {axis!r}; expected an integer")
    number = as_int(name, axis, -(2**31))
    if not -rank <= number < rank:
        raise ValueError(f"{name} is {number} for an array of {rank} dimensions; expected {-rank} to {rank - 1}")
    return number % rank


def as_axes(axis: object, rank: int, name: str = "axis") -> tuple[int, ...]:
    """Axes counted from 0, ascending; None stands for all."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, list | tuple) else [axis]
    axes = [as_axis(item, rank, name) for item in given]
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name} is {axis!r}; expected each axis once")
    return tuple(sorted(axes))


def keeps_samples_elementwise(given: Sequence[Given]) -> bool:
    """Whether arguments that are broadcast leave the samples apart: those that are the same for all have no batch."""
    rank = max(len(item.shape) for item in given)
    return all(
        len(item.shape) == rank if item.batched else len(item.shape) < rank or item.shape[0] == 1 for item in given
    )


def keeps_samples_on_axes(given: Given, axes: Sequence[int]) -> bool:
    """Whether an op along these axes of a batched argument leaves the batch alone."""
    return given.batched and 0 not in axes
