"""Tensors of several shapes, filled up to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._core.arrays import as_int
from .._core.tensors import Tensor, as_tensor
from .specs import Shape, TensorSpec, tensor_spec
from .structures import leaves, map_leaves

_KINDS = {"b": "b", "i": "biu", "u": "biu", "f": "biuf", "U": "SU"}  # what may fill up which kind of dtype


def padded_shapes_of(specs: Any, given: Any) -> list[Shape]:
    """The shapes to fill up to, one for each leaf of `specs`; None for the largest size in a batch."""
    found: list[Shape] = []

    def add(spec: Any, shape: Any) -> None:
        found.append(_shape(len(found), tensor_spec(spec), shape))

    if given is None:
        map_leaves(lambda spec: add(spec, None), specs)
    else:
        map_leaves(add, specs, given)
    return found


def _shape(number: int, spec: TensorSpec, given: Any) -> Shape:
    if given is None:
        if spec.shape is None:
            raise ValueError(f"padded_shapes says nothing of part {number}, whose rank is not known; expected a shape")
        return spec.shape
    shape = tuple(None if size in (None, -1) else as_int("padded_shapes", size, 0) for size in given)
    if spec.shape is not None and len(shape) != len(spec.shape):
        raise ValueError(f"padded_shapes is {shape} for part {number}, which has shape {spec.shape}; expected its rank")
    return shape


def fillings_of(specs: Any, given: Any) -> list[Any]:
    """What to fill up with, one for each leaf of `specs`."""
    if given is None or not isinstance(given, tuple | list | Mapping):
        return [_filling(spec, given) for spec in leaves(specs)]
    found: list[Any] = []
    map_leaves(lambda spec, value: found.append(_filling(spec, value)), specs, given)
    return found


def _filling(spec: Any, value: Any) -> Any:
    kind = tensor_spec(spec).dtype.kind
    if value is None:
        return "" if kind == "U" else spec.dtype.type(0)
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in _KINDS.get(kind, ""):
        raise TypeError(
            f"padding_values has {value!r} for a part of dtype {spec.dtype}; expected one value of its kind"
        )
    return str(value) if kind == "U" else spec.dtype.type(value)


def filled_up(parts: Sequence[Tensor], shape: Shape, filling: Any) -> Tensor:
    """The parts along a new first axis. ValueError where one is larger than `shape`, or has another rank."""
    for part in parts:
        if part.ndim != len(shape) or any(
            size is not None and own > size for own, size in zip(part.shape, shape, strict=True)
        ):
            raise ValueError(f"an element has a part of shape {part.shape}; expected at most {shape}, to fill it up")
    sizes = [max(part.shape[axis] for part in parts) if size is None else size for axis, size in enumerate(shape)]
    batch = np.full((len(parts), *sizes), filling, np.result_type(*parts, np.asarray(filling)))
    for place, part in zip(batch, parts, strict=True) if batch.ndim > 1 else ():
        place[tuple(slice(size) for size in part.shape)] = part
    return as_tensor(batch if batch.ndim > 1 else np.stack(parts))
