"""Functions on NumPy arrays: the kernels without layers or models.

Images are (N, H, W, C). Every function takes real numbers in anything that NumPy reads as an array: contiguous float32
is used without a copy, other dtypes and strides are converted to it once. The result is a new float32 array. NaN and
infinity pass through as in Keras; an empty batch gives an empty result.

Each ``*_backward`` takes ``dy``, the gradient of a scalar with respect to the result of the function, then the
function's own arguments, and returns the gradients of the scalar with respect to its arrays.

All of them raise ``TypeError`` for arrays that do not hold real numbers (objects, strings, complex numbers), for masked
arrays and for options of a wrong type, and ``ValueError`` for a wrong rank, shape or option. The message has the
argument, what was given and what was expected.
"""

from __future__ import annotations

from ..activations.functions import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    hard_silu,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from ..activations.gradients import (
    elu_backward,
    exponential_backward,
    gelu_backward,
    hard_sigmoid_backward,
    hard_silu_backward,
    leaky_relu_backward,
    log_sigmoid_backward,
    log_softmax_backward,
    mish_backward,
    relu6_backward,
    relu_backward,
    selu_backward,
    sigmoid_backward,
    silu_backward,
    softmax_backward,
    softplus_backward,
    softsign_backward,
    tanh_backward,
)
from ._calls import Gradients
from .convolution import (
    conv2d,
    conv2d_backward,
    conv2d_transpose,
    conv2d_transpose_backward,
    depthwise_conv2d,
    depthwise_conv2d_backward,
)
from .dense import dense, dense_backward
from .matrix import conv2d_matrix
from .normalization import LayerNormGradients, layer_norm, layer_norm_backward
from .pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)
from .resampling import up_sampling2d, up_sampling2d_backward

__all__ = [
    "Gradients",
    "LayerNormGradients",
    "avg_pool2d",
    "avg_pool2d_backward",
    "conv2d",
    "conv2d_backward",
    "conv2d_matrix",
    "conv2d_transpose",
    "conv2d_transpose_backward",
    "dense",
    "dense_backward",
    "depthwise_conv2d",
    "depthwise_conv2d_backward",
    "elu",
    "elu_backward",
    "exponential",
    "exponential_backward",
    "gelu",
    "gelu_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_silu",
    "hard_silu_backward",
    "layer_norm",
    "layer_norm_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "log_sigmoid",
    "log_sigmoid_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "mish",
    "mish_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "selu",
    "selu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "tanh",
    "tanh_backward",
    "up_sampling2d",
    "up_sampling2d_backward",
]


def __dir__() -> list[str]:
    return list(__all__)
