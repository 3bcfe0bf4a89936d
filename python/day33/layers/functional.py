"""`Lambda`: a function of the user's as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

from .._core import custom_objects as custom
from .base import Layer
from .serialization import CustomObjects, constructor_arguments, is_function_name


class Lambda(Layer):
    """A function of tensors as a layer. It has no weights of its own.

    Args:
        function: ``function(inputs, **arguments)``, written with functions of `day33.ops`, operators and other layers.
            Where it has a parameter `training`, it is told whether it is called in training mode.
        output_shape: without the batch, or a function of the shape of the input, batch included: what the layer says of
            itself, as Keras has it. It follows from the function by default.
        mask: None; day33 hands no masks on from functions.
        arguments: for `function`, by name.

    A file can hold the layer where the function was registered with `day33.saving.register_keras_serializable`, or is
    handed over in `custom_objects`: it holds the name alone. Code from a file is never run.

    Raises:
        TypeError: `function` is none, or, when a model is saved, has no registered name.
        ValueError: a mask.
    """

    def __init__(
        self, function: Callable[..., Any], output_shape: Any = None, mask: None = None,
        arguments: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"function of layer {self.name!r} is {function!r}; expected a function of tensors")
        if mask is not None:
            raise ValueError(f"mask of layer {self.name!r} is {mask!r}; day33 hands no masks on from functions")
        self.function = function
        self.arguments = dict(arguments or {})
        self.output_shape_argument = output_shape
        try:
            self._takes_training = "training" in inspect.signature(function).parameters
        except (TypeError, ValueError):  # builtins without a signature
            self._takes_training = False

    def call(self, inputs: Any, training: bool = False) -> Any:
        arguments = {**self.arguments, "training": training} if self._takes_training else self.arguments
        return self.function(inputs, **arguments)

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self.output_shape_argument
        if given is None:
            return super().compute_output_shape(input_shape)
        return tuple(given(input_shape)) if callable(given) else (input_shape[0], *given)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        function: Any = config.get("function")
        if isinstance(function, Mapping):
            function = _named(function, config.get("name"), custom_objects or {})
        rest = {key: value for key, value in config.items() if key != "function"}
        return cls(function=function, **constructor_arguments(cls, rest, custom_objects or {}))

    def get_config(self) -> dict[str, Any]:
        name = custom.get_registered_name(self.function) if hasattr(self.function, "__name__") else ""
        function: Any = {
            "module": "builtins", "class_name": "function", "config": name, "registered_name": "function",
        }  # fmt: skip
        if custom.are_for_copies():
            function = self.function
        elif custom.find(name) is not self.function:
            raise TypeError(
                f"layer {self.name!r} is a Lambda of {self.function!r}, which no file can hold; expected a function "
                "that was registered with day33.saving.register_keras_serializable, or a layer of your own"
            )
        if callable(self.output_shape_argument) and not custom.are_for_copies():
            raise TypeError(f"output_shape of layer {self.name!r} is a function, which no file can hold")
        return {
            **super().get_config(), "function": function, "output_shape": self.output_shape_argument, "mask": None,
            "arguments": self.arguments,
        }  # fmt: skip


def _named(item: Any, layer: Any, custom_objects: CustomObjects) -> Any:
    """The function that a configuration names."""
    found: Any = None
    if is_function_name(item):
        found = custom_objects.get(item["config"]) or custom.find(item["config"], item.get("registered_name"))
    if not callable(found) or isinstance(found, type):
        raise ValueError(
            f"layer {layer!r} is a Lambda of {item.get('config')!r}; expected a function in custom_objects, or one "
            "that was registered with day33.saving.register_keras_serializable"
        )
    return found
