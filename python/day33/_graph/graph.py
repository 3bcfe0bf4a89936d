"""Graphs of layer calls, and their lowering to native plans.

Calling a layer on a `SymbolicTensor` computes nothing: it makes a `Node` that remembers the layer, its inputs and its
outputs. A `Graph` is the nodes between some inputs and some outputs. To run it, it is lowered for concrete shapes:
every layer writes its ops into a native PlanBuilder.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._core import tree
from .._native import ParameterList, Plan, PlanBuilder

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._training.batches import Array
    from ..layers.base import Layer

Shape = tuple[int | None, ...]

_names = itertools.count()


def reset_names() -> None:
    """Starts the numbers in automatic tensor names over."""
    global _names
    _names = itertools.count()


class SymbolicTensor:
    """A tensor known by its shape alone (Keras's KerasTensor).

    Attributes:
        shape: with the batch first; None where a size is not known yet.
        dtype: "float32" or "int32".
        node: the call that gives this tensor, None for a bare placeholder.
        index: its place among the outputs of that call.
    """

    def __init__(self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype = dtype
        if name is None:
            number = next(_names)
            name = f"keras_tensor_{number}" if number else "keras_tensor"
        self.name = name
        self.node: Node | None = None
        self.index = 0
        # An array of integers given to a composite: whoever consumes it first says whether int32 or float32 is meant.
        self.undecided = False

    @property
    def ndim(self) -> int:
        """Number of axes, with the batch."""
        return len(self.shape)

    def require(self, dtype: str, consumer: str) -> None:
        """Checks that this tensor has `dtype`, or decides that it has."""
        if self.undecided:
            self.dtype, self.undecided = dtype, False
        elif self.dtype != dtype:
            raise ValueError(f"{consumer} was given {self!r}; expected dtype {dtype}")

    def __add__(self, other: object) -> Any:
        if not isinstance(other, SymbolicTensor):
            return NotImplemented
        from ..layers.merging import Add

        return Add()([self, other])

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"{self!r} has no values yet, so NumPy cannot be used on it; combine it by layers only")

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} has no values yet, so it is neither true nor false")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self!r} has no values yet, so it cannot be iterated over")

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Node:
    """One call of a layer on symbolic tensors. `arguments` is the tuple of positional arguments, nested as given."""

    def __init__(
        self, layer: Layer, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None, outputs: Any
    ) -> None:
        self.layer = layer
        self.arguments = arguments
        self.kwargs = kwargs
        # None: as the plan is run. False: always as in inference. True stands only inside a trace being made.
        self.training = training
        self.inputs: list[SymbolicTensor] = tree.flatten(arguments)
        self.output_structure = outputs
        self.outputs: list[SymbolicTensor] = tree.flatten(outputs)
        for index, tensor in enumerate(self.outputs):
            tensor.node, tensor.index = self, index


class Lowering:
    """A plan being written: the builder, the slots given to variables so far, and the mode."""

    def __init__(self) -> None:
        self.builder = PlanBuilder()
        self.variables: list[Variable] = []
        self.inference = False  # inside a layer that was called with training=False
        self._slots: dict[int, int] = {}
        self._dtypes: dict[int, str] = {}
        self._masks: dict[int, int] = {}

    def slot(self, variable: Variable | None) -> int:
        """The parameter slot of `variable`, made on first use; -1 for None."""
        if variable is None:
            return -1
        if id(variable) not in self._slots:
            self._slots[id(variable)] = self.builder.parameter(variable.shape, trainable=variable.trainable)
            self.variables.append(variable)
        return self._slots[id(variable)]

    def input(self, shape: Sequence[int], dtype: str) -> int:
        """A new input of the plan, `shape` without the batch."""
        tensor = self.builder.input(shape, dtype)
        self._dtypes[tensor] = dtype
        return tensor

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Without the batch."""
        return tuple(self.builder.shape(tensor))

    def dtype(self, tensor: int) -> str:
        """Of a tensor of the plan: "float32" or "int32"."""
        return self._dtypes.get(tensor, "float32")

    def set_dtype(self, tensor: int, dtype: str) -> None:
        """Notes the dtype of a layer's result."""
        self._dtypes[tensor] = dtype

    def mask(self, tensor: int) -> int:
        """The mask of a tensor: int32, without the axes it is the same for; -1 for none."""
        return self._masks.get(tensor, -1)

    def set_mask(self, tensor: int, mask: int) -> None:
        """Gives a layer's result a mask, or, with -1, says that it has none."""
        self._masks[tensor] = mask

    def pass_mask(self, inputs: Sequence[int], results: Sequence[int]) -> None:
        """What a layer does with the mask of its inputs that says nothing of masks: it hands the first one on, to
        results that still have the axes the mask speaks of.
        """
        mask = next((self.mask(tensor) for tensor in inputs if self.mask(tensor) >= 0), -1)
        for result in results:
            axes = self.shape(mask) if mask >= 0 else ()
            if result not in self._masks and mask >= 0 and self.shape(result)[: len(axes)] == axes:
                self._masks[result] = mask

    @contextmanager
    def mode(self, training: bool | None) -> Iterator[None]:
        """The mode inside a layer that was called with this `training`; once False, it stays so further inside."""
        before = self.inference
        self.inference = before or training is False
        try:
            yield
        finally:
            self.inference = before


@dataclass(frozen=True)
class LossTerm:
    """A loss on output number `output`, as `PlanBuilder.loss` takes it."""

    output: int
    kind: str
    from_logits: bool = False
    reduction: str = "mean"
    weight: float = 1.0


@dataclass(frozen=True)
class CompiledPlan:
    """A plan with what it runs on.

    Attributes:
        variables: in slot order.
        masks: a plan for the masks of the outputs, None where no output that has a loss has one.
    """

    plan: Plan
    parameters: ParameterList
    variables: list[Variable]
    masks: MaskPlan | None = None


@dataclass(frozen=True)
class MaskPlan:
    """Computes masks of a model's outputs from its inputs.

    Attributes:
        outputs: the numbers of the outputs that have one, in the order of the plan's results.
    """

    plan: Plan
    parameters: ParameterList
    outputs: list[int]

    def masks(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """int32 masks, by number of the output."""
        return dict(zip(self.outputs, self.plan.forward(inputs, self.parameters), strict=True))


def compile_plan(
    lower: Callable[[Lowering, list[int]], list[int]],
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[str],
    losses: Sequence[LossTerm] | None,
) -> CompiledPlan:
    """The plan of what `lower` writes, for inputs of `shapes` (without the batch)."""
    lowering = Lowering()
    inputs = [lowering.input(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    outputs = lower(lowering, inputs)
    for term in losses or ():
        if not 0 <= term.output < len(outputs):
            raise ValueError(f"loss is for output {term.output}; the model has {len(outputs)}")
        lowering.builder.loss(
            outputs[term.output], term.kind, from_logits=term.from_logits, reduction=term.reduction, weight=term.weight
        )
    masked = {term.output for term in losses or () if lowering.mask(outputs[term.output]) >= 0}
    plan = lowering.builder.build(outputs)
    parameters = ParameterList([variable.parameter for variable in lowering.variables])
    masks = _compile_masks(lower, shapes, dtypes, sorted(masked)) if masked else None
    return CompiledPlan(plan, parameters, lowering.variables, masks)


def _compile_masks(
    lower: Callable[[Lowering, list[int]], list[int]],
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[str],
    masked: list[int],
) -> MaskPlan:
    """The same model once more: the builder drops what the masks do not need."""
    lowering = Lowering()
    outputs = lower(lowering, [lowering.input(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)])
    plan = lowering.builder.build([lowering.mask(outputs[number]) for number in masked])
    return MaskPlan(plan, ParameterList([variable.parameter for variable in lowering.variables]), masked)


class Graph:
    """The calls between `inputs` and `outputs` (nested structures of symbolic tensors).

    Attributes:
        nodes: in an order in which they can run, those of input layers left out.
        layers: each once, in Keras's order: farthest from the outputs first, then as met from the outputs.

    Raises:
        ValueError: an output does not depend on the inputs alone, or two layers share a name.
    """

    def __init__(self, inputs: Any, outputs: Any, owner: str) -> None:
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
        ordered, met = self._sort(owner)
        self.layers = _by_depth(ordered, met, self.inputs)
        self.nodes = [node for node in ordered if node.inputs]
        names: set[str] = set()
        for layer in self.layers:
            if layer.name in names:
                raise ValueError(f"two layers of {owner} have the name {layer.name!r}; names must be unique in a model")
            names.add(layer.name)

    def _sort(self, owner: str) -> tuple[list[Node], list[Layer]]:
        """Nodes in post-order of a depth-first walk from the outputs; layers in the order first met."""
        given = set(self.inputs)
        ordered: list[Node] = []
        met: dict[Layer, None] = {}
        entered: set[Node] = set()
        for output in self.outputs:
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
                if source is None or (not source.inputs and tensor not in given):
                    raise ValueError(
                        f"{owner}: output {output!r} depends on {tensor!r}, which is not among the inputs "
                        f"{[t.name for t in self.inputs]}"
                    )
                if source not in entered:
                    entered.add(source)
                    met.setdefault(source.layer)
                    walk.append((source, iter(source.inputs)))
        return ordered, list(met)

    def lower(self, lowering: Lowering, inputs: Sequence[int]) -> list[int]:
        """Writes every node into the plan; returns the plan's tensors for the outputs."""
        values = dict(zip(self.inputs, inputs, strict=True))
        for node in self.nodes:
            arguments = tree.transform(values.__getitem__, node.arguments)
            with lowering.mode(node.training):
                results = node.layer._lower_call(lowering, arguments, node.kwargs)
            for tensor, result in zip(node.outputs, results, strict=True):
                values[tensor] = result
                lowering.set_dtype(result, tensor.dtype)
        return [values[tensor] for tensor in self.outputs]

    def multiply_adds(self, input_shapes: Sequence[Shape]) -> dict[Node, int | None]:
        """Of each call, for one sample; None where its shapes are not all known."""
        costs: dict[Node, int | None] = {}

        def visit(node: Node, arguments: tuple[Any, ...]) -> list[Shape]:
            given = arguments[0] if len(arguments) == 1 else list(arguments)
            result = node.layer.compute_output_shape(given)
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
            given = arguments[0] if len(arguments) == 1 else list(arguments)
            shapes: list[Shape] = []
            tree.map_shapes(shapes.append, node.layer.compute_output_shape(given))
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

    def walk(self, start: Sequence[Any], visit: Callable[[Node, Any], Any]) -> list[Any]:
        """Carries values from the inputs to the outputs: `visit(node, values as arguments)` gives a node's values."""
        values = dict(zip(self.inputs, start, strict=True))
        for node in self.nodes:
            results = visit(node, tree.transform(values.__getitem__, node.arguments))
            values.update(zip(node.outputs, results, strict=True))
        return [values[tensor] for tensor in self.outputs]


def _by_depth(ordered: list[Node], met: list[Layer], inputs: list[SymbolicTensor]) -> list[Layer]:
    """Keras's order of layers: by falling distance from the outputs (the longest way), then in the order of `met`."""
    distance: dict[Node, int] = {}
    depth: dict[Layer, int] = {}
    known = set(ordered)
    for node in reversed(ordered):
        here = max(distance.get(node, 0), depth.get(node.layer, 0))
        depth[node.layer] = distance[node] = here
        for tensor in node.inputs:
            if tensor.node in known and not (tensor in inputs and tensor.node.inputs):
                distance[tensor.node] = max(here + 1, distance.get(tensor.node, 0))
    rank = {layer: number for number, layer in enumerate(met)}
    for tensor in inputs:  # an input nothing depends on comes with the last layers
        if tensor.node is not None and not tensor.node.inputs and tensor.node.layer not in depth:
            depth[tensor.node.layer], rank[tensor.node.layer] = 0, -1
    return sorted(depth, key=lambda layer: (-depth[layer], rank[layer]))


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


def _identity(layer: Layer) -> object:
    """What a layer computes: itself, or, for layers without weights that `call` may make anew, class and arguments."""
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
    return _Signature(core, optional, [keys[tensor] for tensor in graph.outputs])
