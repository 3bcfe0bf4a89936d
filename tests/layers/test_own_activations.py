"""Activations that are functions of the user's: beside Keras, traced into plans, in files, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import activations, layers, ops, tf
from day33.saving import register_keras_serializable
from support.twins import assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

IMAGE, SEQUENCE = (6, 5, 3), (5, 4)


def wavy(fn):
    """An activation with the functions of a library."""
    return lambda x: fn.sin(x) * x + 0.1 * fn.square(x)


def gate(fn):
    return lambda x: fn.clip(0.5 + 0.2 * x, 0.1, 0.9)


def normed(fn):
    """One that looks at all units of a position."""
    return lambda x: x / (1.0 + fn.sqrt(fn.sum(fn.square(x), axis=-1, keepdims=True)))


CASES = {
    "Dense": (SEQUENCE, lambda make, act: make.Dense(3, activation=act)),
    "Conv1D": (SEQUENCE, lambda make, act: make.Conv1D(3, 2, activation=act)),
    "Conv2D": (IMAGE, lambda make, act: make.Conv2D(3, 2, activation=act, padding="same")),
    "Conv2DTranspose": (IMAGE, lambda make, act: make.Conv2DTranspose(3, 2, activation=act)),
    "DepthwiseConv2D": (IMAGE, lambda make, act: make.DepthwiseConv2D(2, activation=act)),
    "SeparableConv1D": (SEQUENCE, lambda make, act: make.SeparableConv1D(3, 2, activation=act)),
    "Activation": (IMAGE, lambda make, act: make.Activation(act)),
    "TimeDistributed": (SEQUENCE, lambda make, act: make.TimeDistributed(make.Dense(3, activation=act))),
    "SimpleRNN": (SEQUENCE, lambda make, act: make.SimpleRNN(3, activation=act)),
    "LSTM": (SEQUENCE, lambda make, act: make.LSTM(3, activation=act, return_sequences=True)),
    "LSTM gates": (SEQUENCE, lambda make, act: make.LSTM(3, recurrent_activation=gate(fn_of(make)), use_bias=False)),
    "GRU": (SEQUENCE, lambda make, act: make.GRU(3, activation=act, recurrent_activation=gate(fn_of(make)))),
    "GRU reset before": (SEQUENCE, lambda make, act: make.GRU(3, activation=act, reset_after=False)),
    "Bidirectional": (SEQUENCE, lambda make, act: make.Bidirectional(make.RNN(make.LSTMCell(3, activation=act)))),
}


def fn_of(make):
    return ops if make is layers else keras.ops


def model_of(library, case, act):
    shape, layer = CASES[case]
    x = library.Input(shape)
    y = layer(library.layers, act(library.ops))(x)
    return library.Model(x, library.layers.Dense(2)(library.layers.Flatten()(y)))


# Keras makes the layers of Bidirectional from a configuration, in which no function without a name may stand.
WITH_TWIN = [case for case in CASES if case not in ("TimeDistributed", "Bidirectional")]


@pytest.mark.parametrize("act", [wavy, normed])
@pytest.mark.parametrize("case", WITH_TWIN)
def test_as_in_keras(case, act):
    ours, theirs = build_both(lambda library: model_of(library, case, act), keras)
    x, y = random(7, *CASES[case][0]), random(7, 2, seed=1)
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, y, bound=5e-6)


def test_with_masks_and_states():
    def build(library):
        make = library.layers
        x = library.Input((6,), dtype="int32")
        e = make.Embedding(9, 4, mask_zero=True)(x)
        y, h, c = make.LSTM(3, activation=wavy(library.ops), return_sequences=True, return_state=True)(e)
        z = make.GRU(3, activation=wavy(library.ops), go_backwards=True)(y)
        return library.Model(x, make.Concatenate()([h, c, z]))

    ours, theirs = build_both(build, keras)
    x = np.random.default_rng(1).integers(0, 9, (8, 6))
    x[:, 3:] *= np.random.default_rng(2).integers(0, 2, (8, 3))
    assert_same_predictions(ours, theirs, x)


@pytest.mark.parametrize("case", ["TimeDistributed", "Bidirectional"])
def test_inside_of_wrappers(case):
    model = model_of(day33, case, normed)
    plain = model_of(day33, "Dense" if case == "TimeDistributed" else case, normed)
    plain.set_weights(model.get_weights())
    x = random(6, *SEQUENCE)
    np.testing.assert_allclose(model.predict(x, verbose=0), plain.predict(x, verbose=0), rtol=1e-6)
    copy = day33.models.clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


def test_native_recurrent_layers_and_their_formulas_agree():
    """The same activation, once by name and once as a function that is written out for each step."""
    for name, own in (("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False}), ("SimpleRNN", {})):
        make = getattr(layers, name)
        x = random(5, 7, 3)
        native = make(4, return_sequences=True, **own)
        written = make(4, activation=lambda x: ops.tanh(x), return_sequences=True, **own)
        written(x)
        expected = native(x)
        written.set_weights(native.get_weights())
        np.testing.assert_allclose(written(x), expected, rtol=1e-5, atol=1e-6)


def test_functions_of_tensorflow_and_keras_are_their_names():
    for name in ("relu", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "relu6", "softmax", "log_softmax",
                 "leaky_relu", "gelu", "silu", "swish"):  # fmt: skip
        assert layers.Dense(1, activation=getattr(tf.nn, name)).activation == activations.get(name)
    assert layers.Dense(1, activation=tf.tanh).activation == layers.Dense(1, activation=tf.math.tanh).activation
    assert layers.Dense(1, activation=ops.relu).get_config()["activation"] == "relu"
    assert layers.Dense(1, activation=ops.gelu).activation.kind == "gelu_tanh"  # keras.ops.gelu approximates
    x = random(5, 4)
    for function in (ops.square, ops.celu, tf.math.sin):
        np.testing.assert_allclose(layers.Activation(function)(x), np.asarray(function(x)), rtol=1e-6, atol=1e-7)


def test_a_function_that_is_set_later_takes_effect():
    x, layer = random(5, 4), layers.Dense(3)
    linear = np.asarray(layer(x))
    layer.activation = lambda x: x * 2.0
    np.testing.assert_allclose(layer(x), 2 * linear, rtol=1e-6)
    layer.activation = lambda x: x * 3.0
    np.testing.assert_allclose(layer(x), 3 * linear, rtol=1e-6)
    layer.activation = None
    np.testing.assert_array_equal(layer(x), linear)


def test_on_a_tape():
    x, layer = random(5, 4), layers.Dense(3, activation=lambda x: ops.square(x))
    layer(x)
    with day33.GradientTape() as tape:
        loss = ops.sum(layer(x))
    kernel = np.asarray(layer.kernel)
    np.testing.assert_allclose(tape.gradient(loss, layer.kernel), 2 * x.T @ (x @ kernel), rtol=1e-5, atol=1e-5)


def test_randomness_in_an_activation():
    noisy = layers.Activation(lambda x: x * day33.random.uniform(ops.shape(x), 0.5, 1.5))
    x = np.ones((50, 40), np.float32)
    first, second = np.asarray(noisy(x)), np.asarray(noisy(x))
    assert 0.5 <= first.min() and first.max() <= 1.5 and not np.array_equal(first, second)


@register_keras_serializable("tests")
def registered(x):
    return ops.sin(x) + x


def plainly_named(x):
    return ops.cos(x) + x


def relu(x):
    return ops.sin(x)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_files(tmp_path, name):
    def build(act):
        return day33.Sequential(
            [layers.Input(SEQUENCE), layers.Conv1D(3, 2, activation=act), layers.LSTM(3, activation=act),
             layers.Dense(2, activation=act), layers.Activation(act)]
        )  # fmt: skip

    x, path = random(3, *SEQUENCE), tmp_path / name
    model = build(registered)
    model.save(path)
    loaded = day33.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert loaded.layers[0].activation.function is registered
    model = build(plainly_named)
    model.save(path)
    with pytest.raises(ValueError, match="plainly_named.*in custom_objects, or registered"):
        day33.load_model(path)
    loaded = day33.load_model(path, custom_objects={"plainly_named": plainly_named})
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    with day33.saving.custom_object_scope({"plainly_named": plainly_named}):
        assert layers.Dense(1, activation="plainly_named").activation.function is plainly_named
    with pytest.raises(TypeError, match="lambda.*which no file can hold"):
        build(lambda x: x).save(path)
    with pytest.raises(TypeError, match="would hold the activation 'relu' of Keras in its place"):
        build(relu).save(path)


def test_files_of_keras_both_ways(tmp_path):
    def theirs_of(x):
        return keras.ops.cos(x) + x

    theirs = keras.Sequential(
        [keras.Input(SEQUENCE), keras.layers.GRU(3, activation=theirs_of), keras.layers.Dense(2, activation=theirs_of)]
    )
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras", custom_objects={"theirs_of": plainly_named})
    x = random(3, *SEQUENCE)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    ours.save(tmp_path / "ours.keras")
    again = keras.models.load_model(tmp_path / "ours.keras", custom_objects={"plainly_named": theirs_of})
    np.testing.assert_allclose(again.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-6)


def test_serialize_and_deserialize():
    for given in ("relu", registered, layers.LeakyReLU(0.3), None):
        config = activations.serialize(given)
        assert activations.deserialize(config) == activations.get(given)
    config = activations.serialize(plainly_named)
    assert config == {
        "module": "builtins", "class_name": "function", "config": "plainly_named", "registered_name": "function",
    }  # fmt: skip
    assert activations.deserialize(config, {"plainly_named": plainly_named}).function is plainly_named
    with pytest.raises(ValueError, match="activation is 'plainly_named'"):
        activations.deserialize(config)


def branches(x):
    return x if x > 0 else 0.0


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: np.tanh(x), TypeError, "numpy.tanh was called on .*expected a function of day33.ops"),
        (branches, TypeError, r"activation of layer 'd', line .*return x if x > 0 .*use day33.ops.where"),
        (lambda x: None, TypeError, "activation of layer 'd': <lambda> gives None; expected a tensor"),
        (lambda x: x[:, :1], ValueError, r"gives shape \(None, 1\) for \(None, 3\); expected the same shape"),
        (lambda x: x - ops.mean(x), ValueError, "mixes the samples of a batch"),
        (lambda x: x - ops.max(x, axis=0, keepdims=True), ValueError, "mixes the samples of a batch"),
        (keras.ops.sin, TypeError, "activation of layer 'd'"),
        (ops.relu_backward, TypeError, "activation of layer 'd'.*missing"),
    ],
)
def test_what_cannot_be_traced(function, error, message):
    with pytest.raises(error, match=message):
        layers.Dense(3, activation=function, name="d")(random(2, 4))


@pytest.mark.parametrize("given", [np.tanh, print, layers.Dense(1), 3, dict, b"relu", layers.PReLU()])
def test_what_is_no_activation(given):
    with pytest.raises((TypeError, ValueError), match="activation is .*; expected None, an activation layer"):
        layers.Dense(3, activation=given)


def test_recurrent_dropout_is_refused_beside_them():
    with pytest.raises(ValueError, match="'r'.*has dropout and an activation that is a function of yours"):
        layers.LSTM(3, activation=wavy(ops), dropout=0.5, name="r")(random(2, 4, 3), training=True)


def test_functions_on_arrays_take_names():
    with pytest.raises(TypeError, match="expected the name of one, or None and a call of the function"):
        ops.dense(random(2, 3), random(3, 2), activation=wavy(ops))
