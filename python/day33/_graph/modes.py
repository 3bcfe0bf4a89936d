"""One graph for training and inference, from a trace of `call` in each mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .functions import Function, Source
from .graph import Graph
from .protocols import CalledLayer
from .tensors import Node, SymbolicTensor


def merge_modes(training: Graph, inference: Graph, owner: str) -> Graph:
    """One graph for both modes, from a trace of `call` with training=True and one with training=False.

    The two may differ by layers that act in training only (Dropout) and by the value of `training` handed on.

    Raises:
        ValueError: they differ in anything else.
    """
    modes = {}
    left, right = _signature(training), _signature(inference)
    if [key for key, _ in left.core] != [key for key, _ in right.core] or left.outputs != right.outputs:
        raise ValueError(
            f"{owner}.call calls other layers with training=True than with training=False. Only layers that act in "
            "training alone, such as Dropout, may depend on it."
        )
    if left.losses != right.losses:
        raise ValueError(
            f"{owner}.call adds other losses with training=True than with training=False; expected the same add_loss "
            "in both"
        )
    for (_, with_training), (_, without) in zip(left.core, right.core, strict=True):
        modes[with_training] = _mode(with_training.training, without.training)
    in_inference = {node.layer: node for node in right.optional}
    for node in left.optional:
        twin = in_inference.get(node.layer)
        modes[node] = _mode(node.training, False if twin is None else twin.training)
    for node, mode in modes.items():
        node.training = mode
    refuse_forced_training(training, owner)
    return training


def refuse_forced_training(graph: Graph, owner: str) -> None:
    """ValueError where a call inside says training=True whatever the model is run for."""
    for node in graph.nodes:
        if node.training is True:
            raise ValueError(
                f"{owner} calls layer {node.layer.name!r} with training=True always; expected None, False, or the "
                "`training` argument of call. To run in training mode, call the model itself with training=True."
            )


def _mode(in_training: bool | None, in_inference: bool | None) -> bool | None:
    return None if in_training is True and in_inference is False else in_training


@dataclass
class _Signature:
    core: list[tuple[Any, Node]]
    optional: list[Node]
    outputs: list[Any]
    losses: list[Any]


def _identity(layer: CalledLayer) -> object:
    """What a layer computes: itself, or, for layers without weights that `call` may make anew, class and arguments."""
    if isinstance(layer, Function | Source):
        return layer.key()
    if layer.weights or layer.sublayers() or hasattr(layer, "call"):
        return id(layer)
    return type(layer), repr({key: value for key, value in layer.get_config().items() if key != "name"})


def _signature(graph: Graph) -> _Signature:
    """What a trace computes, by layer and position, with the layers that act in training only taken out."""
    keys: dict[SymbolicTensor, Any] = {tensor: number for number, tensor in enumerate(graph.inputs)}
    core: list[tuple[Any, Node]] = []
    optional: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(keys[tensor] for tensor in node.inputs)
        if node.layer.acts_in_training_only:
            optional.append(node)
            keys[node.outputs[0]] = inputs[0]
            continue
        for index, tensor in enumerate(node.outputs):
            keys[tensor] = ("node", len(core), index)
        core.append(((_identity(node.layer), inputs, repr(node.kwargs)), node))
    losses = [(keys[term.tensor], term.reduction, term.factor) for term in graph.loss_terms]
    return _Signature(core, optional, [keys[tensor] for tensor in graph.outputs], [*losses, graph.loss_constant])
