"""The convolution written out as a sparse matrix. Public in day33.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_float32, as_padding, as_pair, as_sizes
from .._native import conv_output_length

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def _taps(size: int, kernel: int, stride: int, padding: str) -> NDArray[np.int64]:
    """(outputs, kernel): the input position each tap of each output reads. Positions in the padding lie outside."""
    outputs = conv_output_length(size, kernel, stride, 1, padding)
    total = max((outputs - 1) * stride + kernel - size, 0) if padding == "same" else 0
    return np.arange(outputs)[:, None] * stride - total // 2 + np.arange(kernel)


def conv2d_matrix(
    kernel: ArrayLike, input_shape: tuple[int, int, int], *, strides: int | tuple[int, int] = 1, padding: str = "valid"
) -> csr_array:
    """The convolution of one image as a sparse matrix C.

    A convolution is linear, so it is a matrix: ``C @ x.ravel()`` is ``conv2d(x, kernel)`` of one image x, and ``C.T @
    y.ravel()`` is ``conv2d_transpose(y, kernel)``: transposed convolution is the product with the transpose of this
    matrix. It does not invert the convolution.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, section 4.1.

    Args:
        kernel: real numbers (KH, KW, C, O).
        input_shape: (H, W, C) of the image.
        strides: the step between neighbouring results, an integer or (height, width).
        padding: "valid" or "same", as in `conv2d`.

    Returns:
        float32 CSR array (OH * OW * O, H * W * C). Row ``(i * OW + j) * O + o`` holds the weights of all input values
        in output pixel (i, j) of channel o.

    Raises:
        TypeError: an array does not hold real numbers, or an option has a wrong type.
        ValueError: a shape or an option does not fit; the message has what was given and what was expected.
    """
    from scipy.sparse import csr_array

    weights = as_float32("kernel", kernel)
    sizes = as_sizes("input_shape", input_shape, 1)
    if weights.ndim != 4 or 0 in weights.shape or len(sizes) != 3 or weights.shape[2] != sizes[2]:
        raise ValueError(
            f"kernel has shape {weights.shape} and input_shape is {sizes}; expected (KH, KW, C, O) and (H, W, C)"
        )
    (KH, KW, C, O), (H, W, _) = weights.shape, sizes
    stride_h, stride_w = as_pair("strides", strides)
    padding = as_padding(padding)
    y = _taps(H, KH, stride_h, padding)
    x = _taps(W, KW, stride_w, padding)
    OH, OW = len(y), len(x)

    # One entry for every (output row, output column, output channel, tap row, tap column, input channel). In this
    # order the rows of the matrix follow one another and the columns rise within a row, which is what CSR asks for.
    shape = (OH, OW, O, KH, KW, C)
    inside = ((y >= 0) & (y < H))[:, None, None, :, None, None] & ((x >= 0) & (x < W))[None, :, None, None, :, None]
    inside = np.broadcast_to(inside, shape)
    columns = (y[:, None, None, :, None, None] * W + x[None, :, None, None, :, None]) * C + np.arange(C)
    values = np.broadcast_to(weights.transpose(3, 0, 1, 2), shape)
    starts = np.concatenate(([0], np.cumsum(inside.reshape(OH * OW * O, -1).sum(axis=1))))
    return csr_array((values[inside], np.broadcast_to(columns, shape)[inside], starts), shape=(OH * OW * O, H * W * C))
