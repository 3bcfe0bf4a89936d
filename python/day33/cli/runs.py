"""A training run that lives in a folder: its settings, its checkpoint, its history, and what comes out of it.

The folder is the only state. A run is recognised by its settings file; it is finished when that file says so. So a run
that was killed at any point can be told from one that ended, and is continued rather than destroyed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._io.files import read_json, write_json

SETTINGS_FILE = "run.json"
HISTORY_FILE = "history.csv"
CHECKPOINT_FOLDER = "checkpoint"


class RunError(ValueError):
    """The folder and the wish do not go together: a run is there that must not be lost, or none that could go on."""


class RunFolder:
    """The folder of one run.

    Args:
        path: the folder; made when the run starts.
        results: names of the files the run writes at its end.
        setting_types: the settings a run of this kind has, and the type of each.
    """

    def __init__(self, path: Path, results: tuple[str, ...], setting_types: Mapping[str, type | UnionType]) -> None:
        self.path = path
        self._results = results
        self._setting_types = setting_types
        self.history_path = path / HISTORY_FILE
        self.checkpoint_path = path / CHECKPOINT_FOLDER

    def start(self, settings: Mapping[str, Any], *, overwrite: bool) -> None:
        """Begin a new run. Where files of a run are, refuse, or with `overwrite` remove those and no others."""
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file, a folder is needed")
        names = (SETTINGS_FILE, HISTORY_FILE, CHECKPOINT_FOLDER, *self._results)
        present = [name for name in names if (self.path / name).exists()]
        if present and not overwrite:
            raise RunError(
                f"{self.path} already holds {self._describe()} ({', '.join(present)}): continue it with --resume, "
                "replace it with --overwrite, or choose another --output"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        for name in present:
            target = self.path / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink()
        self._record(0, _native.isa(), settings)

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
            raise RunError(f"{self.path / SETTINGS_FILE} is not the record of such a run")
        return settings

    def resume(self, settings: Mapping[str, Any]) -> str:
        """Go on with the run. All settings must be the stored ones, but `epochs` may be raised.

        More epochs give the same bits as if they had been asked for at once. Returns a warning where the instruction
        set is another one, since the bits depend on it; otherwise an empty text.
        """
        stored = self.stored_settings()
        different = [
            f"{name}: {stored[name]} then, {settings[name]} now"
            for name in self._setting_types
            if name != "epochs" and stored[name] != settings[name]
        ]
        if different:
            raise RunError(f"cannot resume {self.path} with other settings ({'; '.join(different)})")
        finished, begun_on = self.finished_epochs(), read_json(self.path / SETTINGS_FILE).get("isa")
        if finished >= settings["epochs"]:
            raise RunError(
                f"nothing to resume in {self.path}: all {finished} epochs are done (more with --epochs {finished * 2})"
            )
        if settings["epochs"] < self.logged_epochs():
            raise RunError(
                f"cannot resume {self.path} for {settings['epochs']} epochs: {self.logged_epochs()} are done already"
            )
        self._record(finished, begun_on, settings)
        if begun_on == _native.isa():
            return ""
        return f"the run began on {begun_on} and goes on with {_native.isa()}: its bits will differ in the last places"

    def finish(self, epochs: int) -> None:
        """Note that every result of a run of that many epochs is written."""
        self._record(epochs, read_json(self.path / SETTINGS_FILE).get("isa"), self.stored_settings())

    def finished_epochs(self) -> int:
        """How many epochs the results in the folder are of; 0 where they are not all written."""
        finished = read_json(self.path / SETTINGS_FILE).get("finished_epochs")
        return finished if isinstance(finished, int) else 0

    def _record(self, finished: int, isa: Any, settings: Mapping[str, Any]) -> None:
        record = {"finished_epochs": finished, "isa": isa, "settings": dict(settings)}
        write_json(self.path / SETTINGS_FILE, record)

    def logged_epochs(self) -> int:
        """How many epochs have a line in the history file."""
        if not self.history_path.is_file():
            return 0
        with open(self.history_path, "rb") as stream:
            return max(sum(1 for _ in stream) - 1, 0)

    def _describe(self) -> str:
        if not (self.path / SETTINGS_FILE).is_file():
            return "files of a run"
        return "a finished run" if self.finished_epochs() else "an unfinished run"


def fingerprint(*arrays: NDArray[Any]) -> str:
    """SHA-256 over dtype, shape and values: tells whether a run goes on with the data it began with."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
