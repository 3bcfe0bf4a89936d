"""What a layer is as an object in a file: its configuration, and what Keras's formats ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from numpy.typing import NDArray

from .. import regularizers
from .._core.custom_objects import get_registered_name
from .._core.naming import snake_case
from .._graph import registry
from . import serialization
from ._weights import WeightOwner, find_layers


class Configured(WeightOwner):
    """A configuration that makes an equal layer, and names and places in Keras's files. Base class of `Layer`."""

    dtype: str
    activity_regularizer: Any

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        if self.activity_regularizer is None:
            return config
        return {**config, "activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: serialization.CustomObjects | None = None) -> Self:
        """A layer like the one whose `get_config` gave `config`, with fresh weights.

        Args:
            config: of day33's layers also as Keras wrote it.
            custom_objects: classes by name that are not day33's, for layers inside.

        Raises:
            ValueError: an argument that the layer does not support.
        """
        if registry.has(cls):
            return cls(**serialization.constructor_arguments(cls, config, custom_objects or {}))
        return cls(**config)

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration with the arguments named as since Keras 3, from one that may be of Keras 2."""
        result = dict(config)
        shape = result.pop("batch_input_shape", None)
        return result if shape is None else {**result, "input_shape": tuple(shape[1:])}

    # ---- what Keras's files ask ----

    array_names: tuple[str, ...] = ()  # arrays beside the weights that files of Keras may have for the layer

    def saved_config(self) -> dict[str, Any]:
        """The configuration as files hold it, with what the layer has learnt and no weight holds; a hook."""
        return self.get_config()

    def saved_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays beside the weights, by name, for Keras, which wants them in a file."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]], lines: Sequence[str] | None) -> None:
        """Takes what a file of Keras has for the layer beside its configuration and weights; a hook.

        Args:
            arrays: those of `array_names` that are there.
            lines: of its ``vocabulary.txt``; None without one.
        """

    dtype_is_policy = True  # whether dtype says in which precision the layer computes
    keras_module = "keras.layers"  # where Keras has the layers of day33 that it knows
    variable_group = ""  # the group that has the variables of the layer itself, inside of that of the layer

    def known_to_keras(self) -> bool:
        """Whether Keras has a layer like this one; True for a class of yours, which may have a twin there."""
        return True

    def keras_class(self) -> tuple[str, str, str | None]:
        """Module, name and, for a class that is not day33's, registered name of the class in a file."""
        cls = type(self)
        if registry.has(cls):
            return cls.keras_module if self.known_to_keras() else "day33.layers", cls.__name__, None
        return cls.__module__, cls.__name__, get_registered_name(cls)

    def saved_children(self) -> list[tuple[str, Any]]:
        """The attributes that hold layers, also in lists, tuples and dicts, by name, in Keras's order of saving."""
        return _in_saved_order(self._attributes_with_layers())

    def _attributes_with_layers(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if find_layers(value)}

    def name_stem(self) -> str:
        """What automatic names begin with."""
        return snake_case(type(self).__name__)


def _in_saved_order(attributes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """By name, those with an underscore last."""
    return sorted(attributes.items(), key=lambda item: f"~{item[0]}" if item[0].startswith("_") else item[0])
