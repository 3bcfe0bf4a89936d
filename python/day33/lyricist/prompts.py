"""Prompts as users give them, and answers in kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..text import preprocess_sentence
from ..text.cleaning import END, START

if TYPE_CHECKING:
    from ..text import Tokenizer

__all__ = ["Prompts", "token_number"]


@dataclass(frozen=True)
class Prompts:
    """Prompts as lists of token numbers, and how to answer.

    Attributes:
        ids: one list a prompt.
        single: there was one prompt, not a batch of prompts.
        texts: the prompts were texts.
    """

    ids: list[list[int]]
    single: bool
    texts: bool
    tokenizer: Tokenizer | None

    @classmethod
    def read(cls, prompt: Any, tokenizer: Tokenizer | None, vocab_size: int) -> Prompts:
        """A text, a sequence of token numbers, or a sequence of either.

        Raises:
            ValueError: a number outside the vocabulary; an empty prompt, or a text, for a model without tokenizer.
            TypeError: something else than texts and whole numbers, or both in one batch.
        """
        if isinstance(prompt, np.ndarray):
            if prompt.dtype.kind not in "iu" or prompt.ndim not in (1, 2):
                raise TypeError(f"prompt must be integers (T,) or (N, T), got {prompt.dtype} of shape {prompt.shape}")
            prompt = prompt.tolist()
        if not isinstance(prompt, str | Sequence):
            raise TypeError(f"prompt must be a text, a list of token numbers, or a list of these, got {prompt!r}")
        single = isinstance(prompt, str) or not any(isinstance(item, str | Sequence | np.ndarray) for item in prompt)
        items = [prompt] if single else list(prompt)
        texts = isinstance(items[0], str)
        if any(isinstance(item, str) != texts for item in items):
            raise TypeError("prompt holds texts and lists of token numbers; expected one kind")
        if texts:
            ids = _numbers_of_texts(items, tokenizer)
        else:
            ids = [_checked_numbers(item, tokenizer, vocab_size) for item in items]
        return cls(ids, single, texts, tokenizer)

    def answer(self, sequences: Sequence[Sequence[int]]) -> Any:
        """Token numbers in the kind of the prompts: a text or a list, or a list of either."""
        answers = [self.words(sequence) if self.texts else [int(number) for number in sequence]
                   for sequence in sequences]  # fmt: skip
        return answers[0] if self.single else answers

    def words(self, sequence: Sequence[int]) -> str:
        """The words of token numbers with single spaces between them."""
        assert self.tokenizer is not None
        return " ".join(self.tokenizer.index_word.get(int(number), "") for number in sequence)


def token_number(name: str, token: int | str, tokenizer: Tokenizer | None, vocab_size: int) -> int:
    """The number of a token given by number or word. ValueError where there is none; `name` is the argument's."""
    if isinstance(token, str):
        if tokenizer is None:
            raise ValueError(f"{name} is the word {token!r}, but the model has no tokenizer; give its number")
        number = tokenizer.word_index.get(token.lower() if tokenizer.lower else token)
        if number is None or number >= vocab_size or (tokenizer.num_words and number >= tokenizer.num_words):
            raise ValueError(f"{name}: {token!r} is not in the vocabulary")
        return number
    if isinstance(token, bool) or not isinstance(token, int | np.integer):
        raise TypeError(f"{name} is {token!r}; expected the number of a token or a word")
    if not 0 <= token < vocab_size:
        raise ValueError(f"{name} is {token}; expected 0 to {vocab_size - 1}")
    return int(token)


def _numbers_of_texts(texts: Sequence[str], tokenizer: Tokenizer | None) -> list[list[int]]:
    if tokenizer is None:
        raise ValueError("prompt is a text, but the model has no tokenizer; set model.tokenizer, or give token numbers")
    # What begins with the start token is taken as it is; anything else is cleaned like a line of the corpus.
    lines = [text if text.split()[:1] == [START] else preprocess_sentence(text).removesuffix(END) for text in texts]
    return tokenizer.texts_to_sequences(lines)


def _checked_numbers(item: Any, tokenizer: Tokenizer | None, vocab_size: int) -> list[int]:
    if not isinstance(item, Sequence | np.ndarray):
        raise TypeError(f"prompt holds {item!r}; expected lists of token numbers")
    numbers = [token_number("prompt", number, None, vocab_size) for number in item]
    if not numbers:
        if tokenizer is None:
            raise ValueError("prompt is empty and the model has no tokenizer; begin with the number of a token")
        numbers = [token_number("prompt", START, tokenizer, vocab_size)]
    return numbers
