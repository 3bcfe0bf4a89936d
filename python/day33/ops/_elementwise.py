"""Functions of single elements, with broadcasting: arithmetic, comparisons, choice, conversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._core.naming import camel_case
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._shapes import broadcast_shapes, keeps_samples_elementwise


class Elementwise(Function):
    """Results have the shape to which the arguments are broadcast."""

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_elementwise(given)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return low, high


def as_float(plan: Writer, operand: Operand) -> int:
    """An argument as a float32 tensor."""
    if operand.dtype == "float32":
        return operand.tensor
    return plan.builder.cast(operand.tensor, "float32")


def as_int(plan: Writer, operand: Operand) -> int:
    """An argument as an int32 tensor."""
    return plan.builder.cast(operand.tensor, "int32") if operand.dtype == "float32" else operand.tensor


def fitted(plan: Writer, operand: Operand, tensor: int, rank: int) -> int:
    """A tensor without leading axes of length 1 beyond `rank`, as a constant (1, C) is for samples (C,)."""
    shape = operand.shape
    return plan.builder.reshape(tensor, shape[len(shape) - rank :]) if len(shape) > rank else tensor


def _rank(operands: Sequence[Operand], first: int) -> int:
    """The rank of the arguments in the plan, where what is the same for all samples may have one axis more."""
    return max(len(operand.shape) for operand in operands if operand.slot is None or not first)


@dataclass(frozen=True)
class Unary(Elementwise):
    """One of the native functions of one argument."""

    kind: str

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self._NAMES.get(self.kind, self.kind))

    @property
    def keras_module(self) -> str:  # type: ignore[override]
        return "math" if self.kind in ("erf", "rsqrt") else "numpy"

    _NAMES: ClassVar[dict[str, str]] = {
        "abs": "absolute", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
        "atanh": "arctanh",
    }  # fmt: skip
    # What integers and truth values become: themselves, float32, or truth values.
    _ON_INTEGERS: ClassVar[frozenset[str]] = frozenset({"negative", "abs", "sign", "square", "logical_not"})
    _ON_TRUTHS: ClassVar[frozenset[str]] = frozenset({"abs", "trunc"})
    _WITHOUT_EFFECT: ClassVar[frozenset[str]] = frozenset({"round", "trunc"})
    _TRUTHS: ClassVar[frozenset[str]] = frozenset({"logical_not", "isnan", "isfinite", "isinf"})

    def infer(self, *given: Spec) -> Spec:
        (x,) = given
        if self.kind in self._TRUTHS:
            return Spec(x.shape, "bool")
        if x.dtype == "bool" and self.kind == "negative":
            raise TypeError("x of negative holds truth values; expected numbers")
        if x.dtype == "bool" and self.kind in self._ON_TRUTHS:
            return Spec(x.shape, "bool")
        keeps = self.kind in self._ON_INTEGERS or self.kind in self._WITHOUT_EFFECT
        return Spec(x.shape, "int32" if keeps and x.dtype != "float32" else "float32")

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        if x.dtype == "float32":
            result = plan.builder.unary(self.kind, x.tensor)
        elif self.kind in self._WITHOUT_EFFECT:
            result = plan.builder.reshape(x.tensor, x.shape)
        else:
            tensor = x.tensor if self.kind in self._ON_INTEGERS else as_float(plan, x)
            result = plan.builder.unary(self.kind, tensor)
        plan.set_dtype(result, self.infer(Spec(x.shape, x.dtype)).dtype)
        return [result]

    def penalty_kind(self) -> str | None:
        return self.kind if self.kind in ("abs", "square") else None

    def linear_in(self, numbers: list[float | None]) -> tuple[list[float], float] | None:
        return ([-1.0], 0.0) if self.kind == "negative" else None


_COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"})
_LOGICAL = frozenset({"logical_and", "logical_or", "logical_xor"})
_ALWAYS_FLOAT = frozenset({"divide", "arctan2"})


@dataclass(frozen=True)
class Binary(Elementwise):
    """One of the native functions of two arguments."""

    kind: str

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return camel_case(self.kind)

    def infer(self, *given: Spec) -> Spec:
        x1, x2 = given
        shape = broadcast_shapes(("x1", "x2"), (x1.shape, x2.shape))
        if self.kind in _COMPARISONS or self.kind in _LOGICAL:
            return Spec(shape, "bool")
        if "float32" in (x1.dtype, x2.dtype) or self.kind in _ALWAYS_FLOAT:
            return Spec(shape)
        return Spec(shape, "int32")

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x1, x2 = operands
        by_number = self._by_number(plan, x1, x2)
        if by_number is not None:
            return [by_number]
        rank = _rank(operands, first)
        floats = "float32" in (x1.dtype, x2.dtype) or self.kind in _ALWAYS_FLOAT
        convert = as_float if floats else as_int
        a, b = (fitted(plan, operand, convert(plan, operand), rank) for operand in operands)
        result = plan.builder.binary(self.kind, a, b)
        plan.set_dtype(result, self.infer(Spec(x1.shape, x1.dtype), Spec(x2.shape, x2.dtype)).dtype)
        return [result]

    def _by_number(self, plan: Writer, x1: Operand, x2: Operand) -> int | None:
        """A product or sum with one known number, for which the plan has an op of its own."""
        tensor, number = (x1, x2) if x1.number is None else (x2, x1)
        if tensor.dtype != "float32" or tensor.number is not None or number.number is None:
            return None
        found = self.linear_in([x1.number, x2.number])
        if found is None:
            return None
        factors, offset = found
        scale = factors[0 if tensor is x1 else 1]
        return plan.builder.rescaling(tensor.tensor, np.array([scale], np.float32), np.array([offset], np.float32))

    def linear_in(self, numbers: list[float | None]) -> tuple[list[float], float] | None:
        x1, x2 = numbers
        if self.kind == "add":
            return [1.0 if x1 is None else 0.0, 1.0 if x2 is None else 0.0], (x1 or 0.0) + (x2 or 0.0)
        if self.kind == "subtract":
            return [1.0 if x1 is None else 0.0, -1.0 if x2 is None else 0.0], (x1 or 0.0) - (x2 or 0.0)
        if self.kind == "multiply" and (x1 is None) != (x2 is None):
            return ([x2, 0.0], 0.0) if x1 is None else ([0.0, x1], 0.0)  # type: ignore[list-item]
        if self.kind == "divide" and x1 is None and x2:
            return [1.0 / x2, 0.0], 0.0
        return None


@dataclass(frozen=True)
class Where(Elementwise):
    """x1 where the condition holds, x2 elsewhere."""

    keras_name = "Where"

    def infer(self, *given: Spec) -> Spec:
        condition, x1, x2 = given
        shape = broadcast_shapes(("condition", "x1", "x2"), (condition.shape, x1.shape, x2.shape))
        dtypes = {x1.dtype, x2.dtype}
        return Spec(shape, "float32" if "float32" in dtypes else "int32" if "int32" in dtypes else "bool")

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        rank = _rank(operands, first)
        condition, x1, x2 = operands
        dtype = self.infer(*(Spec(item.shape, item.dtype) for item in operands)).dtype
        chosen = condition.tensor
        if condition.dtype == "float32":
            chosen = plan.builder.cast(chosen, "bool")
        convert = as_float if dtype == "float32" else as_int
        a, b = (fitted(plan, item, convert(plan, item), rank) for item in (x1, x2))
        result = plan.builder.select(fitted(plan, condition, chosen, rank), a, b)
        plan.set_dtype(result, dtype)
        return [result]


@dataclass(frozen=True)
class Cast(Elementwise):
    """Another dtype. Fractions are cut off."""

    dtype: str
    keras_name = "Cast"
    keras_module = "core"

    def infer(self, *given: Spec) -> Spec:
        return Spec(given[0].shape, self.dtype)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        same = {x.dtype, self.dtype} <= {"int32", "bool"} and self.dtype == "int32"
        if x.dtype == self.dtype or same:
            result = plan.builder.reshape(x.tensor, x.shape)
        else:
            result = plan.builder.cast(x.tensor, self.dtype)
        plan.set_dtype(result, self.dtype)
        return [result]


@dataclass(frozen=True)
class StopGradient(Elementwise):
    """The same values, from which no gradient goes back."""

    keras_name = "StopGradient"
    stops_gradient = True
    keras_module = "core"

    def infer(self, *given: Spec) -> Spec:
        return given[0]

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        (x,) = operands
        if x.dtype != "float32":
            return [x.tensor]
        return [plan.builder.stop_gradient(x.tensor)]
