"""Children by fork: each begins with day33 imported and nothing computed, and may be killed.

The process that forks never computes and has one thread, so its children are as good as new processes.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

MEGABYTE = 1 << 20
CPU_SECONDS = 10.0  # of the CPU's time, which are the same on a busy machine
WALL_SECONDS = 600.0  # by the clock, for what waits for ever; what computes may wait long for the CPU, too
_LOOK = 0.5  # seconds between two looks at a child


def fork_into(work: Callable[[], int], output: Path | None = None) -> int:
    """The id of a child that runs `work` and exits with what it returns. Its output goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_child(work, output)
    return child


def _be_child(work: Callable[[], int], output: Path | None) -> NoReturn:
    code = 70
    try:
        if output is not None:
            handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def wait_for(child: int, seconds: float) -> int | None:
    """Its exit code, the negative number of the signal that ended it, or None where it had to be killed."""
    end = time.monotonic() + seconds
    pause = 0.001
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def output_of(work: Callable[[], str], seconds: float = 600) -> str:
    """What `work` returns in a child."""
    reading, writing = os.pipe()

    def run() -> int:
        os.close(reading)
        os.write(writing, work().encode())
        return 0

    child = fork_into(run)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    code = wait_for(child, seconds)
    if code != 0:
        raise RuntimeError(f"a child ended with {code}")
    return text


def peak_megabytes() -> float:
    """The largest resident size of this process since `forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@dataclass
class Tally:
    """What came of many jobs: counts by outcome, and a line for each that broke a promise."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    largest: float = 0.0

    @property
    def total(self) -> int:
        return self.outcomes.total()


@dataclass(frozen=True)
class Limits:
    """What a job may take.

    Attributes:
        megabytes: above what the child began with.
        address_space: megabytes that the child may have in all.
        cpu_seconds: of the thread that does the job.
        wall_seconds: by the clock.
    """

    megabytes: float
    address_space: int
    cpu_seconds: float = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS

    def broken(self, cpu_seconds: float, wall_seconds: float = 0.0, megabytes: float = 0.0) -> str:
        """What of it a job has exceeded, in words."""
        if cpu_seconds > self.cpu_seconds:
            return f"took more than {self.cpu_seconds:g} s of the CPU's time"
        if wall_seconds > self.wall_seconds:
            return f"took more than {self.wall_seconds:g} s by the clock"
        return f"took {megabytes:.0f} MB" if megabytes > self.megabytes else ""


def run_jobs(seeds: Sequence[int], work: Callable[[int], str], limits: Limits) -> Tally:
    """Runs work(seed) for each seed in children, a new one only after one that died or hung.

    Args:
        seeds: of the jobs.
        work: returns a word for what happened; what it raises is a failure.
        limits: what a job may take.
    """
    tally = Tally()
    left = list(seeds)
    while left:
        done = 0
        for line in _lines_of_child(left, work, limits):
            kind, seed, taken, memory, text = line
            if kind in ("hang", "died"):
                tally.failures.append(f"seed {seed}: {text}")
                tally.outcomes["broke a promise"] += 1
                done += 1
                continue
            tally.slowest, tally.largest = max(tally.slowest, taken), max(tally.largest, memory)
            done += 1
            if kind == "failed":
                tally.failures.append(f"seed {seed}: {text}")
                tally.outcomes["broke a promise"] += 1
            else:
                tally.outcomes[text] += 1
        left = left[done:]
    return tally


def _lines_of_child(
    seeds: list[int], work: Callable[[int], str], limits: Limits
) -> Iterator[tuple[str, int, float, float, str]]:
    reading, writing = os.pipe()

    def run() -> int:
        os.close(reading)
        limit = limits.address_space * MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        forget_peak()
        for seed in seeds:
            before, start = peak_megabytes(), time.thread_time()
            try:
                kind, text = "done", work(seed)
            except BaseException as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                text = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
                kind = "failed"
            taken = time.thread_time() - start
            memory = peak_megabytes() - before
            if broken := limits.broken(taken, megabytes=memory):
                kind, text = "failed", broken
            if memory > 64:
                forget_peak()
            line = " ".join(text.split()).encode("utf-8", "replace").decode()[:900]
            os.write(writing, f"{kind}\t{seed}\t{taken}\t{memory}\t{line}\n".encode())
        return 0

    child = fork_into(run)
    os.close(writing)
    done = 0
    rest = b""
    broken = ""
    cpu, wall = cpu_seconds_of(child), time.monotonic()  # when the child began the job that it is in
    try:
        while True:
            ready, _, _ = select.select([reading], [], [], _LOOK)
            if not ready:
                broken = limits.broken(cpu_seconds_of(child) - cpu, time.monotonic() - wall)
                if broken:
                    break
                continue
            block = os.read(reading, 1 << 16)
            if not block:
                break
            cpu, wall = cpu_seconds_of(child), time.monotonic()
            *lines, rest = (rest + block).split(b"\n")
            for raw in lines:
                kind, seed, taken, memory, text = raw.decode().split("\t", 4)
                done += 1
                yield kind, int(seed), float(taken), float(memory), text
    finally:
        os.close(reading)
        code = wait_for(child, 0 if broken else 10)
    if done < len(seeds):
        if broken:
            yield "hang", seeds[done], 0.0, 0.0, broken
        else:
            yield "died", seeds[done], 0.0, 0.0, f"the process ended with {code}"


def cpu_seconds_of(child: int) -> float:
    """The CPU's time that the first thread of a child has had, which may have ended but not been waited for."""
    fields = Path(f"/proc/{child}/task/{child}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])  # utime and stime, the 14th and 15th field of all
    return (user + system) / os.sysconf("SC_CLK_TCK")
