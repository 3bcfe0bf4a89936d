"""What layers write an ONNX graph into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._graph.functions import ConstantSource, Function
from ..._graph.lowering import CrossesSamples, Lowering, Shared
from .builder import OnnxBuilder
from .graph import OnnxGraph

SAMPLEWISE = "expected results that are computed sample by sample"


class OnnxLowering(Lowering):
    """A `Lowering` whose builder writes an ONNX graph, for inference."""

    def __init__(self, graph: OnnxGraph, input_names: Sequence[str]) -> None:
        builder = OnnxBuilder(graph, input_names)
        super().__init__(builder=builder)
        builder.variables = self.variables
        graph.layers = self.layers

    def apply(self, function: Function, inputs: Sequence[int]) -> list[int]:
        if any(value >= 0 for value in inputs):
            try:
                return super().apply(function, inputs)
            except CrossesSamples:
                where = f"layer {'/'.join(self.layers)!r}: " if any(self.layers) else ""
                name = function.keras_name or type(function).__name__
                raise ValueError(f"{where}{name} takes the batch as a whole; {SAMPLEWISE}") from None
        return self._computed(function, [self._shared[-2 - value] for value in inputs])

    def _computed(self, function: Function, operands: Sequence[Shared]) -> list[int]:
        """What depends on weights and constants alone is computed now."""
        plan = Lowering()
        samples = plan.input((1,), "float32")  # a plan counts the samples of its inputs
        given = []
        for operand in operands:
            array = np.array(self.variables[operand.slot].value)
            source = ConstantSource(array if operand.dtype == "float32" else array.astype(operand.dtype))
            slot = plan.slot(source.variable())
            given.append(Shared(plan, slot, operand.shape, operand.dtype, source.number, source.value))
        results = plan.write(function, given, 0)
        native = plan.builder.build([*results, samples])
        arrays = native.forward([np.zeros((1, 1), np.float32)], [v.value for v in plan.variables])
        dtypes = [plan.dtype(result) for result in results]
        return [
            self.share(ConstantSource(array[0].astype(dtype)))
            for array, dtype in zip(arrays, dtypes, strict=False)  # the samples come last
        ]
