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

from ._core import custom_objects as _custom
from ._core.arrays import as_axis, as_int, as_number
from ._core.descriptions import Library
from .random import SeedGenerator, next_seed

if TYPE_CHECKING:
    from ._native import Float32

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
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
    "compute_fans",
    "deserialize",
    "get",
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


def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Counts the inputs and outputs of one unit of a weight.

    Args:
        shape: of the weight: (..., inputs, outputs), the axes before them being positions of a kernel; or one axis,
            or none.
        input_axes, output_axes: both given, the axes of inputs and of outputs for weights of another order.

    Returns:
        (fan_in, fan_out): the last two sizes, each times the number of positions; (n, n) for one axis of size n, (1, 1)
        for no axis. With axes given, the products of their sizes.
    """
    if input_axes is not None and output_axes is not None:
        inputs, outputs = (
            [as_axis(axis, len(shape), name) for axis in axes]
            for name, axes in (("input_axes", input_axes), ("output_axes", output_axes))
        )
        return math.prod(shape[axis] for axis in inputs), math.prod(shape[axis] for axis in outputs)
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
        input_axes, output_axes: of the weight, see `compute_fans`; both or neither.

    Raises:
        ValueError: `scale` is not positive, or `mode` or `distribution` is none of these.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
        seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        if (input_axes is None) != (output_axes is None):
            raise ValueError(
                f"input_axes is {input_axes} and output_axes {output_axes}; expected both or neither of them"
            )
        self.input_axes, self.output_axes = input_axes, output_axes
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
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        generator = self._generator()
        if self.distribution == "truncated_normal":
            return _truncated_normal(generator, shape, stddev / _TRUNCATED_STDDEV)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, stddev, shape).astype(np.float32)
        limit = math.sqrt(3) * stddev  # uniform on [-a, a] has variance a^2 / 3
        return generator.uniform(-limit, limit, shape).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name; axes only where they were given, since Keras before 3.15 does
        not know them.
        """
        return {key: v for key, v in super().get_config().items() if v is not None or not key.endswith("_axes")}


class GlorotUniform(VarianceScaling):
    """Uniform distribution on [-a, a] with ``a = sqrt(6 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, input_axes, output_axes)


class GlorotNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(2 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, input_axes, output_axes)


class HeUniform(VarianceScaling):
    """Uniform distribution on [-a, a] with ``a = sqrt(6 / fan_in)``.

    Source: He et al., Delving Deep into Rectifiers, 2015.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed, input_axes, output_axes)


class HeNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(2 / fan_in)``.

    Source: He et al., Delving Deep into Rectifiers, 2015.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)


class LecunUniform(VarianceScaling):
    """Uniform distribution on [-a, a] with ``a = sqrt(3 / fan_in)``.

    Source: LeCun et al., Efficient BackProp, 1998.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed, input_axes, output_axes)


class LecunNormal(VarianceScaling):
    """Truncated normal distribution with standard deviation ``sqrt(1 / fan_in)``.

    Source: LeCun et al., Efficient BackProp, 1998.

    Args:
        seed: as in `RandomNormal`.
        input_axes, output_axes: as in `VarianceScaling`.
    """

    def __init__(
        self, seed: _Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)


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


class Identity(Initializer):
    """The identity matrix times `gain`, for weights of two axes; of other than square ones, what fits of it.

    Args:
        gain: factor of the matrix.

    Raises:
        ValueError: when called, a shape of other than two axes.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Float32:
        if len(shape) != 2:
            raise ValueError(f"shape is {tuple(shape)}; expected two axes for Identity")
        return self.gain * np.eye(*shape, dtype=np.float32)


_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal, LecunUniform, Ones,
        Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
    )
}  # fmt: skip
_NAMES = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): cls for name, cls in _CLASSES.items()}
# Keras has them, too; it wrote the long one itself from 3.0 to 3.3.
_SHORT_NAMES = {
    "IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal, "normal": RandomNormal, "one": Ones,
    "uniform": RandomUniform, "zero": Zeros,
}  # fmt: skip

_LIBRARY = Library("initializer", "keras.initializers", _CLASSES | _NAMES | _SHORT_NAMES, Initializer)

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
    found: Any = _LIBRARY.deserialize(identifier) if isinstance(identifier, str | Mapping) else identifier
    if isinstance(found, type):
        found = found()
    if callable(found):
        made: Callable[..., ArrayLike] = found
        return made
    raise TypeError(f"initializer is {identifier!r}; expected a callable or one of {_LIBRARY.expected()}")


def serialize(initializer: Callable[..., ArrayLike] | None) -> Any:
    """An initializer as files have it: what `deserialize` and Keras read; None for None.

    Raises:
        TypeError: it has no name that a file could hold.
    """
    return _LIBRARY.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that `serialize` or Keras wrote.

    Args:
        config: see there.
        custom_objects: classes and functions by name that are not day33's.

    Raises:
        ValueError: it is neither day33's nor among the custom objects, or has an argument that it does not know.
    """
    with _custom.known(custom_objects or {}):
        return _LIBRARY.deserialize(config)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
