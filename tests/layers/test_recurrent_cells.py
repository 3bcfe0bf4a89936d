"""Recurrent layers, beside Keras: other activations, dropout of states, states that last, and cells."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import _native
from day33._graph.lowering import Lowering
from day33.layers.cells import _other_seed
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

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


# ---- activations ----

# Those that backward takes from the output, from the input, and over a row.
ACTIVATIONS = [
    ("relu", "sigmoid"), ("tanh", "hard_sigmoid"), ("linear", "linear"), ("gelu", "silu"), ("softplus", "softsign"),
    (None, "mish"), ("elu", "gelu"), ("softmax", "softmax"), ("leaky_relu", "relu6"), ("log_softmax", "sigmoid"),
    ("selu", "sigmoid"), ("exponential", "tanh"),
]  # fmt: skip


@every_kind
@pytest.mark.parametrize(("activation", "recurrent"), ACTIVATIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_activations(kind, activation, recurrent, masked):
    def build(library):
        make = library.layers
        x = y = library.Input((T, C))
        if masked:
            y = make.Masking()(y)
        y = make.Dense(3)(y)
        options = {"activation": activation, "recurrent_activation": recurrent}
        outputs = make_layer(library, kind, return_sequences=True, return_state=True, **options)(y)
        return library.Model(x, [make.Dense(2)(output) for output in outputs])

    ours, theirs = build_both(build, keras, scale=0.3)
    x = random(N, T, C)
    if masked:
        x *= (np.arange(T) < np.array([6, 1, 3, 5, 2])[:, None])[..., None]
    assert_same_predictions(ours, theirs, x, 1e-5)
    targets = [random(*y.shape, seed=i) for i, y in enumerate(ours.predict(x, verbose=0))]
    gradients = assert_same_gradients(ours, theirs, keras, x, targets, ["mse"] * len(targets), 1e-5)
    assert all(g.any() for g in gradients)


@every_kind
def test_more_rows_than_a_portion(kind):
    """Threads share the cells of a step."""

    def build(library):
        x = library.Input((3, 7))
        return library.Model(
            x, make_layer(library, kind, 33, activation="gelu", recurrent_activation="hard_sigmoid")(x)
        )

    ours, theirs = build_both(build, keras, scale=0.2)
    x = random(130, 3, 7)
    assert_same_predictions(ours, theirs, x, 1e-5)
    assert_same_gradients(ours, theirs, keras, x, random(130, 33, seed=1), "mse", 1e-5)


# ---- dropout ----

RATE, SEED, RUN = 0.4, 11, 77


def plan_of(layer, masked):
    """The plan of a layer, with a mask as second input."""
    layer.build((None, T, C))
    lowering = Lowering()
    x = lowering.input((T, C), "float32")
    if masked:
        lowering.set_mask(x, lowering.input((T,), "int32"))
    return lowering.builder.build(layer.lower(lowering, [x]))


def masks(gates, width, seed):
    """What an op with `seed` drops in a run with the seed RUN, by sample and gate."""
    builder = _native.PlanBuilder()
    ones = builder.input((gates * width,))
    plan = builder.build([builder.dropout(ones, RATE, seed)], layout="channels")
    drawn = plan.forward([np.ones((N, gates * width), np.float32)], [], training=True, seed=RUN)[0]
    return torch.tensor(drawn.reshape(N, gates, width).astype(np.float64))


def by_definition(kind, x, weights, inputs, states, mask):
    """The outputs of a layer as Keras has it, in double. inputs, states: what each gate sees of these, (N, G, ...)."""
    kernel, recurrent, bias = weights
    gates = GATES[kind]
    h, c = torch.zeros(N, U, dtype=torch.float64), torch.zeros(N, U, dtype=torch.float64)
    kernels, recurrents = kernel.split(U, dim=1), recurrent.split(U, dim=1)
    biases = bias.reshape(-1, gates, U)
    outputs = []
    for t in range(T):
        before, of_input = h, [x[:, t] * inputs[:, g] @ kernels[g] + biases[0, g] for g in range(gates)]
        of_state = [
            before * states[:, g] @ recurrents[g] + (biases[1, g] if len(biases) > 1 else 0) for g in range(gates)
        ]
        sums = [a + b for a, b in zip(of_input, of_state, strict=True)]
        after = c
        if kind == "LSTM":
            i, f, g, o = torch.sigmoid(sums[0]), torch.sigmoid(sums[1]), torch.tanh(sums[2]), torch.sigmoid(sums[3])
            after = f * c + i * g
            h = o * torch.tanh(after)
        elif kind == "SimpleRNN":
            h = torch.tanh(sums[0])
        else:
            z, r = torch.sigmoid(sums[0]), torch.sigmoid(sums[1])
            reset = r * of_state[2] if kind == "GRU" else (r * before * states[:, 2]) @ recurrents[2]
            h = z * before + (1 - z) * torch.tanh(of_input[2] + reset)
        keep = mask[:, t, None]
        h, c = torch.where(keep, h, before), torch.where(keep, after, c)
        outputs.append(h)
    return torch.stack(outputs, dim=1)


@every_kind
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "options",
    [{"recurrent_dropout": RATE}, {"dropout": RATE, "recurrent_dropout": RATE}, {"dropout": RATE},
     {"dropout": RATE, "implementation": 1}],
    ids=str,
)  # fmt: skip
def test_dropout_by_definition(kind, options, masked, isa):
    layer = make_layer(day33, kind, return_sequences=True, seed=SEED, **options)
    plan = plan_of(layer, masked)
    assert plan.is_random
    gates = GATES[kind]
    ones = torch.ones(N, gates, 1, dtype=torch.float64)
    inputs = states = ones
    if "recurrent_dropout" in options:
        states = masks(gates, U, _other_seed(SEED))
    if "dropout" in options:
        apart = gates > 1 and len(options) > 1
        inputs = masks(gates if apart else 1, C, SEED).expand(N, gates, C)
        assert 0 < (inputs == 0).sum() < inputs.numel()
    mask = np.arange(T) < (np.array([6, 1, 3, 5, 2])[:, None] if masked else T)
    mask = np.broadcast_to(mask, (N, T))
    weights = [0.5 * random(*v.shape, seed=3 + i) for i, v in enumerate(layer.weights)]
    x, dy = random(N, T, C), random(N, T, U, seed=1)
    given = [x, mask.astype(np.int32)] if masked else [x]

    held = [torch.tensor(a.astype(np.float64), requires_grad=True) for a in (x, *weights)]
    expected = by_definition(kind, held[0], held[1:], inputs, states, torch.tensor(mask.copy()))
    (expected * torch.tensor(dy.astype(np.float64))).sum().backward()
    y = plan.forward(given, weights, training=True, seed=RUN)[0]
    dx, dweights = plan.backward(given, [dy], weights, training=True, seed=RUN)
    assert_all_close(y, expected.detach().numpy(), 1e-6)
    assert_all_close([dx[0], *dweights], [a.grad.numpy() for a in held], 1e-5, "gradient")
    # Nothing is dropped in inference.
    still = by_definition(kind, held[0], held[1:], ones, ones, torch.tensor(mask.copy()))
    assert_all_close(plan.forward(given, weights)[0], still.detach().numpy(), 1e-6)


@every_kind
def test_dropout_of_initial_states(kind):
    """Those that a call gives are dropped like the later ones."""
    layer = make_layer(day33, kind, 400, recurrent_dropout=0.5, activation="linear", recurrent_activation="linear")
    x, states = np.zeros((3, 1, 2), np.float32), [np.ones((3, 400), np.float32)] * STATES[kind]
    layer(x, initial_state=states)
    weights = [np.zeros(v.shape, np.float32) for v in layer.weights]
    width = 400
    last = slice(-width, None) if kind != "LSTM" else slice(2 * width, 3 * width)
    weights[1][:, last] = np.eye(width)  # the candidate is the state as its gate sees it
    flat = weights[2].reshape(-1)
    if kind == "LSTM":
        flat[:width] = flat[3 * width :] = 1.0  # i and o
    elif kind != "SimpleRNN":
        flat[width : 2 * width] = 1.0  # r
    layer.set_weights(weights)
    y = layer(x, initial_state=states, training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    # 1200 draws: 600 +- 5 standard deviations of 17.3.
    assert 513 < (y == 0).sum() < 687
    assert len({tuple(row) for row in y}) == 3


@every_kind
def test_training_with_dropout_repeats(kind, restored_threads):
    def train():
        day33.set_random_seed(2)
        layer = make_layer(day33, kind, dropout=0.2, recurrent_dropout=0.3)
        model = day33.Sequential([day33.Input((T, C)), layer, day33.layers.Dense(2)])
        model.compile("adam", "mse")
        losses = model.fit(random(64, T, C), random(64, 2, seed=1), epochs=3, verbose=0).history["loss"]
        return losses, model.get_weights()

    results = []
    for count in (1, 3):
        _native.set_num_threads(count)
        results.append(train())
    assert results[0][0] == results[1][0]
    for a, b in zip(*(weights for _, weights in results), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- states that last ----


def twins_with_weights(kind, samples=N, **arguments):
    ours, theirs = make_layer(day33, kind, **arguments), make_layer(keras, kind, **arguments)
    x = random(samples, T, C)
    ours(x)
    theirs(x)
    weights = [0.5 * random(*v.shape, seed=5 + i) for i, v in enumerate(ours.weights)]
    for layer in (ours, theirs):
        layer.set_weights(weights)
        layer.reset_state()
    return ours, theirs


def assert_same_states(ours, theirs):
    assert_all_close([v.numpy() for v in ours.states], [v.numpy() for v in theirs.states], what="state")


@every_kind
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True, "return_state": True}, {"go_backwards": True}, {"activation": "relu"}],
    ids=str,
)
def test_stateful_calls(kind, options):
    ours, theirs = twins_with_weights(kind, stateful=True, **options)
    assert [v.shape for v in ours.states] == [tuple(v.shape) for v in theirs.states]
    for step, steps in enumerate((T, 2, 9)):
        x = random(N, steps, C, seed=step)
        for training in (False, True):
            mine, correct = ours(x, training=training), theirs(x, training=training)
            assert_all_close(mine, [np.asarray(y) for y in (correct if isinstance(correct, tuple) else [correct])])
            assert_same_states(ours, theirs)
    assert any(v.numpy().any() for v in ours.states)
    for layer in (ours, theirs):
        layer.reset_states()
    assert not any(v.numpy().any() for v in ours.states)
    assert_all_close(np.asarray(ours(x)[0]), np.asarray(theirs(x)[0]))
    # States that a call gives take the place of those from before, and go on.
    given = [random(N, U, seed=30 + i) for i in range(STATES[kind])]
    ours(x, initial_state=given)
    theirs(x, initial_state=given)
    assert_same_states(ours, theirs)


@every_kind
def test_stateful_models(kind):
    """fit, evaluate and predict go on where the batch before ended, whatever it was for; masks are heeded."""

    def build(library):
        make = library.layers
        x = library.Input(batch_shape=(N, T, C))
        y = make_layer(library, kind, return_sequences=True, stateful=True, name="reader")(make.Masking()(x))
        y = make.Bidirectional(make_layer(library, kind, 3, return_sequences=True, stateful=True), name="both")(y)
        return library.Model(x, make.Dense(2, name="head")(y))

    ours, theirs = build_both(build, keras)
    x = random(4 * N, T, C) * (np.arange(T) < np.arange(1, 4 * N + 1)[:, None] % T + 1)[..., None]
    y = random(4 * N, T, 2, seed=1)

    def layers_of(model):
        both = model.get_layer("both")
        return [model.get_layer("reader"), both.forward_layer, both.backward_layer]

    def compare():
        for mine, correct in zip(layers_of(ours), layers_of(theirs), strict=True):
            assert_same_states(mine, correct)

    for layer in [*layers_of(ours), *layers_of(theirs)]:
        layer.reset_state()
    for model, library in ((ours, day33), (theirs, keras)):
        model.compile(library.optimizers.SGD(0.1), "mse")
    fits = [model.fit(x, y, batch_size=N, epochs=2, shuffle=False, verbose=0) for model in (ours, theirs)]
    np.testing.assert_allclose(*(fit.history["loss"] for fit in fits), rtol=1e-5)
    compare()
    np.testing.assert_allclose(*(model.evaluate(x, y, batch_size=N, verbose=0) for model in (ours, theirs)), rtol=1e-5)
    compare()
    assert_all_close(ours.predict(x, batch_size=N, verbose=0), theirs.predict(x, batch_size=N, verbose=0), 1e-5)
    compare()
    np.testing.assert_allclose(*(model.train_on_batch(x[:N], y[:N]) for model in (ours, theirs)), rtol=1e-5)
    compare()
    assert_all_close(ours.get_weights(), theirs.get_weights(), 1e-5, "weight")
    ours.get_layer("both").reset_states()
    assert not any(v.numpy().any() for layer in layers_of(ours)[1:] for v in layer.states)


def test_prediction_of_many_batches_goes_on():
    """Without a batch_size, predict takes as many samples at once as there are states."""
    model = day33.Sequential([day33.Input(batch_shape=(40, 3, 2)), day33.layers.LSTM(3, stateful=True)])
    x = random(120, 3, 2)
    first = model.predict(x, verbose=0)
    model.layers[0].reset_state()
    np.testing.assert_array_equal(first, np.concatenate([model.predict_on_batch(x[i : i + 40]) for i in (0, 40, 80)]))


def test_states_are_no_weights(tmp_path):
    model = day33.Sequential([day33.Input(batch_shape=(2, 3, 2)), day33.layers.GRU(3, stateful=True)])
    x = random(2, 3, 2)
    model.predict(x, verbose=0)
    assert len(model.weights) == 3 and model.count_params() == sum(v.size for v in model.weights)
    assert [v.path for v in model.layers[0].states] == ["sequential/gru/rnn_state"] or len(model.layers[0].states) == 1
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        for load in (day33.load_model, keras.models.load_model):
            again = load(tmp_path / name)
            assert again.layers[-1].stateful
            assert not any(np.asarray(v).any() for v in again.layers[-1].states)
            model.layers[0].reset_state()
            assert_all_close(again.predict(x, verbose=0), model.predict(x, verbose=0))
            assert_all_close(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_stateful_needs_one_size_of_batches():
    with pytest.raises(ValueError, match="stateful.*known"):
        day33.layers.LSTM(3, stateful=True)(day33.Input((4, 2)))
    layer = day33.layers.LSTM(3, stateful=True)
    layer(random(4, 3, 2))
    with pytest.raises(ValueError, match="5 samples; expected 4"):
        layer(random(5, 3, 2))
    with pytest.raises(ValueError, match="stateful.*4 samples"):
        layer(day33.Input(batch_shape=(5, 3, 2)))
    model = day33.Sequential([day33.Input(batch_shape=(4, 3, 2)), layer])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="samples; expected 4"):
        model.fit(random(6, 3, 2), random(6, 3), batch_size=4, verbose=0)


def test_a_sequential_of_arrays_takes_their_size():
    model = day33.Sequential(
        [day33.layers.LSTM(3, stateful=True, return_sequences=True), day33.layers.GRU(2, stateful=True)]
    )
    x = random(4, 3, 2)
    first = model(x)
    assert model.layers[0].states[0].shape == (4, 3) and model.layers[1].states[0].shape == (4, 2)
    assert not np.array_equal(model(x), first)


# ---- cells ----


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
    assert_all_close(again.predict(x, verbose=0), outputs, 0)


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
