"""`tf.random`: the seed, and random tensors."""

from __future__ import annotations

from typing import Any

from .. import random
from .._core.namespaces import absent
from ._wrapping import answer

__all__ = ["categorical", "normal", "set_seed", "shuffle", "truncated_normal", "uniform"]

__getattr__ = absent("tf.random")


def __dir__() -> list[str]:
    return list(__all__)


def set_seed(seed: int) -> None:
    """Makes everything after it repeatable: initial weights, shuffling, dropout. See `day33.set_random_seed`."""
    random.set_random_seed(seed)


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None, name: Any = None
) -> Any:
    """Numbers of a normal distribution. See `day33.random.normal`."""
    return answer(random.normal(_sizes(shape), mean, stddev, dtype, seed))


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: int | None = None, name: Any = None
) -> Any:
    """Numbers between two bounds, 0 and 1 by default. See `day33.random.uniform`."""
    return answer(random.uniform(_sizes(shape), minval, 1.0 if maxval is None else maxval, dtype, seed))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None, name: Any = None
) -> Any:
    """Numbers of a normal distribution without its tails. See `day33.random.truncated_normal`."""
    return answer(random.truncated_normal(_sizes(shape), mean, stddev, dtype, seed))


def categorical(logits: Any, num_samples: int, dtype: Any = "int64", seed: int | None = None, name: Any = None) -> Any:
    """Numbers of classes (N, num_samples), drawn with the probabilities ``softmax(logits)``; int64, in graphs int32."""
    found = random.categorical(logits, num_samples, "int32", seed)
    return answer(found.astype(dtype)) if hasattr(found, "astype") else found


def shuffle(value: Any, seed: int | None = None, name: Any = None) -> Any:
    """The slices along the first axis in another order. Arrays only."""
    return answer(random.shuffle(value, 0, seed))


def _sizes(shape: Any) -> Any:
    """A shape that may be a tensor of integers."""
    return [int(size) for size in shape] if hasattr(shape, "astype") and shape.ndim else shape
