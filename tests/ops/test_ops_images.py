"""Images of another size, and seen through a transform: Keras on TensorFlow, and the adjoints of what it computes."""

from __future__ import annotations

import numpy as np
import pytest

from support import tolerances
from support.exact import BATCHES, LAYOUTS, plan_of, real, whole

keras = pytest.importorskip("keras")

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5")
# Smaller, larger, both, unchanged on one axis, single pixels; sizes where positions are not exact in float.
SIZES = [
    ((5, 6), (5, 6)), ((5, 6), (10, 12)), ((5, 6), (3, 4)), ((5, 6), (7, 4)), ((1, 7), (3, 7)), ((9, 4), (1, 1)),
    ((1, 1), (4, 3)), ((30, 17), (7, 45)), ((300, 3), (131, 5)), ((7, 2), (600, 2)),
]  # fmt: skip
# Kernels reach at most 2 * 5 cells on each axis, more where antialiasing makes them wider; weights are rounded as well.
TAPS = 200


def resized(size, interpolation, antialias):
    return lambda b, x: b.resize(x, size, interpolation, antialias)


def keras_resized(x, size, interpolation, antialias):
    return np.asarray(keras.ops.image.resize(x, size, interpolation=interpolation, antialias=antialias))


def matrix_of(function, shape):
    """The matrix of a linear function of images, column by column."""
    pixels = int(np.prod(shape))
    return function(np.eye(pixels, dtype=np.float32).reshape(pixels, *shape)).reshape(pixels, -1).T.astype(np.float64)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_resize(isa, interpolation, antialias, layout):
    for before, after in SIZES:
        for channels in (1, 3, 17):
            plan = plan_of(resized(after, interpolation, antialias), (*before, channels), layout=layout)
            x = real(0, 3, *before, channels)
            what = f"{before} to {after}, {channels} channels"
            expected = keras_resized(x, after, interpolation, antialias)
            # The sums of negative and positive weights of the sharpest kernel stay below 2 on each axis.
            magnitude = 4 * np.abs(x).max()
            tolerances.assert_close(plan.forward([x], [])[0], expected, length=TAPS, magnitude=magnitude, what=what)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_the_gradient_of_resize_is_the_transposed_matrix(interpolation, antialias, layout):
    for before, after in SIZES[:-2]:
        plan = plan_of(resized(after, interpolation, antialias), (*before, 2), layout=layout)
        matrix = matrix_of(lambda x, a=after: keras_resized(x, a, interpolation, antialias), (*before, 1))
        for batch in (1, 5, 19):
            x, dy = real(0, batch, *before, 2), real(1, batch, *after, 2)
            dx = plan.backward([x], [dy], [])[0][0]
            expected = np.einsum("ij,nic->njc", matrix, dy.reshape(batch, -1, 2)).reshape(dx.shape)
            magnitude = np.einsum("ij,nic->njc", np.abs(matrix), np.abs(dy).reshape(batch, -1, 2)).reshape(dx.shape)
            tolerances.assert_close(dx, expected, length=TAPS, magnitude=magnitude + 1, what=f"{before} to {after}")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nearest_moves_integers(layout):
    plan = plan_of(resized((7, 3), "nearest", False), (4, 5, 2), layout=layout, dtypes=["int32"])
    for batch in BATCHES:
        x = np.int32(2**30) + whole(0, batch, 4, 5, 2).astype(np.int32)
        np.testing.assert_array_equal(plan.forward([x], [])[0], keras_resized(x, (7, 3), "nearest", False))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (resized((0, 3), "bilinear", False), r"size is \(0, 3\); expected positive integers"),
        (resized((2, 3), "gaussian", False), "interpolation"),
        (lambda b, x: b.resize(b.reshape(x, (4, 10)), (2, 2)), "expected 3 dimensions"),
        (lambda b, x: b.resize(b.to_int32(x), (2, 2)), "x: expected a float32 tensor"),
        (lambda b, x: b.resize(b.strided_slice(x, (0, 0, 0), (4, 0, 2), (1, 1, 1)), (2, 2)), "one pixel"),
    ],
)  # fmt: skip
def test_what_cannot_be_resized(write, words):
    with pytest.raises(ValueError, match=words):
        plan_of(write, (4, 5, 2))


# ---- transforms ----

FILL_MODES = ("constant", "reflect", "wrap", "nearest")
IMAGES = [(5, 6, 3), (1, 7, 1), (9, 1, 2), (20, 17, 3)]


def transformed(interpolation, fill_mode, fill_value=0.0):
    return lambda b, x, t: b.affine_transform(x, t, interpolation, fill_mode, fill_value)


def keras_transformed(x, transform, interpolation, fill_mode, fill_value=0.0):
    return np.asarray(
        keras.ops.image.affine_transform(
            x, transform, interpolation=interpolation, fill_mode=fill_mode, fill_value=fill_value
        )
    )


def transforms(seed, count):
    """From the identity to what shows the image many times; the first ones move by whole and half pixels."""
    rng = np.random.default_rng(seed)
    t = np.zeros((count, 8), np.float32)
    t[:, 0] = t[:, 4] = 1
    t[1:, 2], t[1:, 5] = rng.integers(-6, 7, (2, count - 1)) / 2
    strength = np.repeat([0.3, 1.0, 4.0], [1, 1, max(0, count - 5)])
    t[3:] += rng.standard_normal((count - 3, 8)) * strength[:, None] * [1, 1, 5, 1, 1, 5, 0.05, 0.05]
    return t


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_transform(interpolation, fill_mode, layout):
    for shape in IMAGES:
        plan = plan_of(transformed(interpolation, fill_mode, 2.5), shape, (8,), layout=layout)
        x, t = real(0, 19, *shape), transforms(1, 19)
        expected = keras_transformed(x, t, interpolation, fill_mode, 2.5)
        tolerances.assert_close(plan.forward([x, t], [])[0], expected, length=8, magnitude=8.0, what=f"{shape}")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_the_gradient_of_a_transform_is_the_transposed_matrix(interpolation, fill_mode, layout):
    """TensorFlow's is that of the inverse transform, which is another matrix; and it has none for the transform."""
    shape = (5, 6, 1)
    plan = plan_of(transformed(interpolation, fill_mode, 2.5), (5, 6, 2), (8,), layout=layout)
    t = transforms(2, 11)
    x, dy = real(0, 11, 5, 6, 2), real(1, 11, 5, 6, 2)
    dx, dt = plan.backward([x, t], [dy], [])[0]
    np.testing.assert_array_equal(dt, np.zeros_like(t))
    for sample in range(11):
        matrix = matrix_of(lambda basis, one=t[sample]: keras_transformed(basis, one, interpolation, fill_mode), shape)
        expected = (matrix.T @ dy[sample].reshape(30, 2)).reshape(5, 6, 2)
        magnitude = (np.abs(matrix).T @ np.abs(dy[sample]).reshape(30, 2)).reshape(5, 6, 2)
        tolerances.assert_close(dx[sample], expected, length=40, magnitude=magnitude + 1e-3)


def test_positions_that_are_nowhere_are_filled():
    plan = plan_of(transformed("bilinear", "reflect", 7.0), (3, 4, 1), (8,))
    x = real(0, 3, 3, 4, 1)
    t = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32), (3, 1))
    t[0, 2], t[1, 2] = np.nan, np.inf
    t[2, 6] = -1  # pixel x = 1 lies on the horizon
    y = plan.forward([x, t], [])[0]
    np.testing.assert_array_equal(y[:2], np.full((2, 3, 4, 1), 7, np.float32))
    np.testing.assert_array_equal(y[2, :, 1], np.full((3, 1), 7, np.float32))
    assert np.isfinite(plan.backward([x, t], [np.ones_like(x)], [])[0][0]).all()


@pytest.mark.parametrize(
    ("shapes", "dtypes", "options", "words"),
    [
        (((4, 5), (8,)), (), ("bilinear", "constant"), "expected 3 dimensions"),
        (((4, 5, 2), (6,)), (), ("bilinear", "constant"), r"transform has shape \(6,\).*expected \(8,\)"),
        (((4, 5, 2), (8,)), ("int32",), ("bilinear", "constant"), "x: expected a float32 tensor"),
        (((4, 5, 2), (8,)), ("float32", "int32"), ("bilinear", "constant"), "transform: expected a float32 tensor"),
        (((4, 5, 2), (8,)), (), ("bicubic", "constant"), "interpolation"),
        (((4, 5, 2), (8,)), (), ("bilinear", "mirror"), "fill_mode"),
    ],
)
def test_what_cannot_be_transformed(shapes, dtypes, options, words):
    with pytest.raises(ValueError, match=words):
        plan_of(transformed(*options), *shapes, dtypes=dtypes)
