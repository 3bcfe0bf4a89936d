"""Convolutions of images and of sequences, and their transposes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import _native, initializers
from .._core.arrays import as_int, as_padding
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._spatial import Filtering, Sizes
from .base import Layer

GLOROT: initializers.InitializerLike = "glorot_uniform"
ZEROS: initializers.InitializerLike = "zeros"


class WithoutGroups(Layer):
    """A layer that has no groups, although Keras 2 writes groups=1 for it."""

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        result = super().modern_config(config)
        if result.pop("groups", 1) != 1:
            raise ValueError(f"groups of layer {config.get('name')!r} is {config['groups']!r}; expected 1")
        return result


class _Convolution(Filtering):
    def __init__(
        self, filters: int, kernel_size: Sizes, strides: Sizes, padding: str, data_format: str | None,
        dilation_rate: Sizes, groups: int, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.filters = as_int("filters", filters, 1)
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.strides = self._sizes("strides", strides)
        self.padding = self._checked_padding(padding)
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
    def _checked_padding(padding: str) -> str:
        return as_padding(padding)

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        raise TypeError(f"{type(self).__name__} has no kernel")

    def _channels_of_kernel(self) -> int:
        raise TypeError(f"{type(self).__name__} has no kernel")

    def _channels(self, input_shape: Any) -> int:
        channels = self._known_channels(input_shape, None if self.kernel is None else self._channels_of_kernel())
        if channels % self.groups:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected channels that "
                             f"groups={self.groups} divides")  # fmt: skip
        return channels

    def build(self, input_shape: Any) -> None:
        self._add_weights(self._kernel_shape(self._channels(input_shape)), self.filters)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._channels(input_shape)
        return (input_shape[0], *self._output_sizes(input_shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


class _Correlation(_Convolution):
    """`Conv1D` and `Conv2D`."""

    def __init__(
        self, filters: int, kernel_size: Sizes, strides: Sizes = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Sizes = 1, groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: initializers.InitializerLike = GLOROT,
        bias_initializer: initializers.InitializerLike = ZEROS, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation=activation,
            use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _channels_of_kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel.shape[-2] * self.groups

    def _write(self, lowering: Lowering, image: int) -> int:
        slots = lowering.slot(self.kernel), lowering.slot(self.bias)
        return lowering.builder.conv2d(image, *slots, **self._options(), groups=self.groups)

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(output_shape[1:])) * math.prod(self.kernel_size) * int(input_shape[-1] // self.groups)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


class Conv2D(_Correlation):
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


class Conv1D(_Correlation):
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

    rank = 1

    @staticmethod
    def _checked_padding(padding: str) -> str:
        if isinstance(padding, str) and padding.lower() == "causal":
            return "causal"
        return as_padding(padding)


class _Transpose(WithoutGroups, _Convolution):
    """`Conv1DTranspose` and `Conv2DTranspose`."""

    def __init__(
        self, filters: int, kernel_size: Sizes, strides: Sizes = 1, padding: str = "valid",
        output_padding: Sizes | None = None, data_format: str | None = None, dilation_rate: Sizes = 1,
        activation: Any = None, use_bias: bool = True, kernel_initializer: initializers.InitializerLike = GLOROT,
        bias_initializer: initializers.InitializerLike = ZEROS, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation=activation,
            use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = self._sizes("output_padding", output_padding, 0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"output_padding is {self.output_padding} and strides is {self.strides}; expected output_padding "
                    "below the stride"
                )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def _channels_of_kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel.shape[-1]

    def _length(self, size: int, axis: int) -> int:
        return _native.conv_transpose_output_length(
            size, self.kernel_size[axis], self.strides[axis], self.dilation_rate[axis], self.padding,
            None if self.output_padding is None else self.output_padding[axis],
        )  # fmt: skip

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        given = shape[1:-1]
        sizes = [None if size is None else self._length(size, axis) for axis, size in enumerate(given)]
        if any(size is not None and size < 1 for size in (*given, *sizes)):
            raise ValueError(f"layer {self.name!r} was given shape {shape}; its output would be empty")
        return sizes

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.conv2d_transpose(
            image,
            lowering.slot(self.kernel),
            lowering.slot(self.bias),
            **self._options(),
            output_padding=self._pair(self.output_padding or (None,) * self.rank, None),
        )

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(input_shape[1:])) * math.prod(self.kernel_size) * self.filters

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int]:
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
        return self.strides[axis] if axis < self.rank else 1

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_padding": self.output_padding}


class Conv2DTranspose(_Transpose):
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


class Conv1DTranspose(_Transpose):
    """Transposed convolution over time: `Conv2DTranspose` of images of height 1; see there for the formula.

    Input (N, T, C), float32; output (N, T', filters), with T' as H' there. Weights: kernel (K, filters, C), bias
    (filters,).

    Args:
        filters, kernel_size, strides, data_format, dilation_rate: as of `Conv1D`.
        padding: "valid" or "same".
        output_padding: None, an int or a tuple of one, less than the stride.
        activation, use_bias, kernel_initializer, bias_initializer: as of `Dense`.

    Raises:
        ValueError: as of `Conv2DTranspose`.
    """

    rank = 1
