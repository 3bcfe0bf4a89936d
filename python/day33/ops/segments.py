"""What is put together by the number of a segment, under the names of `keras.ops`: on arrays alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int
from ._alone import given


def _reduced(name: str, data: Any, segment_ids: Any, num_segments: int | None, start: Any) -> Any:
    values, places = given(name, data, "data"), given(name, segment_ids, "segment_ids")
    if places.dtype != np.int32 or places.ndim != 1 or values.shape[:1] != places.shape:
        raise ValueError(f"segment_ids of {name} has dtype {places.dtype} and shape {places.shape}; expected one "
                         f"integer for each entry of data of shape {values.shape}")  # fmt: skip
    last = int(places.max()) + 1 if places.size else 0
    count = last if num_segments is None else as_int("num_segments", num_segments, 0)
    if last > count:
        raise ValueError(f"segment_ids of {name} reach to {last - 1}; expected less than num_segments, {count}")
    result = np.full((count, *values.shape[1:]), start(values.dtype), values.dtype)
    return result, values[places >= 0], places[places >= 0]


def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The sum of the entries of each segment; 0 for one without any.

    Args:
        data: (N, ...).
        segment_ids: (N,), the number of the segment of each entry; entries with negative ones are left out.
        num_segments: how many segments there are; by default as many as the numbers say.
        sorted: without effect: whether the numbers ascend.

    Raises:
        ValueError: another shape, or a number that is not below `num_segments`.
    """
    result, values, places = _reduced("segment_sum", data, segment_ids, num_segments, lambda dtype: 0)
    np.add.at(result, places, values)
    return result


def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The product of the entries of each segment; 1 for one without any. Arguments are as in `segment_sum`."""
    result, values, places = _reduced("segment_prod", data, segment_ids, num_segments, lambda dtype: 1)
    np.multiply.at(result, places, values)
    return result


def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The largest entry of each segment; the lowest number there is for one without any. As `segment_sum`."""
    result, values, places = _reduced("segment_max", data, segment_ids, num_segments, lambda dtype: _ends(dtype).min)
    np.maximum.at(result, places, values)
    return result


def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The smallest entry of each segment; the largest number there is for one without any. As `segment_sum`."""
    result, values, places = _reduced("segment_min", data, segment_ids, num_segments, lambda dtype: _ends(dtype).max)
    np.minimum.at(result, places, values)
    return result


def _ends(dtype: Any) -> Any:
    return np.iinfo(dtype) if dtype.kind == "i" else np.finfo(dtype)
