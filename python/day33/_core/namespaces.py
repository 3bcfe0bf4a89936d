"""Modules whose names live elsewhere, and the answer to names that day33 does not have.

A package that mirrors another library's layout (`day33.keras`) is a table: for each of its modules, which names it has
and which module of day33 defines them. A `Namespace` is such a module. Names are looked up when they are asked for, so
that a namespace imports nothing until it is used.

Every name that is not there is answered by the same sentence, as an AttributeError. ``from package import name`` drops
the text of an AttributeError and looks for a module of that name, so a finder at the end of `sys.meta_path` raises the
sentence as an ImportError there.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn

_PACKAGE = __name__.partition(".")[0]


def _sentence(name: str) -> str:
    return f"{_PACKAGE} has no {name}; see docs/keras.md"


def absent(module: str) -> Callable[[str], NoReturn]:
    """A `__getattr__` for a module: every name that reaches it is one that day33 does not have.

    Args:
        module: what the sentence calls the module, such as "tf.nn".
    """

    def answer(name: str) -> NoReturn:
        raise AttributeError(_sentence(f"{module}.{name}"), name=name)

    return answer


class Lookup:
    """Names, and where each is found.

    Args:
        module: what the sentence calls the module, such as "keras.losses".
        names: for each name the module of day33 that defines it, such as "layers"; "losses:mean_squared_error" where
            it has another name there.
        rooms: modules of day33 all of whose names are here, too, such as "layers".
    """

    def __init__(self, module: str, names: Mapping[str, str], rooms: Sequence[str] = ()) -> None:
        self._names = dict(names)
        self._rooms = tuple(rooms)
        self._absent = absent(module)

    def find(self, name: str) -> Any:
        """The object of that name. AttributeError with the sentence if there is none."""
        if name in self._names:
            room, _, other = self._names[name].partition(":")
            return getattr(_room(room), other or name)
        if not name.startswith("_"):
            for room in self._rooms:
                try:
                    return getattr(_room(room), name)
                except AttributeError:
                    pass
        return self._absent(name)

    def listed(self) -> list[str]:
        """Every name, in alphabetical order."""
        found = {name for room in self._rooms for name in dir(_room(room)) if not name.startswith("_")}
        return sorted(found.union(self._names))


class Namespace(ModuleType):
    """A module that answers from a `Lookup`; what is set on it, such as its submodules, comes first."""

    def __init__(self, name: str, doc: str, lookup: Lookup) -> None:
        super().__init__(name, doc)
        self._lookup = lookup
        # No loader and no place for files: a module that is in sys.modules from the start.
        self.__path__: list[str] = []
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        self.__package__ = name

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return dir(self)
        return self._lookup.find(name)

    def __dir__(self) -> list[str]:
        own = {name for name in vars(self) if not name.startswith("_")}
        return sorted(own.union(self._lookup.listed()))


def add_modules(
    package: str, shown: str, rooms: Mapping[str, Sequence[str]], names: Mapping[str, Mapping[str, str]]
) -> None:
    """Puts a `Namespace` below `package` for each entry of `rooms`, so that it can be imported like a file.

    Args:
        package: the full name of a package that is being imported, such as "day33.keras".
        shown: what the sentence calls it, such as "keras".
        rooms: for each dotted name below the package the `rooms` of its `Lookup`; a module comes after the one it is
            in.
        names: the `names` of the lookups that have any.
    """
    for below, sources in rooms.items():
        name = f"{package}.{below}"
        lookup = Lookup(f"{shown}.{below}", names.get(below, {}), sources)
        module = Namespace(name, f"`{shown}.{below}`, from day33's own modules.", lookup)
        parent, _, last = name.rpartition(".")
        sys.modules[name] = module
        setattr(sys.modules[parent], last, module)
    explain_imports(package, shown)


def add_alias(package: str, alias: str) -> None:
    """Makes `package`, and every module below it, importable by the name `alias`, too: the same modules."""
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(package + "."):
            sys.modules[alias + name.removeprefix(package)] = module


def explain_imports(package: str, shown: str) -> None:
    """From now on, an import of something below `package` that is not there ends in the sentence."""
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)
    _finder.packages[package + "."] = shown + "."


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing: it comes last, so what it is asked for is not there."""

    def __init__(self) -> None:
        self.packages: dict[str, str] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname.rpartition(".")[2].startswith("__"):
            return
        for package, shown in self.packages.items():
            if fullname.startswith(package):
                raise ImportError(_sentence(shown + fullname.removeprefix(package)), name=fullname)


_finder = _Finder()


def _room(name: str) -> ModuleType:
    return importlib.import_module(f"{_PACKAGE}.{name}")
