"""Functions that pick values by positions: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from day33 import ops
from day33._core.variables import Variable
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, check
from support.zoo import random

pytest.importorskip("keras")

X = random(6, 4, 5)
KEYS = [
    np.s_[:, 0], np.s_[:, -1], np.s_[:, 1:3], np.s_[:, ::-1], np.s_[:, 3:0:-2], np.s_[:, :, 2], np.s_[..., 2],
    np.s_[..., None], np.s_[:, None], np.s_[:, 1, 2], np.s_[:, 1:, None, ::2], np.s_[:], np.s_[...],
    np.s_[:, -3:-1, -1:], np.s_[:, 2:2],
]  # fmt: skip
ACROSS = [np.s_[0], np.s_[-1], np.s_[:2], np.s_[::2], np.s_[::-1], np.s_[None], np.s_[1:, 0], np.s_[2, ..., 1]]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_inside_of_samples(key):
    if key == np.s_[:, 2:2]:  # plans have no values without elements
        assert ops.getitem(X, key).shape == (6, 0, 5)
        return
    traced = check(lambda o, x: x[key] if o is not ops or not isinstance(x, np.ndarray) else o.getitem(x, key), X)
    assert not isinstance(traced.compiled.plan, StagedPlan)


@pytest.mark.parametrize("key", ACROSS, ids=str)
def test_across_samples(key):
    traced = check(lambda o, x: x[key] if o is not ops or not isinstance(x, np.ndarray) else o.getitem(x, key), X)
    assert isinstance(traced.compiled.plan, StagedPlan)


slices = st.builds(slice, *[st.none() | st.integers(-7, 7)] * 2, st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3]))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_as_numpy_indexes(data):
    """Values of random indices, and their gradient: ones where a value was taken, as often as it was."""
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    key, axes = [], 0
    while axes < len(shape):
        kind = data.draw(st.sampled_from(["slice", "int", "new", "stop"]))
        if kind == "stop":
            break
        if kind == "new":
            key.append(None)
            continue
        key.append(data.draw(slices if kind == "slice" else st.integers(-shape[axes], shape[axes] - 1)))
        axes += 1
    if data.draw(st.booleans()):
        key.append(Ellipsis)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    expected = x[tuple(key)]
    mine = ops.getitem(x, tuple(key))
    np.testing.assert_array_equal(mine, expected)
    assert mine.shape == expected.shape
    if expected.size:
        traced = Traced(lambda _, t: t[(slice(None), *key)], [x[None]])
        np.testing.assert_array_equal(traced.forward()[0][0], expected)
        counts = np.zeros(shape, np.float32)
        np.add.at(counts, tuple(key), 1)
        np.testing.assert_array_equal(traced.backward([np.ones((1, *expected.shape), np.float32)])[0][0][0], counts)


INDICES = np.array([[3, 0, 3], [1, -2, 0]])
LABELS = np.array([[0, 3], [2, 1], [4, 0], [1, 1], [3, 2], [0, 0]], np.int32)
TAKES = {
    "take": lambda o, x: o.take(x, [3, 0, 3], axis=1),
    "take several axes": lambda o, x: o.take(x, INDICES % 4, axis=1),
    "take one": lambda o, x: o.take(x, 2, axis=-1),
    "take of all": lambda o, x: o.take(x, [[0, 7], [119, 7]]),
    "take samples": lambda o, x: o.take(x, [5, 0, 5], axis=0),
    "take_along_axis": lambda o, x: o.take_along_axis(x, np.array([[[1], [0], [3], [3]]]), axis=2),
    "take_along_axis of all": lambda o, x: o.take_along_axis(x, np.array([3, 77, 3])),
    "slice": lambda o, x: o.slice(x, (0, 1, 2), (6, 2, 3)),
    "slice samples": lambda o, x: o.slice(x, (2, 0, 0), (3, 4, 1)),
}


@pytest.mark.parametrize("name", TAKES)
def test_constant_positions(name):
    check(TAKES[name], X)


COMPUTED = {
    "take": lambda o, x, i: o.take(o.take(x, [0], axis=0), i, axis=1),
    "take_along_axis": lambda o, x, i: o.take_along_axis(x, o.expand_dims(i, -1), axis=1),
    "one_hot": lambda o, x, i: o.one_hot(i, 5),
    "one_hot in front": lambda o, x, i: o.one_hot(i, 6, axis=1),
    "one_hot out of range": lambda o, x, i: o.one_hot(i - 2, 3),
    "one_hot as integers": lambda o, x, i: o.one_hot(i, 5, dtype="int32"),
    "one_hot of floats": lambda o, x, i: o.one_hot(o.cast(i, "float32"), 5),
    "an embedding by products": lambda o, x, i: o.matmul(o.one_hot(i, 4), x),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_computed_positions(name):
    check(COMPUTED[name], X, LABELS % 4)


def test_rows_of_a_variable():
    """As an embedding: gradients of rows that are taken often add up."""
    table = random(5, 3)
    variable = Variable(table)
    traced = Traced(lambda o, i: o.take(variable, i, axis=0), [LABELS])
    np.testing.assert_array_equal(traced.forward()[0], table[LABELS])
    assert [row["kind"] for row in traced.compiled.plan.describe()] == ["embedding"]
    dy = random(6, 2, 3, seed=1)
    expected = np.zeros((5, 3))
    np.add.at(expected, LABELS, dy)
    np.testing.assert_allclose(traced.backward([dy])[1][0], expected, rtol=1e-5, atol=1e-5)


def test_arrays_in_an_index():
    x = random(3, 4, 5, 6)
    for key in (
        np.s_[:, [1, 3]], np.s_[:, [1, 3], [0, -1]], np.s_[:, 2, [0, 4]], np.s_[:, [[0], [1]], [2, 3]], np.s_[[0, 2]],
        np.s_[..., [5, 5]], np.s_[:, None, [0, 1]], np.s_[:, [0, 1], 1:3],
    ):  # fmt: skip
        np.testing.assert_array_equal(ops.getitem(x, key), x[key], str(key))
        np.testing.assert_array_equal(Traced(lambda _, t, k=key: t[k], [x]).forward()[0], x[key], str(key))


def test_variables_are_indexed():
    variable = Variable(random(4, 3))
    np.testing.assert_array_equal(variable[1:, ::-1], variable.numpy()[1:, ::-1])
    np.testing.assert_array_equal(variable[[3, 0]], variable.numpy()[[3, 0]])
    assert variable[0, 0].shape == ()


SYMBOL = SymbolicTensor((None, 4, 5))
NUMBER = SymbolicTensor((), "int32")
WRONG = {
    "symbolic": (lambda: SYMBOL[:, NUMBER], TypeError, "is symbolic; expected constants.*day33.ops.take"),
    "truths": (lambda: SYMBOL[SYMBOL > 0], TypeError, "is symbolic; expected constants.*day33.ops.where"),
    "truth values": (lambda: SYMBOL[:, [True, False]], TypeError, "holds truth values.*day33.ops.where"),
    "floats": (lambda: SYMBOL[:, 1.5], TypeError, "has dtype float64; expected integers"),
    "text": (lambda: SYMBOL["a"], TypeError, "expected integers, slices, None"),
    "out of range": (
        lambda: SYMBOL[:, 4],
        IndexError,
        r"index is 4 for an axis of length 4; x has shape \(None, 4, 5\)",
    ),
    "too many": (lambda: SYMBOL[0, 0, 0, 0], IndexError, "there are 4 indices; expected at most 3"),
    "ellipses": (lambda: SYMBOL[..., 0, ...], IndexError, "several ellipses; expected one"),
    "a step of 0": (lambda: SYMBOL[:, ::0], ValueError, "step"),
    "apart": (lambda: SYMBOL[:, [0], None, [1]], TypeError, "stand apart; expected them next to each other"),
    "an unknown length": (lambda: SYMBOL[[0], [1]], TypeError, r"several arrays for axes of \(None, 4\)"),
    "take": (lambda: ops.take(X, [4], axis=1), ValueError, "indices"),
    "a bad axis": (lambda: ops.take(X, [0], axis=3), ValueError, "axis is 3 for an array of 3 dimensions"),
    "axes": (lambda: ops.take_along_axis(X, [0], axis=1), ValueError, "expected as many axes"),
    "classes": (lambda: ops.one_hot([0], 0), ValueError, "num_classes is 0; expected at least 1"),
    "sparse": (lambda: ops.one_hot([0], 2, sparse=True), ValueError, "sparse is True; expected False"),
    "a symbolic start": (lambda: ops.slice(SYMBOL, (NUMBER, 0, 0), (1, 1, 1)), TypeError, "start_indices are symbolic"),
    "a block outside": (lambda: ops.slice(X, (0, 2, 0), (6, 3, 5)), ValueError, "expected a block inside"),
    "sort": (lambda: ops.sort(SYMBOL), TypeError, "expected an array: day33 has no sort inside of a graph"),
    "top_k": (lambda: ops.top_k(X, 6), ValueError, "k is 6; expected at most 5"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()


def test_positions_that_are_not_there_are_refused_when_the_plan_runs():
    traced = Traced(lambda o, x, i: o.take_along_axis(x, i, axis=1), [X[:, :, 0], np.full((6, 1), 9)])
    with pytest.raises(ValueError, match="9"):
        traced.forward()


def test_sorting():
    import keras

    x = np.round(random(3, 7), 1)
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(ops.sort(x, axis), keras.ops.sort(x, axis))
        np.testing.assert_array_equal(np.take_along_axis(x, ops.argsort(x, axis), axis), np.sort(x, axis))
    for mine, correct in zip(ops.top_k(x, 3), keras.ops.top_k(x, 3), strict=True):
        np.testing.assert_array_equal(mine, correct)
        assert mine.dtype == np.asarray(correct).dtype
    for mine, correct in zip(ops.meshgrid([1, 2], [3.0, 4, 5]), np.meshgrid([1, 2], [3.0, 4, 5]), strict=True):
        np.testing.assert_array_equal(mine, correct)
