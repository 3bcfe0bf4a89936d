"""What the tests of Keras's files share."""

from __future__ import annotations

import numpy as np

from support import zoo
from support.tolerances import PROMISE

X, Y = zoo.random(8, 6, 6, 2), zoo.random(8, 2, seed=1)


def randomised(model):
    """The model with weights that tell each other apart; variances positive."""
    model.set_weights([np.abs(zoo.random(*w.shape, seed=i)) + 0.1 for i, w in enumerate(model.get_weights())])
    return model


def assert_same_predictions(ours, theirs, size=3):
    x = zoo.inputs_for(ours, size)
    if any(layer["class_name"].endswith("Embedding") for layer in ours.get_config()["layers"]):
        x = np.abs(np.rint(2 * x))
    mine = zoo.as_list(ours.predict(x, verbose=0))
    correct = zoo.as_list(theirs.predict(x, verbose=0))
    assert len(mine) == len(correct)
    for a, b in zip(mine, correct, strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=PROMISE * max(1.0, np.abs(b).max()))


def trainable(library):
    make = library.layers
    model = library.Sequential([library.Input((6, 6, 2)), make.Conv2D(3, 3, use_bias=False),
                                make.BatchNormalization(), make.Flatten(), make.Dense(2)])  # fmt: skip
    return model
