"""Objects as Keras describes them in files, ``{"module", "class_name", "config", "registered_name"}``, and back.

Classes are looked up in tables; nothing is ever imported by a name from a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .signatures import accepted_arguments


def describe(value: Any, module: str, classes: Mapping[str, type[Any]]) -> dict[str, Any]:
    """What Keras writes for an object with a `get_config`.

    Args:
        value: of one of `classes`, which Keras has under the same names, or of a class of the user's.
        module: where Keras has them, such as "keras.optimizers".
        classes: day33's own, by name.
    """
    cls = type(value)
    own = classes.get(cls.__name__) is cls
    return {
        "module": module if own else cls.__module__,
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": None if own else cls.__name__,
    }


def class_of(
    what: str, item: Mapping[str, Any], classes: Mapping[str, type[Any]], custom_objects: Mapping[str, Any] | None
) -> type[Any]:
    """The class that a description names; as in Keras, capitals make no difference to day33's own.

    Args:
        what: for the message, such as "optimizer".
        item: with "class_name", and maybe "registered_name" as "package>name".
        classes: day33's own, by name.
        custom_objects: classes by name that are preferred.

    Raises:
        ValueError: the class is in neither.
    """
    if "class_name" not in item:
        raise ValueError(f'{what} is {item!r}; expected a dict with "class_name" and "config"')
    for key in (item.get("registered_name"), item["class_name"]):
        for name in (key, _without_package(key)) if isinstance(key, str) else ():
            if custom_objects and name in custom_objects:
                cls = custom_objects[name]
                if not isinstance(cls, type):
                    raise ValueError(f"custom_objects has {cls!r} for {name!r}; expected a class")
                return cls
    name = item["class_name"]
    if not isinstance(name, str):
        raise ValueError(f"a class is named {name!r}; expected a string")
    name = _without_package(name)
    found = {known.lower(): cls for known, cls in classes.items()}.get(name.lower())
    if found is None:
        raise ValueError(f"{what} {name!r} is not among {', '.join(classes)}")
    return found


def arguments_for(cls: type[Any], config: Mapping[str, Any], idle: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The entries of a configuration that the constructor takes.

    Others are dropped where they ask for nothing (None, False) or are among `idle`, and ValueError otherwise.
    """
    accepted = accepted_arguments(cls)
    for key, value in config.items():
        if key not in accepted and key not in idle and not (value is None or value is False):
            raise ValueError(f"{cls.__name__} does not support {key}={value!r}")
    return {key: value for key, value in config.items() if key in accepted}


def _without_package(name: str) -> str:
    """Keras 2 writes its own optimizers as "Custom>Adam"."""
    return name.rpartition(">")[2]
