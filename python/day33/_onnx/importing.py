"""`from_onnx`: from a file to a model."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import layers
from .._core.naming import unused
from .._formats.onnx.reading import FileGraph, FileNode, read, refusing
from .._graph import limits
from .._graph.functions import Function
from .._graph.tensors import SymbolicTensor
from ..models import Model
from . import constants, elements, moving, recurrent, sums, windows
from .registry import READERS, Call
from .values import MOST, Value, batch_ahead

FAMILIES = (constants, elements, moving, recurrent, sums, windows)  # they fill the table


def from_onnx(filepath: str | os.PathLike[str]) -> Model:
    """Reads an ONNX file as a model, which predicts, trains on and is saved like any other. It needs the package onnx.

    Inputs and outputs have the shapes of the file: images are (N, C, H, W) where torch wrote it. The first axis of each
    input is the batch, of any size; an output that has the batch on another axis, such as the last states (layers, N,
    units) of torch's LSTM, gets it first. Weights of convolutions, products with matrices, normalisations, recurrent
    layers, tables and slopes are weights of layers and train; other constants stay as they are.

    Args:
        filepath: of the file. Weights outside of it are read from files in the same folder.

    Returns:
        The model, with layers named after the nodes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged or hostile, or does what day33 does not: operators that are not read (the message
            names all of them), or with arguments that are not (the message names the node).
        ImportError: the package onnx is not installed.
    """
    path = Path(filepath)
    graph = read(path)
    # What a damaged file computes with constants may be anything.
    with refusing(path), limits.limiting(_calls(graph), _values(graph)), np.errstate(all="ignore"):
        return _Importer(graph).model()


def _calls(graph: FileGraph) -> int:
    return 100 + 20 * len(graph.nodes)


def _values(graph: FileGraph) -> int:
    """As many values as the file holds, twice since layers may share weights, and those of the constants it makes."""
    inside = [value for node in graph.nodes for value in node.attributes.values() if isinstance(value, np.ndarray)]
    return MOST + 2 * sum(int(array.size) for array in [*graph.arrays.values(), *inside])


class _Importer:
    def __init__(self, graph: FileGraph) -> None:
        self._graph = graph
        self._nodes = _with_biases(_needed(graph), graph)
        self._readers = Counter(name for node in self._nodes for name in node.inputs)
        self._readers.update(graph.outputs)
        self._names: set[str] = set()
        self._made: dict[Any, Any] = {}
        self._values: dict[str, Value] = {name: Value.known(array) for name, array in graph.arrays.items()}

    def model(self) -> Model:
        self._check_operators()
        inputs = []
        for item in self._graph.inputs:
            if not item.shape:
                raise ValueError(f"input {item.name!r} has no axes; expected the batch at least")
            dtype = "int32" if item.dtype == "bool" else item.dtype
            tensor = layers.Input(item.shape[1:], dtype=dtype, name=self._unique(item.name))
            inputs.append(tensor)
            self._values[item.name] = Value.of(tensor)
        for node in self._nodes:
            self._read(node)
        outputs = []
        for name in self._graph.outputs:
            value = self._values[name]
            if value.array is not None:
                raise ValueError(f"output {name!r} is a constant; expected that it depends on the inputs")
            outputs.append(self._named(value.tensor(batch_ahead(value.rank, value.batch)), name))
        return Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0])

    def _named(self, tensor: SymbolicTensor, name: str) -> SymbolicTensor:
        """An output of a function has no name, and models call their outputs by those of layers."""
        if tensor.node is not None and not isinstance(tensor.node.layer, Function):
            return tensor
        named: SymbolicTensor = layers.Identity(name=self._unique(name))(tensor)
        return named

    def _check_operators(self) -> None:
        """Names all operators that are not read."""
        if not self._graph.inputs:
            raise ValueError("it has no inputs")
        unknown = Counter(
            f"{node.domain}.{node.op}" if node.domain else node.op
            for node in self._nodes
            if node.domain or node.op not in READERS
        )
        if unknown:
            listed = ", ".join(f"{op} ({count})" if count > 1 else op for op, count in sorted(unknown.items()))
            raise ValueError(f"it has operators that day33 does not read: {listed}; expected some of {sorted(READERS)}")

    def _read(self, node: FileNode) -> None:
        inputs = [self._values[name] if name else None for name in node.inputs]
        wanted = [bool(name) and self._readers[name] > 0 for name in node.outputs]
        call = Call(node, inputs, self._graph.opset, wanted, self._unique(_stem(node)), self._made, self._unique)
        try:
            found = READERS[node.op](call)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"{node.label}: {error}") from error
        results: Sequence[Value] = found if isinstance(found, list) else [found]
        if sum(wanted[len(results) :]):
            raise ValueError(f"{node.label} gives {len(node.outputs)} outputs; expected {len(results)}")
        self._values.update((name, value) for name, value in zip(node.outputs, results, strict=False) if name)

    def _unique(self, stem: str) -> str:
        """A name for a layer, made of one in the file."""
        stem = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")[:200] or "layer"
        return unused(stem, self._names)


def _stem(node: FileNode) -> str:
    """What a layer is called: as the module in whose name torch and day33 write the node."""
    name = node.name.strip("/")
    return (name.removesuffix(node.op).rstrip("/") if name.endswith(f"/{node.op}") else name) or node.op


def _needed(graph: FileGraph) -> list[FileNode]:
    """The nodes that the outputs depend on."""
    needed, nodes = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            nodes.append(node)
            needed.update(node.inputs)
    return nodes[::-1]


def _with_biases(nodes: list[FileNode], graph: FileGraph) -> list[FileNode]:
    """Products with matrices take in the constant that is added to them, and to nothing else: that is their bias."""
    readers = Counter(name for node in nodes for name in node.inputs)
    readers.update(graph.outputs)
    products = {
        node.outputs[0]: node
        for node in nodes
        if node.op == "MatMul" and len(node.inputs) == 2 and len(node.outputs) == 1 and not node.domain
    }
    joined: dict[str, FileNode] = {}  # by the output of the product
    for node in nodes:
        if node.op != "Add" or node.domain or len(node.inputs) != 2 or len(node.outputs) != 1:
            continue
        for product, bias in (node.inputs, node.inputs[::-1]):
            made, array = products.get(product), graph.arrays.get(bias)
            kernel = graph.arrays.get(made.inputs[1]) if made is not None else None
            if made is None or array is None or kernel is None or readers[product] != 1:
                continue
            if kernel.ndim == 2 and array.shape == kernel.shape[1:] and array.dtype.kind == "f":
                joined[product] = FileNode("MatMul", "", made.name, (*made.inputs, bias), node.outputs, made.attributes)
    taken = {node.outputs[0] for node in joined.values()}
    return [
        joined.get(node.outputs[0], node) if node.outputs else node
        for node in nodes
        if not (node.op == "Add" and node.outputs and node.outputs[0] in taken)
    ]
