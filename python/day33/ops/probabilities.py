"""Cross-entropies under the names of `keras.ops`. Arguments are as in `elementwise.py`.

Unlike those of `day33.losses`, they take no mean: there is one value per probability, or per distribution.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_int
from ._shapes import as_axis, may_be_equal
from .activation import IN_GRAPHS
from .elementwise import abs as absolute
from .elementwise import add, clip, divide, exp, log, log1p, maximum, multiply, negative, subtract
from .indexing import one_hot
from .reductions import logsumexp, sum
from .shaping import shape_of, squeeze

# Keras clips probabilities to [1e-7, 1 - 1e-7] in float32.
_LOWEST = np.float32(1e-7)
_HIGHEST = np.float32(1) - np.float32(1e-7)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-(t·log p + (1 - t)·log(1 - p))`` for each value.

    Args:
        target: 0, 1 or a number between, of the shape of `output`.
        output: probabilities p, clipped to [1e-7, 1 - 1e-7]; or logits, of which p is the sigmoid.
        from_logits: whether they are logits.

    Raises:
        ValueError: shapes that differ.
    """
    _require_one_shape(target, output)
    if from_logits:
        # log(1 + exp(-|z|)) cannot overflow.
        tail = log1p(exp(negative(absolute(output))))
        return add(subtract(maximum(output, 0.0), multiply(output, target)), tail)
    p = clip(output, _LOWEST, _HIGHEST)
    return negative(add(multiply(target, log(p)), multiply(subtract(1.0, target), log(subtract(1.0, p)))))


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(t·log p)`` along an axis, the classes.

    Args:
        target: probabilities of the shape of `output`.
        output: probabilities, divided by their sum and clipped to [1e-7, 1 - 1e-7]; or logits.
        from_logits: whether they are logits, of which p is the softmax.
        axis: the classes.

    Raises:
        ValueError: shapes that differ, or that have no axis.
    """
    _require_one_shape(target, output)
    along = as_axis(axis, len(shape_of(output)))
    if from_logits:
        logs = IN_GRAPHS["log_softmax"](output, along)
    else:
        logs = log(clip(divide(output, sum(output, along, keepdims=True)), _LOWEST, _HIGHEST))
    return negative(sum(multiply(target, logs), along))


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-log p[label]`` along an axis, the classes.

    Args:
        target: labels: integers of the shape of `output` without that axis, or with length 1 there.
        output: probabilities, clipped to [1e-7, 1 - 1e-7] and divided by their sum; or logits.
        from_logits: whether they are logits, of which p is the softmax.
        axis: the classes.

    Raises:
        ValueError: shapes that do not fit.
    """
    shape, labels = shape_of(output), shape_of(target)
    along = as_axis(as_int("axis", axis), len(shape))
    if len(labels) == len(shape) and labels[along] == 1:
        target = squeeze(target, along)
        labels = shape_of(target)
    rest = (*shape[:along], *shape[along + 1 :])
    if not may_be_equal(labels, rest):
        raise ValueError(f"target has shape {shape_of(target)} and output {shape}; expected {rest}")
    logits = output if from_logits else log(clip(output, _LOWEST, _HIGHEST))
    classes = shape[along]
    if classes is None:
        raise ValueError(f"output has shape {shape}; expected a known number of classes")
    chosen = sum(multiply(one_hot(target, classes, along), logits), along)
    return subtract(logsumexp(logits, along), chosen)


def _require_one_shape(target: Any, output: Any) -> None:
    ours, theirs = shape_of(target), shape_of(output)
    if not may_be_equal(ours, theirs):
        raise ValueError(f"target has shape {ours} and output {theirs}; expected the same shape")
