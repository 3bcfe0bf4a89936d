"""The native core: shapes, plans, optimizer steps and the runtime. Private; use day33.ops, .layers, .models."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
SliceSums = tuple[Float32 | None, Float32 | None]
Array = NDArray[Any]  # float32, or int32 where the plan says so
Pair = tuple[int, int]

__version__: str

# ---- runtime (register_runtime.cpp) ----

def isa() -> str: ...  # the instruction set in use: "baseline", "avx2", "avx512" or "neon"
def available_isas() -> list[str]: ...  # slowest first
def select_isa(name: str) -> None: ...  # for tests. ValueError if not available here
def lanes() -> int: ...  # floats in a vector of the instruction set in use
def build_info() -> dict[str, str]: ...  # compiler, build type, sanitizers
def get_num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...  # ValueError unless count >= 1

# ---- limits of the machine, on all threads, for benchmarks (register_limits.cpp) ----

def limit_flops(seconds: float = 0.02) -> float: ...  # per second: multiply-adds in registers, two operations each

# Bytes per second: each thread reads as many of its own, again and again. ValueError for fewer than 512.
def limit_reading(bytes: int, seconds: float = 0.02) -> float: ...

# ---- shapes (the one authority; core/shapes.h). padding is "valid" or "same" ----

def conv_output_length(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int: ...
def conv_transpose_output_length(
    size: int, kernel: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> int: ...

# ---- weights ----

class Parameter:
    """A float32 tensor owned by the native side, 64-byte aligned. Every write raises `version`."""

    def __init__(self, shape: Sequence[int]) -> None: ...  # zeros
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    @property
    def version(self) -> int: ...
    def assign(self, value: Float32) -> None: ...  # C-contiguous float32 of the same shape, else ValueError
    def view(self) -> Float32: ...  # read-only array on the same memory, no copy

# ---- plans ----

class PlanBuilder:
    """Builds a plan op by op. Tensors and parameter slots are small integers. Shapes are without the batch.

    Every method checks ranks and sizes and raises ValueError naming the argument, what it got and what it expects.
    `activation` is "linear", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax" or "log_softmax" (last axis),
    "relu6", "selu", "exponential", "softplus", "softsign", "log_sigmoid", "hard_sigmoid", "gelu", "gelu_tanh", "silu",
    "hard_silu" or "mish"; `alpha` is the slope of leaky_relu, the scale of elu or the upper end of relu6.
    """

    def __init__(self) -> None: ...
    def shape(self, tensor: int) -> tuple[int, ...]: ...
    def input(self, shape: Sequence[int], dtype: str = "float32") -> int: ...  # "float32" or "int32"
    def parameter(self, shape: Sequence[int], trainable: bool = True) -> int: ...  # slots are numbered 0, 1, 2, ...
    # kernel (KH, KW, C / groups, O), or (KW, C / groups, O) of height 1.
    def conv2d(
        self,
        x: int,
        kernel: int,
        bias: int = -1,
        *,
        strides: Pair = (1, 1),
        padding: str = "valid",
        dilation_rate: Pair = (1, 1),
        groups: int = 1,
        activation: str = "linear",
        alpha: float = 0.0,
    ) -> int: ...
    def conv2d_transpose(
        self,
        x: int,
        kernel: int,
        bias: int = -1,
        *,
        strides: Pair = (1, 1),
        padding: str = "valid",
        output_padding: tuple[int | None, int | None] = (None, None),
        dilation_rate: Pair = (1, 1),
        activation: str = "linear",
        alpha: float = 0.0,
    ) -> int: ...
    # kernel (C, O), or (O, C) with transposed=True.
    def dense(
        self,
        x: int,
        kernel: int,
        bias: int = -1,
        *,
        transposed: bool = False,
        activation: str = "linear",
        alpha: float = 0.0,
    ) -> int: ...
    # (pooled, indices). indices is an int32 tensor of (y * W + x) * C + c; it costs nothing where it is not used.
    def max_pool2d(self, x: int, *, pool_size: Pair, strides: Pair, padding: str) -> tuple[int, int]: ...
    def max_unpool2d(self, x: int, indices: int, *, output_shape: tuple[int, int, int]) -> int: ...
    def up_sampling2d(self, x: int, *, size: Pair, interpolation: str) -> int: ...  # nearest, bilinear, bed_of_nails
    def activation(self, x: int, kind: str, alpha: float = 0.0) -> int: ...
    # Normalises the last axis. With training=True in forward/train_step: batch statistics, and the two moving
    # parameters are updated in place (unless frozen=True: then always the moving statistics).
    # gamma and beta may be -1.
    def batch_normalization(
        self,
        x: int,
        gamma: int,
        beta: int,
        moving_mean: int,
        moving_variance: int,
        *,
        momentum: float,
        epsilon: float,
        frozen: bool = False,
        mask: int = -1,
    ) -> int: ...
    # Active with training=True only. shared_axis: the same for all entries of the first axis.
    def by_mode(self, in_training: int, in_inference: int) -> int: ...  # the other one is not even computed
    def dropout(self, x: int, rate: float, seed: int, *, shared_axis: bool = False) -> int: ...
    def global_average_pooling2d(self, x: int, *, keepdims: bool) -> int: ...
    def reshape(self, x: int, shape: Sequence[int]) -> int: ...
    def add(self, xs: Sequence[int]) -> int: ...
    def concatenate(self, xs: Sequence[int], axis: int) -> int: ...  # axis counts without the batch; -1 allowed
    # ---- sequences: (T, ...) per sample ----
    def embedding(self, x: int, table: int) -> int: ...  # rows of the parameter (V, E), by int32 numbers
    # Recurrent layers: (T, units). mask: int32 (T,); initial: all states, or none. Gates as in Keras.
    # activation, recurrent_activation: kind, alpha. dropout (of x), recurrent_dropout (of the states): rate and seed;
    # in training, one mask per gate and sample.
    # lstm: i, f, c, o; with_state adds a row, the last state of the cell.
    def lstm(
        self,
        x: int,
        kernel: int,
        recurrent_kernel: int,
        bias: int = -1,
        *,
        mask: int = -1,
        initial: Sequence[int] = (),
        activation: tuple[str, float] = ("tanh", 0.0),
        recurrent_activation: tuple[str, float] = ("sigmoid", 0.0),
        dropout: tuple[float, int] = (0.0, 0),
        recurrent_dropout: tuple[float, int] = (0.0, 0),
        with_state: bool = False,
    ) -> int: ...
    # z, r, h. bias (2, 3 units), or (3 units,) without reset_after.
    def gru(
        self,
        x: int,
        kernel: int,
        recurrent_kernel: int,
        bias: int = -1,
        *,
        mask: int = -1,
        initial: Sequence[int] = (),
        activation: tuple[str, float] = ("tanh", 0.0),
        recurrent_activation: tuple[str, float] = ("sigmoid", 0.0),
        dropout: tuple[float, int] = (0.0, 0),
        recurrent_dropout: tuple[float, int] = (0.0, 0),
        reset_after: bool = True,
    ) -> int: ...
    def simple_rnn(
        self,
        x: int,
        kernel: int,
        recurrent_kernel: int,
        bias: int = -1,
        *,
        mask: int = -1,
        initial: Sequence[int] = (),
        activation: tuple[str, float] = ("tanh", 0.0),
        dropout: tuple[float, int] = (0.0, 0),
        recurrent_dropout: tuple[float, int] = (0.0, 0),
    ) -> int: ...
    # States: a parameter (samples, ...) that is not trainable, with a row per sample of a call. keep_state gives x, and
    # when the plan runs to outputs or losses, x becomes the row.
    def state(self, slot: int) -> int: ...
    def keep_state(self, x: int, slot: int) -> int: ...
    def slice(self, x: int, begin: int, end: int) -> int: ...  # of the first axis
    def reverse(self, x: int) -> int: ...  # the first axis
    def either(self, a: int, b: int) -> int: ...  # int32, of one shape: 1 where either is not 0
    # (T, ...) to (...): the mean of the rows where the mask (T,) is not 0; NaN where it is 0 everywhere.
    def masked_average(self, x: int, mask: int) -> int: ...
    def to_int32(self, x: int) -> int: ...  # the fraction is cut off
    def to_int64(self, x: int) -> int: ...  # of int32, for a result: no op reads int64
    def differs(self, x: int, value: float) -> int: ...  # int32; of float32, whether any number on the last axis does
    def keep_where(self, x: int, mask: int) -> int: ...  # 0 where the mask is 0; it has the leading axes of x
    # ---- pooling, depthwise convolution, normalisation, merging, moving values ----
    def average_pool2d(self, x: int, *, pool_size: Pair, strides: Pair, padding: str) -> int: ...
    def global_max_pooling2d(self, x: int, *, keepdims: bool) -> int: ...
    def depthwise_conv2d(  # kernel (KH, KW, C, depth multiplier)
        self,
        x: int,
        kernel: int,
        bias: int = -1,
        *,
        strides: Pair = (1, 1),
        padding: str = "valid",
        dilation_rate: Pair = (1, 1),
        activation: str = "linear",
        alpha: float = 0.0,
    ) -> int: ...
    # Over the last `axes` axes. gamma and beta have their shape, or are -1.
    def layer_normalization(self, x: int, gamma: int, beta: int, *, axes: int, epsilon: float) -> int: ...
    # x * scale + offset, each a single value or one for every element of a sample.
    def rescaling(self, x: int, scale: Float32, offset: Float32) -> int: ...
    # kind: "add", "subtract", "multiply", "maximum", "minimum" or "average", of tensors of one shape.
    def merge(self, kind: str, xs: Sequence[int]) -> int: ...
    def permute(self, x: int, axes: Sequence[int]) -> int: ...  # axes count from 0, without the batch
    def broadcast_to(self, x: int, shape: Sequence[int]) -> int: ...  # as NumPy does, without the batch
    # ---- arithmetic. Shapes broadcast as in NumPy; operands of one op have one dtype ----
    # kind: "negative", "abs", "sign", "square", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log", "log2",
    # "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erf",
    # "floor", "ceil", "round", "trunc"; with an int32 result of 0 and 1 "isnan", "isinf", "isfinite", "logical_not".
    # Of int32: negative, abs, sign, square and logical_not.
    def unary(self, kind: str, x: int) -> int: ...
    # kind: "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "floor_divide", "mod", "arctan2",
    # "sigmoid_crossentropy" (of logits and targets); with an int32 result "greater", "greater_equal", "less",
    # "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor". Both float32 or both int32 (but
    # for divide, arctan2 and the cross-entropy). Of equal operands of a maximum or minimum, a gets the gradient.
    def binary(self, kind: str, a: int, b: int) -> int: ...
    def select(self, condition: int, a: int, b: int) -> int: ...  # a where the int32 condition is not 0, else b
    def cast(
        self, x: int, dtype: str
    ) -> int: ...  # "float32", "int32" (the fraction is cut off) or "bool" (int32 0, 1)
    def stop_gradient(self, x: int) -> int: ...
    def parameter_value(self, slot: int) -> int: ...  # the parameter, for every sample
    # kind: "sum", "mean", "max", "min", "prod", "any" or "all" (int32 0 or 1), over axes without the batch.
    def reduce(self, kind: str, x: int, axes: Sequence[int], keepdims: bool = False) -> int: ...
    # kind: "argmax" or "argmin", the first of equal ones; NaN wins. int32, without the axis.
    def arg_reduce(self, kind: str, x: int, axis: int) -> int: ...
    def cumulate(self, kind: str, x: int, axis: int) -> int: ...  # kind: "cumsum" or "cumprod"
    # kind: "uniform" in [0, 1) or "normal", of mean 0 and deviation 1; in training and inference. The numbers depend on
    # the seed of the call, `seed`, the sample's number and the element's.
    def random(self, kind: str, shape: Sequence[int], seed: int) -> int: ...
    # ---- moving values and indexing; x is float32 or int32. Axes count without the batch, -1 is the last ----
    # One pair of borders per axis; negative numbers take cells away. mode: "constant", "reflect" or "symmetric", which
    # repeat the reflection where a border is wider than x. value: for constants.
    def pad(self, x: int, borders: Sequence[Pair], mode: str = "constant", value: float = 0.0) -> int: ...
    # size[i] cells of each axis, from begin[i] on, in steps of stride[i], which may be negative.
    def strided_slice(self, x: int, begin: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> int: ...
    def repeat(self, x: int, repeats: int | Sequence[int], axis: int) -> int: ...  # one number, or one per cell
    def tile(self, x: int, repeats: Sequence[int]) -> int: ...
    def take(self, x: int, indices: NDArray[np.int64], axis: int) -> int: ...  # constant indices, of any rank
    # Indices are int32 tensors; negative ones count from the end, and others that are not there are refused when the
    # plan runs. take_along_axis: one index per cell; axes of 1 are stretched, but for `axis`.
    def gather(self, x: int, indices: int, axis: int) -> int: ...
    def take_along_axis(self, x: int, indices: int, axis: int) -> int: ...
    def one_hot(self, indices: int, depth: int, axis: int = -1) -> int: ...  # float32; 0 where the index is not there
    # ---- images (H, W, C) ----
    # As tf.image.resize: "nearest", "bilinear", "bicubic", "area", "lanczos3" or "lanczos5".
    def resize(self, x: int, size: Pair, interpolation: str = "bilinear", antialias: bool = False) -> int: ...
    # As keras.ops.image.affine_transform, with eight numbers per image; they have no gradient. interpolation: "nearest"
    # or "bilinear"; fill_mode: "constant", "reflect", "wrap" or "nearest".
    def affine_transform(
        self,
        x: int,
        transform: int,
        interpolation: str = "bilinear",
        fill_mode: str = "constant",
        fill_value: float = 0.0,
    ) -> int: ...
    # ---- products of two tensors ----
    # (..., M, K) and (..., K, N); leading axes and operands of one axis as NumPy's matmul.
    def matmul(self, a: int, b: int) -> int: ...
    def logits_of(self, prediction: int) -> int: ...  # what a sigmoid or softmax made it of; -1 for anything else
    # Adds a loss term on tensor `prediction`. kind: "binary_crossentropy", "categorical_crossentropy",
    # "sparse_categorical_crossentropy", "mean_squared_error", "mean_absolute_error". A cross-entropy of a prediction
    # that comes straight out of a sigmoid or softmax is taken from the logits before it, as Keras does. reduction:
    # "mean" (sum over batch size) or "sum": scales the gradient. `weight` multiplies the gradient (Keras's
    # loss_weights). Targets have the shape of the prediction, or without the last axis and int32 for the sparse one.
    # kind "value": the prediction, of any shape, is the loss; its target is None, and all its axes are positions.
    def loss(
        self, prediction: int, kind: str, *, from_logits: bool = False, reduction: str = "mean", weight: float = 1.0
    ) -> int: ...
    # layout: "auto" (chosen from channels and batch), or "lanes" / "channels" for tests; without: names of fusions to
    # leave out ("activation", "batch_norm", "loss", "parameters", "pooling", "up_sampling"), for tests.
    # effects: whether states are kept.
    def build(
        self, outputs: Sequence[int], *, layout: str = "auto", without: Sequence[str] = (), effects: bool = True
    ) -> Plan: ...

class Plan:
    """An immutable list of ops with every shape known. Safe to call from many threads at once; no call holds the GIL.

    inputs: one array per input, (N, *shape), C-contiguous and of the exact dtype (else TypeError; callers convert).
    parameters: a ParameterList, or a list of float32 arrays in slot order (ops.*; nothing is cached then).
    Results are fresh arrays. N = 0 works everywhere. A plan without inputs has one sample.
    """

    @property
    def output_shapes(self) -> list[tuple[int, ...]]: ...
    @property
    def samples(self) -> int | None: ...  # of every call, where the plan keeps states; None for any number
    @property
    def is_random(self) -> bool: ...  # whether an op draws random numbers: dropout in training, random always
    def forward(
        self,
        inputs: Sequence[Array],
        parameters: ParameterList | Sequence[Float32],
        *,
        training: bool = False,
        seed: int = 0,
    ) -> list[Array]: ...
    # One pass forward and back. Writes `gradients` (one float32 array per parameter slot, None where not wanted or not
    # trainable). Returns per loss the weighted sum over positions in double (divide by the number of positions for the
    # mean), and the outputs if wanted (else an empty list). sample_weights: None, or float32 of (N,) or
    # (N, *prediction.shape[:-1]), or (N, *prediction.shape) for a value. want_input_gradients: a third item, one array
    # per input (None for int32).
    @overload
    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array | None],
        sample_weights: Sequence[Float32 | None],
        parameters: ParameterList,
        gradients: Sequence[Float32 | None],
        *,
        seed: int = 0,
        want_outputs: bool = False,
        want_input_gradients: Literal[False] = False,
        slice_sums: Sequence[SliceSums | None] | None = None,
    ) -> tuple[list[float], list[Array]]: ...
    @overload
    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array | None],
        sample_weights: Sequence[Float32 | None],
        parameters: ParameterList,
        gradients: Sequence[Float32 | None],
        *,
        seed: int = 0,
        want_outputs: bool = False,
        want_input_gradients: Literal[True],
        slice_sums: Sequence[SliceSums | None] | None = None,
    ) -> tuple[list[float], list[Array], list[Float32 | None]]: ...
    def evaluate(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array | None],
        sample_weights: Sequence[Float32 | None],
        parameters: ParameterList,
        *,
        want_outputs: bool = False,
        training: bool = False,
        seed: int = 0,
    ) -> tuple[list[float], list[Array]]: ...
    # Vector-Jacobian product: gradients of sum(output * output_gradient) with respect to float inputs and parameters.
    def backward(
        self,
        inputs: Sequence[Array],
        output_gradients: Sequence[Float32],
        parameters: ParameterList | Sequence[Float32],
        *,
        training: bool = False,
        seed: int = 0,
        slice_sums: Sequence[SliceSums | None] | None = None,
    ) -> tuple[list[Float32], list[Float32]]: ...
    # For each parameter what its gradient is, of the losses or else of the outputs: True for a sum of slices, as of a
    # table that is looked up and not used otherwise, False for any other, None for none. slice_sums of train_step and
    # backward are arrays for the sums of squares and of magnitudes over the slices where it is True.
    def gradient_kinds(self, losses: bool) -> list[bool | None]: ...
    # How a batch of `samples` runs: one dict per op, in order, with stage, kind, detail (sizes and what was fused),
    # layout ("lanes", "channels" or "whole batch"), tile (samples taken together), kernel, output_shape, multiply_adds,
    # flops, bytes (of the output) and weight_bytes, the last five for one sample. training: as in a step of training,
    # up to the losses.
    def describe(self, samples: int = 256, *, training: bool = False) -> list[dict[str, object]]: ...
    # From start to stop, calls add what they cost: those with gradients or of training with training=True, else the
    # others. A cost is a dict of calls and seconds, summed over threads. "ops": one dict per op of the graph that runs,
    # with kind, detail, output_shape, flops, bytes (of inputs and outputs) and weight_bytes for one sample, and the
    # costs forward and backward; the costs packing, ends (in and out of tiles), losses, gradients; whole, as callers
    # see it. An op that takes the whole batch works on all threads itself: its seconds are those of the caller.
    def start_profile(self, training: bool) -> None: ...
    def stop_profile(self) -> dict[str, Any]: ...  # ValueError unless one was started

class ParameterList:
    """The parameters of a plan in slot order. Packed weights are cached until a version changes."""

    def __init__(self, parameters: Sequence[Parameter]) -> None: ...

# ---- training (register_training.cpp). In place; each raises the parameter's version ----
# For each parameter a gradient and slots, float32 arrays of its shape. slice_sums: None, or None for some.

def sgd_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    velocity: list[Float32] | None,
    *,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
) -> None: ...
def adadelta_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    squares: list[Float32],
    deltas: list[Float32],
    *,
    learning_rate: float,
    rho: float,
    epsilon: float,
) -> None: ...

# step counts from 1, here and in nadam_step and adamax_step. v_max: the largest v so far, for AMSGrad.
def adam_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    m: list[Float32],
    v: list[Float32],
    v_max: list[Float32] | None,
    *,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
) -> None: ...
def nadam_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    m: list[Float32],
    v: list[Float32],
    *,
    momentum_rate: float,
    gradient_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
) -> None: ...
def adamax_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    m: list[Float32],
    u: list[Float32],
    *,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
) -> None: ...
def rmsprop_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    velocity: list[Float32],
    momentum_slot: list[Float32] | None,
    mean: list[Float32] | None,
    *,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None: ...
def adagrad_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    squares: list[Float32],
    *,
    learning_rate: float,
    epsilon: float,
) -> None: ...
def lion_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    m: list[Float32],
    *,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
) -> None: ...
def ftrl_step(
    parameters: list[Parameter],
    gradients: list[Float32],
    slice_sums: list[Float32 | None] | None,
    squares: list[Float32],
    linear: list[Float32],
    *,
    learning_rate: float,
    exponent: float,
    l1: float,
    l2: float,
    l2_shrinkage: float,
) -> None: ...
def scale_parameter(parameter: Parameter, factor: float) -> None: ...
def running_mean(parameter: Parameter, mean: Float32, keep: float) -> None: ...  # mean = keep * mean + (1 - keep) * p
def sum_of_squares(x: Float32) -> float: ...

# l1 times the sum of |w| and l2 times that of w^2, whose gradient is added to `gradient`.
def add_penalty(parameter: Parameter, gradient: Float32 | None, *, l1: float, l2: float) -> float: ...

# ---- decoding (register_decoder.cpp): Embedding -> LSTM -> Dense, one token per step. No call holds the GIL ----

class Decoder:
    """Packed weights; immutable. embedding (V, E); layers: kernel (in, 4U), recurrent kernel (U, 4U), bias (4U,) or
    None; kernel (U, V), bias (V,) or None. weights: "float32", "bfloat16" or "int8". mask_zero: token 0 is skipped.
    """

    def __init__(
        self,
        embedding: Float32,
        layers: Sequence[tuple[Float32, Float32, Float32 | None]],
        kernel: Float32,
        bias: Float32 | None,
        weights: str = "float32",
        *,
        mask_zero: bool = False,
    ) -> None: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def isa(self) -> str: ...  # that the weights are packed for
    @property
    def units(self) -> tuple[int, ...]: ...
    # Feeds tokens (rows,), one for each row of the state, and returns logits (rows, V); None where they are not wanted.
    def step(self, state: DecoderState, tokens: Int32, *, want_logits: bool = True) -> Float32 | None: ...

class DecoderState:
    """h and c of every layer, for a number of rows."""

    def __init__(self, decoder: Decoder, rows: int) -> None: ...  # zeros
    @property
    def rows(self) -> int: ...
    def clear(self) -> None: ...
    def get(self) -> list[tuple[Float32, Float32]]: ...  # (h, c) by layer, (rows, U) each
    def set(self, layers: Sequence[tuple[Float32, Float32]]) -> None: ...
    def reorder(self, parents: NDArray[np.int64]) -> None: ...  # row i becomes what row parents[i] was

class Generation:
    """The loop over tokens for a batch of prompts (lists of ids, none empty). end_tokens: by prompt, -1 for none.

    strategy: "greedy", "sample" (keys and streams by prompt) or "beam". forced: by number of the chosen token, -1 for a
    free choice. top_k 0 is all. max_repeats: how often a token may stand in a row, 0 for no limit.
    """

    def __init__(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        *,
        max_len: int,
        end_tokens: Sequence[int],
        strategy: str = "greedy",
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        keys: Sequence[int] = (),
        streams: Sequence[int] = (),
        beams: int = 1,
        length_penalty: float = 1.0,
        banned: Sequence[int] = (),
        max_repeats: int = 0,
        forced: Sequence[int] = (),
        scores: bool = False,
    ) -> None: ...
    def generate(self, tokens: int) -> bool: ...  # at most this many tokens for every prompt; False when all are done
    # For one prompt, best first: the tokens that follow it, and their scores (with `scores` or beams, else empty).
    def answers(self, prompt: int) -> list[tuple[list[int], Float32]]: ...
