"""Models with penalties, made twice, and their training side by side."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import ops, optimizers
from support.tolerances import TRAINING_STEPS
from support.twins import build_both

keras = pytest.importorskip("keras")

L2 = ("L2", {"l2": 0.05})


def own_penalty(library):
    o = ops if library is day33 else keras.ops

    def penalty(x):
        return 0.05 * o.sum(o.sqrt(o.square(x) + 0.01))

    return penalty


def penalty(library, kind):
    if kind == "own":
        return own_penalty(library)
    if kind == "own class":

        class Own(library.regularizers.Regularizer):
            def __call__(self, x):
                return own_penalty(library)(x) * 0.5

        return Own()
    name, arguments = kind
    return getattr(library.regularizers, name)(**arguments)


def model_with(library, layer, shape):
    x = library.layers.Input(shape)
    h = layer(library.layers)(x)
    return library.Model(x, library.layers.Dense(2)(library.layers.Flatten()(h)))


def twins(build):
    """Of both libraries; moving variances are of course positive."""
    own, their = build_both(build, keras)
    weights = [
        np.abs(w) + 0.5 if "variance" in v.path else w for v, w in zip(own.weights, own.get_weights(), strict=True)
    ]
    own.set_weights(weights)
    their.set_weights(weights)
    return own, their


def train_both(own, their, shapes, steps=10, rate=0.1, reads=None, y_shape=(2,)):
    """Training steps of both on the same batches: losses, evaluations and weights are the same."""
    own.compile(optimizers.SGD(rate), "mse")
    their.compile(keras.optimizers.SGD(rate), "mse")
    rng = np.random.default_rng(5)
    for number in range(steps):
        size = 6 if number % 3 else 4
        x = rng.random((size, *shapes)).astype(np.float32) if reads is None else reads(rng, size)
        y = rng.normal(0, 1, (size, *y_shape)).astype(np.float32)
        if number % 4 == 0:
            assert own.evaluate(x, y, verbose=0) == pytest.approx(float(their.evaluate(x, y, verbose=0)), rel=2e-5)
        mine = own.train_on_batch(x, y)
        assert mine == pytest.approx(float(their.train_on_batch(x, y)), rel=1e-4, abs=TRAINING_STEPS)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
