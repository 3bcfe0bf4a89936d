"""Small colour pictures of a hundred kinds of things: `keras.datasets.cifar100` (Krizhevsky, 2009)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._cifar import read

__all__ = ["load_data"]

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]
# The binary version: Keras reads the same pictures from pickles.
URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
MD5 = "03b5dce01913d631647c71ecec9e9cb8"
_LABELS = {"coarse": 0, "fine": 1}  # the order of the bytes in front of a picture


def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """The pictures from the cache, downloaded if they are not there.

    Args:
        label_mode: "fine" for a hundred classes, "coarse" for the twenty groups of them.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: images uint8 (N, 32, 32, 3), labels uint8 (N, 1).

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one; another mode.
    """
    if label_mode not in _LABELS:
        raise ValueError(f'label_mode is {label_mode!r}; expected "fine" or "coarse"')
    train, test = (
        read("cifar-100-binary.tar.gz", URL, MD5, [f"{name}.bin"], 2, _LABELS[label_mode]) for name in ("train", "test")
    )
    return train, test
