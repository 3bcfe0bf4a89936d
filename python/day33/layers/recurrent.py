"""Recurrent layers for sequences (N, T, C): LSTM, GRU, simple RNN, and `RNN`, which takes any cell.

A mask (`layers/embedding.py` makes them) says which time steps of a sample count. Layers hand it on, recurrent layers
keep their state where it is 0, and losses leave those positions out, as in Keras 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from .. import constraints, initializers, regularizers
from .._core import tree
from .._core.naming import snake_case
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ._building import inside
from ._cell import build_cell, is_cell, last_row, output_size, over_time, state_sizes, step_multiply_adds
from .base import Layer
from .cells import GatedCell, GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from .serialization import CustomObjects, layer_config, layer_from_config


class TakesStates(Layer):
    """A layer that is called on a sequence, and on initial states where there are any."""

    takes_states = True
    takes_mask = True
    supports_masking = True
    sets_mask = True
    input_argument = "sequences"

    def state_count(self) -> int:
        """How many tensors the states are."""
        raise TypeError(f"{type(self).__name__} does not define state_count")

    def nested_states(self, states: list[Any]) -> Any:
        """`initial_state` in Keras for the states in a row."""
        return states

    def arguments_in_keras(self, arguments: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        if not isinstance(arguments[0], list):
            return arguments, {}
        return arguments[0][:1], {"initial_state": self.nested_states(arguments[0][1:])}

    def __call__(self, *arguments: Any, initial_state: Any = None, training: bool | None = None, **kwargs: Any) -> Any:
        """As for any layer; `initial_state` is a list of tensors (N, units), or the one where there is one."""
        if initial_state is not None and len(arguments) == 1:
            states = tree.flatten(initial_state)
            if len(states) != self.state_count():
                raise ValueError(f"initial_state of layer {self.name!r} has {len(states)} tensors; "
                                 f"expected {self.state_count()}")  # fmt: skip
            arguments = ([arguments[0], *states],)
        return super().__call__(*arguments, training=training, **kwargs)


class RNN(TakesStates):
    """A recurrent layer of a cell.

    Input (N, T, C), float32, or a list of it and the initial states (N, units). Output (N, units), that of the last
    step; with `return_sequences` (N, T, units); with `return_state` a list of the output and the last states, nested as
    the `state_size` of the cell. Weights: those of the cell.

    Where a mask is 0, the states stay as they are and the output repeats the one before. As in Keras 3, a call with
    initial states sees no mask, and the mask of a sequence read backwards is handed on in the order of the input.

    Args:
        cell: a `LSTMCell`, `GRUCell`, `SimpleRNNCell` or `StackedRNNCells`, or a list of cells for the latter; or a
            layer of yours with `state_size` (an int, or a list of them) and ``call(inputs, states)`` that returns the
            output and the new states. One of yours is written into plans once for each time step.
        return_sequences, return_state: whether to return the outputs of all time steps, and the last states.
        go_backwards: whether to read the sequence from its end; outputs come in the order in which they were made.
        stateful: whether each call goes on from the states in which the one before, of whatever kind, has left the
            samples; `reset_state` sets them to 0. All batches must be of the size that the layer was built with.
        unroll: without effect.
        zero_output_for_mask: whether outputs of steps that the mask leaves out are 0.

    Attributes:
        cell: the cell.
        states: of a stateful layer, a list of variables (N, units), else None. They are no weights: files and
            `get_weights` leave them out.

    Raises:
        ValueError: no cell, or an argument out of range; when called, an input of another rank, without time steps,
            with unknown features or others than when built, states of another shape, or, where stateful, a batch of a
            size that is unknown or another one than when built.
    """

    native_training = False

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        if not is_cell(cell):
            raise ValueError(
                f"cell of {self.name!r} is {cell!r}; expected a LSTMCell, GRUCell, SimpleRNNCell or StackedRNNCells, "
                "or a layer with state_size and call(inputs, states)"
            )
        self.cell: Any = cell
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.unroll = bool(unroll)  # says how Keras runs it; the numbers are the same
        self.states: list[Variable] | None = None

    # ---- states ----

    @property
    def state_size(self) -> Any:
        """That of the cell, as a list."""
        size = self.cell.state_size
        return [size] if isinstance(size, int) else size

    def state_count(self) -> int:
        return len(state_sizes(self.cell))

    def nested_states(self, states: list[Any]) -> Any:
        return tree.pack(self.state_size, states)

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to 0."""
        for state in self.states or ():
            state.assign(np.zeros(state.shape, np.float32))

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def fixes_batch(self) -> bool:
        return self.stateful

    def _make_states(self, batch: int | None) -> None:
        if batch is None:
            raise ValueError(
                f"layer {self.name!r} is stateful and was given an input of unknown batch size; expected a known one, "
                "as of Input(batch_shape=...)"
            )
        self.states = [
            Variable(np.zeros((batch, size), np.float32), trainable=False, name="rnn_state",
                     path=f"{self.path}/rnn_state") for size in state_sizes(self.cell)
        ]  # fmt: skip

    # ---- shapes ----

    def _sequence_shape(self, input_shape: Any) -> Shape:
        """The shape of x, which may come with initial states."""
        shapes = [input_shape] if input_shape and not isinstance(input_shape[0], tuple | list) else list(input_shape)
        x, states = tuple(shapes[0]), [tuple(shape) for shape in shapes[1:]]
        if len(x) != 3 or not isinstance(x[2], int):
            raise ValueError(f"layer {self.name!r} was given an input of shape {x}; expected (N, T, C) with a known C")
        if x[1] == 0:
            raise ValueError(f"layer {self.name!r} was given an input of shape {x}; expected at least one time step")
        sizes = state_sizes(self.cell)
        if states and [shape[-1] for shape in states if len(shape) == 2] != sizes:
            raise ValueError(
                f"initial_state of layer {self.name!r} has shapes {states}; expected {[('N', size) for size in sizes]}"
            )
        if self.states and x[0] is not None and x[0] != self.states[0].shape[0]:
            raise ValueError(
                f"layer {self.name!r} is stateful and was given an input of shape {x}; expected "
                f"{self.states[0].shape[0]} samples, as when it was built"
            )
        return x

    def build(self, input_shape: Any) -> None:
        batch, _, features = self._sequence_shape(input_shape)
        with inside(self):
            build_cell(self.cell, (batch, features))
        if self.stateful:
            self._make_states(batch)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, steps, features = self._sequence_shape(input_shape)
        if isinstance(self.cell, GatedCell):
            self.cell.compute_output_shape((batch, features))  # whether the features are those it was built for
        width = output_size(self.cell)
        output = (batch, steps, width) if self.return_sequences else (batch, width)
        states = [tree.transform(lambda size: (batch, size), size) for size in self.state_size]
        return [output, *states] if self.return_state else output

    # ---- native ops ----

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder = lowering.builder
        x, states = inputs[0], inputs[1:]
        given = lowering.mask_over_time(x)
        # As in Keras 3, a layer that is called on several tensors sees no mask but one that the call gives; the mask
        # is handed on all the same.
        mask = given if not states or lowering.is_masked_by_call(x) else -1
        if self.go_backwards:
            x = builder.reverse(x)
            mask = builder.reverse(mask) if mask >= 0 else -1
        kept = self.states if self.stateful else None
        if kept and not states:
            states = [lowering.state(state) for state in kept]
        output, last = over_time(self.cell, lowering, x, mask, states, self.return_state or bool(kept))
        for state, value in zip(kept or (), last, strict=bool(kept)):
            lowering.keep_state(value, state)
        if self.zero_output_for_mask and mask >= 0:
            output = builder.keep_where(output, mask)
        results = [output if self.return_sequences else last_row(lowering, output)]
        if self.return_state:
            results += last
        for result in results:
            lowering.set_mask(result, -1)
        if self.return_sequences:  # in the order of the input, also where that was read backwards: so does Keras
            lowering.set_mask(results[0], given)
        return results

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        _, steps, features = self._sequence_shape(input_shape)
        return (steps or 0) * step_multiply_adds(self.cell, features or 0)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    # ---- files ----

    def known_to_keras(self) -> bool:
        known: bool = self.cell.known_to_keras()
        return known

    def _own_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        return {**self._own_config(), "cell": layer_config(self.cell)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        cell = config.get("cell")
        if isinstance(cell, Mapping):
            config = {**config, "cell": layer_from_config(cell, custom_objects or {})}
        return super().from_config(config, custom_objects)


class _OfCell:
    """An attribute that a recurrent layer has from its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else getattr(instance.cell, self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        setattr(instance.cell, self._name, value)


class Recurrent(RNN):
    """What layers with a cell of their own share: its arguments are theirs."""

    cell_class: ClassVar[type[GatedCell]]
    cell_arguments: ClassVar[tuple[str, ...]] = ()  # those that not all cells have
    units = _OfCell()
    activation = _OfCell()
    recurrent_activation = _OfCell()
    use_bias = _OfCell()
    kernel_initializer = _OfCell()
    recurrent_initializer = _OfCell()
    bias_initializer = _OfCell()
    dropout = _OfCell()
    recurrent_dropout = _OfCell()
    seed = _OfCell()
    implementation = _OfCell()
    kernel_regularizer = _OfCell()
    recurrent_regularizer = _OfCell()
    bias_regularizer = _OfCell()
    kernel_constraint = _OfCell()
    recurrent_constraint = _OfCell()
    bias_constraint = _OfCell()
    kernel = _OfCell()
    recurrent_kernel = _OfCell()
    bias = _OfCell()

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
        use_cudnn: Any = "auto", **kwargs: Any,
    ) -> None:  # fmt: skip
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f'use_cudnn is {use_cudnn!r}; expected "auto", True or False')
        gated = {} if self.cell_class.gates == 1 else {"recurrent_activation": recurrent_activation}
        more = {name: kwargs.pop(name) for name in self.cell_arguments}
        cell = self.cell_class(
            units, activation=activation, **gated, use_bias=use_bias, kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint, bias_constraint=bias_constraint, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, implementation=implementation,
            trainable=kwargs.get("trainable", True), name=snake_case(self.cell_class.__name__), **more,
        )  # fmt: skip
        super().__init__(cell, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        activity = {"activity_regularizer": regularizers.serialize(self.activity_regularizer)}
        return {**self.cell.get_config(), **activity, **self._own_config()}


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with the arguments of Keras's layer.

    z = x kernel + h recurrent_kernel + bias, split into the gates i, f, c, o, the third of which is the candidate g;
    c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c).

    Input (N, T, C), float32, or a list of it and the initial h and c (N, units). Output (N, units), the last h; with
    `return_sequences` (N, T, units); with `return_state` a list of the output, the last h and the last c. Weights:
    kernel (C, 4 units), recurrent_kernel (units, 4 units), bias (4 units,).

    Where a mask is 0, h and c stay as they are and the output repeats the one before. As in Keras 3, a call with
    initial states sees no mask, and the mask of a sequence read backwards is handed on in the order of the input.

    Args:
        units: size of h and c.
        activation, recurrent_activation: of the candidate and of c, and of the gates: names, functions of
            `day33.activations` or None for none. Others than "tanh" and "sigmoid" take a slower path.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: see `day33.initializers`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        dropout, recurrent_dropout: of the inputs and of the states in training, the same for all time steps of a sample
            (Gal and Ghahramani, 2016); 0 <= dropout < 1. With `recurrent_dropout`, or `implementation=1`, each gate has
            inputs and states of its own, as in Keras.
        seed: fixes the layer's part of the randomness of dropout.
        return_sequences, return_state: whether to return h of all time steps, and the last h and c.
        go_backwards, stateful, zero_output_for_mask: as of `RNN`.
        unroll, use_cudnn: without effect.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, without time steps, with unknown features or others than when built, or states of another shape.
    """

    cell_class = LSTMCell
    cell_arguments = ("unit_forget_bias",)
    unit_forget_bias = _OfCell()

    def __init__(self, units: int, *arguments: Any, unit_forget_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(units, *arguments, unit_forget_bias=unit_forget_bias, **kwargs)


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al., 2014), with the arguments of Keras's layer.

    z and r = sigmoid of (x kernel + h recurrent_kernel + bias), the first two thirds; with the last third, the
    candidate is tanh(x kernel + bias + r (h recurrent_kernel + bias)), or, with `reset_after=False`,
    tanh(x kernel + (r h) recurrent_kernel + bias); h = z h + (1 - z) candidate.

    Input (N, T, C), or a list of it and the initial h (N, units). Output as of `LSTM`, with one state, h. Weights:
    kernel (C, 3 units), recurrent_kernel (units, 3 units), bias (2, 3 units), its second row for h; (3 units,) with
    `reset_after=False`. Masks as of `LSTM`.

    Args:
        units: size of h.
        reset_after: whether r acts on the product of h, as in cuDNN, or on h before it.
        others: as of `LSTM`.

    Raises:
        ValueError: as of `LSTM`.
    """

    cell_class = GRUCell
    cell_arguments = ("reset_after",)
    reset_after = _OfCell()

    def __init__(self, units: int, *arguments: Any, reset_after: bool = True, **kwargs: Any) -> None:
        super().__init__(units, *arguments, reset_after=reset_after, **kwargs)


class SimpleRNN(Recurrent):
    """h = tanh(x kernel + h recurrent_kernel + bias) (Elman, 1990), with the arguments of Keras's layer.

    Input (N, T, C), or a list of it and the initial h (N, units). Output as of `LSTM`, with one state, h. Weights:
    kernel (C, units), recurrent_kernel (units, units), bias (units,). Masks as of `LSTM`.

    Args:
        units: size of h.
        others: as of `LSTM`, without recurrent_activation.

    Raises:
        ValueError: as of `LSTM`.
    """

    cell_class = SimpleRNNCell

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, *arguments: Any,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(units, activation, "sigmoid", use_bias, *arguments, **kwargs)
