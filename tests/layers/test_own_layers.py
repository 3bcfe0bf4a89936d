"""Layers that users write: in terms of other layers, or with native ops."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import layers
from support.zoo import random


class Residual(layers.Layer):
    """x + dropout(conv(x))"""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.inner = [layers.Conv2D(filters, 3, padding="same"), layers.Dropout(0.5)]

    def call(self, x, training=False):
        y = self.inner[0](x)
        if training:
            y = self.inner[1](y, training=training)
        return x + y


def test_composite_layer():
    layer = Residual(3, name="res")
    x = random(4, 5, 5, 3)
    y = layer(x)
    np.testing.assert_allclose(y, x + layer.inner[0](x), rtol=1e-6)
    assert [v.path for v in layer.weights] == ["res/" + v.path.split("/", 1)[1] for v in layer.weights]
    assert not np.array_equal(layer(x, training=True), y)
    assert layer.compute_output_shape((None, 5, 5, 3)) == (None, 5, 5, 3)
    assert layer(random(1, 9, 8, 3)).shape == (1, 9, 8, 3)
    assert layer.count_params() == 84


def test_layer_with_native_ops():
    class Twice(layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], input_shape[-1]), "orthogonal", name="kernel")

        def lower(self, lowering, inputs):
            once = lowering.builder.dense(inputs[0], lowering.slot(self.kernel))
            return [lowering.builder.dense(once, lowering.slot(self.kernel))]

    layer = Twice()
    x = random(3, 4)
    kernel = np.asarray(layer(x) is not None and layer.kernel)
    np.testing.assert_allclose(layer(x), x @ kernel @ kernel, rtol=1e-5, atol=1e-5)
    assert layer.weights[0].path == "twice/kernel"


def test_call_that_depends_on_training_in_another_way():
    class Bad(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(2)

        def call(self, x, training=False):
            return self.a(x) if training else self.b(x)

    with pytest.raises(ValueError, match="other layers with training=True"):
        Bad()(np.zeros((1, 2)))


def test_call_that_forces_training():
    class Bad(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5, name="always")

        def call(self, x):
            return self.drop(x, training=True)

    with pytest.raises(ValueError, match="'always' with training=True always"):
        Bad()(np.zeros((1, 2)))


def test_call_that_uses_numpy():
    class Bad(layers.Layer):
        def call(self, x):
            return np.exp(x)

    with pytest.raises(TypeError, match="no values yet"):
        Bad()(np.zeros((1, 2)))


def test_forgotten_super():
    class Bad(layers.Layer):
        def __init__(self):
            self.units = 3

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Bad()(np.zeros((1, 2)))


def test_layer_without_anything():
    with pytest.raises(TypeError, match="neither lower"):
        layers.Layer()(np.zeros((1, 2)))
