"""`OnnxBuilder`: a builder of plans that writes an ONNX graph along the way.

Layers and functions say what they compute by calling a `PlanBuilder`. This one does what they say, which checks
arguments and works out shapes, and writes every op to an `OnnxGraph` as well. So whatever can run in a plan needs no
word about ONNX, but for the op it consists of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._core.variables import Variable
from ..._native import PlanBuilder
from . import elements, moving, recurrent, sums, windows
from .graph import OnnxGraph
from .registry import WRITERS

FAMILIES = (elements, moving, recurrent, sums, windows)  # they fill the table
# Methods of a builder that write no op that a graph of inference could need.
NOT_WRITTEN = frozenset({"build", "logits_of", "loss", "shape"})


class OnnxBuilder(PlanBuilder):
    """See above.

    Args:
        graph: is written.
        variables: by slot; they are there when `parameter` is called.
        input_names: in the order in which `input` is called.
    """

    def __init__(self, graph: OnnxGraph, input_names: Sequence[str]) -> None:
        super().__init__()
        self.graph = graph
        self.variables: Sequence[Variable] = ()
        self._input_names = list(input_names)

    def input(self, shape: Sequence[int], dtype: str = "float32") -> int:
        tensor = super().input(shape, dtype)
        self.graph.values[tensor] = self.graph.input(self._input_names[len(self.graph.inputs)], shape, dtype)
        return tensor

    def parameter(self, shape: Sequence[int], trainable: bool = True) -> int:
        slot = super().parameter(shape, trainable)
        variable = self.variables[slot]
        self.graph.weights.append((variable.path, np.array(variable.value, np.float32)))
        return slot

    def parameter_value(self, slot: int) -> int:
        tensor = super().parameter_value(slot)
        name, array = self.graph.weights[slot]
        self.graph.values[tensor] = self.graph.known(array, "float32", name)
        return tensor


def _method(name: str, write: Callable[..., Any]) -> Callable[..., Any]:
    native: Callable[..., Any] = getattr(PlanBuilder, name)

    def method(self: OnnxBuilder, *args: Any, **kwargs: Any) -> Any:
        result = native(self, *args, **kwargs)
        if isinstance(result, tuple):
            values = write(self.graph, [self.shape(tensor) for tensor in result], *args, **kwargs)
            self.graph.values.update(zip(result, values, strict=True))
        else:
            self.graph.values[result] = write(self.graph, self.shape(result), *args, **kwargs)
        return result

    return method


for _name, _write in WRITERS.items():
    setattr(OnnxBuilder, _name, _method(_name, _write))
