"""Files that appear whole or not at all, the folders they are in, and JSON."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

from . import locks
from .json_text import parse_object
from .locks import FolderLock, lock_file

_STAGING = ".saving-"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and is deleted when it does not.

    The suffix stays, for writers that choose the format by it. A symbolic link is followed. While the block runs, the
    temporary file is locked, so writers that lock it themselves must be given an open stream.

    Raises:
        OSError: the file cannot be written (on Windows, also because a program has it open); the error names `path`,
            not the temporary file.
    """
    target = Path(os.path.realpath(path))
    temporary: Path | None = None
    try:
        temporary, holder = _create_beside(target)
        with holder:
            try:
                yield temporary
                _sync(temporary)
                _close_on_windows(holder)
                os.replace(temporary, target)
            finally:
                _close_on_windows(holder)
                temporary.unlink(missing_ok=True)
    except OSError as error:
        # What fails on a full disk are calls that know no name, and what the caller asked for is `path`.
        if error.errno is not None and error.filename in (None, str(target), str(temporary), temporary):
            error.filename, error.filename2 = str(path), None
        raise


def _create_beside(target: Path) -> tuple[Path, IO[bytes]]:
    """A new file next to `target`, open and locked as long as its writer lives.

    The kernel applies the umask to the mode. Reading the umask would mean setting it, for all threads of the process.
    """
    while True:
        temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")
        try:
            holder = open(temporary, "xb", buffering=0)
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = str(target)
            raise
        try:
            lock_file(holder.fileno())
        except BlockingIOError:  # `clear_leftovers` of another process came between the two calls
            holder.close()
            continue
        except OSError:  # a file system without locks, where `clear_leftovers` deletes nothing
            pass
        if os.fstat(holder.fileno()).st_nlink:
            return temporary, holder
        holder.close()


def _close_on_windows(holder: IO[bytes]) -> None:
    """Close a file that is about to be moved or deleted, where it would stay because it is open."""
    if locks.ON_WINDOWS:
        holder.close()


def clear_leftovers(path: Path) -> None:
    """Delete temporary files of `replacing` for `path` whose writer was killed. Those of a living writer stay."""
    target = Path(os.path.realpath(path))
    ours = re.compile(rf"\.{re.escape(target.stem)}-[0-9a-z_]{{8}}{re.escape(target.suffix)}")
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for item in os.scandir(target.parent):
            if ours.fullmatch(item.name) and item.is_file(follow_symlinks=False):
                _delete_unless_locked(Path(item.path))


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A temporary folder inside of `folder`, deleted when the block ends. It is locked (`FolderLock`) until then."""
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder) as temporary:
        lock = FolderLock(Path(temporary))
        try:
            yield Path(temporary)
        finally:
            lock.release()


def clear_leftovers_below(folder: Path) -> None:
    """Delete what killed writers left in a folder of ours, and below: of `replacing` and `staging`, of any name."""
    ours = re.compile(r"\..+-[0-9a-f]{8}(\.[^.]+)?")
    for place, folders, names in os.walk(folder):
        for name in folders:
            if name.startswith(_STAGING):
                _delete_folder_unless_locked(Path(place, name))
        for name in names:
            if ours.fullmatch(name):
                _delete_unless_locked(Path(place, name))


def _delete_unless_locked(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is gone, it is locked, or nothing can be locked here
        if locks.ON_WINDOWS:  # fails as long as its writer has it open
            path.unlink()
            return
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            lock_file(handle)
            path.unlink()
        finally:
            os.close(handle)


def _delete_folder_unless_locked(path: Path) -> None:
    with contextlib.suppress(OSError):
        lock = FolderLock(path)
        lock.release()
        if lock.supported:
            shutil.rmtree(path)


def make_folder(path: Path) -> None:
    """Make the folder `path`, and those above it, where they are not there yet.

    Raises:
        NotADirectoryError: `path` or something above it is a file, or a link that leads nowhere.
        OSError: it cannot be made.
    """
    for place in (path, *path.parents):
        if place.is_dir():
            break
        if place.exists():
            raise NotADirectoryError(f"{place} is a file; expected a folder")
        if place.is_symlink():
            raise NotADirectoryError(
                f"{place} is a link to {os.readlink(place)}, which is not there; expected a folder"
            )
    path.mkdir(parents=True, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, as `replacing` does it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as a JSON object to `path`, as `replacing` does it."""
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
        return parse_object(data, "the file")
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file as expected: {error}") from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
