"""Operators of single elements."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers, ops
from .registry import Call, Result, reads
from .values import Value, allow, channels_last, elementwise

Function = Callable[..., Any]

_UNARIES: dict[str, Function] = {
    "Abs": ops.abs, "Acos": ops.arccos, "Acosh": ops.arccosh, "Asin": ops.arcsin, "Asinh": ops.arcsinh,
    "Atan": ops.arctan, "Atanh": ops.arctanh, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh, "Erf": ops.erf,
    "Exp": ops.exp, "Floor": ops.floor, "IsNaN": ops.isnan, "Log": ops.log, "Neg": ops.negative,
    "Not": ops.logical_not, "Reciprocal": ops.reciprocal, "Round": ops.round, "Sign": ops.sign, "Sin": ops.sin,
    "Sinh": ops.sinh, "Sqrt": ops.sqrt, "Tan": ops.tan,
}  # fmt: skip
_BINARIES: dict[str, Function] = {
    "And": ops.logical_and, "Equal": ops.equal, "Greater": ops.greater, "GreaterOrEqual": ops.greater_equal,
    "Less": ops.less, "LessOrEqual": ops.less_equal, "Or": ops.logical_or, "Pow": ops.power, "Where": ops.where,
    "Xor": ops.logical_xor,
}  # fmt: skip
_CHAINS: dict[str, Function] = {
    "Add": ops.add, "Max": ops.maximum, "Min": ops.minimum, "Mul": ops.multiply, "Sub": ops.subtract, "Sum": ops.add,
}  # fmt: skip
# The same on constants. Shapes are computed with: their integers may be large, and N is no number.
_ON_ARRAYS: dict[str, Function] = {
    "Abs": np.abs, "Add": np.add, "And": np.logical_and, "Ceil": np.ceil, "Equal": np.equal, "Floor": np.floor,
    "Greater": np.greater, "Less": np.less, "Max": np.maximum, "Min": np.minimum, "Mul": np.multiply,
    "Neg": np.negative, "Not": np.logical_not, "Or": np.logical_or, "Sqrt": np.sqrt, "Sub": np.subtract,
}  # fmt: skip


def _on_arrays(name: str, arrays: list[Any]) -> Value:
    function = _ON_ARRAYS.get(name)
    if function is None:
        raise ValueError("it computes with constants alone; expected a value that depends on the inputs")
    allow(*np.broadcast_shapes(*(array.shape for array in arrays)))
    with np.errstate(all="ignore"):
        found = functools.reduce(function, arrays) if len(arrays) > 1 else function(arrays[0])
    return Value.known(found)


def _folded(call: Call) -> Value | None:
    """The result where all inputs are constants."""
    values = call.values()
    if any(value.array is None for value in values):
        return None
    return _on_arrays(call.node.op, [value.array for value in values])


@reads(*_UNARIES, *_BINARIES)
def _function(call: Call) -> Result:
    folded = _folded(call) if call.node.op != "Where" else _chosen_constant(call)
    name = call.node.op
    return folded or elementwise(_UNARIES.get(name) or _BINARIES[name], *call.values())


def _chosen_constant(call: Call) -> Value | None:
    values = call.values()
    if len(values) != 3 or any(value.array is None for value in values):
        return None
    condition, a, b = (value.constant() for value in values)
    allow(*np.broadcast_shapes(condition.shape, a.shape, b.shape))
    return Value.known(np.where(condition, a, b))


@reads(*_CHAINS)
def _chain(call: Call) -> Result:
    first, *rest = call.values()
    if not rest:
        return first
    return _folded(call) or functools.reduce(functools.partial(elementwise, _CHAINS[call.node.op]), [first, *rest])


@reads("Mean")
def _mean(call: Call) -> Result:
    values = call.values()
    total = functools.reduce(functools.partial(elementwise, ops.add), values)
    return elementwise(lambda x: x / float(len(values)), total)


@reads("Div")
def _divided(call: Call) -> Result:
    """Of integers, the quotient without its fraction."""
    a, b = call.given(0), call.given(1)
    whole = a.dtype == b.dtype == "int32"
    if a.array is not None and b.array is not None:
        if not np.all(b.array != 0):
            raise ValueError("it divides by 0")
        allow(*np.broadcast_shapes(a.array.shape, b.array.shape))
        if whole:
            quotient = np.abs(a.array) // np.abs(b.array)
            return Value.known(quotient * np.sign(a.array) * np.sign(b.array))
        return Value.known(a.array / b.array)
    if whole:
        return elementwise(lambda x, y: ops.sign(x) * ops.sign(y) * ops.floor_divide(ops.abs(x), ops.abs(y)), a, b)
    return elementwise(ops.divide, a, b)


@reads("Mod")
def _remainder(call: Call) -> Result:
    a, b = call.given(0), call.given(1)
    if a.array is not None and b.array is not None:
        if not np.all(b.array != 0):
            raise ValueError("it divides by 0")
        allow(*np.broadcast_shapes(a.array.shape, b.array.shape))
        return Value.known((np.fmod if call.get("fmod", 0) else np.mod)(a.array, b.array))
    if call.expect("fmod", 0, 1):  # with the sign of the dividend
        return elementwise(lambda x, y: ops.sign(x) * ops.mod(ops.abs(x), ops.abs(y)), a, b)
    return elementwise(ops.mod, a, b)


@reads("Cast")
def _cast(call: Call) -> Result:
    value, kind = call.given(0), call.get("to")
    dtype = {1: "float32", 10: "float32", 11: "float32", 6: "int32", 7: "int32", 9: "bool"}.get(kind)
    if dtype is None:
        raise ValueError(f"its attribute 'to' is {kind!r}; expected the number of a float, integer or truth type")
    if value.array is not None:
        if value.array.dtype.kind == "O":  # a shape stays one
            return value
        allow(*value.array.shape)
        return Value.known(value.array.astype({"int32": np.int64}.get(dtype, dtype)))
    return value if value.dtype == dtype else elementwise(lambda x: ops.cast(x, dtype), value)


@reads("Identity")
def _identity(call: Call) -> Result:
    return call.given(0)


@reads("Dropout")
def _dropout(call: Call) -> Result:
    """A layer again, so that training goes on with it."""
    if len(call.wanted) > 1 and call.wanted[1]:
        raise ValueError("its mask is read; expected its first output alone")
    rate = call.get("ratio", 0.5) if call.opset < 12 else float(call.constant(1)) if call.has(1) else 0.5
    value = call.given(0)
    if call.has(2) and bool(call.constant(2)):
        raise ValueError("it drops values in inference; expected training_mode to be false")
    if not 0 <= rate < 1:
        raise ValueError(f"its ratio is {rate}; expected 0 <= ratio < 1")
    return Value.of(layers.Dropout(rate, name=call.name)(value.tensor(value.order)), value.order)


# ---- activations, as layers ----

_ACTIVATIONS = {
    "HardSwish": "hard_silu", "Mish": "mish", "Relu": "relu", "Sigmoid": "sigmoid", "Softplus": "softplus",
    "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip


def _activated(call: Call, kind: str) -> Value:
    value = call.given(0)
    return Value.of(layers.Activation(kind, name=call.name)(value.tensor(value.order)), value.order)


@reads(*_ACTIVATIONS)
def _activation(call: Call) -> Result:
    return _activated(call, _ACTIVATIONS[call.node.op])


@reads("LeakyRelu")
def _leaky_relu(call: Call) -> Result:
    value = call.given(0)
    layer = layers.LeakyReLU(negative_slope=call.get("alpha", 0.01), name=call.name)
    return Value.of(layer(value.tensor(value.order)), value.order)


@reads("Elu")
def _elu(call: Call) -> Result:
    value = call.given(0)
    layer = layers.ELU(alpha=call.get("alpha", 1.0), name=call.name)
    return Value.of(layer(value.tensor(value.order)), value.order)


@reads("Celu")
def _celu(call: Call) -> Result:
    alpha = call.get("alpha", 1.0)
    return elementwise(lambda x: ops.celu(x, alpha=alpha), call.given(0))


@reads("Selu")
def _selu(call: Call) -> Result:
    alpha, gamma = call.get("alpha", 1.6732632), call.get("gamma", 1.050701)
    if abs(alpha - 1.6732632) < 1e-6 and abs(gamma - 1.050701) < 1e-6:
        return _activated(call, "selu")
    return elementwise(lambda x: gamma * ops.elu(x, alpha=alpha), call.given(0))


@reads("HardSigmoid")
def _hard_sigmoid(call: Call) -> Result:
    alpha, beta = call.get("alpha", 0.2), call.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return _activated(call, "hard_sigmoid")
    return elementwise(lambda x: ops.clip(alpha * x + beta, 0.0, 1.0), call.given(0))


@reads("Gelu")
def _gelu(call: Call) -> Result:
    if call.expect("approximate", "none", "tanh") == "none":
        return _activated(call, "gelu")
    return elementwise(lambda x: ops.gelu(x, approximate=True), call.given(0))


@reads("IsInf")
def _isinf(call: Call) -> Result:
    call.expect("detect_negative", 1)
    call.expect("detect_positive", 1)
    return elementwise(ops.isinf, call.given(0))


@reads("Clip")
def _clip(call: Call) -> Result:
    if call.opset < 11:
        limits = [call.get("min", None), call.get("max", None)]
    else:
        limits = [float(call.constant(n).reshape(())) if call.has(n) else None for n in (1, 2)]
    low, high = limits

    if (low, high) == (0.0, 6.0) and call.given(0).dtype == "float32":
        return _activated(call, "relu6")

    def clipped(x: Any) -> Any:
        if low is not None and high is not None:
            return ops.clip(x, low, high)
        x = x if low is None else ops.maximum(x, low)
        return x if high is None else ops.minimum(x, high)

    return elementwise(clipped, call.given(0))


@reads("PRelu")
def _prelu(call: Call) -> Result:
    """A layer with weights, shared along the axes on which the slope has size 1."""
    value, slope = call.given(0), call.constant(1).astype(np.float32)
    rank = value.rank
    order = channels_last(rank) if rank > 2 and value.batch == 0 else value.order
    slope = slope.reshape((1,) * (rank - slope.ndim) + slope.shape).transpose([order.index(i) for i in range(rank)])
    x = value.tensor(order)
    shared = [axis for axis in range(1, rank) if slope.shape[axis] == 1 and x.shape[axis] != 1]
    layer = call.layer(lambda: layers.PReLU(shared_axes=shared or None, name=call.name))
    result = layer(x)
    layer.set_weights([slope[0]])
    return Value.of(result, order)
