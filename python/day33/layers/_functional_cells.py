"""Recurrent layers with an activation that is a function of the user's: their formulas, written for each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from .._core.dispatch import tracing
from .._graph.graph import Graph
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from ..activations import ActivationSpec
from ._activated import traced
from ._cell import step_by_step

Act = Callable[[Any], Any]


def over_time_with_functions(
    cell: Any, lowering: Lowering, x: int, mask: int, initial: Sequence[int]
) -> tuple[int, list[int]]:
    """`Cell.over_time` of a `GatedCell`.

    Raises:
        ValueError: the cell has dropout.
    """
    if cell.dropout or cell.recurrent_dropout:
        raise ValueError("it has dropout and an activation that is a function of yours; expected one of the two")

    def act_by(which: str) -> Act:
        activation: ActivationSpec = getattr(cell, which)
        owner = f"{which} of layer {cell.name!r}"
        return lambda given: traced(activation, given, owner)

    formula = _FORMULAS[cell.gates]
    given = [SymbolicTensor((None, size)) for size in (cell.gates * cell.units, *[cell.units] * cell.states)]
    with tracing():
        results = formula(cell, given[0], given[1:], act_by("activation"), act_by("recurrent_activation"))
    graph = Graph(given, results, f"layer {cell.name!r}")
    inputs = lowering.builder.dense(x, lowering.slot(cell.kernel), -1)

    def one_step(row: int, states: list[int]) -> list[int]:
        return graph.lower(lowering, [row, *states])

    return step_by_step(cell, lowering, inputs, mask, initial, one_step)


def _biased(value: Any, bias: Any) -> Any:
    return value if bias is None else value + bias


def _simple(cell: Any, x: Any, states: Sequence[Any], act: Act, gate: Act) -> list[Any]:
    """`SimpleRNN`; x is the input times the kernel."""
    h = act(_biased(x + ops.matmul(states[0], cell.recurrent_kernel), cell.bias))
    return [h, h]


def _lstm(cell: Any, x: Any, states: Sequence[Any], act: Act, gate: Act) -> list[Any]:
    h, c = states
    i, f, g, o = ops.split(_biased(x + ops.matmul(h, cell.recurrent_kernel), cell.bias), 4, axis=-1)
    c = gate(f) * c + gate(i) * act(g)
    h = gate(o) * act(c)
    return [h, h, c]


def _gru(cell: Any, x: Any, states: Sequence[Any], act: Act, gate: Act) -> list[Any]:
    # What is made of weights alone is no value of a sample: weights are used whole, and results are cut.
    (h,), units = states, cell.units
    x, product = _with_biases(cell, x, ops.matmul(h, cell.recurrent_kernel))
    z, r = ops.split(gate(x[:, : 2 * units] + product[:, : 2 * units]), 2, axis=-1)
    if cell.reset_after:
        g = r * product[:, 2 * units :]
    else:
        g = ops.matmul(r * h, cell.recurrent_kernel)[:, 2 * units :]
    h = z * h + (1.0 - z) * act(x[:, 2 * units :] + g)
    return [h, h]


def _with_biases(cell: Any, x: Any, product: Any) -> tuple[Any, Any]:
    if cell.bias is None or not cell.reset_after:
        return _biased(x, cell.bias), product
    return (ops.expand_dims(x, 1) + cell.bias)[:, 0], (ops.expand_dims(product, 1) + cell.bias)[:, 1]


_FORMULAS = {1: _simple, 3: _gru, 4: _lstm}  # by the number of gates
