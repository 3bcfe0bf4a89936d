"""Activations as functions: those of single elements, and those along axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core.arrays import as_axes
from .._core.naming import camel_case
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._elementwise import Elementwise, as_float
from ._shapes import keeps_samples_on_axes


@dataclass(frozen=True)
class Activation(Elementwise):
    """An activation of single elements, by its native name.

    Attributes:
        alpha: the slope of leaky_relu, the scale of elu, the upper end of relu6.
    """

    kind: str
    alpha: float = 0.0

    # Operations of Keras with other names or arguments. There is none for mish, and none for relu6 with another end.
    _NAMES: ClassVar[dict[str, str]] = {"exponential": "Exp", "gelu_tanh": "Gelu", "mish": ""}
    _ARGUMENTS: ClassVar[dict[str, str]] = {"leaky_relu": "negative_slope", "elu": "alpha"}

    @property
    def _is_clip(self) -> bool:
        return self.kind == "relu6" and self.alpha != 6.0

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return "Clip" if self._is_clip else self._NAMES.get(self.kind, camel_case(self.kind))

    @property
    def keras_module(self) -> str:  # type: ignore[override]
        return "numpy" if self.kind in ("exponential", "tanh") or self._is_clip else "nn"

    def infer(self, *given: Spec) -> Spec:
        return Spec(given[0].shape)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        return [plan.builder.activation(as_float(plan, x), self.kind, self.alpha)]

    def get_config(self) -> dict[str, Any]:
        if self._is_clip:
            return {"x_min": 0.0, "x_max": self.alpha}
        if self.kind in ("gelu", "gelu_tanh"):
            return {"approximate": self.kind == "gelu_tanh"}
        return {self._ARGUMENTS[self.kind]: self.alpha} if self.kind in self._ARGUMENTS else {}


@dataclass(frozen=True)
class AxisActivation(Function):
    """Softmax or its logarithm along axes, whose values share the sum."""

    kind: str
    axis: tuple[int, ...]
    keras_module = "nn"

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self.kind)

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        as_axes(self.axis, len(x.shape))
        return Spec(x.shape)

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], as_axes(self.axis, len(given[0].shape)))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        tensor, shape, builder = as_float(plan, x), x.shape, plan.builder
        axes = [axis - first for axis in as_axes(self.axis, len(shape) + first)]
        order = [axis for axis in range(len(shape)) if axis not in axes] + axes
        moved = order != list(range(len(shape)))
        if moved:
            tensor = builder.permute(tensor, order)
        if len(axes) > 1:
            kept = [shape[axis] for axis in order[: -len(axes)]]
            tensor = builder.reshape(tensor, (*kept, math.prod(shape[axis] for axis in axes)))
        tensor = builder.activation(tensor, self.kind)
        if len(axes) > 1:
            tensor = builder.reshape(tensor, [shape[axis] for axis in order])
        return [builder.permute(tensor, [order.index(axis) for axis in range(len(shape))]) if moved else tensor]

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis[0] if len(self.axis) == 1 else list(self.axis)}
