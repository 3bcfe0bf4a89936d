"""Choices under conditions, and from where values stand, under the names of `keras.ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.arrays import as_int
from .elementwise import equal, floor_divide, greater, isfinite, logical_and, logical_not, mod, where
from .indexing import take, take_along_axis
from .reductions import any as some
from .reductions import sum
from .shaping import as_tuple, expand_dims, ravel, shape_of, squeeze


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Where x1 is one of the values of x2, or, with `invert`, none of them.

    Args:
        x1, x2: numbers; each of x1 is compared with all of x2.
        assume_unique: without effect.
    """
    found = some(equal(expand_dims(x1, -1), ravel(x2)), -1)
    return logical_not(found) if invert else found


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """For each place the value of the first choice whose condition holds there.

    Args:
        condlist: truth values. choicelist: as many arrays. All are broadcast.
        default: where no condition holds.

    Raises:
        ValueError: not one choice for each condition.
    """
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(f"condlist has {len(condlist)} entries and choicelist {len(choicelist)}; expected as many")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Positions in a row as positions in an array of a shape: an int32 array for each of its axes."""
    found = []
    for size in reversed(as_tuple("shape", shape)):
        found.append(mod(indices, as_int("shape", size, 1)))
        indices = floor_divide(indices, size)
    return tuple(reversed(found))


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the prediction of the class of each row is among the k largest of it; equal ones all are.

    Args:
        targets: (N,), the classes. predictions: (N, C). NaN and infinity are in no case.
        k: how many.
    """
    own = take_along_axis(predictions, expand_dims(targets, -1), -1)
    larger = sum(where(greater(predictions, own), 1, 0), -1)
    return logical_and(larger < as_int("k", k, 0), squeeze(isfinite(own), -1))


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """All pieces of one length along the last axis, one every so many places.

    Args:
        x: (..., T), of known length.
        sequence_length: of the pieces. sequence_stride: the distance of their beginnings.

    Returns:
        (..., pieces, sequence_length).
    """
    size = shape_of(x)[-1] if shape_of(x) else None
    length, stride = as_int("sequence_length", sequence_length, 1), as_int("sequence_stride", sequence_stride, 1)
    if size is None or size < length:
        raise ValueError(f"x of extract_sequences has shape {shape_of(x)}; expected (..., T) of at least {length}")
    starts = np.arange(0, size - length + 1, stride)
    return take(x, starts[:, np.newaxis] + np.arange(length), len(shape_of(x)) - 1)
