"""Layers as Keras writes them, ``{"module", "class_name", "config", "registered_name"}``, to objects and back.

Classes are looked up in fixed tables; nothing is ever imported by a name from a file. Keras's configurations have keys
for what day33 lacks: those that say nothing are dropped, others are refused by name.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .. import activations, initializers
from ..layers.base import Layer

CustomObjects = Mapping[str, type[Any]]

_KERAS = ("keras", "tf_keras", "tensorflow", "day33")
# Keys that only say how Keras computes, whatever their value.
_WITHOUT_EFFECT = frozenset(
    {"autocast", "implementation", "renorm_momentum", "shared_object_id", "unroll", "use_cudnn", "ragged", "sparse",
     "optional"}
)  # fmt: skip
# Of activations with a number: the layer of Keras that has it, and its argument.
_ACTIVATION_LAYERS = {
    "leaky_relu": ("LeakyReLU", "negative_slope"), "elu": ("ELU", "alpha"), "relu6": ("ReLU", "max_value"),
}  # fmt: skip


def layer_classes() -> dict[str, type[Layer]]:
    """Every layer of day33 by name, models included."""
    from .. import layers, models

    known = {name: getattr(layers, name) for name in layers.__all__ if name not in ("Input", "Layer")}
    return known | {"Model": models.Model, "Functional": models.Model, "Sequential": models.Sequential}


# ---- files that come from elsewhere may not do everything ----


class Allowance:
    """How many calls of layers a file may still describe."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def take(self, calls: int) -> None:
        self.calls -= calls
        if self.calls < 0:
            raise ValueError("the model has more layers than day33 reads from a file")


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowing(calls: int) -> Iterator[None]:
    """Inside, objects made from configurations may hold that many layers and calls in all."""
    token = _allowance.set(Allowance(calls))
    try:
        yield
    finally:
        _allowance.reset(token)


def take_allowance(calls: int) -> None:
    allowance = _allowance.get()
    if allowance is not None:
        allowance.take(calls)


# ---- reading ----


def layer_from_config(item: Mapping[str, Any], custom_objects: CustomObjects) -> Layer:
    """The layer or model that `item` describes, with fresh weights.

    Raises:
        ValueError: its class is neither day33's nor among `custom_objects`, or an argument is not supported.
    """
    take_allowance(1)
    config = item["config"]
    cls = _layer_class(item, custom_objects)
    from ..models import Model

    if issubclass(cls, Model):
        model: Layer = cls.from_config(config, custom_objects)
        return model
    if cls.__name__ not in layer_classes():
        custom: Layer = cls.from_config(config)
        return custom
    layer: Layer = cls(**_layer_arguments(cls, config, custom_objects))
    return layer


def _layer_class(item: Mapping[str, Any], custom_objects: CustomObjects) -> type[Layer]:
    name = item["class_name"]
    config = item.get("config")
    called = config.get("name") if isinstance(config, Mapping) else None
    if name == "Lambda":
        raise ValueError(f"layer {called!r} is a Lambda, which holds Python code; code from a file is never run")
    for key in (item.get("registered_name"), name):
        if isinstance(key, str) and key in custom_objects:
            cls = custom_objects[key]
            if not (isinstance(cls, type) and issubclass(cls, Layer)):
                raise ValueError(f"custom_objects has {cls!r} for {key!r}; expected a subclass of day33.layers.Layer")
            return cls
    known = layer_classes()
    module = str(item.get("module") or "keras")
    if not isinstance(name, str) or name not in known or module.split(".")[0] not in _KERAS:
        origin = "" if module.split(".")[0] in _KERAS else f" of {module}"
        raise ValueError(
            f"layer {called!r} is of class {name!r}{origin}, which day33 does not have. Pass your own classes in "
            f"custom_objects; day33 has {', '.join(sorted(known))}"
        )
    return known[name]


def _layer_arguments(cls: type[Layer], config: Mapping[str, Any], custom_objects: CustomObjects) -> dict[str, Any]:
    accepted = accepted_arguments(cls)
    arguments: dict[str, Any] = {}
    for key, value in _modernised(cls.__name__, config).items():
        if key.endswith(("_regularizer", "_constraint")):
            if value is not None:
                warnings.warn(
                    f"{key} of layer {config.get('name')!r} is left out: day33 has none. Predictions do not change, "
                    "training does.",
                    stacklevel=2,
                )
        elif key in accepted:
            arguments[key] = _argument(key, value, custom_objects)
        elif not (key in _WITHOUT_EFFECT or value is None or value is False):
            raise ValueError(f"{key}={value!r} of layer {config.get('name')!r} ({cls.__name__}) is not supported")
    return arguments


def _modernised(class_name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Names of arguments as they are since Keras 3, from those of Keras 2."""
    result = dict(config)
    if "batch_input_shape" in result:
        shape = result.pop("batch_input_shape")
        if class_name == "InputLayer":
            result["batch_shape"] = shape
        elif shape is not None:
            result["input_shape"] = tuple(shape[1:])
    if class_name == "LeakyReLU" and "negative_slope" not in result and "alpha" in result:
        result["negative_slope"] = result.pop("alpha")
    return result


def accepted_arguments(cls: Any) -> frozenset[str]:
    """The names of the arguments of the constructor, those that ``**kwargs`` hands on to base classes included."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            names.update(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(names - {"self"})


def _argument(key: str, value: Any, custom_objects: CustomObjects) -> Any:
    if isinstance(value, list):
        return tuple(_argument(key, entry, custom_objects) for entry in value)
    if not (isinstance(value, Mapping) and "class_name" in value and "config" in value):
        return value
    name, config = value["class_name"], value["config"]
    if name == "__tuple__":
        return tuple(_argument(key, entry, custom_objects) for entry in config)
    if name == "__numpy__":
        return config["value"]  # nested lists
    if name in ("DTypePolicy", "Policy"):
        return config["name"]
    if key.endswith("_initializer"):
        return initializers.get({"class_name": name, "config": _known_arguments(name, config)})
    if key.endswith("activation"):
        if name == "function":
            return _function_name(value)
        if isinstance(name, str) and name in activations.names():
            return value
    return layer_from_config(value, custom_objects)


def _known_arguments(name: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    cls = initializers.class_named(name)
    accepted = accepted_arguments(cls)
    refused = [key for key, value in config.items() if key not in accepted and value is not None]
    if refused:
        raise ValueError(f"initializer {name} has the argument(s) {', '.join(refused)}, which day33 does not know")
    # A seed may be a generator's state; the weights come from the file anyway.
    return {key: v for key, v in config.items() if key in accepted and not (key == "seed" and isinstance(v, Mapping))}


def _function_name(item: Mapping[str, Any]) -> str:
    module = str(item.get("module") or "keras")
    if module.split(".")[0] not in (*_KERAS, "builtins") or not isinstance(item["config"], str):
        raise ValueError(f"function {item['config']!r} of {module} is not day33's; code from a file is never run")
    return item["config"]


# ---- writing ----


def layer_config(layer: Layer) -> dict[str, Any]:
    """What `layer_from_config` reads, and Keras as well where it has the layer."""
    from ..models import Model, Sequential

    cls = type(layer)
    module, registered = cls.__module__, cls.__name__
    name = cls.__name__
    config = _plain(layer.get_config())
    if cls is Model:
        module, name, registered = "keras.src.models.functional", "Functional", "Functional"
    elif layer_classes().get(name) is cls:
        module = "day33.layers" if is_own(layer) else "keras" if cls is Sequential else "keras.layers"
        registered = ""
    return {"module": module, "class_name": name, "config": config, "registered_name": registered or None}


def is_own(layer: Layer) -> bool:
    """Whether Keras has no such layer."""
    return (
        type(layer).__name__ == "MaxUnpooling2D"
        or getattr(layer, "return_indices", False) is True
        or getattr(layer, "interpolation", None) == "bed_of_nails"
        or getattr(getattr(layer, "activation", None), "kind", None) == "gelu_tanh"
    )


def _plain(value: Any) -> Any:
    """Tuples as lists, and a module for each object inside, as Keras wants it."""
    if isinstance(value, Mapping):
        if set(value) == {"class_name", "config"} and isinstance(value["class_name"], str):
            return _object(value["class_name"], value["config"])
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _object(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    if name in _ACTIVATION_LAYERS:
        name, argument = _ACTIVATION_LAYERS[name]
        config = {argument: config["alpha"]}
    module = "keras.layers"
    if initializers.is_class(name):
        module = "keras.initializers"
        config = {key: v if key != "seed" or isinstance(v, int) else None for key, v in config.items()}
    return {"module": module, "class_name": name, "config": _plain(config), "registered_name": None}
