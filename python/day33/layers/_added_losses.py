"""What calls of layers add to the loss, as values of a graph: calls are written out until nothing inside adds any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from .._core import tree
from .._core.dispatch import TABLE
from .._graph import penalties
from .._graph.batch_means import Term
from .._graph.calls import add_node, source_tensor
from .._graph.functions import Function, Source
from .._graph.graph import Graph
from .._graph.protocols import CalledLayer
from .._graph.tensors import Node, SymbolicTensor


class AddingLayer(CalledLayer, Protocol):
    """A layer as it is seen here. `Layer` says what the methods do."""

    activity_regularizer: Any

    def adds_losses(self) -> bool: ...
    def graph_of_call(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph | None: ...
    def called_on(self, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool) -> Any: ...


Added = list[tuple[Any, SymbolicTensor]]  # each value with the layer that adds it


def written_out(
    layer: AddingLayer, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool
) -> tuple[Any, Added]:  # fmt: skip
    """The outputs of a call, and what it adds to the loss.

    Args:
        arguments: positional, with symbolic tensors of known shapes. kwargs: the others.
        training: the mode of what has none of its own.
    """
    added: Added = []

    def visit(node: Node, given: tuple[Any, ...]) -> list[SymbolicTensor]:
        if isinstance(node.layer, Source):
            return [source_tensor(node.layer)]
        if isinstance(node.layer, Function):
            return tree.flatten(add_node(node.layer, tree.flatten(given)))
        mode = training if node.training is None else training and node.training
        results, inside = written_out(cast("AddingLayer", node.layer), given, node.kwargs, mode)
        added.extend(inside)
        return tree.flatten(results)

    graph = layer.graph_of_call(arguments, kwargs) if layer.adds_losses() else None
    if graph is None:
        outputs = layer.called_on(arguments, kwargs, training)
    else:
        values = graph.carried(tree.flatten(arguments), visit)
        outputs = tree.transform(values.__getitem__, graph.output_structure)
        added += [(layer, _total(terms, constant, values)) for terms, constant in graph.losses_apart]
    if layer.activity_regularizer is not None:
        owner = f"activity_regularizer of layer {layer.name!r}"
        for output in tree.flatten(outputs):
            for penalty in penalties.of_tensor(layer.activity_regularizer, output, owner):
                samples = float(max(output.shape[0] or 0, 1))
                added.append((layer, TABLE["divide"](TABLE["sum"](penalty), samples)))
    return outputs, added


def _total(terms: Sequence[Term], constant: float, values: dict[SymbolicTensor, Any]) -> SymbolicTensor:
    """The scalar that was taken apart, of other values."""
    total: Any = penalties.constant(constant)
    for term in terms:
        part = TABLE["multiply"](TABLE[term.reduction](values[term.tensor]), term.factor)
        total = TABLE["add"](total, part)
    result: SymbolicTensor = total
    return result
