"""Inputs, the dense layer and dropout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .. import initializers
from .._core.arrays import as_int
from .._core.types import Shape
from .._graph.lowering import Lowering
from .._graph.tensors import Node, SymbolicTensor
from ..random import next_seed
from ._weighted import WeightedLayer
from .base import Layer

_INT_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")


class InputLayer(Layer):
    """The start of a graph; its `output` is the tensor. See `Input`."""

    dtype_is_policy = False

    def __init__(
        self, shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
        name: str | None = None, *, batch_shape: Sequence[int | None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"shape is {shape} and batch_shape is {batch_shape}; expected exactly one of them")
        if shape is not None:
            sizes = [("batch_size", batch_size), *((f"shape[{i}]", size) for i, size in enumerate(shape))]
        else:
            sizes = [(f"batch_shape[{i}]", size) for i, size in enumerate(batch_shape or ())]
        if not sizes:
            raise ValueError("batch_shape is empty; expected the batch as first entry")
        dtype = str(getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or dtype or "float32")
        if dtype in _INT_DTYPES:
            dtype = "int32"
        elif dtype not in ("float32", "float16", "bfloat16", "float64", "bool"):
            raise ValueError(f'dtype is {dtype!r}; expected "float32" or "int32"')
        self.dtype = dtype if dtype == "int32" else "float32"
        self.batch_shape: Shape = tuple(None if size is None else as_int(what, size, 0) for what, size in sizes)
        tensor = SymbolicTensor(self.batch_shape, self.dtype, name)
        self._nodes.append(Node(self, (), {}, None, tensor))
        self.built = True

    def compute_output_shape(self, input_shape: Any = None) -> Shape:
        return self.batch_shape

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "batch_shape": self.batch_shape, "dtype": self.dtype}

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(config)
        if "batch_input_shape" in result:
            result["batch_shape"] = result.pop("batch_input_shape")
        if isinstance(result.get("dtype"), Mapping):
            result["dtype"] = result["dtype"]["config"]["name"]
        return result


def Input(
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
    name: str | None = None, *, batch_shape: Sequence[int | None] | None = None,
) -> SymbolicTensor:  # fmt: skip
    """A symbolic tensor to build a model from.

    Args:
        shape: without the batch; None for sizes that may vary.
        batch_size: usually left out.
        dtype: "float32", or "int32" for indices. Any other integer dtype means int32, any other float float32.
        name: of the tensor and its input layer.
    """
    tensor: SymbolicTensor = InputLayer(shape, batch_size, dtype, name, batch_shape=batch_shape).output
    return tensor


class Dense(WeightedLayer):
    """Linear layer on the last axis: ``activation(x @ kernel + bias)``.

    Input (N, ..., C), output (N, ..., units). Weights: kernel (C, units), bias (units,).

    Args:
        units: size of the output's last axis.
        activation: None, a name, or an activation layer.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: see `day33.initializers`.
    """

    supports_masking = True

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        bias_initializer: initializers.InitializerLike = "zeros", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self.units = as_int("units", units, 1)

    def _channels(self, shape: Any) -> int:
        if len(shape) < 2 or any(isinstance(size, tuple | list) for size in shape):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, ..., C)")
        if not isinstance(shape[-1], int):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected a known last axis")
        if self.kernel is not None and self.kernel.shape[0] != shape[-1]:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected {self.kernel.shape[0]} on the last "
                "axis, as when it was built"
            )
        return shape[-1]

    def build(self, input_shape: Any) -> None:
        self._add_weights((self._channels(input_shape), self.units), self.units)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._channels(input_shape)
        return (*input_shape[:-1], self.units)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        kind, alpha = self.activation.kind, self.activation.alpha
        slots = lowering.slot(self.kernel), lowering.slot(self.bias)
        return [lowering.builder.dense(inputs[0], *slots, activation=kind, alpha=alpha)]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(input_shape[1:])) * self.units

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if len(input_shape) == 4 else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Dropout(Layer):
    """In training, sets each value to 0 with probability `rate` and divides the others by 1 - rate; else nothing.

    Args:
        rate: 0 <= rate < 1.
        seed: fixes the layer's part of the randomness; the rest comes from `day33.set_random_seed`.
    """

    acts_in_training_only = True
    supports_masking = True

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._refuse(noise_shape=noise_shape)
        if not 0 <= rate < 1:
            raise ValueError(f"rate is {rate}; expected 0 <= rate < 1")
        self.rate = float(rate)
        self.seed = seed
        self._seed = next_seed() if seed is None else int(seed)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if lowering.inference or not self.rate:
            return inputs
        return [lowering.builder.dropout(inputs[0], self.rate, self._seed)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": None}


class SpatialDropout1D(Dropout):
    """Dropout of (N, T, C) that drops a channel of a sample at all time steps or at none (Tompson et al., 2015).

    Args:
        rate: 0 <= rate < 1.
        seed: as of `Dropout`.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected (N, T, C)")
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if lowering.inference or not self.rate:
            return inputs
        return [lowering.builder.dropout(inputs[0], self.rate, self._seed, shared_axis=True)]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        # Keras's constructor takes neither.
        return {key: value for key, value in config.items() if key not in ("noise_shape", "trainable")}
