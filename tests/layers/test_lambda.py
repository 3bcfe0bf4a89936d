"""`Lambda`: functions as layers, and what files hold of them."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, ops, saving
from day33.saving import register_keras_serializable
from support.zoo import random

keras = pytest.importorskip("keras")


@pytest.mark.parametrize(
    "function",
    [
        lambda x, fn: fn.exp(x) - 1.0,
        lambda x, fn: fn.expand_dims(x, -1) * x[:, None, :],
        lambda x, fn: x[:, ::-1] / fn.sum(fn.abs(x), axis=1, keepdims=True),
        lambda x, fn: fn.concatenate([x, x * x], axis=-1) @ fn.ones((8, 3)),
    ],
)
def test_functions_as_in_keras(function):
    x = random(5, 4)
    ours = layers.Lambda(lambda x: function(x, ops))
    theirs = keras.layers.Lambda(lambda x: function(x, keras.ops))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
    assert ours.compute_output_shape((None, 4)) == theirs.compute_output_shape((None, 4))
    assert ours.name == "lambda" or ours.name.startswith("lambda_")


def test_several_inputs_arguments_and_layers_inside():
    def distance(vectors, scale=1.0):
        x, y = vectors
        return ops.sqrt(ops.maximum(ops.sum(ops.square(x - y), axis=1, keepdims=True), 1e-7)) * scale

    x, y = random(5, 4), 2.0 - random(5, 4)
    a, b = layers.Input((4,)), layers.Input((4,))
    model = day33.Model([a, b], layers.Lambda(distance, output_shape=(1,), arguments={"scale": 3.0})([a, b]))
    expected = 3 * np.linalg.norm(x - y, axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict([x, y]), expected, rtol=1e-5)
    assert layers.Lambda(distance, output_shape=(1,)).compute_output_shape([(None, 4), (None, 4)])[-1:] == (1,)
    assert layers.Lambda(ops.exp, output_shape=lambda shape: shape).compute_output_shape((None, 4)) == (None, 4)


def test_a_function_that_is_told_the_mode():
    layer = layers.Lambda(lambda x, training=False: x * 2.0 if training else x)
    x = random(3, 4)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_allclose(layer(x, training=True), 2 * x)
    model = day33.Sequential([layers.Input((4,)), layer])
    model.add(layers.Dense(1, kernel_initializer="ones"))
    model.compile("sgd", "mse")
    y = np.zeros((3, 1), np.float32)
    first = model.evaluate(x, y, verbose=0)
    assert model.train_on_batch(x, y) == pytest.approx(4 * first, rel=1e-5)


@register_keras_serializable("tests")
def shifted(x, by=1.0):
    return x + by


def other(x):
    return x * 2.0


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_files_hold_the_name_of_a_registered_function(tmp_path, name):
    model = day33.Sequential([layers.Input((4,)), layers.Lambda(shifted, arguments={"by": 3.0}), layers.Dense(2)])
    model.save(tmp_path / name)
    loaded = saving.load_model(tmp_path / name)
    x = random(3, 4)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert loaded.layers[0].function is shifted and loaded.layers[0].arguments == {"by": 3.0}


def test_other_functions_and_code_are_refused(tmp_path):
    for function in (other, lambda x: x):
        model = day33.Sequential([layers.Input((4,)), layers.Lambda(function, name="own")])
        with pytest.raises(TypeError, match="'own' is a Lambda of .*, which no file can hold; expected"):
            model.save(tmp_path / "m.keras")
    config = layers.Lambda(shifted, name="own").get_config()
    assert layers.Lambda.from_config(config).function is shifted
    config["function"]["config"] = "tests>gone"
    with pytest.raises(ValueError, match="'own' is a Lambda of 'tests>gone'; expected a function in custom_objects"):
        layers.Lambda.from_config(config)
    assert layers.Lambda.from_config(config, {"tests>gone": other}).function is other
    code = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}}
    with pytest.raises(ValueError, match="is a Lambda of"):
        layers.Lambda.from_config({"name": "own", "function": code})


def test_what_is_refused():
    with pytest.raises(TypeError, match="function of layer 'own' is 3; expected a function"):
        layers.Lambda(3, name="own")
    with pytest.raises(ValueError, match="mask of layer 'own' is 1"):
        layers.Lambda(other, mask=1, name="own")
    with pytest.raises(TypeError, match="numpy.exp was called on"):
        layers.Lambda(lambda x: np.exp(x))(random(2, 3))
