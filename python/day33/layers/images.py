"""Images in another size: `Resizing`, `CenterCrop`; and what all layers on images share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import ops
from .._core import tree
from .._core.arrays import as_int, as_number
from .._core.dispatch import tracing
from .._core.types import Shape
from .._graph.graph import Graph
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from ._attributes import Checked, check_channels_last
from .base import Layer

RESIZINGS = ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5")


def one_of(argument: str, *known: str) -> Checked[str]:
    """An attribute that holds one of some names."""

    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(f"{argument} is {value!r}; expected one of {', '.join(map(repr, known))}")
        return str(value)

    return Checked(check)


def number(argument: str) -> Checked[float]:
    """An attribute that holds a finite number."""
    return Checked(lambda value: as_number(argument, value))


def size(argument: str) -> Checked[int]:
    """An attribute that holds a number of pixels."""
    return Checked(lambda value: as_int(argument, value, 1))


class ImageLayer(Layer):
    """A layer on images (N, H, W, C), in calls on arrays also on one image (H, W, C).

    A subclass says what it does by functions of `day33.ops`, which `traced` writes into plans.
    """

    native_training = True
    data_format = Checked(check_channels_last)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format

    def __call__(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """As of `Layer`, also for an array (H, W, C), which is one image."""
        if not arguments and self.input_argument in kwargs:
            arguments = (kwargs.pop(self.input_argument),)
        (images, *others) = arguments or (None,)
        if isinstance(images, Mapping):
            raise TypeError(
                f"layer {self.name!r} was given a dict with the keys {list(images)}; expected images alone: labels, "
                "boxes and masks of segments are not changed with them"
            )
        if images is None or others or isinstance(images, SymbolicTensor) or len(tree.flatten(images)) == 0:
            return super().__call__(*arguments, training=training, **kwargs)
        rank = len(images.shape) if hasattr(images, "shape") else np.ndim(images)
        if rank != 3:
            return super().__call__(images, training=training, **kwargs)
        return ops.squeeze(super().__call__(ops.expand_dims(images, 0), training=training, **kwargs), 0)

    def _require_dtype(self, place: int, tensor: SymbolicTensor) -> None:
        if tensor.undecided or tensor.dtype != "int32":  # integers become numbers in the plan
            super()._require_dtype(place, tensor)

    def _checked(self, input_shape: Any) -> Shape:
        """The shape of images, with the batch. ValueError for another one."""
        shape = tuple(input_shape)
        if len(shape) != 4 or any(isinstance(item, tuple | list) for item in shape):
            raise ValueError(f"layer {self.name!r} was given an input of shape {shape}; expected (N, H, W, C)")
        return shape

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return self._checked(input_shape)

    def traced(self, lowering: Lowering, function: Callable[..., Any], *inputs: int) -> int:
        """Writes a function of tensors into a plan."""
        given = [SymbolicTensor((None, *lowering.shape(item)), lowering.dtype(item)) for item in inputs]
        with tracing():
            result = function(*given)
        (written,) = Graph(given, result, f"layer {self.name!r}").lower(lowering, inputs)
        return written

    def as_numbers(self, lowering: Lowering, images: int) -> int:
        """Images of integers as float32."""
        if lowering.dtype(images) == "float32":
            return images
        return self.traced(lowering, lambda given: ops.cast(given, "float32"), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class _Resized(ImageLayer):
    """Gives images of a fixed size."""

    height, width = size("height"), size("width")

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.height = height
        self.width = width

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._checked(input_shape)
        return (shape[0], self.height, self.width, shape[3])

    def resized(self, images: Any) -> Any:
        """What the layer gives."""
        raise TypeError(f"{type(self).__name__} does not define resized")

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [self.traced(lowering, self.resized, self.as_numbers(lowering, inputs[0]))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class Resizing(_Resized):
    """Images in another size.

    Input (N, H, W, C), or on arrays (H, W, C); output (N, height, width, C), float32.

    Args:
        height, width: of the result.
        interpolation: "nearest", "bilinear", "bicubic", "area", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio, pad_to_aspect_ratio: whether borders are cut off, or added, so that nothing is stretched.
        fill_mode, fill_value: what is added: "constant" and a number.
        antialias: whether images that become smaller are smoothed.
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    interpolation = one_of("interpolation", *RESIZINGS)
    fill_mode = one_of("fill_mode", "constant")
    fill_value = number("fill_value")

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0,
        antialias: bool = False, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(height, width, data_format, **kwargs)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio are both True; expected one of them at most")
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def _options(self) -> dict[str, Any]:
        names = (
            "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value", "antialias",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def resized(self, images: Any) -> Any:
        return ops.image.resize(images, (self.height, self.width), **self._options())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._options()}


class CenterCrop(_Resized):
    """The middle of images; of smaller ones the largest part with the proportions of the result, made larger.

    Input (N, H, W, C), or on arrays (H, W, C); output (N, height, width, C), float32.

    Args:
        height, width: of the result.
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    def resized(self, images: Any) -> Any:
        top, left = (images.shape[1] - self.height) // 2, (images.shape[2] - self.width) // 2
        if top < 0 or left < 0:
            return ops.image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True)
        return images[:, top : top + self.height, left : left + self.width]
