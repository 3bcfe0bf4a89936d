"""Bit-exactness: whole numbers are summed without rounding, so every instruction set, thread count and layout must
give the very same bits as float64; on real numbers the thread count must not change a bit."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native, ops
from day33._core import single_op
from support import reference
from support.exact import BATCHES, LAYOUTS, THREADS, check_exact, real, whole


@pytest.fixture(autouse=True)
def fresh_plans():
    """No plan outlives the instruction set it was made for."""
    single_op.clear()
    yield
    single_op.clear()


CONV = [
    # height, width, C, O, kernel, strides, padding, dilation, groups
    (5, 6, 1, 1, (1, 1), (1, 1), "valid", (1, 1), 1),
    (9, 7, 1, 16, (3, 3), (1, 1), "same", (1, 1), 1),
    (7, 7, 16, 8, (3, 3), (1, 1), "same", (1, 1), 1),
    (8, 8, 4, 4, (3, 3), (1, 1), "valid", (1, 1), 1),
    (9, 9, 16, 1, (3, 3), (1, 1), "same", (1, 1), 1),
    (11, 10, 3, 16, (5, 5), (5, 5), "valid", (1, 1), 1),
    (6, 5, 17, 33, (2, 3), (2, 1), "same", (1, 1), 1),
    (6, 6, 33, 9, (1, 1), (2, 2), "same", (1, 1), 1),
    (5, 4, 64, 64, (3, 3), (1, 1), "same", (1, 1), 1),
    (9, 8, 5, 6, (3, 3), (1, 1), "same", (2, 3), 1),
    (9, 8, 6, 9, (3, 2), (2, 2), "valid", (2, 1), 3),
    (6, 7, 16, 16, (3, 3), (1, 1), "same", (1, 1), 16),
    (3, 2, 2, 3, (5, 5), (1, 1), "same", (1, 1), 1),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CONV, ids=lambda c: "-".join(map(str, c)))
def test_conv2d(isa, restored_threads, case, layout):
    height, width, inputs, outputs, kernel_size, strides, padding, dilation, groups = case
    kernel = whole(1, *kernel_size, inputs // groups, outputs)
    bias = whole(2, outputs)
    plan = single_op.conv2d(
        (height, width, inputs), kernel.shape, True, strides, padding, dilation, groups, "linear", 0.0, layout
    )
    for batch in BATCHES:
        x = whole(batch, batch, height, width, inputs)
        y = reference.conv2d(x, kernel, strides, padding, dilation, groups) + bias
        dy = whole(3, *y.shape)
        dx, dkernel, dbias = reference.conv2d_backward(dy, x, kernel, strides, padding, dilation, groups)
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel, dbias])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("channels", "multiplier", "strides", "padding", "dilation"),
    [
        (3, 1, (1, 1), "same", (1, 1)), (8, 1, (2, 2), "same", (1, 1)), (17, 1, (1, 1), "valid", (1, 1)),
        (40, 1, (1, 2), "same", (2, 1)), (5, 2, (1, 1), "same", (1, 1)), (1, 4, (2, 1), "valid", (1, 1)),
    ],
)  # fmt: skip
def test_depthwise_conv2d(isa, restored_threads, channels, multiplier, strides, padding, dilation, layout):
    outputs = channels * multiplier
    kernel, bias = whole(1, 3, 2, channels, multiplier), whole(2, outputs)
    plan = single_op.depthwise_conv2d(
        (7, 9, channels), kernel.shape, True, strides, padding, dilation, "linear", 0.0, layout
    )
    options = (strides, padding, dilation, channels)
    for batch in BATCHES:
        x = whole(batch, batch, 7, 9, channels)
        y = reference.conv2d(x, kernel.reshape(3, 2, 1, outputs), *options) + bias
        dy = whole(3, *y.shape)
        dx, dkernel, dbias = reference.conv2d_backward(dy, x, kernel.reshape(3, 2, 1, outputs), *options)
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel.reshape(kernel.shape), dbias])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("pool", "strides", "padding"),
    # Windows that hold 1, 2, 4, 8 cells, whatever the padding leaves: the mean is exact.
    [((2, 2), (2, 2), "same"), ((2, 2), (1, 1), "same"), ((4, 2), (1, 3), "valid"), ((1, 2), (3, 1), "valid")],
)
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_avg_pool2d(isa, restored_threads, channels, pool, strides, padding, layout):
    plan = single_op.avg_pool2d((9, 6, channels), pool, strides, padding, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 9, 6, channels)
        y = reference.avg_pool2d(x, pool, strides, padding)
        dy = whole(3, *y.shape)
        check_exact(plan, [x], [], dy, [y, reference.avg_pool2d_backward(dy, x, pool, strides, padding)])


CONV_TRANSPOSE = [
    # height, width, C, O, kernel, strides, padding, output padding, dilation
    (4, 5, 1, 1, (1, 1), (1, 1), "valid", None, (1, 1)),
    (3, 3, 4, 4, (3, 3), (1, 1), "same", None, (1, 1)),
    (6, 6, 8, 16, (3, 3), (1, 1), "valid", None, (1, 1)),
    (7, 7, 16, 1, (3, 3), (1, 1), "same", None, (1, 1)),
    (5, 6, 9, 17, (3, 3), (2, 2), "same", None, (1, 1)),
    (5, 6, 33, 3, (2, 2), (2, 2), "valid", None, (1, 1)),
    (4, 4, 3, 5, (3, 2), (3, 2), "same", 1, (1, 1)),
    (4, 3, 3, 5, (3, 3), (2, 2), "valid", 0, (1, 1)),
    (4, 3, 2, 3, (1, 1), (3, 2), "valid", None, (1, 1)),
    (6, 5, 3, 8, (3, 3), (1, 1), "same", None, (2, 2)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CONV_TRANSPOSE, ids=lambda c: "-".join(map(str, c)))
def test_conv2d_transpose(isa, restored_threads, case, layout):
    height, width, inputs, outputs, kernel_size, strides, padding, output_padding, dilation = case
    kernel = whole(1, *kernel_size, outputs, inputs)
    bias = whole(2, outputs)
    plan = single_op.conv2d_transpose(
        (height, width, inputs), kernel.shape, True, strides, padding, (output_padding, output_padding), dilation,
        "linear", 0.0, layout,
    )  # fmt: skip
    for batch in BATCHES:
        x = whole(batch, batch, height, width, inputs)
        y = reference.conv2d_transpose(x, kernel, strides, padding, output_padding, dilation) + bias
        dy = whole(3, *y.shape)
        dx, dkernel, dbias = reference.conv2d_transpose_backward(dy, x, kernel, strides, padding, dilation)
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel, dbias])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (3, 5), (8, 16), (17, 33), (150, 70), (784, 10)])
def test_dense(isa, restored_threads, inputs, units, layout):
    kernel, bias = whole(1, inputs, units), whole(2, units)
    plan = single_op.dense(kernel.shape, True, "linear", 0.0, layout)
    for batch in (*BATCHES, 300):
        x, dy = whole(batch, batch, inputs), whole(3, batch, units)
        wide = [a.astype(np.float64) for a in (x, kernel, dy)]
        expected = [wide[0] @ wide[1] + bias, wide[2] @ wide[1].T, wide[0].T @ wide[2], wide[2].sum(0)]
        check_exact(plan, [x], [kernel, bias], dy, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("pool", "strides"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (1, 1)), ((1, 2), (3, 1)), ((4, 4), (4, 4))]
)
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_max_pool2d(isa, restored_threads, channels, pool, strides, padding, layout):
    plan = single_op.max_pool2d((9, 6, channels), pool, strides, padding, False, layout)
    with_indices = single_op.max_pool2d((9, 6, channels), pool, strides, padding, True, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 9, 6, channels, limit=1) - 2  # many ties, all of them below zero
        y, indices = reference.max_pool2d(x, pool, strides, padding)
        dy = whole(3, *y.shape)
        dx = reference.max_pool2d_backward(dy, x, pool, strides, padding)
        check_exact(plan, [x], [], dy, [y, dx])
        for mine, correct in zip(with_indices.forward([x], []), (y, indices), strict=True):
            np.testing.assert_array_equal(mine, correct)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_max_unpool2d_where_indices_repeat(isa, restored_threads, channels, layout):
    plan = single_op.max_unpool2d((4, 5, channels), (6, 7, channels), layout)
    for batch in BATCHES:
        x = whole(batch, batch, 4, 5, channels)
        indices = np.random.default_rng(batch).integers(0, 30, x.shape, dtype=np.int32)
        dy = whole(3, batch, 6, 7, channels)
        expected = [
            reference.max_unpool2d(x, indices, (6, 7, channels)),
            reference.max_unpool2d_backward(dy, indices),
        ]
        check_exact(plan, [x, indices], [], dy, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("interpolation", "size"),
    # Bilinear weights are exact in binary for factors of 1, 2 and 4 only.
    [("nearest", (2, 2)), ("nearest", (3, 1)), ("bilinear", (2, 2)), ("bilinear", (4, 1)), ("bilinear", (1, 2)),
     ("bed_of_nails", (2, 2)), ("bed_of_nails", (2, 3))],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_up_sampling2d(isa, restored_threads, channels, interpolation, size, layout):
    plan = single_op.up_sampling2d((3, 4, channels), size, interpolation, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 3, 4, channels)
        y = reference.up_sampling2d(x, size, interpolation)
        dy = whole(3, *y.shape)
        dx = reference.up_sampling2d_backward(dy, x.shape, size, interpolation)
        check_exact(plan, [x], [], dy, [y, dx])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "activation", ["relu", "elu", "leaky_relu", "sigmoid", "tanh", "softmax", "log_softmax", "gelu", "mish"]
)
def test_the_same_bits_for_any_number_of_threads(isa, restored_threads, activation, layout):
    x, bias = real(0, 70, 9, 8, 5), real(1, 12)
    kernel, transposed = real(2, 3, 3, 5, 12), real(3, 3, 3, 12, 5)
    plans = [
        (single_op.conv2d((9, 8, 5), kernel.shape, True, (1, 1), "same", (1, 1), 1, activation, 0.5, layout), kernel),
        (
            single_op.conv2d_transpose(
                (9, 8, 5), transposed.shape, True, (2, 2), "same", (None, None), (1, 1), activation, 0.5, layout
            ),
            transposed,
        ),
    ]
    for plan, weights in plans:
        dy = real(4, 70, *plan.output_shapes[0])
        first = None
        for count in (*THREADS, 1):
            _native.set_num_threads(count)
            dx, dparameters = plan.backward([x], [dy], [weights, bias])
            bits = [a.tobytes() for a in (plan.forward([x], [weights, bias])[0], *dx, *dparameters)]
            first = first or bits
            assert bits == first, f"{count} threads"


def test_the_same_bits_through_the_public_functions(isa, restored_threads):
    """A large batch through every function: more tiles than threads, and one sum over all of them."""
    x, kernel, bias = real(0, 200, 14, 14, 3), real(1, 3, 3, 3, 7), real(2, 7)
    pooled, indices = ops.max_pool2d(x, 3, strides=2, return_indices=True)
    dy, dy_pool = real(3, 200, 12, 12, 7), real(4, *pooled.shape)
    first = None
    for count in THREADS:
        _native.set_num_threads(count)
        results = [
            ops.conv2d(x, kernel, bias, activation="tanh"),
            *ops.conv2d_backward(dy, x, kernel, bias, activation="tanh"),
            ops.max_pool2d_backward(dy_pool, x, 3, strides=2),
            ops.max_unpool2d(pooled, indices, x.shape),
            ops.up_sampling2d(x, 3, interpolation="bilinear"),
            *ops.dense_backward(real(5, 200, 14, 14, 7), x, kernel[0, 0], bias, activation="sigmoid"),
            ops.softmax(x),
            *ops.depthwise_conv2d_backward(real(6, 200, 14, 14, 3), x, kernel[..., :1], padding="same")[:2],
            *ops.layer_norm_backward(x, x, kernel[0, 0, :, 0], bias[:3]),
            ops.avg_pool2d_backward(dy_pool, x, 3, strides=2),
        ]
        bits = [a.tobytes() for a in results]
        first = first or bits
        assert bits == first, f"{count} threads"
