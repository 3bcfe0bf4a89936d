"""Calls on arrays that are written down while they happen, so that gradients can be taken of them: what a tape does.

While a `Recorder` is active, functions of variables and calls of layers compute nothing. They add nodes to a graph and
give `Recorded` handles, whose values are computed when somebody looks at them, or together with a gradient: one run of
a plan for everything that is still held. Values must not see later changes of variables, so they are computed before a
variable changes.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core import tree
from .._core.dispatch import TABLE, Symbolic, operator_of
from .._core.tensors import as_tensor
from .._core.types import Array
from .._core.variables import Variable, before_changes
from .calls import source_tensor
from .functions import ConstantSource, VariableSource
from .recorded_graph import RecordedGraph
from .tensors import SymbolicTensor

_numbers = itertools.count()


class Recorded(Symbolic):
    """What a recorded call gave: an array that is computed when its values are asked for.

    Attributes:
        symbol: in the graph.
        recorder: that has the graph.
        number: rises with each handle.
    """

    def __init__(self, symbol: SymbolicTensor, recorder: Recorder) -> None:
        self.symbol = symbol
        self.recorder = recorder
        self.number = next(_numbers)
        self._held: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return tuple(size or 0 for size in self.symbol.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.symbol.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32, int32 or bool."""
        return np.dtype(self.symbol.dtype)

    @property
    def is_known(self) -> bool:
        """Whether the values were computed."""
        return self._held is not None

    @property
    def value(self) -> Array:
        """The values."""
        if self._held is None:
            self.recorder.compute([self])
        assert self._held is not None
        return self._held

    def hold(self, array: Array) -> None:
        """Keeps the values."""
        self._held = array

    def numpy(self) -> Any:
        """The values as a NumPy array; a NumPy number where there is no axis."""
        return as_tensor(self.value).numpy()

    def item(self) -> Any:
        """The one value as a Python number."""
        return self.value.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=bool(copy) or dtype not in (None, self.value.dtype))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Operators are recorded; NumPy's other functions take the values."""
        name = operator_of(ufunc)
        if name is not None and method == "__call__" and not kwargs:
            return TABLE[name](*inputs)
        plain = [item.value if isinstance(item, Recorded) else item for item in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("a number cannot be iterated over")
        return (self[number] for number in range(self.shape[0]))

    def __format__(self, spec: str) -> str:
        return format(self.value[()] if not self.ndim else self.value, spec)

    def __repr__(self) -> str:
        return f"<Recorded shape={self.shape}, dtype={self.dtype.name}, value={self.value}>"


class Recorder:
    """The graph of what was called, and the arrays it begins with."""

    def __init__(self, seed: Callable[[], int]) -> None:
        self._seed = seed
        self._drawn: int | None = None
        self._leaves: dict[SymbolicTensor, Array] = {}
        self._by_array: dict[int, tuple[Any, SymbolicTensor]] = {}
        self._watched: set[int] = set()
        self._handles: weakref.WeakSet[Recorded] = weakref.WeakSet()
        self._ran = False
        _open.add(self)

    # ---- writing down ----

    def watch(self, array: Any) -> None:
        """Makes functions of an array part of the graph, too."""
        self.leaf(array)
        self._watched.add(id(array))

    def concerns(self, value: Any) -> bool:
        """Whether a function of a value is to be recorded."""
        return isinstance(value, Recorded | Variable) or id(value) in self._watched

    def leaf(self, array: Any, converted: Array | None = None) -> SymbolicTensor:
        """The symbolic tensor for an array, the same one each time."""
        known = self._by_array.get(id(array))
        if known is None or (converted is not None and known[1].dtype != str(converted.dtype)):
            values = np.asarray(array) if converted is None else converted
            symbol = SymbolicTensor(values.shape, str(values.dtype))
            self._leaves[symbol] = values
            known = self._by_array[id(array)] = array, symbol
        return known[1]

    def symbol(self, value: Any, as_array: Callable[[Any], Array]) -> SymbolicTensor:
        """The symbolic tensor for an argument of a function."""
        if isinstance(value, Recorded):
            return value.symbol if value.recorder is self else self.leaf(value, value.value)
        if isinstance(value, SymbolicTensor):
            return value
        if isinstance(value, Variable):
            return source_tensor(VariableSource(value))
        if np.ndim(value) == 0 and id(value) not in self._watched:
            return source_tensor(ConstantSource(value))
        return self.leaf(value, as_array(value))

    def wrap(self, structure: Any) -> Any:
        """Handles for symbolic tensors."""

        def handle(symbol: SymbolicTensor) -> Recorded:
            recorded = Recorded(symbol, self)
            self._handles.add(recorded)
            return recorded

        return tree.transform(handle, structure)

    # ---- values and gradients ----

    def settle(self) -> None:
        """Computes what somebody holds and nobody has looked at yet."""
        self.compute([])

    def compute(self, handles: Sequence[Recorded]) -> None:
        """Computes the values of these handles and of all others that are held."""
        waiting = self._waiting(handles)
        if waiting:
            self._run(waiting, None, [])

    def gradients(self, target: SymbolicTensor, sources: Sequence[Any]) -> list[Array | None]:
        """Gradients of the sum of a tensor with respect to variables, arrays and handles; None where it has none."""
        inner = [item for item in sources if isinstance(item, Recorded)]
        found: list[Array | None] = [None] * len(sources)
        for item in inner:
            item.value  # noqa: B018 - computes it
        if len(inner) < len(sources):
            by_variable, by_leaf = self._run(self._waiting([]), target, [])
            for number, item in enumerate(sources):
                if isinstance(item, Variable):
                    found[number] = by_variable.get(item)
                elif not isinstance(item, Recorded):
                    known = self._by_array.get(id(item))
                    found[number] = None if known is None else by_leaf.get(known[1])
        if inner:
            _, by_leaf = self._run([], target, inner)
            for number, item in enumerate(sources):
                if isinstance(item, Recorded):
                    found[number] = by_leaf.get(item.symbol)
        return found

    def _waiting(self, handles: Sequence[Recorded]) -> list[Recorded]:
        held = [handle for handle in self._handles if not handle.is_known]
        ordered = sorted({id(handle): handle for handle in [*handles, *held]}.values(), key=lambda h: h.number)
        return [handle for handle in ordered if not handle.is_known]

    def _run(
        self, waiting: Sequence[Recorded], target: SymbolicTensor | None, cut_at: Sequence[Recorded]
    ) -> tuple[dict[Variable, Array], dict[SymbolicTensor, Array]]:
        """Runs the graph of some handles and a target, whose gradients are wanted."""
        scalars = [handle for handle in waiting if handle.symbol.shape == ()]
        arrays = [handle for handle in waiting if handle.symbol.shape != ()]
        given = {handle.symbol: handle.value for handle in cut_at}
        graph = RecordedGraph(
            [handle.symbol for handle in arrays], [handle.symbol for handle in scalars], target, list(given)
        )
        values = [
            np.asarray(given[leaf] if leaf in given else self._leaves[leaf], leaf.dtype, order="C")
            for leaf in graph.leaves
        ]
        if self._drawn is None:
            self._drawn = self._seed()
        again, self._ran = self._ran, True
        cut = graph.cut()
        if target is None:
            values_of_terms, outputs = cut.losses(values, training=True, seed=self._drawn, again=again)
            by_variable: dict[Variable, Array] = {}
            by_leaf: dict[SymbolicTensor, Array] = {}
        else:
            found = cut.gradients(values, training=True, seed=self._drawn, again=again)
            values_of_terms, outputs, by_variable = found.values, found.outputs, found.variables
            by_leaf = {leaf: d for leaf, d in zip(graph.leaves, found.inputs, strict=True) if d is not None}
        for handle, output in zip(arrays, outputs, strict=True):
            handle.hold(as_tensor(output))
        for handle, value in zip(scalars, graph.values_of_scalars(values_of_terms), strict=True):
            handle.hold(as_tensor(np.float32(value)))
        return by_variable, by_leaf


_open: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _settle() -> None:
    """Computes all recorded values that somebody holds: variables are about to change."""
    for recorder in list(_open):
        recorder.settle()


before_changes(_settle)
