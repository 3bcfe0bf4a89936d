"""Operators that sum: products, reductions, normalisation, softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers, ops
from .moving import tensor_axis
from .registry import Call, Result, axis_of, reads
from .values import Array, Value, as_operand, channels_last, plain


def dense(call: Call, value: Value, kernel: Array, bias: Array | None) -> Value:
    """Samples times a matrix of weights, with a layer."""
    x = value.tensor()
    if kernel.ndim != 2 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(f"it multiplies {value.sizes} by weights of shape {kernel.shape}")
    layer = call.layer(lambda: layers.Dense(kernel.shape[1], use_bias=bias is not None, name=call.name))
    result = layer(x)
    weights = [kernel] if bias is None else [kernel, np.broadcast_to(bias.reshape(-1), kernel.shape[1:])]
    layer.set_weights([weight.astype(np.float32) for weight in weights])
    return Value.of(result)


@reads("Gemm")
def _gemm(call: Call) -> Result:
    value, other = call.given(0), call.given(1)
    alpha, beta = call.get("alpha", 1.0), call.get("beta", 1.0)
    call.expect("transA", 0)
    if other.array is None:
        raise ValueError("its second matrix depends on the inputs; expected weights")
    kernel = other.array.T if call.expect("transB", 0, 1) else other.array
    bias = None
    if call.has(2):
        bias = call.constant(2)
        if bias.size not in (1, kernel.shape[-1]):
            raise ValueError(f"its bias has shape {bias.shape}; expected {kernel.shape[-1]} numbers")
        bias = bias * beta
    return dense(call, value, kernel * alpha, bias)


@reads("MatMul")
def _matmul(call: Call) -> Result:
    left, right = call.given(0), call.given(1)
    if left.array is None and right.array is not None and right.array.ndim == 2:
        bias = call.constant(2) if call.has(2) else None  # of an Add behind it, see importing.py
        order = left.order
        if left.rank > 1 and order[-1] == left.rank - 1:  # whatever the other axes are
            return Value.of(dense(call, Value.of(left.tensors[order]), right.array, bias).tensor(), order)
        return dense(call, left, right.array, bias)
    operands = [as_operand(v.array) if v.array is not None else v.tensor() for v in (left, right)]
    if left.array is not None and right.array is not None:
        raise ValueError("it multiplies constants; expected a value that depends on the inputs")
    ranks = [len(operand.shape) for operand in operands]
    if ranks[0] != ranks[1] and any(v.array is None and v.rank < max(ranks) for v in (left, right)):
        raise ValueError(f"it multiplies {left.sizes} by {right.sizes}; expected as many axes of both")
    return Value.of(ops.matmul(*operands))


@reads("Einsum")
def _einsum(call: Call) -> Result:
    equation = call.get("equation")
    operands = [as_operand(v.array) if v.array is not None else v.tensor() for v in call.values()]
    return Value.of(ops.einsum(equation, *operands))


# ---- reductions ----

_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceSum": ops.sum, "ReduceMean": ops.mean, "ReduceMax": ops.max, "ReduceMin": ops.min, "ReduceProd": ops.prod,
    "ReduceLogSumExp": ops.logsumexp,
    "ReduceSumSquare": lambda x, **where: ops.sum(ops.square(x), **where),
    "ReduceL1": lambda x, **where: ops.sum(ops.abs(x), **where),
    "ReduceL2": lambda x, **where: ops.sqrt(ops.sum(ops.square(x), **where)),
    "ReduceLogSum": lambda x, **where: ops.log(ops.sum(x, **where)),
}  # fmt: skip


@reads(*_REDUCTIONS)
def _reduction(call: Call) -> Result:
    value = call.given(0)
    kept = bool(call.get("keepdims", 1))
    axes = call.axes(value.rank, 1, 13 if call.node.op == "ReduceSum" else 18)
    if not axes:
        if call.get("noop_with_empty_axes", 0):
            return value
        axes = list(range(value.rank))
    if value.array is not None:
        if call.node.op != "ReduceProd" or value.array.dtype.kind not in "iuO":
            raise ValueError("it reduces a constant; expected a value that depends on the inputs")
        return Value.known(np.prod(value.array, axis=tuple(axes), keepdims=kept))
    places = tuple(tensor_axis(value, axis) for axis in axes)
    result = _REDUCTIONS[call.node.op](value.tensors[value.order], axis=places, keepdims=kept)
    return Value.of(result, value.order if kept else _left(value, axes))


def _left(value: Value, axes: list[int]) -> list[int]:
    """The order of what is left without some axes."""
    order = value.order
    gone = [order[axis] for axis in axes]
    return [
        order[axis] - sum(other < order[axis] for other in gone) for axis in range(value.rank) if axis not in axes
    ]  # fmt: skip


@reads("ArgMax", "ArgMin")
def _place_of_extreme(call: Call) -> Result:
    value = call.given(0)
    call.expect("select_last_index", 0)
    axis = axis_of(call.get("axis", 0), value.rank)
    kept = bool(call.get("keepdims", 1))
    function = ops.argmax if call.node.op == "ArgMax" else ops.argmin
    result = function(value.tensors[value.order], axis=tensor_axis(value, axis), keepdims=kept)
    return Value.of(result, value.order if kept else _left(value, [axis]))


@reads("CumSum")
def _running_sum(call: Call) -> Result:
    value = call.given(0)
    call.expect("exclusive", 0)
    call.expect("reverse", 0)
    axis = int(call.constant(1).reshape(()))
    return Value.of(ops.cumsum(value.tensors[value.order], axis=tensor_axis(value, axis)), value.order)


@reads("Softmax", "LogSoftmax")
def _softmax(call: Call) -> Result:
    value = call.given(0)
    axis = axis_of(call.get("axis", -1 if call.opset >= 13 else 1), value.rank)
    if call.opset < 13 and axis != value.rank - 1:
        raise ValueError(f"its axis is {axis} of {value.rank}, and operators before version 13 take all axes from "
                         "there on; expected the last one")  # fmt: skip
    x: Any = value.tensors[value.order]
    place = tensor_axis(value, axis)
    if call.node.op == "Softmax":
        return Value.of(layers.Softmax(axis=place, name=call.name)(x), value.order)
    logarithm: Any = ops.log_softmax(x, axis=place)
    return Value.of(logarithm, value.order)


# ---- normalisation ----


@reads("BatchNormalization")
def _batch_normalization(call: Call) -> Result:
    value = call.given(0)
    call.expect("training_mode", 0)
    if any(call.wanted[1:]):
        raise ValueError("its statistics are read; expected its first output alone")
    weights = [call.constant(n).astype(np.float32) for n in range(1, 5)]
    order = channels_last(value.rank) if value.rank > 2 else plain(value.rank)
    x = value.tensor(order)
    if any(weight.shape != (x.shape[-1],) for weight in weights):
        raise ValueError(f"its weights have shapes {[w.shape for w in weights]} for {x.shape[-1]} channels")
    options = {"momentum": call.get("momentum", 0.9), "epsilon": call.get("epsilon", 1e-5)}
    layer = call.layer(lambda: layers.BatchNormalization(**options, name=call.name))
    result = layer(x)
    layer.set_weights(weights)
    return Value.of(result, order)


@reads("LayerNormalization")
def _layer_normalization(call: Call) -> Result:
    value = call.given(0)
    if any(call.wanted[1:]):
        raise ValueError("its statistics are read; expected its first output alone")
    axis = axis_of(call.get("axis", -1), value.rank)
    order = value.order
    if axis != value.rank - 1 or order[-1] != value.rank - 1:
        order = plain(value.rank)
    x = value.tensor(order)
    if axis == 0:
        raise ValueError("it normalises along the batch")
    own = tuple(int(size or 0) for size in x.shape[axis:])
    weights = [call.constant(n).astype(np.float32) for n in (1, 2) if call.has(n)]
    if not weights or any(weight.size != np.prod(own) for weight in weights):
        raise ValueError(f"its weights have shapes {[w.shape for w in weights]}; expected {own}")
    options = {"axis": list(range(axis - value.rank, 0)), "epsilon": call.get("epsilon", 1e-5)}
    layer = call.layer(lambda: layers.LayerNormalization(**options, center=len(weights) > 1, name=call.name))
    result = layer(x)
    layer.set_weights([weight.reshape(own) for weight in weights])
    return Value.of(result, order)


@reads("InstanceNormalization")
def _instance_normalization(call: Call) -> Result:
    """(x - mean) / sqrt(variance + epsilon) of each channel of a sample, times a scale, plus a bias."""
    value = call.given(0)
    order = channels_last(value.rank)
    x = value.tensor(order)
    scale, bias = (call.constant(n).astype(np.float32) for n in (1, 2))
    axes = tuple(range(1, value.rank - 1))
    centred: Any = x - ops.mean(x, axis=axes, keepdims=True)
    spread = ops.mean(ops.square(centred), axis=axes, keepdims=True)
    return Value.of(centred * ops.rsqrt(spread + call.get("epsilon", 1e-5)) * scale + bias, order)
