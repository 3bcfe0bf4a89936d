"""`tf.nn`: activations, convolutions and cross-entropies of tensors, and in graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations, ops, random
from .._core.namespaces import absent
from ._wrapping import answer, elementwise, stands_for
from .math import l2_normalize

__all__ = [
    "avg_pool2d", "bias_add", "conv1d", "conv2d", "dropout", "elu", "embedding_lookup", "gelu", "l2_normalize",
    "leaky_relu", "log_softmax", "max_pool2d", "moments", "relu", "relu6", "selu", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus", "softsign",
    "sparse_softmax_cross_entropy_with_logits", "swish", "tanh",
]  # fmt: skip

__getattr__ = absent("tf.nn")

elu = elementwise(ops.elu)
relu = elementwise(ops.relu)
relu6 = elementwise(ops.relu6)
selu = elementwise(ops.selu)
sigmoid = elementwise(ops.sigmoid)
softplus = elementwise(ops.softplus)
softsign = elementwise(ops.softsign)
tanh = elementwise(ops.tanh)


def __dir__() -> list[str]:
    return list(__all__)


def softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` along `axis`, the last by default, as a tensor of float32."""
    return answer(ops.softmax(logits, -1 if axis is None else axis))


def log_softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    """The logarithm of `softmax`."""
    return answer(ops.log_softmax(logits, -1 if axis is None else axis))


def leaky_relu(features: Any, alpha: float = 0.2, name: Any = None) -> Any:
    """X where it is positive, alpha times x elsewhere."""
    return answer(ops.leaky_relu(features, alpha))


def gelu(features: Any, approximate: bool = False, name: Any = None) -> Any:
    """The Gaussian error linear unit."""
    return answer(ops.gelu(features, approximate))


def silu(features: Any, beta: float = 1.0) -> Any:
    """``x * sigmoid(beta * x)``."""
    return answer(
        ops.silu(features) if beta == 1.0 else ops.multiply(features, ops.sigmoid(ops.multiply(beta, features)))
    )


swish = silu

# As the `activation` of a layer each is the one of Keras.
for _function, _same in (
    (softmax, activations.softmax), (log_softmax, activations.log_softmax), (leaky_relu, activations.leaky_relu),
    (gelu, activations.gelu), (silu, activations.silu),
):  # fmt: skip
    stands_for(_function, _same)


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Any = None) -> Any:
    """Mean and variance along axes."""
    return answer(ops.moments(x, axes, keepdims))


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: int | None = None, name: Any = None) -> Any:
    """Values set to 0 with a probability, or else divided by that of the others. See `day33.random.dropout`."""
    return answer(random.dropout(x, rate, noise_shape, seed))


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: Any = None) -> Any:
    """A number added to each entry of the last axis."""
    if data_format not in (None, "NHWC", "NWC"):
        raise ValueError(f'data_format is {data_format!r}; expected "NHWC"')
    return answer(ops.add(value, bias))


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: Any = None) -> Any:
    """The rows of a table at some positions."""
    if max_norm is not None:
        raise ValueError(f"max_norm is {max_norm!r}; expected None")
    return answer(ops.take(params, ids, 0))


def conv2d(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str = "NHWC", dilations: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """Convolution of images (N, H, W, C) with a kernel (KH, KW, C / groups, O)."""
    _check_format(data_format, "NHWC")
    return answer(ops.conv(input, filters, _sizes(strides, 2), padding, None, _sizes(dilations, 2)))


def conv1d(
    input: Any, filters: Any, stride: Any, padding: str, data_format: str = "NWC", dilations: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """Convolution of sequences (N, W, C) with a kernel (KW, C / groups, O)."""
    _check_format(data_format, "NWC")
    return answer(ops.conv(input, filters, _sizes(stride, 1), padding, None, _sizes(dilations, 1)))


def max_pool2d(input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: Any = None) -> Any:
    """The largest value of every window of images."""
    _check_format(data_format, "NHWC")
    return answer(ops.max_pool(input, _sizes(ksize, 2), _sizes(strides, 2), padding))


def avg_pool2d(input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: Any = None) -> Any:
    """The mean of every window of images."""
    _check_format(data_format, "NHWC")
    return answer(ops.average_pool(input, _sizes(ksize, 2), _sizes(strides, 2), padding))


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None) -> Any:
    """The binary cross-entropy of each value, from logits."""
    return answer(ops.binary_crossentropy(labels, logits, from_logits=True))


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: Any = None) -> Any:
    """The cross-entropy along an axis, from logits."""
    return answer(ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis))


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: Any = None) -> Any:
    """The cross-entropy of labels along the last axis, from logits."""
    return answer(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def _sizes(value: Any, axes: int) -> Any:
    """TensorFlow's strides and sizes: a number, one per axis, or with ones for batch and channels around them."""
    if value is None:
        return 1
    sizes = [int(size) for size in np.ravel(value)]
    if len(sizes) == axes + 2 and sizes[0] == sizes[-1] == 1:
        sizes = sizes[1:-1]
    return sizes[0] if len(sizes) == 1 else sizes


def _check_format(given: str, expected: str) -> None:
    if given != expected:
        raise ValueError(f"data_format is {given!r}; expected {expected!r}")
