"""Classes and functions of the user's by name, for configurations from files: registered, or known inside of a block.

A file names what it needs; nothing is imported by such a name. It is looked up here, among what the user has handed
over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[dict[str, Any] | None] = ContextVar("custom_objects", default=None)
_for_copies: ContextVar[bool] = ContextVar("for_copies", default=False)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator for classes and functions, which files may then name without `custom_objects`.

    Args:
        package: the first part of the registered name, which is ``"package>name"``.
        name: the second part; that of the class or function by default.

    Raises:
        ValueError: a class without `get_config`.
    """

    def decorator(item: T) -> T:
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(f"{item.__name__} has no get_config; expected one, from which files can make it again")
        registered = f"{package}>{name or item.__name__}"  # type: ignore[attr-defined]
        _registered[registered] = item
        _names[item] = registered
        return item

    return decorator


class CustomObjectScope:
    """A ``with`` block inside of which files may name these classes and functions.

    Args:
        custom_objects: by the names that files have for them.
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._blocks: list[Any] = []

    def __enter__(self) -> Self:
        block = known(self.custom_objects)
        block.__enter__()
        self._blocks.append(block)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._blocks.pop().__exit__(None, None, None)


custom_object_scope = CustomObjectScope


@contextmanager
def known(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Inside, configurations may also name these objects."""
    token = _scope.set({**(_scope.get() or {}), **custom_objects})
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def for_copies() -> Iterator[None]:
    """Inside, configurations are for copies in this process: functions stand in them as they are, not by name."""
    token = _for_copies.set(True)
    try:
        yield
    finally:
        _for_copies.reset(token)


def are_for_copies() -> bool:
    """Whether configurations are not for files; see `for_copies`."""
    return _for_copies.get()


def get_custom_objects() -> dict[str, Any]:
    """The registered classes and functions by name; the dict itself, which may be changed."""
    return _registered


def get_registered_name(obj: Any) -> str:
    """The registered name of a class or function, its own name where it was not registered."""
    return _names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The class or function of that name: of the block it is called in, registered, or in one of the tables; or None.

    Args:
        name: as `get_registered_name` gives it.
        custom_objects, module_objects: tables that are looked at last.
    """
    for table in (_scope.get(), _registered, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None


def find(*names: Any) -> Any:
    """What a configuration calls by one of these names, with or without the package in front; None for nothing."""
    for name in names:
        if isinstance(name, str):
            for key in (name, name.rpartition(">")[2]):
                found = get_registered_object(key)
                if found is not None:
                    return found
    return None
