"""A variational auto-encoder out of the note's convolutions, in each library: participants of a race.

The encoder ends in the mean and the logarithm of the variance of a normal distribution, the decoder begins with a draw
from it; the loss is the cross-entropy of the pixels plus the divergence from the standard normal distribution
(Kingma and Welling, Auto-Encoding Variational Bayes, 2014). Epochs that are timed draw their noise; answers are losses
with noise that is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import day33
from autoencoder_races import pictures
from harness import peers
from harness.arrays import Array
from harness.race import Participant

CODE, BATCH, WEIGHT = 16, 256, 0.01
FILTERS = (16, 8, 8)


def kernels() -> list[Array]:
    """Weights in the order of Keras's layers: convolutions, three dense layers, convolutions."""
    rng = np.random.default_rng(33)

    def pair(*shape: int) -> list[Array]:
        scale = np.sqrt(2.0 / np.prod(shape[:-1]))
        return [(scale * rng.standard_normal(shape)).astype(np.float32), np.zeros(shape[-1], np.float32)]

    weights: list[Array] = []
    for before, after in zip((1, *FILTERS), FILTERS, strict=False):
        weights += pair(3, 3, before, after)
    weights += pair(4 * 4 * 8, CODE) + pair(4 * 4 * 8, CODE) + pair(CODE, 4 * 4 * 8)
    for before, after in ((8, 8), (8, 8), (8, 16), (16, 1)):
        weights += pair(3, 3, before, after)
    return weights


def built(keras: Any, *, draws: bool) -> Any:
    """The model in an API of Keras's, of pictures and, unless it draws, of noise (N, CODE)."""
    layers, ops = keras.layers, keras.ops

    class Sampling(layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        def call(self, inputs: Sequence[Any]) -> Any:
            mean, log_variance, *given = inputs
            noise = given[0] if given else keras.random.normal(ops.shape(mean))
            self.add_loss(WEIGHT * ops.mean(ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0) * 0.5)
            return mean + ops.exp(0.5 * log_variance) * noise

    picture = x = keras.Input((28, 28, 1))
    noise = [] if draws else [keras.Input((CODE,))]
    for filters in FILTERS:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Flatten()(x)
    mean, log_variance = layers.Dense(CODE)(x), layers.Dense(CODE)(x)
    x = Sampling()([mean, log_variance, *noise])
    x = layers.Reshape((4, 4, 8))(layers.Dense(4 * 4 * 8, activation="relu")(x))
    for filters, padding in ((8, "same"), (8, "same"), (16, "valid")):
        x = layers.UpSampling2D(2)(layers.Conv2D(filters, 3, padding=padding, activation="relu")(x))
    x = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    model = keras.Model([picture, *noise], x)
    model.set_weights(kernels())
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    return model


def _of_keras(keras: Any, x: Array, noise: Array) -> Participant:
    timed, checked = built(keras, draws=True), built(keras, draws=False)
    return Participant(
        lambda: timed.fit(x, x, batch_size=BATCH, epochs=1, shuffle=False, verbose=0),
        lambda: _losses(lambda: checked.fit([x, noise], x, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)),
    )


def _losses(epoch: Any) -> Array:
    return np.array([epoch().history["loss"][-1] for _ in range(3)])


def _of_torch(x: Array, noise: Array) -> Participant | None:
    torch = peers.torch()
    if torch is None:
        return None
    nn, functional = torch.nn, torch.nn.functional

    class Vae(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            pairs = [tuple(kernels()[i : i + 2]) for i in range(0, len(kernels()), 2)]
            self.encoder = nn.ModuleList([peers.torch_convolution(*pair, padding=1) for pair in pairs[:3]])
            self.dense = nn.ModuleList([_linear(torch, *pair) for pair in pairs[3:6]])
            borders = (1, 1, 0, 1)
            self.decoder = nn.ModuleList(
                [
                    peers.torch_convolution(*pair, padding=border)
                    for pair, border in zip(pairs[6:], borders, strict=True)
                ]
            )

        def forward(self, x: Any, noise: Any = None) -> Any:
            for convolution in self.encoder:
                x = functional.max_pool2d(functional.relu(convolution(x)), 2, ceil_mode=True)
            x = x.permute(0, 2, 3, 1).flatten(1)
            mean, log_variance = self.dense[0](x), self.dense[1](x)
            drawn = torch.randn_like(mean) if noise is None else noise
            x = functional.relu(self.dense[2](mean + torch.exp(0.5 * log_variance) * drawn))
            x = x.view(-1, 4, 4, 8).permute(0, 3, 1, 2)
            for convolution in self.decoder[:-1]:
                x = functional.interpolate(functional.relu(convolution(x)), scale_factor=2)
            divergence = (mean.square() + log_variance.exp() - log_variance - 1.0).mean() * 0.5
            return self.decoder[-1](x), WEIGHT * divergence

    def trained(given: Sequence[Any] | None) -> Any:
        model = Vae().to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
        batches = peers.channels_last(x).split(BATCH)

        def loss_of(outputs: Any, images: Any) -> Any:
            logits, divergence = outputs
            return functional.binary_cross_entropy_with_logits(logits, images) + divergence

        def epoch() -> float:
            losses = []
            for number, images in enumerate(batches):
                optimizer.zero_grad()
                loss = loss_of(model(images, None if given is None else given[number]), images)
                loss.backward()
                optimizer.step()
                losses.append(float(loss.item()))
            return float(np.mean(losses))

        return epoch

    timed, checked = trained(None), trained(torch.from_numpy(noise).split(BATCH))
    return Participant(timed, lambda: np.array([checked() for _ in range(3)]))


def _linear(torch: Any, kernel: Array, bias: Array) -> Any:
    layer = torch.nn.Linear(*kernel.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel.T)))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def participants(images: int) -> dict[str, Participant]:
    """Each run is an epoch; the answer, the mean losses of three epochs."""
    x = pictures(images)
    noise = np.random.default_rng(5).standard_normal((images, CODE)).astype(np.float32)
    found = {"day33": _of_keras(day33.keras, x, noise), "torch": _of_torch(x, noise)}
    if peers.tensorflow():
        import keras

        found["keras"] = _of_keras(keras, x, noise)
    return peers.installed(found)
