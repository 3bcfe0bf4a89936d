"""How long the trainings of ``day33 ensemble fit`` still take, shown beside a progress bar."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..ensemble.pace import Pace, Training


class Outlook:
    """What is still to be trained. It is told of every member that is done.

    Args:
        jobs: members trained at a time.
        trainings: what is to come, in order, each with the members that are missing.
        clock: the time in seconds.
    """

    def __init__(
        self, jobs: int, trainings: Iterable[Training], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._pace = Pace(jobs)
        self._coming = list(trainings)
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """The present training begins now; what was done since the last one took its own time."""
        self._started = self._clock()
        self._done = 0

    @property
    def present(self) -> Training | None:
        """The training that is going on, or None when all are done."""
        return self._coming[0] if self._coming else None

    def member_done(self, done: int, total: int) -> None:
        """So many of all members of the present training are done, those of an earlier run included."""
        present = self._coming[0]
        self._done = done - (total - present.members)
        if done == total:
            self._pace.note(present, self._clock() - self._started)
            self._coming.pop(0)
            self.begin()

    def left(self) -> float | None:
        """Seconds for all that is to come; None while that is not known."""
        pace, share = self._pace, 0.0
        if self._done:
            present = self._coming[0]
            pace = pace.including(present._replace(members=self._done), self._clock() - self._started)
            share = self._done / present.members
        seconds = pace.seconds(self._coming)
        if seconds is None or not share:
            return seconds
        return seconds - share * (pace.seconds(self._coming[:1]) or 0.0)

    def seconds(self, trainings: Iterable[Training]) -> float | None:
        """Seconds for some trainings; None while that is not known."""
        return self._pace.seconds(trainings)


def in_words(seconds: float) -> str:
    """A time as ``40 s``, ``12 min`` or ``1 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@contextlib.contextmanager
def progress_bars(outlook: Outlook) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for what is trained and the time that is left for all of it, on a terminal only.

    Yields a function of the name of a kind, its members that are done, and all of them.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("members"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task: Any = None

        def begin() -> None:
            nonlocal task
            if outlook.present is not None:
                task = progress.add_task(outlook.present.kind, total=outlook.present.members, left="")

        def show(name: str, done: int, total: int) -> None:
            outlook.member_done(done, total)
            left = outlook.left()
            text = "" if left is None else f"about {in_words(left)} left in all"
            progress.update(task, description=name, total=total, completed=done, left=text)
            if done == total:
                progress.remove_task(task)
                begin()

        begin()
        yield show
