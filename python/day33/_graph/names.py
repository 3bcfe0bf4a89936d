"""Automatic names: "conv2d", "conv2d_1", ... as Keras gives them."""

from __future__ import annotations

import re
import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()
_scopes = threading.local()


def snake_case(name: str) -> str:
    """The name of a class as the stem of a layer's name: Conv2DTranspose gives conv2d_transpose."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()


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
