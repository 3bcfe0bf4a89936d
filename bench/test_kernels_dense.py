"""Dense layers, layer normalisation, LSTM: `python -m pytest bench/test_kernels_dense.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from day33 import _native, ops
from harness import peers
from harness.arrays import normal
from harness.limits import Work, floats
from harness.race import Participant

# Rows, inputs, units. The last three are those of the lyricist: a step of each LSTM layer (of x and h concatenated in
# the second) and the logits.
SHAPES = [(256, 784, 128), (256, 1024, 1024), (256, 1024, 4096), (256, 2048, 4096), (512, 1024, 7001)]


def dense(rows: int, inputs: int, units: int) -> dict[str, Participant]:
    x, kernel, bias = normal(rows, inputs), normal(inputs, units), normal(units)
    found = {
        "day33": peers.of_numpy(lambda: ops.dense(x, kernel, bias)),
        "numpy": peers.of_numpy(lambda: x @ kernel + bias),
    }
    if tf := peers.tensorflow():
        tx, tk, tb = tf.constant(x), tf.constant(kernel), tf.constant(bias)
        found["tensorflow"] = peers.of_tensorflow(lambda: tf.nn.bias_add(tf.matmul(tx, tk), tb))
    if torch := peers.torch():
        px, pk, pb = torch.from_numpy(x), torch.from_numpy(kernel.T.copy()), torch.from_numpy(bias)
        found["torch"] = peers.of_torch(lambda: torch.nn.functional.linear(px, pk, pb))
    return found


def work(rows: int, inputs: int, units: int) -> Work:
    return Work(2 * rows * inputs * units, floats((rows, inputs), (inputs + 1, units), (rows, units)))


@pytest.mark.parametrize("participant", ["day33", "numpy", "tensorflow", "torch"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "-".join(map(str, s)))
def test_dense(contest, shape, participant):
    rows, inputs, units = shape
    contest(
        f"dense {inputs} to {units}, {rows} rows", participant, lambda: dense(*shape),
        unit="GFLOP", amount=1e-9 * work(*shape).flops, family="dense", work=work(*shape),
    )  # fmt: skip


# ---- layer normalisation ----


def layer_norm(rows: int, width: int) -> dict[str, Participant]:
    x, gamma, beta = normal(rows, width), normal(width), normal(width)
    epsilon = 1e-3
    found = {"day33": peers.of_numpy(lambda: ops.layer_norm(x, gamma, beta, epsilon=epsilon))}
    if tf := peers.tensorflow():
        tx, tg, tb = tf.constant(x), tf.constant(gamma), tf.constant(beta)

        def of_moments() -> Any:
            mean, variance = tf.nn.moments(tx, -1, keepdims=True)
            return tf.nn.batch_normalization(tx, mean, variance, tb, tg, epsilon)

        found["tf XLA"] = peers.of_tensorflow(tf.function(of_moments, jit_compile=True))
    if torch := peers.torch():
        px, pg, pb = torch.from_numpy(x), torch.from_numpy(gamma), torch.from_numpy(beta)
        found["torch"] = peers.of_torch(lambda: torch.nn.functional.layer_norm(px, (width,), pg, pb, epsilon))
    return found


@pytest.mark.parametrize("participant", ["day33", "tf XLA", "torch"])
@pytest.mark.parametrize("shape", [(5120, 256), (5120, 1024)], ids=lambda s: "-".join(map(str, s)))
def test_layer_norm(contest, shape, participant):
    rows, width = shape
    contest(
        f"layer normalisation of {rows} rows of {width}", participant, lambda: layer_norm(*shape),
        unit="rows", amount=rows, family="layer normalisation",
        work=Work(bytes=floats((rows, width), (rows + 2, width))),
    )  # fmt: skip


# ---- LSTM ----

LINES, STEPS, UNITS = 64, 20, 256


def lstm() -> dict[str, Participant]:
    """Forward and backward pass of one layer, with the gradients of x and of all weights. The answer is dx."""
    x, dy = normal(LINES, STEPS, UNITS), normal(LINES, STEPS, UNITS)
    kernel, recurrent = (normal(UNITS, 4 * UNITS) / np.float32(np.sqrt(UNITS)) for _ in range(2))
    bias = normal(4 * UNITS)
    weights = (kernel, recurrent, bias)

    builder = _native.PlanBuilder()
    sequence = builder.input((STEPS, UNITS))
    plan = builder.build([builder.lstm(sequence, *(builder.parameter(weight.shape) for weight in weights))])

    def ours() -> Any:
        return plan.backward([x], [dy], weights)

    found = {"day33": Participant(ours, lambda: ours()[0][0])}
    if tf := peers.tensorflow():
        import keras

        layer = keras.layers.LSTM(UNITS, return_sequences=True)
        layer.build((None, STEPS, UNITS))
        layer.set_weights(list(weights))
        tx, td = tf.constant(x), tf.constant(dy)

        def forward_and_back() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(tx)
                y = layer(tx)
            return tape.gradient(y, [tx, *layer.trainable_variables], td)

        for name, compiled in (("keras", False), ("keras XLA", True)):
            traced = tf.function(forward_and_back, jit_compile=compiled)
            found[name] = Participant(traced, lambda traced=traced: traced()[0].numpy())
    if torch := peers.torch():
        module = torch.nn.LSTM(UNITS, UNITS, batch_first=True)
        with torch.no_grad():
            module.weight_ih_l0.copy_(torch.from_numpy(kernel.T))
            module.weight_hh_l0.copy_(torch.from_numpy(recurrent.T))
            module.bias_ih_l0.copy_(torch.from_numpy(bias))
            module.bias_hh_l0.zero_()
        px, pd = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)

        def gradients() -> Any:
            return torch.autograd.grad(module(px)[0], [px, *module.parameters()], pd)

        found["torch"] = Participant(gradients, lambda: gradients()[0].numpy())
    return found


@pytest.mark.parametrize("participant", ["day33", "keras", "keras XLA", "torch"])
def test_lstm(contest, participant):
    # The products with both kernels forward, and for the gradients of their two sides; x, dy and dx, and the weights
    # and their gradients.
    flops = 3 * 2 * LINES * STEPS * 2 * UNITS * 4 * UNITS
    contest(
        f"LSTM, {UNITS} to {UNITS}, {STEPS} steps, forward and back, batch {LINES}", participant, lstm,
        unit="tokens", amount=LINES * STEPS, family="LSTM",
        work=Work(flops, floats((3, LINES, STEPS, UNITS), (2, 2 * UNITS + 1, 4 * UNITS))),
    )  # fmt: skip
