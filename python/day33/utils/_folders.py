"""Files in folders, one folder for each class, as data sets in batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from .._data.dataset import Dataset
from ..random import next_seed
from .arrays import to_categorical


def check_choices(**arguments: tuple[Any, tuple[Any, ...]]) -> None:
    """ValueError where one of the arguments, each given with what is allowed, has another value."""
    for name, (value, allowed) in arguments.items():
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")


def files_in_batches(
    directory: str | os.PathLike[str],
    suffixes: tuple[str, ...],
    load: Callable[[str], Any],
    *,
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> Any:
    """What `load` makes of each file below a folder that ends in one of `suffixes`, with its label.

    The other arguments are those of `image_dataset_from_directory` and `text_dataset_from_directory`.
    """
    check_choices(
        label_mode=(label_mode, ("int", "binary", "categorical", None)),
        subset=(subset, ("training", "validation", "both", None)),
    )
    _check_split(validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    paths, numbers, names = _find(os.fspath(directory), suffixes, labels, class_names, follow_links)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(f'label_mode is "binary" and the classes are {names}; expected two')
    if verbose:
        print(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names is not None else "."))
    seed = next_seed() % 10**6 if seed is None else as_int("seed", seed, 0)
    order = np.arange(len(paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)  # the order of Keras for the same seed

    def made(rows: NDArray[np.intp], shuffled: bool) -> Dataset:
        if len(rows) == 0:
            raise ValueError(
                f"of {len(paths)} files in {directory} none is on this side; expected at least one file that ends "
                f"in {', '.join(suffixes)}"
            )
        chosen = [paths[row] for row in rows]
        data = Dataset.from_tensor_slices(
            chosen if numbers is None else (chosen, _targets(numbers[rows], names, label_mode))
        )
        if shuffled:
            data = data.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
        data = data.map(lambda path, *label: (load(str(path)), *label) if label else load(str(path)))
        if batch_size is not None:
            data = data.batch(batch_size)
        vars(data).update(class_names=names, file_paths=chosen)
        return data

    if subset is None:
        return made(order, shuffle)
    border = len(order) - int((validation_split or 0) * len(order))
    training, held_out = order[:border], order[border:]
    if subset == "both":
        return made(training, shuffle), made(held_out, False)
    return made(training if subset == "training" else held_out, shuffle)


def _check_split(validation_split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    if (validation_split is None) != (subset is None):
        raise ValueError(f"validation_split is {validation_split} and subset is {subset!r}; expected both or neither")
    if validation_split is None:
        return
    if not 0 < validation_split < 1:
        raise ValueError(f"validation_split is {validation_split}; expected a number between 0 and 1")
    if shuffle and seed is None:
        raise ValueError("seed is None; expected a seed, so that both sides of a shuffled split have no file in common")


def _find(
    directory: str,
    suffixes: tuple[str, ...],
    labels: str | Sequence[int] | None,
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> tuple[list[str], NDArray[np.int32] | None, list[str] | None]:
    """Paths, their label numbers and the names of the labels, in the order of the folders and the paths in them."""
    if labels == "inferred":
        present = sorted(
            name for name in os.listdir(directory)
            if os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
        )  # fmt: skip
        names = list(present if class_names is None else class_names)
        if not set(names) <= set(present):
            raise ValueError(f"class_names is {names}; expected folders in {directory}, which are {present}")
        listed = [list(_files_below(os.path.join(directory, name), suffixes, follow_links)) for name in names]
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(paths) for paths in listed])
        return [path for paths in listed for path in paths], numbers, names
    if class_names is not None:
        raise ValueError(f'class_names is {list(class_names)} and labels is not "inferred"; expected None')
    if isinstance(labels, str) or not isinstance(labels, Sequence | None):
        raise ValueError(f'labels is {labels!r}; expected "inferred", None, or a list of numbers')
    paths = list(_files_below(directory, suffixes, follow_links))
    if labels is None:
        return paths, None, None
    if len(labels) != len(paths):
        raise ValueError(f"labels has {len(labels)} numbers; expected {len(paths)}, as there are files in {directory}")
    numbers = np.asarray(labels, np.int32)
    return paths, numbers, [str(label) for label in np.unique(numbers)]


def _files_below(folder: str, suffixes: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (os.path.join(root, name) for name in sorted(files) if name.lower().endswith(suffixes))


def _targets(numbers: NDArray[np.int32], names: Sequence[str] | None, label_mode: str | None) -> NDArray[Any]:
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, np.newaxis]
    return to_categorical(numbers, len(names or ())).astype(np.float32) if label_mode == "categorical" else numbers
