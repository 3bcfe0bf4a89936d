"""Graphs of layer calls, and their lowering to native plans.

Calling a layer on a `SymbolicTensor` computes nothing: it makes a `Node` that remembers the layer, its inputs and its
outputs. A `Graph` is the nodes between some inputs and some outputs. To run it, it is lowered for concrete shapes:
every layer writes its ops into a native PlanBuilder.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._core import tree
from .._core.types import Shape
from .batch_means import Term, split
from .functions import Function, Source, Spec
from .protocols import CalledLayer
from .staging import PlanWriters
from .tensors import Node, SymbolicTensor
from .walk import Walk

_SHAPES_KEPT = 16


class Graph:
    """The calls between `inputs` and `outputs` (nested structures of symbolic tensors).

    Args:
        inputs, outputs: as they are given and wanted.
        owner: for messages.
        losses: symbolic tensors to be minimised besides, each a scalar, or the sum of what it holds.

    Attributes:
        nodes: in an order in which they can run, those of input layers left out.
        for_losses: the nodes that only the losses need.
        layers: each once, in Keras's order: farthest from the outputs first, then as met from the outputs.
        losses: as given. loss_terms, loss_constant: the sum of all.
        in_training: the graph that takes the place of this one in training; None where it is this one.

    Raises:
        ValueError: an output does not depend on the inputs alone, or two layers share a name.
    """

    def __init__(self, inputs: Any, outputs: Any, owner: str, losses: Sequence[SymbolicTensor] = ()) -> None:
        self.input_structure = inputs
        self.output_structure = outputs
        self.inputs: list[SymbolicTensor] = tree.flatten(inputs)
        self.outputs: list[SymbolicTensor] = tree.flatten(outputs)
        for what, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for tensor in tensors:
                if not isinstance(tensor, SymbolicTensor):
                    raise TypeError(f"{what} of {owner} hold {tensor!r}; expected tensors made by Input() and layers")
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError(f"inputs of {owner} name one tensor twice")
        self.losses = list(losses)
        self.loss_terms: list[Term] = []
        self.loss_constant = 0.0
        self.in_training: Graph | None = None
        self._shapes: dict[tuple[Shape, ...], list[Shape]] = {}
        for apart, constant in map(split, losses):
            self.loss_terms += apart
            self.loss_constant += constant
        ordered, met = self._sort(owner)
        by_depth = _by_depth(ordered, met, self.inputs)
        self.layers = [layer for layer in by_depth if not isinstance(layer, Node)]
        self.nodes = [node for node in ordered if node.inputs or isinstance(node.layer, Function | Source)]
        needed = {tensor.node for tensor in self.outputs}
        for node in reversed(ordered) if self.loss_terms else ():
            if node in needed:
                needed.update(tensor.node for tensor in node.inputs)
        self.for_losses = {node for node in ordered if node not in needed} if self.loss_terms else set()
        names: set[str] = set()
        for layer in self.layers:
            if layer.name in names:
                raise ValueError(f"two layers of {owner} have the name {layer.name!r}; names must be unique in a model")
            names.add(layer.name)

    def _sort(self, owner: str) -> tuple[list[Node], list[CalledLayer | Node]]:
        """Nodes in post-order of a depth-first walk from the outputs; layers in the order first met."""
        given = set(self.inputs)
        ordered: list[Node] = []
        met: dict[CalledLayer | Node, None] = {}
        entered: set[Node] = set()
        for output in [*self.outputs, *(term.tensor for term in self.loss_terms)]:
            # Not recursive: a model may be deeper than Python's stack.
            walk: list[tuple[Node | None, Iterator[SymbolicTensor]]] = [(None, iter([output]))]
            while walk:
                node, pending = walk[-1]
                tensor = next(pending, None)
                if tensor is None:
                    walk.pop()
                    if node is not None:
                        ordered.append(node)
                    continue
                source = tensor.node
                if tensor in given and (source is None or source.inputs):
                    continue
                unknown = source is not None and not source.inputs and not isinstance(source.layer, Function | Source)
                if source is None or (unknown and tensor not in given):
                    raise ValueError(
                        f"{owner}: output {output!r} depends on {tensor!r}, which is not among the inputs "
                        f"{[t.name for t in self.inputs]}"
                    )
                if source not in entered:
                    entered.add(source)
                    met.setdefault(_called(source))
                    walk.append((source, iter(source.inputs)))
        return ordered, list(met)

    def in_mode(self, training: bool) -> Graph:
        """The graph for training or inference."""
        return self.in_training if training and self.in_training is not None else self

    @functools.cached_property
    def with_losses(self) -> Walk:
        """The calls for outputs and losses, the arithmetic with numbers for the batch included."""
        return Walk([*self.outputs, *self.losses], set(self.inputs))

    @functools.cached_property
    def _keeps_batch(self) -> bool:
        """Whether the first axis of each value is the batch for sure: there are layers only."""
        return not any(isinstance(node.layer, Function | Source) for node in self.nodes) and all(
            graph is None or graph._keeps_batch for _, graph in self._inside()
        )

    def _inside(self) -> Iterator[tuple[Node, Graph | None]]:
        """The calls of layers, with the graphs of those that have one."""
        for node in self.nodes:
            if not isinstance(node.layer, Function | Source):
                yield node, node.layer.call_graph(node.arguments, node.kwargs)

    def shapes_for(self, shapes: Sequence[Shape]) -> list[Shape]:
        """The shapes of the outputs for inputs of these shapes, whose sizes are all known, the batch included."""
        if self._keeps_batch and all(None not in tensor.shape[1:] for tensor in self.outputs):
            return [(shapes[0][0], *tensor.shape[1:]) for tensor in self.outputs]
        key = tuple(shapes)
        if key not in self._shapes:

            def visit(node: Node, arguments: tuple[Any, ...]) -> list[Shape]:
                found: list[Shape] = []
                tree.map_shapes(found.append, output_shape(node, arguments))
                return found

            while len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.pop(next(iter(self._shapes)))
            self._shapes[key] = self.walk(list(shapes), visit)
        return self._shapes[key]

    def lower(
        self, lowering: PlanWriters, inputs: Sequence[int], *, with_losses: bool = True,
        per_sample_of: int | None = None,
    ) -> list[int]:  # fmt: skip
        """Writes the nodes into the plan; returns the plan's tensors for the outputs.

        Args:
            with_losses: whether the losses are written, and the nodes that only they need.
            per_sample_of: a value by whose number of samples the losses are divided.
        """
        if self.in_training is not None and lowering.trains_here():
            return self.in_training.lower(lowering, inputs, with_losses=with_losses, per_sample_of=per_sample_of)
        values = dict(zip(self.inputs, inputs, strict=True))
        for node in self.nodes:
            if node in self.for_losses and not with_losses:
                continue
            lower_node(node, lowering, values)
        if with_losses:
            for term in self.loss_terms:
                lowering.add_loss(values[term.tensor], term.reduction, term.factor, per_sample_of)
            lowering.loss_constant += self.loss_constant
        return [values[tensor] for tensor in self.outputs]

    def multiply_adds(self, input_shapes: Sequence[Shape]) -> dict[Node, int | None]:
        """Of each call, for one sample; None where its shapes are not all known."""
        costs: dict[Node, int | None] = {}

        def visit(node: Node, arguments: tuple[Any, ...]) -> list[Shape]:
            given = arguments[0] if len(arguments) == 1 else list(arguments)
            result = output_shape(node, arguments)
            shapes: list[Shape] = []
            tree.map_shapes(shapes.append, result)
            known: list[Shape] = list(shapes)
            tree.map_shapes(known.append, given)
            unknown = any(None in shape[1:] for shape in known)
            costs[node] = None if unknown else node.layer.multiply_adds(given, result)
            return shapes

        self.walk(list(input_shapes), visit)
        return costs

    def values_inside(self, input_shapes: Sequence[Shape]) -> int:
        """How many values all calls together give for one sample."""
        total = 0

        def visit(node: Node, arguments: tuple[Any, ...]) -> list[Shape]:
            nonlocal total
            shapes: list[Shape] = []
            tree.map_shapes(shapes.append, output_shape(node, arguments))
            total += sum(math.prod(size or 1 for size in shape[1:]) for shape in shapes)
            return shapes

        self.walk(list(input_shapes), visit)
        return total

    def receptive_span(
        self, outputs: Sequence[SymbolicTensor], low: int, high: int, axis: int
    ) -> tuple[int, int] | None:
        """First and last position along spatial `axis` of the inputs that low..high of `outputs` see; None for all."""
        spans: dict[SymbolicTensor, tuple[int, int]] = dict.fromkeys(outputs, (low, high))
        for node in reversed(self.nodes):
            seen = [spans[tensor] for tensor in node.outputs if tensor in spans]
            if not seen:
                continue
            arguments = tree.transform(lambda tensor: tensor.shape, node.arguments)
            span = node.layer.receptive_span(
                min(span[0] for span in seen), max(span[1] for span in seen), axis,
                arguments[0] if len(arguments) == 1 else list(arguments),
            )  # fmt: skip
            if span is None:
                return None
            for tensor in node.inputs:
                before = spans.get(tensor, span)
                spans[tensor] = min(before[0], span[0]), max(before[1], span[1])
        ends = [spans[tensor] for tensor in self.inputs if tensor in spans]
        return (min(span[0] for span in ends), max(span[1] for span in ends)) if ends else None

    def repeated_on(self, inputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
        """The outputs of the same calls, made once more on other inputs of the same shapes and dtypes."""
        values = dict(zip(self.inputs, inputs, strict=True))
        for node in self.nodes:
            outputs = tree.transform(lambda tensor: SymbolicTensor(tensor.shape, tensor.dtype), node.output_structure)
            copy = Node(
                node.layer, tree.transform(values.__getitem__, node.arguments), node.kwargs, node.training, outputs,
                [None if mask is None else values[mask] for mask in node.masks],
            )  # fmt: skip
            values.update(zip(node.outputs, copy.outputs, strict=True))
        return [values[tensor] for tensor in self.outputs]

    def walk(self, start: Sequence[Any], visit: Callable[[Node, Any], Any]) -> list[Any]:
        """Carries values from the inputs to the outputs: `visit(node, values as arguments)` gives a node's values."""
        values = self.carried(start, visit)
        return [values[tensor] for tensor in self.outputs]

    def carried(self, start: Sequence[Any], visit: Callable[[Node, Any], Any]) -> dict[SymbolicTensor, Any]:
        """The values of all tensors, as in `walk`."""
        values = dict(zip(self.inputs, start, strict=True))
        for node in self.nodes:
            results = visit(node, tree.transform(values.__getitem__, node.arguments))
            values.update(zip(node.outputs, results, strict=True))
        return values


def lower_node(node: Node, lowering: PlanWriters, values: dict[SymbolicTensor, int]) -> None:
    """Writes one call into a plan.

    Args:
        values: the plan's tensors of the inputs; those of the outputs are added.
    """
    masks = [None if mask is None else values[mask] for mask in node.masks]
    given = lowering.with_masks([values[tensor] for tensor in tree.flatten(node.arguments)], masks)
    arguments = tree.pack(node.arguments, given)
    with lowering.mode(node.training), lowering.inside(node.layer.name):
        results = node.layer.lower_call(lowering, arguments, node.kwargs)
    for tensor, result in zip(node.outputs, results, strict=True):
        values[tensor] = result
        lowering.set_dtype(result, tensor.dtype)


def output_shape(node: Node, arguments: tuple[Any, ...]) -> Any:
    """The shape of what a call gives, or those of several results, for the shapes of its arguments."""
    if isinstance(node.layer, Function):
        given = [Spec(tuple(shape), item.dtype) for shape, item in zip(arguments, node.inputs, strict=True)]
        return [spec.shape for spec in node.layer.specs(given)]
    options = {name: node.kwargs[name] for name in node.layer.call_options if name in node.kwargs}
    return node.layer.compute_output_shape(arguments[0] if len(arguments) == 1 else list(arguments), **options)


def _called(node: Node) -> CalledLayer | Node:
    """The layer of a call; the call itself where a function was called, as each call is an operation of its own."""
    return node if isinstance(node.layer, Function | Source) else node.layer


def _by_depth(
    ordered: list[Node], met: list[CalledLayer | Node], inputs: list[SymbolicTensor]
) -> list[CalledLayer | Node]:
    """Keras's order of layers: by falling distance from the outputs (the longest way), then in the order of `met`."""
    distance: dict[Node, int] = {}
    depth: dict[CalledLayer | Node, int] = {}
    known, ends = set(ordered), set(inputs)
    for node in reversed(ordered):
        called = _called(node)
        here = max(distance.get(node, 0), depth.get(called, 0))
        depth[called] = distance[node] = here
        for tensor in node.inputs:
            if tensor.node in known and not (tensor in ends and tensor.node.inputs):
                distance[tensor.node] = max(here + 1, distance.get(tensor.node, 0))
    rank = {layer: number for number, layer in enumerate(met)}
    for tensor in inputs:  # an input nothing depends on comes with the last layers
        if tensor.node is not None and not tensor.node.inputs and tensor.node.layer not in depth:
            depth[tensor.node.layer], rank[tensor.node.layer] = 0, -1
    return sorted(depth, key=lambda layer: (-depth[layer], rank[layer]))
