"""Elements in groups that are data sets themselves: windows in the order of the elements, and groups by a key."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from .._core.arrays import as_int, as_sizes
from .._core.tensors import as_tensor
from .batching import Batching
from .elements import UNKNOWN_CARDINALITY, Elements, call, itself
from .specs import DatasetSpec, spec_of, tensor_spec
from .structures import map_leaves


class Windows(Batching):
    """Data sets of data sets with some of the elements of another one."""

    def window(self, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False) -> Self:
        """Data sets of `size` elements each: windows over the elements. Of a tuple, each part has a window of its own.

        ``data.window(5, shift=1, drop_remainder=True).flat_map(lambda window: window.batch(5))`` gives them as tensors.

        Args:
            size: elements in a window.
            shift: from the first element of a window to that of the next; `size` by default.
            stride: from an element in a window to the next one there.
            drop_remainder: leave out the last windows, which are smaller.
        """
        size = as_int("size", size, 1)
        shift = size if shift is None else as_int("shift", shift, 1)
        stride = as_int("stride", stride, 1)
        span = (size - 1) * stride + 1

        def raws() -> Iterator[Any]:
            source = iter(self)
            waiting: deque[Any] = deque()
            while True:
                waiting.extend(itertools.islice(source, span - len(waiting)))
                if not waiting or (drop_remainder and len(waiting) < span):
                    return
                yield self._side_by_side(list(waiting)[::stride])
                for _ in range(min(shift, len(waiting))):
                    waiting.popleft()
                deque(itertools.islice(source, max(shift - span, 0)), maxlen=0)

        def count(n: int) -> int:
            return max(n - span, -shift) // shift + 1 if drop_remainder else -(-n // shift)

        return type(self)(raws, self._spec_then(lambda spec: map_leaves(DatasetSpec, spec)), self._known(count))

    def _side_by_side(self, elements: list[Any]) -> Any:
        """A data set for each part of the elements."""
        return map_leaves(lambda *parts: type(self)(lambda: iter(parts), spec_of(parts[0]), len(parts)), *elements)

    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[[Any, Self], Elements],
        window_size: int | None = None,
        window_size_func: Callable[[Any], Any] | None = None,
    ) -> Self:
        """The elements of ``reduce_func(key, window)`` for windows of elements with the same key.

        A window is handed over when it is full; those that are not full, at the end, by rising key.

        Args:
            key_func: from an element to an integer.
            reduce_func: from a key and a data set of elements to a data set.
            window_size: elements in a window.
            window_size_func: from a key to the size of its windows, in place of `window_size`.

        Raises:
            ValueError: both sizes, or none of them.
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError(
                f"window_size is {window_size} and window_size_func is {window_size_func}; expected one of them"
            )

        def handed_over(key: int, window: list[Any]) -> Iterator[Any]:
            inner = type(self)(lambda: iter(window), self._spec_then(itself), len(window), read=self._read)
            return iter(reduce_func(as_tensor(np.asarray(key, np.int64)), inner))

        def raws() -> Iterator[Any]:
            waiting: dict[int, list[Any]] = {}
            for raw in self._raws():
                key = int(call(key_func, self._read(raw)))
                window = waiting.setdefault(key, [])
                window.append(raw)
                if len(window) >= int(window_size if window_size_func is None else window_size_func(key)):  # type: ignore[arg-type]
                    yield from handed_over(key, waiting.pop(key))
            for key in sorted(waiting):
                yield from handed_over(key, waiting[key])

        def spec() -> Any:
            one = type(self)(lambda: iter([self._example()]), self._spec_then(itself), 1)
            return reduce_func(as_tensor(np.zeros((), np.int64)), one).element_spec

        return type(self)(raws, spec, UNKNOWN_CARDINALITY)

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
    ) -> Self:
        """Padded batches of elements of similar length.

        Args:
            element_length_func: from an element to its length.
            bucket_boundaries: rising lengths at which another bucket begins.
            bucket_batch_sizes: the size of the batches of each bucket, one more than there are boundaries.
            padded_shapes, padding_values, drop_remainder: see `padded_batch`.
            pad_to_bucket_boundary: fill up to the largest length of the bucket, not of the batch.
            no_padding: all elements of a bucket have one shape.

        Raises:
            ValueError: another number of sizes; in a pass, with `pad_to_bucket_boundary`, an element too long for the
                last boundary.
        """
        borders = np.asarray(as_sizes("bucket_boundaries", bucket_boundaries, 0))
        sizes = as_sizes("bucket_batch_sizes", bucket_batch_sizes, 1)
        if len(sizes) != len(borders) + 1:
            raise ValueError(f"bucket_batch_sizes has {len(sizes)} sizes; expected {len(borders) + 1}, one per bucket")

        def bucket(*element: Any) -> int:
            return int(np.searchsorted(borders, int(element_length_func(*element)), side="right"))

        def batches(key: Any, window: Self) -> Elements:
            number = int(key)
            if no_padding:
                return window.batch(sizes[number], drop_remainder)
            shapes = padded_shapes
            if pad_to_bucket_boundary:
                if number == len(borders):
                    raise ValueError(f"an element is longer than {borders[-1] - 1}, the limit of the last bucket")
                shapes = map_leaves(
                    lambda spec: _limited(tensor_spec(spec).shape, int(borders[number]) - 1), self.element_spec
                )
            return window.padded_batch(sizes[number], shapes, padding_values, drop_remainder)

        def spec() -> Any:
            if no_padding:
                return self.batch(1).element_spec
            found = self.padded_batch(1, padded_shapes, padding_values).element_spec
            return map_leaves(lambda leaf: leaf.without_axis().with_axis(None), found)

        grouped = self.group_by_window(bucket, batches, window_size_func=lambda key: sizes[int(key)])
        return type(self)(grouped._raws, spec, UNKNOWN_CARDINALITY)


def _limited(shape: Any, limit: int) -> Any:
    """The shape with `limit` for the sizes that vary."""
    return None if shape is None else tuple(limit if size is None else size for size in shape)
