"""Calls of functions on symbolic tensors: the nodes they become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core import tree
from .._core.variables import Variable
from .functions import Function, Source, Spec, VariableSource
from .tensors import Node, SymbolicTensor


def source_tensor(source: Source) -> SymbolicTensor:
    """A symbolic tensor for a source."""
    spec = source.spec()
    tensor = SymbolicTensor(spec.shape, spec.dtype)
    Node(source, (), {}, None, tensor)
    return tensor


def add_node(function: Function, tensors: Sequence[SymbolicTensor]) -> Any:
    """The symbolic result, or a list of results, of a function of symbolic tensors."""
    specs = function.specs([Spec(tensor.shape, tensor.dtype) for tensor in tensors])
    outputs = [SymbolicTensor(spec.shape, spec.dtype) for spec in specs]
    Node(function, tuple(tensors), {}, None, outputs[0] if len(outputs) == 1 else outputs)
    return outputs[0] if len(outputs) == 1 else outputs


def as_symbolic(structure: Any) -> Any:
    """The same structure with variables as symbolic tensors; other leaves stay."""
    return tree.transform(
        lambda leaf: source_tensor(VariableSource(leaf)) if isinstance(leaf, Variable) else leaf, structure
    )
