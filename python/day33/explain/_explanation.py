"""What every function of the room returns: one thing explained as a figure, as a page and as text."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.types import PathLike
from .._io.files import write_text
from ._page import page_of, question_and_answer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Explanation", "Section"]

_NOTEBOOK_HEIGHT = 720  # pixels of the frame that holds a page in a notebook


@dataclass(frozen=True)
class Section:
    """A part of a page: prose, and what can be pointed at.

    Attributes:
        title: the heading.
        prose: paragraphs of plain text; what stands between backticks is set as code.
        widget: the name of a function in the page's scripts, or "" for prose alone.
        data: what the widget shows: numbers, texts, lists and mappings of them.
        questions: each a question and its answer in one text: the question ends at the first "? ". Answers are folded.
    """

    title: str
    prose: Sequence[str] = ()
    widget: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    questions: Sequence[str] = ()


class Explanation:
    """One thing explained.

    As the last line of a notebook's cell it shows as the interactive page.

    Attributes:
        title: its title.
        lede: what it is about, in a sentence or two.
        sections: the parts of its page.
        notes: what was left out of the reader's arrays because it was too large to draw.
    """

    def __init__(
        self,
        title: str,
        lede: str,
        sections: Sequence[Section],
        *,
        words: Sequence[str],
        draw: Callable[[], Figure],
        notes: Sequence[str] = (),
    ) -> None:
        self.title = title
        self.sections = tuple(sections)
        self.notes = tuple(notes)
        self.lede = lede
        self._words = tuple(words)
        self._draw = draw

    def figure(self, path: PathLike | None = None) -> Figure:
        """Draw it with Matplotlib.

        Args:
            path: write the figure to this file as well; the suffix names the format (``.png``, ``.svg``, ``.pdf``).

        Returns:
            The figure, which shows by itself in a notebook.

        Raises:
            OSError: the file cannot be written.
        """
        figure = self._draw()
        if path is not None:
            from .._io.figures import write_figure

            write_figure(figure, path)
        return figure

    def text(self) -> str:
        """Say in words and numbers what the page shows. Readers of the page without a screen get the same.

        Questions come last, and behind all of them the answers, by number.
        """
        return "\n".join([self.title, "", self.lede, *self.notes, "", *self._words, *self._questions()]) + "\n"

    def _questions(self) -> list[str]:
        pairs = [question_and_answer(text.replace("`", "")) for section in self.sections for text in section.questions]
        if not pairs:
            return []
        questions, answers = ([f"{n}. {text}" for n, text in enumerate(texts, 1)] for texts in zip(*pairs, strict=True))
        return ["", "Check yourself", *questions, "", "Answers", *answers]

    def html(self) -> str:
        """The interactive page, complete in one string: it needs no network and no other file."""
        return page_of(self.title, self.lede, self.notes, self.sections, self.text())

    def save(self, path: PathLike) -> Path:
        """Write the interactive page to a file that any browser opens.

        Args:
            path: the file; without a suffix, ``.html`` is added.

        Returns:
            The path of the file.

        Raises:
            OSError: the file cannot be written.
        """
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(".html")
        write_text(target, self.html())
        return target

    def _repr_html_(self) -> str:
        # A frame of its own: the page's style and scripts stay apart from the notebook's.
        return (
            f'<iframe srcdoc="{html.escape(self.html())}" title="{html.escape(self.title)}" sandbox="allow-scripts" '
            f'style="width: 100%; height: {_NOTEBOOK_HEIGHT}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Explanation {self.title!r}: .figure(), .save('page.html'), .text()>"
