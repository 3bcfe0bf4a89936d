"""A model for each layer, and for each of many functions of day33.ops, that go to ONNX files and come back."""

from __future__ import annotations

import numpy as np

import day33
from day33 import layers, ops
from support.onnx_files import shaken

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
    "resizing": (IMAGE, lambda: L.Resizing(4, 9)),
    "center crop": (IMAGE, lambda: L.CenterCrop(4, 3)),
    "augmentation": (
        IMAGE, lambda: day33.Sequential([
            L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1),
            L.RandomContrast(0.1), L.RandomBrightness(0.1),
        ]),
    ),
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


def of_layer(name):
    """The model of a layer, with weights of which none is 0."""
    shape, make = LAYERS[name]
    model = day33.Sequential([layers.Input(shape), make()])
    return model if name == "normalization" else shaken(model)


def of_function(name, behind):
    """The model of a function of an image and rows; `behind`: of the result of a convolution."""
    image, rows = layers.Input((5, 4, 3)), layers.Input((5, 3))
    x = layers.Conv2D(3, 1, name="before")(image) if behind else image
    return shaken(day33.Model([image, rows], FUNCTIONS[name](x, rows)))
