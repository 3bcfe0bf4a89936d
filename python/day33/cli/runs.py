"""A training run that lives in a folder: its settings, its checkpoint, its history, and its results.

The folder is the only state. A run is recognised by its settings file, which also says whether the run is finished. So
a run that was killed at any point can be told from one that ended, and can be continued. While a run is going on, it
holds a lock on its folder.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType, UnionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._io.files import clear_leftovers, clear_leftovers_below, make_folder, read_json, write_json
from .._io.locks import FolderInUseError, FolderLock

SETTINGS_FILE = "run.json"
HISTORY_FILE = "history.csv"
CHECKPOINT_FOLDER = "checkpoint"


class RunError(ValueError):
    """What was asked for does not fit what is in the folder: a run that must not be lost, or none to go on with."""


class RunFolder:
    """The folder of one run. A context manager: `start` and `resume` lock the folder until the block ends.

    Args:
        path: the folder; made when the run starts.
        results: names of the files that the run writes at its end.
        setting_types: the settings that a run of this kind has, and the type of each.
        length: the setting that says how long a run is; a run that is resumed may be made longer.
    """

    def __init__(
        self,
        path: Path,
        results: tuple[str, ...],
        setting_types: Mapping[str, type | UnionType],
        *,
        length: str = "epochs",
    ) -> None:
        self.path = path
        self._names = (SETTINGS_FILE, HISTORY_FILE, CHECKPOINT_FOLDER, *results)
        self._setting_types = setting_types
        self._length = length
        self._lock: FolderLock | None = None
        self.history_path = path / HISTORY_FILE
        self.checkpoint_path = path / CHECKPOINT_FOLDER

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def start(self, settings: Mapping[str, Any], *, overwrite: bool) -> list[str]:
        """Begin a new run.

        Args:
            settings: all settings of the run.
            overwrite: remove the files of a run that is there, and no others. Of a link, what it leads to stays.

        Returns:
            Warnings: the file system may have no locks.

        Raises:
            RunError: files of a run are there without `overwrite`, or another run is going on there.
            OSError: the folder cannot be made.
        """
        make_folder(self.path)
        warnings = self._lock_folder()
        present = [name for name in self._names if _is_there(self.path / name)]
        if present and not overwrite:
            raise RunError(
                f"{self.path} already holds {self._describe()} ({', '.join(present)}): continue it with --resume, "
                "replace it with --overwrite, or choose another --output"
            )
        for name in present:
            _remove(self.path / name)
        self._record(0, _native.isa(), settings)
        return warnings

    def stored_settings(self) -> dict[str, Any]:
        """The settings of the run in the folder. RunError if there is none, or not one of this kind."""
        if not (self.path / SETTINGS_FILE).is_file():
            raise RunError(f"nothing to resume in {self.path}: no {SETTINGS_FILE} there")
        settings = read_json(self.path / SETTINGS_FILE).get("settings")
        if (
            not isinstance(settings, dict)
            or settings.keys() != self._setting_types.keys()
            or not all(isinstance(settings[name], kind) for name, kind in self._setting_types.items())
        ):
            raise RunError(f"{self.path / SETTINGS_FILE} is not the record of such a run by this version of day33")
        return settings

    def resume(self, settings: Mapping[str, Any], *, done: str | None = None) -> list[str]:
        """Go on with the run.

        More epochs than before give the same bits as if they had been asked for at once.

        Args:
            settings: all settings of the run, as they were, except for its length.
            done: what the message says of a run that is over.

        Returns:
            Warnings: the instruction set may be another one, on which the bits depend, and the file system may have no
            locks.

        Raises:
            RunError: there is no run, it is going on, it has other settings, or it has done that many epochs.
        """
        self.stored_settings()  # before anything is made in the folder
        warnings = self._lock_folder()
        stored = self.stored_settings()
        different = [
            f"{name}: {stored[name]} then, {settings[name]} now"
            for name in self._setting_types
            if name != self._length and stored[name] != settings[name]
        ]
        if different:
            raise RunError(f"cannot resume {self.path} with other settings ({'; '.join(different)})")
        finished, begun_on = self.finished_epochs(), read_json(self.path / SETTINGS_FILE).get("isa")
        wanted = settings[self._length]
        if finished >= wanted:
            done = done or f"all {finished} {self._length} are done (more with --{self._length} {finished * 2})"
            raise RunError(f"nothing to resume in {self.path}: {done}")
        if wanted < self.logged_epochs():
            raise RunError(
                f"cannot resume {self.path} for {wanted} {self._length}: {self.logged_epochs()} are done already"
            )
        self._record(finished, begun_on, settings)
        if begun_on != _native.isa():
            warnings.append(
                f"the run began on {begun_on} and goes on with {_native.isa()}: its bits will differ in the last places"
            )
        return warnings

    def finish(self, epochs: int) -> None:
        """Note that every result of a run of that many epochs is written."""
        self._record(epochs, read_json(self.path / SETTINGS_FILE).get("isa"), self.stored_settings())

    def is_unfinished(self) -> bool:
        """Whether there is a run in the folder whose results are not all written."""
        return (self.path / SETTINGS_FILE).is_file() and not self.finished_epochs()

    def finished_epochs(self) -> int:
        """How many epochs the results in the folder are of; 0 where they are not all written."""
        finished = read_json(self.path / SETTINGS_FILE).get("finished_epochs")
        return finished if isinstance(finished, int) else 0

    def logged_epochs(self) -> int:
        """How many epochs have a line in the history file."""
        if not self.history_path.is_file():
            return 0
        with open(self.history_path, "rb") as stream:
            return max(sum(1 for _ in stream) - 1, 0)

    def _lock_folder(self) -> list[str]:
        """Locks the folder, clears away what runs that were killed left half-written, and returns warnings."""
        try:
            self._lock = FolderLock(self.path)
        except FolderInUseError as error:
            raise RunError(f"{error}: wait until that run ends, or choose another --output") from None
        for name in self._names:
            clear_leftovers(self.path / name)
            if not (self.path / name).is_symlink():
                clear_leftovers_below(self.path / name)
        if self._lock.supported:
            return []
        return [f"the file system of {self.path} has no locks: two runs in this folder would destroy each other"]

    def _record(self, finished: int, isa: Any, settings: Mapping[str, Any]) -> None:
        record = {"finished_epochs": finished, "isa": isa, "settings": dict(settings)}
        write_json(self.path / SETTINGS_FILE, record)

    def _describe(self) -> str:
        if not (self.path / SETTINGS_FILE).is_file():
            return "files of a run"
        return "a finished run" if self.finished_epochs() else "an unfinished run"


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def fingerprint(*arrays: NDArray[Any]) -> str:
    """SHA-256 over dtype, shape and values: tells whether a run goes on with the data it began with."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
