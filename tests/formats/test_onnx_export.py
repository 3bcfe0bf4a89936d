"""Exported models in ONNX Runtime beside `predict`: every layer, functions of day33.ops, whole models, refusals."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import day33
from day33 import layers, ops
from day33._formats.onnx.builder import NOT_WRITTEN
from day33._formats.onnx.registry import WRITERS
from day33._native import PlanBuilder
from support import zoo
from support.onnx_files import assert_exports, run, samples_for, shaken

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def ops_in(path):
    """How often the graph has each op."""
    return collections.Counter(node.op_type for node in onnx.load(path).graph.node)


def test_every_op_of_plans_is_written():
    """A new op of `PlanBuilder` needs a line in `_formats/onnx`."""
    methods = {name for name in dir(PlanBuilder) if not name.startswith("_")}
    assert methods == {*WRITERS, *NOT_WRITTEN, "input", "parameter", "parameter_value"}


# ---- layers ----

IMAGE, SEQUENCE, ROW = (7, 6, 3), (8, 3), (5,)
L = layers
LAYERS = {
    "dense": (ROW, lambda: L.Dense(4, activation="relu")),
    "dense without bias": (ROW, lambda: L.Dense(4, use_bias=False)),
    "dense on sequences": (SEQUENCE, lambda: L.Dense(4, activation="softmax")),
    "flatten": (IMAGE, lambda: L.Flatten()),
    "reshape": (IMAGE, lambda: L.Reshape((14, -1))),
    "permute": (IMAGE, lambda: L.Permute((3, 1, 2))),
    "repeat vector": (ROW, lambda: L.RepeatVector(3)),
    "dropout": (ROW, lambda: L.Dropout(0.5)),
    "noise": (ROW, lambda: L.GaussianNoise(0.5)),
    "gaussian dropout": (ROW, lambda: L.GaussianDropout(0.5)),
    "alpha dropout": (ROW, lambda: L.AlphaDropout(0.5)),
    "spatial dropout": (IMAGE, lambda: L.SpatialDropout2D(0.5)),
    "identity": (ROW, lambda: L.Identity()),
    "lambda": (ROW, lambda: L.Lambda(lambda x: x * 2.0 + 1.0)),
    "rescaling": (IMAGE, lambda: L.Rescaling([0.5, 2.0, 3.0], offset=[0.0, 1.0, 2.0])),
    "normalization": (ROW, lambda: L.Normalization(mean=[1.0] * 5, variance=[2.0, 3.0, 4.0, 5.0, 6.0])),
    "prelu": (IMAGE, lambda: L.PReLU(shared_axes=[1, 2])),
    "leaky relu": (IMAGE, lambda: L.LeakyReLU(negative_slope=0.2)),
    "elu": (ROW, lambda: L.ELU(alpha=0.7)),
    "relu": (ROW, lambda: L.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.2)),
    "softmax": (IMAGE, lambda: L.Softmax(axis=1)),
    "batch normalization": (IMAGE, lambda: L.BatchNormalization()),
    "batch normalization of rows": (ROW, lambda: L.BatchNormalization(center=False)),
    "batch normalization of an axis": (IMAGE, lambda: L.BatchNormalization(axis=1, scale=False)),
    "layer normalization": (IMAGE, lambda: L.LayerNormalization()),
    "layer normalization of axes": (IMAGE, lambda: L.LayerNormalization(axis=(1, 2, 3), scale=False)),
    "convolution": (IMAGE, lambda: L.Conv2D(4, 3, activation="relu")),
    "convolution same": (IMAGE, lambda: L.Conv2D(4, (2, 3), padding="same", activation="gelu")),
    "convolution with strides": (IMAGE, lambda: L.Conv2D(4, 3, strides=(2, 3), padding="same", use_bias=False)),
    "dilated convolution": (IMAGE, lambda: L.Conv2D(4, 2, dilation_rate=(3, 2), padding="same")),
    "convolution in groups": (IMAGE, lambda: L.Conv2D(6, 2, groups=3)),
    "convolution with softmax": (IMAGE, lambda: L.Conv2D(4, 2, activation="softmax")),
    "depthwise": (IMAGE, lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")),
    "depthwise 1d": (SEQUENCE, lambda: L.DepthwiseConv1D(3, strides=2)),
    "separable": (IMAGE, lambda: L.SeparableConv2D(5, 3, padding="same", activation="relu")),
    "separable 1d": (SEQUENCE, lambda: L.SeparableConv1D(5, 3, padding="same")),
    "convolution 1d": (SEQUENCE, lambda: L.Conv1D(5, 3, strides=2, activation="tanh")),
    "causal convolution": (SEQUENCE, lambda: L.Conv1D(5, 3, dilation_rate=2, padding="causal")),
    "transposed 1d": (SEQUENCE, lambda: L.Conv1DTranspose(5, 3, strides=2, padding="same")),
    "max pooling": (IMAGE, lambda: L.MaxPooling2D(2)),
    "max pooling same": (IMAGE, lambda: L.MaxPooling2D(3, strides=2, padding="same")),
    "average pooling": (IMAGE, lambda: L.AveragePooling2D((3, 2), strides=1)),
    "average pooling same": (IMAGE, lambda: L.AveragePooling2D(3, strides=2, padding="same")),
    "max pooling 1d": (SEQUENCE, lambda: L.MaxPooling1D(3, strides=2, padding="same")),
    "average pooling 1d": (SEQUENCE, lambda: L.AveragePooling1D(3, strides=2, padding="same")),
    "global average": (IMAGE, lambda: L.GlobalAveragePooling2D()),
    "global average kept": (IMAGE, lambda: L.GlobalAveragePooling2D(keepdims=True)),
    "global max": (IMAGE, lambda: L.GlobalMaxPooling2D()),
    "global average 1d": (SEQUENCE, lambda: L.GlobalAveragePooling1D()),
    "global max 1d": (SEQUENCE, lambda: L.GlobalMaxPooling1D(keepdims=True)),
    "up-sampling": (IMAGE, lambda: L.UpSampling2D((2, 3))),
    "up-sampling bilinear": (IMAGE, lambda: L.UpSampling2D((2, 3), interpolation="bilinear")),
    "up-sampling by nails": (IMAGE, lambda: L.UpSampling2D((2, 3), interpolation="bed_of_nails")),
    "up-sampling 1d": (SEQUENCE, lambda: L.UpSampling1D(3)),
    "zero padding": (IMAGE, lambda: L.ZeroPadding2D(((1, 2), (0, 3)))),
    "zero padding 1d": (SEQUENCE, lambda: L.ZeroPadding1D((2, 1))),
    "cropping": (IMAGE, lambda: L.Cropping2D(((1, 2), (0, 3)))),
    "cropping 1d": (SEQUENCE, lambda: L.Cropping1D((2, 1))),
    "lstm": (SEQUENCE, lambda: L.LSTM(4)),
    "lstm sequences": (SEQUENCE, lambda: L.LSTM(4, return_sequences=True, go_backwards=True, use_bias=False)),
    "lstm with other activations": (SEQUENCE, lambda: L.LSTM(4, "relu", "hard_sigmoid", return_sequences=True)),
    "lstm as a loop": (SEQUENCE, lambda: L.LSTM(4, "gelu", "sigmoid", return_sequences=True)),
    "lstm with dropout": (SEQUENCE, lambda: L.LSTM(4, dropout=0.5, recurrent_dropout=0.5)),
    "gru": (SEQUENCE, lambda: L.GRU(4, return_sequences=True)),
    "gru reset before": (SEQUENCE, lambda: L.GRU(4, reset_after=False)),
    "gru as a loop": (SEQUENCE, lambda: L.GRU(4, "silu", return_sequences=True)),
    "gru reset before as a loop": (SEQUENCE, lambda: L.GRU(4, "silu", reset_after=False)),
    "simple rnn": (SEQUENCE, lambda: L.SimpleRNN(4)),
    "simple rnn with elu": (SEQUENCE, lambda: L.SimpleRNN(4, "elu", return_sequences=True)),
    "simple rnn as a loop": (SEQUENCE, lambda: L.SimpleRNN(4, "selu", return_sequences=True)),
    "bidirectional": (SEQUENCE, lambda: L.Bidirectional(L.LSTM(4, return_sequences=True))),
    "bidirectional sum": (SEQUENCE, lambda: L.Bidirectional(L.GRU(4), merge_mode="sum")),
    "stacked cells": (SEQUENCE, lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)]))),
    "time distributed": ((4, *IMAGE), lambda: L.TimeDistributed(L.Conv2D(2, 3, activation="relu"))),
    "masked lstm": (SEQUENCE, lambda: day33.Sequential([L.Masking(), L.LSTM(4, return_sequences=True)])),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer(path, name):
    shape, make = LAYERS[name]
    model = day33.Sequential([layers.Input(shape), make()])
    assert_exports(shaken(model) if name != "normalization" else model, path)


TRANSPOSED = [
    (kernel, strides, padding, extra)
    for kernel in (1, 2, 3, 4)
    for strides in (1, 2, 3)
    for padding in ("valid", "same")
    for extra in (None, 0, 1)
    if extra is None or extra < strides
    if (padding, kernel % 2, extra) != ("same", 0, 0)  # day33 itself refuses it
]


@pytest.mark.parametrize(("kernel", "strides", "padding", "extra"), TRANSPOSED)
def test_transposed_convolution(path, kernel, strides, padding, extra):
    layer = layers.Conv2DTranspose(3, kernel, strides=strides, padding=padding, output_padding=extra)
    assert_exports(shaken(day33.Sequential([layers.Input(IMAGE), layer])), path)


def test_dilated_transposed_convolution(path):
    layer = layers.Conv2DTranspose(3, 3, dilation_rate=2, padding="same")
    assert_exports(shaken(day33.Sequential([layers.Input(IMAGE), layer])), path)


@pytest.mark.parametrize("kind", [
    "linear", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "log_softmax", "relu6", "selu", "exponential",
    "softplus", "softsign", "log_sigmoid", "hard_sigmoid", "gelu", "silu", "hard_silu", "mish",
])  # fmt: skip
@pytest.mark.parametrize("opset", [18, 23])
def test_activation(path, kind, opset):
    model = day33.Sequential([layers.Input(IMAGE), layers.Conv2D(4, 2), layers.Activation(kind)])
    assert_exports(shaken(model), path, opset_version=opset)


@pytest.mark.parametrize("merge", ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate"])
def test_merging(path, merge):
    a, b = layers.Input(IMAGE), layers.Input(IMAGE)
    left, right = layers.Conv2D(4, 3)(a), layers.Conv2D(4, 3)(b)
    merged = getattr(layers, merge)()([left, right])
    model = day33.Model([a, b], layers.Conv2D(2, 2)(merged))
    assert_exports(shaken(model), path)
    assert ops_in(path)["Transpose"] == 3  # of the inputs and of the output


def test_dot(path):
    a, b = layers.Input((4, 3)), layers.Input((5, 3))
    assert_exports(day33.Model([a, b], layers.Dot(axes=2, normalize=True)([a, b])), path)


def test_embedding(path):
    tokens = layers.Input((6,), dtype="int32")
    hidden = layers.Embedding(7, 4)(tokens)
    model = day33.Model(tokens, layers.Dense(3)(layers.LSTM(5, return_sequences=True)(hidden)))
    assert_exports(shaken(model), path)
    (entry,) = onnx.load(path).graph.input
    assert entry.type.tensor_type.elem_type == onnx.TensorProto.INT32


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("options", [{"return_sequences": True}, {}], ids=["sequences", "last"])
def test_masks(path, cell, options):
    """Zeros are masked wherever they are: in front, in the middle, behind, and everywhere."""
    tokens = layers.Input((6,), dtype="int32")
    hidden = layers.Embedding(7, 4, mask_zero=True)(tokens)
    first = layers.Bidirectional(getattr(layers, cell)(3, return_sequences=True))(hidden)
    model = shaken(day33.Model(tokens, layers.Dense(2)(getattr(layers, cell)(5, **options)(first))))
    rows = [[0, 0, 1, 2, 3, 4], [1, 2, 0, 0, 3, 4], [1, 2, 3, 4, 0, 0], [0, 0, 0, 0, 0, 0], [0, 1, 0, 2, 0, 3]]
    assert_exports(model, path, inputs=[np.array(rows, np.int32)])


def test_masked_average(path):
    tokens = layers.Input((6,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(7, 4, mask_zero=True)(tokens))
    rows = np.array([[0, 0, 1, 2, 3, 4], [1, 2, 0, 0, 3, 4], [5, 0, 0, 0, 0, 0]], np.int32)
    assert_exports(shaken(day33.Model(tokens, pooled)), path, inputs=[rows])


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_states(path, cell, activation):
    x, count = layers.Input(SEQUENCE), 2 if cell == "LSTM" else 1
    given = [layers.Input((4,)) for _ in range(count)]
    layer = getattr(layers, cell)(4, activation, return_sequences=True, return_state=True)
    assert_exports(shaken(day33.Model([x, *given], layer(x, initial_state=given))), path)


def test_indices_of_pooling(path):
    x = layers.Input((8, 6, 3))
    pooled, places = layers.MaxPooling2D(2, return_indices=True)(x)
    back = layers.MaxUnpooling2D((8, 6))([pooled, places])
    assert_exports(day33.Model(x, [pooled, places, back]), path)


# ---- functions of day33.ops ----

FUNCTIONS = {
    "broadcasting": lambda x, y: x * 2.0 + y[:, :, None, :] - 0.5 / (1.0 + ops.square(x)),
    "roots and powers": lambda x, y: ops.sqrt(ops.abs(x)) + ops.rsqrt(1.0 + x * x) + ops.tanh(x) ** 3,
    "exponentials": lambda x, y: ops.exp(-x) + ops.expm1(0.3 * x) + ops.log1p(ops.abs(x)) + ops.exp2(x),
    "logarithms": lambda x, y: ops.log(1.5 + x * x) + ops.log2(1.5 + x * x) + ops.log10(1.5 + x * x),
    "circle": lambda x, y: ops.sin(x) + ops.cos(x) + ops.tan(0.3 * x) + ops.arctan(x) + ops.arcsin(ops.tanh(x)),
    "hyperbola": lambda x, y: ops.sinh(x) + ops.cosh(x) + ops.arcsinh(x) + ops.arccosh(1.5 + x * x)
    + ops.arctanh(0.9 * ops.tanh(x)) + ops.arccos(0.9 * ops.tanh(x)),
    "roundings": lambda x, y: ops.floor(x) + ops.ceil(2 * x) + ops.round(3 * x) + ops.trunc(4 * x) + ops.sign(x),
    "error function": lambda x, y: ops.erf(x),
    "arctan2": lambda x, y: ops.arctan2(x, x[:, ::-1]),
    "remainders": lambda x, y: ops.mod(x, 0.7) + ops.floor_divide(x, 0.3) + ops.mod(x, -1.3),
    "choice": lambda x, y: ops.where(ops.logical_and(x > 0.1, ops.logical_not(x > 1.0)), x, 0.3 * x),
    "comparisons": lambda x, y: ops.cast(x >= 0.0, "float32") + ops.cast(ops.not_equal(x, 0.0), "int32"),
    "truth values": lambda x, y: ops.logical_xor(x > 0.5, x < -0.5),
    "integers": lambda x, y: ops.cast(3 * x, "int32") // 2 + ops.mod(ops.cast(5 * x, "int32"), 3),
    "clip": lambda x, y: ops.clip(x, -0.7, 0.8),
    "finite": lambda x, y: ops.isfinite(ops.log(x)),
    "sums": lambda x, y: ops.sum(x, axis=1) + ops.mean(x, axis=1) + ops.max(x, axis=1) - ops.min(x, axis=1),
    "sums kept": lambda x, y: ops.sum(x, axis=(2, 3), keepdims=True) + ops.prod(x, axis=-1, keepdims=True),
    "variance": lambda x, y: ops.var(x, axis=(1, 3)) + ops.std(x, axis=(1, 3)),
    "logsumexp": lambda x, y: ops.logsumexp(x, axis=-1),
    "any and all": lambda x, y: [ops.any(x > 1.0, axis=1), ops.all(x < 1.0, axis=-1)],
    "argmax": lambda x, y: [ops.argmax(x, axis=-1), ops.argmin(x, axis=1)],
    "running": lambda x, y: ops.cumsum(x, axis=1) + ops.cumprod(x, axis=1) + ops.cumprod(x, axis=-1),
    "softmax": lambda x, y: ops.softmax(x, axis=1) + ops.log_softmax(x, axis=-1),
    "norm": lambda x, y: ops.norm(x, axis=-1) + ops.norm(x, ord=1, axis=-1),
    "transpose": lambda x, y: ops.transpose(x, (0, 3, 1, 2)),
    "moveaxis": lambda x, y: ops.moveaxis(x, 1, -1),
    "matmul": lambda x, y: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
    "matmul by a row": lambda x, y: ops.matmul(x, y[:, None, 0, :, None]),
    "einsum": lambda x, y: ops.einsum("nhwc,nhc->nwh", x, y),
    "slices": lambda x, y: x[:, 1:, ::-1, :2] + x[:, :-1, :, 1:3],
    "cells": lambda x, y: x[:, 2, -1],
    "expanded": lambda x, y: ops.squeeze(ops.expand_dims(x, 2), 2) + 1.0,
    "joined": lambda x, y: ops.concatenate([x, ops.flip(x, 1), y[:, :, None, :]], axis=2),
    "stacked": lambda x, y: ops.stack([x, 2 * x], axis=1),
    "split": lambda x, y: ops.split(x, [1, 3], axis=2),
    "constant pad": lambda x, y: ops.pad(x, ((0, 0), (1, 2), (0, 0), (2, 1)), constant_values=0.5),
    "reflected pad": lambda x, y: ops.pad(x, ((0, 0), (1, 2), (3, 0), (0, 0)), mode="reflect"),
    "symmetric pad": lambda x, y: ops.pad(x, ((0, 0), (5, 2), (3, 0), (0, 0)), mode="symmetric"),
    "repeated": lambda x, y: ops.tile(ops.repeat(x, 2, axis=1), (1, 1, 2, 1)),
    "rolled": lambda x, y: ops.roll(x, 1, axis=2),
    "taken": lambda x, y: ops.take(x, [0, 2, 1, -1], axis=2),
    "taken by tensors": lambda x, y: ops.take_along_axis(x, ops.argmax(x, axis=-1, keepdims=True), axis=-1),
    "table": lambda x, y: ops.take(np.arange(10.0, dtype=np.float32).reshape(5, 2), ops.argmax(x, axis=-1), axis=0),
    "one hot": lambda x, y: ops.one_hot(ops.argmax(x, axis=-1), 4),
    "one hot of what is not there": lambda x, y: ops.one_hot(ops.cast(3 * x, "int32"), 2),
    "broadcast": lambda x, y: ops.broadcast_to(ops.mean(x, axis=1, keepdims=True), ops.shape(x)) + x,
    "triangle": lambda x, y: ops.tril(x),
    "constant joined": lambda x, y: ops.concatenate([x, x * 0.0 + 1.0], axis=1),
    "normalized": lambda x, y: ops.normalize(x, axis=-1),
    "bilinear": lambda x, y: ops.image.resize(x, (9, 3), interpolation="bilinear"),
    "nearest": lambda x, y: ops.image.resize(x, (9, 3), interpolation="nearest"),
    "bicubic": lambda x, y: ops.image.resize(x, (9, 3), interpolation="bicubic", antialias=True),
    "lanczos": lambda x, y: ops.image.resize(x, (7, 11), interpolation="lanczos3"),
    "convolution": lambda x, y: ops.conv(x, np.ones((2, 2, 3, 2), np.float32) / 3, padding="same", strides=2),
    "average pool": lambda x, y: ops.average_pool(x, 2, padding="same") + ops.max_pool(x, 2, padding="same"),
}  # fmt: skip


@pytest.mark.parametrize("behind", [False, True], ids=["input", "convolution"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(path, name, behind):
    """On an input, and on the result of a convolution, which has its channels first."""
    image, rows = layers.Input((5, 4, 3)), layers.Input((5, 3))
    x = layers.Conv2D(3, 1, name="before")(image) if behind else image
    outputs = FUNCTIONS[name](x, rows)
    assert_exports(shaken(day33.Model([image, rows], outputs)), path)


class Scaled(layers.Layer):
    """A layer with weights of its own, and arithmetic of weights alone."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 4), name="kernel")

    def call(self, x):
        return x @ (self.kernel / (1.0 + ops.norm(self.kernel, axis=0, keepdims=True)))


def test_own_layer(path):
    model = shaken(day33.Sequential([layers.Input(ROW), Scaled(), layers.Dense(2)]))
    assert_exports(model, path)
    weights = {item.name for item in onnx.load(path).graph.initializer}
    assert {variable.path for variable in model.layers[1].weights} <= weights


class Subclass(day33.Model):
    """A model that is defined by its code."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first = layers.Dense(6, activation="relu")
        self.second = layers.Dense(2)

    def call(self, x, training=None):
        hidden = self.first(x)
        return self.second(ops.where(hidden > 0.5, hidden, 0.1) if not training else hidden)


def test_subclass(path):
    model = Subclass()
    model.build((None, 5))
    assert_exports(model, path, input_signature=[layers.Input((5,))], inputs=[zoo.random(3, 5)])


# ---- whole models ----


@pytest.mark.parametrize("opset", [18, 20, 23])
@pytest.mark.parametrize("kind", ["upsampling", "transposed"])
def test_autoencoder(path, kind, opset):
    """The note's two networks. There is a transpose at each end and none between."""
    model = zoo.autoencoder(kind)
    assert_exports(model, path, opset_version=opset)
    assert ops_in(path)["Transpose"] == 2
    graph = onnx.load(path).graph
    sizes = [[d.dim_param or d.dim_value for d in item.type.tensor_type.shape.dim] for item in graph.input]
    assert sizes == [["batch", 28, 28, 1]]
    assert [item.name for item in graph.input] == model.input_names
    assert [item.name for item in graph.output] == model.output_names


@pytest.mark.parametrize("make", [zoo.branched, zoo.nested, zoo.mobile, zoo.sequence], ids=lambda make: make.__name__)
def test_model(path, make):
    assert_exports(shaken(make()), path)


def test_sequences_of_sequence_layers_keep_their_layout(path):
    model = day33.Sequential([
        layers.Input((16, 2)), layers.Conv1D(4, 3, padding="same", activation="relu"), layers.MaxPooling1D(2),
        layers.BatchNormalization(), layers.Conv1D(3, 3), layers.UpSampling1D(2), layers.GlobalMaxPooling1D(),
    ])  # fmt: skip
    assert_exports(shaken(model), path)
    assert ops_in(path)["Transpose"] == 1


def test_language_model(path):
    tokens = layers.Input((None,), dtype="int32")
    hidden = layers.LSTM(8, return_sequences=True)(layers.Embedding(20, 6)(tokens))
    model = shaken(day33.Model(tokens, layers.Dense(20)(hidden)))
    x = np.arange(12, dtype=np.int32).reshape(2, 6)
    assert_exports(model, path, input_signature=layers.Input((6,), dtype="int32"), inputs=[x])


def test_names_of_outputs(path):
    """An input that is an output, one output twice, and outputs by key."""
    x = layers.Input((3,), name="x")
    y = layers.Dense(2, name="y")(x)
    model = day33.Model(x, {"first": y, "again": y, "given": x})
    model.export(path)
    names = [item.name for item in onnx.load(path).graph.output]
    found = dict(zip(names, run(path, {"x": np.ones((2, 3), np.float32)}), strict=True))
    expected = model.predict(np.ones((2, 3), np.float32), verbose=0)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-6)


def test_random_numbers_have_their_distribution(path):
    x = layers.Input((1000,))
    model = day33.Model(x, [x + day33.random.normal((1000,), stddev=2.0), x + day33.random.uniform((1000,))])
    model.export(path)
    normal, uniform = run(path, [np.zeros((20, 1000), np.float32)])
    assert abs(normal.mean()) < 0.1 and abs(normal.std() - 2.0) < 0.1
    assert uniform.min() >= 0 and uniform.max() <= 1 and abs(uniform.mean() - 0.5) < 0.02


def test_fixed_batch(path):
    model = day33.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.export(path, input_signature=np.zeros((4, 3), np.float32))
    assert [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim] == [4, 3]
    assert run(path, [np.ones((4, 3), np.float32)])[0].shape == (4, 2)


def test_export_is_repeatable_and_replaces_whole(path):
    model = zoo.branched()
    model.export(path)
    first = path.read_bytes()
    model.export(path)
    assert path.read_bytes() == first
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_verbose(path, capsys):
    model = day33.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.export(path)
    assert capsys.readouterr().out == ""
    model.export(path, verbose=True)
    assert "model.onnx" in capsys.readouterr().out


# ---- what is refused ----


def dense():
    return day33.Sequential([layers.Input((3,)), layers.Dense(2)])


@pytest.mark.parametrize(("options", "message"), [
    ({"format": "tf_saved_model"}, "format is 'tf_saved_model'; expected \"onnx\""),
    ({"opset_version": 17}, "opset_version is 17; expected an int from 18 to 23"),
    ({"opset_version": True}, "opset_version is True"),
    ({"input_signature": [layers.Input((3,)), layers.Input((3,))]}, "input_signature has 2 items; expected 1"),
    ({"input_signature": layers.Input((4,))}, r"input_signature has shape \(None, 4\)"),
    ({"input_signature": layers.Input((3,), dtype="int32")}, "input_signature has dtype int32"),
])  # fmt: skip
def test_arguments(path, options, message):
    with pytest.raises(ValueError, match=message):
        dense().export(path, **options)
    assert not path.exists()


def test_arguments_of_a_wrong_type(path):
    with pytest.raises(TypeError, match="input_signature holds 3; expected something with a shape"):
        dense().export(path, input_signature=[3])
    with pytest.raises(TypeError, match="unexpected keyword"):
        dense().export(path, is_static=True)


def test_open_sizes(path):
    tokens = layers.Input((None,), dtype="int32", name="tokens")
    model = day33.Model(tokens, layers.Embedding(5, 2)(tokens))
    with pytest.raises(ValueError, match=r"input 'tokens' .* has shape \(None, None\); expected known sizes"):
        model.export(path)


def test_not_built(path):
    with pytest.raises(ValueError, match="is not built yet"):
        day33.Sequential([layers.Dense(2)]).export(path)


def test_stateful(path):
    x = layers.Input(batch_shape=(2, 4, 3))
    model = day33.Model(x, layers.LSTM(2, stateful=True, name="memory")(x))
    with pytest.raises(ValueError, match="layer 'memory': it is stateful"):
        model.export(path)


def test_several_refusals_come_in_one_message(path):
    x = layers.Input(batch_shape=(2, 4, 3))
    first = layers.GRU(2, stateful=True, return_sequences=True, name="first")(x)
    model = day33.Model(x, layers.SimpleRNN(2, stateful=True, name="second")(first))
    with pytest.raises(ValueError, match="layer 'first': it is stateful.*layer 'second': it is stateful"):
        model.export(path)


def test_results_that_mix_samples(path):
    x = layers.Input((3,))
    model = day33.Model(x, x - ops.mean(x, axis=0, keepdims=True))
    with pytest.raises(ValueError, match="Mean takes the batch as a whole; expected"):
        model.export(path)


def test_strings(path):
    x = layers.Input((), dtype="string")
    model = day33.Model(x, layers.Embedding(4, 2)(layers.StringLookup(vocabulary=["a", "b"])(x)))
    with pytest.raises(ValueError, match="holds strings; expected numbers"):
        model.export(path)


def test_layers_that_compute_on_arrays(path):
    x = layers.Input((1,), dtype="int32")
    model = day33.Model(x, layers.Embedding(4, 2)(layers.Hashing(4)(x)))
    with pytest.raises(ValueError, match="layers that compute on arrays"):
        model.export(path)


def test_without_the_package(path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx.checker", None)
    with pytest.raises(ImportError, match=r'need the package "onnx" \(pip install "day33\[onnx\]"\)'):
        dense().export(path)
    assert not path.exists()


def test_unwritable(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        dense().export(tmp_path / "nowhere" / "model.onnx")


def test_samples_are_what_models_declare():
    tokens = layers.Input((4,), dtype="int32")
    assert samples_for(tokens, 2).dtype == np.int32
