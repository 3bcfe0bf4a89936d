"""Operators that give constants, and the shapes of values, with which files compute other shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .. import ops
from .registry import Call, Result, reads
from .values import BATCH, Open, Size, Value, allow


@reads("Constant")
def _constant(call: Call) -> Result:
    attributes = call.node.attributes
    for name, dtype in (
        ("value", None), ("value_float", np.float32), ("value_int", np.int64), ("value_floats", np.float32),
        ("value_ints", np.int64),
    ):  # fmt: skip
        if attributes.get(name) is not None:
            return Value.known(np.asarray(attributes[name], dtype))
    raise ValueError(f"its attributes are {sorted(attributes)}; expected a constant of numbers")


@reads("Shape")
def _shape(call: Call) -> Result:
    sizes = call.given(0).sizes
    open_ones = [axis for axis, size in enumerate(sizes) if size is None]
    found = np.empty(len(sizes), object)
    found[:] = [Open(axis) if axis in open_ones else size for axis, size in enumerate(sizes)]
    return Value.known(found[call.get("start", 0) : call.get("end", None)])


@reads("ConstantOfShape")
def _constant_of_shape(call: Call) -> Result:
    shape = _one_row(call.given(0).numbers())
    value = call.get("value", None)
    allow(*shape)
    return Value.known(np.full(shape, 0.0 if value is None else value.reshape(())[()]))


def _one_row(shape: Sequence[Size]) -> list[int]:
    """A shape of constants, which are the same for all samples."""
    return [1 if size is BATCH else size for size in shape]


@reads("Range")
def _range(call: Call) -> Result:
    start, limit, step = (value.constant().reshape(()).item() for value in call.values())
    if step == 0:
        raise ValueError("its step is 0")
    allow(max(math.ceil((limit - start) / step), 0))
    return Value.known(np.arange(start, limit, step))


@reads("Expand")
def _expand(call: Call) -> Result:
    value, shape = call.given(0), call.given(1).numbers()
    if value.array is not None:
        whole = np.broadcast_shapes(value.array.shape, tuple(_one_row(shape)))
        allow(*whole)
        return Value.known(np.broadcast_to(value.array, whole))
    if value.batch != 0 or len(shape) > value.rank:
        raise ValueError(f"it broadcasts samples of shape {value.sizes} to {shape}; expected no more axes")
    sizes = value.tensor().shape[1:]
    given = [1] * (value.rank - len(shape)) + [1 if size is BATCH else size for size in shape]
    wanted = [theirs if mine == 1 else mine for mine, theirs in zip(sizes, given[1:], strict=True)]
    if tuple(wanted) == tuple(sizes):
        return value
    return Value.of(ops.add(value.tensor(), np.zeros((1, *wanted), value.dtype)))
