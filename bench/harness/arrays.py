"""The type of the arrays, and random numbers for the inputs of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_generator = np.random.default_rng(33)


def seed() -> None:
    """Restarts the generator, so that the next arrays are the same as the first ones."""
    global _generator
    _generator = np.random.default_rng(33)


def normal(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Float32 samples of the standard normal distribution."""
    return _generator.standard_normal(shape, np.float32)
