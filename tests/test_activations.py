"""day33.activations: the functions and their arguments against Keras, and what stands for an activation."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import day33
from day33 import activations, layers, ops
from support.tolerances import ELEMENTARY, UNIT_ROUNDOFF, assert_close

tf = pytest.importorskip("tensorflow")

FUNCTIONS = sorted(
    set(activations.__all__) - {"ActivationSpec", "deserialize", "get", "names", "serialize", "swish", "hard_swish"}
)
X = np.array([-np.inf, -30, -6, -3, -1, -0.5, 0, 0.25, 0.5, 1, 2, 3, 6, 6.5, 30, np.inf], np.float32)
RELU_OPTIONS = [
    {},
    {"negative_slope": 0.1},
    {"negative_slope": -0.5},
    {"max_value": 6.0},
    {"max_value": 0.0},
    {"threshold": 1.0},
    {"threshold": -1.0},
    {"negative_slope": 0.1, "max_value": 2.0},
    {"negative_slope": 0.5, "threshold": 1.0},
    {"max_value": 2.0, "threshold": -1.0},
    {"max_value": 2.0, "threshold": 3.0},
    {"negative_slope": 0.1, "max_value": 2.0, "threshold": 1.0},
]


def keras_gradient(function, x, dy):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y.numpy(), tape.gradient(y, x, tf.constant(dy)).numpy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_those_of_keras(name):
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for module in (activations, tf.keras.activations)
    )
    assert ours == theirs


@pytest.mark.parametrize("options", RELU_OPTIONS, ids=str)
def test_relu_with_options_as_keras(options):
    x = np.append(X, np.float32(np.nan))
    expected = tf.keras.activations.relu(x, **options).numpy()
    np.testing.assert_allclose(activations.relu(x, **options), expected, rtol=4 * UNIT_ROUNDOFF)


@pytest.mark.parametrize("options", RELU_OPTIONS, ids=str)
def test_gradient_of_relu_with_options_as_keras(options):
    # Nowhere near a corner, where every slope between those of both sides would be right.
    x = np.setdiff1d(np.linspace(-8, 8, 65, dtype=np.float32), [0, *options.values()])
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    y, gradient = keras_gradient(lambda x: tf.keras.activations.relu(x, **options), x, dy)
    assert_close(activations.relu(x, **options), y, length=3)
    assert_close(ops.relu_backward(dy, x, **options), gradient, length=3)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, 1, -1, -3, (0, 1), (2, 0), (1, 2), (0, 1, 2)], ids=str)
def test_softmax_over_axes_as_keras(name, axis):
    x, dy = np.random.default_rng(1).standard_normal((2, 4, 3, 5)).astype(np.float32)
    y, gradient = keras_gradient(lambda x: getattr(tf.keras.activations, name)(x, axis=axis), x, dy)
    assert_close(getattr(activations, name)(x, axis=axis), y, length=60, extra=ELEMENTARY)
    ours = getattr(ops, f"{name}_backward")(dy, x, axis=axis)
    assert_close(ours, gradient, length=60, magnitude=60, extra=ELEMENTARY)


def test_axes_count_from_both_ends():
    x = np.random.default_rng(2).standard_normal((4, 3, 5))
    np.testing.assert_array_equal(activations.softmax(x, (-1, np.int64(-2))), activations.softmax(x, [2, 1]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_as_keras(name):
    x = np.linspace(-8, 8, 60, dtype=np.float32).reshape(4, 15)
    expected = getattr(tf.keras.activations, name)(tf.constant(x)).numpy()
    assert_close(getattr(activations, name)(x), expected, length=15, extra=ELEMENTARY)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: activations.relu(X, max_value=-1),
            ValueError,
            "max_value is -1; expected a finite number of at least 0",
        ),
        (lambda: activations.relu(X, threshold=np.nan), ValueError, "threshold is nan; expected a finite number"),
        (lambda: activations.relu(X, negative_slope="a"), TypeError, "negative_slope is 'a'; expected a number"),
        (lambda: activations.elu(X, alpha=-1), ValueError, "alpha is -1"),
        (lambda: activations.leaky_relu(X, True), TypeError, "negative_slope is True"),
        (lambda: activations.softmax(X, axis=1), ValueError, r"axis is 1 and x has shape \(16,\)"),
        (lambda: activations.softmax(X, axis=(0, -1)), ValueError, r"axis is \(0, -1\)"),
        (lambda: activations.softmax(X, axis=()), ValueError, r"axis is \(\)"),
        (lambda: activations.softmax(np.float32(1)), ValueError, "axis is -1"),
        (lambda: activations.softmax(X, axis=0.5), TypeError, "axis is 0.5; expected an integer"),
        (lambda: activations.softmax(X, axis=True), TypeError, "axis is True; expected an integer"),
    ],
)
def test_bad_options(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("name", [*FUNCTIONS, "swish", "hard_swish"])
def test_every_function_stands_for_its_activation(name):
    function = getattr(activations, name)
    assert activations.get(function) == activations.get(name) == layers.Dense(1, activation=function).activation


def test_functions_of_ops_and_of_tensorflow_stand_for_theirs():
    for name in sorted(activations.names() & set(dir(day33.tf.nn))):
        x = np.linspace(-4, 4, 16, dtype=np.float32).reshape(4, 4)
        function, correct = getattr(day33.tf.nn, name), getattr(tf.nn, name)
        layer = layers.Dense(4, activation=function, kernel_initializer="identity")
        assert layer.get_config()["activation"] == name
        theirs = tf.keras.layers.Dense(4, activation=correct, kernel_initializer="identity")
        assert_close(layer(x), theirs(x).numpy(), length=15, extra=ELEMENTARY)
    assert activations.get(ops.relu) == activations.get(ops.nn.relu) == activations.get("relu")
    assert activations.get(ops.gelu) == activations.get("gelu_tanh")  # Keras's `ops.gelu` approximates


def test_a_dict_needs_a_name():
    with pytest.raises(ValueError, match='expected a dict with "class_name" and "config"'):
        activations.get({"config": {}})
