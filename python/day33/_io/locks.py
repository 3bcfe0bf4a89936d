"""Locks on open files, and one process at a time in a folder."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ON_WINDOWS = os.name == "nt"  # there, a file that somebody has open can be neither deleted nor replaced

LOCK_FILE = ".lock"
_LOCKED_BYTE = 1 << 20  # on Windows, where nobody can read what is locked: behind all that a lock file holds


def lock_file(handle: int) -> None:
    """Lock an open file until it is closed: `flock`, or on Windows `msvcrt.locking`.

    Raises:
        BlockingIOError: somebody else has locked it.
        OSError: the file system has no locks.
    """
    if not ON_WINDOWS:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    msvcrt: Any = importlib.import_module("msvcrt")
    os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(*error.args) from None


class FolderInUseError(BlockingIOError):
    """Another process, or another part of this one, holds the lock of a folder."""


class FolderLock:
    """A lock on a folder that no process leaves behind, however it ends: the kernel holds it.

    The lock is on a file ``.lock`` in the folder, which also names the process that holds it. `release` deletes the
    file; after a kill it stays, and the next process locks it again.

    Args:
        folder: must exist.

    Attributes:
        supported: False where the file system has no locks, as some network file systems: then nothing is locked, and
            the caller should say so.

    Raises:
        FolderInUseError: somebody else holds it; the message names the process and its machine.
        OSError: the file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self.supported = True
        while True:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            try:
                lock_file(self._handle)
            except BlockingIOError:
                holder = self._holder()
                os.close(self._handle)
                raise FolderInUseError(f"{folder} is in use by {holder}") from None
            except OSError:
                self.supported = False
            if self._is_current():
                break
            os.close(self._handle)  # its holder deleted it in between
        with contextlib.suppress(OSError):  # a full disk: locked all the same
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def _holder(self) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            os.lseek(self._handle, 0, os.SEEK_SET)
            return os.read(self._handle, 200).decode().strip() or "another process"
        return "another process"

    def _is_current(self) -> bool:
        """Whether the locked file is still the one that others would find."""
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(self._path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others have the folder."""
        if ON_WINDOWS:
            os.close(self._handle)
            self._delete()
        else:
            self._delete()
            os.close(self._handle)

    def _delete(self) -> None:
        with contextlib.suppress(OSError):  # the folder is gone, may not be written, or has its next holder (Windows)
            self._path.unlink()
