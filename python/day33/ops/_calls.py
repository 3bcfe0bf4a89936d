"""What the functions of day33.ops share: images, weights, options, and the call of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import activations
from .._core.arrays import as_float32, as_padding, as_pair, check_image, check_shape
from .._core.types import KnownShape, PairLike

if TYPE_CHECKING:
    from .._native import Float32, Pair, Plan

# A name, or whatever else day33.activations.get understands.
Activation = str | activations.ActivationSpec | Callable[..., object] | None


class Gradients(NamedTuple):
    """Gradients of an op with weights, each float32 of the shape of its array.

    Attributes:
        dx: with respect to the input.
        dkernel: with respect to the kernel.
        dbias: with respect to the bias; None where there is no bias.
    """

    dx: Float32
    dkernel: Float32
    dbias: Float32 | None


def activation_of(identifier: Activation) -> tuple[str, float]:
    spec = activations.get(identifier)
    if spec.function is not None:
        raise TypeError(f"activation is {identifier!r}; expected the name of one, or None and a call of the function")
    return spec.kind, spec.alpha


def as_image(name: str, value: ArrayLike) -> Float32:
    image = as_float32(name, value)
    check_image(name, image)
    return image


def parameters_of(
    kernel: ArrayLike, bias: ArrayLike | None, axes: str, outputs: Callable[[KnownShape], int]
) -> list[Float32]:
    """Kernel and, where there is one, bias.

    `axes` are the letters of the kernel's axes, for the message; `outputs` gives the size of the bias from its shape.
    """
    weights = as_float32("kernel", kernel)
    if weights.ndim != axes.count(",") + 1 or 0 in weights.shape:
        raise ValueError(f"kernel has shape {weights.shape}; expected ({axes}), all at least 1")
    if bias is None:
        return [weights]
    offsets = as_float32("bias", bias)
    wanted = (outputs(weights.shape),)
    check_shape("bias", offsets, wanted, f"one value per output of the kernel of shape {weights.shape}")
    return [weights, offsets]


def pool_options(pool_size: PairLike, strides: PairLike | None, padding: str) -> tuple[Pair, Pair, str]:
    size = as_pair("pool_size", pool_size)
    return size, size if strides is None else as_pair("strides", strides), as_padding(padding)


def backward(
    plan: Plan, dy: ArrayLike, inputs: list[NDArray[np.float32] | NDArray[np.int32]], parameters: Sequence[Float32] = ()
) -> tuple[Float32, list[Float32]]:
    """Gradients with respect to the first input and to each parameter."""
    dy = as_float32("dy", dy)
    shape = inputs[0].shape
    check_shape("dy", dy, (shape[0], *plan.output_shapes[0]), f"the shape of the result for x of shape {shape}")
    dxs, gradients = plan.backward(inputs, [dy], list(parameters))
    return dxs[0], gradients


def weighted_backward(plan: Plan, dy: ArrayLike, x: Float32, parameters: list[Float32]) -> Gradients:
    dx, gradients = backward(plan, dy, [x], parameters)
    return Gradients(dx, gradients[0], gradients[1] if len(gradients) == 2 else None)
