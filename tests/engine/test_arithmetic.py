"""Functions of elements as plans, in both layouts: against NumPy in double, and derivatives against central differences
or TensorFlow's definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from day33 import _native
from support.plans import LAYOUTS, OpPlan, sum_to, with_batch
from support.tolerances import assert_close

ULPS = 16 * 2.0**-24  # of elementary functions and their derivatives: below the 1e-6 that is promised
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, 3.4e38, -3.4e38, 1e-30, -1e-30, 0.5, -0.5, 2.5, -1.5])

erf = np.vectorize(math.erf)
# name: (function in double, ranges of arguments); derivatives are checked inside of the ranges.
UNARIES = {
    "negative": (np.negative, [(-5, 5)]),
    "abs": (np.abs, [(-5, -1e-3), (1e-3, 5)]),
    "square": (np.square, [(-5, 5)]),
    "sqrt": (np.sqrt, [(1e-3, 1e6)]),
    "rsqrt": (lambda x: 1 / np.sqrt(x), [(1e-2, 1e6)]),
    "reciprocal": (np.reciprocal, [(-100, -1e-2), (1e-2, 100)]),
    "exp": (np.exp, [(-80, 80), (-1, 1)]),
    "exp2": (np.exp2, [(-100, 100)]),
    "expm1": (np.expm1, [(-10, 80), (-0.5, 0.5)]),
    "log": (np.log, [(1e-3, 1e6)]),
    "log2": (np.log2, [(1e-3, 1e6)]),
    "log10": (np.log10, [(1e-3, 1e6)]),
    "log1p": (np.log1p, [(-0.99, 1e6), (-0.5, 0.5)]),
    "sin": (np.sin, [(-10, 10), (-1e6, 1e6), (1e7, 1e30)]),
    "cos": (np.cos, [(-10, 10), (-1e6, 1e6), (1e7, 1e30)]),
    "tan": (np.tan, [(-1.5, 1.5), (-1e6, 1e6), (1e7, 1e30)]),
    "asin": (np.arcsin, [(-0.99, 0.99)]),
    "acos": (np.arccos, [(-0.99, 0.99)]),
    "atan": (np.arctan, [(-100, 100)]),
    "sinh": (np.sinh, [(-88, 88), (-1.2, 1.2)]),
    "cosh": (np.cosh, [(-88, 88), (-1.2, 1.2)]),
    "asinh": (np.arcsinh, [(-100, 100)]),
    "acosh": (np.arccosh, [(1.01, 100)]),
    "atanh": (np.arctanh, [(-0.99, 0.99)]),
    "erf": (erf, [(-6, 6), (-0.5, 0.5)]),
}
FLAT = {"sign": np.sign, "floor": np.floor, "ceil": np.ceil, "round": np.round, "trunc": np.trunc}
TRUTHS = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "logical_not": np.logical_not}


def unary(kind):
    return lambda builder, x: builder.unary(kind, x)


def assert_relative(actual, expected, bound=ULPS, scale=0.0):
    """|actual - expected| <= bound * (|expected| + scale), where NaN and infinities are met by the same."""
    assert actual.dtype == np.float32
    expected = np.asarray(expected, np.float64)
    with np.errstate(invalid="ignore"):
        error = np.abs(actual - expected)
        good = (error <= bound * (np.abs(expected) + scale)) | (actual == expected)
    good |= np.isnan(actual) & np.isnan(expected)
    assert good.all(), (actual[~good][0], expected[~good][0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", UNARIES)
def test_unary_and_its_derivative(kind, layout):
    function, ranges = UNARIES[kind]
    rng = np.random.default_rng(3)
    for low, high in ranges:
        x = rng.uniform(low, high, (19, 5, 7)).astype(np.float32)
        plan = OpPlan(unary(kind), [x], layout)
        assert_relative(plan.forward(), function(x.astype(np.float64)))
        if abs(high) > 1e5 and kind in ("sin", "cos", "tan"):  # differences of such angles say nothing
            continue
        dy = rng.normal(size=x.shape).astype(np.float32)
        wide = x.astype(np.float64)
        step = 1e-5 * np.minimum(1, np.minimum(wide - low, high - wide))
        slope = (function(wide + step) - function(wide - step)) / (2 * step)
        assert_relative(plan.backward(dy)[0][0], dy * slope, 1e-5, scale=1e-3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [*UNARIES, *FLAT, *TRUTHS])
def test_unary_at_special_values_is_numpys(kind):
    function = UNARIES[kind][0] if kind in UNARIES else (FLAT | TRUTHS)[kind]
    x = np.concatenate([SPECIAL, np.linspace(-3, 3, 25), [8388609.0, -8388607.5, 4194304.5, 0.49999997]])
    x = x.astype(np.float32)
    y = OpPlan(unary(kind), [x]).forward()
    if kind in TRUTHS:
        assert y.dtype == np.int32
        np.testing.assert_array_equal(y, function(x))
        return
    expected = np.asarray(function(x.astype(np.float64)), np.float64).astype(np.float32)
    # exp, and what is made of it, is 0 where it would be subnormal.
    expected = np.where(np.abs(expected) < 1.2e-38, expected * (kind not in ("exp",)), expected)
    assert_relative(y, expected)
    if kind in FLAT:
        np.testing.assert_array_equal(y, expected)
        zeros = expected == 0
        assert kind == "sign" or (np.signbit(y) == np.signbit(expected))[zeros].all()


@pytest.mark.parametrize("kind", FLAT)
def test_flat_functions_pass_no_gradient(kind):
    x = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)
    plan = OpPlan(lambda b, t: b.binary("add", b.unary(kind, t), t), [x])
    np.testing.assert_array_equal(plan.backward(np.ones_like(x))[0][0], np.ones_like(x))
    alone = OpPlan(unary(kind), [x])
    np.testing.assert_array_equal(alone.backward(np.ones_like(x))[0][0], np.zeros_like(x))


def test_unary_of_whole_numbers():
    x = np.array([[-7, 0, 3, 2**31 - 1, -(2**31), 46341]], np.int32)
    for kind in ("negative", "abs", "sign", "square"):
        with np.errstate(over="ignore"):
            expected = getattr(np, kind)(x)
        np.testing.assert_array_equal(OpPlan(unary(kind), [x]).forward(), expected)
    np.testing.assert_array_equal(OpPlan(unary("logical_not"), [x]).forward(), x == 0)
    with pytest.raises(ValueError, match=r"x has dtype int32; expected float32 for 'exp'"):
        OpPlan(unary("exp"), [x])


# ---- functions of two ----

SHAPES = [
    ((), ()),
    ((5,), (5,)),
    ((3, 4, 5), (3, 4, 5)),
    ((3, 4, 5), ()),
    ((3, 4, 5), (5,)),
    ((3, 4, 5), (1, 5)),
    ((3, 4, 5), (4, 1)),
    ((3, 4, 5), (3, 1, 1)),
    ((3, 4, 5), (3, 4, 1)),
    ((3, 1, 5), (3, 4, 1)),
    ((3, 1, 5), (1, 4, 5)),
    ((2, 1, 3, 1, 2), (1, 4, 1, 2, 1)),
    ((1, 1), (7, 19)),
    ((40, 33), (33,)),
    ((300, 3), (3,)),
    ((1,), (0,)),
    ((4, 0), (4, 1)),
]
SAMPLES = [1, 3, 19]
DERIVATIVES = {
    "add": lambda a, b, y: (1 + 0 * y, 1 + 0 * y),
    "subtract": lambda a, b, y: (1 + 0 * y, -1 + 0 * y),
    "multiply": lambda a, b, y: (b, a),
    "divide": lambda a, b, y: (1 / b, -a / b**2),
    "power": lambda a, b, y: (b * a ** (b - 1), y * np.log(a)),
    "maximum": lambda a, b, y: (a >= b, a < b),
    "minimum": lambda a, b, y: (a <= b, a > b),
    "mod": lambda a, b, y: (1 + 0 * y, -np.floor(a / b)),
    "arctan2": lambda a, b, y: (b / (a**2 + b**2), -a / (a**2 + b**2)),
    "sigmoid_crossentropy": lambda a, b, y: (1 / (1 + np.exp(-a)) - b, -a + 0 * y),
}
# What NumPy has no function for, and where the result is a difference: the sum of the sizes of its terms.
FUNCTIONS = {
    "sigmoid_crossentropy": lambda a, b: np.maximum(a, 0) - a * b + np.log1p(np.exp(-np.abs(a))),
}
SIZES = {
    "sigmoid_crossentropy": lambda a, b: np.maximum(a, 0) + np.abs(a * b) + np.log1p(np.exp(-np.abs(a))),
}
TRUE_OR_FALSE = ["greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_and", "logical_or"]
TRUE_OR_FALSE += ["logical_xor"]


def binary(kind):
    return lambda builder, a, b: builder.binary(kind, a, b)


def pair(kind, shapes, samples, seed=0):
    rng = np.random.default_rng(seed)
    low = 0.5 if kind in ("power", "divide", "mod") else -2.0
    return [rng.uniform(low, 2.0, (samples, *shape)).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [*DERIVATIVES, "floor_divide"])
def test_binary_broadcasts_as_numpy_does(kind, layout):
    for shapes, samples in itertools.product(SHAPES, SAMPLES):
        a, b = pair(kind, shapes, samples)
        plan = OpPlan(binary(kind), [a, b], layout)
        rank = max(a.ndim, b.ndim)
        wide = [v.reshape(with_batch(v.shape, rank)).astype(np.float64) for v in (a, b)]
        expected = FUNCTIONS.get(kind, getattr(np, kind, None))(*wide)
        y = plan.forward()
        assert y.shape == expected.shape
        if kind in ("mod", "floor_divide"):  # near a multiple, rounding decides: see the test with whole numbers
            assert (np.abs(y - expected) > 1e-5).sum() <= 0.01 * y.size + 1
        elif kind in SIZES:
            assert (np.abs(y - expected) <= 1e-6 * SIZES[kind](*wide)).all()
        else:
            assert_relative(y, expected)
        dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        da, db = plan.backward(dy)[0]
        if kind == "floor_divide":
            assert not da.any() and not db.any()
            continue
        for d, slope, value in zip((da, db), DERIVATIVES[kind](*wide, expected), (a, b), strict=True):
            terms = np.broadcast_to(dy.astype(np.float64) * slope, y.shape)
            magnitude = sum_to(np.abs(terms), value.shape) + (1e-30 if kind not in SIZES else 10.0)
            assert d.shape == value.shape
            assert (np.abs(d - sum_to(terms, value.shape)) <= 1e-6 * magnitude).all() or kind == "mod"


def tensorflow_values(function, *values):
    tf = pytest.importorskip("tensorflow")
    variables = [tf.constant(v) for v in values]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        y = function(*variables)
    gradients = tape.gradient(y, variables)
    return y.numpy(), [np.zeros_like(v) if g is None else g.numpy() for g, v in zip(gradients, values, strict=True)]


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, np.inf, -np.inf, np.nan, 1e30, 1e-30], np.float32)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("power", "pow"), ("maximum", "maximum"), ("minimum", "minimum"), ("divide", "divide"), ("multiply", "multiply"),
     ("mod", "math.floormod"), ("floor_divide", "math.floordiv"), ("arctan2", "atan2")],
)  # fmt: skip
def test_binary_at_special_values_is_tensorflows(kind, name):
    tf = pytest.importorskip("tensorflow")
    a, b = (v.ravel() for v in np.meshgrid(EDGES, EDGES))
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    y, (da, db) = tensorflow_values(function, a, b)
    plan = OpPlan(binary(kind), [a, b])
    assert_relative(plan.forward(), y)
    got = plan.backward(np.ones_like(a))[0]
    assert_relative(got[0], da)
    assert_relative(got[1], db)


def test_sigmoid_crossentropy_at_special_values_is_tensorflows():
    tf = pytest.importorskip("tensorflow")
    z, t = (v.ravel() for v in np.meshgrid(EDGES, np.array([0.0, 1.0, 0.25], np.float32)))
    y, (dz, dt) = tensorflow_values(
        lambda a, b: tf.nn.sigmoid_cross_entropy_with_logits(labels=b, logits=a), z, t
    )  # fmt: skip
    plan = OpPlan(binary("sigmoid_crossentropy"), [z, t])
    assert_relative(plan.forward(), y)
    got = plan.backward(np.ones_like(z))[0]
    assert_relative(got[0], dz)
    assert_relative(got[1], dt)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", TRUE_OR_FALSE)
def test_comparisons(kind, layout, dtype):
    rng = np.random.default_rng(5)
    for shapes, samples in itertools.product(SHAPES, SAMPLES):
        a, b = (rng.integers(-1, 2, (samples, *shape)).astype(dtype) for shape in shapes)
        y = OpPlan(binary(kind), [a, b], layout).forward()
        rank = max(a.ndim, b.ndim)
        expected = getattr(np, kind)(a.reshape(with_batch(a.shape, rank)), b.reshape(with_batch(b.shape, rank)))
        assert y.dtype == np.int32
        np.testing.assert_array_equal(y, expected)
    if dtype == np.float32:
        nan = np.array([np.nan, 1.0, np.nan], np.float32)
        y = OpPlan(binary(kind), [nan, np.array([1.0, np.nan, np.nan], np.float32)]).forward()
        np.testing.assert_array_equal(y, getattr(np, kind)(nan, nan[[1, 0, 2]]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "mod", "power"])
def test_binary_of_whole_numbers(kind, layout):
    rng = np.random.default_rng(6)
    for shapes, samples in itertools.product(SHAPES, SAMPLES):
        a, b = (rng.integers(-9, 10, (samples, *shape)).astype(np.int32) for shape in shapes)
        if kind == "power":
            b = np.abs(b)
        y = OpPlan(binary(kind), [a, b], layout).forward()
        rank = max(a.ndim, b.ndim)
        expected = getattr(np, kind)(a.reshape(with_batch(a.shape, rank)), b.reshape(with_batch(b.shape, rank)))
        np.testing.assert_array_equal(y, expected)
        if kind in ("floor_divide", "mod"):  # the same numbers as float32: exact, but for what is divided by 0
            floats = OpPlan(binary(kind), [a.astype(np.float32), b.astype(np.float32)], layout).forward()
            divided = np.broadcast_to(b.reshape(with_batch(b.shape, rank)) != 0, y.shape)
            np.testing.assert_array_equal(floats[divided], expected[divided])


def test_whole_numbers_do_not_trap():
    low = np.array([[-(2**31), -(2**31), 5]], np.int32)
    by = np.array([[-1, 0, 0]], np.int32)
    np.testing.assert_array_equal(OpPlan(binary("floor_divide"), [low, by]).forward(), [[-(2**31), 0, 0]])
    np.testing.assert_array_equal(OpPlan(binary("mod"), [low, by]).forward(), [[0, 0, 0]])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_select(layout):
    rng = np.random.default_rng(7)
    thirds = [(), (5,), (4, 1), (3, 1, 1), (3, 4, 5)]
    for shapes, third, samples in itertools.product([s for s in SHAPES if s[0] == (3, 4, 5)], thirds, SAMPLES):
        condition = rng.integers(0, 2, (samples, *third)).astype(np.int32) * 7
        a, b = (rng.normal(size=(samples, *shape)).astype(np.float32) for shape in shapes)
        plan = OpPlan(lambda builder, c, a, b: builder.select(c, a, b), [condition, a, b], layout)
        wide = [v.reshape(with_batch(v.shape, 4)) for v in (condition, a, b)]
        y = plan.forward()
        np.testing.assert_array_equal(y, np.where(wide[0] != 0, wide[1], wide[2]))
        dy = rng.integers(-4, 5, y.shape).astype(np.float32)
        none, da, db = plan.backward(dy)[0]
        assert none is None
        np.testing.assert_array_equal(da, sum_to(np.where(wide[0] != 0, dy, 0), a.shape))
        np.testing.assert_array_equal(db, sum_to(np.where(wide[0] != 0, 0, dy), b.shape))
    whole = OpPlan(lambda b, c: b.select(c, c, b.unary("negative", c)), [condition], layout)
    assert whole.forward().dtype == np.int32


def test_casts():
    x = np.array([[0.0, -0.0, 1.9, -1.9, 2.0**31, -(2.0**31), np.nan, np.inf, 2147483520.0]], np.float32)
    y = OpPlan(lambda b, t: b.cast(t, "int32"), [x]).forward()
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, [[0, 0, 1, -1, -(2**31), -(2**31), -(2**31), -(2**31), 2147483520]])
    np.testing.assert_array_equal(OpPlan(lambda b, t: b.cast(t, "bool"), [x]).forward(), x != 0)
    whole = np.array([[0, 5, -3, 16777217]], np.int32)
    y = OpPlan(lambda b, t: b.cast(t, "float32"), [whole]).forward()
    np.testing.assert_array_equal(y, whole.astype(np.float32))
    np.testing.assert_array_equal(OpPlan(lambda b, t: b.cast(t, "bool"), [whole]).forward(), whole != 0)
    for same, dtype in ((x, "float32"), (whole, "int32")):
        np.testing.assert_array_equal(OpPlan(lambda b, t, dtype=dtype: b.cast(t, dtype), [same]).forward(), same)


def test_stop_gradient():
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    plan = OpPlan(lambda b, t: b.binary("multiply", b.stop_gradient(t), t), [x])
    np.testing.assert_array_equal(plan.forward(), x * x)
    np.testing.assert_array_equal(plan.backward(np.ones_like(x))[0][0], x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("samples", [1, 3, 40])
@pytest.mark.parametrize("shape", [(), (7,), (3, 1), (4, 7)])
def test_parameter_as_a_value(shape, samples, layout):
    rng = np.random.default_rng(8)
    x = rng.integers(-4, 5, (samples, 4, 7) if shape != (3, 1) else (samples, 3, 2)).astype(np.float32)
    p = rng.integers(-4, 5, shape).astype(np.float32)
    for kind in ("multiply", "subtract"):
        plan = OpPlan(lambda b, t, slot, kind=kind: b.binary(kind, t, b.parameter_value(slot)), [x], layout, [p])
        np.testing.assert_array_equal(plan.forward(), getattr(np, kind)(x, p))
        dy = rng.integers(-3, 4, x.shape).astype(np.float32)
        (dx,), (dp,) = plan.backward(dy)
        np.testing.assert_array_equal(dx, dy * (p if kind == "multiply" else 1))
        terms = dy * (x if kind == "multiply" else -1)
        np.testing.assert_array_equal(dp, sum_to(terms.sum(0, keepdims=True), (1, *shape))[0])


def test_plan_of_parameters_only_has_one_sample():
    p = np.array([1.0, -2.0, 3.0], np.float32)
    plan = OpPlan(lambda b, slot: b.unary("square", b.parameter_value(slot)), [], parameters=[p])
    np.testing.assert_array_equal(plan.forward(), [[1.0, 4.0, 9.0]])
    np.testing.assert_array_equal(plan.backward(np.ones((1, 3)))[1][0], 2 * p)


def test_large_arrays_are_the_same_on_any_number_of_threads(restored_threads):
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=(1, 700, 900)).astype(np.float32), rng.normal(size=(1, 900)).astype(np.float32)
    plan = OpPlan(lambda t, x, y: t.unary("sin", t.binary("multiply", x, y)), [a, b])
    results = []
    for threads in (1, 2, 5):
        _native.set_num_threads(threads)
        results.append(plan.forward())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    assert_close(results[0], np.sin(a * b), length=1, extra=ULPS)


def test_refusals():
    x, y = np.zeros((2, 3, 4), np.float32), np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"a and b have shapes \(3, 4\) and \(3,\) \(without the batch\); expected"):
        OpPlan(binary("add"), [x, y])
    with pytest.raises(ValueError, match=r"a and b have dtypes float32 and int32; expected equal ones"):
        OpPlan(binary("add"), [x, x.astype(np.int32)])
    with pytest.raises(ValueError, match=r"a and b have dtype int32; expected float32 for 'divide'"):
        OpPlan(binary("divide"), [x.astype(np.int32)] * 2)
    with pytest.raises(ValueError, match=r"condition has dtype float32; expected int32, 0 or 1"):
        OpPlan(lambda b, t: b.select(t, t, t), [x])
    with pytest.raises(ValueError, match=r"kind is 'sine'; expected 'negative', .* or 'logical_not'"):
        OpPlan(unary("sine"), [x])
    with pytest.raises(ValueError, match=r"dtype is 'int64'; expected 'float32', 'int32' or 'bool'"):
        OpPlan(lambda b, t: b.cast(t, "int64"), [x])
    with pytest.raises(ValueError, match=r"slot: no parameter has the number 3"):
        OpPlan(lambda b, t: b.parameter_value(3), [x])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("samples", [1, 3, 40])
@pytest.mark.parametrize("shapes", [((4, 7), ()), ((4, 7), (7,)), ((4, 7), (4, 1)), ((4, 7), (4, 7)), ((4, 1), (1, 7))])
def test_parameters_read_in_place_are_the_same_as_copies(shapes, samples, layout):
    rng = np.random.default_rng(10)
    x = rng.integers(-4, 5, (samples, *shapes[0])).astype(np.float32)
    p, q = (rng.integers(1, 5, shapes[1]).astype(np.float32) for _ in range(2))

    def build(b, t, first, second):
        p, q = b.parameter_value(first), b.parameter_value(second)
        both = b.binary("multiply", p, q)  # of parameters only
        chosen = b.select(b.binary("greater", t, p), b.binary("multiply", t, q), p)
        return b.binary("subtract", b.binary("add", chosen, both), b.binary("multiply", b.reshape(q, shapes[1]), t))

    fused, copied = (OpPlan(build, [x], layout, [p, q], without=without) for without in ([], ["parameters"]))
    kinds = [[row["kind"] for row in plan.plan.describe(samples)] for plan in (fused, copied)]
    assert kinds[0].count("parameter_value") == 0 and kinds[1].count("parameter_value") == 2
    y = fused.forward()
    np.testing.assert_array_equal(y, np.where(x > p, x * q, p) + p * q - q * x)
    np.testing.assert_array_equal(copied.forward(), y)
    dy = rng.integers(-3, 4, y.shape).astype(np.float32)
    for got, expected in zip(fused.backward(dy), copied.backward(dy), strict=True):
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    (dx,), (dp, dq) = fused.backward(dy)
    np.testing.assert_array_equal(dx, sum_to(dy * ((x > p) * q - q), x.shape))

    def summed(terms):
        return sum_to(np.broadcast_to(terms, dy.shape).sum(0, keepdims=True), (1, *shapes[1]))[0]

    np.testing.assert_array_equal(dp, summed(dy * ((x <= p) + q)))
    np.testing.assert_array_equal(dq, summed(dy * ((x > p) * x + p - x)))


@pytest.mark.parametrize("shape", [(3000, 7), (40, 2000), (2, 9000), (3, 1, 50, 60)])
def test_gradients_of_large_broadcasts_are_summed_in_parts(shape):
    """More than one part along the first or the second axis, for operands repeated in front, behind and in between."""
    rng = np.random.default_rng(11)
    x = rng.integers(-2, 3, (3, *shape)).astype(np.float32)
    dy = rng.integers(-2, 3, x.shape).astype(np.float32)
    for mask in itertools.product([False, True], repeat=len(shape)):
        small = tuple(1 if repeated else size for repeated, size in zip(mask, shape, strict=True))
        y = rng.integers(-2, 3, (3, *small)).astype(np.float32)
        for layout in LAYOUTS:
            plan = OpPlan(binary("multiply"), [x, y], layout)
            da, db = plan.backward(dy)[0]
            np.testing.assert_array_equal(da, dy * y)
            np.testing.assert_array_equal(db, sum_to(dy * x, y.shape))
            shared = OpPlan(lambda b, t, slot: b.binary("multiply", t, b.parameter_value(slot)), [x], layout, [y[0]])
            np.testing.assert_array_equal(
                shared.backward(dy)[1][0], sum_to((dy * x).sum(0, keepdims=True), (1, *small))[0]
            )
