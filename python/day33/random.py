"""Where every random number of day33 comes from: one stream of seeds.

The stream is day33's own. `set_random_seed` does not touch the global generators of `random` and `numpy.random`.
"""

from __future__ import annotations

import operator
import secrets
import threading
from collections.abc import Mapping

import numpy as np

__all__ = ["SeedGenerator", "get_state", "next_seed", "set_random_seed", "set_state"]


class SeedGenerator:
    """A stream of seeds: the n-th is a hash of the stream's own seed and n (NumPy's SeedSequence).

    Args:
        seed: a non-negative int, or None for entropy of the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self.reset(seed)

    def reset(self, seed: int | None = None) -> None:
        """Starts the stream over from `seed`. ValueError if it is negative, TypeError if it is no integer."""
        entropy = secrets.randbits(128) if seed is None else operator.index(seed)
        if entropy < 0:
            raise ValueError(f"seed is {seed}; expected a non-negative integer")
        with self._lock:
            self._entropy, self._count = entropy, 0

    def next(self) -> int:
        """The next seed, 0 <= seed < 2**63."""
        with self._lock:
            entropy, count = self._entropy, self._count
            self._count = count + 1
        sequence = np.random.SeedSequence(entropy, spawn_key=(count,))
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

    def get_state(self) -> dict[str, int]:
        """The whole state, for a checkpoint: two integers."""
        with self._lock:
            return {"entropy": self._entropy, "count": self._count}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Continues where `get_state` was taken."""
        entropy, count = operator.index(state["entropy"]), operator.index(state["count"])
        with self._lock:
            self._entropy, self._count = entropy, count


_stream = SeedGenerator()


def set_random_seed(seed: int) -> None:
    """Makes everything after it repeatable: initial weights, shuffling, dropout."""
    _stream.reset(operator.index(seed))


def next_seed() -> int:
    """The next seed of the global stream."""
    return _stream.next()


def get_state() -> dict[str, int]:
    """The state of the global stream, for a checkpoint."""
    return _stream.get_state()


def set_state(state: Mapping[str, int]) -> None:
    """Continues the global stream where `get_state` was taken."""
    _stream.set_state(state)
