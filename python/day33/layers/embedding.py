"""Layers that sequences begin with: `Embedding`, and `Masking`. Both make the masks that layers after them heed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from .._core.arrays import as_int
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from ._attributes import OfWeight
from .base import Layer


class Embedding(Layer):
    """A table of vectors, looked up by number.

    Input (N, ...), int32; floats are cut to integers, as in Keras. Output (N, ..., output_dim), float32. Weights:
    embeddings (input_dim, output_dim). All rows of the table have a gradient: zero where a row was not looked up, the
    sum where one was looked up more than once. (Keras on TensorFlow hands optimizers one slice per look-up, so that
    Adam adds their squares: see docs/differences.md.)

    Args:
        input_dim: rows of the table; numbers run from 0 to input_dim - 1.
        output_dim: length of a vector.
        embeddings_initializer: see `day33.initializers`.
        mask_zero: whether the number 0 is padding: the output carries a mask that leaves it out.
        weights: initial values of the table, or a list with them.
        input_length: without effect, with a warning, as in Keras 3.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; when run, a number outside the
            table.
    """

    sets_mask = True
    input_dtypes = ("int32",)

    @property
    def makes_masks(self) -> bool:  # type: ignore[override]
        """Whether 0 is padding."""
        return self.mask_zero

    embeddings_regularizer = OfWeight(regularizers.get)
    embeddings_constraint = OfWeight(constraints.get)

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: initializers.InitializerLike = "uniform",
        embeddings_regularizer: regularizers.RegularizerLike = None,
        embeddings_constraint: constraints.ConstraintLike = None,
        mask_zero: bool = False, weights: Any = None, lora_rank: None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("input_length is deprecated and has no effect: the input says how long it is", stacklevel=2)
        super().__init__(**kwargs)
        self._refuse(lora_rank=lora_rank)
        self.embeddings_regularizer = embeddings_regularizer
        self.embeddings_constraint = embeddings_constraint
        self.input_dim = as_int("input_dim", input_dim, 1)
        self.output_dim = as_int("output_dim", output_dim, 1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.mask_zero = bool(mask_zero)
        self.embeddings: Variable | None = None
        if weights is not None:
            self.build()
            self.set_weights([weights] if isinstance(weights, np.ndarray) else weights)

    def build(self, input_shape: Any = None) -> None:
        """Makes the table. It depends on no shape, so that none need be given."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip

    @property
    def supports_masking(self) -> bool:  # type: ignore[override]
        """Whether the output carries a mask."""
        return self.mask_zero

    def _placeholder(self, number: int, array: Any) -> SymbolicTensor:
        tensor = super()._placeholder(number, array)
        if array.dtype.kind == "f":
            tensor.dtype = "float32"  # cut in the plan
        return tensor

    def _require_dtype(self, number: int, tensor: SymbolicTensor) -> None:
        if tensor.undecided:
            super()._require_dtype(number, tensor)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return (*input_shape, self.output_dim)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, ids = lowering.builder, inputs[0]
        if lowering.dtype(ids) != "int32":
            ids = builder.to_int32(ids)
        output = builder.embedding(ids, lowering.slot(self.embeddings))
        if self.mask_zero:
            lowering.set_mask(output, builder.differs(ids, 0.0))
        return [output]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


class Masking(Layer):
    """Marks time steps as padding where all features equal `mask_value`, and sets them to 0.

    Input and output (N, T, C), float32; the output carries the mask (N, T).

    Args:
        mask_value: what marks padding.

    Raises:
        ValueError: when called, an input of fewer than two axes.
    """

    supports_masking = True
    sets_mask = True
    makes_masks = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = float(mask_value)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) < 2:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected (N, ..., C)")
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        mask = lowering.builder.differs(inputs[0], self.mask_value)
        output = lowering.builder.keep_where(inputs[0], mask)
        lowering.set_mask(output, mask)
        return [output]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
