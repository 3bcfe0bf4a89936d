"""Optimizers, with the names, defaults and update rules of Keras 3, and the learning-rate `schedules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core import descriptions
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
# What Keras's optimizers are also given, without a meaning here: switches of Keras 2, and its old decay of the rate,
# which is 0 where none was asked for.
_IDLE = frozenset({"is_legacy_optimizer", "jit_compile"})


def get(identifier: Any) -> Optimizer:
    """An optimizer from itself, its name in any case ("sgd", "RMSprop"), or what `serialize` returned.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    names = {name.lower(): cls for name, cls in _CLASSES.items()}
    supported = ", ".join(sorted(names))
    if isinstance(identifier, str):
        if identifier.lower() in names:
            made: Optimizer = names[identifier.lower()]()
            return made
        raise ValueError(f"optimizer is {identifier!r}; expected one of {supported}")
    raise TypeError(f"optimizer is {identifier!r}; expected a day33 optimizer or one of the names {supported}")


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Describes an optimizer, without its state, as Keras does.

    Returns:
        A dict of "module", "class_name", "config" and "registered_name", which `deserialize` and Keras read.

    Raises:
        TypeError: the learning rate comes from a function of yours.
    """
    return descriptions.describe(optimizer, "keras.optimizers", _CLASSES)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize`, or Keras since version 2, described.

    Args:
        config: with "class_name" and "config"; capitals make no difference.
        custom_objects: classes of optimizers and schedules by name that are preferred to day33's.

    Raises:
        ValueError: an unknown class, or an argument that it does not support.
    """
    arguments = dict(config.get("config", {}))
    if config.get("class_name") == "LossScaleOptimizer":  # around another one, for float16
        return deserialize(arguments["inner_optimizer"], custom_objects)
    cls = descriptions.class_of("optimizer", config, _CLASSES, custom_objects)
    if arguments.get("decay") == 0:  # of Keras before 2.11
        del arguments["decay"]
    if cls in _CLASSES.values():
        arguments = descriptions.arguments_for(cls, arguments, _IDLE)
    made: Optimizer = cls.from_config(arguments, custom_objects) if custom_objects else cls.from_config(arguments)
    return made


def __dir__() -> list[str]:
    return list(__all__)
