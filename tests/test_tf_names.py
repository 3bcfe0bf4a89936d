"""`day33.tf` beside TensorFlow: the same values, shapes and dtypes for the names that it has."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import day33
from day33 import layers, tf

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
        tf.convert_to_tensor(["a"])
    with pytest.raises(ValueError):
        tf.squeeze(X, axis=0)


def test_layers_answer_in_kind():
    dense = layers.Dense(2)
    assert isinstance(dense(tf.zeros((3, 4))), tf.Tensor)
    assert type(dense(np.zeros((3, 4), np.float32))) is np.ndarray
    i = day33.Input((4,))
    model = tf.keras.Model(i, [dense(i), dense(i)])
    assert all(isinstance(y, tf.Tensor) for y in model(tf.zeros((3, 4))))


def test_objects_are_those_of_day33():
    assert tf.keras is day33.keras and tf.keras.Model is day33.Model
    for room in ("activations", "callbacks", "initializers", "layers", "losses", "metrics", "models", "optimizers"):
        for name in (name for name in dir(getattr(day33, room)) if not name.startswith("_")):
            value = getattr(getattr(day33, room), name)
            assert getattr(getattr(tf.keras, room), name) is value or inspect.ismodule(value), name


# ---- data sets ----


def both(make):
    return [[np.asarray(item) for item in make(t.data.Dataset)] for t in (tf, tensorflow)]


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.from_tensor_slices(np.arange(7)),
        lambda d: d.from_tensor_slices(np.arange(14).reshape(7, 2)).batch(3),
        lambda d: d.from_tensor_slices(np.arange(7)).batch(3, drop_remainder=True),
        lambda d: d.from_tensor_slices(np.arange(7)).skip(2).take(3).repeat(2).batch(4),
        lambda d: d.from_tensor_slices(np.arange(7)).batch(2).take(-1).prefetch(1).cache(),
        lambda d: d.from_tensor_slices(np.arange(3)).repeat().take(8).batch(5),
    ],
)
def test_batches(make):
    mine, correct = both(make)
    assert len(mine) == len(correct)
    for a, b in zip(mine, correct, strict=True):
        np.testing.assert_array_equal(a, b)
    assert make(tf.data.Dataset)._length in (None, len(correct)) and len(list(make(tf.data.Dataset))) == len(correct)


def test_structures_and_lengths():
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((5, 2)), np.arange(5)))
    x, y = next(iter(pairs.batch(2)))
    assert isinstance(x, tf.Tensor) and x.shape == (2, 2) and y.numpy().tolist() == [0, 1]
    assert (len(pairs), len(pairs.batch(2)), len(pairs.batch(2, drop_remainder=True))) == (5, 3, 2)
    assert set(next(iter(tf.data.Dataset.from_tensor_slices({"a": np.zeros(2)})))) == {"a"}
    with pytest.raises(ValueError, match="differ"):
        tf.data.Dataset.from_tensor_slices((np.zeros(2), np.zeros(3)))
    with pytest.raises(ValueError, match="scalar"):
        tf.data.Dataset.from_tensor_slices(3)
    with pytest.raises(ValueError, match="in batches already"):
        pairs.batch(2).batch(2)
    with pytest.raises(TypeError, match="no end"):
        len(pairs.repeat())


@pytest.mark.parametrize("size", [3, 10, 100])
def test_shuffle(size):
    def run(**arguments):
        return [int(i) for i in tf.data.Dataset.from_tensor_slices(np.arange(10)).shuffle(size, **arguments)]

    assert sorted(run()) == list(range(10))
    assert run(seed=3) == run(seed=3)
    data = tf.data.Dataset.from_tensor_slices(np.arange(10)).shuffle(size)
    still = tf.data.Dataset.from_tensor_slices(np.arange(10)).shuffle(size, reshuffle_each_iteration=False)
    orders = [[int(i) for i in data] for _ in range(4)]
    assert len({tuple(order) for order in orders}) > 1
    assert [int(i) for i in still] == [int(i) for i in still]
    # A sample cannot come before its buffer reaches it.
    assert all(place >= value - size + 1 for order in orders for place, value in enumerate(order))


def test_fit_takes_a_data_set():
    x, y = X[:, 0], np.array([0, 1, 1])
    model = tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(2)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    model.compile(tf.keras.optimizers.Adam(), loss)
    history = model.fit(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(3).batch(2), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3 and model.optimizer.iterations == 6
