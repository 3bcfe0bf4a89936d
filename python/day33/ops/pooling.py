"""Average pooling, depthwise convolution and layer normalisation on arrays. Public in day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_int, as_padding, as_pair, check_image, check_shape
from ._calls import Activation, Gradients, PairLike, activation_of, backward, backward_of_image, pool_options

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_avg_pool2d(
    x: ArrayLike, pool_size: PairLike, strides: PairLike | None, padding: str
) -> tuple[Plan, Float32]:
    x = as_float32("x", x)
    check_image("x", x)
    return single_op.avg_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding)), x


def avg_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """The mean of every window, per channel. Cells of padding are not counted.

    Args:
        x: (N, H, W, C).
        pool_size: the window, an integer or (height, width).
        strides: the same; None stands for `pool_size`.
        padding: "valid" or "same".

    Returns:
        (N, OH, OW, C).
    """
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return plan.forward([x], [])[0]


def avg_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `avg_pool2d` with respect to x (of which only the shape matters): each window shares out its dy."""
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return backward_of_image(plan, dy, x)


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


class LayerNormGradients(NamedTuple):
    """Gradients of `layer_norm`; None for a gamma or beta that was not given."""

    dx: Float32
    dgamma: Float32 | None
    dbeta: Float32 | None


def _prepare_layer_norm(
    x: ArrayLike, gamma: ArrayLike | None, beta: ArrayLike | None, axes: int, epsilon: float
) -> tuple[Plan, Float32, list[Float32]]:
    x = as_float32("x", x)
    count = as_int("axes", axes, 1)
    if x.ndim <= count or 0 in x.shape[1:]:
        raise ValueError(f"x has shape {x.shape}; expected the batch and at least {count} axes of at least 1")
    if not epsilon >= 0:
        raise ValueError(f"epsilon is {epsilon}; expected a number of at least 0")
    parameters = []
    for name, value in (("gamma", gamma), ("beta", beta)):
        if value is not None:
            parameters.append(as_float32(name, value))
            check_shape(name, parameters[-1], x.shape[-count:], f"that of the last {count} axes of x of {x.shape}")
    plan = single_op.layer_norm(x.shape[1:], gamma is not None, beta is not None, count, float(epsilon))
    return plan, x, parameters


def layer_norm(
    x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, axes: int = 1,
    epsilon: float = 1e-3,
) -> Float32:  # fmt: skip
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, the moments taken over the last `axes` axes.

    Args:
        x: (N, ..., C).
        gamma, beta: of the shape of the last `axes` axes of x, or None for 1 and 0.
        axes: over how many axes, from the last one back.
        epsilon: keeps the quotient finite.

    Returns:
        Of the shape of x. (J. Ba, J. Kiros and G. Hinton, 2016.)
    """
    plan, x, parameters = _prepare_layer_norm(x, gamma, beta, axes, epsilon)
    return plan.forward([x], parameters)[0]


def layer_norm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, axes: int = 1,
    epsilon: float = 1e-3,
) -> LayerNormGradients:  # fmt: skip
    """Gradients of `layer_norm`: dx of the shape of x, dgamma and dbeta of theirs or None."""
    plan, x, parameters = _prepare_layer_norm(x, gamma, beta, axes, epsilon)
    dy = as_float32("dy", dy)
    check_shape("dy", dy, x.shape, "the shape of x")
    (dx,), gradients = plan.backward([x], [dy], parameters)
    given = iter(gradients)
    return LayerNormGradients(dx, None if gamma is None else next(given), None if beta is None else next(given))
