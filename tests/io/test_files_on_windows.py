"""Files and locks on Windows, tried on Linux: its locks, and its refusal to touch what somebody has open."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from day33._io import locks
from day33._io.files import clear_leftovers, clear_leftovers_below, replacing, staging, write_text
from day33._io.locks import FolderInUseError, FolderLock

if not os.path.isdir("/proc/self/fd"):
    pytest.skip("needs /proc, which tells what is open", allow_module_level=True)


def is_open(path: Any) -> bool:
    handles = os.listdir("/proc/self/fd")
    targets = []
    for handle in handles:
        with contextlib.suppress(OSError):  # the handle of the listing itself
            targets.append(os.readlink(f"/proc/self/fd/{handle}"))
    return os.path.realpath(path) in targets


def refusing_what_is_open(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*paths: Any, dir_fd: int | None = None, **options: Any) -> Any:
        if dir_fd is not None:
            options["dir_fd"] = dir_fd
            seen = [os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), path) for path in paths]
        else:
            seen = list(paths)
        for path in seen:
            if is_open(path):
                raise PermissionError(errno.EACCES, "The process cannot access the file", os.fspath(path))
        return function(*paths, **options)

    return checked


def fake_msvcrt(locked: list[int]) -> ModuleType:
    module = ModuleType("msvcrt")
    module.LK_NBLCK = 2  # type: ignore[attr-defined]

    def locking(handle: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        locked.append(os.lseek(handle, 0, os.SEEK_CUR))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module.locking = locking  # type: ignore[attr-defined]
    return module


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Where bytes were locked."""
    locked: list[int] = []
    monkeypatch.setattr(locks, "ON_WINDOWS", True)
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", fake_msvcrt(locked))
    for name in ("unlink", "remove", "replace", "rename"):
        monkeypatch.setattr(os, name, refusing_what_is_open(getattr(os, name)))
    for name in ("pread", "pwrite", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        monkeypatch.delattr(os, name)
    yield locked


def test_the_double_refuses_what_is_open(tmp_path: Path) -> None:
    with open(tmp_path / "a", "w"):
        with pytest.raises(PermissionError):
            (tmp_path / "a").unlink()
        with pytest.raises(PermissionError):
            shutil.rmtree(tmp_path)
        with pytest.raises(PermissionError):
            os.replace(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").unlink()


def test_files_are_replaced_and_keep_their_line_ends(tmp_path: Path) -> None:
    for text in ("one\n", "two\n"):
        write_text(tmp_path / "a.txt", text)
        assert (tmp_path / "a.txt").read_bytes() == text.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_file_that_somebody_has_open_stays_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with open(tmp_path / "a.txt"), pytest.raises(PermissionError) as caught:
        write_text(tmp_path / "a.txt", "new")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_leftovers_of_the_dead_are_deleted_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    (tmp_path / ".a-0123abcd.txt").write_text("half")
    with replacing(tmp_path / "a.txt") as temporary:
        clear_leftovers(tmp_path / "a.txt")
        assert temporary.is_file()
        assert len(list(tmp_path.iterdir())) == 1
    with staging(tmp_path) as living:
        (living / "part").write_text("x")
        (tmp_path / ".saving-dead").mkdir()
        (tmp_path / ".saving-dead" / "part").write_text("x")
        (tmp_path / ".saving-dead" / ".lock").write_text("process 1 on a machine\n")
        clear_leftovers_below(tmp_path)
        assert not (tmp_path / ".saving-dead").exists()
        assert (living / "part").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_one_at_a_time_in_a_folder(tmp_path: Path, windows: list[int]) -> None:
    lock = FolderLock(tmp_path)
    assert lock.supported
    with pytest.raises(FolderInUseError, match=f"in use by process {os.getpid()} on "):
        FolderLock(tmp_path)
    # What is locked on Windows cannot be read by others, and they read who holds the lock.
    assert min(windows) > (tmp_path / ".lock").stat().st_size
    lock.release()
    assert not list(tmp_path.iterdir())
    FolderLock(tmp_path).release()
