"""The note's auto-encoders, training and inference: `python -m pytest bench/test_autoencoder.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autoencoders
import peers
from day33 import autoencoder, optimizers
from race import Participant

KINDS = ("upsampling", "transposed")
TRAINING_IMAGES, TRAINING_BATCH = 1024, 256


def pictures(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Smooth blobs on black in [0, 1]."""
    rng = np.random.default_rng(33)
    y, x = np.mgrid[:28, :28]
    centre = rng.uniform(8, 20, (2, count, 1, 1))
    return np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 20).astype(np.float32)[..., None]


def our_model(kind: str) -> Any:
    model = autoencoder.build(kind, seed=33)
    model.compile(optimizer=optimizers.Adadelta(learning_rate=1.0), loss="binary_crossentropy")
    return model


def of_fit(model: Any, x: Any) -> Participant:
    """An epoch of `fit`. The answer is the loss of one epoch more."""

    def epoch() -> Any:
        return model.fit(x, x, batch_size=TRAINING_BATCH, epochs=1, shuffle=False, verbose=0)

    return Participant(epoch, lambda: np.array([epoch().history["loss"][-1]]))


def of_torch_loop(model: Any, x: Any) -> Participant:
    torch = peers.torch()
    batches = peers.channels_last(x).split(TRAINING_BATCH)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0, rho=0.95, eps=1e-7)
    loss_of = torch.nn.BCEWithLogitsLoss()

    def epoch() -> Any:
        losses = []
        for batch in batches:
            optimizer.zero_grad()
            loss = loss_of(model(batch), batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return np.array([np.mean(losses)])

    return Participant(epoch, epoch)


def training(kind: str) -> dict[str, Participant]:
    x = pictures(TRAINING_IMAGES)
    model = our_model(kind)
    weights = model.get_weights()
    found = {"day33": of_fit(model, x)}
    for name, options in (("keras", {"jit_compile": False}), ("keras XLA", {"jit_compile": True})):
        if keras_model := autoencoders.keras_model(kind, weights, **options):
            found[name] = of_fit(keras_model, x)
    if (torch_model := autoencoders.torch_model(kind, weights)) is not None:
        found["torch"] = of_torch_loop(torch_model, x)
    return found


@pytest.mark.parametrize("participant", ["day33", "keras", "keras XLA", "torch"])
@pytest.mark.parametrize("kind", KINDS)
def test_training(contest, kind, participant):
    contest(
        f"auto-encoder ({kind}), training, batch {TRAINING_BATCH}", participant, lambda: training(kind),
        unit="samples", amount=TRAINING_IMAGES, tolerance=1e-3,
    )  # fmt: skip


def inference(kind: str, batch: int) -> dict[str, Participant]:
    x = pictures(batch)
    model = our_model(kind)
    weights = model.get_weights()
    found = {"day33": peers.of_numpy(lambda: model.predict_on_batch(x))}
    found["day33 predict"] = peers.of_numpy(lambda: model.predict(x, batch_size=batch, verbose=0))
    if (tf := peers.tensorflow()) and (keras_model := autoencoders.keras_model(kind, weights)):
        tx = tf.constant(x)
        traced, compiled = tf.function(keras_model), tf.function(keras_model, jit_compile=True)
        found["keras call"] = peers.of_tensorflow(lambda: keras_model(tx))
        found["tf.function"] = peers.of_tensorflow(lambda: traced(tx))
        found["tf XLA"] = peers.of_tensorflow(lambda: compiled(tx))
        found["keras predict"] = peers.of_numpy(lambda: keras_model.predict(x, batch_size=batch, verbose=0))
    if (torch_model := autoencoders.torch_model(kind, weights)) is not None:
        px, sigmoid = peers.channels_last(x), peers.torch().sigmoid
        found["torch"] = peers.of_torch(lambda: sigmoid(torch_model(px)))
    if session := autoencoders.onnx_model(kind, weights):
        found["onnxruntime"] = peers.of_onnx(session, peers.first(x))
    return found


@pytest.mark.parametrize(
    "participant",
    ["day33", "day33 predict", "keras call", "tf.function", "tf XLA", "keras predict", "torch", "onnxruntime"],
)
@pytest.mark.parametrize("batch", [1, 256, 2048])
@pytest.mark.parametrize("kind", KINDS)
def test_inference(contest, kind, batch, participant):
    contest(
        f"auto-encoder ({kind}), inference, batch {batch}", participant, lambda: inference(kind, batch),
        unit="images", amount=batch,
    )  # fmt: skip
