"""Lists, tuples and dicts that users hand over: one item for each input or output of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_array(value: Any) -> bool:
    """Whether `value` is an array or a tensor of rank >= 1."""
    return hasattr(value, "__array__") and len(getattr(value, "shape", ())) > 0


def leaves(given: Any) -> list[Any]:
    """The items of nested lists, tuples and dicts without the Nones."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [leaf for item in given.values() for leaf in leaves(item)]
    if isinstance(given, list | tuple):
        return [leaf for item in given for leaf in leaves(item)]
    return [given]


def per_output(given: Any, names: list[str], argument: str) -> list[Any]:
    """One item for each output, from a list in the order of the outputs or a dict by their names."""
    if isinstance(given, Mapping):
        unknown = sorted(set(map(str, given)) - set(names))
        missing = sorted(set(names) - set(given)) if argument == "loss" else []
        if unknown or missing:
            raise ValueError(f"{argument} has the keys {list(given)}; the outputs are {names}")
        return [given.get(name) for name in names]
    if len(given) != len(names):
        raise ValueError(f"{argument} has {len(given)} entries; expected {len(names)}, for the outputs {names}")
    return list(given)


def labelled(value: Any, names: list[str], argument: str) -> list[tuple[str, Any]]:
    """(label for messages, array-like) for each of `names`, from an array, a list, a tuple or a dict.

    Raises ValueError where the number or the names do not fit.
    """
    if isinstance(value, Mapping):
        missing = [name for name in names if name not in value]
        if missing:
            raise ValueError(f"{argument} has the keys {sorted(map(str, value))}; expected {names}")
        return [(f"{argument}[{name!r}]", value[name]) for name in names]
    if isinstance(value, tuple | list) and any(is_array(item) for item in value):
        if len(value) != len(names):
            shapes = [tuple(getattr(item, "shape", ())) for item in value]
            raise ValueError(
                f"{argument} is a {type(value).__name__} of {len(value)} arrays of shapes {shapes}; "
                f"expected {len(names)}, for {names}"
            )
        if len(names) > 1:
            return [(f"{argument}[{index}]", item) for index, item in enumerate(value)]
        return [(argument, value[0])]
    if len(names) > 1:
        if isinstance(value, tuple | list) and len(value) == len(names):
            return [(f"{argument}[{index}]", item) for index, item in enumerate(value)]
        raise ValueError(f"{argument} is one array; expected a list or dict of {len(names)}, for {names}")
    return [(argument, value)]


def dict_keys(structure: Any) -> list[str] | None:
    """The keys of a dict of tensors in the order models flatten it; None for other structures."""
    if isinstance(structure, Mapping) and not any(isinstance(v, Mapping | list | tuple) for v in structure.values()):
        return sorted(structure)
    return None
