"""Interleaved timing: the participants of a workload take turns, so that a busy machine slows all of them alike.

pytest-benchmark times one test after the other. Here the first test of a workload runs the whole race and keeps the
times; every participant's test then plays its own times back through pytest-benchmark (by a clock that shows what was
measured), which gives its tables and its JSON file as usual: one group a workload, one entry a participant.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = int(os.environ.get("DAY33_BENCH_ROUNDS", "15"))
# A turn repeats a quick function until it has taken this long.
TURN_SECONDS = 0.02 if ROUNDS > 3 else 0.0
# Thread pools spin for a while after their last job, ONNX Runtime's and OpenBLAS's for 20 ms; whoever comes next should
# not have to share the cores with them.
SETTLE_SECONDS = 0.03


@dataclass(frozen=True)
class Participant:
    """`run` is timed. `answer` gives what it computes as an array, the same for all participants of a workload."""

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
    """Raises AssertionError where an answer differs from the first one by more than tolerance * max |answer|."""
    answers = {name: np.asarray(participant.answer()) for name, participant in participants.items()}
    reference, expected = next(iter(answers.items()))
    scale = float(np.abs(expected).max())
    assert np.isfinite(scale) and scale > 0, "an answer of zeros compares nothing"
    for name, answer in answers.items():
        assert answer.shape == expected.shape, f"{name}: {answer.shape} instead of {expected.shape}"
        worst = float(np.abs(answer - expected).max())
        assert worst <= tolerance * scale, f"{name} differs from {reference} by {worst:.3g}, largest value {scale:.3g}"


def _calls_a_turn(run: Callable[[], Any]) -> int:
    run()  # warms up: plans, packed weights, traced functions
    calls, elapsed = 0, 0.0
    start = time.perf_counter()
    while calls == 0 or elapsed < TURN_SECONDS:
        run()
        calls += 1
        elapsed = time.perf_counter() - start
    return calls


def race(participants: dict[str, Participant], rounds: int = ROUNDS, *, warm: bool = True) -> dict[str, list[float]]:
    """Seconds a call, by participant: one value a round, the mean over the calls of the turn.

    Calls of many seconds need no warming up (warm=False): each is then made once a round.
    """
    calls = {name: _calls_a_turn(participant.run) if warm else 1 for name, participant in participants.items()}
    times: dict[str, list[float]] = {name: [] for name in participants}
    names = list(participants)
    order = random.Random(33)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name in order.sample(names, len(names)):  # nobody always follows the same neighbour
                run = participants[name].run
                time.sleep(SETTLE_SECONDS)
                # Off the clock: fetches back what the others threw out of the cache; threads wake and find a core.
                for _ in range(calls[name] if warm else 0):
                    run()
                begin = time.perf_counter()
                for _ in range(calls[name]):
                    run()
                times[name].append((time.perf_counter() - begin) / calls[name])
    finally:
        if collecting:
            gc.enable()
    return times
