"""Activations: functions on arrays, with Keras's names and arguments, and what layers take for ``activation=``.

    layers.Dense(10, activation="softmax")
    layers.Dense(10, activation=activations.softmax)
    layers.Dense(10, activation=lambda x: ops.sin(x) * x)
    activations.softmax(x, axis=1)

The gradients are in `day33.ops` (`ops.softmax_backward`, ...).
"""

from __future__ import annotations

from .functions import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    hard_silu,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from .spec import ActivationSpec, deserialize, get, names, serialize

hard_swish = hard_silu
swish = silu

__all__ = [
    "ActivationSpec",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "names",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def __dir__() -> list[str]:
    return list(__all__)
