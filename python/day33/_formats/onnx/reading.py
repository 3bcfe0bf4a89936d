"""ONNX files as plain Python objects, read without trusting them.

The package onnx parses the protobuf; what it says is checked here. Memory grows with the file: a shape is compared with
the bytes that are there before an array is made, and numbers outside of the file are read only from files beside it.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._io.files import open_regular
from .package import onnx_package

Array = NDArray[Any]

_MOST_BYTES = 2**31 - 1  # of a file of protobuf
_MOST_NODES = 20_000
_OLDEST, _NEWEST = 7, 26  # versions of ONNX's operators
# By TensorProto.DataType: the dtype in the file, and the field that holds the numbers where raw_data does not.
_TYPES: dict[int, tuple[str, str]] = {
    1: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("?", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
}
_INPUTS = {1: "float32", 10: "float32", 11: "float32", 6: "int32", 7: "int32", 9: "bool"}


@dataclass(frozen=True)
class FileNode:
    """A node, its attributes as numbers, strings, arrays and tuples of them."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def label(self) -> str:
        """For messages."""
        return f"node {self.name or ', '.join(self.outputs)!r} ({self.op})"


@dataclass(frozen=True)
class FileInput:
    """An input: its name, "float32", "int32" or "bool", and its sizes, None where they are open."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class FileGraph:
    """What a file holds.

    Attributes:
        name: of the graph. opset: the version of the operators.
        nodes: in order. arrays: constants by name. inputs: those that are no constants. outputs: names.
    """

    name: str
    opset: int
    nodes: tuple[FileNode, ...]
    arrays: dict[str, Array]
    inputs: tuple[FileInput, ...]
    outputs: tuple[str, ...]


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns what damaged content makes a reader raise into a ValueError with the path and the reason."""
    try:
        yield
    except OSError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError, MemoryError,
            RuntimeError) as error:  # fmt: skip
        reason = str(error) or type(error).__name__
        raise ValueError(f"{path} is not a usable ONNX file: {reason}") from error


def read(path: Path) -> FileGraph:
    """The graph in a file.

    Raises:
        ValueError: it is damaged or hostile. OSError: it cannot be read. ImportError: onnx is not installed.
    """
    onnx = onnx_package()
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(size) if size <= _MOST_BYTES else b""
    with refusing(path):
        if size > _MOST_BYTES:
            raise ValueError(f"it has {size:,} bytes; expected at most {_MOST_BYTES:,}")
        return _Parser(path.parent, _parsed(onnx, data)).graph()


def _parsed(onnx: Any, data: bytes) -> Any:
    errors: Any = importlib.import_module("google.protobuf.message")  # onnx needs it, and has no name for it
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except errors.DecodeError as error:
        raise ValueError(f"its bytes are no ONNX model: {error}") from error
    if not proto.HasField("graph"):
        raise ValueError("it has no graph")
    return proto


class _Parser:
    def __init__(self, folder: Path, proto: Any) -> None:
        self._folder = folder
        self._proto = proto

    def graph(self) -> FileGraph:
        graph = self._proto.graph
        if len(graph.node) > _MOST_NODES:
            raise ValueError(f"it has {len(graph.node):,} nodes; expected at most {_MOST_NODES:,}")
        if graph.sparse_initializer or graph.quantization_annotation:
            raise ValueError("it has sparse or quantized weights; expected arrays of float32 or integers")
        arrays: dict[str, Array] = {}
        for tensor in graph.initializer:
            if tensor.name in arrays:
                raise ValueError(f"two initializers have the name {tensor.name!r}")
            arrays[tensor.name] = self.array(tensor)
        nodes = tuple(self._node(node) for node in graph.node)
        inputs = tuple(self._input(item) for item in graph.input if item.name not in arrays)
        known = {*arrays, *(item.name for item in inputs), ""}
        if len(known) != len(arrays) + len(inputs) + 1:
            raise ValueError("two inputs have one name, or none")
        for node in nodes:
            missing = [name for name in node.inputs if name not in known]
            if missing:
                raise ValueError(f"{node.label} reads {missing[0]!r}, which nothing before it gives")
            made = [name for name in node.outputs if name]
            if len({*made}) != len(made) or known.intersection(made):
                raise ValueError(f"{node.label} gives {made}, of which something has the name already")
            known.update(made)
        outputs = tuple(item.name for item in graph.output)
        wrong = [name for name in outputs if not name or name not in known]
        if wrong or not outputs:
            raise ValueError(f"its outputs are {list(outputs)}; expected what its nodes give")
        return FileGraph(graph.name, self._opset(), nodes, arrays, inputs, outputs)

    def _opset(self) -> int:
        versions = [item.version for item in self._proto.opset_import if item.domain in ("", "ai.onnx")]
        if len(versions) != 1 or not _OLDEST <= versions[0] <= _NEWEST:
            raise ValueError(f"its operators have the versions {versions}; expected one, from {_OLDEST} to {_NEWEST}")
        return int(versions[0])

    def _input(self, item: Any) -> FileInput:
        kind = item.type.tensor_type
        if not item.type.HasField("tensor_type") or kind.elem_type not in _INPUTS or not kind.HasField("shape"):
            raise ValueError(
                f"input {item.name!r} is no tensor of float or integer numbers with a shape; expected that"
            )
        sizes = tuple(
            int(size.dim_value) if size.HasField("dim_value") and size.dim_value >= 0 else None
            for size in kind.shape.dim
        )
        return FileInput(item.name, _INPUTS[kind.elem_type], sizes)

    def _node(self, node: Any) -> FileNode:
        attributes = {}
        for item in node.attribute:
            if item.name in attributes:
                raise ValueError(f"node {node.name!r} ({node.op_type}) has attribute {item.name!r} twice")
            attributes[item.name] = self._attribute(item)
        domain = "" if node.domain == "ai.onnx" else node.domain
        return FileNode(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), attributes)

    def _attribute(self, item: Any) -> Any:
        readers: dict[int, Callable[[], Any]] = {
            1: lambda: float(item.f),
            2: lambda: int(item.i),
            3: lambda: item.s.decode(),
            4: lambda: self.array(item.t),
            6: lambda: tuple(map(float, item.floats)),
            7: lambda: tuple(map(int, item.ints)),
            8: lambda: tuple(text.decode() for text in item.strings),
        }
        # Graphs, types and the like: who needs the attribute refuses it.
        return readers[item.type]() if item.type in readers and not item.ref_attr_name else None

    # ---- arrays ----

    def array(self, tensor: Any) -> Array:
        """The array of a `TensorProto`, in the byte order of the machine."""
        if tensor.data_type not in _TYPES:
            raise ValueError(
                f"tensor {tensor.name!r} has the data type {tensor.data_type}; expected float, integer or truth values"
            )
        code, field = _TYPES[tensor.data_type]
        dtype = np.dtype(code)
        shape = tuple(tensor.dims)
        if len(shape) > 16 or any(size < 0 for size in shape):
            raise ValueError(f"tensor {tensor.name!r} has shape {shape}; expected at most 16 sizes, none below 0")
        count = math.prod(shape)
        if tensor.data_location == 1:
            return self._numbers(tensor.name, self._outside(tensor, count * dtype.itemsize), dtype, shape)
        if tensor.HasField("raw_data"):
            return self._numbers(tensor.name, tensor.raw_data, dtype, shape)
        numbers = getattr(tensor, field)
        if len(numbers) != count:
            raise ValueError(f"tensor {tensor.name!r} of shape {shape} has {len(numbers)} numbers; expected {count}")
        if code == "<f2":  # as bits
            found: Array = np.array(numbers, np.int64).astype(np.uint16).view(np.float16)
        else:
            found = np.array(numbers).astype(dtype.newbyteorder("="))
        return found.reshape(shape)

    def _numbers(self, name: str, data: bytes, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
        expected = math.prod(shape) * dtype.itemsize
        if len(data) != expected:
            raise ValueError(f"tensor {name!r} of shape {tuple(shape)} has {len(data)} bytes; expected {expected}")
        if dtype.kind == "b":
            truths: Array = np.frombuffer(data, np.uint8) != 0
            return truths.reshape(shape)
        found: Array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("=")).reshape(shape)
        return found

    def _outside(self, tensor: Any, expected: int) -> bytes:
        """The bytes of a tensor in a file beside this one."""
        entries = {item.key: item.value for item in tensor.external_data}
        location = entries.get("location", "")
        if not location or location in (".", "..") or os.path.basename(location) != location or "\\" in location:
            raise ValueError(
                f"tensor {tensor.name!r} is in a file {location!r}; expected the name of a file in the same folder"
            )
        offset, length = (_decimal(entries.get(key, default)) for key, default in (("offset", "0"), ("length", "")))
        if offset is None or (length is not None and length != expected):
            raise ValueError(
                f"tensor {tensor.name!r} has offset {entries.get('offset')!r} and length {entries.get('length')!r}; "
                f"expected {expected} bytes"
            )
        try:
            stream = open_regular(self._folder / location, follow_links=False)
        except FileNotFoundError as error:
            raise ValueError(f"tensor {tensor.name!r} is in a file {location!r}, which is not there") from error
        with stream:
            size = os.fstat(stream.fileno()).st_size
            if offset + expected > size:
                raise ValueError(
                    f"tensor {tensor.name!r} takes bytes {offset} to {offset + expected} of {location!r}, which has "
                    f"{size}"
                )
            stream.seek(offset)
            return stream.read(expected)


def _decimal(text: str) -> int | None:
    """A number that a file has as text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
