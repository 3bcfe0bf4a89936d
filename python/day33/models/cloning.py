"""Models made like other models: `clone_model`, `model_from_json`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, cast

from .._core import tree
from .._core.custom_objects import for_copies, known
from .._core.signatures import accepted_arguments
from .._formats import compiled, model_config
from .._graph import registry
from .._graph.tensors import Node, SymbolicTensor
from .._io.archives import refusing
from .._io.json_text import parse_object
from ..layers import Input, InputLayer, Layer
from ..layers.serialization import layer_config, layer_from_config
from .model import Model
from .sequential import Sequential


def clone_model(
    model: Model, input_tensors: Any = None, clone_function: Callable[[Layer], Layer] | None = None
) -> Model:
    """Makes a model of the same layers, with fresh weights, compiled where `model` is, with a fresh optimizer.

    Args:
        model: of any kind; a subclass of `Model` needs a `get_config` that its constructor understands.
        input_tensors: what the new model is made on in place of inputs of its own: tensors made by `Input`, in the
            structure of the model's inputs.
        clone_function: called with each layer directly inside but the inputs; returns the layer to take its place,
            which may be the same one. By default each is made like it by `from_config`.

    Returns:
        The new model, of the same name and class. One of a model that its code defines is not compiled.

    Raises:
        TypeError: `model` is none. ValueError: `input_tensors` or `clone_function` for a model defined by its code.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}; expected a day33 model")
    twin = _cloned(model, input_tensors, clone_function)
    if isinstance(model, Sequential) or model.is_defined_by_tensors():
        compile_alike(model, twin)
    return twin


def compile_alike(model: Model, twin: Model) -> None:
    """Compiles `twin` as `model` is, with an optimizer and metrics that begin anew. One not compiled is left so."""
    if model.compiled and model.optimizer is not None:
        optimizer = model.optimizer
        names = accepted_arguments(type(optimizer))
        arguments = {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}
        twin.compile(type(optimizer)(**arguments), **copy.deepcopy(dict(model.compile_arguments or {})))


def _cloned(model: Model, input_tensors: Any, clone_function: Callable[[Layer], Layer] | None) -> Model:
    if input_tensors is None and clone_function is None:
        return cast("Model", _copied(model))
    make = clone_function or _copied
    if isinstance(model, Sequential):
        given = tree.flatten(input_tensors) if input_tensors is not None else []
        declared = given or [_fresh_input(tensor) for tensor in model.declared_inputs()]
        return type(model)([*declared, *(make(layer) for layer in model.layers)], name=model.name)
    graph = model.find_graph()
    if graph is None or not model.is_defined_by_tensors():
        raise ValueError(
            f"model {model.name!r} is defined by its code; input_tensors and clone_function are for models made of "
            "inputs and outputs"
        )
    inputs = [_fresh_input(tensor) for tensor in graph.inputs] if input_tensors is None else tree.flatten(input_tensors)
    if len(inputs) != len(graph.inputs):
        raise ValueError(f"input_tensors has {len(inputs)} tensors; model {model.name!r} takes {len(graph.inputs)}")
    made = {layer: make(cast("Layer", layer)) for layer in graph.layers if not isinstance(layer, InputLayer)}

    def again(node: Node, arguments: tuple[Any, ...]) -> list[SymbolicTensor]:
        outputs = made[node.layer](*arguments, training=node.training, **node.kwargs)
        return cast("list[SymbolicTensor]", tree.flatten(outputs))

    outputs = graph.walk(inputs, again)
    return Model(
        tree.pack(graph.input_structure, inputs), tree.pack(graph.output_structure, outputs), name=model.name,
        trainable=model.trainable,
    )  # fmt: skip


def _copied(layer: Layer) -> Layer:
    own = {type(inner).__name__: type(inner) for inner in layer.walk() if not registry.has(type(inner))}
    with for_copies():
        copy: Layer = layer_from_config(layer_config(layer), own)
    return copy


def _fresh_input(tensor: SymbolicTensor) -> SymbolicTensor:
    name = tensor.node.layer.name if tensor.node is not None else None
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def model_from_json(json_string: str, custom_objects: Mapping[str, type[Layer]] | None = None) -> Model:
    """The model that `Model.to_json` of day33 or Keras described, with fresh weights.

    Args:
        json_string: JSON. Nothing in it is run, and no class is imported by a name from it.
        custom_objects: your own layers and models by class name.

    Returns:
        The model, compiled where the text says how and day33 has what it says.

    Raises:
        ValueError: not JSON of a model, or a layer or argument that day33 does not have.
    """
    with refusing("json_string", "model"):
        config = parse_object(json_string, "it")
        with known(custom_objects or {}):
            model = cast("Model", model_config.model_from(config, custom_objects or {}))
            if config.get("compile_config"):
                compiled.compile_as_saved(model, config["compile_config"], [], "json_string")
        return model
