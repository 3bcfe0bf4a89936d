"""Layers as Keras writes them, ``{"module", "class_name", "config", "registered_name"}``, to objects and back.

Classes are looked up in the registry; nothing is ever imported by a name from a file. Keras's configurations have keys
for what day33 lacks: those without effect are dropped, others are refused by name.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from .. import activations, constraints, initializers, regularizers
from .._core import custom_objects as custom
from .._core.signatures import accepted_arguments
from .._graph import limits, registry
from ..random import SeedGenerator
from ._weights import WeightOwner

CustomObjects = Mapping[str, type[Any]]

_LIBRARIES = ("keras", "tf_keras", "tensorflow", "day33")
# Keys that only say how Keras computes, whatever their value.
_WITHOUT_EFFECT = frozenset(
    {"autocast", "implementation", "input_length", "renorm_momentum", "shared_object_id", "unroll", "use_cudnn",
     "ragged", "sparse", "optional"}
)  # fmt: skip
# Of activations with a number: the layer of Keras that has it, and its argument.
_ACTIVATION_LAYERS = {
    "leaky_relu": ("LeakyReLU", "negative_slope"), "elu": ("ELU", "alpha"), "relu6": ("ReLU", "max_value"),
}  # fmt: skip


# Initializers of Keras without a counterpart, by today's name and the one of Keras 3.0 to 3.3.
_INITIALIZERS_LACKING = ("STFT", "STFTInitializer")


class Configurable(Protocol):
    """A layer, as far as its configuration goes."""

    def keras_class(self) -> tuple[str, str, str | None]: ...
    def saved_config(self) -> dict[str, Any]: ...


# ---- reading ----


def layer_from_config(item: Mapping[str, Any], custom_objects: CustomObjects) -> Any:
    """The layer or model that `item` describes, with fresh weights.

    Args:
        item: what `layer_config` or Keras wrote.
        custom_objects: classes by name that are preferred to day33's own.

    Raises:
        ValueError: its class is neither day33's nor among `custom_objects`, or an argument is not supported.
    """
    limits.take_calls(1)
    cls = _class_of(item, custom_objects)
    config = item["config"]
    # Keras 2 allows "/" in names of layers: in models from there it stays.
    given = config.get("name") if isinstance(config, Mapping) else None
    slashed = given if isinstance(given, str) and "/" in given else None
    if slashed is not None:
        config = {**config, "name": slashed.replace("/", "_")}
    with one_warning(), custom.known(custom_objects):
        if "custom_objects" in inspect.signature(cls.from_config).parameters:
            layer = cls.from_config(config, custom_objects)
        else:
            layer = cls.from_config(config)  # written for Keras
    if slashed is not None:
        layer.name = slashed
    return layer


_dtypes: ContextVar[set[str] | None] = ContextVar("dtypes", default=None)


@contextmanager
def one_warning() -> Iterator[None]:
    """Around the making of a model: one warning for all of its layers that Keras computes in another precision."""
    if _dtypes.get() is not None:
        yield
        return
    found: set[str] = set()
    token = _dtypes.set(found)
    try:
        yield
    finally:
        _dtypes.reset(token)
    if found:
        warnings.warn(f"the model was made for {', '.join(sorted(found))}; day33 computes it in float32", stacklevel=3)


def _as_float32(dtype: Any) -> str:
    """The dtype of a layer for what a configuration says: always float32."""
    policy = dtype.get("config", {}).get("name") if isinstance(dtype, Mapping) else dtype
    if not (policy is None or isinstance(policy, str)):
        raise ValueError(f"dtype is {dtype!r}; expected a name")
    if policy not in (None, "float32"):
        with one_warning():
            found = _dtypes.get()
            assert found is not None
            found.add(policy)
    return "float32"


def _class_of(item: Mapping[str, Any], custom_objects: CustomObjects) -> type[Any]:
    name = item["class_name"]
    config = item.get("config")
    called = config.get("name") if isinstance(config, Mapping) else None
    function = config.get("function") if isinstance(config, Mapping) else None
    if name == "Lambda" and not (is_function_name(function) or callable(function)):  # the latter is from no file
        raise ValueError(f"layer {called!r} is a Lambda, which holds Python code; code from a file is never run")
    for key in (item.get("registered_name"), name):
        # Keras writes "package>name" for registered classes.
        for known_as in (key, key.rpartition(">")[2]) if isinstance(key, str) else ():
            found = custom_objects.get(known_as)
            found = custom.get_registered_object(known_as) if found is None else found
            if found is None:
                continue
            if not (isinstance(found, type) and issubclass(found, WeightOwner)):
                raise ValueError(f"custom_objects has {found!r} for {key!r}; expected a subclass of day33.layers.Layer")
            return found
    known = registry.CLASSES
    module = str(item.get("module") or "keras")
    if not isinstance(name, str) or name not in known or module.split(".")[0] not in _LIBRARIES:
        origin = "" if module.split(".")[0] in _LIBRARIES else f" of {module}"
        raise ValueError(
            f"layer {called!r} is of class {name!r}{origin}, which day33 does not have. Pass your own classes in "
            "custom_objects, or register them with day33.saving.register_keras_serializable; day33 has "
            f"{', '.join(sorted(known))}"
        )
    return known[name]


def is_function_name(item: Any) -> bool:
    """Whether the function of a configuration is the name of one, not code."""
    return isinstance(item, Mapping) and item.get("class_name") == "function" and isinstance(item.get("config"), str)


def constructor_arguments(cls: Any, config: Mapping[str, Any], custom_objects: CustomObjects) -> dict[str, Any]:
    """What the constructor of a layer of day33 is given for a configuration that Keras or day33 wrote.

    Raises:
        ValueError: the configuration has an argument that the layer does not support.
    """
    accepted = accepted_arguments(cls)
    arguments: dict[str, Any] = {}
    for key, value in cls.modern_config(config).items():
        if key.endswith("_regularizer") and key in accepted:
            arguments[key] = _of_weight(regularizers.get, value, f"{key} of layer {config.get('name')!r}")
        elif key.endswith("_constraint") and key in accepted:
            arguments[key] = _of_weight(constraints.get, value, f"{key} of layer {config.get('name')!r}")
        elif key.endswith(("_regularizer", "_constraint")):
            if value is not None:
                warnings.warn(
                    f"{key} of layer {config.get('name')!r} is left out: day33 has none. Predictions do not change, "
                    "training does.",
                    stacklevel=2,
                )
        elif key == "dtype" and cls.dtype_is_policy:
            arguments[key] = _as_float32(value)
        elif key.endswith("_initializer") and key in accepted:
            made = _initializer(value, f"{key} of layer {config.get('name')!r}")
            if made is not None or value is None:
                arguments[key] = made
        elif key in accepted:
            arguments[key] = _argument(key, value, custom_objects)
        elif not (key in _WITHOUT_EFFECT or value is None or value is False):
            raise ValueError(f"{key}={value!r} of layer {config.get('name')!r} ({cls.__name__}) is not supported")
    return arguments


def _argument(key: str, value: Any, custom_objects: CustomObjects) -> Any:
    if isinstance(value, list):
        return tuple(_argument(key, entry, custom_objects) for entry in value)
    if not (isinstance(value, Mapping) and "class_name" in value and "config" in value):
        return value
    name, config = value["class_name"], value["config"]
    if name == "__tuple__":
        return tuple(_argument(key, entry, custom_objects) for entry in config)
    if _is_array(value):
        return config["value"]  # nested lists
    if key.endswith("activation"):
        if name == "function":
            named = custom_objects.get(config) or custom.find(config, value.get("registered_name"))
            return _function_name(value) if named is None else named
        if isinstance(name, str) and name in activations.names():
            return value
    return layer_from_config(value, custom_objects)


def _of_weight(get: Callable[[Any], Any], value: Any, what: str) -> Any:
    """The regularizer or constraint of a configuration; None, with a warning, for one that nobody has."""
    try:
        return get(value)
    except ValueError as error:
        warnings.warn(f"{what} is left out: {error}. Predictions do not change, training does.", stacklevel=3)
        return None


def _initializer(value: Any, what: str) -> Any:
    """The initializer of a configuration, None for None. One of Keras that day33 lacks is None too, with a warning."""
    if not (isinstance(value, Mapping) and "class_name" in value and "config" in value):
        return value
    name, config = value["class_name"], value["config"]
    if name in _INITIALIZERS_LACKING:
        warnings.warn(
            f"{what} is {name}, which day33 does not have: the default takes its place. Weights come from the file.",
            stacklevel=3,
        )
        return None
    if isinstance(config, Mapping):
        config = {key: item["config"]["value"] if _is_array(item) else item for key, item in config.items()}
        if isinstance(config.get("seed"), Mapping):  # a generator's state; the weights come from the file anyway
            del config["seed"]
    return initializers.get({**value, "config": config})


def _is_array(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("class_name") == "__numpy__"


def _function_name(item: Mapping[str, Any]) -> str:
    module = str(item.get("module") or "keras")
    if module.split(".")[0] not in (*_LIBRARIES, "builtins") or not isinstance(item["config"], str):
        raise ValueError(f"function {item['config']!r} of {module} is not day33's; code from a file is never run")
    return item["config"]


# ---- writing ----


def layer_config(layer: Configurable) -> dict[str, Any]:
    """What `layer_from_config` reads, and Keras as well where it has the layer."""
    module, name, registered = layer.keras_class()
    return {"module": module, "class_name": name, "config": _plain(layer.saved_config()), "registered_name": registered}


def _plain(value: Any) -> Any:
    """Tuples as lists, None for streams of seeds, and a module for each object inside, as Keras wants it."""
    if isinstance(value, Mapping):
        if set(value) == {"class_name", "config"} and isinstance(value["class_name"], str):
            return _object(value["class_name"], value["config"])
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, SeedGenerator) else value


def _object(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    if name in _ACTIVATION_LAYERS:
        name, argument = _ACTIVATION_LAYERS[name]
        config = {argument: config["alpha"]}
    return {"module": "keras.layers", "class_name": name, "config": _plain(config), "registered_name": None}
