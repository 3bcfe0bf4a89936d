"""Ops that only put values elsewhere: what NumPy does, of numbers and of integers, and its adjoint, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from support.exact import BATCHES, LAYOUTS, check_exact, plan_of, whole

SHAPE = (5, 6, 3)


def indices(*numbers):
    return np.array(numbers, np.int64)


def sliced(begin, size, stride):
    return lambda b, x: b.strided_slice(x, begin, size, stride)


def padded(borders, mode="constant", value=0.0):
    return lambda b, x: b.pad(x, borders, mode, value)


# name: (the op, the same on an array with a batch). The constant of a border is 0 here: see test_constant_borders.
MOVES = {
    "pad": (padded([(1, 2), (0, 3), (0, 0)]), lambda x: np.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)))),
    "pad-all-axes": (padded([(0, 1), (2, 0), (1, 1)]), lambda x: np.pad(x, ((0, 0), (0, 1), (2, 0), (1, 1)))),
    "pad-none": (padded([(0, 0)] * 3), lambda x: x),
    "crop": (padded([(-1, -2), (-3, 0), (0, 0)]), lambda x: x[:, 1:-2, 3:]),
    "pad-and-crop": (
        padded([(2, -1), (-1, 1), (0, 0)]), lambda x: np.pad(x[:, :-1, 1:], ((0, 0), (2, 0), (0, 1), (0, 0))),
    ),
    "pad-reflect": (
        padded([(2, 4), (0, 5), (1, 0)], "reflect"), lambda x: np.pad(x, ((0, 0), (2, 4), (0, 5), (1, 0)), "reflect"),
    ),
    "pad-symmetric": (
        padded([(5, 1), (3, 0), (0, 2)], "symmetric"),
        lambda x: np.pad(x, ((0, 0), (5, 1), (3, 0), (0, 2)), "symmetric"),
    ),
    "pad-reflect-twice": (
        padded([(11, 0), (0, 13), (4, 4)], "reflect"),
        lambda x: np.pad(x, ((0, 0), (11, 0), (0, 13), (4, 4)), "reflect"),
    ),
    "pad-symmetric-twice": (
        padded([(0, 12), (14, 0), (7, 7)], "symmetric"),
        lambda x: np.pad(x, ((0, 0), (0, 12), (14, 0), (7, 7)), "symmetric"),
    ),
    "reflect-and-crop": (
        padded([(-2, 3), (1, -4), (0, 0)], "reflect"),
        lambda x: np.pad(x, ((0, 0), (0, 3), (1, 0), (0, 0)), "reflect")[:, 2:, :-4],
    ),
    "permute": (lambda b, x: b.permute(x, (2, 0, 1)), lambda x: x.transpose(0, 3, 1, 2)),
    "permute-outer": (lambda b, x: b.permute(x, (1, 0, 2)), lambda x: x.transpose(0, 2, 1, 3)),
    "permute-all": (lambda b, x: b.permute(x, (2, 1, 0)), lambda x: x.transpose(0, 3, 2, 1)),
    "broadcast-front": (lambda b, x: b.broadcast_to(x, (3, *SHAPE)), lambda x: np.repeat(x[:, None], 3, 1)),
    "broadcast-inner": (
        lambda b, x: b.broadcast_to(b.reshape(x, (5, 1, 6, 1, 3)), (5, 2, 6, 3, 3)),
        lambda x: np.repeat(np.repeat(x[:, :, None, :, None], 2, 2), 3, 4),
    ),
    "broadcast-last": (
        lambda b, x: b.broadcast_to(b.reshape(x, (*SHAPE, 1)), (*SHAPE, 2)), lambda x: np.repeat(x[..., None], 2, 4),
    ),
    "slice": (lambda b, x: b.slice(x, 1, 4), lambda x: x[:, 1:4]),
    "slice-inner": (sliced((0, 2, 1), (5, 3, 1), (1, 1, 1)), lambda x: x[:, :, 2:5, 1:2]),
    "slice-steps": (sliced((1, 0, 0), (2, 3, 2), (3, 2, 2)), lambda x: x[:, 1::3, ::2, ::2]),
    "slice-back": (sliced((4, 5, 2), (2, 6, 2), (-3, -1, -2)), lambda x: x[:, ::-3, ::-1, ::-2]),
    "slice-one": (sliced((4, 0, 1), (1, 1, 1), (1, -7, 0)), lambda x: x[:, 4:5, :1, 1:2]),
    "flip-all": (sliced((4, 5, 2), (5, 6, 3), (-1, -1, -1)), lambda x: x[:, ::-1, ::-1, ::-1]),
    "reverse": (lambda b, x: b.reverse(x), lambda x: x[:, ::-1]),
    "repeat": (lambda b, x: b.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 2)),
    "repeat-last": (lambda b, x: b.repeat(x, 2, -1), lambda x: np.repeat(x, 2, 3)),
    "repeat-each": (lambda b, x: b.repeat(x, (0, 2, 1, 3, 1), 0), lambda x: np.repeat(x, (0, 2, 1, 3, 1), 1)),
    "tile": (lambda b, x: b.tile(x, (2, 1, 3)), lambda x: np.tile(x, (1, 2, 1, 3))),
    "tile-fewer": (lambda b, x: b.tile(x, (4,)), lambda x: np.tile(x, (4,))),
    "tile-more": (lambda b, x: b.tile(x, (2, 1, 2, 1)), lambda x: np.tile(x[:, None], (1, 2, 1, 2, 1))),
    "take": (lambda b, x: b.take(x, indices(4, 0, 0, -1, 2), 0), lambda x: np.take(x, (4, 0, 0, -1, 2), 1)),
    "take-inner": (
        lambda b, x: b.take(x, indices((0, 2), (4, -6)), 1), lambda x: np.take(x, ((0, 2), (4, 0)), 2),
    ),
    "take-last": (lambda b, x: b.take(x, indices(2, 1, 0, 1, 2), -1), lambda x: np.take(x, (2, 1, 0, 1, 2), 3)),
    "take-one": (lambda b, x: b.take(x, np.array(3), 0), lambda x: x[:, 3]),
    "take-interleaved": (lambda b, x: b.take(x, indices(0, 2, 4, 1, 3), 0), lambda x: x[:, [0, 2, 4, 1, 3]]),
    "take-all-back": (lambda b, x: b.take(x, indices(5, 4, 3, 2, 1, 0), 1), lambda x: x[:, :, ::-1]),
    "concatenate": (lambda b, x: b.concatenate([x, b.reverse(x)], 1), lambda x: np.concatenate([x, x[:, ::-1]], 2)),
    "stack": (
        lambda b, x: b.concatenate([b.reshape(x, (*SHAPE, 1)), b.reshape(b.reverse(x), (*SHAPE, 1))], -1),
        lambda x: np.stack([x, x[:, ::-1]], -1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", MOVES)
def test_values_move_as_in_numpy(isa, restored_threads, case, layout):
    """Backward, for a map of cells, is the sum over the cells that hold a value."""
    write, expected = MOVES[case]
    plan = plan_of(write, SHAPE, layout=layout)
    numbers = plan_of(write, SHAPE, layout=layout, dtypes=["int32"])
    size = int(np.prod(SHAPE))
    cells = expected(np.arange(1, size + 1).reshape(1, *SHAPE))[0].ravel()  # 0: nothing
    for batch in BATCHES:
        x = whole(batch, batch, *SHAPE)
        y = expected(x)
        dy = whole(3, *y.shape)
        dx = np.zeros((batch, size + 1))
        np.add.at(dx, (slice(None), cells), dy.reshape(batch, -1))
        check_exact(plan, [x], [], dy, [y, dx[:, 1:].reshape(x.shape)])
        moved = numbers.forward([np.int32(2**30) + x.astype(np.int32)], [])[0]  # no float32 holds these
        assert moved.dtype == np.int32
        np.testing.assert_array_equal(np.where(cells.reshape(y.shape[1:]) > 0, moved - 2**30, 0), y)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "write",
    [
        lambda b, x: b.broadcast_to(x, (100_000, 3)),
        lambda b, x: b.tile(x, (100_000, 1)),
        lambda b, x: b.repeat(b.reshape(x, (3,)), 100_000, 0),
    ],
)
def test_long_sums_are_as_good_as_float64(layout, write):
    """Numbers of one sign, of which a running sum in float32 loses 1e-5."""
    plan = plan_of(write, (1, 3), layout=layout)
    x = whole(0, 2, 1, 3)
    dy = np.random.default_rng(1).random(plan.forward([x], [])[0].shape, np.float32)
    expected = dy.sum(1, np.float64) if dy.ndim == 3 else dy.reshape(2, 3, -1).sum(2, np.float64)
    np.testing.assert_allclose(plan.backward([x], [dy], [])[0][0][:, 0], expected, rtol=2e-7)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("dtype", "value"), [("float32", -1.5), ("float32", np.inf), ("int32", 2**31 - 1)])
def test_constant_borders(layout, dtype, value):
    borders = [(1, 0), (0, 2), (-1, 1)]
    plan = plan_of(padded(borders, "constant", value), SHAPE, layout=layout, dtypes=[dtype])
    x = whole(0, 5, *SHAPE).astype(dtype)
    expected = np.pad(x[..., 1:], ((0, 0), (1, 0), (0, 2), (0, 1)), constant_values=value)
    np.testing.assert_array_equal(plan.forward([x], [])[0], expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "write",
    [sliced((1, 0, 0), (0, 6, 3), (1, 1, 1)), padded([(-2, -3), (0, 0), (1, 0)]), lambda b, x: b.tile(x, (1, 0, 2)),
     lambda b, x: b.repeat(x, 0, 2), lambda b, x: b.take(x, indices(), 1)],
)  # fmt: skip
def test_nothing_may_be_left(layout, write):
    plan = plan_of(write, SHAPE, layout=layout)
    x = whole(0, 3, *SHAPE)
    y = plan.forward([x], [])[0]
    assert y.size == 0
    np.testing.assert_array_equal(plan.backward([x], [y], [])[0][0], np.zeros_like(x))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (padded([(-3, -3), (0, 0), (0, 0)]), r"borders is \(-3, -3\) for axis 0; .* at most the 5 of x"),
        (padded([(-6, 6), (0, 0), (0, 0)]), "borders"),
        (padded([(0, 0)]), "borders holds 1 pairs; expected one for each axis"),
        (padded([(0, 2**50), (0, 0), (0, 0)]), "borders"),
        (padded([(0, 0)] * 3, "edge"), "mode"),
        (sliced((0, 0), (1, 1), (1, 1)), "expected one number for each axis"),
        (sliced((5, 0, 0), (1, 1, 1), (1, 1, 1)), "axis 0; expected cells of the 5"),
        (sliced((0, 1, 0), (1, 3, 1), (1, 3, 1)), "axis 1"),
        (sliced((0, 1, 0), (1, 3, 1), (1, -1, 1)), "axis 1"),
        (sliced((0, 1, 0), (1, 2, 1), (1, 0, 1)), "axis 1"),
        (sliced((0, 0, 0), (1, 2, 1), (1, 2**63 - 1, 1)), "axis 1"),
        (sliced((0, 0, 0), (1, 1, -1), (1, 1, 1)), "axis 2"),
        (lambda b, x: b.repeat(x, -1, 0), "repeats holds -1"),
        (lambda b, x: b.repeat(x, (1, 2), 0), "repeats holds 2 numbers; expected 1, or one for each of the 5"),
        (lambda b, x: b.repeat(x, 2, 3), r"axis is 3; expected an axis of x of shape \(5, 6, 3\)"),
        (lambda b, x: b.tile(x, (1, -1)), "repeats"),
        (lambda b, x: b.tile(x, (2**40, 2**40)), "elements"),
        (lambda b, x: b.take(x, indices(0, 6), 1), "indices holds 6; expected -6 to 5 for axis 1"),
        (lambda b, x: b.take(x, indices(-7), 1), "indices holds -7"),
        (lambda b, x: b.permute(x, (0, 1)), "axes"),
        (lambda b, x: b.permute(x, (0, 1, 1)), "axes"),
        (lambda b, x: b.permute(x, (0, 1, 3)), "axes"),
        (lambda b, x: b.broadcast_to(x, (5, 6)), "cannot be stretched"),
        (lambda b, x: b.broadcast_to(x, (5, 7, 2)), "cannot be stretched"),
    ],
)  # fmt: skip
def test_what_cannot_be_moved(write, words):
    with pytest.raises(ValueError, match=words):
        plan_of(write, SHAPE)


@pytest.mark.parametrize("value", [0.5, 2.0**31, np.nan])
def test_a_border_of_integers_is_an_integer(value):
    with pytest.raises(ValueError, match="value is .*; expected a whole number"):
        plan_of(padded([(1, 0), (0, 0), (0, 0)], "constant", value), SHAPE, dtypes=["int32"])


# ---- indices that are values ----

INDEXED = {
    "gather": (lambda b, x, i: b.gather(x, i, 0), (7,), lambda x, i: x[i]),
    "gather-inner": (lambda b, x, i: b.gather(x, i, 1), (2, 3), lambda x, i: x[:, i]),
    "gather-last": (lambda b, x, i: b.gather(x, i, -1), (), lambda x, i: x[..., i]),
    "along": (lambda b, x, i: b.take_along_axis(x, i, 0), (2, 6, 3), lambda x, i: np.take_along_axis(x, i, 0)),
    "along-inner": (lambda b, x, i: b.take_along_axis(x, i, 1), (5, 8, 3), lambda x, i: np.take_along_axis(x, i, 1)),
    "along-wide": (lambda b, x, i: b.take_along_axis(x, i, -1), (1, 6, 4), lambda x, i: np.take_along_axis(x, i, 2)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", INDEXED)
def test_gathering(isa, restored_threads, case, layout):
    write, shape, expected = INDEXED[case]
    plan = plan_of(lambda b, i, x: write(b, x, i), shape, SHAPE, layout=layout, dtypes=["int32"])
    numbers = plan_of(lambda b, i, x: write(b, x, i), shape, SHAPE, layout=layout, dtypes=["int32", "int32"])
    axis = {"gather": 0, "gather-inner": 1, "gather-last": 2, "along": 0, "along-inner": 1, "along-wide": 2}[case]
    size = int(np.prod(SHAPE))
    cells = np.arange(size).reshape(SHAPE)
    for batch in BATCHES:
        at = np.random.default_rng(batch).integers(-SHAPE[axis], SHAPE[axis], (batch, *shape), np.int32)
        x = whole(batch, batch, *SHAPE)
        y = np.stack([expected(*pair) for pair in zip(x, at, strict=True)])
        dy = whole(3, *y.shape)
        dx = np.zeros((batch, size))
        for sample in range(batch):
            np.add.at(dx[sample], expected(cells, at[sample]).ravel(), dy[sample].ravel())
        check_exact(plan, [at, x], [], dy, [y, dx.reshape(x.shape)])
        large = np.int32(2**30) + x.astype(np.int32)
        np.testing.assert_array_equal(numbers.forward([at, large], [])[0] - 2**30, y)


def test_x_may_be_stretched_along_its_indices():
    plan = plan_of(lambda b, x, i: b.take_along_axis(x, i, 1), (1, 4), (3, 2), dtypes=["float32", "int32"])
    x, at = whole(0, 5, 1, 4), np.random.default_rng(0).integers(0, 4, (5, 3, 2), np.int32)
    expected = np.take_along_axis(np.broadcast_to(x, (5, 3, 4)), at, 2)
    np.testing.assert_array_equal(plan.forward([x, at], [])[0], expected)
    dx = plan.backward([x, at], [np.ones((5, 3, 2), np.float32)], [])[0][0]
    np.testing.assert_array_equal(dx[:, 0], (at[..., None] == np.arange(4)).sum((1, 2)))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("index", [5, -6, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("along", [False, True])
def test_an_index_out_of_range_is_refused(index, along, backward):
    """Also by a plan of this op alone, whose backward does not run forward."""
    write = (lambda b, x, i: b.take_along_axis(x, i, 0)) if along else (lambda b, x, i: b.gather(x, i, 0))
    plan = plan_of(write, (5,), (2,), dtypes=["float32", "int32"])
    x, at = whole(0, 3, 5), np.array([(0, 1), (2, index), (3, 4)], np.int32)
    with pytest.raises(ValueError, match=f"indices holds {index}; expected -5 to 4"):
        plan.backward([x, at], [x[:, :2].copy()], []) if backward else plan.forward([x, at], [])


@pytest.mark.parametrize("index", [5, -1, 2**31 - 1])
def test_the_gradient_of_an_embedding_checks_its_indices(index):
    """It wrote outside of the table where the plan held nothing else."""
    plan = plan_of(lambda b, i: b.embedding(i, b.parameter((5, 4))), (3,), dtypes=["int32"])
    at, table = np.array([[0, 1, index]], np.int32), whole(0, 5, 4)
    with pytest.raises(ValueError, match=f"index {index}; expected 0 to 4"):
        plan.backward([at], [np.ones((1, 3, 4), np.float32)], [table])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("axis", [-1, 0, 1, 2])
def test_one_hot(layout, axis):
    plan = plan_of(lambda b, i: b.one_hot(i, 4, axis), (3, 5), layout=layout, dtypes=["int32"])
    for batch in BATCHES:
        at = np.random.default_rng(batch).integers(-2, 6, (batch, 3, 5), np.int32)
        y = plan.forward([at], [])[0]
        assert y.dtype == np.float32
        place = axis + 1 if axis >= 0 else 3
        np.testing.assert_array_equal(y, np.moveaxis(at[..., None] == np.arange(4), -1, place))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda b, x, i: b.gather(x, x, 0), "indices: expected an int32 tensor"),
        (lambda b, x, i: b.gather(x, i, 2), "axis is 2"),
        (lambda b, x, i: b.take_along_axis(x, i, 0), "indices has shape"),
        (lambda b, x, i: b.take_along_axis(x, b.reshape(i, (2, 3)), 0), "indices has shape"),
        (lambda b, x, i: b.one_hot(x, 3), "indices: expected an int32 tensor"),
        (lambda b, x, i: b.one_hot(i, -1), "depth is -1"),
        (lambda b, x, i: b.one_hot(i, 3, 3), "axis is 3"),
    ],
)
def test_what_cannot_be_indexed(write, words):
    with pytest.raises(ValueError, match=words):
        plan_of(write, (4, 4), (6,), dtypes=["float32", "int32"])
