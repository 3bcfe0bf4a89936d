"""Activations as layers and plans take them: a kind and a number, found by name or from whatever else stands for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

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
# Only our own functions count: another library's `relu` may compute something else.
_FUNCTIONS = {getattr(functions, name): name for name in _DEFAULT_ALPHA if name != "gelu_tanh"}


@dataclass(frozen=True)
class ActivationSpec:
    """An activation as layers and plans take it. Calling it applies it to an array, softmax over the last axis.

    Attributes:
        kind: its name, one of `names()`.
        alpha: the slope of leaky_relu, the scale of elu, the upper end of relu6; 0 for the others.
    """

    kind: str
    alpha: float = 0.0

    def __call__(self, x: Any) -> Any:
        """Applies the activation.

        Args:
            x: real numbers of any shape.

        Returns:
            float32 of the shape of `x`. From linear, `x` itself.
        """
        return x if self.kind == "linear" else apply(x, self.kind, self.alpha)

    @property
    def known_to_keras(self) -> bool:
        """Whether Keras has a name for it."""
        return self.kind not in _OWN

    def get_config(self) -> str | dict[str, Any]:
        """What `get` reads back: the name alone where `alpha` is the default, else a dict with both."""
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
            default options, or the same function of `day33.ops` or `tf.nn`; an activation layer such as
            `layers.LeakyReLU(0.1)`, or its class; an `ActivationSpec`, or what its `get_config` returned.

    Returns:
        The activation.

    Raises:
        ValueError: an unknown name, or a dict without "class_name".
        TypeError: something else, such as a function of another library.
    """
    if identifier is None:
        return ActivationSpec("linear")
    if isinstance(identifier, ActivationSpec):
        return identifier
    if isinstance(identifier, Mapping):
        if "class_name" not in identifier:
            raise ValueError(f'activation is {identifier!r}; expected a dict with "class_name" and "config"')
        spec = get(identifier["class_name"])
        return ActivationSpec(spec.kind, as_number("alpha", identifier.get("config", {}).get("alpha", spec.alpha), 0.0))
    if isinstance(identifier, type) and hasattr(identifier, "activation_spec"):
        identifier = identifier()
    spec_of_layer = getattr(identifier, "activation_spec", None)
    if isinstance(spec_of_layer, ActivationSpec):
        return spec_of_layer
    name = identifier
    if callable(identifier):
        name = _FUNCTIONS.get(identifier) if isinstance(identifier, Hashable) else None
    if isinstance(name, str):
        name = _ALIASES.get(name, name)
        if name not in _DEFAULT_ALPHA:
            raise ValueError(f"activation is {identifier!r}; expected {_expected()}")
        return ActivationSpec(name, _DEFAULT_ALPHA[name])
    raise TypeError(f"activation is {identifier!r}; expected {_expected()}")


def note_function(function: Callable[..., Any], name: str) -> None:
    """Has `get` take a function of another room for the activation of that name."""
    _FUNCTIONS[function] = name


def _expected() -> str:
    return f"None, an activation layer, or one of {', '.join(_DEFAULT_ALPHA)}"
