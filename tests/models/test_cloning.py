"""`clone_model`, `model_from_json`, `to_json`, and subclasses with a configuration of their own, beside Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, layers
from day33.models import clone_model, model_from_json
from support import zoo
from support.tolerances import PROMISE

keras = pytest.importorskip("keras")


def names(model):
    return [layer.name for layer in model.layers]


def assert_same(first, second):
    """The same outputs with the same weights."""
    second.set_weights(first.get_weights())
    x = zoo.inputs_for(first)
    for a, b in zip(zoo.as_list(first.predict(x, verbose=0)), zoo.as_list(second.predict(x, verbose=0)), strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=PROMISE)


@pytest.mark.parametrize("kind", zoo.MODELS)
def test_clones(kind):
    model = zoo.MODELS[kind]()
    twin = clone_model(model)
    assert type(twin) is type(model) and twin.name == model.name and names(twin) == names(model)
    assert not set(twin.layers) & set(model.layers) and not twin.compiled
    assert_same(model, twin)
    first = model.get_weights()[0].copy()
    twin.set_weights([w + 1 for w in twin.get_weights()])
    np.testing.assert_array_equal(model.get_weights()[0], first)


@pytest.mark.parametrize("kind", zoo.MODELS)
def test_json_of_either_library(kind):
    ours, theirs = zoo.MODELS[kind](), zoo.MODELS[kind](keras)
    for text in (ours.to_json(), theirs.to_json(), ours.to_json(indent=1)):
        mine, correct = model_from_json(text), keras.models.model_from_json(text)
        assert names(mine) == names(correct)
        correct.set_weights(theirs.get_weights())
        assert_same(correct, mine)


def test_json_says_how_to_train():
    def made(library):
        model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
        model.compile(library.optimizers.SGD(0.25, momentum=0.5), "mse", metrics=["mae"])
        return model

    for source in (day33, keras):
        text = made(source).to_json()
        mine, correct = model_from_json(text), keras.models.model_from_json(text)
        assert mine.optimizer.momentum == correct.optimizer.momentum == 0.5
        x, y = zoo.random(4, 3), zoo.random(4, 2)
        mine.set_weights(correct.get_weights())
        assert mine.evaluate(x, y, verbose=0) == pytest.approx(correct.evaluate(x, y, verbose=0), abs=1e-5)


def test_clone_on_other_inputs():
    i = layers.Input((None, None, 3))
    model = Model(i, layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, name="conv")(i)))
    given = layers.Input((8, 8, 3), name="small")
    twin = clone_model(model, input_tensors=given)
    assert twin.input_names == ["small"] and twin.inputs[0] is given and twin.output_shape == (None, 2)
    assert_same(twin, model)
    with pytest.raises(ValueError, match="input_tensors has 2 tensors; model .* takes 1"):
        clone_model(model, input_tensors=[given, layers.Input((8, 8, 3))])


@pytest.mark.parametrize("library", [day33, keras], ids=["day33", "keras"])
def test_clone_with_other_layers(library):
    """A function that replaces some layers and keeps others; both libraries do the same."""
    make = library.layers
    i = library.Input((4,))
    kept = make.Dense(3, name="kept")
    model = library.Model(i, make.Dropout(0.5, name="drop")(make.Dense(2, name="head")(kept(i))))

    def replaced(layer):
        if layer.name == "kept":
            return layer
        config = layer.get_config() | ({"rate": 0.1} if layer.name == "drop" else {})
        return type(layer).from_config(config)

    twin = library.models.clone_model(model, clone_function=replaced)
    assert twin.get_layer("kept") is kept and twin.get_layer("drop").rate == 0.1
    assert twin.get_layer("head") is not model.get_layer("head")


def test_clone_of_sequential_models():
    declared = Sequential([layers.Input((4,), name="in"), layers.Dense(3), layers.Dense(2)])
    seen = Sequential([layers.Embedding(9, 3), layers.LSTM(2)])
    unbuilt = Sequential([layers.Dense(2)])
    seen.predict(np.ones((1, 5)), verbose=0)
    for model in (declared, seen, unbuilt):
        for twin in (
            clone_model(model),
            clone_model(model, clone_function=lambda a: type(a).from_config(a.get_config())),
        ):
            assert names(twin) == names(model) and isinstance(twin, Sequential)
    assert clone_model(seen).built and not clone_model(unbuilt).built
    assert_same(declared, clone_model(declared))


def test_what_cannot_be_cloned():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(TypeError, match="expected a day33 model"):
        clone_model(layers.Dense(2))
    with pytest.raises(TypeError, match="override get_config"):
        clone_model(Own())
    with pytest.raises(ValueError, match="defined by its code"):
        clone_model(Own(), clone_function=lambda layer: layer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "a JSON list; expected an object"),
        ("{", "property name"),
        ("[" * 5000 + "]" * 5000, "nested 5000 deep; at most 200"),
        ('{"a":' * 300 + "1" + "}" * 300, "nested 300 deep"),
        ('"' + "[" * 5000 + '"', "a JSON str"),
        ('{"class_name": "Dense", "config": {"units": 2}}', "a layer Dense; expected a model"),
        ('{"class_name": "Lambda", "config": {}}', "is a Lambda"),
        ('{"class_name": "Sequential", "config": {"layers": [{}]}}', "class_name"),
        ('{"class_name": "Sequential"}', "config"),
    ],
)
def test_damaged_json(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        model_from_json(text)
    assert "json_string is not a usable model" in str(caught.value)


# ---- subclasses ----


def subclasses(library):
    make = library.layers

    class Variadic(library.Model):
        """Made of inputs and outputs, with an argument beside them."""

        def __init__(self, *args, factor=1, **kwargs):
            super().__init__(*args, **kwargs)
            self.factor = factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    class Fixed(library.Model):
        """Makes its inputs and outputs itself, out of its arguments."""

        def __init__(self, units, **kwargs):
            i = library.Input((3,), name="in")
            super().__init__(i, make.Dense(units, name="dense")(i), **kwargs)
            self.units = units

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Called(library.Model):
        """Defined by its code."""

        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = make.Dense(units, name="dense")

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    def variadic():
        i = library.Input((3,), name="in")
        return Variadic(i, make.Dense(2, name="dense")(i), factor=5, name="mine")

    def called():
        model = Called(2, name="mine")
        model(np.ones((1, 3), np.float32))
        return model

    return {
        "Variadic": (Variadic, variadic, {"factor": 5}),
        "Fixed": (Fixed, lambda: Fixed(2, name="mine"), {"units": 2}),
        "Called": (Called, called, {"units": 2}),
    }


@pytest.mark.parametrize("kind", ["Variadic", "Fixed", "Called"])
def test_subclasses_keep_their_arguments(tmp_path, kind):
    cls, make, arguments = subclasses(day33)[kind]
    their_class, their_make, _ = subclasses(keras)[kind]
    model = make()
    made = [
        cls.from_config(model.get_config()),
        clone_model(model),
        model_from_json(model.to_json(), {kind: cls}),
    ]
    model.save(tmp_path / "ours.keras")
    made.append(day33.load_model(tmp_path / "ours.keras", {kind: cls}))
    their_make().save(tmp_path / "theirs.keras")
    made.append(day33.load_model(tmp_path / "theirs.keras", {kind: cls}))
    if kind == "Variadic":  # the older format is for models made of inputs and outputs
        model.save(tmp_path / "ours.h5")
        made.append(day33.load_model(tmp_path / "ours.h5", {kind: cls}))
    x = zoo.random(4, 3)
    expected = model.predict(x, verbose=0)
    for twin in made:
        assert type(twin) is cls and twin.name == "mine"
        assert {name: getattr(twin, name) for name in arguments} == arguments
        if not twin.built:
            twin.build((None, 3))
        twin.set_weights(model.get_weights())
        np.testing.assert_array_equal(twin.predict(x, verbose=0), expected)
    again = keras.models.load_model(tmp_path / "ours.keras", custom_objects={kind: their_class})
    assert {name: getattr(again, name) for name in arguments} == arguments
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=PROMISE, atol=PROMISE)


def test_a_subclass_of_sequential_keeps_its_arguments():
    class Named(Sequential):
        def __init__(self, layers=None, factor=1, **kwargs):
            super().__init__(layers, **kwargs)
            self.factor = factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    model = Named([layers.Input((3,)), layers.Dense(2)], factor=7)
    assert Named.from_config(json.loads(json.dumps(model.get_config()))).factor == 7
    assert clone_model(model).factor == 7


# ---- one output, and lengths that were only seen ----


@pytest.mark.parametrize("library", [day33, keras], ids=["day33", "keras"])
def test_a_list_of_one_output_is_the_output(library):
    i = library.Input((3,))
    model = library.Model([i], [library.layers.Dense(2)(i)])
    assert isinstance(model.predict(np.ones((2, 3)), verbose=0), np.ndarray)
    nested = library.Sequential([library.Input((3,)), model])
    assert nested.predict(np.ones((2, 3)), verbose=0).shape == (2, 2)


def recurrent(library):
    make = library.layers
    return library.Sequential([make.Embedding(9, 3), make.LSTM(4), make.Dense(2)])


def test_lengths_that_were_only_seen_stay_open(tmp_path):
    """As in Keras: what the first batch had is no rule for the next one."""
    theirs = recurrent(keras)
    theirs.compile("sgd", "mse")
    theirs.fit(np.ones((8, 20), "int32"), np.ones((8, 2)), verbose=0)
    theirs.save(tmp_path / "m.keras")
    ours = recurrent(day33)
    ours.compile("sgd", "mse")
    ours.fit(np.ones((8, 20), "int32"), np.ones((8, 2)), verbose=0)
    assert ours.input_shape == theirs.input_shape == (None, 20)
    ours.set_weights(theirs.get_weights())
    ours.save(tmp_path / "ours.keras")
    loaded = [day33.load_model(tmp_path / name) for name in ("m.keras", "ours.keras")]
    for steps in (5, 20, 1, 33):
        x = np.random.default_rng(steps).integers(0, 9, (3, steps))
        expected = theirs.predict(x, verbose=0)
        for model in (ours, *loaded):
            np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=PROMISE, atol=PROMISE)
            np.testing.assert_allclose(model(x), expected, rtol=PROMISE, atol=PROMISE)
    ours.fit(np.ones((8, 7), "int32"), np.ones((8, 2)), verbose=0)


def test_sizes_that_layers_need_are_still_checked():
    model = Sequential([layers.Flatten(), layers.Dense(2, name="head")])
    model.predict(np.ones((2, 3, 4)), verbose=0)
    with pytest.raises(ValueError, match=r"layer 'head' was given an input of shape \(None, 15\); expected 12"):
        model.predict(np.ones((2, 3, 5)), verbose=0)
    with pytest.raises(ValueError, match=r"x has shape \(2, 12\)"):
        model.predict(np.ones((2, 12)), verbose=0)
    pictures = Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    pictures.predict(np.ones((2, 8, 8, 3)), verbose=0)
    assert pictures.predict(np.ones((2, 9, 11, 3)), verbose=0).shape == (2, 2)
    with pytest.raises(ValueError, match="expected 3 channels"):
        pictures.predict(np.ones((2, 8, 8, 4)), verbose=0)
    declared = Sequential([layers.Input((5,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"expected \(N, 5\)"):
        declared.predict(np.ones((2, 6)), verbose=0)


def test_clones_are_compiled_alike():
    """As in Keras: with an optimizer and metrics of their own, which begin anew. A model defined by code is not."""

    def shifted(y_true, y_pred):  # a loss that no file could hold
        return day33.ops.mean(day33.ops.square(y_true - y_pred + 1.0), axis=-1)

    x, y = np.ones((8, 3), np.float32), np.zeros((8, 1), np.float32)
    model = day33.Sequential([day33.Input((3,)), day33.layers.Dense(1)])
    model.compile(day33.optimizers.SGD(0.125, momentum=0.5), shifted, metrics=["mae"])
    model.fit(x, y, verbose=0)
    i = day33.Input((3,))
    functional = day33.Model(i, day33.layers.Dense(1)(i))
    functional.compile("adam", "mse")
    for source in (model, functional):
        for twin in (
            clone_model(source),
            clone_model(source, clone_function=lambda l: type(l).from_config(l.get_config())),
        ):
            assert twin.compiled and twin.optimizer is not source.optimizer
            assert type(twin.optimizer) is type(source.optimizer) and twin.optimizer.iterations == 0
            assert twin.optimizer.get_config() == source.optimizer.get_config()
            twin.set_weights(source.get_weights())
            assert twin.evaluate(x, y, verbose=0) == source.evaluate(x, y, verbose=0)
            twin.fit(x, y, verbose=0)
    assert not clone_model(day33.Sequential([i, day33.layers.Dense(1)])).compiled
