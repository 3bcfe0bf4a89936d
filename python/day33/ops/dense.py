"""Matrix products with a bias and an activation, and their gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, check_shape
from ._calls import (
    Activation,
    Gradients,
    activation_of,
    parameters_of,
    weighted_backward,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_dense(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, activation: Activation
) -> tuple[Plan, Float32, tuple[int, ...], list[Float32]]:
    x = as_float32("x", x)
    parameters = parameters_of(kernel, bias, "C, O", lambda shape: shape[1])
    shape = parameters[0].shape
    if x.ndim == 0 or x.shape[-1] != shape[0]:
        raise ValueError(f"x has shape {x.shape}; expected (..., {shape[0]}) for a kernel of shape {shape}")
    rows = x.reshape(math.prod(x.shape[:-1]), shape[0])
    plan = single_op.dense(shape, len(parameters) == 2, *activation_of(activation))
    return plan, rows, x.shape, parameters


def dense(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, activation: Activation = None) -> Float32:
    """``activation(x @ kernel + bias)`` over the last axis.

    Args:
        x: real numbers (..., C), of any rank from 1.
        kernel: real numbers (C, O).
        bias: real numbers (O,), or None.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        float32 (..., O).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, rows, shape, parameters = _prepare_dense(x, kernel, bias, activation)
    return plan.forward([rows], parameters)[0].reshape(*shape[:-1], parameters[0].shape[1])


def dense_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, activation: Activation = None
) -> Gradients:
    """Gradients of `dense`.

    Args:
        dy: real numbers (..., O), the gradient of a scalar with respect to the result.
        x: real numbers (..., C), of any rank from 1.
        kernel: real numbers (C, O).
        bias: real numbers (O,), or None.
        activation: applied to the result (softmax over the last axis): None, a name such as "relu", or anything else
            `day33.activations.get` takes.

    Returns:
        `Gradients`: float32 `dx`, `dkernel` and `dbias` of the shapes of `x`, `kernel` and `bias`; `dbias` is None
        without a bias.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, rows, shape, parameters = _prepare_dense(x, kernel, bias, activation)
    dy = as_float32("dy", dy)
    units = parameters[0].shape[1]
    check_shape("dy", dy, (*shape[:-1], units), f"the shape of the result for x of {shape}")
    gradients = weighted_backward(plan, dy.reshape(rows.shape[0], units), rows, parameters)
    return gradients._replace(dx=gradients.dx.reshape(shape))
