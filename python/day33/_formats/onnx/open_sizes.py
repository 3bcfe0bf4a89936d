"""Graphs for inputs of any length, found by writing a model for several lengths.

Layers write their ops for known sizes, and so does an export. Where a model leaves sizes open, it is written once for
each of some lengths: what is the same in all of these graphs depends on no length, and what differs has to be one of
the few things that ONNX can say without knowing it: the one open size of a reshape, and places that count from the end
of an axis. Anything else is refused. The lengths are a row of neighbours, at least as many as the largest stride, since
padding depends on what a stride leaves over; and one that is far away, since loops depend on powers of 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .graph import Array, Node, OnnxGraph, Value

_FIRST, _FAR = 64, 1089
_END = 2**31 - 1  # of whatever axis
_LONGEST = 16  # of a constant that may depend on the length


@dataclass(frozen=True)
class Written:
    """A graph with its nodes in order, and its outputs by name."""

    graph: OnnxGraph
    nodes: list[Node]
    outputs: list[tuple[str, Value]]


class _Depends(ValueError):
    """Something depends on the length in a way that ONNX does not say."""

    def __init__(self, node: Node) -> None:
        where = f"layer {node.layer!r}" if node.layer else f"a node {node.op!r}"
        super().__init__(
            f"{where} depends on the sizes that its inputs leave open (by {node.op}); expected known sizes: give them "
            "in input_signature"
        )


def with_open_sizes(write: Callable[[int], Written]) -> Written:
    """A graph that holds for every length.

    Args:
        write: the graph for a length of all axes that are open.

    Raises:
        ValueError: there is no such graph.
    """
    first = write(_FIRST)
    nodes = list(_all_nodes(first.nodes))
    seen = [[_Use(node, number, first.graph)] for node in nodes for number in range(len(node.inputs))]
    stride = max((max(node.attributes.get("strides", (1,))) for node in nodes), default=1)
    for length in (*range(_FIRST + 1, _FIRST + 1 + stride), _FAR):
        other = write(length)
        _compare(first, other)
        again = (_Use(node, n, other.graph) for node in _all_nodes(other.nodes) for n in range(len(node.inputs)))
        for uses, use in zip(seen, again, strict=True):
            uses.append(use)
    for uses in seen:
        node, number = uses[0].node, uses[0].number
        if any(use.key != uses[0].key for use in uses):
            node.inputs[number] = first.graph.constant(_general(node, number, uses), "numbers")
    return first


class _Use:
    """An input of a node, and what it holds where that is a short vector of integers."""

    def __init__(self, node: Node, number: int, graph: OnnxGraph) -> None:
        self.node = node
        self.number = number
        array = graph.constants.get(node.inputs[number])
        short = array is not None and array.dtype == np.int64 and array.size <= _LONGEST
        self.key: tuple[int, ...] | None = tuple(array.reshape(-1).tolist()) if array is not None and short else None


def _all_nodes(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if node.body is not None:
            yield from _all_nodes(node.body.nodes)


def _compare(first: Written, other: Written) -> None:
    """Refuses graphs that differ in anything but short vectors of integers."""
    mine, theirs = list(_all_nodes(first.nodes)), list(_all_nodes(other.nodes))
    same = dict(zip((name for name, _ in first.graph.inputs), (name for name, _ in other.graph.inputs), strict=True))
    for node, twin in zip(mine, theirs, strict=False):
        if node.op != twin.op or repr(node.attributes) != repr(twin.attributes) or len(node.inputs) != len(twin.inputs):
            raise _Depends(node)
        if node.body is not None and twin.body is not None:
            names = zip(node.body.inputs, twin.body.inputs, strict=True)
            same.update((entry[0], again[0]) for entry, again in names)
        for number, (name, again) in enumerate(zip(node.inputs, twin.inputs, strict=True)):
            a, b = first.graph.constants.get(name), other.graph.constants.get(again)
            if a is None or b is None:
                if a is not b or same.get(name, name) != again:
                    raise _Depends(node)
            elif a.shape != b.shape or (not np.array_equal(a, b) and _Use(node, number, first.graph).key is None):
                raise _Depends(node)
        same.update(zip(node.outputs, twin.outputs, strict=True))
    if len(mine) != len(theirs):
        raise _Depends(mine[-1])


def _general(node: Node, number: int, uses: Sequence[_Use]) -> Array:
    """What says the same as the vectors that the graphs of the single lengths have for an input of a node."""
    found = np.array([use.key for use in uses], np.int64)
    general: Array = found[0].copy()
    differing = [column for column in range(found.shape[1]) if (found[:, column] != found[0, column]).any()]
    for column in differing:
        if node.op == "Reshape" and len(differing) == 1:
            general[column] = -1
            continue
        if node.op != "Slice" or number not in (1, 2):
            raise _Depends(node)
        from_end = {int(row[column]) - use.node.lengths[column] for row, use in zip(found, uses, strict=True)}
        if len(from_end) > 1 or max(from_end) > (0 if number == 2 else -1):
            raise _Depends(node)
        general[column] = from_end.pop() or _END
    return general
