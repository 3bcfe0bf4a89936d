"""`training=` of calls in files of functional models: what Keras writes by itself, and what was asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from support.zoo import random

keras = pytest.importorskip("keras")

SHAPE = (6, 5, 2)
LAYERS = {
    "Dropout": {"rate": 0.5}, "SpatialDropout2D": {"rate": 0.5}, "GaussianNoise": {"stddev": 0.5},
    "GaussianDropout": {"rate": 0.5}, "AlphaDropout": {"rate": 0.5}, "RandomFlip": {},
    "RandomTranslation": {"height_factor": 0.4, "width_factor": 0.4},
}  # fmt: skip


def model_of(library, name, **call):
    x = library.Input(SHAPE)
    return library.Model(x, getattr(library.layers, name)(**LAYERS[name])(x, **call))


def acts(model, training):
    x = random(60, *SHAPE)
    return not np.allclose(np.asarray(model(x, training=training)), x, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_defaults_of_keras_are_no_wishes(name, tmp_path):
    """Keras writes training=False for a Dropout that nobody said anything about, and lets it act in `fit`."""
    theirs = model_of(keras, name)
    written = theirs.get_config()["layers"][-1]["inbound_nodes"][0]["kwargs"]["training"]
    assert written is name.startswith("Random")
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    for model in (ours, theirs):
        assert acts(model, True) and not acts(model, False)
        x = random(60, *SHAPE)
        np.testing.assert_allclose(np.asarray(model.predict(x, verbose=0)), x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_what_was_asked_for_stays(name, asked, tmp_path):
    ours = model_of(day33, name, training=asked)
    ours.save(tmp_path / "ours.keras")
    again = day33.load_model(tmp_path / "ours.keras")
    for model in (ours, again, day33.models.model_from_json(ours.to_json())):
        assert acts(model, True) is asked and acts(model, False) is asked
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    assert acts(theirs, True) and not acts(theirs, False)  # Keras overrules it, and so says the documentation


def test_of_a_recurrent_layer(tmp_path):
    x = keras.Input((5, 4))
    theirs = keras.Model(x, keras.layers.LSTM(3, dropout=0.5)(x))
    theirs.save(tmp_path / "theirs.keras")
    ours, data = day33.load_model(tmp_path / "theirs.keras"), random(9, 5, 4)
    assert not np.allclose(ours(data, training=True), ours(data))


def test_what_is_no_mode_is_refused():
    config = model_of(day33, "Dropout", training=True).get_config()
    for wrong in (2, "yes", 0.5, 1.0, [1], {"a": 1}):
        config["layers"][-1]["inbound_nodes"][0]["kwargs"]["training"] = wrong
        with pytest.raises(ValueError, match="a call has training="):
            day33.Model.from_config(json.loads(json.dumps(config)))
