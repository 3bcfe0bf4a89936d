"""Convolution, transposed and depthwise convolution of images, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_int, as_padding, as_pair, check_image, check_shape
from .._core.types import PairLike
from ._calls import (
    Activation,
    Gradients,
    activation_of,
    backward,
    parameters_of,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, strides: PairLike, padding: str,
    dilation_rate: PairLike, groups: int, activation: Activation,
) -> tuple[Plan, Float32, list[Float32]]:  # fmt: skip
    x = as_float32("x", x)
    check_image("x", x)
    parameters = parameters_of(kernel, bias, 4, "(KH, KW, C / groups, O)", 3)
    shape = parameters[0].shape
    groups = as_int("groups", groups, 1)
    if shape[2] * groups != x.shape[3] or shape[3] % groups:
        raise ValueError(
            f"kernel has shape {shape} and x has shape {x.shape}, groups is {groups}; "
            f"expected a kernel (KH, KW, C / groups, O) with groups a divisor of C and O"
        )
    plan = single_op.conv2d(
        x.shape[1:], shape, len(parameters) == 2, as_pair("strides", strides), as_padding(padding),
        as_pair("dilation_rate", dilation_rate), groups, *activation_of(activation),
    )  # fmt: skip
    return plan, x, parameters


def conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1, padding: str = "valid",
    dilation_rate: PairLike = 1, groups: int = 1, activation: Activation = None,
) -> Float32:  # fmt: skip
    """Convolution (cross-correlation, as in Keras) of images.

    ``y[n, i, j, o] = activation(bias[o] + sum over u, v, c of x[n, i*s + u*d, j*s + v*d, c] * kernel[u, v, c, o])``,
    with x taken as zero outside the image where `padding` is "same".

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, C / groups, O).
        bias: (O,) or None.
        strides, dilation_rate: an integer or (height, width).
        padding: "valid", or "same" for ceil(H / stride) rows; an odd cell of padding goes to the bottom and right.
        groups: C and O are cut into so many groups, each convolved on its own.
        activation: None, "relu", "leaky_relu", "elu", "sigmoid", "tanh" or "softmax" (last axis), or anything else
            `day33.activations.get` takes.

    Returns:
        (N, OH, OW, O).
    """
    plan, x, parameters = _prepare_conv2d(x, kernel, bias, strides, padding, dilation_rate, groups, activation)
    return plan.forward([x], parameters)[0]


def conv2d_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1,
    padding: str = "valid", dilation_rate: PairLike = 1, groups: int = 1, activation: Activation = None,
) -> Gradients:  # fmt: skip
    """Gradients of `conv2d`: dx (N, H, W, C), dkernel of kernel's shape, dbias (O,) or None. dy is (N, OH, OW, O)."""
    plan, x, parameters = _prepare_conv2d(x, kernel, bias, strides, padding, dilation_rate, groups, activation)
    return backward(plan, dy, x, parameters)


def _output_padding(value: object) -> tuple[int | None, int | None]:
    if value is None:
        return None, None
    if isinstance(value, tuple | list) and len(value) == 2:
        height, width = (None if v is None else as_int(f"output_padding[{i}]", v, 0) for i, v in enumerate(value))
        return height, width
    return as_pair("output_padding", value, 0)


def _prepare_conv2d_transpose(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, strides: PairLike, padding: str,
    output_padding: PairLike | None, dilation_rate: PairLike, activation: Activation,
) -> tuple[Plan, Float32, list[Float32]]:  # fmt: skip
    x = as_float32("x", x)
    check_image("x", x)
    parameters = parameters_of(kernel, bias, 4, "(KH, KW, O, C)", 2)
    shape = parameters[0].shape
    if shape[3] != x.shape[3]:
        raise ValueError(f"kernel has shape {shape} and x has shape {x.shape}; expected a kernel (KH, KW, O, C)")
    plan = single_op.conv2d_transpose(
        x.shape[1:], shape, len(parameters) == 2, as_pair("strides", strides), as_padding(padding),
        _output_padding(output_padding), as_pair("dilation_rate", dilation_rate), *activation_of(activation),
    )  # fmt: skip
    return plan, x, parameters


def conv2d_transpose(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1, padding: str = "valid",
    output_padding: PairLike | None = None, dilation_rate: PairLike = 1, activation: Activation = None,
) -> Float32:  # fmt: skip
    """Transposed convolution: the adjoint (the gradient with respect to the image) of `conv2d`.

    The output size with k' = (K - 1) * dilation + 1 and p = output_padding is, as in Keras 3: "valid"
    (H - 1) * s + k' + p, where None stands for p = max(k', s) - k'; "same" H * s with None, else
    (H - 1) * s + k' % 2 + p. So None and 0 are not the same.

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, O, C): the kernel of the convolution from the result's shape to that of x.
        bias: (O,) or None.
        strides, dilation_rate: an integer or (height, width). One of the two must be 1.
        padding: "valid" or "same".
        output_padding: None, or an integer or pair below the strides.
        activation: as in `conv2d`.

    Returns:
        (N, OH, OW, O).
    """
    plan, x, parameters = _prepare_conv2d_transpose(
        x, kernel, bias, strides, padding, output_padding, dilation_rate, activation
    )
    return plan.forward([x], parameters)[0]


def conv2d_transpose_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1,
    padding: str = "valid", output_padding: PairLike | None = None, dilation_rate: PairLike = 1,
    activation: Activation = None,
) -> Gradients:  # fmt: skip
    """Gradients of `conv2d_transpose`: dx (N, H, W, C), dkernel of kernel's shape, dbias (O,) or None."""
    plan, x, parameters = _prepare_conv2d_transpose(
        x, kernel, bias, strides, padding, output_padding, dilation_rate, activation
    )
    return backward(plan, dy, x, parameters)


def _prepare_depthwise_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, strides: PairLike, padding: str,
    dilation_rate: PairLike, activation: Activation,
) -> tuple[Plan, Float32, list[Float32]]:  # fmt: skip
    x = as_float32("x", x)
    check_image("x", x)
    weights = as_float32("kernel", kernel)
    if weights.ndim != 4 or 0 in weights.shape or weights.shape[2] != x.shape[3]:
        raise ValueError(
            f"kernel has shape {weights.shape} and x has shape {x.shape}; expected a kernel (KH, KW, C, multiplier)"
        )
    shape = weights.shape
    parameters = [weights]
    if bias is not None:
        parameters.append(as_float32("bias", bias))
        check_shape("bias", parameters[1], (shape[2] * shape[3],), f"one value an output of the kernel {shape}")
    plan = single_op.depthwise_conv2d(
        x.shape[1:], shape, bias is not None, as_pair("strides", strides), as_padding(padding),
        as_pair("dilation_rate", dilation_rate), *activation_of(activation),
    )  # fmt: skip
    return plan, x, parameters


def depthwise_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1, padding: str = "valid",
    dilation_rate: PairLike = 1, activation: Activation = None,
) -> Float32:  # fmt: skip
    """Convolution of every channel on its own.

    ``y[n, i, j, c*M + m] = activation(bias[c*M + m] + sum over u, v of x[n, i*s + u*d, j*s + v*d, c] *
    kernel[u, v, c, m])``, with x taken as zero outside the image where `padding` is "same".

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, C, M), M outputs a channel.
        bias: (C M,) or None.
        strides, padding, dilation_rate, activation: as in `conv2d`.

    Returns:
        (N, OH, OW, C M).
    """
    plan, x, parameters = _prepare_depthwise_conv2d(x, kernel, bias, strides, padding, dilation_rate, activation)
    return plan.forward([x], parameters)[0]


def depthwise_conv2d_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1,
    padding: str = "valid", dilation_rate: PairLike = 1, activation: Activation = None,
) -> Gradients:  # fmt: skip
    """Gradients of `depthwise_conv2d`: dx (N, H, W, C), dkernel of kernel's shape, dbias (C M,) or None."""
    plan, x, parameters = _prepare_depthwise_conv2d(x, kernel, bias, strides, padding, dilation_rate, activation)
    return backward(plan, dy, x, parameters)
