"""Automatic names: "conv2d", "conv2d_1", ... as Keras gives them."""

from __future__ import annotations

import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()
_scopes = threading.local()


def unique(stem: str) -> str:
    with _lock:
        number = _counts[stem]
        _counts[stem] += 1
    return f"{stem}_{number}" if number else stem


def clear() -> None:
    with _lock:
        _counts.clear()


def scope() -> list[str]:
    """The names of the layers being built around this call, in this thread."""
    if not hasattr(_scopes, "names"):
        _scopes.names = []
    names: list[str] = _scopes.names
    return names
