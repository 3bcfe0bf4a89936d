"""Functions along axes: sums, means, extremes, positions of extremes, running sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .._core.arrays import as_axes, as_axis
from .._core.naming import camel_case
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._elementwise import as_float
from ._shapes import keeps_samples_on_axes


@dataclass(frozen=True)
class Reduction(Function):
    """One of the native reductions, along axes; None stands for all."""

    kind: str
    axis: tuple[int, ...] | None = None
    keepdims: bool = False

    _TRUTHS: ClassVar[frozenset[str]] = frozenset({"any", "all"})

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self.kind)

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        axes = as_axes(self.axis, len(x.shape))
        if self.kind in ("max", "min") and any(x.shape[axis] == 0 for axis in axes):
            raise ValueError(f"x has shape {x.shape}; {self.kind} over axis {self.axis} needs at least one element")
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
        if not self.keepdims:
            shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
        if self.kind in self._TRUTHS or (x.dtype == "bool" and self.kind in ("max", "min")):
            return Spec(shape, "bool")
        return Spec(shape, "float32" if x.dtype == "float32" or self.kind == "mean" else "int32")

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], as_axes(self.axis, len(given[0].shape)))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        rank = len(x.shape) + first
        axes = [axis - first for axis in as_axes(self.axis, rank)]
        tensor = as_float(plan, x) if self.kind == "mean" else x.tensor
        result = plan.builder.reduce(self.kind, tensor, axes, keepdims=self.keepdims)
        plan.set_dtype(result, self.infer(Spec((*[None] * first, *x.shape), x.dtype)).dtype)
        return [result]

    def full_reduction(self, rank: int) -> str | None:
        everything = as_axes(self.axis, rank) == tuple(range(rank))
        return self.kind if everything and not self.keepdims and self.kind in ("sum", "mean") else None


@dataclass(frozen=True)
class ArgReduction(Function):
    """The position of the first maximum or minimum along an axis."""

    kind: str
    axis: int
    keepdims: bool = False

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self.kind)

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        axis = as_axis(self.axis, len(x.shape))
        if x.shape[axis] == 0:
            raise ValueError(f"x has shape {x.shape}; {self.kind} over axis {axis} needs at least one element")
        kept = (1,) if self.keepdims else ()
        return Spec((*x.shape[:axis], *kept, *x.shape[axis + 1 :]), "int32")

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(self.axis, len(given[0].shape))])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first) - first
        result = plan.builder.arg_reduce(self.kind, as_float(plan, x), axis)
        if self.keepdims:
            result = plan.builder.reshape(result, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
        plan.set_dtype(result, "int32")
        return [result]


@dataclass(frozen=True)
class Cumulation(Function):
    """Running sums or products along an axis."""

    kind: str
    axis: int

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self.kind)

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        as_axis(self.axis, len(x.shape))
        return Spec(x.shape, "float32" if x.dtype == "float32" else "int32")

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [as_axis(self.axis, len(given[0].shape))])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        axis = as_axis(self.axis, len(x.shape) + first) - first
        result = plan.builder.cumulate(self.kind, as_float(plan, x), axis)
        if x.dtype != "float32":
            result = plan.builder.cast(result, "int32")
            plan.set_dtype(result, "int32")
        return [result]
