"""`Variable`: a weight, with a name, on memory the native side owns."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _native
from .arrays import as_float32

if TYPE_CHECKING:
    from .._native import Float32

__all__ = ["Variable"]

_lock = threading.Lock()
_modes_version = 0


def modes_version() -> int:
    """A number that rises whenever something anywhere becomes trainable, or stops being so."""
    return _modes_version


def modes_changed() -> None:
    global _modes_version
    with _lock:
        _modes_version += 1


class Variable:
    """A float32 tensor that a layer owns.

    Args:
        initial_value: array of real numbers; its shape is the variable's for good.
        trainable: whether an optimizer may change it.
        name: as in "kernel".
        path: the name with the owners' names before it, as in "conv2d/kernel". `name` by default.
    """

    dtype = "float32"

    def __init__(
        self, initial_value: ArrayLike, *, trainable: bool = True, name: str = "variable", path: str | None = None
    ) -> None:
        value = as_float32(f"initial_value of variable {name!r}", initial_value)
        self.name = name
        self.path = name if path is None else path
        self._trainable = bool(trainable)
        self.parameter = _native.Parameter(value.shape)
        self.parameter.assign(value)

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change it. Settable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if self._trainable != bool(value):
            self._trainable = bool(value)
            modes_changed()

    @property
    def shape(self) -> tuple[int, ...]:
        """Fixed for good."""
        return tuple(self.parameter.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.parameter.size)

    @property
    def value(self) -> Float32:
        """A read-only array on the variable's own memory: later writes show in it."""
        return self.parameter.view()

    def numpy(self) -> Float32:
        """A copy."""
        return np.array(self.parameter.view())

    def assign(self, value: ArrayLike) -> Variable:
        """Writes `value`, converted to float32.

        Raises:
            TypeError: not real numbers.
            ValueError: another shape than the variable's (nothing is broadcast).
        """
        array = as_float32(f"value for variable {self.path!r}", value)
        if array.shape != self.shape:
            raise ValueError(f"value for variable {self.path!r} has shape {array.shape}; expected {self.shape}")
        self.parameter.assign(array)
        return self

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            return np.asarray(self.value, dtype=dtype)
        return np.array(self.value, dtype=dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "path": self.path, "_trainable": self._trainable, "value": self.numpy()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        value = state.pop("value")
        self.__dict__.update(state)
        self.parameter = _native.Parameter(value.shape)
        self.parameter.assign(value)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable}>"
