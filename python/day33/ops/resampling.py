"""Up-sampling of images and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from .._core import single_op
from .._core.arrays import as_float32, as_pair, check_image
from .._core.types import PairLike
from ._calls import (
    backward_of_image,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def _prepare_up_sampling2d(x: ArrayLike, size: PairLike, interpolation: str) -> tuple[Plan, Float32]:
    x = as_float32("x", x)
    check_image("x", x)
    if interpolation not in ("nearest", "bilinear", "bed_of_nails"):
        raise ValueError(f'interpolation is {interpolation!r}; expected "nearest", "bilinear" or "bed_of_nails"')
    return single_op.up_sampling2d(x.shape[1:], as_pair("size", size), interpolation), x


def up_sampling2d(x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest") -> Float32:
    """Enlarges images by whole factors.

    Args:
        x: (N, H, W, C).
        size: the factor, an integer or (height, width).
        interpolation: "nearest" repeats each cell; "bilinear" interpolates between the centres of the cells,
            with the edge cells continued outwards; "bed_of_nails" puts each cell in the top left corner of its
            block and zeros in the rest.

    Returns:
        (N, H * size, W * size, C).
    """
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return plan.forward([x], [])[0]


def up_sampling2d_backward(
    dy: ArrayLike, x: ArrayLike, size: PairLike = 2, *, interpolation: str = "nearest"
) -> Float32:
    """Gradient of `up_sampling2d` with respect to x (of which only the shape matters)."""
    plan, x = _prepare_up_sampling2d(x, size, interpolation)
    return backward_of_image(plan, dy, x)
