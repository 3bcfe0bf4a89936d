"""Bit-exactness: whole numbers are summed without rounding, so every instruction set, thread count and layout must
give the very same bits as float64; on real numbers the thread count must not change a bit."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native, ops
from day33._core import single_op
from support import reference

THREADS = (1, 2, 3, 7)
LAYOUTS = ("lanes", "channels")
# Below, at and above 4, 8 and 16 lanes.
BATCHES = (1, 3, 4, 7, 8, 9, 17, 33)


@pytest.fixture(autouse=True)
def fresh_plans():
    """No plan outlives the instruction set it was made for."""
    single_op.clear()
    yield
    single_op.clear()


@pytest.fixture
def threads(restored_threads):
    """The function that sets the number of threads: one reference serves them all."""
    return _native.set_num_threads


def whole(seed, *shape, limit=3):
    """Whole numbers from -limit to limit: sums of up to 2**24 / limit**2 products are exact in float32."""
    return np.random.default_rng(seed).integers(-limit, limit + 1, shape).astype(np.float32)


def real(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def check_exact(plan, inputs, parameters, dy, expected, threads):
    """expected: [y, gradient of every float input, gradient of every parameter], float64."""
    for count in THREADS:
        threads(count)
        results = [plan.forward(inputs, parameters)[0]]
        dx, dparameters = plan.backward(inputs, [dy], parameters)
        results += [d for d in dx if d is not None] + dparameters  # None stands for an input of integers
        assert len(results) == len(expected)
        for position, (mine, correct) in enumerate(zip(results, expected, strict=True)):
            np.testing.assert_array_equal(mine, correct, err_msg=f"result {position}, {count} threads")


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
def test_conv2d(isa, threads, case, layout):
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
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel, dbias], threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("channels", "multiplier", "strides", "padding", "dilation"),
    [
        (3, 1, (1, 1), "same", (1, 1)), (8, 1, (2, 2), "same", (1, 1)), (17, 1, (1, 1), "valid", (1, 1)),
        (40, 1, (1, 2), "same", (2, 1)), (5, 2, (1, 1), "same", (1, 1)), (1, 4, (2, 1), "valid", (1, 1)),
    ],
)  # fmt: skip
def test_depthwise_conv2d(isa, threads, channels, multiplier, strides, padding, dilation, layout):
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
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel.reshape(kernel.shape), dbias], threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("pool", "strides", "padding"),
    # Windows that hold 1, 2, 4, 8 cells, whatever the padding leaves: the mean is exact.
    [((2, 2), (2, 2), "same"), ((2, 2), (1, 1), "same"), ((4, 2), (1, 3), "valid"), ((1, 2), (3, 1), "valid")],
)
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_avg_pool2d(isa, threads, channels, pool, strides, padding, layout):
    plan = single_op.avg_pool2d((9, 6, channels), pool, strides, padding, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 9, 6, channels)
        y = reference.avg_pool2d(x, pool, strides, padding)
        dy = whole(3, *y.shape)
        check_exact(plan, [x], [], dy, [y, reference.avg_pool2d_backward(dy, x, pool, strides, padding)], threads)


def rearranged(shape, layout, write):
    """The plan of one op that only puts values elsewhere."""
    builder = _native.PlanBuilder()
    return builder.build([write(builder, builder.input(shape))], layout=layout)


REARRANGED = {
    "pad": (
        lambda b, x: b.pad2d(x, height=(1, 2), width=(0, 3)),
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    ),
    "pad-none": (lambda b, x: b.pad2d(x, height=(0, 0), width=(0, 0)), lambda x: x),
    "crop": (lambda b, x: b.pad2d(x, height=(-1, -2), width=(-3, 0)), lambda x: x[:, 1:-2, 3:]),
    "pad-and-crop": (
        lambda b, x: b.pad2d(x, height=(2, -1), width=(-1, 1)),
        lambda x: np.pad(x[:, :-1, 1:], ((0, 0), (2, 0), (0, 1), (0, 0))),
    ),
    "permute": (lambda b, x: b.permute(x, (2, 0, 1)), lambda x: x.transpose(0, 3, 1, 2)),
    "permute-outer": (lambda b, x: b.permute(x, (1, 0, 2)), lambda x: x.transpose(0, 2, 1, 3)),
    "broadcast-front": (lambda b, x: b.broadcast_to(x, (3, *b.shape(x))), lambda x: np.repeat(x[:, None], 3, 1)),
    "broadcast-inner": (
        lambda b, x: b.broadcast_to(b.reshape(x, (5, 1, 6, 1, b.shape(x)[2])), (5, 2, 6, 3, b.shape(x)[2])),
        lambda x: np.repeat(np.repeat(x[:, :, None, :, None], 2, 2), 3, 4),
    ),
    "broadcast-last": (
        lambda b, x: b.broadcast_to(b.reshape(x, (*b.shape(x), 1)), (*b.shape(x), 2)),
        lambda x: np.repeat(x[..., None], 2, 4),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("case", REARRANGED)
def test_what_only_puts_values_elsewhere(isa, threads, case, channels, layout):
    """Forward as NumPy does; backward, for a map of cells, is the sum over the cells that hold a value."""
    write, expected = REARRANGED[case]
    plan = rearranged((5, 6, channels), layout, write)
    cells = expected(np.arange(1, 5 * 6 * channels + 1).reshape(1, 5, 6, channels))[0].ravel()  # 0: nothing
    for batch in BATCHES:
        x = whole(batch, batch, 5, 6, channels)
        y = expected(x)
        dy = whole(3, *y.shape)
        dx = np.zeros((batch, x[0].size + 1))
        np.add.at(dx, (slice(None), cells), dy.reshape(batch, -1))
        check_exact(plan, [x], [], dy, [y, dx[:, 1:].reshape(x.shape)], threads)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_cannot_be_put_elsewhere(layout):
    for write, words in (
        (lambda b, x: b.pad2d(x, height=(-3, -2), width=(0, 0)), "leave nothing"),
        (lambda b, x: b.pad2d(x, height=(-6, 6), width=(0, 0)), "leave nothing"),
        (lambda b, x: b.permute(x, (0, 1)), "axes"),
        (lambda b, x: b.permute(x, (0, 1, 1)), "axes"),
        (lambda b, x: b.permute(x, (0, 1, 3)), "axes"),
        (lambda b, x: b.broadcast_to(x, (5, 6)), "cannot be stretched"),
        (lambda b, x: b.broadcast_to(x, (5, 7, 2)), "cannot be stretched"),
    ):
        with pytest.raises(ValueError, match=words):
            rearranged((5, 6, 2), layout, write)


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
def test_conv2d_transpose(isa, threads, case, layout):
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
        check_exact(plan, [x], [kernel, bias], dy, [y, dx, dkernel, dbias], threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (3, 5), (8, 16), (17, 33), (150, 70), (784, 10)])
def test_dense(isa, threads, inputs, units, layout):
    kernel, bias = whole(1, inputs, units), whole(2, units)
    plan = single_op.dense(kernel.shape, True, "linear", 0.0, layout)
    for batch in (*BATCHES, 300):
        x, dy = whole(batch, batch, inputs), whole(3, batch, units)
        wide = [a.astype(np.float64) for a in (x, kernel, dy)]
        expected = [wide[0] @ wide[1] + bias, wide[2] @ wide[1].T, wide[0].T @ wide[2], wide[2].sum(0)]
        check_exact(plan, [x], [kernel, bias], dy, expected, threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("pool", "strides"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (1, 1)), ((1, 2), (3, 1)), ((4, 4), (4, 4))]
)
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_max_pool2d(isa, threads, channels, pool, strides, padding, layout):
    plan = single_op.max_pool2d((9, 6, channels), pool, strides, padding, False, layout)
    with_indices = single_op.max_pool2d((9, 6, channels), pool, strides, padding, True, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 9, 6, channels, limit=1) - 2  # many ties, all of them below zero
        y, indices = reference.max_pool2d(x, pool, strides, padding)
        dy = whole(3, *y.shape)
        dx = reference.max_pool2d_backward(dy, x, pool, strides, padding)
        check_exact(plan, [x], [], dy, [y, dx], threads)
        for mine, correct in zip(with_indices.forward([x], []), (y, indices), strict=True):
            np.testing.assert_array_equal(mine, correct)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_max_unpool2d_where_indices_repeat(isa, threads, channels, layout):
    plan = single_op.max_unpool2d((4, 5, channels), (6, 7, channels), layout)
    for batch in BATCHES:
        x = whole(batch, batch, 4, 5, channels)
        indices = np.random.default_rng(batch).integers(0, 30, x.shape, dtype=np.int32)
        dy = whole(3, batch, 6, 7, channels)
        expected = [
            reference.max_unpool2d(x, indices, (6, 7, channels)),
            reference.max_unpool2d_backward(dy, indices),
        ]
        check_exact(plan, [x, indices], [], dy, expected, threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("interpolation", "size"),
    # Bilinear weights are exact in binary for factors of 1, 2 and 4 only.
    [("nearest", (2, 2)), ("nearest", (3, 1)), ("bilinear", (2, 2)), ("bilinear", (4, 1)), ("bilinear", (1, 2)),
     ("bed_of_nails", (2, 2)), ("bed_of_nails", (2, 3))],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
def test_up_sampling2d(isa, threads, channels, interpolation, size, layout):
    plan = single_op.up_sampling2d((3, 4, channels), size, interpolation, layout)
    for batch in BATCHES:
        x = whole(batch, batch, 3, 4, channels)
        y = reference.up_sampling2d(x, size, interpolation)
        dy = whole(3, *y.shape)
        dx = reference.up_sampling2d_backward(dy, x.shape, size, interpolation)
        check_exact(plan, [x], [], dy, [y, dx], threads)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "activation", ["relu", "elu", "leaky_relu", "sigmoid", "tanh", "softmax", "log_softmax", "gelu", "mish"]
)
def test_the_same_bits_for_any_number_of_threads(isa, threads, activation, layout):
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
            threads(count)
            dx, dparameters = plan.backward([x], [dy], [weights, bias])
            bits = [a.tobytes() for a in (plan.forward([x], [weights, bias])[0], *dx, *dparameters)]
            first = first or bits
            assert bits == first, f"{count} threads"


def test_the_same_bits_through_the_public_functions(isa, threads):
    """A large batch through every function: more tiles than threads, and one sum over all of them."""
    x, kernel, bias = real(0, 200, 14, 14, 3), real(1, 3, 3, 3, 7), real(2, 7)
    pooled, indices = ops.max_pool2d(x, 3, strides=2, return_indices=True)
    dy, dy_pool = real(3, 200, 12, 12, 7), real(4, *pooled.shape)
    first = None
    for count in THREADS:
        threads(count)
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
