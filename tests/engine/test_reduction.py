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
    with pytest.raises(ValueError, match=r"axes holds 2; expected axes of x of shape \(3, 4\) \(without the batch\)"):
        OpPlan(reduce("sum", [2]), [x])
    with pytest.raises(ValueError, match=r"axes is \(0, -2\); expected each axis once"):
        OpPlan(reduce("sum", [0, -2]), [x])
    with pytest.raises(ValueError, match=r"x has dtype int32; expected float32 for 'mean'"):
        OpPlan(reduce("mean", [0]), [x.astype(np.int32)])
    with pytest.raises(ValueError, match=r"kind is 'median'; expected 'sum', .* or 'all'"):
        OpPlan(reduce("median", [0]), [x])
