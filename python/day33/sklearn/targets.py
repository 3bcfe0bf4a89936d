"""Labels as the targets of a network, and its outputs as probabilities of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import losses
from ..models import Model
from ..utils import to_categorical

_SUM_TOLERANCE = 1e-3  # how far the sum of a row of probabilities may be from 1: float32, over a thousand classes


def single_output(model: Model) -> int:
    """The size of the last axis of the output. ValueError where there are several outputs, or none that is (N, K)."""
    shapes = [tensor.shape for tensor in model.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] is None:
        raise ValueError(f"the model has outputs of shapes {shapes}; expected one, (N, K)")
    return int(shapes[0][1])


def class_targets(model: Model, codes: NDArray[np.intp], n_classes: int) -> NDArray[Any]:
    """Class numbers as the loss of the model takes them.

    (N, 1) of 0 and 1 for a single output, (N,) numbers for a sparse loss, else one-hot (N, K).

    Raises:
        ValueError: the model has another number of outputs than there are classes.
    """
    units = single_output(model)
    if units == 1 and n_classes == 2:
        return codes.astype(np.float32)[:, np.newaxis]
    if units != n_classes:
        raise ValueError(f"the model gives {units} values per sample; expected {n_classes}, one per class of y")
    if _loss(model).name.startswith("sparse"):
        return codes.astype(np.int32)
    return to_categorical(codes, n_classes).astype(np.float32)


def probabilities(model: Model, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """What the model gives (N, K), or (N, 1) for the second of two classes, as probabilities (N, classes).

    Raises:
        ValueError: they are none: negative, or rows that do not add up to 1.
    """
    values = np.asarray(outputs, np.float64)
    logits = bool(getattr(_loss(model), "from_logits", False))
    if values.shape[1] == 1:
        second = 1 / (1 + np.exp(-values)) if logits else values
        values = np.concatenate([1 - second, second], axis=1)
    elif logits:
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        values = shifted / shifted.sum(axis=1, keepdims=True)
    sums = values.sum(axis=1, keepdims=True)
    if (values < 0).any() or (np.abs(sums - 1) > _SUM_TOLERANCE).any():
        raise ValueError(
            f"the model gives values from {values.min():.3g} to {values.max():.3g}, whose rows add up to "
            f"{sums.min():.3g} to {sums.max():.3g}; expected probabilities, of a softmax or sigmoid at its end, or a "
            "loss with from_logits=True"
        )
    return np.asarray(values / sums)


def _loss(model: Model) -> losses.Loss:
    arguments = model.compile_arguments or {}
    given = arguments.get("loss")
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    elif isinstance(given, dict) and len(given) == 1:
        (given,) = given.values()
    return losses.get(given)
