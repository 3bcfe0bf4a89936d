"""Optimizers, with the names, defaults and update rules of Keras 3, and the learning-rate `schedules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core import custom_objects as custom
from .._core.descriptions import Library
from . import schedules
from .adam import Adam, Adamax, AdamW, Nadam
from .adaptive import Adadelta, Adagrad, Ftrl, RMSprop
from .base import Optimizer
from .descent import SGD, Lion

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (Adadelta, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop, SGD)
}
# Switches of Keras 2 mean nothing here.
_LIBRARY = Library(
    "optimizer", "keras.optimizers", _CLASSES, Optimizer, frozenset({"is_legacy_optimizer", "jit_compile"}),
    any_case=True,
)  # fmt: skip


_NOT_IN_KERAS = ("per_slice",)


def get(identifier: Any) -> Optimizer:
    """An optimizer from itself, its name in any case ("sgd", "RMSprop"), or what `serialize` returned.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str | Mapping):
        return deserialize(identifier)
    raise TypeError(f"optimizer is {identifier!r}; expected a day33 optimizer or one of {_LIBRARY.expected()}")


def serialize(optimizer: Optimizer) -> Any:
    """Describes an optimizer, without its state, as Keras does.

    Returns:
        A dict of "module", "class_name", "config" and "registered_name", which `deserialize` and Keras read. An option
        that Keras does not know, ``per_slice=True``, is in an entry "day33" beside these, which Keras passes over: on
        TensorFlow it does so anyway.

    Raises:
        TypeError: the learning rate comes from a function of yours.
    """
    described = _LIBRARY.serialize(optimizer)
    if isinstance(described, dict) and isinstance(described.get("config"), dict):
        config = described["config"]
        own = {name: config.pop(name) for name in _NOT_IN_KERAS if name in config}
        if own:
            described["day33"] = own
    return described


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize`, or Keras since version 2, described.

    Args:
        config: with "class_name" and "config", or a name; capitals make no difference.
        custom_objects: classes of optimizers and schedules by name that are preferred to day33's.

    Raises:
        ValueError: an unknown class, or an argument that it does not support.
    """
    with custom.known(custom_objects or {}):
        if isinstance(config, Mapping):
            arguments = {**config.get("config", {}), **_own_options(config.get("day33", {}))}
            if config.get("class_name") == "LossScaleOptimizer":  # around another one, for float16
                return deserialize(arguments["inner_optimizer"])
            if arguments.get("decay") == 0:  # of Keras before 2.11
                del arguments["decay"]
            if isinstance(arguments.get("learning_rate"), Mapping):
                arguments["learning_rate"] = schedules.deserialize(arguments["learning_rate"])
            config = {**config, "config": arguments}
        made: Optimizer = _LIBRARY.deserialize(config)
        return made


def _own_options(given: Any) -> dict[str, Any]:
    """The entry "day33" of a description. ValueError where it is no dict of options that Keras does not know."""
    if not isinstance(given, Mapping) or not set(given) <= set(_NOT_IN_KERAS):
        raise ValueError(f'the entry "day33" of the optimizer is {given!r}; expected a dict of {_NOT_IN_KERAS}')
    return dict(given)


def __dir__() -> list[str]:
    return list(__all__)
