"""`Dataset`: what `tf.data.Dataset` does, in this process and on NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from .._core.arrays import as_int
from ..random import next_seed
from .elements import (
    AUTOTUNE,
    END,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Elements,
    Options,
)
from .specs import merge
from .windows import Windows

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "Options"]


class Dataset(Windows):
    """Elements in an order: tensors, or tuples and dicts of tensors. `Model.fit` takes it, in batches.

    Every method returns another data set. Each iteration is a new pass. Names, arguments and results are those of
    `tf.data.Dataset`, except that nothing runs in the background (`num_parallel_calls` and the like do nothing) and
    that functions are called with the elements themselves, not traced.

    Attributes:
        batch_size: where the elements are batches, how many samples they have (the last one perhaps fewer); else None.
    """

    @classmethod
    def choose_from_datasets(
        cls, datasets: Sequence[Elements], choice_dataset: Elements, stop_on_empty_dataset: bool = True
    ) -> Self:
        """The next element of the data set whose number `choice_dataset` gives, again and again.

        Args:
            datasets: of the same structure and dtypes.
            choice_dataset: integers (int64).
            stop_on_empty_dataset: end where the chosen one has no more; else it is passed over.
        """
        return cls._mixed(datasets, lambda: (int(choice) for choice in choice_dataset), stop_on_empty_dataset)

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Sequence[Elements],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Self:
        """The next element of one of several data sets, drawn at random, again and again.

        Args:
            datasets: of the same structure and dtypes.
            weights: how likely each is; all the same by default.
            seed: of the draws; without it, it follows `day33.set_random_seed`.
            stop_on_empty_dataset: end where the drawn one has no more; else it is passed over.
            rerandomize_each_iteration: other draws in each pass; the same ones by default.

        Raises:
            ValueError: no data set, or weights that are not as many numbers of at least 0.
        """
        shares = np.ones(len(datasets)) if weights is None else np.asarray(weights, np.float64)
        if shares.shape != (len(datasets),) or not (shares >= 0).all() or not shares.sum() > 0:
            raise ValueError(
                f"weights is {weights!r}; expected {len(datasets)} numbers of at least 0, one per data set"
            )
        first = next_seed() if seed is None else as_int("seed", seed, 0)
        passes = iter(range(2**63))

        def draws() -> Iterator[int]:
            key = [first, next(passes)] if rerandomize_each_iteration else [first]
            generator = np.random.default_rng(key)
            while True:
                yield from generator.choice(len(shares), 64, p=shares / shares.sum()).tolist()

        return cls._mixed(datasets, draws, stop_on_empty_dataset, shares > 0)

    @classmethod
    def _mixed(cls, datasets: Sequence[Elements], choices: Any, stops: bool, possible: Any = None) -> Self:
        if not datasets or not all(isinstance(data, Elements) for data in datasets):
            raise ValueError(f"datasets is {datasets!r}; expected at least one data set, in a list")
        waited_for = range(len(datasets)) if possible is None else np.flatnonzero(possible).tolist()

        def elements() -> Iterator[Any]:
            passes = [iter(data) for data in datasets]
            left = set(waited_for)
            for choice in choices():
                if not 0 <= choice < len(passes):
                    raise ValueError(f"choice_dataset gave {choice}; expected a number from 0 to {len(passes) - 1}")
                element = next(passes[choice], END)
                if element is not END:
                    yield element
                    continue
                left.discard(choice)
                if stops or not left:
                    return

        def spec() -> Any:
            found = datasets[0].element_spec
            for data in datasets[1:]:
                found = merge(found, data.element_spec)
            return found

        endless = any(int(data.cardinality()) == INFINITE_CARDINALITY for data in datasets)
        return cls(elements, spec, INFINITE_CARDINALITY if endless else UNKNOWN_CARDINALITY)
