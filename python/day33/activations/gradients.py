"""Gradients of the activations. Public in day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_number
from ._calls import backward, gradient_pair, over_axis
from .options import gelu_kind, native_relu, relu_options

if TYPE_CHECKING:
    from .._native import Float32


def relu_backward(
    dy: ArrayLike, x: ArrayLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Float32:
    """Gradient of `relu`: ``dy`` where x > 0, else 0 with the defaults.

    In general ``dy`` where x is above the threshold, and strictly between 0 and `max_value` if there is one;
    ``negative_slope * dy`` where x is below the threshold.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        negative_slope: the factor of ``x - threshold`` at and below the threshold.
        max_value: the largest value of the result, a number of at least 0; None for no limit.
        threshold: up to which value x is replaced.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape, or an option is not a finite number, or `max_value` is negative.
    """
    slope, limit, border = relu_options(negative_slope, max_value, threshold)
    plain = native_relu(slope, limit, border)
    if plain is not None:
        return backward(dy, x, *plain)
    x, dy = gradient_pair(x, dy)
    passes = x > border
    if limit is not None:
        passes &= (x > 0) & (x < limit)
    return np.asarray(dy * passes + slope * dy * (x < border), np.float32)


def leaky_relu_backward(dy: ArrayLike, x: ArrayLike, negative_slope: float = LEAKY_RELU_SLOPE) -> Float32:
    """Gradient of `leaky_relu`: ``dy`` where x > 0, else ``negative_slope * dy``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        negative_slope: the factor below 0, a number of at least 0.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape, or `negative_slope` is no number of at least 0.
    """
    return backward(dy, x, "leaky_relu", as_number("negative_slope", negative_slope, 0.0))


def elu_backward(dy: ArrayLike, x: ArrayLike, alpha: float = ELU_ALPHA) -> Float32:
    """Gradient of `elu`: ``dy`` where x > 0, else ``alpha * exp(x) * dy``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        alpha: the scale below 0, a number of at least 0.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape, or `alpha` is no number of at least 0.
    """
    return backward(dy, x, "elu", as_number("alpha", alpha, 0.0))


def sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `sigmoid`: ``dy * y * (1 - y)`` with ``y = sigmoid(x)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "sigmoid")


def tanh_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `tanh`: ``dy * (1 - tanh(x)**2)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "tanh")


def relu6_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `relu6`: ``dy`` where 0 < x < 6, else 0.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "relu6", 6.0)


def selu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `selu`: ``1.0507 * dy`` where x > 0, else ``1.0507 * 1.6733 * exp(x) * dy``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "selu")


def exponential_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `exponential`: ``dy * exp(x)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "exponential")


def softplus_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `softplus`: ``dy * sigmoid(x)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "softplus")


def softsign_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `softsign`: ``dy / (1 + abs(x))**2``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "softsign")


def log_sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `log_sigmoid`: ``dy * sigmoid(-x)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "log_sigmoid")


def hard_sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `hard_sigmoid`: ``dy / 6`` where -3 < x < 3, else 0.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "hard_sigmoid")


def silu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `silu`: ``dy * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "silu")


def hard_silu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `hard_silu`: 0 where x < -3, ``dy`` where x > 3, else ``dy * (2 * x + 3) / 6``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "hard_silu")


def mish_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `mish`: ``dy * (t + x * (1 - t**2) * sigmoid(x))`` with ``t = tanh(softplus(x))``.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, "mish")


def gelu_backward(dy: ArrayLike, x: ArrayLike, approximate: bool = False) -> Float32:
    """Gradient of `gelu`: ``dy * (P(X <= x) + x * p(x))``, p the density of X.

    With `approximate` it is the gradient of the approximation.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        approximate: as in `gelu`.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape.
    """
    return backward(dy, x, gelu_kind(approximate))


def softmax_backward(dy: ArrayLike, x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Float32:
    """Gradient of `softmax`: ``y * (dy - sum(dy * y))`` with ``y = softmax(x)``, the sum along `axis`.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        axis: the axis, or a tuple of axes, whose values share the sum; negative ones count from the last.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape, or `x` has no such axis, or an axis is named twice.
    """
    return over_axis(x, "softmax", axis, dy)


def log_softmax_backward(dy: ArrayLike, x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Float32:
    """Gradient of `log_softmax`: ``dy - softmax(x) * sum(dy)``, the sum along `axis`.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        axis: the axis, or a tuple of axes, whose values share the sum; negative ones count from the last.

    Returns:
        float32 of the shape of `x`, the gradient with respect to it.

    Raises:
        TypeError: `dy` or `x` does not hold real numbers.
        ValueError: `dy` and `x` differ in shape, or `x` has no such axis, or an axis is named twice.
    """
    return over_axis(x, "log_softmax", axis, dy)
