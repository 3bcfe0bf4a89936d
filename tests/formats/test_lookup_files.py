"""Layers with vocabularies in Keras's files, both ways: from constructors and adapted, with and without weights."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

import day33

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

TEXTS = ["the cat sat", "the dog ran; the cat!", "naïve 日本"]
WORDS = np.array([["a", "b"], ["b", "c"], ["b", "never"]])
CASES = {
    "strings": ("StringLookup", {}, WORDS),
    "strings, masked": ("StringLookup", {"mask_token": "b", "num_oov_indices": 2}, WORDS),
    "strings, one-hot": ("StringLookup", {"output_mode": "one_hot"}, WORDS),
    "strings, weighed": ("StringLookup", {"output_mode": "tf_idf"}, WORDS),
    "strings, weighed and padded": (
        "StringLookup", {"output_mode": "tf_idf", "max_tokens": 9, "pad_to_max_tokens": True}, WORDS,
    ),
    "integers": ("IntegerLookup", {"mask_token": 0}, np.array([[3, 5], [0, 5], [7, 5]])),
    "texts": ("TextVectorization", {"output_sequence_length": 4}, np.array(TEXTS)[:, None]),
    "texts, pairs": ("TextVectorization", {"ngrams": 2, "output_sequence_length": 6}, np.array(TEXTS)[:, None]),
    "texts, counted": ("TextVectorization", {"output_mode": "count"}, np.array(TEXTS)[:, None]),
    "texts, weighed": ("TextVectorization", {"output_mode": "tf_idf", "max_tokens": 5}, np.array(TEXTS)[:, None]),
}  # fmt: skip
cases = pytest.mark.parametrize("case", CASES)


def model_of(library, case, given):
    """A model that begins with the layer, adapted, or with the vocabulary that it then has in its constructor."""
    kind, arguments, data = CASES[case]
    layer = getattr(library.layers, kind)(**arguments)
    layer.adapt(data)
    if given:
        if arguments.get("output_mode") == "tf_idf":
            weights, size = getattr(layer, "_lookup_layer", layer), len(layer.get_vocabulary())
            arguments = {**arguments, "idf_weights": np.asarray(weights.idf_weights)[:size].tolist()}
        vocabulary = [item if isinstance(item, str) else int(item) for item in layer.get_vocabulary()]
        layer = getattr(library.layers, kind)(vocabulary=vocabulary, **arguments)
    dtype = "int64" if kind == "IntegerLookup" else "string"
    inputs = library.Input(data.shape[1:], dtype=dtype)
    x = layer(inputs)
    if arguments.get("output_mode", "int") == "int":
        x = library.layers.Embedding(20, 3)(x)
    return library.Model(inputs, library.layers.Dense(2)(x)), data


def predictions(model, data):
    given = data if isinstance(model, day33.Model) else tensorflow.constant(data)
    return np.asarray(model.predict(given, verbose=0))


@pytest.mark.parametrize("given", [False, True], ids=["adapted", "given"])
@cases
def test_from_keras(case, given, tmp_path):
    theirs, data = model_of(keras, case, given)
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    np.testing.assert_allclose(predictions(ours, data), predictions(theirs, data), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("given", [False, True], ids=["adapted", "given"])
@cases
def test_to_keras_and_back(case, given, suffix, tmp_path):
    ours, data = model_of(day33, case, given)
    path = tmp_path / f"ours.{suffix}"
    ours.save(path)
    expected = predictions(ours, data)
    np.testing.assert_array_equal(predictions(day33.load_model(path), data), expected)
    theirs = keras.saving.load_model(path, compile=False)
    np.testing.assert_allclose(predictions(theirs, data), expected, rtol=1e-5, atol=1e-6)


CATEGORIES = {
    "bins": ("Discretization", {"bin_boundaries": [0.0, 0.5]}, np.random.default_rng(0).random((9, 2)), "float32"),
    "bins, adapted": ("Discretization", {"num_bins": 3}, np.random.default_rng(0).random((9, 2)), "float32"),
    "counted bins": (
        "Discretization", {"num_bins": 3, "output_mode": "count"}, np.random.default_rng(0).random((9, 2)), "float32",
    ),
    "encoding": ("CategoryEncoding", {"num_tokens": 4}, np.array([[0, 1], [3, 3]]), "int64"),
    "hashes": ("Hashing", {"num_bins": 5}, WORDS, "string"),
    "hashes with a salt": ("Hashing", {"num_bins": 5, "salt": 3, "mask_value": "b"}, WORDS, "string"),
    "hashes of numbers": ("Hashing", {"num_bins": 5, "output_mode": "multi_hot"}, np.array([[3, 77], [0, 3]]), "int64"),
}  # fmt: skip


@pytest.mark.parametrize("case", CATEGORIES)
def test_categories(case, tmp_path):
    kind, arguments, data, dtype = CATEGORIES[case]
    layer = getattr(keras.layers, kind)(**arguments)
    if "num_bins" in arguments and kind == "Discretization":
        layer.adapt(data)
    inputs = keras.Input(data.shape[1:], dtype=dtype)
    x = layer(inputs)
    if arguments.get("output_mode", "int") == "int" and kind != "CategoryEncoding":
        x = keras.layers.Embedding(20, 3)(x)
    theirs = keras.Model(inputs, keras.layers.Dense(2)(x))
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    np.testing.assert_allclose(predictions(ours, data), predictions(theirs, data), rtol=1e-5, atol=1e-6)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    np.testing.assert_allclose(predictions(again, data), predictions(theirs, data), rtol=1e-5, atol=1e-6)
    assert again.layers[1].get_config() == theirs.layers[1].get_config()


@pytest.mark.parametrize("suffix", ["keras", "h5", "weights.h5", "npz"])
def test_normalization_that_was_adapted(suffix, tmp_path):
    data = np.random.default_rng(0).normal(3, 5, (20, 4)).astype(np.float32)

    def model(library):
        layer = library.layers.Normalization()
        inputs = library.Input((4,))
        return library.Model(inputs, library.layers.Dense(2)(layer(inputs))), layer

    (ours, mine), (theirs, correct) = model(day33), model(keras)
    mine.adapt(data)
    correct.adapt(data)
    theirs.layers[2].set_weights(ours.layers[2].get_weights())
    expected = predictions(theirs, data)
    path = tmp_path / f"model.{suffix}"
    for source in (ours, theirs):
        if suffix == "npz" and source is theirs:
            continue
        weights_only = suffix in ("weights.h5", "npz")
        (source.save_weights if weights_only else source.save)(path)
        for library in (day33, keras):
            if suffix == "npz" and library is keras:
                continue
            if weights_only:
                loaded = model(library)[0]
                if library is day33:  # Keras would go on with what it had
                    loaded.predict(data, verbose=0)
                loaded.load_weights(path)
            else:
                loaded = (day33 if library is day33 else keras.saving).load_model(path)
            np.testing.assert_allclose(predictions(loaded, data), expected, rtol=1e-4, atol=1e-5)


def test_configurations_hold_the_vocabulary():
    ours, data = model_of(day33, "texts", False)
    for copy in (day33.models.model_from_json(ours.to_json()), day33.models.clone_model(ours)):
        copy.set_weights(ours.get_weights())
        np.testing.assert_array_equal(predictions(copy, data), predictions(ours, data))
    assert ours.layers[1].get_config()["vocabulary"] is None  # as in Keras: it was adapted


def changed(source, target, change):
    """A copy of an archive with members changed by a function of name and bytes; None leaves one out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)


def test_files_without_a_vocabulary(tmp_path):
    """Such as Keras's .h5: the layer says that it has none when it is called."""
    theirs, data = model_of(keras, "strings", False)
    theirs.save(tmp_path / "theirs.keras")
    changed(tmp_path / "theirs.keras", tmp_path / "none.keras", lambda n, d: None if "assets" in n else d)
    ours = day33.load_model(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="has no vocabulary; expected `vocabulary`, or a call of adapt"):
        ours.predict(data)
    ours.layers[1].adapt(data)
    assert predictions(ours, data).shape == (3, 2, 2)


def test_hostile_files(tmp_path):
    theirs, _ = model_of(keras, "texts, weighed", False)
    theirs.save(tmp_path / "theirs.keras")

    def with_path(name, data):
        if name != "config.json":
            return data
        config = json.loads(data)
        config["config"]["layers"][1]["config"]["vocabulary"] = "/etc/passwd"
        return json.dumps(config)

    def with_other_weights(name, data):
        if name != "model.weights.h5":
            return data
        stream = io.BytesIO(data)
        with h5py.File(stream, "r+") as file:
            for group in ("", "_lookup_layer/"):
                del file[f"layers/text_vectorization/{group}vars/idf_weights"]
                file[f"layers/text_vectorization/{group}vars/idf_weights"] = np.ones(2, np.float32)
        return stream.getvalue()

    for change, message in (
        (with_path, "is the path '/etc/passwd', in a configuration"),
        (lambda n, d: b"a\na" if n.endswith("vocabulary.txt") else d, "more than once|idf_weights has shape"),
        (lambda n, d: b"\xff\xfe" if n.endswith("vocabulary.txt") else d, "decode"),
        (with_other_weights, r"idf_weights has shape \(2,\); expected"),
    ):
        changed(tmp_path / "theirs.keras", tmp_path / "changed.keras", change)
        with pytest.raises(ValueError, match=message):
            day33.load_model(tmp_path / "changed.keras")
