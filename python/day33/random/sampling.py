"""Random arrays, under the names of `keras.random`. Public in day33.random.

On plain shapes, functions give arrays at once. They draw from NumPy's Philox generator: the same seed gives the same
numbers. In a graph (a shape with a symbolic size, a symbolic tensor, a call that is being traced) they become part of
it, and draw other numbers on each run.

`seed` is a non-negative integer, a `SeedGenerator`, or None for the next seed of the global stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import tree
from .._core.arrays import as_int, as_number
from .._core.dispatch import TABLE, Symbolic, is_tracing
from .seeds import SeedGenerator, next_seed

Seed = int | SeedGenerator | None
Array = NDArray[Any]


def as_seed(seed: Any) -> int:
    """A number for a seed that a user gave."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return next_seed() if seed is None else as_int("seed", seed, 0, None)


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None) -> Any:
    """Numbers of a normal distribution.

    Args:
        shape: of the result; sizes that `ops.shape` gave are among them in graphs.
        mean, stddev: of the distribution.
        dtype: None or "float32".
        seed: see above.

    Returns:
        float32.
    """
    if _in_graph(shape, mean, stddev):
        return TABLE["random.normal"](shape, mean, stddev, _float(dtype), seed)
    return _as_float(_generator(seed).normal(mean, stddev, _shape(shape)), dtype)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Seed = None) -> Any:
    """Numbers between two bounds, all equally likely.

    Args:
        shape: of the result; sizes that `ops.shape` gave are among them in graphs.
        minval, maxval: the bounds, of which the lower one occurs.
        dtype: "float32", or "int32" for integers.
        seed: see above.
    """
    if _name(dtype) in ("int32", "int64", "int"):
        return randint(shape, minval, maxval, dtype, seed)
    if _in_graph(shape, minval, maxval):
        return TABLE["random.uniform"](shape, minval, maxval, _float(dtype), seed)
    drawn = _generator(seed).random(_shape(shape), np.float32)
    return _as_float(drawn * (np.float32(maxval) - np.float32(minval)) + np.float32(minval), dtype)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None) -> Any:
    """Numbers of a normal distribution without those more than two standard deviations from the mean.

    Args:
        shape: of the result; sizes that `ops.shape` gave are among them in graphs.
        mean, stddev: of the distribution before it is cut.
        dtype: None or "float32".
        seed: see above.

    Returns:
        float32.
    """
    if _in_graph(shape, mean, stddev):
        return TABLE["random.truncated_normal"](shape, mean, stddev, _float(dtype), seed)
    generator = _generator(seed)
    values = np.asarray(generator.standard_normal(_shape(shape)))
    outside = np.abs(values) > 2
    while np.any(outside):
        values[outside] = generator.standard_normal(int(np.count_nonzero(outside)))
        outside = np.abs(values) > 2
    return _as_float(values * stddev + mean, dtype)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Seed = None) -> Any:
    """Integers from `minval` up to, and without, `maxval`, all equally likely.

    Args:
        shape: of the result; sizes that `ops.shape` gave are among them in graphs.
        minval, maxval: the bounds.
        dtype: "int32".
        seed: see above.

    Returns:
        int32.
    """
    if _name(dtype) not in ("int32", "int64", "int"):
        raise ValueError(f'dtype is {dtype!r}; expected "int32"')
    if _in_graph(shape, minval, maxval):
        return TABLE["random.randint"](shape, minval, maxval, seed)
    low, high = (np.ceil(np.asarray(bound, np.float64)) for bound in (minval, maxval))
    if not np.all(low < high):
        raise ValueError(f"minval is {minval} and maxval is {maxval}; expected a lower minval")
    if not (np.all(low >= -(2**31)) and np.all(high <= 2**31)):
        raise ValueError(f"minval is {minval} and maxval is {maxval}; expected numbers in the range of int32")
    return np.asarray(_generator(seed).integers(low.astype(np.int64), high.astype(np.int64), _shape(shape)), np.int32)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Seed = None) -> Any:
    """Numbers of classes, drawn with the probabilities ``softmax(logits)``.

    Args:
        logits: (N, C).
        num_samples: how many for each row.
        dtype: "int32".
        seed: see above.

    Returns:
        int32 (N, num_samples).
    """
    if _name(dtype) not in ("int32", "int64", "int"):
        raise ValueError(f'dtype is {dtype!r}; expected "int32"')
    count = as_int("num_samples", num_samples, 0)
    if _in_graph(logits):
        return TABLE["random.categorical"](logits, count, seed)
    array = np.asarray(logits, np.float64)
    if array.ndim != 2 or not array.shape[1]:
        raise ValueError(f"logits have shape {array.shape}; expected (N, C)")
    # The largest of logits with noise of the Gumbel distribution is distributed like that.
    noise = -np.log(_generator(seed).standard_exponential((array.shape[0], count, array.shape[1])))
    return np.asarray(np.argmax(array[:, np.newaxis] + noise, -1), np.int32)


def dropout(inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None) -> Any:
    """The inputs, each set to 0 with a probability, or else divided by the probability that it is not.

    Unlike a layer `Dropout`, it does so outside of training as well.

    Args:
        inputs: real numbers.
        rate: the probability, at least 0 and below 1.
        noise_shape: a shape that broadcasts to that of the inputs: axes of length 1 share what is drawn. None stands
            for the length of the inputs.
        seed: see above.
    """
    share = as_number("rate", rate, 0.0)
    if share >= 1:
        raise ValueError(f"rate is {rate}; expected at least 0 and below 1")
    if _in_graph(inputs):
        return TABLE["random.dropout"](inputs, share, noise_shape, seed)
    array = np.asarray(inputs, np.float32)
    shape = array.shape
    if noise_shape is not None:
        shape = tuple(own if size is None else size for size, own in zip(noise_shape, shape, strict=True))
    kept = _generator(seed).random(shape, np.float32) >= np.float32(share)
    return np.where(kept, array / np.float32(1 - share), np.float32(0))


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> Any:
    """A copy of an array whose slices along an axis come in another order.

    Raises:
        TypeError: a symbolic tensor; day33 shuffles arrays only.
    """
    if _in_graph(x):
        raise TypeError(f"shuffle was given {x!r}; expected an array: day33 has no shuffle inside of a graph")
    array = np.asarray(x)
    if not -array.ndim <= as_int("axis", axis) < array.ndim:
        raise ValueError(f"axis is {axis} and x has shape {array.shape}; expected one of its axes")
    return np.take(array, _generator(seed).permutation(array.shape[axis]), axis)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Seed = None) -> Any:
    """Numbers of gamma distributions with shape `alpha` and scale 1. Arrays only."""
    _refuse_graph("gamma", shape, alpha)
    return _as_float(_generator(seed).gamma(alpha, 1.0, _shape(shape)), dtype)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Seed = None) -> Any:
    """Numbers of beta distributions. Arrays only."""
    _refuse_graph("beta", shape, alpha, beta)
    return _as_float(_generator(seed).beta(alpha, beta, _shape(shape)), dtype)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Seed = None) -> Any:
    """How many of `counts` trials succeed, each with a probability; as floats. Arrays only."""
    _refuse_graph("binomial", shape, counts, probabilities)
    trials = np.asarray(counts)
    if trials.dtype.kind not in "iuf" or not ((trials >= 0) & (trials < 2**63)).all():
        raise ValueError(f"counts is {counts!r}; expected numbers from 0 to 2**63 - 1")
    drawn = _generator(seed).binomial(trials.astype(np.int64), probabilities, _shape(shape))
    return _as_float(drawn, dtype)


def _generator(seed: Any) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(as_seed(seed)))


def _in_graph(*values: Any) -> bool:
    return is_tracing() or any(isinstance(leaf, Symbolic) for value in values for leaf in tree.flatten(value))


def _refuse_graph(name: str, *values: Any) -> None:
    if _in_graph(*values):
        raise TypeError(f"{name} was called in a graph; expected arrays and plain shapes, day33 has no {name} there")


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = list(shape) if isinstance(shape, list | tuple | np.ndarray) else [shape]
    return tuple(as_int(f"shape[{number}]", size, 0) for number, size in enumerate(sizes))


def _name(dtype: Any) -> Any:
    return getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)


def _float(dtype: Any) -> str:
    """ValueError for what is no floating dtype; all of them are float32."""
    if _name(dtype) not in (None, "float16", "bfloat16", "float32", "float64", "float"):
        raise ValueError(f'dtype is {dtype!r}; expected "float32"')
    return "float32"


def _as_float(values: Any, dtype: Any) -> Array:
    return np.asarray(values, _float(dtype))
