"""What calls of layers take beside the input, and options that are made of several ops, beside Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import Input, Model, Sequential, layers
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

N, T, C = 4, 5, 3
MASK = np.arange(T) < np.array([T, 1, 3, 2])[:, None]


# ---- layer(x, mask=...) ----


TAKES_A_MASK = {
    "lstm": lambda make: make.LSTM(2),
    "gru": lambda make: make.GRU(2, return_sequences=True),
    "simple rnn": lambda make: make.SimpleRNN(2, go_backwards=True),
    "both ways": lambda make: make.Bidirectional(make.LSTM(2, return_sequences=True)),
    "average": lambda make: make.GlobalAveragePooling1D(),
    "time distributed": lambda make: make.TimeDistributed(make.Dense(2)),
    "batch normalisation": lambda make: make.BatchNormalization(),
}


@pytest.mark.parametrize("name", TAKES_A_MASK)
def test_a_mask_given_by_the_call(name):
    """On arrays, and on symbolic tensors, with the gradients; also where the input carries another mask."""
    ours, theirs = TAKES_A_MASK[name](layers), TAKES_A_MASK[name](keras.layers)
    x = random(N, T, C)
    ours(x), theirs(x)
    theirs.set_weights(ours.get_weights())
    assert_all_close(ours(x, mask=MASK), theirs(x, mask=MASK))
    assert_all_close(ours(x, mask=MASK.astype(np.float32)), theirs(x, mask=MASK))

    def build(library):
        a, m = library.Input((T, C)), library.Input((T,), dtype="bool")
        y = TAKES_A_MASK[name](library.layers)(library.layers.Masking(2.0)(a), mask=m)
        return library.Model([a, m], library.layers.Dense(2)(y))

    ours, theirs = build_both(build, keras)
    assert_same_predictions(ours, theirs, [x, MASK])
    y = random(*ours.predict([x, MASK]).shape, seed=2)
    assert_same_gradients(ours, theirs, keras, [x, MASK], y)


def test_a_mask_for_a_layer_with_initial_states():
    """Keras 3 shows the layer this mask, though not one that x carries."""
    ours, theirs = layers.LSTM(2), keras.layers.LSTM(2)
    x, states = random(N, T, C), [random(N, 2, seed=1), random(N, 2, seed=2)]
    ours(x), theirs(x)
    theirs.set_weights(ours.get_weights())
    mine = ours(x, initial_state=states, mask=MASK)
    assert_all_close(mine, theirs(x, initial_state=states, mask=MASK))
    assert not np.allclose(mine, ours(x, initial_state=states))


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_mask_for_a_model():
    def build(library):
        x = library.Input((T, C))
        return library.Model(x, library.layers.LSTM(2)(library.layers.Dense(4)(x)))

    ours, theirs = build_both(build, keras)
    x = random(N, T, C)
    assert_all_close(ours(x, mask=MASK), theirs(x, mask=MASK))
    chain = Sequential([layers.Masking(), layers.LSTM(2)])
    chain(x)
    np.testing.assert_array_equal(chain(x, mask=MASK), chain(x))  # Masking makes a mask of its own


def test_masks_of_calls_are_saved(tmp_path):
    x, m = Input((T, C)), Input((T,), dtype="int32")
    model = Model([x, m], layers.LSTM(2)(x, mask=m))
    data = [random(N, T, C), MASK.astype(np.int32)]
    twin = Model.from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(data), model(data))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(day33.saving.load_model(tmp_path / "model.keras")(data), model(data))


def test_a_part_of_a_model_with_masks_of_calls():
    """The calls after a tensor from the middle are made again, with their masks."""
    x, m = Input((T, C)), Input((T,), dtype="int32")
    hidden = layers.Dense(4)(x)
    output = layers.LSTM(2)(hidden, mask=m)
    data = random(N, T, C)
    whole = Model([x, m], output)([data, MASK.astype(np.int32)])
    part = Model([hidden, m], output)([Model(x, hidden)(data), MASK.astype(np.int32)])
    np.testing.assert_allclose(part, whole, rtol=1e-6, atol=1e-7)


def test_masks_that_do_not_fit():
    x = random(N, T, C)
    with pytest.raises(TypeError, match=r"\(Dense\) was called with mask="):
        layers.Dense(2)(x, mask=MASK)
    for mask in (MASK[:, :-1], np.ones((N, T, C, 1), bool), np.ones(N, bool)):
        with pytest.raises(ValueError, match=r"mask of layer 'lstm\w*' has shape"):
            layers.LSTM(2)(x, mask=mask)
    with pytest.raises(ValueError, match="mask of layer .* has shape"):
        layers.LSTM(2)(x, mask=MASK[:-1])
    for layer in (layers.LSTM(2), layers.GlobalAveragePooling1D()):
        with pytest.raises(ValueError, match=r"mask has shape \('N', 5, 3\); expected \(N, T\)"):
            layer(x, mask=np.ones((N, T, C), bool))
    with pytest.raises(ValueError, match="2 entries; expected 1"):
        layers.LSTM(2)(x, mask=[MASK, MASK])
    with pytest.raises(TypeError, match="arrays and symbolic tensors"):
        layers.LSTM(2)(Input((T, C)), mask=MASK)
    with pytest.raises(ValueError, match="without the last axis"):
        layers.BatchNormalization()(random(N, T, 2, C), mask=MASK, training=True)
    with pytest.raises(ValueError, match="axis is 1.*mask"):
        layers.BatchNormalization(axis=1)(x, mask=MASK, training=True)


# ---- layer(inputs=x) ----


NAMED = {
    "inputs": [lambda make: make.Dense(2), lambda make: make.Dropout(0.5), lambda make: make.BatchNormalization(),
               lambda make: make.GlobalAveragePooling1D(), lambda make: make.Flatten()],
    "sequences": [lambda make: make.LSTM(2), lambda make: make.GRU(2), lambda make: make.Bidirectional(make.LSTM(2))],
}  # fmt: skip


@pytest.mark.parametrize(("argument", "make"), [(key, make) for key, makers in NAMED.items() for make in makers])
def test_the_input_by_name(argument, make):
    x = random(N, T, C)
    ours, theirs = make(layers), make(keras.layers)
    assert ours(**{argument: x}).shape == theirs(**{argument: x}).shape
    np.testing.assert_array_equal(ours(**{argument: x}), ours(x))
    symbol = Input((T, C))
    assert Model(symbol, ours(**{argument: symbol})).output_shape == (None, *ours(x).shape[1:])
    with pytest.raises((TypeError, ValueError), match=argument):
        ours(x_values=x)


def test_several_inputs_by_name():
    x, y = random(N, C), random(N, C, seed=1)
    np.testing.assert_array_equal(layers.Add()(inputs=[x, y]), x + y)
    a, b = Input((C,)), Input((C,))
    np.testing.assert_array_equal(Model([a, b], layers.Add()([a, b]))(inputs=[x, y]), x + y)


# ---- compute_mask ----


IDS = np.array([[1, 2, 0], [0, 0, 0], [3, 0, 1]])


def test_masks_that_layers_make():
    for arguments in ({"mask_zero": True}, {"mask_zero": False}):
        ours = layers.Embedding(5, 2, **arguments).compute_mask(IDS)
        theirs = keras.layers.Embedding(5, 2, **arguments).compute_mask(IDS)
        if theirs is None:
            assert ours is None
        else:
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == bool
    x = random(3, 4, 2)
    x[0, 1:], x[1] = -1, -1
    mine = layers.Masking(-1.0).compute_mask(x)
    np.testing.assert_array_equal(mine, keras.layers.Masking(-1.0).compute_mask(x))


@pytest.mark.parametrize("name", ["Dense", "LayerNormalization", "BatchNormalization", "LSTM", "LSTM sequences",
                                  "GlobalAveragePooling1D", "TimeDistributed", "Bidirectional"])  # fmt: skip
def test_masks_that_layers_hand_on(name):
    def make(library):
        return {
            "Dense": lambda: library.Dense(2),
            "LayerNormalization": lambda: library.LayerNormalization(),
            "BatchNormalization": lambda: library.BatchNormalization(),
            "LSTM": lambda: library.LSTM(2),
            "LSTM sequences": lambda: library.LSTM(2, return_sequences=True),
            "GlobalAveragePooling1D": lambda: library.GlobalAveragePooling1D(),
            "TimeDistributed": lambda: library.TimeDistributed(library.Dense(2)),
            "Bidirectional": lambda: library.Bidirectional(library.LSTM(2, return_sequences=True)),
        }[name]()

    x = random(N, T, C)
    mine, correct = make(layers).compute_mask(x, MASK), make(keras.layers).compute_mask(x, MASK)
    if correct is None:
        assert mine is None
    else:
        np.testing.assert_array_equal(mine, correct)
    assert make(layers).compute_mask(x) is None


def test_masks_of_several_inputs():
    x, other = random(N, T, C), np.roll(MASK, 1, axis=0)
    mine = layers.Concatenate(axis=1).compute_mask([x, x], [MASK, other])
    correct = keras.layers.Concatenate(axis=1).compute_mask([x, x], [MASK, other])
    np.testing.assert_array_equal(mine, np.asarray(correct))
    with pytest.raises(TypeError, match="symbolic tensor"):
        layers.Embedding(5, 2).compute_mask(Input((3,)))


# ---- options ----


@pytest.mark.parametrize("noise_shape", [(None, 1, C), (None, 1, None), (None, T, 1), (None, 1, 1), (None, None, 1),
                                         (None, None, None), [None, 1, C]])  # fmt: skip
def test_dropout_together(noise_shape):
    """What is dropped is the same along axes of 1 and drawn anew along the others, as in Keras; the scale, too."""
    x = np.ones((5000, T, C), np.float32)
    mine = np.asarray(layers.Dropout(0.4, noise_shape=noise_shape)(x, training=True))
    correct = np.asarray(keras.layers.Dropout(0.4, noise_shape=noise_shape)(x, training=True))
    for y in (mine, correct):
        assert set(np.unique(y).round(5)) == {0.0, np.float32(1 / 0.6).round(5)}
        assert abs((y == 0).mean() - 0.4) < 0.05
        for axis in (1, 2):
            together = (y == y.take([0], axis)).all()
            assert together == (noise_shape[axis] == 1)
    assert not (mine == mine[:1]).all()


def test_dropout_together_has_the_gradient_of_what_it_kept():
    dropout = layers.Dropout(0.5, noise_shape=(None, 1, None), seed=3)
    model = Sequential([Input((T, C)), layers.Dense(C, use_bias=False), dropout])
    model.layers[0].set_weights([np.eye(C)])
    model.compile(optimizer=day33.optimizers.SGD(1.0), loss=day33.losses.MeanSquaredError(reduction="sum"))
    x = np.abs(random(1, T, C)) + 0.5
    model.train_on_batch(x, np.zeros((1, T, C), np.float32))
    moved = np.abs(np.eye(C) - model.get_weights()[0]).sum(0) > 1e-6
    assert 0 < moved.sum() < C or moved.all() or not moved.any()
    config = dropout.get_config()
    assert config["noise_shape"] == (None, 1, None)
    assert layers.Dropout.from_config(json.loads(json.dumps(config))).noise_shape == (None, 1, None)


RELU = [
    {"threshold": 0.5},
    {"threshold": 0.5, "max_value": 1.0},
    {"threshold": 0.5, "negative_slope": 0.2},
    {"max_value": 1.0, "negative_slope": 0.2},
    {"threshold": 0.25, "max_value": 6.0, "negative_slope": 0.1},
    {"threshold": 2.0, "max_value": 1.0},
]


@pytest.mark.parametrize("arguments", RELU)
def test_relu_with_all_its_options(arguments, tmp_path):
    def build(library):
        x = library.Input((8,))
        return library.Model(x, library.layers.ReLU(**arguments)(library.layers.Dense(16)(x)))

    ours, theirs = build_both(build, keras)
    x = 2 * random(N, 8)
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, random(N, 16, seed=5))
    points = np.array([[-np.inf, -3.0, -0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 7.0, np.inf]], np.float32)
    mine = layers.ReLU(**arguments)(points)
    np.testing.assert_allclose(mine, np.asarray(keras.layers.ReLU(**arguments)(points)), rtol=1e-6, atol=1e-6)
    assert np.isnan(layers.ReLU(**arguments)(np.full((1, 2), np.nan, np.float32))).all()
    ours.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(day33.saving.load_model(tmp_path / "model.keras")(x), ours(x))


IMAGE = (3, 4, 2)


@pytest.mark.parametrize(("axis", "shape"), [(1, (3, 4)), *((axis, IMAGE) for axis in (1, 2, -2, -3))])
def test_batch_normalization_of_any_axis(axis, shape):
    def build(library):
        x = library.Input(shape)
        return library.Model(x, library.layers.BatchNormalization(axis=axis, momentum=0.3)(x))

    ours, theirs = build_both(build, keras)
    weights = [np.abs(weight) + 0.1 for weight in ours.get_weights()]
    ours.set_weights(weights), theirs.set_weights(weights)
    x = random(6, *shape)
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, random(6, *shape, seed=4), bound=5e-6)
    assert_same_predictions(ours, theirs, x, 5e-6)


def test_an_embedding_is_built_without_a_shape():
    layer = layers.Embedding(5, 2)
    layer.build()
    assert layer.built and layer.embeddings.shape == (5, 2)
