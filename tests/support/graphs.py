"""Functions of day33.ops in every way they are called, beside those of Keras on TensorFlow: values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from day33 import ops
from day33._core.dispatch import tracing
from day33._core.variables import Variable
from day33._graph.compiling import CompiledPlan, compile_plan
from day33._graph.graph import Graph
from day33._graph.tensors import SymbolicTensor
from support.tolerances import PROMISE

# Given a library with the functions of keras.ops and arrays (or tensors), it gives one result or a list of them.
Function = Callable[..., Any]


class Traced:
    """A function of symbolic tensors, compiled for arrays whose first axis is the batch.

    Args:
        function: see `Function`.
        arrays: its first arguments. weights: the others, which become variables.

    Attributes:
        outputs: symbolic. compiled: the plan and what it runs on.
    """

    def __init__(self, function: Function, arrays: Sequence[Any], weights: Sequence[Any] = ()) -> None:
        self._inputs = [as_given(array) for array in arrays]
        self._weights = [Variable(weight) for weight in weights]
        symbols = [SymbolicTensor((None, *array.shape[1:]), str(array.dtype)) for array in self._inputs]
        with tracing():
            results = function(ops, *symbols, *self._weights)
        self.outputs: list[SymbolicTensor] = list(results) if isinstance(results, list | tuple) else [results]
        graph = Graph(symbols, self.outputs, "a test")
        self.compiled: CompiledPlan = compile_plan(
            lambda lowering, inputs: graph.lower(lowering, inputs),
            [array.shape[1:] for array in self._inputs],
            [str(array.dtype) for array in self._inputs],
            None,
        )

    def forward(self, seed: int = 0) -> list[np.ndarray]:
        """The results, truth values as such."""
        found = self.compiled.plan.forward(self._inputs, self.compiled.parameters, seed=seed)
        return [
            array != 0 if symbol.dtype == "bool" else array for array, symbol in zip(found, self.outputs, strict=True)
        ]

    def backward(self, dys: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Gradients of the inputs that are floats, and of the variables: of the weights in their order, if any."""
        given = [np.require(dy, np.float32, "C") for dy in dys]
        dxs, dvs = self.compiled.plan.backward(self._inputs, given, self.compiled.parameters)
        floats = [dx for dx, x in zip(dxs, self._inputs, strict=True) if x.dtype == np.float32]
        found = {v: dv for v, dv in zip(self.compiled.variables, dvs, strict=True) if v.trainable}
        if self._weights:
            return floats, [found.get(v, np.zeros(v.shape, np.float32)) for v in self._weights]
        return floats, list(found.values())


class Correct(NamedTuple):
    """What Keras gives: results, and gradients of the inputs (None where TensorFlow has none)."""

    results: list[np.ndarray]
    dys: list[np.ndarray]
    gradients: list[np.ndarray]


def as_given(array: Any) -> np.ndarray:
    """An array as plans take it."""
    array = np.asarray(array)
    return np.require(array, np.float32 if array.dtype.kind == "f" else np.int32, "C")


def of_keras(function: Function, arrays: Sequence[Any], weights: Sequence[Any] = ()) -> Correct:
    """The function of `keras.ops` on TensorFlow's tensors, and its gradients for random factors of the results."""
    import keras
    import tensorflow as tf

    tensors = [tf.constant(as_given(array)) for array in (*arrays, *weights)]
    floats = [tensor for tensor in tensors if tensor.dtype == tf.float32]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        found = function(keras.ops, *tensors)
        results = list(found) if isinstance(found, list | tuple) else [found]
        results = [tf.convert_to_tensor(result) for result in results]
        rng = np.random.default_rng(5)
        dys = [np.asarray(rng.uniform(0.5, 1.5, result.shape), np.float32) for result in results]
        total = [
            tf.reduce_sum(result * dy) for result, dy in zip(results, dys, strict=True) if result.dtype == tf.float32
        ]
        target = tf.add_n(total) if total else None
    gradients: list[Any] = [None] * len(floats) if target is None else tape.gradient(target, floats)
    filled = [
        np.zeros(x.shape, np.float32) if d is None else np.asarray(tf.convert_to_tensor(d))
        for x, d in zip(floats, gradients, strict=True)
    ]
    return Correct([np.asarray(result) for result in results], dys, filled)


def check(
    function: Function, *arrays: Any, weights: Sequence[Any] = (), exact: bool = True, tolerance: float = PROMISE
) -> Traced:
    """Asserts that a function gives what Keras's gives, on arrays and traced, with its gradients.

    Args:
        function: see `Function`.
        arrays: its first arguments, with the batch first. weights: the others, variables where it is traced.
        exact: whether the traced function gives the bits of the one on arrays: where it is one native op.
        tolerance: relative to the size of the values.

    Returns:
        The traced function.
    """
    correct = of_keras(function, arrays, weights)
    found = function(ops, *arrays, *weights)
    eager = list(found) if isinstance(found, list | tuple) else [found]
    traced = Traced(function, arrays, weights)
    results = traced.forward()
    assert len(eager) == len(results) == len(correct.results)
    for mine, theirs, other, symbol in zip(eager, correct.results, results, traced.outputs, strict=True):
        assert mine.shape == other.shape == theirs.shape
        assert mine.dtype == other.dtype and str(mine.dtype) == symbol.dtype
        assert mine.dtype.kind == theirs.dtype.kind
        assert len(symbol.shape) == len(theirs.shape)
        assert all(size in (None, length) for size, length in zip(symbol.shape, theirs.shape, strict=True))
        compare(mine, theirs, tolerance, "on arrays")
        if exact:
            np.testing.assert_array_equal(other, mine, "traced and on arrays")
        else:
            compare(other, theirs, tolerance, "traced")
    dxs, dws = traced.backward(correct.dys)
    mine = [*dxs, *dws] if weights else dxs
    for number, (dx, gradient) in enumerate(zip(mine, correct.gradients, strict=True)):
        compare(dx, gradient, 4 * tolerance, f"gradient {number}")
    return traced


def compare(mine: Any, theirs: Any, tolerance: float, what: str) -> None:
    """Asserts that two arrays are equal up to a tolerance, relative to the largest finite value or 1."""
    finite = np.abs(np.asarray(theirs, np.float64))[np.isfinite(theirs)]
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=what)
