"""Ops on images: convolutions, pooling, up-sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._native import PlanBuilder
from .elements import activated
from .graph import FIRST, OnnxGraph, Value
from .registry import writes

Shape = Sequence[int]
Pair = tuple[int, int]


def _borders(
    padding: str, size: Shape, out: Shape, window: Shape, strides: Shape, dilation: Shape = (1, 1)
) -> list[int]:
    """Padding as ONNX has it: before each axis, then behind each. "same" puts the odd one behind, as in Keras."""
    reach = [(w - 1) * d for w, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "causal":
        return [*reach, 0, 0]
    totals = [
        max((o - 1) * s + r + 1 - i, 0) for o, s, r, i in zip(out, strides, reach, size, strict=True)
    ]  # fmt: skip
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]


def _filtered(
    graph: OnnxGraph, shape: Shape, x: Value, op: str, kernel: Any, slots: Pair, activation: tuple[str, float],
    **attributes: Any,
) -> Value:  # fmt: skip
    """A convolution with the kernel as ONNX has it, a bias where there is a slot for it, and an activation."""
    slot, bias = slots
    names = [graph.name(x, FIRST), graph.weight_name(slot, kernel)]
    if bias >= 0:
        names.append(graph.weight_name(bias))
    name = graph.node(op, names, kernel_shape=kernel.shape[2:], **attributes)
    return activated(graph, graph.made(name, shape, [x], layout=FIRST), *activation)


def _as_image(kernel: Any) -> Any:
    """A kernel of sequences as one of images of height 1."""
    return kernel if kernel.ndim == 4 else kernel[np.newaxis]


@writes("conv2d")
def _conv2d(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, bias: int = -1, *, strides: Pair = (1, 1),
    padding: str = "valid", dilation_rate: Pair = (1, 1), groups: int = 1, activation: str = "linear",
    alpha: float = 0.0,
) -> Value:  # fmt: skip
    weight = _as_image(graph.weight(kernel)).transpose(3, 2, 0, 1)
    pads = _borders(padding, graph[x].shape[:2], shape[:2], weight.shape[2:], strides, dilation_rate)
    return _filtered(
        graph, shape, graph[x], "Conv", weight, (kernel, bias), (activation, alpha), strides=strides, pads=pads,
        dilations=dilation_rate, group=groups,
    )  # fmt: skip


@writes("depthwise_conv2d")
def _depthwise_conv2d(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, bias: int = -1, *, strides: Pair = (1, 1),
    padding: str = "valid", dilation_rate: Pair = (1, 1), activation: str = "linear", alpha: float = 0.0,
) -> Value:  # fmt: skip
    weight = _as_image(graph.weight(kernel))
    height, width, channels, multiplier = weight.shape
    weight = weight.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    pads = _borders(padding, graph[x].shape[:2], shape[:2], (height, width), strides, dilation_rate)
    return _filtered(
        graph, shape, graph[x], "Conv", weight, (kernel, bias), (activation, alpha), strides=strides, pads=pads,
        dilations=dilation_rate, group=channels,
    )  # fmt: skip


@writes("conv2d_transpose")
def _conv2d_transpose(
    graph: OnnxGraph, shape: Shape, x: int, kernel: int, bias: int = -1, *, strides: Pair = (1, 1),
    padding: str = "valid", output_padding: tuple[int | None, int | None] = (None, None),
    dilation_rate: Pair = (1, 1), activation: str = "linear", alpha: float = 0.0,
) -> Value:  # fmt: skip
    weight = _as_image(graph.weight(kernel)).transpose(3, 2, 0, 1)
    pads, extra = [0, 0, 0, 0], [0, 0]
    for axis in range(2):
        window = (weight.shape[2 + axis] - 1) * dilation_rate[axis] + 1
        # What is cut off is the padding of the convolution that this one is the gradient of.
        surplus = (graph[x].shape[axis] - 1) * strides[axis] + window - shape[axis]
        cut = max(surplus, 0) if padding == "same" else 0
        pads[axis], pads[2 + axis] = cut // 2, cut - cut // 2
        extra[axis] = cut - surplus
    return _filtered(
        graph, shape, graph[x], "ConvTranspose", weight, (kernel, bias), (activation, alpha), strides=strides,
        pads=pads, output_padding=extra, dilations=dilation_rate,
    )  # fmt: skip


@writes("max_pool2d")
def _max_pool2d(
    graph: OnnxGraph, shapes: Sequence[Shape], x: int, *, pool_size: Pair, strides: Pair, padding: str
) -> list[Value]:
    value, shape = graph[x], shapes[0]
    pads = _borders(padding, value.shape[:2], shape[:2], pool_size, strides)
    name, places = graph.node_with(
        "MaxPool", [graph.name(value, FIRST)], 2, kernel_shape=pool_size, strides=strides, pads=pads
    )
    pooled = graph.made(name, shape, [value], layout=FIRST)
    # ONNX counts ((n C + c) H + y) W + x, and plans (y W + x) C + c.
    height, width, channels = value.shape
    within = graph.node("Mod", [places, graph.integers(height * width)])
    scaled = graph.node("Mul", [within, graph.integers(channels)])
    own = graph.constant(np.arange(channels, dtype=np.int64).reshape(1, channels, 1, 1), "channels")
    number = graph.node("Cast", [graph.node("Add", [scaled, own])], to="int32")
    return [pooled, graph.made(number, shape, [value], "int32", FIRST)]


@writes("max_unpool2d")
def _max_unpool2d(graph: OnnxGraph, shape: Shape, x: int, indices: int, *, output_shape: Sequence[int]) -> Value:
    value, places = graph[x], graph[indices]
    count, size = int(np.prod(value.shape)), int(np.prod(shape))
    zeros = graph.stretched(graph.known(np.zeros(size), "float32"), (size,))
    where = graph.name(graph.reshaped(graph.converted(places, "int64"), (count,)))
    cells = graph.name(graph.reshaped(value, (count,)))
    name = graph.node("ScatterElements", [graph.name(zeros), where, cells], axis=1, reduction="add")
    return graph.reshaped(graph.made(name, (size,), [value]), shape)


@writes("average_pool2d")
def _average_pool2d(
    graph: OnnxGraph, shape: Shape, x: int, *, pool_size: Pair, strides: Pair, padding: str
) -> Value:  # fmt: skip
    value = graph[x]
    pads = _borders(padding, value.shape[:2], shape[:2], pool_size, strides)
    name = graph.node(
        "AveragePool", [graph.name(value, FIRST)], kernel_shape=pool_size, strides=strides, pads=pads,
        count_include_pad=0,
    )  # fmt: skip
    return graph.made(name, shape, [value], layout=FIRST)


def _pooled_whole(graph: OnnxGraph, shape: Shape, x: Value, op: str) -> Value:
    name = graph.node(op, [graph.name(x, FIRST)])
    return graph.reshaped(graph.made(name, (1, 1, x.shape[-1]), [x], layout=FIRST), shape)


@writes("global_average_pooling2d")
def _global_average_pooling2d(graph: OnnxGraph, shape: Shape, x: int, *, keepdims: bool) -> Value:
    return _pooled_whole(graph, shape, graph[x], "GlobalAveragePool")


@writes("global_max_pooling2d")
def _global_max_pooling2d(graph: OnnxGraph, shape: Shape, x: int, *, keepdims: bool) -> Value:
    return _pooled_whole(graph, shape, graph[x], "GlobalMaxPool")


@writes("up_sampling2d")
def _up_sampling2d(graph: OnnxGraph, shape: Shape, x: int, *, size: Pair, interpolation: str) -> Value:
    value = graph[x]
    if interpolation == "bed_of_nails":  # each cell at the top left of a block of zeros
        height, width, channels = value.shape
        nails = graph.name(graph.reshaped(value, (height, 1, width, 1, channels)))
        pads = graph.integers(*[0] * 6, 0, 0, size[0] - 1, 0, size[1] - 1, 0)
        blocks = graph.node("Pad", [nails, pads])
        blocky = (height, size[0], width, size[1], channels)
        return graph.reshaped(graph.made(blocks, blocky, [value]), shape)
    scales = graph.constant(np.array([1, 1, *size], np.float32), "scales")
    return graph.made(
        graph.node("Resize", [graph.name(value, FIRST), "", scales], **_INTERPOLATIONS[interpolation]), shape, [value],
        layout=FIRST,
    )  # fmt: skip


_INTERPOLATIONS = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
}


@writes("resize")
def _resize(
    graph: OnnxGraph, shape: Shape, x: int, size: Pair, interpolation: str = "bilinear", antialias: bool = False
) -> Value:
    """Every kind of resizing is a matrix for each axis, which the op itself tells when it is given unit vectors."""
    value = graph[x]
    result = graph.name(value, FIRST)
    for axis, op in ((1, "right"), (0, "left")):
        matrix = _resizing(value.shape[axis], size[axis], interpolation, antialias)
        if interpolation == "nearest":
            rows = graph.constant(matrix.argmax(1).astype(np.int64), "rows")
            result = graph.node("Gather", [result, rows], axis=2 + axis)
        elif op == "right":
            result = graph.node("MatMul", [result, graph.constant(matrix.T, "weights")])
        else:
            result = graph.node("MatMul", [graph.constant(matrix, "weights"), result])
    return graph.made(result, shape, [value], layout=FIRST)


def _resizing(before: int, after: int, interpolation: str, antialias: bool) -> Any:
    """The matrix (after, before) by which one axis is resized."""
    builder = PlanBuilder()
    unit = builder.input((before, 1, before))
    plan = builder.build([builder.resize(unit, (after, 1), interpolation, antialias)])
    (weights,) = plan.forward([np.eye(before, dtype=np.float32).reshape(1, before, 1, before)], [])
    return weights.reshape(after, before)


@writes("affine_transform")
def _affine_transform(graph: OnnxGraph, shape: Shape, x: int, *arguments: Any, **options: Any) -> Value:
    why = "affine transforms of images have no ONNX op; expected a model without them in inference"
    return graph.made(graph.refused(why), shape, [graph[x]])
