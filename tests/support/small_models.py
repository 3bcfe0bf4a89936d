"""Small models and data for the tests of training."""

from __future__ import annotations

import numpy as np

from day33 import Model, Sequential, layers, optimizers


def dense_model(units=2, activation=None):
    return Sequential(
        [layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(units, activation=activation)]
    )


def conv_layers(library_layers, image=(8, 8, 1)):
    return [
        library_layers.Input(image),
        library_layers.Conv2D(3, 3, padding="same", activation="relu"),
        library_layers.MaxPooling2D(2),
        library_layers.Conv2D(4, 3, strides=2, activation="relu"),
        library_layers.Flatten(),
        library_layers.Dense(4, activation="softmax"),
    ]


def regression(size=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((size, 6), np.float32), rng.random((size, 2), np.float32)


def images(size=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((size, 8, 8, 1), np.float32), rng.integers(0, 4, size)


def compiled(model, loss="mse", optimizer=None, **arguments):
    model.compile(optimizer or optimizers.SGD(0.1), loss, **arguments)
    return model


def two_inputs(names=("a", "b")):
    first, second = layers.Input((6,), name=names[0]), layers.Input((3,), name=names[1])
    joined = layers.Concatenate()([layers.Dense(2)(first), layers.Dense(2)(second)])
    return Model([first, second], layers.Dense(2, name="out")(joined))


def watched_model(library_layers=layers, sequential=Sequential, optimizer=None):
    made = sequential([library_layers.Input((3,)), library_layers.Dense(4, activation="tanh"), library_layers.Dense(1)])
    made.compile(optimizer or "sgd", "mse", metrics=["mae"])
    return made


def watched_samples(size=20):
    rng = np.random.default_rng(0)
    return rng.random((size, 3), np.float32), rng.random((size, 1), np.float32)
