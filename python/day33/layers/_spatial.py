"""What the layers on images (N, H, W, C) and on sequences (N, T, C) share: a sequence is an image of height 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .._core.arrays import as_int, as_pair
from .._core.tree import is_shape
from .._core.types import Shape
from .._graph.lowering import Lowering
from .._native import conv_output_length
from ._activated import activated
from ._attributes import Checked, check_channels_last
from ._weighted import WeightedLayer
from .base import Layer

Pair = tuple[int, int]
Sizes = int | Sequence[int]


def window_length(
    layer: Layer, shape: Shape, axis: int, window: int, stride: int, dilation: int, padding: str
) -> int | None:
    """Positions of a sliding window along `axis` of `shape`. ValueError where not one fits."""
    size = shape[axis]
    if size is None:
        return None
    if size < 1 or (padding == "valid" and size < (window - 1) * dilation + 1):
        raise ValueError(
            f"layer {layer.name!r} was given an input of shape {shape}; axis {axis} is too short for a window of "
            f'{(window - 1) * dilation + 1} with padding "{padding}"'
        )
    return conv_output_length(size, window, stride, dilation, padding)


class Spatial(Layer):
    """A layer that moves along one axis or two.

    Subclasses write native ops on images, in `_write`, and give the sizes of their output for those of the input, in
    `_output_sizes`. With `rank` 1 they take sequences: `lower` makes images of height 1 of them, and `_pair` makes
    pairs of their sizes.
    """

    rank: ClassVar[int] = 2  # axes between the batch and the channels
    data_format = Checked(check_channels_last)

    @classmethod
    def _sizes(cls, argument: str, value: Any, minimum: int = 1) -> tuple[int, ...]:
        """One size for each axis: an int for all, or a sequence."""
        if cls.rank == 2:
            return as_pair(argument, value, minimum)
        single = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
        return (as_int(argument, single, minimum),)

    @staticmethod
    def _pair(sizes: tuple[Any, ...], along_height: Any = 1) -> tuple[Any, Any]:
        """`sizes` as native ops take them, which have images: `along_height` for sequences."""
        height, width = sizes if len(sizes) == 2 else (along_height, *sizes)
        return height, width

    # ---- shapes ----

    def _checked(self, input_shape: Any) -> Shape:
        """`input_shape` if it has the right rank, else ValueError."""
        if is_shape(input_shape) and len(input_shape) == self.rank + 2:
            return tuple(input_shape)
        expected = "(N, H, W, C)" if self.rank == 2 else "(N, T, C)"
        raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected {expected}")

    def _known_channels(self, input_shape: Any, built: int | None) -> int:
        """The channels of `input_shape`. ValueError unless known, and `built` where the layer has weights."""
        channels = self._checked(input_shape)[-1]
        if channels is None:
            raise ValueError(f"layer {self.name!r} was given an input of shape {input_shape}; expected known channels")
        if built is not None and channels != built:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {input_shape}; expected {built} channels, as when it "
                "was built"
            )
        return channels

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        """Sizes of the output between the batch and the channels."""
        return list(shape[1:-1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = self._checked(input_shape)
        return (shape[0], *self._output_sizes(shape), shape[-1])

    # ---- native ops ----

    def _write(self, lowering: Lowering, image: int) -> int:
        """Writes the layer for a tensor (H, W, C)."""
        raise TypeError(f"{type(self).__name__} does not define _write")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if self.rank == 2:
            return [self._write(lowering, inputs[0])]
        builder = lowering.builder
        result = self._write(lowering, builder.reshape(inputs[0], (1, *lowering.shape(inputs[0]))))
        _, *rest = lowering.shape(result)
        return [builder.reshape(result, rest)]

    # ---- for summary() ----

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int] | None:
        """`receptive_span` along an axis that the layer moves along."""
        return low, high

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return self._span(low, high, axis) if axis < self.rank else (low, high)


class Windowed(Spatial):
    """A layer whose outputs each see a window of positions, `strides` apart."""

    strides: tuple[int, ...]
    padding: str
    dilation_rate: tuple[int, ...] = (1, 1)

    def _window(self) -> tuple[int, ...]:
        """Positions along each axis."""
        raise TypeError(f"{type(self).__name__} does not define _window")

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        window, dilation = self._window(), self.dilation_rate
        return [
            window_length(self, shape, axis + 1, window[axis], self.strides[axis], dilation[axis], self.padding)
            for axis in range(self.rank)
        ]

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int] | None:
        reach = (self._window()[axis] - 1) * self.dilation_rate[axis]
        return low * self.strides[axis], high * self.strides[axis] + reach


class Filtering(Windowed, WeightedLayer):
    """A convolution of some kind, with the arguments that all of them have. `_write` leaves the activation out."""

    kernel_size: tuple[int, ...]

    def _window(self) -> tuple[int, ...]:
        return self.kernel_size

    def _options(self) -> dict[str, Any]:
        """As native convolutions take them."""
        return {
            "strides": self._pair(self.strides),
            "padding": self.padding,
            "dilation_rate": self._pair(self.dilation_rate),
        }

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        # After the reshape of a sequence: a cross-entropy looks through an activation that gives its prediction.
        (sums,) = super().lower(lowering, inputs)
        return [activated(lowering, sums, self.activation, self.name)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }
