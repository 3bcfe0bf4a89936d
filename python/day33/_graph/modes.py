"""One graph for training and inference, or one for each, from a trace of `call` in each mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._core import tree
from .._core.custom_objects import for_copies
from .functions import Function, Source
from .graph import Graph
from .protocols import CalledLayer
from .tensors import Node, SymbolicTensor


def merge_modes(training: Graph, inference: Graph, owner: str) -> Graph:
    """The graph of a layer from a trace of `call` with training=True and one with training=False.

    The two may differ by layers that act in training only (Dropout) and by the value of `training` handed on: then one
    graph does for both. Otherwise it is the one for inference, which has the other one as `in_training`.

    Raises:
        ValueError: they give outputs of different shapes, dtypes or structures.
    """
    left, right = _signature(training), _signature(inference)
    if [key for key, _ in left.core] == [key for key, _ in right.core] and left.ends == right.ends:
        _set_modes(left, right)
        return training
    given, wanted = (_described(graph) for graph in (training, inference))
    if given != wanted:
        raise ValueError(
            f"{owner}.call gives {given} with training=True and {wanted} with training=False; expected outputs of the "
            "same shapes and dtypes"
        )
    for node in training.with_losses.nodes:
        node.training = None if node.training is True else node.training
    for node in inference.with_losses.nodes:
        node.training = None if node.training is False else node.training
    inference.in_training = training
    return inference


def _described(graph: Graph) -> Any:
    return tree.transform(lambda tensor: f"{tensor.dtype} of {tensor.shape}", graph.output_structure)


def _set_modes(left: _Signature, right: _Signature) -> None:
    """Gives the calls of the first the modes in which they are in both."""
    for (_, with_training), (_, without) in zip(left.core, right.core, strict=True):
        with_training.training = _mode(with_training.training, without.training)
    in_inference = {node.layer: node for node in right.optional}
    for node in left.optional:
        twin = in_inference.get(node.layer)
        node.training = _mode(node.training, False if twin is None else twin.training)


def _mode(in_training: bool | None, in_inference: bool | None) -> bool | None:
    return None if in_training is True and in_inference is False else in_training


@dataclass
class _Signature:
    core: list[tuple[Any, Node]]
    optional: list[Node]
    ends: list[Any]


def _identity(layer: CalledLayer) -> object:
    """What a layer computes: itself, or, for layers without weights that `call` may make anew, class and arguments."""
    if isinstance(layer, Function | Source):
        return layer.key()
    if layer.weights or layer.sublayers() or layer.is_composite():
        return id(layer)
    with for_copies():
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
    return _Signature(core, optional, [[keys[tensor] for tensor in graph.outputs], *losses, graph.loss_constant])
