"""Files that many versions of Keras wrote (`samples/make_samples.py`): they predict and train on here as there."""

from __future__ import annotations

import json
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest

import day33
from support.tolerances import PROMISE, TRAINING_STEPS

ARCHIVES = sorted((Path(__file__).parent / "samples").glob("*.tar.xz"))
FORMS = (".keras", ".h5", ".weights.h5", ".old.h5")
# Where Keras computes in less than float32, its outputs are less precise.
TOLERANCE = {"mixed": 2e-3, "half": 2e-2}
# What an optimizer of Keras before 2.11 has learned is in .h5 files only: Keras 2 starts it afresh from .keras, too.
STARTS_AFRESH = {"legacy.keras"}


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("samples")
    with tarfile.open(request.param) as archive:
        archive.extractall(path, filter="data")
    return path


def files(folder, forms=FORMS):
    """(name of the model, file), the model of code left out."""
    found = [(path.stem, folder / f"{path.stem}{form}") for path in sorted(folder.glob("*.npz")) for form in forms]
    return [(name, path) for name, path in found if path.exists() and name != "code"]


def arrays(folder, name, letter):
    with np.load(folder / f"{name}.npz") as data:
        return [data[key] for key in sorted(data) if key[0] == letter]


def is_keras_2(folder):
    return json.loads((folder / "about.json").read_text(encoding="utf-8"))["version"].startswith("2.")


def loaded(folder, name, path):
    """The model in a file; for a file of weights, from another file, with these weights read into it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.name.count(".") == 1:
            return day33.load_model(path)
        model = day33.load_model(next(p for form in (".h5", ".keras") if (p := folder / f"{name}{form}").exists()))
        model.set_weights([w + 1 for w in model.get_weights()])
        model.load_weights(path)
        return model


def difference(found, expected):
    assert isinstance(found, np.ndarray if len(expected) == 1 else list)
    pairs = zip([found] if len(expected) == 1 else found, expected, strict=True)
    return max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in pairs)


def predicted(model, inputs):
    return model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)


def test_there_are_files_of_several_versions():
    assert len(ARCHIVES) >= 5


def test_predictions(folder):
    wrong = []
    for name, path in files(folder):
        if name == "hard" and is_keras_2(folder):  # another function, see below
            continue
        error = difference(predicted(loaded(folder, name, path), arrays(folder, name, "x")), arrays(folder, name, "y"))
        if not error <= TOLERANCE.get(name, PROMISE):
            wrong.append(f"{path.name}: {error:.2g}")
    assert not wrong


def test_training_goes_on(folder):
    trained = 0
    for name, path in files(folder, (".keras", ".h5")):
        expected = arrays(folder, name, "z")
        if not expected:
            continue
        model = loaded(folder, name, path)
        (x,), (target,) = arrays(folder, name, "x"), arrays(folder, name, "t")
        for _ in range(2):
            model.train_on_batch(x, target)
        trained += 1
        error = difference(predicted(model, [x]), expected)
        assert error <= TRAINING_STEPS or path.name in STARTS_AFRESH, f"{path.name}: {error:.2g}"
    assert trained >= 4


def test_code_is_refused(folder):
    for path in (folder / "code.keras", folder / "code.h5"):
        with pytest.raises(ValueError, match="is a Lambda, which holds Python code"):
            day33.load_model(path)


@pytest.mark.parametrize(("name", "dtypes"), [("mixed", "mixed_float16"), ("half", "bfloat16, float16")])
def test_other_precisions_are_said_once(folder, name, dtypes):
    for path in (folder / f"{name}.keras", folder / f"{name}.h5"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            day33.load_model(path)
        assert [str(item.message) for item in caught] == [
            f"the model was made for {dtypes}; day33 computes it in float32"
        ]


def test_a_function_that_was_another_one(folder):
    for path in (folder / "hard.keras", folder / "hard.h5"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            day33.load_model(path)
        assert len(caught) == is_keras_2(folder)
        assert all("whose hard_sigmoid is max(0, min(1, 0.2 x + 0.5))" in str(item.message) for item in caught)


def test_names_stay(folder):
    """Names outside ASCII, with spaces, and with slashes, which Keras 2 allows."""
    if is_keras_2(folder):
        expected = {"slashed": ["block/one", "block/two"]}
    else:
        expected = {"foreign": ["층_é", "출력"], "spaced": ["first layer. v1", "last layer"]}
    for name, names in expected.items():
        for path in (folder / f"{name}.keras", folder / f"{name}.h5"):
            assert [layer.name for layer in day33.load_model(path).layers[1:]] == names


def test_they_can_be_saved_again(tmp_path, folder):
    for name, path in files(folder, (".keras",)):
        model = loaded(folder, name, path)
        for form in (".keras", ".h5"):
            again = tmp_path / f"{name}{form}"
            model.save(again)
            for a, b in zip(model.get_weights(), day33.load_model(again).get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)


def test_open_sizes_stay_open(folder):
    for path in (folder / "sequential_open.keras", folder / "sequential_open.h5"):
        model = day33.load_model(path)
        assert model.predict(np.ones((2, 12), "int32"), verbose=0).shape == (2, 2)
