"""Activations as layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from .._core.arrays import as_int
from .._core.types import Shape
from .._core.variables import Variable
from .._graph import registry
from .._graph.lowering import Lowering
from ..activations import ActivationSpec
from ._activated import activated
from ._attributes import Checked, OfWeight
from .base import Layer

if TYPE_CHECKING:
    from .._native import Float32


class Elementwise(Layer):
    """A layer that is one of the activations of plans."""

    supports_masking = True

    @property
    def activation_spec(self) -> ActivationSpec | None:
        """What the layer applies, as plans take it; None where that takes more than one op."""
        raise TypeError(f"{type(self).__name__} does not define activation_spec")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        spec = self.activation_spec
        assert spec is not None
        return [activated(lowering, inputs[0], spec, self.name)]

    def treats_positions_alike(self) -> bool:
        spec = self.activation_spec
        return registry.has(type(self)) and (spec is None or spec.function is None)


class Activation(Elementwise):
    """An activation as a layer of its own.

    Input and output (N, ...), float32. softmax and log_softmax are over the last axis.

    Args:
        activation: a name, a function of `day33.activations`, an activation layer, a function of a tensor written with
            functions of `day33.ops`, or None for none.

    Raises:
        ValueError: an unknown name. TypeError: a function of NumPy.
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


class ReLU(Elementwise):
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
        result = _above(lowering, x, self.threshold)
        if self.max_value is not None:
            result = builder.activation(result, "relu6", self.max_value)
        if self.negative_slope:
            falls = builder.activation(self._shifted(lowering, x, -1.0, self.threshold), "relu")
            result = builder.merge("subtract", [result, self._shifted(lowering, falls, self.negative_slope, 0.0)])
        return [result]

    @staticmethod
    def _shifted(lowering: Lowering, x: int, scale: float, offset: float) -> int:
        return lowering.builder.rescaling(x, *factors(scale, offset))

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **own}


class LeakyReLU(Elementwise):
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


class ELU(Elementwise):
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


class PReLU(Layer):
    """x where x > 0, else ``alpha * x``, with one learnt alpha per value of a sample (He et al., 2015).

    Input and output (N, ...), float32. Weights: alpha, of the shape of a sample, 1 along shared axes.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: see `day33.initializers`, `day33.regularizers` and
            `day33.constraints`.
        shared_axes: an axis or several along which alpha is the same; the batch counts as axis 0 and may not be meant.

    Raises:
        ValueError: an axis that the input does not have, or an argument of Keras that day33 does not have; when called,
            an input of unknown size, or of another size than when built, along an axis that is not shared.
    """

    supports_masking = True
    alpha_regularizer = OfWeight(regularizers.get)
    alpha_constraint = OfWeight(constraints.get)

    def __init__(
        self, alpha_initializer: initializers.InitializerLike = "zeros",
        alpha_regularizer: regularizers.RegularizerLike = None, alpha_constraint: constraints.ConstraintLike = None,
        shared_axes: int | Sequence[int] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.alpha_regularizer = alpha_regularizer
        self.alpha_constraint = alpha_constraint
        self.alpha_initializer = initializers.get(alpha_initializer)
        shared = () if shared_axes is None else shared_axes if isinstance(shared_axes, Iterable) else (shared_axes,)
        self.shared_axes = [as_int(f"shared_axes[{i}]", axis, 1) for i, axis in enumerate(shared)] or None
        self.alpha: Variable | None = None

    def _alpha_shape(self, input_shape: Any) -> tuple[int, ...]:
        shared = self.shared_axes or ()
        if any(axis >= len(input_shape) for axis in shared):
            raise ValueError(
                f"shared_axes of layer {self.name!r} is {self.shared_axes}; the input has shape {tuple(input_shape)}"
            )
        shape = tuple(1 if axis in shared else size for axis, size in enumerate(input_shape))[1:]
        if None in shape:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)}; expected known sizes along "
                "axes that are not among shared_axes"
            )
        if self.alpha is not None and self.alpha.shape != shape:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)}; expected one for alpha of "
                f"shape {self.alpha.shape}, as when it was built"
            )
        return shape

    def build(self, input_shape: Any) -> None:
        shape = self._alpha_shape(input_shape)
        self.alpha = self.add_weight(
            shape, self.alpha_initializer, name="alpha", regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )  # fmt: skip

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._alpha_shape(input_shape)
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, x = lowering.builder, inputs[0]
        rises = builder.activation(x, "relu")
        falls = builder.activation(builder.unary("negative", x), "relu")
        scaled = builder.binary("multiply", falls, builder.parameter_value(lowering.slot(self.alpha)))
        return [builder.binary("subtract", rises, scaled)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


def _above(lowering: Lowering, x: int, threshold: float) -> int:
    """X where it is above the threshold, else 0."""
    builder, shape = lowering.builder, lowering.shape(x)
    rises = builder.activation(builder.rescaling(x, *factors(1.0, -threshold)), "relu")
    if not threshold:
        return rises
    apart = (*shape, 1)  # x itself, not x - threshold
    above = builder.differs(builder.reshape(rises, apart), 0.0)
    return builder.reshape(builder.keep_where(builder.reshape(x, apart), above), shape)


class ThresholdedReLU(Elementwise):
    """x where x > theta, else 0; `ReLU(threshold=theta)`, as Keras 2 and TensorFlow call it.

    Input and output (N, ...), float32.

    Args:
        theta: where the rise begins, at least 0.

    Raises:
        ValueError: a negative theta, or None.
    """

    keras_module = "keras._legacy.layers"

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = _factor("theta", theta)

    @property
    def activation_spec(self) -> ActivationSpec | None:
        return None if self.theta else ActivationSpec("relu")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [_above(lowering, inputs[0], self.theta)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}


def _factor(argument: str, value: float) -> float:
    if value is None or not value >= 0:
        raise ValueError(f"{argument} is {value!r}; expected a number of at least 0")
    return float(value)


def factors(scale: float, offset: float) -> tuple[Float32, Float32]:
    """As `PlanBuilder.rescaling` takes them."""
    return np.array([scale], np.float32), np.array([offset], np.float32)
