"""Activations by name, as layers take them. The functions on arrays are in `day33.ops`, and here too by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.arrays import ELU_ALPHA, LEAKY_RELU_SLOPE
from .functions import apply

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


@dataclass(frozen=True)
class ActivationSpec:
    """An activation as a plan takes it: `kind`, and `alpha`, the slope of leaky_relu, the scale of elu or the upper end
    of relu6.

    Calling it applies it to an array.
    """

    kind: str
    alpha: float = 0.0

    def __call__(self, x: Any) -> Any:
        return x if self.kind == "linear" else apply(x, self.kind, self.alpha)

    @property
    def known_to_keras(self) -> bool:
        """Whether Keras has a name for it."""
        return self.kind not in _OWN

    def get_config(self) -> str | dict[str, Any]:
        """The name alone where it says everything."""
        if self.alpha == _DEFAULT_ALPHA[self.kind]:
            return self.kind
        return {"class_name": self.kind, "config": {"alpha": self.alpha}}


def is_name(name: str) -> bool:
    """Whether `name` is an activation's, or another name for one."""
    return name in _DEFAULT_ALPHA or name in _ALIASES


def names() -> frozenset[str]:
    """The names of all activations."""
    return frozenset(_DEFAULT_ALPHA)


def get(identifier: str | Mapping[str, Any] | Callable[..., Any] | ActivationSpec | None) -> ActivationSpec:
    """The activation meant by `identifier`.

    Args:
        identifier: a name; None (linear); a function of `day33.ops` such as `ops.relu`; an activation layer such as
            `layers.LeakyReLU(0.1)`, or its class; what `ActivationSpec.get_config` returned.

    Raises:
        ValueError: an unknown name. TypeError: something else that is none of these.
    """
    if identifier is None:
        return ActivationSpec("linear")
    if isinstance(identifier, ActivationSpec):
        return identifier
    if isinstance(identifier, Mapping):
        spec = get(identifier["class_name"])
        return ActivationSpec(spec.kind, float(identifier.get("config", {}).get("alpha", spec.alpha)))
    if isinstance(identifier, type) and hasattr(identifier, "activation_spec"):
        identifier = identifier()
    spec_of_layer = getattr(identifier, "activation_spec", None)
    if isinstance(spec_of_layer, ActivationSpec):
        return spec_of_layer
    name = identifier
    if callable(identifier):
        # Only our own functions may be named by their __name__: a stranger's `relu` may compute something else.
        if not getattr(identifier, "__module__", "").startswith("day33."):
            raise TypeError(f"activation is {identifier!r}; expected {_expected()}")
        name = getattr(identifier, "__name__", None)
    if isinstance(name, str):
        name = _ALIASES.get(name, name)
        if name not in _DEFAULT_ALPHA:
            raise ValueError(f"activation is {identifier!r}; expected {_expected()}")
        return ActivationSpec(name, _DEFAULT_ALPHA[name])
    raise TypeError(f"activation is {identifier!r}; expected {_expected()}")


def _expected() -> str:
    return f"None, an activation layer, or one of {', '.join(_DEFAULT_ALPHA)}"
