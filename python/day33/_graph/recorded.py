"""`Recorded`: what a recorded call gave."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.dispatch import ARRAY_METHODS, TABLE, Symbolic, recorded_function, recorded_ufunc
from .._core.tensors import as_tensor, mask_of
from .._core.types import Array
from .tensors import SymbolicTensor

if TYPE_CHECKING:
    from typing import Protocol

    class Computes(Protocol):
        """A recorder as its handles see it."""

        def compute(self, handles: list[Recorded]) -> None: ...


_numbers = itertools.count()


class Recorded(Symbolic):
    """What a recorded call gave: an array that is computed when its values are asked for.

    Operators, and methods and functions of NumPy that `day33.ops` has as well, are recorded; NumPy's other functions
    take the values.

    Attributes:
        symbol: in the graph.
        recorder: that has the graph.
        number: rises with each handle.
    """

    def __init__(self, symbol: SymbolicTensor, recorder: Computes) -> None:
        self.symbol = symbol
        self.recorder = recorder
        self.number = next(_numbers)
        self._held: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return tuple(size or 0 for size in self.symbol.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.symbol.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32, int32 or bool."""
        return np.dtype(self.symbol.dtype)

    @property
    def is_known(self) -> bool:
        """Whether the values were computed."""
        return self._held is not None

    @property
    def value(self) -> Array:
        """The values."""
        if self._held is None:
            self.recorder.compute([self])
        assert self._held is not None
        return self._held

    @property
    def _keras_mask(self) -> Array | None:
        """The mask of what a layer gave, under the name that Keras has for it."""
        return mask_of(self)

    def hold(self, array: Array) -> None:
        """Keeps the values."""
        self._held = array

    def numpy(self) -> Any:
        """The values as a NumPy array; a NumPy number where there is no axis."""
        return as_tensor(self.value).numpy()

    def item(self) -> Any:
        """The one value as a Python number."""
        return self.value.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        recorded = recorded_ufunc(ufunc, method, inputs, kwargs)
        if recorded is not None:
            return recorded()
        plain = [item.value if isinstance(item, Recorded) else item for item in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        recorded = recorded_function(function, args, kwargs)
        if recorded is not None:
            return recorded()
        return function(*_plain(args), **_plain(kwargs))

    def __getattr__(self, name: str) -> Any:
        if name in ARRAY_METHODS:
            return functools.partial(TABLE[name], self)
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a recorded value has no attribute {name!r}")
        instead = f"day33.ops.{name}(x)" if name in TABLE else "functions of day33.ops"
        raise AttributeError(
            f"a recorded value has no attribute {name!r}; expected {instead}, or x.numpy().{name} for a value that no "
            "gradient goes through"
        )

    def __eq__(self, other: object) -> Any:
        return TABLE["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return TABLE["not_equal"](self, other)

    __hash__ = object.__hash__

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a number has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("a number cannot be iterated over")
        return (self[number] for number in range(self.shape[0]))

    def __format__(self, spec: str) -> str:
        return format(self.value[()] if not self.ndim else self.value, spec)

    def __repr__(self) -> str:
        return f"<Recorded shape={self.shape}, dtype={self.dtype.name}, value={self.value}>"


def _plain(structure: Any) -> Any:
    """The same with values in place of handles."""
    if isinstance(structure, Recorded):
        return structure.value
    if isinstance(structure, list | tuple):
        return type(structure)([_plain(item) for item in structure])
    if isinstance(structure, dict):
        return {key: _plain(item) for key, item in structure.items()}
    return structure
