"""`tf.nn`: activations of arrays and tensors, which give tensors."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from .. import ops
from .._core.namespaces import absent
from .._core.tensors import Tensor, as_tensor

__all__ = ["relu", "sigmoid", "softmax", "tanh"]

__getattr__ = absent("tf.nn")


def __dir__() -> list[str]:
    return list(__all__)


def _activation(name: Literal["relu", "sigmoid", "tanh"]) -> Any:
    function = getattr(ops, name)

    def apply(x: ArrayLike) -> Tensor:
        return as_tensor(function(x))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = function.__doc__
    return apply


relu, sigmoid, tanh = _activation("relu"), _activation("sigmoid"), _activation("tanh")


def softmax(logits: ArrayLike, axis: int = -1) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `axis`, as a tensor of float32."""
    return as_tensor(ops.softmax(logits, axis))
