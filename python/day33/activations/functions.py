"""Activations on arrays of any shape. Public in day33.activations and day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_float32, as_number
from .._core.dispatch import overloaded
from ._calls import forward, over_axis
from .options import gelu_kind, native_relu, relu_options

if TYPE_CHECKING:
    from .._native import Float32


@overloaded
def linear(x: ArrayLike) -> Float32:
    """Gives `x` back, as float32.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`: `x` itself where it is a contiguous float32 array.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return as_float32("x", x)


@overloaded
def relu(x: ArrayLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Float32:
    """The rectified linear unit: ``max(x, 0)`` with the defaults.

    In general ``kept - negative_slope * max(threshold - x, 0)``, where ``kept`` is x above the threshold and 0
    elsewhere, cut to [0, max_value] if there is a `max_value` (Keras's `activations.relu`).

    Args:
        x: real numbers of any shape.
        negative_slope: the factor of ``x - threshold`` at and below the threshold.
        max_value: the largest value of the result, a number of at least 0; None for no limit.
        threshold: up to which value x is replaced.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: an option is not a finite number, or `max_value` is negative.
    """
    slope, limit, border = relu_options(negative_slope, max_value, threshold)
    plain = native_relu(slope, limit, border)
    if plain is not None:
        return forward(x, *plain)
    x = as_float32("x", x)
    kept = np.where(x > border, x, np.float32(0))
    if limit is not None:
        kept = np.clip(kept, np.float32(0), limit)
    return np.asarray(kept - slope * np.maximum(border - x, np.float32(0)) if slope else kept, np.float32)


@overloaded
def leaky_relu(x: ArrayLike, negative_slope: float = LEAKY_RELU_SLOPE) -> Float32:
    """The leaky rectified linear unit: ``x`` where x > 0, else ``negative_slope * x``.

    Source: Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013.

    Args:
        x: real numbers of any shape.
        negative_slope: the factor below 0, a number of at least 0.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: `negative_slope` is no number of at least 0.
    """
    return forward(x, "leaky_relu", as_number("negative_slope", negative_slope, 0.0))


@overloaded
def elu(x: ArrayLike, alpha: float = ELU_ALPHA) -> Float32:
    """The exponential linear unit: ``x`` where x > 0, else ``alpha * (exp(x) - 1)``.

    Source: Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, 2015.

    Args:
        x: real numbers of any shape.
        alpha: the scale below 0, a number of at least 0.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: `alpha` is no number of at least 0.
    """
    return forward(x, "elu", as_number("alpha", alpha, 0.0))


@overloaded
def sigmoid(x: ArrayLike) -> Float32:
    """The logistic function: ``1 / (1 + exp(-x))``.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "sigmoid")


@overloaded
def tanh(x: ArrayLike) -> Float32:
    """The hyperbolic tangent.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "tanh")


@overloaded
def relu6(x: ArrayLike) -> Float32:
    """The positive part up to 6: ``min(max(x, 0), 6)``.

    Source: Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "relu6", 6.0)


@overloaded
def selu(x: ArrayLike) -> Float32:
    """The scaled exponential linear unit: ``1.0507 * elu(x, 1.6733)``.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "selu")


@overloaded
def exponential(x: ArrayLike) -> Float32:
    """The exponential function: ``exp(x)``.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "exponential")


@overloaded
def softplus(x: ArrayLike) -> Float32:
    """A smooth positive part: ``log(1 + exp(x))``, computed without overflow.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "softplus")


@overloaded
def softsign(x: ArrayLike) -> Float32:
    """A sigmoid with slow tails: ``x / (1 + abs(x))``.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "softsign")


@overloaded
def log_sigmoid(x: ArrayLike) -> Float32:
    """The logarithm of the logistic function: ``log(sigmoid(x))``, computed without underflow.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "log_sigmoid")


@overloaded
def hard_sigmoid(x: ArrayLike) -> Float32:
    """A sigmoid of straight lines: ``relu6(x + 3) / 6``, as in Keras 3 (Keras 2 had another slope).

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "hard_sigmoid")


@overloaded
def silu(x: ArrayLike) -> Float32:
    """The sigmoid-weighted linear unit, also called swish: ``x * sigmoid(x)``.

    Source: Elfwing et al., Sigmoid-Weighted Linear Units, 2017; Ramachandran et al., Searching for Activation
    Functions, 2017.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "silu")


@overloaded
def hard_silu(x: ArrayLike) -> Float32:
    """A silu of straight lines and a parabola, also called hard swish: ``x * hard_sigmoid(x)``.

    Source: Howard et al., Searching for MobileNetV3, 2019.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "hard_silu")


@overloaded
def mish(x: ArrayLike) -> Float32:
    """A smooth unit that is not monotonic: ``x * tanh(softplus(x))``.

    Source: Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.

    Args:
        x: real numbers of any shape.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, "mish")


@overloaded
def gelu(x: ArrayLike, approximate: bool = False) -> Float32:
    """The Gaussian error linear unit: ``x * P(X <= x)`` for a standard normal X.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.

    Args:
        x: real numbers of any shape.
        approximate: whether to take ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`` instead of P.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
    """
    return forward(x, gelu_kind(approximate))


@overloaded
def softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> Float32:
    """Shares that add up to 1: ``exp(x) / sum(exp(x))`` along `axis`.

    The maximum is subtracted first, so that nothing overflows.

    Args:
        x: real numbers of any shape.
        axis: the axis, or a tuple of axes, whose values share the sum; negative ones count from the last. None for all.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: `x` has no such axis, or an axis is named twice.
    """
    return over_axis(x, "softmax", axis)


@overloaded
def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> Float32:
    """The logarithm of `softmax`: ``x - log(sum(exp(x)))`` along `axis`.

    The maximum is subtracted first, so that nothing overflows.

    Args:
        x: real numbers of any shape.
        axis: the axis, or a tuple of axes, whose values share the sum; negative ones count from the last. None for all.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: `x` has no such axis, or an axis is named twice.
    """
    return over_axis(x, "log_softmax", axis)
