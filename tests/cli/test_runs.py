"""Runs in folders: one at a time, nothing lost, and errors that say what to do."""

from __future__ import annotations

import csv
import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from day33 import datasets
from day33._io import locks
from day33.cli.errors import reported, resumable
from day33.cli.runs import RunError, RunFolder
from support.command import run_command

Run = Callable[..., Result]
SETTINGS = {"epochs": 3, "rate": 0.5}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))
    return run_command


def error_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("day33: error: ")
    return line


def folder(path: Path) -> RunFolder:
    return RunFolder(path, ("weights.npz",), {"epochs": int, "rate": float})


def logged(output: Path) -> int:
    try:
        return max(len((output / "history.csv").read_text().splitlines()) - 1, 0)
    except FileNotFoundError:
        return 0


# ---- one at a time ----


@pytest.fixture
def going_on(tmp_path: Path, data: Path) -> Iterator[subprocess.Popen[str]]:
    """A real training in a process of its own, in the folder "out", some epochs on."""
    output = tmp_path / "out"
    command = [sys.executable, "-m", "day33", "autoencoder", "--data", str(data), "--epochs", "3000"]
    process = subprocess.Popen(
        [*command, "--output", str(output)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    limit = time.monotonic() + 60
    while logged(output) < 3 and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    yield process
    process.kill()
    process.communicate()


def test_a_run_that_is_going_on_is_left_alone(
    run: Run, data: Path, tmp_path: Path, going_on: subprocess.Popen[str]
) -> None:
    output = tmp_path / "out"
    for _ in range(3):
        for arguments in (("--resume",), ("--data", data), ("--data", data, "--overwrite")):
            line = error_line(run("autoencoder", "--output", output, *arguments))
            assert f"{output} is in use by process {going_on.pid} on " in line
            assert "choose another --output" in line
    done = logged(output)
    limit = time.monotonic() + 60
    while logged(output) < done + 3 and going_on.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    assert going_on.poll() is None, going_on.stderr and going_on.stderr.read()
    assert logged(output) >= done + 3


def test_the_killed_leave_no_lock(run: Run, data: Path, tmp_path: Path, going_on: subprocess.Popen[str]) -> None:
    output = tmp_path / "out"
    going_on.send_signal(signal.SIGKILL)
    going_on.wait()
    done = logged(output)
    result = run("autoencoder", "--output", output, "--resume", "--epochs", done + 2)
    assert result.exit_code == 0, result.output
    with open(output / "history.csv", newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == [str(epoch) for epoch in range(done + 2)]
    assert not (output / ".lock").exists()


def test_two_fresh_starts(tmp_path: Path) -> None:
    with folder(tmp_path / "out") as first, folder(tmp_path / "out") as second:
        first.start(SETTINGS, overwrite=False)
        for overwrite in (False, True):
            with pytest.raises(RunError, match=f"process {os.getpid()} on"):
                second.start(SETTINGS, overwrite=overwrite)
        with pytest.raises(RunError, match=f"process {os.getpid()} on"):
            second.resume(SETTINGS)
    with folder(tmp_path / "out") as third:
        assert third.resume(SETTINGS) == []


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network file systems: the run starts, with a warning."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with folder(tmp_path / "out") as made:
        (warning,) = made.start(SETTINGS, overwrite=False)
        assert f"the file system of {tmp_path / 'out'} has no locks" in warning
    with folder(tmp_path / "out") as again:
        (warning,) = again.resume(SETTINGS)
        assert "has no locks" in warning
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run.json"]


def test_warnings_are_printed(run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    result = run("autoencoder", "--data", data, "--epochs", 1, "--output", "out")
    assert result.exit_code == 0, result.output
    assert "day33: warning: the file system of out has no locks" in result.stderr


# ---- what is in the folder ----


def test_leftovers_of_killed_runs_are_cleared(run: Run, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = ("autoencoder", "--data", data, "--epochs", 1, "--output", output)
    assert run(*arguments).exit_code == 0
    strays = [".run-0123abcd.json", ".summary-k2_x9abc.txt", ".weights-0123abcd.npz", ".loss-0123abcd.png"]
    for name in strays:
        (output / name).write_text("half")
    (output / ".notes").write_text("mine")
    assert run(*arguments, "--overwrite").exit_code == 0
    assert [path.name for path in output.iterdir() if path.name.startswith(".")] == [".notes"]


def test_overwriting_removes_links_and_not_what_they_lead_to(run: Run, data: Path, tmp_path: Path) -> None:
    output, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    arguments = ("autoencoder", "--data", data, "--epochs", 1, "--output", output)
    assert run(*arguments).exit_code == 0
    (output / "checkpoint").rename(elsewhere)
    (output / "checkpoint").symlink_to(elsewhere)
    (output / "weights.npz").unlink()
    (output / "weights.npz").symlink_to(tmp_path / "nowhere")
    before = {path: path.read_bytes() for path in elsewhere.iterdir()}
    result = run(*arguments, "--overwrite", "--seed", 1)
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in elsewhere.iterdir()} == before
    assert not (output / "checkpoint").is_symlink()
    assert (output / "weights.npz").is_file()
    assert not (tmp_path / "nowhere").exists()


def test_a_linked_checkpoint_is_used(run: Run, data: Path, tmp_path: Path) -> None:
    """It may be on another disk, as long as it is not overwritten."""
    output = tmp_path / "out"
    assert run("autoencoder", "--data", data, "--epochs", 1, "--output", output).exit_code == 0
    (output / "checkpoint").rename(tmp_path / "elsewhere")
    (output / "checkpoint").symlink_to(tmp_path / "elsewhere")
    assert run("autoencoder", "--output", output, "--resume", "--epochs", 2).exit_code == 0
    assert (output / "checkpoint").is_symlink()
    assert logged(output) == 2


@pytest.mark.parametrize("command", [("autoencoder", "--epochs", 1, "--limit", 20), ("lyricist", "train")])
def test_what_is_in_the_way_of_the_folder(run: Run, tmp_path: Path, command: tuple[object, ...]) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for output, reason in (
        ("file", "file is a file; expected a folder"),
        ("file/sub", "file is a file; expected a folder"),
        ("link", "link is a link to nowhere, which is not there; expected a folder"),
        ("link/sub", "link is a link to nowhere, which is not there; expected a folder"),
    ):
        assert error_line(run(*command, "--output", output)).endswith(reason)
    assert (tmp_path / "file").read_text() == "mine"


# ---- the system's errors ----


def test_a_full_disk_names_the_file_and_how_to_go_on(data: Path, tmp_path: Path) -> None:
    """A real failing write: the process may make no file of more than 20,000 bytes, and the checkpoint has more."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from day33.cli import main\nmain()\n"
    )
    arguments = ["autoencoder", "--data", str(data), "--epochs", "2", "--output", "my out"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.strip().splitlines()[-1] == (
        "day33: error: my out/checkpoint/training_state.npz: file too large "
        "(Go on with: day33 autoencoder --output 'my out' --resume)"
    )
    command = [sys.executable, "-m", "day33", "autoencoder", "--output", "my out", "--resume"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert logged(tmp_path / "my out") == 2


def test_an_error_without_a_name_is_one_of_the_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import typer

    for error, text in (
        (OSError(errno.ENOSPC, "No space left on device"), f"{tmp_path}: no space left on device (Try again)"),
        (OSError(errno.ENOENT, "No such file or directory", "a.csv"), "a.csv: no such file or directory (Try again)"),
        (OSError("could not download it"), "could not download it (Try again)"),
        (MemoryError("Unable to allocate 48 GiB"), "Unable to allocate 48 GiB (Try again)"),
        (MemoryError(), "MemoryError (Try again)"),
    ):
        with pytest.raises(typer.Exit), reported(), resumable(tmp_path, "Try again"):
            raise error
        assert capsys.readouterr().err == f"day33: error: {text}\n"


def test_ctrl_c_before_the_run_begins_does_not_speak_of_resuming(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load_digits_small", stop)
    monkeypatch.setattr(datasets, "generate_lyrics", stop)
    for command in (("autoencoder",), ("lyricist", "train")):
        result = run(*command)
        assert result.exit_code == 130
        assert "Stopped. Nothing was changed." in result.stderr
        assert "--resume" not in result.stderr


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DAY33_NUM_THREADS", "0", "DAY33_NUM_THREADS is '0'; expected an integer"),
        ("DAY33_MAX_ISA", "foo", "DAY33_MAX_ISA is 'foo'"),
    ],
)
def test_wrong_variables_are_one_line(name: str, value: str, reason: str, script: bool) -> None:
    code = "import sys\nsys.argv = ['/somewhere/bin/day33', 'info']\nfrom day33.cli import main\nmain()"
    command = [sys.executable, *(["-c", code] if script else ["-m", "day33", "info"])]
    done = subprocess.run(command, env={**os.environ, name: value}, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("day33: error: ")
    assert reason in line
    done = subprocess.run(
        command, env={**os.environ, name: value, "DAY33_TRACEBACK": "1"}, capture_output=True, text=True
    )
    assert "Traceback" in done.stderr


def test_flags_have_no_value_in_the_help(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for command in (
        (), ("autoencoder",), ("data",), ("data", "mnist"), ("lyricist",), ("lyricist", "train"), ("lyricist", "write"),
        ("ensemble",), ("ensemble", "fit"), ("ensemble", "predict"), ("info",),
    ):  # fmt: skip
        text = run(*command, "--help").output
        assert "--help" in text
        assert not re.search("<bool>|BOOLEAN", text), text
    assert re.search(r"--epochs +(<int|INTEGER)", run("autoencoder", "--help").output)


def test_missing_files_are_named_first(run: Run) -> None:
    line = error_line(run("ensemble", "fit", "nofile.csv"))
    assert line.endswith("nofile.csv: no such file or directory")
    assert "Errno" not in line


def test_no_network(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    for name, file in (("mnist", "mnist.npz"), ("shakespeare", "shakespeare.txt")):
        url = f"http://no-such-host.invalid/{file}"
        line = error_line(run("data", name, "--url", url))
        assert f"could not download {url}: no connection to no-such-host.invalid (" in line
        assert f"check the network, or save the file by hand as {tmp_path / 'cache' / file}" in line
        assert "--url takes it from another address" in line
        assert "urllib3" not in line
        assert "Errno" not in line
