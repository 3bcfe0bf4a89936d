"""Reductions as plans, in both layouts: against NumPy in double; derivatives against TensorFlow's definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from support.plans import LAYOUTS, OpPlan

SHAPES = [(6,), (1,), (3, 4), (2, 1, 3), (3, 4, 5), (2, 3, 2, 3), (37, 3), (3, 41), (1, 1)]
KINDS = ["sum", "mean", "max", "min", "prod"]


def reduce(kind, axes, keepdims=False):
    return lambda builder, x: builder.reduce(kind, x, axes, keepdims)


def subsets(rank):
    return [axes for size in range(rank + 1) for axes in itertools.combinations(range(rank), size)]


def with_batch(axes):
    return tuple(axis + 1 for axis in axes)


def derivative(kind, x, axes, dy):
    """The gradient of x in double; dy has ones where axes were reduced."""
    if kind == "sum":
        return np.broadcast_to(dy, x.shape)
    if kind == "mean":
        return np.broadcast_to(dy, x.shape) / np.prod([x.shape[a] for a in axes])
    if kind == "prod":
        result = np.empty(x.shape)
        for index in np.ndindex(x.shape):  # the product of all others
            others = x.copy()
            others[index] = 1
            at = tuple(0 if axis in axes else i for axis, i in enumerate(index))
            result[index] = others.prod(axis=axes, keepdims=True)[at]
        return result * dy
    best = getattr(x, kind)(axis=axes, keepdims=True)
    return (x == best) / (x == best).sum(axis=axes, keepdims=True) * dy


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_reductions_over_any_axes(kind, layout):
    rng = np.random.default_rng(2)
    for shape, samples in itertools.product(SHAPES, [1, 3, 17]):
        for axes, keepdims in itertools.product(subsets(len(shape)), [False, True]):
            # Few whole numbers: ties are common, and sums exact.
            x = rng.integers(-2, 3, (samples, *shape)).astype(np.float32)
            if kind == "prod":
                x[x == 0] = rng.choice([0.0, 1.0, 1.0, 1.0], (x == 0).sum())
            plan = OpPlan(reduce(kind, axes, keepdims), [x], layout)
            y = plan.forward()
            expected = getattr(np, kind)(x.astype(np.float64), axis=with_batch(axes), keepdims=keepdims)
            assert y.shape == expected.shape
            np.testing.assert_allclose(y, expected, rtol=1e-6)
            if kind == "prod" and x.size > 100:
                continue  # the reference is slow
            dy = rng.integers(-3, 4, y.shape).astype(np.float32)
            kept = dy.reshape(x.mean(axis=with_batch(axes), keepdims=True).shape).astype(np.float64)
            slope = derivative(kind, x.astype(np.float64), with_batch(axes), kept)
            np.testing.assert_allclose(plan.backward(dy)[0][0], slope, rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(kind, np.int32) for kind in ("sum", "max", "min", "prod", "any", "all")]
    + [("any", np.float32), ("all", np.float32)],
)
def test_truths_and_whole_numbers(kind, dtype, layout):
    rng = np.random.default_rng(3)
    for shape, samples in itertools.product(SHAPES, [1, 3, 17]):
        for axes in subsets(len(shape)):
            x = rng.choice([0, 0, 1, -2] if kind == "any" else [1, 3, -2, 1, 0], (samples, *shape)).astype(dtype)
            y = OpPlan(reduce(kind, axes), [x], layout).forward()
            assert y.dtype == np.int32
            np.testing.assert_array_equal(y, getattr(np, kind)(x, axis=with_batch(axes)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_and_nothing():
    x = np.array([[1, np.nan, 3], [np.nan, 2, 1], [-np.inf, -np.inf, -np.inf]], np.float32)
    for kind in KINDS:
        np.testing.assert_array_equal(OpPlan(reduce(kind, [0]), [x]).forward(), getattr(np, kind)(x, axis=1))
        across = np.tile(x[..., None], (1, 1, 40))
        y = OpPlan(reduce(kind, [0]), [across]).forward()
        np.testing.assert_array_equal(y, getattr(np, kind)(across, axis=1))
    empty = np.zeros((2, 0, 3), np.float32)
    for kind, expected in zip(KINDS, (0, np.nan, -np.inf, np.inf, 1), strict=True):
        np.testing.assert_array_equal(OpPlan(reduce(kind, [0]), [empty]).forward(), np.full((2, 3), expected))
        np.testing.assert_array_equal(OpPlan(reduce(kind, [0, 1]), [empty]).forward(), np.full(2, expected))


def test_long_sums_are_accurate():
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1, (1, 1_000_003)).astype(np.float32)
    exact = x.astype(np.float64).sum()
    for shape, axes in (((1_000_003,), [0]), ((1_000_003, 1), [0, 1])):
        y = OpPlan(reduce("sum", axes), [x.reshape(1, *shape)]).forward()
        assert abs(y[0] - exact) <= 1e-7 * exact
    tall = rng.uniform(0, 1, (1, 200_000, 5)).astype(np.float32)
    np.testing.assert_allclose(
        OpPlan(reduce("mean", [0]), [tall]).forward(), tall.astype(np.float64).mean(axis=1), rtol=2e-7
    )


def test_refusals():
    x = np.zeros((2, 3, 4), np.float32)
    with pytest.raises(ValueError, match=r"axes holds 2; expected an axis of x of shape \(3, 4\)"):
        OpPlan(reduce("sum", [2]), [x])
    with pytest.raises(ValueError, match=r"axes is \(0, -2\); expected each axis once"):
        OpPlan(reduce("sum", [0, -2]), [x])
    with pytest.raises(ValueError, match=r"x has dtype int32; expected float32 for 'mean'"):
        OpPlan(reduce("mean", [0]), [x.astype(np.int32)])
    with pytest.raises(ValueError, match=r"kind is 'median'; expected 'sum', .* or 'all'"):
        OpPlan(reduce("median", [0]), [x])


# ---- along one axis ----


def along(shape):
    return [a for axis in range(len(shape)) for a in (axis, axis - len(shape))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("kind", ["argmax", "argmin"])
def test_index_of_the_first_extreme(kind, dtype, layout):
    rng = np.random.default_rng(5)
    for shape, samples in itertools.product([*SHAPES, (200,), (3, 70, 2)], [1, 3, 17]):
        for axis in along(shape):
            x = rng.integers(-3, 4, (samples, *shape)).astype(dtype)
            if dtype == np.float32 and x.size % 2:
                x[rng.random(x.shape) < 0.1] = np.nan
            y = OpPlan(lambda b, t, axis=axis: b.arg_reduce(kind, t, axis), [x], layout).forward()
            assert y.dtype == np.int32
            np.testing.assert_array_equal(y, getattr(np, kind)(x, axis=axis + 1 if axis >= 0 else axis))


def test_index_of_extremes_at_the_ends():
    for size, kind in itertools.product([1, 2, 15, 16, 17, 64, 67], ["argmax", "argmin"]):
        for place in {0, size // 2, size - 1}:
            x = np.zeros((1, size), np.float32)
            x[0, place] = 1 if kind == "argmax" else -1
            x[0, size - 1] = x[0, place]  # the first of two
            assert OpPlan(lambda b, t, kind=kind: b.arg_reduce(kind, t, 0), [x]).forward() == place
            x[0, place] = np.nan
            assert OpPlan(lambda b, t, kind=kind: b.arg_reduce(kind, t, 0), [x]).forward() == place


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["cumsum", "cumprod"])
def test_running_sums_and_products(kind, layout):
    rng = np.random.default_rng(6)
    for shape, samples in itertools.product([*SHAPES, (3, 0)], [1, 3, 17]):
        for axis in along(shape):
            place = axis + 1 if axis >= 0 else axis
            x = rng.choice([-2.0, -1.0, 1.0, 0.5, 0.0], (samples, *shape), p=[0.2, 0.3, 0.3, 0.15, 0.05])
            x = x.astype(np.float32)
            plan = OpPlan(lambda b, t, axis=axis: b.cumulate(kind, t, axis), [x], layout)
            np.testing.assert_allclose(plan.forward(), getattr(np, kind)(x, axis=place, dtype=np.float64), rtol=1e-6)
            dy = rng.integers(-3, 4, x.shape).astype(np.float32)
            (dx,), _ = plan.backward(dy)
            if kind == "cumsum":
                expected = np.flip(np.cumsum(np.flip(dy, place), place), place)
            else:  # the function is linear in every element, so differences are exact
                expected = np.zeros(x.shape)
                wide = np.moveaxis(x.astype(np.float64), place, -1)
                for k in range(wide.shape[-1]):
                    with_one, with_zero = wide.copy(), wide.copy()
                    with_one[..., k], with_zero[..., k] = 1, 0
                    slope = np.cumprod(with_one, -1) - np.cumprod(with_zero, -1)
                    np.moveaxis(expected, place, -1)[..., k] = (slope * np.moveaxis(dy, place, -1)).sum(-1)
            np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-5)


def test_running_whole_numbers():
    x = np.array([[3, -1, 2**31 - 1, 7]], np.int32)
    for kind in ("cumsum", "cumprod"):
        y = OpPlan(lambda b, t, kind=kind: b.cumulate(kind, t, 0), [x]).forward()
        np.testing.assert_array_equal(y, getattr(np, kind)(x, axis=1, dtype=np.int32))


def test_axes_are_checked():
    x = np.zeros((2, 3, 0), np.float32)
    with pytest.raises(ValueError, match=r"axis is -3; expected an axis of x of shape \(3, 0\) \(without the batch\)"):
        OpPlan(lambda b, t: b.cumulate("cumsum", t, -3), [x])
    with pytest.raises(ValueError, match=r"x has shape \(3, 0\) .*; expected 1 to 2\^31 - 1 cells along axis 1"):
        OpPlan(lambda b, t: b.arg_reduce("argmax", t, 1), [x])
