"""Ops that sum: products, reductions, normalisation, running sums; and random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .elements import activated, chosen
from .graph import FIRST, LAST, OnnxGraph, Value, axes_in
from .moving import axis_of, bordered
from .registry import writes

Shape = Sequence[int]


@writes("dense")
def _dense(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, bias: int = -1, *, transposed: bool = False,
    activation: str = "linear", alpha: float = 0.0,
) -> Value:  # fmt: skip
    value = graph[x]
    names = [graph.name(value), graph.weight_name(kernel)]
    if value.rank == 1:
        options = {"transB": 1} if transposed else {}
        name = graph.node("Gemm", [*names, graph.weight_name(bias)] if bias >= 0 else names, **options)
    else:
        if transposed:
            names[1] = graph.node("Transpose", [names[1]], perm=[1, 0])
        name = graph.node("MatMul", names)
        name = graph.node("Add", [name, graph.weight_name(bias)]) if bias >= 0 else name
    return activated(graph, graph.made(name, shape, [value]), activation, alpha)


@writes("matmul")
def _matmul(graph: OnnxGraph, shape: Shape, a: int, b: int) -> Value:
    left, right = graph[a], graph[b]
    whole = list(shape)
    if right.rank == 1:
        right = graph.reshaped(right, (*right.shape, 1))
        whole.append(1)
    if left.rank == 1:
        left = graph.reshaped(left, (1, *left.shape))
        whole.insert(len(whole) - 1, 1)
    rank = max(left.rank, right.rank)
    name = graph.node("MatMul", [graph.name(graph.lifted(value, rank)) for value in (left, right)])
    return graph.reshaped(graph.made(name, whole, [left, right]), shape)


_REDUCTIONS = {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "any": "ReduceMax", "all": "ReduceMin",
}  # fmt: skip


@writes("reduce")
def _reduce(graph: OnnxGraph, shape: Shape, kind: str, x: int, axes: Sequence[int], keepdims: bool = False) -> Value:
    value = graph[x]
    if kind in ("any", "all"):
        value = graph.converted(graph.converted(value, "bool"), "int32")
    elif value.dtype == "bool":
        value = graph.converted(value, "int32")
    if not axes:
        return value
    layout = graph.layout_of([value])
    taken = {axis_of(axis, value.rank) + 1 for axis in axes}
    order = axes_in(layout, value.rank)
    numbers = graph.integers(*sorted(order.index(axis) for axis in taken))
    name = graph.node(_REDUCTIONS[kind], [graph.name(value, layout), numbers], keepdims=int(keepdims))
    if not keepdims and value.rank in taken:
        layout = LAST  # without the channels, the other axes are in their order
    return graph.made(name, shape, [value], value.dtype, layout)


@writes("arg_reduce")
def _arg_reduce(graph: OnnxGraph, shape: Shape, kind: str, x: int, axis: int) -> Value:
    value = graph[x]
    if value.dtype == "bool":
        value = graph.converted(value, "int32")
    op = "ArgMax" if kind == "argmax" else "ArgMin"
    name = graph.node(op, [graph.name(value)], axis=axis_of(axis, value.rank) + 1, keepdims=0)
    return graph.converted(graph.made(name, shape, [value], "int64"), "int32")


@writes("cumulate")
def _cumulate(graph: OnnxGraph, shape: Shape, kind: str, x: int, axis: int) -> Value:
    value = graph[x]
    if value.dtype == "bool":
        value = graph.converted(value, "int32")
    axis = axis_of(axis, value.rank)
    if kind == "cumsum":
        name = graph.node("CumSum", [graph.name(value), graph.constant(np.int64(axis + 1), "numbers")])
        return graph.made(name, shape, [value], value.dtype)
    # ONNX has no running product: each step doubles the number of factors.
    reach = 1
    while reach < value.shape[axis]:
        borders = [(reach, -reach) if i == axis else (0, 0) for i in range(value.rank)]
        before = bordered(graph, value, borders, shape, 1.0)
        value = graph.elementwise("Mul", [value, before], shape, value.dtype)
        reach *= 2
    return value


@writes("masked_average")
def _masked_average(graph: OnnxGraph, shape: Shape, x: int, mask: int) -> Value:
    value, given = graph[x], graph.converted(graph[mask], "float32")
    factors = graph.reshaped(given, (*given.shape, *[1] * (value.rank - given.rank)))
    counted = chosen(graph, factors, value, graph.known(0, "float32", "number"), value.shape)
    sums = [
        graph.made(graph.node("ReduceSum", [graph.name(item), graph.integers(1)], keepdims=0), item.shape[1:], [item])
        for item in (counted, factors)
    ]
    return graph.elementwise("Div", sums, shape)


# ---- normalisation ----


@writes("batch_normalization")
def _batch_normalization(
    graph: OnnxGraph, shape: Shape, x: int, gamma: int, beta: int, moving_mean: int, moving_variance: int, *,
    momentum: float, epsilon: float, frozen: bool = False, mask: int = -1,
) -> Value:  # fmt: skip
    value, channels = graph[x], shape[-1]
    names = [
        graph.weight_name(slot) if slot >= 0 else graph.constant(np.full(channels, number, np.float32), "parameter")
        for slot, number in ((gamma, 1.0), (beta, 0.0), (moving_mean, 0.0), (moving_variance, 1.0))
    ]
    name = graph.node("BatchNormalization", [graph.name(value, FIRST), *names], epsilon=float(epsilon))
    return graph.made(name, shape, [value], layout=FIRST)


@writes("layer_normalization")
def _layer_normalization(
    graph: OnnxGraph, shape: Shape, x: int, gamma: int, beta: int, *, axes: int, epsilon: float
) -> Value:
    value = graph[x]
    own = tuple(value.shape[value.rank - axes :])
    names = [graph.weight_name(gamma) if gamma >= 0 else graph.constant(np.ones(own, np.float32), "parameter")]
    if beta >= 0:
        names.append(graph.weight_name(beta))
    name = graph.node("LayerNormalization", [graph.name(value), *names], axis=-axes, epsilon=float(epsilon))
    return graph.made(name, shape, [value])


# ---- random numbers ----


@writes("random")
def _random(graph: OnnxGraph, shape: Shape, kind: str, size: Sequence[int], seed: int) -> Value:
    """Numbers of the same distribution; which ones is up to the runtime."""
    like = graph.stretched(graph.known(np.zeros(tuple(shape)), "float32"), shape)
    op = "RandomUniformLike" if kind == "uniform" else "RandomNormalLike"
    return graph.made(graph.node(op, [graph.name(like)]), shape, [like])


# ---- states ----


@writes("state")
def _state(graph: OnnxGraph, shape: Shape, slot: int) -> Value:
    why = "it is stateful, and a graph of ONNX keeps nothing between calls; expected stateful=False"
    return graph.made(graph.refused(why), shape, [graph.inputs[0][1]])


@writes("keep_state")
def _keep_state(graph: OnnxGraph, shape: Shape, x: int, slot: int) -> Value:
    return graph[x]
