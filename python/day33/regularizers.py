"""Regularizers: penalties on weights and on what layers give, which are added to the loss that is minimised.

A regularizer is called with the values and returns a number. It is traced: one of your own is a subclass of
`Regularizer`, or a function, written with functions of `day33.ops`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from . import ops
from ._core import custom_objects as _custom
from ._core.descriptions import Library

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "RegularizerLike",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

RegularizerLike = Any


class Regularizer:
    """Base class, for regularizers of your own.

    A subclass defines `__call__`, and `get_config` where models with it are saved.
    """

    def __call__(self, x: Any) -> Any:
        """The penalty.

        Args:
            x: the values, as an array or as a value of a graph.

        Returns:
            A number.
        """
        raise TypeError(f"{type(self).__name__} does not define __call__(x)")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name."""
        raise TypeError(f"{type(self).__name__} does not define get_config, so no file can hold it")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A regularizer from what `get_config` gave."""
        return cls(**config)


def _as_factor(name: str, value: object) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not math.isfinite(float(value)) or float(value) < 0:  # type: ignore[arg-type]
        raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0")
    return float(value)  # type: ignore[arg-type]


class L1L2(Regularizer):
    """``l1·sum(|x|) + l2·sum(x²)``.

    Args:
        l1, l2: factors of at least 0; None for 0.

    Raises:
        ValueError: no such number.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _as_factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _as_factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        total: Any = 0.0
        if self.l1:
            total = ops.multiply(ops.sum(ops.abs(x)), self.l1)
        if self.l2:
            squares = ops.multiply(ops.sum(ops.square(x)), self.l2)
            total = ops.add(total, squares) if self.l1 else squares
        return total

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """``l1·sum(|x|)``, which drives values to 0.

    Args:
        l1: a factor of at least 0.

    Raises:
        ValueError: no such number.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _as_factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.abs(x)), self.l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2·sum(x²)``, which keeps values small.

    Args:
        l2: a factor of at least 0.

    Raises:
        ValueError: no such number.
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _as_factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        return ops.multiply(ops.sum(ops.square(x)), self.l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Keeps the rows, or columns, of a matrix orthogonal.

    The penalty is `factor` times the mean of the absolute values of the products between two of them, each divided by
    its length.

    Args:
        factor: of at least 0.
        mode: "rows" or "columns".

    Raises:
        ValueError: another factor or mode; when called, an array that is no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _as_factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f'mode is {mode!r}; expected "rows" or "columns"')
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        shape = tuple(x.shape)
        if len(shape) != 2:
            raise ValueError(f"OrthogonalRegularizer was given values of shape {shape}; expected a matrix")
        vectors = ops.normalize(x, axis=1 if self.mode == "rows" else 0)
        other = ops.transpose(vectors)
        products = ops.matmul(vectors, other) if self.mode == "rows" else ops.matmul(other, vectors)
        size = shape[0] if self.mode == "rows" else shape[1]
        between = np.float32(1.0) - np.eye(size, dtype=np.float32)
        pairs = size * (size - 1.0) / 2.0
        return ops.multiply(ops.sum(ops.abs(ops.multiply(products, between))), 0.5 * self.factor / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_NAMED: dict[str, type[Regularizer]] = {
    "L1": L1, "L1L2": L1L2, "L2": L2, "OrthogonalRegularizer": OrthogonalRegularizer, "l1": L1, "l1_l2": L1L2,
    "l1l2": L1L2, "l2": L2, "orthogonal_regularizer": OrthogonalRegularizer,
}  # fmt: skip
_LIBRARY = Library("regularizer", "keras.regularizers", _NAMED, Regularizer)


def get(identifier: RegularizerLike) -> Callable[[Any], Any] | None:
    """Finds the regularizer that `identifier` stands for.

    Args:
        identifier: a name ("l2", "L2", ...), also one that is registered or in a `custom_object_scope`; a class, which
            is called without arguments; a regularizer, or any function ``f(x)``; what `serialize` returned; or None.

    Returns:
        A callable; None for None.

    Raises:
        ValueError: an unknown name, or a dict without "class_name". TypeError: something else.
    """
    found = identifier
    if isinstance(identifier, str | Mapping):
        found = _LIBRARY.deserialize(identifier)
    if isinstance(found, type) and issubclass(found, Regularizer):
        found = found()
    if found is None or (callable(found) and not isinstance(found, type)):
        return found
    raise TypeError(f"regularizer is {identifier!r}; expected a function or one of {_LIBRARY.expected()}")


def serialize(regularizer: Callable[[Any], Any] | None) -> Any:
    """A regularizer as files have it: what `deserialize` and Keras read; None for None.

    Raises:
        TypeError: it has no name that a file could hold.
    """
    return _LIBRARY.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` or Keras wrote.

    Args:
        config: see there.
        custom_objects: classes and functions by name that are not day33's.

    Raises:
        ValueError: it is neither day33's nor among the custom objects.
    """
    with _custom.known(custom_objects or {}):
        return _LIBRARY.deserialize(config)


def __dir__() -> list[str]:
    return list(__all__)
