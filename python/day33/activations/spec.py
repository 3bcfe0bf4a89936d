"""Activations as layers and plans take them: a kind and a number, found by name or from whatever else stands for it."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import custom_objects as custom
from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE, as_number
from . import functions
from ._calls import apply

_DEFAULT_ALPHA = {
    "linear": 0.0,
    "relu": 0.0,
    "leaky_relu": LEAKY_RELU_SLOPE,
    "elu": ELU_ALPHA,
    "sigmoid": 0.0,
    "tanh": 0.0,
    "softmax": 0.0,
    "log_softmax": 0.0,
    "relu6": 6.0,
    "selu": 0.0,
    "exponential": 0.0,
    "softplus": 0.0,
    "softsign": 0.0,
    "log_sigmoid": 0.0,
    "hard_sigmoid": 0.0,
    "gelu": 0.0,
    "gelu_tanh": 0.0,
    "silu": 0.0,
    "hard_silu": 0.0,
    "mish": 0.0,
}
_OWN = frozenset({"gelu_tanh"})  # without a name in Keras
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}  # as in Keras
_FUNCTIONS = {name: getattr(functions, name) for name in _DEFAULT_ALPHA if name != "gelu_tanh"}


@dataclass(frozen=True)
class ActivationSpec:
    """An activation as layers and plans take it. Calling it applies it to an array, softmax over the last axis.

    Attributes:
        kind: its name, one of `names()`, or "function".
        alpha: the slope of leaky_relu, the scale of elu, the upper end of relu6; 0 for the others.
        function: of the user's, for the kind "function", which is no op of plans; None elsewhere.
    """

    kind: str
    alpha: float = 0.0
    function: Callable[[Any], Any] | None = None

    def __call__(self, x: Any) -> Any:
        """Applies the activation.

        Args:
            x: real numbers of any shape.

        Returns:
            float32 of the shape of `x`. From linear, `x` itself.
        """
        if self.function is not None:
            return self.function(x)
        return x if self.kind == "linear" else apply(x, self.kind, self.alpha)

    @property
    def label(self) -> str:
        """The name, for people."""
        return self.kind if self.function is None else getattr(self.function, "__name__", repr(self.function))

    @property
    def known_to_keras(self) -> bool:
        """Whether Keras has a name for it."""
        return self.kind not in _OWN

    def get_config(self) -> Any:
        """What `get` reads back: the name alone where `alpha` is the default, else a dict with both.

        A function of the user's is named as Keras names it: by its registered name, or else its own. In a
        configuration that is for a copy, not for a file, it stands itself.

        Raises:
            TypeError: a function that has no name of its own.
        """
        if self.function is not None:
            if custom.are_for_copies():
                return self.function
            return {
                "module": "builtins", "class_name": "function", "config": _name_of(self.function),
                "registered_name": "function",
            }  # fmt: skip
        if self.alpha == _DEFAULT_ALPHA[self.kind]:
            return self.kind
        return {"class_name": self.kind, "config": {"alpha": self.alpha}}


def names() -> frozenset[str]:
    """The names of all activations, without aliases such as "swish"."""
    return frozenset(_DEFAULT_ALPHA)


def get(identifier: str | Mapping[str, Any] | Callable[..., Any] | ActivationSpec | None) -> ActivationSpec:
    """Finds the activation that `identifier` stands for.

    Args:
        identifier: a name ("relu"); None for linear; a function of this module, such as `activations.relu`, with its
            default options; an activation layer such as `layers.LeakyReLU(0.1)`, or its class; any other function of a
            tensor, written with functions of `day33.ops` or operators, or the name of one that is known as a custom
            object; an `ActivationSpec`, or what its `get_config` returned.

    Returns:
        The activation.

    Raises:
        ValueError: an unknown name, or a dict without "class_name".
        TypeError: something else, such as a function of NumPy or a layer with weights.
    """
    if identifier is None:
        return ActivationSpec("linear")
    if isinstance(identifier, ActivationSpec):
        return identifier
    if isinstance(identifier, Mapping):
        if "class_name" not in identifier:
            raise ValueError(f'activation is {identifier!r}; expected a dict with "class_name" and "config"')
        if identifier["class_name"] == "function":
            found = custom.find(identifier.get("config"), identifier.get("registered_name"))
            return get(identifier.get("config") if found is None else found)
        spec = get(identifier["class_name"])
        return ActivationSpec(spec.kind, as_number("alpha", identifier.get("config", {}).get("alpha", spec.alpha), 0.0))
    if isinstance(identifier, type) and hasattr(identifier, "activation_spec"):
        identifier = identifier()
    spec_of_layer = getattr(identifier, "activation_spec", None)
    if isinstance(spec_of_layer, ActivationSpec):
        return spec_of_layer
    if isinstance(identifier, str):
        named = custom.find(identifier)
        if named is not None:
            return get(named)
        name = _ALIASES.get(identifier, identifier)
        if name not in _DEFAULT_ALPHA:
            raise ValueError(f"activation is {identifier!r}; expected {_expected()}")
        return ActivationSpec(name, _DEFAULT_ALPHA[name])
    # Only our own functions count: another library's `relu` may compute something else.
    known = next((name for name, function in _FUNCTIONS.items() if function is identifier), None)
    if known is not None:
        return ActivationSpec(known, _DEFAULT_ALPHA[known])
    if not callable(identifier) or isinstance(identifier, _NO_ACTIVATIONS) or hasattr(identifier, "weights"):
        raise TypeError(f"activation is {identifier!r}; expected {_expected()}")
    return ActivationSpec("function", function=identifier)


def serialize(activation: Any) -> Any:
    """What `get` and `deserialize` read back: a name, or a dict.

    Args:
        activation: what `get` takes.
    """
    return get(activation).get_config()


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> ActivationSpec:
    """The activation that `serialize` gave `config` for.

    Args:
        config: a name, or a dict.
        custom_objects: functions by name, besides those that were registered.

    Raises:
        ValueError: an unknown name.
    """
    with custom.known(custom_objects or {}):
        return get(config)


_NO_ACTIVATIONS = (type, np.ufunc, types.BuiltinFunctionType)


def _name_of(function: Callable[[Any], Any]) -> str:
    name = getattr(function, "__name__", "<lambda>")
    registered = custom.get_registered_name(function) if hasattr(function, "__name__") else name
    if registered == "<lambda>":
        raise TypeError(
            f"activation is {function!r}, which no file can hold; expected a function with a name, best one that was "
            "registered with day33.saving.register_keras_serializable"
        )
    if registered in _DEFAULT_ALPHA or registered in _ALIASES:
        raise TypeError(
            f"activation is {function!r}, and a file would hold the activation {registered!r} of Keras in its place; "
            "expected another name, or one registered with day33.saving.register_keras_serializable"
        )
    return registered


def _expected() -> str:
    return (
        "None, an activation layer, a function written with day33.ops (its name: in custom_objects, or registered), or "
        f"one of {', '.join(_DEFAULT_ALPHA)}"
    )
