"""Normalization, Discretization, CategoryEncoding and Hashing beside Keras: values, adapting, gradients, messages."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import day33
from day33 import Sequential, layers, tf

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

DATA = np.random.default_rng(0).normal(3, 5, (12, 3, 4)).astype(np.float32)


def both(kind, **arguments):
    return getattr(layers, kind)(**arguments), getattr(keras.layers, kind)(**arguments)


def assert_same(mine, correct):
    mine, correct = np.asarray(mine), np.asarray(correct)
    assert mine.shape == correct.shape and mine.dtype == correct.dtype
    np.testing.assert_allclose(mine, correct, rtol=2e-6, atol=2e-6)


# ---- Normalization ----

NORMALIZATIONS = [
    {}, {"axis": None}, {"axis": 1}, {"axis": (1, 2)}, {"axis": (-1, 1)}, {"axis": [2]}, {"invert": True},
    {"axis": None, "invert": True},
]  # fmt: skip
GIVEN = [
    {"axis": None, "mean": 3.0, "variance": 2.0},
    {"axis": -1, "mean": [1, 2, 3, 4], "variance": [1.0, 0.0, 4.0, 9.0]},
    {"axis": -1, "mean": 2, "variance": 4.0, "invert": True},
    {"axis": (1, 2), "mean": np.arange(12.0).reshape(3, 4), "variance": np.ones((3, 4))},
    {"axis": (1, 2), "mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 2.0, 3.0, 4.0]},
]


@pytest.mark.parametrize("arguments", [*NORMALIZATIONS, *GIVEN], ids=repr)
def test_mean_and_variance_are_attributes(arguments):
    mine, correct = both("Normalization", **arguments)
    assert mine.mean is None
    for layer in (mine, correct):
        if "mean" in arguments:
            layer.build(DATA.shape)
        else:
            layer.adapt(DATA)
    for name in ("mean", "variance"):
        found = getattr(mine, name)
        assert_same(found.numpy(), getattr(correct, name))
        assert_same((DATA - found).numpy(), DATA - np.asarray(getattr(correct, name)))


@pytest.mark.parametrize("arguments", NORMALIZATIONS)
def test_normalization_adapted(arguments):
    ours, theirs = both("Normalization", **arguments)
    for layer in (ours, theirs):
        layer.adapt(DATA)
    assert_same(ours(DATA), theirs(DATA))
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-5)
    batches = [DATA[:5], DATA[5:6], DATA[6:]]
    for library, data in (
        (day33, tf.data.Dataset.from_tensor_slices(DATA).batch(5)), (day33, batches), (day33, iter(batches)),
        (day33, [(batch, 1) for batch in batches]), (keras, tensorflow.data.Dataset.from_tensor_slices(DATA).batch(5)),
    ):  # fmt: skip
        other = library.layers.Normalization(**arguments)
        other.adapt(data)
        np.testing.assert_allclose(np.asarray(other(DATA)), np.asarray(theirs(DATA)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("arguments", GIVEN)
def test_normalization_given(arguments):
    ours, theirs = both("Normalization", **arguments)
    theirs.build(DATA.shape)
    assert_same(ours(DATA), theirs(DATA))
    assert ours.weights == []


def test_normalization_without_data_and_of_constants():
    ours, theirs = both("Normalization")
    theirs.build((None, 4))
    assert_same(ours(DATA), theirs(DATA))
    constant = np.full((5, 2), 7.0, np.float32)
    ours, theirs = both("Normalization")
    for layer in (ours, theirs):
        layer.adapt(constant)
    assert_same(ours(constant), theirs(constant))
    rows = tf.data.Dataset.from_tensor_slices(DATA[:, 0])  # single samples
    single = layers.Normalization()
    single.adapt(rows)
    np.testing.assert_allclose(single(DATA[:, 0]).mean(axis=0), 0, atol=1e-6)


def test_later_adapting_and_weights_take_effect():
    """Plans hold mean and variance as constants, and are made anew when these change."""
    layer = layers.Normalization()
    model = Sequential([day33.Input((4,)), layer, layers.Dense(2)])
    model.compile("sgd", "mse")
    x = DATA[:, 0]
    before, loss = model.predict(x), model.evaluate(x, np.zeros((12, 2)), verbose=0)
    layer.adapt(x)
    middle = model.predict(x)
    assert not np.allclose(before, middle) and model.evaluate(x, np.zeros((12, 2)), verbose=0) != loss
    expected = (x - x.mean(axis=0)) / x.std(axis=0) @ model.get_weights()[3] + model.get_weights()[4]
    np.testing.assert_allclose(middle, expected, rtol=1e-4, atol=1e-5)
    weights = model.get_weights()
    weights[0] = weights[0] + 1
    for changed in (model, copy.deepcopy(model.layers[0]), pickle.loads(pickle.dumps(model.layers[0]))):
        changed.set_weights(weights[: len(changed.weights)])
    np.testing.assert_allclose(
        model.predict(x), (x - weights[0]) / np.sqrt(weights[1]) @ weights[3] + weights[4], rtol=1e-4, atol=1e-5
    )
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again(x), layer(x))
    again.set_weights([np.zeros(4), np.ones(4), 0.0])
    np.testing.assert_array_equal(again(x), x)


def test_training_behind_normalization_as_keras():
    rng = np.random.default_rng(1)
    y = rng.random((12, 1)).astype(np.float32)
    models = []
    for library in (day33, keras):
        layer = library.layers.Normalization()
        layer.adapt(DATA[:, 0])
        model = library.Sequential(
            [library.Input((4,)), layer, library.layers.Dense(3, "tanh"), library.layers.Dense(1)]
        )
        model.compile(library.optimizers.SGD(0.1), "mse")
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    for model in models:
        model.fit(DATA[:, 0], y, epochs=5, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert [w.trainable for w in models[0].weights] == [False] * 3 + [True] * 4


# ---- bins, vectors, hashes ----

VALUES = np.array([[-1.0, 0.0, 0.5], [1.0, 2.0, 3.0], [np.nan, np.inf, -np.inf]], np.float32)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_bins(mode):
    ours, theirs = both("Discretization", bin_boundaries=[0.0, 1.0, 2.0], output_mode=mode)
    for values in (VALUES, VALUES[:, :1], VALUES[0], 1.5):
        assert_same(ours(values), theirs(np.asarray(values)))


@pytest.mark.parametrize("count", [3, 50, 1000, 12345])
@pytest.mark.parametrize("arguments", [{"num_bins": 4}, {"num_bins": 2, "epsilon": 0.1}, {"num_bins": 30}])
def test_bins_of_data(arguments, count):
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    ours, theirs = both("Discretization", **arguments)
    for layer in (ours, theirs):
        layer.adapt(values)
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-5)
    assert_same(ours(values), theirs(values))
    ours, theirs = both("Discretization", **arguments)
    parts = np.array_split(values, 3)
    for layer in (ours, theirs):
        layer.adapt(iter(parts))
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-5)
    again = layers.Discretization.from_config(ours.get_config())
    assert again.bin_boundaries == ours.bin_boundaries and again.num_bins == ours.num_bins


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count", "binary"])
def test_vectors(mode):
    ours, theirs = both("CategoryEncoding", num_tokens=4, output_mode=mode)
    for numbers in ([[1, 1, 9]], [0, 3], [[0], [2]], 2, np.zeros((0, 2), int)):
        assert_same(ours(numbers), theirs(np.array(numbers)))


def test_weighted_counts():
    ours, theirs = both("CategoryEncoding", num_tokens=3, output_mode="count")
    numbers, weights = np.array([[1, 1, 2], [0, 0, 0]]), np.array([[0.5, 2.0, 3.0], [1.0, 1.0, 0.25]])
    assert_same(ours(numbers, count_weights=weights), theirs(numbers, count_weights=weights))
    assert_same(
        layers.CategoryEncoding(3, "one_hot")([-1, 5]), keras.layers.CategoryEncoding(3, "one_hot")(np.array([-1, 5]))
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"mask_value": "a"}, {"salt": 5}, {"salt": (133, 137)}, {"output_mode": "one_hot"},
        {"output_mode": "multi_hot", "mask_value": "b"}, {"output_mode": "count"},
    ],
)  # fmt: skip
def test_hashes(arguments):
    ours, theirs = both("Hashing", num_bins=4, **arguments)
    words = np.array([["a", "bb"], ["", "日本"]])
    assert_same(ours(words), theirs(tensorflow.constant(words)))
    if not isinstance(arguments.get("mask_value"), str):
        numbers = np.array([[1, -2], [3, 2**40]])
        assert_same(ours(numbers), theirs(numbers))
        assert_same(ours([[1.0, 2.75]]), theirs(np.array([[1.0, 2.75]])))


def test_hashes_of_numbers_with_a_mask():
    ours, theirs = both("Hashing", num_bins=5, mask_value=2)
    numbers = np.array([[1, 2], [2, 40]])
    assert_same(ours(numbers), theirs(numbers))
    assert_same(layers.Hashing(1, mask_value=2)(numbers), keras.layers.Hashing(1, mask_value=2)(numbers))


BAD = [
    (lambda: layers.Normalization(mean=[1.0]), r"mean is \[1.0\] and variance is None; expected both or neither"),
    (lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), r"mean has shape \(1,\) and variance \(2,\)"),
    (lambda: layers.Normalization(axis=None, mean=[1.0], variance=[1.0]), "expected at most 0 axes"),
    (
        lambda: layers.Normalization(axis=0)(DATA),
        r"axis is \(0,\) and the input has 3 axes; expected some",
    ),
    (lambda: layers.Normalization(axis=5)(DATA), r"axis is \(5,\)"),
    (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(DATA), "has mean and variance from its constructor"),
    (lambda: layers.Normalization().adapt([]), "was given no data"),
    (lambda: layers.Normalization().adapt("text"), "data is a str"),
    (
        lambda: layers.Normalization().adapt([DATA, DATA[..., :2]]),
        r"data has shape \(12, 3, 2\); expected sizes",
    ),
    (lambda: layers.Normalization().adapt([1.0, 2.0]), r"data has batches of shape \(\); expected \(N, ...\)"),
    (lambda: layers.Normalization()(day33.Input((None,))), "expected known sizes along axis"),
    (lambda: layers.Discretization(), "bin_boundaries is None and num_bins is None; expected exactly one"),
    (lambda: layers.Discretization([1.0], 3), "expected exactly one of them"),
    (lambda: layers.Discretization([1.0, 0.0]), "expected numbers in rising order"),
    (
        lambda: layers.Discretization(num_bins=3)([1.0]),
        "has no boundaries; expected `bin_boundaries`",
    ),
    (lambda: layers.Discretization([1.0]).adapt([1.0]), "has boundaries from its constructor"),
    (lambda: layers.Discretization(num_bins=2, epsilon=2), "epsilon is 2; expected a number between 0 and 1"),
    (lambda: layers.CategoryEncoding(), "num_tokens is None"),
    (
        lambda: layers.CategoryEncoding(3, "int"),
        "output_mode is 'int'; expected one of 'one_hot', 'mul",
    ),
    (lambda: layers.CategoryEncoding(3)([-1]), "was given -1; expected numbers of at least 0"),
    (lambda: layers.CategoryEncoding(3)([1], count_weights=[1.0]), "count_weights are given"),
    (lambda: layers.CategoryEncoding(3, "count")([1], count_weights=[1.0, 2.0]), r"count_weights has shape \(2,\)"),
    (lambda: layers.Hashing(0), "num_bins is 0; expected at least 1"),
    (lambda: layers.Hashing(3, output_mode="tf_idf"), "output_mode is 'tf_idf'"),
    (lambda: layers.Hashing(3, sparse=True), "sparse is True"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_messages(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
