"""Learning rates that depend on the step. A schedule is called with the number of steps done so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


class LearningRateSchedule:
    """Base of the schedules: subclasses define ``__call__(step) -> float``. Any such callable works as well."""

    def __call__(self, step: int) -> float:
        raise TypeError(f"{type(self).__name__} is a schedule without __call__(step); define it in the subclass")


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``; the exponent is floored with `staircase`.

    Raises ValueError unless decay_steps > 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _check_decay_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: int) -> float:
        exponent = step / self.decay_steps
        if self.staircase:
            exponent = math.floor(exponent)
        return float(self.initial_learning_rate * self.decay_rate**exponent)


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to ``alpha`` times it within `decay_steps`, constant after.

    With `warmup_target`, the rate first climbs in a straight line from `initial_learning_rate` to `warmup_target` in
    `warmup_steps` steps and decays from there. Loshchilov and Hutter, SGDR (2016), equation 5, without restarts.
    Raises ValueError unless decay_steps > 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _check_decay_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return float(start + (self.warmup_target - start) * step / self.warmup_steps)
            start, step = self.warmup_target, step - self.warmup_steps
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return float(start * ((1.0 - self.alpha) * cosine + self.alpha))


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and including step ``boundaries[i]``, and ``values[-1]`` after the last boundary.

    Raises ValueError unless there is one value more than boundaries, and these rise.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                f"values has {len(values)} entries and boundaries {len(boundaries)}; expected one value more"
            )
        if any(low >= high for low, high in pairwise(boundaries)):
            raise ValueError(f"boundaries is {list(boundaries)}; expected rising steps")
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: int) -> float:
        passed = sum(step > boundary for boundary in self.boundaries)
        return float(self.values[passed])


def _check_decay_steps(decay_steps: int) -> None:
    if not decay_steps > 0:
        raise ValueError(f"decay_steps is {decay_steps}; expected a number above 0")
