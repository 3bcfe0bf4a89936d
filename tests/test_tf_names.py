"""`day33.tf` beside TensorFlow: the same values, shapes and dtypes for the names that it has; Keras's tree of names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import operator
import pickle
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import day33
from day33 import layers, tf

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

X = np.random.default_rng(0).standard_normal((3, 1, 4)).astype(np.float32)
CALLS = {
    "zeros": lambda t: t.zeros((2, 3)),
    "zeros of int64": lambda t: t.zeros((2,), dtype=t.int64),
    "ones": lambda t: t.ones((2, 3)),
    "squeeze": lambda t: t.squeeze(X),
    "squeeze an axis": lambda t: t.squeeze(X, axis=1),
    "expand_dims": lambda t: t.expand_dims(X, axis=0),
    "argmax": lambda t: t.argmax(X, axis=-1),
    "argmax of the first axis": lambda t: t.argmax(X),
    "concat": lambda t: t.concat([X, X], axis=1),
    "cast": lambda t: t.cast(X * 3, t.int32),
    "reshape": lambda t: t.reshape(X, (2, -1)),
    "shape": lambda t: t.shape(X),
    "ints": lambda t: t.convert_to_tensor([[1, 2]]),
    "ints as int64": lambda t: t.convert_to_tensor([[1, 2]], dtype=t.int64),
    "floats": lambda t: t.constant([1.5, 2]),
    "an array": lambda t: t.convert_to_tensor(X.astype(np.float64)),
    "softmax": lambda t: t.nn.softmax(X, axis=-1),
    "relu": lambda t: t.nn.relu(X),
    "sums and products": lambda t: t.constant([1.0, 2.0]) * 2 + 1,
    "an entry": lambda t: t.constant([1.0, 2.0])[1],
    "a slice": lambda t: t.constant([[1.0, 2.0]])[:, -1],
    "large ints": lambda t: t.constant([1, 2**40]),
    "ints of NumPy": lambda t: t.constant([np.int64(1)]),
    "floats of NumPy": lambda t: t.constant([np.float64(1)]),
    "a list of arrays": lambda t: t.constant([X[0, 0].astype(np.float64), X[1, 0].astype(np.float64)]),
    "bools": lambda t: t.constant([True, False]),
    "tanh": lambda t: t.nn.tanh(X),
    "a bare number": lambda t: t.constant(1.5),
    "uint8": lambda t: t.cast([1.0, 2.0], t.uint8),
    "pad_sequences": lambda t: t.convert_to_tensor(
        t.keras.preprocessing.sequence.pad_sequences([[1], [2, 3]], padding="post")
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_values_and_dtypes(call):
    mine, correct = CALLS[call](tf), CALLS[call](tensorflow)
    assert isinstance(mine, tf.Tensor) and isinstance(mine, np.ndarray)
    assert tuple(mine.shape) == tuple(correct.shape) and mine.dtype == correct.dtype.as_numpy_dtype
    np.testing.assert_allclose(mine.numpy(), correct.numpy(), rtol=1e-6, atol=1e-6)
    assert type(mine.numpy()) is type(correct.numpy())


def test_what_tensorflow_refuses():
    with pytest.raises(TypeError, match="float32, int32"):
        tf.concat([tf.zeros((2,)), tf.convert_to_tensor([1])], axis=0)
    with pytest.raises(TypeError, match="expected numbers"):
        tf.convert_to_tensor([None])
    with pytest.raises(ValueError):
        tf.squeeze(X, axis=0)


def test_strings():
    for value in (["a", "é"], [[b"a"]], "a"):
        tensor = tf.constant(value)
        assert isinstance(tensor, tf.Tensor) and tensor.dtype.kind == "U"
        assert tensor.tolist() == np.vectorize(bytes.decode)(tensorflow.constant(value).numpy()).tolist()


def test_layers_give_tensors():
    dense = layers.Dense(2)
    assert isinstance(dense(tf.zeros((3, 4))), tf.Tensor)
    x = np.zeros((3, 4), np.float32)
    assert isinstance(dense(x), tf.Tensor) and dense(x).numpy().shape == (3, 2)
    states = layers.LSTM(2, return_state=True)(np.zeros((1, 3, 4), np.float32))
    assert all(isinstance(state, tf.Tensor) for state in states)
    i = day33.Input((4,))
    model = tf.keras.Model(i, [dense(i), dense(i)])
    assert all(isinstance(y, tf.Tensor) for y in model(tf.zeros((3, 4))))


# ---- the tree of Keras ----


def test_every_way_of_importing():
    import day33.keras.layers
    import day33.tf.keras.layers as L
    import day33.tf.keras.optimizers.schedules
    from day33.tf.keras.datasets.mnist import load_data
    from day33.tf.keras.layers import Dense

    from day33.keras import models

    assert Dense is L.Dense is day33.keras.layers.Dense is layers.Dense
    assert L is day33.keras.layers is importlib.import_module("day33.tf.keras.layers")
    assert day33.tf.keras.optimizers.schedules is day33.keras.optimizers.schedules
    assert load_data is day33.datasets.mnist.load_data and models.load_model is day33.load_model
    names: dict[str, object] = {}
    exec("from day33.tf.keras.losses import *", names)
    assert names["MeanSquaredError"] is day33.losses.MeanSquaredError


@pytest.mark.parametrize("first", ["day33.keras.layers", "day33.tf.keras.layers", "day33.tf.keras", "day33.utils"])
def test_a_fresh_process(first):
    """Whatever is imported first."""
    code = f"import {first} as m, day33; from day33.tf.keras.layers import Dense; print(Dense is day33.layers.Dense)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


# Names that code written for Keras uses, and where day33 has them.
KERAS_NAMES = {
    "keras.Sequential": day33.Sequential,
    "keras.models.load_model": day33.load_model,
    "keras.saving.save_model": day33.saving.save_model,
    "keras.backend.clear_session": day33.clear_session,
    "keras.losses.mse": day33.losses.mean_squared_error,
    "keras.metrics.MAE": day33.losses.mean_absolute_error,
    "keras.utils.set_random_seed": day33.set_random_seed,
    "keras.utils.Sequence": day33.utils.PyDataset,
    "keras.utils.pad_sequences": day33.text.pad_sequences,
    "keras.preprocessing.text.Tokenizer": day33.text.Tokenizer,
    "keras.preprocessing.image_dataset_from_directory": day33.utils.image_dataset_from_directory,
    "keras.optimizers.schedules.ExponentialDecay": day33.optimizers.schedules.ExponentialDecay,
    "keras.callbacks.EarlyStopping": day33.callbacks.EarlyStopping,
    "keras.random.SeedGenerator": day33.random.SeedGenerator,
    "keras.activations.relu": day33.activations.relu,
    "keras.initializers.glorot_uniform": day33.initializers.GlorotUniform,
    "keras.datasets.mnist.load_data": day33.datasets.mnist.load_data,
}


def has(root, name):
    try:
        operator.attrgetter(name)(root)
    except AttributeError:
        return False
    return True


@pytest.mark.parametrize("name", KERAS_NAMES)
def test_where_the_names_lead(name):
    for root in (day33, tf):
        assert operator.attrgetter(name)(root) == KERAS_NAMES[name]
    # Some are in one of the two places where the real Keras is found.
    assert any(has(root, name) for root in (tensorflow, SimpleNamespace(keras=keras)))


def test_settings_are_those_of_keras():
    for name in ("epsilon", "floatx", "image_data_format"):
        for module in ("backend", "config"):
            mine, correct = (getattr(getattr(t.keras, module), name)() for t in (tf, tensorflow))
            assert mine == correct


ABSENT = {
    "tf.RaggedTensor": "from day33.tf import RaggedTensor",
    "tf.nn.ctc_loss": None,
    "tf.data.TFRecordDataset": None,
    "tf.random.gamma": None,
    "keras.applications": "import day33.tf.keras.applications",
    "keras.layers.Conv3D": "from day33.tf.keras.layers import Conv3D",
    "keras.regularizers.Nothing": "from day33.keras.regularizers import Nothing",
    "keras.preprocessing.image.ImageDataGenerator": "from day33.keras.preprocessing.image import ImageDataGenerator",
    "keras.optimizers.schedules.Nothing": "from day33.keras.optimizers.schedules import Nothing",
    "keras.config.set_floatx": None,
    "keras.backend.mean": None,
}


@pytest.mark.parametrize("name", ABSENT)
def test_absent_names_answer_with_a_sentence(name):
    said = rf"^day33 has no (tf\.)?{re.escape(name)}; see docs/keras\.md$"
    with pytest.raises(AttributeError, match=said):
        operator.attrgetter(name)(day33)
    assert not hasattr(operator.attrgetter(name.rpartition(".")[0])(day33), name.rpartition(".")[2])
    if ABSENT[name] is not None:
        with pytest.raises(ImportError, match=said):
            exec(ABSENT[name])


def test_imports_of_others_are_left_alone():
    with pytest.raises(ModuleNotFoundError, match="No module named 'day33_of_others'"):
        importlib.import_module("day33_of_others")
    assert importlib.util.find_spec("day33.keras.layers") is not None


def test_dir_lists_what_there_is():
    assert "L2" in dir(day33.keras.regularizers)
    assert {"Adam", "schedules"} <= set(dir(tf.keras.optimizers))
    assert {"load_model", "Model"} <= set(dir(tf.keras.models))
    for module in [name for name in sys.modules if name.startswith("day33.keras.")]:
        for name in dir(sys.modules[module]):
            assert getattr(sys.modules[module], name) is not None


# ---- what calls return ----


def test_models_and_losses_answer_numpy():
    """The first tutorial of TensorFlow, whose model and loss are called on NumPy arrays."""
    x, y = X[:, 0], np.array([0, 1, 1])
    kernel = np.random.default_rng(1).standard_normal((4, 2)).astype(np.float32)
    found = []
    for t in (tf, tensorflow):
        model = t.keras.Sequential([t.keras.Input((4,)), t.keras.layers.Dense(2)])
        model.set_weights([kernel, np.zeros(2, np.float32)])
        logits = model(x[:1]).numpy()
        loss = t.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        each = t.keras.losses.MeanAbsoluteError(reduction=None)
        mean = t.keras.metrics.Mean()
        mean.update_state([1.0, 4.0])
        found.append([
            logits, t.nn.softmax(logits).numpy(), loss(y[:1], logits).numpy(), each(x, x + 1).numpy(),
            t.keras.losses.mse(x, x * 2).numpy(), mean.result().numpy(),
        ])  # fmt: skip
    for mine, correct in zip(*found, strict=True):
        assert type(mine) is type(correct)
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-6)


def test_results_are_numbers_and_arrays_as_before():
    x = X[:, 0]
    loss = day33.losses.MeanSquaredError()(x, x + 1)
    assert isinstance(loss, float) and json.dumps(loss) == json.dumps(float(loss)) and f"{loss:.2f}" == "1.00"
    assert pickle.loads(pickle.dumps(loss)) == loss
    i = day33.Input((4,))
    model = day33.Model(i, layers.Dense(2)(i))
    assert isinstance(model(x), np.ndarray) and type(model.predict(x, verbose=0)) is np.ndarray
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))


def test_function_is_the_function():
    def double(x):
        return x * 2

    assert tf.function(double) is double
    assert tf.function(input_signature=[tf.TensorSpec((None,))], jit_compile=True)(double) is double
    assert tf.function(experimental_relax_shapes=True)(double) is double
    with pytest.raises(TypeError, match="no argument 'jit'"):
        tf.function(jit=True)


def test_the_command_line_says_when_something_is_downloaded(monkeypatch, tmp_path):
    """`load_data` downloads, as Keras code expects; the help does not promise otherwise."""
    from typer.testing import CliRunner

    from day33.cli import app

    text = " ".join(CliRunner().invoke(app, ["data", "--help"]).output.split())
    assert "Nothing else in day33" not in text and "No other command downloads" in text
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path))
    fetched = []
    monkeypatch.setattr(day33.datasets.mnist, "download_mnist", lambda: fetched.append(1))
    with pytest.raises(FileNotFoundError):
        tf.keras.datasets.mnist.load_data()
    assert fetched == [1]


def test_objects_are_those_of_day33():
    assert tf.keras is day33.keras and tf.keras.Model is day33.Model
    for room in ("activations", "callbacks", "initializers", "layers", "losses", "metrics", "models", "optimizers"):
        for name in (name for name in dir(getattr(day33, room)) if not name.startswith("_")):
            value = getattr(getattr(day33, room), name)
            assert getattr(getattr(tf.keras, room), name) is value or inspect.ismodule(value), name
