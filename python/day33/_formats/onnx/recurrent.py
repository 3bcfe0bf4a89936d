"""Recurrent ops: as those of ONNX where these say the same, and else as a loop over time (`Scan`).

ONNX's LSTM, GRU and RNN take no mask but the lengths of sequences that are filled up behind, and only some activations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .elements import activated, chosen
from .graph import OnnxGraph, Value
from .registry import writes

Shape = Sequence[int]
Activation = tuple[str, float]
Draw = tuple[float, int]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Cell:
    """A recurrent op.

    Attributes:
        op: of ONNX. order: the places of ONNX's gates in those of Keras.
        states: how many; the first is the output.
        step: from the sums for the gates of a step and the states to the new states, see `_lstm_step`.
    """

    op: str
    order: tuple[int, ...]
    states: int
    step: Callable[[_Loop, Value, list[Value]], list[Value]]


@dataclass(frozen=True)
class _Call:
    """The arguments of an op, as `PlanBuilder` has them."""

    graph: OnnxGraph
    x: Value
    kernel: int
    recurrent: int
    bias: int
    mask: Value | None
    initial: list[Value]
    activation: Activation
    gate: Activation
    reset_after: bool = True

    @property
    def units(self) -> int:
        return int(self.graph.weight(self.recurrent).shape[0])

    def biases(self) -> list[Array]:
        """What is added to the products of the inputs, and to those of the state."""
        width = self.graph.weight(self.recurrent).shape[1]
        zeros = np.zeros(width, np.float32)
        if self.bias < 0:
            return [zeros, zeros]
        bias = self.graph.weight(self.bias)
        return [bias, zeros] if bias.ndim == 1 else [bias[0], bias[1]]


# ---- ONNX's own ops ----

_NAMES = {
    "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "leaky_relu": "LeakyRelu", "elu": "Elu",
    "softsign": "Softsign", "softplus": "Softplus", "hard_sigmoid": "HardSigmoid",
}  # fmt: skip
_FACTORS = {"hard_sigmoid": (1 / 6, 0.5)}


def _whole(cell: Cell, call: _Call, with_state: bool) -> Value:
    """The op of ONNX: (N, T, units), with the last state of the cell as one more row if wanted."""
    graph, units, gates = call.graph, call.units, len(cell.order)
    wide = np.concatenate([np.arange(units) + gate * units for gate in cell.order])
    kernel, recurrent = (graph.weight_name(slot, graph.weight(slot)[:, wide].T[None]) for slot in _slots(call))
    first = graph.node("Transpose", [graph.name(call.x)], perm=[1, 0, 2])
    bias = ""
    if call.bias >= 0:
        bias = graph.weight_name(call.bias, np.concatenate([part[wide] for part in call.biases()])[None])
    names = [first, kernel, recurrent, bias, ""]
    for state in call.initial:
        given = graph.reshaped(state, (1, units))
        names.append(graph.node("Transpose", [graph.name(graph.stretched(given, (1, units)))], perm=[1, 0, 2]))
    while names[-1] == "":
        names.pop()
    used = [call.activation] if gates == 1 else [call.gate, *[call.activation] * cell.states]
    attributes: dict[str, Any] = {"activations": [_NAMES[kind] for kind, _ in used]}
    alphas = [_FACTORS.get(kind, (alpha,))[0] for kind, alpha in used if kind in ("leaky_relu", "elu", *_FACTORS)]
    betas = [_FACTORS[kind][1] for kind, _ in used if kind in _FACTORS]
    attributes |= {f"activation_{name}": list_ for name, list_ in (("alpha", alphas), ("beta", betas)) if list_}
    if cell.op == "GRU":
        attributes["linear_before_reset"] = int(call.reset_after)
    outputs = graph.node_with(cell.op, names, 1 + cell.states, hidden_size=units, **attributes)
    squeezed = graph.node("Squeeze", [outputs[0], graph.integers(1)])  # of the axis of directions
    steps = call.x.shape[0]
    rows = graph.made(graph.node("Transpose", [squeezed], perm=[1, 0, 2]), (steps, units), [call.x])
    if not with_state:
        return rows
    last = graph.node("Transpose", [outputs[2]], perm=[1, 0, 2])
    joined = graph.node("Concat", [graph.name(rows), last], axis=1)
    return graph.made(joined, (steps + 1, units), [call.x])


def _slots(call: _Call) -> tuple[int, int]:
    return call.kernel, call.recurrent


def _is_whole(call: _Call, gates: int) -> bool:
    """Whether ONNX's op says the same."""
    kinds = [call.activation[0], *([call.gate[0]] if gates > 1 else [])]
    return call.mask is None and all(kind in _NAMES for kind in kinds)


# ---- a loop ----


class _Loop:
    """The body of a loop over time, while it is written."""

    def __init__(self, call: _Call) -> None:
        self.call = call
        self.graph = call.graph

    def product(self, state: Value, columns: slice = slice(None)) -> Value:
        """A state times the recurrent kernel, or some columns of it."""
        weight = self.graph.weight(self.call.recurrent)[:, columns]
        bias = self.call.biases()[1][columns]
        name = self.graph.node("MatMul", [self.graph.name(state), self.graph.weight_name(self.call.recurrent, weight)])
        if bias.any():
            name = self.graph.node("Add", [name, self.graph.weight_name(self.call.bias, bias)])
        return self.graph.made(name, (weight.shape[1],), [state])

    def parts(self, value: Value) -> list[Value]:
        """The gates side by side."""
        units = self.call.units
        count = value.shape[0] // units
        if count == 1:
            return [value]
        names = self.graph.node_with("Split", [self.graph.name(value)], count, axis=1, num_outputs=count)
        return [self.graph.made(name, (units,), [value]) for name in names]

    def on(self, op: str, *values: Value) -> Value:
        """An op of values of one shape."""
        return self.graph.elementwise(op, values, values[0].shape)

    def gate(self, value: Value) -> Value:
        return activated(self.graph, value, *self.call.gate)

    def activate(self, value: Value) -> Value:
        return activated(self.graph, value, *self.call.activation)


def _lstm_step(loop: _Loop, sums: Value, states: list[Value]) -> list[Value]:
    """The states are h and c: c = f c + i g; h = o activation(c). The sums hold the gates i, f, g, o."""
    h, c = states
    i, f, g, o = loop.parts(loop.on("Add", sums, loop.product(h)))
    kept = loop.on("Mul", loop.gate(f), c)
    c = loop.on("Add", kept, loop.on("Mul", loop.gate(i), loop.activate(g)))
    return [loop.on("Mul", loop.gate(o), loop.activate(c)), c]


def _gru_step(loop: _Loop, sums: Value, states: list[Value]) -> list[Value]:
    """The state is h = z h + (1 - z) candidate, with the gates z, r and the candidate side by side in the sums."""
    (h,) = states
    units = loop.call.units
    z, r, candidate = loop.parts(sums)
    if loop.call.reset_after:
        of_z, of_r, of_candidate = loop.parts(loop.product(h))
        z, r = loop.gate(loop.on("Add", z, of_z)), loop.gate(loop.on("Add", r, of_r))
        candidate = loop.on("Add", candidate, loop.on("Mul", r, of_candidate))
    else:
        of_z, of_r = loop.parts(loop.product(h, slice(0, 2 * units)))
        z, r = loop.gate(loop.on("Add", z, of_z)), loop.gate(loop.on("Add", r, of_r))
        candidate = loop.on("Add", candidate, loop.product(loop.on("Mul", r, h), slice(2 * units, None)))
    new = loop.activate(candidate)
    return [loop.on("Add", new, loop.on("Mul", z, loop.on("Sub", h, new)))]


def _simple_step(loop: _Loop, sums: Value, states: list[Value]) -> list[Value]:
    """The state is h = activation(sums + h recurrent_kernel)."""
    return [loop.activate(loop.on("Add", sums, loop.product(states[0])))]


def _scanned(cell: Cell, call: _Call, with_state: bool) -> Value:
    """The same as a loop. Where the mask is 0, the states stay and the output repeats the one before."""
    graph, units = call.graph, call.units
    steps = call.x.shape[0]
    sums = graph.node("MatMul", [graph.name(call.x), graph.weight_name(call.kernel)])
    if call.biases()[0].any():
        sums = graph.node("Add", [sums, graph.weight_name(call.bias, call.biases()[0])])
    width = graph.weight(call.kernel).shape[1]
    zeros = graph.known(np.zeros(units), "float32", "zeros")
    begin = [graph.stretched(state, (units,)) for state in [*(call.initial or [zeros] * cell.states), zeros]]
    given = [graph.name(state) for state in begin]
    scanned = [sums]
    if call.mask is not None:
        scanned.append(graph.name(graph.stretched(graph.converted(call.mask, "bool"), (steps,))))
    with graph.body() as body:

        def enters(stem: str, shape: tuple[int, ...], dtype: str = "float32") -> Value:
            name = graph.unique(stem)
            body.inputs.append((name, dtype, (None, *shape)))
            return Value(shape, dtype, names={"last": name})

        states = [enters("state", (units,)) for _ in range(cell.states)]
        before = enters("output", (units,))
        here = enters("sums", (width,))
        new = cell.step(_Loop(call), here, states)
        output = new[0]
        if call.mask is not None:
            counts = graph.reshaped(enters("mask", (), "bool"), (1,))
            output = chosen(graph, counts, output, before, (units,))
            new = [chosen(graph, counts, after, old, (units,)) for after, old in zip(new, states, strict=True)]
        for value in [*new, output, output]:
            name = graph.node("Identity", [graph.name(value)])  # an output of a body has to be one of its nodes
            body.outputs.append((name, "float32", (None, units)))
    count = len(begin)
    results = graph.node_with(
        "Scan", [*given, *scanned], count + 1, body, num_scan_inputs=len(scanned),
        scan_input_axes=[1] * len(scanned), scan_output_axes=[1],
    )  # fmt: skip
    rows = graph.made(results[-1], (steps, units), [call.x])
    if not with_state:
        return rows
    last = graph.node("Unsqueeze", [results[1], graph.integers(1)])
    return graph.made(graph.node("Concat", [results[-1], last], axis=1), (steps + 1, units), [call.x])


LSTM = Cell("LSTM", (0, 3, 1, 2), 2, _lstm_step)  # i, o, f, c
GRU = Cell("GRU", (0, 1, 2), 1, _gru_step)
SIMPLE = Cell("RNN", (0,), 1, _simple_step)


def _written(cell: Cell, call: _Call, with_state: bool = False) -> Value:
    write = _whole if _is_whole(call, len(cell.order)) else _scanned
    return write(cell, call, with_state)


def _masked(graph: OnnxGraph, mask: int) -> Value | None:
    return graph[mask] if mask >= 0 else None


@writes("lstm")
def _lstm(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, recurrent_kernel: int, bias: int = -1, *, mask: int = -1,
    initial: Sequence[int] = (), activation: Activation = ("tanh", 0.0),
    recurrent_activation: Activation = ("sigmoid", 0.0), dropout: Draw = (0.0, 0),
    recurrent_dropout: Draw = (0.0, 0), with_state: bool = False,
) -> Value:  # fmt: skip
    call = _Call(
        graph, graph[x], kernel, recurrent_kernel, bias, _masked(graph, mask), [graph[state] for state in initial],
        activation, recurrent_activation,
    )  # fmt: skip
    return _written(LSTM, call, with_state)


@writes("gru")
def _gru(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, recurrent_kernel: int, bias: int = -1, *, mask: int = -1,
    initial: Sequence[int] = (), activation: Activation = ("tanh", 0.0),
    recurrent_activation: Activation = ("sigmoid", 0.0), dropout: Draw = (0.0, 0),
    recurrent_dropout: Draw = (0.0, 0), reset_after: bool = True,
) -> Value:  # fmt: skip
    call = _Call(
        graph, graph[x], kernel, recurrent_kernel, bias, _masked(graph, mask), [graph[state] for state in initial],
        activation, recurrent_activation, reset_after,
    )  # fmt: skip
    return _written(GRU, call)


@writes("simple_rnn")
def _simple_rnn(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, recurrent_kernel: int, bias: int = -1, *, mask: int = -1,
    initial: Sequence[int] = (), activation: Activation = ("tanh", 0.0), dropout: Draw = (0.0, 0),
    recurrent_dropout: Draw = (0.0, 0),
) -> Value:  # fmt: skip
    call = _Call(
        graph, graph[x], kernel, recurrent_kernel, bias, _masked(graph, mask), [graph[state] for state in initial],
        activation, ("linear", 0.0),
    )  # fmt: skip
    return _written(SIMPLE, call)
