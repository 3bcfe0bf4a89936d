"""Commands that are killed, run out of disk, or are started twice, and what --resume makes of their folders.

A killed command must have lost nothing but the epoch, member or fold that it was in the middle of, and with --resume
end with the same bits as one that was never killed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from torture import faults
from torture.children import WALL_SECONDS, Tally, fork_into, wait_for

_DISKS = (16, 64, 128, 256, 512)  # kB


@dataclass
class Command:
    """A command that trains in a folder.

    Attributes:
        arguments: all but --output.
        results: files that must be there, and the same, however often it was killed.
        seconds: an unbroken run took so long. steps: writes, fsyncs, renames and removals in it.
        bits: of each result of an unbroken run.
    """

    name: str
    arguments: list[str]
    results: tuple[str, ...]
    resume: list[str] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    bits: dict[str, str] = field(default_factory=dict)

    def line(self, folder: Path, *, resume: bool) -> list[str]:
        words = [*self.resume, "--resume"] if resume else self.arguments
        return [*self.name.split(), *words, "--output", str(folder)]


def commands(data: Path) -> list[Command]:
    return [
        Command(
            "autoencoder",
            ["--data", str(data), "--epochs", "3", "--batch-size", "32"],
            ("weights.npz", "autoencoder.json", "history.csv", "summary.txt", "loss.png", "reconstructions.png",
             "pictures.npz"),
        ),
        Command(
            "lyricist train",
            ["--epochs", "2", "--batch-size", "256", "--hidden", "8", "--embedding", "8"],
            ("weights.npz", "tokenizer.json", "lyricist.json", "history.csv", "lines.txt", "loss.png"),
        ),
        Command(
            "ensemble fit",
            ["--members", "lgbm=2,encoder=1,conv=1", "--rounds", "1", "--epochs", "1", "--compare-epochs", "0",
             "--cv", "2", "--cv-first", "1", "--limit", "60", "--jobs", "1"],
            ("model/ensemble.json", "report.json"),
            resume=["--jobs", "1"],
        ),
    ]  # fmt: skip


def write_data(path: Path) -> None:
    """A few of the small digits, in MNIST's format."""
    from day33.datasets import load_digits_small

    (x, y), (x_test, y_test) = load_digits_small()
    np.savez(path, x_train=x[:96], y_train=y[:96], x_test=x_test[:16], y_test=y_test[:16])


# ---- one command in a child ----


@dataclass
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code, the negative number of a signal, or None after too long.
        kept: the epochs, members and folds that it has put into files.
        steps: how many steps it took, where it ended by itself.
    """

    code: int | None
    output: str
    kept: list[str]
    steps: int


def run_command(
    line: list[str], scratch: Path, fault: faults.Fault | None = None, kill_after: float | None = None,
) -> Ended:  # fmt: skip
    journal, output, counted = scratch / "journal", scratch / "output", scratch / "steps"
    for path in (journal, output, counted):
        path.unlink(missing_ok=True)
    child = start_command(line, scratch, fault)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    code = wait_for(child, WALL_SECONDS)
    kept = journal.read_text().split("\n")[:-1] if journal.exists() else []
    text = output.read_text(errors="replace") if output.exists() else ""  # it may have been killed before that
    return Ended(code, text, kept, int(counted.read_text()) if counted.exists() else 0)


def start_command(
    line: list[str], scratch: Path, fault: faults.Fault | None = None, name: str = "output",
) -> int:  # fmt: skip
    def run() -> int:
        from day33.cli import main

        _keep_journal(os.open(scratch / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666))
        sys.argv = ["day33", *line]
        steps = faults.install(fault)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        handle = os.open(scratch / "steps", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.write(handle, str(steps.count).encode())
        return code

    return fork_into(run, scratch / name)


def _keep_journal(handle: int) -> None:
    """Notes in a file what the command has put into the folder: it is lost nevermore."""
    from day33.callbacks import BackupAndRestore
    from day33.ensemble.checkpoint import Checkpoint, SavedParts

    def noted(owner: Any, method: str, describe: Callable[..., str]) -> None:
        original = getattr(owner, method)

        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            result = original(self, *arguments, **options)
            os.write(handle, (describe(self, *arguments) + "\n").encode())
            return result

        setattr(owner, method, call)

    noted(BackupAndRestore, "on_epoch_end", lambda self, epoch, *_: f"epoch {epoch}")
    noted(SavedParts, "put", lambda self, name, part: f"part {self._folder}/{name}")
    noted(Checkpoint, "write_record", lambda self, name, record: f"record {name}")


# ---- what must be the same ----


def bits_of(folder: Path, results: tuple[str, ...]) -> dict[str, str]:
    """The SHA-256 of each result, without the times in them. A manifest has those of all its parts."""
    found = {}
    for name in results:
        path = folder / name
        if name.endswith(".csv"):
            with open(path, newline="") as stream:
                rows = [{k: v for k, v in row.items() if "second" not in k} for row in csv.DictReader(stream)]
            content = json.dumps(rows).encode()
        elif name == "report.json":
            report = json.loads(path.read_text())
            for scores in report["scores"].values():
                del scores["seconds"]
            content = json.dumps(report).encode()
        else:
            content = path.read_bytes()
        found[name] = hashlib.sha256(content).hexdigest()
    return found


_STRAY = re.compile(r"^\.(?!lock$)|^\.lock$|\.tmp$|^tmp")


def strays(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if _STRAY.search(p.name))


def problem_of(command: Command, folder: Path) -> str:
    """What is wrong with a folder in which the command has ended, or an empty text."""
    try:
        bits = bits_of(folder, command.results)
    except (OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    different = [name for name in command.results if bits[name] != command.bits[name]]
    if different:
        return f"other bits in {', '.join(different)}"
    left = strays(folder)
    return f"stray files: {', '.join(left)}" if left else ""


def measure(command: Command, folder: Path) -> None:
    """An unbroken run, twice: the reference, and the proof that it is one."""
    for turn in range(2):
        target = folder / f"whole{turn}"
        start = time.monotonic()
        ended = run_command(command.line(target, resume=False), folder)
        if ended.code != 0:
            raise RuntimeError(f"day33 {command.name} fails when nothing happens: {ended.output}")
        command.seconds, command.steps = time.monotonic() - start, ended.steps
        bits = bits_of(target, command.results)
        if turn and bits != command.bits:
            raise RuntimeError(f"day33 {command.name} has other bits the second time")
        command.bits = bits
        if problem := problem_of(command, target):
            raise RuntimeError(f"day33 {command.name}: {problem}")
        shutil.rmtree(target)


# ---- torture ----


def killed_runs(command: Command, folder: Path, count: int, rng: random.Random) -> Tally:
    """At least `count` kills: at a step of writing, torn or not, or at a random moment; up to three in a run."""
    tally = Tally()
    steps = list(range(1, command.steps + 1))
    rng.shuffle(steps)
    while tally.outcomes["killed at a step"] + tally.outcomes["killed at a random moment"] < count:
        target = folder / "out"
        shutil.rmtree(target, ignore_errors=True)
        story: list[str] = []
        kept: list[str] = []
        problem = ""
        for _ in range(rng.choice([1, 1, 2, 3])):
            resume = (target / "run.json").is_file()
            fault, moment = None, None
            if rng.random() < 0.7:
                at = steps.pop() if steps else rng.randint(1, command.steps)
                at = at if not resume else rng.randint(1, at)
                fault = faults.Fault(faults.KILL, at, torn=rng.random() < 0.5)
                story.append(f"kill at step {at}{' torn' * fault.torn}")
            else:
                moment = rng.random() * command.seconds
                story.append(f"kill after {moment:.3f} s")
            ended = run_command(command.line(target, resume=resume), folder, fault, moment)
            problem = problem or lost(kept, ended.kept)
            kept += ended.kept
            if ended.code == -signal.SIGKILL:
                tally.outcomes["killed at a step" if fault else "killed at a random moment"] += 1
            elif ended.code == 0:
                break
            elif not _is_over(ended):
                problem = problem or f"exit code {ended.code}: {last_line(ended.output)}"
        resume = (target / "run.json").is_file()
        ended = run_command(command.line(target, resume=resume), folder)
        over = _is_over(ended)
        if ended.code != 0 and not over:
            if not resume and "already holds" in ended.output:
                problem = problem or f"no way on: {last_line(ended.output)}"
            problem = problem or f"--resume ends with {ended.code}: {last_line(ended.output)}"
        problem = problem or lost(kept, ended.kept) or problem_of(command, target)
        tally.outcomes["resumed with the same bits" if not problem else "broke a promise"] += 1
        if problem:
            tally.failures.append(f"{command.name}: {'; '.join(story)}: {problem}")
    return tally


def lost(kept: list[str], again: list[str]) -> str:
    """Of what was in files before a kill, what was made again."""
    twice = [name for name in again if name in kept]
    return f"made again: {', '.join(twice)}" if twice else ""


def _is_over(ended: Ended) -> bool:
    return ended.code == 1 and ("nothing to resume" in ended.output or "already holds a finished run" in ended.output)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing was printed"])[-1][:400]


def failing_disks(command: Command, folder: Path, count: int, rng: random.Random) -> Tally:
    """A disk that is full, or broken, from some step on: one line says so, and --resume ends as if it had not been."""
    tally = Tally()
    for _ in range(count):
        target = folder / "out"
        shutil.rmtree(target, ignore_errors=True)
        at = rng.randint(1, command.steps)
        fault = faults.Fault(rng.choice([faults.FULL, faults.FULL, faults.BROKEN]), at, torn=rng.random() < 0.5)
        ended = run_command(command.line(target, resume=False), folder, fault)
        problem = "" if ended.code == 0 else one_error_line(ended)
        resume = (target / "run.json").is_file()
        after = run_command(command.line(target, resume=resume), folder)
        if after.code != 0 and not _is_over(after):
            problem = problem or f"--resume ends with {after.code}: {last_line(after.output)}"
        problem = problem or lost(ended.kept, after.kept) or problem_of(command, target)
        tally.outcomes[fault.kind if not problem else "broke a promise"] += 1
        if problem:
            tally.failures.append(f"{command.name}: {fault.kind} at step {at}{' torn' * fault.torn}: {problem}")
    return tally


def one_error_line(ended: Ended) -> str:
    """What is wrong with the way in which a command said that it failed."""
    if ended.code != 1:
        return f"exit code {ended.code}: {last_line(ended.output)}"
    errors = [line for line in ended.output.splitlines() if line.startswith("day33: error: ")]
    if len(errors) != 1 or "Traceback" in ended.output:
        return f"no single line of error: {last_line(ended.output)}"
    return ""


def read_only(command: Command, folder: Path) -> Tally:
    """A folder that may not be written: by its mode, or, since root may write anywhere, on a read-only tmpfs."""
    tally = Tally()
    target = folder / "closed"
    target.mkdir()
    target.chmod(0o555)
    mounted = os.geteuid() == 0
    if mounted and not _mount(target, "ro"):
        tally.outcomes[_NO_MOUNT] += 1
        return tally
    try:
        for place in (target, target / "inside"):
            ended = run_command(command.line(place, resume=False), folder)
            problem = one_error_line(ended)
            tally.outcomes["refused" if not problem else "broke a promise"] += 1
            if problem:
                tally.failures.append(f"{command.name} in a read-only folder: {problem}")
    finally:
        if mounted:
            _unmount(target)
    return tally


_NO_MOUNT = "left out, since no tmpfs may be mounted"


def _mount(place: Path, options: str) -> bool:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )  # fmt: skip
    return done.returncode == 0


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", str(place)], check=False)


def full_disk(command: Command, folder: Path, count: int, rng: random.Random) -> Tally:
    """A disk that is really full (a small tmpfs), for what libraries write in C. Needs root."""
    tally = Tally()
    for _ in range(count):
        _full_disk(command, folder, rng, tally)
    return tally


def _full_disk(command: Command, folder: Path, rng: random.Random, tally: Tally) -> None:
    mount = folder / "disk"
    mount.mkdir(exist_ok=True)
    size = rng.choice(_DISKS)
    if not _mount(mount, f"size={size}k"):
        tally.outcomes[_NO_MOUNT] += 1
        return
    try:
        ended = run_command(command.line(mount / "out", resume=False), folder)
        problem = "" if ended.code == 0 else one_error_line(ended)
        subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
        after = run_command(command.line(mount / "out", resume=(mount / "out" / "run.json").is_file()), folder)
        if after.code != 0 and not _is_over(after):
            problem = problem or f"--resume ends with {after.code}: {last_line(after.output)}"
        problem = problem or problem_of(command, mount / "out")
    finally:
        _unmount(mount)
    tally.outcomes["a full tmpfs" if not problem else "broke a promise"] += 1
    if problem:
        tally.failures.append(f"{command.name} on a disk of {size} kB: {problem}")


def side_by_side(command: Command, folder: Path, count: int, rng: random.Random) -> Tally:
    """Three at the same time in one folder: one goes on, and the others say so and change nothing."""
    tally = Tally()
    for _ in range(count):
        _side_by_side(command, folder, rng, tally)
    return tally


def _side_by_side(command: Command, folder: Path, rng: random.Random, tally: Tally) -> None:
    target = folder / "out"
    shutil.rmtree(target, ignore_errors=True)
    children = []
    for number in range(3):
        children.append(start_command(command.line(target, resume=False), folder, name=f"output{number}"))
        time.sleep(rng.random() * command.seconds / 8)
    codes = [wait_for(child, WALL_SECONDS) for child in children]
    texts = [(folder / f"output{number}").read_text(errors="replace") for number in range(3)]
    problem = ""
    if codes.count(0) != 1:
        problem = f"exit codes {codes}: {' | '.join(map(last_line, texts))}"
    for code, text in zip(codes, texts, strict=True):
        if code and not re.search("is in use by process|already holds", text):
            problem = problem or last_line(text)
    problem = problem or problem_of(command, target)
    tally.outcomes["one of three went on" if not problem else "broke a promise"] += 1
    if problem:
        tally.failures.append(f"{command.name}, three at once: {problem}")
