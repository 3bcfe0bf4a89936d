"""Functions on NumPy arrays: the kernels without layers or models.

Images are (N, H, W, C). Every function takes float32, or anything that converts to it (see ``day33.ops`` in the
documentation: contiguous float32 is used without a copy, other real dtypes and strides are converted once), and
returns a fresh float32 array. NaN and infinity pass through as in Keras, an empty batch gives an empty result.

Each ``*_backward`` takes ``dy``, the gradient of a scalar with respect to the result of the forward function, then
the arguments of the forward function, and returns the gradients with respect to its arrays.

Raises, in all of them: ``TypeError`` for arrays of objects, strings or complex numbers and for options of a wrong
type; ``ValueError`` for a wrong rank, shape or option, with the argument, what it was and what was expected.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core import single_op
from .._core.arrays import as_float32, as_indices, as_int, as_padding, as_pair, check_image, check_shape
from ..activations.functions import (
    elu,
    elu_backward,
    exponential,
    exponential_backward,
    gelu,
    gelu_backward,
    hard_sigmoid,
    hard_sigmoid_backward,
    hard_silu,
    hard_silu_backward,
    leaky_relu,
    leaky_relu_backward,
    log_sigmoid,
    log_sigmoid_backward,
    log_softmax,
    log_softmax_backward,
    mish,
    mish_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
    selu,
    selu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    softmax,
    softmax_backward,
    softplus,
    softplus_backward,
    softsign,
    softsign_backward,
    tanh,
    tanh_backward,
)
from ._calls import (
    Activation,
    Gradients,
    PairLike,
    activation_of,
    backward,
    backward_of_image,
    parameters_of,
    pool_options,
)
from .matrix import conv2d_matrix
from .pooling import (
    LayerNormGradients,
    avg_pool2d,
    avg_pool2d_backward,
    depthwise_conv2d,
    depthwise_conv2d_backward,
    layer_norm,
    layer_norm_backward,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan

__all__ = [
    "Gradients",
    "LayerNormGradients",
    "avg_pool2d",
    "avg_pool2d_backward",
    "conv2d",
    "conv2d_backward",
    "conv2d_matrix",
    "conv2d_transpose",
    "conv2d_transpose_backward",
    "dense",
    "dense_backward",
    "depthwise_conv2d",
    "depthwise_conv2d_backward",
    "elu",
    "elu_backward",
    "exponential",
    "exponential_backward",
    "gelu",
    "gelu_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_silu",
    "hard_silu_backward",
    "layer_norm",
    "layer_norm_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "log_sigmoid",
    "log_sigmoid_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "mish",
    "mish_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "selu",
    "selu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "tanh",
    "tanh_backward",
    "up_sampling2d",
    "up_sampling2d_backward",
]


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


def _prepare_dense(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, activation: Activation
) -> tuple[Plan, Float32, tuple[int, ...], list[Float32]]:
    x = as_float32("x", x)
    parameters = parameters_of(kernel, bias, 2, "(inputs, units)", 1)
    shape = parameters[0].shape
    if x.ndim == 0 or x.shape[-1] != shape[0]:
        raise ValueError(f"x has shape {x.shape}; expected (..., {shape[0]}) for a kernel of shape {shape}")
    rows = x.reshape(math.prod(x.shape[:-1]), shape[0])
    plan = single_op.dense(shape, len(parameters) == 2, *activation_of(activation))
    return plan, rows, x.shape, parameters


def dense(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, activation: Activation = None) -> Float32:
    """``activation(x @ kernel + bias)`` on the last axis.

    Args:
        x: (..., inputs), any rank from 1.
        kernel: (inputs, units).
        bias: (units,) or None.
        activation: as in `conv2d`.

    Returns:
        (..., units).
    """
    plan, rows, shape, parameters = _prepare_dense(x, kernel, bias, activation)
    return plan.forward([rows], parameters)[0].reshape(*shape[:-1], parameters[0].shape[1])


def dense_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, activation: Activation = None
) -> Gradients:
    """Gradients of `dense`: dx (..., inputs), dkernel (inputs, units), dbias (units,) or None. dy is (..., units)."""
    plan, rows, shape, parameters = _prepare_dense(x, kernel, bias, activation)
    dy = as_float32("dy", dy)
    units = parameters[0].shape[1]
    check_shape("dy", dy, (*shape[:-1], units), f"the shape of the result for x of {shape}")
    gradients = backward(plan, dy.reshape(rows.shape[0], units), rows, parameters)
    return gradients._replace(dx=gradients.dx.reshape(shape))


def max_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid",
    return_indices: bool = False,
) -> Float32 | tuple[Float32, NDArray[np.int64]]:  # fmt: skip
    """The maximum of every window, per channel.

    Where a window holds its maximum more than once, the first in row-major order wins; cells of padding never
    win. A NaN wins over every number.

    Args:
        x: (N, H, W, C).
        pool_size: the window, an integer or (height, width).
        strides: the same; None stands for `pool_size`.
        padding: "valid" or "same".
        return_indices: also return where each maximum stood.

    Returns:
        (N, OH, OW, C), and with `return_indices` the int64 array of the same shape that holds
        ``(y * W + x) * C + c`` of the winner, as ``tf.nn.max_pool_with_argmax`` without the batch.
    """
    x = as_float32("x", x)
    check_image("x", x)
    if not return_indices:
        return single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), False).forward([x], [])[0]
    if math.prod(x.shape[1:]) > np.iinfo(np.int32).max:
        raise ValueError(f"x has shape {x.shape}; with return_indices an image may hold at most 2**31 - 1 values")
    plan = single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), True)
    y, indices = plan.forward([x], [])
    return y, cast("NDArray[np.int64]", indices)


def max_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `max_pool2d` with respect to x: each dy goes to the winner of its window, whole."""
    x = as_float32("x", x)
    check_image("x", x)
    return backward_of_image(
        single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), False), dy, x
    )


def _prepare_max_unpool2d(
    x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]
) -> tuple[Plan, Float32, NDArray[np.int32]]:
    x = as_float32("x", x)
    check_image("x", x)
    sizes = tuple(as_int(f"output_shape[{i}]", size, 0) for i, size in enumerate(output_shape))
    if len(sizes) == 2:
        sizes = (*sizes, x.shape[3])
    elif len(sizes) == 4 and sizes[0] == x.shape[0]:
        sizes = sizes[1:]
    if len(sizes) != 3 or sizes[2] != x.shape[3] or 0 in sizes:
        raise ValueError(
            f"output_shape is {tuple(output_shape)} and x has shape {x.shape}; "
            f"expected (H, W), (H, W, C) or (N, H, W, C) with N and C of x"
        )
    flat = as_indices("indices", indices, math.prod(sizes))
    check_shape("indices", flat, x.shape, "the shape of x")
    return single_op.max_unpool2d(x.shape[1:], sizes), x, flat


def max_unpool2d(x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Puts every value back where `max_pool2d` found it, with zeros elsewhere.

    Where several cells name one position (overlapping windows), the last one in row-major order of x wins.

    Args:
        x: (N, H, W, C).
        indices: integers of the shape of x, as `max_pool2d` returns them: ``(y * OW + x) * C + c``.
        output_shape: (OH, OW), (OH, OW, C) or (N, OH, OW, C). It has to be given: images of several sizes pool
            to the same shape.

    Returns:
        (N, OH, OW, C).

    Raises:
        ValueError: an index lies outside the output.
    """
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return plan.forward([x, flat], [])[0]


def max_unpool2d_backward(dy: ArrayLike, x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Gradient of `max_unpool2d` with respect to x: dy at each index; 0 for a cell that another one overwrote."""
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return backward_of_image(plan, dy, x, flat)


def _prepare_up_sampling2d(x: ArrayLike, size: PairLike, interpolation: str) -> tuple[Plan, Float32]:
    x = as_float32("x", x)
    check_image("x", x)
    if interpolation not in ("nearest", "bilinear", "bed_of_nails"):
        raise ValueError(f'interpolation is {interpolation!r}; expected "nearest", "bilinear" or "bed_of_nails"')
    return single_op.up_sampling2d(x.shape[1:], as_pair("size", size), interpolation), x


def up_sampling2d(x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest") -> Float32:
    """Enlarges images by whole factors.

    Args:
        x: (N, H, W, C).
        size: the factor, an integer or (height, width).
        interpolation: "nearest" repeats each cell; "bilinear" interpolates between the centres of the cells,
            with the edge cells continued outwards; "bed_of_nails" puts each cell in the top left corner of its
            block and zeros in the rest.

    Returns:
        (N, H * size, W * size, C).
    """
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return plan.forward([x], [])[0]


def up_sampling2d_backward(
    dy: ArrayLike, x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest"
) -> Float32:
    """Gradient of `up_sampling2d` with respect to x (of which only the shape matters)."""
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return backward_of_image(plan, dy, x)
