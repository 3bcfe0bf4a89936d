"""Graphs of layer calls as plain dicts in Keras's form, and back: connections by layer, call and output number."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .._core import tree
from .._graph import limits
from .._graph.functions import Function, Source
from .._graph.graph import Graph
from .._graph.protocols import CalledLayer
from .._graph.tensors import Node, SymbolicTensor
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..layers.serialization import CustomObjects, layer_config, layer_from_config
from ..ops.operations import call_operation
from ._operations import (
    constant_config,
    constant_from_config,
    is_operation,
    name_operations,
    operation_config,
)

_TENSOR = "__keras_tensor__"
_MAX_NESTING = 64
KEYS = frozenset({"name", "trainable", "layers", "input_layers", "output_layers"})  # of a configuration
# What Keras 2 called arithmetic between layers, and the operations of Keras 3.
_OF_TENSORFLOW = {
    **dict.fromkeys(("__operators__.add", "math.add"), "Add"),
    **dict.fromkeys(("math.subtract", "__operators__.sub"), "Subtract"),
    **dict.fromkeys(("math.multiply", "__operators__.mul"), "Multiply"),
    **dict.fromkeys(("math.truediv", "math.divide"), "Divide"),
    **dict.fromkeys(("math.pow",), "Power"),
    **{f"math.{name}": name.capitalize() for name in ("abs", "exp", "log", "negative", "sqrt", "square", "tanh")},
}  # fmt: skip

Reference = tuple[str, int, int]  # layer, number of the call, number of the output
Results = dict[tuple[str, int], list[SymbolicTensor]]  # of each call of a layer


def graph_config(graph: Graph, name: str, trainable: bool) -> dict[str, Any]:
    """What `graph_from_config` reads, and Keras's ``Functional.from_config``.

    Raises:
        ValueError: a layer has no other purpose than a loss that was added, which no configuration holds.
    """
    nodes = [node for node in graph.nodes if node not in graph.for_losses]
    calls: dict[CalledLayer, list[Node]] = {layer: [] for layer in graph.layers}
    operations = name_operations(nodes, {layer.name for layer in graph.layers})
    for node in graph.for_losses:
        if not isinstance(node.layer, Function | Source):
            raise ValueError(
                f"layer {node.layer.name!r} is called for the sake of add_loss alone, which no configuration holds; "
                "expected layers on the way from the inputs to the outputs"
            )
    for node in nodes:
        if not isinstance(node.layer, Function | Source):
            calls[node.layer].append(node)

    def reference(tensor: SymbolicTensor) -> list[Any]:
        node = tensor.node
        assert node is not None
        if node in operations:
            return [operations[node], 0, tensor.index]
        own = calls[node.layer]
        return [node.layer.name, own.index(node) if own else 0, tensor.index]

    def argument(value: Any) -> Any:
        if not isinstance(value, SymbolicTensor):
            return value
        if value.node is not None and isinstance(value.node.layer, Source):
            return constant_config(value.node.layer)
        config = {"shape": list(value.shape), "dtype": value.dtype, "keras_history": reference(value)}
        return {"class_name": _TENSOR, "config": config}

    def call(node: Node) -> dict[str, Any]:
        args = list(tree.transform(argument, node.arguments))
        kwargs = {key: tree.transform(argument, value) for key, value in node.kwargs.items()}
        if node.layer.takes_states:
            args, states = cast("Layer", node.layer).arguments_in_keras(args)
            kwargs.update(states)
        if node.training is not None:
            # Keras writes the default of a layer as well, which says nothing. What was asked for is 0 or 1 then.
            is_default = node.training == node.layer.training_by_default
            kwargs["training"] = int(node.training) if is_default else node.training
        if node.masks:
            first, *others = (None if mask is None else argument(mask) for mask in node.masks)
            kwargs["mask"] = [first, *others] if any(others) else first
        return {"args": args, "kwargs": kwargs}

    return {
        "name": name,
        "trainable": trainable,
        "layers": [
            {**layer_config(layer), "name": layer.name, "inbound_nodes": [call(node) for node in calls[layer]]}
            for layer in cast("list[Layer]", graph.layers)
        ]
        + [operation_config(node, name, argument) for node, name in operations.items()],
        "input_layers": tree.transform(reference, graph.input_structure),
        "output_layers": tree.transform(reference, graph.output_structure),
    }


def graph_from_config(config: Mapping[str, Any], custom_objects: CustomObjects) -> tuple[Any, Any]:
    """Fresh layers, called as before: (inputs, outputs)."""
    layers: dict[str, Layer] = {}
    operations: dict[str, Mapping[str, Any]] = {}
    results: Results = {}
    calls: list[_Call] = []
    masks = _implicit_masks(config["layers"])
    for item in config["layers"]:
        if _name(item) in masks:
            continue
        item = _of_tensorflow(item)
        name = _name(item)
        nodes = item.get("inbound_nodes", [])
        if name in layers or name in operations:
            raise ValueError(f"two layers have the name {name!r}")
        if is_operation(item):
            operations[name] = item
            calls += [_Call(name, number, *_arguments_of(node, masks)) for number, node in enumerate(nodes)]
            limits.take_calls(len(nodes))
            continue
        layers[name] = layer = layer_from_config(item, custom_objects)
        if isinstance(layer, InputLayer):
            results[name, 0] = [layer.output]
        calls += [_Call(name, number, *_arguments_of(node, masks)) for number, node in enumerate(nodes)]
        limits.take_calls(_calls_inside(layer, {}) * max(len(nodes) - 1, 0))
    _number_calls_of_models(calls, [config["input_layers"], config["output_layers"]])
    for call in _in_order(calls, results):
        args, kwargs = _resolve(call.args, results), _resolve(call.kwargs, results)
        if call.layer in operations:
            output = call_operation(operations[call.layer], args, kwargs)
        else:
            layer = layers[call.layer]
            is_default = call.training is layer.training_by_default
            training = None if call.training is None or is_default else bool(call.training)
            output = layer(*args, training=training, **kwargs)
        results[call.layer, call.number] = tree.flatten(output)
    return _ends(config["input_layers"], results), _ends(config["output_layers"], results)


@dataclass
class _Call:
    """One call of a layer, its tensors still references."""

    layer: str
    number: int
    args: list[Any]
    kwargs: dict[str, Any]
    training: bool | int | None

    def references(self) -> set[tuple[str, int]]:
        return {(layer, call) for layer, call, _ in _references([self.args, self.kwargs], 0)}


def _number_calls_of_models(calls: Iterable[_Call], ends: Any) -> None:
    """Keras 2 counts the calls of a model inside a model from 1: call 0 is the one that the model itself consists of.

    So where the last call that something refers to is one more than there are, all have a number more.
    """
    count: Counter[str] = Counter(call.layer for call in calls)
    highest: dict[str, int] = {}
    for layer, number in [*_ends_of(ends, 0), *(reference for call in calls for reference in call.references())]:
        highest[layer] = max(number, highest.get(layer, 0))
    for call in calls:
        if highest.get(call.layer) == count[call.layer]:
            call.number += 1


def _ends_of(item: Any, depth: int) -> Iterator[tuple[str, int]]:
    """(layer, number of the call) of each input or output."""
    if depth > _MAX_NESTING:
        raise ValueError(f"inputs or outputs are nested more than {_MAX_NESTING} deep")
    if _is_end(item):
        yield _checked(item)[:2]
    elif isinstance(item, Mapping | list | tuple):
        for entry in item.values() if isinstance(item, Mapping) else item:
            yield from _ends_of(entry, depth + 1)


def _is_end(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[0], str)


def _name(item: Mapping[str, Any]) -> str:
    name = item.get("name") or item["config"]["name"]
    if not isinstance(name, str):
        raise ValueError(f"a layer has the name {name!r}")
    return name


def _is_operation(item: Mapping[str, Any], name: str) -> bool:
    # The old format names no modules; day33 has no layers of these names.
    module = item.get("module") or ("keras.src.ops" if name != "Add" else "")
    return item["class_name"] == name and str(module).startswith("keras.src.ops")


def _implicit_masks(items: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Operations by which Keras writes down the masks of `Embedding` and `Masking`, which day33 makes by itself.

    They are ``ids != 0`` beside an embedding of the same ids, and ``any(x != value)`` beside a Masking of the same x.
    """
    made: set[tuple[Any, ...]] = set()
    for item in items:
        config = item["config"]
        for node in item.get("inbound_nodes") or ():
            for layer, call, index in _references(node.get("args") if isinstance(node, Mapping) else node, 0):
                if item["class_name"] == "Embedding" and config.get("mask_zero"):
                    made.add((layer, call, index, 0))
                elif item["class_name"] == "Masking":
                    made.add((layer, call, index, config.get("mask_value", 0.0)))
    masks: set[str] = set()
    for item in items:
        for node in item.get("inbound_nodes") or ():
            if not isinstance(node, Mapping) or not node["args"]:
                continue
            given = [_history(entry) for entry in node["args"] if _is_tensor(entry)]
            if _is_operation(item, "NotEqual") and len(given) == 1 and len(node["args"]) == 2:
                if (*given[0], node["args"][1]) in made:
                    masks.add(_name(item))
            elif _is_operation(item, "Any") and given and given[0][0] in masks:
                masks.add(_name(item))
    return frozenset(masks)


def _arguments_of(node: Any, masks: frozenset[str]) -> tuple[list[Any], dict[str, Any], bool | int | None]:
    if isinstance(node, Mapping):
        args, kwargs = list(node["args"]), dict(node.get("kwargs") or {})
    else:  # Keras 2: a list of [layer, call, output, keywords], or one of them
        entries = [node] if node and isinstance(node[0], str) else node
        args = [_as_tensor(entry[:3]) for entry in entries]
        args = args if len(args) == 1 else [args]
        kwargs = {key: value for entry in entries for key, value in (entry[3] if len(entry) > 3 else {}).items()}
        kwargs = {key: _as_tensor(value) if _is_end(value) else value for key, value in kwargs.items()}
    training = kwargs.pop("training", None)
    if training not in (None, 0, 1) or isinstance(training, float):
        raise ValueError(f"a call has training={training!r}; expected True, False or None")
    if _is_tensor(kwargs.get("mask")) and _history(kwargs["mask"])[0] in masks:
        del kwargs["mask"]
    return args, {key: value for key, value in kwargs.items() if value is not None}, training


def _of_tensorflow(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Keras 2 wrote for arithmetic between layers, as Keras 3 writes operations; everything else as it is."""
    operation = _OF_TENSORFLOW.get(str(item["config"].get("function"))) if item["class_name"] == "TFOpLambda" else None
    if operation is None:
        return item
    calls = []
    for layer, call, index, others in item.get("inbound_nodes") or []:
        extra = [_as_tensor(value) if _is_end(value) else value for key, value in others.items() if key != "name"]
        calls.append({"args": [_as_tensor([layer, call, index]), *extra], "kwargs": {}})
    config = {"name": item["config"]["name"]}
    return {**item, "class_name": operation, "module": "keras.src.ops.numpy", "config": config, "inbound_nodes": calls}


def _calls_inside(layer: Layer, known: dict[Layer, int]) -> int:
    """Calls that one call of `layer` stands for: a model inside a model may be used many times, and so on."""
    if layer not in known:
        graph: Graph | None = getattr(layer, "_graph", None)
        inside = layer.sublayers() if graph is None else [cast("Layer", node.layer) for node in graph.nodes]
        known[layer] = 1 + sum(_calls_inside(inner, known) for inner in inside)
    return known[layer]


def _in_order(calls: Iterable[_Call], ready: Iterable[tuple[str, int]]) -> Iterable[_Call]:
    """Each call after those whose results it takes."""
    waiting: dict[tuple[str, int], list[_Call]] = defaultdict(list)
    missing: dict[int, int] = {}
    done = set(ready)
    todo: deque[_Call] = deque()
    total = 0
    for call in calls:
        total += 1
        needed = call.references() - done
        missing[id(call)] = len(needed)
        for reference in needed:
            waiting[reference].append(call)
        if not needed:
            todo.append(call)
    while todo:
        call = todo.popleft()
        yield call
        total -= 1
        for next_call in waiting.pop((call.layer, call.number), ()):
            missing[id(next_call)] -= 1
            if not missing[id(next_call)]:
                todo.append(next_call)
    if total:
        names = sorted({call.layer for group in waiting.values() for call in group})
        raise ValueError(f"the connections of {names[:8]} do not lead back to an input")


def _as_tensor(reference: Any) -> dict[str, Any]:
    return {"class_name": _TENSOR, "config": {"keras_history": reference}}


def _is_tensor(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("class_name") == _TENSOR


def _history(item: Mapping[str, Any]) -> Reference:
    return _checked(item["config"]["keras_history"])


def _checked(reference: Any) -> Reference:
    layer, call, index = reference
    if not (isinstance(layer, str) and isinstance(call, int) and isinstance(index, int) and min(call, index) >= 0):
        raise ValueError(f"{reference!r} is no reference to a layer's output")
    return layer, call, index


def _references(item: Any, depth: int) -> Iterable[Reference]:
    if depth > _MAX_NESTING:
        raise ValueError(f"arguments are nested more than {_MAX_NESTING} deep")
    if _is_tensor(item):
        yield _history(item)
    elif isinstance(item, Mapping | list | tuple):
        for entry in item.values() if isinstance(item, Mapping) else item:
            yield from _references(entry, depth + 1)


def _resolve(item: Any, results: Results) -> Any:
    if _is_tensor(item):
        return _tensor(_history(item), results)
    if isinstance(item, Mapping):
        if item.get("class_name") == "__tuple__":
            return tuple(_resolve(entry, results) for entry in item["config"])
        constant = constant_from_config(item)
        if constant is not None:
            return constant
        return {key: _resolve(value, results) for key, value in item.items()}
    if isinstance(item, list):
        return [_resolve(entry, results) for entry in item]
    return item


def _tensor(reference: Reference, results: Results) -> SymbolicTensor:
    layer, call, index = reference
    if (layer, call) not in results or index >= len(results[layer, call]):
        raise ValueError(f"there is no output {index} of call {call} of layer {layer!r}")
    return results[layer, call][index]


def _ends(item: Any, results: Results, depth: int = 0) -> Any:
    """Inputs or outputs: a reference, or references in lists and dicts."""
    if depth > _MAX_NESTING:
        raise ValueError(f"inputs or outputs are nested more than {_MAX_NESTING} deep")
    if isinstance(item, Mapping):
        return {key: _ends(value, results, depth + 1) for key, value in item.items()}
    if isinstance(item, list | tuple):
        if _is_end(item):
            return _tensor(_checked(item), results)
        return [_ends(entry, results, depth + 1) for entry in item]
    raise ValueError(f"{item!r} is no reference to a layer's output")
