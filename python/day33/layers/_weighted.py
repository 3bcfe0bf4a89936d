"""What layers with a kernel and a bias share."""

from __future__ import annotations

from typing import Any

from .. import activations, constraints, initializers, regularizers
from .._core.variables import Variable
from ._attributes import Checked, OfWeight
from .base import Layer


class WeightedLayer(Layer):
    """A kernel, maybe a bias, and an activation after them. Keras's options without a counterpart are refused."""

    activation = Checked(activations.get)
    kernel_regularizer = OfWeight(regularizers.get)
    bias_regularizer = OfWeight(regularizers.get)
    kernel_constraint = OfWeight(constraints.get)
    bias_constraint = OfWeight(constraints.get)

    def __init__(
        self, *, activation: Any = None, use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        bias_initializer: initializers.InitializerLike = "zeros",
        kernel_regularizer: regularizers.RegularizerLike = None, bias_regularizer: regularizers.RegularizerLike = None,
        kernel_constraint: constraints.ConstraintLike = None, bias_constraint: constraints.ConstraintLike = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.activation = activation
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def _add_weights(self, kernel_shape: tuple[int, ...], bias_size: int) -> None:
        self.kernel = self.add_weight(
            kernel_shape, self.kernel_initializer, name="kernel", regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self._add_bias(bias_size)

    def _add_bias(self, size: int) -> None:
        self.bias = self.add_weight(
            (size,), self.bias_initializer, name="bias", regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )  # fmt: skip

    def known_to_keras(self) -> bool:
        return self.activation.known_to_keras

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": self.activation.get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
