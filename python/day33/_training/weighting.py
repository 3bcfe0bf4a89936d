"""Sample weights as losses take them: with masks, with what a loss does not count, in the shape of its values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .._core.targets import mask_weights, position_weights
from .._core.types import Array
from .._graph.compiling import LossValue
from .batches import Batch
from .objective import OutputLoss

_MEANS = ("sum_over_batch_size", "mean")


def loss_weights(
    output_losses: Sequence[OutputLoss], values: Sequence[LossValue], output_shapes: Sequence[tuple[int, ...]],
    batch: Batch, masks: Mapping[int, Array],
) -> tuple[list[Array | None], list[float]]:  # fmt: skip
    """The weights of each loss, None for 1 everywhere, and the factor of those that take the batch as a whole.

    Args:
        output_losses, values: the losses, and what they are in the plan.
        output_shapes: of the outputs of the model, without the batch.
        batch: with sample weights. masks: of outputs, by number; what they leave out gets the weight 0.

    Raises:
        ValueError: weights do not fit the values of a loss.
    """
    weights: list[Array | None] = []
    scales = [1.0] * len(output_losses)
    for number, (item, value) in enumerate(zip(output_losses, values, strict=True)):
        found = batch.loss_weights[number]
        mask = _mask(item, batch.targets[number], masks.get(item.output), output_shapes[item.output][:-1])
        if found is not None and item.traced and value.positions is not None:
            found = position_weights(f"sample_weight of loss {item.loss.name!r}", found, (batch.size, *value.positions))
        if found is None and mask is None:
            weights.append(None)
        elif value.positions is None:
            scales[number] = _factor(item, found, mask)
            weights.append(np.full(batch.size, scales[number], np.float32))
        else:
            weights.append(_at_positions(item, found, mask, (batch.size, *value.positions)))
    return weights, scales


def _mask(item: OutputLoss, target: Array, mask: Array | None, positions: tuple[int, ...]) -> Array | None:
    """0 where the mask of the output or the loss itself leaves out a position; None for nothing."""
    if mask is not None and mask.ndim > 1 + len(positions):
        mask = None
    counted = item.loss.counted(target)
    if counted is None:
        return mask
    own = np.asarray(counted).astype(np.int32)
    if own.ndim == 2 + len(positions) and own.shape[-1] == 1:
        own = own[..., 0]
    if mask is None:
        return own
    return np.asarray((own != 0) & (mask.reshape(*mask.shape, *[1] * (own.ndim - mask.ndim)) != 0), np.int32)


def _combined(item: OutputLoss, weights: Array | None, mask: Array | None) -> Array:
    """Weights without what the mask leaves out."""
    if mask is None:
        assert weights is not None
        return weights
    return mask_weights(mask, weights, item.loss.reduction in _MEANS)


def _at_positions(item: OutputLoss, weights: Array | None, mask: Array | None, shape: tuple[int, ...]) -> Array | None:
    """Weights (N,), or of the shape of the values."""
    if mask is not None and mask.ndim > len(shape):
        mask = None
        if weights is None:
            return None
    found = _combined(item, weights, mask)
    if item.loss.reduction == "mean_with_sample_weight":
        total = float(found.sum(dtype=np.float64))
        # The plan divides by the number of positions.
        found = found * np.float32(math.prod(shape) / total if total else 0.0)
    if mask is None:
        return found
    found = found.reshape(*found.shape, *[1] * (len(shape) - found.ndim))
    return np.ascontiguousarray(np.broadcast_to(found, shape))


def _factor(item: OutputLoss, weights: Array | None, mask: Array | None) -> float:
    """What one number for the batch is multiplied by: as Keras does, the mean or sum of that number times weights."""
    reduction = item.loss.reduction
    if reduction in ("none", None):
        raise ValueError(
            f"sample_weight, or a mask, was given for loss {item.loss.name!r}, which gives one number for the batch; "
            f"with reduction {reduction!r}, expected none"
        )
    found = _combined(item, weights, mask)
    if reduction == "sum":
        return float(found.sum(dtype=np.float64))
    if reduction == "mean_with_sample_weight":
        return float(bool(found.sum(dtype=np.float64)))
    return float(found.mean(dtype=np.float64))
