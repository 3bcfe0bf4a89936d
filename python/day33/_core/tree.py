"""Nested lists, tuples and dicts with leaves, as models take and return them. Dicts are walked by sorted key."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import is_int


def flatten(structure: Any) -> list[Any]:
    """The leaves from left to right."""
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in flatten(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    return [structure]


def transform(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure with `function(leaf)` for every leaf, called from left to right."""
    if isinstance(structure, list | tuple):
        return type(structure)([transform(function, item) for item in structure])
    if isinstance(structure, dict):
        return {key: transform(function, structure[key]) for key in sorted(structure)}
    return function(structure)


def pack(structure: Any, leaves: Sequence[Any]) -> Any:
    """The same structure with other leaves."""
    rest = iter(leaves)
    return transform(lambda _: next(rest), structure)


def describe(structure: Any) -> str:
    """The structure without its leaves, as a key for a cache."""
    return repr(transform(lambda _: 0, structure))


def is_shape(value: Any) -> bool:
    """Whether `value` is a shape, such as (None, 28, 28, 1), and not a list of them."""
    return isinstance(value, list | tuple) and all(size is None or is_int(size) for size in value)


def plain_shapes(structure: Any) -> Any:
    """The same shapes with Python's integers in place of NumPy's; whatever else is in them stays."""
    return transform(lambda size: operator.index(size) if isinstance(size, np.integer) else size, structure)


def map_shapes(function: Callable[[tuple[int | None, ...]], Any], structure: Any) -> Any:
    """`transform` where the leaves are shapes."""
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, list | tuple):
        return type(structure)([map_shapes(function, item) for item in structure])
    return {key: map_shapes(function, structure[key]) for key in sorted(structure)}
