"""`Front`: the layers of a model that compute on arrays, before its plan begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .._core import tree
from .._graph.graph import Graph
from .._graph.tensors import Node, SymbolicTensor
from ..layers.host import HostLayer

_Body = TypeVar("_Body")


class Front(Generic[_Body]):
    """The calls of host layers (`layers.host`) between the inputs of a model and the rest of it.

    Args:
        graph: of the whole model.
        owner: the model, for messages.
        make_body: makes a model of the graph of the rest. Its inputs are what the rest takes: inputs of the whole, and
            what host layers give.

    Attributes:
        body: that model.

    Raises:
        ValueError: strings reach another layer or an output, or a host layer stands behind another kind of layer.
    """

    def __init__(self, graph: Graph, owner: str, make_body: Callable[[Graph], _Body]) -> None:
        self._inputs = graph.inputs
        self._nodes: list[Node] = []
        known = dict.fromkeys(graph.inputs)
        taken: dict[SymbolicTensor, str] = {}
        for node in graph.nodes:
            if isinstance(node.layer, HostLayer):
                if any(tensor not in known for tensor in node.inputs):
                    what = f"layer {node.layer.name!r} ({type(node.layer).__name__}) of {owner}"
                    raise ValueError(
                        f"{what} computes on arrays, not in a plan; expected it right behind an Input, or behind other "
                        "layers of its kind"
                    )
                self._nodes.append(node)
                known.update(dict.fromkeys(node.outputs))
            else:
                taken.update((tensor, f"layer {node.layer.name!r}") for tensor in node.inputs if tensor in known)
        taken.update((tensor, "an output") for tensor in graph.outputs if tensor in known)
        for tensor, taker in taken.items():
            if tensor.dtype == "string":
                raise ValueError(f"{taker} of {owner} was given strings; expected numbers, see StringLookup")
        self._frontier = [tensor for tensor in known if tensor in taken]
        self.body = make_body(Graph(self._frontier, graph.output_structure, owner))

    @staticmethod
    def of(graph: Graph, owner: str, make_body: Callable[[Graph], _Body]) -> Front[_Body] | None:
        """The front of a graph that has one."""
        strings = any(tensor.dtype == "string" for tensor in graph.inputs)
        needed = strings or any(isinstance(layer, HostLayer) for layer in graph.layers)
        return Front(graph, owner, make_body) if needed else None

    def __call__(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What the body takes, for the inputs of the model."""
        values: dict[SymbolicTensor, Any] = dict(zip(self._inputs, arrays, strict=True))
        for node in self._nodes:
            (given,) = tree.flatten(node.arguments)
            found = cast("HostLayer", node.layer).compute(values[given])
            values[node.outputs[0]] = found if node.outputs[0].dtype == "string" else _for_plan(found, node.outputs[0])
        return [values[tensor] for tensor in self._frontier]


def _for_plan(array: NDArray[Any], tensor: SymbolicTensor) -> NDArray[Any]:
    return np.ascontiguousarray(array, np.int32 if tensor.dtype == "int32" else np.float32)
