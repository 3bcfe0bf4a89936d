"""Models in Keras's files: what one side writes, the other reads, with the same predictions and the same training."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest

import day33
import zoo
from day33 import activations, layers, optimizers
from tolerances import PROMISE, TRAINING_STEPS

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")

# Layers by name: arguments, and the shapes of their inputs. Every layer of day33 that Keras has stands here.
IMAGE, SEQUENCE, IDS = (6, 6, 4), (5, 4), (5,)
CASES = {
    "Activation": [dict(activation=name) for name in sorted(activations.names() - {"gelu_tanh"})],
    "Add": [{}],
    "Average": [{}],
    "AveragePooling2D": [dict(pool_size=2), dict(pool_size=3, strides=2, padding="same")],
    "BatchNormalization": [{}, dict(scale=False, epsilon=1e-2), dict(center=False)],
    "Concatenate": [{}, dict(axis=1)],
    "Conv2D": [
        dict(filters=3, kernel_size=3), dict(filters=4, kernel_size=(3, 2), strides=2, padding="same", groups=2),
        dict(filters=2, kernel_size=3, dilation_rate=2, activation="tanh", use_bias=False),
    ],
    "Conv2DTranspose": [
        dict(filters=3, kernel_size=3), dict(filters=3, kernel_size=3, strides=2, padding="same"),
        dict(filters=3, kernel_size=3, strides=2, output_padding=0),
    ],
    "Cropping2D": [dict(cropping=1), dict(cropping=((1, 0), (0, 2)))],
    "Dense": [dict(units=3), dict(units=2, activation="relu", use_bias=False), dict(units=2, activation="gelu")],
    "DepthwiseConv2D": [
        dict(kernel_size=3), dict(kernel_size=(3, 2), strides=2, padding="same", depth_multiplier=2, activation="silu"),
        dict(kernel_size=2, dilation_rate=2, use_bias=False),
    ],
    "Dropout": [dict(rate=0.4)],
    "ELU": [dict(alpha=0.5)],
    "Embedding": [dict(input_dim=9, output_dim=4), dict(input_dim=9, output_dim=3, mask_zero=True)],
    "Flatten": [{}],
    "GRU": [dict(units=3), dict(units=2, reset_after=False, return_sequences=True, dropout=0.1)],
    "GlobalAveragePooling1D": [{}, dict(keepdims=True)],
    "GlobalAveragePooling2D": [{}, dict(keepdims=True)],
    "GlobalMaxPooling1D": [{}],
    "GlobalMaxPooling2D": [{}, dict(keepdims=True)],
    "LSTM": [
        dict(units=3), dict(units=2, return_sequences=True, go_backwards=True, use_bias=False),
        dict(units=3, dropout=0.3, unit_forget_bias=False),
    ],
    "LeakyReLU": [{}, dict(negative_slope=0.1)],
    "LayerNormalization": [{}, dict(axis=[-2, -1], epsilon=1e-2), dict(scale=False), dict(center=False)],
    "Masking": [dict(mask_value=0.5)],
    "Maximum": [{}],
    "MaxPooling2D": [{}, dict(pool_size=3, strides=2, padding="same")],
    "Minimum": [{}],
    "Multiply": [{}],
    "Permute": [dict(dims=(3, 1, 2))],
    "ReLU": [{}, dict(negative_slope=0.2), dict(max_value=6.0)],
    "RepeatVector": [dict(n=3)],
    "Rescaling": [dict(scale=1 / 255), dict(scale=2.0, offset=[0.5, 1.0, 2.0, 3.0])],
    "Reshape": [dict(target_shape=(4, -1))],
    "SeparableConv2D": [dict(filters=3, kernel_size=3), dict(filters=2, kernel_size=2, strides=2, depth_multiplier=2)],
    "SimpleRNN": [dict(units=3), dict(units=2, go_backwards=True, use_bias=False)],
    "Softmax": [{}],
    "SpatialDropout1D": [dict(rate=0.25)],
    "Subtract": [{}],
    "UpSampling2D": [{}, dict(size=(3, 2), interpolation="bilinear")],
    "ZeroPadding2D": [{}, dict(padding=((1, 0), (0, 2)))],
}  # fmt: skip
SHAPES = {
    "Embedding": [IDS],
    **{name: [SEQUENCE] for name in
       ("GRU", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "LSTM", "SimpleRNN", "SpatialDropout1D")},
    "Masking": [SEQUENCE],
    "RepeatVector": [(4,)],
    **{name: [IMAGE, IMAGE] for name in
       ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")},
}  # fmt: skip
SHORT_NAMES = {name for name in layers.__all__ if getattr(layers, name).__name__ != name}
WITHOUT_CASE = SHORT_NAMES | {"Input", "InputLayer", "Layer", "MaxUnpooling2D"}
WITHOUT_CASE |= {"Bidirectional", "TimeDistributed"}  # see test_wrappers.py


def layer_model(library, name, arguments):
    make = library.layers
    inputs = [library.Input(shape) for shape in SHAPES.get(name, [IMAGE])]
    x = inputs if len(inputs) > 1 else inputs[0]
    return library.Model(x, getattr(make, name)(**arguments)(x))


def randomised(model):
    """The model with weights that tell each other apart; variances positive."""
    model.set_weights([np.abs(zoo.random(*w.shape, seed=i)) + 0.1 for i, w in enumerate(model.get_weights())])
    return model


def assert_same_predictions(ours, theirs, size=3):
    x = zoo.inputs_for(ours, size)
    if any(layer["class_name"] == "Embedding" for layer in ours.get_config()["layers"]):
        x = np.abs(np.rint(2 * x))
    mine = zoo.as_list(ours.predict(x, verbose=0))
    correct = zoo.as_list(theirs.predict(x, verbose=0))
    assert len(mine) == len(correct)
    for a, b in zip(mine, correct, strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=PROMISE * max(1.0, np.abs(b).max()))


@pytest.fixture(params=[".keras", ".h5"])
def suffix(request):
    return request.param


# ---- every layer ----


def test_every_layer_has_a_case():
    assert set(CASES) == {name for name in layers.__all__ if name not in WITHOUT_CASE}


@pytest.mark.parametrize(("name", "arguments"), [(name, case) for name in CASES for case in CASES[name]])
def test_layers_there_and_back(tmp_path, name, arguments):
    theirs = randomised(layer_model(keras, name, arguments))
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    assert_same_predictions(ours, theirs)
    ours.save(tmp_path / "ours.h5")
    again = keras.models.load_model(tmp_path / "ours.h5", compile=False)
    for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.layers[-1].get_config() == theirs.layers[-1].get_config()


@pytest.mark.parametrize(
    "activation",
    [
        "LeakyReLU(negative_slope=0.3)",
        "ELU(alpha=0.4)",
        "ReLU()",
        "ReLU(negative_slope=0.1)",
        "ReLU(max_value=6)",
        "ReLU(max_value=2.0)",
    ],
)
def test_activations_given_as_layers(tmp_path, activation):
    made = eval(activation, vars(keras.layers))
    theirs = randomised(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation=made)]))
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    assert_same_predictions(ours, theirs)
    ours.save(tmp_path / "again.keras")
    assert_same_predictions(ours, keras.models.load_model(tmp_path / "again.keras"))


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
    theirs = keras.Model({"a": a, "b": b}, {"sum": total, "still": keras.layers.Dropout(0.5)(total, training=False)})
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


# ---- training goes on ----

OPTIMIZERS = {
    "sgd": lambda library: library.optimizers.SGD(0.05),
    "momentum": lambda library: library.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adadelta": lambda library: library.optimizers.Adadelta(1.0, rho=0.8),
    "adam": lambda library: library.optimizers.Adam(0.01, beta_1=0.8, epsilon=1e-3),
    "schedule": lambda library: library.optimizers.Adam(
        library.optimizers.schedules.ExponentialDecay(0.02, 2, 0.5), epsilon=1e-3
    ),
    "clipped": lambda library: library.optimizers.SGD(0.1, momentum=0.5, clipnorm=0.1, weight_decay=0.01),
}


def trainable(library):
    make = library.layers
    model = library.Sequential([library.Input((6, 6, 2)), make.Conv2D(3, 3, use_bias=False),
                                make.BatchNormalization(), make.Flatten(), make.Dense(2)])  # fmt: skip
    return model


X, Y = zoo.random(8, 6, 6, 2), zoo.random(8, 2, seed=1)


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
    assert ours.optimizer.iterations == 3
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
    assert int(theirs.optimizer.iterations) == 3
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
    theirs.compile(keras.optimizers.RMSprop(), "huber")
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"m\.keras is not compiled: optimizer 'RMSprop'"):
        ours = day33.load_model(tmp_path / "m.keras")
    assert not ours.compiled
    assert_same_predictions(ours, theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        day33.load_model(tmp_path / "m.keras", compile=False)


def test_regularizers_are_left_out_aloud(tmp_path):
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_regularizer="l2", name="head")])
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="kernel_regularizer of layer 'head' is left out"):
        ours = day33.load_model(tmp_path / "m.keras")
    assert_same_predictions(ours, theirs)


def test_a_metric_of_ones_own_is_left_out_aloud(tmp_path):
    ours = trainable(day33)
    ours.compile("sgd", "mse", metrics=[lambda y_true, y_pred: np.abs(y_true - y_pred).max()])
    with pytest.warns(UserWarning, match="saved without its optimizer and losses"):
        ours.save(tmp_path / "m.keras")
    assert not day33.load_model(tmp_path / "m.keras").compiled


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
    theirs = layer_model(keras, "Rescaling", {"scale": np.array([1.0, 2.0, 3.0, 4.0]), "offset": -1.0})
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    assert ours.layers[-1].scale == [1, 2, 3, 4]
    assert_same_predictions(ours, theirs)


def test_a_layer_that_is_missing_is_named(tmp_path, suffix):
    theirs = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.SpatialDropout2D(0.5, name="apart")])
    theirs.save(tmp_path / f"m{suffix}")
    with pytest.raises(ValueError, match=r"m\.\w+ is not .*'apart' is of class 'SpatialDropout2D'.*Conv2D, Conv2DTran"):
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
