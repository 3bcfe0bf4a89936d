"""`Model` and `Sequential`."""

from __future__ import annotations

from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential"]


def __dir__() -> list[str]:
    return list(__all__)
