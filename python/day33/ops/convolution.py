"""Convolution, transposed and depthwise convolution of images, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_int, as_padding, as_pair
from .._core.types import PairLike
from ._calls import (
    Activation,
    Gradients,
    activation_of,
    as_image,
    parameters_of,
    weighted_backward,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, strides: PairLike, padding: str,
    dilation_rate: PairLike, groups: int, activation: Activation,
) -> tuple[Plan, Float32, list[Float32]]:  # fmt: skip
    x = as_image("x", x)
    parameters = parameters_of(kernel, bias, "KH, KW, C / groups, O", lambda shape: shape[3])
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
    """Convolution of images (cross-correlation, as in Keras).

    ``y[n, i, j, o] = activation(bias[o] + sum over u, v, c of x[n, i*s + u*d, j*s + v*d, c] * kernel[u, v, c, o])``
    with strides s and dilation d. Where `padding` is "same", i and j start outside the image, where x is 0.

    Args:
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, C / groups, O).
        bias: real numbers (O,), or None.
        strides: the step between neighbouring results, an integer or (height, width).
        padding: "valid", only where the kernel lies inside the image: ``OH = ceil((H - (KH - 1) * d) / s)``; or "same":
            ``OH = ceil(H / s)``, with zeros around the image, an odd row or column of them at the bottom or right.
        dilation_rate: the distance between the kernel's cells, an integer or (height, width).
        groups: the number of groups that C and O are cut into, each convolved by itself.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        float32 (N, OH, OW, O).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_conv2d(x, kernel, bias, strides, padding, dilation_rate, groups, activation)
    return plan.forward([x], parameters)[0]


def conv2d_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1,
    padding: str = "valid", dilation_rate: PairLike = 1, groups: int = 1, activation: Activation = None,
) -> Gradients:  # fmt: skip
    """Gradients of `conv2d`.

    Args:
        dy: real numbers (N, OH, OW, O), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, C / groups, O).
        bias: real numbers (O,), or None.
        strides: the step between neighbouring results, an integer or (height, width).
        padding: as in `conv2d`.
        dilation_rate: the distance between the kernel's cells, an integer or (height, width).
        groups: the number of groups that C and O are cut into, each convolved by itself.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        `Gradients`: float32 `dx`, `dkernel` and `dbias` of the shapes of `x`, `kernel` and `bias`; `dbias` is None
        without a bias.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_conv2d(x, kernel, bias, strides, padding, dilation_rate, groups, activation)
    return weighted_backward(plan, dy, x, parameters)


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
    x = as_image("x", x)
    parameters = parameters_of(kernel, bias, "KH, KW, O, C", lambda shape: shape[2])
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
    """Transposed convolution of images: the adjoint of `conv2d`, its gradient with respect to the image.

    With strides s, ``k = (KH - 1) * dilation_rate + 1`` and ``p = output_padding``, the result has, as in Keras 3, this
    height: for padding "valid" ``(H - 1) * s + k + p``, where None stands for ``p = max(k, s) - k``; for "same"
    ``H * s`` with None, else ``(H - 1) * s + k % 2 + p``. So None and 0 are not the same.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, chapter 4.

    Args:
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, O, C): the kernel of the convolution from the result to `x`.
        bias: real numbers (O,), or None.
        strides: the step between neighbouring pixels of `x` in the result, an integer or (height, width).
        padding: "valid" or "same".
        output_padding: rows and columns added to the result: None, an integer below the strides, or a pair of them.
        dilation_rate: the distance between the kernel's cells, an integer or (height, width). Where it is not 1, the
            strides must be.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        float32 (N, OH, OW, O).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
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
    """Gradients of `conv2d_transpose`.

    Args:
        dy: real numbers (N, OH, OW, O), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, O, C).
        bias: real numbers (O,), or None.
        strides, padding, output_padding, dilation_rate: as in `conv2d_transpose`.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        `Gradients`: float32 `dx`, `dkernel` and `dbias` of the shapes of `x`, `kernel` and `bias`; `dbias` is None
        without a bias.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_conv2d_transpose(
        x, kernel, bias, strides, padding, output_padding, dilation_rate, activation
    )
    return weighted_backward(plan, dy, x, parameters)


def _prepare_depthwise_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, strides: PairLike, padding: str,
    dilation_rate: PairLike, activation: Activation,
) -> tuple[Plan, Float32, list[Float32]]:  # fmt: skip
    x = as_image("x", x)
    parameters = parameters_of(kernel, bias, "KH, KW, C, M", lambda shape: shape[2] * shape[3])
    shape = parameters[0].shape
    if shape[2] != x.shape[3]:
        raise ValueError(f"kernel has shape {shape} and x has shape {x.shape}; expected a kernel (KH, KW, C, M)")
    plan = single_op.depthwise_conv2d(
        x.shape[1:], shape, len(parameters) == 2, as_pair("strides", strides), as_padding(padding),
        as_pair("dilation_rate", dilation_rate), *activation_of(activation),
    )  # fmt: skip
    return plan, x, parameters


def depthwise_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1, padding: str = "valid",
    dilation_rate: PairLike = 1, activation: Activation = None,
) -> Float32:  # fmt: skip
    """Convolution of every channel of images by itself, with M kernels for each.

    ``y[n, i, j, c*M + m] = activation(bias[c*M + m] + sum over u, v of``
    ``x[n, i*s + u*d, j*s + v*d, c] * kernel[u, v, c, m])`` with strides s and dilation d. Where `padding` is "same", i
    and j start outside the image, where x is 0.

    Args:
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, C, M).
        bias: real numbers (C * M,), or None.
        strides: the step between neighbouring results, an integer or (height, width).
        padding: as in `conv2d`.
        dilation_rate: the distance between the kernel's cells, an integer or (height, width).
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        float32 (N, OH, OW, C * M).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_depthwise_conv2d(x, kernel, bias, strides, padding, dilation_rate, activation)
    return plan.forward([x], parameters)[0]


def depthwise_conv2d_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, strides: PairLike = 1,
    padding: str = "valid", dilation_rate: PairLike = 1, activation: Activation = None,
) -> Gradients:  # fmt: skip
    """Gradients of `depthwise_conv2d`.

    Args:
        dy: real numbers (N, OH, OW, C * M), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), the images.
        kernel: real numbers (KH, KW, C, M).
        bias: real numbers (C * M,), or None.
        strides: the step between neighbouring results, an integer or (height, width).
        padding: as in `conv2d`.
        dilation_rate: the distance between the kernel's cells, an integer or (height, width).
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        `Gradients`: float32 `dx`, `dkernel` and `dbias` of the shapes of `x`, `kernel` and `bias`; `dbias` is None
        without a bias.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_depthwise_conv2d(x, kernel, bias, strides, padding, dilation_rate, activation)
    return weighted_backward(plan, dy, x, parameters)
