"""Inputs, the dense layer and dropout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import initializers
from .._core.arrays import as_int
from .._core.types import Shape
from .._graph.lowering import Lowering
from .._graph.tensors import Node, SymbolicTensor
from ._activated import activated
from ._attributes import Checked, Seed, as_rate, check_channels_last
from ._weighted import WeightedLayer
from .base import Layer

_INT_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")


class InputLayer(Layer):
    """The start of a graph, with one symbolic tensor as its output. See `Input`, which makes one.

    Args:
        shape, batch_size, dtype, name, batch_shape: as of `Input`.
        input_shape, batch_input_shape: older names of `shape` and `batch_shape`.

    Attributes:
        output: the tensor.
        batch_shape: its shape, with the batch.

    Raises:
        ValueError: both or neither of shape and batch_shape, a size that is no count, or an unknown dtype.
    """

    dtype_is_policy = False

    def __init__(
        self, shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
        name: str | None = None, *, batch_shape: Sequence[int | None] | None = None,
        input_shape: Sequence[int | None] | None = None, batch_input_shape: Sequence[int | None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        shape = _under_one_name("shape", shape, "input_shape", input_shape)
        batch_shape = _under_one_name("batch_shape", batch_shape, "batch_input_shape", batch_input_shape)
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
        elif dtype in ("string", "str", "str_"):
            dtype = "string"
        elif dtype not in ("float32", "float16", "bfloat16", "float64", "bool"):
            raise ValueError(f'dtype is {dtype!r}; expected "float32", "int32" or "string"')
        self.dtype = dtype if dtype in ("int32", "string") else "float32"
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


def _under_one_name(name: str, value: Any, older: str, given: Any) -> Any:
    """An argument of two names, of which one at most may be given."""
    if value is not None and given is not None:
        raise ValueError(f"{name} is {value} and {older} is {given}; expected one of them")
    return value if given is None else given


def Input(
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
    name: str | None = None, *, batch_shape: Sequence[int | None] | None = None,
) -> SymbolicTensor:  # fmt: skip
    """A symbolic tensor to build a model from.

    Args:
        shape: without the batch; None for sizes that may vary.
        batch_size: usually left out.
        dtype: "float32", "int32" for indices, or "string" for layers that take strings. Any other integer dtype means
            int32, any other float or bool float32.
        name: of the tensor and its input layer.
        batch_shape: the shape with the batch, in place of shape and batch_size.

    Returns:
        The tensor, to call layers on.

    Raises:
        ValueError: both or neither of shape and batch_shape, a size that is no count, or an unknown dtype.
    """
    tensor: SymbolicTensor = InputLayer(shape, batch_size, dtype, name, batch_shape=batch_shape).output
    return tensor


class Dense(WeightedLayer):
    """Linear layer on the last axis: ``activation(x @ kernel + bias)``.

    Input (N, ..., C), float32; output (N, ..., units). Weights: kernel (C, units), bias (units,).

    Args:
        units: size of the last axis of the output.
        activation: None, a name, an activation layer, or a function of a tensor written with functions of `day33.ops`;
            see `day33.activations`.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: see `day33.initializers`.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when called, an input whose last
            axis is unknown or another than when built.
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
        if self.activation.function is not None:
            return [activated(lowering, lowering.builder.dense(inputs[0], *slots), self.activation, self.name)]
        return [lowering.builder.dense(inputs[0], *slots, activation=kind, alpha=alpha)]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return int(math.prod(input_shape[1:])) * self.units

    def treats_positions_alike(self) -> bool:
        return type(self) is Dense and self.activation.function is None

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if len(input_shape) == 4 else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def as_noise_shape(value: Any) -> Shape | None:
    """`noise_shape` as a tuple. ValueError unless it is None, or a size or None for each axis, None for the batch."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"noise_shape is {value!r}; expected None, or for each axis a size or None")
    sizes = tuple(None if size is None else as_int(f"noise_shape[{i}]", size, 1) for i, size in enumerate(value))
    if not sizes or sizes[0] is not None:
        raise ValueError(f"noise_shape is {value!r}; expected None as first entry: samples are drawn on their own")
    return sizes


def check_noise_shape(layer: Layer, noise: Shape | None, shape: Shape) -> None:
    """ValueError unless noise of that shape can be stretched to an input of `shape`."""
    if noise is not None and (
        len(noise) != len(shape)
        or any(own not in (None, 1, size) and size is not None for own, size in zip(noise, shape, strict=True))
    ):
        raise ValueError(
            f"layer {layer.name!r} was given an input of shape {shape}; expected what fits its noise_shape {noise}"
        )


class Dropout(Layer):
    """In training, sets each value to 0 with probability `rate` and divides the others by 1 - rate (Srivastava et al.,
    2014). Otherwise the input as it is.

    Input and output (N, ...), float32.

    Args:
        rate: 0 <= rate < 1.
        noise_shape: the batch first, with None for its size; 1 where what is dropped is the same along an axis, and
            None or the size of the axis elsewhere. By default each value is drawn on its own.
        seed: fixes the layer's part of the randomness; the rest comes from `day33.set_random_seed`.

    Raises:
        ValueError: a rate or a noise_shape out of range, or, when called, an input that noise_shape does not fit.
    """

    acts_in_training_only = True
    native_training = False
    supports_masking = True
    rate = Checked(as_rate)
    noise_shape = Checked(as_noise_shape)
    seed = Seed()

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def compute_output_shape(self, input_shape: Any) -> Shape:
        check_noise_shape(self, self.noise_shape, tuple(input_shape))
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if lowering.inference or not self.rate:
            return inputs
        x, shape = inputs[0], lowering.shape(inputs[0])
        self.compute_output_shape((None, *shape))
        shared = [axis for axis, size in enumerate((self.noise_shape or (None,))[1:]) if size == 1 < shape[axis]]
        if lowering.forced:
            return [self._constant_dropout(lowering, x, shared)]
        if not shared:
            return [lowering.builder.dropout(x, self.rate, lowering.seed_of(Seed.of(self)))]
        return [self._shared_dropout(lowering, x, shared)]

    def _constant_dropout(self, lowering: Lowering, x: int, shared: list[int]) -> int:
        """Dropout in inference as well, made of ops that have no mode."""
        builder, shape = lowering.builder, lowering.shape(x)
        seed = lowering.op_seed(lowering.seed_of(Seed.of(self)))
        sizes = [1 if axis in shared else size for axis, size in enumerate(shape)]
        drawn = builder.random("uniform", sizes, seed)
        kept = builder.binary("greater_equal", drawn, lowering.constant(np.float32(self.rate)))
        scale = np.array([1.0 / (1.0 - self.rate)], np.float32)
        scaled = builder.rescaling(x, scale, np.zeros(1, np.float32))
        return builder.select(kept, scaled, lowering.constant(np.float32(0.0)))

    def _shared_dropout(self, lowering: Lowering, x: int, shared: list[int]) -> int:
        """What is dropped is the same along the axes `shared`: they are moved to the front, and back."""
        builder, shape = lowering.builder, lowering.shape(x)
        order = [*shared, *(axis for axis in range(len(shape)) if axis not in shared)]
        moved = x if order == sorted(order) else builder.permute(x, order)
        repeats = math.prod(shape[axis] for axis in shared)
        rows = builder.reshape(moved, (repeats, math.prod(shape) // repeats))
        dropped = builder.dropout(rows, self.rate, lowering.seed_of(Seed.of(self)), shared_axis=True)
        result = builder.reshape(dropped, [shape[axis] for axis in order])
        return (
            result if order == sorted(order) else builder.permute(result, [order.index(i) for i in range(len(order))])
        )

    def treats_positions_alike(self) -> bool:
        return type(self) is Dropout and self.noise_shape is None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class _SpatialDropout(Dropout):
    """`SpatialDropout1D` and `SpatialDropout2D`."""

    axes = "(N, T, C)"

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, (None, *(1 for _ in range(self.axes.count(",") - 1)), None), seed, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) != self.axes.count(",") + 1:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected {self.axes}")
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        # Keras's constructor takes neither.
        return {key: value for key, value in config.items() if key not in ("noise_shape", "trainable")}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of (N, T, C) that drops a channel of a sample at all time steps or at none (Tompson et al., 2015).

    Input and output (N, T, C), float32.

    Args:
        rate: 0 <= rate < 1.
        seed: as of `Dropout`.

    Raises:
        ValueError: a rate out of range, or, when called, an input of another rank.
    """


class SpatialDropout2D(_SpatialDropout):
    """Dropout of images that drops a channel of a sample as a whole or not at all (Tompson et al., 2015).

    Input and output (N, H, W, C), float32.

    Args:
        rate: 0 <= rate < 1.
        data_format: None or "channels_last".
        seed: as of `Dropout`.

    Raises:
        ValueError: a rate out of range, or another data_format; when called, an input of another rank.
    """

    axes = "(N, H, W, C)"
    data_format = Checked(check_channels_last)

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)
        self.data_format = data_format

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Identity(Layer):
    """Gives what it is given: a tensor of any shape and dtype, with its mask."""

    supports_masking = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def treats_positions_alike(self) -> bool:
        return True
