"""What the activations and their gradients share: the call of a plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_int, check_shape
from .._core.dispatch import TABLE, Symbolic

if TYPE_CHECKING:
    from .._native import Float32, Plan


def apply(x: Any, kind: str, alpha: float) -> Any:
    """The activation of that kind, softmax and its logarithm over the last axis, of an array or a symbolic value."""
    if isinstance(x, Symbolic):
        return TABLE["activation"](x, kind, alpha)
    if kind in ("softmax", "log_softmax"):
        return over_axis(x, kind, -1)
    return forward(x, kind, alpha)


def forward(x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    """The activation of that kind, element by element."""
    x = as_float32("x", x)
    if x.size == 0:
        return np.zeros_like(x)
    plan, rows = _plan_for(x, kind, alpha)
    return plan.forward([rows], [])[0].reshape(x.shape)


def backward(dy: ArrayLike, x: ArrayLike, kind: str, alpha: float = 0.0) -> Float32:
    """The gradient of `forward`."""
    x, dy = gradient_pair(x, dy)
    if x.size == 0:
        return np.zeros_like(x)
    plan, rows = _plan_for(x, kind, alpha)
    return plan.backward([rows], [dy.reshape(rows.shape)], [])[0][0].reshape(x.shape)


def _plan_for(x: Float32, kind: str, alpha: float) -> tuple[Plan, Float32]:
    rows = x.reshape(x.shape[0] if x.ndim > 1 else 1, -1)
    return single_op.activation(rows.shape[1:], kind, alpha), rows


def gradient_pair(x: ArrayLike, dy: ArrayLike) -> tuple[Float32, Float32]:
    """`x` and `dy` as float32, their shapes compared."""
    x, dy = as_float32("x", x), as_float32("dy", dy)
    check_shape("dy", dy, x.shape, "the shape of x")
    return x, dy


def over_axis(x: ArrayLike, kind: str, axis: int | tuple[int, ...] | None, dy: ArrayLike | None = None) -> Float32:
    """Softmax or its logarithm along `axis`; its gradient where there is a `dy`."""
    arrays = [as_float32("x", x)] if dy is None else list(gradient_pair(x, dy))
    shape = arrays[0].shape
    axes = _axes_of(shape, axis)
    if arrays[0].size == 0:
        return np.zeros_like(arrays[0])
    last = tuple(range(-len(axes), 0))
    moved = [np.moveaxis(array, axes, last) for array in arrays]
    rows = [np.ascontiguousarray(array).reshape(-1, math.prod(shape[i] for i in axes)) for array in moved]
    plan = single_op.activation(rows[0].shape[1:], kind, 0.0)
    result = plan.forward(rows, [])[0] if dy is None else plan.backward(rows[:1], rows[1:], [])[0][0]
    return np.ascontiguousarray(np.moveaxis(result.reshape(moved[0].shape), last, axes))


def _axes_of(shape: tuple[int, ...], axis: object) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(len(shape)))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(as_int("axis", number) for number in given)
    inside = all(-len(shape) <= number < len(shape) for number in axes)
    if not axes or not inside or len({number % len(shape) for number in axes}) < len(axes):
        raise ValueError(f"axis is {axis} and x has shape {shape}; expected axes of x, each once")
    return axes
