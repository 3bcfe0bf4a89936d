"""What recurrent layers ask of a cell, and how they write one into a plan for all steps of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import tree
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from .base import Layer


class Cell(Layer):
    """What a recurrent layer asks of its cell.

    A call takes the inputs (N, C) of a step and the states (N, units), and gives the output and the new states.
    """

    takes_states = True

    @property
    def state_size(self) -> Any:
        """The width of the state, or a list of those of several states."""
        raise TypeError(f"{type(self).__name__} does not define state_size")

    @property
    def output_size(self) -> int:
        """The width of the output."""
        raise TypeError(f"{type(self).__name__} does not define output_size")

    def over_time(
        self, lowering: Lowering, x: int, mask: int, initial: Sequence[int], with_states: bool
    ) -> tuple[int, list[int]]:
        """Writes all steps of a sequence.

        Args:
            lowering: the plan.
            x: (T, C).
            mask: int32 (T,), or -1. Where it is 0 the states stay and the output repeats the one before.
            initial: the states before the first step; empty for zeros.
            with_states: whether the states after the last step are wanted.

        Returns:
            The outputs (T, output_size), and the states or an empty list.
        """
        raise TypeError(f"{type(self).__name__} does not define over_time")

    def step_multiply_adds(self, features: int) -> int:
        """Multiplications with a weight in one step of one sample."""
        raise TypeError(f"{type(self).__name__} does not define step_multiply_adds")

    def __call__(self, inputs: Any, states: Any, training: bool | None = None) -> Any:  # type: ignore[override]
        """One step.

        Args:
            inputs: (N, C).
            states: those before the step, (N, units) each: a list, or the one where there is one.
            training: whether to run in training mode; False by default.

        Returns:
            The output (N, output_size), and the states after the step, nested as those before.
        """
        given, count = tree.flatten(states), len(tree.flatten(self.state_size))
        if len(given) != count:
            raise ValueError(f"states of layer {self.name!r} hold {len(given)} tensors; expected {count}")
        output, *after = super().__call__([inputs, *given], training=training)
        return output, tree.pack(states, after)

    def arguments_in_keras(self, arguments: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        x, *states = arguments[0]
        size = self.state_size
        return [x, tree.pack([size] if isinstance(size, int) else size, states)], {}

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        batch, *_ = input_shape[0] if isinstance(input_shape[0], tuple | list) else input_shape
        return [(batch, self.output_size), *((batch, size) for size in tree.flatten(self.state_size))]

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, (x, *states) = lowering.builder, inputs
        sequence = builder.reshape(x, (1, *lowering.shape(x)))
        outputs, after = self.over_time(lowering, sequence, -1, states, True)
        return [builder.reshape(outputs, (self.output_size,)), *after]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return self.step_multiply_adds(input_shape[0][-1])


def is_cell(value: object) -> bool:
    """Whether `RNN` takes it: a layer with `state_size` and a `call` of inputs and states."""
    return isinstance(value, Cell) or (
        isinstance(value, Layer) and value.is_composite() and hasattr(value, "state_size")
    )


def state_sizes(cell: Layer) -> list[int]:
    """Of all states in a row."""
    return tree.flatten(cell.state_size)  # type: ignore[attr-defined]


def output_size(cell: Layer) -> int:
    """The width of the output; that of the first state where a cell of yours does not say."""
    size = getattr(cell, "output_size", None)
    return state_sizes(cell)[0] if size is None else int(size)


def build_cell(cell: Layer, shape: Shape) -> None:
    """Makes the weights of a cell for inputs of `shape` (N, C)."""
    if cell._has_own_build():
        cell._ensure_built(shape)
    if not isinstance(cell, Cell):
        states = [SymbolicTensor((shape[0], size)) for size in state_sizes(cell)]
        cell._infer((SymbolicTensor(shape), states), {})


def over_time(
    cell: Layer, lowering: Lowering, x: int, mask: int, initial: Sequence[int], with_states: bool
) -> tuple[int, list[int]]:
    """`Cell.over_time` of any cell: one of yours is written once for each step."""
    if isinstance(cell, Cell):
        return cell.over_time(lowering, x, mask, initial, with_states)

    def one_step(row: int, states: list[int]) -> list[int]:
        return cell.lower_call(lowering, (row, states), {})

    return step_by_step(cell, lowering, x, mask, initial, one_step)


def step_by_step(
    cell: Layer, lowering: Lowering, x: int, mask: int, initial: Sequence[int],
    one_step: Callable[[int, list[int]], list[int]],
) -> tuple[int, list[int]]:  # fmt: skip
    """The same, with the ops of a step written for each of them.

    Args:
        one_step: writes a step, from the row of x and the states to the output and the new states.
    """
    builder, steps = lowering.builder, lowering.shape(x)[0]
    states = list(initial) or [_zeros(lowering, size) for size in state_sizes(cell)]
    output, rows = _zeros(lowering, output_size(cell)), []
    for step in range(steps):
        part = builder.reshape(builder.slice(x, step, step + 1), lowering.shape(x)[1:])
        result, *after = one_step(part, states)
        if mask >= 0:
            counts = builder.reshape(builder.slice(mask, step, step + 1), ())
            result = builder.select(counts, result, output)
            after = [builder.select(counts, new, old) for new, old in zip(after, states, strict=True)]
        output, states = result, after
        rows.append(builder.reshape(output, (1, *lowering.shape(output))))
    return builder.concatenate(rows, 0), states


def _zeros(lowering: Lowering, size: int) -> int:
    zeros = Variable(np.zeros(size, np.float32), trainable=False, name="zeros", path="zeros")
    return lowering.builder.parameter_value(lowering.slot(zeros))


def step_multiply_adds(cell: Layer, features: int) -> int:
    """Multiplications with a weight in one step of one sample."""
    if isinstance(cell, Cell):
        return cell.step_multiply_adds(features)
    inputs = [(None, features), *((None, size) for size in state_sizes(cell))]
    return cell.multiply_adds(inputs, (None, output_size(cell)))


def last_row(lowering: Lowering, rows: int) -> int:
    """The last of the rows (T, U) as (U,)."""
    builder, (steps, units) = lowering.builder, lowering.shape(rows)
    return builder.reshape(builder.slice(rows, steps - 1, steps), (units,))
