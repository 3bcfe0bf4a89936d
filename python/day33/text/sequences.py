"""Lists of numbers to arrays: padding, and the pairs that a language model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["make_dataset", "pad_sequences"]


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> NDArray[Any]:
    """Bring sequences to one length, as Keras's function of that name.

    Args:
        sequences: lists or arrays of numbers (or of equally shaped arrays); N of them.
        maxlen: the length T; None for that of the longest.
        dtype: of the result.
        padding: "pre" or "post", where shorter ones are filled up.
        truncating: "pre" or "post", where longer ones are cut.
        value: what fills up.

    Returns:
        (N, T, ...) of `dtype`.

    Raises:
        ValueError: `sequences` or one of them has no length, elements differ in shape, a text as `value` without a
            dtype that can hold it, no sequence and no `maxlen`, or `padding` or `truncating` is none of the two.
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"sequences must be a list of lists, got {type(sequences).__name__} without a length")
    lengths = []
    for number, sequence in enumerate(sequences):
        try:
            lengths.append(len(sequence))
        except TypeError:
            raise ValueError(f"sequences[{number}] is {sequence!r}; expected a list or an array") from None
    if maxlen is None:
        if not lengths:
            raise ValueError("sequences is empty and maxlen is None: the length is unknown")
        maxlen = max(lengths)
    _check_value(value, dtype)
    if any(lengths):
        for name, given in (("padding", padding), ("truncating", truncating)):
            if given not in ("pre", "post"):
                raise ValueError(f"{name} must be 'pre' or 'post', got {given!r}")
    flat = _flat_numbers(sequences, dtype) if maxlen > 0 else None
    if flat is None:
        return _pad_any(sequences, maxlen, dtype, padding, truncating, value)
    padded = np.full((len(lengths), maxlen), value, dtype=dtype)
    full = np.array(lengths, dtype=np.int64)
    kept = np.minimum(full, maxlen)
    # Each row takes `kept` numbers that lie next to each other, to places that lie next to each other.
    first = np.cumsum(full) - full + (full - kept if truncating == "pre" else 0)
    left = maxlen - kept if padding == "pre" else np.zeros_like(kept)
    within = np.arange(int(kept.sum())) - np.repeat(np.cumsum(kept) - kept, kept)
    padded[np.repeat(np.arange(len(kept)), kept), within + np.repeat(left, kept)] = flat[
        within + np.repeat(first, kept)
    ]
    return padded


def make_dataset(
    sequences: ArrayLike | Sequence[Sequence[int]], maxlen: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What a language model reads and what it shall say next: all tokens but the last, all tokens but the first.

    Given lists, each loses its own last token and the rest is filled up with 0 at the end, so a position has a source
    token exactly where it has a target. Given an array of rows that are filled up already, it is ``array[:, :-1]`` and
    ``array[:, 1:]``: a shorter row then keeps its last token in the source, with a 0 to say next.

    Args:
        sequences: lists of token numbers, or an array (N, L) of integers.
        maxlen: lists are cut to that many tokens at their end; None for the longest. Not with an array.

    Returns:
        ``(source, target)``, int32, both (N, T) with T one less than the longest.

    Raises:
        ValueError: no sequence, sequences of fewer than two tokens only, an array of another rank, or `maxlen` below 2
            or together with an array.
        TypeError: an array of something else than integers.
    """
    if isinstance(sequences, np.ndarray):
        if maxlen is not None:
            raise ValueError("maxlen is for lists; an array has its length already")
        rows = sequences
        if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] < 2:
            raise ValueError(f"sequences must be (N, L) with N >= 1 and L >= 2, got shape {rows.shape}")
        if not np.issubdtype(rows.dtype, np.integer):
            raise TypeError(f"sequences must be integers, got {rows.dtype} of shape {rows.shape}")
        return np.array(rows[:, :-1], np.int32, order="C"), np.array(rows[:, 1:], np.int32, order="C")
    if maxlen is not None and maxlen < 2:
        raise ValueError(f"maxlen must be at least 2, got {maxlen}")
    lists = cast("Sequence[Sequence[int]]", sequences)
    if not any(len(sequence) > 1 for sequence in lists):
        raise ValueError(f"sequences must hold one of at least two tokens, got {len(lists)} sequences without")
    longest = max(map(len, lists))
    length = longest if maxlen is None else min(maxlen, longest)
    source, target = make_dataset(pad_sequences(lists, length, padding="post", truncating="post"))
    lengths = np.fromiter(map(len, lists), np.int64)
    (shorter,) = np.nonzero((lengths > 0) & (lengths < length))
    source[shorter, lengths[shorter] - 1] = 0  # its last token: nothing follows
    return source, target


def _check_value(value: float | str, dtype: DTypeLike) -> None:
    holds_text = dtype is object or np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and not holds_text:
        raise ValueError(f"value is the text {value!r}, which dtype {dtype} cannot hold; dtype=object can")


def _flat_numbers(sequences: Sequence[Any], dtype: DTypeLike) -> NDArray[Any] | None:
    """All elements in a row where they are plain integers, else None."""
    kinds = set(map(type, sequences))
    if kinds == {list}:
        elements = list(chain.from_iterable(sequences))
        return np.array(elements, dtype=dtype) if set(map(type, elements)) <= {int} else None
    if kinds == {np.ndarray} and len({(array.ndim, array.dtype) for array in sequences}) == 1:
        first = sequences[0]
        if first.ndim == 1 and first.dtype.kind in "iu":
            return np.concatenate(sequences).astype(dtype)
    return None


def _pad_any(
    sequences: Sequence[Any], maxlen: int, dtype: DTypeLike, padding: str, truncating: str, value: float | str
) -> NDArray[Any]:
    """Row by row, for elements of any kind and shape."""
    shape: tuple[int, ...] = next((np.asarray(item).shape[1:] for item in sequences if len(item)), ())
    padded = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    for number, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        row = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if row.shape[1:] != shape:
            raise ValueError(f"sequences[{number}] has elements of shape {row.shape[1:]}, those before it {shape}")
        if padding == "post":
            padded[number, : len(row)] = row
        else:
            padded[number, -len(row) :] = row
    return padded
