"""Random numbers: the one stream of seeds of day33, and `keras.random`'s functions.

The stream is day33's own. `set_random_seed` does not touch the global generators of `random` and `numpy.random`.
"""

from __future__ import annotations

from .sampling import beta, binomial, categorical, dropout, gamma, normal, randint, shuffle, truncated_normal, uniform
from .seeds import SeedGenerator, get_state, next_seed, set_random_seed, set_state

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "get_state",
    "next_seed",
    "normal",
    "randint",
    "set_random_seed",
    "set_state",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def __dir__() -> list[str]:
    return list(__all__)
