"""`Model.export` for ONNX: from the arguments to the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..._core import tree
from ..._core.types import Shape
from ..._graph.graph import Graph
from ..._graph.lowering import CrossesSamples, Lowering
from ..._graph.tensors import SymbolicTensor
from ..._io.files import clear_leftovers, replacing
from .graph import Body, Node, OnnxGraph
from .lowering import SAMPLEWISE, OnnxLowering
from .open_sizes import Written, with_open_sizes
from .package import onnx_package

OLDEST, DEFAULT, NEWEST = 18, 18, 23  # of the operators' versions that the ops written here have in common
_MOST_BYTES = 2**31 - 2**20  # what a file of protobuf holds, less the nodes


class ExportedModel(Protocol):
    """A model as the export sees it."""

    name: str
    built: bool

    @property
    def inputs(self) -> list[SymbolicTensor]: ...
    def known_graph(self) -> Graph: ...
    def output_keys(self) -> list[str]: ...
    def write_into(self, lowering: Lowering, inputs: list[int]) -> list[int]: ...


def export(
    filepath: str | os.PathLike[str], model: ExportedModel, format: str, verbose: bool | None, input_signature: Any,
    opset_version: int | None,
) -> None:  # fmt: skip
    """See `day33.Model.export`."""
    if format != "onnx":
        raise ValueError(f'format is {format!r}; expected "onnx", the only one that day33 exports')
    opset = DEFAULT if opset_version is None else opset_version
    if isinstance(opset, bool) or not isinstance(opset, int) or not OLDEST <= opset <= NEWEST:
        raise ValueError(f"opset_version is {opset_version!r}; expected an int from {OLDEST} to {NEWEST}, or None")
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    path = Path(filepath)
    proto = to_proto(model, _shapes(model, input_signature), opset)
    clear_leftovers(path)
    with replacing(path) as temporary:
        temporary.write_bytes(proto.SerializeToString(deterministic=True))
    if verbose:
        print(f"Saved model {model.name!r} in the format ONNX (operators of version {opset}) at {str(path)!r}.")


def _shapes(model: ExportedModel, signature: Any) -> list[Shape]:
    """The shapes of the inputs, batch first; None for sizes that are open.

    Raises:
        ValueError: the signature does not fit. TypeError: it is none.
    """
    declared = model.inputs
    # Those of a model that is defined by its code are known from its first call.
    shapes: list[Shape] = [(None, *tensor.shape[1:]) for tensor in model.known_graph().inputs]
    if signature is not None:
        given = tree.flatten(signature)
        if len(given) != len(declared):
            raise ValueError(f"input_signature has {len(given)} items; expected {len(declared)}, one for each input")
        shapes = [_shape_of(item, tensor) for item, tensor in zip(given, declared, strict=True)]
    for tensor in declared:
        if tensor.dtype == "string":
            raise ValueError(
                f"input {tensor.name!r} of model {model.name!r} holds strings; expected numbers: export a model that "
                "begins behind the layers that look strings up"
            )
    return shapes


def _shape_of(item: Any, declared: SymbolicTensor) -> Shape:
    """The shape of an item of a signature, compared with what the model declares."""
    shape, dtype = getattr(item, "shape", None), getattr(item, "dtype", None)
    if shape is None:
        raise TypeError(
            f"input_signature holds {item!r}; expected something with a shape (and a dtype), such as day33.Input((28, "
            "28, 1)), an array or a tf.TensorSpec, for each input"
        )
    sizes = tuple(None if size is None else int(size) for size in shape)
    fits = len(sizes) == len(declared.shape) and all(
        None in (mine, theirs) or mine == theirs for mine, theirs in zip(sizes[1:], declared.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"input_signature has shape {sizes} for input {declared.name!r}; expected {tuple(declared.shape)}"
        )
    kind = str(getattr(dtype, "name", dtype))
    if dtype is not None and kind != declared.dtype:
        raise ValueError(f"input_signature has dtype {kind} for input {declared.name!r}; expected {declared.dtype}")
    return (sizes[0], *(mine or theirs for mine, theirs in zip(sizes[1:], declared.shape[1:], strict=True)))


def to_proto(model: ExportedModel, shapes: Sequence[Shape], opset: int) -> Any:
    """The model as a `ModelProto` of the package onnx.

    Raises:
        ValueError: something in it cannot be said in ONNX; the message names layers.
    """
    onnx = onnx_package()
    owner = f"model {model.name!r} cannot be exported to ONNX"

    def write(length: int) -> Written:
        return _write(model, [[length if size is None else size for size in shape[1:]] for shape in shapes], opset)

    is_open = any(None in shape[1:] for shape in shapes)
    try:
        written = with_open_sizes(write) if is_open else write(0)
    except CrossesSamples:
        raise ValueError(f"{owner}: something in it depends on no input; {SAMPLEWISE}") from None
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from error
    graph = written.graph
    size = sum(array.nbytes for array in graph.constants.values())
    if size > _MOST_BYTES:
        raise ValueError(f"{owner}: it has {size:,} bytes of weights; expected at most {_MOST_BYTES:,}")
    writer = _Writer(onnx)
    entries = [
        writer.info(name, value.dtype, ["batch" if shape[0] is None else shape[0], *_sizes(name, shape)])
        for (name, value), shape in zip(graph.inputs, shapes, strict=True)
    ]
    batch = "batch" if shapes[0][0] is None else shapes[0][0]
    results = [
        writer.info(name, value.dtype, [batch, *((None,) * value.rank if is_open else value.shape)])
        for name, value in written.outputs
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph([writer.node(node) for node in written.nodes], model.name, entries, results, constants),
        opset_imports=[onnx.helper.make_opsetid("", opset)], producer_name="day33",
    )  # fmt: skip
    proto.ir_version = onnx.helper.find_min_ir_version_for(list(proto.opset_import))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _sizes(name: str, shape: Shape) -> list[int | str]:
    """The sizes behind the batch; open ones have names."""
    return [f"{name}_{axis}" if size is None else size for axis, size in enumerate(shape[1:], 1)]


def _write(model: ExportedModel, sizes: Sequence[Sequence[int]], opset: int) -> Written:
    """The graph for inputs of these sizes, without the batch."""
    graph = OnnxGraph(opset)
    lowering = OnnxLowering(graph, [tensor.name for tensor in model.inputs])
    inputs = [lowering.input(shape, tensor.dtype) for shape, tensor in zip(sizes, model.inputs, strict=True)]
    with lowering.mode(False):
        outputs = model.write_into(lowering, inputs)
    if any(output < 0 for output in outputs):
        raise CrossesSamples
    names = _outputs(graph, lowering, outputs, model.output_keys())
    return Written(graph, graph.needed_nodes(names), [(n, graph[o]) for n, o in zip(names, outputs, strict=True)])


def _outputs(graph: OnnxGraph, lowering: Lowering, outputs: Sequence[int], keys: Sequence[str]) -> list[str]:
    """Names the outputs after the model's; those of plans are notes on what numbers stand for."""
    names = []
    with graph.outermost():
        for number, (output, key) in enumerate(zip(outputs, keys, strict=True)):
            value = graph[output]
            if lowering.dtype(output) == "bool":
                value = graph.converted(value, "bool")
            elif value.dtype == "bool":
                value = graph.converted(value, "int32")
            value = graph.stretched(value, value.shape)
            graph.values[output] = value
            names.append(graph.rename_or_copy(graph.name(value), key or f"output_{number}"))
    return names


class _Writer:
    """Protobuf of nodes and types."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        types = onnx.TensorProto
        self._types = {"float32": types.FLOAT, "int32": types.INT32, "int64": types.INT64, "bool": types.BOOL}

    def info(self, name: str, dtype: str, shape: Sequence[int | str | None]) -> Any:
        """Name and type of an input or output."""
        return self._onnx.helper.make_tensor_value_info(name, self._types[dtype], list(shape))

    def node(self, node: Node) -> Any:
        """A node with its attributes, and its body."""
        attributes = dict(node.attributes)
        if node.op == "Cast":
            attributes["to"] = self._types[attributes["to"]]
        if node.body is not None:
            attributes["body"] = self._body(node.body, node.outputs[0])
        made = self._onnx.helper.make_node(node.op, node.inputs, node.outputs, name=node.outputs[0])
        made.attribute.extend(
            self._onnx.helper.make_attribute(name, list(value) if isinstance(value, tuple) else value)
            for name, value in sorted(attributes.items())
        )
        return made

    def _body(self, body: Body, name: str) -> Any:
        entries, results = (
            [self.info(item, dtype, shape) for item, dtype, shape in side] for side in (body.inputs, body.outputs)
        )
        return self._onnx.helper.make_graph([self.node(node) for node in body.nodes], f"{name}/body", entries, results)
