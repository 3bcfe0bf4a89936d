"""Which cells of earlier tensors a cell of a layer's output depends on, by the layers' own arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core import tree
from .._graph.graph import Graph
from .._graph.tensors import Node, SymbolicTensor
from ..layers import Conv2DTranspose, Layer
from ..models import Model
from ._pattern import axis_of

__all__ = ["Span", "images_of", "layer_of", "nodes_before", "spans_before"]

# First and last cell along one axis; None where nothing is seen, as from a window that lies in the padding.
Span = tuple[int, int] | None


def images_of(model: Any) -> tuple[Graph, SymbolicTensor]:
    """The graph of a model of images and its input (N, H, W, C).

    Raises:
        TypeError: no day33 model. ValueError: it is not built, has several inputs, or takes no images of known size.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}; expected a day33 model")
    graph = model.find_graph()
    if graph is None:
        raise ValueError(f"model {model.name!r} has not seen an input yet; call it or build(input_shape) first")
    shapes = [tensor.shape for tensor in graph.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:]:
        raise ValueError(f"model {model.name!r} has inputs of shapes {shapes}; expected one of (None, H, W, C)")
    return graph, graph.inputs[0]


def layer_of(model: Any, graph: Graph, layer: Any) -> Node:
    """The call of a layer, given itself, by its name or by its number in ``model.layers``, that gives images.

    Raises:
        ValueError: there is no such layer, or its output is no (N, H, W, C) of known size.
    """
    found: Any = layer
    if isinstance(layer, int) and -len(model.layers) <= layer < len(model.layers):
        found = model.layers[layer]
    elif isinstance(layer, str):
        found = next((one for one in model.layers if one.name == layer), None)
    nodes = [node for node in graph.nodes if node.layer is found]
    drawn = [node for node in nodes if _has_cells(node)]
    if not drawn:
        names = ", ".join(repr(node.layer.name) for node in graph.nodes if _has_cells(node))
        raise ValueError(f"layer is {layer!r}; expected one of the model's layers with an output (N, H, W, C): {names}")
    return drawn[-1]


def nodes_before(graph: Graph, last: Node | None = None) -> list[Node]:
    """The calls with outputs (N, H, W, C) of known size that `last` depends on, itself included; None for all."""
    needed: set[Node] = set()
    for node in reversed(graph.nodes):
        if last is None or node is last or any(tensor.node in needed for tensor in _consumers(graph, node)):
            needed.add(node)
    return [node for node in graph.nodes if node in needed and _has_cells(node)]


def _consumers(graph: Graph, node: Node) -> list[SymbolicTensor]:
    return [other.outputs[0] for other in graph.nodes if set(node.outputs) & set(other.inputs)]


def _has_cells(node: Node) -> bool:
    shape = node.outputs[0].shape
    return len(node.outputs) == 1 and len(shape) == 4 and None not in shape[1:]


def spans_before(graph: Graph, outputs: Sequence[SymbolicTensor], cell: int, axis: int) -> dict[SymbolicTensor, Span]:
    """What one cell of `outputs` depends on along an axis, 0 or 1: the spans on the tensors behind it."""
    return _carried(graph, dict.fromkeys(outputs, (cell, cell)), axis)


def _carried(graph: Graph, start: dict[SymbolicTensor, Span], axis: int) -> dict[SymbolicTensor, Span]:
    spans = dict(start)
    for node in reversed(graph.nodes):
        seen = [span for tensor in node.outputs if (span := spans.get(tensor)) is not None]
        if not seen:
            continue
        low, high = min(span[0] for span in seen), max(span[1] for span in seen)
        for tensor, span in zip(node.inputs, _inputs_of(node, low, high, axis), strict=True):
            size = tensor.shape[1 + axis] if tensor.ndim == 4 else None
            if span is not None and size is not None:
                span = max(span[0], 0), min(span[1], size - 1)
            if span is None or span[0] > span[1]:
                spans.setdefault(tensor, None)
                continue
            before = spans.get(tensor) or span
            spans[tensor] = min(before[0], span[0]), max(before[1], span[1])
    return spans


def _inputs_of(node: Node, low: int, high: int, axis: int) -> list[Span]:
    """The spans on the inputs of a call that cells low..high of its output depend on, not clipped."""
    layer: Any = node.layer
    if isinstance(layer, Model):
        inner = layer.known_graph()
        spans = _carried(inner, dict.fromkeys(inner.outputs, (low, high)), axis)
        return [spans.get(tensor) for tensor in inner.inputs]
    shapes = tree.transform(lambda tensor: tensor.shape, node.arguments)
    span = layer.receptive_span(low, high, axis, shapes[0] if len(shapes) == 1 else list(shapes))
    if span is None:
        return [(0, (tensor.shape[1 + axis] or 1) - 1) if tensor.ndim == 4 else None for tensor in node.inputs]
    shift = _padding_before(layer, node, axis)
    return [(span[0] - shift, span[1] - shift)] * len(node.inputs)


def _padding_before(layer: Layer, node: Node, axis: int) -> int:
    """Cells that a layer puts in front of its input, which `receptive_span` counts as cells of the input."""
    window: Any = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    if window is None or isinstance(layer, Conv2DTranspose) or getattr(layer, "padding", "") != "same":
        return 0
    large, small = node.inputs[0].shape[1 + axis], node.outputs[0].shape[1 + axis]
    assert large is not None and small is not None
    stride, dilation = getattr(layer, "strides", (1, 1)), getattr(layer, "dilation_rate", (1, 1))
    return axis_of(large, small, window[axis], stride[axis], dilation[axis], "same").before
