"""Targets and predictions as the functions of losses take them: arrays, recorded values or symbolic tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .._core.arrays import as_float32
from .._core.dispatch import Operators, active_recorder
from .._core.tensors import as_tensor
from .._core.types import Shape


def is_array(value: Any) -> bool:
    """Whether a value is an array (or what NumPy reads as one) of which no tape takes notice."""
    recorder = active_recorder()
    return not isinstance(value, Operators) and (recorder is None or not recorder.concerns(value))


def as_values(name: str, value: Any) -> Any:
    """A value in float32. TypeError where it does not hold real numbers."""
    if is_array(value):
        return as_float32(name, value)
    return value if str(value.dtype) == "float32" else ops.cast(value, "float32")


def rank(value: Any) -> int:
    """The number of axes."""
    return len(value.shape)


def with_axis(value: Any) -> Any:
    """A value with one more axis of length 1, the last one."""
    return ops.reshape(value, (*_sizes(value.shape), 1)) if not _is_plain(value) else value[..., np.newaxis]


def without_axis(value: Any) -> Any:
    """A value without its last axis, which has length 1."""
    return ops.reshape(value, tuple(_sizes(value.shape[:-1]))) if not _is_plain(value) else value[..., 0]


def _is_plain(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _sizes(shape: Shape) -> list[int]:
    """A shape for `ops.reshape`: the one size that is not known as -1."""
    if sum(size is None for size in shape) > 1:
        raise ValueError(f"a value has shape {tuple(shape)}; expected at most one unknown size")
    return [-1 if size is None else size for size in shape]


def match_ranks(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Makes ranks that differ by one equal where the extra last axis has length 1, as Keras does.

    The axis is dropped; only where the other value has a single axis, it gets one more instead.
    """
    if rank(y_true) == rank(y_pred) + 1 and y_true.shape[-1] == 1:
        return (y_true, with_axis(y_pred)) if rank(y_pred) == 1 else (without_axis(y_true), y_pred)
    if rank(y_pred) == rank(y_true) + 1 and y_pred.shape[-1] == 1:
        y_pred, y_true = match_ranks(y_pred, y_true)
    return y_true, y_pred


def pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Targets and predictions in float32, of the same rank.

    Raises:
        ValueError: they have different shapes, or none. TypeError: one does not hold real numbers.
    """
    true, pred = match_ranks(as_values("y_true", y_true), as_values("y_pred", y_pred))
    same = rank(true) == rank(pred) >= 1 and all(
        None in sizes or sizes[0] == sizes[1] for sizes in zip(true.shape, pred.shape, strict=True)
    )
    if not same:
        raise ValueError(
            f"y_true has shape {tuple(true.shape)} and y_pred {tuple(pred.shape)}; expected the same shape, rank >= 1"
        )
    return true, pred


def finished(values: Any) -> Any:
    """What a function of losses returns: arrays also answer ``.numpy()``."""
    return as_tensor(values) if isinstance(values, np.ndarray) else values
