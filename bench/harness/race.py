"""Interleaved timing: the participants of a workload take turns, so that other load on the machine slows all of them.

pytest-benchmark times one test after the other. Here the first test of a workload runs the whole race and keeps the
times. The test of each participant then replays its times through pytest-benchmark, whose clock is replaced by one that
shows the measured durations. pytest-benchmark writes its tables and its JSON file as usual, with one group per workload
and one entry per participant.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = int(os.environ.get("DAY33_BENCH_ROUNDS", "15"))
# The minimum duration of a turn: a fast function is called repeatedly. Not applied to runs that are only a check.
TURN_SECONDS = 0.02 if ROUNDS > 3 else 0.0
# How long a turn warms up at least: refilling a cache of many megabytes takes several passes over them.
WARM_SECONDS = 0.05 if ROUNDS > 3 else 0.0
# The threads of a pool spin for a while after their last job (20 ms in ONNX Runtime and OpenBLAS) and would share the
# cores with the next participant.
SETTLE_SECONDS = 0.03


@dataclass(frozen=True)
class Participant:
    """`run` is timed. `answer` returns the result as an array, which is the same for all participants of a workload."""

    run: Callable[[], Any]
    answer: Callable[[], Any]


class Replay:
    """A clock for pytest-benchmark that shows durations measured before."""

    def __init__(self) -> None:
        self._now = 0.0

    def read(self) -> float:
        return self._now

    def play(self, benchmark: Any, durations: list[float]) -> None:
        remaining = iter(durations)

        def step() -> None:
            self._now += next(remaining)

        benchmark.pedantic(step, rounds=len(durations), iterations=1)


def compare(participants: dict[str, Participant], tolerance: float) -> None:
    """Raises AssertionError if an answer differs from the first one by more than tolerance * max |answer|."""
    answers = {name: np.asarray(participant.answer()) for name, participant in participants.items()}
    reference, expected = next(iter(answers.items()))
    scale = float(np.abs(expected).max())
    assert np.isfinite(scale) and scale > 0, (
        f"the largest magnitude in the answer of {reference} is {scale}; expected a finite number above 0"
    )
    for name, answer in answers.items():
        assert answer.shape == expected.shape, (
            f"the shape of the answer of {name} is {answer.shape}; expected {expected.shape}, as of {reference}"
        )
        worst = float(np.abs(answer - expected).max())
        assert worst <= tolerance * scale, (
            f"the largest difference between the answers of {name} and {reference} is {worst:.3g}; expected at most "
            f"{tolerance * scale:.3g}"
        )


def turns(names: Iterable[str], rounds: int) -> Iterator[str]:
    """Each name once per round, in a random order, so that no participant always follows the same one."""
    chosen, order = list(names), random.Random(33)
    for _ in range(rounds):
        yield from order.sample(chosen, len(chosen))


def _calls_per_turn(run: Callable[[], Any]) -> int:
    run()  # warms up: plans, packed weights, traced functions
    calls, elapsed = 0, 0.0
    start = time.perf_counter()
    while calls == 0 or elapsed < TURN_SECONDS:
        run()
        calls += 1
        elapsed = time.perf_counter() - start
    return calls


def _warm_up(run: Callable[[], Any], calls: int) -> None:
    start = time.perf_counter()
    while calls > 0 or time.perf_counter() - start < WARM_SECONDS:
        run()
        calls -= 1


def race(participants: dict[str, Participant], rounds: int = ROUNDS, *, warm: bool = True) -> dict[str, list[float]]:
    """Returns the seconds per call of each participant: one value per round, the mean over the calls of the turn.

    Calls that take many seconds need no warm-up; with warm=False each is made once per round.
    """
    calls = {name: _calls_per_turn(participant.run) if warm else 1 for name, participant in participants.items()}
    times: dict[str, list[float]] = {name: [] for name in participants}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for name in turns(participants, rounds):
            run = participants[name].run
            time.sleep(SETTLE_SECONDS)
            # Not timed: refills the cache with the data of this participant, and wakes its threads.
            if warm:
                _warm_up(run, calls[name])
            begin = time.perf_counter()
            for _ in range(calls[name]):
                run()
            times[name].append((time.perf_counter() - begin) / calls[name])
    finally:
        if collecting:
            gc.enable()
    return times
