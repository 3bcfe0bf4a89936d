"""Up-sampling of images and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_pair
from .._core.types import PairLike
from ._calls import (
    as_image,
    backward,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_up_sampling2d(x: ArrayLike, size: PairLike, interpolation: str) -> tuple[Plan, Float32]:
    x = as_image("x", x)
    if interpolation not in ("nearest", "bilinear", "bed_of_nails"):
        raise ValueError(f'interpolation is {interpolation!r}; expected "nearest", "bilinear" or "bed_of_nails"')
    return single_op.up_sampling2d(x.shape[1:], as_pair("size", size), interpolation), x


def up_sampling2d(x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest") -> Float32:
    """Enlarges images by whole factors.

    Args:
        x: real numbers (N, H, W, C), the images.
        size: the factor, an integer or (height, width).
        interpolation: "nearest" repeats each pixel; "bilinear" interpolates between the centres of the pixels and
            repeats those at the border outwards; "bed_of_nails" puts each pixel at the top left of its block, with
            zeros in the rest.

    Returns:
        float32 (N, H * size, W * size, C).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return plan.forward([x], [])[0]


def up_sampling2d_backward(
    dy: ArrayLike, x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest"
) -> Float32:
    """Gradient of `up_sampling2d`: each pixel gets the sum of the dy it took part in, weighted by its part.

    Args:
        dy: real numbers (N, H * size, W * size, C), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), of which only the shape matters.
        size: the factor, an integer or (height, width).
        interpolation: as in `up_sampling2d`.

    Returns:
        float32 (N, H, W, C), the gradient with respect to `x`.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return backward(plan, dy, [x])[0]
