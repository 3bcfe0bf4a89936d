"""Cells, and layers of cells, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from support.recurrent import STATES, C, N, T, U, every_kind, make_cell
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")


@every_kind
@pytest.mark.parametrize("options", [{}, {"activation": "relu", "use_bias": False}], ids=str)
def test_one_step_of_a_cell(kind, options):
    ours, theirs = make_cell(day33, kind, **options), make_cell(keras, kind, **options)
    x, states = random(N, C), [random(N, U, seed=1 + i) for i in range(STATES[kind])]
    theirs(x, states)
    output, after = ours(x, states)
    ours.set_weights(theirs.get_weights())
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    output, after = ours(x, states)
    expected, expected_after = theirs(x, states)
    assert_all_close([output, *after], [np.asarray(a) for a in (expected, *expected_after)])
    if len(states) == 1:
        assert_all_close(list(ours(x, states[0])), [np.asarray(a) for a in theirs(x, states[0])])
    assert ours.state_size == theirs.state_size and ours.output_size == theirs.output_size
    mine, correct = ours.get_config(), theirs.get_config()
    assert mine.keys() == correct.keys()
    assert type(ours).from_config(mine).get_config() == mine


STACKS = {
    "one": lambda make: make.LSTMCell(4),
    "two": lambda make: [make.LSTMCell(4), make.GRUCell(3)],
    "three": lambda make: make.StackedRNNCells(
        [make.SimpleRNNCell(5, activation="relu"), make.GRUCell(4, reset_after=False), make.LSTMCell(3)]
    ),
}


def of_stack(stack, initial=False, **options):
    def build(library):
        make = library.layers
        x = y = library.Input((T, C))
        y = make.Masking()(y)
        cell = STACKS[stack](make)
        layer = make.RNN(cell, name="stack", **options)
        states, inputs = {}, [x]
        if initial:
            inputs.append(library.Input((2,)))
            seed = inputs[1]
            sizes = layer.state_size
            given = [
                make.Dense(size)(seed) if isinstance(size, int) else [make.Dense(s)(seed) for s in size]
                for size in sizes
            ]
            states["initial_state"] = given if stack != "one" else given[0] if isinstance(given[0], list) else given
        outputs = layer(y, **states)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        flat = [part for output in outputs for part in (output if isinstance(output, list | tuple) else [output])]
        return library.Model(inputs if initial else x, [make.Dense(2)(part) for part in flat])

    return build


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True, "return_state": True}, {"go_backwards": True, "return_state": True},
     {"return_sequences": True, "zero_output_for_mask": True}],
    ids=str,
)  # fmt: skip
def test_layers_of_cells(stack, options, tmp_path):
    ours, theirs = build_both(of_stack(stack, **options), keras)
    x = random(N, T, C) * (np.arange(T) < np.array([6, 1, 3, 5, 2])[:, None])[..., None]
    assert_same_predictions(ours, theirs, x)
    outputs = ours.predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    targets = [random(*y.shape, seed=i) for i, y in enumerate(outputs)]
    assert_same_gradients(ours, theirs, keras, x, targets if len(targets) > 1 else targets[0], ["mse"] * len(targets))
    for name in ("stack.keras", "stack.h5"):
        theirs.save(tmp_path / name)
        read = day33.load_model(tmp_path / name)
        assert_same_predictions(read, theirs, x)
        read.save(tmp_path / name)
        again = keras.models.load_model(tmp_path / name, compile=False)
        for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert again.get_layer("stack").get_config() == theirs.get_layer("stack").get_config()


@pytest.mark.parametrize("stack", ["one", "three"])
def test_initial_states_of_cells(stack):
    ours, theirs = build_both(of_stack(stack, initial=True, return_state=True), keras)
    x = [random(N, T, C), random(N, 2, seed=1)]
    assert_same_predictions(ours, theirs, x)


def minimal_cell(library):
    """The class of a cell with a `call` of its own, in either library."""
    ops = library.ops

    class MinimalCell(library.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units, self.state_size = units, units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

        def call(self, inputs, states):
            before = states[0] if isinstance(states, list | tuple) else states
            output = ops.tanh(ops.matmul(inputs, self.kernel)) + ops.matmul(before, self.recurrent_kernel)
            return output, [output * 0.5]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return MinimalCell


@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True, "return_state": True}, {"go_backwards": True}], ids=str
)
@pytest.mark.parametrize("stacked", [False, True])
def test_cells_of_ones_own(stacked, options, tmp_path):
    def build(library):
        make = library.layers
        x = library.Input((T, C))
        own = minimal_cell(library)
        cell = [own(4), make.GRUCell(3), own(2)] if stacked else own(4)
        outputs = make.RNN(cell, name="own", **options)(make.Masking()(make.Dense(3)(x)))
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        flat = [part for output in outputs for part in (output if isinstance(output, list | tuple) else [output])]
        return library.Model(x, [make.Dense(2)(part) for part in flat])

    ours, theirs = build_both(build, keras)
    x = random(N, T, C) * (np.arange(T) < np.array([6, 1, 3, 5, 2])[:, None])[..., None]
    assert_same_predictions(ours, theirs, x)
    outputs = ours.predict(x, verbose=0)
    targets = [random(*y.shape, seed=i) for i, y in enumerate(outputs if isinstance(outputs, list) else [outputs])]
    assert_same_gradients(ours, theirs, keras, x, targets if len(targets) > 1 else targets[0], ["mse"] * len(targets))
    ours.save(tmp_path / "own.keras")
    again = day33.load_model(tmp_path / "own.keras", custom_objects={"MinimalCell": minimal_cell(day33)})
    assert_all_close(again.predict(x, verbose=0), ours.predict(x, verbose=0), 0)


def test_stateful_stack():
    ours = day33.layers.RNN(STACKS["three"](day33.layers), stateful=True)
    theirs = keras.layers.RNN(STACKS["three"](keras.layers), stateful=True)
    x = random(N, T, C)
    theirs(x)
    for states in theirs.states:  # Keras's reset_state fails for a stack
        for state in states if isinstance(states, list | tuple) else [states]:
            state.assign(np.zeros(state.shape))
    ours(x)
    ours.reset_state()
    ours.set_weights(theirs.get_weights())
    for _ in range(3):
        assert_all_close(ours(x), np.asarray(theirs(x)))
    flat = [v for states in theirs.states for v in (states if isinstance(states, list | tuple) else [states])]
    assert_all_close([v.numpy() for v in ours.states], [v.numpy() for v in flat])


def test_a_layer_is_that_of_its_cell():
    layer, of_cell = (
        day33.layers.GRU(4, return_sequences=True),
        day33.layers.RNN(day33.layers.GRUCell(4), return_sequences=True),
    )
    x = random(N, T, C)
    layer(x)
    of_cell(x)
    of_cell.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(x), of_cell(x))
    assert layer.cell.units == layer.units == 4 and layer.cell.kernel is layer.kernel
    assert layer.weights[0].path == f"{layer.name}/gru_cell/kernel"
    layer.activation = "relu"
    assert layer.cell.activation.kind == "relu" and not np.array_equal(layer(x), of_cell(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: day33.layers.RNN(day33.layers.Dense(3)), "expected a LSTMCell"),
        (lambda: day33.layers.StackedRNNCells([]), r"cells is \[\]"),
        (lambda: day33.layers.StackedRNNCells([day33.layers.Dense(3)]), "expected a list of cells"),
        (lambda: day33.layers.LSTMCell(0), "units is 0"),
        (lambda: day33.layers.LSTMCell(3)(random(2, 3), [random(2, 3)]), "1 tensors; expected 2"),
        (lambda: day33.layers.GRUCell(3)(random(2, 3), random(2, 4)), r"\(N, 3\)"),
        (lambda: day33.layers.GRUCell(3)(random(2, 3, 1), random(2, 3)), r"expected \(N, C\)"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
