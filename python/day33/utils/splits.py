"""Data in two parts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from .._core.arrays import as_int
from .._core.tensors import as_tensor
from .._data.dataset import Dataset
from .._data.structures import map_leaves
from ..random import next_seed


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Two data sets: the first samples, and the last ones.

    Args:
        dataset: an array, a tuple or list of arrays with first axes of one size, or a data set with an end. A data set
            in batches is split by samples, and both parts are in batches of the same size again.
        left_size: a number of samples (int), or their share (float, between 0 and 1); by default all that are not on
            the right.
        right_size: the same for the other side. One of both must be given.
        shuffle: draw the samples of both sides at random.
        seed: of the draw; without it, it follows `day33.set_random_seed`.

    Returns:
        The left and the right data set.

    Raises:
        ValueError: no size, sizes that are together more than there is, or a side without any sample.
        TypeError: another kind of data, or a size that is no number.
    """
    if left_size is None and right_size is None:
        raise ValueError("left_size and right_size are None; expected at least one of them")
    arrays, batch_size = _arrays(dataset)
    size = len(Dataset.from_tensor_slices(arrays))
    left, right = _sizes(left_size, right_size, size)
    order = list(range(size))
    if shuffle:
        # The order of Keras for the same seed.
        random.Random(next_seed() % 10**6 if seed is None else as_int("seed", seed, 0)).shuffle(order)

    def part(rows: list[int]) -> Dataset:
        samples = Dataset.from_tensor_slices(map_leaves(lambda array: array[np.asarray(rows, np.intp)], arrays))
        return samples if batch_size is None else samples.batch(batch_size)

    return part(order[:left]), part(order[size - right :])


def _arrays(dataset: Any) -> tuple[Any, int | None]:
    """The data as arrays in their structure, and the batch size they came in."""
    if isinstance(dataset, Dataset):
        batch_size = dataset.batch_size
        elements = list(dataset if batch_size is None else dataset.unbatch())
        if not elements:
            raise ValueError("dataset has no elements; expected at least two")
        return map_leaves(lambda *parts: as_tensor(np.stack(parts)), *elements), batch_size
    if isinstance(dataset, np.ndarray):
        return dataset, None
    if isinstance(dataset, tuple | list) and dataset and all(isinstance(array, np.ndarray) for array in dataset):
        return tuple(dataset), None
    raise TypeError(f"dataset is a {type(dataset).__name__}; expected a data set, an array, or a list of arrays")


def _sizes(left_size: float | None, right_size: float | None, size: int) -> tuple[int, int]:
    left, right = _samples("left_size", left_size, size), _samples("right_size", right_size, size)
    if left is None:
        assert right is not None
        left = size - right
    elif right is None:
        right = size - left
    if left + right > size:
        raise ValueError(f"left_size is {left_size} and right_size is {right_size}; expected at most {size} samples")
    if left == 0 or right == 0:
        raise ValueError(f"left_size is {left_size} and right_size is {right_size}; of {size} samples that leaves one "
                         "side without any")  # fmt: skip
    return left, right


def _samples(name: str, value: float | None, size: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, float | np.floating):
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value}; expected a share between 0 and 1, or a number of samples")
        return round(float(value) * size)
    number = as_int(name, value, 1)
    if number >= size:
        raise ValueError(f"{name} is {number}; expected less than {size}, the number of samples")
    return number
