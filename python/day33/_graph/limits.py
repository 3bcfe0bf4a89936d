"""How much a model that comes from a file may hold: calls of layers, and values of weights.

Without limits, a forged number in a configuration would cost time and memory before the weights show that it is forged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Limits:
    """What is left of both."""

    calls: int
    values: int

    def take_values(self, count: int) -> bool:
        """Whether that many values were left."""
        self.values -= count
        return self.values >= 0


_limits: ContextVar[Limits | None] = ContextVar("limits", default=None)


@contextmanager
def limiting(calls: int, values: int) -> Iterator[None]:
    """Inside, objects made from configurations hold at most so many layers and calls, and so many values of weights.

    Weights are made as zeros there: they are assigned later.
    """
    token = _limits.set(Limits(calls, values))
    try:
        yield
    finally:
        _limits.reset(token)


def current() -> Limits | None:
    """The limits around this call; None where there are none."""
    return _limits.get()


def take_calls(count: int) -> None:
    """Notes that so many layers or calls are made. ValueError where they exceed the limit."""
    limits = _limits.get()
    if limits is not None:
        limits.calls -= count
        if limits.calls < 0:
            raise ValueError("the model has more layers than day33 reads from a file")
