"""Which elements, and in which order."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from .._core.arrays import as_int
from ..random import next_seed
from .elements import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, call
from .sources import Sources
from .specs import merge


class Selection(Sources):
    """Data sets with the elements of another one, others of them or in another order."""

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool | None = None) -> Self:
        """In random order: each next one is drawn from the `buffer_size` that are first in line.

        Args:
            buffer_size: at least the number of elements for an order in which each is as likely as any other.
            seed: without it the order follows `day33.set_random_seed`.
            reshuffle_each_iteration: False for the same order in each pass.
        """
        size = as_int("buffer_size", buffer_size, 1)
        first = next_seed() if seed is None else as_int("seed", seed, 0)
        passes = itertools.count()

        def raws() -> Iterator[Any]:
            key = [first] if reshuffle_each_iteration is False else [first, next(passes)]
            return _shuffled(self._raws(), size, np.random.default_rng(key))

        return self._with(raws, self._cardinality)

    def take(self, count: int) -> Self:
        """The first `count` elements; all of them for -1."""
        if count == -1:
            return self
        number = as_int("count", count, 0)
        size = number if self._cardinality == INFINITE_CARDINALITY else self._known(lambda n: min(number, n))
        return self._with(lambda: itertools.islice(self._raws(), number), size)

    def skip(self, count: int) -> Self:
        """Without the first `count` elements; without any for -1."""
        if count == -1:
            return self._with(lambda: iter(()), 0)
        number = as_int("count", count, 0)
        return self._with(
            lambda: itertools.islice(self._raws(), number, None), self._known(lambda n: max(n - number, 0))
        )

    def repeat(self, count: int | None = None) -> Self:
        """All elements `count` times, one pass after the other; without end for None and -1."""
        if count is None or count == -1:
            return self._with(self._without_end, 0 if self._cardinality == 0 else INFINITE_CARDINALITY)
        times = as_int("count", count, 0)
        return self._with(
            lambda: itertools.chain.from_iterable(self._raws() for _ in range(times)),
            self._known(lambda n: times * n) if times else 0,
        )

    def _without_end(self) -> Iterator[Any]:
        while True:
            empty = True
            for raw in self._raws():
                empty = False
                yield raw
            if empty:
                return

    def shard(self, num_shards: int, index: int) -> Self:
        """Every `num_shards`-th element, from number `index` on."""
        number = as_int("num_shards", num_shards, 1)
        start = as_int("index", index, 0)
        if start >= number:
            raise ValueError(f"index is {start}; expected a value from 0 to {number - 1}")
        return self._with(
            lambda: itertools.islice(self._raws(), start, None, number),
            self._known(lambda n: n // number + (start < n % number)),
        )

    def filter(self, predicate: Callable[..., Any]) -> Self:
        """Only the elements for which ``predicate(element)`` is true; of a tuple, its parts are the arguments.

        ValueError, in a pass, if it gives anything but one bool.
        """

        def raws() -> Iterator[Any]:
            for raw in self._raws():
                if _holds(predicate, self._read(raw)):
                    yield raw

        return self._with(raws, UNKNOWN_CARDINALITY)

    def take_while(self, predicate: Callable[..., Any]) -> Self:
        """The elements before the first one for which ``predicate(element)`` is not true.

        ValueError, in a pass, if it gives anything but one bool.
        """

        def raws() -> Iterator[Any]:
            return itertools.takewhile(lambda raw: _holds(predicate, self._read(raw)), self._raws())

        return self._with(raws, UNKNOWN_CARDINALITY)

    def unique(self) -> Self:
        """The elements, tensors of numbers or strings, without those that were there before."""

        def raws() -> Iterator[Any]:
            seen = set()
            for raw in self._raws():
                element = np.asarray(self._read(raw))
                key = element.shape, element.tobytes() if element.dtype.kind != "U" else tuple(element.ravel())
                if key not in seen:
                    seen.add(key)
                    yield raw

        return self._with(raws, UNKNOWN_CARDINALITY)

    def concatenate(self, dataset: Selection) -> Self:
        """These elements, then those of another data set of the same structure and dtypes. TypeError otherwise."""
        sizes = (self._cardinality, dataset._cardinality)
        if INFINITE_CARDINALITY in sizes:
            size = INFINITE_CARDINALITY
        else:
            size = UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in sizes else sum(sizes)
        if callable(self._spec) or callable(dataset._spec):
            spec: Any = lambda: merge(self.element_spec, dataset.element_spec)  # noqa: E731
        else:
            spec = merge(self._spec, dataset._spec)
        return type(self)(lambda: itertools.chain(self, dataset), spec, size)

    def cache(self, filename: str | os.PathLike[str] = "") -> Self:
        """The elements of the first pass that was finished, in its order, in every later pass.

        Args:
            filename: for the sake of TensorFlow code. ValueError unless it is empty: the elements stay in memory.
        """
        if os.fspath(filename):
            raise ValueError(f"filename is {filename!r}; expected none: day33 caches in memory only")
        kept: list[Any] = []
        finished = threading.Event()
        lock = threading.Lock()

        def raws() -> Iterator[Any]:
            if not finished.is_set():
                seen = []
                for raw in self._raws():
                    seen.append(raw)
                    yield raw
                with lock:
                    if not finished.is_set():
                        kept.extend(seen)
                        finished.set()
                return
            yield from kept

        return self._with(raws, self._cardinality)

    def prefetch(self, buffer_size: int = AUTOTUNE) -> Self:
        """The same data set: nothing is made before it is asked for."""
        return self


def _shuffled(source: Iterator[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    waiting = list(itertools.islice(source, size))
    for raw in source:
        drawn = int(generator.integers(len(waiting)))
        yield waiting[drawn]
        waiting[drawn] = raw
    yield from (waiting[number] for number in generator.permutation(len(waiting)))


def _holds(predicate: Callable[..., Any], element: Any) -> bool:
    kept = np.asarray(call(predicate, element))
    if kept.dtype != np.bool_ or kept.ndim:
        raise ValueError(f"predicate gave dtype {kept.dtype} and shape {kept.shape}; expected one bool")
    return bool(kept)
