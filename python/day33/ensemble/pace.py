"""How long trainings take that are still to come, from those that are done."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Pace", "Training"]


class Training(NamedTuple):
    """One bag to be trained.

    Attributes:
        kind: trainings of a kind take time in proportion to their work.
        work: of each member, in any unit that is the same for a kind.
        members: how many.
    """

    kind: str
    work: float
    members: int


class Pace:
    """Learns from trainings how long others take.

    Args:
        jobs: members trained at a time.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._work: defaultdict[str, float] = defaultdict(float)

    def note(self, training: Training, seconds: float) -> None:
        """A training that took so long. Members that were trained side by side count as one."""
        self._seconds[training.kind] += seconds
        self._work[training.kind] += self._steps(training)

    def including(self, training: Training, seconds: float) -> Pace:
        """A pace that has noted one training more."""
        other = Pace(self._jobs)
        other._seconds, other._work = self._seconds.copy(), self._work.copy()
        other.note(training, seconds)
        return other

    def seconds(self, trainings: Iterable[Training]) -> float | None:
        """How long trainings will take, one after the other; None while nothing of one of their kinds is known."""
        total = 0.0
        for training in trainings:
            if not self._work[training.kind]:
                return None
            total += self._seconds[training.kind] / self._work[training.kind] * self._steps(training)
        return total

    def _steps(self, training: Training) -> float:
        return training.work * math.ceil(training.members / self._jobs)
