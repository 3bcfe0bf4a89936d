"""What a long fit has finished so far, in a folder, so that one that was killed goes on there."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from .._core.types import PathLike
from .._io.files import make_folder, read_json, write_json
from .saving import MANIFEST_FILE, load_ensemble, save_ensemble

__all__ = ["Checkpoint", "SavedParts"]

_SECONDS_FILE = "seconds.json"


class Checkpoint:
    """A folder of shelves and of records. Nothing is in it by halves.

    Args:
        folder: made when something is written.
    """

    def __init__(self, folder: PathLike) -> None:
        self._folder = Path(folder)

    def shelf(self, *names: str) -> SavedParts:
        """The shelf of that name, for the parts of one bag."""
        return SavedParts(self._folder.joinpath(*names))

    def record(self, name: str) -> dict[str, Any] | None:
        """The record of that name, or None. ValueError where it is damaged."""
        path = self._folder / f"{name}.json"
        return read_json(path) if path.is_file() else None

    def write_record(self, name: str, record: dict[str, Any]) -> None:
        """Keep a record."""
        make_folder(self._folder)
        write_json(self._folder / f"{name}.json", record)

    def clear(self, name: str) -> None:
        """Remove the shelves of that name."""
        shutil.rmtree(self._folder / name, ignore_errors=True)


class SavedParts:
    """A `Shelf` that keeps parts in files, each as `save_ensemble` writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Any:
        """The fitted part of that name, or None. ValueError where its files are damaged."""
        folder = self._folder / name
        return load_ensemble(folder) if (folder / MANIFEST_FILE).is_file() else None

    def put(self, name: str, part: Any) -> None:
        """Keep a fitted part. TypeError where it has no form but pickle."""
        save_ensemble(part, self._folder / name)

    def members(self) -> int:
        """How many members of a bag are on the shelf."""
        return len(list(self._folder.glob(f"member-*/{MANIFEST_FILE}")))

    @property
    def seconds(self) -> float:
        """How long was worked for what is on the shelf."""
        path = self._folder / _SECONDS_FILE
        if not path.is_file():
            return 0.0
        seconds = read_json(path).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise ValueError(f"{path}: seconds is {seconds!r}; expected a number of at least 0")
        return float(seconds)

    @seconds.setter
    def seconds(self, value: float) -> None:
        make_folder(self._folder)
        write_json(self._folder / _SECONDS_FILE, {"seconds": value})
