"""Regular expressions as TensorFlow reads them, those of RE2, by Python's `re`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

# RE2's classes of ASCII characters (https://github.com/google/re2/wiki/Syntax), as they stand inside of brackets.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_SPACES = r"\t\n\f\r "  # \s, which has no \v
_FLAGS = re.compile(r"\(\?[a-zA-Z]*m")
_CODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_CLASS = re.compile(r"\[:(\^?)(\w+):\]")


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    r"""The pattern, with RE2's meaning of ``$``, ``\z``, ``\s``, ``[[:alpha:]]`` and ``\x{...}``.

    ValueError for what `re` does not know, such as ``\p{Greek}``.
    """
    try:
        return re.compile("".join(_translated(pattern)), re.ASCII)
    except re.error as error:
        raise ValueError(f"pattern is {pattern!r}; expected a regular expression that Python reads ({error})") from None


def _translated(pattern: str) -> Iterator[str]:
    by_lines = _FLAGS.search(pattern) is not None
    place, inside = 0, False
    while place < len(pattern):
        letter = pattern[place]
        if letter == "\\":
            code = _CODE.match(pattern, place)
            text = code.group() if code else pattern[place : place + 2]
            place += len(text)
            yield _escape(text, inside) if code is None else re.escape(chr(int(code.group(1), 16)))
            continue
        named = _CLASS.match(pattern, place) if inside else None
        if named:
            negated, name = named.groups()
            if negated or name not in _CLASSES:
                raise ValueError(f"pattern has {named.group()}; expected one of {', '.join(_CLASSES)}, not negated")
            place = named.end()
            yield _CLASSES[name]
            continue
        place += 1
        if inside:
            inside = letter != "]"
            yield "\\[" if letter == "[" else letter
        elif letter == "[":
            inside = True
            start = re.compile(r"\^?\]?").match(pattern, place)
            opening = start.group() if start else ""
            place += len(opening)
            yield letter + opening.replace("]", "\\]")
        else:
            yield "\\Z" if letter == "$" and not by_lines else letter


def _escape(text: str, inside: bool) -> str:
    if text == "\\z":
        return "\\Z"
    if text == "\\s":
        return _SPACES if inside else f"[{_SPACES}]"
    return f"[^{_SPACES}]" if text == "\\S" and not inside else text


def replacer(pattern: str, rewrite: str, everywhere: bool) -> Callable[[str], str]:
    r"""A function that replaces matches in a text, all of them or the first one.

    Args:
        pattern: see `compiled`.
        rewrite: what a match becomes: ``\0`` is the match, ``\1`` to ``\9`` are its groups, ``\\`` a backslash.
        everywhere: replace all matches.

    Raises:
        ValueError: another backslash in `rewrite`, or a group that the pattern does not have.
    """
    expression = compiled(pattern)
    parts: list[str | int] = []
    for text in re.findall(r"\\.?|[^\\]+", rewrite, re.DOTALL):
        if text == "\\\\":
            parts.append("\\")
        elif not text.startswith("\\"):
            parts.append(text)
        elif text[1:].isascii() and text[1:].isdigit() and int(text[1:]) <= expression.groups:
            parts.append(int(text[1:]))
        else:
            raise ValueError(
                f"rewrite is {rewrite!r}, which has {text!r}; expected \\\\ or one of \\0 to \\{expression.groups}"
            )

    def replaced(text: str) -> str:
        pieces, end = [], -1
        for match in expression.finditer(text):
            if match.start() == match.end() == end:
                continue  # RE2 leaves out an empty match right behind another match, Python does not
            pieces.append(text[max(end, 0) : match.start()])
            pieces.extend(part if isinstance(part, str) else match.group(part) or "" for part in parts)
            end = match.end()
            if not everywhere:
                break
        return "".join(pieces) + text[max(end, 0) :]

    return replaced
