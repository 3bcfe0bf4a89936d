"""`tf.random`: the seed."""

from __future__ import annotations

from .. import random
from .._core.namespaces import absent

__all__ = ["set_seed"]

__getattr__ = absent("tf.random")


def __dir__() -> list[str]:
    return list(__all__)


def set_seed(seed: int) -> None:
    """Makes everything after it repeatable: initial weights, shuffling, dropout. See `day33.set_random_seed`."""
    random.set_random_seed(seed)
