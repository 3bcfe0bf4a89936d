"""Optimizers with one step size for all weights: SGD and Lion."""

from __future__ import annotations

from typing import Any, Unpack

from .. import _native
from ._options import Option, SharedOptions, decay, flag, fraction, share
from ._slots import Groups, Updates
from .base import LearningRate, Optimizer, with_shared_options


class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's look-ahead if asked for.

    With gradient g, rate η and momentum μ: ``w ← w − η·g`` for μ = 0. Otherwise ``v ← μ·v − η·g`` and
    ``w ← w + v``, or with `nesterov` ``w ← w + μ·v − η·g``.

    Args:
        learning_rate: default 0.01.
        momentum: from 0 to 1, default 0.
        nesterov: look ahead along the velocity.
        weight_decay and all others: see `Optimizer`.
    """

    momentum = Option(fraction)
    nesterov = Option(flag)

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def rule_slots(self) -> Groups:
        return (("velocity",),) if self.momentum else ()

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.sgd_step(
            of.parameters,
            of.gradients,
            of.slots.get("velocity"),
            learning_rate=rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
        )


class Lion(Optimizer):
    """Lion (Chen et al. 2023, arXiv:2302.06675): every weight moves by the learning rate, up or down.

    With gradient g: ``w ← w − η·sign(β₁·m + (1 − β₁)·g)``, ``m ← β₂·m + (1 − β₂)·g``.

    Args:
        learning_rate: default 0.001.
        beta_1: the part of m in the direction of a step, above 0 and at most 1, default 0.9.
        beta_2: decay of the running mean of g, default 0.99.
        weight_decay and all others: see `Optimizer`.
    """

    beta_1 = Option(share)
    beta_2 = Option(decay)

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    @property
    def rule_slots(self) -> Groups:
        return (("momentum",),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.lion_step(
            of.parameters,
            of.gradients,
            of.slots["momentum"],
            learning_rate=rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
        )
