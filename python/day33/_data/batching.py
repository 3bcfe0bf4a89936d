"""Elements together, and taken apart: batches and windows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Self

from .._core.arrays import as_int, as_sizes, is_int
from .._core.tensors import as_tensor
from .elements import UNKNOWN_CARDINALITY, common_size
from .padding import filled_up, fillings_of, padded_shapes_of
from .specs import TensorSpec, tensor_spec
from .structures import leaves, map_leaves
from .transformation import Transformation


class Batching(Transformation):
    """Data sets of several elements of another one at a time, or of parts of them."""

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """`batch_size` elements together, along a new first axis. The last batch may be smaller, or is dropped.

        Args:
            batch_size: at least 1.
            drop_remainder: leave out a last batch that is smaller.
            num_parallel_calls, deterministic: for the sake of TensorFlow code.

        Raises:
            ValueError: in a pass, elements of different shapes.
        """
        size = as_int("batch_size", batch_size, 1)
        return type(self)(
            lambda: _groups(self._raws(), size, drop_remainder),
            self._spec_then(lambda spec: map_leaves(lambda leaf: _batch_spec(leaf, size, drop_remainder), spec)),
            self._known(lambda n: n // size if drop_remainder else -(-n // size)),
            read=self._join,
            batch_size=size,
        )

    def unbatch(self) -> Self:
        """The entries of the first axis of each element, one after the other.

        ValueError, in a pass, where the parts of an element differ in the size of that axis or have none.
        """

        def raws() -> Iterator[Any]:
            for element in self:
                if any(part.ndim == 0 for part in leaves(element)):
                    raise ValueError("the elements hold a scalar; expected a first axis to take them apart along")
                for row in range(common_size(leaves(element))):
                    yield map_leaves(lambda array, row=row: as_tensor(array[row]), element)

        size = self._cardinality
        if size >= 0:
            first = None if callable(self._spec) else leaves(self._spec)[0].shape
            size = UNKNOWN_CARDINALITY if not first or first[0] is None else size * first[0]
        return type(self)(raws, self._spec_then(lambda spec: map_leaves(lambda leaf: leaf.without_axis(), spec)), size)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
    ) -> Self:
        """`batch_size` elements together, each filled up at the ends of its axes to one shape.

        Args:
            batch_size: at least 1.
            padded_shapes: in the structure of an element the shapes to fill up to, None (or -1) for the largest size
                in the batch; without it, what `element_spec` knows.
            padding_values: what to fill up with, in the structure of an element or one for all of it: 0, "" or False by
                default.
            drop_remainder: leave out a last batch that is smaller.

        Raises:
            ValueError: a part of unknown rank without a shape; in a pass, an element that is larger than its shape.
            TypeError: a value of another kind than the elements.
        """
        size = as_int("batch_size", batch_size, 1)
        specs = self.element_spec
        shapes, fillings = padded_shapes_of(specs, padded_shapes), fillings_of(specs, padding_values)

        def join(raws: Sequence[Any]) -> Any:
            paddings = iter(zip(shapes, fillings, strict=True))
            elements = [self._read(raw) for raw in raws]
            return map_leaves(lambda _, *parts: filled_up(parts, *next(paddings)), specs, *elements)

        rest = iter(shapes)
        return type(self)(
            lambda: _groups(self._raws(), size, drop_remainder),
            map_leaves(lambda leaf: TensorSpec((size if drop_remainder else None, *next(rest)), leaf.dtype), specs),
            self._known(lambda n: n // size if drop_remainder else -(-n // size)),
            read=join,
            batch_size=size,
        )

    def rebatch(self, batch_size: int | Sequence[int], drop_remainder: bool = False) -> Self:
        """Batches of another size; of several sizes in turn where `batch_size` is a list."""
        sizes = as_sizes("batch_size", [batch_size] if is_int(batch_size) else batch_size, 1)
        samples = self.unbatch()

        def raws() -> Iterator[Any]:
            source = samples._raws()
            for size in itertools.cycle(sizes):
                group = list(itertools.islice(source, size))
                if group and (len(group) == size or not drop_remainder):
                    yield group
                if len(group) < size:
                    return

        first = sizes[0] if drop_remainder and len(set(sizes)) == 1 else None
        spec = samples._spec_then(lambda spec: map_leaves(lambda leaf: leaf.with_axis(first), spec))
        return type(self)(raws, spec, UNKNOWN_CARDINALITY, read=samples._join, batch_size=max(sizes))


def _groups(source: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[list[Any]]:
    while group := list(itertools.islice(source, size)):
        if len(group) == size or not drop_remainder:
            yield group


def _batch_spec(leaf: Any, size: int, drop_remainder: bool) -> TensorSpec:
    return tensor_spec(leaf).with_axis(size if drop_remainder else None)
