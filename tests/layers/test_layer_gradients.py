"""Values and gradients of single layers against Keras on TensorFlow, in both layouts, on every instruction set."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import day33
from day33 import _native, layers
from day33._graph.lowering import Lowering
from support.tolerances import ELEMENTARY, TRAINING_STEPS, assert_close
from support.zoo import mobile, random, series

# Class, arguments, input shapes without the batch, the longest sum behind an entry but for the batch's.
CASES = [
    ("AveragePooling2D", {"pool_size": (2, 3), "strides": (1, 2), "padding": "same"}, [(5, 6, 3)], 6),
    ("GlobalMaxPooling2D", {}, [(3, 4, 5)], 1),
    ("GlobalMaxPooling2D", {"keepdims": True}, [(3, 4, 9)], 1),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, [(3, 4, 3)], 1),
    ("Cropping2D", {"cropping": ((1, 0), (0, 2))}, [(3, 4, 3)], 1),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, [(5, 6, 9)], 10),
    ("DepthwiseConv2D", {"kernel_size": (2, 3), "strides": 2, "activation": "silu"}, [(7, 6, 17)], 10),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "activation": "gelu"}, [(5, 6, 3)], 19),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "activation": "silu"}, [(5, 6, 3)], 30),
    ("LayerNormalization", {}, [(3, 4, 9)], 9),
    ("LayerNormalization", {"axis": [-2, -1], "epsilon": 1e-5}, [(3, 4, 5)], 20),
    ("LayerNormalization", {"center": False}, [(17,)], 17),
    ("LayerNormalization", {"scale": False}, [(3, 8)], 8),
    ("Rescaling", {"scale": 1 / 127.5, "offset": -1.0}, [(3, 4, 3)], 2),
    ("Rescaling", {"scale": [0.5, 2.0, 3.0], "offset": [1.0, 0.0, -1.0]}, [(3, 4, 3)], 2),
    ("Permute", {"dims": (3, 1, 2)}, [(3, 4, 5)], 1),
    ("RepeatVector", {"n": 3}, [(5,)], 3),
    ("ReLU", {"max_value": 1.0}, [(3, 5)], 1),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, [(7, 3)], 10),
    ("Conv1D", {"filters": 17, "kernel_size": 2, "strides": 2, "padding": "same", "activation": "tanh"}, [(7, 9)], 19),
    ("Softmax", {"axis": 1}, [(3, 9)], 3),
    ("Softmax", {"axis": (1, 3)}, [(3, 4, 5)], 15),
    ("PReLU", {}, [(3, 9)], 2),
    ("PReLU", {"shared_axes": (1, 2)}, [(3, 4, 9)], 12),
    ("Dot", {"axes": 2}, [(3, 9), (4, 9)], 9),
    ("Dot", {"axes": (1, 2), "normalize": True}, [(9,), (4, 9)], 20),
    ("Dot", {"axes": -1}, [(9,), (9,)], 9),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, [(5, 3)], 10),
    ("Conv1DTranspose", {"filters": 17, "kernel_size": 2, "strides": 3, "activation": "tanh"}, [(5, 9)], 19),
    ("DepthwiseConv1D", {"kernel_size": 3, "padding": "same", "depth_multiplier": 2}, [(7, 5)], 10),
    ("DepthwiseConv1D", {"kernel_size": 2, "strides": 2, "activation": "silu"}, [(7, 17)], 10),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "activation": "silu"}, [(7, 3)], 30),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, [(7, 9)], 3),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, [(7, 9)], 3),
    ("GlobalMaxPooling1D", {"keepdims": True}, [(7, 9)], 1),
    ("GlobalAveragePooling1D", {}, [(7, 9)], 7),
    ("UpSampling1D", {"size": 3}, [(5, 9)], 3),
    ("ZeroPadding1D", {"padding": (2, 1)}, [(5, 9)], 1),
    ("Cropping1D", {"cropping": (2, 1)}, [(5, 9)], 1),
    *((name, {}, [(3, 4, 5), (3, 4, 5)], 2) for name in ("Subtract", "Multiply", "Maximum", "Minimum", "Average")),
    *((name, {}, [(3, 4, 5), (1, 1, 5), (4, 1)], 12) for name in ("Add", "Multiply", "Maximum", "Minimum", "Average")),
    *(("Conv2D", {"filters": 9, "kernel_size": 3, "activation": a}, [(5, 4, 3)], 82)
      for a in ("gelu", "silu", "mish", "hard_silu", "softplus", "selu", "log_softmax")),
    *(("Dense", {"units": 5, "activation": a}, [(3, 7)], 8) for a in ("gelu", "silu", "mish", "hard_sigmoid")),
    ("Dense", {"units": 1, "activation": "gelu"}, [(7,)], 8),
    ("Dense", {"units": 300, "activation": "gelu"}, [(256,)], 257),  # by products of matrices
]  # fmt: skip
BATCH = 35  # two tiles and three samples more where there are 16 lanes


@functools.cache
def expected(case):
    """(arrays, weights, dy, [y, gradients of the inputs, of the weights]) with Keras."""
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    name, arguments, shapes, _ = CASES[case]
    layer = getattr(keras.layers, name)(**arguments)
    # Halves of whole numbers: maxima meet, and have to share or to choose.
    ties = name in ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "MaxPooling1D", "Maximum", "Minimum")
    xs = [random(BATCH, *shape, seed=i) for i, shape in enumerate(shapes)]
    if ties:
        xs = [np.round(2 * x) / 2 for x in xs]
    given = [tf.constant(x) for x in xs]
    layer(given if len(given) > 1 else given[0])
    weights = [random(*v.shape, seed=9 + i) for i, v in enumerate(layer.weights)]
    layer.set_weights(weights)
    variables = [v.value for v in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = layer(given if len(given) > 1 else given[0])
    dy = random(*y.shape, seed=5)
    gradients = tape.gradient(y, [*given, *variables], tf.constant(dy))
    return xs, weights, dy, [np.asarray(y), *(np.asarray(g) for g in gradients)]


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{n}-{a}-{len(s)}" for n, a, s, _ in CASES])
def test_gradients_of_keras(case, layout, isa):
    xs, weights, dy, results = expected(case)
    name, arguments, shapes, length = CASES[case]
    if name == "Dot" and arguments == {"axes": 2} and layout == "lanes":
        pytest.skip("products of matrices have no lanes")
    layer = getattr(layers, name)(**arguments)
    batched = [(None, *shape) for shape in shapes]
    layer.build(batched if len(shapes) > 1 else batched[0])
    lowering = Lowering()
    inputs = [lowering.input(shape, "float32") for shape in shapes]
    for without in ([], ["activation"]):
        outputs = layer.lower(lowering, inputs)
        plan = lowering.builder.build(outputs, layout=layout, without=without)
        y = plan.forward(xs, weights)[0]
        dx, dweights = plan.backward(xs, [dy], weights)
        names = ["y", *(f"dx[{i}]" for i in range(len(xs))), *(f"dweights[{i}]" for i in range(len(weights)))]
        for what, mine, theirs in zip(names, [y, *dx, *dweights], results, strict=True):
            # Weights gather over batch and pixels; both sides err, and normalisation divides by a deviation.
            terms = BATCH * dy[0].size // dy.shape[-1] if what.startswith("dw") else length + 16
            magnitude = max(8.0, 4 * np.abs(theirs).max())
            assert_close(mine, theirs, length=min(terms, 64), magnitude=magnitude, extra=ELEMENTARY, what=what)
        lowering = Lowering()
        inputs = [lowering.input(shape, "float32") for shape in shapes]


@pytest.mark.parametrize("activation", ["gelu", "silu", "mish"])
def test_activations_that_read_their_input_are_fused(activation, isa):
    """With a convolution, but not also with the pooling after it: that keeps only what won, not what went in."""
    builder = _native.PlanBuilder()
    x = builder.input((6, 5, 3))
    y = builder.conv2d(x, builder.parameter((3, 3, 3, 4)), activation=activation)
    pooled = builder.max_pool2d(y, pool_size=(2, 2), strides=(2, 2), padding="valid")[0]
    plan = builder.build([pooled])
    assert [row["detail"] for row in plan.describe()] == [f"3x3 3->4 + {activation}", "2x2"]


@pytest.mark.parametrize(
    ("build", "x", "y"),
    [
        (mobile, 100 * random(40, 11, 10, 3), random(40, 3, 2, seed=1)),
        (series, random(40, 22, 3), [random(40, 22, 3, seed=1), random(40, 2, seed=2)]),
    ],
    ids=["mobile", "series"],
)
def test_training_as_in_keras(build, x, y):
    """Ten steps of a model of these layers: losses and weights."""
    keras = pytest.importorskip("keras")
    ours, theirs = build(), build(keras)
    theirs.set_weights(ours.get_weights())
    histories = []
    for model, library in ((ours, day33), (theirs, keras)):
        model.compile(library.optimizers.SGD(0.05), "mse" if build is mobile else ["mse", "mse"])
        histories.append(model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=TRAINING_STEPS)
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=TRAINING_STEPS, atol=TRAINING_STEPS)
