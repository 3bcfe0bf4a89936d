"""Attributes of layers that are changed after the first call: plans, files and Keras agree with what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import Input, Model, Sequential, layers
from support.zoo import random

keras = pytest.importorskip("keras")

# name, constructor, attribute, value, shape of a sample, training
CHANGES = [
    ("Dropout", {"rate": 0.5}, "rate", 0.0, (4,), True),
    ("SpatialDropout1D", {"rate": 0.5}, "rate", 0.0, (3, 4), True),
    ("BatchNormalization", {}, "epsilon", 3.0, (4,), True),
    ("BatchNormalization", {}, "epsilon", 3.0, (4,), False),
    ("LayerNormalization", {}, "epsilon", 3.0, (4,), False),
    ("ReLU", {}, "negative_slope", 0.5, (4,), False),
    ("ReLU", {}, "max_value", 0.5, (4,), False),
    ("ReLU", {}, "threshold", 0.5, (4,), False),
    ("LeakyReLU", {}, "negative_slope", 0.7, (4,), False),
    ("Conv2D", {"filters": 2, "kernel_size": 2}, "strides", (2, 2), (6, 6, 1), False),
    ("Conv2D", {"filters": 2, "kernel_size": 2}, "padding", "same", (6, 6, 1), False),
    ("MaxPooling2D", {}, "strides", (1, 1), (6, 6, 1), False),
    ("Concatenate", {}, "axis", 1, [(2, 3), (2, 3)], False),
    ("LSTM", {"units": 2}, "return_sequences", True, (3, 2), False),
    ("LSTM", {"units": 2}, "go_backwards", True, (3, 2), False),
    ("Rescaling", {"scale": 2.0}, "offset", 1.5, (4,), False),
    ("Masking", {}, "mask_value", 2.0, (3, 1), False),
]


def data_for(shape):
    if isinstance(shape, list):
        return [random(5, *part, seed=i) for i, part in enumerate(shape)]
    x = random(5, *shape)
    x[0] = 2.0
    return x


@pytest.mark.parametrize(("name", "arguments", "attribute", "value", "shape", "training"), CHANGES)
def test_a_change_takes_effect_at_the_next_call(name, arguments, attribute, value, shape, training):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    x = data_for(shape)
    before = ours(x, training=training)
    theirs(x)
    theirs.set_weights(ours.get_weights())
    setattr(ours, attribute, value)
    setattr(theirs, attribute, value)
    after = ours(x, training=training)
    given = {"training": training} if name in ("BatchNormalization", "Dropout", "SpatialDropout1D", "LSTM") else {}
    correct = np.asarray(theirs(x, **given))
    np.testing.assert_allclose(after, correct, rtol=1e-5, atol=1e-5)
    assert before.shape != after.shape or not np.allclose(before, after)
    twin = type(ours).from_config(json.loads(json.dumps(ours.get_config())))
    twin(x)
    twin.set_weights(ours.get_weights())
    np.testing.assert_array_equal(twin(x), ours(x))


@pytest.mark.parametrize("value", ["relu", None])
def test_the_activation_of_a_dense_layer(value):
    dense = layers.Dense(6, activation="sigmoid")
    x = random(5, 4)
    dense(x)
    dense.activation = value
    plain = x @ np.asarray(dense.kernel)
    np.testing.assert_allclose(dense(x), plain if value is None else np.maximum(plain, 0), rtol=1e-5, atol=1e-6)
    assert dense.get_config()["activation"] == (value or "linear")


def test_an_activation_of_none_before_the_first_call():
    dense = layers.Dense(2)
    dense.activation = None
    assert dense(random(3, 4)).shape == (3, 2)


def test_a_model_follows_its_layers():
    """Inside models, models in models and the shortcut of predict_on_batch; and back again."""
    inner = Sequential([Input((4,)), layers.Dense(3, activation="relu", name="inside")])
    x = Input((4,))
    model = Model(x, inner(x))
    data = random(1, 4, seed=3)
    dense = inner.layers[0]
    first = model.predict_on_batch(data)
    assert (first >= 0).all()
    dense.activation = "linear"
    for answer in (model.predict_on_batch(data), model.predict(data), model(data)):
        np.testing.assert_allclose(answer, data @ np.asarray(dense.kernel), rtol=1e-5, atol=1e-6)
    dense.activation = "relu"
    np.testing.assert_array_equal(model.predict_on_batch(data), first)


def test_training_follows_a_change_between_two_calls_of_fit():
    """The moving mean after `momentum` was set to 0 is that of the batch; the same for a compiled Keras model that is
    compiled anew."""
    x = random(8, 3) + 2.0
    results = []
    for library in (day33, keras):
        model = library.Sequential([library.Input((3,)), library.layers.BatchNormalization()])
        model.compile(optimizer="sgd", loss="mse")
        model.fit(x, x, epochs=1, batch_size=8, verbose=0)
        model.layers[-1].momentum = 0.0
        model.compile(optimizer="sgd", loss="mse")
        model.fit(x, x, epochs=1, batch_size=8, verbose=0)
        results.append([np.asarray(weight) for weight in model.layers[-1].get_weights()])
    for mine, correct in zip(*results, strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[0][2], x.mean(0), rtol=1e-5)


def test_a_saved_model_is_the_live_one(tmp_path):
    model = Sequential([Input((4,)), layers.Dense(3), layers.ReLU()])
    x = random(5, 4)
    model(x)
    model.layers[0].activation = "tanh"
    model.layers[1].max_value = 0.25
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(day33.saving.load_model(tmp_path / "model.keras")(x), model(x))
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(x), model(x), rtol=1e-5, atol=1e-6)


def test_own_layers_are_traced_anew():
    class Repeated(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4, use_bias=False)
            self.times = 1

        def call(self, x):
            for _ in range(self.times):
                x = self.dense(x)
            return x

    layer = Repeated()
    x = random(3, 4)
    once = layer(x)
    layer.times = 2
    np.testing.assert_allclose(layer(x), layer.dense(once), rtol=1e-5, atol=1e-6)


def test_what_training_sets_makes_no_new_plan():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Net()
    x = random(8, 4)
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, x[:, :2], epochs=1, verbose=0)
    plan = model.compile_plan(((4,),))
    model.fit(x, x[:, :2], epochs=2, verbose=0)
    assert model.compile_plan(((4,),)) is plan


REFUSED = [
    (lambda: layers.Dense(2), "kernel_regularizer", "l3"),
    (lambda: layers.Dense(2), "activity_regularizer", "l3"),
    (lambda: layers.Conv2D(2, 3), "bias_constraint", "norm"),
    (lambda: layers.Conv2D(2, 3), "data_format", "channels_first"),
    (lambda: layers.MaxPooling2D(), "data_format", "channels_first"),
    (lambda: layers.BatchNormalization(), "synchronized", True),
    (lambda: layers.BatchNormalization(), "momentum", 2.0),
    (lambda: layers.LayerNormalization(), "rms_scaling", True),
    (lambda: layers.Embedding(3, 2), "embeddings_constraint", "norm"),
    (lambda: layers.Dropout(0.5), "rate", 1.5),
]


@pytest.mark.parametrize(("make", "attribute", "value"), REFUSED)
def test_attributes_that_day33_lacks_are_refused_with_a_sentence(make, attribute, value):
    layer = make()
    before = getattr(layer, attribute)
    with pytest.raises(ValueError, match=f"{attribute}.* is {value!r}"):
        setattr(layer, attribute, value)
    assert getattr(layer, attribute) == before
    setattr(layer, attribute, before)


@pytest.mark.parametrize("name", ["Dense", "LSTM", "BatchNormalization", "Embedding"])
def test_options_read_as_in_keras(name):
    arguments = {"BatchNormalization": (), "Embedding": (3, 2)}.get(name, (2,))
    ours, theirs = getattr(layers, name)(*arguments), getattr(keras.layers, name)(*arguments)
    names = [key for key in dir(theirs) if key.endswith(("_regularizer", "_constraint")) and not key.startswith("_")]
    assert len(names) > 2
    for key in [*names, "stateful"] if name == "LSTM" else names:
        assert getattr(ours, key) == getattr(theirs, key), key


def test_a_seed_that_is_set_later():
    x = np.ones((4, 50), np.float32)
    day33.set_random_seed(1)
    first, second = layers.Dropout(0.5, seed=7), layers.Dropout(0.5, seed=8)
    second(x, training=True)
    second.seed = 7
    day33.set_random_seed(2)
    left = first(x, training=True)
    day33.set_random_seed(2)
    np.testing.assert_array_equal(second(x, training=True), left)
