"""Max and average pooling of images, max un-pooling, and their gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core import single_op
from .._core.arrays import as_float32, as_indices, as_int, check_image, check_shape
from .._core.types import PairLike
from ._calls import (
    backward_of_image,
    pool_options,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def max_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid",
    return_indices: bool = False,
) -> Float32 | tuple[Float32, NDArray[np.int64]]:  # fmt: skip
    """The maximum of every window, per channel.

    Where a window holds its maximum more than once, the first in row-major order wins; cells of padding never
    win. A NaN wins over every number.

    Args:
        x: (N, H, W, C).
        pool_size: the window, an integer or (height, width).
        strides: the same; None stands for `pool_size`.
        padding: "valid" or "same".
        return_indices: also return where each maximum stood.

    Returns:
        (N, OH, OW, C), and with `return_indices` the int64 array of the same shape that holds
        ``(y * W + x) * C + c`` of the winner, as ``tf.nn.max_pool_with_argmax`` without the batch.
    """
    x = as_float32("x", x)
    check_image("x", x)
    if not return_indices:
        return single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), False).forward([x], [])[0]
    if math.prod(x.shape[1:]) > np.iinfo(np.int32).max:
        raise ValueError(f"x has shape {x.shape}; with return_indices an image may hold at most 2**31 - 1 values")
    plan = single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), True)
    y, indices = plan.forward([x], [])
    return y, cast("NDArray[np.int64]", indices)


def max_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `max_pool2d` with respect to x: each dy goes to the winner of its window, whole."""
    x = as_float32("x", x)
    check_image("x", x)
    return backward_of_image(
        single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), False), dy, x
    )


def _prepare_max_unpool2d(
    x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]
) -> tuple[Plan, Float32, NDArray[np.int32]]:
    x = as_float32("x", x)
    check_image("x", x)
    sizes = tuple(as_int(f"output_shape[{i}]", size, 0) for i, size in enumerate(output_shape))
    if len(sizes) == 2:
        sizes = (*sizes, x.shape[3])
    elif len(sizes) == 4 and sizes[0] == x.shape[0]:
        sizes = sizes[1:]
    if len(sizes) != 3 or sizes[2] != x.shape[3] or 0 in sizes:
        raise ValueError(
            f"output_shape is {tuple(output_shape)} and x has shape {x.shape}; "
            f"expected (H, W), (H, W, C) or (N, H, W, C) with N and C of x"
        )
    flat = as_indices("indices", indices, math.prod(sizes))
    check_shape("indices", flat, x.shape, "the shape of x")
    return single_op.max_unpool2d(x.shape[1:], sizes), x, flat


def max_unpool2d(x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Puts every value back where `max_pool2d` found it, with zeros elsewhere.

    Where several cells name one position (overlapping windows), the last one in row-major order of x wins.

    Args:
        x: (N, H, W, C).
        indices: integers of the shape of x, as `max_pool2d` returns them: ``(y * OW + x) * C + c``.
        output_shape: (OH, OW), (OH, OW, C) or (N, OH, OW, C). It has to be given: images of several sizes pool
            to the same shape.

    Returns:
        (N, OH, OW, C).

    Raises:
        ValueError: an index lies outside the output.
    """
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return plan.forward([x, flat], [])[0]


def max_unpool2d_backward(dy: ArrayLike, x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Gradient of `max_unpool2d` with respect to x: dy at each index; 0 for a cell that another one overwrote."""
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return backward_of_image(plan, dy, x, flat)


def _prepare_avg_pool2d(
    x: ArrayLike, pool_size: PairLike, strides: PairLike | None, padding: str
) -> tuple[Plan, Float32]:
    x = as_float32("x", x)
    check_image("x", x)
    return single_op.avg_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding)), x


def avg_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """The mean of every window, per channel. Cells of padding are not counted.

    Args:
        x: (N, H, W, C).
        pool_size: the window, an integer or (height, width).
        strides: the same; None stands for `pool_size`.
        padding: "valid" or "same".

    Returns:
        (N, OH, OW, C).
    """
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return plan.forward([x], [])[0]


def avg_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `avg_pool2d` with respect to x (of which only the shape matters): each window shares out its dy."""
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return backward_of_image(plan, dy, x)
