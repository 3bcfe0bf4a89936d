"""Slow, direct float64 versions of the operations, written from their definitions and sharing nothing with day33."""

from __future__ import annotations

import math

import numpy as np


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def window(size, kernel, stride, dilation, padding):
    """(outputs, cells of padding before)."""
    extent = (kernel - 1) * dilation + 1
    if padding == "valid":
        return (size - extent) // stride + 1, 0
    outputs = -(-size // stride)
    return outputs, max((outputs - 1) * stride + extent - size, 0) // 2


def _taps(size, kernel, stride, dilation, padding):
    """(outputs, kernel) positions in the input and whether they are inside."""
    outputs, before = window(size, kernel, stride, dilation, padding)
    at = np.arange(outputs)[:, None] * stride - before + np.arange(kernel) * dilation
    return np.clip(at, 0, size - 1), (at >= 0) & (at < size)


def patches(x, kernel, strides, dilation, padding, fill=0.0):
    """(N, OH, OW, KH, KW, C) of what every output sees, and the (y, x) positions."""
    y, y_in = _taps(x.shape[1], kernel[0], strides[0], dilation[0], padding)
    z, z_in = _taps(x.shape[2], kernel[1], strides[1], dilation[1], padding)
    seen = x[:, y[:, None, :, None], z[None, :, None, :], :]
    inside = y_in[:, None, :, None] & z_in[None, :, None, :]
    return np.where(inside[None, ..., None], seen, fill), y, z, inside


def conv2d(x, kernel, strides=1, padding="valid", dilation_rate=1, groups=1):
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    seen = patches(x, kernel.shape[:2], pair(strides), pair(dilation_rate), padding)[0]
    per_group = zip(np.split(seen, groups, -1), np.split(kernel, groups, -1), strict=True)
    return np.concatenate([np.einsum("nijuvc,uvco->nijo", s, k) for s, k in per_group], -1)


def conv2d_backward(dy, x, kernel, strides=1, padding="valid", dilation_rate=1, groups=1):
    """(dx, dkernel, dbias)."""
    dy, x, kernel = (np.asarray(a, np.float64) for a in (dy, x, kernel))
    seen, y, z, inside = patches(x, kernel.shape[:2], pair(strides), pair(dilation_rate), padding)
    dkernel, dseen = [], []
    for d, s, k in zip(np.split(dy, groups, -1), np.split(seen, groups, -1), np.split(kernel, groups, -1), strict=True):
        dkernel.append(np.einsum("nijo,nijuvc->uvco", d, s))
        dseen.append(np.einsum("nijo,uvco->nijuvc", d, k))
    spread = np.concatenate(dseen, -1) * inside[None, ..., None]
    dx = np.zeros_like(x)
    np.add.at(dx, (slice(None), y[:, None, :, None], z[None, :, None, :]), spread)
    return dx, np.concatenate(dkernel, -1), dy.sum((0, 1, 2))


def conv2d_transpose_shape(shape, kernel, strides, padding, output_padding=None, dilation_rate=1):
    """(OH, OW) as Keras 3 defines it."""
    sizes = []
    given = pair(output_padding) if output_padding is not None else (None, None)
    for n, k, s, d, p in zip(shape, kernel, pair(strides), pair(dilation_rate), given, strict=True):
        extent = (k - 1) * d + 1
        if padding == "valid":
            sizes.append((n - 1) * s + extent + (max(extent, s) - extent if p is None else p))
        else:
            sizes.append(n * s if p is None else (n - 1) * s + extent % 2 + p)
    return tuple(sizes)


def conv2d_transpose(x, kernel, strides=1, padding="valid", output_padding=None, dilation_rate=1):
    """The gradient of conv2d with respect to its image: kernel (KH, KW, O, C) convolves O channels into C."""
    shape = conv2d_transpose_shape(x.shape[1:3], kernel.shape[:2], strides, padding, output_padding, dilation_rate)
    image = np.zeros((x.shape[0], *shape, kernel.shape[2]))
    return conv2d_backward(x, image, kernel, strides, padding, dilation_rate)[0]


def conv2d_transpose_backward(dy, x, kernel, strides=1, padding="valid", dilation_rate=1):
    """(dx, dkernel, dbias): the adjoint of the adjoint is the convolution itself."""
    dx = conv2d(dy, kernel, strides, padding, dilation_rate)
    dkernel = conv2d_backward(x, dy, kernel, strides, padding, dilation_rate)[1]
    return dx, dkernel, np.asarray(dy, np.float64).sum((0, 1, 2))


def max_pool2d(x, pool_size, strides, padding):
    """(values, indices): the first maximum in row-major order of each window."""
    x = np.asarray(x, np.float64)
    seen, y, z, _ = patches(x, pool_size, strides, (1, 1), padding, fill=-np.inf)
    flat = seen.reshape(*seen.shape[:3], pool_size[0] * pool_size[1], x.shape[3])
    winner = flat.argmax(3)
    rows, columns = np.divmod(winner, pool_size[1])
    i, j = np.arange(y.shape[0])[:, None, None], np.arange(z.shape[0])[None, :, None]
    indices = (y[i, rows] * x.shape[2] + z[j, columns]) * x.shape[3] + np.arange(x.shape[3])
    return flat.max(3), indices


def max_pool2d_backward(dy, x, pool_size, strides, padding):
    indices = max_pool2d(x, pool_size, strides, padding)[1]
    dx = np.zeros((x.shape[0], math.prod(x.shape[1:])))
    for sample, at, d in zip(dx, indices, np.asarray(dy, np.float64), strict=True):
        np.add.at(sample, at.ravel(), d.ravel())
    return dx.reshape(x.shape)


def _inside(shape, pool_size, strides, padding):
    """(OH, OW, KH, KW) whether a cell of a window lies in the image."""
    return patches(np.zeros((1, *shape, 1)), pool_size, strides, (1, 1), padding)[3]


def avg_pool2d(x, pool_size, strides, padding):
    """The mean of the cells of each window that lie in the image."""
    seen = patches(np.asarray(x, np.float64), pool_size, strides, (1, 1), padding)[0]
    count = _inside(x.shape[1:3], pool_size, strides, padding).sum((2, 3))
    return seen.sum((3, 4)) / count[:, :, None]


def avg_pool2d_backward(dy, x, pool_size, strides, padding):
    _, rows, columns, inside = patches(x, pool_size, strides, (1, 1), padding)
    share = np.asarray(dy, np.float64) / inside.sum((2, 3))[:, :, None]
    spread = share[:, :, :, None, None] * inside[..., None]
    dx = np.zeros(x.shape)
    np.add.at(dx, (slice(None), rows[:, None, :, None], columns[None, :, None, :]), spread)
    return dx


def max_unpool2d(x, indices, output_shape):
    y = np.zeros((x.shape[0], int(np.prod(output_shape))))
    for sample, at, values in zip(y, indices, x, strict=True):
        for position, value in zip(at.ravel(), values.ravel(), strict=True):
            sample[position] = value
    return y.reshape(x.shape[0], *output_shape)


def max_unpool2d_backward(dy, indices):
    dx = np.zeros(indices.shape)
    for sample, at, d in zip(dx, indices, dy, strict=True):
        owner = {}
        for cell, position in enumerate(at.ravel()):
            owner[position] = cell
        for position, cell in owner.items():
            sample.reshape(-1)[cell] = d.ravel()[position]
    return dx


def _bilinear_weights(size, factor):
    """(size * factor, size): half-pixel centres, positions outside the outermost centres take the edge."""
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    low = np.minimum(np.floor(at).astype(int), max(size - 2, 0))
    weights = np.zeros((size * factor, size))
    rows = np.arange(size * factor)
    weights[rows, low] = 1 - (at - low)
    if size > 1:
        weights[rows, low + 1] += at - low
    return weights


def _axis_weights(size, factor, interpolation):
    if interpolation == "bilinear":
        return _bilinear_weights(size, factor)
    if interpolation == "nearest":
        return np.repeat(np.eye(size), factor, axis=0)
    nails = np.zeros((size * factor, size))
    nails[np.arange(size) * factor, np.arange(size)] = 1
    return nails


def up_sampling2d(x, size, interpolation):
    rows, columns = (_axis_weights(n, f, interpolation) for n, f in zip(x.shape[1:3], pair(size), strict=True))
    return np.einsum("ih,jw,nhwc->nijc", rows, columns, np.asarray(x, np.float64), optimize=True)


def up_sampling2d_backward(dy, shape, size, interpolation):
    rows, columns = (_axis_weights(n, f, interpolation) for n, f in zip(shape[1:3], pair(size), strict=True))
    return np.einsum("ih,jw,nijc->nhwc", rows, columns, np.asarray(dy, np.float64), optimize=True)
