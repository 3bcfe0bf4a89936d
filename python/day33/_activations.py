"""Activations on arrays of any rank, and their gradients. Public in day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import _plans
from ._arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_float32, check_shape

if TYPE_CHECKING:
    from ._native import Float32


def _rows(x: Float32) -> Float32:
    return x.reshape(x.shape[0] if x.ndim > 1 else 1, -1)


def _forward(x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    x = as_float32("x", x)
    if x.size == 0:
        return np.zeros_like(x)
    rows = _rows(x)
    return _plans.activation(rows.shape[1:], kind, alpha).forward([rows], [])[0].reshape(x.shape)


def _backward(dy: ArrayLike, x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    x = as_float32("x", x)
    dy = as_float32("dy", dy)
    check_shape("dy", dy, x.shape, "the shape of x")
    if x.size == 0:
        return np.zeros_like(x)
    rows = _rows(x)
    plan = _plans.activation(rows.shape[1:], kind, alpha)
    return plan.backward([rows], [dy.reshape(rows.shape)], [])[0][0].reshape(x.shape)


def relu(x: ArrayLike) -> Float32:
    """``max(x, 0)``."""
    return _forward(x, "relu")


def relu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `relu`: dy where x > 0, else 0."""
    return _backward(dy, x, "relu")


def leaky_relu(x: ArrayLike, negative_slope: float = LEAKY_RELU_SLOPE) -> Float32:
    """``x`` where x > 0, else ``negative_slope * x``. The slope must not be negative."""
    return _forward(x, "leaky_relu", _slope(negative_slope))


def leaky_relu_backward(dy: ArrayLike, x: ArrayLike, negative_slope: float = LEAKY_RELU_SLOPE) -> Float32:
    """Gradient of `leaky_relu`: dy where x > 0, else ``negative_slope * dy``."""
    return _backward(dy, x, "leaky_relu", _slope(negative_slope))


def _slope(value: float, name: str = "negative_slope") -> float:
    # The backward pass reads the sign of x from that of the result, which a negative factor would turn round.
    if not value >= 0:
        raise ValueError(f"{name} is {value}; expected a value of at least 0")
    return float(value)


def elu(x: ArrayLike, alpha: float = ELU_ALPHA) -> Float32:
    """``x`` where x > 0, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2015). alpha must not be negative."""
    return _forward(x, "elu", _slope(alpha, "alpha"))


def elu_backward(dy: ArrayLike, x: ArrayLike, alpha: float = ELU_ALPHA) -> Float32:
    """Gradient of `elu`: dy where x > 0, else ``alpha * exp(x) * dy``."""
    return _backward(dy, x, "elu", _slope(alpha, "alpha"))


def sigmoid(x: ArrayLike) -> Float32:
    """``1 / (1 + exp(-x))``."""
    return _forward(x, "sigmoid")


def sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `sigmoid`: ``dy * y * (1 - y)``."""
    return _backward(dy, x, "sigmoid")


def tanh(x: ArrayLike) -> Float32:
    """Hyperbolic tangent."""
    return _forward(x, "tanh")


def tanh_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `tanh`: ``dy * (1 - y**2)``."""
    return _backward(dy, x, "tanh")


def _check_axis(x: Float32, axis: int) -> None:
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis is {axis}; x has shape {x.shape}, expected a value from {-x.ndim} to {x.ndim - 1}")


def softmax(x: ArrayLike, axis: int = -1) -> Float32:
    """``exp(x) / sum(exp(x))`` along `axis`; the maximum is subtracted first, so that nothing overflows.

    Raises:
        ValueError: x has no such axis.
    """
    x = as_float32("x", x)
    _check_axis(x, axis)
    if x.size == 0:
        return np.zeros_like(x)
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    rows = moved.reshape(-1, moved.shape[-1])
    y = _plans.activation(rows.shape[1:], "softmax", 0.0).forward([rows], [])[0].reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def softmax_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Float32:
    """Gradient of `softmax`: ``y * (dy - sum(dy * y))``, the sum along `axis`."""
    x = as_float32("x", x)
    dy = as_float32("dy", dy)
    _check_axis(x, axis)
    check_shape("dy", dy, x.shape, "the shape of x")
    if x.size == 0:
        return np.zeros_like(x)
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    rows = moved.reshape(-1, moved.shape[-1])
    gradient = np.ascontiguousarray(np.moveaxis(dy, axis, -1)).reshape(rows.shape)
    plan = _plans.activation(rows.shape[1:], "softmax", 0.0)
    dx = plan.backward([rows], [gradient], [])[0][0].reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(dx, -1, axis))
