"""Learning rates that depend on the step. A schedule is called with the number of steps done so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

from .._core import custom_objects as custom
from .._core.descriptions import Library
from .._core.signatures import accepted_arguments

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """Base of the schedules: subclasses define ``__call__(step) -> float``. Any such callable works as well."""

    def __call__(self, step: int) -> float:
        raise TypeError(f"{type(self).__name__} is a schedule without __call__(step); define it in the subclass")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name."""
        return {name: getattr(self, name) for name in sorted(accepted_arguments(type(self))) if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Makes a schedule from what `get_config` returned."""
        return cls(**config)


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
        _check_steps("decay_steps", decay_steps)
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
        _check_steps("decay_steps", decay_steps)
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


class PolynomialDecay(LearningRateSchedule):
    """From the initial rate down to the end rate within `decay_steps`: ``(initial - end) * (1 - step / decay_steps) **
    power + end``, constant after.

    With `cycle`, `decay_steps` is multiplied by the smallest integer that makes it reach `step`, so that the rate rises
    again and again. Raises ValueError unless decay_steps > 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: int) -> float:
        length = self.decay_steps * (max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1)
        left = 1.0 - min(step, length) / length
        return float((self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``; the quotient is floored with `staircase`.

    Raises ValueError unless decay_steps > 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: int) -> float:
        times = step / self.decay_steps
        if self.staircase:
            times = math.floor(times)
        return float(self.initial_learning_rate / (1.0 + self.decay_rate * times))


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after the other, each from the top down to ``alpha`` times the initial rate.

    The first takes `first_decay_steps` steps and begins at the initial rate; each one after it takes `t_mul` times as
    many and begins `m_mul` times as high. Loshchilov and Hutter, SGDR (2016), section 3. Raises ValueError unless
    first_decay_steps > 0 and t_mul >= 1.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        _check_steps("first_decay_steps", first_decay_steps)
        if not t_mul >= 1:
            raise ValueError(f"t_mul is {t_mul}; expected a number of at least 1")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: int) -> float:
        restarts, length, left = 0, float(self.first_decay_steps), float(step)
        if self.t_mul == 1:
            restarts, left = divmod(step, self.first_decay_steps)
        else:
            while left >= length:
                restarts, length, left = restarts + 1, length * self.t_mul, left - length
        cosine = 0.5 * self.m_mul**restarts * (1.0 + math.cos(math.pi * left / length))
        return float(self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha))


_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay,
    )
}  # fmt: skip


_LIBRARY = Library("schedule", "keras.optimizers.schedules", _CLASSES, LearningRateSchedule, any_case=True)


def serialize(learning_rate_schedule: Any) -> Any:
    """Describes a schedule as Keras does, by a dict of "module", "class_name", "config" and "registered_name".

    Raises TypeError for what is no schedule with a configuration, such as a function.
    """
    if not isinstance(learning_rate_schedule, LearningRateSchedule):
        raise TypeError(
            f"the learning rate comes from {learning_rate_schedule!r}, which no file can hold; expected a schedule of "
            "day33.optimizers.schedules"
        )
    return _LIBRARY.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize`, or Keras, described.

    Args:
        config: with "class_name" and "config"; capitals make no difference.
        custom_objects: classes by name that are preferred to day33's.

    Raises:
        ValueError: an unknown class, or an argument that it does not know.
    """
    with custom.known(custom_objects or {}):
        return _LIBRARY.deserialize(config)


def _check_steps(name: str, steps: int) -> None:
    if not steps > 0:
        raise ValueError(f"{name} is {steps}; expected a number above 0")
