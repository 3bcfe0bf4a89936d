"""How functions of `day33.ops` become functions of TensorFlow: arrays come out as tensors, and `name` is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import activations
from .._core.dispatch import Symbolic, is_tracing
from .._core.tensors import as_tensor
from .._core.variables import Variable

# Dtypes in which day33 computes. Functions that only move values leave arrays of other dtypes to NumPy.
_OWN = ("float32", "int32", "bool")


def answer(result: Any) -> Any:
    """Arrays as tensors, also in lists and tuples; symbolic tensors as they are."""
    if isinstance(result, list | tuple):
        return type(result)(answer(item) for item in result)
    return result if isinstance(result, Symbolic) else as_tensor(result)


def in_graph(*values: Any) -> bool:
    """Whether one of the values is symbolic, or a variable that is traced."""
    return any(isinstance(value, Symbolic) or (is_tracing() and isinstance(value, Variable)) for value in values)


def is_own(*values: Any) -> bool:
    """Whether a function of these values belongs to day33: of symbolic ones, variables, and arrays of its dtypes."""
    return in_graph(*values) or all(str(getattr(value, "dtype", "")) in _OWN for value in values)


def elementwise(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """A function of one tensor, x."""

    def apply(x: Any, name: Any = None) -> Any:
        return answer(function(x))

    return _named(apply, function, name)


def of_two(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """A function of two tensors, x and y."""

    def apply(x: Any, y: Any, name: Any = None) -> Any:
        return answer(function(x, y))

    return _named(apply, function, name)


def reduction(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """A function of a tensor along axes."""

    def apply(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Any = None) -> Any:
        return answer(function(input_tensor, _axes(axis), keepdims))

    return _named(apply, function, name)


def _axes(axis: Any) -> Any:
    return tuple(int(number) for number in axis) if np.ndim(axis) else axis


def _named(apply: Callable[..., Any], function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    apply.__name__ = apply.__qualname__ = name or function.__name__
    apply.__doc__ = function.__doc__
    return stands_for(apply, function)


def stands_for(apply: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function; layers take it as their `activation` for that of day33 which it calls."""
    spec = activations.get(function)
    if spec.function is None:
        apply.activation_spec = spec  # type: ignore[attr-defined]
    return apply
