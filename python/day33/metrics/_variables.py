"""`MetricVariable`: one array of what a metric keeps from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._core.tensors import Tensor, as_tensor


class MetricVariable(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that a metric adds to. Used like an array: operators and functions take its values.

    Args:
        value: the values it begins with, an array of its own.
        name: within the metric.

    Attributes:
        name: as given.
    """

    trainable = False
    __array_priority__ = 20.0  # so that an array on the left hands an operator over
    __hash__ = object.__hash__

    def __init__(self, value: NDArray[Any], name: str) -> None:
        self._value = value
        self.name = name

    @property
    def value(self) -> Tensor:
        """The values, an array of the caller's own."""
        return as_tensor(self._value.copy())

    def numpy(self) -> NDArray[Any]:
        """The values as a plain NumPy array; a NumPy number where there is no axis."""
        return self.value.numpy()

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis. It never changes."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of values."""
        return self._value.size

    @property
    def dtype(self) -> str:
        """The dtype as Keras writes it, such as "float32"."""
        return self._value.dtype.name

    def assign(self, value: ArrayLike) -> MetricVariable:
        """Replaces the values. ValueError where `value` has another shape; nothing is broadcast."""
        array = np.array(value, self._value.dtype)
        if array.shape != self.shape:
            raise ValueError(f"value for variable {self.name!r} has shape {array.shape}; expected {self.shape}")
        self._value = array
        return self

    def assign_add(self, value: ArrayLike) -> MetricVariable:
        """Adds `value`, which may be broadcast. ValueError where the sum has another shape."""
        return self._change(np.add, value)

    def assign_sub(self, value: ArrayLike) -> MetricVariable:
        """Subtracts `value`, which may be broadcast. ValueError where the difference has another shape."""
        return self._change(np.subtract, value)

    def reset(self) -> None:
        """Sets all values to zero."""
        self._value.fill(0)

    def _change(self, function: np.ufunc, value: ArrayLike) -> MetricVariable:
        array = np.asarray(value)
        if array.ndim == 0 or array.shape == self._value.shape:  # in place, rounded once, as `assign` would
            function(self._value, array, out=self._value, casting="unsafe")
            return self
        return self.assign(function(self._value, array))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            return np.asarray(self._value, dtype)
        return np.array(self._value, dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        given = [item._value if isinstance(item, MetricVariable) else item for item in inputs]
        found = getattr(ufunc, method)(*given, **kwargs)
        return tuple(map(as_tensor, found)) if isinstance(found, tuple) else as_tensor(found)

    def __getitem__(self, key: Any) -> Tensor:
        return as_tensor(self._value[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __repr__(self) -> str:
        return f"<MetricVariable name={self.name}, shape={self.shape}, dtype={self.dtype}, value={self._value}>"
