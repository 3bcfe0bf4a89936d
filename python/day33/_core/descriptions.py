"""Objects as Keras describes them in files, ``{"module", "class_name", "config", "registered_name"}``, and back.

Classes are looked up in tables; nothing is ever imported by a name from a file.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from . import custom_objects as custom
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


class Library:
    """The classes and functions of a room that configurations may name, and those of the user's beside them.

    Args:
        what: for messages, such as "loss".
        module: where Keras has them, such as "keras.losses".
        objects: classes and functions by all their names.
        base: the class of the objects.
        idle: arguments in files that mean nothing here.
    """

    def __init__(
        self, what: str, module: str, objects: Mapping[str, Any], base: type[Any],
        idle: frozenset[str] = frozenset({"dtype"}),
    ) -> None:  # fmt: skip
        self._idle = idle
        self.what = what
        self.module = module
        self.base = base
        self._objects = objects

    def expected(self) -> str:
        """The names, for messages."""
        return ", ".join(sorted(self._objects))

    def find(self, *names: Any) -> Any:
        """The class or function of the first of these names that is known; None where none is."""
        found = custom.find(*names)
        if found is not None:
            return found
        for name in names:
            if isinstance(name, str):
                plain = _without_package(name)
                if plain in self._objects:
                    return self._objects[plain]
        return None

    def serialize(self, value: Any) -> Any:
        """A name, an object with `get_config` or a function, as files have it.

        Raises:
            TypeError: it has no name that a file could hold.
        """
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, self.base):
            cls = type(value)
            own = self._objects.get(cls.__name__) is cls
            return {
                "module": self.module if own else cls.__module__,
                "class_name": cls.__name__,
                "config": {key: self._plain(item) for key, item in value.get_config().items()},
                "registered_name": None if own else custom.get_registered_name(cls),
            }
        name = getattr(value, "__name__", None)
        if not callable(value) or isinstance(value, type) or not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"{self.what} is {value!r}, which has no name that a file could hold")
        return {
            "module": "builtins",
            "class_name": "function",
            "config": custom.get_registered_name(value),
            "registered_name": "function",
        }

    def _plain(self, value: Any) -> Any:
        return self.serialize(value) if callable(value) and not isinstance(value, type) else value

    def deserialize(self, item: Any) -> Any:
        """What `serialize` or Keras wrote, as an object or function.

        Raises:
            ValueError: a name that is neither day33's nor among the custom objects, or an argument that is not known.
        """
        if isinstance(item, Mapping):
            if "class_name" not in item:
                raise ValueError(f'{self.what} is {item!r}; expected a dict with "class_name" and "config"')
            name, config = item["class_name"], item.get("config", {})
            if name == "function":
                return self._named(config)
            found: Any = self.find(item.get("registered_name"), name)
            if not inspect.isclass(found) or not issubclass(found, self.base):
                raise ValueError(self._unknown(name))
            chosen: Any = found
            if self._objects.get(found.__name__) is found:
                return chosen(**arguments_for(chosen, config, self._idle))
            return chosen.from_config({key: self._restored(value) for key, value in config.items()})
        return self._named(item) if isinstance(item, str) else item

    def _restored(self, value: Any) -> Any:
        return self.deserialize(value) if isinstance(value, Mapping) and "class_name" in value else value

    def _named(self, name: Any) -> Any:
        found: Any = self.find(name)
        if found is None:
            raise ValueError(self._unknown(name))
        return found() if isinstance(found, type) else found

    def _unknown(self, name: Any) -> str:
        return (
            f"{self.what} is {name!r}; expected one of {self.expected()}, or a name in custom_objects or that was "
            "registered with day33.saving.register_keras_serializable"
        )
