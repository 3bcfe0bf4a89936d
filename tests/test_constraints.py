"""Constraints: values beside Keras, names and configurations, and what layers and training make of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import day33
from day33 import constraints, layers, optimizers
from day33._core.variables import Variable
from support.tolerances import PROMISE, TRAINING_STEPS

CASES = [
    ("NonNeg", {}),
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.7, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1, 2]}),
    ("MaxNorm", {"max_value": 0.0}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": -1}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "rate": 0.3, "axis": [0, 2]}),
]


def weight(shape=(3, 4, 2, 5), seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_values_as_keras(name, arguments):
    keras = pytest.importorskip("keras")
    ours, theirs = getattr(constraints, name)(**arguments), getattr(keras.constraints, name)(**arguments)
    for w in (weight(), weight() * np.float32(1e-4), np.zeros((3, 4, 2, 5), np.float32)):
        kept = w.copy()
        result = ours(w)
        assert result.dtype == np.float32 and result.shape == w.shape
        np.testing.assert_allclose(result, np.asarray(theirs(w)), rtol=PROMISE, atol=1e-9)
        np.testing.assert_array_equal(w, kept)


@pytest.mark.parametrize(
    ("make", "norms"),
    [
        (lambda: constraints.UnitNorm(axis=0), lambda n: np.abs(n - 1) < 1e-5),
        (lambda: constraints.MaxNorm(0.5, axis=0), lambda n: n <= 0.5 + 1e-6),
        (lambda: constraints.MinMaxNorm(0.5, 0.6, axis=0), lambda n: (n >= 0.5 - 1e-5) & (n <= 0.6 + 1e-5)),
    ],
)
def test_norms_are_within_their_bounds_and_directions_stay(make, norms):
    w = weight((6, 7))
    result = make()(w)
    assert np.all(norms(np.linalg.norm(result, axis=0)))
    cosines = np.sum(result * w, axis=0) / (np.linalg.norm(result, axis=0) * np.linalg.norm(w, axis=0))
    np.testing.assert_allclose(cosines, 1, rtol=1e-5)
    np.testing.assert_allclose(make()(result), result, rtol=1e-5)  # a second time changes nothing


@pytest.mark.parametrize("name", ["MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"])
def test_one_constraint_by_every_kind_of_name(name):
    keras = pytest.importorskip("keras")
    cls = getattr(constraints, name)
    snake = {"MaxNorm": "max_norm", "NonNeg": "non_neg", "UnitNorm": "unit_norm", "MinMaxNorm": "min_max_norm"}[name]
    assert getattr(constraints, snake) is cls is getattr(day33.keras.constraints, snake)
    assert type(constraints.get(snake)) is type(constraints.get(name)) is type(constraints.get(cls)) is cls
    one = cls()
    assert constraints.get(one) is one and constraints.get(None) is None
    theirs = keras.constraints.get(snake)
    assert constraints.serialize(one) == keras.constraints.serialize(theirs)
    for again in (constraints.get(keras.constraints.serialize(theirs)), cls.from_config(one.get_config())):
        assert type(again) is cls and again.get_config() == one.get_config() == theirs.get_config()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: constraints.get("max_length"), ValueError, "constraint is 'max_length'; expected one of Constraint"),
        (lambda: constraints.get(3), TypeError, "constraint is 3; expected a callable"),
        (lambda: constraints.get({"name": "NonNeg"}), ValueError, 'expected a dict with "class_name"'),
        (
            lambda: constraints.get({"class_name": "Own", "config": {}}),
            ValueError,
            "constraint is 'Own'; expected one of",
        ),
        (
            lambda: constraints.get({"class_name": "NonNeg", "config": {"axis": 1}}),
            ValueError,
            "NonNeg does not support axis=1",
        ),
        (lambda: constraints.MaxNorm(-1), ValueError, "max_value is -1; expected a finite number of at least 0"),
        (lambda: constraints.MinMaxNorm(min_value="low"), TypeError, "min_value is 'low'"),
        (lambda: constraints.UnitNorm(axis=2)(np.ones((2, 2))), ValueError, r"axis is 2; expected axes of a weight"),
        (lambda: constraints.serialize(lambda w: w), TypeError, "which has no name that a file could hold"),
        (lambda: layers.Dense(2, kernel_constraint="unit"), ValueError, "constraint is 'unit'"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---- in training ----


def pair(make):
    """The same model in both libraries, of `make(library)`, with the same weights."""
    keras = pytest.importorskip("keras")
    day33.set_random_seed(7)
    ours, theirs = make(day33), make(keras)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def trained(models, x, y, steps=10, rate=0.05):
    for model in models:
        library = day33 if isinstance(model, day33.Model) else pytest.importorskip("keras")
        model.compile(library.optimizers.SGD(rate, momentum=0.5), "mse")
        for _ in range(steps):
            model.train_on_batch(x, y)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TRAINING_STEPS)


def dense(lib):
    return lib.Sequential(
        [
            lib.Input((6,)),
            lib.layers.Dense(5, "tanh", kernel_constraint="unit_norm", bias_constraint=lib.constraints.NonNeg()),
            lib.layers.Dense(2, kernel_constraint=lib.constraints.MaxNorm(0.3)),
        ]
    )


def images(lib):
    cons = lib.constraints
    return lib.Sequential(
        [
            lib.Input((6, 6, 2)),
            lib.layers.Conv2D(3, 3, kernel_constraint=cons.MaxNorm(0.2, axis=[0, 1, 2]), bias_constraint="non_neg"),
            lib.layers.BatchNormalization(gamma_constraint=cons.MaxNorm(0.5), beta_constraint="non_neg"),
            lib.layers.DepthwiseConv2D(2, depthwise_constraint="non_neg", bias_constraint="non_neg"),
            lib.layers.PReLU(alpha_initializer="ones", alpha_constraint=cons.MaxNorm(0.9)),
            lib.layers.LayerNormalization(gamma_constraint="non_neg", beta_constraint=cons.NonNeg()),
            lib.layers.SeparableConv2D(
                2, 2, depthwise_constraint=cons.UnitNorm(axis=[0, 1]), pointwise_constraint="non_neg",
                bias_constraint="non_neg",
            ),
            lib.layers.Conv2DTranspose(2, 2, kernel_constraint=cons.MinMaxNorm(0.2, 0.4, 0.5)),
            lib.layers.GlobalAveragePooling2D(),
        ]
    )  # fmt: skip


def sequences(lib):
    cons = lib.constraints
    return lib.Sequential(
        [
            lib.Input((4,), dtype="int32"),
            lib.layers.Embedding(7, 3, embeddings_constraint=cons.UnitNorm(axis=1)),
            lib.layers.Conv1D(4, 2, kernel_constraint="unit_norm"),
            lib.layers.LSTM(
                4, return_sequences=True, kernel_constraint=cons.MaxNorm(0.5), recurrent_constraint="unit_norm",
                bias_constraint="non_neg",
            ),
            lib.layers.SimpleRNN(3, return_sequences=True, recurrent_constraint=cons.MaxNorm(0.5)),
            lib.layers.GRU(3, kernel_constraint="non_neg", recurrent_constraint="non_neg", bias_constraint="non_neg"),
            lib.layers.Dense(2),
        ]
    )  # fmt: skip


MODELS = {"dense": (dense, (6,)), "images": (images, (6, 6, 2)), "sequences": (sequences, (4,))}


def inputs(name, count=20):
    rng = np.random.default_rng(5)
    x = rng.integers(0, 7, (count, 4)) if name == "sequences" else rng.standard_normal((count, *MODELS[name][1]))
    return x.astype(np.int32 if name == "sequences" else np.float32), rng.standard_normal((count, 2)).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_training_as_keras(name):
    ours, theirs = pair(MODELS[name][0])
    x, y = inputs(name)
    trained((ours, theirs), x, y)
    constrained = [variable for variable in ours.trainable_variables if variable.constraint is not None]
    assert len(constrained) == {"dense": 3, "images": 13, "sequences": 9}[name]
    for variable in constrained:
        if isinstance(variable.constraint, constraints.NonNeg):
            assert variable.numpy().min() >= 0


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_files_in_both_directions(tmp_path, name, suffix):
    keras = pytest.importorskip("keras")
    ours, theirs = pair(MODELS[name][0])
    x, y = inputs(name)
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    ours.save(tmp_path / f"ours{suffix}")
    theirs.save(tmp_path / f"theirs{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here = day33.load_model(tmp_path / f"theirs{suffix}")
        again = day33.load_model(tmp_path / f"ours{suffix}")
    there = keras.models.load_model(tmp_path / f"ours{suffix}")
    expected = [constraints.serialize(variable.constraint) for variable in ours.variables]
    for model in (here, again):
        assert [constraints.serialize(variable.constraint) for variable in model.variables] == expected
    trained((here, there), x, y)


def test_after_what_keras_constrains():
    """The running means of weights see values before the constraint, as in Keras, and what they overwrite is
    constrained.
    """
    keras = pytest.importorskip("keras")
    ours, theirs = pair(dense)
    x, y = inputs("dense")
    for library, model in ((day33, ours), (keras, theirs)):
        model.compile(library.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3), "mse")
        for _ in range(7):
            model.train_on_batch(x, y)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TRAINING_STEPS)


def test_only_weights_with_a_gradient_are_constrained():
    first = Variable([-1.0, 2.0], constraint=constraints.NonNeg())
    second = Variable([-3.0, 4.0], constraint=constraints.NonNeg())
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizers.SGD(0.0).apply([np.zeros(2), None], [first, second])
    np.testing.assert_array_equal(first.numpy(), [0, 2])
    np.testing.assert_array_equal(second.numpy(), [-3, 4])


# ---- one's own, and later ----


class AtMost(constraints.Constraint):
    def __init__(self, bound):
        self.bound = bound

    def __call__(self, w):
        w[w > self.bound] = self.bound  # the array is its own
        return w


def halved(w):
    return w * 0.5


def test_a_class_of_ones_own_goes_into_files(tmp_path):
    model = day33.Sequential(
        [layers.Input((3,)), layers.Dense(2, kernel_constraint=AtMost(0.1), bias_constraint=halved)]
    )
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 3)), np.full((2, 2), 9.0))
    kernel, bias = model.get_weights()
    assert kernel.max() == np.float32(0.1) and bias.max() > 0
    model.save(tmp_path / "m.keras")
    again = day33.load_model(tmp_path / "m.keras", {"AtMost": AtMost, "halved": halved})
    assert again.layers[0].kernel_constraint.bound == 0.1 and again.layers[0].kernel.constraint.bound == 0.1
    assert again.layers[0].bias_constraint is halved
    with pytest.warns(UserWarning, match="constraint of layer 'dense.*' is left out: .*Predictions do not") as caught:
        without = day33.load_model(tmp_path / "m.keras")
    assert len(caught) == 2 and without.layers[0].kernel_constraint is None
    np.testing.assert_array_equal(without.get_weights()[0], kernel)


def test_a_constraint_that_changes_the_shape_is_refused():
    variable = Variable([1.0, 2.0], path="dense/bias", constraint=lambda w: w[:1])
    with pytest.raises(ValueError, match=r"value for variable 'dense/bias' has shape \(1,\); expected \(2,\)"):
        optimizers.SGD().apply([np.ones(2)], [variable])


def test_an_attribute_that_is_set_later_takes_effect():
    model = day33.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(2)])
    model.compile("sgd", "mse")
    layer = model.layers[0]
    layer.kernel_constraint = "non_neg"
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    assert layer.kernel.numpy().min() >= 0 and layer.bias.constraint is None
    layer.kernel_constraint = None
    assert layer.kernel.constraint is None
    with pytest.raises(ValueError, match="constraint is 'positive'"):
        layer.kernel_constraint = "positive"
    layer.bias.constraint = lambda w: w * 0 + 7
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    np.testing.assert_array_equal(layer.bias.numpy(), 7)


def test_add_weight_takes_a_constraint():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale", constraint="non_neg")

    layer = Scale()
    layer.build((None, 3))
    assert isinstance(layer.scale.constraint, constraints.NonNeg)
    optimizers.SGD(1.0).apply([np.array([0.5, 2.0, -1.0])], [layer.scale])
    np.testing.assert_array_equal(layer.scale.numpy(), [0.5, 0, 2])
