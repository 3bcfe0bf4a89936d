"""Names made of the names of classes and functions, and automatic names: "conv2d", "conv2d_1", ... as in Keras."""

from __future__ import annotations

import re
import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """The name of a class or function in snake case: Conv2DTranspose gives conv2d_transpose, <lambda> gives lambda."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()


def camel_case(name: str) -> str:
    """The name of a class for a function: floor_divide gives FloorDivide."""
    return "".join(part.capitalize() for part in name.split("_"))


def unique(stem: str) -> str:
    """`stem` for the first caller, with a number behind it for every later one."""
    with _lock:
        number = _counts[stem]
        _counts[stem] += 1
    return f"{stem}_{number}" if number else stem


def unused(stem: str, taken: set[str]) -> str:
    """`stem`, or where it is taken, `stem` with the first number from 2 on that is free. It is taken then."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name


def clear() -> None:
    """Starts the numbers of `unique` over."""
    with _lock:
        _counts.clear()
