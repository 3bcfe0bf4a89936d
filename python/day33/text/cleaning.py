"""Cleaning of sentences: lower-case words and punctuation marks, with one space between them."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["DEFAULT_FILTERS", "END", "START", "preprocess_sentence", "preprocess_sentences", "text_to_word_sequence"]

START = "<start>"
END = "<end>"

# What Keras's Tokenizer treats as separators unless told otherwise: punctuation but for the apostrophe, tab, newline.
DEFAULT_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

# After lower() no A-Z is left, and every mark is a token of its own.
_find_tokens = re.compile("[a-z]+|[?.!,¿]").findall


def preprocess_sentence(sentence: str) -> str:
    """Bring a sentence to lower case and reduce it to words of a-z and the marks ``? . ! , ¿``, between two tokens.

    Everything else, digits, apostrophes and letters with accents included, separates words. Marks are words of their
    own. ``"It's  so."`` becomes ``"<start> it s so . <end>"``, and a sentence of which nothing is left
    ``"<start>  <end>"``, with two spaces.

    The result is that of the usual chain of substitutions (spaces around marks, runs of spaces to one, runs of other
    characters to one, stripped), found in one pass.

    Args:
        sentence: any text.

    Returns:
        The cleaned sentence, from ``<start>`` to ``<end>``.

    Raises:
        TypeError: `sentence` is no str.
    """
    if not isinstance(sentence, str):
        raise TypeError(f"sentence is of type {type(sentence).__name__}; expected str")
    return f"{START} {' '.join(_find_tokens(sentence.lower()))} {END}"


def preprocess_sentences(sentences: Iterable[str]) -> list[str]:
    """`preprocess_sentence` of each."""
    return [preprocess_sentence(sentence) for sentence in sentences]


def text_to_word_sequence(
    input_text: str, filters: str = DEFAULT_FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Split a text into words, as Keras's function of that name.

    Args:
        input_text: the text.
        filters: the characters that are replaced by `split`.
        lower: whether the text is brought to lower case first.
        split: what separates words; several in a row make no empty words.

    Returns:
        The words.

    Raises:
        TypeError: `input_text` is no str.
    """
    return [word for word in split_text(input_text, separators(filters, split), lower, split) if word]


def separators(filters: str, split: str) -> dict[int, str]:
    """The table for `split_text` that replaces each character of `filters` by `split`."""
    return str.maketrans(dict.fromkeys(filters, split))


def split_text(text: str, table: dict[int, str], lower: bool, split: str) -> list[str]:
    """The words of a text, with an empty one wherever separators stand next to each other. TypeError for no str."""
    if not isinstance(text, str):
        raise TypeError(f"the text is {text!r}; expected a str")
    if lower:
        text = text.lower()
    return text.translate(table).split(split)
