"""`TextVectorization`: texts as numbers of words, or as counts of them."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int, is_int
from .._core.strings import ASCII_LOWER, ASCII_WORDS
from .._core.tensors import as_tensor
from .._core.types import Shape
from ._encoding import as_mode, encoded_rows, refuse_sparse
from .host import HostLayer, batches_of
from .lookup import StringLookup, as_encoding
from .serialization import CustomObjects

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_STANDARDIZE: dict[str, dict[int, Any]] = {
    "lower_and_strip_punctuation": {**ASCII_LOWER, **_WITHOUT_PUNCTUATION},
    "lower": ASCII_LOWER,
    "strip_punctuation": _WITHOUT_PUNCTUATION,
}
_AT_ONCE = 256  # texts that a function of the user is given: arrays of strings are as wide as the longest one
_Rows = list[list[str]]


class TextVectorization(HostLayer):
    """Texts as numbers of words: cleaned, split, and looked up in a vocabulary.

    0 is the padding, 1 an unknown word. The other modes give a vector for each text, one entry per word.

    Input strings (N,), (N, 1) or a single one; with ``split=None`` words (N, T). Output "int": (N, T) int64 (in a model
    int32); else (N, vocabulary), int64, for "tf_idf" float32 (in a model float32).

    Args:
        max_tokens: the largest size of the vocabulary, the two special ones included; None for any.
        standardize: "lower_and_strip_punctuation" (of ASCII, as in Keras), "lower", "strip_punctuation", None, or a
            function from an array of strings to one.
        split: "whitespace", "character", None for inputs that are words already, or a function from an array of
            strings to a list of lists of them.
        ngrams: also tuples of this many words and fewer, or of just the lengths in a tuple.
        output_mode: "int", "multi_hot", "count" or "tf_idf"; with ``split=None`` also "one_hot", (N, T, vocabulary).
        output_sequence_length: T; by default the length of the longest text of the batch.
        pad_to_max_tokens: vectors have the length `max_tokens`, even if the vocabulary is smaller.
        vocabulary: words in the order of their numbers, or the path of a file with one in each line.
        idf_weights: with a `vocabulary` and "tf_idf", one weight per word.
        sparse, ragged: False.
        encoding: "utf-8".
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError: an argument out of its range or together with one that it does not fit. TypeError: when called,
            anything but strings.
    """

    input_dtypes = ("string",)

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[Any], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[Any], Any] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        refuse_sparse(sparse)
        if ragged:
            raise ValueError(f"ragged is {ragged!r}; expected False, day33 has no ragged tensors")
        for argument, value, allowed in (
            ("standardize", standardize, tuple(_STANDARDIZE)),
            ("split", split, ("whitespace", "character")),
        ):
            if value is not None and value not in allowed and not callable(value):
                words = ", ".join(map(repr, allowed))
                raise ValueError(f"{argument} is {value!r}; expected {words}, None or a function")
        self.standardize, self.split = standardize, split
        self.ngrams = tuple(ngrams) if isinstance(ngrams, list) else ngrams
        self._widths = _widths(self.ngrams)
        self.output_mode = as_mode(output_mode)
        if self.output_mode == "one_hot" and (split is not None or ngrams is not None):
            raise ValueError("output_mode is 'one_hot' for texts of different lengths; expected split and ngrams None")
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError(
                f"output_sequence_length is {output_sequence_length} and output_mode is {output_mode!r}; expected None"
            )
        self.output_sequence_length = (
            None if output_sequence_length is None else as_int("output_sequence_length", output_sequence_length, 1)
        )
        self.encoding = as_encoding(encoding)
        self._lookup_layer = StringLookup(
            max_tokens, mask_token="", vocabulary=vocabulary, idf_weights=idf_weights, output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens, vocabulary_size=vocabulary_size,
        )  # fmt: skip

    # ---- the vocabulary ----

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the vocabulary of the words in `data`: the most frequent first, of equals the one that sorts last.

        Args:
            data: an array or list of texts, or a data set or another iterable of batches of them.
            batch_size: for the sake of Keras code.
            steps: how many batches of a data set; all by default.

        Raises:
            ValueError: the constructor was given a vocabulary.
        """
        self.reset_state()
        for batch in batches_of(self.name, data, steps, self.texts):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has counted."""
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        """Counts the words of a batch."""
        self._lookup_layer.count(self._words(self.texts(data)))

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their numbers, with "" and "[UNK]" in front."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of words, the special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replaces the vocabulary; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # ---- calls ----

    @property
    def output_dtypes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self._lookup_layer.output_dtypes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if self.output_mode != "int":
            return (input_shape[0], self._lookup_layer.depth)
        if self.split is None and self.ngrams is None and self.output_sequence_length is None:
            return tuple(input_shape)
        return (input_shape[0], self.output_sequence_length)

    def compute(self, inputs: Any) -> NDArray[Any]:
        lookup = self._lookup_layer
        vocabulary = lookup.vocabulary
        texts = self.texts(inputs)
        rows = self._words(texts)
        lengths = np.array([len(row) for row in rows], np.intp)
        flat = vocabulary.numbers_of([word for row in rows for word in row])
        if self.output_mode == "one_hot":
            return lookup.encode(flat.reshape(texts.shape))
        if self.output_mode == "int":
            found = _padded(flat, lengths, self.output_sequence_length)
        else:
            found = lookup.weigh(encoded_rows(flat, lengths, self.output_mode, lookup.depth))
        single = texts.ndim == 0 or (texts.ndim == 1 and self.split is None)
        return found[0] if single else found

    def _words(self, texts: NDArray[np.object_]) -> _Rows:
        """The words of each text."""
        if self.split is None:
            table = self._standardized(texts)
            rows: _Rows = (table.reshape(1, -1) if table.ndim < 2 else table.reshape(len(table), -1)).tolist()
        else:
            if texts.ndim > 1:
                if texts.shape[-1] != 1 or texts.ndim > 2:
                    raise ValueError(
                        f"layer {self.name!r} was given texts of shape {texts.shape}; expected (N,) or (N, 1), to split"
                    )
                texts = texts[:, 0]
            rows = list(self._split_up(self._standardized(texts).ravel()))
        return rows if self._widths is None else [_grams(row, self._widths) for row in rows]

    def _standardized(self, texts: NDArray[np.object_]) -> NDArray[np.object_]:
        if self.standardize is None:
            return texts
        if isinstance(self.standardize, str):
            table = _STANDARDIZE[self.standardize]
            cleaned = np.empty(texts.size, object)
            cleaned[:] = [text.translate(table) for text in texts.ravel()]
            return cleaned.reshape(texts.shape)
        parts = [self.texts(self.standardize(part)) for part in _portions(texts)]
        if [part.shape for part in parts] != [part.shape for part in _portions(texts)]:
            raise ValueError(f"standardize of layer {self.name!r} gave another shape; expected one string for each")
        return parts[0] if texts.ndim == 0 else np.concatenate(parts) if parts else texts

    def _split_up(self, texts: NDArray[np.object_]) -> Iterator[list[str]]:
        if self.split == "whitespace":
            yield from (ASCII_WORDS.findall(text) for text in texts)
        elif self.split == "character":
            yield from (list(text) for text in texts)
        else:
            for part in _portions(texts):
                rows = self.split(part)  # type: ignore[operator, misc]
                if len(rows) != len(part):
                    raise ValueError(
                        f"split of layer {self.name!r} gave {len(rows)} lists for {len(part)} texts; expected one each"
                    )
                yield from ([str(word) for word in row] for row in rows)

    # ---- files ----

    array_names = StringLookup.array_names

    def saved_config(self) -> dict[str, Any]:
        learnt = self._lookup_layer.saved_config()
        return {**self.get_config(), "vocabulary": learnt["vocabulary"], "idf_weights": learnt["idf_weights"]}

    def saved_arrays(self) -> dict[str, NDArray[Any]]:
        return self._lookup_layer.saved_arrays()

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer.get_config()
        names = ("max_tokens", "pad_to_max_tokens", "sparse", "vocabulary", "idf_weights", "vocabulary_size")
        return {
            **super().get_config(),
            **{name: lookup[name] for name in names},
            "standardize": self.standardize,
            "split": self.split,
            "ngrams": self.ngrams,
            "output_mode": self.output_mode,
            "output_sequence_length": self.output_sequence_length,
            "ragged": False,
            "encoding": self.encoding,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        StringLookup.refuse_paths(config)
        return super().from_config(config, custom_objects)


def _widths(ngrams: Any) -> Sequence[int] | None:
    if ngrams is None:
        return None
    if is_int(ngrams):
        return range(1, as_int("ngrams", ngrams, 1) + 1)
    if isinstance(ngrams, tuple):
        return tuple(as_int("ngrams", width, 1) for width in ngrams)
    raise ValueError(f"ngrams is {ngrams!r}; expected None, a number or a tuple of numbers")


def _grams(words: list[str], widths: Sequence[int]) -> list[str]:
    within = widths[: len(words)] if isinstance(widths, range) else widths  # a range begins at 1
    return [" ".join(words[start : start + width]) for width in within for start in range(len(words) - width + 1)]


def _portions(texts: NDArray[np.object_]) -> list[NDArray[Any]]:
    """The texts as functions of the user get them, a few at a time."""
    if texts.ndim == 0:
        return [as_tensor(np.asarray(texts, np.str_))]
    starts = range(0, len(texts), _AT_ONCE)
    return [as_tensor(np.asarray(texts[start : start + _AT_ONCE], np.str_)) for start in starts]


def _padded(flat: NDArray[np.int64], lengths: NDArray[np.intp], width: int | None) -> NDArray[np.int64]:
    """Rows of different lengths as one array, cut or filled up with 0."""
    width = int(lengths.max(initial=0)) if width is None else width
    padded = np.zeros((len(lengths), width), np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept = places < width
    padded[rows[kept], places[kept]] = flat[kept]
    return padded
