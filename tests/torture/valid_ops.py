"""Calls that work, of every function of `day33.ops` and `day33.random`; `calls` makes them odd.

A function is called with what its parameters are named after (`x1`, `axes`, `shape`), unless a table says otherwise.
`tests/core/test_torture_calls.py` holds that each of these calls answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

_OF_BITS = (
    "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "left_shift",
    "right_shift",
)  # fmt: skip
_OF_SIZES = ("bartlett", "blackman", "hamming", "hanning", "kaiser")
_OF_SQUARES = ("cholesky", "cholesky_inverse", "det", "eigh", "inv", "logdet", "qr", "slogdet", "svd")
Call = tuple[Callable[..., Any], dict[str, Any]]
X, SMALL = (2, 6, 5, 3), (2, 3, 2, 3)


def arrays(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def _named() -> dict[str, Any]:
    """A value for each name that a required parameter of `day33.ops` or `day33.random` has."""
    x = arrays(*X)
    return {
        "x": x, "x1": x, "x2": arrays(*X, seed=1), "xs": [x, x], "inputs": x, "a": x, "array": x, "images": x,
        "variable": x, "condition": x > 0, "dy": x, "target": np.abs(x), "output": np.abs(x) / 4, "logits": x[0, 0],
        "axis": 1, "axes": (1, 2), "axis1": 1, "axis2": 2, "source": 1, "destination": 2, "shift": 1, "repeats": 2,
        "k": 2, "N": 3, "n": 3, "num_classes": 4, "num_samples": 4, "indices_or_sections": 3, "shape": (2, 3),
        "newshape": (2, 90), "pad_width": ((0, 0), (1, 1), (0, 2), (0, 0)), "indices": np.array([1, 0, 1]),
        "key": (0, slice(1, 3)), "dtype": "int32", "x_min": -1.0, "x_max": 1.0, "fill_value": 2.0, "start": 1.0,
        "stop": 4.0, "threshold": 0.5, "default_value": 0.0, "max_val": 1.0, "pool_size": 2,
        "kernel": arrays(3, 3, 3, 4), "mean": arrays(3), "variance": np.abs(arrays(3)), "alpha": 2.0,
        "beta": 3.0, "counts": 5, "probabilities": 0.5, "minval": 0, "maxval": 9, "rate": 0.5, "size": (4, 7),
        "seed": 5, "state": {},
        "y": np.arange(18).reshape(3, 6), "bins": np.array([0.0, 1.0]), "q": 0.5, "kth": 1, "sequence_length": 3,
        "sequence_stride": 1, "targets": np.array([1, 0]), "predictions": np.abs(arrays(2, 4)), "data": x[0, 0],
        "sorted_sequence": np.arange(5), "values": np.array([1, 3]), "segment_ids": np.array([0, 0, 1, 2, 2]),
        "condlist": [x > 0], "choicelist": [x],
    }  # fmt: skip


def _given() -> dict[str, dict[str, Any]]:
    """The arguments of functions of `day33.ops` whose parameters' names do not say what they take."""
    x, kernel = arrays(*X), arrays(3, 3, 3, 4, seed=1)
    indices = np.arange(36).reshape(SMALL) % 60
    definite, numbers = np.eye(3, dtype=np.float32) * 2 + 1, np.arange(18).reshape(3, 6)
    return {
        "conv2d": {"x": x, "kernel": kernel, "bias": arrays(4), "strides": 1, "padding": "same"},
        "conv2d_backward": {"dy": arrays(2, 4, 3, 4), "x": x, "kernel": kernel, "bias": arrays(4)},
        "conv2d_transpose": {"x": x, "kernel": arrays(3, 3, 4, 3), "bias": arrays(4), "strides": 2},
        "conv2d_transpose_backward": {"dy": arrays(2, 8, 7, 4), "x": x, "kernel": arrays(3, 3, 4, 3)},
        "conv_transpose": {"inputs": x, "kernel": arrays(3, 3, 4, 3), "strides": 2},
        "depthwise_conv": {"inputs": x, "kernel": arrays(3, 3, 3, 2)},
        "depthwise_conv2d": {"x": x, "kernel": arrays(3, 3, 3, 2), "bias": arrays(6)},
        "depthwise_conv2d_backward": {"dy": arrays(2, 4, 3, 6), "x": x, "kernel": arrays(3, 3, 3, 2)},
        "separable_conv": {
            "inputs": x, "depthwise_kernel": arrays(3, 3, 3, 2), "pointwise_kernel": arrays(1, 1, 6, 4)
        },
        "conv2d_matrix": {"kernel": kernel, "input_shape": (6, 5, 3)},
        "dense": {"x": x, "kernel": arrays(3, 7), "bias": arrays(7)},
        "dense_backward": {"dy": arrays(2, 6, 5, 7), "x": x, "kernel": arrays(3, 7), "bias": arrays(7)},
        "layer_norm": {"x": x, "gamma": arrays(3), "beta": arrays(3)},
        "layer_norm_backward": {"dy": x, "x": x, "gamma": arrays(3), "beta": arrays(3)},
        "max_pool2d": {"x": x, "pool_size": 2}, "avg_pool2d": {"x": x, "pool_size": 2},
        "max_pool2d_backward": {"dy": arrays(*SMALL), "x": x}, "avg_pool2d_backward": {"dy": arrays(*SMALL), "x": x},
        "max_pool2d_with_indices": {"x": x, "pool_size": 2},
        "max_unpool2d": {"x": arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "max_unpool2d_backward": {"dy": x, "x": arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "up_sampling2d": {"x": x, "size": 2}, "up_sampling2d_backward": {"dy": arrays(2, 12, 10, 3), "x": x},
        "batch_normalization": {"x": x, "mean": arrays(3), "variance": np.abs(arrays(3)), "axis": -1},
        "einsum": {"subscripts": "bhwc,cd->bhwd", "operands": [x, arrays(3, 4)]},
        "glu": {"x": x, "axis": 1}, "matmul": {"x1": x, "x2": arrays(3, 4)}, "dot": {"x1": x, "x2": arrays(3, 4)},
        "tensordot": {"x1": x, "x2": arrays(3, 4), "axes": 1}, "squeeze": {"x": x[:, :1], "axis": 1},
        "broadcast_to": {"x": x[:1], "shape": X}, "meshgrid": {"x": [np.arange(3), np.arange(4)]},
        "stack": {"x": [x, x]}, "reshape": {"x": x, "newshape": (-1, 18, 5)}, "unstack": {"x": x, "axis": 1},
        **{name: {"x": x, "indices_or_sections": 3, "axis": 1} for name in ("split", "array_split")},
        **{name: {"x": x, "axis1": 1, "axis2": 2} for name in ("diagonal", "trace")},
        "vdot": {"x1": x, "x2": np.ones(180, np.float32)}, "expand_dims": {"x": x, "axis": 1},
        "outer": {"x1": arrays(4), "x2": arrays(3)},
        "slice": {"inputs": x, "start_indices": (0, 1, 1, 0), "shape": (2, 2, 2, 3)}, "tile": {"x": x, "repeats": 2},
        "take_along_axis": {"x": x, "indices": np.zeros((2, 1, 5, 3), int), "axis": 1},
        "one_hot": {"x": np.arange(4), "num_classes": 4},
        "multi_hot": {"inputs": np.eye(4, dtype=int), "num_classes": 4},
        "sparse_categorical_crossentropy": {"target": np.arange(3), "output": np.full((3, 4), 0.25, np.float32)},
        "affine_transform": {"images": x, "transform": np.array([1, 0, 1, 0, 1, -1, 0, 0], np.float32)},
        "crop_images": {
            "images": x, "top_cropping": 1, "left_cropping": 1, "target_height": 3, "target_width": 3
        },
        "pad_images": {"images": x, "top_padding": 1, "left_padding": 1, "target_height": 9, "target_width": 9},
        "dropout": {"inputs": x, "rate": 0.5}, "cdist": {"x": arrays(4, 3), "y": arrays(5, 3)},
        **{name: {"x": numbers, "y": np.full((3, 6), 2)} for name in _OF_BITS},
        **{name: {"x": numbers} for name in ("bitwise_invert", "bitwise_not")},
        **{name: {"x1": numbers, "x2": np.full((3, 6), 4)} for name in ("gcd", "lcm")},
        **{name: {"x": 5} for name in _OF_SIZES[:-1]}, "kaiser": {"x": 5, "beta": 2.0},
        **{name: {"x": (x, x)} for name in ("fft", "fft2", "ifft2", "irfft")},
        **{name: {"x": x[0, 0, 0]} for name in ("histogram", "vander")}, "bincount": {"x": np.array([0, 2, 2])},
        "corrcoef": {"x": x[0, 0]}, "correlate": {"x1": x[0, 0, :, 0], "x2": x[0, 0, :2, 0]}, "diag": {"x": definite},
        "ldexp": {"x1": arrays(3, 6), "x2": numbers},
        "dsplit": {"x": arrays(2, 3, 6), "indices_or_sections": 3}, "vsplit": {"x": x, "indices_or_sections": 2},
        **{name: {"a": definite, "b": arrays(3, 2)} for name in ("lstsq", "solve", "solve_triangular")},
        **{name: {"x": definite} for name in _OF_SQUARES},
    }  # fmt: skip


def _by_position(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its starred parameter given as a list by name."""
    signature = inspect.signature(function)
    starred = [p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    if not starred:
        return function
    before = list(signature.parameters)[: list(signature.parameters).index(starred[0])]

    def call(**given: Any) -> Any:
        first = [given.pop(name) for name in before]
        return function(*first, *given.pop(starred[0]), **given)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _public(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of a module and of the modules in it, by their names."""
    for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from _public(value)
        elif callable(value) and not inspect.isclass(value):
            yield name, value


def _calls(module: ModuleType, prefix: str) -> dict[str, Call]:
    named, given = _named(), _given()
    found: dict[str, Call] = {}
    for name, function in _public(module):
        parameters = inspect.signature(function).parameters.values()
        required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        arguments = given.get(name) or {parameter: named[parameter] for parameter in required}
        found[f"{prefix}.{name}"] = _by_position(function), arguments
    return found


def of_arrays() -> dict[str, Call]:
    from day33 import ops

    return _calls(ops, "ops")


# Those that look at an array in Python, that take arrays by their definition, or whose other arguments fit batches of
# one size. What is refused in graphs, says so.
_ON_ARRAYS_ONLY = {
    "avg_pool2d", "conv2d", "conv2d_matrix", "conv2d_transpose", "convert_to_numpy", "corrcoef", "correlate", "dense",
    "depthwise_conv2d", "diag", "diagflat", "get_state", "is_tensor", "layer_norm", "max_pool2d", "max_unpool2d",
    "ndim", "next_seed", "set_random_seed", "set_state", "shape", "size", "sparse_categorical_crossentropy",
    "up_sampling2d", "vander", "vdot", "vsplit",
}  # fmt: skip


def in_graphs() -> dict[str, Call]:
    """The functions of ops and random on symbolic tensors, in a model that predicts, and on a tape."""
    from day33 import ops, random

    functions = _calls(ops, "ops") | _calls(random, "random")
    return {
        name: (_traced(function, given), given)
        for name, (function, given) in functions.items()
        if name.partition(".")[2] not in _ON_ARRAYS_ONLY and not name.endswith("_backward")
    }


def _traced(function: Callable[..., Any], valid: Mapping[str, Any]) -> Callable[..., Any]:
    import day33
    from day33 import layers, models

    first = next((name for name, value in valid.items() if isinstance(value, np.ndarray)), None)

    def call(**given: Any) -> Any:
        value = given.get(first) if first else None
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            return function(**given)
        inputs = layers.Input(value.shape[1:], dtype=str(value.dtype))
        outputs = function(**(given | {str(first): inputs}))
        with day33.GradientTape() as tape:
            tape.watch(tensor := day33.Variable(value))
            result = function(**(given | {str(first): tensor}))
        tape.gradient(result, tensor)
        return models.Model(inputs, outputs).predict(value, verbose=0)

    call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return call
