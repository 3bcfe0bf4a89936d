"""Elements of a data set: tensors, or tuples and dicts of elements. Lists are tensors here, as in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def leaves(structure: Any) -> list[Any]:
    """What is in the tuples and dicts, from left to right."""
    found: list[Any] = []
    map_leaves(found.append, structure)
    return found


def pack(structure: Any, parts: Iterable[Any]) -> Any:
    """The same structure with other leaves, from left to right."""
    rest = iter(parts)
    return map_leaves(lambda _: next(rest), structure)


def map_leaves(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """The same structure with ``function(leaf, leaves of the others in the same place)``.

    TypeError where one of `others` has another structure.
    """
    if isinstance(structure, tuple):
        for other in others:
            if not isinstance(other, tuple | list) or len(other) != len(structure):
                raise TypeError(f"the structure is {other!r}; expected a tuple of {len(structure)}")
        parts = [map_leaves(function, *items) for items in zip(structure, *others, strict=True)]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, Mapping):
        for other in others:
            if not isinstance(other, Mapping) or set(other) != set(structure):
                raise TypeError(f"the structure is {other!r}; expected a dict with the keys {sorted(structure)}")
        return {key: map_leaves(function, structure[key], *(other[key] for other in others)) for key in structure}
    return function(structure, *others)
