"""What users get wrong with layers: the argument or the shape, what was given, what was expected."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers

BAD_ARGUMENTS = [
    (lambda: layers.Dense(0), "units is 0"),
    (lambda: layers.Dense(2.5), "units is 2.5"),
    (lambda: layers.Dense(3, unit=3), "unit"),
    (lambda: layers.Dense(3, kernel_regularizer="l3"), "'l3'"),
    (lambda: layers.Dense(3, dtype="float16"), "float16"),
    (lambda: layers.Dense(3, name="a/b"), "a/b"),
    (lambda: layers.Dense(3, trainable="yes"), "trainable"),
    (lambda: layers.Conv2D(4, 3, data_format="channels_first"), "channels_first"),
    (lambda: layers.Conv2D(4, 0), "kernel_size"),
    (lambda: layers.Conv1D(4, 0), "kernel_size is 0"),
    (lambda: layers.Conv1D(4, (3, 3)), r"kernel_size is \(3, 3\)"),
    (lambda: layers.Conv1D(4, 3, padding="full"), "padding is 'full'"),
    (lambda: layers.Conv1D(4, 3, strides=2, dilation_rate=2), r"strides is \(2,\) and dilation_rate is \(2,\)"),
    (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size"),
    (lambda: layers.Conv2D(4, 3, strides=0), "strides"),
    (lambda: layers.Conv2D(4, 3, padding="full"), "padding is 'full'"),
    (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), r"strides is \(2, 2\) and dilation_rate is \(2, 2\)"),
    (
        lambda: layers.Conv1DTranspose(4, 3, strides=2, output_padding=2),
        r"output_padding is \(2,\) and strides is \(2,\)",
    ),
    (lambda: layers.Conv1DTranspose(4, 3, padding="causal"), "padding is 'causal'"),
    (lambda: layers.SeparableConv1D(4, (3, 3)), r"kernel_size is \(3, 3\)"),
    (lambda: layers.DepthwiseConv1D(3, depth_multiplier=0), "depth_multiplier is 0"),
    (lambda: layers.MaxPooling1D((2, 2)), r"pool_size is \(2, 2\)"),
    (lambda: layers.MaxPooling1D(data_format="channels_first"), "data_format is 'channels_first'"),
    (lambda: layers.UpSampling1D(data_format="channels_last"), r"argument\(s\) data_format"),
    (lambda: layers.UpSampling1D(0), "size is 0"),
    (lambda: layers.ZeroPadding1D((1, -1)), r"padding\[1\] is -1"),
    (lambda: layers.Cropping1D((1, 2, 3)), r"cropping is \(1, 2, 3\)"),
    (lambda: layers.Conv2D(4, 3, groups=3), "groups"),
    (lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2), "output_padding"),
    (lambda: layers.MaxPooling2D(0), "pool_size"),
    (lambda: layers.UpSampling2D(interpolation="cubic"), "'cubic'.*nearest"),
    (lambda: layers.Reshape((-1, -1)), "target_shape"),
    (lambda: layers.ReLU(max_value=-1), "max_value is -1"),
    (lambda: layers.ReLU(max_value=6, negative_slope=-0.1), "negative_slope is -0.1"),
    (lambda: layers.ReLU(threshold=-1.0), "threshold is -1.0"),
    (lambda: layers.ReLU(threshold=None), "threshold is None"),
    (lambda: layers.DepthwiseConv2D(0), "kernel_size"),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier is 0"),
    (lambda: layers.DepthwiseConv2D(3, depthwise_regularizer="l3"), "'l3'"),
    (lambda: layers.SeparableConv2D(2, 3, pointwise_constraint="unit"), "'unit'"),
    (lambda: layers.ThresholdedReLU(-1.0), "theta is -1.0"),
    (lambda: layers.AveragePooling2D(2, data_format="channels_first"), "channels_first"),
    (lambda: layers.GlobalMaxPooling2D(data_format="channels_first"), "channels_first"),
    (lambda: layers.ZeroPadding2D(-1), "padding is -1"),
    (lambda: layers.ZeroPadding2D((1, 2, 3)), r"padding is \(1, 2, 3\)"),
    (lambda: layers.ZeroPadding2D(((1, 2), (3, -1))), r"padding\[1\]\[1\] is -1"),
    (lambda: layers.ZeroPadding2D(1.5), "padding is 1.5"),
    (lambda: layers.Cropping2D(((1, 2, 3), 1)), r"cropping\[0\]"),
    (lambda: layers.Cropping2D(data_format="channels_first"), "channels_first"),
    (lambda: layers.Permute((0, 1)), r"dims is \(0, 1\)"),
    (lambda: layers.Permute((1, 1)), r"dims is \(1, 1\)"),
    (lambda: layers.RepeatVector(0), "n is 0"),
    (lambda: layers.RepeatVector(2.5), "n is 2.5"),
    (lambda: layers.Rescaling("a"), "scale"),
    (lambda: layers.Rescaling(1, offset=1j), "offset"),
    (lambda: layers.LayerNormalization(axis=[]), "axis is empty"),
    (lambda: layers.LayerNormalization(axis=1.5), "axis"),
    (lambda: layers.LayerNormalization(epsilon=-1), "epsilon is -1"),
    (lambda: layers.LayerNormalization(rms_scaling=True), "rms_scaling"),
    (lambda: layers.LeakyReLU(-1), "negative_slope"),
    (lambda: layers.Dropout(1.0), "rate is 1.0"),
    (lambda: layers.Dropout(0.5, noise_shape=(1,)), r"noise_shape is \(1,\).*None as first"),
    (lambda: layers.Dropout(0.5, noise_shape=(None, 0)), r"noise_shape\[1\] is 0"),
    (lambda: layers.Dropout(0.5, noise_shape="all"), "noise_shape is 'all'"),
    (lambda: layers.BatchNormalization(momentum=2), "momentum"),
    (lambda: layers.BatchNormalization(epsilon=0), "epsilon"),
    (lambda: layers.BatchNormalization(axis=0), "axis is 0"),
    (lambda: layers.Concatenate(axis=0), "axis is 0"),
    (lambda: layers.Input(), "shape is None"),
    (lambda: layers.Input((3,), dtype="complex64"), "'complex64'"),
    (lambda: layers.Input((-3,)), "-3"),
]


@pytest.mark.parametrize(("make", "words"), BAD_ARGUMENTS)
def test_bad_arguments(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


BAD_SHAPES = [
    (lambda: layers.Dense(2), (), r"\(None,\).*\(N, ..., C\)"),
    (lambda: layers.Dense(2), (None,), "known last axis"),
    (lambda: layers.Conv2D(2, 3), (8, 8), r"\(None, 8, 8\).*\(N, H, W, C\)"),
    (lambda: layers.Conv2D(2, 3), (8, 8, None), "channels"),
    (lambda: layers.MaxPooling1D(9), (8, 3), r"\(None, 8, 3\).*axis 1.*9"),
    (lambda: layers.UpSampling1D(), (8, 8, 3), r"expected \(N, T, C\)"),
    (lambda: layers.DepthwiseConv1D(2), (8, None), "known channels"),
    (lambda: layers.Cropping1D((4, 4)), (8, 3), "leaves nothing"),
    (lambda: layers.Conv1D(2, 9), (8, 3), r"\(None, 8, 3\).*axis 1.*9"),
    (lambda: layers.Conv1D(2, 3), (8, 8, 3), r"expected \(N, T, C\)"),
    (lambda: layers.Conv1D(2, 3), (8, None), "known channels"),
    (lambda: layers.Conv1D(2, 3, groups=2), (8, 3), "groups=2"),
    (lambda: layers.Conv2D(2, 9), (8, 20, 3), r"\(None, 8, 20, 3\).*axis 1.*9"),
    (lambda: layers.Conv2D(2, 3, groups=2), (8, 8, 3), "groups=2"),
    (lambda: layers.MaxPooling2D(9), (20, 8, 3), "axis 2"),
    (lambda: layers.Reshape((3, 5)), (16,), r"\(None, 16\), 16 values"),
    (lambda: layers.Reshape((3, -1)), (16,), r"\(None, 16\), 16 values"),
    (lambda: layers.Softmax(axis=2), (3,), "axis of layer .* is 2"),
    (lambda: layers.BatchNormalization(axis=3), (3, 4), r"axis of layer .* is 3.*\(None, 3, 4\)"),
    (lambda: layers.BatchNormalization(axis=-3), (3, 4), "axis of layer .* is -3"),
    (lambda: layers.BatchNormalization(axis=1), (None, 4), "known size of axis 1"),
    (lambda: layers.Dropout(0.5, noise_shape=(None, 2)), (3, 4), r"noise_shape \(None, 2\)"),
    (lambda: layers.Dropout(0.5, noise_shape=(None, 2, 1)), (3, 4), r"noise_shape \(None, 2, 1\)"),
    (lambda: layers.Add(), (3, 4), "list of tensors"),
    (lambda: layers.MaxUnpooling2D(), (3, 4, 1), "list"),
    (lambda: layers.GlobalAveragePooling2D(), (3, 4), r"\(N, H, W, C\)"),
    (lambda: layers.GlobalMaxPooling2D(), (3, 4), r"\(N, H, W, C\)"),
    (lambda: layers.AveragePooling2D(9), (20, 8, 3), "axis 2"),
    (lambda: layers.DepthwiseConv2D(9), (8, 20, 3), r"\(None, 8, 20, 3\).*axis 1.*9"),
    (lambda: layers.DepthwiseConv2D(2), (8, 8, None), "channels"),
    (lambda: layers.ZeroPadding2D(), (3, 4), r"\(N, H, W, C\)"),
    (lambda: layers.Cropping2D(2), (4, 8, 1), "leaves nothing"),
    (lambda: layers.Permute((2, 1)), (3, 4, 5), "expected 2 axes"),
    (lambda: layers.RepeatVector(2), (3, 4), r"expected \(N, C\)"),
    (lambda: layers.Rescaling([1, 2, 3]), (4, 2), r"scale of shape \(3,\)"),
    (lambda: layers.LayerNormalization(axis=1), (3, 4), "last axes only"),
    (lambda: layers.LayerNormalization(axis=[0, 1, 2]), (3, 4), "last axes only"),
    (lambda: layers.LayerNormalization(axis=5), (3, 4), "axis of layer"),
    (lambda: layers.LayerNormalization(axis=[1, 2]), (None, 4), "known sizes"),
]


@pytest.mark.parametrize(("make", "shape", "words"), BAD_SHAPES)
def test_bad_shapes(make, shape, words):
    with pytest.raises(ValueError, match=words):
        make()(day33.Input(shape))
    if None not in shape:
        with pytest.raises(ValueError, match=words):
            make()(np.zeros((2, *shape), np.float32))


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(2),
        lambda: layers.Conv2D(2, 3),
        lambda: layers.DepthwiseConv2D(2),
        layers.BatchNormalization,
        layers.LayerNormalization,
    ],
)
def test_other_channels_than_built(make):
    layer = make()
    layer(np.zeros((1, 5, 5, 3)))
    with pytest.raises(ValueError, match=r"5, 4\).*expected \(?3"):
        layer(np.zeros((1, 5, 5, 4)))


def test_several_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match="one shape"):
        layers.Add()([np.zeros((2, 3)), np.zeros((2, 4))])
    with pytest.raises(ValueError, match="agree but on axis -1"):
        layers.Concatenate()([np.zeros((2, 3, 1)), np.zeros((2, 4, 1))])
    with pytest.raises(ValueError, match="batches of different sizes"):
        layers.Add()([np.zeros((2, 3)), np.zeros((3, 3))])
    with pytest.raises(TypeError, match="arrays and symbolic"):
        layers.Add()([np.zeros((2, 3)), day33.Input((3,))])
    with pytest.raises(ValueError, match="scalar"):
        layers.Dense(1)(np.float32(3))
    with pytest.raises(TypeError, match="one positional argument"):
        layers.Dense(1)(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="expected dtype float32"):
        layers.Dense(1)(day33.Input((3,), dtype="int32"))
