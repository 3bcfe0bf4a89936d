"""What the functions of day33.ops share: options, weights, and the call of a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import activations
from .._core.arrays import as_float32, as_padding, as_pair, check_shape
from .._core.types import PairLike

if TYPE_CHECKING:
    from .._native import Float32, Pair, Plan

# A name, or whatever else day33.activations.get understands.
Activation = str | activations.ActivationSpec | Callable[..., object] | None


class Gradients(NamedTuple):
    """Gradients of an op with weights, each of the shape of its array. `dbias` is None where there is no bias."""

    dx: Float32
    dkernel: Float32
    dbias: Float32 | None


def activation_of(identifier: Activation) -> tuple[str, float]:
    if identifier is None:
        return "linear", 0.0
    spec = activations.get(identifier)
    return spec.kind, spec.alpha


def parameters_of(kernel: ArrayLike, bias: ArrayLike | None, rank: int, layout: str, out_axis: int) -> list[Float32]:
    weights = as_float32("kernel", kernel)
    if weights.ndim != rank or 0 in weights.shape:
        raise ValueError(f"kernel has shape {weights.shape}; expected {layout}, all at least 1")
    if bias is None:
        return [weights]
    offsets = as_float32("bias", bias)
    check_shape("bias", offsets, (weights.shape[out_axis],), f"one value an output of the kernel {weights.shape}")
    return [weights, offsets]


def backward(plan: Plan, dy: ArrayLike, x: Float32, parameters: list[Float32]) -> Gradients:
    dy = as_float32("dy", dy)
    check_shape("dy", dy, (x.shape[0], *plan.output_shapes[0]), f"the shape of the result for x of {x.shape}")
    (dx,), gradients = plan.backward([x], [dy], parameters)
    return Gradients(dx, gradients[0], gradients[1] if len(gradients) == 2 else None)


def pool_options(pool_size: PairLike, strides: PairLike | None, padding: str) -> tuple[Pair, Pair, str]:
    size = as_pair("pool_size", pool_size)
    return size, size if strides is None else as_pair("strides", strides), as_padding(padding)


def backward_of_image(plan: Plan, dy: ArrayLike, *inputs: NDArray[np.float32] | NDArray[np.int32]) -> Float32:
    dy = as_float32("dy", dy)
    shape = inputs[0].shape
    check_shape("dy", dy, (shape[0], *plan.output_shapes[0]), f"the shape of the result for x of {shape}")
    return plan.backward(list(inputs), [dy], [])[0][0]
