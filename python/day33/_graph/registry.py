"""Classes of layers and models by the names that configurations have for them.

`day33.layers` and `day33.models` fill the table when they are imported. A name from a file is looked up here and
nowhere else (`layers/serialization.py` does it): nothing is imported by it.
"""

from __future__ import annotations

from typing import Any

CLASSES: dict[str, type[Any]] = {}


def has(cls: type[Any]) -> bool:
    """Whether `cls` itself, not just a class of its name, is in the table."""
    return CLASSES.get(cls.__name__) is cls
