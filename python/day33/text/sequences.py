"""Lists of numbers to arrays: padding, and the source and target that a language model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._core.arrays import INT32_MAX, as_indices, as_int

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
        sequences: N lists or arrays of numbers, or of arrays of one shape.
        maxlen: the length T; None for that of the longest sequence.
        dtype: of the result.
        padding: where shorter sequences are filled up, "pre" or "post".
        truncating: where longer sequences are cut, "pre" or "post".
        value: what they are filled up with.

    Returns:
        (N, T, ...) of `dtype`.

    Raises:
        ValueError: `sequences` or one of them has no length; elements differ in shape; `value` is a text and `dtype`
            cannot hold it; there are no sequences and no `maxlen`; `padding` or `truncating` is neither "pre" nor
            "post".
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"sequences is {type(sequences).__name__}, without a length; expected a list of lists")
    lengths = []
    for number, sequence in enumerate(sequences):
        try:
            lengths.append(len(sequence))
        except TypeError:
            raise ValueError(f"sequences[{number}] is {sequence!r}; expected a list or an array") from None
    if maxlen is None:
        if not lengths:
            raise ValueError("sequences is empty and maxlen is None, so the length is unknown; expected one of them")
        maxlen = max(lengths)
    _check_value(value, dtype)
    if any(lengths):
        for name, given in (("padding", padding), ("truncating", truncating)):
            if given not in ("pre", "post"):
                raise ValueError(f"{name} is {given!r}; expected 'pre' or 'post'")
    flat = _flat_numbers(sequences, dtype) if maxlen > 0 else None
    if flat is None:
        return _pad_any(sequences, maxlen, dtype, padding, truncating, value)
    padded = _filled((len(lengths), maxlen), value, dtype)
    full = np.array(lengths, dtype=np.int64)
    kept = np.minimum(full, maxlen)
    # `kept` adjacent numbers of each sequence go to as many adjacent places of a row.
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
    """Make the inputs and targets of a language model: all tokens but the last, and all tokens but the first.

    Of lists, each loses its own last token in the source, and both arrays are filled up with 0 at the end, so a
    position has a source token exactly where it has a target. Of an array, whose rows are filled up already, the result
    is ``array[:, :-1]`` and ``array[:, 1:]``: a shorter row then keeps its last token in the source, with target 0.

    Args:
        sequences: lists of token numbers, or an array (N, L) of integers.
        maxlen: lists are cut to this many tokens at their end; None for no cut. Not with an array.

    Returns:
        ``(source, target)``, int32, both (N, T) with T one less than the longest.

    Raises:
        TypeError: an array of something else than integers, or a `maxlen` that is none.
        ValueError: no sequence; only sequences of fewer than two tokens; an array of another rank; `maxlen` below 2 or
            together with an array; a token number outside of 0 to 2**31 - 1.
    """
    if isinstance(sequences, np.ndarray):
        if maxlen is not None:
            raise ValueError(f"maxlen is {maxlen}; expected None with an array, which has a length already")
        rows = sequences
        if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] < 2:
            raise ValueError(f"sequences has shape {rows.shape}; expected (N, L) with N >= 1 and L >= 2")
        tokens = as_indices("sequences", rows, INT32_MAX + 1)
        return np.array(tokens[:, :-1], order="C"), np.array(tokens[:, 1:], order="C")
    if maxlen is not None:
        maxlen = as_int("maxlen", maxlen, 2)
    lists = cast("Sequence[Sequence[int]]", sequences)
    if not any(len(sequence) > 1 for sequence in lists):
        raise ValueError(f"sequences holds {len(lists)} sequences; expected one of at least two tokens")
    longest = max(map(len, lists))
    length = longest if maxlen is None else min(maxlen, longest)
    try:
        rows = pad_sequences(lists, length, "int64", padding="post", truncating="post")
    except OverflowError as error:
        raise ValueError(f"sequences holds a number beyond int64; expected 0 to {INT32_MAX}") from error
    source, target = make_dataset(rows)
    lengths = np.fromiter(map(len, lists), np.int64)
    (shorter,) = np.nonzero((lengths > 0) & (lengths < length))
    source[shorter, lengths[shorter] - 1] = 0  # its last token: nothing follows
    return source, target


def _check_value(value: float | str, dtype: DTypeLike) -> None:
    holds_text = dtype is object or np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and not holds_text:
        raise ValueError(f"value is the text {value!r}, which dtype {dtype} cannot hold; dtype=object can")


def _filled(shape: tuple[int, ...], value: float | str, dtype: DTypeLike) -> NDArray[Any]:
    try:
        return np.full(shape, value, dtype=dtype)
    except OverflowError as error:
        raise ValueError(f"value is {value}; expected a number that dtype {dtype} holds") from error


def _flat_numbers(sequences: Sequence[Any], dtype: DTypeLike) -> NDArray[Any] | None:
    """All elements in a row where they are plain integers that the dtype holds, else None."""
    kinds = set(map(type, sequences))
    if kinds == {list}:
        elements = list(chain.from_iterable(sequences))
        if not set(map(type, elements)) <= {int}:
            return None
        try:
            return np.array(elements, dtype=dtype)
        except OverflowError:  # what the dtype cannot hold may be cut off
            return None
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
    padded = _filled((len(sequences), maxlen, *shape), value, dtype)
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
