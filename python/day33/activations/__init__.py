"""Activations by name, as layers take them. The functions on arrays are in `day33.ops`, and here too by name."""

from __future__ import annotations

from typing import Any

from . import spec
from .spec import ActivationSpec, get, names

__all__ = ["ActivationSpec", "get", "names"]


def __dir__() -> list[str]:
    return list(__all__)


def __getattr__(name: str) -> Any:
    if spec.is_name(name):
        return get(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
