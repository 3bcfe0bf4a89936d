"""Prompts of a language model, as text or ids, and answers of the same kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_int, is_int

if TYPE_CHECKING:
    from .._native import Int32


class Tokenizer(Protocol):
    """What decoding needs of a tokenizer. Keras's has it, and `day33.text.Tokenizer`."""

    @property
    def word_index(self) -> Mapping[str, int]: ...

    @property
    def index_word(self) -> Mapping[int, str]: ...

    def texts_to_sequences(self, texts: list[str], /) -> list[list[int]]: ...


class FromTokenizer:
    """The default of `end_token` and `start_token`: the tokenizer's own token, where it has one."""

    def __repr__(self) -> str:
        return "the tokenizer's"


FROM_TOKENIZER: Final = FromTokenizer()

Token = int | str
Prompts = Any  # text, ids, or a batch of either


class Words:
    """Words and ids, with and without a tokenizer."""

    def __init__(self, tokenizer: Tokenizer | None, vocab_size: int) -> None:
        if isinstance(tokenizer, str) or (tokenizer is not None and not hasattr(tokenizer, "texts_to_sequences")):
            raise TypeError(f"tokenizer is {tokenizer!r}; expected a tokenizer with texts_to_sequences")
        self.tokenizer, self.vocab_size = tokenizer, vocab_size

    def token(self, name: str, value: object) -> int:
        """The id that an option gives, as an id or a word. TypeError and ValueError name the option."""
        if not isinstance(value, str):
            token = as_int(name, value, 0)
        elif self.tokenizer is None:
            raise TypeError(f"{name} is {value!r}; expected an id, since words need a tokenizer")
        elif value not in self.tokenizer.word_index:
            raise ValueError(f"{name} is {value!r}; expected a word of the tokenizer")
        else:
            token = int(self.tokenizer.word_index[value])
        if token >= self.vocab_size:
            raise ValueError(f"{name} is {value!r} (id {token}); expected an id from 0 to {self.vocab_size - 1}")
        return token

    def known(self, word: str) -> int | None:
        """The id of a word, None where the tokenizer or the model has none."""
        token = None if self.tokenizer is None else self.tokenizer.word_index.get(word)
        return None if token is None or token >= self.vocab_size else int(token)

    def ids(self, texts: list[str]) -> list[list[int]]:
        """The ids of the words of texts. TypeError without a tokenizer."""
        if self.tokenizer is None:
            raise TypeError("prompts are texts; expected ids, since texts need a tokenizer")
        return [[int(i) for i in ids] for ids in self.tokenizer.texts_to_sequences(texts)]

    def word(self, token: int) -> str:
        """The word of an id; empty for ids without a word, such as the padding 0."""
        assert self.tokenizer is not None
        return self.tokenizer.index_word.get(token, "")

    def text(self, tokens: list[int]) -> str:
        """The words of ids with single spaces between them."""
        return " ".join(word for word in map(self.word, tokens) if word)


def as_ids(name: str, value: ArrayLike, vocab_size: int) -> Int32:
    """`value` as int32, checked against the vocabulary. An empty list holds no ids."""
    array = np.asarray(value)
    if array.size == 0:
        array = array.astype(np.int32)
    if array.dtype.kind not in "iu" and not (array.dtype == object and all(map(is_int, array.flat))):
        raise TypeError(f"{name} has dtype {array.dtype} and shape {array.shape}; expected integers")
    if array.size and (array.min() < 0 or array.max() >= vocab_size):  # also Python's integers beyond int64
        wrong = array[(array < 0) | (array >= vocab_size)].flat[0]
        raise ValueError(f"{name} holds the id {int(wrong)}; expected ids from 0 to {vocab_size - 1}")
    return np.require(array, np.int32, ("C", "A"))


class Batch:
    """Prompts as lists of ids, and answers in the kind of the prompts.

    Attributes:
        single: whether it is one prompt, and not a batch.
        text: whether the prompts are texts.
        ids: the ids of each prompt.
    """

    def __init__(self, prompts: Prompts, words: Words, start_token: object) -> None:
        self._words = words
        given, self.single = self._split(prompts)
        self.text = bool(given) and isinstance(given[0], str)
        self._arrays = [prompt.dtype if isinstance(prompt, np.ndarray) else None for prompt in given]
        names = ["prompts"] if self.single else [f"prompts[{i}]" for i in range(len(given))]
        if self.text:
            if not all(isinstance(prompt, str) for prompt in given):
                raise TypeError("prompts mixes texts and ids; expected one of the two")
            given = list(words.ids(list(given)))
        self.ids: list[list[int]] = []
        for name, prompt in zip(names, given, strict=True):
            ids = as_ids(name, prompt, words.vocab_size)
            if ids.ndim != 1:
                raise ValueError(f"{name} has shape {ids.shape}; expected a list of ids")
            self.ids.append(ids.tolist() or [self._start(name, start_token)])

    @staticmethod
    def _split(prompts: Prompts) -> tuple[list[Any], bool]:
        if isinstance(prompts, str):
            return [prompts], True
        if isinstance(prompts, np.ndarray):
            if prompts.dtype.kind in "OU":
                return Batch._split(prompts.tolist())
            if prompts.ndim not in (1, 2):
                raise ValueError(f"prompts has shape {prompts.shape}; expected (T,) or (N, T)")
            return ([prompts], True) if prompts.ndim == 1 else (list(prompts), False)
        if isinstance(prompts, bytes) or not isinstance(prompts, Iterable):
            raise TypeError(f"prompts is {prompts!r}; expected text, ids, or a batch of either")
        items = list(prompts)
        if items and not isinstance(items[0], str) and np.ndim(items[0]) == 0:
            return [items], True
        return items, False

    def _start(self, name: str, start_token: object) -> int:
        if not isinstance(start_token, FromTokenizer):
            return self._words.token("start_token", start_token)
        token = self._words.known("<start>")
        if token is None:
            raise ValueError(f"{name} is empty and there is no start token; expected start_token to give one")
        return token

    def in_kind(self, i: int, tokens: list[int]) -> Any:
        """An answer, given as ids, in the kind of prompt i."""
        if self.text:
            return self._words.text(tokens)
        dtype = self._arrays[i]
        return tokens if dtype is None else np.array(tokens, dtype)
