"""Layers that shift and scale their input by numbers that no training changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_float32, as_sizes, is_int
from .._core.tensors import Tensor, as_tensor
from .._core.types import Shape
from .._core.variables import Variable
from .._data.dataset import Dataset
from .._data.specs import TensorSpec
from .._graph.lowering import Lowering
from .base import Layer

_EPSILON = 1e-7  # keras.config.epsilon()


class Rescaling(Layer):
    """x * scale + offset.

    Input and output (N, ...), float32.

    Args:
        scale, offset: a number, or an array that NumPy stretches to the shape of a sample, such as one value per
            channel.

    Raises:
        TypeError: scale or offset that do not hold real numbers.
        ValueError: when called, an input to whose shape they cannot be stretched.
    """

    supports_masking = True

    def __init__(self, scale: ArrayLike, offset: ArrayLike = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = _plain("scale", scale)
        self.offset = _plain("offset", offset)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sample = tuple(input_shape[1:])
        for name, value in (("scale", self.scale), ("offset", self.offset)):
            shape = np.shape(value)
            pairs = zip(shape[::-1], sample[::-1], strict=False)
            if len(shape) > len(sample) or any(own not in (1, size) and size is not None for own, size in pairs):
                raise ValueError(
                    f"layer {self.name!r} was given an input of shape {tuple(input_shape)}, to which its {name} of "
                    f"shape {shape} cannot be stretched"
                )
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape = lowering.shape(inputs[0])
        both = [np.asarray(value, np.float32) for value in (self.scale, self.offset)]
        if any(value.ndim for value in both):
            both = [np.broadcast_to(value, shape) for value in both]
        return [lowering.builder.rescaling(inputs[0], *(np.ascontiguousarray(value).reshape(-1) for value in both))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


class Normalization(Layer):
    """``(x - mean) / sqrt(variance)``, with a mean and a variance for each entry of some axes: given, or of data.

    Input and output (N, ...), float32. Weights, unless they are given: mean, variance and count, of which training
    changes none.

    Args:
        axis: the axes, without the batch, that have entries of their own; None for one mean of all.
        mean, variance: for these entries, in place of `adapt`.
        invert: ``x · sqrt(variance) + mean`` instead.
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError: one of mean and variance alone, of different shapes, or of more axes than `axis` has; when built, an
            axis that the input lacks, the batch, or one of unknown size.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = () if axis is None else [axis] if is_int(axis) else axis
        self.axis: tuple[int, ...] = as_sizes("axis", axes, -(2**31))
        if (mean is None) != (variance is None):
            raise ValueError(f"mean is {mean!r} and variance is {variance!r}; expected both or neither")
        self.input_mean = None if mean is None else _plain("mean", mean)
        self.input_variance = None if variance is None else _plain("variance", variance)
        shapes = [np.asarray(value).shape for value in (self.input_mean, self.input_variance)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"mean has shape {shapes[0]} and variance {shapes[1]}; expected one shape")
        if mean is not None and len(shapes[0]) > len(self.axis):
            raise ValueError(f"mean has shape {shapes[0]}; expected at most {len(self.axis)} axes, as axis has")
        self.invert = bool(invert)
        self.adapt_mean: Variable | None = None
        self.adapt_variance: Variable | None = None
        self._aligned: tuple[int, ...] | None = None  # the shape of mean and variance beside inputs, when built

    def build(self, input_shape: Any) -> None:
        kept = self._kept(len(input_shape))
        if any(input_shape[axis] is None for axis in kept):
            raise ValueError(f"the input has shape {tuple(input_shape)}; expected known sizes along axis {self.axis}")
        self._aligned = tuple(size if axis in kept else 1 for axis, size in enumerate(input_shape))
        if self.input_mean is None:
            shape = tuple(input_shape[axis] for axis in kept)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.add_weight((), "zeros", trainable=False, name="count")
            self._watch()

    @property
    def mean(self) -> Tensor | None:
        """What is subtracted, in a shape that broadcasts to inputs; None before the layer is built."""
        return self._beside_inputs(self.input_mean if self.adapt_mean is None else self.adapt_mean)

    @property
    def variance(self) -> Tensor | None:
        """Whose root is the divisor, as `mean`."""
        return self._beside_inputs(self.input_variance if self.adapt_variance is None else self.adapt_variance)

    def _beside_inputs(self, value: Any) -> Tensor | None:
        if self._aligned is None:
            return None
        array = np.array(value, np.float32)
        if array.size == math.prod(self._aligned):
            return as_tensor(array.reshape(self._aligned))
        return as_tensor(np.broadcast_to(array, self._aligned).copy())

    def _watch(self) -> None:
        """Has plans made anew when the weights change: they hold them as constants."""
        for variable in (self.adapt_mean, self.adapt_variance):
            if variable is not None:
                variable.when_assigned = self.configured_anew

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._watch()

    def _kept(self, rank: int) -> tuple[int, ...]:
        """The axes with entries of their own, counted from the front."""
        kept = tuple(sorted(axis + rank if axis < 0 else axis for axis in self.axis))
        if any(not 0 < axis < rank for axis in kept):
            raise ValueError(
                f"axis is {self.axis} and the input has {rank} axes; expected some of them without the batch"
            )
        return kept

    def adapt(self, data: Any) -> None:
        """Takes mean and variance from data.

        Args:
            data: an array (N, ...); or a data set or another iterable of batches, or of tuples that begin with them.

        Raises:
            ValueError: mean and variance were given to the constructor; no data, or of another shape than the layer was
                built for.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"layer {self.name!r} has mean and variance from its constructor; expected none, to adapt it"
            )
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data):
            if batch.ndim == 0:
                raise ValueError("data has batches of shape (); expected (N, ...)")
            self._ensure_built(batch.shape)
            assert self.adapt_mean is not None
            kept = self._kept(batch.ndim)
            if tuple(batch.shape[axis] for axis in kept) != self.adapt_mean.shape:
                raise ValueError(
                    f"data has shape {batch.shape}; expected sizes {self.adapt_mean.shape} along axis {self.axis}"
                )
            others = tuple(axis for axis in range(batch.ndim) if axis not in kept)
            size = math.prod(batch.shape[axis] for axis in others)
            if not size:
                continue
            # The mean of all, and the variance of all as that inside of the parts and that of the parts' means.
            here, spread = batch.mean(axis=others), batch.var(axis=others)
            share = size / (count + size)
            moved = mean + (here - mean) * share
            variance = (variance + (mean - moved) ** 2) * (1 - share) + (spread + (here - moved) ** 2) * share
            count, mean = count + size, moved
        if not count or self.adapt_mean is None or self.adapt_variance is None:
            raise ValueError(f"layer {self.name!r} was given no data; expected at least one sample")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._kept(len(input_shape))
        return tuple(input_shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape = lowering.shape(inputs[0])
        kept = self._kept(len(shape) + 1)
        if self.input_mean is None:
            given = [np.asarray(self.adapt_mean), np.asarray(self.adapt_variance)]
        else:
            given = [np.asarray(self.input_mean), np.asarray(self.input_variance)]
        mean, variance = (_placed(np.asarray(value, np.float64), kept, shape) for value in given)
        deviation = np.maximum(np.sqrt(variance), _EPSILON)
        scale, offset = (deviation, mean) if self.invert else (1 / deviation, -mean / deviation)
        both = (np.ascontiguousarray(value, np.float32).reshape(-1) for value in (scale, offset))
        return [lowering.builder.rescaling(inputs[0], *both)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": self.input_mean,
            "variance": self.input_variance,
        }


def _placed(value: NDArray[np.float64], kept: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Entries of the kept axes (counted with the batch; the last ones where there are fewer), stretched to a sample."""
    if value.size == 1:
        return value.reshape(1)
    aligned = [1] * len(shape)
    for size, axis in zip(value.shape[::-1], kept[::-1], strict=False):
        aligned[axis - 1] = size
    return np.broadcast_to(value.reshape(aligned), shape)


def _batches(data: Any) -> Iterator[NDArray[np.float64]]:
    """What `adapt` is given, batch by batch."""
    if isinstance(data, np.ndarray) or hasattr(data, "__array__"):
        yield np.asarray(as_float32("data", data), np.float64)
        return
    if (
        isinstance(data, Dataset)
        and isinstance(data.element_spec, TensorSpec)
        and len(data.element_spec.shape or ()) == 1
    ):
        data = data.batch(128)  # of single samples, as Keras does
    if not isinstance(data, Iterable) or isinstance(data, str | Mapping):
        raise TypeError(f"data is a {type(data).__name__}; expected an array, a data set or an iterable of batches")
    for batch in data:
        given = batch[0] if isinstance(batch, tuple | list) and len(batch) and np.ndim(batch[0]) else batch
        yield np.asarray(as_float32("data", given), np.float64)


def _plain(name: str, value: ArrayLike) -> Any:
    """A float, or nested lists of them, as a configuration holds them."""
    array = as_float32(name, value)
    return float(value) if array.ndim == 0 else array.tolist()  # type: ignore[arg-type]
