"""Bars that show how far something is: on a terminal by rich, in a notebook as an output that is replaced."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, Protocol

from .._io.notebooks import display, has_kernel


class View(NamedTuple):
    """What a bar shows.

    Attributes:
        title: what is done: "Epoch 1/5".
        done, total: steps; total is None where it is not known.
        left: the time left, "" where it is not known.
        rate: samples per second, in words.
        values: the running values, in words.
    """

    title: str
    done: int
    total: int | None
    left: str
    rate: str
    values: str


class Bar(Protocol):
    """A place to show views."""

    def open(self) -> None:
        """Makes what `draw` needs; may take long the first time."""

    def draw(self, view: View) -> None:
        """Shows a view in place of the last one."""

    def close(self) -> None:
        """Takes away what is shown. Another `draw` shows again."""


def bar_for_output() -> Bar | None:
    """A bar for where standard output goes; None where nothing can be replaced."""
    if sys.stdout.isatty():
        return TerminalBar()
    return NotebookBar() if has_kernel() else None


class TerminalBar:
    """A line at the bottom of a terminal."""

    def __init__(self) -> None:
        self._make: Any = None
        self._progress: Any = None

    def open(self) -> None:
        if self._make is not None:
            return
        # rich takes tens of milliseconds to import: only when something is drawn.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        def make() -> Progress:
            fields = [TextColumn(f"{{task.fields[{name}]}}") for name in ("left", "rate", "values")]
            columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn()
            return Progress(*columns, *fields, auto_refresh=False, transient=True)

        self._make = make

    def draw(self, view: View) -> None:
        self.open()
        fields = {"left": view.left, "rate": view.rate, "values": view.values}
        if self._progress is None:
            self._progress = self._make()
            self._progress.add_task(view.title, total=view.total, completed=view.done, **fields)
            self._progress.start()
        else:
            (task,) = self._progress.task_ids
            self._progress.update(
                task, description=view.title, completed=view.done, total=view.total, refresh=True, **fields
            )

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class NotebookBar:
    """An output of a notebook's cell, the same one for all views."""

    _WIDTH = 24

    def __init__(self) -> None:
        self._handle: Any = None

    def open(self) -> None:
        """Nothing to do."""

    def draw(self, view: View) -> None:
        parts = [view.title, f"{view.done}/{view.total or '?'}", view.left, view.rate, view.values]
        if view.total:
            filled = min(view.done * self._WIDTH // view.total, self._WIDTH)
            parts.insert(1, "[" + "=" * filled + " " * (self._WIDTH - filled) + "]")
        self._show("  ".join(part for part in parts if part))

    def close(self) -> None:
        if self._handle is not None:
            self._show("")

    def _show(self, line: str) -> None:
        data = {"text/plain": line}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
