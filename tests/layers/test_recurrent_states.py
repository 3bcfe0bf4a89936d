"""Stateful recurrent layers beside Keras: calls, models, files."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from support.recurrent import STATES, C, N, T, U, every_kind, make_layer
from support.twins import assert_all_close, build_both
from support.zoo import random

keras = pytest.importorskip("keras")


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


def test_a_tape_keeps_states_once():
    """Values and gradients of one block come from one run, which goes on from the states before it."""
    x = random(4, 3, 2)
    layer = day33.layers.GRU(3, stateful=True)
    with day33.GradientTape() as tape:
        first = layer(x)
        loss = day33.ops.mean(first * first)
    gradients = tape.gradient(loss, layer.trainable_variables)
    kept = layer.states[0].numpy()
    assert_all_close(np.asarray(first), kept)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), kept)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    layer.reset_state()
    with day33.GradientTape() as tape:
        loss = day33.ops.mean(layer(x))
        float(loss)
    with pytest.raises(ValueError, match="states have moved on"):
        tape.gradient(loss, layer.trainable_variables)


def test_states_beside_a_penalty():
    """A regularizer makes stages of the plan, which run one after the other; states are kept in one of them."""

    def build(library):
        x = library.Input(batch_shape=(N, T, C))
        layer = make_layer(
            library, "LSTM", stateful=True, kernel_regularizer="l2", activity_regularizer="l2", name="reader"
        )
        return library.Model(x, library.layers.Dense(2)(layer(x)))

    ours, theirs = build_both(build, keras)
    x, y = random(2 * N, T, C), random(2 * N, 2, seed=1)
    for model, library in ((ours, day33), (theirs, keras)):
        model.get_layer("reader").reset_state()
        model.compile(library.optimizers.SGD(0.1), "mse")
    fits = [model.fit(x, y, batch_size=N, epochs=2, shuffle=False, verbose=0) for model in (ours, theirs)]
    np.testing.assert_allclose(*(fit.history["loss"] for fit in fits), rtol=1e-5)
    assert_all_close(ours.get_weights(), theirs.get_weights(), 1e-5, "weight")
    assert_same_states(ours.get_layer("reader"), theirs.get_layer("reader"))


def test_a_sequential_of_arrays_takes_their_size():
    model = day33.Sequential(
        [day33.layers.LSTM(3, stateful=True, return_sequences=True), day33.layers.GRU(2, stateful=True)]
    )
    x = random(4, 3, 2)
    first = model(x)
    assert model.layers[0].states[0].shape == (4, 3) and model.layers[1].states[0].shape == (4, 2)
    assert not np.array_equal(model(x), first)
    unknown = day33.Sequential([day33.layers.LSTM(3, stateful=True)])
    with pytest.raises(ValueError, match="stateful.*unknown batch size"):
        unknown.predict(random(8, 3, 2), batch_size=4, verbose=0)
