"""Initial values of weights, by Keras's names. An initializer is called with a shape and returns float32.

`seed` is an int, None or a `day33.random.SeedGenerator`. As in Keras 3, one initializer object with an int or None
gives the same values on every call; objects made apart differ (None draws a seed when the object is made). With a
SeedGenerator every call differs.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .random import SeedGenerator, next_seed

if TYPE_CHECKING:
    from ._native import Float32

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "get",
]

# Standard deviation of the standard normal distribution cut off at +-2:
# sqrt(1 - 4 pdf(2) / (1 - 2 cdf(-2))). Dividing by it restores the wanted deviation.
_TRUNCATED_STDDEV = 0.87962566103423978


Seed = int | SeedGenerator | None


class Initializer:
    """Base class. Subclasses define `__call__(shape)` and store their arguments under the same names."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        raise TypeError(f"{type(self).__name__} does not define __call__(shape, dtype=None)")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Initializer:
        """The initializer whose `get_config` gave `config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return np.zeros(tuple(shape), np.float32)


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return np.ones(tuple(shape), np.float32)


class Constant(Initializer):
    """All `value`, which may be an array that broadcasts to the shape."""

    def __init__(self, value: ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return np.array(np.broadcast_to(np.asarray(self.value, np.float32), tuple(shape)))


class _Random(Initializer):
    def __init__(self, seed: Seed = None) -> None:
        self.seed = seed
        self._fixed = next_seed() if seed is None else seed

    def _generator(self) -> np.random.Generator:
        seed = self._fixed.next() if isinstance(self._fixed, SeedGenerator) else self._fixed
        return np.random.default_rng(seed)


class RandomNormal(_Random):
    """Normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return self._generator().normal(self.mean, self.stddev, tuple(shape)).astype(np.float32)


class RandomUniform(_Random):
    """Uniform on [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return self._generator().uniform(self.minval, self.maxval, tuple(shape)).astype(np.float32)


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...], stddev: float) -> Float32:
    values = generator.standard_normal(shape)
    outside = np.abs(values) > 2
    while np.any(outside):
        values[outside] = generator.standard_normal(int(np.count_nonzero(outside)))
        outside = np.abs(values) > 2
    return (values * stddev).astype(np.float32)


class TruncatedNormal(_Random):
    """Normal distribution; values more than two deviations from the mean are drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return _truncated_normal(self._generator(), tuple(shape), self.stddev) + np.float32(self.mean)


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: the last two axes, times the positions of the kernel before them."""
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    positions = math.prod(shape[:-2])
    return shape[-2] * positions, shape[-1] * positions


class VarianceScaling(_Random):
    """Zero mean and variance `scale / fan`: the family of Glorot & Bengio (2010), He et al. (2015), LeCun (1998).

    Args:
        scale: positive.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
        seed: Seed = None,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"scale is {scale}; expected a positive number")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f'mode is {mode!r}; expected "fan_in", "fan_out" or "fan_avg"')
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f'distribution is {distribution!r}; expected "truncated_normal", "untruncated_normal" or "uniform"'
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        shape = tuple(shape)
        fan_in, fan_out = compute_fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        generator = self._generator()
        if self.distribution == "truncated_normal":
            return _truncated_normal(generator, shape, stddev / _TRUNCATED_STDDEV)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, stddev, shape).astype(np.float32)
        limit = math.sqrt(3) * stddev  # uniform on [-a, a] has variance a^2 / 3
        return generator.uniform(-limit, limit, shape).astype(np.float32)


class GlorotUniform(VarianceScaling):
    """Uniform, limit sqrt(6 / (fan_in + fan_out))."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal, deviation sqrt(2 / (fan_in + fan_out))."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform, limit sqrt(6 / fan_in)."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal, deviation sqrt(2 / fan_in)."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform, limit sqrt(3 / fan_in)."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal, deviation sqrt(1 / fan_in)."""

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(_Random):
    """`gain` times a matrix with orthonormal rows or columns (Saxe et al., 2014), reshaped; 2 axes at least."""

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        shape = tuple(shape)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal was asked for shape {shape}; expected at least two axes")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        noise = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(noise)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without this the distribution is not uniform (Mezzadri, 2007)
        return np.ascontiguousarray(self.gain * (q if rows >= columns else q.T), np.float32).reshape(shape)


_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, Ones, Orthogonal,
        RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
    )
}  # fmt: skip
_NAMES = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): cls for name, cls in _CLASSES.items()}
# Keras has them, too; it wrote the long one itself from 3.0 to 3.3.
_SHORT_NAMES = {
    "OrthogonalInitializer": Orthogonal, "normal": RandomNormal, "one": Ones, "uniform": RandomUniform, "zero": Zeros,
}  # fmt: skip

InitializerLike = str | Mapping[str, Any] | type[Initializer] | Callable[..., ArrayLike]


def get(identifier: InitializerLike) -> Callable[..., ArrayLike]:
    """The initializer meant by `identifier`.

    Args:
        identifier: a name ("glorot_uniform" or "GlorotUniform"), a class, an initializer, any callable with the
            signature f(shape, dtype=None), or what `serialize` returned.

    Raises:
        ValueError: an unknown name. TypeError: something else that is none of these.
    """
    if isinstance(identifier, Mapping):
        return class_named(identifier["class_name"])(**identifier.get("config", {}))
    if isinstance(identifier, str):
        return class_named(identifier)()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier) and not isinstance(identifier, type):
        return identifier
    raise TypeError(f"initializer is {identifier!r}; expected a callable or one of {', '.join(_NAMES)}")


def is_class(name: str) -> bool:
    """Whether `name` is that of an initializer's class."""
    return name in _CLASSES


def class_named(name: str) -> type[Initializer]:
    """The class of that name ("glorot_uniform" or "GlorotUniform"). ValueError if there is none."""
    cls = _NAMES.get(name) or _CLASSES.get(name) or _SHORT_NAMES.get(name)
    if cls is None:
        raise ValueError(f"initializer is {name!r}; expected a callable or one of {', '.join(_NAMES)}")
    return cls


def serialize(initializer: Callable[..., ArrayLike]) -> dict[str, Any]:
    """A dict that `get` reads back. TypeError for a function: only classes have a name that is safe to look up."""
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer is {initializer!r}; only the classes of day33.initializers can be serialised")
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
