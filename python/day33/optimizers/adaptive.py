"""Step sizes from sums or running means of squared gradients: Adadelta, Adagrad, RMSprop and FTRL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from .. import _native
from ._options import Option, SharedOptions, decay, flag, fraction, not_positive, number
from ._slots import Groups, Updates
from .base import LearningRate, Optimizer, with_shared_options

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._native import Float32


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, arXiv:1212.5701): step sizes from running means of squared gradients and squared steps.

    With gradient g: ``a ← ρ·a + (1 − ρ)·g²``, ``Δ = −sqrt(d + ε) / sqrt(a + ε) · g``, ``d ← ρ·d + (1 − ρ)·Δ²``,
    ``w ← w + η·Δ``.

    Mind the learning rate. The paper has none, which is η = 1.0; the default here and behind the string
    ``"adadelta"`` is Keras's 0.001. At 0.001 a network moves a thousand times slower than the paper's method and may
    seem not to learn at all. Unless you want Keras's default on purpose, pass ``learning_rate=1.0``.

    Args:
        learning_rate: default 0.001; the paper's method is 1.0.
        rho: decay of the running means, default 0.95.
        epsilon: keeps the roots away from zero, default 1e-7.
        weight_decay and all others: see `Optimizer`.
    """

    rho = Option(decay)
    epsilon = Option(number)
    slice_rule = "squares"

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.rho = rho
        self.epsilon = epsilon

    @property
    def rule_slots(self) -> Groups:
        return (("squares", "deltas"),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.adadelta_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["squares"],
            of.slots["deltas"],
            learning_rate=rate,
            rho=self.rho,
            epsilon=self.epsilon,
        )


class _Accumulating(Optimizer):
    """With a sum of squares that begins with a number of the user's."""

    initial_accumulator_value = Option(number)
    slice_rule = "squares"

    def new_slot(self, name: str, variable: Variable) -> Float32:
        if name == "accumulator":
            return np.full(variable.shape, self.initial_accumulator_value, np.float32)
        return super().new_slot(name, variable)


class Adagrad(_Accumulating):
    """Adagrad (Duchi et al. 2011, Journal of Machine Learning Research 12): steps shrink with the sum of all g².

    With gradient g: ``a ← a + g²``, ``w ← w − η·g / sqrt(a + ε)``.

    Args:
        learning_rate: default 0.001.
        initial_accumulator_value: a before the first step, at least 0, default 0.1.
        epsilon: default 1e-7.
        weight_decay and all others: see `Optimizer`.
    """

    epsilon = Option(number)

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def rule_slots(self) -> Groups:
        return (("accumulator",),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.adagrad_step(
            of.parameters, of.gradients, of.sums, of.slots["accumulator"], learning_rate=rate, epsilon=self.epsilon
        )


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, "Neural networks for machine learning", lecture 6e): steps relative to the size of g.

    With gradient g: ``v ← ρ·v + (1 − ρ)·g²``, ``w ← w − η·g / sqrt(v + ε)``. With momentum μ, ``m ← μ·m + η·g /
    sqrt(v + ε)``, ``w ← w − m``. With `centered`, ``a ← ρ·a + (1 − ρ)·g`` and v − a² in the place of v (Graves 2013,
    arXiv:1308.0850).

    Args:
        learning_rate: default 0.001.
        rho: decay of the running means, default 0.9.
        momentum: from 0 to 1, default 0.
        epsilon: default 1e-7.
        centered: divide by the standard deviation of g rather than the root of its mean square.
        weight_decay and all others: see `Optimizer`.
    """

    rho = Option(decay)
    momentum = Option(fraction)
    epsilon = Option(number)
    centered = Option(flag)
    slice_rule = "squares"

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def check_together(self, options: Mapping[str, Any]) -> None:
        super().check_together(options)
        if options.get("per_slice") and options.get("centered"):
            raise ValueError(
                "per_slice is True; expected False with centered=True: v - a² may be below 0 where v has squares of "
                "slices and a has their sum, and the root is NaN"
            )

    @property
    def rule_slots(self) -> Groups:
        groups: Groups = (("velocity",),)
        if self.momentum:
            groups += (("momentum",),)
        return (*groups, ("average_gradient",)) if self.centered else groups

    def _update(self, of: Updates, rate: float, step: int) -> None:
        _native.rmsprop_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["velocity"],
            of.slots.get("momentum"),
            of.slots.get("average_gradient"),
            learning_rate=rate,
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )


class Ftrl(_Accumulating):
    """FTRL-Proximal (McMahan et al. 2013, "Ad click prediction: a view from the trenches"), for sparse linear models.

    With gradient g and p = −`learning_rate_power`: ``a' = a + g²``, ``z ← z + g + 2·s·w − (a'ᵖ − aᵖ) / η · w``,
    ``w ← (clip(z, −l₁, l₁) − z) / (a'ᵖ / η + 2·l₂ + β / η)``, ``a ← a'``.

    Args:
        learning_rate: default 0.001.
        learning_rate_power: at most 0, default -0.5.
        initial_accumulator_value: a before the first step, at least 0, default 0.1.
        l1_regularization_strength: l₁, at least 0.
        l2_regularization_strength: l₂, at least 0.
        l2_shrinkage_regularization_strength: s, at least 0: a penalty on w that only the gradient sees.
        beta: at least 0.
        weight_decay and all others: see `Optimizer`.
    """

    learning_rate_power = Option(not_positive)
    l1_regularization_strength = Option(number)
    l2_regularization_strength = Option(number)
    l2_shrinkage_regularization_strength = Option(number)
    beta = Option(number)

    @with_shared_options
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *shared: Any,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, *shared, **options)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    @property
    def rule_slots(self) -> Groups:
        return (("accumulator", "linear"),)

    def _update(self, of: Updates, rate: float, step: int) -> None:
        if not rate > 0:
            raise ValueError(f"learning_rate is {rate}; expected a number above 0, since {self.name} divides by it")
        _native.ftrl_step(
            of.parameters,
            of.gradients,
            of.sums,
            of.slots["accumulator"],
            of.slots["linear"],
            learning_rate=rate,
            exponent=-self.learning_rate_power,
            l1=self.l1_regularization_strength,
            l2=self.l2_regularization_strength + self.beta / (2.0 * rate),
            l2_shrinkage=self.l2_shrinkage_regularization_strength,
        )
