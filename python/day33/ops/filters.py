"""Convolutions and pooling under the names of `keras.ops`: of images (N, H, W, C) and of sequences (N, W, C).

Arguments are as in `elementwise.py`. Kernels are arrays, variables, or what is made of these alone: the same for all
samples. Sizes are one integer for all axes, or one for each.
"""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_int, as_padding
from ._filters import Conv, ConvTranspose, DepthwiseConv, Pool
from ._functions import call
from .shaping import shape_of

_WITH_KERNEL = ("inputs", "kernel")


def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Convolution (cross-correlation), as of `day33.ops.conv2d`, along one axis or two.

    Args:
        inputs: real numbers (N, H, W, C) or (N, W, C).
        kernel: real numbers (KH, KW, C / groups, O) or (KW, C / groups, O); their shapes give the groups.
        strides: the steps between neighbouring results.
        padding: "valid" or "same".
        data_format: None or "channels_last".
        dilation_rate: the distances between the kernel's cells.

    Returns:
        float32 (N, OH, OW, O) or (N, OW, O).

    Raises:
        ValueError: shapes or options that do not fit.
    """
    axes = _axes(inputs, data_format)
    function = Conv(_sizes("strides", strides, axes), as_padding(padding), _sizes("dilation_rate", dilation_rate, axes))
    return call(function, _WITH_KERNEL, inputs, kernel)


def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Convolution of every channel by itself, along one axis or two.

    Args:
        inputs: real numbers (N, H, W, C) or (N, W, C).
        kernel: real numbers (KH, KW, C, M) or (KW, C, M), M kernels for each channel.
        strides, padding, data_format, dilation_rate: as of `conv`.

    Returns:
        float32 (N, OH, OW, C * M) or (N, OW, C * M).

    Raises:
        ValueError: shapes or options that do not fit.
    """
    axes = _axes(inputs, data_format)
    strides, dilation = _sizes("strides", strides, axes), _sizes("dilation_rate", dilation_rate, axes)
    return call(DepthwiseConv(strides, as_padding(padding), dilation), _WITH_KERNEL, inputs, kernel)


def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """`depthwise_conv`, then `conv` with a kernel of one cell.

    Args:
        inputs: real numbers (N, H, W, C) or (N, W, C).
        depthwise_kernel: as of `depthwise_conv`. pointwise_kernel: (1, 1, C * M, O) or (1, C * M, O).
        strides, padding, data_format, dilation_rate: of the first.

    Raises:
        ValueError: shapes or options that do not fit.
    """
    between = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(between, pointwise_kernel)


def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Transposed convolution, as of `day33.ops.conv2d_transpose`, along one axis or two.

    Args:
        inputs: real numbers (N, H, W, C) or (N, W, C).
        kernel: real numbers (KH, KW, O, C) or (KW, O, C).
        strides, padding, data_format, dilation_rate: as of `conv`.
        output_padding: cells added to the result; None for what Keras takes.

    Returns:
        float32 (N, OH, OW, O) or (N, OW, O).

    Raises:
        ValueError: shapes or options that do not fit.
    """
    axes = _axes(inputs, data_format)
    extra = (None,) * axes if output_padding is None else _sizes("output_padding", output_padding, axes, 0)
    function = ConvTranspose(
        _sizes("strides", strides, axes), as_padding(padding), extra, _sizes("dilation_rate", dilation_rate, axes)
    )
    return call(function, _WITH_KERNEL, inputs, kernel)


def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The largest value of every window, channel by channel, along one axis or two.

    Args:
        inputs: real numbers (N, H, W, C) or (N, W, C).
        pool_size: the sizes of the window. strides: the steps between windows; None for `pool_size`.
        padding: "valid" or "same", where windows at the border are cut off by it.
        data_format: None or "channels_last".

    Raises:
        ValueError: shapes or options that do not fit.
    """
    return _pool("max", inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean of every window, channel by channel, along one axis or two; of its cells inside, at borders.

    Args:
        inputs, pool_size, strides, padding, data_format: as of `max_pool`.

    Raises:
        ValueError: shapes or options that do not fit.
    """
    return _pool("average", inputs, pool_size, strides, padding, data_format)


def _pool(kind: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    axes = _axes(inputs, data_format)
    size = _sizes("pool_size", pool_size, axes)
    steps = size if strides is None else _sizes("strides", strides, axes)
    return call(Pool(steps, as_padding(padding), kind, size), ("inputs",), inputs)


def _axes(inputs: Any, data_format: str | None) -> int:
    """The number of axes between the batch and the channels."""
    if data_format not in (None, "channels_last"):
        raise ValueError(f'data_format is {data_format!r}; expected "channels_last"')
    shape = shape_of(inputs)
    if len(shape) not in (3, 4):
        raise ValueError(f"inputs have shape {shape}; expected (N, H, W, C) or (N, W, C)")
    return len(shape) - 2


def _sizes(name: str, value: Any, axes: int, minimum: int = 1) -> tuple[int, ...]:
    given = list(value) if isinstance(value, list | tuple) else [value] * axes
    if len(given) != axes:
        raise ValueError(f"{name} is {value!r}; expected one integer, or one for each of {axes} axes")
    return tuple(as_int(name, size, minimum) for size in given)
