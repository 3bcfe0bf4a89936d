"""Activations under the names of `keras.ops`, beside those of `day33.activations`, and what these do in graphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_axes, as_number
from ..activations import ActivationSpec
from ..activations.gradients import gelu_backward as exact_gelu_backward
from ..activations.options import gelu_kind, native_relu, relu_options
from ._activations import Activation, AxisActivation
from ._functions import call
from .elementwise import abs as absolute
from .elementwise import add, clip, divide, greater, less, multiply, sign, sqrt, square, subtract, where
from .moving import split
from .shaping import shape_of


def apply(x: Any, kind: str, alpha: float = 0.0) -> Any:
    """The native activation of that name, softmax and its logarithm over the last axis."""
    if kind in ("softmax", "log_softmax"):
        return _over_axes(kind, x, -1)
    return call(Activation(kind, float(alpha)), ("x",), x)


def _over_axes(kind: str, x: Any, axis: Any) -> Any:
    return call(AxisActivation(kind, as_axes(axis, len(shape_of(x)))), ("x",), x)


def _relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    slope, limit, border = relu_options(negative_slope, max_value, threshold)
    plain = native_relu(slope, limit, border)
    if plain is not None:
        return apply(x, *plain)
    kept = where(greater(x, border), x, np.float32(0))
    if limit is not None:
        kept = clip(kept, np.float32(0), limit)
    return subtract(kept, multiply(slope, apply(subtract(border, x), "relu"))) if slope else kept


def _leaky_relu(x: Any, negative_slope: float = LEAKY_RELU_SLOPE) -> Any:
    return apply(x, "leaky_relu", as_number("negative_slope", negative_slope, 0.0))


def _elu(x: Any, alpha: float = ELU_ALPHA) -> Any:
    return apply(x, "elu", as_number("alpha", alpha, 0.0))


def _gelu(x: Any, approximate: bool = False) -> Any:
    return apply(x, gelu_kind(approximate))


def _softmax(x: Any, axis: Any = -1) -> Any:
    return _over_axes("softmax", x, axis)


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    return _over_axes("log_softmax", x, axis)


def _linear(x: Any) -> Any:
    return x


# The functions of `day33.activations` in graphs, with the same arguments.
IN_GRAPHS: dict[str, Callable[..., Any]] = {
    **{
        kind: partial(apply, kind=kind)
        for kind in ("sigmoid", "tanh", "selu", "exponential", "softplus", "softsign", "log_sigmoid", "hard_sigmoid",
                     "silu", "hard_silu", "mish")
    },
    "activation": apply, "elu": _elu, "gelu": _gelu, "leaky_relu": _leaky_relu, "linear": _linear,
    "log_softmax": _log_softmax, "relu": _relu, "relu6": partial(apply, kind="relu6", alpha=6.0), "softmax": _softmax,
}  # fmt: skip


def gelu(x: Any, approximate: bool = True) -> Any:
    """The Gaussian error linear unit, as `activations.gelu`, but approximated by default, as in `keras.ops`."""
    return _gelu(x, approximate)


gelu.activation_spec = ActivationSpec("gelu_tanh")  # type: ignore[attr-defined]


def gelu_backward(dy: Any, x: Any, approximate: bool = True) -> Any:
    """Gradient of `gelu`, approximated by default as that is.

    Args:
        dy: real numbers of the shape of `x`, the gradient of a scalar with respect to the result.
        x: real numbers of any shape.
        approximate: as of `gelu`.
    """
    return exact_gelu_backward(dy, x, approximate)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)``.

    Source: Barron, Continuously Differentiable Exponential Linear Units, 2017.
    """
    number = as_number("alpha", alpha)
    if not number:
        raise ValueError("alpha is 0; expected another number")
    return where(greater(x, 0.0), x, multiply(number, apply(divide(clip(x, -np.inf, 0.0), number), "elu", 1.0)))


def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis times the sigmoid of the second.

    Source: Dauphin et al., Language Modeling with Gated Convolutional Networks, 2016.

    Raises:
        ValueError: an axis of odd length.
    """
    values, gates = split(x, 2, axis)
    return multiply(values, apply(gates, "sigmoid"))


def hard_tanh(x: Any) -> Any:
    """x, at least -1 and at most 1."""
    return clip(x, -1.0, 1.0)


def squareplus(x: Any, b: float = 4) -> Any:
    """``(x + √(x² + b)) / 2``."""
    return multiply(0.5, add(x, sqrt(add(square(x), as_number("b", b)))))


def tanh_shrink(x: Any) -> Any:
    """``x - tanh(x)``."""
    return subtract(x, apply(x, "tanh"))


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """X where ``|x|`` is larger than the threshold, 0 elsewhere."""
    return where(greater(absolute(x), as_number("threshold", threshold)), x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """X brought nearer to 0 by the threshold, and 0 where it is as near already."""
    return multiply(sign(x), apply(subtract(absolute(x), as_number("threshold", threshold)), "relu"))


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """X where it is larger than the threshold, a default elsewhere."""
    return where(greater(x, as_number("threshold", threshold)), x, as_number("default_value", default_value))


def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, and ``(x + 1)² / 4`` between."""
    between = multiply(0.25, square(add(clip(x, -1.0, 1.0), 1.0)))
    return where(less(x, 1.0), between, x)


def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1 on, and ``(x + 1) / 2`` between."""
    return multiply(0.5, add(clip(x, -1.0, 1.0), 1.0))
