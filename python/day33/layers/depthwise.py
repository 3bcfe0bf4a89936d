"""Convolutions that treat each channel on its own, alone or with a convolution that mixes the channels after them."""

from __future__ import annotations

import math
from typing import Any

from .. import constraints, initializers, regularizers
from .._core.arrays import as_int, as_padding
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._attributes import OfWeight, renamed
from ._spatial import Filtering, Sizes
from .convolutional import GLOROT, ZEROS, WithoutGroups


class _PerChannel(WithoutGroups, Filtering):
    def __init__(
        self, kernel_size: Sizes, strides: Sizes, padding: str, data_format: str | None, dilation_rate: Sizes,
        depth_multiplier: int, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.strides = self._sizes("strides", strides)
        self.padding = as_padding(padding)
        self.data_format = data_format
        self.dilation_rate = self._sizes("dilation_rate", dilation_rate)
        self.depth_multiplier = as_int("depth_multiplier", depth_multiplier, 1)

    def _depthwise_kernel(self) -> Variable | None:
        raise TypeError(f"{type(self).__name__} has no kernel")

    def _channels(self, input_shape: Any) -> int:
        kernel = self._depthwise_kernel()
        return self._known_channels(input_shape, None if kernel is None else kernel.shape[-2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class _Depthwise(_PerChannel):
    """`DepthwiseConv1D` and `DepthwiseConv2D`."""

    depthwise_regularizer = renamed("kernel_regularizer")
    depthwise_constraint = renamed("kernel_constraint")

    def __init__(
        self, kernel_size: Sizes, strides: Sizes = 1, padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Sizes = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: initializers.InitializerLike = GLOROT,
        bias_initializer: initializers.InitializerLike = ZEROS,
        depthwise_regularizer: regularizers.RegularizerLike = None,
        depthwise_constraint: constraints.ConstraintLike = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation=activation,
            use_bias=use_bias, kernel_initializer=depthwise_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=depthwise_regularizer, kernel_constraint=depthwise_constraint, **kwargs,
        )  # fmt: skip

    def _depthwise_kernel(self) -> Variable | None:
        return self.kernel

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self._add_weights((*self.kernel_size, channels, self.depth_multiplier), channels * self.depth_multiplier)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        channels = self._channels(input_shape)
        return (input_shape[0], *self._output_sizes(input_shape), channels * self.depth_multiplier)

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.depthwise_conv2d(
            image, lowering.slot(self.kernel), lowering.slot(self.bias), **self._options()
        )

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(output_shape[1:])) * math.prod(self.kernel_size)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for part in ("initializer", "regularizer", "constraint"):
            config[f"depthwise_{part}"] = config.pop(f"kernel_{part}")
        return config


class DepthwiseConv2D(_Depthwise):
    """Convolution of each channel on its own, with `depth_multiplier` outputs per channel (Sifre and Mallat, 2014).

    Input (N, H, W, C), float32; output (N, H', W', C M). Weights: kernel (KH, KW, C, M), bias (C M,).

    Args:
        kernel_size, strides, dilation_rate: an int, or a pair for height and width.
        padding: "valid" or "same", as of `Conv2D`.
        depth_multiplier: M, the number of outputs per channel.
        data_format: None or "channels_last".
        activation, use_bias, depthwise_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, with unknown channels or others than when built, or too small for the window.
    """


class DepthwiseConv1D(_Depthwise):
    """Convolution over time of each channel on its own: `DepthwiseConv2D` of images of height 1.

    Input (N, T, C), float32; output (N, T', C M). Weights: kernel (K, C, M), bias (C M,).

    Args:
        kernel_size, strides, dilation_rate: an int, or a tuple of one.
        padding: "valid" or "same", as of `Conv1D`.
        depth_multiplier: M, the number of outputs per channel.
        data_format: None or "channels_last".
        activation, use_bias, depthwise_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: as of `DepthwiseConv2D`.
    """

    rank = 1


class _Separable(_PerChannel):
    """`SeparableConv1D` and `SeparableConv2D`."""

    depthwise_regularizer = OfWeight(regularizers.get, "depthwise_kernel")
    pointwise_regularizer = OfWeight(regularizers.get, "pointwise_kernel")
    depthwise_constraint = OfWeight(constraints.get, "depthwise_kernel")
    pointwise_constraint = OfWeight(constraints.get, "pointwise_kernel")

    def __init__(
        self, filters: int, kernel_size: Sizes, strides: Sizes = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Sizes = 1, depth_multiplier: int = 1, activation: Any = None,
        use_bias: bool = True, depthwise_initializer: initializers.InitializerLike = GLOROT,
        pointwise_initializer: initializers.InitializerLike = GLOROT,
        bias_initializer: initializers.InitializerLike = ZEROS,
        depthwise_regularizer: regularizers.RegularizerLike = None,
        pointwise_regularizer: regularizers.RegularizerLike = None,
        depthwise_constraint: constraints.ConstraintLike = None,
        pointwise_constraint: constraints.ConstraintLike = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation=activation,
            use_bias=use_bias, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint
        self.filters = as_int("filters", filters, 1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_kernel: Variable | None = None
        self.pointwise_kernel: Variable | None = None

    def _depthwise_kernel(self) -> Variable | None:
        return self.depthwise_kernel

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="depthwise_kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint,
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer, name="pointwise_kernel", regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )  # fmt: skip
        if self.use_bias:
            self._add_bias(self.filters)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._channels(input_shape)
        return (input_shape[0], *self._output_sizes(input_shape), self.filters)

    def _write(self, lowering: Lowering, image: int) -> int:
        separate = lowering.builder.depthwise_conv2d(image, lowering.slot(self.depthwise_kernel), **self._options())
        return lowering.builder.conv2d(separate, lowering.slot(self.pointwise_kernel), lowering.slot(self.bias))

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        between = int(math.prod(output_shape[1:-1])) * int(input_shape[-1]) * self.depth_multiplier
        return between * (math.prod(self.kernel_size) + self.filters)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for part in ("initializer", "regularizer", "constraint"):
            del config[f"kernel_{part}"]
        return {
            **config,
            "filters": self.filters,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
        }


class SeparableConv2D(_Separable):
    """A convolution of each channel on its own (`DepthwiseConv2D`), then a 1 x 1 convolution that mixes the channels
    (Chollet, 2017).

    Input (N, H, W, C), float32; output (N, H', W', filters). Weights: depthwise_kernel (KH, KW, C, M),
    pointwise_kernel (1, 1, C M, filters), bias (filters,). The activation comes after both.

    Args:
        filters: number of output channels.
        kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier: of the depthwise convolution.
        activation, use_bias: as of `Dense`.
        depthwise_initializer, pointwise_initializer, bias_initializer: see `day33.initializers`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, with unknown channels or others than when built, or too small for the window.
    """


class SeparableConv1D(_Separable):
    """A convolution over time of each channel on its own (`DepthwiseConv1D`), then one of a single step that mixes the
    channels: `SeparableConv2D` of images of height 1.

    Input (N, T, C), float32; output (N, T', filters). Weights: depthwise_kernel (K, C, M), pointwise_kernel
    (1, C M, filters), bias (filters,). The activation comes after both.

    Args:
        filters: number of output channels.
        kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier: of the depthwise convolution.
        activation, use_bias: as of `Dense`.
        depthwise_initializer, pointwise_initializer, bias_initializer: see `day33.initializers`.

    Raises:
        ValueError: as of `SeparableConv2D`.
    """

    rank = 1
