"""Activations as layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import activations
from .._graph.lowering import Lowering
from ..activations import ActivationSpec
from .base import Layer


class _Elementwise(Layer):
    supports_masking = True

    activation_spec = ActivationSpec("linear")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.activation(inputs[0], self.activation_spec.kind, self.activation_spec.alpha)]

    def known_to_keras(self) -> bool:
        return self.activation_spec.known_to_keras


class Activation(_Elementwise):
    """The activation of that name, see `day33.activations`; softmax and log_softmax are over the last axis."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation_spec = activations.get(activation)

    @property
    def activation(self) -> ActivationSpec:
        return self.activation_spec

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation_spec.get_config()}


class ReLU(_Elementwise):
    """max(x, 0); with `negative_slope` > 0 that slope below 0, or with a `max_value` never more than that."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._refuse(threshold=threshold or None)
        self.max_value = None if max_value is None else _factor("max_value", max_value)
        self.negative_slope = slope = _factor("negative_slope", negative_slope)
        if self.max_value is not None and slope:
            raise ValueError(
                f"max_value is {max_value} and negative_slope is {negative_slope}; day33 supports one of them at a time"
            )
        self.activation_spec = ActivationSpec("relu")
        if self.max_value is not None:
            self.activation_spec = ActivationSpec("relu6", self.max_value)
        elif slope:
            self.activation_spec = ActivationSpec("leaky_relu", slope)

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": 0.0}
        return {**super().get_config(), **own}


class LeakyReLU(_Elementwise):
    """x where x > 0, else negative_slope * x."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _factor("negative_slope", negative_slope)
        self.activation_spec = ActivationSpec("leaky_relu", self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        result = super().modern_config(config)
        if "negative_slope" not in result and "alpha" in result:
            result["negative_slope"] = result.pop("alpha")
        return result


class ELU(_Elementwise):
    """x where x > 0, else alpha * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = _factor("alpha", alpha)
        self.activation_spec = ActivationSpec("elu", self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Elementwise):
    """exp(x) / sum(exp(x)) over the last axis."""

    activation_spec = ActivationSpec("softmax")

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

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
