"""Activations as layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import activations
from .._graph import registry
from .._graph.lowering import Lowering
from ..activations import ActivationSpec
from ._attributes import Checked
from .base import Layer


class _Elementwise(Layer):
    supports_masking = True

    @property
    def activation_spec(self) -> ActivationSpec | None:
        """What the layer applies, as plans take it; None where that takes more than one op."""
        raise TypeError(f"{type(self).__name__} does not define activation_spec")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        spec = self.activation_spec
        assert spec is not None
        return [lowering.builder.activation(inputs[0], spec.kind, spec.alpha)]

    def treats_positions_alike(self) -> bool:
        return registry.has(type(self))


class Activation(_Elementwise):
    """An activation as a layer of its own.

    Input and output (N, ...), float32. softmax and log_softmax are over the last axis.

    Args:
        activation: a name, a function of `day33.activations`, an activation layer, or None for none.

    Raises:
        ValueError: an unknown name. TypeError: a function of another library.
    """

    activation = Checked(activations.get)

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activation

    @property
    def activation_spec(self) -> ActivationSpec:
        return self.activation

    def known_to_keras(self) -> bool:
        return self.activation.known_to_keras

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation.get_config()}


class ReLU(_Elementwise):
    """Rectified linear unit: ``max_value`` where x >= max_value, x where threshold < x < max_value, and
    ``negative_slope * (x - threshold)`` below (Nair and Hinton, 2010, with Keras's options).

    Input and output (N, ...), float32.

    Args:
        max_value: the largest output, at least 0; None for no limit.
        negative_slope: the slope at or below the threshold, at least 0.
        threshold: where the rise begins, at least 0.

    Raises:
        ValueError: a negative argument, or None for one that needs a number.
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _factor("max_value", max_value)
        self.negative_slope = _factor("negative_slope", negative_slope)
        self.threshold = _factor("threshold", threshold)

    @property
    def activation_spec(self) -> ActivationSpec | None:
        slope = self.negative_slope
        if self.threshold or (self.max_value is not None and slope):
            return None
        if self.max_value is not None:
            return ActivationSpec("relu6", self.max_value)
        return ActivationSpec("leaky_relu", slope) if slope else ActivationSpec("relu")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if self.activation_spec is not None:
            return super().lower(lowering, inputs)
        builder, x = lowering.builder, inputs[0]
        rises = self._shifted(lowering, x, 1.0, -self.threshold)
        result = builder.activation(rises, "relu")
        if self.threshold:  # above it x itself, not x - threshold
            shape = lowering.shape(x)
            apart = (*shape, 1)
            above = builder.differs(builder.reshape(result, apart), 0.0)
            result = builder.reshape(builder.keep_where(builder.reshape(x, apart), above), shape)
        if self.max_value is not None:
            result = builder.activation(result, "relu6", self.max_value)
        if self.negative_slope:
            falls = builder.activation(self._shifted(lowering, x, -1.0, self.threshold), "relu")
            result = builder.merge("subtract", [result, self._shifted(lowering, falls, self.negative_slope, 0.0)])
        return [result]

    @staticmethod
    def _shifted(lowering: Lowering, x: int, scale: float, offset: float) -> int:
        return lowering.builder.rescaling(x, np.array([scale], np.float32), np.array([offset], np.float32))

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **own}


class LeakyReLU(_Elementwise):
    """x where x > 0, else ``negative_slope * x`` (Maas et al., 2013).

    Input and output (N, ...), float32.

    Args:
        negative_slope: at least 0.

    Raises:
        ValueError: a negative slope.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _factor("negative_slope", negative_slope)

    @property
    def activation_spec(self) -> ActivationSpec:
        return ActivationSpec("leaky_relu", self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        result = super().modern_config(config)
        if "negative_slope" not in result and "alpha" in result:
            result["negative_slope"] = result.pop("alpha")
        return result


class ELU(_Elementwise):
    """x where x > 0, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2016).

    Input and output (N, ...), float32.

    Args:
        alpha: at least 0.

    Raises:
        ValueError: a negative alpha.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = _factor("alpha", alpha)

    @property
    def activation_spec(self) -> ActivationSpec:
        return ActivationSpec("elu", self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Elementwise):
    """``exp(x) / sum(exp(x))`` over the last axis.

    Input and output (N, ..., C), float32.

    Args:
        axis: -1, or the number of the last axis; the batch counts as axis 0.

    Raises:
        ValueError: when called on an input of which `axis` is not the last one.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    @property
    def activation_spec(self) -> ActivationSpec:
        return ActivationSpec("softmax")

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.axis not in (-1, len(input_shape) - 1):
            raise ValueError(f"axis of layer {self.name!r} is {self.axis}; day33 has softmax over the last axis only")
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _factor(argument: str, value: float) -> float:
    if value is None or not value >= 0:
        raise ValueError(f"{argument} is {value!r}; expected a number of at least 0")
    return float(value)
