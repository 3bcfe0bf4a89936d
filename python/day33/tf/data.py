"""`Dataset`: what `tf.data.Dataset` does with arrays in memory. An iterable of samples or batches for `Model.fit`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core import tree
from .._core.arrays import as_int
from .._core.tensors import Tensor, as_tensor
from .._training.batches import check_sizes
from ..random import next_seed

AUTOTUNE = -1

Element = int | NDArray[np.intp]  # a sample, or the samples of a batch
Order = Callable[[], Iterator[Element]]


class Dataset:
    """Samples or batches of arrays, in an order. Every method returns another data set; arrays are never copied.

    Each iteration runs through it anew; it gives tensors in the structure (tuple, dict, single array) it was made of.
    """

    def __init__(self, structure: Any, order: Order, length: int | None, batched: bool = False) -> None:
        self._structure = structure
        self._order = order
        self._length = length
        self._batched = batched

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Self:
        """One sample for each entry of the first axis.

        Args:
            tensors: an array, or arrays in a tuple or dict, with first axes of one size.

        Raises:
            ValueError: other sizes, or no axis at all.
        """
        structure = tree.transform(np.asarray, tensors) if isinstance(tensors, tuple | dict) else np.asarray(tensors)
        arrays = tree.flatten(structure)
        for array in arrays:
            if array.ndim == 0:
                raise ValueError("tensors hold a scalar; expected arrays with samples along the first axis")
        size = check_sizes((f"array {number}", len(array)) for number, array in enumerate(arrays))
        return cls(structure, lambda: iter(range(size)), size)

    def _then(self, order: Order, length: int | None, batched: bool | None = None) -> Self:
        return type(self)(self._structure, order, length, self._batched if batched is None else batched)

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Self:
        """In random order: each next one is drawn from the `buffer_size` that are first in line.

        Without a seed it follows `day33.set_random_seed`.
        """
        size = as_int("buffer_size", buffer_size, 1)
        first = next_seed() if seed is None else as_int("seed", seed, 0)
        passes = itertools.count()

        def order() -> Iterator[Element]:
            key = [first, next(passes)] if reshuffle_each_iteration else [first]
            return _shuffled(self._order(), size, np.random.default_rng(key))

        return self._then(order, self._length)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Self:
        """`batch_size` samples together, along a new first axis. The last batch may be smaller, or is dropped."""
        size = as_int("batch_size", batch_size, 1)
        if self._batched:
            raise ValueError("the data set is in batches already")

        def order() -> Iterator[Element]:
            samples = self._order()
            while len(batch := np.fromiter(itertools.islice(samples, size), np.intp)) == size or len(batch):
                if len(batch) == size or not drop_remainder:
                    yield batch

        length = None if self._length is None else self._length // size if drop_remainder else -(-self._length // size)
        return self._then(order, length, batched=True)

    def take(self, count: int) -> Self:
        """The first `count`; all of them for -1."""
        if count == -1:
            return self
        count = as_int("count", count, 0)
        length = count if self._length is None else min(count, self._length)
        return self._then(lambda: itertools.islice(self._order(), count), length)

    def skip(self, count: int) -> Self:
        """Without the first `count`."""
        count = as_int("count", count, 0)
        length = None if self._length is None else max(self._length - count, 0)
        return self._then(lambda: itertools.islice(self._order(), count, None), length)

    def repeat(self, count: int | None = None) -> Self:
        """`count` times, one after the other; without end for None and -1."""
        if count is None or count == -1:
            return self._then(lambda: itertools.chain.from_iterable(self._order() for _ in itertools.count()), None)
        times = as_int("count", count, 0)
        length = None if self._length is None else times * self._length
        return self._then(lambda: itertools.chain.from_iterable(self._order() for _ in range(times)), length)

    def prefetch(self, buffer_size: int) -> Self:
        """The same data set: the arrays are in memory."""
        return self

    def cache(self) -> Self:
        """The same data set: the arrays are in memory."""
        return self

    def __iter__(self) -> Iterator[Any]:
        for element in self._order():
            yield tree.transform(functools.partial(_entries, element), self._structure)

    def __len__(self) -> int:
        if self._length is None:
            raise TypeError("the data set has no end, and so no length")
        return self._length

    def __repr__(self) -> str:
        def described(array: NDArray[Any]) -> str:
            shape = (None, *array.shape[1:]) if self._batched else array.shape[1:]
            return f"Tensor(shape={shape}, dtype={array.dtype})"

        return f"<Dataset of {tree.transform(described, self._structure)}>"


def _entries(element: Element, array: NDArray[Any]) -> Tensor:
    return as_tensor(array[element])


def _shuffled(source: Iterator[Element], size: int, generator: np.random.Generator) -> Iterator[Element]:
    waiting = list(itertools.islice(source, size))
    for element in source:
        drawn = int(generator.integers(len(waiting)))
        yield waiting[drawn]
        waiting[drawn] = element
    yield from (waiting[number] for number in generator.permutation(len(waiting)))
