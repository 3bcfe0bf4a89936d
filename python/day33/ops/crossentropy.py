"""Cross-entropies under the names of `keras.ops`.

Of an output straight out of a sigmoid or softmax they are taken from the logits before it, as Keras does on TensorFlow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axis
from ._crossentropy import BinaryCrossentropy, LogProbabilities, Pick, refuse_other_shape
from ._functions import call
from .elementwise import cast, multiply, negative
from .reductions import sum

# Keras clips probabilities to [1e-7, 1 - 1e-7] in float32, where the upper bound is 1 - 2**-23.
_LOWEST = np.float32(1e-7)
_HIGHEST = np.float32(1) - np.float32(1e-7)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-t·log p - (1 - t)·log(1 - p)`` of each element, with p clipped to [1e-7, 1 - 1e-7].

    From logits z it is ``max(z, 0) - z·t + log(1 + exp(-|z|))``.

    Args:
        target: numbers from 0 to 1, of any shape.
        output: probabilities of the same shape, or logits.
        from_logits: which of the two.

    Raises:
        ValueError: another shape.
    """
    function = BinaryCrossentropy(bool(from_logits))
    return call(function, ("target", "output", "low", "high"), target, output, _LOWEST, _HIGHEST)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(t·log p)`` along `axis`, the classes.

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7]. From logits, p is their softmax.

    Args:
        target: a distribution over the classes for each position, such as (N, ..., C).
        output: probabilities of the same shape, or logits.
        from_logits: which of the two.
        axis: of the classes.

    Raises:
        ValueError: another shape, or an axis that there is not.
    """
    logs = log_probabilities(output, from_logits, axis, "before")
    shape = target.shape if hasattr(target, "shape") else np.shape(target)
    refuse_other_shape("target", shape, "output", logs.shape)
    return negative(sum(multiply(target, logs), axis))


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-log p[label]``.

    Probabilities are clipped to [1e-7, 1 - 1e-7] and, as in Keras, then divided by their sum. From logits, p is their
    softmax.

    Args:
        target: integers, or floats that are cut off, of shape (N, ...) or (N, ..., 1).
        output: probabilities (N, ..., C), or logits.
        from_logits: which of the two.
        axis: of the classes; the last one.

    Raises:
        ValueError: shapes that do not fit, another axis, or a label outside [0, C).
    """
    logs = log_probabilities(output, from_logits, axis, "after")
    return negative(call(Pick(), ("output", "target"), logs, cast(target, "int32")))


def log_probabilities(output: Any, from_logits: bool, axis: int, divides: str) -> Any:
    """Logarithms of the probabilities that an output gives, along an axis; see `LogProbabilities`."""
    rank = getattr(output, "ndim", None)
    number = as_axis(axis, int(np.ndim(output) if rank is None else rank))
    function = LogProbabilities(number, bool(from_logits), divides)
    return call(function, ("output", "low", "high"), output, _LOWEST, _HIGHEST)
