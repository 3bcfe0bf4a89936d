"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from pathlib import Path

LOCK_FILE = ".lock"


class FolderInUseError(BlockingIOError):
    """Another process, or another part of this one, holds the lock of a folder."""


class FolderLock:
    """A lock on a folder that no process leaves behind, however it ends: the kernel holds it (`flock`).

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
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
            os.pwrite(self._handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def _holder(self) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return os.pread(self._handle, 200, 0).decode().strip() or "another process"
        return "another process"

    def _is_current(self) -> bool:
        """Whether the locked file is still the one that others would find."""
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(self._path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others have the folder."""
        with contextlib.suppress(OSError):  # of a folder that is gone, or may not be written any more
            self._path.unlink()
        os.close(self._handle)
