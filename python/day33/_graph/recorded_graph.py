"""Graphs of what a recorder has written down, compiled once for all recordings that are alike."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._core.slices import Wanted, with_slices
from .._core.types import Array
from .._core.variables import Variable
from .batch_means import Term, split
from .draws import Call
from .functions import ConstantSource, Function, Given, Operand, Source, Spec, VariableSource, Writer
from .graph import lower_node
from .lowering import Mode
from .staged_plan import Cut, Gradients, Versions
from .staging import StagedLowering
from .tensors import Node, SymbolicTensor
from .walk import Walk

_FAMILIES_KEPT = 64
_VARIANTS_KEPT = 16
_CONSTANTS_KEPT = 4  # graphs that differ by numbers alone, before these become inputs

_lock = threading.Lock()
_families: OrderedDict[Hashable, _Family] = OrderedDict()
_constants: OrderedDict[Hashable, set[Hashable]] = OrderedDict()  # the numbers met, by the rest of a key
_no_call = Call()


class Wish(NamedTuple):
    """What is wanted of a recording.

    Attributes:
        arrays, scalars: whose values are wanted; the scalars have no axes.
        target: whose sum has the gradient that is wanted; None for no gradient.
        variables, tensors: with respect to which.
    """

    arrays: Sequence[SymbolicTensor]
    scalars: Sequence[SymbolicTensor] = ()
    target: SymbolicTensor | None = None
    variables: Sequence[Variable] = ()
    tensors: Sequence[SymbolicTensor] = ()

    @property
    def ends(self) -> list[SymbolicTensor]:
        """Where the graph ends."""
        return [*self.arrays, *self.scalars, *(() if self.target is None else (self.target,))]


class Found(NamedTuple):
    """What a run gave: values in the order of the wish, and gradients, None where the target does not depend on what
    they are with respect to.
    """

    arrays: list[Array]
    scalars: list[float]
    variables: list[Array | None]
    tensors: list[Array | None]


@dataclass
class _Family:
    """Graphs that differ in what a recorder knows of their calls alone.

    Attributes:
        is_random, counts: whether that matters: which draws are made, and whether they were run before.
        kept: what is known by its identity, and so has to live on.
        constants: how many of them differ by numbers alone; these are inputs where there are too many.
    """

    kept: list[object]
    is_random: bool = True
    counts: bool = True
    variants: OrderedDict[Hashable, _Compiled] = field(default_factory=OrderedDict)


class RecordedGraph:
    """What is between arrays on one side and a wish on the other.

    Args:
        wish: what is wanted.
        begins: tensors inside whose values are known, with which the graph is to begin.
        calls: what the recorder knows of the calls of layers.

    Attributes:
        leaves: the tensors with which it begins, in the order in which `run` takes their arrays.
        nodes: the calls in it.
    """

    def __init__(self, wish: Wish, begins: Container[SymbolicTensor], calls: Callable[[Node], Call | None]) -> None:
        self._wish = wish
        walk = Walk(wish.ends, begins)
        self.nodes = walk.nodes
        self.leaves = walk.leaves
        self._calls = calls
        skeleton, constants = self._key()
        with _lock:
            numbers = _constants.get(skeleton)
            if numbers is None:
                numbers = _constants[skeleton] = set()
                while len(_constants) > _FAMILIES_KEPT:
                    _constants.popitem(last=False)
            if len(numbers) < _CONSTANTS_KEPT:
                numbers.add(constants)
            self._varies = constants not in numbers
        if self._varies:
            self.leaves += [node.outputs[0] for node in self.nodes if _number(node) is not None]
        self._key_of_family: Hashable = skeleton, None if self._varies else constants

    def _key(self) -> tuple[Hashable, Hashable]:
        """What the graph computes: which layers and functions of what, and in which modes; and the numbers in it."""
        numbers: dict[SymbolicTensor, int] = {leaf: number for number, leaf in enumerate(self.leaves)}
        entries: list[Hashable] = [(leaf.shape, leaf.dtype) for leaf in self.leaves]
        constants: list[Hashable] = []
        for node in self.nodes:
            layer: Any = node.layer
            inputs = tuple([numbers[tensor] for tensor in node.inputs])
            if isinstance(layer, ConstantSource) and layer.number is not None:
                entries.append(layer.dtype)
                constants.append(layer.number)
            elif isinstance(layer, ConstantSource):
                entries.append(id(layer))
            elif isinstance(layer, Function | Source):
                entries.append((layer.key(), inputs))
            else:
                masks = tuple(None if mask is None else numbers[mask] for mask in node.masks)
                kwargs = repr(sorted(node.kwargs.items())) if node.kwargs else ""
                entries.append((id(layer), layer.mode_key(), inputs, node.training, masks, kwargs))
            for tensor in node.outputs:
                numbers[tensor] = len(numbers)
        wish = self._wish
        wanted = [tuple([numbers[tensor] for tensor in group]) for group in (wish.arrays, wish.scalars)]
        # What the graph does not have in it has no gradient.
        tensors = tuple([numbers.get(tensor) for tensor in wish.tensors])
        target = None if wish.target is None else numbers[wish.target]
        variables = tuple([id(variable) for variable in wish.variables])
        return (tuple(entries), *wanted, target, variables, tensors), tuple(constants)

    def run(
        self, arrays: Mapping[SymbolicTensor, Array], seed: Callable[[], int], versions: Versions,
        slice_sums: Wanted = (),
    ) -> Found:  # fmt: skip
        """The values and gradients.

        Args:
            arrays: of the leaves, as arrays in the dtype of these.
            seed: gives the seed of what is random.
            versions: earlier values of variables.
            slice_sums: which sums over slices gradients of variables are to have with them.
        """
        compiled = self._compiled()
        given = [arrays[leaf] if leaf in arrays else _constant(leaf) for leaf in self.leaves]
        return compiled.run(given, seed() if compiled.cut.is_random else 0, versions, slice_sums)

    def _compiled(self) -> _Compiled:
        key = self._key_of_family
        with _lock:
            family = _families.get(key)
            if family is None:
                kept: list[object] = [node.layer for node in self.nodes]
                family = _families[key] = _Family([*kept, *self._wish.variables])
                while len(_families) > _FAMILIES_KEPT:
                    _families.popitem(last=False)
            _families.move_to_end(key)
            variant = self._variant(family)
            found = family.variants.get(variant)
        if found is None:
            found = _Compiled(self._wish, self.nodes, self.leaves, self._calls)
            with _lock:
                family.is_random, family.counts = found.cut.is_random, found.cut.changes_variables
                family.variants[self._variant(family)] = found
                while len(family.variants) > _VARIANTS_KEPT:
                    family.variants.popitem(last=False)
        return found

    def _variant(self, family: _Family) -> Hashable:
        """What the recorder knows of the calls, as far as it matters."""
        calls = [call for node in self.nodes if (call := self._calls(node)) is not None]
        return (
            tuple([call.draw for call in calls]) if family.is_random else None,
            tuple([call.repeated for call in calls]) if family.counts else None,
            tuple([call.version for call in calls]) if any(call.version for call in calls) else None,
        )


def _number(node: Node) -> float | None:
    return node.layer.number if isinstance(node.layer, ConstantSource) else None


def _constant(tensor: SymbolicTensor) -> Array:
    assert tensor.node is not None and isinstance(tensor.node.layer, ConstantSource)
    return tensor.node.layer.value.astype("int32" if tensor.dtype == "bool" else tensor.dtype)


class _Compiled:
    """A graph in stages.

    Attributes:
        cut: the stages.
    """

    def __init__(
        self, wish: Wish, nodes: Sequence[Node], leaves: Sequence[SymbolicTensor],
        calls: Callable[[Node], Call | None],
    ) -> None:  # fmt: skip
        whole = {*wish.tensors, *leaves}
        wanted: dict[tuple[SymbolicTensor, str], float] = {}
        for term in split(wish.target, whole)[0] if wish.target is not None else ():
            wanted[term.tensor, term.reduction] = term.factor
        scalars = [split(scalar, whole) for scalar in wish.scalars]
        for terms, _ in scalars:
            for term in terms:
                wanted.setdefault((term.tensor, term.reduction), 0.0)
        self._terms = [Term(tensor, reduction, factor) for (tensor, reduction), factor in wanted.items()]
        numbers = {(term.tensor, term.reduction): number for number, term in enumerate(self._terms)}
        self._scalars = [
            ([(term.factor, numbers[term.tensor, term.reduction]) for term in terms], constant)
            for terms, constant in scalars
        ]
        reached, variables = _reached(wish.target, set(leaves)) if wish.target is not None else (set(), set())
        self._variables = [variable if id(variable) in variables else None for variable in wish.variables]
        tensors = [tensor if tensor in reached else None for tensor in wish.tensors]
        self._with_gradients = wish.target is not None
        trained = {id(variable) for variable in self._variables if variable is not None}
        self._write(wish, nodes, leaves, calls, tensors, trained)

    def _write(
        self, wish: Wish, nodes: Sequence[Node], leaves: Sequence[SymbolicTensor],
        calls: Callable[[Node], Call | None], tensors: Sequence[SymbolicTensor | None], trained: set[int],
    ) -> None:  # fmt: skip
        mode = Mode(training=True, only_training=True)
        stages = StagedLowering(trains=lambda variable: id(variable) in trained, mode=mode)
        watched = set(tensors)
        values = {leaf: stages.give(_known(leaf), leaf.dtype, None, leaf in watched) for leaf in leaves}
        inputs = list(values.values())
        # The gradient with respect to a tensor inside is that of zeros that are added to it.
        zeros = {
            tensor: stages.give(_known(tensor), "float32", None, True)
            for tensor in tensors if tensor is not None and tensor not in values
        }  # fmt: skip
        self._zeros = [np.zeros(_known(tensor), np.float32) for tensor in zeros]
        places = {tensor: number for number, tensor in enumerate([*leaves, *zeros])}
        self._tensors = [None if tensor is None else places[tensor] for tensor in tensors]
        needed = set(Walk([*wish.arrays, *(term.tensor for term in self._terms)], values).nodes)
        for node in nodes:
            if node not in needed:
                continue  # of arithmetic with scalars that the terms have replaced
            with stages.calling(calls(node) or _no_call):
                lower_node(node, stages, values)
            for tensor in node.outputs:
                if tensor in zeros:
                    (values[tensor],) = stages.apply(_Sum(), [values[tensor], zeros[tensor]])
        losses = [
            (
                stages.loss(values[term.tensor], "value", reduction=term.reduction, weight=term.factor),
                term.reduction == "mean",
            )
            for term in self._terms
        ]
        self.cut = Cut(stages, [*inputs, *zeros.values()], [values[tensor] for tensor in wish.arrays], losses)

    def run(self, arrays: Sequence[Array], seed: int, versions: Versions, slice_sums: Wanted = ()) -> Found:
        """The values and gradients, from the arrays of the leaves."""
        given = [*arrays, *self._zeros]
        if not self._with_gradients:
            values, outputs = self.cut.losses(given, training=True, seed=seed, versions=versions)
            return Found(outputs, self._values_of_scalars(values), [], [])
        found: Gradients = self.cut.gradients(given, training=True, seed=seed, versions=versions, slice_sums=slice_sums)
        if slice_sums:
            for variable, gradient in found.variables.items():
                found.variables[variable] = with_slices(gradient, found.slices.get(variable))
        return Found(
            found.outputs,
            self._values_of_scalars(found.values),
            [None if variable is None else _or_zeros(found.variables.get(variable), variable.shape, bool(slice_sums))
             for variable in self._variables],
            [None if place is None else _or_zeros(found.inputs[place], given[place].shape) for place in self._tensors],
        )  # fmt: skip

    def _values_of_scalars(self, values: Sequence[float]) -> list[float]:
        return [
            constant + sum(factor * values[number] for factor, number in parts) for parts, constant in self._scalars
        ]


@dataclass(frozen=True)
class _Sum(Function):
    """The sum of two arrays of one shape."""

    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        return given[0]

    def keeps_samples(self, *given: Given) -> bool:
        return True

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [plan.builder.add([operands[0].tensor, operands[1].tensor])]


def _reached(target: SymbolicTensor, leaves: Container[SymbolicTensor]) -> tuple[set[SymbolicTensor], set[int]]:
    """The tensors, and the identities of the variables, to which gradients of a tensor may go."""
    tensors: set[SymbolicTensor] = set()
    variables: set[int] = set()
    pending = [target]
    while pending:
        tensor = pending.pop()
        if tensor in tensors or tensor.dtype != "float32":
            continue
        tensors.add(tensor)
        if tensor.node is None or tensor in leaves:
            continue
        layer: Any = tensor.node.layer
        if isinstance(layer, VariableSource):
            variables.add(id(layer.variable()))
        elif not (isinstance(layer, Function) and layer.stops_gradient):
            variables.update(id(variable) for variable in layer.weights)
            pending += tensor.node.inputs
    return tensors, variables


def _or_zeros(gradient: Array | None, shape: tuple[int, ...], sliced: bool = False) -> Array:
    if gradient is not None:
        return gradient
    zeros = np.zeros(shape, np.float32)
    return with_slices(zeros, None) if sliced else zeros


def _known(tensor: SymbolicTensor) -> tuple[int, ...]:
    return tuple(size or 0 for size in tensor.shape)


def compiled_count() -> int:
    """How many graphs are compiled."""
    with _lock:
        return sum(len(family.variants) for family in _families.values())
