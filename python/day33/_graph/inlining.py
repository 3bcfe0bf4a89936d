"""Calls of layers that are written down with what is inside of them.

A call is one node as long as it has one output and adds nothing to the loss. Gradients with respect to one of several
outputs also go through the others that are made of it, and what a layer inside adds to the loss has to come out: then
the calls inside become nodes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .._core import tree
from .functions import Function, Source, Spec
from .graph import Graph
from .lowering import BY_DEFAULT, Training
from .protocols import CalledLayer
from .tensors import Node, SymbolicTensor


class Notes(Protocol):
    """A recorder as it is told of calls."""

    def before_call(self, layer: CalledLayer, training: Training) -> None: ...
    def note(self, node: Node) -> None: ...


AddLoss = Callable[[CalledLayer, SymbolicTensor, bool], None]


def call(
    layer: CalledLayer, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: Training, notes: Notes,
    add_loss: AddLoss, masks: Sequence[SymbolicTensor | None] = (),
) -> list[SymbolicTensor]:  # fmt: skip
    """The outputs of a call of a layer on tensors whose shapes are all known.

    Args:
        layer: that is called with `arguments`, which hold tensors, `kwargs`, `training` and `masks`.
        notes: is told of the nodes.
        add_loss: called with a layer, a tensor and False for what it adds to the loss; with each of its outputs and
            True where it has an activity regularizer.
    """
    if training is BY_DEFAULT and layer.training_by_default is not None:
        training = layer.training_by_default
    graph = layer.call_graph(arguments, kwargs)
    if graph is not None and not masks and (len(graph.outputs) > 1 or layer.adds_losses()):
        outputs = _inlined(layer, graph.in_mode(bool(training)), tree.flatten(arguments), training, notes, add_loss)
    else:
        notes.before_call(layer, training)
        outputs = layer.outputs_for(arguments, kwargs)
        notes.note(Node(layer, arguments, kwargs, training, outputs, masks))
    if layer.activity_regularizer is not None:
        for output in outputs:
            add_loss(layer, output, True)
    return outputs


def _inlined(
    owner: CalledLayer, graph: Graph, inputs: Sequence[SymbolicTensor], training: Training, notes: Notes,
    add_loss: AddLoss,
) -> list[SymbolicTensor]:  # fmt: skip
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.with_losses.nodes:
        arguments = tree.transform(values.__getitem__, node.arguments)
        if isinstance(node.layer, Function | Source):
            outputs = _called(node, arguments)
        else:
            mode = training if node.training is None else node.training
            masks = [None if mask is None else values[mask] for mask in node.masks]
            outputs = call(node.layer, arguments, node.kwargs, mode, notes, add_loss, masks)
        values.update(zip(node.outputs, outputs, strict=True))
    for loss in graph.losses:
        add_loss(owner, values[loss], False)
    return [values[tensor] for tensor in graph.outputs]


def _called(node: Node, arguments: tuple[SymbolicTensor, ...]) -> list[SymbolicTensor]:
    """The outputs of a call of a function, made once more."""
    layer: Any = node.layer
    if isinstance(layer, Source):
        specs: Sequence[Spec] = [layer.spec()]
    else:
        specs = layer.specs([Spec(tensor.shape, tensor.dtype) for tensor in arguments])
    outputs = [SymbolicTensor(spec.shape, spec.dtype) for spec in specs]
    Node(node.layer, arguments, node.kwargs, None, outputs)
    return outputs
