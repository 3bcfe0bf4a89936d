"""Texts in folders, one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from .._core.arrays import as_optional_count
from ._folders import check_choices, files_in_batches


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The .txt files below a folder, in batches, with their labels. They are read when their batch is asked for.

    Args:
        directory: with "inferred" labels it holds a folder for each class.
        labels: "inferred" from the folders, None, or a number for each text in the order of their paths.
        label_mode: "int" (int32), "binary" (float32 of (N, 1), for two classes), "categorical" (one-hot, float32), or
            None for no labels.
        class_names: the folders to use, in the order of the label numbers; all, in alphabetical order, by default.
        batch_size: N; None for single texts.
        max_length: cut texts after so many bytes of UTF-8.
        shuffle: in random order; else in the order of the paths.
        seed: of that order. The same seed gives the same files to the same side of a split, and those of Keras.
        validation_split: the share of the texts that is held out.
        subset: with it "training", "validation", or "both" for a pair of data sets.
        follow_links: also go into folders that are links.
        format: "tf", a data set with the methods of `tf.data.Dataset`.
        verbose: print how many files and classes were found.

    Returns:
        A data set of strings (N,), or of pairs with labels. It has `class_names` and `file_paths`. What is not UTF-8
        is replaced by U+FFFD.

    Raises:
        ValueError: an argument is none of these, a split without both of its arguments or, shuffled, without a seed,
            or no text.
        FileNotFoundError: there is no such folder.
    """
    check_choices(format=(format, ("tf",)))
    limit = as_optional_count("max_length", max_length)

    def load(path: str) -> str:
        data = Path(path).read_bytes()
        whole = limit is None or len(data) <= limit
        # A character that the cut goes through is left out.
        return data.decode(errors="replace") if whole else data[:limit].decode(errors="ignore")

    return files_in_batches(
        directory,
        (".txt",),
        load,
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
