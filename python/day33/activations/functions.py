"""Activations on arrays of any rank, and their gradients. Public in day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_float32, check_shape

if TYPE_CHECKING:
    from .._native import Float32


def _rows(x: Float32) -> Float32:
    return x.reshape(x.shape[0] if x.ndim > 1 else 1, -1)


def _forward(x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    x = as_float32("x", x)
    if x.size == 0:
        return np.zeros_like(x)
    rows = _rows(x)
    return single_op.activation(rows.shape[1:], kind, alpha).forward([rows], [])[0].reshape(x.shape)


def _backward(dy: ArrayLike, x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    x = as_float32("x", x)
    dy = as_float32("dy", dy)
    check_shape("dy", dy, x.shape, "the shape of x")
    if x.size == 0:
        return np.zeros_like(x)
    rows = _rows(x)
    plan = single_op.activation(rows.shape[1:], kind, alpha)
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


def apply(x: ArrayLike, kind: str, alpha: float) -> Float32:
    """The activation of that name, softmax over the last axis."""
    if kind in ("softmax", "log_softmax"):
        return _over_axis(x, kind, -1)
    return _forward(x, kind, alpha)


def _check_axis(x: Float32, axis: int) -> None:
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis is {axis}; x has shape {x.shape}, expected a value from {-x.ndim} to {x.ndim - 1}")


def _over_axis(x: ArrayLike, kind: str, axis: int, dy: ArrayLike | None = None) -> Float32:
    """Softmax or its logarithm along `axis`; its gradient where there is a `dy`."""
    x = as_float32("x", x)
    _check_axis(x, axis)
    arrays = [x]
    if dy is not None:
        arrays.append(as_float32("dy", dy))
        check_shape("dy", arrays[1], x.shape, "the shape of x")
    if x.size == 0:
        return np.zeros_like(x)
    moved = [np.ascontiguousarray(np.moveaxis(array, axis, -1)) for array in arrays]
    rows = [array.reshape(-1, x.shape[axis]) for array in moved]
    plan = single_op.activation(rows[0].shape[1:], kind, 0.0)
    result = plan.forward(rows, [])[0] if dy is None else plan.backward(rows[:1], rows[1:], [])[0][0]
    return np.ascontiguousarray(np.moveaxis(result.reshape(moved[0].shape), -1, axis))


def softmax(x: ArrayLike, axis: int = -1) -> Float32:
    """``exp(x) / sum(exp(x))`` along `axis`; the maximum is subtracted first, so that nothing overflows.

    Raises:
        ValueError: x has no such axis.
    """
    return _over_axis(x, "softmax", axis)


def softmax_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Float32:
    """Gradient of `softmax`: ``y * (dy - sum(dy * y))``, the sum along `axis`."""
    return _over_axis(x, "softmax", axis, dy)


def log_softmax(x: ArrayLike, axis: int = -1) -> Float32:
    """``x - log(sum(exp(x)))`` along `axis`.

    Raises:
        ValueError: x has no such axis.
    """
    return _over_axis(x, "log_softmax", axis)


def log_softmax_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Float32:
    """Gradient of `log_softmax`: ``dy - exp(y) * sum(dy)``, the sum along `axis`."""
    return _over_axis(x, "log_softmax", axis, dy)


def relu6(x: ArrayLike) -> Float32:
    """``min(max(x, 0), 6)``."""
    return _forward(x, "relu6", 6.0)


def relu6_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `relu6`: dy where 0 < x < 6, else 0."""
    return _backward(dy, x, "relu6", 6.0)


def selu(x: ArrayLike) -> Float32:
    """``1.0507 * elu(x, 1.6733)``, the constants of Klambauer et al., 2017."""
    return _forward(x, "selu")


def selu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `selu`."""
    return _backward(dy, x, "selu")


def exponential(x: ArrayLike) -> Float32:
    """``exp(x)``."""
    return _forward(x, "exponential")


def exponential_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `exponential`: ``dy * exp(x)``."""
    return _backward(dy, x, "exponential")


def softplus(x: ArrayLike) -> Float32:
    """``log(1 + exp(x))``, without overflow."""
    return _forward(x, "softplus")


def softplus_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `softplus`: ``dy * sigmoid(x)``."""
    return _backward(dy, x, "softplus")


def softsign(x: ArrayLike) -> Float32:
    """``x / (1 + abs(x))``."""
    return _forward(x, "softsign")


def softsign_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `softsign`: ``dy / (1 + abs(x))**2``."""
    return _backward(dy, x, "softsign")


def log_sigmoid(x: ArrayLike) -> Float32:
    """``log(sigmoid(x))``, without underflow."""
    return _forward(x, "log_sigmoid")


def log_sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `log_sigmoid`: ``dy * sigmoid(-x)``."""
    return _backward(dy, x, "log_sigmoid")


def hard_sigmoid(x: ArrayLike) -> Float32:
    """``relu6(x + 3) / 6``, the hard sigmoid of Keras 3 (Keras 2 had another)."""
    return _forward(x, "hard_sigmoid")


def hard_sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `hard_sigmoid`: ``dy / 6`` where -3 < x < 3, else 0."""
    return _backward(dy, x, "hard_sigmoid")


def _gelu(approximate: bool) -> str:
    return "gelu_tanh" if approximate else "gelu"


def gelu(x: ArrayLike, approximate: bool = False) -> Float32:
    """``x * P(X <= x)`` for a standard normal X (Hendrycks and Gimpel, 2016).

    Args:
        x: an array of any shape.
        approximate: take ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3)))`` instead.
    """
    return _forward(x, _gelu(approximate))


def gelu_backward(dy: ArrayLike, x: ArrayLike, approximate: bool = False) -> Float32:
    """Gradient of `gelu`."""
    return _backward(dy, x, _gelu(approximate))


def silu(x: ArrayLike) -> Float32:
    """``x * sigmoid(x)``, also called swish."""
    return _forward(x, "silu")


def silu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `silu`: ``dy * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    return _backward(dy, x, "silu")


def hard_silu(x: ArrayLike) -> Float32:
    """``x * hard_sigmoid(x)``, also called hard swish."""
    return _forward(x, "hard_silu")


def hard_silu_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `hard_silu`."""
    return _backward(dy, x, "hard_silu")


def mish(x: ArrayLike) -> Float32:
    """``x * tanh(softplus(x))`` (Misra, 2019)."""
    return _forward(x, "mish")


def mish_backward(dy: ArrayLike, x: ArrayLike) -> Float32:
    """Gradient of `mish`."""
    return _backward(dy, x, "mish")
