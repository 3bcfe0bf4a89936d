"""Symbolic tensors and the calls of layers between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from .._core import tree
from .._core.dispatch import Symbolic
from .._core.types import Shape
from .protocols import CalledLayer

_names = itertools.count()
_calls = itertools.count()


def reset_names() -> None:
    """Starts the numbers in automatic tensor names over."""
    global _names
    _names = itertools.count()


class SymbolicTensor(Symbolic):
    """A tensor known by its shape alone (Keras's KerasTensor).

    Attributes:
        shape: with the batch first; None where a size is not known yet.
        dtype: "float32" or "int32".
        node: the call that gives this tensor, None for a bare placeholder.
        index: its place among the outputs of that call.
    """

    def __init__(self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype = dtype
        if name is None:
            number = next(_names)
            name = f"keras_tensor_{number}" if number else "keras_tensor"
        self.name = name
        self.node: Node | None = None
        self.index = 0
        # An array of integers given to a composite: whoever consumes it first says whether int32 or float32 is meant.
        self.undecided = False

    @property
    def ndim(self) -> int:
        """Number of axes, with the batch."""
        return len(self.shape)

    def require(self, dtype: str, consumer: str) -> None:
        """Checks that this tensor has `dtype`, or decides that it has."""
        if self.undecided:
            self.dtype, self.undecided = dtype, False
        elif self.dtype != dtype:
            raise ValueError(f"{consumer} was given {self!r}; expected dtype {dtype}")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self!r} has no values yet, so NumPy cannot be used on it; expected layers and functions of day33.ops"
        )

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} has no values yet, so it is neither true nor false; instead of `if`, use day33.ops.where"
        )

    def __float__(self) -> float:
        raise TypeError(f"{self!r} has no values yet, so it is no number; expected functions of day33.ops")

    __int__ = __index__ = __float__

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self!r} has no values yet, so it cannot be iterated over")

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Node:
    """One call of a layer on symbolic tensors.

    Attributes:
        arguments: the tuple of positional arguments, nested as given.
        kwargs: the other arguments; no tensors are among them.
        training: None for the mode in which the plan is run, False for inference always, True for training always;
            `BY_DEFAULT` of `lowering.py` where a recorded call does not say.
        masks: the mask given for each tensor of `arguments`, None for one without; empty where no mask was given.
        inputs: the tensors of `arguments`, then those of `masks`.
        output_structure: the outputs, nested as the layer returns them. outputs: the same as a list.
        number: rises with each call.
    """

    def __init__(
        self,
        layer: CalledLayer,
        arguments: tuple[Any, ...],
        kwargs: dict[str, Any],
        training: Any,
        outputs: Any,
        masks: Sequence[SymbolicTensor | None] = (),
    ) -> None:
        self.number = next(_calls)
        self.layer = layer
        self.arguments = arguments
        self.kwargs = kwargs
        self.training = training
        self.masks = masks
        self.inputs: list[SymbolicTensor] = [*tree.flatten(arguments), *(mask for mask in masks if mask is not None)]
        self.output_structure = outputs
        self.outputs: list[SymbolicTensor] = tree.flatten(outputs)
        for index, tensor in enumerate(self.outputs):
            tensor.node, tensor.index = self, index
