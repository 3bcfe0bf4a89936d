"""Normalisation by lengths, by root mean squares and in groups, beside Keras: values, gradients, masks, files."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import day33
from day33 import layers
from support.twins import assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

CASES = [
    ("UnitNormalization", {}),
    ("UnitNormalization", {"axis": [1, 3]}),
    ("RMSNormalization", {}),
    ("RMSNormalization", {"axis": [3], "epsilon": 0.1}),
    ("GroupNormalization", {"groups": 4}),
    ("GroupNormalization", {"groups": -1, "beta_regularizer": "l2", "gamma_constraint": "non_neg"}),
    ("GroupNormalization", {"groups": 1, "center": False}),
    ("GroupNormalization", {"groups": 2, "axis": 2, "scale": False, "epsilon": 0.1}),
]


@pytest.mark.parametrize("name, arguments", CASES, ids=lambda value: str(value))
def test_parity(name, arguments, tmp_path):
    def build(library):
        x = library.Input((5, 4, 8))
        h = library.layers.Dense(8)(x)
        return library.Model(x, getattr(library.layers, name)(**arguments)(h))

    ours, theirs = build_both(build, keras)
    x = random(6, 5, 4, 8)
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, random(6, 5, 4, 8, seed=1))
    path = tmp_path / "model.keras"
    ours.save(path)
    for library in (day33, keras):
        again = library.saving.load_model(path)
        np.testing.assert_allclose(again.predict(x, verbose=0), ours.predict(x, verbose=0), atol=2e-6)


@pytest.mark.parametrize("name", ["UnitNormalization", "RMSNormalization", "GroupNormalization"])
def test_arguments_are_those_of_keras(name):
    mine, theirs = (list(inspect.signature(getattr(room, name)).parameters.values()) for room in (layers, keras.layers))
    assert [(p.name, p.default) for p in mine] == [(p.name, p.default) for p in theirs]


def test_several_axes():
    """With a scale for each of several axes, which Keras does not broadcast."""
    x, scale = random(3, 4, 5, 2), random(4, 5, seed=1)
    layer = layers.RMSNormalization(axis=[1, -2], epsilon=0.25)
    layer.build(x.shape)
    layer.set_weights([scale])
    wide = x.astype(np.float64)
    right = wide / np.sqrt(np.mean(wide**2, axis=(1, 2), keepdims=True) + 0.25) * scale[..., np.newaxis]
    np.testing.assert_allclose(layer(x), right, rtol=1e-6, atol=1e-6)


def test_zeros_have_no_length():
    np.testing.assert_array_equal(layers.UnitNormalization()(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


@pytest.mark.parametrize("name", ["UnitNormalization", "GroupNormalization"])
def test_masks_go_on(name):
    def build(library):
        x = library.Input((5, 4))
        h = getattr(library.layers, name)(**({"groups": 2} if name[0] == "G" else {}))(library.layers.Masking()(x))
        return library.Model(x, library.layers.GlobalAveragePooling1D()(h))

    ours, theirs = build_both(build, keras)
    x = random(6, 5, 4)
    x[:, 3:] = 0
    x[2, 1:] = 0
    assert_same_predictions(ours, theirs, x)
    assert not layers.RMSNormalization().supports_masking and not keras.layers.RMSNormalization().supports_masking


WRONG = {
    "groups": (lambda: layers.GroupNormalization(0), "groups is 0; expected at least 1, or -1"),
    "multiple": (lambda: layers.GroupNormalization(3)(random(2, 4)), r"expected a multiple of groups, 3, on axis -1"),
    "batch": (lambda: layers.GroupNormalization(1, axis=0)(random(2, 4)), "and not 0, the batch"),
    "other size": (lambda: _built_for(4)(random(2, 6)), "expected 4 on axis -1, as when it was built"),
    "axis": (lambda: layers.UnitNormalization(axis=2)(random(2, 4)), "axis of layer .* is 2 for an input of 2 axes"),
    "twice": (lambda: layers.UnitNormalization(axis=[1, -1])(random(2, 4)), "each once, and not 0"),
    "epsilon": (lambda: layers.RMSNormalization(epsilon=-1.0), "epsilon is -1.0; expected a finite number of at least"),
}


def _built_for(size):
    layer = layers.GroupNormalization(2)
    layer.build((None, size))
    return layer


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        call()
