"""Layers that users write: in terms of other layers, or with native ops."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, ops
from support.zoo import random


class Residual(layers.Layer):
    """x + dropout(conv(x))"""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.inner = [layers.Conv2D(filters, 3, padding="same"), layers.Dropout(0.5)]

    def call(self, x, training=False):
        y = self.inner[0](x)
        if training:
            y = self.inner[1](y, training=training)
        return x + y


def test_composite_layer():
    layer = Residual(3, name="res")
    x = random(4, 5, 5, 3)
    y = layer(x)
    np.testing.assert_allclose(y, x + layer.inner[0](x), rtol=1e-6)
    assert [v.path for v in layer.weights] == ["res/" + v.path.split("/", 1)[1] for v in layer.weights]
    assert not np.array_equal(layer(x, training=True), y)
    assert layer.compute_output_shape((None, 5, 5, 3)) == (None, 5, 5, 3)
    assert layer(random(1, 9, 8, 3)).shape == (1, 9, 8, 3)
    assert layer.count_params() == 84


def test_layer_with_native_ops():
    class Twice(layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], input_shape[-1]), "orthogonal", name="kernel")

        def lower(self, lowering, inputs):
            once = lowering.builder.dense(inputs[0], lowering.slot(self.kernel))
            return [lowering.builder.dense(once, lowering.slot(self.kernel))]

    layer = Twice(name="twice")
    x = random(3, 4)
    kernel = np.asarray(layer(x) is not None and layer.kernel)
    np.testing.assert_allclose(layer(x), x @ kernel @ kernel, rtol=1e-5, atol=1e-5)
    assert layer.weights[0].path == "twice/kernel"


# ---- training and inference ----


def two_ways(library, functions):
    """Another weight, another function and another loss in training, where moving statistics follow the batch."""

    class TwoWays(library.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.a, self.b = library.layers.Dense(3, name="a"), library.layers.Dense(3, name="b")
            self.norm = library.layers.BatchNormalization(momentum=0.5, name="norm")

        def build(self, input_shape):
            for layer in (self.a, self.b, self.norm):
                layer.build(input_shape)

        def call(self, x, training=False):
            if training:
                return functions.tanh(self.a(self.norm(x, training=True))) + 1.0
            return self.norm(x, training=False) @ functions.ones((4, 3)) + self.b(x)

    return TwoWays


def models_of_two_ways():
    keras = pytest.importorskip("keras")
    built = []
    for library, functions in ((day33, ops), (keras, keras.ops)):
        inputs = library.layers.Input((4,))
        built.append(library.Model(inputs, library.layers.Dense(2, name="end")(two_ways(library, functions)()(inputs))))
    ours, theirs = built
    # Weights are made in the order of the first call, which is another one: pair them by their paths.
    for variable in ours.weights:
        twin = next(v for v in theirs.weights if v.path.split("/")[-2:] == variable.path.split("/")[-2:])
        twin.assign(variable.numpy())
    return ours, theirs


def same_by_path(ours, theirs):
    for variable in ours.weights:
        twin = next(v for v in theirs.weights if v.path.split("/")[-2:] == variable.path.split("/")[-2:])
        np.testing.assert_allclose(variable, twin.numpy(), rtol=1e-4, atol=1e-5, err_msg=variable.path)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # of those that only inference uses, in both
def test_call_that_is_something_else_in_training():
    ours, theirs = models_of_two_ways()
    x, y = random(12, 4), random(12, 2)
    for training in (False, True, False):
        np.testing.assert_allclose(ours(x, training=training), theirs(x, training=training), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    same_by_path(ours, theirs)
    histories = []
    for model in (ours, theirs):
        model.compile("sgd", "mse")
        fitted = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0, validation_data=(x, y))
        histories.append(fitted.history)
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=1e-4, err_msg=name)
    same_by_path(ours, theirs)


def test_such_a_call_on_a_tape():
    tf = pytest.importorskip("tensorflow")
    ours, theirs = models_of_two_ways()
    x = random(12, 4)
    for training in (True, False):
        found = []
        for model, functions, tape_class in (
            (ours, ops, day33.GradientTape), (theirs, pytest.importorskip("keras").ops, tf.GradientTape)
        ):  # fmt: skip
            with tape_class() as tape:
                loss = functions.mean(functions.square(model(x, training=training)))
            variables = sorted(model.trainable_variables, key=lambda v: v.path.split("/")[-2:])
            found.append(tape.gradient(loss, variables))
        for mine, correct in zip(*found, strict=True):
            assert (mine is None) == (correct is None) or not np.any(mine)
            if correct is not None:
                np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-6)


def test_outputs_that_differ_between_the_modes():
    class Bad(layers.Layer):
        def call(self, x, training=False):
            return x if training else ops.sum(x, axis=1)

    with pytest.raises(ValueError, match="expected outputs of the same shapes and dtypes"):
        Bad()(np.zeros((1, 2)))


def test_dropout_that_always_acts():
    """Monte Carlo dropout, in its three forms."""

    class Own(layers.Dropout):
        def call(self, inputs):
            return super().call(inputs, training=True)

    class Inside(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.25, noise_shape=(None, 1, None))

        def call(self, x):
            return self.drop(x, training=True)

    ones = np.ones((20, 10, 50), np.float32)
    inputs = layers.Input((10, 50))
    functional = day33.Model(inputs, layers.Dropout(0.25)(inputs, training=True))
    for layer, shared in ((Own(0.25), False), (Inside(), True), (functional, False)):
        inputs = layers.Input((10, 50))
        model = day33.Model(inputs, layer(inputs))
        first, second = model.predict(ones), model.predict(ones)
        assert not np.array_equal(first, second)
        for values in (first, model(ones), model(ones, training=True)):
            assert set(np.unique(values).tolist()) == {0.0, float(np.float32(1 / 0.75))}
            assert np.mean(values == 0) == pytest.approx(0.25, abs=0.07)  # five deviations of 1000 draws
            assert (np.ptp(values, axis=1) == 0).all() == shared
        model.compile("sgd", "mse")
        assert model.evaluate(ones, ones, verbose=0) == pytest.approx(0.25 + 0.75 * (1 / 0.75 - 1) ** 2, abs=0.062)
    day33.set_random_seed(3)
    again = functional.predict(ones)
    day33.set_random_seed(3)
    np.testing.assert_array_equal(functional.predict(ones), again)


def test_normalization_that_always_trains():
    inputs = layers.Input((3,))
    model = day33.Model(inputs, layers.BatchNormalization()(inputs, training=True))
    with pytest.raises(ValueError, match="training=True whatever the model is run for"):
        model.predict(np.zeros((2, 3), np.float32))


# ---- super().call ----


def test_more_than_what_the_base_class_does():
    class Scaled(layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((self.units,), "ones", name="scale")

        def call(self, x):
            return super().call(x) * self.scale + ops.mean(x, axis=-1, keepdims=True)

    layer = Scaled(3)
    x = random(5, 4)
    layer(x)
    layer.scale.assign([1.0, 2.0, 3.0])
    kernel, bias, scale = layer.get_weights()
    np.testing.assert_allclose(layer(x), (x @ kernel + bias) * scale + x.mean(axis=1, keepdims=True), rtol=1e-5)
    assert layers.Dense(2).call(x).shape == (5, 2)
    model = day33.Sequential([layers.Input((4,)), layer])
    model.compile("sgd", "mse")
    before = [w.copy() for w in model.get_weights()]
    model.fit(x, random(5, 3), verbose=0)
    assert all(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))


def test_super_call_without_anything():
    class Bad(layers.Layer):
        def call(self, x):
            return super().call(x)

    with pytest.raises(TypeError, match="its base class computes nothing"):
        Bad()(np.zeros((1, 2)))


# ---- variables that calls assign to ----


def counting(library, functions):
    """A layer that keeps a moving mean of what it sees in training, and a model around it."""

    class Centred(library.layers.Layer):
        def __init__(self, size):
            super().__init__()
            self.mean = self.add_weight((size,), "zeros", trainable=False, name="mean")
            self.calls = self.add_weight((), "zeros", trainable=False, name="calls")
            self.scale = self.add_weight((size,), "ones", name="scale")

        def call(self, x, training=False):
            self.calls.assign_add(1.0)
            if training:
                self.mean.assign(0.5 * self.mean + 0.5 * functions.mean(x, axis=0))
            return (x - self.mean) * self.scale

    class Around(library.Model):
        def __init__(self):
            super().__init__()
            self.centred, self.dense = Centred(4), library.layers.Dense(2, kernel_initializer="ones")

        def call(self, x, training=False):
            return self.dense(self.centred(x, training=training))

    return Centred(4), Around()


def test_assignments_happen_in_each_call_on_arrays():
    keras = pytest.importorskip("keras")
    results = []
    for library, functions in ((day33, ops), (keras, keras.ops)):
        layer, model = counting(library, functions)
        seen = []
        for number, training in enumerate((True, False, True, True)):
            seen += [layer(random(3, 4) + number, training=training), model(random(2, 4) - number, training=training)]
        results.append([*seen, *layer.get_weights(), *model.get_weights()])
    for mine, correct in zip(*results, strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-5)
    assert layer.calls.numpy() == 4


def test_assignments_in_a_call_without_a_mode():
    keras = pytest.importorskip("keras")
    results = []
    for library in (day33, keras):

        class Sees(library.layers.Layer):
            def __init__(self, inner=None):
                super().__init__()
                self.inner = inner
                self.calls = self.add_weight((), "zeros", trainable=False, name="calls")

            def call(self, x, training=None):
                self.calls.assign_add(1.0 if training is None else 10.0 if training else 100.0)
                return x if self.inner is None else self.inner(x)

        inner = Sees()
        outer = Sees(inner)
        for options in ({}, {"training": True}, {"training": False}, {}):
            outer(np.ones((2, 3), np.float32), **options)
        results.append([float(outer.calls.numpy()), float(inner.calls.numpy())])
    assert results[0] == results[1]


def test_assignments_in_a_step_with_a_tape():
    keras, tensorflow = pytest.importorskip("keras"), pytest.importorskip("tensorflow")
    results = []
    for library, functions, tape_class in (
        (day33, ops, day33.GradientTape),
        (keras, keras.ops, tensorflow.GradientTape),
    ):
        _, model = counting(library, functions)
        optimizer, losses = library.optimizers.SGD(0.1), []
        for number in range(3):
            with tape_class() as tape:
                loss = functions.mean(functions.square(model(random(6, 4) + number, training=True)))
            slopes = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
            losses.append(np.asarray(loss))
        results.append([*losses, *slopes, *model.get_weights()])
    for mine, correct in zip(*results, strict=True):
        np.testing.assert_allclose(mine, np.asarray(correct), rtol=1e-5, atol=1e-5)


def test_assignments_have_no_place_in_plans():
    layer, model = counting(day33, ops)
    message = "variable '.*calls' is assigned by code of which a plan is made once; expected"
    with pytest.raises(TypeError, match=message):
        layer(day33.Input((4,)))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=message):
        model.fit(np.zeros((4, 4), np.float32), np.zeros((4, 2), np.float32), verbose=0)
    with pytest.raises(TypeError, match=message):
        model.predict(np.zeros((4, 4), np.float32), verbose=0)
    assert all(float(weight) == 0 for weight in [layer.calls.numpy(), model.centred.calls.numpy()])

    class Dense(layers.Dense):
        def call(self, x):
            self.bias.assign_add(ops.ones(2))
            return super().call(x)

    with pytest.raises(TypeError, match=r"super\(\).call of layer .* also assigns to variables; expected a layer kept"):
        Dense(2)(np.zeros((1, 3), np.float32))

    class Adds(layers.Layer):
        def call(self, x):
            self.add_weight((), "zeros", name="w").assign_add(1.0)
            self.add_loss(ops.sum(x))
            return x

    with pytest.raises(RuntimeError, match="also assigns to variables; expected one of both"):
        Adds()(np.zeros((1, 3), np.float32))


# ---- what goes wrong ----


@pytest.mark.parametrize(
    ("body", "instead"),
    [
        (lambda x: np.exp(x), r"numpy.exp was called on .* which has no values yet; expected .*day33.ops.exp"),
        (lambda x: np.mean(x), "NumPy cannot be used on it; expected layers and functions of day33.ops"),
        (lambda x: x if ops.sum(x) > 0 else -x, "instead of `if`, use day33.ops.where"),
        (lambda x: x * float(ops.sum(x)), "so it is no number"),
        (lambda x: sum(row for row in x), "cannot be iterated over"),
        (lambda x: x + np.ones((3, 5)), "broadcast"),
        (lambda x: ops.sum(x, axis=4), "axis"),
    ],
)
def test_what_cannot_be_traced_names_the_line(body, instead):
    class Bad(layers.Layer):
        def call(self, x):
            return body(x)

    with pytest.raises((TypeError, ValueError), match=instead) as caught:
        Bad(name="mine")(np.zeros((1, 2)))
    line = body.__code__.co_firstlineno
    assert f"Bad 'mine', line {line} of test_own_layers.py (" in str(caught.value)


def test_forgotten_super():
    class Bad(layers.Layer):
        def __init__(self):
            self.units = 3

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Bad()(np.zeros((1, 2)))


def test_layer_without_anything():
    with pytest.raises(TypeError, match="neither lower"):
        layers.Layer()(np.zeros((1, 2)))
