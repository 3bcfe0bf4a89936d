"""LSTM, GRU and SimpleRNN beside Keras: outputs, states, and the gradients of all weights and of what came before."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers
from support.twins import assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

N, T, C, U = 5, 6, 3, 4

KINDS = {
    "LSTM": {},
    "GRU": {},
    "GRU before": {"reset_after": False},
    "SimpleRNN": {},
}
STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}
every_kind = pytest.mark.parametrize("kind", KINDS)


def make_layer(library, kind, units=U, **arguments):
    name = kind.split()[0]
    return getattr(library.layers, name)(units, **{**KINDS[kind], **arguments})


def behind_dense(kind, masked=False, initial=False, steps=T, features=C, units=U, **arguments):
    """A dense layer, whose gradients show those of the sequence; the recurrent layer; a dense layer on each output."""

    def build(library):
        make = library.layers
        x = library.Input((steps, features))
        inputs = [x]
        y = make.Dense(features + 1)(make.Masking()(x) if masked else x)
        states = {}
        if initial:
            seeds = [library.Input((2,)) for _ in range(STATES[kind.split()[0]])]
            inputs += seeds
            states["initial_state"] = [make.Dense(units)(seed) for seed in seeds]
        outputs = make_layer(library, kind, units, **arguments)(y, **states)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        results = [make.Dense(2)(output) for output in outputs]
        return library.Model(inputs if initial else x, results if len(results) > 1 else results[0])

    return build


def mask_of(pattern, samples, steps):
    rng = np.random.default_rng(11)
    if pattern == "right":
        lengths = rng.integers(1, steps + 1, samples)
        return np.arange(steps) < lengths[:, None]
    if pattern == "left":
        lengths = rng.integers(1, steps + 1, samples)
        return np.arange(steps)[::-1] < lengths[:, None]
    if pattern == "holes":
        return rng.random((samples, steps)) < 0.6
    if pattern == "nothing":
        return np.zeros((samples, steps), bool)
    kept = rng.random((samples, steps)) < 0.6
    kept[:, steps // 2] = False
    kept[samples // 2] = False
    return kept


def check(build, x, targets_seed=7, bound=2e-6, **arguments):
    ours, theirs = build_both(build, keras)
    assert_same_predictions(ours, theirs, x, bound)
    outputs = ours.predict(x, verbose=0)
    several = isinstance(outputs, list)
    targets = [random(*y.shape, seed=targets_seed + i) for i, y in enumerate(outputs if several else [outputs])]
    losses = ["mean_squared_error"] * len(targets)
    if not several:
        targets, losses = targets[0], losses[0]
    return assert_same_gradients(ours, theirs, keras, x, targets, losses, bound, **arguments)


OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_state": True},
    {"return_sequences": True, "return_state": True},
    {"go_backwards": True},
    {"go_backwards": True, "return_sequences": True, "return_state": True},
    {"use_bias": False, "return_sequences": True},
    {"unroll": True},
]


@every_kind
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("initial", [False, True], ids=["zeros", "initial"])
def test_every_option(kind, options, initial):
    x = random(N, T, C)
    seeds = [random(N, 2, seed=20 + i) for i in range(STATES[kind.split()[0]])] if initial else []
    gradients = check(behind_dense(kind, initial=initial, **options), [x, *seeds] if initial else x)
    assert all(g.any() for g in gradients)


@every_kind
@pytest.mark.parametrize("pattern", ["right", "left", "holes", "nothing", "a step and a sample"])
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True, "return_state": True}, {"go_backwards": True, "return_state": True}],
    ids=str,
)
def test_masks(kind, pattern, options):
    x = random(N, T, C) * mask_of(pattern, N, T)[..., None]
    check(behind_dense(kind, masked=True, **options), x)


@every_kind
def test_initial_states_leave_the_mask_aside(kind):
    x = random(N, T, C) * mask_of("left", N, T)[..., None]
    seeds = [random(N, 2, seed=20 + i) for i in range(STATES[kind.split()[0]])]
    check(behind_dense(kind, masked=True, initial=True, return_sequences=True, return_state=True), [x, *seeds])


@every_kind
@pytest.mark.parametrize(
    ("samples", "steps", "features", "units"), [(1, 1, 1, 1), (3, 1, 2, 5), (1, 9, 4, 3), (2, 4, 1, 17)]
)
def test_small_sizes(kind, samples, steps, features, units):
    build = behind_dense(kind, steps=steps, features=features, units=units, return_sequences=True, return_state=True)
    check(build, random(samples, steps, features))


@every_kind
@pytest.mark.parametrize(
    ("samples", "steps", "features", "units", "masked"),
    [
        (70, 9, 13, 45, False),  # 630 rows: more than are packed at a time; widths that fill no vector
        (70, 9, 13, 45, True),
        (19, 3, 430, 33, False),  # a reduction longer than a block of k
        (30, 30, 11, 200, True),  # 900 rows, the depth of the gradient of weights; 800 columns, several blocks
    ],
)
def test_sizes_across_blocks(kind, samples, steps, features, units, masked):
    x = random(samples, steps, features) * (mask_of("right", samples, steps)[..., None] if masked else 1)
    build = behind_dense(kind, masked=masked, steps=steps, features=features, units=units, return_sequences=True)
    # Weights of this size let the gates saturate; sums of hundreds of terms round more.
    ours, theirs = build_both(build, keras, scale=0.1)
    assert_same_predictions(ours, theirs, x, 1e-5)
    y = random(samples, steps, 2, seed=3)
    assert_same_gradients(ours, theirs, keras, x, y, bound=1e-5)


@every_kind
def test_stacked(kind):
    def build(library):
        make = library.layers
        x = y = library.Input((T, C))
        y = make.Masking()(y)
        y = make_layer(library, kind, return_sequences=True)(y)
        y = make_layer(library, kind, 7, return_sequences=True, go_backwards=True)(y)
        y = make_layer(library, kind, 5)(y)
        return library.Model(x, make.Dense(2)(y))

    check(build, random(N, T, C) * mask_of("holes", N, T)[..., None])


@every_kind
def test_one_layer_twice_and_encoder_decoder(kind):
    """The states of one layer begin another, and a layer with shared weights reads two sequences."""

    def build(library):
        make = library.layers
        a, b = library.Input((T, C)), library.Input((T + 2, C))
        shared = make_layer(library, kind, return_state=True)
        _, *states = shared(a)
        first, *_ = shared(b)
        decoded = make_layer(library, kind, return_sequences=True)(b, initial_state=list(states))
        return library.Model([a, b], [make.Dense(2)(first), make.Dense(3)(decoded)])

    check(build, [random(N, T, C), random(N, T + 2, C, seed=1)])


@every_kind
def test_frozen_parts(kind):
    ours, theirs = build_both(behind_dense(kind, return_sequences=True), keras)
    x, y = random(N, T, C), random(N, T, 2, seed=3)
    for model in (ours, theirs):
        model.layers[2].trainable = False
    gradients = assert_same_gradients(ours, theirs, keras, x, y)
    assert all(np.abs(g).max() > 0 for g in gradients[:2])
    assert all(not g.any() for g in gradients[2:-2])
    for model in (ours, theirs):
        model.layers[2].trainable, model.layers[1].trainable = True, False
    gradients = assert_same_gradients(ours, theirs, keras, x, y)
    assert not any(g.any() for g in gradients[:2])
    assert all(np.abs(g).max() > 0 for g in gradients[2:])


@every_kind
def test_defaults_and_initial_weights_are_those_of_keras(kind):
    ours, theirs = make_layer(day33, kind), make_layer(keras, kind)
    for layer in (ours, theirs):
        layer.build((None, T, C))
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    recurrent = ours.get_weights()[1].astype(np.float64)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(U), atol=1e-5)  # orthogonal
    np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])
    mine, correct = ours.get_config(), theirs.get_config()
    ignored = {"name", "dtype"}
    # Keras's SimpleRNN takes a seed, but leaves it out of its configuration.
    assert mine.keys() - ignored - {"seed"} == correct.keys() - ignored - {"seed"}
    for key in correct.keys() - ignored:
        left, right = mine[key], correct[key]
        if isinstance(right, dict):
            left, right = left["class_name"], right["class_name"]
        assert left == right, key
    again = type(theirs).from_config({k: v for k, v in mine.items() if k != "dtype"})
    assert again.units == U


@every_kind
def test_config_round_trip(kind):
    layer = make_layer(day33, kind, return_sequences=True, go_backwards=True, dropout=0.25, seed=3)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@every_kind
def test_shapes_without_and_with_lengths(kind):
    for options in ({}, {"return_sequences": True}, {"return_state": True, "return_sequences": True}):
        ours, theirs = make_layer(day33, kind, **options), make_layer(keras, kind, **options)
        for shape in ((None, None, C), (N, T, C), (None, T, C)):
            mine, correct = ours.compute_output_shape(shape), theirs.compute_output_shape(shape)
            if options.get("return_state"):
                assert [tuple(s) for s in mine] == [tuple(s) for s in correct]
            else:
                assert tuple(mine) == tuple(correct)


@every_kind
def test_any_length_any_batch(kind):
    """Input((None, C)): each length has a plan of its own; no samples are no error."""

    def build(library):
        x = library.Input((None, C))
        return library.Model(x, make_layer(library, kind)(x))

    ours, theirs = build_both(build, keras)
    for samples, steps in ((4, 3), (2, 8), (1, 1), (4, 3)):
        assert_same_predictions(ours, theirs, random(samples, steps, C))
    assert ours(np.zeros((0, 3, C), np.float32)).shape == (0, U)


@every_kind
def test_dropout_is_the_same_at_all_steps(kind):
    layer = make_layer(day33, kind, dropout=0.5, return_sequences=True)
    x = np.broadcast_to(random(64, 1, 1), (64, 2, 1)).copy()
    inference = layer(x)
    training = layer(x, training=True)
    np.testing.assert_array_equal(layer(x), inference)
    # A sample whose one feature is dropped sees zeros at both steps, one whose feature is kept sees it doubled at both.
    doubled, nothing = layer(2 * x), layer(0 * x)
    dropped = np.abs(training - nothing).max(axis=(1, 2)) < 1e-6
    kept = np.abs(training - doubled).max(axis=(1, 2)) < 1e-6
    assert np.all(dropped | kept)
    assert 10 < dropped.sum() < 54


@every_kind
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recurrent_dropout": 1.0}, "recurrent_dropout"),
        ({"activation": "relish"}, "activation"),
        ({"implementation": 3}, "implementation is 3"),
        ({"use_cudnn": "never"}, "use_cudnn is 'never'"),
        ({"dropout": 1.5}, "dropout"),
        ({"kernel_regularizer": "l3"}, "kernel_regularizer"),
        ({"units": 0}, "units"),
    ],
)
def test_refused_arguments(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_layer(day33, kind, **arguments)


@every_kind
def test_refused_inputs(kind):
    layer = make_layer(day33, kind)
    for shape in ((N, C), (N, 0, C), (N, T, C, 2)):
        with pytest.raises(ValueError, match="time step|expected"):
            layer(np.zeros(shape, np.float32))
    layer(random(N, T, C))
    with pytest.raises(ValueError, match="last axis"):
        layer(random(N, T, C + 1))
    states = STATES[kind.split()[0]]
    with pytest.raises(ValueError, match="initial_state"):
        layer(random(N, T, C), initial_state=[random(N, U)] * (states + 1))
    with pytest.raises(ValueError, match="initial_state"):
        layer(random(N, T, C), initial_state=[random(N, U + 1)] * states)


@every_kind
def test_central_differences(kind):
    """The gradient of a smooth function of all weights, without any other library."""

    def build(library):
        x = library.Input((3, 2))
        return library.Model(x, make_layer(library, kind, 3, return_sequences=True)(x))

    model = build(day33)
    rng = np.random.default_rng(5)
    weights = [rng.normal(0, 0.5, w.shape).astype(np.float32) for w in model.get_weights()]
    x, y = random(2, 3, 2), random(2, 3, 3, seed=1)

    def loss(values):
        model.set_weights(values)
        return float(np.mean((model(x).astype(np.float64) - y) ** 2))

    model.set_weights(weights)
    model.compile(optimizer=day33.optimizers.SGD(1.0), loss="mse")
    model.train_on_batch(x, y)
    gradients = [a - b for a, b in zip(weights, model.get_weights(), strict=True)]
    h = 1e-2
    for slot, gradient in enumerate(gradients):
        for at in np.ndindex(gradient.shape):
            shifted = []
            for sign in (1, -1):
                values = [w.copy() for w in weights]
                values[slot][at] += sign * h
                shifted.append(loss(values))
            # The remainder is h**2 / 6 times a third derivative of order 1.
            assert gradient[at] == pytest.approx((shifted[0] - shifted[1]) / (2 * h), abs=1e-4)


@every_kind
def test_threads_and_repeats_give_the_same_bits(kind, restored_threads):
    from day33 import _native

    def train():
        build = behind_dense(kind, masked=True, steps=20, features=24, units=40, return_sequences=True)
        day33.set_random_seed(1)
        model = build(day33)
        model.compile(optimizer="adam", loss="mse")
        x = random(70, 20, 24) * mask_of("holes", 70, 20)[..., None]
        model.fit(x, random(70, 20, 2, seed=1), batch_size=35, epochs=2, verbose=0)
        return [*model.get_weights(), model.predict(x, verbose=0)]

    results = []
    for count in (1, 2, 3):
        _native.set_num_threads(count)
        results.append(train())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_layers_are_exported():
    assert all(hasattr(layers, kind.split()[0]) for kind in KINDS)
