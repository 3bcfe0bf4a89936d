"""Constraints on weights, by Keras's names: what a weight is replaced by after every update of an optimizer.

A constraint is called with the values of a weight, a float32 array, and returns an array of the same shape. Layers take
them as `kernel_constraint`, `bias_constraint` and the like, variables as `constraint`.

Those that bound a norm take it over `axis`, one axis or several: 0 for the weights that lead to each unit of a `Dense`
layer, (0, 1, 2) for each filter of a `Conv2D` layer.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ._core import custom_objects as _custom
from ._core.arrays import as_float32, as_number
from ._core.descriptions import Library
from ._core.naming import snake_case
from ._core.signatures import accepted_arguments

if TYPE_CHECKING:
    from ._native import Float32

__all__ = [
    "Constraint",
    "ConstraintLike",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "serialize",
]

# Keras adds it to norms that it divides by.
_EPSILON = 1e-7

_Axis = int | Sequence[int]


class Constraint:
    """Base class, for constraints of your own; it changes nothing.

    A subclass defines `__call__` and stores the arguments of its constructor under their own names, where `get_config`
    finds them.
    """

    def __call__(self, w: ArrayLike) -> Float32:
        """Gives the values that a weight is to have.

        Args:
            w: the values that it has.

        Returns:
            float32 of the same shape.
        """
        return as_float32("w", w)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name."""
        return {name: getattr(self, name) for name in sorted(accepted_arguments(type(self))) if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Makes a constraint from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class NonNeg(Constraint):
    """Negative values become 0."""

    def __call__(self, w: ArrayLike) -> Float32:
        return np.maximum(as_float32("w", w), np.float32(0))


class _OfNorm(Constraint, abc.ABC):
    """Scales slices of a weight, so that each gets the norm that `_wanted` names."""

    axis: _Axis

    @abc.abstractmethod
    def _wanted(self, norms: Any) -> Any:
        """What the norms of the slices become."""

    def __call__(self, w: ArrayLike) -> Float32:
        values = as_float32("w", w)
        axes = (self.axis,) if isinstance(self.axis, int | np.integer) else tuple(self.axis)
        if any(not -values.ndim <= axis < values.ndim for axis in axes):
            raise ValueError(f"axis is {self.axis}; expected axes of a weight of shape {values.shape}")
        norms = np.sqrt(np.sum(np.square(values), axis=axes, keepdims=True, dtype=np.float64))
        return np.asarray(values * (self._wanted(norms) / (norms + _EPSILON)).astype(np.float32))


class MaxNorm(_OfNorm):
    """Norms larger than a bound are scaled down to it: ``w · min(|w|, max_value) / (|w| + 1e-7)``.

    Args:
        max_value: the bound, at least 0.
        axis: what the norm is taken over.
    """

    def __init__(self, max_value: float = 2, axis: _Axis = 0) -> None:
        self.max_value = as_number("max_value", max_value, 0)
        self.axis = axis

    def _wanted(self, norms: Any) -> Any:
        return np.minimum(norms, self.max_value)


class UnitNorm(_OfNorm):
    """Every norm becomes 1: ``w / (|w| + 1e-7)``.

    Args:
        axis: what the norm is taken over.
    """

    def __init__(self, axis: _Axis = 0) -> None:
        self.axis = axis

    def _wanted(self, norms: Any) -> Any:
        return 1.0


class MinMaxNorm(_OfNorm):
    """Norms outside of bounds are scaled towards them: ``w · (rate · clip(|w|) + (1 − rate) · |w|) / (|w| + 1e-7)``.

    Args:
        min_value: the lower bound, at least 0.
        max_value: the upper bound, at least 0.
        rate: how far a step goes from the norm to its bound, 1 for all the way.
        axis: what the norm is taken over.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: _Axis = 0) -> None:
        self.min_value = as_number("min_value", min_value, 0)
        self.max_value = as_number("max_value", max_value, 0)
        self.rate = as_number("rate", rate)
        self.axis = axis

    def _wanted(self, norms: Any) -> Any:
        return self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms


_CLASSES: dict[str, type[Constraint]] = {
    cls.__name__: cls for cls in (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
}
_NAMES = {snake_case(name): cls for name, cls in _CLASSES.items()}
_LIBRARY = Library("constraint", "keras.constraints", _CLASSES | _NAMES, Constraint)

# What layers take for a constraint, see `get`.
ConstraintLike = str | Mapping[str, Any] | type[Constraint] | Callable[..., ArrayLike] | None


def get(identifier: ConstraintLike) -> Callable[..., ArrayLike] | None:
    """Finds the constraint that `identifier` stands for.

    Args:
        identifier: a name ("max_norm" or "MaxNorm"), also one that is registered or in a `custom_object_scope`; a
            class, which is called without arguments; a constraint, or any function of an array; what `serialize`
            returned; or None.

    Returns:
        A callable; None for None.

    Raises:
        ValueError: an unknown name, or a dict without "class_name".
        TypeError: something else.
    """
    found: Any = _LIBRARY.deserialize(identifier) if isinstance(identifier, str | Mapping) else identifier
    if isinstance(found, type):
        found = found()
    if found is None or callable(found):
        made: Callable[..., ArrayLike] | None = found
        return made
    raise TypeError(f"constraint is {identifier!r}; expected a callable or one of {_LIBRARY.expected()}")


def serialize(constraint: Callable[..., ArrayLike] | None) -> Any:
    """A constraint as files have it: what `deserialize` and Keras read; None for None.

    Raises:
        TypeError: it has no name that a file could hold.
    """
    return _LIBRARY.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint that `serialize` or Keras wrote.

    Args:
        config: see there.
        custom_objects: classes and functions by name that are not day33's.

    Raises:
        ValueError: it is neither day33's nor among the custom objects, or has an argument that it does not know.
    """
    with _custom.known(custom_objects or {}):
        return _LIBRARY.deserialize(config)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
