"""Samples as users hand them over, for steps that are the user's own code: nothing is fitted to a model's inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import tree
from .._core.tensors import Tensor, as_tensor
from .._core.types import Array
from .batches import check_sizes, class_weights, refuse_empty, unpack
from .structures import is_array


@dataclass(slots=True)
class Given:
    """A whole data set, or a batch of it.

    Attributes:
        size: the number of samples N.
        data: what a step is called with: x, (x, y) or (x, y, sample_weight), or whatever an iterable gave. Arrays in it
            are (N, ...), and answer ``.numpy()``.
    """

    size: int
    data: Any

    # A step may keep what it was given, so no batch goes into the memory of another one.
    reuses_memory = False

    def map(self, cut: Callable[[Array], Array], size: int) -> Given:
        """The same with `cut` applied to each array."""
        return Given(size, tree.transform(lambda leaf: as_tensor(cut(leaf)) if is_array(leaf) else leaf, self.data))

    def slice(self, start: int, stop: int) -> Given:
        """The samples from `start` to before `stop`."""
        return self.map(lambda array: array[start:stop], stop - start)

    def without_weights(self) -> Given:
        """The same without sample weights."""
        return Given(self.size, self.data[:2])

    def shapes(self) -> list[tuple[int, ...]]:
        """Of the arrays."""
        return [np.shape(leaf) for leaf in tree.flatten(self.data)]


class GivenStandardizer:
    """Makes `Given` of x, y and sample_weight, or of what an iterable gives.

    Args:
        class_weight: weights by class, which become sample weights.
    """

    def __init__(self, class_weight: Mapping[int, float] | None = None) -> None:
        if class_weight is not None and not isinstance(class_weight, Mapping):
            raise TypeError(f"class_weight is {class_weight!r}; expected a dict from class number to weight")
        self._class_weight = class_weight

    def __call__(self, x: Any, y: Any = None, sample_weight: Any = None) -> Given:
        size, parts = self._checked(x, y, sample_weight)
        return Given(size, self._weighted(pack(*parts)))

    def single(self, x: Any, y: Any = None, sample_weight: Any = None) -> Given:
        """A batch on its own: always (x, y, sample_weight), None where there is none, as Keras hands it on.

        Raises:
            ValueError: it is empty.
        """
        size, parts = self._checked(x, y, sample_weight)
        given = Given(size, self._weighted(tuple(parts)))
        refuse_empty(given)
        return given

    def _checked(self, x: Any, y: Any, sample_weight: Any) -> tuple[int, list[Any]]:
        """The number of samples, and the arrays."""
        if x is None:
            raise ValueError("x is missing; expected arrays or batches")
        given = [(name, _as_arrays(value)) for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight))]
        size = check_sizes((name, len(leaf)) for name, value in given for leaf in tree.flatten(value) if is_array(leaf))
        return size, [value for _, value in given]

    def item(self, item: Any) -> Given:
        """What an iterable gave. Tuples and lists may have any length, as a step takes them."""
        data = tree.transform(lambda leaf: as_tensor(leaf) if type(leaf) is np.ndarray else leaf, item)
        sizes = [len(leaf) for leaf in tree.flatten(data) if is_array(leaf)]
        return Given(sizes[0] if sizes else 1, self._weighted(data))

    def _weighted(self, data: Any) -> Any:
        if self._class_weight is None:
            return data
        x, y, sample_weight = unpack(data)
        if y is None:
            raise ValueError("class_weight was given, but there are no targets; expected y")
        if sample_weight is not None:
            raise ValueError("class_weight and sample_weight cannot both be given")
        return x, y, as_tensor(class_weights(np.asarray(y), self._class_weight))


def pack(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What a step is called with: x, or a tuple of what is not None; a list or tuple x as ``(x,)``."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, list | tuple) else x


def _as_arrays(value: Any) -> Any:
    """Nested lists, tuples and dicts of arrays, or one array; double precision becomes float32, as in Keras."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _as_arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and any(is_array(item) or item is None for item in value):
        return type(value)([_as_arrays(item) for item in value])
    array = value if isinstance(value, Tensor) else np.asarray(value)
    return as_tensor(array.astype(np.float32) if array.dtype.kind == "f" and array.dtype != np.float32 else array)
