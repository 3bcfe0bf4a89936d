"""Training that goes on in the other library, through Keras's files."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import day33
from day33 import optimizers
from support import zoo
from support.keras_files import X, Y, assert_same_predictions, randomised, trainable
from support.tolerances import TRAINING_STEPS

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")


@pytest.fixture(params=[".keras", ".h5"])
def suffix(request):
    return request.param


# ---- training goes on ----

OPTIMIZERS = {
    "sgd": lambda library: library.optimizers.SGD(0.05),
    "momentum": lambda library: library.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adadelta": lambda library: library.optimizers.Adadelta(1.0, rho=0.8),
    "adam": lambda library: library.optimizers.Adam(0.01, beta_1=0.8, epsilon=1e-3),
    "schedule": lambda library: library.optimizers.Adam(
        library.optimizers.schedules.ExponentialDecay(0.02, 2, 0.5), epsilon=1e-3
    ),
    "amsgrad": lambda library: library.optimizers.Adam(0.01, beta_1=0.8, epsilon=1e-3, amsgrad=True),
    "adamw": lambda library: library.optimizers.AdamW(0.01, weight_decay=0.1, epsilon=1e-3),
    "nadam": lambda library: library.optimizers.Nadam(0.01, beta_1=0.8, epsilon=1e-3),
    "adamax": lambda library: library.optimizers.Adamax(0.01, epsilon=1e-3),
    "lion": lambda library: library.optimizers.Lion(0.003, weight_decay=0.1),
    "adagrad": lambda library: library.optimizers.Adagrad(0.05, initial_accumulator_value=0.2),
    "rmsprop": lambda library: library.optimizers.RMSprop(0.01, momentum=0.5, centered=True, epsilon=1e-3),
    "ftrl": lambda library: library.optimizers.Ftrl(0.05, l2_regularization_strength=0.01),
    "restarts": lambda library: library.optimizers.RMSprop(
        library.optimizers.schedules.CosineDecayRestarts(0.02, 2), epsilon=1e-3
    ),
    "ema": lambda library: library.optimizers.SGD(
        0.05, momentum=0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "accumulating": lambda library: library.optimizers.RMSprop(
        0.02, momentum=0.5, gradient_accumulation_steps=2, use_ema=True, epsilon=1e-3
    ),
    "clipped": lambda library: library.optimizers.SGD(0.1, momentum=0.5, clipnorm=0.1, weight_decay=0.01),
}


def steps(model, number):
    for _ in range(number):
        model.train_on_batch(X, Y)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_continues_here(tmp_path, name):
    theirs = trainable(keras)
    theirs.compile(OPTIMIZERS[name](keras), "mse", metrics=["mae"])
    steps(theirs, 3)
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    assert ours.optimizer.steps == 3 and ours.optimizer.iterations == int(theirs.optimizer.iterations)
    before = ours.get_weights()
    steps(theirs, 3)
    steps(ours, 3)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TRAINING_STEPS)
    assert max(np.abs(a - b).max() for a, b in zip(before, ours.get_weights(), strict=True)) > 1e-3
    assert set(ours.evaluate(X, Y, verbose=0, return_dict=True)) == {"loss", "mae"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_continues_there(tmp_path, name):
    ours = trainable(day33)
    ours.compile(OPTIMIZERS[name](day33), "mse", metrics=["mae"])
    steps(ours, 3)
    ours.save(tmp_path / "m.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = keras.models.load_model(tmp_path / "m.keras")
    assert int(theirs.optimizer.iterations) == ours.optimizer.iterations
    slots = ours.optimizer.variables
    before = 1 if ours.optimizer.schedule else 2  # the number of steps, and the rate where it is a number
    for mine, correct in zip(slots, theirs.optimizer.variables[before : before + len(slots)], strict=True):
        np.testing.assert_array_equal(mine, np.asarray(correct))
    steps(ours, 3)
    steps(theirs, 3)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TRAINING_STEPS)


def test_training_continues_with_the_same_bits(tmp_path, suffix):
    day33.set_random_seed(1)
    ours = trainable(day33)
    ours.compile(optimizers.Adam(), "mse")
    steps(ours, 3)
    ours.save(tmp_path / f"m{suffix}")
    again = day33.load_model(tmp_path / f"m{suffix}")
    assert again.optimizer.learning_rate == 0.001
    steps(ours, 3)
    steps(again, 3)
    for a, b in zip(ours.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_keras_file_in_the_old_format_trains_on(tmp_path):
    theirs = trainable(keras)
    theirs.compile(OPTIMIZERS["adam"](keras), "mean_squared_error")
    steps(theirs, 3)
    theirs.save(tmp_path / "m.h5")
    ours = day33.load_model(tmp_path / "m.h5")
    assert ours.optimizer.iterations == 3
    steps(ours, 2)
    steps(theirs, 2)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TRAINING_STEPS)


def test_the_configuration_of_keras_2(tmp_path):
    """Calls as lists, shapes and slopes by their old names, weights in the same layout."""
    theirs = zoo.branched(keras)
    theirs.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["class_name"] = "Model"
        for item in config["config"]["layers"]:
            if item["class_name"] == "InputLayer":
                item["config"]["batch_input_shape"] = item["config"].pop("batch_shape")
            if item["class_name"] == "ReLU":
                item["class_name"], item["config"] = "LeakyReLU", {"name": item["name"], "alpha": 0.0}
            calls = []
            for node in item["inbound_nodes"]:
                tensors = node["args"][0] if isinstance(node["args"][0], list) else node["args"]
                calls.append([[*tensor["config"]["keras_history"], {}] for tensor in tensors])
            item["inbound_nodes"] = calls
        file.attrs["model_config"] = json.dumps(config)
    assert_same_predictions(day33.load_model(tmp_path / "m.h5"), theirs)


def test_an_untrained_compiled_model_trains_on_both_sides(tmp_path, suffix):
    ours = trainable(day33)
    ours.compile("adam", "mse")
    ours.save(tmp_path / f"m{suffix}")
    for model in (keras.models.load_model(tmp_path / f"m{suffix}"), day33.load_model(tmp_path / f"m{suffix}")):
        first = float(model.train_on_batch(X, Y))
        steps(model, 20)
        assert float(model.test_on_batch(X, Y)) < first


@pytest.mark.parametrize("loss", ["binary_crossentropy", "losses", "dict"])
def test_losses_and_metrics_travel(tmp_path, loss):
    def made(library):
        i = library.Input((4,))
        model = library.Model(i, library.layers.Dense(1, activation="sigmoid", name="out")(i))
        if loss == "losses":
            given = library.losses.BinaryCrossentropy(label_smoothing=0.2)
        else:
            given = {"out": "binary_crossentropy"} if loss == "dict" else loss
        model.compile("sgd", given, metrics=["accuracy", library.metrics.BinaryAccuracy(threshold=0.3, name="low")])
        return randomised(model)

    x, y = zoo.random(9, 4), (zoo.random(9, 1, seed=3) > 0).astype("float32")
    for source, load in ((keras, day33.load_model), (day33, keras.models.load_model)):
        model = made(source)
        model.save(tmp_path / "m.keras")
        expected = model.evaluate(x, y, verbose=0, return_dict=True)
        found = load(tmp_path / "m.keras").evaluate(x, y, verbose=0, return_dict=True)
        assert {key: pytest.approx(float(value), abs=1e-5) for key, value in expected.items()} == found


def test_what_cannot_be_compiled_here_still_predicts(tmp_path):
    theirs = trainable(keras)
    theirs.compile(keras.optimizers.Adafactor(), "huber")
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"m\.keras is not compiled: optimizer is 'Adafactor'"):
        ours = day33.load_model(tmp_path / "m.keras")
    assert not ours.compiled
    assert_same_predictions(ours, theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        day33.load_model(tmp_path / "m.keras", compile=False)


def test_unknown_regularizers_are_left_out_aloud(tmp_path):
    def unknown(x):
        return keras.ops.sum(x)

    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_regularizer=unknown, name="head")])
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="kernel_regularizer of layer 'head' is left out: regularizer is 'unknown'"):
        ours = day33.load_model(tmp_path / "m.keras")
    assert_same_predictions(ours, theirs)


def test_a_metric_of_ones_own_is_left_out_aloud(tmp_path):
    ours = trainable(day33)
    ours.compile("sgd", "mse", metrics=[lambda y_true, y_pred: np.abs(y_true - y_pred).max()])
    with pytest.warns(UserWarning, match="saved without its optimizer and losses"):
        ours.save(tmp_path / "m.keras")
    assert not day33.load_model(tmp_path / "m.keras").compiled
