"""Recurrent layers for sequences (N, T, C): LSTM, GRU, simple RNN.

A mask (`layers/embedding.py` makes them) says which time steps of a sample count. Layers hand it on, recurrent layers
keep their state where it is 0, and losses leave those positions out, as in Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import activations, initializers, regularizers
from .._core.arrays import as_int
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from ..activations import ActivationSpec
from ._attributes import Checked, OfWeight, Seed, as_rate
from .base import Layer


class TakesStates(Layer):
    """A layer that is called on a sequence, and on initial states where there are any."""

    takes_states = True
    takes_mask = True
    input_argument = "sequences"
    states: int

    def __call__(self, *arguments: Any, initial_state: Any = None, training: bool | None = None, **kwargs: Any) -> Any:
        """As for any layer; `initial_state` is a list of tensors (N, units), or the one where there is one."""
        if initial_state is not None and len(arguments) == 1:
            states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
            if len(states) != self.states:
                raise ValueError(f"initial_state of layer {self.name!r} has {len(states)} tensors; "
                                 f"expected {self.states}")  # fmt: skip
            arguments = ([arguments[0], *states],)
        return super().__call__(*arguments, training=training, **kwargs)


def _only(argument: str, expected: str, value: Any) -> ActivationSpec:
    spec = activations.get(value)
    if spec.kind != expected:
        raise ValueError(f"{argument} of a recurrent layer is {value!r}; day33 has {expected!r} only")
    return spec


class Recurrent(TakesStates):
    """What recurrent layers share: their arguments, their weights, and what goes in and comes out.

    Subclasses say how many gates and states there are, and write the op.
    """

    gates: int
    variable_group = "cell"  # Keras keeps the weights in a cell inside the layer
    activation = Checked(partial(_only, "activation", "tanh"))
    recurrent_activation = Checked(partial(_only, "recurrent_activation", "sigmoid"))
    dropout = Checked(partial(as_rate, argument="dropout"))
    seed = Seed()
    kernel_regularizer = OfWeight(regularizers.get)
    recurrent_regularizer = OfWeight(regularizers.get, "recurrent_kernel")
    bias_regularizer = OfWeight(regularizers.get)

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        recurrent_initializer: initializers.InitializerLike = "orthogonal",
        bias_initializer: initializers.InitializerLike = "zeros",
        kernel_regularizer: regularizers.RegularizerLike = None,
        recurrent_regularizer: regularizers.RegularizerLike = None,
        bias_regularizer: regularizers.RegularizerLike = None,
        kernel_constraint: None = None, recurrent_constraint: None = None, bias_constraint: None = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, use_cudnn: Any = "auto", zero_output_for_mask: bool = False,
        activity_regularizer: regularizers.RegularizerLike = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._refuse(
            kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint, stateful=stateful, recurrent_dropout=recurrent_dropout,
        )  # fmt: skip
        self.kernel_regularizer = kernel_regularizer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.units = as_int("units", units, 1)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.dropout = dropout
        self.seed = seed
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.unroll = bool(unroll)  # says how Keras runs it; the numbers are the same
        self.kernel: Variable | None = None
        self.recurrent_kernel: Variable | None = None
        self.bias: Variable | None = None

    # ---- shapes ----

    def _sequence_shape(self, input_shape: Any) -> Shape:
        """The shape of x, which may come with initial states."""
        shapes = [input_shape] if input_shape and not isinstance(input_shape[0], tuple | list) else list(input_shape)
        x, states = tuple(shapes[0]), [tuple(shape) for shape in shapes[1:]]
        if len(x) != 3 or not isinstance(x[2], int):
            raise ValueError(f"layer {self.name!r} was given an input of shape {x}; expected (N, T, C) with a known C")
        if x[1] == 0:
            raise ValueError(f"layer {self.name!r} was given an input of shape {x}; expected at least one time step")
        if self.kernel is not None and self.kernel.shape[0] != x[2]:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {x}; expected {self.kernel.shape[0]} on the last "
                "axis, as when it was built"
            )
        wanted = [self.units] * self.states
        if states and [shape[-1] for shape in states if len(shape) == 2] != wanted:
            raise ValueError(
                f"initial_state of layer {self.name!r} has shapes {states}; expected {self.states} of (N, {self.units})"
            )
        return x

    def build(self, input_shape: Any) -> None:
        features = self._sequence_shape(input_shape)[2]
        assert features is not None
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (features, width), self.kernel_initializer, name="kernel", regularizer=self.kernel_regularizer
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self._add_bias()

    def _add_bias(self) -> Variable:
        return self._bias_of((self.gates * self.units,), self.bias_initializer)

    def _bias_of(self, shape: tuple[int, ...], initializer: initializers.InitializerLike) -> Variable:
        return self.add_weight(shape, initializer, name="bias", regularizer=self.bias_regularizer)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, steps, _ = self._sequence_shape(input_shape)
        output = (batch, steps, self.units) if self.return_sequences else (batch, self.units)
        return [output, *([(batch, self.units)] * self.states)] if self.return_state else output

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder = lowering.builder
        x, states = inputs[0], inputs[1:]
        given = lowering.mask_over_time(x)
        # As in Keras 3, a layer that is called on several tensors sees no mask but one that the call gives; the mask
        # is handed on all the same.
        mask = given if not states or lowering.is_masked_by_call(x) else -1
        if self.dropout and not lowering.inference:
            x = builder.dropout(x, self.dropout, Seed.of(self), shared_axis=True)
        if self.go_backwards:
            x = builder.reverse(x)
            mask = builder.reverse(mask) if mask >= 0 else -1
        output, last = self._write(lowering, x, mask, states)
        if self.zero_output_for_mask and mask >= 0:
            output = builder.keep_where(output, mask)
        results = [output]
        if not self.return_sequences:
            results = [self._last_row(lowering, output)]
        if self.return_state:
            results += last()
        for result in results:
            lowering.set_mask(result, -1)
        if self.return_sequences:  # in the order of the input, also where that was read backwards: so does Keras
            lowering.set_mask(results[0], given)
        return results

    def _slots(self, lowering: Lowering) -> tuple[int, int, int]:
        return lowering.slot(self.kernel), lowering.slot(self.recurrent_kernel), lowering.slot(self.bias)

    def _write(self, lowering: Lowering, x: int, mask: int, states: Sequence[int]) -> tuple[int, Any]:
        """The op: its outputs (T, units) of all steps, and a function that adds ops for the last states."""
        raise TypeError(f"{type(self).__name__} does not define _write")

    def _last_row(self, lowering: Lowering, output: int) -> int:
        builder, steps = lowering.builder, lowering.shape(output)[0]
        return builder.reshape(builder.slice(output, steps - 1, steps), (self.units,))

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        _, steps, features = self._sequence_shape(input_shape)
        return (steps or 0) * ((features or 0) + self.units) * self.gates * self.units

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        no_options = ("kernel_constraint", "recurrent_constraint", "bias_constraint")
        return {
            **super().get_config(),
            "units": self.units,
            "activation": "tanh",
            "recurrent_activation": "sigmoid",
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **dict.fromkeys(no_options),
            "dropout": self.dropout,
            "recurrent_dropout": 0.0,
            "seed": self.seed,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": False,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }


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
        activation, recurrent_activation: "tanh" and "sigmoid"; day33 has no others.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: see `day33.initializers`.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        dropout: of the inputs in training, the same for all time steps of a sample; 0 <= dropout < 1.
        seed: fixes the layer's part of the randomness of dropout.
        return_sequences, return_state: whether to return h of all time steps, and the last h and c.
        go_backwards: whether to read the sequence from its end; outputs come in the order in which they were made.
        zero_output_for_mask: whether outputs of steps that the mask leaves out are 0.
        unroll, use_cudnn: without effect.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input of another
            rank, without time steps, with unknown features or others than when built, or states of another shape.
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

    def _write(self, lowering: Lowering, x: int, mask: int, states: Sequence[int]) -> tuple[int, Any]:
        builder = lowering.builder
        output = builder.lstm(x, *self._slots(lowering), mask=mask, initial=states, with_state=self.return_state)
        if not self.return_state:
            return output, list
        steps = lowering.shape(x)[0]

        def last() -> list[int]:
            rows = [builder.slice(output, row, row + 1) for row in (steps - 1, steps)]
            return [builder.reshape(row, (self.units,)) for row in rows]

        return builder.slice(output, 0, steps), last

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


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

    gates = 3
    states = 1

    def __init__(self, units: int, *arguments: Any, reset_after: bool = True, **kwargs: Any) -> None:
        super().__init__(units, *arguments, **kwargs)
        self.reset_after = bool(reset_after)

    def _add_bias(self) -> Variable:
        width = 3 * self.units
        return self._bias_of((2, width) if self.reset_after else (width,), self.bias_initializer)

    def _write(self, lowering: Lowering, x: int, mask: int, states: Sequence[int]) -> tuple[int, Any]:
        output = lowering.builder.gru(
            x, *self._slots(lowering), mask=mask, initial=states, reset_after=self.reset_after
        )
        return output, lambda: [self._last_row(lowering, output)]

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        return {**super().get_config(), "reset_after": self.reset_after}


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

    gates = 1
    states = 1

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, *arguments: Any,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(units, activation, "sigmoid", use_bias, *arguments, **kwargs)

    def _write(self, lowering: Lowering, x: int, mask: int, states: Sequence[int]) -> tuple[int, Any]:
        output = lowering.builder.simple_rnn(x, *self._slots(lowering), mask=mask, initial=states)
        return output, lambda: [self._last_row(lowering, output)]

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        config = super().get_config()
        del config["recurrent_activation"]
        return config
