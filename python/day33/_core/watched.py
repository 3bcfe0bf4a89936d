"""`Watched`: a tensor whose operators a tape records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dispatch import ARRAY_METHODS, TABLE, active_recorder, recorded_function, recorded_ufunc
from .tensors import Tensor


class Watched(Tensor):
    """A tensor that `GradientTape.watch` was called with.

    While a tape that watches it is open, operators and functions of NumPy that `day33.ops` has as well are recorded. A
    plain NumPy array cannot be changed into one: of it, functions of `day33.ops` and calls of layers are recorded.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if _is_recorded(*inputs):
            recorded = recorded_ufunc(ufunc, method, inputs, kwargs)
            if recorded is not None:
                return recorded()
        kwargs = {name: _plain(value) for name, value in kwargs.items()}
        return getattr(ufunc, method)(*_plain(inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if _is_recorded(*args):
            recorded = recorded_function(function, args, kwargs)
            if recorded is not None:
                return recorded()
        return super().__array_function__(function, types, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return TABLE["getitem"](self, key) if _is_recorded(self) else super().__getitem__(key)


def _is_recorded(*values: Any) -> bool:
    recorder = active_recorder()
    return recorder is not None and any(recorder.concerns(value) for value in values)


def _plain(value: Any) -> Any:
    """Tensors in place of watched ones."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return value.view(Tensor) if isinstance(value, Watched) else value


def _method(name: str) -> Callable[..., Any]:
    def method(self: Watched, *args: Any, **kwargs: Any) -> Any:
        return (
            TABLE[name](self, *args, **kwargs) if _is_recorded(self) else getattr(Tensor, name)(self, *args, **kwargs)
        )

    method.__name__ = name
    return method


for _name in ARRAY_METHODS:
    setattr(Watched, _name, _method(_name))
