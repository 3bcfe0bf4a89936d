"""Live Keras models to day33 and back."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from support import zoo
from support.tolerances import PROMISE, TRAINING_STEPS

keras = pytest.importorskip("keras")


@pytest.mark.parametrize("kind", ["transposed", "branched", "nested"])
def test_there_and_back(kind):
    theirs = zoo.MODELS[kind](keras)
    ours = day33.from_keras(theirs)
    again = day33.to_keras(ours)
    x = zoo.inputs_for(ours)
    for mine, first, second in zip(*(zoo.as_list(m.predict(x, verbose=0)) for m in (ours, theirs, again)), strict=True):
        np.testing.assert_allclose(mine, first, rtol=PROMISE, atol=PROMISE)
        np.testing.assert_allclose(second, first, rtol=PROMISE, atol=PROMISE)
    assert ours.name == theirs.name == again.name
    assert not ours.compiled


def test_training_goes_back_and_forth():
    make = keras.layers
    model = keras.Sequential([keras.Input((4,)), make.Dense(5, activation="tanh"), make.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    straight = keras.models.clone_model(model)
    straight.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    straight.set_weights(model.get_weights())
    x, y = zoo.random(8, 4), zoo.random(8, 2, seed=1)
    for convert in (day33.from_keras, day33.to_keras, day33.from_keras):
        model.train_on_batch(x, y)
        model = convert(model)
        straight.train_on_batch(x, y)
    for mine, correct in zip(model.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    assert model.optimizer.iterations == 3


def test_what_is_no_model():
    with pytest.raises(TypeError, match="expected a Keras model"):
        day33.from_keras(keras.layers.Dense(2))
    with pytest.raises(TypeError, match="expected a day33 model"):
        day33.to_keras(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match="not built"):
        day33.from_keras(keras.Sequential([keras.layers.Dense(1)]))


def test_a_layer_that_keras_lacks():
    i = day33.Input((4, 4, 1))
    ours = day33.Model(i, day33.layers.UpSampling2D(interpolation="bed_of_nails")(i))
    with pytest.warns(UserWarning, match="only day33"), pytest.raises(ValueError, match="Keras cannot make"):
        day33.to_keras(ours)
