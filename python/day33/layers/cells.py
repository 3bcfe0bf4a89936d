"""Cells, one time step of a recurrent layer. `RNN` makes a layer of one; `LSTM`, `GRU`, `SimpleRNN` have their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from .. import activations, constraints, initializers, regularizers
from .._core.arrays import as_int
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._attributes import Checked, OfWeight, Seed, as_rate
from ._building import inside
from ._cell import Cell, build_cell, is_cell, last_row, output_size, over_time, state_sizes, step_multiply_adds
from ._functional_cells import over_time_with_functions
from .base import Layer
from .serialization import CustomObjects, layer_config, layer_from_config


class GatedCell(Cell):
    """What the cells of `LSTM`, `GRU` and `SimpleRNN` share: their arguments, their weights, and their ops.

    Subclasses say how many gates and states there are, and write the op.
    """

    gates: ClassVar[int]
    states: ClassVar[int]
    activation = Checked(activations.get)
    recurrent_activation = Checked(activations.get)
    dropout = Checked(partial(as_rate, argument="dropout"))
    recurrent_dropout = Checked(partial(as_rate, argument="recurrent_dropout"))
    seed = Seed()
    kernel_regularizer = OfWeight(regularizers.get)
    recurrent_regularizer = OfWeight(regularizers.get, "recurrent_kernel")
    bias_regularizer = OfWeight(regularizers.get)
    kernel_constraint = OfWeight(constraints.get)
    recurrent_constraint = OfWeight(constraints.get, "recurrent_kernel")
    bias_constraint = OfWeight(constraints.get)

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        recurrent_initializer: initializers.InitializerLike = "orthogonal",
        bias_initializer: initializers.InitializerLike = "zeros",
        kernel_regularizer: regularizers.RegularizerLike = None,
        recurrent_regularizer: regularizers.RegularizerLike = None,
        bias_regularizer: regularizers.RegularizerLike = None,
        kernel_constraint: constraints.ConstraintLike = None, recurrent_constraint: constraints.ConstraintLike = None,
        bias_constraint: constraints.ConstraintLike = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None, implementation: int = 2,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.kernel_regularizer = kernel_regularizer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.recurrent_constraint = recurrent_constraint
        self.bias_constraint = bias_constraint
        self.units = as_int("units", units, 1)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.implementation = as_int("implementation", implementation, 0, 2)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel: Variable | None = None
        self.recurrent_kernel: Variable | None = None
        self.bias: Variable | None = None

    @property
    def state_size(self) -> Any:
        """Of each state: the number of units, or a list of it for several states."""
        return self.units if self.states == 1 else [self.units] * self.states

    @property
    def output_size(self) -> int:
        """The number of units."""
        return self.units

    def _features(self, input_shape: Any) -> int:
        """The last size of the inputs, which may come with states. ValueError where they do not fit."""
        several = bool(input_shape) and isinstance(input_shape[0], tuple | list)
        shape = tuple(input_shape[0] if several else input_shape)
        states = [tuple(state) for state in input_shape[1:]] if several else []
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, C) with a known C")
        if self.kernel is not None and self.kernel.shape[0] != shape[1]:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected {self.kernel.shape[0]} on the last "
                "axis, as when it was built"
            )
        if any(len(state) != 2 or state[1] != self.units for state in states):
            raise ValueError(
                f"states of layer {self.name!r} have shapes {states}; expected {self.states} of (N, {self.units})"
            )
        return shape[1]

    def build(self, input_shape: Any) -> None:
        features, width = self._features(input_shape), self.gates * self.units
        self.kernel = self.add_weight(
            (features, width), self.kernel_initializer, name="kernel", regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self._add_bias()

    def _add_bias(self) -> Variable:
        return self._bias_of((self.gates * self.units,), self.bias_initializer)

    def _bias_of(self, shape: tuple[int, ...], initializer: initializers.InitializerLike) -> Variable:
        return self.add_weight(
            shape, initializer, name="bias", regularizer=self.bias_regularizer, constraint=self.bias_constraint
        )

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        self._features(input_shape)
        return super().compute_output_shape(input_shape)

    def over_time(
        self, lowering: Lowering, x: int, mask: int, initial: Sequence[int], with_states: bool
    ) -> tuple[int, list[int]]:
        self._is_lowered = True
        if self.activation.function is not None or self.recurrent_activation.function is not None:
            return over_time_with_functions(self, lowering, x, mask, initial)
        options: dict[str, Any] = {
            "mask": mask,
            "initial": initial,
            "activation": (self.activation.kind, self.activation.alpha),
        }
        if self.gates > 1:
            options["recurrent_activation"] = (self.recurrent_activation.kind, self.recurrent_activation.alpha)
        if lowering.forced and (self.dropout or self.recurrent_dropout):
            raise ValueError(
                f"layer {self.name!r} has dropout and is called with training=True whatever the model is run for; "
                "expected None, False, or the `training` argument of call"
            )
        if not lowering.inference:
            seed = lowering.seed_of(Seed.of(self))
            # As in Keras: with recurrent_dropout, or implementation 1, every gate drops inputs of its own.
            if self.dropout and self.gates > 1 and (self.recurrent_dropout or self.implementation == 1):
                options["dropout"] = (self.dropout, seed)
            elif self.dropout:
                x = lowering.builder.dropout(x, self.dropout, seed, shared_axis=True)
            if self.recurrent_dropout:
                options["recurrent_dropout"] = (self.recurrent_dropout, _other_seed(seed))
        slots = lowering.slot(self.kernel), lowering.slot(self.recurrent_kernel), lowering.slot(self.bias)
        return self._write(lowering, (x, *slots), options, with_states)

    def _write(
        self, lowering: Lowering, arguments: tuple[int, int, int, int], options: dict[str, Any], with_states: bool
    ) -> tuple[int, list[int]]:
        """The op, with x and the slots as arguments: what `over_time` returns."""
        raise TypeError(f"{type(self).__name__} does not define _write")

    def step_multiply_adds(self, features: int) -> int:
        return (features + self.units) * self.gates * self.units

    def known_to_keras(self) -> bool:
        return self.activation.known_to_keras and self.recurrent_activation.known_to_keras

    def get_config(self) -> dict[str, Any]:
        """As Keras's cell gives it."""
        gated = {"recurrent_activation": self.recurrent_activation.get_config()} if self.gates > 1 else {}
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation.get_config(),
            **gated,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def _other_seed(seed: int) -> int:
    """For the states of a cell whose inputs draw from `seed`."""
    return (seed ^ 0x5851F42D4C957F2D) & (2**63 - 1)


class LSTMCell(GatedCell):
    """One step of a long short-term memory; `LSTM` has the formula.

    A call takes inputs (N, C) and the states [h, c], (N, units) each, and gives h and [h, c]. Weights: kernel
    (C, 4 units), recurrent_kernel (units, 4 units), bias (4 units,).

    Args:
        units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
        unit_forget_bias, dropout, recurrent_dropout, seed: as of `LSTM`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, inputs or states of
            another shape.
    """

    gates = 4
    states = 2

    def __init__(self, units: int, *arguments: Any, unit_forget_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(units, *arguments, **kwargs)
        self.unit_forget_bias = bool(unit_forget_bias)

    def _add_bias(self) -> Variable:
        if not self.unit_forget_bias:
            return super()._add_bias()
        initializer = self.bias_initializer or initializers.GlorotUniform()

        def initial(shape: Sequence[int], dtype: Any = None) -> Any:
            ends = [initializer((count * self.units,), dtype=dtype) for count in (1, 2)]
            return np.concatenate([ends[0], np.ones(self.units, np.float32), ends[1]])

        return self._bias_of((4 * self.units,), initial)

    def _write(
        self, lowering: Lowering, arguments: tuple[int, int, int, int], options: dict[str, Any], with_states: bool
    ) -> tuple[int, list[int]]:
        builder = lowering.builder
        rows = builder.lstm(*arguments, **options, with_state=with_states)
        if not with_states:
            return rows, []
        steps = lowering.shape(arguments[0])[0]
        output = builder.slice(rows, 0, steps)
        return output, [last_row(lowering, output), last_row(lowering, rows)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


class GRUCell(GatedCell):
    """One step of a gated recurrent unit; `GRU` has the formula.

    A call takes inputs (N, C) and the state h (N, units), or [h], and gives h and the state. Weights: as of `GRU`.

    Args:
        units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
        dropout, recurrent_dropout, reset_after, seed: as of `GRU`.

    Raises:
        ValueError: as of `LSTMCell`.
    """

    gates = 3
    states = 1

    def __init__(self, units: int, *arguments: Any, reset_after: bool = True, **kwargs: Any) -> None:
        super().__init__(units, *arguments, **kwargs)
        self.reset_after = bool(reset_after)

    def _add_bias(self) -> Variable:
        width = 3 * self.units
        return self._bias_of((2, width) if self.reset_after else (width,), self.bias_initializer)

    def _write(
        self, lowering: Lowering, arguments: tuple[int, int, int, int], options: dict[str, Any], with_states: bool
    ) -> tuple[int, list[int]]:
        output = lowering.builder.gru(*arguments, **options, reset_after=self.reset_after)
        return output, [last_row(lowering, output)] if with_states else []

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reset_after": self.reset_after}


class SimpleRNNCell(GatedCell):
    """One step of a simple recurrent layer; `SimpleRNN` has the formula.

    A call takes inputs (N, C) and the state h (N, units), or [h], and gives h and the state. Weights: kernel
    (C, units), recurrent_kernel (units, units), bias (units,).

    Args:
        units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, dropout,
        recurrent_dropout, seed: as of `SimpleRNN`.

    Raises:
        ValueError: as of `LSTMCell`.
    """

    gates = 1
    states = 1

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, *arguments: Any,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(units, activation, "sigmoid", use_bias, *arguments, **kwargs)

    def _write(
        self, lowering: Lowering, arguments: tuple[int, int, int, int], options: dict[str, Any], with_states: bool
    ) -> tuple[int, list[int]]:
        output = lowering.builder.simple_rnn(*arguments, **options)
        return output, [last_row(lowering, output)] if with_states else []


class StackedRNNCells(Cell):
    """Cells one behind the other: each takes the output of the one before.

    A call takes inputs (N, C) and a list with the states of each cell, and gives the output of the last cell and the
    new states in the same order. Weights: those of the cells.

    Args:
        cells: a list of cells, as `RNN` takes them.

    Raises:
        ValueError: no cells, or what is none.
    """

    def __init__(self, cells: Sequence[Layer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells or not all(is_cell(cell) for cell in cells):
            raise ValueError(f"cells is {cells!r}; expected a list of cells, such as LSTMCell")
        self.cells: list[Layer] = list(cells)

    @property
    def state_size(self) -> Any:
        """A list with that of each cell."""
        return [cell.state_size for cell in self.cells]  # type: ignore[attr-defined]

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape[0] if isinstance(input_shape[0], tuple | list) else input_shape)
        with inside(self):
            for cell in self.cells:
                build_cell(cell, shape)
                shape = (shape[0], output_size(cell))

    def over_time(
        self, lowering: Lowering, x: int, mask: int, initial: Sequence[int], with_states: bool
    ) -> tuple[int, list[int]]:
        self._is_lowered = True
        rest, after = list(initial), []
        for cell in self.cells:
            count = len(state_sizes(cell)) if initial else 0
            x, states = over_time(cell, lowering, x, mask, rest[:count], with_states)
            rest = rest[count:]
            after += states
        return x, after

    def step_multiply_adds(self, features: int) -> int:
        total = 0
        for cell in self.cells:
            total += step_multiply_adds(cell, features)
            features = output_size(cell)
        return total

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        return {**super().get_config(), "cells": [layer_config(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        cells = config.get("cells")
        if isinstance(cells, list | tuple):
            made = [
                layer_from_config(item, custom_objects or {}) if isinstance(item, Mapping) else item for item in cells
            ]
            config = {**config, "cells": made}
        return super().from_config(config, custom_objects)
