"""Small colour pictures of ten kinds of things: `keras.datasets.cifar10` (Krizhevsky, 2009)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._cifar import read

__all__ = ["load_data"]

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]
# The binary version: Keras reads the same pictures from pickles.
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"


def load_data() -> tuple[Split, Split]:
    """The pictures from the cache, downloaded if they are not there.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: images uint8 (N, 32, 32, 3), labels uint8 (N, 1) from 0 to 9:
        airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one.
    """
    training = [f"data_batch_{number}.bin" for number in range(1, 6)]
    train, test = (read("cifar-10-binary.tar.gz", URL, MD5, files, 1, 0) for files in (training, ["test_batch.bin"]))
    return train, test
