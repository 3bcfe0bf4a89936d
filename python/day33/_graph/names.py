"""Automatic names, and the names of the layers around a call."""

from __future__ import annotations

import threading

from .._core.naming import clear as clear
from .._core.naming import unique as unique

_scopes = threading.local()


def scope() -> list[str]:
    """The names of the layers being built around this call, in this thread."""
    if not hasattr(_scopes, "names"):
        _scopes.names = []
    names: list[str] = _scopes.names
    return names
