"""Files that are written whole or not at all, and read only where they are regular files."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes when it does not.

    The suffix stays, for writers that choose the format by it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp gives 0600
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n")


def open_regular(path: Path, *, follow_links: bool = True) -> BinaryIO:
    """Opens a file for reading that somebody else may have put there.

    Opening a FIFO would wait for a writer, reading a device may never end, and a link may lead out of the folder.

    Args:
        path: the file.
        follow_links: whether `path` itself may be a symbolic link.

    Raises:
        ValueError: it is not a regular file, or is a link that is not to be followed.
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if not follow_links:
        if path.is_symlink():  # where the system has no O_NOFOLLOW
            raise ValueError(f"{path} is a symbolic link; expected a regular file")
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device that is not there
            raise ValueError(f"{path} is a socket or a device; expected a regular file") from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"{path} is a folder, a FIFO or a device; expected a regular file")
    return open(handle, "rb")


def read_json(path: Path, *, follow_links: bool = True) -> dict[str, Any]:
    """The JSON object in a file. FileNotFoundError, or ValueError if it is or holds anything else."""
    with open_regular(path, follow_links=follow_links) as stream:
        data = stream.read()
    try:
        value = json.loads(data.decode("utf-8"))
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ValueError(f"{path}: not a JSON file: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: not a JSON file that can be read: it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
