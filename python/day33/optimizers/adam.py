"""The Adam family: step sizes from running means of gradients and of their squares."""

from __future__ import annotations

import functools
from typing import Any, Unpack

import numpy as np

from .. import _native
from ._options import Option, OptionsButDecay, SharedOptions, decay, flag, number
from ._slots import Groups, Updates
from .base import LearningRate, Optimizer, with_shared_options


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014, arXiv:1412.6980), in the form of the text before their section 2.1.

    With gradient g at step t: ``m ← β₁·m + (1 − β₁)·g``, ``v ← β₂·v + (1 − β₂)·g²``,
    ``α = η·sqrt(1 − β₂ᵗ) / (1 − β₁ᵗ)``, ``w ← w − α·m / (sqrt(v) + ε)``.

    Args:
        learning_rate: default 0.001.
        beta_1, beta_2: decay of the running means of g and g², default 0.9 and 0.999.
        epsilon: default 1e-7.
        amsgrad: take the largest v so far in the place of v (Reddi et al. 2018, "On the convergence of Adam and
            beyond").
        weight_decay and all others: see `Optimizer`.
    """

    beta_1 = Option(decay)
    beta_2 = Option(decay)
    epsilon = Option(number)
    amsgrad = Option(flag)
    slice_rule = "squares"

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    @property
    def rule_slots(self) -> Groups:
        return (("momentum", "velocity"), ("velocity_hat",)) if self.amsgrad else (("momentum", "velocity"),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.adam_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["momentum"],
            of.slots["velocity"],
            of.slots.get("velocity_hat"),
            learning_rate=rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=step,
        )


class AdamW(Adam):
    """Adam with weight decay beside the gradient (Loshchilov and Hutter 2017, arXiv:1711.05101).

    The same as `Adam` with `weight_decay`, which is 0.004 here by default.

    Args:
        learning_rate: default 0.001.
        weight_decay: default 0.004; None raises ValueError.
        beta_1, beta_2, epsilon, amsgrad: see `Adam`.
        clipnorm and all others: see `Optimizer`.
    """

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **options: Unpack[OptionsButDecay],
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay is None; expected a number of at least 0")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *shared, **options)


class Nadam(Optimizer):
    """Adam with Nesterov's look-ahead (Dozat 2016, "Incorporating Nesterov momentum into Adam").

    With gradient g at step t, ``uₜ = β₁·(1 − 0.96ᵗ/2)`` and ``Uₜ = u₁·…·uₜ``: m and v as in `Adam`,
    ``m̂ = uₜ₊₁·m / (1 − Uₜ₊₁) + (1 − uₜ)·g / (1 − Uₜ)``, ``w ← w − η·m̂ / (sqrt(v / (1 − β₂ᵗ)) + ε)``.

    Args:
        learning_rate: default 0.001.
        beta_1, beta_2: decay of the running means of g and g², default 0.9 and 0.999.
        epsilon: default 1e-7.
        weight_decay and all others: see `Optimizer`.
    """

    beta_1 = Option(decay)
    beta_2 = Option(decay)
    epsilon = Option(number)
    slice_rule = "squares"

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule_slots(self) -> Groups:
        return (("momentum", "velocity"),)

    def derived_numbers(self) -> list[float]:
        return [self.beta_1**self.iterations * _nadam_product(self.iterations)]

    def _update(self, of: Updates, rate: float, step: int) -> None:
        now, following = _nadam_product(step), _nadam_product(step + 1)
        product, next_product = self.beta_1**step * now, self.beta_1 ** (step + 1) * following
        _native.nadam_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["momentum"],
            of.slots["velocity"],
            momentum_rate=rate * self.beta_1 * _nadam_factor(step + 1) / (1.0 - next_product),
            gradient_rate=rate * (1.0 - self.beta_1 * _nadam_factor(step)) / (1.0 - product),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=step,
        )


def _nadam_factor(step: int) -> float:
    return float(1.0 - 0.5 * 0.96**step)


@functools.lru_cache(maxsize=8)
def _nadam_product(step: int) -> float:
    """The product of the factors of the first `step` steps. From step 1000 on they are 1 in double."""
    return float(np.prod(1.0 - 0.5 * 0.96 ** np.arange(1, min(step, 1000) + 1)))


class Adamax(Optimizer):
    """Adam with the maximum norm (Kingma and Ba 2014, arXiv:1412.6980, section 7.1).

    With gradient g at step t: ``m ← β₁·m + (1 − β₁)·g``, ``u ← max(β₂·u, |g|)``,
    ``w ← w − η / (1 − β₁ᵗ) · m / (u + ε)``.

    Args:
        learning_rate: default 0.001.
        beta_1, beta_2: decay of the running mean of g and of the norm, default 0.9 and 0.999.
        epsilon: default 1e-7.
        weight_decay and all others: see `Optimizer`.
    """

    beta_1 = Option(decay)
    beta_2 = Option(decay)
    epsilon = Option(number)
    slice_rule = "magnitudes"

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule_slots(self) -> Groups:
        return (("momentum", "norm"),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.adamax_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["momentum"],
            of.slots["norm"],
            learning_rate=rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=step,
        )
