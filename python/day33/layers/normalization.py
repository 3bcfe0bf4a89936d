"""Batch and layer normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import constraints, initializers, regularizers
from .._core.arrays import as_int
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._affine import Affine
from ._attributes import Checked


def _as_momentum(value: Any) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"momentum is {value!r}; expected 0 <= momentum <= 1")
    return float(value)


def _as_epsilon(value: Any) -> float:
    if not value > 0:
        raise ValueError(f"epsilon is {value!r}; expected a positive number")
    return float(value)


class BatchNormalization(Affine):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, over all axes but one (Ioffe and Szegedy, 2015).

    In training mean and variance are those of the batch, and the moving ones approach them:
    moving = momentum moving + (1 - momentum) batch. Otherwise, and always where `trainable` is False, the moving ones
    are used. Positions that a mask leaves out are normalised as the others, but do not count in mean and variance.

    Input and output (N, ..., C), float32, C the size of `axis`. Weights of shape (C,): gamma, beta, moving_mean,
    moving_variance; the last two are not trained.

    Args:
        axis: the axis that keeps its statistics apart; the batch counts as axis 0.
        momentum: 0 <= momentum <= 1.
        epsilon: positive.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: see
            `day33.initializers`.
        beta_regularizer, gamma_regularizer: see `day33.regularizers`.
        beta_constraint, gamma_constraint: see `day33.constraints`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input without
            that axis, of another size on it than when built, or with a mask that has not one number per (N, ...).
    """

    supports_masking = True
    takes_mask = True
    momentum = Checked(_as_momentum)
    epsilon = Checked(_as_epsilon)

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        moving_mean_initializer: initializers.InitializerLike = "zeros",
        moving_variance_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: regularizers.RegularizerLike = None,
        gamma_regularizer: regularizers.RegularizerLike = None,
        beta_constraint: constraints.ConstraintLike = None, gamma_constraint: constraints.ConstraintLike = None,
        synchronized: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self._refuse(synchronized=synchronized)
        if isinstance(axis, list | tuple) and len(axis) == 1:
            axis = axis[0]
        self.axis = as_int("axis", axis)
        if self.axis == 0:
            raise ValueError("axis is 0, the batch; expected another axis")
        self.momentum, self.epsilon = momentum, epsilon
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.moving_mean: Variable | None = None
        self.moving_variance: Variable | None = None

    def _channels(self, shape: Any) -> int:
        if len(shape) < 2 or any(isinstance(size, tuple | list) for size in shape):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, ..., C)")
        size = shape[self._axis(shape)]
        if not isinstance(size, int):
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected a known size of axis {self.axis}"
            )
        if self.moving_mean is not None and self.moving_mean.shape[0] != size:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected {self.moving_mean.shape[0]} on "
                f"axis {self.axis}, as when it was built"
            )
        return size

    def _axis(self, shape: Any) -> int:
        """The number of the axis from the front."""
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        if not 0 < axis < len(shape):
            raise ValueError(
                f"axis of layer {self.name!r} is {self.axis}; expected an axis after the batch of an input of shape "
                f"{tuple(shape)}"
            )
        return axis

    def build(self, input_shape: Any) -> None:
        shape = (self._channels(input_shape),)
        self.make_affine(shape)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._channels(input_shape)
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        assert self.moving_mean is not None and self.moving_variance is not None
        if lowering.forced and self.trainable:
            raise ValueError(
                "it is called with training=True whatever the model is run for; expected None, False, or the "
                "`training` argument of call"
            )
        frozen = lowering.inference or not self.trainable
        moving = lowering.slot if frozen else lowering.written_slot
        slots = [lowering.slot(self.gamma), lowering.slot(self.beta)]
        slots += [moving(self.moving_mean), moving(self.moving_variance)]
        builder, x, mask = lowering.builder, inputs[0], -1 if frozen else lowering.mask(inputs[0])
        axis, last = self._axis((None, *lowering.shape(x))) - 1, len(lowering.shape(x)) - 1
        if mask >= 0 and lowering.shape(mask) != lowering.shape(x)[:-1]:
            raise ValueError(
                f"the mask has shape {('N', *lowering.shape(mask))} for an input of shape {('N', *lowering.shape(x))}; "
                "expected a mask without the last axis alone"
            )
        if mask >= 0 and axis != last:
            raise ValueError(f"axis is {self.axis}, and the input has a mask; with a mask day33 expects the last axis")
        there_and_back = list(range(last + 1))
        there_and_back[axis], there_and_back[last] = last, axis
        if axis != last:
            x = builder.permute(x, there_and_back)
        result = builder.batch_normalization(
            x, *slots, momentum=self.momentum, epsilon=self.epsilon, frozen=frozen, mask=mask
        )
        return [result if axis == last else builder.permute(result, there_and_back)]

    def moving_variables_of_its_own(self) -> Sequence[Variable]:
        return [] if self.moving_mean is None else self._non_trainable_variables

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return math.prod(output_shape[1:])

    def get_config(self) -> dict[str, Any]:
        names = ("moving_mean_initializer", "moving_variance_initializer")
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            **self.affine_config(),
            **{name: initializers.serialize(getattr(self, name)) for name in names},
            "synchronized": False,
        }


class LayerNormalization(Affine):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, with the moments of each sample (Ba et al., 2016).

    The moments are taken over the last axes; gamma and beta have their shape.

    Input and output (N, ..., C), float32. Weights: gamma, beta.

    Args:
        axis: -1, or the numbers of the last axes in any order. The batch counts as axis 0.
        epsilon: not negative.
        center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint: of the weights, as of `BatchNormalization`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of which
            these are not the last axes, or have unknown sizes or others than when built.
    """

    supports_masking = True

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: regularizers.RegularizerLike = None,
        gamma_regularizer: regularizers.RegularizerLike = None,
        beta_constraint: constraints.ConstraintLike = None, gamma_constraint: constraints.ConstraintLike = None,
        rms_scaling: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self._refuse(rms_scaling=rms_scaling)
        if not epsilon >= 0:
            raise ValueError(f"epsilon is {epsilon}; expected a number of at least 0")
        axes = axis if isinstance(axis, list | tuple) else [axis]
        self.axis = [as_int(f"axis[{i}]", number) for i, number in enumerate(axes)]
        if not self.axis:
            raise ValueError("axis is empty; expected -1 or the numbers of the last axes")
        self.epsilon = float(epsilon)

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
        self.make_affine(self._normalised(input_shape))

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
            **self.affine_config(),
            "rms_scaling": False,
        }
