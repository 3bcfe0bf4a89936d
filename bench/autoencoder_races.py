"""Training and inference of the note's auto-encoders in each library: the participants of races, scaling and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

import autoencoders
import jax_autoencoders
from day33 import autoencoder, optimizers
from harness import THREADS, limits, peers
from harness.arrays import Array
from harness.limits import Work
from harness.race import Participant

KINDS = ("upsampling", "transposed")
# Takes kind, weights and images; returns a participant, or None where its library is not installed.
Maker = Callable[[str, list[Array], Array], Participant | None]


def pictures(count: int) -> Array:
    """Images (count, 28, 28, 1) of smooth blobs on black, in [0, 1]."""
    rng = np.random.default_rng(33)
    y, x = np.mgrid[:28, :28]
    centre = rng.uniform(8, 20, (2, count, 1, 1))
    return np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 20).astype(np.float32)[..., None]


def our_model(kind: str, weights: list[Array] | None = None, *, seed: int = 33) -> Any:
    model = autoencoder.build(kind, seed=seed)
    if weights is not None:
        model.set_weights(weights)
    model.compile(optimizer=optimizers.Adadelta(learning_rate=1.0), loss="binary_crossentropy")
    return model


@cache
def work(kind: str, batch: int, **options: Any) -> Work:
    """See `limits.of_model`."""
    return limits.of_model(our_model(kind), batch, **options)


# ---- training: each run is an epoch over the images; the answer is the mean loss of an epoch ----


def of_fit(model: Any, x: Array, batch: int) -> Participant:
    def epoch() -> Any:
        return model.fit(x, x, batch_size=batch, epochs=1, shuffle=False, verbose=0)

    return Participant(epoch, lambda: np.array([epoch().history["loss"][-1]]))


def trainers(batch: int) -> dict[str, Maker]:
    def ours(kind: str, weights: list[Array], x: Array) -> Participant:
        return of_fit(our_model(kind, weights), x, batch)

    def of_keras(jit_compile: bool) -> Maker:
        def make(kind: str, weights: list[Array], x: Array) -> Participant | None:
            model = autoencoders.keras_model(kind, weights, jit_compile=jit_compile)
            return of_fit(model, x, batch) if model else None

        return make

    def of_torch(wrap: Callable[[Any], Any]) -> Maker:
        """wrap: takes the module and returns what is called, or None."""

        def make(kind: str, weights: list[Array], x: Array) -> Participant | None:
            model = autoencoders.torch_model(kind, weights)
            called = None if model is None else wrap(model)
            if called is None:
                return None
            torch = peers.torch()
            batches = peers.channels_last(x).split(batch)
            optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0, rho=0.95, eps=1e-7)
            step = peers.torch_training(called, optimizer, torch.nn.BCEWithLogitsLoss())
            return peers.of_numpy(lambda: np.array([np.mean([step(images, images) for images in batches])]))

        return make

    def of_jax(kind: str, weights: list[Array], x: Array) -> Participant | None:
        jax = peers.jax()
        if jax is None:
            return None
        training = jax_autoencoders.Training(kind, weights)
        batches = [jax.numpy.asarray(x[begin : begin + batch]) for begin in range(0, len(x), batch)]
        return peers.of_numpy(lambda: training.epoch(batches))

    return {
        "day33": ours, "keras": of_keras(False), "keras XLA": of_keras(True), "torch": of_torch(lambda model: model),
        "torch.compile": of_torch(peers.compiled), "jax": of_jax,
    }  # fmt: skip


# ---- inference ----


def _ours(kind: str, weights: list[Array], x: Array) -> Participant:
    model = our_model(kind, weights)
    return peers.of_numpy(lambda: model.predict_on_batch(x))


def _our_predict(kind: str, weights: list[Array], x: Array) -> Participant:
    model = our_model(kind, weights)
    return peers.of_numpy(lambda: model.predict(x, batch_size=len(x), verbose=0))


def _keras_predict(kind: str, weights: list[Array], x: Array) -> Participant | None:
    model = autoencoders.keras_model(kind, weights)
    return peers.of_numpy(lambda: model.predict(x, batch_size=len(x), verbose=0)) if model else None


def _tensorflow(wrap: Callable[[Any, Any], Any]) -> Maker:
    """wrap: takes the module and the Keras model, and returns the function to call."""

    def make(kind: str, weights: list[Array], x: Array) -> Participant | None:
        tf = peers.tensorflow()
        model = autoencoders.keras_model(kind, weights) if tf else None
        if model is None:
            return None
        tx, function = tf.constant(x), wrap(tf, model)
        return peers.of_tensorflow(lambda: function(tx))

    return make


def _litert(kind: str, weights: list[Array], x: Array) -> Participant | None:
    model = autoencoders.keras_model(kind, weights)
    return peers.of_litert(model, x) if model else None


def _torch(wrap: Callable[[Any], Any]) -> Maker:
    """wrap: takes a function and returns what is called, or None."""

    def make(kind: str, weights: list[Array], x: Array) -> Participant | None:
        model = autoencoders.torch_model(kind, weights)
        if model is None:
            return None
        px, sigmoid = peers.channels_last(x), peers.torch().sigmoid
        called = wrap(lambda images: sigmoid(model(images)))
        return peers.of_torch(lambda: called(px)) if called else None

    return make


def onnx_on(runtime: str, threads: int = THREADS) -> Maker:
    """runtime: one of `peers.ONNX_RUNTIMES`."""

    def make(kind: str, weights: list[Array], x: Array) -> Participant | None:
        chain = autoencoders.onnx_model(kind, weights)
        return peers.ONNX_RUNTIMES[runtime](chain, x, threads) if chain else None

    return make


def _jax(kind: str, weights: list[Array], x: Array) -> Participant | None:
    jax = peers.jax()
    if jax is None:
        return None
    function, jx = jax_autoencoders.predictor(kind, weights), jax.numpy.asarray(x)
    return Participant(lambda: function(jx).block_until_ready(), lambda: np.asarray(function(jx)))


PREDICTORS: dict[str, Maker] = {
    "day33": _ours,
    "day33 predict": _our_predict,
    "keras call": _tensorflow(lambda _, model: model),
    "tf.function": _tensorflow(lambda tf, model: tf.function(model)),
    "tf XLA": _tensorflow(lambda tf, model: tf.function(model, jit_compile=True)),
    "keras predict": _keras_predict,
    "litert": _litert,
    "torch": _torch(lambda function: function),
    "torch.compile": _torch(peers.compiled),
    **{name: onnx_on(name) for name in peers.ONNX_RUNTIMES},
    "jax": _jax,
}


def made(
    makers: dict[str, Maker], kind: str, images: int, names: Iterable[str] | None = None
) -> dict[str, Participant]:
    """The participants whose library is installed, all with the same weights and images."""
    x, weights = pictures(images), our_model(kind).get_weights()
    wanted = makers if names is None else names
    return peers.installed({name: makers[name](kind, weights, x) for name in wanted})
