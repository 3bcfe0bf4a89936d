"""The stream of seeds from which every random number of day33 follows.

It is day33's own: `set_random_seed` does not touch the global generators of `random` and `numpy.random`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping

import numpy as np

from ._core.arrays import as_count

__all__ = ["SeedGenerator", "get_state", "next_seed", "set_random_seed", "set_state"]


class SeedGenerator:
    """A stream of seeds. The n-th is a hash of the stream's own seed and of n (NumPy's SeedSequence).

    Args:
        seed: a non-negative int, or None for entropy of the operating system.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: it is negative.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self.reset(seed)

    def reset(self, seed: int | None = None) -> None:
        """Start the stream over.

        Args:
            seed: a non-negative int, or None for entropy of the operating system.

        Raises:
            TypeError: `seed` is no integer.
            ValueError: it is negative.
        """
        entropy = secrets.randbits(128) if seed is None else as_count("seed", seed, 0)
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
        """Continue where `get_state` was taken."""
        entropy, count = (as_count(name, state[name], 0) for name in ("entropy", "count"))
        with self._lock:
            self._entropy, self._count = entropy, count


_stream = SeedGenerator()


def set_random_seed(seed: int) -> None:
    """Make everything after it repeatable: initial weights, shuffling, dropout.

    Args:
        seed: a non-negative int.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: it is negative.
    """
    _stream.reset(as_count("seed", seed, 0))


def next_seed() -> int:
    """The next seed of the global stream."""
    return _stream.next()


def get_state() -> dict[str, int]:
    """The state of the global stream, for a checkpoint."""
    return _stream.get_state()


def set_state(state: Mapping[str, int]) -> None:
    """Continue the global stream where `get_state` was taken."""
    _stream.set_state(state)


def __dir__() -> list[str]:
    return list(__all__)
