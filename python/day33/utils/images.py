"""Pictures in folders, one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int, as_pair
from .._core.tensors import Tensor
from .._data.dataset import Dataset
from ..random import next_seed
from ._pictures import CHANNELS, fitted, read_picture
from .arrays import to_categorical

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """Pictures (PNG, JPEG, BMP, the first of a GIF) below a folder, in batches, with their labels.

    They are read by Pillow, which Matplotlib brings along, when their batch is asked for. The values of PNG files are
    those of TensorFlow; of JPEG files the two decoders differ by a few of 255.

    Args:
        directory: with "inferred" labels it holds a folder for each class.
        labels: "inferred" from the folders, None, or a number for each picture in the order of their paths.
        label_mode: "int" (int32), "binary" (float32 of (N, 1), for two classes), "categorical" (one-hot, float32), or
            None for no labels.
        class_names: the folders to use, in the order of the label numbers; all, in alphabetical order, by default.
        color_mode: "grayscale", "rgb" or "rgba".
        batch_size: N; None for single pictures.
        image_size: (height, width) to resize to.
        shuffle: in random order; else in the order of the paths.
        seed: of that order. The same seed gives the same files to the same side of a split, and those of Keras.
        validation_split: the share of the pictures that is held out.
        subset: with it "training", "validation", or "both" for a pair of data sets.
        interpolation: "bilinear" or "nearest".
        follow_links: also go into folders that are links.
        crop_to_aspect_ratio: cut off what does not fit the shape of `image_size`, rather than distort.
        pad_to_aspect_ratio: fill up with 0, rather than distort.
        data_format: None or "channels_last".
        verbose: print how many files and classes were found.

    Returns:
        A data set of float32 (N, height, width, channels), 0 to 255 ("nearest" keeps uint8), or of pairs with labels.
        It has `class_names` and `file_paths`.

    Raises:
        ValueError: an argument is none of these, a split without both of its arguments or, shuffled, without a seed,
            or no picture; in a pass, a file that is no picture.
        FileNotFoundError: there is no such folder.
    """
    for name, value, allowed in (
        ("label_mode", label_mode, ("int", "binary", "categorical", None)),
        ("color_mode", color_mode, tuple(CHANNELS)),
        ("interpolation", interpolation, ("bilinear", "nearest")),
        ("data_format", data_format, ("channels_last", None)),
        ("subset", subset, ("training", "validation", "both", None)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio are True; expected at most one of them")
    _check_split(validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    paths, numbers, names = _find(os.fspath(directory), labels, class_names, follow_links)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(f'label_mode is "binary" and the classes are {names}; expected two')
    if verbose:
        print(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names is not None else "."))
    seed = next_seed() % 10**6 if seed is None else as_int("seed", seed, 0)
    order = np.arange(len(paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)  # the order of Keras for the same seed
    size = as_pair("image_size", tuple(image_size) if isinstance(image_size, Sequence) else image_size)
    fit = "crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else "distort"

    def load(path: Tensor, *label: Tensor) -> Any:
        picture = fitted(read_picture(str(path), color_mode), size, interpolation, fit)
        return (picture, *label) if label else picture

    def made(rows: NDArray[np.intp], shuffled: bool) -> Dataset:
        if len(rows) == 0:
            raise ValueError(
                f"of {len(paths)} pictures in {directory} none is on this side; expected at least one file that ends "
                f"in {', '.join(_SUFFIXES)}"
            )
        chosen = [paths[row] for row in rows]
        data = Dataset.from_tensor_slices(
            chosen if numbers is None else (chosen, _targets(numbers[rows], names, label_mode))
        )
        if shuffled:
            data = data.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
        data = data.map(load)
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
    directory: str, labels: str | Sequence[int] | None, class_names: Sequence[str] | None, follow_links: bool
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
        listed = [list(_pictures_below(os.path.join(directory, name), follow_links)) for name in names]
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(paths) for paths in listed])
        return [path for paths in listed for path in paths], numbers, names
    if class_names is not None:
        raise ValueError(f'class_names is {list(class_names)} and labels is not "inferred"; expected None')
    if isinstance(labels, str) or not isinstance(labels, Sequence | None):
        raise ValueError(f'labels is {labels!r}; expected "inferred", None, or a list of numbers')
    paths = list(_pictures_below(directory, follow_links))
    if labels is None:
        return paths, None, None
    if len(labels) != len(paths):
        raise ValueError(
            f"labels has {len(labels)} numbers; expected {len(paths)}, as there are pictures in {directory}"
        )
    numbers = np.asarray(labels, np.int32)
    return paths, numbers, [str(label) for label in np.unique(numbers)]


def _pictures_below(folder: str, follow_links: bool) -> Iterator[str]:
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (os.path.join(root, name) for name in sorted(files) if name.lower().endswith(_SUFFIXES))


def _targets(numbers: NDArray[np.int32], names: Sequence[str] | None, label_mode: str | None) -> NDArray[Any]:
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, np.newaxis]
    return to_categorical(numbers, len(names or ())).astype(np.float32) if label_mode == "categorical" else numbers
