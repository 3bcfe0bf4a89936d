"""Random models of images: exported, in ONNX Runtime, and read back, each time beside `predict`.

What is between two layers decides in which layout values are; random neighbours meet all of it.
"""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, ops
from support.onnx_files import predicted, run, samples_for, shaken
from support.twins import assert_all_close

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# From a value (N, H, W, C) to another one; None where it would become too small or too large.
STEPS = {
    "convolution": lambda x: layers.Conv2D(4, 3, padding="same", activation="tanh")(x),
    "strides": lambda x: layers.Conv2D(3, 2, strides=2)(x) if min(x.shape[1:3]) > 3 else None,
    "depthwise": lambda x: layers.DepthwiseConv2D(3, padding="same")(x),
    "transposed": lambda x: layers.Conv2DTranspose(3, 3, strides=2, padding="same")(x) if x.shape[1] < 9 else None,
    "pooling": lambda x: layers.MaxPooling2D(2, padding="same")(x),
    "averages": lambda x: layers.AveragePooling2D(2, strides=1, padding="same")(x),
    "up": lambda x: layers.UpSampling2D((1, 2))(x) if x.shape[2] < 9 else None,
    "normalisation": lambda x: layers.BatchNormalization()(x),
    "layer normalisation": lambda x: layers.LayerNormalization()(x),
    "dense": lambda x: layers.Dense(5, activation="sigmoid")(x),
    "permute": lambda x: layers.Permute((2, 1, 3))(x),
    "channels first": lambda x: layers.Permute((3, 1, 2))(x),
    "channels last": lambda x: layers.Permute((2, 3, 1))(x),
    "rows": lambda x: layers.Reshape((x.shape[1] * x.shape[2], 1, x.shape[3]))(x),
    "all in one axis": lambda x: layers.Reshape((1, 2, -1))(x) if x.shape[1] * x.shape[2] % 2 == 0 else None,
    "padding": lambda x: layers.ZeroPadding2D(((0, 1), (1, 0)))(x),
    "slice": lambda x: x[:, 1:, ::-1] if x.shape[1] > 2 else None,
    "channels": lambda x: x[..., 1:] if x.shape[3] > 1 else None,
    "squeeze": lambda x: ops.expand_dims(ops.mean(x, axis=2), 2),
    "flip": lambda x: ops.flip(x, 3),
    "relu": lambda x: ops.relu(x),
    "softmax": lambda x: layers.Softmax(axis=1)(x),
    "gate": lambda x: x * layers.Dense(x.shape[3])(layers.GlobalAveragePooling2D(keepdims=True)(x)),
    "scale": lambda x: x * np.linspace(0.5, 1.5, x.shape[3], dtype=np.float32) - 0.25,
    "roll": lambda x: ops.roll(x, 1, 3),
    "doubled": lambda x: ops.concatenate([x, ops.tanh(x)], 3) if x.shape[3] < 9 else None,
}  # fmt: skip


def build(rng):
    """A chain of steps with branches that meet again, and outputs in between."""
    x = layers.Input((int(rng.integers(4, 8)), int(rng.integers(4, 8)), 3))
    value, outputs, kept = x, [], []
    for _ in range(int(rng.integers(4, 12))):
        name = str(rng.choice(list(STEPS)))
        found = STEPS[name](value)
        if found is None or np.prod(found.shape[1:]) > 3000:
            continue
        value = found
        fitting = [old for old in kept if old.shape == value.shape]
        if fitting and rng.random() < 0.7:
            value = value + fitting[int(rng.integers(len(fitting)))]
        kept.append(value)
        if rng.random() < 0.15:
            outputs.append(value)
    if value is x:
        value = ops.tanh(x)
    return shaken(day33.Model(x, [*outputs, value] if outputs else value))


# 168 and 198: an output made of another one by a transpose.
@pytest.mark.parametrize("seed", [*range(38), 168, 198])
def test_random_model(tmp_path, seed):
    model = build(np.random.default_rng(seed))
    model.export(tmp_path / "model.onnx", opset_version=18 + seed % 6)
    given = [samples_for(model.inputs[0], 3, seed)]
    expected = predicted(model, given)
    assert_all_close(run(tmp_path / "model.onnx", given), expected, 1e-5, "in ONNX Runtime")
    assert_all_close(predicted(day33.from_onnx(tmp_path / "model.onnx"), given), expected, 1e-5, "read back")
