"""Pictures in folders, one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from .._core.arrays import as_pair
from ._folders import check_choices, files_in_batches
from ._pictures import CHANNELS, fitted, read_picture


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
    check_choices(
        color_mode=(color_mode, tuple(CHANNELS)),
        interpolation=(interpolation, ("bilinear", "nearest")),
        data_format=(data_format, ("channels_last", None)),
    )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio are True; expected at most one of them")
    size = as_pair("image_size", tuple(image_size) if isinstance(image_size, Sequence) else image_size)
    fit = "crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else "distort"
    return files_in_batches(
        directory,
        (".bmp", ".gif", ".jpeg", ".jpg", ".png"),
        lambda path: fitted(read_picture(path, color_mode), size, interpolation, fit),
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
