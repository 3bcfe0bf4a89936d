"""Ops of single elements: activations, arithmetic, comparisons, choice, conversion."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .graph import OnnxGraph, Value
from .registry import writes

Shape = Sequence[int]
Write = Callable[[OnnxGraph, Value], Value]


def _single(op: str, dtype: str = "float32", **attributes: float) -> Write:
    """One op of ONNX of one argument."""
    return lambda graph, x: graph.elementwise(op, [x], x.shape, dtype, **attributes)


def _with(graph: OnnxGraph, op: str, x: Value, number: float) -> Value:
    """An op of a value and a number."""
    scalar = np.asarray(number, np.int32 if x.dtype == "int32" else np.float32)
    return graph.elementwise(op, [x, graph.known(scalar, x.dtype, "number")], x.shape, x.dtype)


def _both(graph: OnnxGraph, op: str, a: Value, b: Value) -> Value:
    """An op of two values of one shape."""
    return graph.elementwise(op, [a, b], a.shape, a.dtype)


def _chain(*ops: str) -> Write:
    def write(graph: OnnxGraph, x: Value) -> Value:
        for op in ops:
            x = graph.elementwise(op, [x], x.shape, x.dtype)
        return x

    return write


# ---- activations (formulas: docstrings of day33.activations) ----


def _gelu(graph: OnnxGraph, x: Value) -> Value:
    if graph.opset >= 20:
        return graph.elementwise("Gelu", [x], x.shape)
    phi = _with(graph, "Add", _single("Erf")(graph, _with(graph, "Mul", x, math.sqrt(0.5))), 1.0)
    return _with(graph, "Mul", _both(graph, "Mul", x, phi), 0.5)


def _gelu_tanh(graph: OnnxGraph, x: Value) -> Value:
    cube = _both(graph, "Mul", x, _both(graph, "Mul", x, x))
    inner = _both(graph, "Add", x, _with(graph, "Mul", cube, 0.044715))
    slope = _single("Tanh")(graph, _with(graph, "Mul", inner, math.sqrt(2 / math.pi)))
    return _with(graph, "Mul", _both(graph, "Mul", x, _with(graph, "Add", slope, 1.0)), 0.5)


def _log_sigmoid(graph: OnnxGraph, x: Value) -> Value:
    return _chain("Neg", "Softplus", "Neg")(graph, x)


_ACTIVATIONS: dict[str, Write] = {
    "linear": lambda _, x: x,
    "relu": _single("Relu"),
    "sigmoid": _single("Sigmoid"),
    "tanh": _single("Tanh"),
    "selu": _single("Selu"),
    "exponential": _single("Exp"),
    "softplus": _single("Softplus"),
    "softsign": _single("Softsign"),
    "hard_sigmoid": _single("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _single("HardSwish"),
    "mish": _single("Mish"),
    "silu": lambda graph, x: _both(graph, "Mul", x, _single("Sigmoid")(graph, x)),
    "log_sigmoid": _log_sigmoid,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
}


def activated(graph: OnnxGraph, x: Value, kind: str, alpha: float = 0.0) -> Value:
    """An activation of a value."""
    if kind in ("softmax", "log_softmax"):
        layout = graph.layout_of([x])
        axis = 1 if layout == "first" and x.rank >= 2 else x.rank
        op = "Softmax" if kind == "softmax" else "LogSoftmax"
        return graph.made(graph.node(op, [graph.name(x, layout)], axis=axis), x.shape, [x], layout=layout)
    if kind in ("leaky_relu", "elu"):
        return _single("LeakyRelu" if kind == "leaky_relu" else "Elu", alpha=float(alpha))(graph, x)
    if kind == "relu6":
        layout = graph.layout_of([x])
        limits = [graph.number(0.0), graph.number(alpha)]
        return graph.made(graph.node("Clip", [graph.name(x, layout), *limits]), x.shape, [x], layout=layout)
    return _ACTIVATIONS[kind](graph, x)


@writes("activation")
def _activation(graph: OnnxGraph, shape: Shape, x: int, kind: str, alpha: float = 0.0) -> Value:
    return activated(graph, graph[x], kind, alpha)


# ---- functions of one element ----


def _isfinite(graph: OnnxGraph, x: Value) -> Value:
    odd = [_single(op, "bool")(graph, x) for op in ("IsNaN", "IsInf")]
    return _single("Not", "bool")(graph, graph.elementwise("Or", odd, x.shape, "bool"))


def _scaled_log(scale: float) -> Write:
    return lambda graph, x: _with(graph, "Mul", _single("Log")(graph, x), scale)


_UNARIES: dict[str, Write] = {
    "negative": _chain("Neg"),
    "abs": _chain("Abs"),
    "sign": _chain("Sign"),
    "square": lambda graph, x: _both(graph, "Mul", x, x),
    "sqrt": _single("Sqrt"),
    "rsqrt": _chain("Sqrt", "Reciprocal"),
    "reciprocal": _single("Reciprocal"),
    "exp": _single("Exp"),
    "exp2": lambda graph, x: _single("Exp")(graph, _with(graph, "Mul", x, math.log(2))),
    "expm1": lambda graph, x: _with(graph, "Sub", _single("Exp")(graph, x), 1.0),
    "log": _single("Log"),
    "log2": _scaled_log(1 / math.log(2)),
    "log10": _scaled_log(1 / math.log(10)),
    "log1p": lambda graph, x: _single("Log")(graph, _with(graph, "Add", x, 1.0)),
    "floor": _single("Floor"),
    "ceil": _single("Ceil"),
    "round": _single("Round"),
    "trunc": lambda graph, x: _both(graph, "Mul", _single("Sign")(graph, x), _chain("Abs", "Floor")(graph, x)),
    "erf": _single("Erf"),
    "isnan": _single("IsNaN", "bool"),
    "isinf": _single("IsInf", "bool"),
    "isfinite": _isfinite,
    "logical_not": lambda graph, x: _single("Not", "bool")(graph, graph.converted(x, "bool")),
    **{
        name: _single(name.capitalize())
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")
    },
}


@writes("unary")
def _unary(graph: OnnxGraph, shape: Shape, kind: str, x: int) -> Value:
    value = graph[x]
    return _UNARIES[kind](graph, graph.converted(value, "int32") if value.dtype == "bool" else value)


# ---- functions of two elements ----

_BINARIES = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min",
}  # fmt: skip
_COMPARISONS = {
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less", "less_equal": "LessOrEqual",
    "equal": "Equal",
}  # fmt: skip
_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


def _quotient_floor(graph: OnnxGraph, a: Value, b: Value, shape: Shape) -> Value:
    if a.dtype == "int32":  # Div cuts off; without the remainder, which has the divisor's sign, nothing is cut
        rest = graph.elementwise("Mod", [a, b], shape, "int32", fmod=0)
        return graph.elementwise("Div", [graph.elementwise("Sub", [a, rest], shape, "int32"), b], shape, "int32")
    return _single("Floor")(graph, graph.elementwise("Div", [a, b], shape))


def _remainder(graph: OnnxGraph, a: Value, b: Value, shape: Shape) -> Value:
    if a.dtype == "int32":
        return graph.elementwise("Mod", [a, b], shape, "int32", fmod=0)
    # fmod has the dividend's sign; one divisor more makes it the divisor's where they differ.
    rest = graph.elementwise("Mod", [a, b], shape, fmod=1)
    moved = graph.elementwise("Mod", [graph.elementwise("Add", [rest, b], shape), b], shape, fmod=1)
    return moved


def _arctan2(graph: OnnxGraph, y: Value, x: Value, shape: Shape) -> Value:
    """atan(y / x), and half a turn more or less where x < 0 (C's atan2, signed zeros left aside)."""
    zero = graph.known(0, "float32", "number")
    angle = _single("Atan")(graph, graph.elementwise("Div", [y, x], shape))
    turn = [graph.known(sign * math.pi, "float32", "number") for sign in (-1, 1)]
    below = graph.elementwise("Less", [y, zero], y.shape, "bool")
    half = graph.elementwise("Where", [below, *turn], y.shape)
    behind = graph.elementwise("Less", [x, zero], x.shape, "bool")
    turned = graph.elementwise("Where", [behind, graph.elementwise("Add", [angle, half], shape), angle], shape)
    origin = [graph.elementwise("Equal", [value, zero], value.shape, "bool") for value in (x, y)]
    both = graph.elementwise("And", origin, shape, "bool")
    return graph.elementwise("Where", [both, zero, turned], shape)


def _sigmoid_crossentropy(graph: OnnxGraph, logits: Value, target: Value, shape: Shape) -> Value:
    """max(x, 0) - x t + log(1 + exp(-|x|)), which is softplus(x) - x t."""
    product = graph.elementwise("Mul", [logits, target], shape)
    return graph.elementwise("Sub", [_single("Softplus")(graph, logits), product], shape)


_SPELLED_OUT = {
    "floor_divide": _quotient_floor, "mod": _remainder, "arctan2": _arctan2,
    "sigmoid_crossentropy": _sigmoid_crossentropy,
}  # fmt: skip


@writes("binary")
def _binary(graph: OnnxGraph, shape: Shape, kind: str, a: int, b: int) -> Value:
    return binary(graph, kind, graph[a], graph[b], shape)


def binary(graph: OnnxGraph, kind: str, a: Value, b: Value, shape: Shape) -> Value:
    """One of the native functions of two arguments."""
    if kind in _LOGICAL:
        truths = [graph.converted(value, "bool") for value in (a, b)]
        return graph.elementwise(_LOGICAL[kind], truths, shape, "bool")
    a, b = (graph.converted(value, "int32") if value.dtype == "bool" else value for value in (a, b))
    if kind in _SPELLED_OUT:
        return _SPELLED_OUT[kind](graph, a, b, shape)
    if kind in _BINARIES:
        return graph.elementwise(_BINARIES[kind], [a, b], shape, a.dtype)
    same = graph.elementwise(_COMPARISONS["equal" if kind == "not_equal" else kind], [a, b], shape, "bool")
    return _single("Not", "bool")(graph, same) if kind == "not_equal" else same


_MERGES = {"maximum": "Max", "minimum": "Min", "average": "Mean"}


@writes("merge")
def _merge(graph: OnnxGraph, shape: Shape, kind: str, xs: Sequence[int]) -> Value:
    return merged(graph, shape, kind, [graph[x] for x in xs])


def merged(graph: OnnxGraph, shape: Shape, kind: str, values: Sequence[Value]) -> Value:
    """A function of any number of values."""
    if kind in _MERGES:
        return graph.elementwise(_MERGES[kind], values, shape, values[0].dtype)
    total, *rest = values
    for value in rest:
        total = graph.elementwise(_BINARIES[kind], [total, value], shape, total.dtype)
    return total


@writes("add")
def _add(graph: OnnxGraph, shape: Shape, xs: Sequence[int]) -> Value:
    return merged(graph, shape, "add", [graph[x] for x in xs])


@writes("rescaling")
def _rescaling(graph: OnnxGraph, shape: Shape, x: int, scale: object, offset: object) -> Value:
    value = graph[x]
    for op, given, neutral in (("Mul", scale, 1.0), ("Add", offset, 0.0)):
        array = np.asarray(given, np.float32)
        if (array != neutral).any():
            factor = array.reshape(()) if array.size == 1 else array.reshape(tuple(shape))
            value = graph.elementwise(op, [value, graph.known(factor, "float32")], shape)
    return value


# ---- choice and conversion ----


def chosen(graph: OnnxGraph, condition: Value, a: Value, b: Value, shape: Shape) -> Value:
    """A where the condition is not 0, else b."""
    if "bool" in (a.dtype, b.dtype) and a.dtype != b.dtype:
        a, b = graph.converted(a, "int32"), graph.converted(b, "int32")
    return graph.elementwise("Where", [graph.converted(condition, "bool"), a, b], shape, a.dtype)


@writes("select")
def _select(graph: OnnxGraph, shape: Shape, condition: int, a: int, b: int) -> Value:
    return chosen(graph, graph[condition], graph[a], graph[b], shape)


@writes("keep_where")
def _keep_where(graph: OnnxGraph, shape: Shape, x: int, mask: int) -> Value:
    value, given = graph[x], graph[mask]
    lined_up = graph.reshaped(given, (*given.shape, *[1] * (value.rank - given.rank)))
    return chosen(graph, lined_up, value, graph.known(0, "float32", "number"), shape)


@writes("either")
def _either(graph: OnnxGraph, shape: Shape, a: int, b: int) -> Value:
    return binary(graph, "logical_or", graph[a], graph[b], shape)


@writes("cast")
def _cast(graph: OnnxGraph, shape: Shape, x: int, dtype: str) -> Value:
    return graph.converted(graph[x], dtype)


@writes("to_int32")
def _to_int32(graph: OnnxGraph, shape: Shape, x: int) -> Value:
    return graph.converted(graph[x], "int32")


@writes("to_int64")
def _to_int64(graph: OnnxGraph, shape: Shape, x: int) -> Value:
    return graph.converted(graph[x], "int64")


@writes("differs")
def _differs(graph: OnnxGraph, shape: Shape, x: int, value: float) -> Value:
    given = graph[x]
    number = graph.known(np.asarray(value), given.dtype, "number")
    apart = _single("Not", "bool")(graph, graph.elementwise("Equal", [given, number], given.shape, "bool"))
    if given.dtype != "float32":
        return apart
    anywhere = graph.node("ReduceMax", [graph.name(graph.converted(apart, "int32")), graph.integers(-1)], keepdims=0)
    return graph.made(anywhere, shape, [given], "int32")


# ---- what makes no difference in inference ----


@writes("dropout")
def _dropout(graph: OnnxGraph, shape: Shape, x: int, rate: float, seed: int, *, shared_axis: bool = False) -> Value:
    return graph[x]


@writes("stop_gradient")
def _stop_gradient(graph: OnnxGraph, shape: Shape, x: int) -> Value:
    return graph[x]


@writes("by_mode")
def _by_mode(graph: OnnxGraph, shape: Shape, in_training: int, in_inference: int) -> Value:
    return graph[in_inference]
