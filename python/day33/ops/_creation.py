"""Functions whose results depend on the shapes of their arguments alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._graph.functions import Function, Given, Operand, Spec, Writer, known_shape
from ._sizes import Sizes, begins_with_batch, emitted, resolved


def constant_of(plan: Writer, shape: tuple[int, ...], value: Any, dtype: str) -> int:
    """A tensor of the plan with one value everywhere."""
    scalar = plan.constant(np.asarray(value, dtype))
    result = plan.builder.broadcast_to(scalar, shape) if shape else scalar
    plan.set_dtype(result, dtype)
    return result


@dataclass(frozen=True)
class Full(Function):
    """One value everywhere, in a shape that is known when the graph is run. Arguments: whose sizes are in the shape."""

    value: float
    sizes: Sizes
    dtype: str
    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        return Spec(resolved(self.sizes, [item.shape for item in given]), self.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return begins_with_batch(self.sizes, given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [constant_of(plan, emitted(self.sizes, operands, first), self.value, self.dtype)]


@dataclass(frozen=True)
class FullLike(Function):
    """One value everywhere, in the shape of the argument."""

    value: float
    dtype: str
    keras_name = "FullLike"

    def infer(self, *given: Spec) -> Spec:
        return Spec(given[0].shape, self.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return given[0].batched

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [constant_of(plan, operands[0].shape, self.value, self.dtype)]

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype}

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        return [*arguments, self.value], {}


@dataclass(frozen=True)
class Numbers(Function):
    """What NumPy makes of a few numbers, of which some are sizes that are known when the graph is run.

    Attributes:
        kind: "arange" (start, stop, step) or "eye" (rows, columns, diagonal).
        numbers: its arguments.
    """

    kind: str
    numbers: Sizes
    dtype: str

    keras_name = ""

    _MAKERS: ClassVar[dict[str, Any]] = {"arange": np.arange, "eye": np.eye}

    def _make(self, numbers: Sequence[int]) -> NDArray[Any]:
        made: NDArray[Any] = self._MAKERS[self.kind](*numbers)
        return made

    def infer(self, *given: Spec) -> Spec:
        known = resolved(self.numbers, [item.shape for item in given])
        if None not in known:
            return Spec(self._make(known_shape(Spec(known))).shape, self.dtype)
        return Spec((None,) if self.kind == "arange" else known[:2], self.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return False

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        result = plan.constant(self._make(emitted(self.numbers, operands, 0)).astype(self.dtype))
        plan.set_dtype(result, self.dtype)
        return [result]
