"""Faults in the middle of writing: the n-th write, fsync, rename or removal of this process does not happen.

Files that Python opens for writing get a raw stream whose every call of the system passes `_step`. What libraries write
in C (HDF5) does not pass here; kills at random moments, and a disk that is really full, reach those.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KILL, FULL, BROKEN = "killed", "disk full", "input/output error"
_ERRNO = {FULL: errno.ENOSPC, BROKEN: errno.EIO}


@dataclass
class Fault:
    """What happens at the step `at`, counted from 1, and, but for kills, at every step after it.

    Attributes:
        torn: half of a write takes place.
    """

    kind: str
    at: int
    torn: bool = False


class Steps:
    """Counts the steps of this process, and strikes at one of them."""

    def __init__(self, fault: Fault | None) -> None:
        self.count = 0
        self._fault = fault

    def step(self, name: str, half: Callable[[], object] | None = None) -> None:
        self.count += 1
        fault = self._fault
        if fault is None or self.count < fault.at:
            return
        if fault.torn and half is not None:
            half()
        if fault.kind == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if name in ("write", "fsync", "open") or fault.kind == BROKEN:  # a full disk renames and removes
            raise OSError(_ERRNO[fault.kind], os.strerror(_ERRNO[fault.kind]))


def install(fault: Fault | None) -> Steps:
    """Lets the rest of this process run with the fault; None only counts."""
    steps = Steps(fault)
    for name in ("replace", "rename", "fsync", "unlink", "remove", "rmdir", "mkdir"):
        setattr(os, name, _counted(steps, name, getattr(os, name)))

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            view = memoryview(data).cast("B")
            steps.step("write", lambda: super(Raw, self).write(view[: len(view) // 2]))
            return super().write(view)

    original = builtins.open

    def counting_open(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
        newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        flags = mode.replace("t", "").replace("b", "")
        if flags == "r" or not closefd or opener is not None or buffering == 0:
            return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Raw(file, flags)
        stream: Any = io.BufferedRandom(raw) if "+" in flags else io.BufferedWriter(raw)
        if "b" in mode:
            return stream
        text = io.TextIOWrapper(stream, encoding or "utf-8", errors, newline, line_buffering=buffering == 1)
        text.mode = mode
        return text

    builtins.open = io.open = counting_open  # type: ignore[assignment]
    return steps


def _counted(steps: Steps, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        steps.step(name)
        return original(*arguments, **options)

    return call
