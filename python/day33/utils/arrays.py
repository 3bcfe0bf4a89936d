"""One-hot labels, and vectors of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_int
from .._core.tensors import Tensor, as_tensor


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> NDArray[Any]:
    """Class numbers as one-hot vectors, for `categorical_crossentropy`.

    Args:
        x: integers of any shape (...), or (..., 1); floats are cut to integers.
        num_classes: C; by default the largest number and one.

    Returns:
        (..., C) of zeros and ones, float64; of a tensor of `day33.tf` a tensor of float32.

    Raises:
        ValueError: a number outside of [0, C), or no number and no `num_classes`.
    """
    labels = np.asarray(x).astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        if labels.size == 0:
            raise ValueError("x is empty and num_classes is None; expected one of them")
        num_classes = int(labels.max()) + 1
    classes = as_int("num_classes", num_classes, 0)
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"x holds numbers from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}")
    one_hot = np.zeros((*labels.shape, classes), np.float32 if isinstance(x, Tensor) else np.float64)
    np.put_along_axis(one_hot, labels[..., np.newaxis], 1, axis=-1)
    return as_tensor(one_hot) if isinstance(x, Tensor) else one_hot


def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> NDArray[Any]:
    """Vectors divided by their length; vectors of zeros stay as they are.

    Args:
        x: real numbers of any shape.
        axis: the axis along which a vector lies.
        order: of the norm, as of `numpy.linalg.norm`.

    Returns:
        An array of the shape of `x`.
    """
    array = np.atleast_1d(np.asarray(x))
    lengths = np.linalg.norm(array, order, as_int("axis", axis), keepdims=True)
    return np.asarray(array / np.where(lengths == 0, 1, lengths))
