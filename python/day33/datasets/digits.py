"""The small handwritten digits that come with scikit-learn, in MNIST's shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mnist import Split

__all__ = ["load_digits_small"]


def load_digits_small() -> tuple[Split, Split]:
    """The 1,797 handwritten digits that come with scikit-learn, brought to MNIST's shape; no download.

    The 8 x 8 pictures (values 0 to 16) are enlarged three times by bilinear interpolation with half-pixel centres
    (as ``day33.ops.up_sampling2d(x, 3, interpolation="bilinear")`` does it), scaled to 0..255, and framed by two empty
    pixels on each side: 28 x 28. The first 1,500 are the training set, the last 297 the test set; always the same.

    Returns:
        ``((x_train, y_train), (x_test, y_test))`` as `load_mnist` gives it.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = digits.images.astype(np.int64)  # whole numbers: the result is the same on every machine
    weights = _triple_weights(small.shape[1])
    large = weights @ small @ weights.T  # 9 times the interpolated value
    scaled = (large * 255 * 2 + 9 * 16) // (2 * 9 * 16)  # rounded half up
    images = np.pad(scaled.astype(np.uint8), ((0, 0), (2, 2), (2, 2)))
    labels = digits.target.astype(np.uint8)
    return (images[:1500], labels[:1500]), (images[1500:], labels[1500:])


def _triple_weights(size: int) -> NDArray[np.int64]:
    """Three times the matrix that interpolates `size` points at three times the density, edges held; (3*size, size)."""
    weights = np.zeros((3 * size, size), np.int64)
    for row in range(3 * size):
        # Half-pixel centres: the output at row sits at (row + 1/2) / 3 - 1/2 = (row - 1) / 3 of the input.
        low, thirds = divmod(row - 1, 3)
        weights[row, max(low, 0)] += 3 - thirds
        weights[row, min(low + 1, size - 1)] += thirds
    return weights
