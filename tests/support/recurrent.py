"""The kinds of recurrent layers, made with day33 or with Keras."""

from __future__ import annotations

import pytest

N, T, C, U = 5, 6, 3, 4
KINDS = {"LSTM": {}, "GRU": {}, "GRU before": {"reset_after": False}, "SimpleRNN": {}}
STATES = {"LSTM": 2, "GRU": 1, "GRU before": 1, "SimpleRNN": 1}
GATES = {"LSTM": 4, "GRU": 3, "GRU before": 3, "SimpleRNN": 1}
every_kind = pytest.mark.parametrize("kind", KINDS)


def make_layer(library, kind, units=U, **arguments):
    given = {**KINDS[kind], **arguments}
    if kind == "SimpleRNN":
        given.pop("recurrent_activation", None)
    return getattr(library.layers, kind.split()[0])(units, **given)


def make_cell(library, kind, units=U, **arguments):
    return getattr(library.layers, f"{kind.split()[0]}Cell")(units, **{**KINDS[kind], **arguments})
