"""day33.ops against TensorFlow, and against torch in double where TensorFlow on CPU has no gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from day33 import ops
from support import reference
from support.tolerances import ELEMENTARY, assert_close

tf = pytest.importorskip("tensorflow")

# Channels in and out: below, at and above every vector width and tile (4, 8, 16, 32).
CHANNELS = [(1, 1), (1, 16), (3, 4), (4, 3), (8, 8), (9, 16), (16, 9), (17, 33), (33, 17)]
BATCHES = itertools.cycle((1, 2, 7, 8, 9, 17))
IMAGES = itertools.cycle(((5, 5), (7, 9), (8, 8), (13, 6), (6, 11)))
ACTIVATIONS = (
    None, "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "relu6", "softplus", "hard_sigmoid", "gelu",
    "silu", "hard_silu", "mish",
)  # fmt: skip


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def tf_gradients(function, dy, *arrays):
    """The value and the gradients of function(*arrays) against dy."""
    variables = [tf.constant(a) for a in arrays]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        y = function(*variables)
    if dy is None:
        dy = np.ones(y.shape, np.float32)
    return [y.numpy(), *(g.numpy() for g in tape.gradient(y, variables, tf.constant(dy)))]


def check_sums(ours, function, dy, arrays, lengths):
    """Compares value and gradients with the bound of a multilinear function: its value on absolute values."""
    expected = tf_gradients(function, dy, *arrays)
    magnitudes = tf_gradients(function, np.abs(dy), *(np.abs(a) for a in arrays))
    names = ("y", "dx", "dkernel", "dbias")
    for name, mine, theirs, magnitude, length in zip(names, ours, expected, magnitudes, lengths, strict=False):
        assert_close(mine, theirs, length=length, magnitude=magnitude, what=name)


def conv_cases():
    for padding, stride, kernel, (inputs, outputs) in itertools.product(
        ("valid", "same"), (1, 2, 3), ((1, 1), (3, 3)), CHANNELS
    ):
        yield next(BATCHES), next(IMAGES), kernel, (stride, stride), padding, inputs, outputs
    for padding, kernel, strides in itertools.product(
        ("valid", "same"), ((2, 2), (5, 5), (3, 1), (1, 4), (5, 2)), ((1, 1), (2, 1), (1, 3), (2, 3))
    ):
        yield next(BATCHES), next(IMAGES), kernel, strides, padding, 3, 5
    for padding in ("valid", "same"):
        yield 1, (1, 1), (1, 1), (1, 1), padding, 1, 1
        yield 3, (1, 29), (1, 3), (1, 1), padding, 2, 9
        yield 3, (29, 1), (3, 1), (1, 1), padding, 9, 2
        yield 2, (28, 28), (3, 3), (1, 1), padding, 1, 16
        yield 2, (40, 37), (5, 5), (5, 5), padding, 3, 16
        yield 1, (9, 9), (3, 3), (1, 1), padding, 130, 66
    yield 2, (2, 3), (5, 5), (1, 1), "same", 2, 3
    yield 2, (2, 3), (3, 3), (7, 7), "same", 2, 3


CONV_CASES = list(conv_cases())


def tf_conv2d(x, kernel, strides, padding):
    """tf.nn.conv2d, by slices where a 1 x 1 kernel meets strides: there its filter gradient writes out of bounds."""
    if kernel.shape[:2] == (1, 1):
        x, strides = x[:, :: strides[0], :: strides[1]], 1
    return tf.nn.conv2d(x, kernel, strides, padding.upper())


@pytest.mark.parametrize("case", range(len(CONV_CASES)), ids=lambda i: "-".join(map(str, CONV_CASES[i])))
def test_conv2d(case):
    batch, (height, width), (rows, columns), strides, padding, inputs, outputs = CONV_CASES[case]
    x = normal(case, batch, height, width, inputs)
    kernel = normal(case + 1, rows, columns, inputs, outputs)
    bias = normal(case + 2, outputs)
    y = ops.conv2d(x, kernel, bias, strides=strides, padding=padding)
    dy = normal(case + 3, *y.shape)
    gradients = ops.conv2d_backward(dy, x, kernel, bias, strides=strides, padding=padding)
    taps, pixels = rows * columns, batch * y.shape[1] * y.shape[2]
    check_sums(
        (y, *gradients),
        lambda x, k, b: tf_conv2d(x, k, strides, padding) + b,
        dy, (x, kernel, bias),
        (taps * inputs + 1, taps * outputs, pixels, pixels),
    )  # fmt: skip


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dilation", [(2, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 3), (4, 16), (9, 8)])
def test_conv2d_dilated_forward(padding, dilation, inputs, outputs):
    x, kernel = normal(0, 3, 11, 12, inputs), normal(1, 3, 3, inputs, outputs)
    y = ops.conv2d(x, kernel, padding=padding, dilation_rate=dilation)
    expected, magnitude = (
        tf.nn.conv2d(a, k, 1, padding.upper(), dilations=dilation).numpy()
        for a, k in ((x, kernel), (np.abs(x), np.abs(kernel)))
    )
    assert_close(y, expected, length=9 * inputs, magnitude=magnitude)


def torch_conv2d(x, kernel, bias, dy, strides, padding, dilation, groups):
    """Value and gradients in double, the asymmetric padding of "same" done by hand."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, kernel, bias)]
    borders = []
    for axis in (1, 0):  # torch pads the last axis first
        size, k, s, d = x.shape[1 + axis], kernel.shape[axis], strides[axis], dilation[axis]
        outputs = -(-size // s)
        total = max((outputs - 1) * s + (k - 1) * d + 1 - size, 0) if padding == "same" else 0
        borders += [total // 2, total - total // 2]
    padded = torch.nn.functional.pad(tensors[0].permute(0, 3, 1, 2), borders)
    y = torch.nn.functional.conv2d(
        padded, tensors[1].permute(3, 2, 0, 1), tensors[2], strides, dilation=dilation, groups=groups
    ).permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy, dtype=torch.float64))
    return [y.detach().numpy(), *(t.grad.numpy() for t in tensors)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("inputs", "outputs", "groups", "strides", "dilation"),
    [
        (4, 4, 1, (1, 1), (2, 2)), (3, 9, 1, (1, 1), (3, 2)), (16, 8, 1, (1, 1), (1, 2)), (5, 6, 1, (2, 2), (2, 2)),
        (4, 6, 2, (1, 1), (1, 1)), (16, 16, 4, (2, 1), (1, 1)), (6, 6, 6, (1, 1), (1, 1)), (9, 18, 9, (2, 2), (1, 1)),
        (32, 32, 32, (1, 1), (1, 1)), (32, 64, 2, (1, 2), (1, 1)), (12, 8, 4, (1, 1), (2, 2)),
        (18, 27, 9, (3, 3), (2, 1)),
    ],
)  # fmt: skip
def test_conv2d_grouped_and_dilated_against_torch(inputs, outputs, groups, strides, dilation, padding):
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation, "groups": groups}
    x, kernel, bias = normal(0, 9, 11, 10, inputs), normal(1, 3, 3, inputs // groups, outputs), normal(2, outputs)
    y = ops.conv2d(x, kernel, bias, **options)
    dy = normal(3, *y.shape)
    ours = (y, *ops.conv2d_backward(dy, x, kernel, bias, **options))
    expected = torch_conv2d(x, kernel, bias, dy, strides, padding, dilation, groups)
    magnitudes = torch_conv2d(*map(np.abs, (x, kernel, bias, dy)), strides, padding, dilation, groups)
    pixels = dy.size // outputs
    lengths = (9 * inputs // groups + 1, 9 * outputs // groups, pixels, pixels)
    for name, mine, theirs, magnitude, length in zip(
        ("y", "dx", "dkernel", "dbias"), ours, expected, magnitudes, lengths, strict=True
    ):
        assert_close(mine, theirs, length=length, magnitude=magnitude, what=name)


def transpose_cases():
    for padding, stride, (inputs, outputs) in itertools.product(("valid", "same"), (1, 2, 3), CHANNELS):
        yield next(BATCHES), next(IMAGES), (3, 3), (stride, stride), padding, None, inputs, outputs
    for padding, kernel, strides, output_padding in itertools.product(
        ("valid", "same"), ((1, 1), (2, 2), (3, 3), (5, 4)), ((1, 1), (2, 2), (3, 2)), (None, 0, 1)
    ):
        yield next(BATCHES), next(IMAGES), kernel, strides, padding, output_padding, 3, 5
    yield 2, (1, 1), (3, 3), (2, 2), "same", None, 4, 4
    yield 1, (7, 7), (2, 2), (2, 2), "valid", None, 64, 32


TRANSPOSE_CASES = [
    case
    for case in transpose_cases()
    # Left out: an output padding that is not below the stride, and the sizes TensorFlow refuses, those from which
    # the convolution would not lead back to the input.
    # And 1 x 1 kernels with strides, see tf_conv2d.
    if (case[5] is None or case[5] < min(case[3]))
    and (case[2] != (1, 1) or case[3] == (1, 1))
    and all(
        reference.window(out, k, s, 1, case[4])[0] == n
        for out, k, s, n in zip(
            reference.conv2d_transpose_shape(case[1], case[2], case[3], case[4], case[5]),
            case[2], case[3], case[1], strict=True,
        )
    )
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(TRANSPOSE_CASES)), ids=lambda i: "-".join(map(str, TRANSPOSE_CASES[i])))
def test_conv2d_transpose(case):
    batch, image, (rows, columns), strides, padding, output_padding, inputs, outputs = TRANSPOSE_CASES[case]
    x = normal(case, batch, *image, inputs)
    kernel = normal(case + 1, rows, columns, outputs, inputs)
    bias = normal(case + 2, outputs)
    options = {"strides": strides, "padding": padding, "output_padding": output_padding}
    y = ops.conv2d_transpose(x, kernel, bias, **options)
    dy = normal(case + 3, *y.shape)
    gradients = ops.conv2d_transpose_backward(dy, x, kernel, bias, **options)
    shape = (
        batch,
        *reference.conv2d_transpose_shape(image, (rows, columns), strides, padding, output_padding),
        outputs,
    )
    taps = rows * columns
    check_sums(
        (y, *gradients),
        lambda x, k, b: tf.nn.conv2d_transpose(x, k, shape, strides, padding.upper()) + b,
        dy, (x, kernel, bias),
        (taps * inputs + 1, taps * outputs, batch * image[0] * image[1], dy.size // outputs),
    )  # fmt: skip


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("strides", "output_padding"), [(1, None), (1, 0), (2, None), (2, 0), (2, 1), (3, None), (3, 0), (3, 1), (3, 2)]
)
def test_conv2d_transpose_is_the_keras_layer(padding, strides, output_padding):
    layer = tf.keras.layers.Conv2DTranspose(4, 3, strides, padding, output_padding=output_padding)
    x = normal(0, 2, 5, 6, 3)
    expected = layer(x).numpy()
    kernel, bias = (w.numpy() for w in layer.weights)
    y = ops.conv2d_transpose(x, kernel, bias, strides=strides, padding=padding, output_padding=output_padding)
    magnitude = ops.conv2d_transpose(
        abs(x), abs(kernel), abs(bias), strides=strides, padding=padding, output_padding=output_padding
    )
    assert_close(y, expected, length=28, magnitude=magnitude)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dilation", [(2, 2), (1, 3)])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 4), (9, 8)])
def test_conv2d_transpose_dilated(padding, dilation, inputs, outputs):
    x, kernel = normal(0, 8, 6, 7, inputs), normal(1, 3, 3, outputs, inputs)
    options = {"padding": padding, "dilation_rate": dilation}
    y = ops.conv2d_transpose(x, kernel, **options)
    dy = normal(2, *y.shape)
    gradients = ops.conv2d_transpose_backward(dy, x, kernel, **options)
    absolute = [np.abs(a) for a in (dy, x, kernel)]
    assert_close(
        y, reference.conv2d_transpose(x, kernel, **options),
        magnitude=reference.conv2d_transpose(*absolute[1:], **options), length=9 * inputs,
    )  # fmt: skip
    expected = reference.conv2d_transpose_backward(dy, x, kernel, **options)
    magnitudes = reference.conv2d_transpose_backward(*absolute, **options)
    assert_close(gradients.dx, expected[0], magnitude=magnitudes[0], length=9 * outputs)
    assert_close(gradients.dkernel, expected[1], magnitude=magnitudes[1], length=8 * 42)
    assert gradients.dbias is None


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("kind", "outputs"), [("conv2d", 8), ("conv2d", 5), ("conv2d_transpose", 4), ("dense", 19)])
def test_fused_activation(kind, outputs, activation):
    """y, and the gradients of a function that is no longer linear: all sums of at most `pixels` terms of order 1."""
    x = normal(0, 9, 6, 5, 4)
    kernel = normal(
        1, *{"conv2d": (3, 3, 4, outputs), "conv2d_transpose": (3, 3, outputs, 4), "dense": (4, outputs)}[kind]
    )
    kernel *= np.float32(0.3)
    bias = normal(2, outputs)

    def theirs(x, k, b):
        if kind == "dense":
            z = tf.tensordot(x, k, 1)
        elif kind == "conv2d":
            z = tf.nn.conv2d(x, k, 1, "SAME")
        else:
            z = tf.nn.conv2d_transpose(x, k, (9, 6, 5, outputs), 1, "SAME")
        return tf.keras.activations.get(activation)(z + b)

    options = {"activation": activation} if kind == "dense" else {"activation": activation, "padding": "same"}
    y = getattr(ops, kind)(x, kernel, bias, **options)
    dy = normal(3, *y.shape)
    gradients = getattr(ops, f"{kind}_backward")(dy, x, kernel, bias, **options)
    expected = tf_gradients(theirs, dy, x, kernel, bias)
    magnitudes = tf_gradients(theirs if activation is None else lambda x, k, b: _linear(kind, x, k, outputs) + b,
                              np.abs(dy), np.abs(x), np.abs(kernel), np.abs(bias))  # fmt: skip
    assert_close(y, expected[0], length=9 * 4 + 1, magnitude=magnitudes[0], extra=ELEMENTARY, what="y")
    for name, mine, correct, magnitude in zip(("dx", "dk", "db"), gradients, expected[1:], magnitudes[1:], strict=True):
        # The slope is computed from a rounded y: one more sum of K terms, on top of the sum of the gradient.
        assert_close(mine, correct, length=9 * 6 * 5 + 9 * 4, magnitude=2 * magnitude, extra=ELEMENTARY, what=name)


def _linear(kind, x, k, outputs):
    if kind == "dense":
        return tf.tensordot(x, k, 1)
    if kind == "conv2d":
        return tf.nn.conv2d(x, k, 1, "SAME")
    return tf.nn.conv2d_transpose(x, k, (9, 6, 5, outputs), 1, "SAME")


POOL_CASES = [
    (batch, image, channels, pool, strides, padding)
    for (batch, image, channels), (pool, strides), padding in itertools.product(
        [(1, (6, 6), 1), (2, (7, 9), 3), (7, (5, 8), 8), (8, (6, 7), 9), (9, (13, 6), 16), (17, (5, 5), 33)],
        [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (1, 2)), ((3, 3), (3, 3)), ((1, 1), (2, 2)), ((2, 2), (3, 3))],
        ("valid", "same"),
    )
]


@pytest.mark.parametrize("ties", ["integers", "relu", "none"])
@pytest.mark.parametrize("case", POOL_CASES, ids=lambda c: "-".join(map(str, c)))
def test_max_pool2d(case, ties):
    batch, image, channels, pool, strides, padding = case
    x = normal(1, batch, *image, channels)
    if ties == "integers":
        x = np.floor(x) - 2  # negative as well: padding must not win
    elif ties == "relu":
        x = np.maximum(x, 0)
    y, indices = ops.max_pool2d(x, pool, strides=strides, padding=padding, return_indices=True)
    expected, positions = tf.nn.max_pool_with_argmax(x, pool, strides, padding.upper(), output_dtype=tf.int64)
    np.testing.assert_array_equal(y, expected.numpy())
    np.testing.assert_array_equal(y, ops.max_pool2d(x, pool, strides=strides, padding=padding))
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(indices, positions.numpy())
    # The gradient is a sum of few: a cell can win in several windows.
    dy = normal(2, *y.shape)
    dx = ops.max_pool2d_backward(dy, x, pool, strides=strides, padding=padding)
    _, expected = tf_gradients(lambda x: tf.nn.max_pool2d(x, pool, strides, padding.upper()), dy, x)
    assert_close(dx, expected, length=pool[0] * pool[1], magnitude=np.abs(dy).max() * pool[0] * pool[1])


@pytest.mark.parametrize("case", POOL_CASES, ids=lambda c: "-".join(map(str, c)))
def test_avg_pool2d(case):
    batch, image, channels, pool, strides, padding = case
    x = normal(1, batch, *image, channels)
    y = ops.avg_pool2d(x, pool, strides=strides, padding=padding)
    dy = normal(2, *y.shape)
    cells = pool[0] * pool[1]
    check_sums(
        (y, ops.avg_pool2d_backward(dy, x, pool, strides=strides, padding=padding)),
        lambda x: tf.nn.avg_pool2d(x, pool, strides, padding.upper()),
        dy, (x,), (cells + 1, cells + 1),
    )  # fmt: skip


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("channels", "multiplier", "strides", "dilation"),
    [
        (1, 1, (1, 1), (1, 1)), (3, 1, (1, 1), (1, 1)), (8, 1, (2, 2), (1, 1)), (17, 1, (1, 1), (1, 1)),
        (33, 1, (3, 3), (1, 1)), (4, 3, (1, 1), (1, 1)), (9, 2, (2, 2), (1, 1)), (1, 5, (1, 1), (1, 1)),
        (9, 1, (1, 2), (1, 1)), (16, 1, (1, 1), (2, 3)), (5, 1, (2, 2), (2, 2)), (3, 2, (2, 1), (1, 2)),
    ],
)  # fmt: skip
def test_depthwise_conv2d(channels, multiplier, strides, dilation, padding):
    """Against torch in double; against TensorFlow where it has the case."""
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    outputs = channels * multiplier
    x, kernel, bias = normal(0, 9, 11, 10, channels), normal(1, 3, 3, channels, multiplier), normal(2, outputs)
    y = ops.depthwise_conv2d(x, kernel, bias, **options)
    dy = normal(3, *y.shape)
    ours = (y, *ops.depthwise_conv2d_backward(dy, x, kernel, bias, **options))

    def theirs(x, kernel, bias, dy):
        result = torch_conv2d(x, kernel.reshape(3, 3, 1, outputs), bias, dy, strides, padding, dilation, channels)
        return [result[0], result[1], result[2].reshape(kernel.shape), result[3]]

    expected, magnitudes = theirs(x, kernel, bias, dy), theirs(*map(np.abs, (x, kernel, bias, dy)))
    pixels = dy.size // outputs
    lengths = (9 + 1, 9 * multiplier, pixels, pixels)
    for name, mine, correct, magnitude, length in zip(
        ("y", "dx", "dkernel", "dbias"), ours, expected, magnitudes, lengths, strict=True
    ):
        assert_close(mine, correct, length=length, magnitude=magnitude, what=name)
    if dilation == (1, 1) and strides[0] == strides[1]:
        check_sums(
            ours,
            lambda x, k, b: tf.nn.depthwise_conv2d(x, k, (1, *strides, 1), padding.upper()) + b,
            dy, (x, kernel, bias), lengths,
        )  # fmt: skip


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 3, 4, 1), (7, 2, 3, 8), (9, 5, 2, 17), (17, 3, 2, 33)])
@pytest.mark.parametrize("weights", ["none", "gamma", "beta", "both"])
def test_layer_norm(shape, axes, weights):
    """Against torch in double. Entries are of order 1, and so are their gradients, but for dgamma and dbeta."""
    torch = pytest.importorskip("torch")
    x, dy = 3 + 2 * normal(0, *shape), normal(1, *shape)
    gamma = normal(2, *shape[-axes:]) if weights in ("gamma", "both") else None
    beta = normal(3, *shape[-axes:]) if weights in ("beta", "both") else None
    y = ops.layer_norm(x, gamma, beta, axes=axes, epsilon=1e-3)
    gradients = ops.layer_norm_backward(dy, x, gamma, beta, axes=axes, epsilon=1e-3)
    tensors = [
        None if a is None else torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, gamma, beta)
    ]
    expected = torch.nn.functional.layer_norm(tensors[0], shape[-axes:], *tensors[1:], eps=1e-3)
    expected.backward(torch.tensor(dy, dtype=torch.float64))
    assert_close(y, expected.detach().numpy(), length=8, magnitude=8, what="y")
    rows = int(np.prod(shape[:-axes]))
    for name, mine, tensor, length in zip(("dx", "dgamma", "dbeta"), gradients, tensors, (16, rows, rows), strict=True):
        assert (mine is None) == (tensor is None)
        if tensor is not None:
            # 1 / deviation is at most 1 / sqrt(epsilon), where a row has one value or equal ones.
            magnitude = 32 if name == "dx" and np.prod(shape[-axes:]) == 1 else 16 if name == "dx" else 8 * rows
            assert_close(mine, tensor.grad.numpy(), length=length + 8, magnitude=magnitude, what=name)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(2, 2), (3, 3), (1, 1), (2, 3), (4, 1)])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 3), (8, 4, 4, 8), (9, 5, 2, 17), (17, 2, 3, 4)])
def test_up_sampling2d(shape, size, interpolation):
    x = normal(0, *shape)
    y = ops.up_sampling2d(x, size, interpolation=interpolation)
    dy = normal(1, *y.shape)
    resize = {"nearest": tf.raw_ops.ResizeNearestNeighbor, "bilinear": tf.raw_ops.ResizeBilinear}[interpolation]
    shape = y.shape[1:3]
    length = 4 * size[0] * size[1] + 4
    check_sums(
        (y, ops.up_sampling2d_backward(dy, x, size, interpolation=interpolation)),
        lambda x: resize(images=x, size=shape, half_pixel_centers=interpolation == "bilinear"),
        dy, (x,), (length + 8, length + 8),  # the weights themselves carry a few roundings
    )  # fmt: skip


@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (3, 4), (4, 3), (8, 8), (9, 17), (33, 16), (784, 10), (130, 66)])
@pytest.mark.parametrize("leading", [(1,), (2,), (7,), (17,), (3, 5), (2, 1, 9), (2, 3, 2, 4)])
def test_dense(leading, inputs, units):
    x, kernel, bias = normal(0, *leading, inputs), normal(1, inputs, units), normal(2, units)
    dy = normal(3, *leading, units)
    rows = int(np.prod(leading))
    check_sums(
        (ops.dense(x, kernel, bias), *ops.dense_backward(dy, x, kernel, bias)),
        lambda x, k, b: tf.tensordot(x, k, 1) + b,
        dy, (x, kernel, bias), (inputs + 1, units, rows, rows),
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 8, 9), (9, 4, 4, 17)])
@pytest.mark.parametrize(
    "kind",
    ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "log_softmax", "relu6", "selu", "exponential",
     "softplus", "softsign", "log_sigmoid", "hard_sigmoid", "gelu", "silu", "hard_silu"],
)  # fmt: skip
def test_activation(kind, shape):
    x = 4 * normal(0, *shape)
    x.flat[0] = 0
    dy = normal(1, *shape)
    over_a_row = kind in ("softmax", "log_softmax")
    exact = {"approximate": False} if kind == "gelu" else {}
    expected, gradient = tf_gradients(getattr(tf.keras.activations, kind) if x.ndim > 1 or not over_a_row
                                      else getattr(tf.nn, kind), dy, x)  # fmt: skip
    # softmax and its gradient sum over a row: the error grows with its length.
    length = shape[-1] if over_a_row else 1
    assert_close(getattr(ops, kind)(x, **exact), expected, length=length, extra=ELEMENTARY)
    # A slope is at most about 1 (selu: 1.76), but for exp; that of log_softmax sums dy over the row.
    largest = {"exponential": np.exp(x.max()), "selu": 1.8, "log_softmax": length}.get(kind, 1)
    magnitude = 2 * np.abs(dy).max() * largest
    assert_close(
        getattr(ops, f"{kind}_backward")(dy, x, **exact),
        gradient,
        length=length,
        magnitude=magnitude,
        extra=ELEMENTARY,
    )


@pytest.mark.parametrize("kind", ["gelu", "gelu_tanh", "silu", "mish"])
def test_activations_that_fall_and_rise_in_double(kind):
    """Against torch in double: TensorFlow in float32 loses 4e-6 in the slopes of mish and of the approximate gelu."""
    torch = pytest.importorskip("torch")
    approximate = {"approximate": kind == "gelu_tanh"} if "gelu" in kind else {}
    name = kind.removesuffix("_tanh")
    x = np.linspace(-12, 12, 4001, dtype=np.float32)
    dy = normal(1, *x.shape)
    variable = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    function = getattr(torch.nn.functional, name)
    expected = function(variable, approximate="tanh") if kind == "gelu_tanh" else function(variable)
    expected.backward(torch.tensor(dy, dtype=torch.float64))
    assert_close(getattr(ops, name)(x, **approximate), expected.detach().numpy(), length=1, extra=ELEMENTARY)
    mine = getattr(ops, f"{name}_backward")(dy, x, **approximate)
    assert_close(mine, variable.grad.numpy(), length=4, magnitude=np.abs(dy), extra=ELEMENTARY)


def test_activation_parameters():
    x, dy = normal(0, 4, 9), normal(1, 4, 9)
    for slope in (0.0, 0.01, 0.5):
        expected, gradient = tf_gradients(lambda x, slope=slope: tf.nn.leaky_relu(x, slope), dy, x)
        assert_close(ops.leaky_relu(x, slope), expected, length=1)
        assert_close(ops.leaky_relu_backward(dy, x, slope), gradient, length=1)
    for alpha in (0.5, 2.0):
        expected, gradient = tf_gradients(lambda x, alpha=alpha: tf.keras.activations.elu(x, alpha), dy, x)
        assert_close(ops.elu(x, alpha), expected, length=1, extra=ELEMENTARY)
        assert_close(ops.elu_backward(dy, x, alpha), gradient, length=1, magnitude=alpha * abs(dy), extra=ELEMENTARY)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_softmax_axis(axis):
    x, dy = normal(0, 4, 5, 6), normal(1, 4, 5, 6)
    expected, gradient = tf_gradients(lambda x: tf.nn.softmax(x, axis), dy, x)
    assert_close(ops.softmax(x, axis), expected, length=6, extra=ELEMENTARY)
    assert_close(ops.softmax_backward(dy, x, axis), gradient, length=6, magnitude=2, extra=ELEMENTARY)
    expected, gradient = tf_gradients(lambda x: tf.nn.log_softmax(x, axis), dy, x)
    assert_close(ops.log_softmax(x, axis), expected, length=6, extra=ELEMENTARY)
    assert_close(ops.log_softmax_backward(dy, x, axis), gradient, length=6, magnitude=6, extra=ELEMENTARY)


def test_extreme_values_as_in_keras():
    x = np.array([[np.nan, np.inf, -np.inf, 100, -100, 1e30, -1e30, 0]], np.float32)
    for kind in (
        "relu", "leaky_relu", "elu", "sigmoid", "tanh", "relu6", "selu", "exponential", "softplus", "softsign",
        "log_sigmoid", "hard_sigmoid", "gelu", "silu", "hard_silu", "mish",
    ):  # fmt: skip
        exact = {"approximate": False} if kind == "gelu" else {}
        expected = getattr(tf.keras.activations, kind)(tf.constant(x)).numpy()
        np.testing.assert_allclose(getattr(ops, kind)(x, **exact), expected, rtol=1e-5, atol=1e-30, err_msg=kind)
    x = np.array([[1000, 999, -1000], [-np.inf, 0, 0], [80, -80, 0]], np.float32)
    np.testing.assert_allclose(ops.softmax(x), tf.nn.softmax(x).numpy(), rtol=1e-5, atol=1e-30)
    assert np.isnan(ops.softmax(np.array([[np.nan, 0, 1]]))[0, 0])
