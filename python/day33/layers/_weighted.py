"""What layers with a kernel and a bias share."""

from __future__ import annotations

from typing import Any

from .. import activations, initializers
from .._core.variables import Variable
from ._attributes import Checked
from .base import Layer


class WeightedLayer(Layer):
    """A kernel, maybe a bias, and an activation after them. Keras's options without a counterpart are refused."""

    activation = Checked(activations.get)

    def __init__(
        self, *, activation: Any = None, use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        bias_initializer: initializers.InitializerLike = "zeros",
        kernel_regularizer: None = None, bias_regularizer: None = None,
        kernel_constraint: None = None, bias_constraint: None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._refuse(
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.activation = activation
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def _add_weights(self, kernel_shape: tuple[int, ...], bias_size: int) -> None:
        self.kernel = self.add_weight(kernel_shape, self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((bias_size,), self.bias_initializer, name="bias")

    def known_to_keras(self) -> bool:
        return self.activation.known_to_keras

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": self.activation.get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        }
