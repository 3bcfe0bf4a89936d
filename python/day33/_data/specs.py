"""`TensorSpec` and `DatasetSpec`: what is known of an element before there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._core.arrays import as_int
from .structures import map_leaves

Shape = tuple[int | None, ...]


def _dtype(dtype: DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    return np.dtype(np.str_) if found.kind in "OSU" else found  # of any length


class TensorSpec:
    """The shape and dtype of a tensor.

    Args:
        shape: None for sizes that vary; None in place of the shape where not even the rank is known.
        dtype: of NumPy, such as `day33.tf.float32`.
        name: for the sake of TensorFlow code.

    Raises:
        TypeError, ValueError: a size that is neither None nor an integer of at least 0.
    """

    def __init__(
        self, shape: Iterable[int | None] | None, dtype: DTypeLike = np.float32, name: str | None = None
    ) -> None:
        self.shape: Shape | None = (
            None if shape is None else tuple(size if size is None else as_int("shape", size, 0) for size in shape)
        )
        self.dtype = _dtype(dtype)
        self.name = name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return NotImplemented
        return self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype.name}, name={self.name!r})"

    def is_compatible_with(self, array: NDArray[Any]) -> bool:
        """Whether an array has that shape and dtype."""
        if _dtype(array.dtype) != self.dtype:
            return False
        if self.shape is None:
            return True
        return len(self.shape) == array.ndim and all(
            wanted in (None, size) for wanted, size in zip(self.shape, array.shape, strict=True)
        )

    def with_axis(self, size: int | None) -> TensorSpec:
        """Of several such tensors along a new first axis of that size."""
        return TensorSpec(None if self.shape is None else (size, *self.shape), self.dtype)

    def without_axis(self) -> TensorSpec:
        """Of an entry of the first axis. ValueError for a scalar."""
        if self.shape is None:
            return self
        if not self.shape:
            raise ValueError("the elements hold a scalar; expected a first axis to take them apart along")
        return TensorSpec(self.shape[1:], self.dtype)

    def merged(self, other: Any) -> TensorSpec:
        """What this and `other` have in common; of other ranks, no shape. TypeError for another dtype."""
        if not isinstance(other, TensorSpec) or other.dtype != self.dtype:
            raise TypeError(f"elements are {self} and {other}; expected the same dtype")
        if self.shape is None or other.shape is None or len(self.shape) != len(other.shape):
            return TensorSpec(None, self.dtype)
        sizes = (a if a == b else None for a, b in zip(self.shape, other.shape, strict=True))
        return TensorSpec(sizes, self.dtype)


@dataclass(frozen=True)
class DatasetSpec:
    """A data set as an element of another, such as a window.

    Attributes:
        element_spec: of its own elements.
    """

    element_spec: Any

    def merged(self, other: Any) -> DatasetSpec:
        """What this and `other` have in common."""
        if not isinstance(other, DatasetSpec):
            raise TypeError(f"elements are {self} and {other}; expected the same kind")
        return DatasetSpec(merge(self.element_spec, other.element_spec))


def spec_of(leaf: Any) -> TensorSpec | DatasetSpec:
    """The spec of an array, or of a data set."""
    if isinstance(leaf, np.ndarray):
        return TensorSpec(leaf.shape, leaf.dtype)
    return DatasetSpec(leaf.element_spec)


def tensor_spec(leaf: Any) -> TensorSpec:
    """The spec itself. TypeError for that of a data set."""
    if not isinstance(leaf, TensorSpec):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    return leaf


def merge(first: Any, second: Any) -> Any:
    """What two structures of specs have in common. TypeError where structures or dtypes differ."""
    return map_leaves(lambda a, b: a.merged(b), first, second)
