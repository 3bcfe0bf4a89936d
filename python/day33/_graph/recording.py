"""Calls on arrays that are written down while they happen, so that gradients can be taken of them: what a tape does.

While a `Recorder` is active, functions of variables and calls of layers compute nothing. They add nodes to a graph and
give `Recorded` handles, whose values are computed when somebody looks at them, or together with a gradient: one run of
a plan for all that is still held.

All the same a value is that of the moment of its call. Before variables change, what somebody holds is computed, and
where a gradient may still be asked for, the values that variables have are kept as a *version*. Moving averages are
updated in the first run of a call and in no other.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .._core import tree
from .._core.slices import SlicedGradient, wanted_sums
from .._core.tensors import Tensor, as_tensor
from .._core.types import Array
from .._core.variables import Variable, before_changes, modes_version
from .._native import Parameter
from .calls import source_tensor
from .draws import Call
from .functions import ConstantSource, VariableSource
from .lowering import Training
from .protocols import CalledLayer
from .recorded import Recorded
from .recorded_graph import RecordedGraph, Wish
from .tensors import Node, SymbolicTensor
from .walk import Walk

_local = threading.local()


class Recorder:
    """The graph of what was called, and the arrays it begins with. Of one thread.

    Args:
        seed: gives the seed of what is random.
    """

    def __init__(self, seed: Callable[[], int]) -> None:
        self._seed = seed
        self._drawn: int | None = None
        self._leaves: dict[SymbolicTensor, Array] = {}
        self._by_array: dict[tuple[int, str], tuple[Any, SymbolicTensor]] = {}
        self._watched: set[int] = set()
        self._gradients: set[SymbolicTensor] = set()
        self._handles: weakref.WeakSet[Recorded] = weakref.WeakSet()
        self._claims: weakref.WeakSet[Any] = weakref.WeakSet()
        # What is known of calls of layers and reads of variables; those since variables changed; those not run yet
        # that change some themselves.
        self._notes: dict[Node, Call] = {}
        self._recent: list[Node] = []
        self._pending: dict[Node, None] = {}
        self._version = 1
        self._versions: dict[int, dict[Variable, Parameter]] = {}
        self._sources: dict[int, SymbolicTensor] = {}
        self._called: dict[int, tuple[Any, int, int]] = {}  # layers, with a number and how often they were called
        self._modes: dict[int, bool] = {}  # of the last call with moving averages, by these
        _open_recorders().add(self)

    # ---- tapes ----

    def claim(self, tape: Any) -> None:
        """Notes that `tape` may ask for gradients as long as it lives, or until `release`."""
        self._claims.add(tape)

    def release(self, tape: Any) -> None:
        """Notes that `tape` asks for no more gradients."""
        self._claims.discard(tape)

    # ---- writing down ----

    def watch(self, array: Any) -> None:
        """Makes functions of an array part of the graph, too."""
        self._watched.add(id(array))
        self._by_array.setdefault((id(array), "watched"), (array, SymbolicTensor(())))  # keeps it alive

    def concerns(self, value: Any) -> bool:
        """Whether a function of a value is to be recorded."""
        return isinstance(value, Recorded | Variable) or id(value) in self._watched

    def leaf(self, array: Any, values: Array) -> SymbolicTensor:
        """The symbolic tensor for an array, the same one each time.

        Args:
            array: that the user handed over.
            values: the same as plans take it.
        """
        key = id(array), str(values.dtype)
        known = self._by_array.get(key)
        if known is None:
            # The user may change an array afterwards. TensorFlow's tensors never change.
            if values.base is not None or values is array:
                values = values if isinstance(array, Tensor | Recorded) else values.copy()
            symbol = SymbolicTensor(values.shape, str(values.dtype))
            self._leaves[symbol] = values
            known = self._by_array[key] = array, symbol
        return known[1]

    def symbol(self, value: Any, as_array: Callable[[Any], Array]) -> SymbolicTensor:
        """The symbolic tensor for an argument of a function."""
        if isinstance(value, Recorded):
            return value.symbol if value.recorder is self else self.leaf(value, as_array(value.value))
        if isinstance(value, SymbolicTensor):
            return value
        if isinstance(value, Variable):
            if id(value) not in self._sources:
                symbol = self._sources[id(value)] = source_tensor(VariableSource(value))
                assert symbol.node is not None
                self._note(symbol.node, 0)
            return self._sources[id(value)]
        if np.ndim(value) == 0 and id(value) not in self._watched:
            return source_tensor(ConstantSource(value))
        return self.leaf(value, as_array(value))

    def before_call(self, layer: CalledLayer, training: Training) -> None:
        """To be called before a call of a layer becomes a node.

        A call in inference reads moving averages that calls in training change: all before it is computed first.
        """
        moving, trains = layer.moving_variables(), bool(training)
        if any(self._modes.get(id(variable), trains) != trains for variable in moving):
            self._begin_version(None)
        for variable in moving:
            self._modes[id(variable)] = trains

    def note(self, node: Node) -> None:
        """To be called with each call of a layer that became a node."""
        layer: Any = node.layer
        _, number, count = self._called.get(id(layer), (layer, len(self._called) + 1, 0))
        self._called[id(layer)] = layer, number, count + 1
        self._note(node, (number << 12) + count)
        if node.training and layer.moving_variables():
            self._pending[node] = None

    def _note(self, node: Node, draw: int) -> None:
        self._notes[node] = Call(self._version, False, draw)
        self._recent.append(node)

    def wrap(self, structure: Any) -> Any:
        """Handles for symbolic tensors."""
        return tree.transform(self._handle, structure)

    def _handle(self, symbol: SymbolicTensor) -> Recorded:
        handle = Recorded(symbol, self)
        self._handles.add(handle)
        return handle

    def given_gradient(self, array: Array) -> Recorded:
        """A handle for a gradient that was computed while calls are recorded: of it there is no gradient."""
        symbol = SymbolicTensor(array.shape, str(array.dtype))
        self._leaves[symbol] = array
        self._gradients.add(symbol)
        handle = self._handle(symbol)
        handle.hold(array if isinstance(array, SlicedGradient) else as_tensor(array))
        return handle

    # ---- values ----

    def compute(self, handles: Iterable[Recorded]) -> None:
        """Computes the values of these handles, and of all others that somebody holds."""
        waiting = self._waiting(handles)
        if waiting:
            self._run(waiting, Wish(()), self._known())

    def _waiting(self, handles: Iterable[Recorded]) -> list[Recorded]:
        """These handles and all others that somebody holds, as far as their values are not known, in their order."""
        found = {id(handle): handle for handle in [*handles, *self._handles] if not handle.is_known}
        return sorted(found.values(), key=lambda handle: handle.number)

    def before_changes(self, variables: Iterable[Variable] | None) -> None:
        """To be called before values of variables change; None for unknown ones."""
        waits = self._pending or self._claims or any(not handle.is_known for handle in self._handles)
        if not waits or not self._recent:
            return
        if variables is not None:
            used = self._variables_in_use()
            if all(id(variable) not in used for variable in variables):
                return
        self._begin_version(self._variables_in_use())

    def _begin_version(self, used: dict[int, Variable] | None) -> None:
        """Computes what is held, and keeps values of variables where a gradient may still be asked for."""
        waiting = self._waiting([])
        if waiting or self._pending:
            self._run(waiting, Wish([node.outputs[0] for node in self._pending]), self._known())
        if self._claims:
            held = self._variables_in_use() if used is None else used
            self._versions[self._version] = {variable: _copy(variable) for variable in held.values()}
        self._version += 1
        self._recent.clear()
        self._sources.clear()

    def _variables_in_use(self) -> dict[int, Variable]:
        """The variables of the calls since the last version, by identity."""
        found: dict[int, Variable] = {}
        for node in self._recent:
            layer: Any = node.layer
            for variable in (layer.variable(),) if isinstance(layer, VariableSource) else layer.weights:
                found[id(variable)] = variable
        return found

    def _known(self) -> dict[SymbolicTensor, Recorded]:
        return {handle.symbol: handle for handle in self._handles if handle.is_known}

    def _call(self, node: Node) -> Call | None:
        """What is known of a node, version 0 standing for the values that variables have now."""
        note = self._notes.get(node)
        return note if note is None or note.version in self._versions else note._replace(version=0)

    # ---- gradients ----

    def gradients(self, target: SymbolicTensor, sources: Sequence[Any]) -> list[Array | None]:
        """Gradients of the sum of a tensor with respect to variables, arrays and handles; None where there is none.

        Raises:
            ValueError: the target depends on a gradient.
        """
        variables = list(dict.fromkeys(item for item in sources if isinstance(item, Variable)))
        tensors = {symbol: None for item in sources for symbol in self._symbols_of(item)}
        walk = Walk([target])
        if not self._gradients.isdisjoint(walk.leaves):
            self._refuse_second(target)
        inside = set(walk.nodes)
        waiting = [
            handle for handle in self._handles if not handle.is_known and handle.symbol.node in inside
        ]  # fmt: skip
        begins = self._beginnings(walk, variables, tensors)
        wish = Wish((), (), target, variables, list(tensors))
        by_variable, by_tensor = self._run(sorted(waiting, key=lambda handle: handle.number), wish, begins)
        found: list[Array | None] = []
        for item in sources:
            if isinstance(item, Variable):
                found.append(by_variable[item])
            else:
                parts = [part for symbol in self._symbols_of(item) if (part := by_tensor[symbol]) is not None]
                found.append(sum(parts[1:], parts[0]) if parts else None)
        return found

    def _symbols_of(self, item: Any) -> list[SymbolicTensor]:
        """The symbolic tensors that stand for a source."""
        if isinstance(item, Variable):
            return []
        if isinstance(item, Recorded) and item.recorder is self:
            return [item.symbol]
        return [known[1] for dtype in ("float32",) if (known := self._by_array.get((id(item), dtype))) is not None]

    def _beginnings(
        self, walk: Walk, variables: Sequence[Variable], tensors: Iterable[SymbolicTensor]
    ) -> dict[SymbolicTensor, Recorded]:
        """Values that are known, before which there is nothing with respect to which the gradient is wanted."""
        known = self._known()
        if not any(tensor in known for node in walk.nodes for tensor in node.outputs):
            return {}
        wanted = {id(variable) for variable in variables}
        reaching = set(tensors)
        for node in walk.nodes:
            if not reaching.isdisjoint(node.inputs) or not wanted.isdisjoint(_variables_of(node)):
                reaching.update(node.outputs)
        return {symbol: handle for symbol, handle in known.items() if symbol not in reaching}

    def _refuse_second(self, target: SymbolicTensor) -> None:
        pending, seen = [target], set[SymbolicTensor]()
        while pending:
            tensor = pending.pop()
            if tensor in self._gradients:
                raise ValueError(
                    "the target depends on a gradient that was taken while a tape records, and day33 has no gradients "
                    "of gradients; expected a target without it, or ops.stop_gradient around it"
                )
            layer: Any = None if tensor.node is None else tensor.node.layer
            if tensor not in seen and layer is not None and not getattr(layer, "stops_gradient", False):
                seen.add(tensor)
                pending += tensor.node.inputs  # type: ignore[union-attr]

    # ---- runs ----

    def _run(
        self, waiting: Sequence[Recorded], wish: Wish, begins: dict[SymbolicTensor, Recorded]
    ) -> tuple[dict[Variable, Array | None], dict[SymbolicTensor, Array | None]]:
        """Runs the graph of some handles and a wish."""
        scalars = [handle for handle in waiting if handle.symbol.shape == () and handle.symbol.dtype == "float32"]
        arrays = [handle for handle in waiting if handle not in set(scalars)]
        whole = wish._replace(
            arrays=[*(handle.symbol for handle in arrays), *wish.arrays],
            scalars=[handle.symbol for handle in scalars],
        )
        graph = RecordedGraph(whole, begins, self._call)
        if self._pending:
            # Moving averages are updated in the order of the calls.
            last = max((node.number for node in graph.nodes if node in self._pending), default=0)
            missing = [node for node in self._pending if node.number < last and node not in graph.nodes]
            if missing:
                whole = whole._replace(arrays=[*whole.arrays, *(node.outputs[0] for node in missing)])
                graph = RecordedGraph(whole, begins, self._call)
        values = {
            leaf: np.asarray(begins[leaf].value if leaf in begins else self._leaves[leaf], leaf.dtype, order="C")
            for leaf in graph.leaves if leaf in begins or leaf in self._leaves
        }  # fmt: skip
        sums = wanted_sums() if whole.variables else ()
        found = graph.run(values, self._seed_of_runs, self._versions, sums)
        for handle, output in zip(arrays, found.arrays, strict=False):
            handle.hold(as_tensor(output))
        for handle, value in zip(scalars, found.scalars, strict=True):
            handle.hold(as_tensor(np.float32(value)))
        for node in graph.nodes:
            note = self._notes.get(node)
            if note is not None and not note.repeated:
                self._notes[node] = note._replace(repeated=True)
                self._pending.pop(node, None)
        return (
            dict(zip(whole.variables, found.variables, strict=False)),
            dict(zip(whole.tensors, found.tensors, strict=False)),
        )

    def _seed_of_runs(self) -> int:
        if self._drawn is None:
            self._drawn = self._seed()
        return self._drawn


def _copy(variable: Variable) -> Parameter:
    parameter = Parameter(variable.shape)
    parameter.assign(variable.value)
    return parameter


_cached_variables: weakref.WeakKeyDictionary[Any, tuple[int, frozenset[int]]] = weakref.WeakKeyDictionary()


def _variables_of(node: Node) -> frozenset[int]:
    """The identities of the variables of a call."""
    layer: Any = node.layer
    if isinstance(layer, VariableSource):
        return frozenset((id(layer.variable()),))
    if not node.inputs or not hasattr(layer, "moving_variables"):
        return frozenset()
    now, known = modes_version(), _cached_variables.get(layer)
    if known is None or known[0] != now:
        known = _cached_variables[layer] = now, frozenset(id(variable) for variable in layer.weights)
    return known[1]


def _open_recorders() -> weakref.WeakSet[Recorder]:
    """The recorders of this thread."""
    if not hasattr(_local, "recorders"):
        _local.recorders = weakref.WeakSet()
    found: weakref.WeakSet[Recorder] = _local.recorders
    return found


def _before_changes(variables: Iterable[Variable] | None) -> None:
    if recorders := _open_recorders():  # an empty set costs more to go through than to ask
        for recorder in list(recorders):
            recorder.before_changes(variables)


before_changes(_before_changes)
