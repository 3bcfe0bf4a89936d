"""The functions of keras.ops.nn: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import day33
from day33 import activations, layers, ops
from day33._core.variables import Variable
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, check, compare
from support.zoo import random

pytest.importorskip("keras")

X = 2 * random(6, 4, 5)
ACTIVATIONS = {
    **{name: (lambda o, x, f=name: getattr(o, f)(x)) for name in (
        "celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax",
        "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
        "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink", "hard_shrink", "swish", "hard_swish",
    )},
    "exact gelu": lambda o, x: o.gelu(x, approximate=False),
    "leaky_relu with a slope": lambda o, x: o.leaky_relu(x, 0.4),
    "elu with a scale": lambda o, x: o.elu(x, 0.3),
    "celu with a scale": lambda o, x: o.celu(x, 0.7),
    "softmax of an inner axis": lambda o, x: o.softmax(x, axis=1),
    "softmax of axes": lambda o, x: o.softmax(x, axis=(1, 2)),
    "log_softmax of an inner axis": lambda o, x: o.log_softmax(x, axis=1),
    "softmax over the batch": lambda o, x: o.softmax(x, axis=0),
    "glu": lambda o, x: o.glu(x, axis=1),
    "threshold": lambda o, x: o.threshold(x, 0.3, -2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    check(ACTIVATIONS[name], X, exact=False, tolerance=2e-6)


@pytest.mark.parametrize("kind", sorted(activations.names() - {"gelu_tanh"}))
def test_the_functions_of_activations_in_graphs(kind):
    """With their own arguments and defaults; an activation that layers take does the same."""
    function = getattr(activations, kind)
    traced = Traced(lambda _, x: [function(x), activations.get(kind)(x)], [X])
    for result in traced.forward():
        compare(result, function(X), 1e-6, kind)


@pytest.mark.parametrize("slope, limit, border", itertools.product((0.0, 0.3), (None, 0.8), (0.0, 0.2, -0.4)))
def test_relu_with_options(slope, limit, border):
    x = np.round(4 * X) / 4 + np.float32(0.125)  # off the kinks
    traced = Traced(lambda _, t: activations.relu(t, slope, limit, border), [x])
    np.testing.assert_allclose(traced.forward()[0], activations.relu(x, slope, limit, border), rtol=1e-6, atol=1e-7)
    dy = random(*x.shape, seed=1)
    expected = ops.relu_backward(dy, x, slope, limit, border)
    np.testing.assert_allclose(traced.backward([dy])[0][0], expected, rtol=1e-6, atol=1e-7)


IMAGES, SERIES = random(3, 9, 8, 4), random(3, 11, 4)
KERNEL = {2: random(3, 2, 4, 6, seed=1), 1: random(3, 4, 6, seed=1)}
OPTIONS = [
    dict(axes=axes, strides=s, padding=p, dilation_rate=d)
    for axes, (s, d), p in itertools.product((1, 2), ((1, 1), (2, 1), (1, 2)), ("valid", "same"))
]


def inputs(axes):
    return SERIES if axes == 1 else IMAGES


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_conv(options):
    axes, arguments = options["axes"], {k: v for k, v in options.items() if k != "axes"}
    traced = check(lambda o, x: o.conv(x, KERNEL[axes], **arguments), inputs(axes), exact=False)
    assert not isinstance(traced.compiled.plan, StagedPlan)
    check(lambda o, x: o.depthwise_conv(x, KERNEL[axes][..., :2], **arguments), inputs(axes), exact=False)
    pointwise = random(*[1] * axes, 8, 3, seed=2)
    check(lambda o, x: o.separable_conv(x, KERNEL[axes][..., :2], pointwise, **arguments), inputs(axes), exact=False)
    kernel = np.swapaxes(KERNEL[axes], -1, -2)
    transposed = {k: v for k, v in arguments.items() if k != "dilation_rate"}
    check(lambda o, x: o.conv_transpose(x, kernel, **transposed), inputs(axes), exact=False)


@pytest.mark.parametrize("axes", [1, 2])
def test_conv_in_groups(axes):
    check(lambda o, x: o.conv(x, KERNEL[axes][..., :2, :]), inputs(axes), exact=False)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size, strides", [(2, None), (3, 2), (2, 1)])
def test_pooling(axes, padding, size, strides):
    check(lambda o, x: o.max_pool(x, size, strides, padding), inputs(axes))
    check(lambda o, x: o.average_pool(x, size, strides, padding), inputs(axes))


def test_sizes_for_each_axis():
    check(lambda o, x: o.conv(x, KERNEL[2], (2, 1), "same"), IMAGES, exact=False)
    check(lambda o, x: o.max_pool(x, (3, 2), (1, 2)), IMAGES)
    check(lambda o, x: o.conv_transpose(x, np.swapaxes(KERNEL[2], 2, 3), 2, "same", 1), IMAGES, exact=False)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_variable_kernel_has_a_gradient(axes):
    """As that of a layer; and one that is made of a variable, as by weight normalisation."""
    x, kernel = inputs(axes), Variable(KERNEL[axes])
    layer = getattr(layers, f"Conv{axes}D")(6, KERNEL[axes].shape[:axes], use_bias=False)
    layer.build(x.shape)
    layer.set_weights([KERNEL[axes]])
    plain = Traced(lambda o, t: o.conv(t, kernel), [x])
    np.testing.assert_array_equal(plain.forward()[0], layer(x))
    scaled = Traced(lambda o, t: o.conv(t, kernel / o.sqrt(o.sum(o.square(kernel)))), [x])
    norm = np.sqrt(np.sum(np.square(KERNEL[axes], dtype=np.float64)))
    compare(scaled.forward()[0], np.float64(plain.forward()[0]) / norm, 1e-5, "scaled")
    dy = random(*layer(x).shape, seed=3)
    _, (dk,) = plain.backward([dy])
    _, (dk_scaled,) = scaled.backward([dy])
    k = np.float64(KERNEL[axes])
    compare(dk_scaled, dk / norm - k * np.sum(dk * k) / norm**3, 1e-5, "the gradient of a quotient")


T = 0.9 * np.abs(random(6, 4, 5, seed=7)) / np.abs(random(6, 4, 5, seed=7)).max()
P = np.clip(np.abs(random(6, 4, 5, seed=8)), 0.05, 0.9)
LABELS = np.arange(24).reshape(6, 4) % 5
ENTROPIES = {
    "binary": (lambda o, t, p: o.binary_crossentropy(t, p), T, P),
    "binary from logits": (lambda o, t, z: o.binary_crossentropy(t, z, from_logits=True), T, X),
    "categorical": (lambda o, t, p: o.categorical_crossentropy(t, p), T, P),
    # TensorFlow's gradient takes it for granted that targets add up to 1.
    "categorical from logits": (
        lambda o, t, z: o.categorical_crossentropy(t, z, from_logits=True), T / T.sum(-1, keepdims=True), X
    ),
    "categorical of an axis": (lambda o, t, p: o.categorical_crossentropy(t, p, axis=1), T, P),
    "sparse": (lambda o, p, i: o.sparse_categorical_crossentropy(i, p), P, LABELS),
    "sparse from logits": (lambda o, z, i: o.sparse_categorical_crossentropy(i, z, from_logits=True), X, LABELS),
    "sparse with an axis": (lambda o, p, i: o.sparse_categorical_crossentropy(o.expand_dims(i, -1), p), P, LABELS),
}  # fmt: skip


@pytest.mark.parametrize("name", ENTROPIES)
def test_crossentropies(name):
    function, *arrays = ENTROPIES[name]
    check(function, *arrays, exact=False, tolerance=1e-5)


NORMALIZING = {
    "moments": lambda o, x: o.moments(x, [1]),
    "moments of an axis": lambda o, x: o.moments(x, 2, keepdims=True),
    "moments over the batch": lambda o, x: o.moments(x, [0]),
    "moments of all": lambda o, x: o.moments(x, [0, 1, 2]),
    "normalize": lambda o, x: o.normalize(x),
    "normalize along axes": lambda o, x: o.normalize(x, axis=(1, 2)),
    "normalize by sums": lambda o, x: o.normalize(x, axis=1, order=1),
    "normalize by cubes": lambda o, x: o.normalize(x, order=3),
    "layer_normalization": lambda o, x: o.layer_normalization(x),
    "layer_normalization with weights": lambda o, x: o.layer_normalization(
        x, random(5, seed=1), random(5, seed=2), axis=-1, epsilon=1e-3
    ),
    "rms_normalization": lambda o, x: o.rms_normalization(x, random(5, seed=1)),
    "batch_normalization": lambda o, x: o.batch_normalization(x, random(5), np.abs(random(5, seed=1)), -1),
    "batch_normalization with weights": lambda o, x: o.batch_normalization(
        x, random(4), np.abs(random(4, seed=1)), 1, random(4, seed=2), random(4, seed=3), 1e-2
    ),
}


@pytest.mark.parametrize("name", NORMALIZING)
def test_normalizing(name):
    check(NORMALIZING[name], X, exact=False, tolerance=1e-5)


def test_normalize_by_the_largest():
    expected = X / np.abs(X).max(-1, keepdims=True)
    np.testing.assert_allclose(ops.normalize(X, order=np.inf), expected, rtol=1e-6)


SYMBOL = SymbolicTensor((None, 9, 8, 4))
WRONG = {
    "rank": (lambda: ops.conv(X[0], KERNEL[1]), r"inputs have shape \(4, 5\); expected"),
    "kernel": (lambda: ops.conv(SYMBOL, KERNEL[1]), "kernel has shape .* expected 4 axes"),
    "groups": (lambda: ops.conv(SYMBOL, KERNEL[2][:, :, :3]), "groups a divisor of C and O"),
    "too small": (lambda: ops.conv(SYMBOL, random(10, 2, 4, 6)), 'expected at least 10 cells for padding "valid"'),
    "padding": (lambda: ops.conv(SYMBOL, KERNEL[2], 1, "causal"), 'padding is \'causal\'; expected "valid" or "same"'),
    "strides": (lambda: ops.conv(SYMBOL, KERNEL[2], 0), "strides is 0; expected at least 1"),
    "strides of axes": (lambda: ops.conv(SYMBOL, KERNEL[2], (1, 1, 1)), "expected one integer, or one for each of 2"),
    "data_format": (lambda: ops.max_pool(SYMBOL, 2, data_format="channels_first"), 'expected "channels_last"'),
    "depthwise": (lambda: ops.depthwise_conv(SYMBOL, KERNEL[2][:, :, :3]), r"expected \(..., 4, M\)"),
    "transposed": (lambda: ops.conv_transpose(SYMBOL, KERNEL[2]), r"expected \(..., O, 4\)"),
    "glu": (lambda: ops.glu(X, -1), "indices_or_sections is 2 and axis -1 has length 5"),
    "axis": (lambda: ops.softmax(SYMBOL, 4), "axis is 4"),
    "celu": (lambda: ops.celu(X, 0), "alpha is 0; expected another number"),
    "labels": (lambda: ops.sparse_categorical_crossentropy(LABELS[:3], P), r"target has shape \(3, 4\)"),
    "shapes": (lambda: ops.binary_crossentropy(T[:3], P), "expected the same shape"),
    "synchronized": (lambda: ops.moments(X, 0, synchronized=True), "synchronized is True; expected False"),
    "order": (lambda: ops.normalize(X, order=0), "order is 0; expected a finite number of at least 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_kernel_that_depends_on_samples_is_refused():
    with pytest.raises(ValueError, match=r"kernel has shape \(None, 4, 2\); expected known sizes"):
        Traced(lambda o, x: o.conv(x, o.reshape(x[:, :2, 0], (-1, 4, 2))), [SERIES])


def test_namespaces():
    assert ops.nn.relu is ops.relu is activations.relu
    assert day33.keras.ops.nn.conv is ops.conv and day33.keras.ops.softmax is activations.softmax
    assert set(ops.nn.__all__) <= set(ops.__all__)
