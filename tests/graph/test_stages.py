"""Graphs that one plan cannot run: what takes the batch as a whole, and what is made of weights alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import day33
from day33 import layers, losses, ops

tf = pytest.importorskip("tensorflow")
import keras  # noqa: E402


def batch(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def gradients(function, *arrays: np.ndarray) -> list[np.ndarray]:
    """Gradients of a scalar function, by TensorFlow."""
    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        value = function(*variables)
    return [gradient.numpy() for gradient in tape.gradient(value, variables)]


class Centred(layers.Layer):
    """Subtracts the mean of the batch."""

    def call(self, x):
        return (x - ops.mean(x, axis=0)) / (ops.std(x, axis=0) + 0.1)


def test_what_goes_over_the_batch_is_numpys() -> None:
    x = batch(7, 5)
    expected = (x - x.mean(0)) / (x.std(0) + 0.1)
    assert_allclose(Centred()(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_a_model_with_stages_trains_as_keras(size: int) -> None:
    class KerasCentred(keras.layers.Layer):
        def call(self, x):
            return (x - keras.ops.mean(x, axis=0)) / (keras.ops.std(x, axis=0) + 0.1)

    theirs = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), KerasCentred(), keras.layers.Dense(3)]
    )
    ours = day33.Sequential([day33.Input((6,)), layers.Dense(8, activation="tanh"), Centred(), layers.Dense(3)])
    ours.set_weights(theirs.get_weights())
    x, y = batch(size, 6), batch(size, 3, seed=1)
    for model in (theirs, ours):
        model.compile("sgd", "mse")
    for _ in range(10):
        expected, found = theirs.train_on_batch(x, y), ours.train_on_batch(x, y)
        assert_allclose(float(found), float(expected), rtol=1e-4, atol=1e-6)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_batch_normalisation_before_a_stage_counts_each_batch_once() -> None:
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    ours = day33.Sequential([day33.Input((4,)), layers.BatchNormalization(), layers.Dense(2)])
    ours.set_weights(theirs.get_weights())
    theirs.add(keras.layers.Lambda(lambda x: x - keras.ops.max(x, axis=0)))

    class Below(layers.Layer):
        def call(self, x):
            return x - ops.max(x, axis=0)

    ours.add(Below())
    x, y = batch(16, 4) * 3 + 1, batch(16, 2, seed=1)
    for model in (theirs, ours):
        model.compile("sgd", "mse")
    for _ in range(5):
        theirs.train_on_batch(x, y)
        ours.train_on_batch(x, y)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_products_between_samples_have_gradients() -> None:
    """Each sample against each other one, as contrastive losses compare them."""
    x = batch(9, 5)

    def theirs(z):
        similar = tf.matmul(z, z, transpose_b=True)
        return tf.reduce_mean(tf.exp(similar * 0.1))

    with day33.GradientTape() as tape:
        tape.watch(x)
        similar = ops.matmul(x, ops.transpose(x))
        loss = ops.mean(ops.exp(similar * 0.1))
    (expected,) = gradients(theirs, x)
    assert_allclose(tape.gradient(loss, x), expected, rtol=1e-4, atol=1e-6)


def test_the_same_bits_for_any_number_of_threads() -> None:
    ours = day33.Sequential([day33.Input((6,)), layers.Dense(64, activation="tanh"), Centred(), layers.Dense(3)])
    x, y = batch(300, 6), batch(300, 3, seed=1)
    start = ours.get_weights()
    found = []
    threads = day33.get_num_threads()
    try:
        for count in (1, 2, 3):
            day33.set_num_threads(count)
            ours.set_weights(start)
            ours.compile("sgd", "mse")
            for _ in range(3):
                ours.train_on_batch(x, y)
            found.append(np.concatenate([weight.ravel() for weight in ours.get_weights()]))
    finally:
        day33.set_num_threads(threads)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_a_loss_that_is_one_number_for_the_batch() -> None:
    """Means over everything are taken apart, and stay in the plan of the model."""

    def ours_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred)) + 0.5 * ops.mean(ops.abs(y_pred)) - ops.sum(y_pred) * 0.01

    def theirs_loss(y_true, y_pred):
        return (
            keras.ops.mean(keras.ops.square(y_true - y_pred))
            + 0.5 * keras.ops.mean(keras.ops.abs(y_pred))
            - keras.ops.sum(y_pred) * 0.01
        )

    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(3)])
    ours = day33.Sequential([day33.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(3)])
    ours.set_weights(theirs.get_weights())
    x, y = batch(20, 6), batch(20, 3, seed=1)
    theirs.compile("sgd", theirs_loss)
    ours.compile("sgd", ours_loss)
    for _ in range(10):
        assert_allclose(float(ours.train_on_batch(x, y)), float(theirs.train_on_batch(x, y)), rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_loss_that_is_no_sum_of_means() -> None:
    """Dice: a quotient of sums over the whole batch."""

    def ours_loss(y_true, y_pred):
        return 1.0 - 2.0 * ops.sum(y_true * y_pred) / (ops.sum(y_true) + ops.sum(y_pred) + 1.0)

    def theirs_loss(y_true, y_pred):
        up = keras.ops.sum(y_true * y_pred)
        return 1.0 - 2.0 * up / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + 1.0)

    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="sigmoid")])
    ours = day33.Sequential([day33.Input((6,)), layers.Dense(3, activation="sigmoid")])
    ours.set_weights(theirs.get_weights())
    x, y = batch(20, 6), (batch(20, 3, seed=1) > 0).astype(np.float32)
    theirs.compile("sgd", theirs_loss)
    ours.compile("sgd", ours_loss)
    for _ in range(10):
        assert_allclose(float(ours.train_on_batch(x, y)), float(theirs.train_on_batch(x, y)), rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert losses.get(ours_loss).name == "ours_loss"


def test_a_layer_with_weights_of_its_own() -> None:
    class Scaled(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((shape[-1], 4), name="w")
            self.s = self.add_weight((4,), initializer="ones", name="s")

        def call(self, x):
            return ops.tanh((x @ self.w) * ops.exp(self.s) + self.s)

    class KerasScaled(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((shape[-1], 4), name="w")
            self.s = self.add_weight((4,), initializer="ones", name="s")

        def call(self, x):
            return keras.ops.tanh((x @ self.w) * keras.ops.exp(self.s) + self.s)

    theirs = keras.Sequential([keras.Input((6,)), KerasScaled(), keras.layers.Dense(3)])
    ours = day33.Sequential([day33.Input((6,)), Scaled(), layers.Dense(3)])
    ours.set_weights(theirs.get_weights())
    x, y = batch(20, 6), batch(20, 3, seed=1)
    for model in (theirs, ours):
        model.compile("sgd", "mse")
    for _ in range(10):
        assert_allclose(float(ours.train_on_batch(x, y)), float(theirs.train_on_batch(x, y)), rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5)
