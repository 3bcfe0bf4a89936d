"""Models in Keras's files: what one side writes, the other reads, with the same predictions."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import day33
from day33 import layers
from support import zoo
from support.keras_files import X, assert_same_predictions, randomised, trainable
from support.tolerances import PROMISE, TRAINING_STEPS

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")


@pytest.fixture(params=[".keras", ".h5"])
def suffix(request):
    return request.param


# ---- whole models ----


@pytest.mark.parametrize("kind", zoo.MODELS)
def test_whole_models_there_and_back(tmp_path, suffix, kind):
    theirs = randomised(zoo.MODELS[kind](keras))
    theirs.save(tmp_path / f"theirs{suffix}")
    ours = day33.load_model(tmp_path / f"theirs{suffix}")
    assert_same_predictions(ours, theirs)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    ours.save(tmp_path / f"ours{suffix}")
    assert_same_predictions(ours, keras.models.load_model(tmp_path / f"ours{suffix}"))
    again = day33.load_model(tmp_path / f"ours{suffix}")
    for a, b in zip(again.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.get_config() == ours.get_config()


@pytest.mark.parametrize("kind", zoo.MODELS)
def test_weights_alone(tmp_path, kind):
    theirs, ours = randomised(zoo.MODELS[kind](keras)), zoo.MODELS[kind]()
    theirs.save_weights(tmp_path / "t.weights.h5")
    ours.load_weights(tmp_path / "t.weights.h5")
    assert_same_predictions(ours, theirs)
    randomised(ours).set_weights([w + 1 for w in ours.get_weights()])
    ours.save_weights(tmp_path / "o.weights.h5")
    theirs.load_weights(tmp_path / "o.weights.h5")
    assert_same_predictions(ours, theirs)
    for name in ("w.keras", "w.h5"):
        theirs.save(tmp_path / name)
        fresh = zoo.MODELS[kind]()
        fresh.load_weights(tmp_path / name)
        assert_same_predictions(fresh, theirs)


def test_dicts_sums_and_calls_without_training(tmp_path):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    dense = keras.layers.Dense(3)
    total = dense(a) + dense(b)
    still = keras.layers.BatchNormalization()(total, training=False)
    theirs = keras.Model({"a": a, "b": b}, {"sum": total, "still": still})
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    x = {"a": zoo.random(3, 4), "b": zoo.random(3, 4, seed=1)}
    mine, correct = ours(x), theirs(x)
    assert set(mine) == set(correct) == {"sum", "still"}
    for name in mine:
        np.testing.assert_allclose(mine[name], correct[name], rtol=PROMISE, atol=PROMISE)
    ours.save(tmp_path / "again.keras")
    with zipfile.ZipFile(tmp_path / "again.keras") as archive:
        calls = [call for item in json.loads(archive.read("config.json"))["config"]["layers"]
                 for call in item["inbound_nodes"]]  # fmt: skip
    assert [call["kwargs"] for call in calls].count({"training": False}) == 1
    again = keras.models.load_model(tmp_path / "again.keras")(x)
    np.testing.assert_allclose(mine["still"], again["still"], rtol=PROMISE, atol=PROMISE)


@pytest.mark.parametrize("library", [day33, keras], ids=["day33", "keras"])
def test_states_handed_on(tmp_path, library):
    make = library.layers
    i = library.Input((None, 4))
    _, h, c = make.LSTM(3, return_state=True, name="first")(i)
    y = make.LSTM(3, name="second")(i, initial_state=[h, c])
    model = randomised(library.Model(i, make.Dense(2)(y)))
    model.save(tmp_path / "m.keras")
    ours, theirs = day33.load_model(tmp_path / "m.keras"), keras.models.load_model(tmp_path / "m.keras")
    x = zoo.random(3, 6, 4)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=0, atol=PROMISE)


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_sequences_there_and_back(tmp_path, suffix, kind):
    def made(library):
        make = library.layers
        stack = [
            make.Embedding(11, 4, mask_zero=True),
            make.LSTM(5, return_sequences=True),
            make.LSTM(3),
            make.Dense(2),
        ]
        if kind == "sequential":
            model = library.Sequential(stack)
            model(np.ones((2, 5), "int32"))
            return model
        x = i = library.Input((None,))
        for layer in stack:
            x = layer(x)
        return library.Model(i, x)

    x = np.array([[1, 2, 10, 0, 0], [3, 0, 0, 0, 0], [1, 2, 3, 4, 5]])
    theirs = made(keras)
    theirs.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mean_squared_error")
    theirs.fit(x, np.ones((3, 2)), verbose=0)
    theirs.save(tmp_path / f"t{suffix}")
    ours = day33.load_model(tmp_path / f"t{suffix}")
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=0, atol=PROMISE)
    if suffix == ".keras":
        for model in (ours, theirs):
            model.fit(x, np.ones((3, 2)), epochs=2, shuffle=False, verbose=0)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=TRAINING_STEPS)
    ours.save(tmp_path / f"o{suffix}")
    again = keras.models.load_model(tmp_path / f"o{suffix}")
    np.testing.assert_allclose(ours.predict(x, verbose=0), again.predict(x, verbose=0), rtol=0, atol=PROMISE)


def test_own_classes_by_name(tmp_path):
    def classes(library):
        class Twice(library.Model):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)
                self.units = units
                self.later = library.layers.Dense(units)
                self.first = library.layers.Dense(units, activation="relu")
                self.more = [library.layers.Dense(2), library.layers.Dense(units)]

            def call(self, x):
                return self.more[1](self.more[0](self.later(self.first(x))))

            def get_config(self):
                return {"units": self.units}

        return Twice

    ours_class, theirs_class = classes(day33), classes(keras)
    theirs = theirs_class(3)
    x = zoo.random(4, 5)
    expected = theirs(x).numpy()
    theirs.compile("adam", "mse")
    theirs.fit(x, np.zeros((4, 3)), verbose=0)
    expected = theirs.predict(x, verbose=0)
    theirs.save(tmp_path / "t.keras")
    with pytest.raises(ValueError, match="'Twice'.*custom_objects"):
        day33.load_model(tmp_path / "t.keras")
    ours = day33.load_model(tmp_path / "t.keras", {"Twice": ours_class})
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, rtol=PROMISE, atol=PROMISE)
    assert ours.optimizer.iterations == 1 and len(ours.optimizer.variables) == len(theirs.optimizer.variables) - 2
    ours.save(tmp_path / "o.keras")
    again = keras.models.load_model(tmp_path / "o.keras", custom_objects={"Twice": theirs_class})
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=PROMISE, atol=PROMISE)


# ---- what Keras lacks, what day33 lacks ----


def test_own_layers_are_for_day33_alone(tmp_path):
    i = day33.Input((4, 4, 2))
    pooled, indices = layers.MaxPooling2D(return_indices=True)(i)
    ours = day33.Model(i, layers.MaxUnpooling2D(name="back")([pooled, indices]))
    with pytest.warns(UserWarning, match="Keras has no layers like back, max_pooling2d"):
        ours.save(tmp_path / "m.keras")
    x = zoo.random(2, 4, 4, 2)
    np.testing.assert_array_equal(day33.load_model(tmp_path / "m.keras").predict(x), ours.predict(x))
    with pytest.raises(Exception, match="MaxPooling2D|MaxUnpooling2D"):
        keras.models.load_model(tmp_path / "m.keras")


def test_arrays_in_a_configuration(tmp_path):
    """Keras writes an array as an object of its own; a list says the same."""
    scale = np.array([1.0, 2.0, 3.0, 4.0])
    theirs = keras.Sequential([keras.Input((6, 6, 4)), keras.layers.Rescaling(scale, offset=-1.0)])
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    assert ours.layers[-1].scale == [1, 2, 3, 4]
    assert_same_predictions(ours, theirs)


def test_a_layer_that_is_missing_is_named(tmp_path, suffix):
    theirs = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.AdaptiveAveragePooling2D(2, name="apart")])
    theirs.save(tmp_path / f"m{suffix}")
    with pytest.raises(
        ValueError, match=r"m\.\w+ is not .*'apart' is of class 'AdaptiveAveragePooling2D'.*Conv2D, Conv2DTran"
    ):
        day33.load_model(tmp_path / f"m{suffix}")


def test_code_is_refused(tmp_path):
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, name="plus")])
    theirs.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="'plus' is a Lambda, which holds Python code"):
        day33.load_model(tmp_path / "m.keras", safe_mode=False)


def test_an_argument_that_is_missing_is_named(tmp_path):
    theirs = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.BatchNormalization(renorm=True, name="norm")])
    theirs.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="renorm=True of layer 'norm'"):
        day33.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("name", ["m.txt", "m", "m.weights.h5"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"ends in \.keras or \.h5"):
        trainable(day33).save(tmp_path / name)
    with pytest.raises(ValueError, match=r"ends in \.keras or \.h5"):
        day33.load_model(tmp_path / name)


def test_files_are_not_replaced_unasked(tmp_path, suffix):
    ours = trainable(day33)
    ours.save(tmp_path / f"m{suffix}")
    with pytest.raises(FileExistsError):
        ours.save(tmp_path / f"m{suffix}", overwrite=False)
    with pytest.raises(FileNotFoundError):
        day33.load_model(tmp_path / f"missing{suffix}")
    with pytest.raises(ValueError, match="not built"):
        day33.Sequential([layers.Dense(2)]).save(tmp_path / f"n{suffix}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"m{suffix}"]


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    ours = randomised(trainable(day33))
    before = ours.get_weights()
    other = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
    other.save_weights(tmp_path / "o.weights.h5")
    other.save(tmp_path / "o.h5")
    for name in ("o.weights.h5", "o.h5"):
        with pytest.raises(ValueError, match=name):
            ours.load_weights(tmp_path / name)
    for a, b in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- the sample beside a model ----


def test_a_sample_is_replayed(tmp_path, suffix):
    ours = randomised(trainable(day33))
    path = tmp_path / f"m{suffix}"
    ours.save(path, sample=X)
    assert day33.load_model(path, verify=True).count_params() == ours.count_params()
    # A sample written by anyone with NumPy, here from Keras's own predictions.
    theirs = keras.models.load_model(path)
    np.savez(tmp_path / f"m{suffix}.sample.npz", input_0=X, output_0=theirs.predict(X, verbose=0))
    day33.load_model(path, verify=True)
    np.savez(tmp_path / f"m{suffix}.sample.npz", input_0=X, output_0=theirs.predict(X, verbose=0) * 1.01)
    with pytest.raises(ValueError, match="does not give the outputs of its sample: output 0 differs"):
        day33.load_model(path, verify=True)
    np.savez(tmp_path / f"m{suffix}.sample.npz", input_0=X, output_0=np.zeros((8, 3)))
    with pytest.raises(ValueError, match=r"outputs of shapes \[\(8, 2\)\]"):
        day33.load_model(path, verify=True)
    np.savez(tmp_path / f"m{suffix}.sample.npz", input_0=X[:, :1], output_0=np.zeros((8, 2)))
    with pytest.raises(ValueError, match=rf"m{suffix}.sample.npz is no sample of the model: layer"):
        day33.load_model(path, verify=True)
    ours.save(path)  # without a sample: that of the old model goes
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


# ---- without TensorFlow ----

SAVE = """
import keras, numpy as np, sys
keras.utils.set_random_seed(1)
i = keras.Input((8, 8, 1))
x = keras.layers.Conv2D(4, 3, activation="relu", padding="same")(i)
x = keras.layers.Flatten()(keras.layers.MaxPooling2D()(x))
m = keras.Model(i, keras.layers.Dense(3, activation="softmax")(x))
m.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.random.default_rng(0).random((32, 8, 8, 1), "float32"), np.arange(32) % 3
m.fit(x, y, verbose=0)
m.save(sys.argv[1])
np.savez(sys.argv[1] + ".sample.npz", input_0=x, output_0=m.predict(x, verbose=0))
"""
LOAD = """
import sys
for name in ("tensorflow", "keras", "h5py", "tf_keras"):
    sys.modules[name] = None
import numpy as np, day33
model = day33.load_model(sys.argv[1], verify=True)
with np.load(sys.argv[1] + ".sample.npz") as sample:
    x, expected = sample["input_0"], sample["output_0"]
np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=0, atol=1e-5)
model.fit(x, np.arange(32) % 3, verbose=0)
assert model.optimizer.iterations == 2
print("fine")
"""


def test_a_process_without_tensorflow(tmp_path):
    path = str(tmp_path / "m.keras")
    for program, said in ((SAVE, ""), (LOAD, "fine\n")):
        done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout == said or program is SAVE


def test_what_is_written_is_what_keras_writes(tmp_path):
    ours = trainable(day33)
    ours.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
    theirs = keras.saving.deserialize_keras_object(config)
    assert [type(layer).__name__ for layer in theirs.layers] == [type(layer).__name__ for layer in ours.layers]
