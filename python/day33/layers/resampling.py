"""Layers that make images and sequences larger without weights: un-pooling and up-sampling."""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_int, as_pair
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._spatial import Pair, Sizes, Spatial


class MaxUnpooling2D(Spatial):
    """Puts pooled values back where their maxima were, with 0 elsewhere (Zeiler et al., 2011).

    Input [x, indices], both (N, H, W, C), float32 and int32; output (N, H', W', C). Of values with the same position
    the last one counts.

    Args:
        pool_size, strides: of the pooling that is undone; strides is pool_size by default.
        output_size: (H', W'). Pooling maps several sizes to one, so that the right one may have to be given; by default
            H' = H * stride, which is right for "valid" windows that fill the image.

    Raises:
        ValueError: an argument out of range; when called, inputs of different shapes or another rank, or a position
            outside the output.
    """

    input_dtypes = ("float32", "int32")

    def __init__(
        self, pool_size: int | Pair = (2, 2), strides: int | Pair | None = None, output_size: Pair | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.pool_size = as_pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else as_pair("strides", strides)
        self.output_size = None if output_size is None else as_pair("output_size", output_size)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if not isinstance(input_shape, list | tuple) or len(input_shape) != 2:
            raise ValueError(f"layer {self.name!r} was given shape {input_shape}; expected a list [x, indices]")
        n, h, w, c = self._checked(input_shape[0])
        if tuple(input_shape[1]) != tuple(input_shape[0]):
            raise ValueError(f"layer {self.name!r} was given x of shape {tuple(input_shape[0])} and indices of shape "
                             f"{tuple(input_shape[1])}; expected the same shape")  # fmt: skip
        if self.output_size is not None:
            return (n, *self.output_size, c)
        return (n, *(None if size is None else size * s for size, s in zip((h, w), self.strides, strict=True)), c)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape = lowering.shape(inputs[0])
        height, width, channels = self.compute_output_shape([(None, *shape), (None, *lowering.shape(inputs[1]))])[1:]
        return [lowering.builder.max_unpool2d(*inputs, output_shape=(height, width, channels))]  # type: ignore[arg-type]

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int]:
        # Cell y may be the maximum of every window i with i s <= y < i s + pool.
        stride = self.strides[axis]
        return -((self.pool_size[axis] - 1 - low) // stride), high // stride

    def enlarges(self, axis: int) -> int:
        return self.strides[axis]

    def known_to_keras(self) -> bool:
        return False

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "output_size": self.output_size,
        }


class _UpSampling(Spatial):
    size: Any
    interpolation = "nearest"

    def _factors(self) -> tuple[int, ...]:
        return self._sizes("size", self.size)

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        return [None if size is None else size * s for size, s in zip(shape[1:-1], self._factors(), strict=True)]

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.up_sampling2d(image, size=self._pair(self._factors()), interpolation=self.interpolation)

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int]:
        size = self._factors()[axis]
        if self.interpolation == "bilinear":
            # Output y lies at (y + 1/2) / size - 1/2, between its floor and its ceiling.
            return (2 * low + 1 - size) // (2 * size), -((size - 2 * high - 1) // (2 * size))
        return low // size, high // size

    def enlarges(self, axis: int) -> int:
        return self._factors()[axis] if axis < self.rank else 1


class UpSampling2D(_UpSampling):
    """Makes images larger by whole factors.

    Input (N, H, W, C), float32; output (N, H size, W size, C).

    Args:
        size: an int, or a pair for height and width.
        data_format: None or "channels_last".
        interpolation: "nearest" repeats; "bilinear" interpolates between half-pixel centres; "bed_of_nails" puts the
            value in the first cell and 0 in the others.

    Raises:
        ValueError: an argument out of range, or an unknown interpolation; when called, an input of another rank.
    """

    def __init__(
        self, size: Sizes = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = self._sizes("size", size)
        self.data_format = data_format
        known = ("nearest", "bilinear", "bed_of_nails")
        if not isinstance(interpolation, str) or interpolation.lower() not in known:
            raise ValueError(f"interpolation is {interpolation!r}; expected one of {', '.join(known)}")
        self.interpolation = interpolation.lower()

    def known_to_keras(self) -> bool:
        return self.interpolation != "bed_of_nails"

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class UpSampling1D(_UpSampling):
    """Repeats each time step.

    Input (N, T, C), float32; output (N, T size, C).

    Args:
        size: how often, an int.

    Raises:
        ValueError: a size below 1; when called, an input of another rank.
        TypeError: a size that is no integer.
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = as_int("size", size, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
