"""Recurrent layers with other activations, beside Keras, and with dropout of states, its definition in double."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import _native
from day33._graph.lowering import Lowering
from day33.layers.cells import _other_seed
from support.recurrent import GATES, STATES, C, N, T, U, every_kind, make_layer
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

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
    y = layer(x, initial_state=states, training=True).numpy()
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
