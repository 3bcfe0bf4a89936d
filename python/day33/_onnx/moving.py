"""Operators that move values: shapes, order of axes, pieces, borders, places in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import layers, ops
from .registry import Call, Result, axis_of, reads
from .values import BATCH, Open, Size, Value, allow, as_operand, batch_ahead, common_order, plain


@reads("Reshape")
def _reshape(call: Call) -> Result:
    value = call.given(0)
    if call.opset < 5:
        raise ValueError("its shape is an attribute; expected operators of version 5 or later")
    target = call.given(1).numbers()
    if value.array is not None:
        return Value.known(value.array.reshape([value.array.shape[i] if s == 0 else s for i, s in enumerate(target)]))
    if not call.get("allowzero", 0):
        target = [value.sizes[axis] if size == 0 else size for axis, size in enumerate(target)]
    return reshaped(value, target, call.name)


@reads("Flatten")
def _flatten(call: Call) -> Result:
    value = call.given(0)
    axis = call.get("axis", 1)
    if axis != 1 or value.batch != 0:
        raise ValueError(f"its axis is {axis} and the batch is on axis {value.batch}; expected axis 1 and the batch "
                         "first")  # fmt: skip
    return reshaped(value, [BATCH, -1], call.name)


def reshaped(value: Value, target: Sequence[Size], name: str) -> Value:
    """The same elements in another shape. The axes up to the batch have to stay as they are."""
    sizes, batch = value.sizes, value.batch
    target = _with_batch(sizes, list(target), batch)
    if list(target) == sizes:
        return value
    if list(target[: batch + 1]) != sizes[: batch + 1]:
        raise ValueError(f"it reshapes {sizes} to {list(target)}; expected the batch N to stay apart")
    known = _filled(sizes[batch + 1 :], target[batch + 1 :])
    whole = [*target[: batch + 1], *known]
    if None not in sizes and -1 not in whole and _without_ones(sizes) == _without_ones(whole):
        return _with_ones(value, whole)
    if any(size is None for size in sizes[:batch]):
        raise ValueError(f"it reshapes {sizes} to {list(target)}; expected known sizes before the batch")
    x = value.tensor(batch_ahead(value.rank, batch))
    result = layers.Reshape((*(int(size) for size in target[:batch]), *known), name=name)(x)
    return Value.of(result, batch_ahead(len(whole), batch))


def _with_batch(sizes: Sequence[Size], target: list[Size], batch: int) -> list[Size]:
    """A target in which the batch is named, also where it is said by -1, or by 1 or the rest of the sizes."""
    if BATCH in target or len(target) <= batch:
        return target
    rest, known = target[batch + 1 :], sizes[batch + 1 :]
    says = target[batch]
    if says == -1 and None not in known and math.prod(known) != math.prod(int(size) for size in rest):
        raise ValueError(f"it reshapes {list(sizes)} to {target}; expected the batch N to stay apart")
    if says == -1 or says == 1:
        return [*target[:batch], BATCH, *rest]
    return target


def _filled(sizes: Sequence[Size], target: Sequence[Size]) -> list[int]:
    """The target with -1 replaced by what it stands for, where that is known; open sizes become -1."""
    wanted = [-1 if isinstance(size, Open) or size is None else int(size) for size in target]
    if wanted.count(-1) == 1 and None not in sizes:
        others = -math.prod(wanted)
        wanted[wanted.index(-1)] = math.prod(sizes) // others if others else 0
    if wanted.count(-1) > 1:
        raise ValueError(f"it reshapes {list(sizes)} to {list(target)}; expected at most one size that is open")
    return wanted


def _without_ones(sizes: Sequence[Size]) -> list[Size]:
    return [size for size in sizes if size != 1]


def _with_ones(value: Value, target: Sequence[Size]) -> Value:
    """Axes of 1 taken away and put in, in whatever order the others are."""
    value = squeezed(value, [axis for axis, size in enumerate(value.sizes) if size == 1])
    return unsqueezed(value, [axis for axis, size in enumerate(target) if size == 1])


def squeezed(value: Value, axes: Sequence[int]) -> Value:
    """Without axes of 1."""
    if not axes:
        return value
    if value.array is not None:
        return Value.known(np.squeeze(value.array, tuple(axes)))
    if value.batch in axes:
        raise ValueError("it takes away the axis of the batch; expected others")
    order = value.order
    gone = sorted(order[axis] for axis in axes)
    kept = [order[axis] for axis in range(value.rank) if axis not in axes]
    result = ops.squeeze(value.tensors[order], tuple(gone))
    return Value.of(result, [axis - sum(other < axis for other in gone) for axis in kept])


def unsqueezed(value: Value, axes: Sequence[int]) -> Value:
    """With axes of 1 at these places of the result."""
    if not axes:
        return value
    if value.array is not None:
        return Value.known(np.expand_dims(value.array, tuple(axes)))
    rank = value.rank + len(axes)
    order = value.order
    if order == plain(value.rank) and 0 not in axes:
        return Value.of(ops.expand_dims(value.tensors[order], tuple(axes)))
    # Behind the batch, where they are in nobody's way.
    kept, added = iter(order), iter(range(1, len(axes) + 1))
    new = [next(added) if axis in axes else next(kept) for axis in range(rank)]
    shifted = [n if axis in axes or n == 0 else n + len(axes) for axis, n in enumerate(new)]
    return Value.of(ops.expand_dims(value.tensors[order], tuple(range(1, len(axes) + 1))), shifted)


@reads("Squeeze")
def _squeeze(call: Call) -> Result:
    value = call.given(0)
    axes = call.axes(value.rank, 1, 13)
    if axes is None:
        axes = [axis for axis, size in enumerate(value.sizes) if size == 1]
    if any(value.sizes[axis] not in (1, BATCH) for axis in axes):
        raise ValueError(f"it takes away the axes {axes} of {value.sizes}; expected axes of size 1")
    return squeezed(value, axes)


@reads("Unsqueeze")
def _unsqueeze(call: Call) -> Result:
    value = call.given(0)
    given = call.given(1).integers() if call.opset >= 13 else list(call.get("axes", ()))
    return unsqueezed(value, [axis_of(axis, value.rank + len(given)) for axis in given])


@reads("Transpose")
def _transpose(call: Call) -> Result:
    value = call.given(0)
    perm = call.get("perm", tuple(reversed(range(value.rank))))
    if sorted(perm) != list(range(value.rank)):
        raise ValueError(f"its attribute 'perm' is {perm} for a value of {value.rank} axes")
    if value.array is not None:
        return Value.known(value.array.transpose(perm))
    return Value({tuple(order[axis] for axis in perm): tensor for order, tensor in value.tensors.items()})


# ---- pieces ----


def tensor_axis(value: Value, axis: int) -> int:
    """The axis of the tensor in `value.order`, which must not be the batch."""
    place = value.order[axis_of(axis, value.rank)]
    if place == 0:
        raise ValueError("it works along the batch; expected results of each sample by itself")
    return place


@reads("Concat")
def _concatenate(call: Call) -> Result:
    values = call.values()
    axis = call.get("axis")
    if all(value.array is not None for value in values):
        arrays = [value.constant() for value in values]
        if any(array.dtype.kind == "O" for array in arrays):
            arrays = [array.astype(object) for array in arrays]
        allow(sum(array.size for array in arrays))
        return Value.known(np.concatenate(arrays, axis))
    if any(value.array is not None for value in values):
        raise ValueError("it joins constants to values that depend on the inputs; expected the latter alone")
    order = common_order(values)
    place = order[axis_of(axis, len(order))]
    if place == 0:
        raise ValueError("it works along the batch; expected results of each sample by itself")
    return Value.of(ops.concatenate([value.tensor(order) for value in values], place), order)


@reads("Slice")
def _slice(call: Call) -> Result:
    value = call.given(0)
    if call.opset < 10:
        starts, ends = list(call.get("starts")), list(call.get("ends"))
        axes, steps = list(call.get("axes", tuple(range(len(starts))))), [1] * len(starts)
    else:
        starts, ends = call.given(1).integers(), call.given(2).integers()
        axes = call.given(3).integers() if call.has(3) else list(range(len(starts)))
        steps = call.given(4).integers() if call.has(4) else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise ValueError(f"its starts, ends, axes and steps are {starts}, {ends}, {axes} and {steps}")
    cuts = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis_of(axis, value.rank)
        size = value.sizes[axis]
        if size is BATCH or size is None:
            if step == 1 and start == 0 and end >= 2**31 - 1:
                continue
            if size is BATCH:
                tensor_axis(value, axis)
        # A negative end below the first cell stands for "to the first one", as None does in Python.
        stop = None if end < (-(2**31) + 2 if size is None else -size) and step < 0 else end
        cuts[axis] = slice(_clamped(start), None if stop is None else _clamped(stop), step)
    if value.array is not None:
        return Value.known(value.array[tuple(cuts.get(axis, slice(None)) for axis in range(value.rank))])
    return _cut(value, cuts)


def _clamped(place: int) -> int:
    """Ends of ONNX may be as large as int64 allows."""
    return min(max(place, -(2**31) + 1), 2**31 - 1)


def _cut(value: Value, cuts: dict[int, Any]) -> Value:
    order = value.order
    if not cuts:
        return value
    key = [slice(None)] * value.rank
    for axis, cut in cuts.items():
        key[tensor_axis(value, axis)] = cut
    return Value.of(value.tensors[order][tuple(key)], order)


@reads("Split")
def _split(call: Call) -> Result:
    value, axis = call.given(0), call.get("axis", 0)
    size = value.sizes[axis_of(axis, value.rank)]
    place = tensor_axis(value, axis)
    count = len(call.wanted)
    given = list(call.get("split", ())) if call.opset < 13 else call.given(1).integers() if call.has(1) else []
    if not given:
        part = -(-size // count)
        given = [part] * (count - 1) + [size - part * (count - 1)]
    if sum(given) != size or len(given) != count:
        raise ValueError(f"it splits {size} cells into {given}; expected {count} numbers with that sum")
    parts = ops.split(value.tensors[value.order], np.cumsum(given)[:-1].tolist(), place)
    return [Value.of(part, value.order) for part in parts]


@reads("Gather")
def _gather(call: Call) -> Result:
    value, places = call.given(0), call.given(1)
    axis = axis_of(call.get("axis", 0), value.rank)
    if value.array is not None and places.array is not None:
        rows = places.constant()
        allow(*value.array.shape[:axis], *rows.shape, *value.array.shape[axis + 1 :])
        return Value.known(np.take(value.array, rows.astype(np.int64), axis))
    if value.array is not None:
        return _looked_up(call, value.array, places, axis)
    if places.array is None:
        raise ValueError("it takes places that depend on the inputs from a value that does, too; expected a constant")
    rows = places.array.astype(np.int64)
    if rows.ndim == 0:
        size = value.sizes[axis]
        number = int(rows)
        place = tensor_axis(value, axis)
        if isinstance(size, int) and not -size <= number < size:
            raise ValueError(f"it takes cell {number} of {size}")
        key = [slice(None)] * place + [number]
        tensor = value.tensors[value.order][tuple(key)]
        kept = [other for other in value.order if other != place]
        return Value.of(tensor, [other - (other > place) for other in kept])
    if rows.ndim == 1:
        return Value.of(ops.take(value.tensors[value.order], rows, tensor_axis(value, axis)), value.order)
    if axis == 0:
        tensor_axis(value, 0)
    return Value.of(ops.take(value.tensor(), rows, axis))


def _looked_up(call: Call, table: Any, places: Value, axis: int) -> Value:
    """Rows of a table of weights are an embedding."""
    indices = places.tensor()
    if axis == 0 and table.ndim == 2 and table.dtype.kind == "f":
        layer = call.layer(lambda: layers.Embedding(*table.shape, name=call.name))
        result = layer(indices)
        layer.set_weights([table.astype(np.float32)])
        return Value.of(result)
    if axis != 0:
        raise ValueError(f"its axis is {axis} for a constant of shape {table.shape}; expected 0")
    return Value.of(ops.take(as_operand(table), indices, 0))


@reads("GatherElements")
def _gather_elements(call: Call) -> Result:
    value, places = call.given(0), call.given(1)
    axis = axis_of(call.get("axis", 0), value.rank)
    tensor_axis(value, axis)
    return Value.of(ops.take_along_axis(value.tensor(), places.tensor(), axis))


@reads("Pad")
def _pad(call: Call) -> Result:
    value = call.given(0)
    mode = call.expect("mode", "constant", "reflect", "edge")
    if call.opset < 11:
        pads, number = list(call.get("pads")), call.get("value", 0.0)
    else:
        pads = call.given(1).integers()
        number = call.constant(2).reshape(()).item() if call.has(2) else 0.0
    axes = call.given(3).integers() if call.has(3) else list(range(value.rank))
    if len(pads) != 2 * len(axes):
        raise ValueError(f"its pads are {pads}; expected {2 * len(axes)} numbers")
    borders, cuts = [(0, 0)] * value.rank, {}
    for n, axis in enumerate(axes):
        before, behind = pads[n], pads[n + len(axes)]
        if before < 0 or behind < 0:
            cuts[axis_of(axis, value.rank)] = slice(max(-before, 0), behind if behind < 0 else None)
        if before > 0 or behind > 0:
            borders[tensor_axis(value, axis)] = (max(before, 0), max(behind, 0))
    value = _cut(value, cuts)
    if not any(map(any, borders)):
        return value
    if mode == "edge":
        raise ValueError("its attribute 'mode' is 'edge'; expected 'constant' or 'reflect'")
    options = {"constant_values": number} if mode == "constant" else {}
    return Value.of(ops.pad(value.tensors[value.order], borders, mode, **options), value.order)


@reads("Tile")
def _tile(call: Call) -> Result:
    value, counts = call.given(0), call.given(1).integers()
    if len(counts) != value.rank:
        raise ValueError(f"its repeats are {counts} for a value of {value.rank} axes")
    if value.array is not None:
        allow(*(size * count for size, count in zip(value.array.shape, counts, strict=True)))
        return Value.known(np.tile(value.array, counts))
    repeats = [1] * value.rank
    for axis, count in enumerate(counts):
        if count != 1:
            repeats[tensor_axis(value, axis)] = count
    return Value.of(ops.tile(value.tensors[value.order], repeats), value.order)


@reads("OneHot")
def _one_hot(call: Call) -> Result:
    places, depth, values = call.given(0), int(call.constant(1).reshape(())), call.constant(2)
    off, on = (float(item) for item in values.reshape(-1).tolist())
    axis = call.get("axis", -1)
    if axis_of(axis, places.rank + 1) == 0:
        raise ValueError("its axis is that of the batch")
    indices = places.tensor()
    indices = ops.where(indices < 0, indices + depth, indices)
    found = ops.one_hot(indices, depth, axis=axis)
    return Value.of(found if (off, on) == (0.0, 1.0) else found * (on - off) + off)
