"""`Walk`: the calls that tensors depend on."""

from __future__ import annotations

from collections.abc import Container, Iterable

from .tensors import Node, SymbolicTensor


class Walk:
    """The calls that some tensors depend on, in the order in which they were made.

    Args:
        ends: the tensors.
        begins: tensors with which the graph is to begin.

    Attributes:
        nodes: the calls.
        leaves: with which the graph begins: of `begins`, and tensors without a call.
    """

    def __init__(self, ends: Iterable[SymbolicTensor], begins: Container[SymbolicTensor] = ()) -> None:
        given = list(ends)
        found: set[Node] = set()
        leaves: set[SymbolicTensor] = set()
        pending = list(given)
        while pending:
            tensor = pending.pop()
            if tensor.node is None or tensor in begins:
                leaves.add(tensor)
            elif tensor.node not in found:
                found.add(tensor.node)
                pending += tensor.node.inputs
        self.nodes = sorted(found, key=lambda node: node.number)
        # In the order met from the first call on, which graphs that are alike share.
        ordered = [tensor for node in self.nodes for tensor in node.inputs if tensor in leaves]
        self.leaves = list(dict.fromkeys([*ordered, *(tensor for tensor in given if tensor in leaves)]))
