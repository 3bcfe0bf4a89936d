"""Children of `nox -s torture`: what is judged a hang, and what is not, however busy the machine is."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from torture.children import Limits, run_jobs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc")


def _spin(seconds: float) -> None:
    """Takes that much of the CPU's time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def _waits_forever() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


JOBS = {
    "sleeps": lambda: time.sleep(1.5),
    "spins for ever": lambda: _spin(1e9),
    "spins too long": lambda: _spin(0.35),
    "waits for ever": _waits_forever,
    "dies": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "is large": lambda: bytearray(b"x") * (100 << 20),
    "raises": lambda: {}["a"],
}


def _tally(*names: str, cpu_seconds: float = 60.0, wall_seconds: float = 600.0):
    def work(seed: int) -> str:
        if seed < len(names):
            JOBS[names[seed]]()
        return "done"

    limits = Limits(megabytes=64, address_space=1 << 20, cpu_seconds=cpu_seconds, wall_seconds=wall_seconds)
    return run_jobs(range(len(names) + 1), work, limits)  # the last one does nothing


def test_time_by_the_clock_alone_is_no_hang():
    tally = _tally("sleeps", cpu_seconds=0.3)
    assert (tally.failures, tally.outcomes) == ([], {"done": 2})
    assert tally.slowest < 0.3


@pytest.mark.parametrize("name", ["spins for ever", "spins too long"])
def test_time_of_the_cpu(name):
    tally = _tally(name, cpu_seconds=0.3)
    assert tally.failures == ["seed 0: took more than 0.3 s of the CPU's time"]
    assert tally.outcomes == {"broke a promise": 1, "done": 1}


def test_what_waits_for_ever():
    tally = _tally("waits for ever", wall_seconds=5.0)
    assert tally.failures == ["seed 0: took more than 5 s by the clock"]
    assert tally.outcomes == {"broke a promise": 1, "done": 1}


def test_the_others_after_each_kind_of_failure():
    tally = _tally("dies", "is large", "raises", "dies")
    *told, last = tally.failures
    assert told[0] == last.replace("3", "0", 1) == "seed 0: the process ended with -9"
    assert told[1].startswith("seed 1: took 1")
    assert told[2].startswith("seed 2: KeyError: 'a' (test_torture_children.py")
    assert tally.outcomes == {"broke a promise": 4, "done": 1}
