"""Objects as Keras describes them in files, ``{"module", "class_name", "config", "registered_name"}``, and back.

Classes are looked up in tables; nothing is ever imported by a name from a file.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from . import custom_objects as custom
from .signatures import accepted_arguments


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
        any_case: whether capitals make no difference.
    """

    def __init__(
        self, what: str, module: str, objects: Mapping[str, Any], base: type[Any],
        idle: frozenset[str] = frozenset({"dtype"}), any_case: bool = False,
    ) -> None:  # fmt: skip
        self._idle = idle
        self._any_case = any_case
        self.what = what
        self.module = module
        self.base = base
        self._objects = objects
        self._by_name = {self._key(name): item for name, item in objects.items()}

    def _key(self, name: str) -> str:
        return name.lower() if self._any_case else name

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
                plain = self._key(_without_package(name))
                if plain in self._by_name:
                    return self._by_name[plain]
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
            found: Any = custom.find(item.get("registered_name"), name) or self.find(name)
            if not inspect.isclass(found) or not issubclass(found, self.base):
                raise ValueError(self._unknown(name))
            chosen: Any = found
            config = {key: self._restored(value) for key, value in config.items()}
            if self._objects.get(found.__name__) is found:
                return chosen(**arguments_for(chosen, config, self._idle))
            return chosen.from_config(config)
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
