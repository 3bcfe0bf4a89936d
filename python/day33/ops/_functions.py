"""Calls of functions: at once on arrays, as a node on symbolic values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.arrays import as_float32, refuse_masked
from .._core.dispatch import active_recorder, is_tracing
from .._core.tensors import Tensor, as_tensor
from .._core.variables import Variable
from .._graph.calls import add_node, source_tensor
from .._graph.functions import ConstantSource, Function, Spec, VariableSource, known_shape
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor

if TYPE_CHECKING:
    from .._core.types import Array
    from .._native import Plan

_INT32 = 2**31


def is_symbolic(*values: Any) -> bool:
    """Whether a function of these values belongs to a graph."""
    traced = is_tracing()
    return any(isinstance(value, SymbolicTensor) or (traced and isinstance(value, Variable)) for value in values)


def as_symbolic_tensor(name: str, value: Any) -> SymbolicTensor:
    """A symbolic tensor for an argument of a function: itself, or a source for a variable, array or number."""
    if isinstance(value, SymbolicTensor):
        if value.undecided:
            value.require(value.dtype, "a function")
        return value
    if isinstance(value, Variable):
        return source_tensor(VariableSource(value))
    refuse_masked(name, value)
    return source_tensor(ConstantSource(value))


def call(function: Function, names: Sequence[str], *values: Any) -> Any:
    """The result of a function; a list where it has several.

    Args:
        function: of as many arguments as there are values.
        names: of the arguments, for messages.
        values: arrays (or what NumPy reads as one), numbers, variables and symbolic tensors.

    Returns:
        A symbolic tensor where one of the values is symbolic, else an array: float32, int32 or bool.

    Raises:
        TypeError: a value that does not hold real numbers. ValueError: shapes that do not fit.
    """
    recorder = active_recorder()
    if recorder is not None and any(recorder.concerns(value) for value in values):
        symbols = [
            recorder.symbol(value, functools.partial(as_operand, name))
            for name, value in zip(names, values, strict=True)
        ]
        return recorder.wrap(add_node(function, symbols))
    if is_symbolic(*values):
        return add_node(function, [as_symbolic_tensor(name, value) for name, value in zip(names, values, strict=True)])
    arrays = [as_operand(name, value) for name, value in zip(names, values, strict=True)]
    results = compute(function, arrays)
    if any(isinstance(value, Tensor | Variable) for value in values):
        results = [as_tensor(result) for result in results]
    return results[0] if len(results) == 1 else results


def as_operand(name: str, value: Any) -> Array:
    """An array as functions take it: bool as it is, integers as int32, everything else as float32."""
    if isinstance(value, Variable):
        return value.value
    refuse_masked(name, value)
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array)
    if array.dtype.kind in "iu":
        if array.size and not (-_INT32 <= int(array.min()) and int(array.max()) < _INT32):
            raise ValueError(f"{name} holds integers outside of the range of int32; expected none")
        return np.ascontiguousarray(array, np.int32)
    return as_float32(name, value)


def spec_of(array: Array) -> Spec:
    """Shape and dtype of an array that `as_operand` gave."""
    return Spec(array.shape, str(array.dtype))


def compute(function: Function, arrays: Sequence[Array]) -> list[Array]:
    """The results of a function of arrays, each as the one sample of a plan."""
    specs = tuple(spec_of(array) for array in arrays)
    results = function.specs(specs)
    if any(0 in spec.shape for spec in (*specs, *results)):
        return [_of_nothing(function, arrays, spec) for spec in results]
    plan = _plan(function, specs)
    given = [(array.astype(np.int32) if array.dtype == bool else array)[np.newaxis] for array in arrays]
    found = plan.forward(given, [])
    return [
        (result[0] != 0 if spec.dtype == "bool" else result[0]) for result, spec in zip(found, results, strict=True)
    ]


def _of_nothing(function: Function, arrays: Sequence[Array], spec: Spec) -> Array:
    """A result where an array or the result has no elements, which plans cannot have inside of a sample."""
    return np.full(known_shape(spec), function.of_nothing(), spec.dtype)


@lru_cache(maxsize=512)
def _plan(function: Function, specs: tuple[Spec, ...]) -> Plan:
    lowering = Lowering()
    inputs = []
    for spec in specs:
        inputs.append(lowering.input(known_shape(spec), "int32" if spec.dtype == "bool" else spec.dtype))
        lowering.set_dtype(inputs[-1], spec.dtype)
    return lowering.builder.build(lowering.write(function, inputs, 0))


def forget_plans() -> None:
    """Drops the cached plans, as tests do that change the instruction set."""
    _plan.cache_clear()
