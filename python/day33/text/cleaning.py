"""Cleaning of sentences: lower-case words and punctuation marks, with one space between them; and back to text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Literal

__all__ = [
    "DEFAULT_FILTERS", "END", "START", "Clean", "check_clean", "detokenize", "preprocess_sentence",
    "preprocess_sentences", "text_to_word_sequence",
]  # fmt: skip

START = "<start>"
END = "<end>"

Clean = Literal["note", "unicode"]

# What Keras's Tokenizer treats as separators unless told otherwise: punctuation but for the apostrophe, tab, newline.
DEFAULT_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

_MARKS = "?.!,¿"


class _Characters(dict[int, str]):
    """What `str.translate` makes of each character: letters and the signs on them stay, marks stand apart."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character)[0] in "LM":
            kept = character
        else:
            kept = f" {character} " if character in _MARKS else " "
        self[code] = kept
        return kept


_characters = _Characters()


def _unicode_tokens(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).translate(_characters).split()


# From a text in lower case to its words and marks; after lower() no A-Z is left.
_RULES: dict[Clean, Callable[[str], list[str]]] = {
    "note": re.compile(f"[a-z]+|[{_MARKS}]").findall,
    "unicode": _unicode_tokens,
}


def check_clean(clean: str, *others: str) -> None:
    """ValueError for a name that is neither a rule nor one of `others`."""
    names = (*_RULES, *others)
    if clean not in names:
        raise ValueError(f"clean is {clean!r}; expected one of {', '.join(map(repr, names))}")


def preprocess_sentence(sentence: str, clean: Clean = "note") -> str:
    """Bring a sentence to lower case and reduce it to words and the marks ``? . ! , ¿``, between two tokens.

    Everything else, digits and apostrophes included, separates words. Marks are words of their own. ``"It's  so."``
    becomes ``"<start> it s so . <end>"``, and a sentence of which nothing is left ``"<start>  <end>"``, with two
    spaces.

    With "note", words are of a-z, and letters with accents separate words as well. The result is that of the usual
    chain of substitutions (spaces around marks, runs of spaces to one, runs of other characters to one, stripped),
    found in one pass.

    Args:
        sentence: any text.
        clean: "note"; or "unicode": words are of the letters of every script, with the signs that belong to them. What
            can be written in two ways, such as "é" or a syllable of Korean, is brought to one (Unicode's NFC).

    Returns:
        The cleaned sentence, from ``<start>`` to ``<end>``.

    Raises:
        TypeError: `sentence` is no str.
        ValueError: another `clean`.
    """
    if not isinstance(sentence, str):
        raise TypeError(f"sentence is of type {type(sentence).__name__}; expected str")
    check_clean(clean)
    return f"{START} {' '.join(_RULES[clean](sentence.lower()))} {END}"


def preprocess_sentences(sentences: Iterable[str], clean: Clean = "note") -> list[str]:
    """`preprocess_sentence` of each."""
    return [preprocess_sentence(sentence, clean) for sentence in sentences]


def detokenize(sentence: str) -> str:
    """A cleaned sentence as a line for readers: the way back from `preprocess_sentence`, as far as there is one.

    ``"<start> why , o why ? <end>"`` becomes ``"Why, o why?"``: without the two tokens, with the marks
    ``? . ! ,`` at the word before them and ``¿`` at the word after it, and with the first letter in upper case.

    Args:
        sentence: words and marks with spaces between them.

    Returns:
        The line.
    """
    words = " ".join(word for word in sentence.split() if word not in (START, END))
    line = re.sub(r" ([?.!,])", r"\1", words).replace("¿ ", "¿")
    first = 1 if line.startswith("¿") else 0
    return line[:first] + line[first : first + 1].upper() + line[first + 1 :]


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
