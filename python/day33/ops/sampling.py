"""What the functions of `day33.random` do in graphs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core.dispatch import is_tracing
from .._graph.calls import add_node
from ..random.sampling import as_seed, normal, uniform
from ._random import Random
from ._sizes import as_sizes
from .elementwise import add, cast, divide, floor, greater_equal, log, minimum, multiply, negative, subtract, where
from .reductions import argmax
from .shaping import expand_dims, shape, shape_of
from .special import erfinv

_SEEDS = 1 << 62  # seeds of ops that users give are below
_ON_ARRAYS = {"normal": normal, "uniform": uniform}


def _draw(kind: str, sizes: Any, seed: Any) -> Any:
    numbers, tensors = as_sizes("shape", sizes)
    if not tensors and not is_tracing():  # of recorded values, whose sizes are known
        return _ON_ARRAYS[kind](sizes, seed=seed)
    return add_node(Random(kind, numbers, None if seed is None else as_seed(seed) % _SEEDS), tensors)


def _scaled(drawn: Any, scale: Any, offset: Any) -> Any:
    drawn = drawn if _is(scale, 1.0) else multiply(drawn, scale)
    return drawn if _is(offset, 0.0) else add(drawn, offset)


def _is(value: Any, number: float) -> bool:
    """Whether a value is this plain number."""
    return isinstance(value, int | float) and value == number


def _normal(sizes: Any, mean: Any, stddev: Any, dtype: str, seed: Any) -> Any:
    return _scaled(_draw("normal", sizes, seed), stddev, mean)


def _uniform(sizes: Any, minval: Any, maxval: Any, dtype: str, seed: Any) -> Any:
    plain = all(isinstance(bound, int | float) for bound in (minval, maxval))
    span = maxval - minval if plain else subtract(maxval, minval)
    return _scaled(_draw("uniform", sizes, seed), span, minval)


def _truncated_normal(sizes: Any, mean: Any, stddev: Any, dtype: str, seed: Any) -> Any:
    # The inverse of the distribution function, between its values at -2 and 2.
    inside = math.erf(math.sqrt(2.0))
    drawn = erfinv(_scaled(_draw("uniform", sizes, seed), 2.0 * inside, -inside))
    return _scaled(multiply(drawn, math.sqrt(2.0)), stddev, mean)


def _randint(sizes: Any, minval: Any, maxval: Any, seed: Any) -> Any:
    span = subtract(maxval, minval)
    # Rounding may bring the product up to the span.
    drawn = minimum(floor(multiply(_draw("uniform", sizes, seed), span)), subtract(span, 1))
    return cast(add(drawn, minval), "int32")


def _categorical(logits: Any, num_samples: int, seed: Any) -> Any:
    known = shape_of(logits)
    if len(known) != 2 or known[1] is None:
        raise ValueError(f"logits have shape {known}; expected (N, C) with a known C")
    # The largest of logits with noise of the Gumbel distribution is distributed like that.
    drawn = _draw("uniform", (shape(logits)[0], num_samples, known[1]), seed)
    noise = negative(log(negative(log(drawn))))
    return argmax(add(expand_dims(logits, 1), noise), -1)


def _dropout(inputs: Any, rate: float, noise_shape: Sequence[int | None] | None, seed: Any) -> Any:
    sizes = shape(inputs)
    if noise_shape is not None:
        if len(noise_shape) != len(sizes):
            raise ValueError(
                f"noise_shape is {noise_shape} and inputs have shape {shape_of(inputs)}; expected as many axes"
            )
        sizes = tuple(own if size is None else size for size, own in zip(noise_shape, sizes, strict=True))
    kept = greater_equal(_draw("uniform", sizes, seed), np.float32(rate))
    return where(kept, divide(inputs, np.float32(1.0 - rate)), np.float32(0.0))


IN_GRAPHS: dict[str, Callable[..., Any]] = {
    "random.categorical": _categorical,
    "random.dropout": _dropout,
    "random.normal": _normal,
    "random.randint": _randint,
    "random.truncated_normal": _truncated_normal,
    "random.uniform": _uniform,
}
