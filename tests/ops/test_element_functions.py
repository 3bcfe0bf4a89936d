"""Functions of elements and reductions: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from day33 import ops
from day33._core.variables import Variable
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, check
from support.zoo import random

pytest.importorskip("keras")

SHAPES = [(6,), (6, 1), (1, 7), (6, 4), (3, 2, 3, 2), (2, 65)]
UNARY = (
    "abs ceil cos cosh erf exp expm1 floor isfinite isinf isnan logical_not negative reciprocal round sign sin sinh "
    "square tan tanh"
).split()
INSIDE = ("arccos", "arcsin", "arctan", "arctanh")  # of numbers between -1 and 1
ABOVE = ("arccosh", "arcsinh", "log", "log1p", "log2", "log10", "rsqrt", "sqrt")  # of numbers above 1
ARITHMETIC = (
    "add subtract multiply divide maximum minimum power floor_divide mod arctan2 equal not_equal greater greater_equal "
    "less less_equal logical_and logical_or logical_xor"
).split()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", [*UNARY, *INSIDE, *ABOVE])
def test_of_one(name, shape):
    x = random(*shape) + np.float32(0.013)
    if name in INSIDE:
        x = np.float32(0.9) * np.tanh(x)
    if name in ABOVE:
        x = 1 + np.abs(x) + np.float32(0.01)
    check(lambda o, t: getattr(o, name)(t), x, tolerance=3e-6)


# Pairs of shapes that broadcast, the batch first; None for what is the same for all samples.
PAIRS = [
    ((6, 4), (6, 4)), ((6, 4), (6, 1)), ((6, 1), (6, 4)), ((6, 3, 4), (6, 1, 4)), ((6, 3, 1), (6, 1, 4)), ((6,), (6,)),
    ((2, 3, 4, 5), (2, 3, 4, 5)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_of_two(name, shapes):
    one, other = random(*shapes[0]), random(*shapes[1], seed=1)
    if name in ("power", "mod", "floor_divide"):
        one, other = np.abs(one) + np.float32(0.5), np.abs(other) + np.float32(0.6)
    elif "equal" in name:
        one, other = np.round(one), np.round(other)
    check(lambda o, a, b: getattr(o, name)(a, b), one, other, tolerance=3e-6)


@pytest.mark.parametrize("constant", [2, 0.7, (5,), (3, 1), (1, 5), (1, 3, 5)], ids=str)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "power", "greater"])
def test_with_constants(name, constant):
    c = constant if not isinstance(constant, tuple) else np.abs(random(*constant, seed=1)) + np.float32(0.5)
    x = np.abs(random(6, 3, 5)) + np.float32(0.5)
    for function in (lambda o, t: getattr(o, name)(t, c), lambda o, t: getattr(o, name)(c, t)):
        traced = check(function, x, exact=False, tolerance=3e-6)
        assert not isinstance(traced.compiled.plan, StagedPlan)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (3, 5), (1, 3, 5)], ids=str)
@pytest.mark.parametrize("name", ["add", "multiply", "divide", "maximum"])
def test_with_weights(name, shape):
    """Scale and offset: gradients of a weight are sums over samples, and over what it is broadcast to."""
    w = np.abs(random(*shape, seed=1)) + np.float32(0.5)
    traced = check(lambda o, x, v: getattr(o, name)(x, v), random(6, 3, 5), weights=[w], exact=False, tolerance=1e-5)
    assert not isinstance(traced.compiled.plan, StagedPlan)
    check(
        lambda o, x, v: getattr(o, name)(v, 1.0 + o.square(x)),
        random(6, 3, 5),
        weights=[w],
        exact=False,
        tolerance=1e-5,
    )


def test_where_and_clip():
    x, y = random(6, 4, 5), random(6, 1, 5, seed=1)
    check(lambda o, a, b: o.where(a > b, a, b), x, y)
    check(lambda o, a, b: o.where(b > 0, a, 2.0), x, y)
    check(lambda o, a, b: o.where(np.array([True, False, True, True, False]), a, b), x, y, exact=False)
    check(lambda o, a: o.clip(a, -0.5, 0.7), x)
    check(lambda o, a, b: o.clip(a, o.minimum(b, 0.0), 1.0), x, y)


INTEGERS = {
    "sums": lambda o, i: o.subtract(o.add(i, o.multiply(i, 2)), 3),
    "powers": lambda o, i: o.add(o.power(i, 2), o.square(i)),
    "floors": lambda o, i: o.add(o.floor_divide(i, 2), o.mod(i, 3)),
    "quotients": lambda o, i: o.divide(i, 2),
    "signs": lambda o, i: o.abs(i) * o.sign(i) + o.negative(i),
    "extremes": lambda o, i: o.maximum(i, 1) + o.minimum(i, 2) + o.clip(i, 0, 3),
    "comparisons": lambda o, i: o.logical_and(i > 1, o.not_equal(i, 2)),
    "truths": lambda o, i: o.logical_or(o.equal(i, 1), o.logical_not(i >= 0)),
    "reductions": lambda o, i: o.sum(i, axis=1) + o.prod(i, axis=1) + o.max(i, axis=1) - o.min(i, axis=1),
    "means": lambda o, i: o.mean(i, axis=1),
    "running sums": lambda o, i: o.cumsum(i, axis=1),
    "choice": lambda o, i: o.where(i > 0, i, -i),
    "mixed": lambda o, i: o.where(i > 0, i, 0.5),
    "logical": lambda o, i: o.any(i > 2, axis=1),
    "conversion": lambda o, i: o.cast(o.cast(i, "float32") * 1.7, "int32"),
    "truth of numbers": lambda o, i: o.cast(i, "bool"),
    "floors and ceilings": lambda o, i: o.add(o.floor(i), o.ceil(i)),
    "rounding": lambda o, i: o.trunc(i),
    "elementary": lambda o, i: o.add(o.exp(i), o.sqrt(o.abs(i))),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integers(name):
    check(INTEGERS[name], (np.arange(-10, 14).reshape(6, 4) % 7 - 2).astype(np.int32), exact=False)


def test_large_integers_are_exact():
    x = np.array([[2**30 + 1, -(2**30) - 1], [2**24 + 1, 7]], np.int32)
    for function, expected in (
        (lambda o, i: i + i, x + x), (lambda o, i: i - 1, x - 1), (lambda o, i: o.maximum(i, 8), np.maximum(x, 8)),
        (lambda o, i: -i, -x), (lambda o, i: o.max(i, axis=1), x.max(1)), (lambda o, i: i > 2**24, x > 2**24),
    ):  # fmt: skip
        np.testing.assert_array_equal(Traced(function, [x]).forward()[0], expected)
    np.testing.assert_array_equal(ops.add(x, 1), x + 1)
    np.testing.assert_array_equal(ops.sum(x[1]), x[1].sum())


AXES = [None, 0, 1, -1, (1, 2), (0, 2), (0, 1, 2, 3), [1]]
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "var", "std", "logsumexp")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, axis, keepdims):
    x = random(4, 3, 2, 5)
    if name == "prod":
        x = np.float32(0.7) + np.float32(0.4) * np.abs(x)
    traced = check(lambda o, t: getattr(o, name)(t, axis=axis, keepdims=keepdims), x, exact=False, tolerance=1e-5)
    crosses = axis in (None, 0) or (isinstance(axis, tuple) and 0 in axis)
    assert isinstance(traced.compiled.plan, StagedPlan) == crosses


@pytest.mark.parametrize("name, axis", itertools.product(("any", "all"), AXES))
def test_truths(name, axis):
    x = (random(4, 3, 2, 5) > (1.0 if name == "any" else -1.5)).astype(np.int32)
    check(lambda o, t: getattr(o, name)(t > 0, axis=axis), x, exact=False)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_of_extremes(name, axis):
    x = np.round(random(6, 4, 5), 0) + np.float32(0)  # with equal ones; Keras takes -0 for less than 0
    check(lambda o, t: getattr(o, name)(t, axis=axis), x)
    check(lambda o, t: getattr(o, name)(t, axis=axis, keepdims=True), x)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running(name, axis):
    check(lambda o, t: getattr(o, name)(t, axis=axis), 1 + random(3, 4, 5) / 4, tolerance=1e-5)


@pytest.mark.parametrize("order", [None, 1, 2, np.inf])
def test_norms(order):
    check(lambda o, t: o.norm(t, ord=order, axis=-1), random(6, 4, 5), exact=False)


def test_ties_share_the_gradient():
    check(lambda o, t: o.max(t, axis=1), np.float32([[1, 3, 3, 2], [5, 5, 5, 5]]))
    check(lambda o, t: o.min(t, axis=1, keepdims=True), np.float32([[1, 1, 3, 2], [5, 5, 5, 5]]))


def test_python_operators():
    x, y = random(6, 4), 1 + np.abs(random(6, 4, seed=1))

    def operators(o, a, b):
        return [
            a + b, 1 + a, a - b, 1 - a, a * b, 2 * a, a / b, 1 / b, b // 2, 7 // b, b % 0.4, 2 % b, b**2, 2**a, -a,
            abs(a), a < b, a <= b, a > 0.1, a >= b, ~(a > b), (a > 0) & (b > 1.5),
            (a > 0) | (b > 1.5), np.float32(3) * a, np.ones(4, np.float32) - a, np.float32([1, 2, 3, 4]) / b,
        ]  # fmt: skip

    traced = Traced(operators, [x, y])
    for mine, correct in zip(traced.forward(), operators(None, x, y), strict=True):
        assert mine.shape == correct.shape and mine.dtype.kind == np.asarray(correct).dtype.kind
        np.testing.assert_allclose(mine, correct, rtol=1e-6, atol=1e-6)


def test_operators_of_variables():
    v = Variable(random(3, 4))
    x = v.numpy()
    for mine, correct in (
        (v + 1, x + 1), (2 * v, 2 * x), (v @ x.T, x @ x.T), (-v, -x), (v > 0, x > 0), (v**2, x**2), (x - v, x - x),
    ):  # fmt: skip
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-6)


SYMBOL = SymbolicTensor((None, 4))
WRONG = {
    "shapes": (
        lambda: ops.add(SYMBOL, np.ones((3,))),
        ValueError,
        r"shapes do not broadcast: x1 \(None, 4\), x2 \(3,\)",
    ),
    "shapes of arrays": (lambda: ops.add(np.ones(3), np.ones(4)), ValueError, "shapes do not broadcast"),
    "three": (lambda: ops.where(SYMBOL > 0, SYMBOL, np.ones((1, 3))), ValueError, "x2"),
    "text": (lambda: ops.exp("a"), TypeError, "expected real numbers"),
    "complex": (lambda: ops.exp(1j), TypeError, "expected real numbers"),
    "objects": (lambda: ops.add(SYMBOL, None), TypeError, "expected real numbers"),
    "masked": (lambda: ops.exp(np.ma.masked_array([1.0])), TypeError, "masked array"),
    "large": (lambda: ops.add(np.array([2**40]), 1), ValueError, "outside of the range of int32"),
    "dtype": (lambda: ops.cast(SYMBOL, "text"), ValueError, "dtype is 'text'; expected one of"),
    "axis": (lambda: ops.sum(SYMBOL, axis=2), ValueError, "axis is 2 for an array of 2 dimensions; expected -2 to 1"),
    "axes": (lambda: ops.sum(SYMBOL, axis=(1, 1)), ValueError, "expected each axis once"),
    "no axis": (lambda: ops.mean(SYMBOL, axis="a"), TypeError, "axis is 'a'; expected an integer"),
    "order": (lambda: ops.norm(SYMBOL, ord=3), ValueError, "ord is 3 for matrices; expected"),
    "nothing": (lambda: ops.max(np.zeros((0, 3)), axis=0), ValueError, "needs at least one element"),
    "if": (lambda: bool(SYMBOL > 0), TypeError, "neither true nor false; instead of `if`, use day33.ops.where"),
    "numpy": (lambda: np.exp(SYMBOL), TypeError, "expected a function of day33.ops, such as day33.ops.exp"),
    "array": (lambda: np.asarray(SYMBOL), TypeError, "has no values yet, so NumPy cannot be used on it"),
    "float": (lambda: float(SYMBOL), TypeError, "it is no number"),
    "loop": (lambda: list(SYMBOL), TypeError, "cannot be iterated over"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()
