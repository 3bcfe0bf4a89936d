"""Plans of a few ops, built and run for tests of the native ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from day33 import _native

LAYOUTS = ("lanes", "channels")


def dtype_name(array: np.ndarray) -> str:
    return "int32" if array.dtype == np.int32 else "float32"


class OpPlan:
    """`build(builder, *inputs, *slots)` returns the result; inputs have the shapes and dtypes of `arrays`."""

    def __init__(
        self,
        build: Callable[..., int],
        arrays: Sequence[np.ndarray],
        layout: str = "auto",
        parameters: Sequence[np.ndarray] = (),
        without: Sequence[str] = (),
    ) -> None:
        builder = _native.PlanBuilder()
        self.arrays = [np.ascontiguousarray(a) for a in arrays]
        self.parameters = [np.ascontiguousarray(p, np.float32) for p in parameters]
        slots = [builder.parameter(p.shape) for p in self.parameters]
        inputs = [builder.input(a.shape[1:], dtype_name(a)) for a in self.arrays]
        self.plan = builder.build([build(builder, *inputs, *slots)], layout=layout, without=without)

    def forward(self, **options: object) -> np.ndarray:
        return self.plan.forward(self.arrays, self.parameters, **options)[0]

    def backward(self, dy: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self.plan.backward(self.arrays, [np.ascontiguousarray(dy, np.float32)], self.parameters)


def sum_to(gradient: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Sums a gradient of a broadcast operand, batch first, to the operand's shape (batch first, same batch)."""
    missing = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(1, 1 + missing)))
    axes = tuple(i for i in range(1, len(shape)) if shape[i] == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=axes, keepdims=True)


def with_batch(shape: Sequence[int], rank: int) -> tuple[int, ...]:
    """A shape (N, *sample) with ones after the batch, so that samples of lower rank broadcast as in a plan."""
    return (shape[0], *(1,) * (rank - len(shape)), *shape[1:])
