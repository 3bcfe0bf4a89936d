"""Batch and layer normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import initializers
from .._core.arrays import as_int
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from .base import Layer

_PARTS = ("beta", "gamma", "moving_mean", "moving_variance")


class BatchNormalization(Layer):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, over all axes but the last (Ioffe & Szegedy, 2015).

    In training mean and variance are the batch's, and the moving ones go towards them:
    moving = momentum moving + (1 - momentum) batch. Otherwise, and always where `trainable` is False, the moving ones
    are used. Weights of shape (C,): gamma, beta, moving_mean, moving_variance; the last two are not trained.

    Args:
        axis: -1, or the number of the last axis.
        momentum: 0 <= momentum <= 1. epsilon: positive.
        center, scale: whether there is a beta, a gamma.
    """

    supports_masking = True

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        moving_mean_initializer: initializers.InitializerLike = "zeros",
        moving_variance_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: None = None, gamma_regularizer: None = None, beta_constraint: None = None,
        gamma_constraint: None = None, synchronized: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._refuse(
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint, synchronized=synchronized,
        )  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}; expected 0 <= momentum <= 1")
        if not epsilon > 0:
            raise ValueError(f"epsilon is {epsilon}; expected a positive number")
        if isinstance(axis, list | tuple) and len(axis) == 1:
            axis = axis[0]
        self.axis = as_int("axis", axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        self.moving_mean: Variable | None = None
        self.moving_variance: Variable | None = None

    def _channels(self, shape: Any) -> int:
        if len(shape) < 2 or not isinstance(shape[-1], int):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, ..., C)")
        if self.axis not in (-1, len(shape) - 1):
            raise ValueError(f"axis of layer {self.name!r} is {self.axis}; day33 normalises the last axis only, "
                             f"-1 or {len(shape) - 1} for an input of shape {shape}")  # fmt: skip
        if self.moving_mean is not None and self.moving_mean.shape[0] != shape[-1]:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected {self.moving_mean.shape[0]} "
                "channels, as when it was built"
            )
        return shape[-1]

    def build(self, input_shape: Any) -> None:
        shape = (self._channels(input_shape),)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._channels(input_shape)
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        slots = [lowering.slot(v) for v in (self.gamma, self.beta, self.moving_mean, self.moving_variance)]
        frozen = lowering.inference or not self.trainable
        result = lowering.builder.batch_normalization(
            inputs[0], *slots, momentum=self.momentum, epsilon=self.epsilon, frozen=frozen
        )
        return [result]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return math.prod(output_shape[1:])

    def get_config(self) -> dict[str, Any]:
        names = [f"{part}_initializer" for part in _PARTS]
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **{name: initializers.serialize(getattr(self, name)) for name in names},
            "beta_regularizer": None,
            "gamma_regularizer": None,
            "beta_constraint": None,
            "gamma_constraint": None,
            "synchronized": False,
        }


class LayerNormalization(Layer):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, with the moments of each sample (Ba et al., 2016).

    The moments are taken over the last axes, of whose shape the weights are: gamma, beta.

    Args:
        axis: -1, or the numbers of the last axes in any order. The batch counts as axis 0.
        epsilon: not negative.
        center, scale: whether there is a beta, a gamma.
    """

    supports_masking = True

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: None = None, gamma_regularizer: None = None, beta_constraint: None = None,
        gamma_constraint: None = None, rms_scaling: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._refuse(
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint, rms_scaling=rms_scaling,
        )  # fmt: skip
        if not epsilon >= 0:
            raise ValueError(f"epsilon is {epsilon}; expected a number of at least 0")
        axes = axis if isinstance(axis, list | tuple) else [axis]
        self.axis = [as_int(f"axis[{i}]", number) for i, number in enumerate(axes)]
        if not self.axis:
            raise ValueError("axis is empty; expected -1 or the numbers of the last axes")
        self.epsilon = float(epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _normalised(self, shape: Any) -> tuple[int, ...]:
        """The sizes of the axes that are normalised."""
        rank = len(shape)
        axes = sorted(number % rank if -rank <= number < rank else number for number in self.axis)
        if axes != list(range(rank - len(axes), rank)) or axes[0] == 0:
            raise ValueError(
                f"axis of layer {self.name!r} is {self.axis}; day33 normalises the last axes only, such as -1, for an "
                f"input of shape {tuple(shape)}"
            )
        sizes = tuple(shape[axis] for axis in axes)
        if None in sizes:
            raise ValueError(f"layer {self.name!r} was given an input of shape {tuple(shape)}; expected known sizes on "
                             f"the axes {self.axis}")  # fmt: skip
        for weights in (self.gamma, self.beta):
            if weights is not None and weights.shape != sizes:
                raise ValueError(
                    f"layer {self.name!r} was given an input of shape {tuple(shape)}; expected {weights.shape} on the "
                    f"axes {self.axis}, as when it was built"
                )
        return sizes

    def build(self, input_shape: Any) -> None:
        shape = self._normalised(input_shape)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._normalised(input_shape)
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        slots = lowering.slot(self.gamma), lowering.slot(self.beta)
        axes = len(self._normalised((None, *lowering.shape(inputs[0]))))
        return [lowering.builder.layer_normalization(inputs[0], *slots, axes=axes, epsilon=self.epsilon)]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return math.prod(output_shape[1:])

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if len(self.axis) == 1 else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis[0] if len(self.axis) == 1 else self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": None,
            "gamma_regularizer": None,
            "beta_constraint": None,
            "gamma_constraint": None,
            "rms_scaling": False,
        }
