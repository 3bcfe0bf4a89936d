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
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ._core.arrays import as_int, as_number
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
    "InitializerLike",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "class_named",
    "compute_fans",
    "get",
    "is_class",
    "serialize",
]

# Standard deviation of the standard normal distribution cut off at +-2:
# sqrt(1 - 4 pdf(2) / (1 - 2 cdf(-2))). Dividing by it restores the wanted deviation.
_TRUNCATED_STDDEV = 0.87962566103423978

_Seed = int | SeedGenerator | None


class Initializer:
    """Base class, for initializers of your own.

    A subclass defines `__call__` and stores the arguments of its constructor under their own names, where `get_config`
    finds them.
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        """Makes the initial values of one weight.

        Args:
            shape: of the weight.
            dtype: not used; Keras passes it.

        Returns:
            float32 of `shape`.
        """
        raise TypeError(f"{type(self).__name__} does not define __call__(shape, dtype=None)")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Initializer:
        """Makes an initializer from what `get_config` returned."""
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
    """The same value everywhere, or given values.

    Args:
        value: a number, or an array that broadcasts to the shape of the weight.
    """

    def __init__(self, value: ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return np.array(np.broadcast_to(np.asarray(self.value, np.float32), tuple(shape)))


class _Random(Initializer):
    def __init__(self, seed: _Seed = None) -> None:
        if seed is not None and not isinstance(seed, SeedGenerator):
            seed = as_int("seed", seed, 0, None)
        self.seed = seed
        self._fixed = next_seed() if seed is None else seed

    def _generator(self) -> np.random.Generator:
        seed = self._fixed.next() if isinstance(self._fixed, SeedGenerator) else self._fixed
        return np.random.default_rng(seed)


class RandomNormal(_Random):
    """Normal distribution.

    Args:
        mean: its mean.
        stddev: its standard deviation, at least 0.
        seed: a non-negative int, None for one of its own, or a `day33.random.SeedGenerator` for other values on every
            call.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: _Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return self._generator().normal(self.mean, self.stddev, tuple(shape)).astype(np.float32)


class RandomUniform(_Random):
    """Uniform distribution on [minval, maxval).

    Args:
        minval: the lower end.
        maxval: the upper end.
        seed: as in `RandomNormal`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: _Seed = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = as_number("minval", minval), as_number("maxval", maxval)

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
    """Normal distribution whose values more than two standard deviations from the mean are drawn again.

    Args:
        mean: the mean.
        stddev: the standard deviation before values are drawn again; theirs is 0.88 of it.
        seed: as in `RandomNormal`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: _Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        return _truncated_normal(self._generator(), tuple(shape), self.stddev) + np.float32(self.mean)


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """Counts the inputs and outputs of one unit of a weight.

    Args:
        shape: of the weight: (..., inputs, outputs), the axes before them being positions of a kernel; or one axis,
            or none.

    Returns:
        (fan_in, fan_out): the last two sizes, each times the number of positions; (n, n) for one axis of size n, (1, 1)
        for no axis.
    """
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    positions = math.prod(shape[:-2])
    return shape[-2] * positions, shape[-1] * positions


class VarianceScaling(_Random):
    """Mean 0 and variance ``scale / fan``: keeps the variance of signals from layer to layer.

    Source: Glorot and Bengio, 2010; He et al., 2015; LeCun et al., 1998.

    Args:
        scale: positive.
        mode: "fan_in", "fan_out" or "fan_avg", their mean. See `compute_fans`.
        distribution: "truncated_normal" (or "normal", the same), "untruncated_normal" or "uniform".
        seed: as in `RandomNormal`.

    Raises:
        ValueError: `scale` is not positive, or `mode` or `distribution` is none of these.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
        seed: _Seed = None,
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
    """Uniform distribution on [-a, a] with ``a = sqrt(6 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(2 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform distribution on [-a, a] with ``a = sqrt(6 / fan_in)``.

    Source: He et al., Delving Deep into Rectifiers, 2015.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(2 / fan_in)``.

    Source: He et al., Delving Deep into Rectifiers, 2015.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform distribution on [-a, a] with ``a = sqrt(3 / fan_in)``.

    Source: LeCun et al., Efficient BackProp, 1998.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(1 / fan_in)``.

    Source: LeCun et al., Efficient BackProp, 1998.

    Args:
        seed: as in `RandomNormal`.
    """

    def __init__(self, seed: _Seed = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(_Random):
    """A matrix with orthonormal rows or columns, whichever are fewer, reshaped to a weight of at least two axes.

    The matrix is the Q of the QR decomposition of a normal one, with the signs that make it uniform among all
    orthogonal ones (Mezzadri, 2007). Source: Saxe et al., 2014.

    Args:
        gain: factor of the matrix.
        seed: as in `RandomNormal`.
    """

    def __init__(self, gain: float = 1.0, seed: _Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        shape = tuple(shape)
        if len(shape) < 2:
            raise ValueError(f"shape is {shape}; expected at least two axes for Orthogonal")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        noise = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(noise)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
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

# What layers take for an initializer, see `get`.
_Given = str | Mapping[str, Any] | type[Any] | Callable[..., ArrayLike]
InitializerLike = _Given | None


@overload
def get(identifier: _Given) -> Callable[..., ArrayLike]: ...
@overload
def get(identifier: InitializerLike) -> Callable[..., ArrayLike] | None: ...
def get(identifier: InitializerLike) -> Callable[..., ArrayLike] | None:
    """Finds the initializer that `identifier` stands for.

    Args:
        identifier: a name ("glorot_uniform" or "GlorotUniform"); a class, which is called without arguments; an
            initializer, or any callable with the signature ``f(shape, dtype=None)``; what `serialize` returned; or
            None.

    Returns:
        A callable; None for None, as in Keras, which leaves the choice to `Layer.add_weight`.

    Raises:
        ValueError: an unknown name, or a dict without "class_name".
        TypeError: something else.
    """
    if identifier is None:
        return None
    if isinstance(identifier, Mapping):
        if "class_name" not in identifier:
            raise ValueError(f'initializer is {identifier!r}; expected a dict with "class_name" and "config"')
        return class_named(identifier["class_name"])(**identifier.get("config", {}))
    if isinstance(identifier, str):
        return class_named(identifier)()
    found = identifier() if isinstance(identifier, type) else identifier
    if callable(found):
        return found
    raise TypeError(f"initializer is {identifier!r}; expected {_expected()}")


def is_class(name: str) -> bool:
    """Whether `name` is that of an initializer's class, such as "GlorotUniform"."""
    return name in _CLASSES


def class_named(name: str) -> type[Initializer]:
    """Finds the class of an initializer.

    Args:
        name: "glorot_uniform" or "GlorotUniform".

    Raises:
        ValueError: there is none of that name.
    """
    cls = _NAMES.get(name) or _CLASSES.get(name) or _SHORT_NAMES.get(name)
    if cls is None:
        raise ValueError(f"initializer is {name!r}; expected {_expected()}")
    return cls


def serialize(initializer: Callable[..., ArrayLike] | None) -> dict[str, Any] | None:
    """Describes an initializer by a dict that `get` reads back.

    Args:
        initializer: of a class of this module, or None.

    Returns:
        A dict of "class_name" and "config"; None for None.

    Raises:
        TypeError: a function, or an object of another class: only the classes of this module have names that are safe
            to look up.
    """
    if initializer is None:
        return None
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer is {initializer!r}; expected an instance of a class of day33.initializers")
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}


def _expected() -> str:
    return f"a callable or one of {', '.join(_NAMES)}"


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
