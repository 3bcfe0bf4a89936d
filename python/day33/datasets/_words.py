"""Texts as numbers of words, the more frequent the smaller: how Keras's loaders prepare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int, as_optional_count
from .._io.files import read_json

Rows = list[NDArray[np.int64]]


def numbered(rows: Rows, start_char: int | None, index_from: int) -> Rows:
    """Rows moved up by `index_from`, with `start_char` in front unless it is None."""
    offset = as_int("index_from", index_from, 0)
    front = np.array([] if start_char is None else [start_char], np.int64)
    return [np.concatenate([front, row + offset]) for row in rows]


def without_long(rows: Rows, labels: NDArray[Any], maxlen: int | None) -> tuple[Rows, NDArray[Any]]:
    """The rows shorter than `maxlen`, and their labels. ValueError where none is left."""
    if maxlen is None:
        return rows, labels
    kept = np.flatnonzero([len(row) < maxlen for row in rows])
    if not kept.size:
        raise ValueError(f"maxlen is {maxlen} and no text is shorter; expected more")
    return [rows[number] for number in kept], labels[kept]


def without_words(rows: Rows, num_words: int | None, skip_top: int, oov_char: int | None) -> Rows:
    """Rows with `oov_char` in place of numbers below `skip_top` or not below `num_words`; without them if it is None.

    Without `num_words` the limit is the largest number, which as in Keras is then left out itself.
    """
    limit = as_optional_count("num_words", num_words)
    lowest = as_int("skip_top", skip_top, 0)
    if limit is None:
        limit = max((int(row.max()) for row in rows if row.size), default=0)
    inside = [(row >= lowest) & (row < limit) for row in rows]
    if oov_char is None:
        return [row[kept] for row, kept in zip(rows, inside, strict=True)]
    return [np.where(kept, row, oov_char) for row, kept in zip(rows, inside, strict=True)]


def as_lists(rows: Rows) -> NDArray[Any]:
    """An array of lists, whatever their lengths."""
    found = np.empty(len(rows), object)
    found[:] = [row.tolist() for row in rows]
    return found


def word_index(path: Path) -> dict[str, int]:
    """Words with their numbers, from a JSON file. ValueError where the file holds anything else."""
    content = read_json(path)
    if not all(isinstance(number, int) for number in content.values()):
        raise ValueError(f"{path} is no list of words with their numbers")
    return content
