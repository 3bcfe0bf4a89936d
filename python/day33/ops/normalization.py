"""Layer normalisation and its gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_int, check_shape

if TYPE_CHECKING:
    from .._native import Float32, Plan


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
