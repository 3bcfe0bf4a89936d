"""Functions that move values: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import ops
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, as_given, check
from support.zoo import random

pytest.importorskip("keras")

X = random(6, 4, 5)
IMAGES = random(3, 4, 5, 2, seed=1)
# Each function moves values inside of samples: one plan runs it.
IN_SAMPLES = {
    "reshape": lambda o, x: o.reshape(x, (-1, 20)),
    "reshape with -1 inside": lambda o, x: o.reshape(x, (o.shape(x)[0], 2, -1)),
    "reshape with the size of the batch": lambda o, x: o.reshape(x, (o.shape(x)[0], 20)),
    "transpose": lambda o, x: o.transpose(x, (0, 2, 1)),
    "swapaxes": lambda o, x: o.swapaxes(x, 1, -1),
    "moveaxis": lambda o, x: o.moveaxis(x, -1, 1),
    "moveaxis of several": lambda o, x: o.moveaxis(x, (1, 2), (2, 1)),
    "expand_dims": lambda o, x: o.expand_dims(x, 1),
    "expand_dims at the end": lambda o, x: o.expand_dims(x, -1),
    "expand_dims of several": lambda o, x: o.expand_dims(x, (1, -1)),
    "squeeze": lambda o, x: o.squeeze(o.expand_dims(x, 1), 1),
    "squeeze all": lambda o, x: o.squeeze(o.expand_dims(x, (1, -1))),
    "concatenate": lambda o, x: o.concatenate([x, 2 * x], 1),
    "concatenate the last axis": lambda o, x: o.concatenate([x, x[:, :, :2], x], axis=-1),
    "concatenate one": lambda o, x: o.concatenate([x], 1),
    "stack": lambda o, x: o.stack([x, -x], 1),
    "stack at the end": lambda o, x: o.stack([x, -x], -1),
    "hstack": lambda o, x: o.hstack([x, x]),
    "split": lambda o, x: o.split(x, 2, 1),
    "split at places": lambda o, x: o.split(x, [1, 3], axis=-1),
    "split into one": lambda o, x: o.split(x, 1, axis=-1),
    "unstack": lambda o, x: o.unstack(x, axis=1),
    "unstack the last axis": lambda o, x: o.unstack(x, axis=-1),
    "pad": lambda o, x: o.pad(x, ((0, 0), (1, 2), (0, 3))),
    "pad with a value": lambda o, x: o.pad(x, ((0, 0), (0, 2), (1, 1)), constant_values=-2.5),
    "pad by reflection": lambda o, x: o.pad(x, ((0, 0), (1, 3), (2, 0)), "reflect"),
    "pad symmetrically": lambda o, x: o.pad(x, ((0, 0), (4, 1), (0, 5)), mode="symmetric"),
    "flip": lambda o, x: o.flip(x, 1),
    "flip several": lambda o, x: o.flip(x, (1, -1)),
    "tile": lambda o, x: o.tile(x, (1, 2, 3)),
    "tile the last axis": lambda o, x: o.tile(x, 2),
    "repeat": lambda o, x: o.repeat(x, 2, 1),
    "repeat unevenly": lambda o, x: o.repeat(x, [1, 0, 3, 2], axis=1),
    "roll": lambda o, x: o.roll(x, 2, 1),
    "roll back": lambda o, x: o.roll(x, -1, axis=-1),
    "roll several axes": lambda o, x: o.roll(x, (1, -6), axis=(1, 2)),
    "broadcast_to": lambda o, x: o.broadcast_to(x[:, :1], (o.shape(x)[0], 4, 5)),
    "zeros_like": lambda o, x: o.zeros_like(x),
    "ones_like": lambda o, x: o.ones_like(x),
    "full_like": lambda o, x: o.full_like(x, 2.5),
    "zeros_like as integers": lambda o, x: o.zeros_like(x, dtype="int32"),
    "zeros": lambda o, x: o.zeros((o.shape(x)[0], 3)),
    "ones": lambda o, x: o.ones((o.shape(x)[0],)),
    "full": lambda o, x: x * o.full((o.shape(x)[0], 1, 5), 1.5),
    "truth values": lambda o, x: o.concatenate([x > 0, x > 1], 1),
    "truth values turned around": lambda o, x: o.flip(x > 0, 1),
    "integers": lambda o, x: o.transpose(o.cast(3 * x, "int32"), (0, 2, 1)),
}
# These mix the batch with what is inside.
ACROSS_SAMPLES = {
    "ravel": lambda o, x: o.ravel(x),
    "reshape": lambda o, x: o.reshape(x, (-1, 5)),
    "reshape to a matrix of the batch": lambda o, x: o.reshape(x, (20, o.shape(x)[0])),
    "transpose": lambda o, x: o.transpose(x),
    "moveaxis": lambda o, x: o.moveaxis(x, 0, -1),
    "expand_dims": lambda o, x: o.expand_dims(x, 0),
    "one sample": lambda o, x: o.reshape(x[:1], (4, 5)),
    "concatenate": lambda o, x: o.concatenate([x, 2 * x], 0),
    "vstack": lambda o, x: o.vstack([x, x]),
    "stack": lambda o, x: o.stack([x, -x]),
    "split": lambda o, x: o.split(x, 3),
    "split at places": lambda o, x: o.split(x, [1, 2]),
    "unstack": lambda o, x: o.unstack(x, 6),
    "pad": lambda o, x: o.pad(x, ((1, 0), (0, 0), (2, 2))),
    "flip": lambda o, x: o.flip(x),
    "tile": lambda o, x: o.tile(x, (2, 1, 1)),
    "tile with a new axis": lambda o, x: o.tile(x, (2, 1, 1, 1)),
    "repeat": lambda o, x: o.repeat(x, 3, 0),
    "repeat all": lambda o, x: o.repeat(x, 2),
    "roll all": lambda o, x: o.roll(x, 7),
    "roll the batch": lambda o, x: o.roll(x, 1, axis=0),
    "broadcast_to": lambda o, x: o.broadcast_to(x, (2, 6, 4, 5)),
    "eye": lambda o, x: o.eye(o.shape(x)[0]),
    "eye with a diagonal": lambda o, x: o.eye(o.shape(x)[0], 4, 1),
    "arange": lambda o, x: o.arange(o.shape(x)[0]),
    "arange from a number": lambda o, x: o.arange(2, 2 * o.shape(x)[0], 3),
    "zeros of twice the batch": lambda o, x: o.zeros((2 * o.shape(x)[0], 3)),
    "the size of the batch": lambda o, x: o.sum(x) / o.cast(o.shape(x)[0], "float32"),
}


@pytest.mark.parametrize("name", IN_SAMPLES)
def test_inside_of_samples(name):
    traced = check(IN_SAMPLES[name], X)
    assert not isinstance(traced.compiled.plan, StagedPlan)


@pytest.mark.parametrize("name", ACROSS_SAMPLES)
def test_across_samples(name):
    traced = check(ACROSS_SAMPLES[name], X)
    assert isinstance(traced.compiled.plan, StagedPlan)


@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (0, 3, 1, 2), (2, 0, 3, 1), None])
def test_images_transposed(axes):
    check(lambda o, x: o.transpose(x, axes), IMAGES)


@pytest.mark.parametrize("size", [1, 2, 17, 64])
def test_any_batch(size):
    check(lambda o, x: o.flip(o.reshape(x, (o.shape(x)[0], -1, 3)), 1), random(size, 2, 9))


def test_unknown_lengths():
    """Of an axis other than the batch, while the graph is made."""
    x = SymbolicTensor((None, None, 6))
    batch, length, width = ops.shape(x)
    assert width == 6
    assert ops.reshape(x, (batch, length, 2, 3)).shape == (None, None, 2, 3)
    assert ops.reshape(x, (batch, -1)).shape == (None, None)
    assert ops.zeros((batch, length)).shape == (None, None)
    assert ops.squeeze(ops.expand_dims(x, 1)).shape == (None, None, 6)
    assert ops.pad(x, ((0, 0), (1, 1), (0, 0))).shape == (None, None, 6)
    with pytest.raises(ValueError, match="newshape has 2 sizes that are not known"):
        ops.reshape(x, (length, batch, 6))


def test_creation():
    for mine, correct in (
        (ops.zeros((2, 3)), np.zeros((2, 3), np.float32)),
        (ops.ones(3, "int32"), np.ones(3, np.int32)),
        (ops.full((2,), 7), np.full(2, 7, np.float32)),
        (ops.full((2, 2), [1, 2]), np.float32([[1, 2], [1, 2]])),
        (ops.arange(4), np.arange(4, dtype=np.int32)),
        (ops.arange(1, 2, 0.25), np.arange(1, 2, 0.25, dtype=np.float32)),
        (ops.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype=np.float32)),
        (ops.eye(2, 3, 1), np.eye(2, 3, 1, dtype=np.float32)),
        (ops.identity(2, "int32"), np.eye(2, dtype=np.int32)),
        (ops.zeros_like(np.arange(3)), np.zeros(3, np.int32)),
        (ops.convert_to_tensor([1.5, 2]), np.float32([1.5, 2])),
        (ops.convert_to_tensor([1, 2], "bool"), np.array([True, True])),
    ):
        np.testing.assert_array_equal(mine, correct)
        assert mine.dtype == correct.dtype
    x = np.float32([1, 2])
    assert ops.convert_to_numpy(x) is not x and ops.shape(x) == (2,) and ops.size(np.zeros((2, 3))) == 6


WRONG = {
    "newshape": (lambda x: ops.reshape(x, (3, 7)), ValueError, r"newshape is \(3, 7\), but x has shape \(2, 4\)"),
    "two sizes": (lambda x: ops.reshape(x, (-1, -1)), ValueError, "at most one of which is -1"),
    "no size": (lambda x: ops.reshape(x, (2.5, 4)), TypeError, "newshape is 2.5; expected an integer"),
    "axes": (lambda x: ops.transpose(x, (0, 0)), ValueError, r"axes is \(0, 0\).*each of them once"),
    "an axis": (lambda x: ops.transpose(x, (0, 2)), ValueError, "axes is 2 for an array of 2 dimensions"),
    "squeeze": (
        lambda x: ops.squeeze(x, 1),
        ValueError,
        r"axis is 1 and x has shape \(2, 4\); expected an axis of len",
    ),
    "expand_dims": (lambda x: ops.expand_dims(x, 4), ValueError, "axis is 4 for an array of 3 dimensions"),
    "expand twice": (lambda x: ops.expand_dims(x, (1, 1)), ValueError, "expected each axis once"),
    "shapes": (lambda x: ops.concatenate([x, x[:, :2]], 0), ValueError, "the same sizes on all axes but 0"),
    "nothing": (lambda x: ops.concatenate([]), ValueError, "expected a list of at least one array"),
    "stack": (lambda x: ops.stack([x, x[:, :2]]), ValueError, "expected one shape"),
    "sections": (lambda x: ops.split(x, 3, 1), ValueError, "indices_or_sections is 3 and axis 1 has length 4"),
    "no sections": (lambda x: ops.split(x, 0, 1), ValueError, "indices_or_sections is 0; expected at least 1"),
    "num": (lambda x: ops.unstack(x, 3, 1), ValueError, "num is 3 and x has shape"),
    "pad_width": (lambda x: ops.pad(x, ((1, 1), (1, 1), (1, 1))), ValueError, "pad_width is .* expected pairs"),
    "negative pad": (lambda x: ops.pad(x, -1), ValueError, "expected numbers of at least 0"),
    "mode": (lambda x: ops.pad(x, 1, "wrap"), ValueError, "mode is 'wrap'; expected one of"),
    "a wide reflection": (lambda x: ops.pad(x, ((0, 0), (4, 0)), "reflect"), ValueError, "expected at most 3 for mode"),
    "a value": (lambda x: ops.pad(x, 1, "reflect", 2.0), ValueError, "constant_values is 2.0 with mode 'reflect'"),
    "shift": (lambda x: ops.roll(x, (1, 2, 3), (0, 1)), ValueError, "expected one shift for each axis"),
    "repeats": (lambda x: ops.repeat(x, [1, 2, 3], 1), ValueError, "repeats has 3 numbers"),
    "negative repeats": (lambda x: ops.repeat(x, -1, 1), ValueError, "repeats is -1; expected at least 0"),
    "shape": (lambda x: ops.broadcast_to(x, (2, 5)), ValueError, "a shape to which x broadcasts"),
    "source": (lambda x: ops.moveaxis(x, (0, 1), 0), ValueError, "expected as many axes, each once"),
    "dtype": (lambda x: ops.zeros((2,), "complex64"), ValueError, "dtype is 'complex64'; expected one of"),
    "a size": (lambda x: ops.zeros((2, -1)), ValueError, r"shape\[1\] is -1; expected at least 0"),
}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name, traced):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message.replace(r"\(2, 4\)", r"\((None|2), 4\)") if traced else message):
        call(SymbolicTensor((2, 4)) if traced else np.ones((2, 4), np.float32))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0,)])
def test_nothing_at_all(shape):
    x = np.zeros(shape, np.float32)
    assert ops.transpose(x).shape == shape[::-1]
    assert ops.concatenate([x, x], 0).shape == (2 * shape[0], *shape[1:])
    assert ops.reshape(x, (0,)).shape == (0,)
    assert ops.pad(x, 1).size == np.pad(x, 1).size


def test_an_empty_batch():
    assert Traced(lambda o, x: o.flip(x, 1), [np.zeros((0, 3), np.float32)]).forward()[0].shape == (0, 3)
    assert Traced(lambda o, x: o.transpose(x), [np.zeros((0, 3), np.float32)]).forward()[0].shape == (3, 0)


def test_integers_keep_all_bits():
    x = np.array([[2**31 - 1, -(2**31)], [2**24 + 1, 3]], np.int32)
    np.testing.assert_array_equal(ops.flip(x, 1), x[:, ::-1])
    np.testing.assert_array_equal(ops.concatenate([x, x], 1), np.concatenate([x, x], 1))
    np.testing.assert_array_equal(Traced(lambda o, t: o.transpose(t[:, ::-1]), [x]).forward()[0], x[:, ::-1].T)
    assert as_given(x).dtype == np.int32
