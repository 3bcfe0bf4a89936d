"""Where a training stands: `TrainingState`, what a later run needs to go on, and `Progress`, what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Resumable(Protocol):
    """What has a state that a later run needs to go on."""

    def get_state(self) -> dict[str, Any]: ...
    def check_state(self, state: Any) -> None: ...
    def set_state(self, state: Mapping[str, Any]) -> None: ...


class TrainingState:
    """Where a `fit` stands, and what its random choices derive from. Saved by `BackupAndRestore`.

    Args:
        meters: the running means of the epoch in work.
        seed: of the order of the samples and of dropout, drawn once at the start of `fit`.
        epoch: the epoch in work, from 0.

    Attributes:
        seed, epoch: as above.
        step: batches done in the epoch.
        between_batches: whether some are done and others follow, so that all there is to save belongs together.
        resumed: whether `set_state` has been called.
    """

    def __init__(self, meters: Resumable, seed: int, epoch: int) -> None:
        self._meters = meters
        self._means: Mapping[str, Any] = {}
        self.seed = seed
        self.epoch = epoch
        self.step = 0
        self.between_batches = False
        self.resumed = False

    def get_state(self) -> dict[str, Any]:
        """What `set_state` takes: numbers and dicts of numbers."""
        means = self._meters.get_state() if self.step else {}
        return {"seed": self.seed, "epoch": self.epoch, "step": self.step, "means": means}

    def check_state(self, state: Mapping[str, Any]) -> None:
        """ValueError or KeyError where `set_state` could not take `state`."""
        for name in ("seed", "epoch", "step"):
            value = state[name]
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
                raise ValueError(f"its {name} is {value!r}")
        self._meters.check_state(state["means"])

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on where `get_state` stood."""
        self.seed, self.epoch, self.step = state["seed"], state["epoch"], state["step"]
        self.resumed = True
        self._means = state["means"]

    def restore_means(self) -> None:
        """Inside an epoch that was interrupted: goes on with its running means."""
        if self.step:
            self._meters.set_state(self._means)

    def step_seed(self) -> int:
        """The seed of the step to come: a hash of seed, epoch and step (the finaliser of SplitMix64, Steele 2014)."""
        value = (self.seed + 0x9E3779B97F4A7C15 * ((self.epoch << 32) + self.step + 1)) & 0xFFFFFFFFFFFFFFFF
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return (value ^ (value >> 31)) >> 1


class Progress:
    """How much of an epoch, an evaluation or a prediction is done, for the rate that is shown.

    Attributes:
        unit: what is counted, in the plural.
        done: how many of them.
    """

    unit = "samples"

    def __init__(self) -> None:
        self.done = 0

    def add(self, batch: Any) -> None:
        """Counts a batch: a `Batch`, or samples in another form."""
        self.done += self.amount(batch)

    def amount(self, batch: Any) -> int:
        """How much a batch is."""
        return int(batch.size)
