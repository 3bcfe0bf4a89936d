"""Ops of layers that do something in training only."""

from __future__ import annotations

from collections.abc import Callable

from .._graph.lowering import Lowering


def in_training(lowering: Lowering, own: int, otherwise: int, change: Callable[[int], int]) -> int:
    """A value that depends on the mode.

    Args:
        own: the seed of the layer.
        otherwise: what there is without training.
        change: writes what there is in training, with the seed of its random op.
    """
    acts = lowering.acts()
    if acts is False:
        return otherwise
    seed = lowering.seed_of(own)
    if acts:
        return change(lowering.op_seed(seed))
    return lowering.builder.by_mode(change(seed), otherwise)
