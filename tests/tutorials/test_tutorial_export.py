"""A model that leaves: files of Keras, weights, and ONNX, which another runtime reads."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(101)
PICTURES = RNG.random((32, 12, 12, 1), np.float32)
CLASSES = RNG.integers(0, 4, 32)


def classifier(keras):
    layers = keras.layers
    inputs = keras.Input((12, 12, 1), name="picture")
    x = layers.Conv2D(6, 3, activation="relu", padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.SeparableConv2D(8, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Dropout(0.2)(x)))
    start(model)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_files_and_back(tmp_path):
    """`save`, `load_model` and going on with `fit`; `save_weights` in a callback, `load_weights` into a new model."""

    def program(keras, tf):
        folder = tmp_path / keras.__name__.partition(".")[0]
        folder.mkdir()
        model = classifier(keras)
        layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
        layer.rate = 0.0  # so that runs can be compared
        keep = keras.callbacks.ModelCheckpoint(str(folder / "{epoch:02d}.weights.h5"), save_weights_only=True)
        seen = model.fit(
            PICTURES, CLASSES, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[keep]
        ).history  # fmt: skip
        model.save(folder / "model.keras")
        again = keras.models.load_model(folder / "model.keras")
        on = again.fit(PICTURES, CLASSES, batch_size=8, epochs=1, shuffle=False, verbose=0).history
        other = classifier(keras)
        other.load_weights(folder / "01.weights.h5")
        clone = keras.models.model_from_json(model.to_json())
        return {
            "seen": seen, "on": on, "first epoch": other.predict(PICTURES[:3], verbose=0),
            "same": bool(np.array_equal(model.predict(PICTURES, verbose=0), keras.models.load_model(
                folder / "model.keras").predict(PICTURES, verbose=0))),
            "layers": [type(layer).__name__ for layer in clone.layers],
        }  # fmt: skip

    assert on_both(program)["same"]


def test_onnx(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")

    def program(keras, tf):
        model = classifier(keras)
        model.fit(PICTURES, CLASSES, epochs=3, verbose=0)
        model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
        return {size: model.predict(PICTURES[:size], verbose=0) for size in (1, 7)}

    found = on_day33(program)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (name,) = [item.name for item in session.get_inputs()]
    for size, expected in found.items():
        np.testing.assert_allclose(session.run(None, {name: PICTURES[:size]})[0], expected, rtol=0, atol=1e-5)
