"""Normalisation by lengths, by root mean squares, and in groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import constraints, initializers, regularizers
from .._core.arrays import as_int, as_number
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._affine import Affine
from .base import Layer


def _numbers(axis: Any) -> int | list[int]:
    """An axis, or a list of axes, as given."""
    if isinstance(axis, list | tuple):
        return [as_int(f"axis[{i}]", number) for i, number in enumerate(axis)]
    return as_int("axis", axis)


class _AlongAxes(Layer):
    """Base of layers that normalise along axes, counted with the batch, which is none of them."""

    axis: int | list[int]

    def _axes(self, rank: int) -> list[int]:
        """The axes in ascending order."""
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = sorted({number + rank if number < 0 else number for number in given})
        if len(axes) != len(given) or not axes or not 0 < axes[0] <= axes[-1] < rank:
            raise ValueError(
                f"axis of layer {self.name!r} is {self.axis} for an input of {rank} axes; expected some of them, each "
                "once, and not 0, the batch"
            )
        return axes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._axes(len(input_shape))
        return tuple(input_shape)

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return math.prod(output_shape[1:])

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        rank = len(input_shape)
        return (low, high) if self._axes(rank) == [rank - 1] else None


def _spread(lowering: Lowering, weight: Variable | None, axes: Sequence[int], rank: int) -> int:
    """A weight whose axes are these of a value of `rank` axes, batch not counted, with ones for the others."""
    sizes = iter(weight.shape if weight is not None else ())
    value = lowering.value_of(lowering.slot(weight))
    return lowering.builder.reshape(value, [next(sizes) if axis in axes else 1 for axis in range(rank)])


class UnitNormalization(_AlongAxes):
    """X divided by its Euclidean length along axes, which counts as 1e-12 at least.

    Input and output (N, ...), float32, with the mask of the input.

    Args:
        axis: an axis or a list of them; the batch counts as axis 0 and may not be meant.

    Raises:
        TypeError: an axis that is no integer. ValueError: when called, an input without such an axis.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _numbers(axis)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, x = lowering.builder, inputs[0]
        axes = [axis - 1 for axis in self._axes(len(lowering.shape(x)) + 1)]
        squares = builder.reduce("sum", builder.unary("square", x), axes, True)
        inverse = builder.unary("rsqrt", builder.binary("maximum", squares, lowering.constant(1e-24)))
        return [builder.binary("multiply", x, inverse)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class RMSNormalization(_AlongAxes):
    """scale x / sqrt(mean(x²) + epsilon), with the mean of each sample along axes (Zhang and Sennrich, 2019).

    Input and output (N, ...), float32, without a mask, as in Keras. Weight: scale, of the shape of the axes.

    Args:
        axis: an axis or a list of them; the batch counts as axis 0 and may not be meant.
        epsilon: not negative.

    Raises:
        TypeError: an axis that is no integer. ValueError: when called, an input without such an axis, or of unknown
            size on it.
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _numbers(axis)
        self.epsilon = as_number("epsilon", epsilon, 0.0)
        self.scale: Variable | None = None

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[axis] for axis in self._axes(len(input_shape))]
        self.scale = self.add_weight(sizes, "ones", name="scale")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, x = lowering.builder, inputs[0]
        rank = len(lowering.shape(x))
        axes = [axis - 1 for axis in self._axes(rank + 1)]
        mean = builder.reduce("mean", builder.unary("square", x), axes, True)
        inverse = builder.unary("rsqrt", builder.binary("add", mean, lowering.constant(self.epsilon)))
        scaled = builder.binary("multiply", x, inverse)
        return [builder.binary("multiply", scaled, _spread(lowering, self.scale, axes, rank))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class GroupNormalization(Affine):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, with the moments of each group of channels of each sample.

    Source: Wu and He, Group normalization, 2018. With one channel in each group it is instance normalisation.

    Input and output (N, ..., C), float32, with the mask of the input; C is the size of `axis`. Weights (C,): gamma,
    beta.

    Args:
        groups: how many groups there are; -1 for one per channel.
        axis: that of the channels; the batch counts as axis 0 and may not be meant.
        epsilon: not negative.
        center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint: as of `LayerNormalization`.

    Raises:
        ValueError: an argument out of range; when called, an input without that axis, or whose size on it is unknown,
            no multiple of `groups` or another than when built.
    """

    supports_masking = True

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: regularizers.RegularizerLike = None,
        gamma_regularizer: regularizers.RegularizerLike = None,
        beta_constraint: constraints.ConstraintLike = None, gamma_constraint: constraints.ConstraintLike = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = as_int("groups", groups)
        if self.groups < 1 and self.groups != -1:
            raise ValueError(f"groups is {groups}; expected at least 1, or -1 for one per channel")
        self.axis = as_int("axis", axis)
        self.epsilon = as_number("epsilon", epsilon, 0.0)

    def _place(self, shape: Any) -> int:
        """The axis of the channels, of a shape with the batch."""
        rank = len(shape)
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 0 < axis < rank:
            raise ValueError(f"axis of layer {self.name!r} is {self.axis} for an input of shape {tuple(shape)}; "
                             "expected one of its axes, and not 0, the batch")  # fmt: skip
        size = shape[axis]
        if size is None or size % self._count(size):
            raise ValueError(f"layer {self.name!r} was given an input of shape {tuple(shape)}; expected a multiple of "
                             f"groups, {self.groups}, on axis {self.axis}")  # fmt: skip
        for weight in (self.gamma, self.beta):
            if weight is not None and weight.shape != (size,):
                raise ValueError(f"layer {self.name!r} was given an input of shape {tuple(shape)}; expected "
                                 f"{weight.shape[0]} on axis {self.axis}, as when it was built")  # fmt: skip
        return axis

    def _count(self, channels: int) -> int:
        return channels if self.groups == -1 else int(self.groups)

    def build(self, input_shape: Any) -> None:
        self.make_affine((input_shape[self._place(input_shape)],))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._place(input_shape)
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, shape = lowering.builder, lowering.shape(inputs[0])
        place = self._place((None, *shape)) - 1
        count = self._count(shape[place])
        x = builder.reshape(inputs[0], [*shape[:place], count, shape[place] // count, *shape[place + 1 :]])
        others = [axis for axis in range(len(shape) + 1) if axis != place]
        distance = builder.binary("subtract", x, builder.reduce("mean", x, others, True))
        variance = builder.reduce("mean", builder.unary("square", distance), others, True)
        inverse = builder.unary("rsqrt", builder.binary("add", variance, lowering.constant(self.epsilon)))
        y = builder.reshape(builder.binary("multiply", distance, inverse), shape)
        if self.gamma is not None:
            y = builder.binary("multiply", y, _spread(lowering, self.gamma, [place], len(shape)))
        if self.beta is not None:
            y = builder.binary("add", y, _spread(lowering, self.beta, [place], len(shape)))
        return [y]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return 2 * int(math.prod(output_shape[1:]))

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    def get_config(self) -> dict[str, Any]:
        own = {"groups": self.groups, "axis": self.axis, "epsilon": self.epsilon}
        return {**super().get_config(), **own, **self.affine_config()}
