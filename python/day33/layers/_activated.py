"""Activations of layers in plans: native ops, or functions of the user's."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._core.dispatch import tracing
from .._core.user_code import blaming
from .._graph.calls import as_symbolic
from .._graph.graph import Graph
from .._graph.lowering import CrossesSamples, Lowering
from .._graph.tensors import SymbolicTensor
from ..activations import ActivationSpec


def traced(activation: ActivationSpec, given: SymbolicTensor, owner: str) -> Any:
    """The activation of a symbolic tensor, float32.

    Args:
        owner: for messages, such as "activation of layer 'a'".

    Raises:
        TypeError, ValueError: a function that cannot be traced, or gives another shape.
    """
    with tracing(), blaming(owner):
        result = as_symbolic(activation(given))
    if not isinstance(result, SymbolicTensor):
        raise TypeError(f"{owner}: {activation.label} gives {result!r}; expected a tensor")
    if result.shape != given.shape:
        raise ValueError(
            f"{owner}: {activation.label} gives shape {result.shape} for {given.shape}; expected the same shape"
        )
    return ops.cast(result, "float32")


def activated(lowering: Lowering, x: int, activation: ActivationSpec, layer: str) -> int:
    """Writes an activation.

    Args:
        x: the plan's tensor.
        layer: its name, for messages.

    Raises:
        TypeError, ValueError: a function that cannot be traced, gives another shape, or mixes samples.
    """
    if activation.function is None:
        return lowering.builder.activation(x, activation.kind, activation.alpha)
    owner = f"activation of layer {layer!r}"
    given = SymbolicTensor((None, *lowering.shape(x)))
    graph = Graph(given, traced(activation, given, owner), owner)
    try:
        (written,) = graph.lower(lowering, [x])
    except CrossesSamples:
        raise ValueError(
            f"{owner}: {activation.label} mixes the samples of a batch, or gives the same for all; expected a function "
            "of each sample"
        ) from None
    return written
