"""Calls of functions: at once on arrays, as a node on symbolic values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.arrays import as_float32, refuse_masked
from .._core.dispatch import Operators, active_recorder, is_tracing
from .._core.tensors import Tensor, as_tensor
from .._core.variables import Variable
from .._graph.calls import add_node, source_tensor
from .._graph.functions import ConstantSource, Function, Spec, VariableSource, known_shape
from .._graph.lowering import Lowering, Shared
from .._graph.tensors import SymbolicTensor

if TYPE_CHECKING:
    from .._core.types import Array
    from .._native import Plan

_INT32 = 2**31
_DTYPES = {"float32": "float32", "float": "float32", "float16": "float32", "bfloat16": "float32", "float64": "float32",
           "int32": "int32", "int": "int32", "int8": "int32", "int16": "int32", "int64": "int32", "uint8": "int32",
           "uint16": "int32", "uint32": "int32", "bool": "bool"}  # fmt: skip


def as_dtype(dtype: Any) -> str:
    """ "float32", "int32" or "bool", for which the names of wider and narrower types stand. None is float32.

    Raises:
        ValueError: another dtype.
    """
    if dtype is None:
        return "float32"
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    if not isinstance(name, str) or name not in _DTYPES:
        raise ValueError(f"dtype is {dtype!r}; expected one of {sorted(_DTYPES)}")
    return _DTYPES[name]


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
    if any(isinstance(value, Tensor | Operators) for value in values):
        results = [as_tensor(result) for result in results]
    return results[0] if len(results) == 1 else results


def as_operand(name: str, value: Any) -> Array:
    """An array as functions take it: bool as it is, integers as int32, everything else as float32."""
    if isinstance(value, Variable):
        return value.value
    refuse_masked(name, value)
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return np.require(array, requirements="C")
    if array.dtype.kind in "iu":
        if array.size and not (-_INT32 <= int(array.min()) and int(array.max()) < _INT32):
            raise ValueError(f"{name} holds integers outside of the range of int32; expected none")
        return np.require(array, np.int32, "C")
    return as_float32(name, value)


def dtype_of(value: Any) -> str:
    """ "float32", "int32" or "bool": what a function takes an argument for."""
    dtype = getattr(value, "dtype", None)
    kind = np.asarray(value).dtype.kind if dtype is None else np.dtype(str(dtype)).kind
    return "bool" if kind == "b" else "int32" if kind in "iu" else "float32"


# By dtype: NumPy makes the name anew each time it is asked.
_NAMES = {np.dtype(name): name for name in ("float32", "int32", "bool")}


def spec_of(array: Array) -> Spec:
    """Shape and dtype of an array that `as_operand` gave."""
    return Spec(array.shape, _NAMES[array.dtype])


def compute(function: Function, arrays: Sequence[Array]) -> list[Array]:
    """The results of a function of arrays, each as the one sample of a plan.

    Functions of samples get the first array as a batch of them, and the others as parameters.
    """
    plan, constants, results = _plan(function, tuple([spec_of(array) for array in arrays]))
    inputs = [array.astype(np.int32) if array.dtype == bool else array for array in arrays]
    count = function.samples
    if count:
        found = plan.forward(inputs[:count], [np.asarray(array, np.float32) for array in inputs[count:]] + constants)
    else:
        found = [result[0, ...] for result in plan.forward([array[np.newaxis] for array in inputs], constants)]
    return [result != 0 if spec.dtype == "bool" else result for result, spec in zip(found, results, strict=True)]


@lru_cache(maxsize=512)
def _plan(function: Function, specs: tuple[Spec, ...]) -> tuple[Plan, list[Array], Sequence[Spec]]:
    """The plan of a function, the constants that are its last parameters, and what its results are."""
    results = function.specs(specs)
    lowering = Lowering()
    operands: list[Shared | int] = []
    given, first = 0, min(function.samples, 1)
    for number, spec in enumerate(specs):
        shape = known_shape(spec)
        if 0 < function.samples <= number:
            operands.append(Shared(lowering, lowering.slot(Variable(np.zeros(shape))), shape, spec.dtype))
            given += 1
        else:
            tensor = lowering.input(shape[first:], "int32" if spec.dtype == "bool" else spec.dtype)
            lowering.set_dtype(tensor, spec.dtype)
            operands.append(tensor)
    plan = lowering.builder.build(lowering.write(function, operands, first))
    return plan, [variable.value for variable in lowering.variables[given:]], results
