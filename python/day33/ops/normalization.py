"""Layer normalisation and its gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_int, as_number, check_shape
from ._calls import backward

if TYPE_CHECKING:
    from .._native import Float32, Plan


class LayerNormGradients(NamedTuple):
    """Gradients of `layer_norm`, each float32 of the shape of its array.

    Attributes:
        dx: with respect to the input.
        dgamma: with respect to gamma; None where there is none.
        dbeta: with respect to beta; None where there is none.
    """

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
    epsilon = as_number("epsilon", epsilon, 0.0)
    parameters = []
    for name, value in (("gamma", gamma), ("beta", beta)):
        if value is not None:
            parameters.append(as_float32(name, value))
            check_shape(name, parameters[-1], x.shape[-count:], f"the last axes of x of shape {x.shape}")
    plan = single_op.layer_norm(x.shape[1:], gamma is not None, beta is not None, count, epsilon)
    return plan, x, parameters


def layer_norm(
    x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, axes: int = 1,
    epsilon: float = 1e-3,
) -> Float32:  # fmt: skip
    """Layer normalisation: ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``.

    Mean and variance (that of the population) are taken over the last `axes` axes.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016.

    Args:
        x: real numbers (N, ..., C).
        gamma: real numbers of the shape of the last `axes` axes of `x`, the scale; None for 1.
        beta: real numbers of the same shape, the offset; None for 0.
        axes: the number of axes, counted from the last, over which mean and variance are taken.
        epsilon: added to the variance, a number of at least 0.

    Returns:
        float32 of the shape of `x`.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_layer_norm(x, gamma, beta, axes, epsilon)
    return plan.forward([x], parameters)[0]


def layer_norm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, axes: int = 1,
    epsilon: float = 1e-3,
) -> LayerNormGradients:  # fmt: skip
    """Gradients of `layer_norm`.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers (N, ..., C).
        gamma: real numbers of the shape of the last `axes` axes of `x`, the scale; None for 1.
        beta: real numbers of the same shape, the offset; None for 0.
        axes: the number of axes, counted from the last, over which mean and variance are taken.
        epsilon: added to the variance, a number of at least 0.

    Returns:
        `LayerNormGradients`: float32 `dx`, `dgamma` and `dbeta` of the shapes of `x`, `gamma` and `beta`; None for a
        gamma or beta that is None.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x, parameters = _prepare_layer_norm(x, gamma, beta, axes, epsilon)
    dx, gradients = backward(plan, dy, [x], parameters)
    given = iter(gradients)
    return LayerNormGradients(dx, None if gamma is None else next(given), None if beta is None else next(given))
