"""Layers that change the size of images without weights: pooling, un-pooling and up-sampling."""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_padding, as_pair
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._attributes import Checked
from ._images import check_channels_last, image_shape, window_length
from .base import Layer

Pair = tuple[int, int]


class _Pooling2D(Layer):
    data_format = Checked(check_channels_last)

    def __init__(
        self, pool_size: int | Pair, strides: int | Pair | None, padding: str, data_format: str | None,
        name: str | None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.pool_size = as_pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else as_pair("strides", strides)
        self.padding = as_padding(padding)
        self.data_format = data_format

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = image_shape(self, input_shape)
        lengths = [
            window_length(self, shape, axis + 1, self.pool_size[axis], self.strides[axis], 1, self.padding)
            for axis in (0, 1)
        ]
        return (shape[0], *lengths, shape[3])

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        return low * self.strides[axis], high * self.strides[axis] + self.pool_size[axis] - 1

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class MaxPooling2D(_Pooling2D):
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
        self, pool_size: int | Pair = (2, 2), strides: int | Pair | None = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, *, return_indices: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
        self.return_indices = bool(return_indices)
        self.output_dtypes = ("float32", "int32")

    def compute_output_shape(self, input_shape: Any) -> Any:
        pooled = super().compute_output_shape(input_shape)
        return [pooled, pooled] if self.return_indices else pooled

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        pooled, indices = lowering.builder.max_pool2d(
            inputs[0], pool_size=self.pool_size, strides=self.strides, padding=self.padding
        )
        return [pooled, indices] if self.return_indices else [pooled]

    def known_to_keras(self) -> bool:
        return not self.return_indices

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "return_indices": True} if self.return_indices else config


class AveragePooling2D(_Pooling2D):
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

    def __init__(
        self, pool_size: int | Pair, strides: int | Pair | None = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        result = lowering.builder.average_pool2d(
            inputs[0], pool_size=self.pool_size, strides=self.strides, padding=self.padding
        )
        return [result]


class MaxUnpooling2D(Layer):
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
        n, h, w, c = image_shape(self, input_shape[0])
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

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
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


class UpSampling2D(Layer):
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

    data_format = Checked(check_channels_last)

    def __init__(
        self, size: int | Pair = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = as_pair("size", size)
        self.data_format = data_format
        known = ("nearest", "bilinear", "bed_of_nails")
        if not isinstance(interpolation, str) or interpolation.lower() not in known:
            raise ValueError(f"interpolation is {interpolation!r}; expected one of {', '.join(known)}")
        self.interpolation = interpolation.lower()

    def compute_output_shape(self, input_shape: Any) -> Shape:
        n, h, w, c = image_shape(self, input_shape)
        return (n, *(None if size is None else size * s for size, s in zip((h, w), self.size, strict=True)), c)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.up_sampling2d(inputs[0], size=self.size, interpolation=self.interpolation)]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        size = self.size[axis]
        if self.interpolation == "bilinear":
            # Output y lies at (y + 1/2) / size - 1/2, between its floor and its ceiling.
            return (2 * low + 1 - size) // (2 * size), -((size - 2 * high - 1) // (2 * size))
        return low // size, high // size

    def enlarges(self, axis: int) -> int:
        return self.size[axis]

    def known_to_keras(self) -> bool:
        return self.interpolation != "bed_of_nails"

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class _GlobalPooling1D(Layer):
    data_format = Checked(check_channels_last)

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = tuple(input_shape)
        if len(shape) != 3 or shape[1] == 0:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {shape}; expected (N, T, C) with at least one step"
            )
        return (shape[0], 1, shape[2]) if self.keepdims else (shape[0], shape[2])

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        _, channels = lowering.shape(inputs[0])
        pooled = self._pool(lowering, inputs[0])
        return [lowering.builder.reshape(pooled, (1, channels)) if self.keepdims else pooled]

    def _pool(self, lowering: Lowering, x: int) -> int:
        raise TypeError(f"{type(self).__name__} does not define _pool")

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalAveragePooling1D(_GlobalPooling1D):
    """Mean over the time steps that count.

    Input (N, T, C), float32; output (N, C), or (N, 1, C) with keepdims. A sample of which the mask keeps no step gives
    NaN, as in Keras, and its input has the gradient 0.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps an axis of length 1 for the time.

    Raises:
        ValueError: another data_format; when called, an input of another rank or without time steps.
    """

    takes_mask = True

    def _pool(self, lowering: Lowering, x: int) -> int:
        builder, mask = lowering.builder, lowering.mask_over_time(x)
        if mask >= 0:
            return builder.masked_average(x, mask)
        steps, channels = lowering.shape(x)
        return builder.global_average_pooling2d(builder.reshape(x, (steps, 1, channels)), keepdims=False)


class GlobalMaxPooling1D(_GlobalPooling1D):
    """Maximum over all time steps, whatever a mask says.

    Input (N, T, C), float32; output (N, C), or (N, 1, C) with keepdims.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps an axis of length 1 for the time.

    Raises:
        ValueError: another data_format; when called, an input of another rank or without time steps.
    """

    def _pool(self, lowering: Lowering, x: int) -> int:
        steps, channels = lowering.shape(x)
        return lowering.builder.global_max_pooling2d(lowering.builder.reshape(x, (steps, 1, channels)), keepdims=False)


class _GlobalPooling2D(Layer):
    data_format = Checked(check_channels_last)

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        n, _, _, c = image_shape(self, input_shape)
        return (n, 1, 1, c) if self.keepdims else (n, c)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalAveragePooling2D(_GlobalPooling2D):
    """Mean over height and width.

    Input (N, H, W, C), float32; output (N, C), or (N, 1, 1, C) with keepdims.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps axes of length 1 for height and width.

    Raises:
        ValueError: another data_format; when called, an input of another rank.
    """

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.global_average_pooling2d(inputs[0], keepdims=self.keepdims)]


class GlobalMaxPooling2D(_GlobalPooling2D):
    """Maximum over height and width.

    Input (N, H, W, C), float32; output (N, C), or (N, 1, 1, C) with keepdims. Cells that share the maximum share its
    gradient, as in Keras.

    Args:
        data_format: None or "channels_last".
        keepdims: whether the output keeps axes of length 1 for height and width.

    Raises:
        ValueError: another data_format; when called, an input of another rank.
    """

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.global_max_pooling2d(inputs[0], keepdims=self.keepdims)]
