"""The page: one HTML file that holds its style, its scripts and its numbers, and asks the network for nothing.

Everything that comes from the reader is escaped. The numbers stand in a JSON block, which scripts read and browsers do
not run; a policy in the page's head forbids every request.
"""

from __future__ import annotations

import functools
import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol

import numpy as np

MAX_BYTES = 3_000_000
# `page.js` starts the widgets that stand before it.
_SCRIPTS = "math", "parts", "map"
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


class SectionLike(Protocol):
    """What `page_of` needs of a section."""

    @property
    def title(self) -> str: ...
    @property
    def prose(self) -> Sequence[str]: ...
    @property
    def widget(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def questions(self) -> Sequence[str]: ...


@functools.cache
def asset(name: str) -> str:
    """The text of a file in ``assets``."""
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def page_of(title: str, lede: str, notes: Sequence[str], sections: Sequence[SectionLike], text: str) -> str:
    """The page as one string.

    Raises:
        ValueError: it would have more than `MAX_BYTES`.
    """
    widgets = list(dict.fromkeys(section.widget for section in sections if section.widget))
    scripts = "\n".join(asset(f"{name}.js") for name in (*_SCRIPTS, *widgets, "page"))
    body = "".join(_section(number, section) for number, section in enumerate(sections))
    remarks = "".join(f'<p class="note">{_inline(note)}</p>' for note in notes)
    page = frame_of(
        title,
        f'<h1>{html.escape(title)}</h1>\n<p class="lede">{_inline(lede)}</p>\n{remarks}\n{body}'
        f"<details><summary>The same in words and numbers</summary>\n<pre>{html.escape(text)}</pre>\n</details>\n"
        f"<noscript><pre>{html.escape(text)}</pre></noscript>\n",
        f'<script type="application/json" id="data">{_json([section.data for section in sections])}</script>\n'
        f"<script>\n{scripts}</script>\n",
    )
    size = len(page.encode())
    if size > MAX_BYTES:
        raise ValueError(f"the page has {size:,} bytes; expected at most {MAX_BYTES:,}: explain smaller arrays")
    return page


def frame_of(title: str, body: str, end: str = "") -> str:
    """A document with the style of the pages: `body` is HTML, `end` stands behind it."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{asset('page.css')}</style>\n</head>\n<body>\n"
        f"<main>\n{body}</main>\n{end}</body>\n</html>\n"
    )


def _section(number: int, section: SectionLike) -> str:
    prose = "".join(map(_paragraph, section.prose))
    widget = f'<div class="widget" data-widget="{section.widget}"></div>\n' if section.widget else ""
    heading = f'<h2 id="part-{number}">{html.escape(section.title)}</h2>'
    questions = "".join(map(_folded, section.questions))
    body = f"{heading}\n{prose}{widget}{questions}"
    return f'<section aria-labelledby="part-{number}" data-part="{number}">\n{body}</section>\n'


def question_and_answer(text: str) -> tuple[str, str]:
    """The two parts of a text that begins with a question."""
    question, mark, answer = text.partition("? ")
    return question + mark.rstrip(), answer


def _folded(text: str) -> str:
    """A question that opens its answer: by a click, or by the keyboard."""
    question, answer = map(_inline, question_and_answer(text))
    return f'<details class="answer"><summary>{question}</summary>\n<p>{answer}</p>\n</details>\n'


def _paragraph(text: str) -> str:
    formula = text.startswith("`") and text.endswith("`") and text.count("`") == 2
    return f'<p class="formula">{_inline(text)}</p>\n' if formula else f"<p>{_inline(text)}</p>\n"


def _inline(text: str) -> str:
    """Text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _json(value: Any) -> str:
    """JSON that may stand in a script element: it holds no ``<``, so that nothing in it ends the element."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _plain(value: Any) -> Any:
    """Arrays as lists, and numbers as the shortest that stand for the same float32; NaN and infinities as strings."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist()) if value.dtype != np.float32 else _plain_floats(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic):
        return _plain(np.asarray(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return value


def _plain_floats(array: np.ndarray[Any, Any]) -> Any:
    return [_plain_floats(row) for row in array] if array.ndim else _number(float(str(array[()])))


def _number(value: float) -> float | int | str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return int(value) if value == int(value) and abs(value) < 2**53 else value
