"""A line after every epoch, to watch a lyricist learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.types import PathLike
from .._io.files import write_text
from ..callbacks import Callback
from ..callbacks.base import check_fields

if TYPE_CHECKING:
    from ..callbacks.base import Logs, State
    from .pipeline import Lyricist

__all__ = ["LineWriter"]


class LineWriter(Callback):
    """After every epoch, writes a line with the model as it is then, and keeps the lines in a file.

    The file is replaced as a whole after each epoch, and the lines are part of what `BackupAndRestore` saves: a resumed
    run writes those of the epochs before, too.

    Args:
        lyricist: the one that is trained.
        path: the file.
        prompt: how each line begins.
        temperature: see `day33.decoding.generate`.
        seed: of the drawing; each epoch adds its number.
        show: called with each line.
    """

    comes_last = True  # after the numbers of the epoch are shown

    def __init__(
        self,
        lyricist: Lyricist,
        path: PathLike,
        prompt: str = "",
        *,
        temperature: float = 0.7,
        seed: int = 0,
        show: Callable[[str], Any] = print,
    ) -> None:
        super().__init__()
        self._lyricist = lyricist
        self._path = Path(path)
        self._prompt = prompt
        self._temperature = temperature
        self._seed = seed
        self._show = show
        self.lines: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.lines = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        line = self._lyricist.write(self._prompt, temperature=self._temperature, seed=self._seed + epoch)
        self._show(line)
        self.lines = [*self.lines[:epoch], line]
        write_text(self._path, "\n".join(self.lines) + "\n")

    def get_state(self) -> State:
        return {"lines": self.lines}

    def check_state(self, state: State) -> None:
        if state:  # those of earlier versions are without lines
            check_fields(state, lines="names")

    def set_state(self, state: State) -> None:
        self.lines = list(state.get("lines", ()))
