"""The functions of `day33.tf` beside TensorFlow's: on tensors, and in graphs."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, tf
from support.zoo import random

tensorflow = pytest.importorskip("tensorflow")

X, Y = random(6, 4), 2 + np.abs(random(6, 4, seed=1))
UNIT = np.tanh(X)
IMAGES = random(2, 6, 5, 3, seed=2)
LABELS = np.array([0, 3, 1, 2, 2, 0], np.int32)
UNARY = (
    "abs acos asin asinh atan atanh ceil cos cosh erf erfinv exp expm1 floor is_finite is_inf is_nan log_sigmoid "
    "negative reciprocal round sigmoid sign sin sinh softplus softsign square tan tanh"
).split()
POSITIVE = ("acosh", "log", "log1p", "rsqrt", "sqrt")
BINARY = (
    "add atan2 divide divide_no_nan equal floordiv floormod greater greater_equal less less_equal maximum minimum mod "
    "multiply multiply_no_nan not_equal pow squared_difference subtract truediv xlogy"
).split()
REDUCTIONS = "euclidean_norm logsumexp max mean min prod std sum variance".split()
# On a library t and a tensor (6, 4).
CALLS = {
    **{name: (lambda t, x, f=name: getattr(t.math, f)(t.tanh(x))) for name in UNARY},
    **{name: (lambda t, x, f=name: getattr(t.math, f)(1.5 + t.square(x))) for name in POSITIVE},
    **{name: (lambda t, x, f=name: getattr(t.math, f)(1.5 + t.square(x), Y)) for name in BINARY},
    **{f"reduce_{name}": (lambda t, x, f=name: getattr(t.math, f"reduce_{f}")(x, axis=1)) for name in REDUCTIONS},
    "reduce_mean of all": lambda t, x: t.reduce_mean(x),
    "reduce_sum with axes": lambda t, x: t.reduce_sum(x, axis=[0, 1], keepdims=True),
    "reduce_any": lambda t, x: t.reduce_any(x > 0, axis=-1),
    "logic": lambda t, x: t.logical_and(x > 0, t.logical_not(x > 1)),
    "add_n": lambda t, x: t.add_n([x, x, x]),
    "argmin": lambda t, x: t.cast(t.argmin(x, axis=1), t.int32),
    "cumsum": lambda t, x: t.cumsum(x, axis=1, exclusive=True, reverse=True),
    "transpose": lambda t, x: t.transpose(t.reshape(x, (-1, 2, 2)), perm=[0, 2, 1]),
    "stack": lambda t, x: t.stack([x, 2 * x], axis=1),
    "unstack": lambda t, x: t.unstack(x, axis=1)[2],
    "split": lambda t, x: t.split(x, 2, axis=1)[1],
    "split into sizes": lambda t, x: t.split(x, [1, 3], axis=1)[1],
    "tile": lambda t, x: t.tile(x, [1, 2]),
    "repeat": lambda t, x: t.repeat(x, 2, axis=1),
    "pad": lambda t, x: t.pad(x, [[0, 0], [1, 2]], constant_values=3),
    "pad by reflection": lambda t, x: t.pad(x, [[0, 0], [1, 2]], "REFLECT"),
    "reverse": lambda t, x: t.reverse(x, axis=[1]),
    "roll": lambda t, x: t.roll(x, shift=1, axis=1),
    "newaxis": lambda t, x: x[:, t.newaxis, ...],
    "slice": lambda t, x: t.slice(x, [0, 1], [-1, 2]),
    "gather": lambda t, x: t.gather(x, [2, 0], axis=1),
    "one_hot": lambda t, x: t.one_hot(t.cast(t.abs(x), t.int32), 3),
    "one_hot with values": lambda t, x: t.one_hot(t.cast(t.abs(x), t.int32), 3, on_value=5.0, off_value=-1.0),
    "zeros_like": lambda t, x: t.ones_like(x) + t.zeros_like(x),
    "fill": lambda t, x: x + t.fill([1, 4], 2.0),
    "stop_gradient": lambda t, x: t.stop_gradient(t.identity(x)),
    "clip": lambda t, x: t.clip_by_value(x, -0.5, 0.5),
    "where": lambda t, x: t.where(x > 0, x, t.zeros_like(x)),
    "matmul": lambda t, x: t.matmul(x, Y[:3], transpose_b=True),
    "tensordot": lambda t, x: t.tensordot(x, Y[:4], 1),
    "einsum": lambda t, x: t.einsum("bi,ij->bj", x, Y[:4]),
    "norm": lambda t, x: t.norm(x, axis=1),
    "the size of the batch": lambda t, x: x / t.cast(t.shape(x)[0], t.float32),
    "reshape by shape": lambda t, x: t.reshape(x, [t.shape(x)[0], 2, 2]),
    "zeros of the batch": lambda t, x: t.zeros([t.shape(x)[0], 2]),
    "l2_normalize": lambda t, x: t.math.l2_normalize(x, axis=-1),
    "softmax": lambda t, x: t.nn.softmax(x) + t.nn.log_softmax(x, axis=-1),
    "activations": lambda t, x: t.nn.relu(x) + t.nn.elu(x) + t.nn.selu(x) + t.nn.silu(x) + t.nn.softplus(x),
    "leaky_relu": lambda t, x: t.nn.leaky_relu(x, alpha=0.1) + t.nn.gelu(x) + t.nn.relu6(x),
    "moments": lambda t, x: t.nn.moments(x, axes=[1])[1],
    "bias_add": lambda t, x: t.nn.bias_add(x, np.arange(4, dtype=np.float32)),
    "sigmoid cross-entropy": lambda t, x: t.nn.sigmoid_cross_entropy_with_logits(labels=t.sigmoid(x), logits=x),
    "softmax cross-entropy": lambda t, x: t.nn.softmax_cross_entropy_with_logits(t.nn.softmax(2 * x), x),
    "sparse cross-entropy": lambda t, x: t.nn.sparse_softmax_cross_entropy_with_logits(
        labels=t.cast(t.argmax(2 * x, axis=1), t.int32), logits=x
    ),
}
ON_IMAGES = {
    "conv2d": lambda t, x: t.nn.conv2d(x, random(3, 2, 3, 4), strides=[1, 2, 2, 1], padding="SAME"),
    "conv1d": lambda t, x: t.nn.conv1d(x[:, 0], random(3, 3, 4), stride=1, padding="VALID"),
    "max_pool2d": lambda t, x: t.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID"),
    "avg_pool2d": lambda t, x: t.nn.avg_pool2d(x, ksize=[2, 2], strides=[1, 1], padding="SAME"),
    "resize": lambda t, x: t.image.resize(x, (9, 4)),
    "resize to the nearest": lambda t, x: t.image.resize(x, (3, 10), method="nearest"),
    "gray": lambda t, x: t.image.rgb_to_grayscale(t.abs(x)),
    "mirrored": lambda t, x: t.image.flip_left_right(t.image.flip_up_down(x)),
}


def compare_calls(function, x):
    """On tensors, and in a graph."""
    correct = np.asarray(function(tensorflow, tensorflow.constant(x)))
    mine = function(tf, tf.constant(x))
    assert isinstance(mine, tf.Tensor) and mine.shape == correct.shape and mine.dtype == correct.dtype
    np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-5)
    i = day33.Input(x.shape[1:])
    found = day33.Model(i, function(tf, i))(x)
    assert found.shape == correct.shape
    np.testing.assert_allclose(found, correct, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_functions(name):
    compare_calls(CALLS[name], X)


@pytest.mark.parametrize("name", ON_IMAGES)
def test_functions_of_images(name):
    compare_calls(ON_IMAGES[name], IMAGES)


NEW = {
    "eye": lambda t: t.eye(3),
    "range": lambda t: t.range(5),
    "range with steps": lambda t: t.range(1, 9, 3),
    "linspace": lambda t: t.linspace(0.0, 1.0, 5),
    "fill": lambda t: t.fill([2, 2], 7),
    "rank and size": lambda t: t.rank(X) + t.size(X),
    "top_k": lambda t: t.math.top_k(X, 2)[1],
    "sort": lambda t: t.sort(X, axis=0, direction="DESCENDING"),
    "meshgrid": lambda t: t.meshgrid([1.0, 2.0], [3.0, 4.0, 5.0])[1],
    "a cube of ints": lambda t: t.reduce_sum(t.constant([[1, 2], [3, 4]]), axis=0),
    "an expand of int64": lambda t: t.expand_dims(t.constant([1], dtype=t.int64), 0),
    "a stack of int64": lambda t: t.stack([t.constant([1], dtype=t.int64)] * 2),
}


@pytest.mark.parametrize("name", NEW)
def test_new_tensors(name):
    mine, correct = NEW[name](tf), np.asarray(NEW[name](tensorflow))
    assert mine.shape == correct.shape and mine.dtype == correct.dtype
    np.testing.assert_allclose(mine, correct, rtol=1e-6)


def test_random_tensors():
    for values, bounds in (
        (tf.random.normal([1000, 3], 2.0, 0.5, seed=1), (-1.0, 5.0)),
        (tf.random.uniform(tf.constant([1000, 3]), 1.0, 3.0, seed=1), (1.0, 3.0)),
        (tf.random.truncated_normal((1000, 3), 2.0, 0.5, seed=1), (1.0, 3.0)),
    ):
        assert isinstance(values, tf.Tensor) and values.shape == (1000, 3) and values.dtype == np.float32
        assert bounds[0] <= values.min() and values.max() <= bounds[1] and abs(values.mean() - 2) < 0.1
    assert tf.random.uniform((5,), 0, 10, tf.int32, seed=1).dtype == np.int32
    assert tf.random.categorical(np.zeros((2, 3)), 4).dtype == np.int64
    assert sorted(tf.random.shuffle(np.arange(5))) == list(range(5))


def test_the_sampling_layer_of_the_tutorial():
    """As variational auto-encoders have it."""

    class Sampling(layers.Layer):
        def call(self, inputs):
            z_mean, z_log_var = inputs
            batch = tf.shape(z_mean)[0]
            dim = tf.shape(z_mean)[1]
            epsilon = tf.random.normal(shape=(batch, dim))
            return z_mean + tf.exp(0.5 * z_log_var) * epsilon

    a, b = day33.Input((4,)), day33.Input((4,))
    model = day33.Model([a, b], Sampling()([a, b]))
    mean = random(2000, 4)
    z = model.predict([mean, np.full((2000, 4), np.log(0.25), np.float32)], verbose=0)
    assert abs((z - mean).std() - 0.5) < 0.02 and abs((z - mean).mean()) < 0.02


ON_A_TAPE = (
    "gather", "matmul", "moments", "norm", "one_hot", "pad", "reduce_mean of all", "softmax", "transpose", "where",
)  # fmt: skip


@pytest.mark.parametrize("name", ON_A_TAPE)
def test_gradients_of_watched_tensors(name):
    found = []
    for library in (tf, tensorflow):
        x = library.constant(X)
        with library.GradientTape() as tape:
            tape.watch(x)
            y = library.reduce_sum(library.square(CALLS[name](library, x)))
        found.append(tape.gradient(y, x))
    if found[1] is None:
        assert found[0] is None or not np.any(found[0])
    else:
        np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_functions_of_variables_on_a_tape():
    found = []
    for library in (tf, tensorflow):
        w = library.Variable(Y)
        with library.GradientTape() as tape:
            loss = library.reduce_mean(library.math.log(w) * library.nn.sigmoid(w)) + library.norm(w)
        found.append((float(loss), np.asarray(tape.gradient(loss, w))))
    assert abs(found[0][0] - found[1][0]) < 1e-5
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)


def test_functions_are_left_as_they_are():
    @tf.function
    def double(x):
        return 2.0 * x

    @tf.function(jit_compile=True)
    def triple(x):
        return 3.0 * x

    assert double(tf.constant(2.0)) == 4.0 and triple(tf.constant(2.0)) == 6.0


WRONG = {
    "batch_dims": (lambda: tf.gather(X, [0], batch_dims=1), "batch_dims is 1; expected 0"),
    "data_format": (lambda: tf.nn.conv2d(IMAGES, X, 1, "SAME", "NCHW"), "data_format is 'NCHW'; expected 'NHWC'"),
    "direction": (lambda: tf.sort(X, direction="UP"), "direction is 'UP'"),
    "aspect": (lambda: tf.image.resize(IMAGES, (2, 2), preserve_aspect_ratio=True), "expected False"),
    "padding": (lambda: tf.nn.max_pool2d(IMAGES, 2, 2, "FULL"), "padding is 'FULL'"),
    "batch_shape": (lambda: tf.eye(2, batch_shape=[3]), "batch_shape is .*; expected None"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        call()
