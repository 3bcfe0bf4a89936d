"""Where every random number of day33 comes from: one stream of seeds. Public in day33.random."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from .._core.arrays import as_int


class SeedGenerator:
    """A stream of seeds. The n-th is a hash of the stream's own seed and n, by NumPy's SeedSequence.

    May be used by several threads at once.

    Args:
        seed: a non-negative integer, or None for one from the operating system's entropy.
        name: for the sake of Keras code.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: it is negative.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self._lock = threading.Lock()
        self.name = "seed_generator" if name is None else name
        self.reset(seed)

    def reset(self, seed: int | None = None) -> None:
        """Starts the stream over.

        Args:
            seed: as in the constructor.

        Raises:
            TypeError: `seed` is no integer.
            ValueError: it is negative.
        """
        entropy = secrets.randbits(128) if seed is None else as_int("seed", seed, 0, None)
        with self._lock:
            self._seed = None if seed is None else entropy
            self._entropy, self._count = entropy, 0

    def next(self, ordered: bool = True) -> int:
        """Takes the next seed from the stream.

        Args:
            ordered: for the sake of Keras code; seeds always come in order.

        Returns:
            A number from 0 to 2**63 - 1.
        """
        with self._lock:
            entropy, count = self._entropy, self._count
            self._count = count + 1
        sequence = np.random.SeedSequence(entropy, spawn_key=(count,))
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

    def get_state(self) -> dict[str, int]:
        """Reads the state, for a checkpoint.

        Returns:
            A dict of two integers: "entropy", the stream's own seed, and "count", how many seeds were taken.
        """
        with self._lock:
            return {"entropy": self._entropy, "count": self._count}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Continues where `get_state` was called.

        Args:
            state: what it returned.

        Raises:
            KeyError: "entropy" or "count" is missing.
            TypeError: one of them is no integer.
            ValueError: one of them is negative.
        """
        entropy = as_int("state['entropy']", state["entropy"], 0, None)
        count = as_int("state['count']", state["count"], 0, None)
        with self._lock:
            self._entropy, self._count = entropy, count

    def get_config(self) -> dict[str, int | None]:
        """The constructor's argument `seed`; None where it was drawn."""
        return {"seed": self._seed}

    @classmethod
    def from_config(cls, config: Mapping[str, int | None]) -> SeedGenerator:
        """A stream at its beginning, from what `get_config` returned."""
        return cls(**config)  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())


_stream = SeedGenerator()
_inner = threading.local()


@contextmanager
def stream_from(seed: int) -> Iterator[None]:
    """Inside, in this thread, `next_seed` takes from a stream that begins with `seed`, and the global one stands still.

    Args:
        seed: a non-negative integer.
    """
    before = getattr(_inner, "stream", None)
    _inner.stream = SeedGenerator(seed)
    try:
        yield
    finally:
        _inner.stream = before


def set_random_seed(seed: int) -> None:
    """Makes all that follows repeatable: initial weights, shuffling, dropout.

    Args:
        seed: a non-negative integer.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: it is negative.
    """
    _stream.reset(as_int("seed", seed, 0, None))


def next_seed() -> int:
    """Takes the next seed from the global stream.

    Returns:
        A number from 0 to 2**63 - 1.
    """
    inner: SeedGenerator | None = getattr(_inner, "stream", None)
    return (inner or _stream).next()


def get_state() -> dict[str, int]:
    """Reads the state of the global stream, for a checkpoint.

    Returns:
        What `SeedGenerator.get_state` returns.
    """
    return _stream.get_state()


def set_state(state: Mapping[str, int]) -> None:
    """Continues the global stream where `get_state` was called.

    Args:
        state: what it returned.

    Raises:
        KeyError, TypeError, ValueError: as `SeedGenerator.set_state`.
    """
    _stream.set_state(state)
