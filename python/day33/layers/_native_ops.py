"""`NativeOps`: what a layer of native ops computes, as a part of a subclass with a `call` of its own."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from typing import Any

from .._core import tree
from .._core.variables import Variable
from .._graph.functions import Called
from .._graph.staging import PlanWriters
from .._graph.tensors import Node, SymbolicTensor


class NativeOps(Called):
    """Stands in graphs for the native ops of `layer`, whose own call is a trace of more than them.

    Two of one layer are equal.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.name = layer.name
        self.acts_in_training_only = layer.acts_in_training_only
        self.training_by_default: bool | None = layer.native_training
        self.call_options: tuple[str, ...] = layer.call_options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NativeOps) and other._layer is self._layer

    def __hash__(self) -> int:
        return hash((NativeOps, id(self._layer)))

    def extend_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None) -> Any:
        """The outputs of a call on symbolic tensors."""
        outputs = self._layer._infer_native(arguments, kwargs)
        Node(self, arguments, kwargs, training, outputs)
        return outputs

    @property
    def weights(self) -> list[Variable]:
        variables: list[Variable] = self._layer.own_variables()
        return variables

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = self._layer.get_config()
        return config

    def mode_key(self) -> tuple[Hashable, ...]:
        key: tuple[Hashable, ...] = self._layer.mode_key()
        return key

    def moving_variables(self) -> Sequence[Variable]:
        variables: Sequence[Variable] = self._layer.moving_variables()
        return variables

    def outputs_for(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[SymbolicTensor]:
        outputs: list[SymbolicTensor] = tree.flatten(self._layer._infer_native(arguments, kwargs))
        return outputs

    def compute_output_shape(self, input_shape: Any, **options: Any) -> Any:
        return self._layer._native_output_shape(input_shape, **options)

    def lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        with lowering.mode(self.training_by_default if lowering.by_default else None):
            write = functools.partial(self._layer._lower_one, **kwargs)
            results: list[int] = lowering.call(write, tree.flatten(arguments))
        return results
