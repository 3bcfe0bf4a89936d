"""Gradients that are sums of slices: of a table, one slice for each time that a row was looked up.

Optimizers with ``per_slice=True`` want to know the squares of the slices, added up. Plans compute these sums where
somebody wants them, and they travel with the gradient.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from .tensors import Tensor

if TYPE_CHECKING:
    from .types import Array

Wanted = tuple[str, ...]  # names of fields of `SliceSums`; none where nobody wants any


class SliceSums(NamedTuple):
    """What is added up over the slices of a gradient, element by element: arrays of its shape, or None.

    Attributes:
        squares: the squares. magnitudes: the absolute values.
    """

    squares: Array | None
    magnitudes: Array | None

    @classmethod
    def zeros(cls, shape: tuple[int, ...], wanted: Wanted) -> SliceSums:
        """New arrays for the sums that are wanted."""
        return cls(*(np.zeros(shape, np.float32) if name in wanted else None for name in cls._fields))

    def scaled(self, factor: float) -> SliceSums:
        """The sums of the slices times a number of at least 0."""
        return SliceSums(_times(self.squares, factor * factor), _times(self.magnitudes, factor))

    def plus(self, other: SliceSums) -> SliceSums:
        """The sums over the slices of both."""
        return SliceSums(_plus(self.squares, other.squares), _plus(self.magnitudes, other.magnitudes))


def _times(array: Array | None, factor: float) -> Array | None:
    return None if array is None else array * np.float32(factor)


def _plus(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None else a + b


class SlicedGradient(Tensor):
    """A gradient of which it is known whether it is a sum of slices. Arrays that are made of it do not know that.

    Attributes:
        known: whether this is such a gradient, and not an array that arithmetic or indexing made of one.
        sums: over the slices; None for a gradient that is one slice.
    """

    known: bool = False
    sums: SliceSums | None = None

    def has(self, wanted: Wanted) -> bool:
        """Whether these sums are known, or that it is one slice."""
        return self.known and (self.sums is None or all(getattr(self.sums, name) is not None for name in wanted))


def with_slices(gradient: Array, sums: SliceSums | None) -> SlicedGradient:
    """A view of a gradient that knows its slices; `sums` are None for a single one.

    It is read-only, since the sums would not follow a change.
    """
    view: SlicedGradient = gradient.view(SlicedGradient)
    view.sums, view.known = sums, True
    view.flags.writeable = False
    return view


class _Wants(Protocol):
    @property
    def slice_sums(self) -> Wanted:
        """The sums over slices that it wants to have with gradients."""


_interested: weakref.WeakSet[Any] = weakref.WeakSet()


def may_want_slices(optimizer: _Wants) -> None:
    """To be called with each optimizer, which `wanted_sums` asks from then on."""
    _interested.add(optimizer)


def wanted_sums() -> Wanted:
    """The sums that some optimizer wants, for gradients of which nobody knows who will get them."""
    wanted = {name for optimizer in list(_interested) for name in optimizer.slice_sums}
    return tuple(name for name in SliceSums._fields if name in wanted)
