"""Models as plain dicts and back: layers by class and arguments, connections by layer, call and output number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _tree
from .graph import Graph, Node, SymbolicTensor
from .layers.base import Layer

_TENSOR = "__tensor__"


def layer_config(layer: Layer) -> dict[str, Any]:
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def layer_from_config(item: Mapping[str, Any], custom_objects: Mapping[str, type[Layer]]) -> Layer:
    """ValueError for a class that is neither day33's nor among `custom_objects`: nothing is imported by name."""
    from . import layers, models

    name = item["class_name"]
    known: dict[str, Any] = {key: getattr(layers, key) for key in layers.__all__ if key != "Input"}
    known |= {"Model": models.Model, "Functional": models.Model, "Sequential": models.Sequential, **custom_objects}
    if name not in known:
        raise ValueError(f"class {name!r} is not a layer of day33; pass it in custom_objects")
    if issubclass(known[name], models.Model):
        model: Layer = known[name].from_config(item["config"], custom_objects)
        return model
    layer: Layer = known[name].from_config(item["config"])
    return layer


def graph_config(graph: Graph, name: str, trainable: bool) -> dict[str, Any]:
    """What `graph_from_config` reads."""
    calls: dict[Layer, list[Node]] = {layer: [] for layer in graph.layers}
    for node in graph.nodes:
        calls[node.layer].append(node)

    def reference(tensor: SymbolicTensor) -> dict[str, Any]:
        assert tensor.node is not None
        own = calls[tensor.node.layer]
        return {_TENSOR: [tensor.node.layer.name, own.index(tensor.node) if own else 0, tensor.index]}

    return {
        "name": name,
        "trainable": trainable,
        "layers": [
            {
                **layer_config(layer),
                "name": layer.name,
                "inbound_nodes": [
                    {
                        "args": list(_tree.transform(reference, node.arguments)),
                        "kwargs": node.kwargs,
                        "training": node.training,
                    }
                    for node in calls[layer]
                ],
            }
            for layer in graph.layers
        ],
        "input_layers": _tree.transform(reference, graph.input_structure),
        "output_layers": _tree.transform(reference, graph.output_structure),
    }


def graph_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, type[Layer]]) -> tuple[Any, Any]:
    """Fresh layers, called as before: (inputs, outputs)."""
    layers: dict[str, Layer] = {}
    pending: list[tuple[str, int, Mapping[str, Any]]] = []
    results: dict[tuple[str, int], list[SymbolicTensor]] = {}
    for item in config["layers"]:
        name = item["name"]
        layers[name] = layer_from_config(item, custom_objects)
        if not item["inbound_nodes"]:
            results[name, 0] = [layers[name].output]
        pending += [(name, number, node) for number, node in enumerate(item["inbound_nodes"])]
    while pending:
        waiting = []
        for name, number, node in pending:
            if all((layer, call) in results for layer, call, _ in _references(node["args"])):
                arguments = _resolve(node["args"], results)
                output = layers[name](*arguments, training=node["training"], **node["kwargs"])
                results[name, number] = _tree.flatten(output)
            else:
                waiting.append((name, number, node))
        if len(waiting) == len(pending):
            raise ValueError(f"the connections of {[name for name, _, _ in waiting]} do not lead back to an input")
        pending = waiting
    return _resolve(config["input_layers"], results), _resolve(config["output_layers"], results)


def _references(item: Any) -> list[tuple[str, int, int]]:
    if isinstance(item, Mapping):
        if _TENSOR in item:
            return [tuple(item[_TENSOR])]
        return [found for value in item.values() for found in _references(value)]
    return [found for value in item for found in _references(value)]


def _resolve(item: Any, results: Mapping[tuple[str, int], list[SymbolicTensor]]) -> Any:
    if isinstance(item, Mapping):
        if _TENSOR in item:
            layer, call, index = item[_TENSOR]
            return results[layer, call][index]
        return {key: _resolve(value, results) for key, value in item.items()}
    return [_resolve(value, results) for value in item]
