"""Penalties on weights: a part of what is minimised that depends on no sample, and so is no part of a model's plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._core.variables import Variable
from .._native import add_penalty
from . import penalties
from .functions import Function, VariableSource
from .staged_plan import Cut
from .staging import StagedLowering

if TYPE_CHECKING:
    from .._core.types import Array
    from .batch_means import Term
    from .graph import Graph


class WeightPenalties:
    """The penalties on some variables, as their regularizers say.

    Sums of squares and of absolute values, which L1 and L2 are made of, are native; other functions run as plans.

    Args:
        variables: with a regularizer each.

    Raises:
        TypeError, ValueError: a regularizer does something that cannot be traced.
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.variables = list(variables)
        self._constant = 0.0
        self._factors: dict[Variable, dict[str, float]] = {}
        traced: list[Graph] = []
        for variable in variables:
            assert variable.regularizer is not None
            graph = penalties.of_variable(variable.regularizer, variable)
            kinds = [_kind(term) for term in graph.loss_terms]
            if None in kinds:
                traced.append(graph)
                continue
            self._constant += graph.loss_constant
            factors = self._factors.setdefault(variable, {"abs": 0.0, "square": 0.0})
            for kind, term in zip(kinds, graph.loss_terms, strict=True):
                share = max(variable.size, 1) if term.reduction == "mean" else 1
                factors[str(kind)] += term.factor / share
        self._traced = _Traced(traced) if traced else None
        self._constant += sum(graph.loss_constant for graph in traced)

    def value(self) -> float:
        """The sum of all penalties."""
        total = self._constant
        for variable, factors in self._factors.items():
            total += add_penalty(variable.parameter, None, l1=factors["abs"], l2=factors["square"])
        return total if self._traced is None else total + self._traced.value()

    def add_gradients(self, into: Mapping[Variable, Array]) -> float:
        """Adds the gradient of each variable to its array; returns the sum of all penalties."""
        total = self._constant
        for variable, factors in self._factors.items():
            total += add_penalty(variable.parameter, into[variable], l1=factors["abs"], l2=factors["square"])
        return total if self._traced is None else total + self._traced.add_gradients(into)


class _Traced:
    """The losses of some graphs that begin with variables alone."""

    def __init__(self, graphs: Sequence[Graph]) -> None:
        stages = StagedLowering()
        for graph in graphs:
            graph.lower(stages, [])
        places = [
            (stages.loss(loss.value, "value", reduction=loss.reduction, weight=loss.factor), loss.reduction == "mean")
            for loss in stages.losses
        ]
        self._factors = [loss.factor for loss in stages.losses]
        self._cut = Cut(stages, [], [], places)

    def value(self) -> float:
        return self._total(self._cut.losses([])[0])

    def add_gradients(self, into: Mapping[Variable, Array]) -> float:
        found = self._cut.gradients([])
        for variable, gradient in found.variables.items():
            np.add(into[variable], gradient, out=into[variable])
        return self._total(found.values)

    def _total(self, values: Sequence[float]) -> float:
        return sum(factor * value for factor, value in zip(self._factors, values, strict=True))


def _kind(term: Term) -> str | None:
    """What a sum over a variable is made of, where it is native: "abs" or "square" of each element."""
    node = term.tensor.node
    if node is None or not isinstance(node.layer, Function) or len(node.inputs) != 1:
        return None
    source = node.inputs[0].node
    of_variable = source is not None and isinstance(source.layer, VariableSource)
    return node.layer.penalty_kind() if of_variable else None
