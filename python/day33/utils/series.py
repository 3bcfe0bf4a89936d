"""Windows over a series, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_int
from .._core.tensors import as_tensor
from .._data.dataset import Dataset
from .._data.specs import TensorSpec
from ..random import next_seed


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Windows over the first axis of an array, each with its target.

    The window that begins at step i is ``data[i : i + sequence_length * sampling_rate : sampling_rate]``, and
    ``targets[i]`` belongs to it. Nothing is copied before a batch is asked for.

    Args:
        data: (T, ...), the steps of the series.
        targets: one for each step where a window may begin, or None.
        sequence_length: steps in a window.
        sequence_stride: steps from the beginning of a window to that of the next.
        sampling_rate: steps from one to the next in a window.
        batch_size: windows in a batch; None for single windows.
        shuffle: in random order.
        seed: of that order; without it, it follows `day33.set_random_seed`.
        start_index, end_index: the part of the series to use, the end excluded; all of it by default.

    Returns:
        A data set of windows (N, sequence_length, ...), or of pairs of windows and targets.

    Raises:
        ValueError: a stride, rate or index that does not lie within the series.
    """
    series = np.asarray(data)
    for name, array in (("data", series), ("targets", series if targets is None else np.asarray(targets))):
        if array.ndim == 0:
            raise ValueError(f"{name} is {array}, of shape (); expected a first axis of steps")
    steps = len(series)
    length = as_int("sequence_length", sequence_length, 1)
    stride, rate = (
        _within("sequence_stride", sequence_stride, 1, steps),
        _within("sampling_rate", sampling_rate, 1, steps),
    )
    start = 0 if not start_index else _within("start_index", start_index, 0, steps)
    end = steps if not end_index else _within("end_index", end_index, start + 1, steps)
    series = series[start:end]
    parts = [(series, np.arange(length) * rate)]
    count = len(series) - (length - 1) * rate
    if targets is not None:
        aims = np.asarray(targets)[start:end]
        parts.append((aims, np.zeros((), np.intp)))
        count = min(count, len(aims))
    begins = np.arange(0, max(count, 0), stride)
    if shuffle:
        seed = next_seed() % 10**6 if seed is None else as_int("seed", seed, 0)
        np.random.RandomState(seed).shuffle(begins)  # the order of Keras for the same seed

    def gather(numbers: Any) -> Any:
        places = begins[numbers]
        found = [as_tensor(array[np.add.outer(places, offsets)]) for array, offsets in parts]
        return found[0] if targets is None else tuple(found)

    specs = [TensorSpec((*offsets.shape, *array.shape[1:]), array.dtype) for array, offsets in parts]
    windows = Dataset(
        lambda: iter(range(len(begins))),
        specs[0] if targets is None else tuple(specs),
        len(begins),
        read=gather,
        join=lambda numbers: gather(np.asarray(numbers)),
    )
    if shuffle:
        windows = windows.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
    return windows if batch_size is None else windows.batch(batch_size)


def _within(name: str, value: int, minimum: int, steps: int) -> int:
    number = as_int(name, value, minimum)
    if number >= steps:
        raise ValueError(f"{name} is {number}; expected less than {steps}, the steps of data")
    return number
