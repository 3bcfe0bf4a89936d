"""Ten training steps of each of the note's auto-encoders, beside Keras: same weights, same batches, same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import autoencoder, optimizers
from support import zoo
from support.tolerances import TRAINING_STEPS

keras = pytest.importorskip("keras")

STEPS, BATCH = 10, 64


def pictures():
    """Strokes on black, like digits: pixels of 0 and 1 with soft edges, most of them 0."""
    rng = np.random.default_rng(33)
    images = np.zeros((STEPS * BATCH, 28, 28, 1), np.float32)
    for image in images:
        for _ in range(3):
            row, column, height, width = rng.integers((3, 3, 2, 2), (20, 20, 9, 9))
            image[row : row + height, column : column + width] = rng.random()
    return images


# Adam's step is m / (sqrt(v) + epsilon), so a weight whose gradient is all rounding moves by a whole step in a
# direction that rounding chose. An epsilon above the noise makes the comparison one of the update rule.
ADAM = {"learning_rate": 0.01, "epsilon": 1e-3}
OPTIMIZERS = {
    "adadelta at 1.0": (lambda: optimizers.Adadelta(learning_rate=1.0), lambda: keras.optimizers.Adadelta(1.0)),
    "adadelta by name": (lambda: "adadelta", lambda: "adadelta"),
    "adam": (lambda: optimizers.Adam(**ADAM), lambda: keras.optimizers.Adam(**ADAM)),
    "sgd with momentum": (
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    ),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["upsampling", "transposed"])
def test_ten_steps(kind, optimizer):
    ours, theirs = autoencoder.build(kind, seed=1), zoo.autoencoder(kind, keras)
    theirs.set_weights(ours.get_weights())
    for model, make in zip((ours, theirs), OPTIMIZERS[optimizer], strict=True):
        model.compile(optimizer=make(), loss="binary_crossentropy")
    before = [w.copy() for w in ours.get_weights()]

    for step, x in enumerate(np.split(pictures(), STEPS)):
        # A step of its own in each: train_on_batch would report a running mean.
        ours.reset_metrics()
        theirs.reset_metrics()
        mine, correct = ours.train_on_batch(x, x), theirs.train_on_batch(x, x)
        assert float(mine) == pytest.approx(float(correct), abs=TRAINING_STEPS), f"loss of step {step}"

    moved = 0.0
    for mine, correct, first in zip(ours.get_weights(), theirs.get_weights(), before, strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
        moved = max(moved, float(np.abs(mine - first).max()))
    # The comparison would prove nothing on weights that stood still.
    assert moved > (1e-6 if optimizer == "adadelta by name" else 1e-3)
    x = pictures()[:BATCH]
    np.testing.assert_allclose(ours.predict_on_batch(x), theirs.predict_on_batch(x), rtol=0, atol=TRAINING_STEPS)


@pytest.mark.parametrize("size", [7, 8, 9, 15, 17, 24])
def test_batch_statistics_with_lanes_left_over(size):
    """A batch that does not fill the lanes: the samples repeated there are in no gradient, behind batch means too."""

    def made(library):
        make = library.layers
        i = library.Input((6, 6, 2))
        x = make.BatchNormalization()(make.Conv2D(3, 3, use_bias=False)(i))
        return library.Model(i, make.Dense(2)(make.Flatten()(x)))

    ours, theirs = made(day33), made(keras)
    theirs.set_weights(ours.get_weights())
    x, y = zoo.random(size, 6, 6, 2), zoo.random(size, 2, seed=1)
    for model, library in ((ours, day33), (theirs, keras)):
        model.compile(library.optimizers.SGD(0.1), "mse")
        model.train_on_batch(x, y)
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS / 10)
