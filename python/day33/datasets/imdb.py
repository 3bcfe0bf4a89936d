"""Film reviews as numbers of words, with the labels 0 (bad) and 1 (good): `keras.datasets.imdb` (Maas et al., 2011)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _words as words
from ._fetched import KERAS_DATASETS, arrays_in, cached, rows_in, shuffled

__all__ = ["get_word_index", "load_data"]

Split = tuple[NDArray[Any], NDArray[Any]]
URL = f"{KERAS_DATASETS}imdb.npz"
SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORDS_URL = f"{KERAS_DATASETS}imdb_word_index.json"
WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """The reviews, in the order of Keras for the same seed. The more frequent a word, the smaller its number.

    Args:
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.
        num_words: numbers from here on become `oov_char`.
        skip_top: so do numbers below.
        maxlen: leave out reviews that are not shorter.
        seed: of the order.
        start_char: in front of every review; None for nothing.
        oov_char: in place of the words left out; None to drop them.
        index_from: added to the numbers of `get_word_index`.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: arrays of lists of numbers, and labels int64.

    Raises:
        OSError: the file could not be downloaded.
        ValueError: it is damaged or another one; `maxlen` leaves nothing.
    """
    file = cached(path, URL, SHA256)
    texts, labels = rows_in(file, "x_train", "x_test"), arrays_in(file, "y_train", "y_test")
    generator = np.random.RandomState(seed)
    parts = []
    for rows, y in zip(texts, labels, strict=True):
        if y.shape != (len(rows),):
            raise ValueError(f"{file} has {len(rows)} reviews and labels of shape {y.shape}")
        order = shuffled(len(rows), None, generator)
        rows = words.numbered([rows[number] for number in order], start_char, index_from)
        parts.append(words.without_long(rows, y[order], maxlen))
    border = len(parts[0][0])
    kept = words.as_lists(words.without_words(parts[0][0] + parts[1][0], num_words, skip_top, oov_char))
    return (kept[:border], parts[0][1]), (kept[border:], parts[1][1])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, from 1 on; in the reviews `index_from` is added to it.

    Args:
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one.
    """
    return words.word_index(cached(path, WORDS_URL, WORDS_MD5))
