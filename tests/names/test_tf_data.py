"""`day33.tf.data` beside tf.data: the same elements, shapes, dtypes, specs and cardinalities."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import day33
from day33 import layers, tf

tensorflow = pytest.importorskip("tensorflow")
tensorflow.autograph.set_verbosity(0)  # it cannot read lambdas that share a line

X = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)


def counted(t, limit=4, **spec):
    """A data set of unknown length: 0 to limit - 1."""
    return t.data.Dataset.from_generator(lambda: iter(range(limit)), output_signature=t.TensorSpec((), t.int64))


def ragged(t):
    return t.data.Dataset.from_generator(
        lambda: iter([[1], [2, 3], []]), output_signature=t.TensorSpec((None,), t.int32)
    )


def lists(t):
    return t.data.Dataset.from_generator(
        lambda: iter([[1], [2, 3], [4, 5, 6], [7], [8, 9], [1, 2, 3, 4]]),
        output_signature=t.TensorSpec((None,), t.int32),
    )


# Pipelines, made of either library.
PIPELINES = {
    "slices": lambda t, d: d.from_tensor_slices(np.arange(7)),
    "slices of a list": lambda t, d: d.from_tensor_slices([1, 2]),
    "slices of lists": lambda t, d: d.from_tensor_slices(([1, 2], [3.0, 4.0])),
    "slices of a dict": lambda t, d: d.from_tensor_slices({"b": X, "a": np.arange(7)}),
    "nested slices": lambda t, d: d.from_tensor_slices((X, {"a": (X, X[:, 0])})),
    "a sum": lambda t, d: d.range(2).map(lambda x: x + 1),
    "tensors": lambda t, d: d.from_tensors((X, 3)),
    "range": lambda t, d: d.range(2, 9, 3),
    "range back": lambda t, d: d.range(5, 1, -2, output_type=t.int32),
    "an empty range": lambda t, d: d.range(0),
    "batch": lambda t, d: d.from_tensor_slices(np.arange(14).reshape(7, 2)).batch(3),
    "whole batches": lambda t, d: d.range(7).batch(3, drop_remainder=True),
    "skip, take, repeat": lambda t, d: d.range(7).skip(2).take(3).repeat(2).batch(4),
    "take all": lambda t, d: d.range(7).batch(2).take(-1).prefetch(1).cache(),
    "skip all": lambda t, d: d.range(7).skip(-1),
    "take more than there is": lambda t, d: d.range(3).take(5),
    "without end": lambda t, d: d.range(3).repeat().take(8).batch(5),
    "skip without end": lambda t, d: d.range(3).repeat().skip(1).take(4),
    "nothing without end": lambda t, d: d.range(3).skip(3).repeat(),
    "no times": lambda t, d: counted(t).repeat(0),
    "shard": lambda t, d: d.range(8).shard(3, 1),
    "prefetch": lambda t, d: d.range(3).prefetch(t.data.AUTOTUNE),
    "map": lambda t, d: d.range(4).map(lambda x: x * 2, num_parallel_calls=t.data.AUTOTUNE),
    "map to more": lambda t, d: d.range(3).map(lambda x: (x, 1, 2.5)),
    "map to a list": lambda t, d: d.range(3).map(lambda x: [x, x]),
    "map to a list of numbers": lambda t, d: d.range(3).map(lambda x: ([1, 2], x)),
    "map to a dict": lambda t, d: d.range(3).map(lambda x: {"a": x, "b": (x, x)}),
    "map of pairs": lambda t, d: d.from_tensor_slices((X, np.arange(7))).map(lambda x, y: (y, x * 2)),
    "map of dicts": lambda t, d: d.from_tensor_slices({"x": X, "y": X}).map(lambda e: e["x"] + e["y"]),
    "map of batches": lambda t, d: d.from_tensor_slices(X).batch(3).map(lambda x: (x[:, 0], x[0], x * x)),
    "map of whole batches": lambda t, d: d.from_tensor_slices(X).batch(3, True).map(lambda x: x[1:]),
    "map with a cast": lambda t, d: d.from_tensor_slices(np.arange(4, dtype=np.uint8)).map(
        lambda x: t.cast(x, t.float32) / 255.0
    ),
    "map of what is ragged": lambda t, d: ragged(t).map(lambda x: x + 1),
    "map then batch": lambda t, d: d.from_tensor_slices((X, X)).map(lambda x, y: (x, y[0])).batch(4),
    "batches mapped, then batched": lambda t, d: d.range(8).batch(2, True).map(lambda x: x + 1).batch(3),
    "filter": lambda t, d: d.range(7).filter(lambda x: x > 3),
    "filter pairs": lambda t, d: d.from_tensor_slices((X, np.arange(7))).filter(lambda x, y: y % 2 == 0),
    "filter, then batch": lambda t, d: d.from_tensor_slices(X).filter(lambda x: x[0] > 0).batch(2),
    "filter without end": lambda t, d: d.range(3).repeat().filter(lambda x: x > 0).take(3),
    "take of a filter": lambda t, d: d.range(7).filter(lambda x: x > 3).take(2),
    "zip": lambda t, d: d.zip((d.range(3), d.range(5).batch(2))),
    "zip of arguments": lambda t, d: d.zip(d.range(3), d.range(2).repeat()),
    "zip of a structure": lambda t, d: d.zip({"a": d.range(3), "b": (d.range(4), d.range(5))}),
    "zip of unknown length": lambda t, d: d.zip((counted(t), d.range(9))),
    "zip without end": lambda t, d: d.zip((d.range(2).repeat(), d.range(3).repeat())).take(4),
    "enumerate": lambda t, d: d.from_tensor_slices(X).enumerate(start=5),
    "concatenate": lambda t, d: d.range(3).concatenate(d.range(2)),
    "concatenate batches": lambda t, d: d.from_tensor_slices(X).batch(3).concatenate(
        d.from_tensor_slices(X).batch(2, True)
    ),
    "concatenate what is unknown": lambda t, d: d.range(3).concatenate(counted(t)),
    "generator": lambda t, d: counted(t),
    "generator of pairs": lambda t, d: d.from_generator(
        lambda: zip(X, range(7), strict=True),
        output_signature=(t.TensorSpec((2,), t.float32), t.TensorSpec((), t.int32)),
    ),
    "generator of dicts": lambda t, d: d.from_generator(
        lambda: ({"a": i} for i in range(3)), output_signature={"a": t.TensorSpec((), t.float64)}
    ),
    "generator with arguments": lambda t, d: d.from_generator(
        lambda n: iter(range(n)), args=(3,), output_signature=t.TensorSpec((), t.int64)
    ),
    "generator by types": lambda t, d: d.from_generator(
        lambda: iter([(1, 2)]), output_types=(t.int64, t.float32), output_shapes=((), ())
    ),
    "floats cut": lambda t, d: d.from_generator(lambda: iter([1.7]), output_signature=t.TensorSpec((), t.int32)),
    "what is ragged": lambda t, d: ragged(t),
    "unbatch": lambda t, d: d.from_tensor_slices(X).batch(3).unbatch(),
    "unbatch whole batches": lambda t, d: d.from_tensor_slices((X, X[:, 0])).batch(3, True).unbatch(),
    "unbatch rows": lambda t, d: d.from_tensor_slices(X).unbatch(),
    "unbatch what is ragged": lambda t, d: ragged(t).unbatch(),
    "unbatch without end": lambda t, d: d.range(3).batch(2).repeat().unbatch().take(5),
    "windows as batches": lambda t, d: d.range(7).window(3, shift=1, drop_remainder=True).flat_map(
        lambda w: w.batch(3, drop_remainder=True)
    ),
    "windows of pairs": lambda t, d: d.from_tensor_slices((X, np.arange(7))).window(4, 2).flat_map(
        lambda x, y: t.data.Dataset.zip((x.batch(4), y.batch(4)))
    ),
    "windows of dicts": lambda t, d: d.from_tensor_slices({"a": X}).window(2).flat_map(lambda w: w["a"].batch(2)),
    "windows of unknown length": lambda t, d: counted(t, 5).window(2).flat_map(lambda w: w.batch(2)),
    "flat_map": lambda t, d: d.range(4).flat_map(lambda x: t.data.Dataset.range(x)),
    "flat_map of rows": lambda t, d: d.from_tensor_slices(X).batch(2).flat_map(
        lambda x: t.data.Dataset.from_tensor_slices(x)
    ),
    "interleave": lambda t, d: d.range(5).interleave(
        lambda x: t.data.Dataset.from_tensors(x).repeat(4), cycle_length=2, block_length=2
    ),
    "interleave of other lengths": lambda t, d: d.range(6).interleave(
        lambda x: t.data.Dataset.range(x), cycle_length=3, block_length=2
    ),
    "interleave by default": lambda t, d: d.range(1).interleave(lambda x: t.data.Dataset.range(3)),
    "cache": lambda t, d: d.range(3).map(lambda x: x + 1).cache().repeat(2),
    "apply": lambda t, d: d.range(5).apply(lambda data: data.skip(2)),
    "batches of batches": lambda t, d: d.range(8).batch(2).batch(3),
    "batches of whole batches": lambda t, d: d.from_tensor_slices((X, X)).batch(2, True).batch(2, True),
    "padded": lambda t, d: ragged(t).padded_batch(2),
    "padded, whole": lambda t, d: ragged(t).padded_batch(2, drop_remainder=True),
    "padded to a shape": lambda t, d: ragged(t).padded_batch(2, [4], -1),
    "padded to the longest": lambda t, d: ragged(t).padded_batch(2, padded_shapes=[None], padding_values=np.int32(7)),
    "padded pairs": lambda t, d: d.zip((ragged(t), d.range(3))).padded_batch(
        2, padded_shapes=([-1], []), padding_values=(-1, None)
    ),
    "padded dicts": lambda t, d: d.zip({"b": ragged(t), "a": ragged(t)}).padded_batch(
        3, padded_shapes={"a": [None], "b": [3]}
    ),
    "padded numbers": lambda t, d: d.range(5).padded_batch(2),
    "padded slices": lambda t, d: d.from_tensor_slices(X).padded_batch(4, padded_shapes=[3], padding_values=0.5),
    "padded rows": lambda t, d: d.from_tensor_slices(np.arange(4)).map(lambda x: t.ones((2,)) * t.cast(x, t.float32))
    .padded_batch(3),
    "take_while": lambda t, d: d.range(10).take_while(lambda x: x < 4).batch(3),
    "take_while without end": lambda t, d: d.range(3).repeat().take_while(lambda x: x < 2),
    "scan": lambda t, d: d.range(4).scan(np.int64(0), lambda s, x: (s + x, s + x)),
    "scan of structures": lambda t, d: d.from_tensor_slices(([1, 2], [3, 4])).scan(
        (0, 1), lambda s, x: ((s[0] + 1, x[0]), {"a": x[1], "b": s[1]})
    ),
    "unique": lambda t, d: d.from_tensor_slices([1, 2, 1, 3, 2]).unique(),
    "rebatch": lambda t, d: d.range(7).batch(3).rebatch(2),
    "rebatch, whole": lambda t, d: d.range(7).batch(3).rebatch(2, drop_remainder=True),
    "rebatch in turn": lambda t, d: d.from_tensor_slices((X, X)).batch(4).rebatch([2, 1, 1]),
    "counter": lambda t, d: d.counter(3, 2).take(4),
    "choose": lambda t, d: d.choose_from_datasets(
        [d.range(3), d.range(10, 13)], d.from_tensor_slices(np.int64([0, 1, 1, 0, 1, 0, 0, 0, 1]))
    ),
    "choose and go on": lambda t, d: d.choose_from_datasets(
        [d.range(2), d.range(10, 13)], d.from_tensor_slices(np.int64([0, 1, 1, 0, 1, 0, 0, 0, 1])), False
    ),
    "choose until one is empty": lambda t, d: d.choose_from_datasets(
        [d.range(2), d.range(10, 19)], d.from_tensor_slices(np.int64([0, 0, 1, 0, 1, 0])), stop_on_empty_dataset=True
    ),
    "groups": lambda t, d: d.range(10).group_by_window(
        key_func=lambda x: x % 2, reduce_func=lambda key, window: window.batch(3), window_size=3
    ),
    "groups of other sizes": lambda t, d: d.range(10).group_by_window(
        lambda x: x % 3, lambda key, window: window.map(lambda x: x * 10 + key), window_size_func=lambda key: key + 1
    ),
    "buckets": lambda t, d: lists(t).bucket_by_sequence_length(lambda x: t.shape(x)[0], [2, 4], [2, 2, 2]),
    "buckets of pairs": lambda t, d: d.zip((lists(t), d.range(6))).bucket_by_sequence_length(
        lambda x, y: t.shape(x)[0], [3], [3, 2], padding_values=(9, np.int64(0)), drop_remainder=True
    ),
    "buckets to the boundary": lambda t, d: lists(t).bucket_by_sequence_length(
        lambda x: t.shape(x)[0], [3, 6], [2, 3, 2], pad_to_bucket_boundary=True
    ),
    "buckets of one shape": lambda t, d: d.from_tensor_slices(X).bucket_by_sequence_length(
        lambda x: t.shape(x)[0], [3, 6], [2, 3, 2], no_padding=True
    ),
    "options": lambda t, d: d.range(3).with_options(t.data.Options()).batch(2),
}  # fmt: skip
pipelines = pytest.mark.parametrize("make", PIPELINES.values(), ids=PIPELINES)


def assert_same(mine, correct):
    """Elements, or what is in them: the same structure, dtypes and values."""
    assert type(mine) is type(correct)
    if isinstance(correct, tuple):
        assert len(mine) == len(correct)
        for parts in zip(mine, correct, strict=True):
            assert_same(*parts)
    elif isinstance(correct, dict):
        assert set(mine) == set(correct)
        for key in correct:
            assert_same(mine[key], correct[key])
    else:
        assert mine.dtype == correct.dtype
        np.testing.assert_array_equal(mine, correct)


def described(spec):
    """A spec as nested tuples, which both libraries have."""
    if isinstance(spec, tuple):
        return tuple(map(described, spec))
    if isinstance(spec, dict):
        return {key: described(value) for key, value in spec.items()}
    if hasattr(spec, "element_spec"):
        return ("data set", described(spec.element_spec))
    shape = spec.shape
    if shape is not None:
        rank = getattr(shape, "rank", len(shape) if isinstance(shape, tuple) else None)
        shape = None if rank is None else tuple(shape)
    return shape, np.dtype(getattr(spec.dtype, "as_numpy_dtype", spec.dtype)).name


@pipelines
def test_elements(make):
    mine, correct = (list(make(t, t.data.Dataset).as_numpy_iterator()) for t in (tf, tensorflow))
    assert len(mine) == len(correct)
    for pair in zip(mine, correct, strict=True):
        assert_same(*pair)


@pipelines
def test_specs(make):
    mine, correct = (make(t, t.data.Dataset) for t in (tf, tensorflow))
    assert described(mine.element_spec) == described(correct.element_spec)


@pipelines
def test_cardinalities(make):
    mine, correct = (make(t, t.data.Dataset) for t in (tf, tensorflow))
    assert int(mine.cardinality()) == int(correct.cardinality())
    assert mine.cardinality().dtype == np.int64 and bool(mine) is bool(correct) is True
    if int(correct.cardinality()) >= 0:
        assert len(mine) == len(correct)
    else:
        with pytest.raises(TypeError, match="no end|no known length"):
            len(mine)


@pipelines
def test_a_second_pass(make):
    data = make(tf, tf.data.Dataset)
    for pair in zip(data.as_numpy_iterator(), data.as_numpy_iterator(), strict=True):
        assert_same(*pair)
    for element in itertools.islice(data, 1):
        for part in element.values() if isinstance(element, dict) else (element,):
            assert isinstance(part, tf.Tensor | tuple)


WINDOWS = [(3,), (3, 1), (2, 5), (3, 2, 2), (4, 1, 3), (1, 3, 4), (9, 2), (2, 9)]


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("arguments", WINDOWS)
def test_windows(arguments, drop):
    mine, correct = (t.data.Dataset.range(7).window(*arguments, drop_remainder=drop) for t in (tf, tensorflow))
    as_lists = [[list(window.as_numpy_iterator()) for window in windows] for windows in (mine, correct)]
    assert as_lists[0] == as_lists[1]
    assert int(mine.cardinality()) == int(correct.cardinality())
    assert described(mine.element_spec) == described(correct.element_spec)


def test_parts_of_windows():
    for t in (tf, tensorflow):
        x, y = next(iter(t.data.Dataset.from_tensor_slices((X, np.arange(7))).window(2)))
        assert len(x) == len(y) == 2 and list(y.as_numpy_iterator()) == [0, 1]
        with pytest.raises(TypeError):
            list(t.data.Dataset.range(3).window(2).as_numpy_iterator())


def test_structures_and_lengths():
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((5, 2)), np.arange(5)))
    x, y = next(iter(pairs.batch(2)))
    assert isinstance(x, tf.Tensor) and x.shape == (2, 2) and y.numpy().tolist() == [0, 1]
    assert (len(pairs), len(pairs.batch(2)), len(pairs.batch(2, drop_remainder=True))) == (5, 3, 2)
    assert set(next(iter(tf.data.Dataset.from_tensor_slices({"a": np.zeros(2)})))) == {"a"}


def test_reduce():
    for t in (tf, tensorflow):
        total = t.data.Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x)
        assert total.numpy() == 10 and total.dtype == t.int64
        count, last = t.data.Dataset.from_tensor_slices((X, X)).reduce(
            (0, X[0]), lambda state, element: (state[0] + 1, element[0])
        )
        assert count.numpy() == 7
        np.testing.assert_array_equal(last, X[-1])


def test_single_elements_and_options():
    for t in (tf, tensorflow):
        x, y = t.data.Dataset.from_tensors(([1, 2], 3)).get_single_element()
        assert x.numpy().tolist() == [1, 2] and y.numpy() == 3
        options = t.data.Options()
        options.deterministic = True
        options.threading.private_threadpool_size = 2
        kept = t.data.Dataset.range(2).with_options(options).options()
        assert kept.deterministic is True and kept.threading.private_threadpool_size == 2


def test_samples_of_data_sets():
    data = tf.data.Dataset
    both = [data.range(50), data.range(100, 150)]
    mixed = data.sample_from_datasets(both, seed=4)
    first = list(mixed.as_numpy_iterator())
    assert sorted(first) == [*range(50), *range(100, 150)] and first != sorted(first)
    assert [x for x in first if x < 100] == list(range(50))
    assert list(mixed.as_numpy_iterator()) == first
    again = data.sample_from_datasets(both, seed=4, rerandomize_each_iteration=True)
    assert list(again.as_numpy_iterator()) != list(again.as_numpy_iterator())
    assert list(data.sample_from_datasets(both, weights=[0, 1]).as_numpy_iterator()) == list(range(100, 150))
    endless = data.sample_from_datasets([d.repeat() for d in both], weights=[0.9, 0.1], seed=1)
    assert int(endless.cardinality()) == tf.data.INFINITE_CARDINALITY
    share = np.mean([x < 100 for x in endless.take(2000).as_numpy_iterator()])
    assert abs(share - 0.9) < 0.03  # three deviations are 0.02
    stopped = list(data.sample_from_datasets([data.range(1), data.range(99)], seed=0, stop_on_empty_dataset=True))
    assert len(stopped) < 100


def test_cache_keeps_the_first_whole_pass():
    for t in (tf, tensorflow):
        data = t.data.Dataset.range(50).shuffle(50).cache()
        next(iter(data))  # not a whole pass
        first = list(data.as_numpy_iterator())
        assert list(data.as_numpy_iterator()) == first and sorted(first) == list(range(50))
    with pytest.raises(ValueError, match="filename is 'x'"):
        tf.data.Dataset.range(3).cache("x")


def test_functions_are_called_once_an_element():
    calls = []

    def square(x):
        calls.append(int(x))
        return x * x

    data = tf.data.Dataset.range(3).map(square)
    assert repr(data) == "<Dataset>" and calls == []
    cached = data.cache()
    assert [int(x) for _ in range(2) for x in cached] == [0, 1, 4] * 2 and calls == [0, 1, 2]
    assert "shape=(None,), dtype=int64" in repr(tf.data.Dataset.range(3).batch(2))


def test_what_is_refused():
    data = tf.data.Dataset
    with pytest.raises(ValueError, match="differ"):
        data.from_tensor_slices((np.zeros(2), np.zeros(3)))
    with pytest.raises(ValueError, match="scalar"):
        data.from_tensor_slices(3)
    with pytest.raises(ValueError, match=r"shapes \[\(1,\), \(2,\)\]; expected one shape"):
        list(data.range(5).batch(2).batch(3))
    with pytest.raises(TypeError, match="no end"):
        len(data.range(3).repeat())
    with pytest.raises(ValueError, match=r"shapes \[\(0,\), \(1,\), \(2,\)\]; expected one shape"):
        list(ragged(tf).batch(3))
    with pytest.raises(TypeError, match="element_spec|data sets"):
        list(data.range(3).window(2).batch(2))
    with pytest.raises(ValueError, match="predicate gave dtype int64"):
        list(data.range(3).filter(lambda x: x))
    with pytest.raises(TypeError, match="map_func gave 3; expected a data set"):
        list(data.range(3).flat_map(lambda x: 3))
    with pytest.raises(TypeError, match="output_signature and output_types are None"):
        data.from_generator(lambda: iter([1]))
    with pytest.raises(TypeError, match="generator is"):
        data.from_generator(iter([1]), output_signature=tf.TensorSpec(()))
    with pytest.raises(TypeError, match="expected a TensorSpec"):
        data.from_generator(lambda: iter([1]), output_signature=tf.int32)
    with pytest.raises(ValueError, match=r"element 1 of the generator is int32 of shape \(2,\); expected TensorSpec"):
        list(data.from_generator(lambda: iter([1, [1, 2]]), output_signature=tf.TensorSpec((), tf.int32)))
    with pytest.raises(TypeError, match="expected a tuple of 2"):
        list(data.from_generator(lambda: iter([1]), output_signature=(tf.TensorSpec(()), tf.TensorSpec(()))))
    with pytest.raises(ValueError, match="scalar"):
        data.range(3).unbatch()
    with pytest.raises(TypeError, match="same dtype"):
        data.range(3).concatenate(data.from_tensor_slices([1.0]))
    with pytest.raises(TypeError, match="expected data sets"):
        data.zip((data.range(3), [1]))
    with pytest.raises(ValueError, match="index is 3"):
        data.range(3).shard(3, 3)
    with pytest.raises(ValueError, match=r"a part of shape \(2,\); expected at most \(1,\)"):
        list(ragged(tf).padded_batch(3, padded_shapes=[1]))
    with pytest.raises(ValueError, match=r"padded_shapes is \(\) for part 0, which has shape \(None,\)"):
        ragged(tf).padded_batch(3, padded_shapes=[])
    unknown = data.from_generator(lambda: iter([[1], [2, 3]]), output_types=tf.int32)
    with pytest.raises(ValueError, match="padded_shapes says nothing of part 0, whose rank is not known"):
        unknown.padded_batch(2)
    assert next(iter(unknown.padded_batch(2, padded_shapes=[3]))).numpy().tolist() == [[1, 0, 0], [2, 3, 0]]
    with pytest.raises(TypeError, match="padding_values has 0.5 for a part of dtype int32"):
        ragged(tf).padded_batch(2, padding_values=0.5)
    for given, count in ((data.range(0), "no element"), (data.range(2), "more than one element")):
        with pytest.raises(ValueError, match=f"the data set has {count}; expected one"):
            given.get_single_element()
    with pytest.raises(ValueError, match="weights is .*; expected 1 numbers of at least 0"):
        data.sample_from_datasets([data.range(2)], weights=[1, 2])
    with pytest.raises(ValueError, match="choice_dataset gave 2; expected a number from 0 to 1"):
        list(data.choose_from_datasets([data.range(2), data.range(2)], data.range(3)))
    with pytest.raises(ValueError, match="window_size is None and window_size_func is None"):
        data.range(2).group_by_window(lambda x: x, lambda k, w: w)
    with pytest.raises(ValueError, match="bucket_batch_sizes has 1 sizes; expected 2"):
        data.range(2).bucket_by_sequence_length(lambda x: x, [1], [1])
    with pytest.raises(ValueError, match="an element is longer than 1, the limit of the last bucket"):
        list(ragged(tf).bucket_by_sequence_length(len, [2], [3, 3], pad_to_bucket_boundary=True))
    for name, call in {"buffer_size": data.range(3).shuffle, "size": data.range(3).window}.items():
        with pytest.raises(ValueError, match=f"{name} is 0; expected at least 1"):
            call(0)


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


def test_arrays_are_not_copied():
    first = next(iter(tf.data.Dataset.from_tensor_slices(X).skip(2)))
    assert np.shares_memory(first, X)
    windows = next(iter(tf.data.Dataset.from_tensor_slices(X).window(2)))
    assert all(np.shares_memory(row, X) for row in windows)


def test_strings():
    """As Python strings inside, whatever they come as; one that is long does not make the others so."""
    pandas = pytest.importorskip("pandas")
    texts = ["a", "b" * 10**6, "é"]
    for given in (texts, np.array(texts, object), pandas.Series(texts), [text.encode() for text in texts]):
        data = tf.data.Dataset.from_tensor_slices((given, [1, 2, 3]))
        assert data.element_spec[0] == tf.TensorSpec((), tf.string)
        assert [str(text) for text, _ in data] == texts
        assert [len(text) for text, _ in data.batch(2).as_numpy_iterator()] == [2, 1]
        first = next(iter(data.skip(2).batch(5)))[0]
        assert first.tolist() == ["é"] and first.nbytes == 4
    rows = tf.data.Dataset.from_tensor_slices([["a", "bc"], ["d", "e"]]).map(lambda row: row[1])
    assert [str(item) for item in rows] == ["bc", "e"]
    with pytest.raises(TypeError, match="from_tensor_slices was given a int; expected strings"):
        tf.data.Dataset.from_tensor_slices(["a", 3])


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.from_tensor_slices((X[:3], np.array([0, 1, 1]))).shuffle(3).batch(2),
        lambda d: d.from_tensor_slices((X[:3], np.array([0, 1, 1]))).map(lambda x, y: (x * 2, y)).batch(2).prefetch(1),
    ],
)
def test_fit_takes_a_data_set(make):
    model = tf.keras.Sequential([tf.keras.Input((2,)), layers.Dense(2)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    model.compile(tf.keras.optimizers.Adam(), loss)
    history = model.fit(make(tf.data.Dataset), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3 and model.optimizer.iterations == 6
    assert model.predict(make(tf.data.Dataset).map(lambda x, y: x), verbose=0).shape == (3, 2)


def test_the_shuffled_order_follows_the_seed():
    orders = []
    for _ in range(2):
        day33.set_random_seed(5)
        orders.append([int(i) for i in tf.data.Dataset.range(20).shuffle(20)])
    assert orders[0] == orders[1]
