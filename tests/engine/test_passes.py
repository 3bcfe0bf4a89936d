"""Batch statistics part a step into passes; gradients of tiles that wait for each other must not share memory."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import Model, layers, optimizers

torch = pytest.importorskip("torch")


def step(filters: int, units: int, samples: int, relu: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gradients of convolution, flatten, dense, batch normalisation (and relu), dense: ours and torch's."""
    day33.set_random_seed(1)
    rng = np.random.default_rng(0)
    x = rng.random((samples, 6, 6, 2)).astype(np.float32)
    labels = rng.integers(0, 3, samples)
    image = layers.Input(shape=(6, 6, 2))
    convolution = layers.Conv2D(filters, 3, padding="same", use_bias=False)
    hidden, last = layers.Dense(units, use_bias=False), layers.Dense(3, activation="softmax", use_bias=False)
    normalised = layers.BatchNormalization()(hidden(layers.Flatten()(convolution(image))))
    model = Model(image, last(layers.ReLU()(normalised) if relu else normalised))
    model.compile(optimizer=optimizers.SGD(learning_rate=1.0), loss="sparse_categorical_crossentropy")
    before = [layer.kernel.value.copy() for layer in (convolution, hidden, last)]
    model.train_on_batch(x, labels)
    ours = [old - layer.kernel.value for old, layer in zip(before, (convolution, hidden, last), strict=True)]

    k, h, w = (torch.tensor(kernel, dtype=torch.float64, requires_grad=True) for kernel in before)
    picture = torch.tensor(x, dtype=torch.float64).permute(0, 3, 1, 2)
    sums = torch.nn.functional.conv2d(picture, k.permute(3, 2, 0, 1), padding=1).permute(0, 2, 3, 1)
    z = sums.reshape(samples, -1) @ h
    z = (z - z.mean(0)) / torch.sqrt(z.var(0, unbiased=False) + 1e-3)
    logits = (torch.relu(z) if relu else z) @ w
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
    return list(zip(ours, (k.grad.numpy(), h.grad.numpy(), w.grad.numpy()), strict=True))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("samples", [33, 80])
# Few filters: samples in the lanes. Many: channels in the lanes; with 64 units the dense layer takes the whole batch.
@pytest.mark.parametrize(("filters", "units"), [(4, 1), (4, 16), (40, 16), (40, 64)])
def test_gradients_across_tiles(filters: int, units: int, samples: int, relu: bool, isa: str) -> None:
    for ours, theirs in step(filters, units, samples, relu):
        # Weights of about 1 go through sums of 1,440 products and a subtraction of nearly equal means.
        assert np.abs(ours - theirs).max() <= 1e-4 * max(np.abs(theirs).max(), 1e-3)
