"""LSTM, GRU and RNN of ONNX as layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import layers, ops
from .._graph.tensors import SymbolicTensor
from .registry import Call, Result, reads
from .values import Array, Value, plain, steps_second


@dataclass(frozen=True)
class _Kind:
    """A recurrent operator.

    Attributes:
        layer: its class. order: the places of Keras's gates in those of ONNX. states: how many.
        activations: the defaults of ONNX.
    """

    layer: Callable[..., Any]
    order: tuple[int, ...]
    states: int
    activations: tuple[str, ...]


_KINDS = {
    "LSTM": _Kind(layers.LSTM, (0, 2, 3, 1), 2, ("Sigmoid", "Tanh", "Tanh")),  # i, o, f, c
    "GRU": _Kind(layers.GRU, (0, 1, 2), 1, ("Sigmoid", "Tanh")),
    "RNN": _Kind(layers.SimpleRNN, (0,), 1, ("Tanh",)),
}
_ACTIVATIONS = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softsign": "softsign", "Softplus": "softplus",
    "Elu": "elu", "HardSigmoid": "hard_sigmoid",
}  # fmt: skip
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@reads("LSTM", "GRU", "RNN")
def _recurrent(call: Call) -> Result:
    kind = _KINDS[call.node.op]
    directions = _DIRECTIONS[call.expect("direction", "forward", "reverse", "bidirectional")]
    call.without(4, 7)  # lengths and peepholes
    if "clip" in call.node.attributes or call.get("input_forget", 0):
        raise ValueError("its sums are clipped, or its gates are coupled; expected neither")
    batch_first = call.expect("layout", 0, 1) == 1
    value = call.given(0)
    if value.rank != 3:
        raise ValueError(f"its input has shape {value.sizes}; expected three axes")
    x = value.tensor(plain(3) if batch_first else steps_second(3))
    kernels, recurrents = call.constant(1), call.constant(2)
    biases = call.constant(3) if call.has(3) else None
    units, gates = recurrents.shape[-1], len(kind.order)
    expected = [(len(directions), gates * units, size) for size in (x.shape[-1], units)]
    shapes = [kernels.shape, recurrents.shape]
    if shapes != expected or (biases is not None and biases.shape != (len(directions), 2 * gates * units)):
        raise ValueError(f"its weights have shapes {shapes}; expected {expected}, and biases to match")
    names = call.get("activations", kind.activations * len(directions))
    if len(names) != len(kind.activations) * len(directions):
        raise ValueError(f"its attribute 'activations' is {names}; expected {len(kind.activations)} for each direction")
    outputs, last = [], []
    for number, backwards in enumerate(directions):
        own = names[number * len(kind.activations) :][: len(kind.activations)]
        options = {
            **_activations(call, own, gates), **_reset(call), "use_bias": biases is not None, "go_backwards": backwards,
            "return_sequences": True, "return_state": any(call.wanted[1:]),
            "name": call.unique(f"{call.name}_backward") if number else call.name,
        }  # fmt: skip
        layer = call.layer(lambda options=options: kind.layer(units, **options), number, options["return_state"])  # type: ignore[misc]
        initial = _initial(call, kind.states, number, batch_first)
        found = layer(x, initial_state=initial) if initial else layer(x)
        layer.set_weights(_weights(call, kind, kernels[number], recurrents[number], biases, number))
        sequence, *states = found if isinstance(found, list | tuple) else [found]
        outputs.append(ops.flip(sequence, 1) if backwards else sequence)
        last.append(states)
    results = [_stacked(outputs, 2, (0, 2, 1, 3) if batch_first else (1, 2, 0, 3), batch_first)]
    if any(call.wanted[1:]):
        for state in zip(*last, strict=True):
            results.append(_stacked(list(state), 1, (0, 1, 2) if batch_first else (1, 0, 2), batch_first))
    else:
        results += [Value()] * kind.states
    return results


def _stacked(parts: list[SymbolicTensor], axis: int, order: tuple[int, ...], batch_first: bool) -> Value:
    """The directions side by side: (N, T, directions, units), or states (N, directions, units)."""
    if batch_first and axis == 2:
        order = (0, 1, 2, 3)
    tensor = ops.stack(parts, axis) if len(parts) > 1 else ops.expand_dims(parts[0], axis)
    return Value.of(tensor, order)


def _reset(call: Call) -> dict[str, bool]:
    return {"reset_after": bool(call.expect("linear_before_reset", 0, 1))} if call.node.op == "GRU" else {}


def _activations(call: Call, names: tuple[str, ...], gates: int) -> dict[str, str]:
    """The arguments of the layer."""
    wrong = [name for name in names if name not in _ACTIVATIONS]
    inner = {*names[1:]} if gates > 1 else {*names}
    alphas, betas = call.get("activation_alpha", ()), call.get("activation_beta", ())
    standard = all(abs(a - 1 / 6) < 1e-6 for a in alphas) if "HardSigmoid" in names else all(a == 1 for a in alphas)
    if "HardSigmoid" in names and not alphas:
        standard = False  # ONNX's own is another function
    if wrong or len(inner) > 1 or not standard or any(abs(beta - 0.5) > 1e-6 for beta in betas):
        raise ValueError(
            f"its activations are {names} with {alphas} and {betas}; expected, of {sorted(_ACTIVATIONS)}, one for the "
            "gates and one for the rest"
        )
    found = {"activation": _ACTIVATIONS[names[-1]]}
    return found | {"recurrent_activation": _ACTIVATIONS[names[0]]} if gates > 1 else found


def _weights(
    call: Call, kind: _Kind, kernel: Array, recurrent: Array, biases: Array | None, number: int
) -> list[Array]:
    """As the layer has them."""
    units, gates = recurrent.shape[-1], len(kind.order)
    rows = np.concatenate([np.arange(units) + gate * units for gate in kind.order])
    weights = [kernel[rows].T, recurrent[rows].T]
    if biases is not None:
        halves = [half[rows] for half in np.split(biases[number], 2)]
        after = gates == 3 and call.get("linear_before_reset", 0)
        weights.append(np.stack(halves) if after else halves[0] + halves[1])
    return [np.asarray(weight, np.float32) for weight in weights]


def _initial(call: Call, count: int, number: int, batch_first: bool) -> list[SymbolicTensor]:
    """The states before the first step; empty where they are 0."""
    states = []
    for place in range(5, 5 + count):
        value = call.given(place) if call.has(place) else None
        if value is None or (value.array is not None and not value.array.any()):
            continue
        if value.array is not None:
            raise ValueError("its initial states are constants other than 0; expected 0, or values made of inputs")
        tensor = value.tensor(plain(3) if batch_first else steps_second(3))
        states.append(tensor[:, number])
    if states and len(states) != count:
        raise ValueError(f"it has {len(states)} initial states; expected {count} or none")
    return states
