"""Moments and normalisation under the names of `keras.ops`. Arguments are as in `elementwise.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axes, as_int, as_number
from .elementwise import abs as absolute
from .elementwise import add, divide, maximum, multiply, power, rsqrt, square, subtract
from .reductions import max, mean, sum
from .shaping import reshape, shape_of, squeeze

_EPSILON = 1e-7  # keras.config.epsilon()


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Any, Any]:
    """Mean and variance along axes.

    Args:
        x: real numbers.
        axes: an axis or several. keepdims: whether they stay, with length 1.
        synchronized: False; day33 trains on one machine.
    """
    if synchronized:
        raise ValueError(f"synchronized is {synchronized!r}; expected False, day33 trains on one machine")
    centre = mean(x, axes, keepdims=True)
    spread = mean(square(subtract(x, centre)), axes, keepdims=True)
    if keepdims:
        return centre, spread
    dropped = as_axes(list(axes) if isinstance(axes, list | tuple) else axes, len(shape_of(x)))
    return squeeze(centre, dropped), squeeze(spread, dropped)


def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """X divided by the length of its vectors along axes.

    Args:
        x: real numbers.
        axis: an axis or several, along which the vectors lie.
        order: of the norm: a number of at least 1, or infinity.
        epsilon: what the length is at least (for the Euclidean norm: its root); 1e-7 by default.

    Raises:
        ValueError: another order.
    """
    smallest = _EPSILON if epsilon is None else as_number("epsilon", epsilon)
    if order == 2:
        least = np.float32(smallest * smallest)  # infinite, where a power would raise
        return multiply(x, rsqrt(maximum(sum(square(x), axis, keepdims=True), least)))
    if order in (np.inf, "inf"):
        return divide(x, maximum(max(absolute(x), axis, keepdims=True), np.float32(smallest)))
    exponent = as_number("order", order, 1.0)
    total = sum(power(absolute(x), np.float32(exponent)), axis, keepdims=True)
    return divide(x, maximum(power(total, np.float32(1.0 / exponent)), np.float32(smallest)))


def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """``(x - mean) / √(variance + epsilon) * scale + offset`` along one axis.

    Args:
        x: real numbers.
        mean, variance: a number for each position of the axis.
        axis: which one. offset, scale: as `mean`; None for 0 and 1.
        epsilon: against division by 0.
    """
    shape = shape_of(x)
    along = as_axes(as_int("axis", axis), len(shape))[0]
    wide = [-1 if number == along else 1 for number in range(len(shape))]
    factor = rsqrt(add(variance, np.float32(as_number("epsilon", epsilon))))
    factor = factor if scale is None else multiply(factor, scale)
    result = multiply(subtract(x, reshape(mean, wide)), reshape(factor, wide))
    return result if offset is None else add(result, reshape(offset, wide))


def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """``(x - mean) / √(variance + epsilon) * gamma + beta``, with the moments of each sample along axes.

    Args:
        x: real numbers.
        gamma, beta: of the shape of these axes; None for 1 and 0.
        axis: an axis or several. epsilon: against division by 0; 1e-7 by default.
    """
    centre, spread = moments(x, axis, keepdims=True)
    result = multiply(subtract(x, centre), rsqrt(add(spread, np.float32(_small(epsilon)))))
    return _scaled(result, gamma, beta, axis)


def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """X divided by the root of the mean of its squares along axes.

    Args:
        x: real numbers.
        scale: of the shape of these axes; None for 1.
        axis: an axis or several. epsilon: against division by 0; 1e-7 by default.
    """
    factor = rsqrt(add(mean(square(x), axis, keepdims=True), np.float32(_small(epsilon))))
    return _scaled(multiply(x, factor), scale, None, axis)


def _small(epsilon: float | None) -> float:
    return _EPSILON if epsilon is None else as_number("epsilon", epsilon)


def _scaled(x: Any, gamma: Any, beta: Any, axis: Any) -> Any:
    """X times gamma plus beta, which have the shape of some axes of x."""
    shape = shape_of(x)
    axes = as_axes(list(axis) if isinstance(axis, list | tuple) else axis, len(shape))
    wide = [shape[number] or -1 if number in axes else 1 for number in range(len(shape))]
    if gamma is not None:
        x = multiply(x, reshape(gamma, wide))
    return x if beta is None else add(x, reshape(beta, wide))
