"""`Tokenizer`: a vocabulary from texts, and texts to lists of numbers and back. Interface and results are Keras's."""

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
    """Numbers the words of texts from 1, by falling count, and by first appearance where counts are equal.

    A text is a str, or a list of str that are its words already.

    Args:
        num_words: the upper bound of the numbers that texts become; None for no bound. The vocabulary itself always
            holds every word.
        filters: characters that separate words, as `split` does.
        lower: whether texts are brought to lower case.
        split: what separates words.
        char_level: whether every character is a word.
        oov_token: if given, it is word number 1, and stands for words that are not in the vocabulary or not below
            `num_words`. Without it such words are left out.
        analyzer: splits a text into a list of words, in place of `filters`, `lower` and `split`. It is not saved.
        document_count: the number of texts that were counted before.

    Attributes:
        word_counts: the number of occurrences of each word, in the order of first appearance.
        word_docs: the number of texts that each word occurs in.
        word_index: the number of each word.
        index_word: the word of each number.
        index_docs: the number of texts that the word of each number occurs in.
        document_count: the number of texts.
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
        """Count the words of `texts` in addition to those counted before, and number all words anew."""
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
        """Count how many of `sequences` each number occurs in, which only ``"tfidf"`` matrices need."""
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
        """The text of each sequence: its words with single spaces between them. See `sequences_to_texts_generator`."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The texts of `sequences_to_texts` one by one.

        Numbers without a word, or not below `num_words`, become `oov_token`, or are left out where there is none.

        Raises:
            ValueError: `oov_token` has no number yet, since `fit_on_texts` was not called.
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
        """A row for each text and a column for each number: `sequences_to_matrix` of `texts_to_sequences`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: Literal["binary", "count", "freq", "tfidf"] = "binary"
    ) -> NDArray[np.float64]:
        """A row for each sequence and a column for each number.

        Args:
            sequences: lists of word numbers; those of `num_words` and above are not counted.
            mode: "binary": 1 where the word occurs; "count": how often it does; "freq": that divided by the length of
                the sequence; "tfidf": ``(1 + log count) * log(1 + D / (1 + d))`` with D texts, d of which hold the
                word.

        Returns:
            float64 (len(sequences), num_words), or as many columns as numbers where `num_words` is None.

        Raises:
            ValueError: unknown mode, a vocabulary without words, or "tfidf" without texts counted before.
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")
        if not self.num_words and not self.word_index:
            raise ValueError("the size of the matrix is unknown; give num_words, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("mode is 'tfidf' and no texts were counted; call fit_on_texts or fit_on_sequences first")
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
        """The arguments, and the dictionaries as JSON texts, under Keras's keys."""
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
_LARGEST = 2**53  # no count comes near it, and floats hold every integer up to it
_TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Read the JSON that `Tokenizer.to_json` wrote, here or in Keras.

    Args:
        json_string: the JSON text.

    Returns:
        The `Tokenizer`, with its vocabulary and counts.

    Raises:
        ValueError: the text is no such JSON, or its tables contradict each other; the message names the part.
    """
    try:
        outer = json.loads(json_string)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not the JSON of a Tokenizer: {error}") from error
    config = outer.get("config") if isinstance(outer, dict) else None
    if not isinstance(config, dict):
        raise ValueError("not the JSON of a Tokenizer: it has no object named 'config'")
    missing = [name for name in _TABLES if name not in config]
    if missing:
        raise ValueError(f"the JSON of the Tokenizer has no {', '.join(missing)}")
    for name, kinds in _TYPES.items():
        if name in config and type(config[name]) not in kinds:
            raise ValueError(f"the JSON of the Tokenizer has {name} {config[name]!r}")
    tables = {name: _read_table(name, config[name]) for name in _TABLES}

    tokenizer = Tokenizer(**{name: config[name] for name in _TYPES if name in config})
    tokenizer.word_counts = OrderedDict(tables["word_counts"])
    tokenizer.word_docs.update(tables["word_docs"])
    tokenizer.index_docs.update(tables["index_docs"])
    tokenizer.word_index = dict(tables["word_index"])
    tokenizer.index_word = dict(tables["index_word"])
    _check_tables(tokenizer)
    return tokenizer


def _read_table(name: str, text: Any) -> Mapping[Any, Any]:
    """A dictionary from its own JSON text, in which keys that are numbers have become texts."""
    by_number, value_type = name.startswith("index"), str if name == "index_word" else int
    try:
        table = json.loads(text)
        converted = {int(key) if by_number else key: value for key, value in table.items()}
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"the JSON of the Tokenizer has a damaged {name}: {error}") from error
    for value in converted.values():
        if type(value) is not value_type:
            raise ValueError(f"the JSON of the Tokenizer has a damaged {name}: {value!r} in it")
    return converted


def _check_tables(tokenizer: Tokenizer) -> None:
    """ValueError where tables contradict each other, which would show as a KeyError later, or as wrong words."""
    for word, index in tokenizer.word_index.items():
        if index > 0 and tokenizer.index_word.get(index) != word:
            raise _contradiction("word_index", f"{word!r} is {index}", "index_word", tokenizer.index_word.get(index))
        if not 0 <= index <= _LARGEST:
            raise ValueError(f"the JSON of the Tokenizer has a damaged word_index: {index} in it")
    for index, word in tokenizer.index_word.items():
        if index != 0 and tokenizer.word_index.get(word) != index:  # 0 is padding, which some code gives a name
            raise _contradiction("index_word", f"{index} is {word!r}", "word_index", tokenizer.word_index.get(word))
    if tokenizer.word_index and tokenizer.oov_token is not None and tokenizer.oov_token not in tokenizer.word_index:
        raise ValueError(
            f"the JSON of the Tokenizer contradicts itself: oov_token is {tokenizer.oov_token!r}, missing in word_index"
        )
    for word in tokenizer.word_docs:
        if word not in tokenizer.word_counts:
            raise _contradiction("word_docs", f"{word!r} is {tokenizer.word_docs[word]}", "word_counts", None)
    for name in ("word_counts", "word_docs", "index_docs"):
        wrong = next((count for count in getattr(tokenizer, name).values() if not 0 <= count <= _LARGEST), None)
        if wrong is not None:
            raise ValueError(f"the JSON of the Tokenizer has a damaged {name}: {wrong} in it")
    for name in ("num_words", "document_count"):
        if not 0 <= (getattr(tokenizer, name) or 0) <= _LARGEST:
            raise ValueError(f"the JSON of the Tokenizer has {name} {getattr(tokenizer, name)}")


def _contradiction(table: str, entry: str, other: str, there: object) -> ValueError:
    found = "missing" if there is None else repr(there)
    return ValueError(f"the JSON of the Tokenizer contradicts itself: {entry} in {table}, {found} in {other}")
