"""Ops that move values without changing them: shapes, order of axes, pieces, borders, repetition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import FIRST, LAST, OnnxGraph, Value, axes_in
from .registry import writes

Shape = Sequence[int]


def axis_of(axis: int, rank: int) -> int:
    """An axis of samples, counted from 0."""
    return axis + rank if axis < 0 else axis


def place_of(axis: int, rank: int, layout: str) -> int:
    """Where an axis of samples is in a layout, the batch counted."""
    return axes_in(layout, rank).index(axis_of(axis, rank) + 1)


@writes("reshape")
def _reshape(graph: OnnxGraph, out: Shape, x: int, shape: Sequence[int]) -> Value:
    return graph.reshaped(graph[x], out)


@writes("broadcast_to")
def _broadcast_to(graph: OnnxGraph, out: Shape, x: int, shape: Sequence[int]) -> Value:
    return graph.stretched(graph[x], out)


@writes("permute")
def _permute(graph: OnnxGraph, shape: Shape, x: int, axes: Sequence[int]) -> Value:
    return permuted(graph, graph[x], axes)


def permuted(graph: OnnxGraph, value: Value, axes: Sequence[int]) -> Value:
    """The axes of samples in another order; nothing is written where a layout has that order already."""
    shape = tuple(value.shape[axis] for axis in axes)
    wanted = [0, *(axis + 1 for axis in axes)]
    for layout, name in value.names.items():
        have = axes_in(layout, value.rank)
        for result_layout in (LAST, FIRST):
            order = [wanted[axis] for axis in axes_in(result_layout, value.rank)]
            if order == have:
                return graph.made(name, shape, [value], value.dtype, result_layout)
    layout = graph.layout_of([value])
    have = axes_in(layout, value.rank)
    name = graph.node("Transpose", [graph.name(value, layout)], perm=[have.index(axis) for axis in wanted])
    return graph.made(name, shape, [value], value.dtype)


def _joined(graph: OnnxGraph, values: Sequence[Value], axis: int, shape: Shape) -> Value:
    if any(value.batched for value in values):
        values = [value if value.batched else graph.stretched(value, value.shape) for value in values]
    if len({value.dtype for value in values}) > 1:
        values = [graph.converted(value, "int32") for value in values]
    layout = graph.layout_of(values)
    names = [graph.name(value, layout) for value in values]
    name = graph.node("Concat", names, axis=place_of(axis, len(shape), layout))
    return graph.made(name, shape, values, values[0].dtype, layout)


@writes("concatenate")
def _concatenate(graph: OnnxGraph, shape: Shape, xs: Sequence[int], axis: int) -> Value:
    return _joined(graph, [graph[x] for x in xs], axis, shape)


def part(graph: OnnxGraph, value: Value, begin: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> Value:
    """`size[i]` cells of each axis of samples, from `begin[i]` on, in steps of `stride[i]`."""
    layout = graph.layout_of([value])
    starts, ends, axes, steps, lengths = [], [], [], [], []
    for axis, (first, count, step) in enumerate(zip(begin, size, stride, strict=True)):
        if (first, count, step) == (0, value.shape[axis], 1):
            continue
        end = first + count * step
        starts.append(first)
        ends.append(end if end >= 0 else -(2**31))  # a negative end would count from behind
        axes.append(place_of(axis, value.rank, layout))
        steps.append(step)
        lengths.append(value.shape[axis])
    if not axes:
        return value
    numbers = [graph.integers(*group) for group in (starts, ends, axes, steps)]
    name = graph.node("Slice", [graph.name(value, layout), *numbers])
    graph.nodes[-1].lengths = tuple(lengths)
    return graph.made(name, size, [value], value.dtype, layout)


@writes("strided_slice")
def _strided_slice(
    graph: OnnxGraph, shape: Shape, x: int, begin: Sequence[int], size: Sequence[int], stride: Sequence[int]
) -> Value:
    return part(graph, graph[x], begin, size, stride)


@writes("slice")
def _slice(graph: OnnxGraph, shape: Shape, x: int, begin: int, end: int) -> Value:
    others = graph[x].rank - 1
    return part(graph, graph[x], [begin, *[0] * others], shape, [1] * (others + 1))


@writes("reverse")
def _reverse(graph: OnnxGraph, shape: Shape, x: int) -> Value:
    others = graph[x].rank - 1
    return part(graph, graph[x], [shape[0] - 1, *[0] * others], shape, [-1, *[1] * others])


def bordered(
    graph: OnnxGraph, value: Value, borders: Sequence[tuple[int, int]], shape: Shape, number: float = 0.0
) -> Value:
    """A value with cells of a number around it; negative borders take cells away."""
    layout = graph.layout_of([value])
    ordered = [(0, 0), *borders]
    pads = [ordered[axis] for axis in axes_in(layout, value.rank)]
    filling = graph.constant(np.asarray(number, np.int32 if value.dtype == "int32" else np.float32), "number")
    flat = graph.integers(*(before for before, _ in pads), *(behind for _, behind in pads))
    return graph.made(
        graph.node("Pad", [graph.name(value, layout), flat, filling]), shape, [value], value.dtype, layout
    )


@writes("pad")
def _pad(
    graph: OnnxGraph, shape: Shape, x: int, borders: Sequence[tuple[int, int]], mode: str = "constant",
    value: float = 0.0,
) -> Value:  # fmt: skip
    given = graph[x]
    if given.dtype == "bool":
        given = graph.converted(given, "int32")
    if mode == "constant":
        return bordered(graph, given, borders, shape, value)
    for axis, (before, behind) in enumerate(borders):  # Pad of ONNX does not reflect twice where a border is wide
        if before or behind:
            size = given.shape[axis]
            cut = np.arange(size)[max(-before, 0) : size - max(-behind, 0)]
            rows = np.pad(cut, (max(before, 0), max(behind, 0)), mode)  # type: ignore[call-overload]
            given = taken(graph, given, rows, axis)
    return given


def taken(graph: OnnxGraph, value: Value, places: object, axis: int) -> Value:
    """The cells of an axis of samples at these constant places."""
    rows = np.asarray(places, np.int64)
    axis = axis_of(axis, value.rank)
    shape = (*value.shape[:axis], *rows.shape, *value.shape[axis + 1 :])
    layout = graph.layout_of([value]) if rows.ndim == 1 else LAST
    name = graph.node(
        "Gather", [graph.name(value, layout), graph.constant(rows, "rows")], axis=place_of(axis, value.rank, layout)
    )
    return graph.made(name, shape, [value], value.dtype, layout)


@writes("take")
def _take(graph: OnnxGraph, shape: Shape, x: int, indices: object, axis: int) -> Value:
    return taken(graph, graph[x], indices, axis)


@writes("repeat")
def _repeat(graph: OnnxGraph, shape: Shape, x: int, repeats: int | Sequence[int], axis: int) -> Value:
    size = graph[x].shape[axis]
    return taken(graph, graph[x], np.repeat(np.arange(size), repeats), axis)


@writes("tile")
def _tile(graph: OnnxGraph, shape: Shape, x: int, repeats: Sequence[int]) -> Value:
    value = graph.lifted(graph[x], len(repeats))
    layout = graph.layout_of([value])
    ordered = [1, *repeats]
    counts = graph.integers(*(ordered[axis] for axis in axes_in(layout, value.rank)))
    name = graph.node("Tile", [graph.name(value, layout), counts])
    return graph.made(name, shape, [value], value.dtype, layout)


# ---- indices that are tensors ----


@writes("embedding")
def _embedding(graph: OnnxGraph, shape: Shape, x: int, table: int) -> Value:
    indices = graph[x]
    return graph.made(graph.node("Gather", [graph.weight_name(table), graph.name(indices)], axis=0), shape, [indices])


@writes("gather")
def _gather(graph: OnnxGraph, shape: Shape, x: int, indices: int, axis: int) -> Value:
    value, places = graph[x], graph[indices]
    axis = axis_of(axis, value.rank)
    if not value.batched and places.batched:
        # One table for all samples: the batch of the indices comes along, and goes to the front again.
        table = graph.name(value)
        name = graph.node("Gather", [table, graph.name(places)], axis=axis + 1)  # (1, ..., N, *places, ...)
        rank = len(shape) + 2
        order = [axis + 1, *(i for i in range(1, rank) if i != axis + 1)]
        turned = graph.node("Squeeze", [name, graph.integers(0)])
        order = [i - 1 for i in order]
        return graph.made(graph.node("Transpose", [turned], perm=order), shape, [value, places], value.dtype)
    value, places = (graph.stretched(item, item.shape) for item in (value, places))
    front = permuted(graph, value, [axis, *(i for i in range(value.rank) if i != axis)])
    columns = graph.node("Unsqueeze", [graph.name(graph.converted(places, "int64")), graph.integers(-1)])
    found = graph.node("GatherND", [graph.name(front), columns], batch_dims=1)  # (N, *places, *others)
    others = tuple(size for i, size in enumerate(value.shape) if i != axis)
    result = graph.made(found, (*places.shape, *others), [value, places], value.dtype)
    behind = [*range(places.rank, places.rank + axis)]
    after = [*range(places.rank + axis, places.rank + len(others))]
    return permuted(graph, result, [*behind, *range(places.rank), *after])


@writes("take_along_axis")
def _take_along_axis(graph: OnnxGraph, shape: Shape, x: int, indices: int, axis: int) -> Value:
    value, places = graph[x], graph.converted(graph[indices], "int64")
    axis = axis_of(axis, len(shape))
    stretched = [*shape[:axis], value.shape[axis], *shape[axis + 1 :]]
    value = graph.stretched(value, stretched)
    places = graph.stretched(places, shape)
    name = graph.node("GatherElements", [graph.name(value), graph.name(places)], axis=axis + 1)
    return graph.made(name, shape, [value, places], value.dtype)


@writes("one_hot")
def _one_hot(graph: OnnxGraph, shape: Shape, indices: int, depth: int, axis: int = -1) -> Value:
    places = graph[indices]
    axis = axis_of(axis, len(shape))
    columns = graph.reshaped(graph.converted(places, "int32"), (*places.shape[:axis], 1, *places.shape[axis:]))
    numbers = graph.known(np.arange(depth).reshape(depth, *[1] * (len(shape) - axis - 1)), "int32")
    return graph.converted(graph.elementwise("Equal", [columns, numbers], shape, "bool"), "float32")
