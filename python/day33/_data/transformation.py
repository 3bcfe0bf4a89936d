"""Other elements in place of those there are: by functions of the user, and by data sets that these give."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, Self

from .._core.arrays import as_int
from .._core.tensors import to_tensor
from .elements import AUTOTUNE, END, UNKNOWN_CARDINALITY, Elements, Options, as_part, dataset_from, result_of
from .selection import Selection
from .specs import spec_of
from .structures import map_leaves


class Transformation(Selection):
    """Data sets of what functions make of the elements of another one."""

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """``map_func(element)`` in place of each element; of a tuple, its parts are the arguments.

        Args:
            map_func: takes and returns tensors, in tuples and dicts. Numbers and NumPy arrays are converted.
            num_parallel_calls, deterministic: for the sake of TensorFlow code; calls come one after the other.
        """

        def raws() -> Iterator[Any]:
            for element in self:
                yield result_of(map_func, element)

        return type(self)(raws, lambda: self._spec_after(map_func), self._cardinality)

    def enumerate(self, start: int = 0) -> Self:
        """Pairs of a number (int64, from `start` on) and an element."""
        return type(self).zip(type(self).counter(as_int("start", start, 0)), self)

    def scan(self, initial_state: Any, scan_func: Callable[[Any, Any], tuple[Any, Any]]) -> Self:
        """The second of ``state, result = scan_func(state, element)`` for each element, from `initial_state` on."""

        def steps() -> Iterator[tuple[Any, Any]]:
            state = map_leaves(to_tensor, initial_state)
            for element in self:
                state, result = scan_func(state, element)
                state, result = (map_leaves(as_part, part) for part in (state, result))
                yield state, result

        def spec() -> Any:
            first = scan_func(map_leaves(to_tensor, initial_state), self._example())[1]
            return map_leaves(lambda part: spec_of(as_part(part)), first)

        return type(self)(lambda: (result for _, result in steps()), spec, self._cardinality)

    def flat_map(self, map_func: Callable[..., Elements]) -> Self:
        """The elements of the data sets that ``map_func(element)`` gives, one data set after the other."""
        return self.interleave(map_func, cycle_length=1)

    def interleave(
        self,
        map_func: Callable[..., Elements],
        cycle_length: int | None = None,
        block_length: int = 1,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """The elements of the data sets that ``map_func(element)`` gives, of several of them in turn.

        Args:
            map_func: from an element to a data set; of a tuple, its parts are the arguments.
            cycle_length: how many data sets are open at a time; by default the number of CPUs, as in TensorFlow.
            block_length: how many elements are taken from one before it is the turn of the next.
            num_parallel_calls, deterministic: for the sake of TensorFlow code.

        Raises:
            TypeError: in a pass, `map_func` gives anything but a data set.
        """
        if cycle_length is None or cycle_length == AUTOTUNE:
            cycle_length = os.cpu_count() or 1
        places = as_int("cycle_length", cycle_length, 1)
        block = as_int("block_length", block_length, 1)

        def raws() -> Iterator[Any]:
            source = iter(self)
            opened: list[Iterator[Any] | None] = [None] * places
            more, number = True, 0
            while more or any(inner is not None for inner in opened):
                place = number % places
                number += 1
                if opened[place] is None and more:
                    element = next(source, END)
                    more = element is not END
                    opened[place] = iter(dataset_from(map_func, element)) if more else None
                if (inner := opened[place]) is not None:
                    given = list(itertools.islice(inner, block))
                    if len(given) < block:
                        opened[place] = None
                    yield from given

        return type(self)(raws, lambda: dataset_from(map_func, self._example()).element_spec, UNKNOWN_CARDINALITY)

    def apply(self, transformation_func: Callable[[Self], Any]) -> Any:
        """``transformation_func(self)``."""
        return transformation_func(self)

    def with_options(self, options: Options) -> Self:
        """The same data set: `options` are kept, and have no effect."""
        same = self._with(self._raws, self._cardinality)
        same._options = options
        return same
