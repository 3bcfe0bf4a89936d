"""Data sets that Keras's loaders fetch: from the cache, or downloaded to it, with the hash checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from .._io.archives import Archive, refusing
from .._io.download import HASH_LENGTHS, cache_dir, fetch
from .._io.files import open_regular

KERAS_DATASETS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_LIMIT = 1 << 30  # bytes; none of these data sets comes near it


def cached(path: str, url: str, known_hash: str) -> Path:
    """A file of day33's cache, downloaded if it is not there or has another hash.

    Args:
        path: the name in the cache. Where a file of that path exists, it is taken instead, whatever its hash.
        url: where to fetch it.
        known_hash: its SHA-256 or MD5.

    Raises:
        OSError: it is not in the cache, and could not be downloaded. ValueError: another hash.
    """
    if Path(path).name != path or Path(path).exists():
        if not Path(path).is_file():
            raise FileNotFoundError(f"no such file: {path}; expected one, or the name of a file in the cache")
        return Path(path)
    algorithm = next(name for name, length in HASH_LENGTHS.items() if length == len(known_hash))
    return fetch(url, known_hash, cache_dir() / path, path, True, algorithm=algorithm)


def arrays_in(path: Path, *names: str) -> list[NDArray[Any]]:
    """Arrays of numbers in an .npz file. ValueError where it is damaged or has no such arrays."""
    with open_regular(path) as stream, refusing(path, ".npz file"), Archive(stream) as archive:
        return [archive.read_array(f"{name}.npy", _LIMIT) for name in names]


def table_in(path: Path) -> list[NDArray[Any]]:
    """The arrays x (N, F) and y (N,) of an .npz file. ValueError where it is damaged or has no such arrays."""
    x, y = arrays_in(path, "x", "y")
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"{path} has x of shape {x.shape} and y of shape {y.shape}; expected (N, F) and (N,)")
    return [x, y]


def rows_in(path: Path, *names: str) -> list[list[NDArray[np.int64]]]:
    """Lists of numbers of different lengths in an .npz file. ValueError where it is damaged or has no such lists."""
    with open_regular(path) as stream, refusing(path, ".npz file"), Archive(stream) as archive:
        return [archive.read_number_lists(f"{name}.npy", _LIMIT) for name in names]


def split_at_random(
    arrays: Sequence[NDArray[Any]], test_split: float, seed: int | None
) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    """The training part and the test part of shuffled samples, those of Keras for the same seed."""
    order = shuffled(len(arrays[0]), seed)
    border = int(len(order) * (1 - test_split))
    return tuple(a[order[:border]] for a in arrays), tuple(a[order[border:]] for a in arrays)


def check_split(test_split: float) -> None:
    """ValueError where `test_split` is no share that leaves something to train on."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split is {test_split}; expected a number of at least 0 and below 1")


def shuffled(count: int, seed: int | None, generator: np.random.RandomState | None = None) -> NDArray[np.intp]:
    """The numbers below `count` in the order of Keras for that seed, or in the next order of `generator`."""
    order = np.arange(count)
    (generator or np.random.RandomState(None if seed is None else as_int("seed", seed, 0))).shuffle(order)
    return order
