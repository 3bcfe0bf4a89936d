"""Layers that add or multiply noise in training, and give their input as it is otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .._core.arrays import as_number
from .._core.types import Shape
from .._graph import registry
from .._graph.lowering import Lowering
from ._attributes import Checked, Seed, as_rate
from ._in_training import in_training
from .activation import factors
from .base import Layer
from .core import as_noise_shape, check_noise_shape

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848, 1.0507009873554804934


class _Noise(Layer):
    """What the layers share: noise from Philox, keyed by the seed of the run, that of the layer, sample and element."""

    acts_in_training_only = True
    native_training = False
    supports_masking = True
    seed = Seed()

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def _strength(self) -> float:
        """0 where the layer changes nothing."""
        raise TypeError(f"{type(self).__name__} does not define _strength")

    def _noisy(self, lowering: Lowering, x: int, seed: int) -> int:
        """What becomes of x in training."""
        raise TypeError(f"{type(self).__name__} does not define _noisy")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if not self._strength():
            return inputs
        return [in_training(lowering, Seed.of(self), inputs[0], lambda seed: self._noisy(lowering, inputs[0], seed))]

    def treats_positions_alike(self) -> bool:
        return registry.has(type(self))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def _as_deviation(value: Any) -> float:
    number = as_number("stddev", value, 0.0)
    if number > 1.0:
        raise ValueError(f"stddev is {value!r}; expected 0 <= stddev <= 1")
    return number


class GaussianNoise(_Noise):
    """In training, adds normally distributed noise of mean 0.

    Input and output (N, ...), float32.

    Args:
        stddev: the standard deviation of the noise, from 0 to 1.
        seed: as of `Dropout`.

    Raises:
        ValueError: stddev out of range.
    """

    stddev = Checked(_as_deviation)

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = stddev

    def _strength(self) -> float:
        return self.stddev

    def _noisy(self, lowering: Lowering, x: int, seed: int) -> int:
        builder = lowering.builder
        noise = builder.random("normal", lowering.shape(x), seed)
        return builder.binary("add", x, builder.rescaling(noise, *factors(self.stddev, 0.0)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """In training, multiplies by normally distributed noise of mean 1 and variance rate / (1 - rate), which is that of
    a dropout with this rate (Srivastava et al., 2014).

    Input and output (N, ...), float32.

    Args:
        rate: 0 <= rate < 1.
        seed: as of `Dropout`.

    Raises:
        ValueError: a rate out of range.
    """

    rate = Checked(as_rate)

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = rate

    def _strength(self) -> float:
        return self.rate

    def _noisy(self, lowering: Lowering, x: int, seed: int) -> int:
        builder = lowering.builder
        noise = builder.random("normal", lowering.shape(x), seed)
        deviation = math.sqrt(self.rate / (1 - self.rate))
        return builder.binary("multiply", x, builder.rescaling(noise, *factors(deviation, 1.0)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(_Noise):
    """In training, sets each value with probability `rate` to what selu gives at minus infinity, and scales and shifts
    all so that mean 0 and variance 1 stay as they are (Klambauer et al., 2017).

    Input and output (N, ...), float32.

    Args:
        rate: 0 <= rate < 1.
        noise_shape, seed: as of `Dropout`.

    Raises:
        ValueError: a rate or a noise_shape out of range, or, when called, an input that noise_shape does not fit.
    """

    rate = Checked(as_rate)
    noise_shape = Checked(as_noise_shape)

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape

    def compute_output_shape(self, input_shape: Any) -> Shape:
        check_noise_shape(self, self.noise_shape, tuple(input_shape))
        return tuple(input_shape)

    def _strength(self) -> float:
        return self.rate

    def _noisy(self, lowering: Lowering, x: int, seed: int) -> int:
        builder, shape = lowering.builder, lowering.shape(x)
        self.compute_output_shape((None, *shape))
        own = (self.noise_shape or (None,) * (len(shape) + 1))[1:]
        sizes = [size if given is None else given for given, size in zip(own, shape, strict=True)]
        low = -_SELU_ALPHA * _SELU_SCALE
        scale = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        drawn = builder.random("uniform", sizes, seed)
        kept = builder.unary("floor", builder.rescaling(drawn, *factors(1.0, 1.0 - self.rate)))
        changed = builder.binary(
            "add", builder.binary("multiply", x, kept), builder.rescaling(kept, *factors(-low, low))
        )
        return builder.rescaling(changed, *factors(scale, -scale * low * self.rate))

    def treats_positions_alike(self) -> bool:
        return self.noise_shape is None and super().treats_positions_alike()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}
