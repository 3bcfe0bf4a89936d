"""Names that older versions of Keras wrote, and that Keras still reads: each means here what it means there."""

from __future__ import annotations

import json
import warnings
import zipfile

import numpy as np
import pytest

import day33
from day33 import initializers, layers, losses
from support.zoo import random

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")


def saved(tmp_path, change, model=None, suffix=".keras"):
    """The path of a model's file, its configuration changed."""
    path = tmp_path / f"m{suffix}"
    model = model or day33.Sequential([layers.Input((4,), name="in"), layers.Dense(3, name="one")])
    model.save(path)
    if suffix == ".h5":
        with h5py.File(path, "r+") as file:
            for key in ("model_config", "training_config"):
                if key in file.attrs:
                    file.attrs[key] = json.dumps(change(json.loads(file.attrs[key])))
        return path
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def changed_layer(**changes):
    """A change of the configuration of layer 1."""

    def change(config):
        config["config"]["layers"][1]["config"].update(changes)
        return config

    return change


def alike(path):
    """What both libraries load: layer 1 of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = keras.models.load_model(path)
    ours = day33.load_model(path)
    x = random(3, *ours.input_shape[1:])
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    return ours.layers[-1], theirs.layers[-1]


def their_initializers():
    return sorted(
        name
        for name, cls in keras.src.initializers.ALL_OBJECTS_DICT.items()
        if hasattr(initializers, cls.__name__) and cls.__name__ != "Initializer"
    )


@pytest.mark.parametrize("name", their_initializers())
def test_initializers(name):
    assert type(initializers.get(name)).__name__ == keras.src.initializers.ALL_OBJECTS_DICT[name].__name__


@pytest.mark.parametrize("name", ["OrthogonalInitializer", "Orthogonal", "GlorotUniform"])
@pytest.mark.parametrize("module", ["keras.initializers", "keras.src.initializers.random_initializers"])
@pytest.mark.parametrize("registered", [None, "Orthogonal"])
def test_initializers_in_files(tmp_path, name, module, registered):
    config = {"gain": 1.5, "seed": 3} if "Orth" in name else {"seed": None}
    change = changed_layer(kernel_initializer=item(module, name, config, registered))
    found = day33.load_model(saved(tmp_path, change)).layers[-1].kernel_initializer
    assert type(found).__name__ == name.removesuffix("Initializer")
    assert getattr(found, "gain", 1.5) == 1.5


@pytest.mark.parametrize("name", ["STFT", "STFTInitializer"])
def test_an_initializer_that_day33_lacks_is_said(tmp_path, name):
    path = saved(tmp_path, changed_layer(kernel_initializer=item("keras.initializers", name, {"side": "real"})))
    with pytest.warns(UserWarning, match=f"kernel_initializer of layer 'one' is {name}, which day33 does not have"):
        day33.load_model(path)


def item(module, name, config, registered=None):
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


ACTIVATIONS = {
    "name": "relu",
    "None": None,
    "alias": "swish",
    "function": item("builtins", "function", "relu", "function"),
    "function of Keras": item("keras.activations", "function", "silu", "silu"),
    "layer": item("keras.layers", "LeakyReLU", {"negative_slope": 0.25}),
    "layer of Keras 2": item("keras.layers", "LeakyReLU", {"alpha": 0.25}),
}


@pytest.mark.parametrize("form", ACTIVATIONS)
def test_activations(tmp_path, form):
    alike(saved(tmp_path, changed_layer(activation=ACTIVATIONS[form])))


POLICIES = {
    "name": "float32",
    "3.5": item("keras", "DTypePolicy", {"name": "float32"}),
    "3.3": item("keras.dtype_policies", "FloatDTypePolicy", {"name": "float32"}),
    "2": item("keras.mixed_precision", "Policy", {"name": "float32"}),
    "old 2": {"class_name": "Policy", "config": {"name": "float32"}},
    "None": None,
}


@pytest.mark.parametrize("form", POLICIES)
def test_dtype_policies(tmp_path, form):
    path = saved(tmp_path, changed_layer(dtype=POLICIES[form]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert day33.load_model(path).layers[-1].dtype == "float32"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64", "float16"])
def test_other_precisions(tmp_path, policy):
    change = changed_layer(dtype=item("keras", "DTypePolicy", {"name": policy}))
    with pytest.warns(UserWarning, match=f"^the model was made for {policy}; day33 computes it in float32$"):
        model = day33.load_model(saved(tmp_path, change))
    assert model.predict(random(2, 4), verbose=0).dtype == np.float32


# ---- keys of layers ----

KEYS = [
    (lambda make: make.LSTM(2), (5, 3), dict(time_major=False, implementation=2, unroll=False, use_cudnn=True)),
    (lambda make: make.GRU(2), (5, 3), dict(time_major=False, implementation=1, unroll=True, use_cudnn="auto")),
    (lambda make: make.SimpleRNN(2), (5, 3), dict(time_major=False, unroll=False)),
    (lambda make: make.DepthwiseConv2D(2), (5, 5, 3), dict(groups=1)),
    (lambda make: make.SeparableConv2D(2, 2), (5, 5, 3), dict(groups=1)),
    (lambda make: make.Conv2DTranspose(2, 2), (5, 5, 3), dict(groups=1)),
    (lambda make: make.BatchNormalization(), (5, 3), dict(renorm=False, renorm_momentum=0.9, fused=None)),
    (lambda make: make.Dense(2), (4,), dict(activity_regularizer=None, shared_object_id=7, lora_rank=None)),
]


@pytest.mark.parametrize("number", range(len(KEYS)))
def test_keys_that_older_versions_write(tmp_path, number):
    make, shape, keys = KEYS[number]
    model = day33.Sequential([layers.Input(shape), make(layers)])
    model.set_weights([random(*w.shape, seed=1) ** 2 for w in model.get_weights()])
    expected = model.predict(random(2, *shape), verbose=0)
    found = day33.load_model(saved(tmp_path, changed_layer(**keys), model))
    np.testing.assert_array_equal(found.predict(random(2, *shape), verbose=0), expected)


@pytest.mark.parametrize(
    ("make", "shape", "key", "value"),
    [
        (layers.LSTM, (5, 3), "time_major", True), (layers.DepthwiseConv2D, (5, 5, 3), "groups", 3),
        (layers.Dense, (4,), "quantization_mode", "int8"),
    ],
)  # fmt: skip
def test_keys_that_mean_something_are_refused(tmp_path, make, shape, key, value):
    model = day33.Sequential([layers.Input(shape), make(2)])
    with pytest.raises(ValueError, match=key):
        day33.load_model(saved(tmp_path, changed_layer(**{key: value}), model))


def test_the_length_of_an_embedding(tmp_path):
    model = day33.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(9, 2)])
    found = day33.load_model(saved(tmp_path, changed_layer(input_length=5, batch_input_shape=[None, 5]), model))
    np.testing.assert_array_equal(found.get_weights()[0], model.get_weights()[0])


def test_sequential_models_that_are_lists(tmp_path):
    def change(config):
        return {**config, "config": config["config"]["layers"]} if "class_name" in config else config

    model = day33.Sequential([layers.Input((4,)), layers.Dense(3)])
    found = day33.load_model(saved(tmp_path, change, model, ".h5"))
    np.testing.assert_array_equal(found.get_weights()[0], model.get_weights()[0])


def test_classes_of_a_package(tmp_path):
    """Registered classes have their package before the name; the file of an own class names it with its module."""

    class Twice(layers.Layer):
        def call(self, x):
            return x + x

    model = day33.Sequential([layers.Input((4,)), Twice(name="twice")])

    def change(config):
        config["config"]["layers"][1].update(class_name="Twice", registered_name="mine>Twice", module="elsewhere")
        return config

    path = saved(tmp_path, change, model)
    for key in ("Twice", "mine>Twice"):
        np.testing.assert_array_equal(day33.load_model(path, {key: Twice}).predict(np.ones((1, 4)), verbose=0), 2)
    with pytest.raises(ValueError, match="class 'Twice' of elsewhere"):
        day33.load_model(path)


# ---- compile ----


def compiled():
    model = day33.Sequential([layers.Input((4,)), layers.Dense(3)])
    model.compile(day33.optimizers.Adam(0.5), "mse", metrics=["mae"])
    model.train_on_batch(random(2, 4), random(2, 3))
    return model


@pytest.mark.parametrize("name", ["Custom>Adam", "Adam", "adam", "ADAM"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_optimizers(tmp_path, name, suffix):
    def change(config):
        found = config.get("optimizer_config") or (config.get("compile_config") or {}).get("optimizer")
        if found:
            found["class_name"] = name
            found["config"].update(is_legacy_optimizer=False, jit_compile=True, use_ema=False, ema_momentum=0.99)
        return config

    found = day33.load_model(saved(tmp_path, change, compiled(), suffix))
    assert type(found.optimizer) is day33.optimizers.Adam and found.optimizer.learning_rate == 0.5
    assert found.optimizer.iterations == 1


@pytest.mark.parametrize("optimizer", ["adam", "object"])
def test_the_optimizer_inside_of_one_that_scales_losses(tmp_path, optimizer):
    """What Keras puts around the optimizer of a model in mixed precision."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        given = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()) if optimizer == "object" else optimizer
        theirs.compile(given, "mse")
        for _ in range(3):
            theirs.train_on_batch(random(2, 4), random(2, 3))
        theirs.save(tmp_path / "m.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.warns(UserWarning, match="made for mixed_float16") as caught:
        found = day33.load_model(tmp_path / "m.keras")
    assert len(caught) == 1
    inner = theirs.optimizer.inner_optimizer
    assert found.optimizer.iterations == int(inner.iterations) > 0
    for mine, correct in zip(found.optimizer.variables, inner.variables[2:], strict=True):
        np.testing.assert_array_equal(mine, np.asarray(correct))


def test_the_decay_of_old_optimizers(tmp_path):
    def change(value):
        def changed(config):
            config["compile_config"]["optimizer"]["config"]["decay"] = value
            return config

        return changed

    assert day33.load_model(saved(tmp_path, change(0.0), compiled())).optimizer.iterations == 1
    with pytest.warns(UserWarning, match="not compiled: Adam does not support decay=0.5"):
        day33.load_model(saved(tmp_path, change(0.5), compiled()))


def test_metrics_and_losses_of_keras_2(tmp_path):
    def change(config):
        if "loss" in config:
            config["loss"] = {
                "class_name": "MeanSquaredError",
                "config": {"reduction": "auto", "name": "mean_squared_error", "fn": "mean_squared_error"},
            }
            config["metrics"] = [
                [
                    {
                        "class_name": "MeanMetricWrapper",
                        "config": {"name": "far", "dtype": "float32", "fn": "mean_absolute_error"},
                    }
                ]
            ]
        return config  # fmt: skip

    model = compiled()
    expected = model.evaluate(random(4, 4), random(4, 3), verbose=0, return_dict=True)
    path = saved(tmp_path, change, model, ".h5")
    found = day33.load_model(path)
    results = found.evaluate(random(4, 4), random(4, 3), verbose=0, return_dict=True)
    assert results == {"loss": expected["loss"], "far": expected["mae"]}
    found.save(path)
    again = day33.load_model(path).evaluate(random(4, 4), random(4, 3), verbose=0, return_dict=True)
    assert again == results


LOSSES = sorted(
    name
    for name, fn in keras.src.losses.ALL_OBJECTS_DICT.items()
    if hasattr(losses, fn.__name__) and fn.__name__ not in ("Loss", "LossFunctionWrapper")
)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    assert losses.get(name).kind == losses.get(keras.src.losses.ALL_OBJECTS_DICT[name].__name__).kind
