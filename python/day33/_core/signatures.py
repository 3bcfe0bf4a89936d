"""What constructors take."""

from __future__ import annotations

import inspect
from typing import Any


def accepted_arguments(cls: Any) -> frozenset[str]:
    """The names of the arguments of the constructor, including those that ``**kwargs`` hands on to base classes."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            names.update(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(names - {"self"})
