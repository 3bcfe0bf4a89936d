"""Functions that are made of others: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from day33 import ops
from day33 import random as day33_random
from support.graphs import Traced, check, compare
from support.zoo import random

keras = pytest.importorskip("keras")

X = random(6, 4, 5)
HOLES = np.where(random(6, 4, 5, seed=3) > 0.8, np.float32(np.nan), X)
ELEMENTS = {
    "erfinv": lambda o, x: o.erfinv(o.tanh(x)),
    "erfc": lambda o, x: o.erfc(x),
    "hypot": lambda o, x: o.hypot(x, 0.5),
    "logaddexp": lambda o, x: o.logaddexp(x, 2.0 * x),
    "logaddexp2": lambda o, x: o.logaddexp2(x, 0.3),
    "divide_no_nan": lambda o, x: o.divide_no_nan(x, o.floor(x)),
    "nan_to_num": lambda o, x: o.nan_to_num(x),
    "isclose": lambda o, x: o.isclose(x, x + 1e-6 * o.sign(x - 0.3)),
    "allclose": lambda o, x: o.allclose(x, x + 1e-9),
    "cbrt": lambda o, x: o.cbrt(1.5 + o.square(x)),
    "deg2rad": lambda o, x: o.deg2rad(x),
    "heaviside": lambda o, x: o.heaviside(o.round(x), 0.5),
    "sinc": lambda o, x: o.sinc(x),
    "exp2": lambda o, x: o.exp2(x),
    "log2": lambda o, x: o.log2(1.5 + o.square(x)) + o.log10(1.5 + o.square(x)),
    "inverse hyperbolics": lambda o, x: o.arcsinh(x) + o.arccosh(1.5 + x * x) + o.arctanh(0.3 * o.tanh(x)),
    "trunc": lambda o, x: o.trunc(3 * x),
    "round": lambda o, x: o.round(x, 1),
    "fmax": lambda o, x: o.fmax(x, 0.1) + o.fmin(x, 0.2),
    "psnr": lambda o, x: o.psnr(o.tanh(x), o.sigmoid(x), 2.0),
}
ALONG_AXES = {
    "average": lambda o, x: o.average(x, axis=1, weights=random(4)),
    "average of all": lambda o, x: o.average(x),
    "count_nonzero": lambda o, x: o.count_nonzero(o.relu(x), axis=1),
    "max with a start": lambda o, x: o.max(x, axis=1, initial=0.3),
    "diff": lambda o, x: o.diff(x, axis=1),
    "second differences": lambda o, x: o.diff(x, n=2),
    "array_split": lambda o, x: o.array_split(x, 3, axis=-1),
    "fliplr": lambda o, x: o.fliplr(x) + o.flipud(x),
    "rot90": lambda o, x: o.rot90(x, axes=(1, 2)),
    "rot90 back": lambda o, x: o.rot90(x, k=-1, axes=(1, 2)),
    "dstack": lambda o, x: o.dstack([x, x]),
    "append": lambda o, x: o.append(x, 2 * x, axis=1),
    "append all": lambda o, x: o.append(x, x),
    "tril": lambda o, x: o.tril(x) + o.triu(x, 1) * 2,
    "triu": lambda o, x: o.triu(x, -2) + o.tril(x, -1),
    "diagonal": lambda o, x: o.diagonal(x, axis1=1, axis2=2),
    "another diagonal": lambda o, x: o.diagonal(x, 2, axis1=2, axis2=1),
    "trace": lambda o, x: o.trace(x, -1, axis1=1, axis2=2),
    "multi_hot": lambda o, x: o.multi_hot(o.cast(o.abs(x), "int32"), 4),
}
WITHOUT_NAN = ("nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanvar", "nanstd")


@pytest.mark.parametrize("name", ELEMENTS)
def test_of_elements(name):
    check(ELEMENTS[name], X, exact=False, tolerance=1e-5)


@pytest.mark.parametrize("name", ALONG_AXES)
def test_along_axes(name):
    check(ALONG_AXES[name], X, exact=False)


@pytest.mark.parametrize("name", WITHOUT_NAN)
def test_without_nan(name):
    expected = getattr(np, name)(HOLES.astype(np.float64), axis=(1, 2))
    compare(getattr(ops, name)(HOLES, axis=(1, 2)), expected, 1e-5, name)
    traced = Traced(lambda o, x: getattr(o, name)(x, axis=(1, 2)), [HOLES])
    compare(traced.forward()[0], expected, 1e-5, name)
    (dx,), _ = traced.backward([np.ones(6, np.float32)])
    assert np.all(dx[np.isnan(HOLES)] == 0)
    nothing = getattr(ops, name)(np.full(3, np.nan, np.float32))
    assert nothing == {"nansum": 0.0, "nanprod": 1.0}.get(name, nothing) or np.isnan(nothing)


def test_extremes():
    """Where formulas would overflow, or divide by 0."""
    big = np.float32(3e38)
    np.testing.assert_allclose(ops.hypot([big, 0, 3], [0, 0, 4]), [big, 0, 5], rtol=1e-6)
    infinite = np.float32([np.inf, -np.inf, np.nan, 1])
    np.testing.assert_array_equal(ops.nan_to_num(infinite, 7, posinf=8, neginf=9), [8, 9, 7, 1])
    np.testing.assert_array_equal(ops.isposinf(infinite), [True, False, False, False])
    np.testing.assert_array_equal(ops.isneginf(infinite), [False, True, False, False])
    np.testing.assert_array_equal(ops.isclose(infinite, infinite), [True, True, False, True])
    np.testing.assert_array_equal(ops.isclose(infinite, infinite, equal_nan=True), [True] * 4)
    np.testing.assert_array_equal(ops.logaddexp(infinite[:2], infinite[:2]), infinite[:2])
    np.testing.assert_allclose(
        ops.logaddexp([500.0, -500], [500, -500]), np.float64([500, -500]) + np.log(2), rtol=1e-6
    )
    np.testing.assert_array_equal(ops.sinc([0.0]), [1.0])
    np.testing.assert_array_equal(ops.divide_no_nan([1.0, 0.0], [0.0, 0.0]), [0.0, 0.0])


def test_erfinv_everywhere():
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([np.linspace(-0.999, 0.999, 2001), 1 - np.logspace(-7, -1, 50), np.logspace(-30, -1, 50)])
    x = x.astype(np.float32)
    np.testing.assert_allclose(ops.erfinv(x), special.erfinv(x.astype(np.float64)), rtol=4e-6, atol=1e-30)


@pytest.mark.parametrize("names", [
    *((f"ops.{name}", ops, keras.ops) for name in ops.__all__ if hasattr(keras.ops, name)),
    *((f"image.{name}", ops.image, keras.ops.image) for name in ops.image.__all__),
    *((f"random.{name}", day33_random, keras.random) for name in day33_random.__all__ if hasattr(keras.random, name)),
], ids=lambda names: names[0])  # fmt: skip
def test_arguments_are_those_of_keras(names):
    """Names, order and defaults; more may follow."""
    name = names[0].partition(".")[2]
    mine, theirs = (getattr(room, name) for room in names[1:])
    if inspect.ismodule(mine):
        return
    wanted = [p for p in inspect.signature(theirs).parameters.values() if p.kind is not p.VAR_KEYWORD]
    found = list(inspect.signature(mine).parameters.values())
    assert [p.name for p in found[: len(wanted)]] == [p.name for p in wanted]
    for p, q in zip(found, wanted, strict=False):
        optional = (name, p.name) in {("where", "x1"), ("where", "x2"), ("multi_hot", "num_classes")}
        assert p.default == q.default or optional, p.name


def test_arrays_of_numbers():
    np.testing.assert_array_equal(ops.tri(3, 4, 1), np.tri(3, 4, 1))
    np.testing.assert_array_equal(ops.empty((2, 2), "int32"), np.zeros((2, 2)))
    np.testing.assert_array_equal(ops.array([1, 2]), [1, 2])
    x = np.float32([1, 2])
    assert ops.copy(x) is not x and ops.is_tensor(x) and not ops.is_tensor(2.0) and ops.ndim(x) == 1


@pytest.mark.parametrize("call, message", [
    (lambda: ops.diagonal(X, axis1=1, axis2=1), "axis1 is 1 and axis2 is 1; expected two axes"),
    (lambda: ops.tril(X[0, 0]), r"x has shape \(5,\); expected at least two axes"),
    (lambda: ops.rot90(X, axes=(0, 0)), r"axes is \(0, 0\); expected two axes"),
    (lambda: ops.multi_hot(LABELS, 3, sparse=True), "sparse is True"),
])  # fmt: skip
def test_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


LABELS = np.array([[0, 2]])
