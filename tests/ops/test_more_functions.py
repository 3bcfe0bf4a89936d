"""The functions of keras.ops that fewer programs use: those of graphs with gradients, those of arrays alone beside
Keras's on TensorFlow, or beside NumPy's where TensorFlow refuses or errs."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import ops
from day33._graph.tensors import SymbolicTensor
from support.graphs import check
from support.zoo import random

keras = pytest.importorskip("keras")

X = random(6, 4, 5)
HOLES = np.where(random(6, 4, 5, seed=3) > 0.8, np.float32(np.nan), X)
HOLES[2, 1] = np.nan
INTEGERS = np.random.default_rng(5).integers(-9, 9, (6, 4, 5)).astype(np.int32)
VECTORS = random(3, seed=7)
IN_GRAPHS = {
    "fmod": lambda o, x: o.fmod(x, 0.75 + 0 * x),
    "signbit": lambda o, x: o.signbit(x),
    "ldexp": lambda o, x: o.ldexp(x, np.array([-3, 0, 2, 5, 1], np.int32)),
    "saturate_cast": lambda o, x: o.saturate_cast(1000.0 * x, "int32"),
    "saturate_cast to bool": lambda o, x: o.saturate_cast(x, "bool"),
    "angle": lambda o, x: o.angle(x),
    "real": lambda o, x: o.real(x),
    "isreal": lambda o, x: o.isreal(x),
    "fabs": lambda o, x: o.fabs(x),
    "cross": lambda o, x: o.cross(x[..., :3], x[..., 2:]),
    "cross of two": lambda o, x: o.cross(x[..., :2], x[..., 2:4]),
    "cross of two and three": lambda o, x: o.cross(x[..., :2], x[..., 2:]),
    "cross of three and two": lambda o, x: o.cross(x[..., :3], x[..., 3:]),
    "cross along an axis": lambda o, x: o.cross(x[:, :3], x[:, 1:], axis=1),
    "trapezoid": lambda o, x: o.trapezoid(x),
    "trapezoid along an axis": lambda o, x: o.trapezoid(x, dx=0.5, axis=1),
    "trapezoid at places": lambda o, x: o.trapezoid(x, x=np.float32([0, 1, 3, 4, 9])),
    "cdist": lambda o, x: o.cdist(x, x[:, 1:] + 1.0),
    "isin": lambda o, x: o.isin(o.round(x), np.float32([1, -1])),
    "isin inverted": lambda o, x: o.isin(o.round(x), np.float32([[1], [0]]), invert=True),
    "select": lambda o, x: o.select([x > 1, x < 0], [x, 2.0 * x], 0.5),
    "extract_sequences": lambda o, x: o.extract_sequences(x, 3, 2),
    "hsplit": lambda o, x: o.hsplit(x, 2),
    "dsplit": lambda o, x: o.dsplit(x, [1, 3]),
}


@pytest.mark.parametrize("name", IN_GRAPHS)
def test_in_graphs(name):
    check(IN_GRAPHS[name], X, exact=False, tolerance=2e-5)


SMALL, MATRIX, MISSING = random(5), random(3, 5), HOLES[:3, 0]
COUNTS = np.array([[1, 0, 4], [2, 5, 1]], np.int32)
SYMBOLIC_TOO = {
    "vander": lambda o, x: o.vander(x),
    "vander upwards": lambda o, x: o.vander(x, 3, increasing=True),
    "diag": lambda o, x: o.diag(x),
    "diag above": lambda o, x: o.diag(x, 2),
    "diag below": lambda o, x: o.diag(x, -1),
    "diagflat": lambda o, x: o.diagflat(o.reshape(x, (5, 1)), 1),
    "correlate": lambda o, x: o.correlate(x, np.float32([1, 2, -1])),
    "correlate same": lambda o, x: o.correlate(x, np.float32([1, 2]), mode="same"),
    "correlate full": lambda o, x: o.correlate(x, np.float32([1, 2, -1]), mode="full"),
    "vsplit": lambda o, x: o.vsplit(o.reshape(x, (5, 1)), [2, 3]),
}


@pytest.mark.parametrize("name", SYMBOLIC_TOO)
def test_of_one_axis(name):
    """On arrays, and on symbolic tensors of known sizes, whose shapes are those of the results."""
    function = SYMBOLIC_TOO[name]
    mine, right = (function(o, SMALL) for o in (ops, keras.ops))
    symbolic = function(ops, SymbolicTensor((5,)))
    for one, other, symbol in zip(*(f if isinstance(f, list) else [f] for f in (mine, right, symbolic)), strict=True):
        np.testing.assert_allclose(one, np.asarray(other), rtol=2e-6, atol=1e-6)
        assert symbol.shape == one.shape


NAN = {
    "nancumsum": lambda o: o.nancumsum(MISSING, axis=1),
    "nancumprod": lambda o: o.nancumprod(MISSING),
    "nanargmax": lambda o: o.nanargmax(HOLES, axis=2, keepdims=True),
    "nanargmin": lambda o: o.nanargmin(HOLES, axis=1),
    "nanargmax of all": lambda o: o.nanargmax(HOLES),
    "nanargmin of integers": lambda o: o.nanargmin(INTEGERS, axis=-1),
}
ALONE = {
    "median": lambda o: o.median(X, axis=(0, 2)),
    "median of integers": lambda o: o.median(INTEGERS, axis=1, keepdims=True),
    "nanmedian": lambda o: o.nanmedian(HOLES, axis=-1),
    "quantile": lambda o: o.quantile(X, [0.1, 0.55], axis=1),
    "percentile": lambda o: o.percentile(X, 30, axis=(1, 2), keepdims=True),
    "nanquantile": lambda o: o.nanquantile(HOLES, 0.3, axis=1),
    "nanpercentile": lambda o: o.nanpercentile(HOLES, 20, axis=2),
    **{
        f"quantile {m}": lambda o, m=m: o.quantile(SMALL, 0.3, method=m)
        for m in ("lower", "higher", "midpoint", "nearest")
    },
    "searchsorted": lambda o: o.searchsorted(np.float32([-1, 0, 0.5]), SMALL),
    "searchsorted right": lambda o: o.searchsorted(np.float32([-1, 0, 0.5]), np.float32([0, -1, 9]), side="right"),
    "digitize": lambda o: o.digitize(X, np.float32([-1, 0, 2])),
    "histogram": lambda o: o.histogram(random(50), bins=7),
    "histogram in a range": lambda o: o.histogram(random(50), bins=4, range=(-1, 1)),
    "bincount": lambda o: o.bincount(COUNTS),
    "bincount of a row": lambda o: o.bincount(COUNTS[0], minlength=7),
    "bincount with weights": lambda o: o.bincount(COUNTS[0], weights=np.float32([0.5, 1, 2])),
    "nonzero": lambda o: o.nonzero(COUNTS),
    "unique": lambda o: o.unique(COUNTS),
    "unique with all": lambda o: o.unique(COUNTS[0], return_index=True, return_inverse=True, return_counts=True),
    "unique rows": lambda o: o.unique(np.float32([[2, 1], [0, 3], [2, 1]]), axis=0),
    "unique of a size": lambda o: o.unique(COUNTS, size=8, fill_value=-1),
    "unique of a smaller size": lambda o: o.unique(COUNTS, size=2),
    "bitwise_and": lambda o: o.bitwise_and(INTEGERS, 6),
    "bitwise_or": lambda o: o.bitwise_or(INTEGERS, INTEGERS[::-1]),
    "bitwise_xor": lambda o: o.bitwise_xor(INTEGERS, 5),
    "bitwise_not": lambda o: o.bitwise_not(INTEGERS),
    "left_shift": lambda o: o.left_shift(INTEGERS, np.array([0, 1, 2, 30, 40], np.int32)),
    "right_shift": lambda o: o.right_shift(INTEGERS, 1),
    "gcd": lambda o: o.gcd(INTEGERS, 6),
    "lcm": lambda o: o.lcm(INTEGERS, 4),
    "nextafter": lambda o: o.nextafter(X, 0.0 * X),
    "corrcoef": lambda o: o.corrcoef(MATRIX),
    "kron": lambda o: o.kron(MATRIX, COUNTS.astype(np.float32)),
    "in_top_k": lambda o: o.in_top_k(np.array([0, 4, 2], np.int32), np.float32([[3, 1, 3, 3, 0]] * 3), 2),
    "segment_sum": lambda o: o.segment_sum(MATRIX, np.array([2, 0, 2], np.int32), 4),
    "segment_prod": lambda o: o.segment_prod(MATRIX, np.array([2, 0, 2], np.int32)),
    "segment_max": lambda o: o.segment_max(MATRIX, np.array([2, 0, 2], np.int32), 4),
    "segment_min of integers": lambda o: o.segment_min(COUNTS, np.array([1, -1], np.int32), 3),
    "fft": lambda o: o.fft((MATRIX, X[0, :3])),
    "fft2": lambda o: o.fft2((MATRIX, X[0, :3])),
    "ifft2": lambda o: o.ifft2((MATRIX, X[0, :3])),
    "rfft": lambda o: o.rfft(MATRIX),
    "rfft of a length": lambda o: o.rfft(MATRIX, fft_length=8),
    "irfft": lambda o: o.irfft((MATRIX, X[0, :3])),
    "irfft of a length": lambda o: o.irfft((MATRIX, X[0, :3]), fft_length=5),
    **{name: lambda o, name=name: getattr(o, name)(7) for name in ("bartlett", "blackman", "hamming", "hanning")},
    "kaiser": lambda o: o.kaiser(6, 4.5),
    "i0": lambda o: o.i0(X),
    "logspace": lambda o: o.logspace(0, 2, 5),
    "logspace of a base": lambda o: o.logspace(np.float32([0, 1]), 3, 4, endpoint=False, base=2, axis=-1),
    "geomspace": lambda o: o.geomspace(1, 8, 4),
    "geomspace of negative ones": lambda o: o.geomspace(-1, -8, 4, endpoint=False),
}


@pytest.mark.parametrize("name", [*NAN, *ALONE])
def test_on_arrays(name):
    function = {**NAN, **ALONE}[name]
    mine, right = (
        [*found] if isinstance(found, list | tuple) else [found] for found in map(function, (ops, keras.ops))
    )
    for one, other in zip(mine, right, strict=True):
        other = np.asarray(other)
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_medians_of_infinities():
    x = np.float32([[np.inf, 1, np.inf], [-np.inf, np.nan, 2], [np.inf, np.inf, np.nan]])
    np.testing.assert_array_equal(ops.median(x[:1], axis=1), [np.inf])
    np.testing.assert_array_equal(ops.nanmedian(x, axis=1), np.nanmedian(x.astype(np.float64), axis=1))
    np.testing.assert_array_equal(ops.nanmedian(x, axis=()), x)


def test_unique_with_nan():
    """Each NaN stands for itself, as in Keras, whose order is another one there."""
    values, counts = ops.unique(np.float32([1, np.nan, 2, np.nan, 1]), return_counts=True)
    np.testing.assert_array_equal(values, [1, 2, np.nan, np.nan])
    np.testing.assert_array_equal(counts, [2, 1, 1, 1])


def test_argpartition():
    for kth, axis in ((2, -1), (-1, 1), (0, 0)):
        places = ops.argpartition(MATRIX, kth, axis)
        found, rank = np.take_along_axis(MATRIX, places, axis), kth % MATRIX.shape[axis]
        low, middle, high = np.split(found, [rank, rank + 1], axis)
        np.testing.assert_array_equal(middle, np.take(np.sort(MATRIX, axis), [rank], axis))
        assert places.dtype == np.int32 and (low <= middle).all() and (high >= middle).all()


def test_where_tensorflow_errs():
    indices = np.array([[1, 0, 4], [2, 7, 1]], np.int32)
    for one, other in zip(ops.unravel_index(indices, (2, 4)), np.unravel_index(indices, (2, 4)), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.int32
    extreme = ops.saturate_cast(np.float32([3e9, -3e9, 2147483520, 2.7, -2.7]), "int32")
    np.testing.assert_array_equal(extreme, [2**31 - 1, -(2**31), 2147483520, 2, -2])
    np.testing.assert_array_equal(ops.searchsorted([1, 2, 4], [[1, 0], [4, 9]], side="right"), [[1, 0], [3, 3]])


DTYPES = {
    "abs": "bool", "max": "bool", "min": "bool", "trunc": "bool", "tril": "bool", "triu": "bool", "nan_to_num": "bool",
    "nanmax": "bool", "nanmin": "bool", "diff": "bool", "diagonal": "bool", "fabs": "float32", "nansum": "int32",
    "nanprod": "int32", "nanmean": "float32", "sum": "int32",
}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_of_truth_values_and_integers(name):
    for x in (COUNTS > 1, COUNTS):
        mine, right = (np.asarray(getattr(o, name)(x)) for o in (ops, keras.ops))
        assert mine.dtype == right.dtype
        np.testing.assert_array_equal(mine, right)
        symbolic = getattr(ops, name)(SymbolicTensor(x.shape, str(x.dtype)))
        assert symbolic.dtype == str(mine.dtype) and symbolic.shape == mine.shape
    assert str(getattr(ops, name)(COUNTS > 1).dtype) == DTYPES[name]


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("initial", [0, 1])
def test_extremes_of_truth_values_with_an_initial_one(name, initial):
    x = np.array([[True, False], [False, False]])
    mine, right = (np.asarray(getattr(o, name)(x, axis=1, initial=initial)) for o in (ops, keras.ops))
    assert mine.dtype == right.dtype
    np.testing.assert_array_equal(mine, right)


SYMBOL = SymbolicTensor((None, 4))
WRONG = {
    "in a graph": (lambda: ops.median(SYMBOL), TypeError, "median was given .* day33 has no median inside of a"),
    "part": (lambda: ops.quantile(SMALL, 1.5), ValueError, "q of quantile is 1.5"),
    "method": (lambda: ops.quantile(SMALL, 0.5, method="hazen"), ValueError, "method is 'hazen'; expected one of"),
    "negative": (lambda: ops.bincount([-1, 2]), ValueError, "expected integers of at least 0"),
    "weights": (lambda: ops.bincount([1, 2], weights=[1.0]), ValueError, r"weights has shape \(1,\); expected \(2,\)"),
    "fractions": (lambda: ops.bitwise_and(1.5, 2), TypeError, "argument 0 of bitwise_and has dtype float32"),
    "exponent": (lambda: ops.ldexp(1.0, 2.0), TypeError, "x2 of ldexp has dtype float32; expected integers"),
    "vectors": (lambda: ops.cross(random(2, 4), random(2, 4)), ValueError, "have lengths 4 and 4; expected 2 or 3"),
    "pair": (lambda: ops.fft(MATRIX), ValueError, "expected a pair of arrays"),
    "parts": (lambda: ops.fft((MATRIX, SMALL)), ValueError, r"has shapes \(3, 5\) and \(5,\)"),
    "segments": (lambda: ops.segment_sum(MATRIX, [0, 1]), ValueError, "expected one integer for each entry"),
    "segment": (lambda: ops.segment_sum(MATRIX, [0, 1, 5], 3), ValueError, "reach to 5; expected less than"),
    "choices": (lambda: ops.select([X > 0], [X, X]), ValueError, "condlist has 1 entries and choicelist 2"),
    "pieces": (lambda: ops.extract_sequences(X, 9, 1), ValueError, r"expected \(..., T\) of at least 9"),
    "histogram": (lambda: ops.histogram(X), ValueError, r"x of histogram has shape \(6, 4, 5\); expected \(N,\)"),
    "side": (lambda: ops.searchsorted(SMALL, 1.0, side="up"), ValueError, "side is 'up'; expected"),
    "mode": (lambda: ops.correlate(SMALL, SMALL, mode="most"), ValueError, "mode is 'most'; expected"),
    "diagonals": (lambda: ops.diag(X), ValueError, r"x of diag has shape \(6, 4, 5\); expected"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_over_all_axes(name):
    mine, right = (getattr(o, name)(X, axis=None) for o in (ops, keras.ops))
    np.testing.assert_allclose(mine, np.asarray(right), rtol=2e-5)
    np.testing.assert_allclose(getattr(ops, name)(SymbolicTensor((None, 4, 5)), axis=(1, 2)).shape[1:], (4, 5))


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_order_of_all_values(name):
    np.testing.assert_array_equal(getattr(ops, name)(MATRIX, axis=None), getattr(np, name)(MATRIX, axis=None))


def test_axes_of_unknown_length_are_not_left_out():
    with pytest.raises(ValueError, match=r"axis is 0 and x has shape \(None, 1\); expected an axis of length 1"):
        ops.squeeze(SymbolicTensor((None, 1)), axis=0)
