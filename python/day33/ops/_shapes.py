"""Axes and shapes of functions: checks, and what becomes of them in a plan of one sample."""

from __future__ import annotations

from collections.abc import Sequence

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


def keeps_samples_elementwise(given: Sequence[Given]) -> bool:
    """Whether arguments that are broadcast leave the samples apart: those that are the same for all have no batch."""
    rank = max(len(item.shape) for item in given)
    return all(
        len(item.shape) == rank if item.batched else len(item.shape) < rank or item.shape[0] == 1 for item in given
    )


def keeps_samples_on_axes(given: Given, axes: Sequence[int]) -> bool:
    """Whether an op along these axes of a batched argument leaves the batch alone."""
    return given.batched and 0 not in axes
