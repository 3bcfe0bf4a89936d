"""Losses, layers and steps of the user's own, traced into plans: `python -m pytest bench/test_open_engine.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import day33
import variational
from autoencoder_races import KINDS, our_model, pictures, work
from day33 import ops, optimizers
from harness import peers
from harness.arrays import Array, normal
from harness.limits import Work, floats, of_model
from harness.race import Participant

IMAGES, BATCH = 1024, 256


@pytest.mark.parametrize("participant", ["day33", "torch", "keras"])
def test_variational_auto_encoder(contest, participant):
    contest(
        f"variational auto-encoder, training, batch {variational.BATCH}", participant,
        lambda: variational.participants(IMAGES), unit="samples", amount=IMAGES, tolerance=1e-3,
        work=of_model(
            variational.built(day33.keras, draws=True), variational.BATCH, training=True,
            times=IMAGES // variational.BATCH,
        ),
    )  # fmt: skip


# ---- what a loss of one's own costs over the native loss of the same formula ----


def squared(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def crossentropy(y_true: Any, y_pred: Any) -> Any:
    p = ops.clip(y_pred, 1e-7, 1.0 - 1e-7)
    return -ops.mean(y_true * ops.log(p) + (1.0 - y_true) * ops.log(1.0 - p), axis=-1)


LOSSES: dict[str, Callable[..., Any]] = {"mse": squared, "binary_crossentropy": crossentropy}


def compiled(kind: str, loss: Any) -> Any:
    model = our_model(kind, our_model(kind).get_weights())
    model.compile(optimizers.Adam(1e-3), loss)
    return model


def of_training(model: Any, x: Array) -> Participant:
    def epoch() -> Any:
        return model.fit(x, x, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)

    return Participant(epoch, lambda: np.array([epoch().history["loss"][-1]]))


@pytest.mark.parametrize("participant", ["day33", "day33 own loss"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_own_loss(contest, kind, loss, participant):
    def make() -> dict[str, Participant]:
        x = pictures(IMAGES)
        given = {"day33": loss, "day33 own loss": LOSSES[loss]}
        return {name: of_training(compiled(kind, chosen), x) for name, chosen in given.items()}

    contest(
        f"auto-encoder ({kind}), training with {loss}", participant, make, unit="samples", amount=IMAGES,
        work=work(kind, BATCH, training=True, times=IMAGES // BATCH),
    )  # fmt: skip


# ---- what a step with a tape costs over `train_on_batch` ----


def taped(model: Any, x: Array) -> Callable[[], Any]:
    def step() -> Any:
        with day33.GradientTape() as tape:
            loss = ops.mean(ops.square(model(x, training=True) - x))
        variables = model.trainable_variables
        model.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step


@pytest.mark.parametrize("participant", ["day33", "day33 tape"])
@pytest.mark.parametrize("kind", KINDS)
def test_tape(contest, kind, participant):
    def make() -> dict[str, Participant]:
        x = pictures(BATCH)
        models = [compiled(kind, "mse") for _ in range(2)]
        steps = {"day33": lambda: models[0].train_on_batch(x, x), "day33 tape": taped(models[1], x)}
        return {name: Participant(step, lambda step=step: np.array([float(step())])) for name, step in steps.items()}

    contest(
        f"auto-encoder ({kind}), a step of training", participant, make, unit="samples", amount=BATCH,
        work=work(kind, BATCH, training=True),
    )  # fmt: skip


# ---- convolutions along one axis ----

ROWS = [(64, 256, 5, 64, 64), (256, 128, 7, 1, 32), (64, 512, 3, 16, 8)]  # batch, length, kernel, channels in and out


@pytest.mark.parametrize("participant", ["day33", "tensorflow", "torch"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: "x".join(map(str, row)))
def test_conv1d(contest, row, participant):
    batch, length, size, inputs, outputs = row

    def make() -> dict[str, Participant | None]:
        x, kernel = normal(batch, length, inputs), normal(size, inputs, outputs) / np.float32(np.sqrt(size * inputs))
        found: dict[str, Participant | None] = {
            "day33": peers.of_numpy(lambda: ops.conv(x, kernel, padding="same")),
        }
        if tf := peers.tensorflow():
            tx, tk = tf.constant(x), tf.constant(kernel)
            found["tensorflow"] = peers.of_tensorflow(lambda: tf.nn.conv1d(tx, tk, 1, "SAME"))
        if torch := peers.torch():
            px = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1)))
            pk = torch.from_numpy(np.ascontiguousarray(kernel.transpose(2, 1, 0)))
            run = peers.of_torch(lambda: torch.nn.functional.conv1d(px, pk, padding=size // 2)).run
            found["torch"] = Participant(run, lambda: run().numpy().transpose(0, 2, 1))
        return found

    flops = 2 * batch * length * size * inputs * outputs
    contest(
        f"conv1d of {size}, {inputs} to {outputs} on {length}, batch {batch}", participant, make,
        unit="gigaflops", amount=1e-9 * flops, family="convolutions along one axis",
        work=Work(flops, floats((batch, length, inputs), (size, inputs, outputs), (batch, length, outputs))),
    )  # fmt: skip
