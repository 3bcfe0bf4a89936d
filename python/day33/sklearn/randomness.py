"""scikit-learn's `random_state` as a NumPy generator."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .. import random
from ..callbacks import Callback

SEED_LIMIT = 2**31 - 1
_stream = threading.RLock()


def generator_of(random_state: Any) -> np.random.Generator:
    """A generator that one draw from the `random_state` (None, an int or a RandomState) determines."""
    return np.random.default_rng(check_random_state(random_state).randint(SEED_LIMIT, size=4))


def seed_estimator(estimator: Any, rng: np.random.Generator) -> Any:
    """Gives every `random_state` in the estimator's parameters, nested ones too, a number. Returns the estimator."""
    names = sorted(n for n in estimator.get_params(deep=True) if n == "random_state" or n.endswith("__random_state"))
    return estimator.set_params(**{name: int(rng.integers(SEED_LIMIT)) for name in names}) if names else estimator


@contextlib.contextmanager
def seeded_stream(seed: int) -> Iterator[None]:
    """Inside, the global stream of seeds, of which layers make their weights, begins with `seed`; one at a time."""
    with _stream:
        before = random.get_state()
        random.set_random_seed(seed)
        try:
            yield
        finally:
            random.set_state(before)


class OwnSeed(Callback):
    """Gives a `fit` a seed of its own instead of the global stream's, which other threads draw from as well."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_train_begin(self, logs: Any = None) -> None:
        self.model.training_state.seed = self._seed
