"""Labels, batches by number, splits and windows over a series, as `keras.utils` has them."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import tf, utils
from support.zoo import random

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")


# ---- arrays ----


@pytest.mark.parametrize(
    ("x", "arguments"),
    [
        ([0, 2, 1], {}),
        ([[0], [3]], {"num_classes": 5}),
        ([[0, 1], [2, 0]], {}),
        (np.array([1.9, 0.2]), {}),
        (np.array([1, 0], np.uint8), {"num_classes": np.int64(3)}),
        (2, {}),
        ([], {"num_classes": 3}),
    ],
)
def test_to_categorical(x, arguments):
    mine, correct = utils.to_categorical(x, **arguments), keras.utils.to_categorical(x, **arguments)
    assert mine.dtype == correct.dtype
    np.testing.assert_array_equal(mine, correct)


def test_labels_of_tensors_and_wrong_ones():
    mine = utils.to_categorical(tf.constant([0, 2]), 3)
    correct = keras.utils.to_categorical(tensorflow.constant([0, 2]), 3)
    assert isinstance(mine, tf.Tensor) and mine.dtype == correct.dtype.as_numpy_dtype
    np.testing.assert_array_equal(mine, correct)
    with pytest.raises(ValueError, match="x holds numbers from 0 to 3; expected 0 to 2"):
        utils.to_categorical([0, 3], 3)
    with pytest.raises(ValueError, match="from -1 to 0"):
        utils.to_categorical([-1, 0])
    with pytest.raises(ValueError, match="x is empty"):
        utils.to_categorical([])


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_normalize(axis, order):
    x = random(3, 4, 4).astype(np.float64)
    x[1, :, 2] = x[:, 1] = 0
    expected = keras.utils.normalize(x, axis, order)
    np.testing.assert_allclose(utils.normalize(x, axis, order), expected, rtol=1e-12)


def test_normalize_along_the_first_axis():
    """Of arrays, Keras takes axis=0 for the last axis; of tensors, for the first, as its documentation says."""
    x = random(3, 4)
    expected = np.asarray(keras.utils.normalize(tensorflow.constant(x), axis=0))
    np.testing.assert_allclose(utils.normalize(x, axis=0), expected, rtol=1e-6)
    np.testing.assert_allclose(utils.normalize([3, 4]), [0.6, 0.8])


# ---- batches by number ----


class Halves(utils.PyDataset):
    def __init__(self, x, y, **arguments):
        super().__init__(**arguments)
        self.x, self.y = x, y
        self.ended = 0

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.x[index::2], self.y[index::2]

    def on_epoch_end(self):
        self.ended += 1


def test_py_dataset():
    x, y = random(6, 3), random(6, 1)
    data = Halves(x, y, workers=4, use_multiprocessing=True, max_queue_size=3)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size, data.num_batches) == (4, True, 3, 2)
    np.testing.assert_array_equal(list(data)[1][0], x[1::2])
    losses = []
    for source in (data, [data[0], data[1]]):
        model = day33.Sequential([day33.Input((3,)), day33.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        losses.append(model.fit(source, epochs=2, shuffle=False, verbose=0).history["loss"])
        assert model.evaluate(source, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    assert losses[0] == losses[1]
    assert utils.Sequence is utils.PyDataset is tf.keras.utils.Sequence


def test_py_dataset_by_num_batches():
    class Counted(utils.PyDataset):
        num_batches = 3

        def __getitem__(self, index):
            return index

    assert list(Counted()) == [0, 1, 2]
    Counted.num_batches = None
    assert [item for item, _ in zip(Counted(), range(5), strict=False)] == [0, 1, 2, 3, 4]
    assert not hasattr(Counted(), "__len__")
    with pytest.raises(NotImplementedError, match="neither __len__"):
        list(utils.PyDataset())
    with pytest.raises(NotImplementedError, match="__getitem__"):
        utils.PyDataset()[0]


# ---- splits ----


def parts_of(library, *arguments, **keywords):
    split = (utils if library is tf else keras.utils).split_dataset
    return [list(part.as_numpy_iterator()) for part in split(*arguments, **keywords)]


@pytest.mark.parametrize(
    "sizes",
    [{"left_size": 0.6}, {"right_size": 0.25}, {"left_size": 3}, {"right_size": 4}, {"left_size": 2, "right_size": 3},
     {"left_size": 0.5, "right_size": 0.2}, {"left_size": 0.5, "right_size": 2}],
)  # fmt: skip
@pytest.mark.parametrize("seed", [None, 7])
def test_split_dataset(sizes, seed):
    x, y = random(10, 2), np.arange(10)
    shuffled = {} if seed is None else {"shuffle": True, "seed": seed}
    for data in (x, (x, y), [x, y]):
        mine, correct = (parts_of(library, data, **sizes, **shuffled) for library in (tf, tensorflow))
        for left, right in zip(mine, correct, strict=True):
            assert len(left) == len(right)
            for a, b in zip(left, right, strict=True):
                assert type(a) is type(b)
                for c, d in zip(a, b, strict=True):
                    np.testing.assert_array_equal(c, d)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_split_of_a_data_set(batch_size):
    found = []
    for library in (tf, tensorflow):
        data = library.data.Dataset.from_tensor_slices({"x": np.arange(10), "y": random(10, 2)})
        found.append(parts_of(library, data if batch_size is None else data.batch(batch_size), left_size=0.7))
    for left, right in zip(*found, strict=True):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a["x"], b["x"])
            np.testing.assert_array_equal(a["y"], b["y"])


def test_splits_that_are_none():
    x = random(10, 2)
    for sizes, said in (
        ({}, "left_size and right_size are None"),
        ({"left_size": 1.5}, "left_size is 1.5; expected a share"),
        ({"left_size": 10}, "left_size is 10; expected less than 10"),
        ({"left_size": 0}, "left_size is 0"),
        ({"left_size": 6, "right_size": 5}, "expected at most 10 samples"),
        ({"left_size": 0.01}, "one side without any"),
    ):
        with pytest.raises(ValueError, match=said):
            utils.split_dataset(x, **sizes)
    with pytest.raises(TypeError, match="dataset is a str"):
        utils.split_dataset("abc", 0.5)
    with pytest.raises(TypeError, match="left_size is 'x'"):
        utils.split_dataset(x, "x")
    with pytest.raises(ValueError, match="number of samples"):
        utils.split_dataset((x, x[:3]), 0.5)


# ---- series ----


@pytest.mark.parametrize(
    "arguments",
    [
        {"sequence_length": 4},
        {"sequence_length": 3, "sequence_stride": 2, "sampling_rate": 2},
        {"sequence_length": 3, "batch_size": 5},
        {"sequence_length": 3, "batch_size": None},
        {"sequence_length": 3, "start_index": 2, "end_index": 15},
        {"sequence_length": np.int64(5), "start_index": 4},
        {"sequence_length": 30},
    ],
)
@pytest.mark.parametrize("targets", [None, "same", "shorter"])
def test_timeseries(arguments, targets):
    data = random(20, 2)
    aims = {None: None, "same": np.arange(20), "shorter": np.arange(15)}[targets]
    if targets == "shorter" and "start_index" in arguments:
        pytest.skip("Keras reads past the end of the targets")
    mine = utils.timeseries_dataset_from_array(data, aims, **arguments)
    correct = keras.utils.timeseries_dataset_from_array(data, aims, **arguments)
    mine, correct = list(mine.as_numpy_iterator()), list(correct.as_numpy_iterator())
    assert len(mine) == len(correct)
    for a, b in zip(mine, correct, strict=True):
        for c, d in zip(*(x if isinstance(x, tuple) else (x,) for x in (a, b)), strict=True):
            assert c.dtype == d.dtype
            np.testing.assert_array_equal(c, d)


def test_timeseries_in_another_order():
    data = np.arange(40.0)
    found = [
        np.concatenate([x for x, _ in library.timeseries_dataset_from_array(
            data[:-3], data[3:], 3, shuffle=True, seed=1, batch_size=4).as_numpy_iterator()])
        for library in (utils, keras.utils)
    ]  # fmt: skip
    assert not np.array_equal(found[0], found[0][np.argsort(found[0][:, 0])])
    for windows in found:
        np.testing.assert_array_equal(np.sort(windows[:, 0]), np.arange(35))
    both = [
        list(utils.timeseries_dataset_from_array(data, None, 3, shuffle=True, seed=1).as_numpy_iterator())
        for _ in range(2)
    ]
    np.testing.assert_array_equal(both[0][0], both[1][0])


def test_a_model_learns_from_a_series():
    data = np.sin(np.arange(200) / 5).astype(np.float32)[:, np.newaxis]
    windows = utils.timeseries_dataset_from_array(data[:-1], data[8:], 8, batch_size=16)
    model = day33.Sequential([day33.Input((8, 1)), day33.layers.Flatten(), day33.layers.Dense(1)])
    model.compile(day33.optimizers.Adam(0.02), "mse")
    history = model.fit(windows, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]


def test_series_that_are_none():
    data = random(20, 2)
    for arguments, said in (
        ({"sequence_length": 0}, "sequence_length is 0"),
        ({"sequence_length": 3, "sequence_stride": 20}, "sequence_stride is 20; expected less than 20"),
        ({"sequence_length": 3, "sampling_rate": 0}, "sampling_rate is 0"),
        ({"sequence_length": 3, "start_index": 25}, "start_index is 25"),
        ({"sequence_length": 3, "start_index": 5, "end_index": 5}, "end_index is 5; expected at least 6"),
    ):
        with pytest.raises(ValueError, match=said):
            utils.timeseries_dataset_from_array(data, None, **arguments)
