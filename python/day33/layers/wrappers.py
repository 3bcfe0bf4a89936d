"""Layers around a layer: `Bidirectional` and `TimeDistributed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._core import custom_objects as custom
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._building import inside
from .base import Layer
from .recurrent import RNN, TakesStates
from .serialization import CustomObjects, layer_config, layer_from_config

_MERGES = ("sum", "mul", "ave", "concat", None)
_KINDS = {"sum": "add", "mul": "multiply", "ave": "average"}


def _copied(layer: Layer, name: str, **changes: Any) -> Any:
    """A fresh layer with the configuration of another one."""
    with custom.for_copies():
        item = layer_config(layer)
    config = {**item["config"], "name": name, **changes}
    return layer_from_config({**item, "config": config}, {type(layer).__name__: type(layer)})


class _Wrapper(Layer):
    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        made = {
            key: layer_from_config(config[key], custom_objects or {})
            for key in ("layer", "backward_layer")
            if isinstance(config.get(key), Mapping)
        }
        return super().from_config({**config, **made}, custom_objects)


class Bidirectional(_Wrapper, TakesStates):
    """A recurrent layer that reads a sequence from its beginning and another one that reads it from its end.

    Input (N, T, C), or a list of it and the initial states of the first, then of the second layer. Output: both outputs
    merged, those of the second in the order of the input; with `return_state` of the layers a list of it and all last
    states. Weights: those of the first layer, then those of the second. Where a mask is 0, sequences are 0.

    Args:
        layer: a `LSTM`, `GRU`, `SimpleRNN` or `RNN`. It is not used itself: the two layers are made like it.
        merge_mode: "concat" (on the last axis), "sum", "mul", "ave", or None: a list of both.
        weights: initial values, of the first and then of the second layer.
        backward_layer: the second layer, with go_backwards the opposite of the first's; by default made like `layer`.

    Attributes:
        forward_layer, backward_layer: the two.

    Raises:
        ValueError: unknown merge_mode, or layers that do not fit together.
    """

    def __init__(
        self, layer: Layer, merge_mode: str | None = "concat", weights: Sequence[ArrayLike] | None = None,
        backward_layer: Layer | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        for argument, value in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(value, RNN) and (value is not None or argument == "layer"):
                raise ValueError(f"{argument} of Bidirectional is {value!r}; expected a LSTM, GRU, SimpleRNN or RNN")
        if merge_mode not in _MERGES:
            raise ValueError(f"merge_mode is {merge_mode!r}; expected one of {_MERGES}")
        assert isinstance(layer, RNN)
        self.merge_mode = merge_mode
        self.forward_layer = _copied(layer, f"forward_{layer.name.removeprefix('forward_')}")
        self.backward_layer: Any = backward_layer
        if backward_layer is None:
            name = f"backward_{layer.name.removeprefix('backward_')}"
            self.backward_layer = _copied(layer, name, go_backwards=True)
        if self.forward_layer.go_backwards == self.backward_layer.go_backwards:
            raise ValueError("both layers of Bidirectional read in one direction; expected go_backwards to differ")
        for attribute in ("return_sequences", "return_state"):
            values = [getattr(part, attribute) for part in self._parts]
            if values[0] != values[1]:
                raise ValueError(f"{attribute} of the layers of Bidirectional is {values}; expected it to be the same")
        for part in self._parts:  # as in Keras, where both outputs of a position must be left out
            part.zero_output_for_mask = part.return_sequences
        self.return_sequences: bool = layer.return_sequences
        self.return_state: bool = layer.return_state
        self._initial_weights = None if weights is None else [np.asarray(value) for value in weights]

    @property
    def _parts(self) -> tuple[Any, Any]:
        return self.forward_layer, self.backward_layer

    def state_count(self) -> int:
        return sum(part.state_count() for part in self._parts)

    def fixes_batch(self) -> bool:
        return any(part.stateful for part in self._parts)

    def reset_state(self) -> None:
        """Sets the states of stateful layers to 0."""
        for part in self._parts:
            part.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def _shapes(self, input_shape: Any) -> tuple[Any, Any]:
        """What each layer is given."""
        if not input_shape or not isinstance(input_shape[0], tuple | list):
            return input_shape, input_shape
        states, first, both = list(input_shape[1:]), self.forward_layer.state_count(), self.state_count()
        if states and len(states) != both:
            raise ValueError(f"initial_state of layer {self.name!r} has {len(states)} tensors; expected {both}")
        return [input_shape[0], *states[:first]], [input_shape[0], *states[first:]]

    def build(self, input_shape: Any) -> None:
        with inside(self):
            for part, shape in zip(self._parts, self._shapes(input_shape), strict=True):
                part._ensure_built(shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [
            part.compute_output_shape(shape) for part, shape in zip(self._parts, self._shapes(input_shape), strict=True)
        ]
        outputs, states = shapes, []
        if self.return_state:
            outputs, states = [shape[0] for shape in shapes], [*shapes[0][1:], *shapes[1][1:]]
        if self.merge_mode == "concat":
            merged = [(*outputs[0][:-1], outputs[0][-1] + outputs[1][-1])]
        else:
            if self.merge_mode is not None and outputs[0] != outputs[1]:
                raise ValueError(f"outputs of the layers of {self.name!r} have shapes {outputs}; expected one shape")
            merged = outputs if self.merge_mode is None else outputs[:1]
        return merged[0] if len(merged) == 1 and not self.return_state else [*merged, *states]

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder = lowering.builder
        x, first = inputs[0], self.forward_layer.state_count()
        states = inputs[1 : 1 + first], inputs[1 + first :]
        outputs, last = [], []
        for part, initial in zip(self._parts, states, strict=True):
            output, *ends = part.lower_call(lowering, ([x, *initial],), {})
            if self.return_sequences and part.go_backwards:
                output = builder.reverse(output)
            outputs.append(output)
            last += ends
        if self.merge_mode == "concat":
            outputs = [builder.concatenate(outputs, -1)]
        elif self.merge_mode is not None:
            outputs = [builder.merge(_KINDS[self.merge_mode], outputs)]
        for output in outputs:
            lowering.set_mask(output, lowering.mask(x) if self.return_sequences else -1)
        return [*outputs, *last]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        parts = zip(self._parts, self._shapes(input_shape), strict=True)
        return sum(part.multiply_adds(shape, output_shape) for part, shape in parts)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": layer_config(self.forward_layer),
            "backward_layer": layer_config(self.backward_layer),
        }


class TimeDistributed(_Wrapper):
    """A layer applied to every time step: input (N, T, ...), output (N, T, ...), one set of weights.

    Batch statistics of a normalisation inside are those of one step after the other, and a `Dropout` inside a wrapped
    model draws the same for all steps of a sample.

    Args:
        layer: takes one tensor and gives one.

    Attributes:
        layer: the same.

    Raises:
        ValueError: an input of fewer than three axes, or a layer with several outputs.
    """

    supports_masking = True
    takes_mask = True

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"layer of TimeDistributed is {layer!r}; expected a layer")
        self.layer = layer

    def _step_shape(self, input_shape: Any) -> Shape:
        shape = tuple(input_shape)
        if len(shape) < 3 or any(isinstance(size, tuple | list) for size in shape):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, T, ...)")
        return (shape[0], *shape[2:])

    def build(self, input_shape: Any) -> None:
        with inside(self):
            self.layer._ensure_built(self._step_shape(input_shape))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        output = self.layer.compute_output_shape(self._step_shape(input_shape))
        if not isinstance(output, tuple):
            raise ValueError(f"layer {self.layer.name!r} has several outputs; TimeDistributed expects one")
        return (output[0], input_shape[1], *output[1:])

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, x = lowering.builder, inputs[0]
        steps, *rest = lowering.shape(x)
        if self.layer.treats_positions_alike():
            return self.layer.lower_call(lowering, (x,), {})
        results = []
        for step in range(steps):
            part = builder.reshape(builder.slice(x, step, step + 1), rest)
            lowering.set_dtype(part, lowering.dtype(x))
            self._mask_of_step(lowering, x, step, part)
            result = self.layer.lower_call(lowering, (part,), {})[0]
            results.append(builder.reshape(result, (1, *lowering.shape(result))))
        return [builder.concatenate(results, 0) if steps > 1 else results[0]]

    def _mask_of_step(self, lowering: Lowering, x: int, step: int, part: int) -> None:
        """What the mask says of a step: whether it counts, or which of its own positions do."""
        mask = lowering.mask(x)
        if mask >= 0:
            builder = lowering.builder
            row = builder.slice(mask, step, step + 1)
            lowering.set_mask(part, builder.reshape(row, lowering.shape(mask)[1:]))

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        shape: Any = tuple(input_shape)
        inside = self.layer.multiply_adds(self._step_shape(shape), (output_shape[0], *output_shape[2:]))
        return (shape[1] or 0) * inside

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    def get_config(self) -> dict[str, Any]:
        """As Keras's layer gives it."""
        return {**super().get_config(), "layer": layer_config(self.layer)}
