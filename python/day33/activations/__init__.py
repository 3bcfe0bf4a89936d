"""Activations by name, as layers take them. The functions on arrays are in `day33.ops`, and here too by name."""

from __future__ import annotations

from typing import Any

from .spec import ActivationSpec, get, is_name

__all__ = ["ActivationSpec", "get"]


def __getattr__(name: str) -> Any:
    if is_name(name):
        return get(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
