"""Every function of day33.ops on arrays that are odd in form, shape or size, against NumPy and torch in double.

An odd array gives the same bits as a contiguous float32 copy of it, these lie near the reference, and what cannot exist
is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from day33 import ops
from support import reference
from support.tolerances import ELEMENTARY, assert_close

torch = pytest.importorskip("torch")

bounded = settings(
    deadline=None, derandomize=True, max_examples=60, database=None, suppress_health_check=list(HealthCheck)
)

HUGE = (300_000_000, 2**31 - 1)
steps = st.sampled_from([1, 1, 1, 2, 2, 3, *HUGE])
paddings = st.sampled_from(["valid", "same"])
sides = st.sampled_from([*[1, 2, 3, 4, 5, 7] * 4, 0])
counts = st.sampled_from(
    [*[1, 2, 3, 5, 9] * 4, 0]
)  # batches and channels: below and above a vector of four and of eight
kernels = st.sampled_from([*[1, 2, 3] * 5, 0])


# ---- forms ----


def _strided(x):
    if not x.ndim:
        return x
    wide = np.zeros([2 * size + 1 for size in x.shape], x.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def _unaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def _with_nan(x):
    x = x.copy()
    for place, value in zip(range(0, x.size, 3), [np.nan, np.inf, -np.inf] * x.size, strict=False):
        x.reshape(-1)[place] = value
    return x


FORMS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda x: x,
    "float64": lambda x: x.astype(np.float64) + 1e-9,
    "float16": lambda x: x.astype(np.float16),
    "bool": lambda x: x > 0,
    "int8": lambda x: (2 * np.round(x)).astype(np.int8),
    "uint64": lambda x: (2 * np.round(np.abs(x))).astype(np.uint64),
    "big-endian float32": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "read-only": _read_only,
    "every other": _strided,
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "zero strides": lambda x: np.broadcast_to(x[..., :1], x.shape) if x.ndim and x.size else x,
    "Fortran": lambda x: np.array(x, order="F"),
    "unaligned": _unaligned,
    "memory view": lambda x: memoryview(x) if x.size else x,
    "NaN and infinity": _with_nan,
}
INTEGER_FORMS: dict[str, Callable[[Any], Any]] = {
    "int64": lambda x: x,
    "int32": lambda x: x.astype(np.int32),
    "uint16": lambda x: x.astype(np.uint16),
    "big-endian": lambda x: x.astype(">i8"),
    "read-only": _read_only,
    "every other": _strided,
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "Fortran": lambda x: np.array(x, order="F"),
}


def odd(draw, array):
    """`array` in some form, and the name of the form."""
    forms = INTEGER_FORMS if array.dtype.kind == "i" else FORMS
    name = draw(st.sampled_from(sorted(forms)))
    return forms[name](array), name


def plain(name, array):
    """What the function must take an odd array for."""
    return np.array(array, np.int64 if name == "indices" else np.float32, order="C")


# ---- cases ----


@dataclass
class Case:
    """A call: arrays by argument, options, and what NumPy makes of it.

    Attributes:
        forward, gradients: from contiguous arrays to the results, for `gradients` with dy as the first. None where the
            call has to be refused.
        length: terms of the longest sum behind a result.
        linear: whether results are linear in each array, so that their value on absolute values bounds the rounding.
    """

    arrays: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    forward: Callable[..., Any] | None = None
    gradients: Callable[..., Any] | None = None
    length: int = 1
    linear: bool = True
    magnitude: float | None = None
    extra: float = 0.0


def floats(draw, *shape):
    seed = draw(st.integers(0, 2**31))
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def image(draw, channels=None):
    return floats(draw, draw(counts), draw(sides), draw(sides), draw(counts) if channels is None else channels)


def fits(shape, kernel, dilation, padding):
    return 0 not in shape[1:] and (
        padding == "same" or all((k - 1) * d < n for n, k, d in zip(shape[1:3], kernel, dilation, strict=True))
    )


def pairs(draw, values):
    return draw(st.tuples(values, values))


def convolution(draw, depthwise):
    x = image(draw)
    channels, groups = x.shape[3], 1
    if depthwise:
        kernel = floats(draw, draw(kernels), draw(kernels), channels, draw(kernels))
        outputs = channels * kernel.shape[3]
    else:
        groups = draw(st.sampled_from([g for g in (1, 2, 3, 5) if channels % g == 0] * 3 + [2]))
        outputs = groups * draw(kernels)
        kernel = floats(draw, draw(kernels), draw(kernels), channels // groups, outputs)
    options = {"strides": pairs(draw, steps), "padding": draw(paddings)}
    if max(options["strides"]) == 1:
        options["dilation_rate"] = pairs(draw, steps)
    arrays = {"x": x, "kernel": kernel}
    if draw(st.booleans()):
        arrays["bias"] = floats(draw, outputs)
    case = Case(arrays, options if depthwise else {**options, "groups": groups})
    dilation = options.get("dilation_rate", (1, 1))
    if 0 in kernel.shape or channels % groups or not fits(x.shape, kernel.shape[:2], dilation, options["padding"]):
        return case

    def grouped(kernel):
        return kernel.reshape(*kernel.shape[:2], 1, outputs) if depthwise else kernel

    def forward(x, kernel, bias=0.0):
        return reference.conv2d(x, grouped(kernel), **options, groups=channels if depthwise else groups) + bias

    def gradients(dy, x, kernel, bias=None):
        every = reference.conv2d_backward(dy, x, grouped(kernel), **options, groups=channels if depthwise else groups)
        return every[0], every[1].reshape(kernel.shape), every[2] if bias is not None else None

    case.forward, case.gradients = forward, gradients
    case.length = max(math.prod(kernel.shape), math.prod(x.shape[:3]) * 10) + 1
    return case


def transposed(draw):
    x = image(draw)
    outputs = draw(counts)
    kernel = floats(draw, draw(kernels), draw(kernels), outputs, x.shape[3])
    strides = draw(st.sampled_from([*[(1, 1), (2, 3), (3, 1)] * 4, (HUGE[0],) * 2, (HUGE[1],) * 2]))
    options = {"strides": strides, "padding": draw(paddings)}
    arrays = {"x": x, "kernel": kernel}
    if draw(st.booleans()):
        arrays["bias"] = floats(draw, outputs)
    case = Case(arrays, options)
    if 0 in kernel.shape or 0 in x.shape[1:] or max(strides) > 3:
        return case
    case.forward = lambda x, kernel, bias=0.0: reference.conv2d_transpose(x, kernel, **options) + bias

    def gradients(dy, x, kernel, bias=None):
        every = reference.conv2d_transpose_backward(dy, x, kernel, **options)
        return every[0], every[1], every[2] if bias is not None else None

    case.gradients = gradients
    case.length = max(math.prod(kernel.shape), math.prod(x.shape[:3]) * 20) + 1
    return case


def matrix_product(draw):
    inputs, outputs = draw(counts), draw(counts)
    x = floats(draw, *draw(st.lists(counts, max_size=3)), inputs)
    arrays = {"x": x, "kernel": floats(draw, inputs, outputs)}
    if draw(st.booleans()):
        arrays["bias"] = floats(draw, outputs)
    case = Case(arrays)
    if 0 in (inputs, outputs):
        return case
    case.forward = lambda x, kernel, bias=0.0: np.asarray(x, np.float64) @ kernel + bias

    def gradients(dy, x, kernel, bias=None):
        dy, rows = np.asarray(dy, np.float64), np.asarray(x, np.float64).reshape(-1, inputs)
        flat = dy.reshape(-1, outputs)
        return dy @ kernel.T, rows.T @ flat, None if bias is None else flat.sum(0)

    case.gradients = gradients
    case.length = max(inputs, outputs, x.size) + 1
    return case


def normalization(draw):
    x = floats(draw, *draw(st.lists(counts, min_size=1, max_size=4)))
    axes = draw(st.sampled_from([1, 1, 2, 3]))
    arrays = {"x": x}
    for name in ("gamma", "beta"):
        if draw(st.booleans()):
            arrays[name] = floats(draw, *x.shape[-axes:])
    case = Case(arrays, {"axes": axes}, linear=False, extra=ELEMENTARY)
    if x.ndim <= axes or 0 in x.shape[1:]:
        return case
    shape = x.shape[-axes:]

    def in_torch(x, gamma, beta):
        return torch.nn.functional.layer_norm(x, shape, gamma, beta, 1e-3)

    def forward(x, gamma=None, beta=None):
        return in_torch(
            *(None if a is None else torch.tensor(a, dtype=torch.float64) for a in (x, gamma, beta))
        ).numpy()

    def gradients(dy, x, gamma=None, beta=None):
        arrays = [
            None if a is None else torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, gamma, beta)
        ]
        in_torch(*arrays).backward(torch.tensor(dy, dtype=torch.float64))
        return tuple(None if a is None else a.grad.numpy() for a in arrays)

    case.forward, case.gradients = forward, gradients
    case.length = x.size + 4
    # Differences from the mean and their quotients by at least sqrt(1e-3), with factors below 20.
    case.magnitude = 20**3 / math.sqrt(1e-3)
    return case


def pooling(draw, mean):
    x = image(draw)
    options = {
        "pool_size": pairs(draw, steps),
        "strides": draw(st.none() | st.tuples(steps, steps)),
        "padding": draw(paddings),
    }
    case = Case({"x": x}, options, linear=mean, length=math.prod(x.shape[1:3]) + 1)
    if not fits(x.shape, options["pool_size"], (1, 1), options["padding"]):
        return case
    # A window more than twice as long as the image, centred on one of its cells, holds all of it.
    size = tuple(min(length, 40) for length in options["pool_size"])
    arguments = size, options["strides"] or options["pool_size"], options["padding"]
    if mean:
        case.forward = lambda x: reference.avg_pool2d(x, *arguments)
        case.gradients = lambda dy, x: reference.avg_pool2d_backward(dy, x, *arguments)
    else:
        case.forward = lambda x: reference.max_pool2d(x, *arguments)[0]
        case.gradients = lambda dy, x: reference.max_pool2d_backward(dy, x, *arguments)
        case.magnitude = 20.0 * case.length
    return case


def unpooling(draw):
    x = image(draw)
    size = draw(st.sampled_from([*[(5, 9), (1, 2), (9, 1)] * 4, (0, 3), (HUGE[0],) * 2, (HUGE[1],) * 2]))
    total = math.prod(size) * x.shape[3]
    seed = draw(st.integers(0, 2**31))
    beyond = draw(st.sampled_from([False] * 4 + [True]))  # one index past the end
    indices = np.random.default_rng(seed).integers(0, max(min(total, 500), 1), x.shape)
    if beyond and x.size and total <= 500:
        indices[-1, -1, -1, -1] = total
    case = Case({"x": x, "indices": indices}, {"output_shape": size})
    if 0 in x.shape[1:] or 0 in size or max(size) > 9 or (x.size and indices.max() >= total):
        return case
    shape = (*size, x.shape[3])
    case.forward = lambda x, indices: reference.max_unpool2d(x, indices, shape)
    case.gradients = lambda dy, x, indices: reference.max_unpool2d_backward(dy, indices)
    return case


def enlarging(draw):
    x = image(draw)
    size = draw(st.sampled_from([*[1, 2, (1, 3), (3, 2)] * 3, *HUGE]))
    interpolation = draw(st.sampled_from(["nearest", "bilinear", "bed_of_nails"]))
    case = Case({"x": x}, {"size": size, "interpolation": interpolation}, length=40)
    if 0 in x.shape[1:] or size in HUGE:
        return case
    case.forward = lambda x: reference.up_sampling2d(x, size, interpolation)
    case.gradients = lambda dy, x: reference.up_sampling2d_backward(dy, x.shape, size, interpolation)
    return case


def sparse_matrix(draw):
    shape = (draw(sides), draw(sides), draw(counts))
    kernel = floats(draw, draw(kernels), draw(kernels), shape[2], draw(kernels))
    options = {"strides": pairs(draw, steps), "padding": draw(paddings)}
    case = Case({"kernel": kernel}, {"input_shape": shape, **options}, length=math.prod(kernel.shape) + 1)
    if 0 in kernel.shape or 0 in shape or not fits((1, *shape), kernel.shape[:2], (1, 1), options["padding"]):
        return case
    eye = np.eye(math.prod(shape)).reshape(-1, *shape)
    case.forward = lambda kernel: reference.conv2d(eye, kernel, **options).reshape(len(eye), -1).T
    return case


def selu(x):
    """With TensorFlow's slope at 0, that of the right; torch has that of the left."""
    return torch.where(x >= 0, x, 1.6732632423543772 * torch.expm1(x)) * 1.0507009873554805


TORCH = {
    "elu": torch.nn.functional.elu,
    "exponential": torch.exp,
    "gelu": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "hard_sigmoid": torch.nn.functional.hardsigmoid,
    "hard_silu": torch.nn.functional.hardswish,
    "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.2),
    "log_sigmoid": torch.nn.functional.logsigmoid,
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "mish": torch.nn.functional.mish,
    "relu": torch.relu,
    "relu6": torch.nn.functional.relu6,
    "selu": selu,
    "sigmoid": torch.sigmoid,
    "silu": torch.nn.functional.silu,
    "softmax": lambda x: torch.softmax(x, -1),
    "softplus": torch.nn.functional.softplus,
    "softsign": torch.nn.functional.softsign,
    "tanh": torch.tanh,
}


def activation(draw, name):
    x = floats(draw, *draw(st.lists(counts, max_size=4)))
    case = Case({"x": x}, linear=False, length=max(x.shape[-1:], default=1) + 1, extra=ELEMENTARY)
    if "softmax" in name and not x.ndim:
        return case
    case.forward = lambda x: TORCH[name](torch.tensor(x, dtype=torch.float64)).numpy()

    def gradients(dy, x):
        variable = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        TORCH[name](variable).backward(torch.tensor(dy, dtype=torch.float64))
        return variable.grad.numpy()

    case.gradients = gradients
    return case


CASES: dict[str, Callable[[Any], Case]] = {
    "conv2d": lambda draw: convolution(draw, depthwise=False),
    "depthwise_conv2d": lambda draw: convolution(draw, depthwise=True),
    "conv2d_transpose": transposed,
    "conv2d_matrix": sparse_matrix,
    "dense": matrix_product,
    "layer_norm": normalization,
    "max_pool2d": lambda draw: pooling(draw, mean=False),
    "avg_pool2d": lambda draw: pooling(draw, mean=True),
    "max_unpool2d": unpooling,
    "up_sampling2d": enlarging,
    **{name: lambda draw, name=name: activation(draw, name) for name in TORCH},
}


def test_no_function_is_forgotten():
    """Of those that have a gradient of their own."""
    with_gradient = {name.removesuffix("_backward") for name in ops.__all__ if name.endswith("_backward")}
    assert with_gradient | {"conv2d_matrix"} == set(CASES)


# ---- the properties ----


def results(value):
    if hasattr(value, "toarray"):
        value = value.toarray()
    return [value] if isinstance(value, np.ndarray) else list(value)


def check(function, case, expected, arrays, forms):
    odd_results, plain_results = (
        results(function(**given, **case.options)) for given in (arrays, {n: plain(n, a) for n, a in arrays.items()})
    )
    for mine, other in zip(odd_results, plain_results, strict=True):
        if mine is None or other is None:
            assert mine is other
            continue
        assert mine.dtype == np.float32 and mine.flags.c_contiguous and mine.flags.writeable
        np.testing.assert_array_equal(mine, other)
    if "NaN and infinity" in forms:
        return
    exact = {name: plain(name, array) for name, array in arrays.items()}
    wanted = results(expected(**exact))
    magnitudes: list[Any] = [case.magnitude] * len(wanted)
    if case.linear:
        magnitudes = results(expected(**{name: np.abs(array) for name, array in exact.items()}))
    for mine, want, magnitude in zip(odd_results, wanted, magnitudes, strict=True):
        if want is None:
            assert mine is None
        else:
            assert_close(mine, want, length=case.length, magnitude=magnitude, extra=case.extra)


def given_as_odd(draw, arrays):
    drawn = {name: odd(draw, array) for name, array in arrays.items()}
    return {name: array for name, (array, _) in drawn.items()}, {form for _, form in drawn.values()}


def refused(function, case, arrays):
    """What cannot exist raises, and says which argument is wrong. An empty batch of it may exist."""
    try:
        y = function(**arrays, **case.options)
    except (ValueError, MemoryError) as error:
        names = (*arrays, *case.options, "2^40 elements")
        assert isinstance(error, MemoryError) or any(name in str(error) for name in names), error
    else:
        assert all(array.size == 0 for array in results(y) if array is not None)


@pytest.mark.parametrize("name", CASES)
def test_odd_arrays(name):
    @bounded
    @given(st.data())
    def run(data):
        case = CASES[name](data.draw)
        arrays, forms = given_as_odd(data.draw, case.arrays)
        if case.forward is None:
            refused(getattr(ops, name), case, arrays)
        else:
            check(getattr(ops, name), case, case.forward, arrays, forms)

    run()


@pytest.mark.parametrize("name", [name for name in CASES if name != "conv2d_matrix"])
def test_gradients_on_odd_arrays(name):
    function = getattr(ops, f"{name}_backward")

    @bounded
    @given(st.data())
    def run(data):
        case = CASES[name](data.draw)
        if case.forward is None:
            refused(function, case, {"dy": np.zeros((1, 1, 1, 1), np.float32), **case.arrays})
            return
        dy = floats(data.draw, *case.forward(**case.arrays).shape)
        arrays, forms = given_as_odd(data.draw, {"dy": dy, **case.arrays})
        if not case.linear and case.magnitude is None:  # of activations: slopes of e**x, sums of dy
            largest = max(np.abs(plain("dy", arrays["dy"])).max(initial=0), 1)
            case.magnitude = (
                largest * case.length * (np.exp(plain("x", arrays["x"]).max(initial=0)) if name == "exponential" else 2)
            )
            case.extra *= largest
        check(function, case, case.gradients, arrays, forms)
        wrong = np.zeros((*dy.shape, 2), np.float32)
        with pytest.raises(ValueError, match=r"^dy has shape .*; expected "):
            function(wrong, **case.arrays, **case.options)

    run()


@pytest.mark.parametrize("name", sorted(CASES))
def test_masked_arrays_are_refused(name):
    """As every argument of every function, with its name."""

    @settings(bounded, max_examples=10)
    @given(st.data())
    def run(data):
        case = CASES[name](data.draw)
        calls = [(getattr(ops, name), case.arrays)]
        if case.gradients is not None:
            dy = np.zeros(case.forward(**case.arrays).shape, np.float32)
            calls.append((getattr(ops, f"{name}_backward"), {"dy": dy, **case.arrays}))
        for function, arrays in calls if case.forward is not None else ():
            for argument, array in arrays.items():
                masked = {**arrays, argument: np.ma.masked_array(array, array > 0)}
                with pytest.raises(TypeError, match=f"^{argument} is a masked array of shape"):
                    function(**masked, **case.options)

    run()
