"""SGD, Adadelta and Adam, with the names, defaults and update rules of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _native
from .base import LearningRate, Optimizer

if TYPE_CHECKING:
    from .._native import Float32


class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's look-ahead if asked for.

    With gradient g, rate η and momentum μ: ``w ← w − η·g`` for μ = 0. Otherwise ``v ← μ·v − η·g`` and
    ``w ← w + v``, or with `nesterov` ``w ← w + μ·v − η·g``.

    Args:
        learning_rate: default 0.01.
        momentum: from 0 to 1, default 0.
        nesterov: look ahead along the velocity.
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}; expected a number from 0 to 1")
        self.momentum = float(momentum)
        self.nesterov = bool(nesterov)
        self.slot_names = ("velocity",) if momentum else ()

    def _update(self, parameter: Any, gradient: Float32, slots: tuple[Float32, ...], rate: float, step: int) -> None:
        _native.sgd_step(
            parameter,
            gradient,
            slots[0] if slots else None,
            learning_rate=rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
        )


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
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see `Optimizer`.
    """

    slot_names = ("squares", "deltas")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        self.rho = float(rho)
        self.epsilon = float(epsilon)

    def _update(self, parameter: Any, gradient: Float32, slots: tuple[Float32, ...], rate: float, step: int) -> None:
        _native.adadelta_step(parameter, gradient, *slots, learning_rate=rate, rho=self.rho, epsilon=self.epsilon)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014, arXiv:1412.6980), in the form of the text before their section 2.1.

    With gradient g at step t: ``m ← β₁·m + (1 − β₁)·g``, ``v ← β₂·v + (1 − β₂)·g²``,
    ``α = η·sqrt(1 − β₂ᵗ) / (1 − β₁ᵗ)``, ``w ← w − α·m / (sqrt(v) + ε)``.

    Args:
        learning_rate: default 0.001.
        beta_1, beta_2: decay of the running means of g and g², default 0.9 and 0.999.
        epsilon: default 1e-7.
        amsgrad: only False is supported; True raises ValueError.
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see `Optimizer`.
    """

    slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        if amsgrad:
            raise ValueError("amsgrad is True; day33's Adam has the original rule only")
        for key, value in {"beta_1": beta_1, "beta_2": beta_2}.items():
            if not 0 <= value < 1:
                raise ValueError(f"{key} is {value}; expected a number of at least 0 and below 1")
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)

    def _update(self, parameter: Any, gradient: Float32, slots: tuple[Float32, ...], rate: float, step: int) -> None:
        _native.adam_step(
            parameter,
            gradient,
            *slots,
            learning_rate=rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=step,
        )
