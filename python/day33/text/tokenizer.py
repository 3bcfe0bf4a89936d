"""`Tokenizer`: a vocabulary from texts, texts to lists of numbers and back. Interface and results are Keras's."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .cleaning import DEFAULT_FILTERS, separators, split_text

__all__ = ["Tokenizer", "tokenizer_from_json"]

Text = str | list[str]
# Texts counted at once: a call of Counter.update costs as much as a short text.
_PORTION = 1024
MODES = ("binary", "count", "freq", "tfidf")


class Tokenizer:
    """Numbers the words of texts by falling count, ties by first appearance; 0 is never a word.

    Args:
        num_words: texts become numbers below it; None for all. The vocabulary itself always holds every word.
        filters: characters that separate words, as `split` does.
        lower: bring texts to lower case.
        split: what separates words.
        char_level: every character is a word.
        oov_token: if given, word number 1; stands for words that are not in the vocabulary or not below `num_words`.
            Without it such words are left out.
        analyzer: makes a list of words of a text, in place of `filters`, `lower` and `split`. Not saved.
        document_count: how many texts were counted before.

    Attributes:
        word_counts: word to number of occurrences, in the order of first appearance.
        word_docs: word to number of texts with it.
        word_index: word to number.
        index_word: number to word.
        index_docs: number to number of texts with the word.
        document_count: number of texts.

    A text is a str, or a list of str that are its words already.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = DEFAULT_FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        *,
        document_count: int = 0,
    ) -> None:
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.document_count = document_count
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: defaultdict[str, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    # ---- counting ----

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Count the words of `texts`, on top of those counted before, and number all words anew."""
        words: Counter[str] = Counter()
        documents: Counter[str] = Counter()
        sequences = self._words(texts)
        while portion := list(islice(sequences, _PORTION)):
            self.document_count += len(portion)
            words.update(chain.from_iterable(portion))
            # fromkeys is a set in an order that does not change from run to run.
            documents.update(chain.from_iterable(map(dict.fromkeys, portion)))
        for word, count in words.items():
            self.word_counts[word] = self.word_counts.get(word, 0) + count
        for word, count in documents.items():
            self.word_docs[word] = self.word_docs.get(word, 0) + count

        vocabulary = [] if self.oov_token is None else [self.oov_token]
        vocabulary += sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        # Where oov_token is also a word of the texts, its later number wins, as in Keras.
        self.word_index = {word: index for index, word in enumerate(vocabulary, start=1)}
        self.index_word = {index: word for word, index in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many of `sequences` each number is; only ``"tfidf"`` matrices need it."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for index in set(sequence):
                self.index_docs[index] = self.index_docs.get(index, 0) + 1

    def _words(self, texts: Iterable[Text]) -> Iterator[Sequence[str]]:
        table = separators(self.filters, self.split)
        for text in texts:
            if isinstance(text, list):
                yield [word.lower() for word in text] if self.lower else text
            elif self.char_level:
                yield text.lower() if self.lower else text
            elif self.analyzer is not None:
                yield list(self.analyzer(text))
            else:
                words = split_text(text, table, self.lower, self.split)
                # "in" and filter(None, ...) run at the speed of C; most cleaned texts have no empty word at all.
                yield list(filter(None, words)) if "" in words else words

    # ---- texts to numbers and back ----

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """A list of word numbers for each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """The lists of `texts_to_sequences` one by one."""
        find = self.word_index.get
        limit = self.num_words or math.inf
        if self.oov_token is None:
            for words in self._words(texts):
                yield [index for index in map(find, words) if index is not None and index < limit]
        elif (unknown := find(self.oov_token)) is None:  # never fitted: as Keras, None for every word
            for words in self._words(texts):
                found = [(word, find(word)) for word in words]
                yield [index for _, index in found if index is None or index < limit]  # type: ignore[misc]
        else:
            for words in self._words(texts):
                yield [index if (index := find(word, unknown)) < limit else unknown for word in words]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of each sequence with single spaces between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The texts of `sequences_to_texts` one by one.

        Numbers without a word, or not below `num_words`, become the word for unknown ones, or are left out where there
        is none. ValueError for an `oov_token` that no `fit_on_texts` has given a number.
        """
        limit = self.num_words or math.inf
        unknown: str | None = None
        if self.oov_token is not None and self.oov_token in self.word_index:
            unknown = self.index_word[self.word_index[self.oov_token]]
        for sequence in sequences:
            words = []
            for index in sequence:
                word = self.index_word.get(index)
                if word is not None and index >= limit:
                    word = unknown
                elif word is None and self.oov_token is not None:
                    if unknown is None:
                        raise ValueError(f"oov_token {self.oov_token!r} has no number: call fit_on_texts first")
                    word = unknown
                if word is not None:
                    words.append(word)
            yield " ".join(words)

    # ---- matrices ----

    def texts_to_matrix(
        self, texts: Iterable[Text], mode: Literal["binary", "count", "freq", "tfidf"] = "binary"
    ) -> NDArray[np.float64]:
        """`sequences_to_matrix` of `texts_to_sequences`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: Literal["binary", "count", "freq", "tfidf"] = "binary"
    ) -> NDArray[np.float64]:
        """A row for each sequence and a column for each number.

        Args:
            sequences: lists of word numbers; those of `num_words` and above are not counted.
            mode: "binary", 1 where the word occurs; "count", how often; "freq", that divided by the length of the
                sequence; "tfidf", ``(1 + log count) * log(1 + D / (1 + d))`` with D texts, d of them with the word.

        Returns:
            float64 (len(sequences), num_words), or as many columns as numbers where `num_words` is None.

        Raises:
            ValueError: unknown mode, a vocabulary without words, or "tfidf" without texts counted before.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("the size of the matrix is unknown: give num_words, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("mode 'tfidf' needs texts counted before: call fit_on_texts or fit_on_sequences first")
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            indices = np.asarray(sequence, dtype=np.int64)
            np.add.at(row, indices[indices < columns], 1.0)
            if mode == "freq" and len(indices):
                row /= len(indices)
        if mode == "binary":
            np.minimum(matrix, 1.0, out=matrix)
        elif mode == "tfidf":
            documents = np.array([self.index_docs.get(index, 0) for index in range(columns)], np.float64)
            present = matrix > 0
            np.log(matrix, out=matrix, where=present)
            matrix += present
            matrix *= np.log(1 + self.document_count / (1 + documents))
        return matrix

    # ---- files ----

    def get_config(self) -> dict[str, Any]:
        """Arguments as they are and dictionaries as JSON texts, the keys as in Keras."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            "word_counts": json.dumps(self.word_counts),
            "word_docs": json.dumps(self.word_docs),
            "index_docs": json.dumps(self.index_docs),
            "index_word": json.dumps(self.index_word),
            "word_index": json.dumps(self.word_index),
        }

    def to_json(self, **kwargs: Any) -> str:
        """The JSON text that `tokenizer_from_json` reads, here and in Keras. Arguments are those of ``json.dumps``."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


_TYPES: dict[str, tuple[type, ...]] = {
    "num_words": (int, type(None)),
    "filters": (str,),
    "lower": (bool,),
    "split": (str,),
    "char_level": (bool,),
    "oov_token": (str, type(None)),
    "document_count": (int,),
}
_TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The `Tokenizer` that `Tokenizer.to_json` wrote, here or in Keras.

    Raises:
        ValueError: the text is no such JSON; the message names the part that is wrong.
    """
    try:
        outer = json.loads(json_string)
    except ValueError as error:
        raise ValueError(f"not the JSON of a Tokenizer: {error}") from error
    config = outer.get("config") if isinstance(outer, dict) else None
    if not isinstance(config, dict):
        raise ValueError("not the JSON of a Tokenizer: it has no object named 'config'")
    missing = [name for name in _TABLES if name not in config]
    if missing:
        raise ValueError(f"the JSON of the Tokenizer has no {', '.join(missing)}")
    for name, kinds in _TYPES.items():
        if name in config and not isinstance(config[name], kinds):
            raise ValueError(f"the JSON of the Tokenizer has {name} {config[name]!r}")
    tables = {name: _read_table(name, config[name]) for name in _TABLES}

    tokenizer = Tokenizer(**{name: config[name] for name in _TYPES if name in config})
    tokenizer.word_counts = OrderedDict(tables["word_counts"])
    tokenizer.word_docs.update(tables["word_docs"])
    tokenizer.index_docs.update(tables["index_docs"])
    tokenizer.word_index = dict(tables["word_index"])
    tokenizer.index_word = dict(tables["index_word"])
    return tokenizer


def _read_table(name: str, text: Any) -> Mapping[Any, Any]:
    """A dictionary from its own JSON text, where numbers as keys have become texts."""
    by_number, value_type = name.startswith("index"), str if name == "index_word" else int
    try:
        table = json.loads(text)
        converted = {int(key) if by_number else key: value for key, value in table.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the JSON of the Tokenizer has a damaged {name}: {error}") from error
    wrong = next((value for value in converted.values() if type(value) is not value_type), None)
    if wrong is not None:
        raise ValueError(f"the JSON of the Tokenizer has a damaged {name}: {wrong!r} in it")
    return converted
