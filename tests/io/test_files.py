"""Files that appear whole or not at all, and locks on folders."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from day33._io import locks
from day33._io.files import clear_leftovers, make_folder, replacing, write_text


@pytest.fixture
def mask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python in a process of its own, which prints a line when it got somewhere and then waits for one."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


# ---- writing ----


def test_the_mode_follows_the_umask(tmp_path: Path, mask: None) -> None:
    write_text(tmp_path / "new.txt", "x")
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640


def test_the_umask_is_never_changed(tmp_path: Path, mask: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to all threads: while it is 0, the files of another thread are writable by everybody."""
    changed: list[int] = []
    monkeypatch.setattr(os, "umask", changed.append)
    write_text(tmp_path / "a.txt", "x")
    assert not changed


def test_files_of_other_threads_keep_their_mode(tmp_path: Path, mask: None) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            write_text(tmp_path / "written.txt", "x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(2000):
            os.close(os.open(tmp_path / f"{number}", os.O_CREAT | os.O_WRONLY, 0o666))
    finally:
        stop.set()
        writer.join()
    assert {stat.S_IMODE((tmp_path / f"{number}").stat().st_mode) for number in range(2000)} == {0o640}


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    (tmp_path / "kept.txt").write_text("old")
    with pytest.raises(OSError, match=r"kept\.txt") as caught, replacing(tmp_path / "kept.txt"):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "kept.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert (tmp_path / "kept.txt").read_text() == "old"


@pytest.mark.parametrize("wrong", ["absent/a.txt", "folder"])
def test_what_cannot_be_written_is_named_as_it_was_given(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError) as caught:
        write_text(tmp_path / wrong, "x")
    assert caught.value.filename == str(tmp_path / wrong)
    assert caught.value.filename2 is None
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere" / "real.txt")
    write_text(tmp_path / "link.txt", "x")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "elsewhere" / "real.txt").read_text() == "x"


# ---- what killed writers leave ----

WRITER = """
import sys
from pathlib import Path
from day33._io.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    sys.stdin.readline()
    temporary.write_text("whole")
"""


def test_leftovers_of_the_dead_are_deleted_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    killed, living = python(WRITER, path), python(WRITER, path)
    killed.kill()
    killed.communicate()
    for other in (".run-notes.json", ".run-0123abcd.txt", ".history-0123abcd.json", "run-0123abcd.json"):
        (tmp_path / other).write_text("mine")
    assert len(list(tmp_path.glob(".run-????????.json"))) == 2
    clear_leftovers(path)
    assert len(list(tmp_path.glob(".run-????????.json"))) == 1
    living.communicate("\n", timeout=60)
    assert living.returncode == 0
    assert path.read_text() == "whole"
    assert not list(tmp_path.glob(".run-????????.json"))
    assert len(list(tmp_path.iterdir())) == 5
    clear_leftovers(tmp_path / "absent" / "run.json")


def test_without_locks_nothing_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    (tmp_path / ".a-0123abcd.txt").write_text("somebody's")
    clear_leftovers(tmp_path / "a.txt")
    assert (tmp_path / ".a-0123abcd.txt").is_file()
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"


# ---- folders ----


def test_folders(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    make_folder(tmp_path / "link" / "c")
    assert (tmp_path / "a" / "c").is_dir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for path, reason in (
        (tmp_path / "file", "file is a file; expected a folder"),
        (tmp_path / "file" / "sub", "file is a file; expected a folder"),
        (tmp_path / "dangling", "dangling is a link to .*nowhere, which is not there"),
        (tmp_path / "dangling" / "sub", "dangling is a link to .*nowhere, which is not there"),
    ):
        with pytest.raises(NotADirectoryError, match=reason):
            make_folder(path)


# ---- locks ----

HOLDER = """
import sys
from pathlib import Path
from day33._io.locks import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.readline()
lock.release()
"""


def test_one_process_at_a_time(tmp_path: Path) -> None:
    holder = python(HOLDER, tmp_path)
    with pytest.raises(locks.FolderInUseError, match=rf"{tmp_path.name} is in use by process {holder.pid} on "):
        locks.FolderLock(tmp_path)
    holder.communicate("\n", timeout=60)
    assert not list(tmp_path.iterdir())
    lock = locks.FolderLock(tmp_path)
    assert lock.supported
    with pytest.raises(locks.FolderInUseError, match=f"process {os.getpid()} on "):
        locks.FolderLock(tmp_path)
    lock.release()
    assert not list(tmp_path.iterdir())


def test_the_dead_hold_no_lock(tmp_path: Path) -> None:
    holder = python(HOLDER, tmp_path)
    holder.kill()
    holder.communicate()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    lock = locks.FolderLock(tmp_path)
    assert f"process {os.getpid()} on " in (tmp_path / ".lock").read_text()
    assert str(holder.pid) not in (tmp_path / ".lock").read_text().split()
    lock.release()


def test_a_lock_that_is_released_while_another_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was opened may be deleted by its holder before it is locked: locking it would lock nothing."""
    first = locks.FolderLock(tmp_path)
    flock, calls = locks.fcntl.flock, 0

    def release_first(*arguments: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            first.release()
        flock(*arguments)

    monkeypatch.setattr(locks.fcntl, "flock", release_first)
    second = locks.FolderLock(tmp_path)
    assert calls == 2
    with pytest.raises(locks.FolderInUseError):
        locks.FolderLock(tmp_path)
    second.release()


def test_many_processes_at_once(tmp_path: Path) -> None:
    """Of processes that start together, one has the folder."""
    code = """
import sys
from pathlib import Path
from day33._io.locks import FolderInUseError, FolderLock
print("ready", flush=True)
sys.stdin.readline()
try:
    FolderLock(Path(sys.argv[1]))
    print("mine", flush=True)
except FolderInUseError:
    print("taken", flush=True)
sys.stdin.readline()
"""
    processes = [python(code, tmp_path) for _ in range(5)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.stdout.readline().strip() for process in processes if process.stdout is not None]
    for process in processes:
        process.communicate("\n", timeout=60)
    assert sorted(answers) == ["mine", "taken", "taken", "taken", "taken"]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    one, other = locks.FolderLock(tmp_path), locks.FolderLock(tmp_path)
    assert not one.supported
    assert not other.supported
    one.release()
    other.release()
