"""News as numbers of words, with the labels of 46 topics: `keras.datasets.reuters` (Lewis, Reuters-21578)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from . import _words as words
from ._fetched import KERAS_DATASETS, arrays_in, cached, check_split, rows_in, shuffled

__all__ = ["get_label_names", "get_word_index", "load_data"]

Split = tuple[NDArray[Any], NDArray[Any]]
URL = f"{KERAS_DATASETS}reuters.npz"
SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORDS_URL = f"{KERAS_DATASETS}reuters_word_index.json"
WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """The news, in the order of Keras for the same seed. The more frequent a word, the smaller its number.

    Args:
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.
        num_words: numbers from here on become `oov_char`.
        skip_top: so do numbers below.
        maxlen: leave out texts that are not shorter.
        test_split: the share of the texts in the test part.
        seed: of the order.
        start_char: in front of every text; None for nothing.
        oov_char: in place of the words left out; None to drop them.
        index_from: added to the numbers of `get_word_index`.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: arrays of lists of numbers, and labels int64.

    Raises:
        OSError: the file could not be downloaded.
        ValueError: it is damaged or another one; `maxlen` leaves nothing.
    """
    check_split(test_split)
    file = cached(path, URL, SHA256)
    (rows,), (labels,) = rows_in(file, "x"), arrays_in(file, "y")
    if labels.shape != (len(rows),):
        raise ValueError(f"{file} has {len(rows)} texts and labels of shape {labels.shape}")
    order = shuffled(len(rows), seed)
    rows = words.numbered([rows[number] for number in order], start_char, index_from)
    rows, labels = words.without_long(rows, labels[order], maxlen)
    kept = words.as_lists(words.without_words(rows, num_words, skip_top, oov_char))
    border = int(len(kept) * (1 - test_split))
    return (kept[:border], labels[:border]), (kept[border:], labels[border:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, from 1 on; in the texts `index_from` is added to it.

    Args:
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one.
    """
    return words.word_index(cached(path, WORDS_URL, WORDS_MD5))


def get_label_names() -> tuple[str, ...]:
    """The topics, in the order of the labels."""
    return tuple(_TOPICS.split())
