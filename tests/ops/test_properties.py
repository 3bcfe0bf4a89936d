"""Properties of the operations that hold for every shape and value: adjointness, linearity, round trips, slopes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from day33 import ops
from support.tolerances import ELEMENTARY, gamma

settings.register_profile("day33", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("day33")

paddings = st.sampled_from(["valid", "same"])
sides = st.integers(1, 9)
channels = st.sampled_from([1, 2, 3, 4, 7, 8, 9, 16, 17])
batches = st.sampled_from([1, 2, 7, 8, 9])
seeds = st.integers(0, 2**31)


@st.composite
def convolutions(draw, grouped=True):
    """(x shape, kernel shape, options) of a convolution that exists."""
    groups = draw(st.sampled_from([1, 1, 2, 3])) if grouped else 1
    inputs, outputs = (groups * draw(st.integers(1, 9)) for _ in range(2))
    shape = (draw(batches), draw(sides), draw(sides), inputs)
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)), inputs // groups, outputs)
    options = {
        "strides": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "padding": draw(paddings),
        "dilation_rate": (draw(st.integers(1, 2)), draw(st.integers(1, 2))),
    }
    if grouped:
        options["groups"] = groups
    if options["padding"] == "valid":
        for size, taps, dilation in zip(shape[1:3], kernel[:2], options["dilation_rate"], strict=True):
            assume((taps - 1) * dilation < size)
    return shape, kernel, options


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def inner(a, b):
    """The inner product in float64, and the sum of the sizes of its terms."""
    products = a.astype(np.float64) * b.astype(np.float64)
    return products.sum(), np.abs(products).sum()


def assert_equal_inner(left, right, scale, length):
    """Both sides hold sums of `length` float32 products, then summed in float64; scale bounds the terms."""
    assert abs(left - right) <= 2 * gamma(length) * scale + 1e-30


@given(convolutions(), seeds)
def test_backward_is_the_adjoint_of_the_convolution(case, seed):
    """<conv(x, k), dy> = <x, dx> = <k, dk>: the function is linear in each of its arguments."""
    shape, kernel_shape, options = case
    x, kernel = normal(seed, *shape), normal(seed + 1, *kernel_shape)
    y = ops.conv2d(x, kernel, **options)
    dy = normal(seed + 2, *y.shape)
    gradients = ops.conv2d_backward(dy, x, kernel, **options)
    scale, _ = inner(ops.conv2d(abs(x), abs(kernel), **options), abs(dy))
    length = max(kernel[..., 0].size, kernel_shape[0] * kernel_shape[1] * kernel_shape[3], dy[..., 0].size)
    value, _ = inner(y, dy)
    assert_equal_inner(value, inner(x, gradients.dx)[0], scale, length)
    assert_equal_inner(value, inner(kernel, gradients.dkernel)[0], scale, length)


@given(convolutions(grouped=False), seeds)
def test_transposed_convolution_is_the_adjoint(case, seed):
    """<conv(x), y> = <x, conv_transpose(y)> where the transposed convolution leads back to the shape of x."""
    shape, kernel_shape, options = case
    assume(all(s == 1 or d == 1 for s, d in zip(options["strides"], options["dilation_rate"], strict=True)))
    if max(options["strides"]) > 1:
        assume(max(options["dilation_rate"]) == 1)
    x, kernel = normal(seed, *shape), normal(seed + 1, *kernel_shape)
    y = ops.conv2d(x, kernel, **options)
    dy = normal(seed + 2, *y.shape)
    back = ops.conv2d_transpose(dy, kernel, **options)
    # The size is ambiguous: rows and columns of x that no window reaches have no counterpart, and the other way round.
    if back.shape != x.shape:
        image = np.zeros((len(x), *map(max, zip(x.shape[1:3], back.shape[1:3], strict=True)), x.shape[3]), np.float32)
        assume(options["padding"] == "valid")
        image[:, : back.shape[1], : back.shape[2]] = back
        back = image[:, : x.shape[1], : x.shape[2]]
    scale, _ = inner(ops.conv2d(abs(x), abs(kernel), **options), abs(dy))
    length = max(kernel[..., 0].size, kernel_shape[0] * kernel_shape[1] * kernel_shape[3])
    assert_equal_inner(inner(y, dy)[0], inner(x, back)[0], scale, length)


@given(convolutions(), seeds, st.integers(-3, 3), st.integers(-3, 3))
def test_convolution_is_linear(case, seed, a, b):
    """On whole numbers linearity holds to the bit."""
    shape, kernel_shape, options = case
    rng = np.random.default_rng(seed)
    x, z = (rng.integers(-4, 5, shape).astype(np.float32) for _ in range(2))
    kernel = rng.integers(-4, 5, kernel_shape).astype(np.float32)
    combined = ops.conv2d(a * x + b * z, kernel, **options)
    np.testing.assert_array_equal(combined, a * ops.conv2d(x, kernel, **options) + b * ops.conv2d(z, kernel, **options))


@given(batches, st.integers(2, 6), st.integers(2, 6), channels, st.integers(1, 3), st.integers(1, 3), seeds)
def test_pool_and_unpool_round_trip(batch, rows, columns, depth, pool_rows, pool_columns, seed):
    """Without overlap: unpooling puts every maximum back in its place, and pooling again finds it there."""
    pool = (pool_rows, pool_columns)
    x = 1 + abs(normal(seed, batch, rows * pool_rows, columns * pool_columns, depth))
    pooled, indices = ops.max_pool2d(x, pool, return_indices=True)
    image = ops.max_unpool2d(pooled, indices, x.shape)
    kept = image != 0
    assert kept.sum() == pooled.size
    np.testing.assert_array_equal(image[kept], x[kept])
    again, same = ops.max_pool2d(image, pool, return_indices=True)
    np.testing.assert_array_equal(again, pooled)
    np.testing.assert_array_equal(same, indices)
    # The gradient of pooling is unpooling, and the gradient of unpooling picks the winners.
    np.testing.assert_array_equal(ops.max_pool2d_backward(pooled, x, pool), image)
    np.testing.assert_array_equal(ops.max_unpool2d_backward(x, pooled, indices, x.shape), pooled)


@given(sides, sides, st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 3, 4, 8]), st.integers(1, 3), st.integers(1, 3),
       st.integers(1, 3), st.integers(1, 3), paddings, seeds)  # fmt: skip
def test_matrix_of_the_convolution(height, width, depth, outputs, rows, columns, down, right, padding, seed):
    """C is the convolution and its transpose the transposed convolution, to the bit on whole numbers."""
    assume(padding == "same" or (rows <= height and columns <= width))
    rng = np.random.default_rng(seed)
    kernel = rng.integers(-4, 5, (rows, columns, depth, outputs)).astype(np.float32)
    x = rng.integers(-4, 5, (2, height, width, depth)).astype(np.float32)
    matrix = ops.conv2d_matrix(kernel, (height, width, depth), strides=(down, right), padding=padding)
    y = ops.conv2d(x, kernel, strides=(down, right), padding=padding)
    assert matrix.dtype == np.float32
    assert matrix.has_sorted_indices
    assert matrix.shape == (y[0].size, x[0].size)
    for sample, image in zip(y, x, strict=True):
        np.testing.assert_array_equal(matrix @ image.ravel(), sample.ravel())
    dy = rng.integers(-4, 5, y.shape).astype(np.float32)
    dx = ops.conv2d_backward(dy, x, kernel, strides=(down, right), padding=padding).dx
    back = ops.conv2d_transpose(dy, kernel, strides=(down, right), padding=padding)
    for gradient, sample in zip(dx, dy, strict=True):
        np.testing.assert_array_equal(matrix.T @ sample.ravel(), gradient.ravel())
    if back.shape == x.shape:
        np.testing.assert_array_equal(back, dx)


@given(batches, sides, sides, channels, st.integers(1, 4), st.integers(1, 4),
       st.sampled_from(["nearest", "bilinear", "bed_of_nails"]), seeds)  # fmt: skip
def test_up_sampling_backward_is_the_adjoint(batch, height, width, depth, down, right, interpolation, seed):
    x = normal(seed, batch, height, width, depth)
    y = ops.up_sampling2d(x, (down, right), interpolation=interpolation)
    dy = normal(seed + 1, *y.shape)
    dx = ops.up_sampling2d_backward(dy, x, (down, right), interpolation=interpolation)
    scale, _ = inner(ops.up_sampling2d(abs(x), (down, right), interpolation=interpolation), abs(dy))
    assert_equal_inner(inner(y, dy)[0], inner(x, dx)[0], scale, 4 * down * right + 8)


@given(batches, sides, sides, channels, st.integers(1, 4), seeds)
def test_nearest_and_bilinear_keep_constants(batch, height, width, depth, size, seed):
    """Every output is a weighted mean: a constant image stays what it is, and no value leaves the range."""
    constant = np.full((batch, height, width, depth), 3.0, np.float32)
    x = normal(seed, batch, height, width, depth)
    for interpolation in ("nearest", "bilinear"):
        y = ops.up_sampling2d(constant, size, interpolation=interpolation)
        np.testing.assert_allclose(y, 3.0, rtol=8 * gamma(1))
        y = ops.up_sampling2d(x, size, interpolation=interpolation)
        margin = 8 * gamma(1) * abs(x).max()
        assert y.min() >= x.min() - margin
        assert y.max() <= x.max() + margin


# ---- central differences ----
#
# For a function that is linear in its argument the central difference is exact, whatever the step: on whole numbers and
# with a step of 1 it must give the gradient to the bit. Piecewise linear functions (relu, maximum) are linear between
# their kinks: with values at odd numbers and a step of 1 no kink (at even numbers: 0 and, for a maximum of distinct odd
# numbers, their meeting points) lies strictly inside the interval, so they are exact as well.


def central_difference(function, dy, point, step=1.0):
    """Gradient of sum(function(point) * dy), entry by entry, in float64."""
    gradient = np.zeros(point.shape)
    for position in np.ndindex(point.shape):
        values = []
        for sign in (1, -1):
            moved = point.copy()
            moved[position] += sign * step
            values.append((function(moved).astype(np.float64) * dy).sum())
        gradient[position] = (values[0] - values[1]) / (2 * step)
    return gradient


def whole(seed, *shape):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def odd_distinct(seed, *shape):
    """Distinct odd numbers of both signs: no two of them meet within a step of 1."""
    count = int(np.prod(shape))
    values = 2 * np.arange(-(count // 2), count - count // 2) + 1
    return np.random.default_rng(seed).permutation(values).reshape(shape).astype(np.float32)


@pytest.mark.parametrize("options", [
    {}, {"padding": "same"}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2}, {"groups": 2, "padding": "same"},
    {"strides": (2, 1), "dilation_rate": (1, 2), "padding": "same"},
], ids=str)  # fmt: skip
def test_conv2d_differences(options):
    x, kernel, bias = whole(0, 2, 6, 5, 4), whole(1, 3, 2, 4 // options.get("groups", 1), 6), whole(2, 6)
    dy = whole(3, *ops.conv2d(x, kernel, **options).shape)
    gradients = ops.conv2d_backward(dy, x, kernel, bias, **options)
    np.testing.assert_array_equal(
        gradients.dx, central_difference(lambda v: ops.conv2d(v, kernel, bias, **options), dy, x)
    )
    np.testing.assert_array_equal(
        gradients.dkernel, central_difference(lambda v: ops.conv2d(x, v, bias, **options), dy, kernel)
    )
    np.testing.assert_array_equal(
        gradients.dbias, central_difference(lambda v: ops.conv2d(x, kernel, v, **options), dy, bias)
    )


@pytest.mark.parametrize("options", [
    {}, {"padding": "same"}, {"strides": 2, "padding": "same"}, {"strides": 2, "output_padding": 1},
    {"strides": (3, 2)}, {"dilation_rate": 2}, {"dilation_rate": 2, "padding": "same"},
], ids=str)  # fmt: skip
def test_conv2d_transpose_differences(options):
    x, kernel, bias = whole(0, 2, 3, 4, 3), whole(1, 3, 3, 4, 3), whole(2, 4)
    dy = whole(3, *ops.conv2d_transpose(x, kernel, **options).shape)
    gradients = ops.conv2d_transpose_backward(dy, x, kernel, bias, **options)
    for gradient, function, point in (
        (gradients.dx, lambda v: ops.conv2d_transpose(v, kernel, bias, **options), x),
        (gradients.dkernel, lambda v: ops.conv2d_transpose(x, v, bias, **options), kernel),
        (gradients.dbias, lambda v: ops.conv2d_transpose(x, kernel, v, **options), bias),
    ):
        np.testing.assert_array_equal(gradient, central_difference(function, dy, point))


def test_dense_differences():
    x, kernel, bias, dy = whole(0, 3, 2, 5), whole(1, 5, 4), whole(2, 4), whole(3, 3, 2, 4)
    gradients = ops.dense_backward(dy, x, kernel, bias)
    for gradient, function, point in (
        (gradients.dx, lambda v: ops.dense(v, kernel, bias), x),
        (gradients.dkernel, lambda v: ops.dense(x, v, bias), kernel),
        (gradients.dbias, lambda v: ops.dense(x, kernel, v), bias),
    ):
        np.testing.assert_array_equal(gradient, central_difference(function, dy, point))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool", "strides"), [(2, None), (3, 2), ((2, 3), 1), (1, 2)])
def test_max_pool2d_differences(pool, strides, padding):
    x = odd_distinct(0, 2, 6, 5, 2)
    dy = whole(1, *ops.max_pool2d(x, pool, strides=strides, padding=padding).shape)
    gradient = ops.max_pool2d_backward(dy, x, pool, strides=strides, padding=padding)
    difference = central_difference(lambda v: ops.max_pool2d(v, pool, strides=strides, padding=padding), dy, x)
    np.testing.assert_array_equal(gradient, difference)


def test_max_unpool2d_differences():
    x = whole(0, 2, 3, 4, 2)
    indices = np.random.default_rng(1).integers(0, 30, x.shape)  # some positions are named more than once
    dy = whole(2, 2, 5, 4, 2)
    gradient = ops.max_unpool2d_backward(dy, x, indices, (5, 4))
    np.testing.assert_array_equal(gradient, central_difference(lambda v: ops.max_unpool2d(v, indices, (5, 4)), dy, x))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bed_of_nails"])
@pytest.mark.parametrize("size", [1, 2, (4, 2)])
def test_up_sampling2d_differences(size, interpolation):
    x = whole(0, 2, 3, 4, 2)
    dy = whole(1, *ops.up_sampling2d(x, size, interpolation=interpolation).shape)
    gradient = ops.up_sampling2d_backward(dy, x, size, interpolation=interpolation)
    difference = central_difference(lambda v: ops.up_sampling2d(v, size, interpolation=interpolation), dy, x)
    np.testing.assert_array_equal(gradient, difference)


@pytest.mark.parametrize("kind", ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax"])
def test_activation_differences(kind):
    """Smooth functions: the central difference errs by step**2 / 6 times the third derivative (at most 2 here), and by
    the rounding of the function over the step."""
    function, backward = getattr(ops, kind), getattr(ops, f"{kind}_backward")
    x = odd_distinct(0, 3, 5) / 4  # at least 1/4 away from the kink at zero
    dy = whole(1, 3, 5).astype(np.float32)
    step = 2.0**-6
    gradient = backward(dy, x)
    difference = central_difference(function, dy, x, step)
    rounding = 3 * 5 * ELEMENTARY * np.abs(function(x)).max() / step
    np.testing.assert_allclose(gradient, difference, rtol=0, atol=3 * 5 * 2 * step**2 / 6 + rounding)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_fused_activation_differences(activation):
    """x and kernel whole, bias an odd half: no unit comes within 1/2 of the kink, and steps of 1/8 do not cross it."""
    x, kernel = whole(0, 2, 4, 4, 2), whole(1, 3, 3, 2, 3)
    bias = np.array([0.5, -1.5, 2.5], np.float32)
    dy = whole(2, 2, 4, 4, 3)

    def run(x=x, kernel=kernel, bias=bias):
        return ops.conv2d(x, kernel, bias, padding="same", activation=activation)

    gradients = ops.conv2d_backward(dy, x, kernel, bias, padding="same", activation=activation)
    for gradient, name, point in zip(gradients, ("x", "kernel", "bias"), (x, kernel, bias), strict=True):
        difference = central_difference(lambda v, name=name: run(**{name: v}), dy, point, 0.125)
        np.testing.assert_allclose(gradient, difference, rtol=0, atol=1e-4)
