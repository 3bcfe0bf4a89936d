"""An ONNX graph that is being written: its nodes and constants, and what it holds for each tensor of the plan.

Images are (N, H, W, C) here and (N, C, H, W) in most ops of ONNX. A `Value` therefore has up to two names, one for each
layout, and a transpose is written only when an op asks for the layout that is not there yet. Ops that do not mind take
the layout there is, so that a chain of convolutions, activations and poolings has a transpose at each end and none
between.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.naming import unused

LAST, FIRST = "last", "first"  # where the channels are
DTYPES = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "bool": np.bool_}
Array = NDArray[Any]


def axes_in(layout: str, rank: int) -> list[int]:
    """The axes of day33 (batch first) in the order in which a layout has them.

    Args:
        rank: of a sample. Below 2 the layouts are the same.
    """
    return [0, rank, *range(1, rank)] if layout == FIRST and rank >= 2 else list(range(rank + 1))


@dataclass
class Node:
    """A node.

    Attributes:
        refusal: why ONNX has no such op, which counts only if something needs the node.
        lengths: of the axes that a slice cuts.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    layer: str
    body: Body | None = None
    refusal: str | None = None
    lengths: tuple[int, ...] = ()

    def rename(self, name: str, wanted: str) -> None:
        """Another name for a tensor, inside the body as well."""
        self.inputs = [wanted if item == name else item for item in self.inputs]
        self.outputs = [wanted if item == name else item for item in self.outputs]
        for node in self.body.nodes if self.body is not None else ():
            node.rename(name, wanted)

    def reads(self) -> Iterator[str]:
        """The names it needs, those that its body takes from outside included."""
        yield from (name for name in self.inputs if name)
        if self.body is not None:
            inside = {name for name, _, _ in self.body.inputs} | {o for node in self.body.nodes for o in node.outputs}
            for node in self.body.nodes:
                yield from (name for name in node.reads() if name not in inside)


@dataclass
class Body:
    """What a loop runs: nodes with inputs and outputs, each a name, a dtype and a shape (None for the batch)."""

    nodes: list[Node]
    inputs: list[tuple[str, str, tuple[int | None, ...]]] = field(default_factory=list)
    outputs: list[tuple[str, str, tuple[int | None, ...]]] = field(default_factory=list)


@dataclass(eq=False)
class Value:
    """A tensor of the plan in the graph.

    Attributes:
        shape: of a sample. dtype: "float32", "int32", "int64" or "bool".
        batched: whether its first axis is the batch; elsewhere it is 1, since the value is the same for all samples.
        names: by layout.
        array: what it holds, batch first, where that is known; such a value gets its names when they are asked for.
        stem: of its names, where it has an array.
        converted: the same in other dtypes.
    """

    shape: tuple[int, ...]
    dtype: str
    batched: bool = True
    names: dict[str, str] = field(default_factory=dict)
    array: Array | None = None
    stem: str = "constant"
    converted: dict[str, Value] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        return len(self.shape)


class OnnxGraph:
    """Nodes and constants, and the values of the plan's tensors.

    Args:
        opset: the version of ONNX's operators.

    Attributes:
        values: by the plan's number of a tensor. weights: the arrays of the plan's parameters, by slot, with names.
        layers: the names of the layers being written, from the outermost on.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.inputs: list[tuple[str, Value]] = []
        self.values: dict[int, Value] = {}
        self.weights: list[tuple[str, Array]] = []
        self.layers: list[str] = []
        self._taken: set[str] = set()
        self._known_constants: dict[tuple[Any, ...], str] = {}
        self._reshaped: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._batch = ""
        self._renamed: dict[str, str] = {}

    # ---- names, nodes, constants ----

    def unique(self, stem: str) -> str:
        """A name that nothing else has."""
        return unused(stem, self._taken)

    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Writes a node with one output, and returns its name."""
        return self.node_with(op, inputs, 1, **attributes)[0]

    def node_with(
        self, op: str, inputs: Sequence[str], outputs: int, body: Body | None = None, **attributes: Any
    ) -> list[str]:
        """Writes a node with several outputs, and returns their names."""
        layer = "/".join(self.layers)
        names = [self.unique(f"{layer}/{op}" if layer else op) for _ in range(outputs)]
        self.nodes.append(Node(op, list(inputs), names, attributes, layer, body))
        return names

    def refused(self, why: str) -> str:
        """A name for what ONNX does not have; `needed_nodes` raises if an output comes to depend on it."""
        name = self.node("Refused", [])
        self.nodes[-1].refusal = why
        return name

    def constant(self, array: Any, stem: str = "constant") -> str:
        """The name of an array that never changes; equal ones share it."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))  # ascontiguousarray makes scalars vectors
        key = stem, array.dtype.str, array.shape, array.tobytes()
        if key not in self._known_constants:
            name = self._known_constants[key] = self.unique(stem)
            self.constants[name] = array
        return self._known_constants[key]

    def integers(self, *numbers: int) -> str:
        """The name of a vector of int64, as ops of ONNX take shapes and axes."""
        return self.constant(np.array(numbers, np.int64), "numbers")

    def number(self, value: float) -> str:
        """The name of a float32 scalar."""
        return self.constant(np.float32(value), "number")

    @contextlib.contextmanager
    def body(self) -> Iterator[Body]:
        """Nodes written inside go to a `Body`."""
        outside, inside = self.nodes, Body([])
        self.nodes = inside.nodes
        try:
            yield inside
        finally:
            self.nodes = outside

    def weight(self, slot: int) -> Array:
        """The array of a parameter."""
        return self.weights[slot][1]

    def weight_name(self, slot: int, array: Array | None = None) -> str:
        """The name of a parameter, or of what was made of it for ONNX."""
        stem, whole = self.weights[slot]
        return self.constant(whole if array is None else array, stem)

    # ---- values ----

    def __getitem__(self, tensor: int) -> Value:
        return self.values[tensor]

    def input(self, name: str, shape: Sequence[int], dtype: str) -> Value:
        """An input of the graph."""
        value = Value(tuple(shape), dtype, names={LAST: self.unique(name)})
        self.inputs.append((value.names[LAST], value))
        return value

    def known(self, given: Any, dtype: str, stem: str = "constant") -> Value:
        """A value that is the same for all samples.

        Args:
            given: an array without the batch, or a number.
        """
        array: Array = np.asarray(given, DTYPES[dtype])
        return Value(array.shape, dtype, False, array=array[np.newaxis], stem=stem)

    def made(
        self, name: str, shape: Sequence[int], of: Iterable[Value], dtype: str = "float32", layout: str = LAST
    ) -> Value:
        """The value of a name that was written.

        Args:
            of: what it was made of: if anything in it has the batch, the result has it.
        """
        layout = LAST if len(shape) < 2 else layout
        return Value(tuple(shape), dtype, any(value.batched for value in of), {layout: name})

    def name(self, value: Value, layout: str = LAST) -> str:
        """The name of a value in a layout; a transpose is written where there is none."""
        layout = LAST if value.rank < 2 else layout
        if layout not in value.names:
            if value.array is not None:
                value.names[layout] = self.constant(value.array.transpose(axes_in(layout, value.rank)), value.stem)
            else:
                (there,) = value.names
                have = axes_in(there, value.rank)
                perm = [have.index(axis) for axis in axes_in(layout, value.rank)]
                value.names[layout] = self.node("Transpose", [value.names[there]], perm=perm)
        return value.names[layout]

    def layout_of(self, values: Iterable[Value]) -> str:
        """The layout in which the fewest of these values need a transpose."""
        made = [value for value in values if value.array is None and value.rank >= 2]
        lacking = {layout: sum(layout not in value.names for value in made) for layout in (LAST, FIRST)}
        return FIRST if lacking[FIRST] < lacking[LAST] else LAST

    def reshaped(self, value: Value, shape: Sequence[int]) -> Value:
        """The same elements in the order of day33 in another shape.

        Where the channels stay as they are, so does the layout: channels first, the other axes keep their order, too.
        """
        shape = tuple(shape)
        if shape == value.shape:
            return value
        if value.array is not None:
            return Value(shape, value.dtype, value.batched, array=value.array.reshape(1, *shape), stem=value.stem)
        alike = bool(shape and value.shape) and shape[-1] == value.shape[-1]
        layout = FIRST if alike and LAST not in value.names else LAST
        name, have = self.name(value, layout), tuple(value.shape[axis - 1] for axis in axes_in(layout, value.rank)[1:])
        want = tuple(shape[axis - 1] for axis in axes_in(layout, len(shape))[1:])
        return self.made(self._reshape(name, have, want), shape, [value], value.dtype, layout)

    def _reshape(self, name: str, have: tuple[int, ...], want: tuple[int, ...]) -> str:
        """A reshape of samples; one of a reshape goes back to what that was made of."""
        origin, shape = self._reshaped.get(name, (name, have))
        if shape == want:
            return origin
        if have == want:
            return name
        if 0 in want:
            return self.refused(f"values of shape {('N', *want)} are empty; expected sizes above 0")
        result = self.node("Reshape", [origin, self.integers(0, *want)])
        self._reshaped[result] = origin, shape
        return result

    def lifted(self, value: Value, rank: int) -> Value:
        """The value with axes of 1 between the batch and the others, so that it broadcasts as samples do."""
        return self.reshaped(value, (*[1] * (rank - value.rank), *value.shape))

    def stretched(self, value: Value, shape: Sequence[int]) -> Value:
        """The value broadcast to a shape, and with the batch."""
        value = self.lifted(value, len(shape))
        if value.batched and value.shape == tuple(shape):
            return value
        if value.batched:
            wanted = self.integers(1, *shape)
        else:
            wanted = self.node("Concat", [self.batch(), self.integers(*shape)], axis=0) if shape else self.batch()
        result = self.made(self.node("Expand", [self.name(value), wanted]), shape, [value], value.dtype)
        result.batched = True
        return result

    def batch(self) -> str:
        """The name of the number of samples, as a vector of one int64."""
        if not self._batch:
            with self.outermost():
                self._batch = self.node("Shape", [self.inputs[0][0]], start=0, end=1)
        return self._batch

    @contextlib.contextmanager
    def outermost(self) -> Iterator[None]:
        """What is written inside belongs to no layer."""
        before, self.layers = self.layers, []
        try:
            yield
        finally:
            self.layers = before

    def converted(self, value: Value, dtype: str) -> Value:
        """The value in another dtype: fractions are cut off, and what is not 0 is true."""
        if value.dtype == dtype:
            return value
        if value.array is not None:
            return Value(value.shape, dtype, False, array=value.array.astype(DTYPES[dtype]), stem=value.stem)
        if dtype not in value.converted:
            layout = self.layout_of([value])
            name = self.node("Cast", [self.name(value, layout)], to=dtype)
            value.converted[dtype] = self.made(name, value.shape, [value], dtype, layout)
        return value.converted[dtype]

    def elementwise(
        self, op: str, operands: Sequence[Value], shape: Sequence[int], dtype: str = "float32", **attributes: Any
    ) -> Value:
        """An op of single elements, with broadcasting."""
        lifted = [self.lifted(value, len(shape)) for value in operands]
        layout = self.layout_of(lifted)
        name = self.node(op, [self.name(value, layout) for value in lifted], **attributes)
        return self.made(name, shape, operands, dtype, layout)

    # ---- the end ----

    def rename_or_copy(self, name: str, stem: str) -> str:
        """Gives what a node made a name for users; what has one already, and what no node made, is copied."""
        name = self._renamed.get(name, name)
        wanted = self.unique(stem)
        maker = next((node for node in self.nodes if name in node.outputs), None)
        if maker is None or name in self._renamed.values():
            self.nodes.append(Node("Identity", [name], [wanted], {}, ""))
        else:
            for node in self.nodes:
                node.rename(name, wanted)
            self._renamed[name] = wanted
        return wanted

    def needed_nodes(self, outputs: Iterable[str]) -> list[Node]:
        """The nodes that the outputs depend on, in order.

        Raises:
            ValueError: ONNX does not have some of them; the message names all.
        """
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                nodes.append(node)
                needed.update(node.reads())
        refused = [
            f"layer {node.layer!r}: {node.refusal}" if node.layer else node.refusal or ""
            for node in reversed(nodes)
            if node.refusal
        ]
        if refused:
            raise ValueError("; ".join(dict.fromkeys(refused)))
        self.constants = {name: array for name, array in self.constants.items() if name in needed}
        return nodes[::-1]
