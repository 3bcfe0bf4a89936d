"""What users hand to the functions of ops: arrays of all kinds, and what is wrong with others. Never a crash."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import ops
from day33._core.arrays import as_float32
from support import reference

X = np.random.default_rng(0).standard_normal((2, 6, 5, 3)).astype(np.float32)
KERNEL = np.random.default_rng(1).standard_normal((3, 3, 3, 4)).astype(np.float32)
TRANSPOSED = np.random.default_rng(2).standard_normal((3, 3, 4, 3)).astype(np.float32)
MATRIX = np.random.default_rng(3).standard_normal((3, 7)).astype(np.float32)

# Every function that takes images, with what else it needs.
IMAGE_FUNCTIONS = {
    "conv2d": lambda x: ops.conv2d(x, KERNEL),
    "conv2d_transpose": lambda x: ops.conv2d_transpose(x, TRANSPOSED),
    "max_pool2d": lambda x: ops.max_pool2d(x),
    "max_unpool2d": lambda x: ops.max_unpool2d(x, np.arange(np.size(x)).reshape(np.shape(x)) % 90, (9, 9)),
    "up_sampling2d": lambda x: ops.up_sampling2d(x),
    "up_sampling2d_bilinear": lambda x: ops.up_sampling2d(x, interpolation="bilinear"),
}
FUNCTIONS = IMAGE_FUNCTIONS | {
    "dense": lambda x: ops.dense(x, MATRIX),
    "relu": ops.relu,
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softmax": ops.softmax,
}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
every_image_function = pytest.mark.parametrize("function", IMAGE_FUNCTIONS.values(), ids=IMAGE_FUNCTIONS)


# ---- dtypes and strides ----


def test_contiguous_float32_is_not_copied():
    assert as_float32("x", X) is X
    reshaped = X.reshape(2, -1)
    assert np.shares_memory(as_float32("x", reshaped), X)
    read_only = X.view()
    read_only.flags.writeable = False
    assert as_float32("x", read_only) is read_only


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float64, np.int8, np.uint8, np.int32, np.int64, np.bool_, ">f4", ">f8"]
)
@every_function
def test_real_dtypes_are_converted(function, dtype):
    x = (10 * X).astype(dtype)
    y = function(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, function(x.astype(np.float32)))


@pytest.mark.parametrize(
    "bad",
    [X.astype(complex), X.astype(str), X.astype(object), X.astype("datetime64[s]"), None, "image", np.ma.array(X)],
    ids=["complex", "str", "object", "datetime", "None", "text", "masked"],
)
@every_function
def test_other_dtypes_are_refused(function, bad):
    with pytest.raises(TypeError, match="^x "):
        function(bad)


@every_function
def test_any_strides(function):
    wide = np.random.default_rng(0).standard_normal((4, 12, 10, 6)).astype(np.float32)
    views = {
        "every other": wide[::2, ::2, ::2, ::2],
        "reversed": X[::-1, ::-1, :, ::-1],
        "transposed": X.transpose(0, 2, 1, 3),
        "Fortran": np.asfortranarray(X),
        "zero strides": np.broadcast_to(X[:1, :1], X.shape),
        "a scalar, broadcast": np.broadcast_to(np.float32(2), X.shape),
    }
    for name, view in views.items():
        np.testing.assert_array_equal(function(view), function(np.array(view, order="C")), err_msg=name)


@every_function
def test_unaligned_and_read_only(function):
    raw = bytearray(X.nbytes + 1)
    unaligned = np.frombuffer(raw, np.float32, X.size, offset=1).reshape(X.shape)
    unaligned[...] = X
    assert not unaligned.flags.aligned
    np.testing.assert_array_equal(function(unaligned), function(X))
    frozen = X.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(function(frozen), function(X))


@every_function
def test_inputs_are_left_alone_and_results_are_fresh(function):
    x = X.copy()
    first = function(x)
    np.testing.assert_array_equal(x, X)
    assert first.flags.writeable
    assert first.flags.c_contiguous
    assert not np.shares_memory(first, x)
    kept = first.copy()
    function(-x)
    np.testing.assert_array_equal(first, kept)


def test_lists_and_foreign_tensors():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return X if dtype is None else X.astype(dtype)

    expected = ops.conv2d(X, KERNEL)
    np.testing.assert_array_equal(ops.conv2d(X.tolist(), KERNEL.tolist()), expected)
    np.testing.assert_array_equal(ops.conv2d(Tensor(), KERNEL), expected)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(ops.conv2d(torch.from_numpy(X), torch.from_numpy(KERNEL)), ops.conv2d(X, KERNEL))
    with pytest.raises(TypeError, match="^x .*grad"):
        ops.conv2d(torch.tensor(X, requires_grad=True), KERNEL)


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="^x "):
        ops.relu([[1.0, 2.0], [3.0]])


# ---- ranks and shapes ----


@pytest.mark.parametrize(
    "shape", [(), (5,), (6, 5), (6, 5, 3), (1, 2, 6, 5, 3), (2, 0, 5, 3), (2, 6, 0, 3), (2, 6, 5, 0)]
)
@every_image_function
def test_wrong_image_shapes(function, shape):
    with pytest.raises(ValueError, match=r"^x has shape \(" + ", ".join(map(str, shape))):
        function(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.conv2d(X, KERNEL[0]), ["kernel", "(3, 3, 4)"]),
        (lambda: ops.conv2d(X, KERNEL[:, :, :2]), ["kernel", "(3, 3, 2, 4)", "(2, 6, 5, 3)"]),
        (lambda: ops.conv2d(X, KERNEL[:0]), ["kernel", "(0, 3, 3, 4)"]),
        (lambda: ops.conv2d(X, KERNEL[..., :0]), ["kernel", "(3, 3, 3, 0)"]),
        (lambda: ops.conv2d(X, KERNEL, np.zeros(3)), ["bias", "(3,)", "(4,)"]),
        (lambda: ops.conv2d(X, KERNEL, np.zeros((1, 4))), ["bias", "(1, 4)", "(4,)"]),
        (lambda: ops.conv2d(X, np.zeros((7, 3, 3, 4))), ["window", "7", "6"]),
        (lambda: ops.conv2d(X, KERNEL, dilation_rate=3), ["7", "6"]),
        (lambda: ops.conv2d(X, KERNEL, groups=2), ["groups", "2", "(2, 6, 5, 3)"]),
        (lambda: ops.conv2d(X, np.zeros((3, 3, 1, 4)), groups=3), ["groups", "3", "(3, 3, 1, 4)"]),
        (lambda: ops.conv2d_transpose(X, KERNEL), ["kernel", "(3, 3, 3, 4)", "(2, 6, 5, 3)"]),
        (lambda: ops.conv2d_transpose(X, TRANSPOSED, np.zeros(3)), ["bias", "(3,)", "(4,)"]),
        (lambda: ops.conv2d_transpose(X, TRANSPOSED, strides=2, dilation_rate=2), ["strides", "dilation_rate"]),
        (lambda: ops.conv2d_transpose(X, TRANSPOSED, strides=2, output_padding=2), ["output_padding", "2"]),
        (lambda: ops.conv2d_transpose(X, TRANSPOSED, output_padding=(0, 0, 0)), ["output_padding", "(0, 0, 0)"]),
        (lambda: ops.dense(X, MATRIX[0]), ["kernel", "(7,)"]),
        (lambda: ops.dense(X, MATRIX[:2]), ["x", "(2, 6, 5, 3)", "(2, 7)"]),
        (lambda: ops.dense(np.float32(1), MATRIX), ["x", "()"]),
        (lambda: ops.dense(X, MATRIX, np.zeros(3)), ["bias", "(3,)", "(7,)"]),
        (lambda: ops.max_pool2d(X, 7), ["window", "7", "6"]),
        (lambda: ops.max_unpool2d(X, np.zeros((2, 6, 5, 2), int), (9, 9)), ["indices", "(2, 6, 5, 2)", "(2, 6, 5, 3)"]),
        (lambda: ops.max_unpool2d(X, np.zeros(X.shape, int), (9,)), ["output_shape", "(9,)"]),
        (lambda: ops.max_unpool2d(X, np.zeros(X.shape, int), (9, 9, 4)), ["output_shape", "(9, 9, 4)", "(2, 6, 5, 3)"]),
        (lambda: ops.max_unpool2d(X, np.zeros(X.shape, int), (0, 9)), ["output_shape", "(0, 9)"]),
        (lambda: ops.max_unpool2d(X, np.full(X.shape, 243), (9, 9)), ["indices", "243", "242"]),
        (lambda: ops.max_unpool2d(X, np.full(X.shape, -1), (9, 9)), ["indices", "-1", "(0, 0, 0, 0)"]),
        (lambda: ops.max_unpool2d(X, np.full(X.shape, 2**40), (9, 9)), ["indices", str(2**40)]),
        (lambda: ops.conv2d_backward(X, X, KERNEL), ["dy", "(2, 6, 5, 3)", "(2, 4, 3, 4)"]),
        (lambda: ops.conv2d_transpose_backward(X, X, TRANSPOSED), ["dy", "(2, 6, 5, 3)", "(2, 8, 7, 4)"]),
        (lambda: ops.max_pool2d_backward(X, X), ["dy", "(2, 6, 5, 3)", "(2, 3, 2, 3)"]),
        (lambda: ops.max_unpool2d_backward(X, X, np.zeros(X.shape, int), (9, 9)), ["dy", "(2, 9, 9, 3)"]),
        (lambda: ops.up_sampling2d_backward(X, X), ["dy", "(2, 6, 5, 3)", "(2, 12, 10, 3)"]),
        (lambda: ops.dense_backward(X, X, MATRIX), ["dy", "(2, 6, 5, 3)", "(2, 6, 5, 7)"]),
        (lambda: ops.relu_backward(X[0], X), ["dy", "(6, 5, 3)", "(2, 6, 5, 3)"]),
        (lambda: ops.softmax(X, axis=4), ["axis", "4", "(2, 6, 5, 3)"]),
        (lambda: ops.softmax(X, axis=-5), ["axis", "-5"]),
        (lambda: ops.softmax(np.float32(1)), ["axis", "()"]),
        (lambda: ops.conv2d_matrix(KERNEL, (6, 5)), ["input_shape", "(6, 5)", "(3, 3, 3, 4)"]),
        (lambda: ops.conv2d_matrix(KERNEL, (6, 5, 2)), ["input_shape", "(6, 5, 2)"]),
        (lambda: ops.conv2d_matrix(KERNEL, (2, 2, 3)), ["3", "2"]),
        (lambda: ops.leaky_relu(X, -0.1), ["negative_slope", "-0.1"]),
        (lambda: ops.elu(X, -1), ["alpha", "-1"]),
    ],
)
def test_the_error_names_what_was_given_and_expected(call, words):
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value), str(error.value)


# ---- options ----


@pytest.mark.parametrize("name", ["strides", "dilation_rate"])
@pytest.mark.parametrize("value", [0, -1, (1, 0), (1, -2), (1, 2, 3), (1,), (), 2**31, 2**70])
def test_wrong_strides_and_dilations(name, value):
    for function, kernel in ((ops.conv2d, KERNEL), (ops.conv2d_transpose, TRANSPOSED)):
        with pytest.raises(ValueError, match=f"^{name}"):
            function(X, kernel, **{name: value})


@pytest.mark.parametrize("value", [1.5, "2", None, (1, 2.0), True])
def test_strides_that_are_no_integers(value):
    with pytest.raises(TypeError, match="^strides"):
        ops.conv2d(X, KERNEL, strides=value)


@pytest.mark.parametrize("value", [0, (2, 0), -3])
def test_wrong_sizes(value):
    with pytest.raises(ValueError, match="^pool_size"):
        ops.max_pool2d(X, value)
    with pytest.raises(ValueError, match="^strides"):
        ops.max_pool2d(X, 2, strides=value)
    with pytest.raises(ValueError, match="^size"):
        ops.up_sampling2d(X, value)
    with pytest.raises(ValueError, match="^groups"):
        ops.conv2d(X, KERNEL, groups=-1)


@pytest.mark.parametrize("padding", ["causal", "full", "", None, 1])
def test_wrong_padding(padding):
    for call in (
        lambda: ops.conv2d(X, KERNEL, padding=padding),
        lambda: ops.conv2d_transpose(X, TRANSPOSED, padding=padding),
        lambda: ops.max_pool2d(X, padding=padding),
        lambda: ops.conv2d_matrix(KERNEL, (6, 5, 3), padding=padding),
    ):
        with pytest.raises(ValueError, match="^padding is "):
            call()


def test_padding_in_capitals_as_keras_takes_it():
    np.testing.assert_array_equal(ops.conv2d(X, KERNEL, padding="SAME"), ops.conv2d(X, KERNEL, padding="same"))


def test_unknown_names():
    with pytest.raises(ValueError, match="^activation is 'swash'"):
        ops.conv2d(X, KERNEL, activation="swash")
    with pytest.raises(ValueError, match="^interpolation is 'cubic'"):
        ops.up_sampling2d(X, interpolation="cubic")


def test_integers_of_numpy_are_integers():
    expected = ops.conv2d(X, KERNEL, strides=(2, 1))
    np.testing.assert_array_equal(ops.conv2d(X, KERNEL, strides=np.array([2, 1])), expected)
    np.testing.assert_array_equal(ops.conv2d(X, KERNEL, strides=[np.int64(2), np.uint8(1)]), expected)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [7, 1000, 2**31 - 1])
def test_huge_strides(strides, padding):
    options = {"strides": (strides, strides), "padding": padding}
    y = ops.conv2d(X, KERNEL, **options)
    assert y.shape == (2, 1, 1, 4)
    np.testing.assert_allclose(y, reference.conv2d(X, KERNEL, **options), rtol=1e-5, atol=1e-5)
    dx = ops.conv2d_backward(y, X, KERNEL, **options).dx
    np.testing.assert_allclose(dx, reference.conv2d_backward(y, X, KERNEL, **options)[0], rtol=1e-5, atol=1e-4)
    expected = reference.max_pool2d(X, (2, 2), (strides, strides), padding)[0]
    np.testing.assert_array_equal(ops.max_pool2d(X, 2, **options), expected)


@pytest.mark.parametrize("dilation", [10, 1000, 10**6])
def test_huge_dilation_reads_only_the_centre(dilation):
    """ "same" with a dilation beyond the image: every tap but the middle one falls into the padding."""
    y = ops.conv2d(X, KERNEL, padding="same", dilation_rate=dilation)
    np.testing.assert_allclose(y, ops.conv2d(X, KERNEL[1:2, 1:2]), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError):
        ops.conv2d(X, KERNEL, dilation_rate=dilation)


def test_results_that_cannot_exist_are_refused():
    """Sizes whose product overflows, or exceeds any memory, raise; they do not wrap round."""
    for call in (
        lambda: ops.up_sampling2d(X, 2**31 - 1),
        lambda: ops.up_sampling2d(X, 2**24),
        lambda: ops.conv2d_transpose(X, TRANSPOSED, strides=2**31 - 1),
        lambda: ops.max_unpool2d(X, np.zeros(X.shape, int), (2**31 - 1, 2**31 - 1)),
    ):
        with pytest.raises((ValueError, MemoryError)):
            call()


# ---- values and empty batches ----


@every_function
def test_nan_and_infinity_do_no_harm(function):
    for value in (np.nan, np.inf, -np.inf):
        y = function(np.full(X.shape, value, np.float32))
        assert y.dtype == np.float32
    x = X.copy()
    x[0, 3, 2, 1] = np.nan
    assert np.isnan(function(x)).any()
    assert not np.isnan(function(x)[1]).any(), "NaN of one sample reached another"


def test_nan_wins_the_maximum():
    x = np.zeros((1, 2, 2, 1), np.float32)
    x[0, 1, 0, 0] = np.nan
    y, index = ops.max_pool2d(x, return_indices=True)
    assert np.isnan(y).all()
    assert index.item() == 2
    y = ops.max_pool2d(np.full((1, 3, 3, 1), -np.inf, np.float32), 2, padding="same")
    np.testing.assert_array_equal(y, np.full((1, 2, 2, 1), -np.inf))


@pytest.mark.parametrize("shape", [(0, 6, 5, 3)])
@every_function
def test_empty_batches(function, shape):
    y = function(np.zeros(shape, np.float32))
    expected = function(np.zeros((1, *shape[1:]), np.float32)).shape
    assert y.shape == (0, *expected[1:])
    assert y.dtype == np.float32


def test_empty_batches_backward():
    x = X[:0]
    gradients = ops.conv2d_backward(np.zeros((0, 4, 3, 4)), x, KERNEL, np.zeros(4))
    assert gradients.dx.shape == x.shape
    np.testing.assert_array_equal(gradients.dkernel, np.zeros_like(KERNEL))
    np.testing.assert_array_equal(gradients.dbias, np.zeros(4))
    gradients = ops.conv2d_transpose_backward(np.zeros((0, 8, 7, 4)), x, TRANSPOSED, np.zeros(4))
    assert gradients.dx.shape == x.shape
    np.testing.assert_array_equal(gradients.dkernel, np.zeros_like(TRANSPOSED))
    gradients = ops.dense_backward(np.zeros((0, 7)), np.zeros((0, 3)), MATRIX)
    assert gradients.dx.shape == (0, 3)
    np.testing.assert_array_equal(gradients.dkernel, np.zeros_like(MATRIX))
    assert ops.max_pool2d_backward(np.zeros((0, 3, 2, 3)), x).shape == x.shape
    y, indices = ops.max_pool2d(x, return_indices=True)
    assert y.shape == indices.shape == (0, 3, 2, 3)
    assert indices.dtype == np.int64
    assert ops.max_unpool2d(y, indices, x.shape).shape == x.shape
    assert ops.max_unpool2d_backward(x, y, indices, x.shape).shape == y.shape
    assert ops.up_sampling2d_backward(np.zeros((0, 12, 10, 3)), x).shape == x.shape
    for name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax"):
        assert getattr(ops, f"{name}_backward")(x, x).shape == x.shape


def test_activations_take_any_shape():
    for shape in ((), (1,), (0,), (3, 0), (2, 0, 4), (2, 3, 4, 5, 6)):
        x = np.full(shape, -1.0, np.float32)
        np.testing.assert_array_equal(ops.relu(x), np.zeros(shape))
        np.testing.assert_array_equal(ops.leaky_relu_backward(x, x, 0.5), np.full(shape, -0.5))
        if shape:
            assert ops.softmax(x).shape == shape


def test_max_unpool2d_takes_every_form_of_the_size():
    pooled, indices = ops.max_pool2d(X, return_indices=True)
    expected = ops.max_unpool2d(pooled, indices, (6, 5))
    for size in ((6, 5, 3), (2, 6, 5, 3), X.shape, [6, 5]):
        np.testing.assert_array_equal(ops.max_unpool2d(pooled, indices, size), expected)
    with pytest.raises(TypeError, match="^indices has dtype float32"):
        ops.max_unpool2d(pooled, indices.astype(np.float32), (6, 5))


# ---- memory of results ----


def test_large_results_keep_their_memory_as_long_as_anything_of_them_is_held():
    """Large arrays live in blocks that later results get, but only when nobody holds the array or a view of it."""
    x = np.random.default_rng(0).normal(size=(8, 64, 64, 16)).astype(np.float32)
    double = ops.up_sampling2d(x, 2)  # 8 MB
    expected = np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)
    view = ops.up_sampling2d(-x, 2)[3, 5:9]
    for scale in range(2, 6):
        other = ops.up_sampling2d(scale * x, 2)
        assert not np.shares_memory(other, double)
        assert not np.shares_memory(other, view)
    np.testing.assert_array_equal(double, expected)
    np.testing.assert_array_equal(view, -expected[3, 5:9])
    assert double.flags.writeable
    assert double.flags.c_contiguous
