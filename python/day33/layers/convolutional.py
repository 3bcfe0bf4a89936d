"""Convolutions of images and of sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .. import _native, initializers
from .._core.arrays import as_int, as_padding, as_pair
from .._core.tree import is_shape
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._attributes import Checked
from ._images import check_channels_last, image_shape, window_length
from ._weighted import WeightedLayer
from .base import Layer

Pair = tuple[int, int]
_GLOROT: initializers.InitializerLike = "glorot_uniform"
_ZEROS: initializers.InitializerLike = "zeros"


def _known_channels(
    layer: Layer, input_shape: Any, built: int | None
) -> tuple[int | None, int | None, int | None, int]:
    """`input_shape` if it is (N, H, W, C) with C known, and `built` where the layer has weights; else ValueError."""
    n, h, w, c = image_shape(layer, input_shape)
    return n, h, w, _checked_channels(layer, input_shape, c, built)


def _checked_channels(layer: Layer, input_shape: Any, channels: int | None, built: int | None) -> int:
    """`channels` if they are known, and `built` where the layer has weights; else ValueError."""
    if channels is None:
        raise ValueError(f"layer {layer.name!r} was given an input of shape {input_shape}; expected known channels")
    if built is not None and channels != built:
        raise ValueError(
            f"layer {layer.name!r} was given an input of shape {input_shape}; expected {built} channels, as when it "
            "was built"
        )
    return channels


def _window_lengths(layer: Conv2D | DepthwiseConv2D | SeparableConv2D, shape: Shape) -> list[int | None]:
    """H' and W'."""
    return [
        window_length(layer, shape, axis + 1, layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis],
                      layer.padding) for axis in (0, 1)
    ]  # fmt: skip


def _pair(sizes: tuple[int, ...]) -> Pair:
    height, width = sizes
    return height, width


class _WithoutGroups(Layer):
    """A layer that has no groups, although Keras 2 writes groups=1 for it."""

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        result = super().modern_config(config)
        if result.pop("groups", 1) != 1:
            raise ValueError(f"groups of layer {config.get('name')!r} is {config['groups']!r}; expected 1")
        return result


class _Convolution(WeightedLayer):
    data_format = Checked(check_channels_last)

    def __init__(
        self, filters: int, kernel_size: int | Sequence[int], strides: int | Sequence[int], padding: str,
        data_format: str | None, dilation_rate: int | Sequence[int], groups: int, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.filters = as_int("filters", filters, 1)
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.strides = self._sizes("strides", strides)
        self.padding = as_padding(padding)
        self.data_format = data_format
        self.dilation_rate = self._sizes("dilation_rate", dilation_rate)
        self.groups = as_int("groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(f"filters is {filters} and groups is {groups}; expected groups to divide filters")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"strides is {self.strides} and dilation_rate is {self.dilation_rate}; expected one of them to be 1"
            )

    @staticmethod
    def _sizes(argument: str, value: Any) -> tuple[int, ...]:
        """One size for each axis that the window moves along."""
        return as_pair(argument, value)

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        raise TypeError(f"{type(self).__name__} has no kernel")

    def _channels_of_kernel(self) -> int:
        raise TypeError(f"{type(self).__name__} has no kernel")

    def _check(self, input_shape: Any) -> tuple[int | None, int | None, int | None, int]:
        shape = _known_channels(self, input_shape, self._channels_when_built())
        self._check_groups(input_shape, shape[3])
        return shape

    def _channels_when_built(self) -> int | None:
        return None if self.kernel is None else self._channels_of_kernel()

    def _check_groups(self, input_shape: Any, channels: int) -> None:
        if channels % self.groups:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected channels that "
                             f"groups={self.groups} divides")  # fmt: skip

    def build(self, input_shape: Any) -> None:
        self._add_weights(self._kernel_shape(self._check(input_shape)[-1]), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class Conv2D(_Convolution):
    """Convolution: ``y[n, i, j, o] = sum x[n, i s + a d - p, j s + b d - p, c] kernel[a, b, c, o] + bias[o]``.

    Input (N, H, W, C), float32; output (N, H', W', filters). Weights: kernel (KH, KW, C / groups, filters), bias
    (filters,). The formula is that of Goodfellow et al., Deep Learning, section 9.1, with stride s, dilation d and
    padding p.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int, or a pair for height and width. Strides and dilation may not both
            be above 1.
        padding: "valid" for none, or "same" for zeros, so that H' = ceil(H / stride); an odd one more at the bottom and
            right.
        data_format: None or "channels_last".
        groups: into how many parts the channels are cut; each part has its own filters / groups outputs.
        activation, use_bias, kernel_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, with unknown channels or others than when built, or too small for the window.
            Also channels that groups does not divide.
    """

    def __init__(
        self, filters: int, kernel_size: int | Pair, strides: int | Pair = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: int | Pair = (1, 1), groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: initializers.InitializerLike = _GLOROT,
        bias_initializer: initializers.InitializerLike = _ZEROS, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation=activation,
            use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _channels_of_kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel.shape[2] * self.groups

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._check(input_shape)
        return (shape[0], *_window_lengths(self, shape), self.filters)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        result = lowering.builder.conv2d(
            inputs[0], lowering.slot(self.kernel), lowering.slot(self.bias), strides=_pair(self.strides),
            padding=self.padding, dilation_rate=_pair(self.dilation_rate), groups=self.groups,
            activation=self.activation.kind, alpha=self.activation.alpha,
        )  # fmt: skip
        return [result]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(output_shape[1:])) * math.prod(self.kernel_size) * int(input_shape[3] // self.groups)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis]
        return low * self.strides[axis], high * self.strides[axis] + reach

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


class Conv1D(_Convolution):
    """Convolution over time: ``y[n, t, o] = sum x[n, t s + a d - p, c] kernel[a, c, o] + bias[o]``.

    Input (N, T, C), float32; output (N, T', filters). Weights: kernel (K, C / groups, filters), bias (filters,). It is
    `Conv2D` of images of height 1; see there for the source. The output has no mask, as in Keras.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int, or a tuple of one. Strides and dilation may not both be above 1.
        padding: "valid" for none; "same" for zeros, so that T' = ceil(T / stride), an odd one more at the end; "causal"
            for zeros before the first step, so that no output sees a later input.
        data_format: None or "channels_last".
        groups: into how many parts the channels are cut; each part has its own filters / groups outputs.
        activation, use_bias, kernel_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: as of `Conv2D`.
    """

    def __init__(
        self, filters: int, kernel_size: int | Sequence[int], strides: int | Sequence[int] = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: int | Sequence[int] = 1, groups: int = 1,
        activation: Any = None, use_bias: bool = True, kernel_initializer: initializers.InitializerLike = _GLOROT,
        bias_initializer: initializers.InitializerLike = _ZEROS, **kwargs: Any,
    ) -> None:  # fmt: skip
        causal = isinstance(padding, str) and padding.lower() == "causal"
        super().__init__(
            filters, kernel_size, strides, "valid" if causal else padding, data_format, dilation_rate, groups,
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        if causal:
            self.padding = "causal"

    @staticmethod
    def _sizes(argument: str, value: Any) -> tuple[int, ...]:
        single = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
        return (as_int(argument, single, 1),)

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _channels_of_kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel.shape[1] * self.groups

    def _check(self, input_shape: Any) -> Any:
        if not is_shape(input_shape) or len(input_shape) != 3:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected (N, T, C)")
        n, steps, channels = input_shape
        _checked_channels(self, input_shape, channels, self._channels_when_built())
        self._check_groups(input_shape, channels)
        return n, steps, channels

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._check(input_shape)
        padding = "same" if self.padding == "causal" else self.padding
        steps = window_length(self, shape, 1, self.kernel_size[0], self.strides[0], self.dilation_rate[0], padding)
        return (shape[0], steps, self.filters)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, padding = lowering.builder, self.padding
        x = builder.reshape(inputs[0], (1, *lowering.shape(inputs[0])))
        if padding == "causal":
            x = builder.pad(x, [(0, 0), ((self.kernel_size[0] - 1) * self.dilation_rate[0], 0), (0, 0)])
            padding = "valid"
        y = builder.conv2d(
            x, lowering.slot(self.kernel), lowering.slot(self.bias), strides=(1, self.strides[0]), padding=padding,
            dilation_rate=(1, self.dilation_rate[0]), groups=self.groups, activation=self.activation.kind,
            alpha=self.activation.alpha,
        )  # fmt: skip
        return [builder.reshape(y, lowering.shape(y)[1:])]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(output_shape[1:])) * self.kernel_size[0] * int(input_shape[2] // self.groups)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        if axis != 0:
            return low, high
        reach = (self.kernel_size[0] - 1) * self.dilation_rate[0]
        return low * self.strides[0], high * self.strides[0] + reach

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


class Conv2DTranspose(_WithoutGroups, _Convolution):
    """Transposed convolution: the gradient of the convolution with the same arguments, with respect to its input
    (Dumoulin and Visin, 2016).

    Input (N, H, W, C), float32; output (N, H', W', filters). Weights: kernel (KH, KW, filters, C), bias (filters,).
    With k' = (k - 1) d + 1, H' is (H - 1) s + k' + op for "valid" (op = max(k', s) - k' by default) and H s for
    "same", or (H - 1) s + k' mod 2 + op where `output_padding` is given.

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as of `Conv2D`.
        output_padding: None, an int or a pair, less than the stride.
        activation, use_bias, kernel_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, with unknown channels or others than when built, or too small for the window.
    """

    def __init__(
        self, filters: int, kernel_size: int | Pair, strides: int | Pair = (1, 1), padding: str = "valid",
        output_padding: int | Pair | None = None, data_format: str | None = None, dilation_rate: int | Pair = (1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: initializers.InitializerLike = _GLOROT,
        bias_initializer: initializers.InitializerLike = _ZEROS, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation=activation,
            use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self.output_padding = None if output_padding is None else as_pair("output_padding", output_padding, 0)
        if self.output_padding is not None:
            for extra, stride in zip(self.output_padding, self.strides, strict=True):
                if extra >= stride:
                    raise ValueError(
                        f"output_padding is {self.output_padding} and strides is {self.strides}; expected "
                        "output_padding below the stride"
                    )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def _channels_of_kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel.shape[3]

    def _padding_of(self, axis: int) -> int | None:
        return None if self.output_padding is None else self.output_padding[axis]

    def _length(self, size: int, axis: int) -> int:
        return _native.conv_transpose_output_length(
            size, self.kernel_size[axis], self.strides[axis], self.dilation_rate[axis], self.padding,
            self._padding_of(axis),
        )  # fmt: skip

    def compute_output_shape(self, input_shape: Any) -> Shape:
        n, h, w, _ = self._check(input_shape)
        sizes = [None if size is None else self._length(size, axis) for axis, size in enumerate((h, w))]
        if any(size is not None and size < 1 for size in (h, w, *sizes)):
            raise ValueError(f"layer {self.name!r} was given shape {input_shape}; its output would be empty")
        return (n, *sizes, self.filters)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        result = lowering.builder.conv2d_transpose(
            inputs[0], lowering.slot(self.kernel), lowering.slot(self.bias), strides=_pair(self.strides),
            padding=self.padding, output_padding=(self._padding_of(0), self._padding_of(1)),
            dilation_rate=_pair(self.dilation_rate), activation=self.activation.kind, alpha=self.activation.alpha,
        )  # fmt: skip
        return [result]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(input_shape[1:])) * math.prod(self.kernel_size) * self.filters

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        # Output y is fed by every input i with y = i s + a d - p, 0 <= a < k.
        stride, reach = self.strides[axis], (self.kernel_size[axis] - 1) * self.dilation_rate[axis]
        before = self._cut_before(axis)
        return -((reach - low - before) // stride), (high + before) // stride

    def _cut_before(self, axis: int) -> int:
        """Rows of the full result that "same" leaves out at the top: the padding of the convolution it is the
        gradient of, of size H' = H s, which does not depend on H.
        """
        if self.padding == "valid":
            return 0
        size, stride = 64, self.strides[axis]
        window = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        return max((size - 1) * stride + window - self._length(size, axis), 0) // 2

    def enlarges(self, axis: int) -> int:
        return self.strides[axis]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_padding": self.output_padding}


class DepthwiseConv2D(_WithoutGroups, WeightedLayer):
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

    data_format = Checked(check_channels_last)

    def __init__(
        self, kernel_size: int | Pair, strides: int | Pair = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: int | Pair = (1, 1), activation: Any = None,
        use_bias: bool = True, depthwise_initializer: initializers.InitializerLike = _GLOROT,
        bias_initializer: initializers.InitializerLike = _ZEROS, depthwise_regularizer: None = None,
        depthwise_constraint: None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            activation=activation, use_bias=use_bias, kernel_initializer=depthwise_initializer,
            bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self._refuse(depthwise_regularizer=depthwise_regularizer, depthwise_constraint=depthwise_constraint)
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.strides = as_pair("strides", strides)
        self.padding = as_padding(padding)
        self.depth_multiplier = as_int("depth_multiplier", depth_multiplier, 1)
        self.data_format = data_format
        self.dilation_rate = as_pair("dilation_rate", dilation_rate)

    def _check(self, input_shape: Any) -> tuple[int | None, int | None, int | None, int]:
        return _known_channels(self, input_shape, None if self.kernel is None else self.kernel.shape[2])

    def build(self, input_shape: Any) -> None:
        channels = self._check(input_shape)[3]
        self._add_weights((*self.kernel_size, channels, self.depth_multiplier), channels * self.depth_multiplier)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._check(input_shape)
        return (shape[0], *_window_lengths(self, shape), shape[3] * self.depth_multiplier)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        result = lowering.builder.depthwise_conv2d(
            inputs[0], lowering.slot(self.kernel), lowering.slot(self.bias), strides=self.strides, padding=self.padding,
            dilation_rate=self.dilation_rate, activation=self.activation.kind, alpha=self.activation.alpha,
        )  # fmt: skip
        return [result]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(output_shape[1:])) * math.prod(self.kernel_size)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis]
        return low * self.strides[axis], high * self.strides[axis] + reach

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for part in ("initializer", "regularizer", "constraint"):
            config[f"depthwise_{part}"] = config.pop(f"kernel_{part}")
        return {
            **config,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "depth_multiplier": self.depth_multiplier,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class SeparableConv2D(_WithoutGroups, WeightedLayer):
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

    data_format = Checked(check_channels_last)

    def __init__(
        self, filters: int, kernel_size: int | Pair, strides: int | Pair = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: int | Pair = (1, 1), depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: initializers.InitializerLike = _GLOROT,
        pointwise_initializer: initializers.InitializerLike = _GLOROT,
        bias_initializer: initializers.InitializerLike = _ZEROS, depthwise_regularizer: None = None,
        pointwise_regularizer: None = None, depthwise_constraint: None = None, pointwise_constraint: None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activation=activation, use_bias=use_bias, bias_initializer=bias_initializer, **kwargs)
        self._refuse(
            depthwise_regularizer=depthwise_regularizer, depthwise_constraint=depthwise_constraint,
            pointwise_regularizer=pointwise_regularizer, pointwise_constraint=pointwise_constraint,
        )  # fmt: skip
        self.filters = as_int("filters", filters, 1)
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.strides = as_pair("strides", strides)
        self.padding = as_padding(padding)
        self.data_format = data_format
        self.dilation_rate = as_pair("dilation_rate", dilation_rate)
        self.depth_multiplier = as_int("depth_multiplier", depth_multiplier, 1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_kernel: Variable | None = None
        self.pointwise_kernel: Variable | None = None

    def _check(self, input_shape: Any) -> tuple[int | None, int | None, int | None, int]:
        return _known_channels(
            self, input_shape, None if self.depthwise_kernel is None else self.depthwise_kernel.shape[2]
        )

    def build(self, input_shape: Any) -> None:
        channels = self._check(input_shape)[3]
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="depthwise_kernel"
        )
        self.pointwise_kernel = self.add_weight(
            (1, 1, channels * self.depth_multiplier, self.filters), self.pointwise_initializer, name="pointwise_kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, name="bias")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._check(input_shape)
        return (shape[0], *_window_lengths(self, shape), self.filters)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        separate = lowering.builder.depthwise_conv2d(
            inputs[0], lowering.slot(self.depthwise_kernel), strides=self.strides, padding=self.padding,
            dilation_rate=self.dilation_rate,
        )  # fmt: skip
        mixed = lowering.builder.conv2d(
            separate, lowering.slot(self.pointwise_kernel), lowering.slot(self.bias), activation=self.activation.kind,
            alpha=self.activation.alpha,
        )  # fmt: skip
        return [mixed]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        between = int(math.prod(output_shape[1:3])) * int(input_shape[3]) * self.depth_multiplier
        return between * (math.prod(self.kernel_size) + self.filters)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis]
        return low * self.strides[axis], high * self.strides[axis] + reach

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for part in ("initializer", "regularizer", "constraint"):
            del config[f"kernel_{part}"]
        return {
            **config,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "depthwise_regularizer": None,
            "pointwise_regularizer": None,
            "depthwise_constraint": None,
            "pointwise_constraint": None,
        }
