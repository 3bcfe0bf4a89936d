"""Layers that sequences begin with, `Embedding` and `Masking`, which make the masks that layers after them heed; and
`ReversibleEmbedding`, with which a language model ends as well.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from .._core.arrays import as_int, as_number
from .._core.types import Shape
from .._core.variables import Variable
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from ._attributes import OfWeight
from ._weights import dtype_name
from .base import Layer


class Embedding(Layer):
    """A table of vectors, looked up by number.

    Input (N, ...), int32; floats are cut to integers, as in Keras. Output (N, ..., output_dim), float32. Weights:
    embeddings (input_dim, output_dim). All rows of the table have a gradient: zero where a row was not looked up, the
    sum where one was looked up more than once. (Keras on TensorFlow hands optimizers one slice per look-up, so that
    Adam adds their squares, as those of day33 do with ``per_slice=True``: see docs/differences.md.)

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


class ReversibleEmbedding(Embedding):
    """An `Embedding` that also works backwards, from vectors to a score (logit) for each row of the table.

    As a call of `Embedding`; with ``reverse=True``, input (N, ..., output_dim), output (N, ..., input_dim), both
    float32: ``x @ embeddings.T``, without a bias. So a language model can end with the table that it begins with (Press
    and Wolf, 2017; Inan et al., 2017), which then learns from both ends::

        embedding = layers.ReversibleEmbedding(words, 256, mask_zero=True)
        x = layers.LSTM(256, return_sequences=True)(embedding(tokens))
        logits = embedding(x, reverse=True)

    Weights: embeddings (input_dim, output_dim); without `tie_weights`, also reverse_embeddings (output_dim, input_dim).
    The table is read where it is: nothing is copied or transposed for it. Masks go on through ``reverse=True``, which
    those of Keras do not (docs/differences.md).

    Args:
        input_dim, output_dim, embeddings_initializer, mask_zero: as for `Embedding`.
        tie_weights: whether the reverse reads the table; else it has a matrix of its own.
        logit_soft_cap: keeps scores between -c and c: they become ``c * tanh(x / c)``. None for no bound.

    Raises:
        ValueError: an argument out of range, or one of Keras that day33 does not have; in reverse, another last axis
            than `output_dim`.
    """

    call_options = ("reverse",)
    reverse_embeddings: Variable | None = None

    def __init__(
        self, input_dim: int, output_dim: int, tie_weights: bool = True,
        embeddings_initializer: initializers.InitializerLike = "uniform",
        embeddings_regularizer: regularizers.RegularizerLike = None,
        embeddings_constraint: constraints.ConstraintLike = None,
        mask_zero: bool = False, reverse_dtype: Any = None, logit_soft_cap: float | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.tie_weights = bool(tie_weights)
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero,
            **kwargs,
        )  # fmt: skip
        if dtype_name(reverse_dtype) not in (None, "float32"):
            raise ValueError(f"reverse_dtype is {reverse_dtype!r}; day33 computes in float32 only")
        self.reverse_dtype = dtype_name(reverse_dtype)
        self.logit_soft_cap = None if logit_soft_cap is None else as_number("logit_soft_cap", logit_soft_cap)
        if self.logit_soft_cap is not None and self.logit_soft_cap <= 0:
            raise ValueError(f"logit_soft_cap is {logit_soft_cap}; expected None or a positive number")

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            shape = self.output_dim, self.input_dim
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name="reverse_embeddings")

    def _require_dtype(self, number: int, tensor: SymbolicTensor, reverse: bool = False) -> None:
        if not reverse:
            super()._require_dtype(number, tensor)
        elif tensor.undecided:
            tensor.require("float32", f"layer {self.name!r}")

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Shape:
        if not reverse:
            return super().compute_output_shape(input_shape)
        if len(input_shape) < 2 or input_shape[-1] not in (None, self.output_dim):
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)} with reverse=True; expected "
                f"(N, ..., {self.output_dim})"
            )
        return (*input_shape[:-1], self.input_dim)

    def lower(self, lowering: Lowering, inputs: list[int], reverse: bool = False) -> list[int]:
        if not reverse:
            return super().lower(lowering, inputs)
        builder, x, cap = lowering.builder, inputs[0], self.logit_soft_cap
        if lowering.dtype(x) != "float32":
            x = builder.cast(x, "float32")
        if self.tie_weights:
            output = builder.dense(x, lowering.slot(self.embeddings), transposed=True)
        else:
            output = builder.dense(x, lowering.slot(self.reverse_embeddings))
        if cap is not None:
            zero = np.zeros(1, np.float32)
            output = builder.activation(builder.rescaling(output, np.full(1, 1 / cap, np.float32), zero), "tanh")
            output = builder.rescaling(output, np.full(1, cap, np.float32), zero)
        lowering.pass_mask(inputs, [output])
        return [output]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        if len(input_shape) != len(output_shape):
            return 0
        return int(math.prod(input_shape[1:])) * self.input_dim

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
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
