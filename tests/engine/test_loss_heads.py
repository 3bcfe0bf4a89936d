"""Cross-entropies of a prediction straight out of a sigmoid or softmax look through to the logits, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, losses, models, optimizers
from support.twins import assert_same_gradients, build_both

CASES = [
    ("sigmoid", "BinaryCrossentropy"),
    ("softmax", "BinaryCrossentropy"),
    ("softmax", "CategoricalCrossentropy"),
    ("sigmoid", "CategoricalCrossentropy"),
    ("softmax", "SparseCategoricalCrossentropy"),
    ("sigmoid", "SparseCategoricalCrossentropy"),
    ("tanh", "BinaryCrossentropy"),
]


@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`")
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(("head", "loss"), CASES)
def test_one_step_equals_keras(head, loss, from_logits):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(5)
    x = rng.normal(size=(16, 6)).astype(np.float32)
    y = rng.integers(0, 4, 16) if loss.startswith("Sparse") else np.eye(4, dtype=np.float32)[rng.integers(0, 4, 16)]
    # Large weights: some probabilities round to 0 or 1, where only the logits still know the loss. tanh has no logits:
    # near 1 the loss would show its last bit, which differs between TensorFlow's instruction sets.
    size = 1 if head == "tanh" else 6
    weights = [rng.normal(0, size, (6, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)]

    def step(library, losses, optimizers):
        image = library.layers.Input((6,))
        model = library.models.Model(image, library.layers.Dense(4, activation=head)(image))
        model.set_weights(weights)
        model.compile(optimizer=optimizers.SGD(1.0), loss=getattr(losses, loss)(from_logits=from_logits))
        return float(model.train_on_batch(x, y)), model.get_weights()

    ours, our_weights = step(day33, losses, optimizers)
    theirs, their_weights = step(keras, keras.losses, keras.optimizers)
    assert ours == pytest.approx(theirs, rel=1e-5)
    for a, b in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["Conv1D", "Conv1DTranspose", "SeparableConv1D"])
def test_sequences_too(kind):
    """Their op is one on images, but the activation is the last thing that happens to a prediction."""
    keras = pytest.importorskip("keras")
    build = lambda library: library.Sequential(  # noqa: E731
        [library.layers.Input((5, 3)), getattr(library.layers, kind)(2, 3, padding="same", activation="sigmoid")]
    )
    ours, theirs = build_both(build, keras, scale=6)
    x = np.random.default_rng(1).normal(size=(16, 5, 3)).astype(np.float32)
    y = np.random.default_rng(2).integers(0, 2, (16, 5, 2)).astype(np.float32)
    assert_same_gradients(ours, theirs, keras, x, y, "binary_crossentropy")


def test_fits_without_a_head_too():
    model = models.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizer="sgd", loss=losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(np.eye(3, dtype=np.float32), np.array([0, 1, 1]), epochs=50, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
