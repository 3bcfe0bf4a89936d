"""Operations between layers, as Keras writes them into configurations: names, constants, slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._core.naming import snake_case
from .._graph.functions import ConstantSource, Function, Source
from .._graph.tensors import Node
from ..ops.operations import is_name_of_operation

Reference = tuple[str, int, int]  # layer, number of the call, number of the output

_MAX_VALUES = 1 << 20  # of one constant in a configuration, which has them as text


def name_operations(nodes: Sequence[Node], taken: set[str]) -> dict[Node, str]:
    """A name for each call of a function, such as add, add_1, that no layer has."""
    names: dict[Node, str] = {}
    taken = set(taken)
    for node in nodes:
        if isinstance(node.layer, Function):
            stem = name = snake_case(node.layer.keras_name)
            number = 0
            while name in taken:
                number += 1
                name = f"{stem}_{number}"
            taken.add(name)
            names[node] = name
    return names


def operation_config(node: Node, name: str, argument: Callable[[Any], Any]) -> dict[str, Any]:
    """A call of a function as Keras writes an operation.

    Args:
        node: the call. name: of the operation.
        argument: what becomes of a symbolic tensor.

    Raises:
        ValueError: a function that Keras does not have.
    """
    function = node.layer
    assert isinstance(function, Function)
    if not function.keras_name:
        raise ValueError(
            f"{type(function).__name__} is used between layers, for which Keras has no operation (as for sizes of the "
            "batch and random numbers); expected it inside of a layer"
        )
    args, kwargs = function.keras_call([argument(tensor) for tensor in node.arguments])
    return {
        "module": f"keras.src.ops.{function.keras_module}",
        "class_name": function.keras_name,
        "config": {"name": name, **function.get_config()},
        "registered_name": function.keras_name,
        "name": name,
        "inbound_nodes": [{"args": args, "kwargs": kwargs}],
    }


def constant_config(source: Source) -> Any:
    """A constant as it stands in a configuration: a number, or an array by its values.

    Raises:
        ValueError: a variable, which no file would keep, or an array that is too large.
    """
    if not isinstance(source, ConstantSource):
        raise ValueError(
            f"the variable {source.name!r} is used between layers, where no layer keeps it; expected a layer that owns "
            "it, so that it can be saved"
        )
    if source.value.size > _MAX_VALUES:
        raise ValueError(
            f"a constant between layers has shape {source.value.shape}; expected at most {_MAX_VALUES} values, or a "
            "weight of a layer"
        )
    kind = {"float32": float, "int32": int, "bool": bool}[source.dtype]
    if source.value.ndim == 0:
        return kind(source.value)
    return {"class_name": "__numpy__",
            "config": {"value": source.value.astype(source.dtype).tolist(), "dtype": source.dtype}}  # fmt: skip


def constant_from_config(item: Mapping[str, Any]) -> Any:
    """An array, a slice or an ellipsis from a configuration; None for something else."""
    config = item.get("config")
    if item.get("class_name") == "__ellipsis__":
        return ...
    if not isinstance(config, Mapping):
        return None
    if item.get("class_name") == "__slice__":
        return slice(config.get("start"), config.get("stop"), config.get("step"))
    if item.get("class_name") in ("__numpy__", "__tensor__"):
        array = np.asarray(config.get("value"))
        if array.dtype.kind not in "biuf":
            raise ValueError(f"a constant of the model has dtype {array.dtype}; expected numbers")
        return array.astype(np.float32) if str(config.get("dtype")).startswith(("float", "bfloat")) else array
    return None


def is_operation(item: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of an operation of Keras.

    The .h5 format names no modules, and some layers are called like operations; their configurations say what trains.
    """
    module = item.get("module")
    if module is not None:
        return str(module).startswith(("keras.src.ops", "keras.ops"))
    config = item["config"]
    return is_name_of_operation(item["class_name"]) and not {"trainable", "dtype", "layers"} & set(config)
