"""Pooling of images and sequences, over windows and over all of them."""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_padding
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._spatial import Sizes, Spatial, Windowed


class _Pooling(Windowed):
    def __init__(
        self, pool_size: Sizes, strides: Sizes | None, padding: str, data_format: str | None, name: str | None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.pool_size = self._sizes("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self._sizes("strides", strides)
        self.padding = as_padding(padding)
        self.data_format = data_format

    def _window(self) -> tuple[int, ...]:
        return self.pool_size

    def _options(self) -> dict[str, Any]:
        """As native pooling takes them."""
        options = {"pool_size": self._pair(self.pool_size), "strides": self._pair(self.strides)}
        return {**options, "padding": self.padding}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class _MaxPooling(_Pooling):
    """`MaxPooling1D` and `MaxPooling2D`."""

    def __init__(
        self, pool_size: Sizes = 2, strides: Sizes | None = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.max_pool2d(image, **self._options())[0]


class MaxPooling2D(_MaxPooling):
    """Maximum over windows.

    Input (N, H, W, C), float32; output (N, H', W', C), or a list of it and the positions of the maxima. H' is
    floor((H - pool) / stride) + 1 for "valid" and ceil(H / stride) for "same". The first maximum in row-major order
    wins a tie and takes the whole gradient, as in TensorFlow; padded cells never win.

    Args:
        pool_size, strides: an int, or a pair for height and width; strides is pool_size by default.
        padding: "valid" or "same".
        data_format: None or "channels_last".
        return_indices: whether to return the positions of the maxima, too: int32 of the shape of the output,
            (y W + x) C + c in each sample, as `MaxUnpooling2D` takes them.

    Raises:
        ValueError: an argument out of range, or another data_format; when called, an input of another rank or too small
            for the window.
    """

    def __init__(
        self, pool_size: Sizes = 2, strides: Sizes | None = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, *, return_indices: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
        self.return_indices = bool(return_indices)
        self.output_dtypes = ("float32", "int32")

    def compute_output_shape(self, input_shape: Any) -> Any:
        pooled = super().compute_output_shape(input_shape)
        return [pooled, pooled] if self.return_indices else pooled

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return list(lowering.builder.max_pool2d(inputs[0], **self._options())[: 2 if self.return_indices else 1])

    def known_to_keras(self) -> bool:
        return not self.return_indices

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "return_indices": True} if self.return_indices else config


class MaxPooling1D(_MaxPooling):
    """Maximum over windows of time steps: `MaxPooling2D` of images of height 1.

    Input (N, T, C), float32; output (N, T', C), with T' as H' there. The first maximum wins a tie and takes the whole
    gradient, as in TensorFlow.

    Args:
        pool_size, strides: an int, or a tuple of one; strides is pool_size by default.
        padding: "valid" or "same".
        data_format: None or "channels_last".

    Raises:
        ValueError: as of `MaxPooling2D`.
    """

    rank = 1


class _AveragePooling(_Pooling):
    """`AveragePooling1D` and `AveragePooling2D`."""

    def __init__(
        self, pool_size: Sizes, strides: Sizes | None = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.average_pool2d(image, **self._options())


class AveragePooling2D(_AveragePooling):
    """Mean over windows; padded cells do not count.

    Input (N, H, W, C), float32; output (N, H', W', C), with H' as of `MaxPooling2D`.

    Args:
        pool_size, strides: an int, or a pair for height and width; strides is pool_size by default.
        padding: "valid" or "same".
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range, or another data_format; when called, an input of another rank or too small
            for the window.
    """


class AveragePooling1D(_AveragePooling):
    """Mean over windows of time steps; padded steps do not count.

    Input (N, T, C), float32; output (N, T', C), with T' as H' of `MaxPooling2D`.

    Args:
        pool_size, strides: an int, or a tuple of one; strides is pool_size by default.
        padding: "valid" or "same".
        data_format: None or "channels_last".

    Raises:
        ValueError: as of `AveragePooling2D`.
    """

    rank = 1


class _GlobalPooling(Spatial):
    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._checked(input_shape)
        if 0 in shape[1:-1]:
            what = "one step" if self.rank == 1 else "one pixel"
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected at least {what}")
        return (shape[0], *((1,) * self.rank if self.keepdims else ()), shape[-1])

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        channels = lowering.shape(inputs[0])[-1]
        pooled = self._pooled(lowering, inputs[0])
        return [lowering.builder.reshape(pooled, (*(1,) * self.rank, channels)) if self.keepdims else pooled]

    def _pooled(self, lowering: Lowering, x: int) -> int:
        """(C,)."""
        return self._write(lowering, x if self.rank == 2 else lowering.builder.reshape(x, (1, *lowering.shape(x))))

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalAverage(_GlobalPooling):
    """`GlobalAveragePooling1D` and `GlobalAveragePooling2D`."""

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.global_average_pooling2d(image, keepdims=False)


class _GlobalMax(_GlobalPooling):
    """`GlobalMaxPooling1D` and `GlobalMaxPooling2D`."""

    def _write(self, lowering: Lowering, image: int) -> int:
        return lowering.builder.global_max_pooling2d(image, keepdims=False)


class GlobalAveragePooling1D(_GlobalAverage):
    """Mean over the time steps that count.

    Input (N, T, C), float32; output (N, C), or (N, 1, C) with keepdims. A sample of which the mask keeps no step gives
    NaN, as in Keras, and its input has the gradient 0.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps an axis of length 1 for the time.

    Raises:
        ValueError: another data_format; when called, an input of another rank or without time steps.
    """

    rank = 1
    takes_mask = True
    supports_masking = True
    sets_mask = True  # none

    def _pooled(self, lowering: Lowering, x: int) -> int:
        mask = lowering.mask_over_time(x)
        return lowering.builder.masked_average(x, mask) if mask >= 0 else super()._pooled(lowering, x)


class GlobalMaxPooling1D(_GlobalMax):
    """Maximum over all time steps, whatever a mask says.

    Input (N, T, C), float32; output (N, C), or (N, 1, C) with keepdims.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps an axis of length 1 for the time.

    Raises:
        ValueError: another data_format; when called, an input of another rank or without time steps.
    """

    rank = 1


class GlobalAveragePooling2D(_GlobalAverage):
    """Mean over height and width.

    Input (N, H, W, C), float32; output (N, C), or (N, 1, 1, C) with keepdims.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps axes of length 1 for height and width.

    Raises:
        ValueError: another data_format; when called, an input of another rank.
    """


class GlobalMaxPooling2D(_GlobalMax):
    """Maximum over height and width.

    Input (N, H, W, C), float32; output (N, C), or (N, 1, 1, C) with keepdims. Cells that share the maximum share its
    gradient, as in Keras.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps axes of length 1 for height and width.

    Raises:
        ValueError: another data_format; when called, an input of another rank.
    """
