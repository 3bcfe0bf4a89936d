"""The graph of what a recorder has written down, compiled once for all recordings that are alike."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from .._core.variables import modes_version
from .batch_means import Term, split
from .functions import Function, Source
from .graph import Graph
from .staged_plan import Cut
from .staging import StagedLowering
from .tensors import SymbolicTensor

_CUTS_KEPT = 32

_lock = threading.Lock()
_cuts: OrderedDict[Hashable, Cut] = OrderedDict()


class RecordedGraph:
    """What is between arrays on one side, and outputs, scalars and a target on the other.

    Args:
        outputs, scalars: whose values are wanted.
        target: whose sum has the gradient that is wanted; None for no gradient.
        given: tensors inside at which the graph is to begin.

    Attributes:
        leaves: the tensors with which it begins, in the order of the inputs of `cut`.
    """

    def __init__(
        self, outputs: Sequence[SymbolicTensor], scalars: Sequence[SymbolicTensor], target: SymbolicTensor | None,
        given: Sequence[SymbolicTensor],
    ) -> None:  # fmt: skip
        self._outputs = list(outputs)
        wanted: dict[tuple[SymbolicTensor, str], float] = {}
        for term in split(target)[0] if target is not None else ():
            wanted[term.tensor, term.reduction] = term.factor
        self._scalars = [split(scalar) for scalar in scalars]
        for terms, _ in self._scalars:
            for term in terms:
                wanted.setdefault((term.tensor, term.reduction), 0.0)
        self._terms = [Term(tensor, reduction, factor) for (tensor, reduction), factor in wanted.items()]
        ends = [*self._outputs, *(term.tensor for term in self._terms)]
        self.leaves = _leaves(ends, set(given))
        self._graph = Graph(self.leaves, self._outputs, "the recorded calls", terms=self._terms)

    def values_of_scalars(self, values: Sequence[float]) -> list[float]:
        """The scalars, from the values of the losses of `cut`."""
        by_term = {(t.tensor, t.reduction): value for t, value in zip(self._terms, values, strict=True)}
        return [
            constant + sum(term.factor * by_term[term.tensor, term.reduction] for term in terms)
            for terms, constant in self._scalars
        ]

    def cut(self) -> Cut:
        """The graph in stages. Cached."""
        key = self._key()
        with _lock:
            found = _cuts.get(key)
            if found is not None:
                _cuts.move_to_end(key)
                return found
        stages = StagedLowering()
        numbers = [stages.give(_known(leaf), leaf.dtype, None) for leaf in self.leaves]
        outputs = self._graph.lower(stages, numbers)
        places = [
            (stages.loss(loss.value, "value", reduction=loss.reduction, weight=loss.factor), loss.reduction == "mean")
            for loss in stages.losses
        ]
        cut = Cut(stages, numbers, outputs, places, kept=[node.layer for node in self._graph.nodes])
        with _lock:
            _cuts[key] = cut
            while len(_cuts) > _CUTS_KEPT:
                _cuts.popitem(last=False)
        return cut

    def _key(self) -> Hashable:
        """What the graph computes: which layers and functions of what, and in which modes."""
        numbers: dict[SymbolicTensor, int] = {leaf: number for number, leaf in enumerate(self.leaves)}
        calls: list[Hashable] = [(leaf.shape, leaf.dtype) for leaf in self.leaves]
        for node in self._graph.nodes:
            layer: Any = node.layer
            what = layer.key() if isinstance(layer, Function | Source) else id(layer)
            masks = tuple(None if mask is None else numbers[mask] for mask in node.masks)
            calls.append(
                (what, tuple(numbers[item] for item in node.inputs), masks, repr(sorted(node.kwargs.items())),
                 node.training)
            )  # fmt: skip
            for tensor in node.outputs:
                numbers[tensor] = len(numbers)
        ends = tuple(numbers[tensor] for tensor in self._outputs)
        terms = tuple((numbers[term.tensor], term.reduction, term.factor) for term in self._terms)
        return modes_version(), tuple(calls), ends, terms


def forget() -> None:
    """Drops all compiled recordings."""
    with _lock:
        _cuts.clear()


def _leaves(ends: Sequence[SymbolicTensor], given: set[SymbolicTensor]) -> list[SymbolicTensor]:
    """The tensors without a call, or among `given`, that `ends` depend on, in the order met."""
    found: dict[SymbolicTensor, None] = {}
    seen: set[SymbolicTensor] = set()
    pending = list(reversed(ends))
    while pending:
        tensor = pending.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if tensor in given or tensor.node is None:
            found[tensor] = None
        else:
            pending += reversed(tensor.node.inputs)
    return list(found)


def _known(tensor: SymbolicTensor) -> tuple[int, ...]:
    return tuple(size or 0 for size in tensor.shape)
