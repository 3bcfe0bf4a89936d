"""Max and average pooling of images, max un-pooling, and their gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core import single_op
from .._core.arrays import INT32_MAX, as_indices, as_sizes, check_shape
from .._core.types import PairLike
from ._calls import (
    as_image,
    backward,
    pool_options,
)

if TYPE_CHECKING:
    from .._native import Float32, Plan


def max_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid",
    return_indices: bool = False,
) -> Float32 | tuple[Float32, NDArray[np.int64]]:  # fmt: skip
    """The maximum of every window of images, channel by channel.

    Where a window holds its maximum more than once, the first in row-major order counts. A NaN counts as larger than
    every number.

    Args:
        x: real numbers (N, H, W, C), the images.
        pool_size: the size of the window, an integer or (height, width).
        strides: the step between windows, an integer or (height, width); None for `pool_size`.
        padding: "valid": only windows that lie inside the image; or "same": OH = ceil(H / s), the windows at the border
            cut off by it.
        return_indices: whether to return as well where each maximum was found.

    Returns:
        float32 (N, OH, OW, C). With `return_indices` a pair of it and int64 (N, OH, OW, C): ``(y * W + x) * C + c`` for
        the maximum at pixel (y, x) of channel c, as `tf.nn.max_pool_with_argmax` without the batch.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    x = as_image("x", x)
    if return_indices and math.prod(x.shape[1:]) > INT32_MAX:
        raise ValueError(f"x has shape {x.shape}; expected images of at most 2**31 - 1 values with return_indices")
    plan = single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), bool(return_indices))
    results = plan.forward([x], [])
    return (results[0], cast("NDArray[np.int64]", results[1])) if return_indices else results[0]


def max_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `max_pool2d`: each dy is added at the place of its window's maximum, 0 elsewhere.

    Args:
        dy: real numbers (N, OH, OW, C), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), the images.
        pool_size: the size of the window, an integer or (height, width).
        strides: the step between windows, an integer or (height, width); None for `pool_size`.
        padding: "valid": only windows that lie inside the image; or "same": OH = ceil(H / s), the windows at the border
            cut off by it.

    Returns:
        float32 (N, H, W, C), the gradient with respect to `x`.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    x = as_image("x", x)
    plan = single_op.max_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding), False)
    return backward(plan, dy, [x])[0]


def _prepare_max_unpool2d(
    x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]
) -> tuple[Plan, Float32, NDArray[np.int32]]:
    x = as_image("x", x)
    given = sizes = as_sizes("output_shape", output_shape)
    if len(sizes) == 2:
        sizes = (*sizes, x.shape[3])
    elif len(sizes) == 4 and sizes[0] == x.shape[0]:
        sizes = sizes[1:]
    if len(sizes) != 3 or sizes[2] != x.shape[3] or 0 in sizes:
        raise ValueError(
            f"output_shape is {given} and x has shape {x.shape}; "
            f"expected (H, W), (H, W, C) or (N, H, W, C) with N and C of x"
        )
    flat = as_indices("indices", indices, math.prod(sizes))
    check_shape("indices", flat, x.shape, "the shape of x")
    return single_op.max_unpool2d(x.shape[1:], sizes), x, flat


def max_unpool2d(x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Puts every value at the place where `max_pool2d` found it, with zeros elsewhere.

    Where several values have the same place, as from windows that overlap, the last in row-major order of `x` counts.

    Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.

    Args:
        x: real numbers (N, H, W, C), the values.
        indices: integers of the shape of `x`, as `max_pool2d` returns them: ``(y * OW + x) * C + c``.
        output_shape: (OH, OW), (OH, OW, C) or (N, OH, OW, C). It must be given: images of several sizes pool to one
            shape.

    Returns:
        float32 (N, OH, OW, C).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit, or an index lies outside the result; the message has what was
            given and what was expected.
    """
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return plan.forward([x, flat], [])[0]


def max_unpool2d_backward(dy: ArrayLike, x: ArrayLike, indices: ArrayLike, output_shape: tuple[int, ...]) -> Float32:
    """Gradient of `max_unpool2d`: the dy at the place of each value, 0 for a value that another one replaced.

    Args:
        dy: real numbers (N, OH, OW, C), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), the values.
        indices: integers of the shape of `x`, as `max_pool2d` returns them: ``(y * OW + x) * C + c``.
        output_shape: (OH, OW), (OH, OW, C) or (N, OH, OW, C). It must be given: images of several sizes pool to one
            shape.

    Returns:
        float32 (N, H, W, C), the gradient with respect to `x`.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit, or an index lies outside the result; the message has what was
            given and what was expected.
    """
    plan, x, flat = _prepare_max_unpool2d(x, indices, output_shape)
    return backward(plan, dy, [x, flat])[0]


def _prepare_avg_pool2d(
    x: ArrayLike, pool_size: PairLike, strides: PairLike | None, padding: str
) -> tuple[Plan, Float32]:
    x = as_image("x", x)
    return single_op.avg_pool2d(x.shape[1:], *pool_options(pool_size, strides, padding)), x


def avg_pool2d(
    x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """The mean of every window of images, channel by channel.

    Where a window reaches over the border, the mean is that of the cells inside, as in Keras.

    Args:
        x: real numbers (N, H, W, C), the images.
        pool_size: the size of the window, an integer or (height, width).
        strides: the step between windows, an integer or (height, width); None for `pool_size`.
        padding: "valid": only windows that lie inside the image; or "same": OH = ceil(H / s), the windows at the border
            cut off by it.

    Returns:
        float32 (N, OH, OW, C).

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return plan.forward([x], [])[0]


def avg_pool2d_backward(
    dy: ArrayLike, x: ArrayLike, pool_size: PairLike = 2, *, strides: PairLike | None = None, padding: str = "valid"
) -> Float32:
    """Gradient of `avg_pool2d`: each dy in equal shares to the cells of its window.

    Args:
        dy: real numbers (N, OH, OW, C), the gradient of a scalar with respect to the result.
        x: real numbers (N, H, W, C), of which only the shape matters.
        pool_size: the size of the window, an integer or (height, width).
        strides: the step between windows, an integer or (height, width); None for `pool_size`.
        padding: "valid": only windows that lie inside the image; or "same": OH = ceil(H / s), the windows at the border
            cut off by it.

    Returns:
        float32 (N, H, W, C), the gradient with respect to `x`.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    plan, x = _prepare_avg_pool2d(x, pool_size, strides, padding)
    return backward(plan, dy, [x])[0]
