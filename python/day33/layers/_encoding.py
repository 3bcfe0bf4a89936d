"""Numbers of categories as vectors: one-hot, multi-hot and counts, as `keras.utils.numerical_utils` makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DROPPED = -1  # a number that stands for nothing
MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OLD_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def as_mode(value: Any, allowed: tuple[str, ...] = MODES) -> str:
    """An output mode; of Keras 2 also by its older name."""
    mode = _OLD_NAMES.get(value, value) if isinstance(value, str) else value
    if mode not in allowed:
        raise ValueError(f"output_mode is {value!r}; expected one of {', '.join(map(repr, allowed))}")
    return str(mode)


def refuse_sparse(sparse: object) -> None:
    """ValueError where sparse tensors are asked for."""
    if sparse:
        raise ValueError(f"sparse is {sparse!r}; expected False, day33 has no sparse tensors")


def encoded_shape(input_shape: Any, mode: str, depth: int | None) -> tuple[int | None, ...]:
    """The shape of `encoded` for indices of a shape, with the batch."""
    shape = tuple(input_shape)
    if mode == "int":
        return shape
    if not shape:
        return (1, depth) if mode == "one_hot" else (depth,)
    if mode == "one_hot":
        return (*shape[:-1], depth) if len(shape) > 1 and shape[-1] == 1 else (*shape, depth)
    return (*shape[:-1], depth)


def encoded(indices: NDArray[Any], mode: str, depth: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """Indices as vectors of `depth` along a last axis.

    Args:
        indices: "one_hot": any shape, of which a last axis of length 1 is dropped; else (T,) or (N, T), one sample in
            the last axis. Those below 0 or not below `depth` count nowhere.
        mode: "one_hot", "multi_hot", or "count" ("tf_idf", which is counted, too).
        weights: of the shape of `indices`, to be counted in place of ones.

    Returns:
        int64, or float32 where there are weights.

    Raises:
        ValueError: more axes than that.
    """
    if indices.ndim == 0:
        indices = indices[np.newaxis]
        weights = None if weights is None else weights[np.newaxis]
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        return np.asarray(indices[..., np.newaxis] == np.arange(depth), np.int64)
    if indices.ndim > 2:
        raise ValueError(f"the input has shape {indices.shape}; expected (T,) or (N, T), for output_mode {mode!r}")
    lengths = np.full(indices.size // max(indices.shape[-1], 1) if indices.ndim > 1 else 1, indices.shape[-1])
    if indices.ndim > 1 and not indices.shape[-1]:
        lengths = np.zeros(len(indices), np.intp)
    found = encoded_rows(indices.ravel(), lengths, mode, depth, None if weights is None else weights.ravel())
    return found if indices.ndim > 1 else found[0]


def encoded_rows(
    flat: NDArray[Any], lengths: NDArray[Any], mode: str, depth: int, weights: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Rows of indices of different lengths, one after the other in `flat`, as vectors (rows, depth)."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    known = (flat >= 0) & (flat < depth)
    places = rows[known] * depth + flat[known]
    counts = np.bincount(places, None if weights is None else weights[known], len(lengths) * depth)
    table = counts.reshape(len(lengths), depth)
    if mode == "multi_hot":
        return np.asarray(table > 0, np.int64)
    return table.astype(np.int64 if weights is None else np.float32)
