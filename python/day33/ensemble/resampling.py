"""Which rows and columns the members of a bag are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from ..sklearn.randomness import SEED_LIMIT

__all__ = ["Draw", "Resampler", "amount"]

# A resample of one class teaches nothing and many classifiers refuse it; it is drawn again.
_MAX_DRAWS = 100


@dataclass(frozen=True)
class Draw:
    """What a member is trained on, and the seed of all else it draws.

    Attributes:
        rows: numbers of rows, ascending, repeated as often as drawn. features: numbers of columns, ascending; None for
            all. seed: of the member.
    """

    rows: NDArray[np.intp]
    features: NDArray[np.intp] | None
    seed: int


@dataclass(frozen=True)
class Resampler:
    """How rows and columns are drawn; the parameters are those of `HardVotingBagging`."""

    max_samples: float | None
    max_features: float
    bootstrap: bool
    bootstrap_features: bool

    def draws(
        self,
        codes: NDArray[np.intp],
        n_features: int,
        weights: NDArray[np.float64] | None,
        count: int,
        rng: np.random.Generator,
    ) -> list[Draw]:
        """The draws of `count` members; the first ones do not depend on how many follow.

        Args:
            codes: class numbers of the rows (N,). n_features: columns there are.
            weights: how likely each row is, in proportion (N,); None for all alike.

        Raises:
            TypeError, ValueError: `max_samples` or `max_features` has a wrong type or is out of range.
            ValueError: resamples of that size or these weights hold one class only.
        """
        size = self._rows(len(codes), weights)
        wanted = self._columns(n_features)
        probabilities = None if weights is None else weights / weights.sum()
        return [self._draw(codes, size, n_features, wanted, probabilities, rng) for _ in range(count)]

    def _rows(self, n: int, weights: NDArray[np.float64] | None) -> int:
        if self.max_samples is None:
            size = n
        else:
            size = amount("max_samples", self.max_samples, n if weights is None else float(weights.sum()))
        if not self.bootstrap:
            present = n if weights is None else np.count_nonzero(weights)
            if size > present:
                what = "the rows" if weights is None else "the rows of a weight above 0"
                raise ValueError(f"max_samples is {size} rows; expected at most {present}, {what}, without replacement")
        return size

    def _columns(self, n_features: int) -> int:
        wanted = amount("max_features", self.max_features, n_features)
        if wanted > n_features:
            raise ValueError(f"max_features is {wanted}; expected at most {n_features}, the number of columns")
        return wanted

    def _draw(
        self,
        codes: NDArray[np.intp],
        size: int,
        n_features: int,
        wanted: int,
        probabilities: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> Draw:
        n = len(codes)
        for _ in range(_MAX_DRAWS):
            if probabilities is not None:
                rows = rng.choice(n, size, replace=self.bootstrap, p=probabilities)
            else:
                rows = rng.integers(n, size=size) if self.bootstrap else rng.permutation(n)[:size]
            if np.ptp(codes[rows]) > 0:
                break
        else:
            raise ValueError(
                f"{_MAX_DRAWS} resamples of {size} rows (max_samples={self.max_samples!r}"
                f"{'' if probabilities is None else ', with sample_weight'}) all held one class only; "
                "expected two or more"
            )
        features = None
        if self.bootstrap_features:
            features = np.sort(rng.integers(n_features, size=wanted))
        elif wanted < n_features:
            features = np.sort(rng.choice(n_features, wanted, replace=False))
        return Draw(np.sort(rows), features, int(rng.integers(SEED_LIMIT)))


def amount(name: str, value: Any, of: float) -> int:
    """How many of `of` a number, or a part of 1, means. TypeError for anything else, ValueError out of range."""
    if isinstance(value, float | np.floating):
        if not 0 < value <= 1:
            raise ValueError(f"{name} is {value!r}; expected an integer of 1 or more, or a float above 0 and up to 1")
        return max(int(value * of), 1)
    return as_int(name, value, 1)
