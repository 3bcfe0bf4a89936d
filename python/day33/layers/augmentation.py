"""Layers that change images at random in training: other ones in each epoch from the same data set.

What is drawn for an image are a few numbers, uniform from 0 to 1 and keyed by the seed of the run, that of the layer
and the place of the sample. All else is a function of the image and these numbers.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from .._core.arrays import as_number
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._attributes import Checked, Seed
from ._in_training import in_training
from .images import ImageLayer, number, one_of, size

Range = float | tuple[float, float] | list[float]


class RandomImages(ImageLayer):
    """What the layers share. In training, and where a call on arrays does not say, `changed` gives the output."""

    acts_in_training_only = True
    draws = 1  # numbers per image
    seed = Seed()

    def __init__(self, seed: int | None = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.seed = seed

    def changed(self, images: Any, drawn: Any) -> Any:
        """Images (N, H, W, C) as the numbers `drawn` (N, draws) say."""
        raise TypeError(f"{type(self).__name__} does not define changed")

    def unchanged(self, images: Any) -> Any:
        """Images in inference."""
        return images

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        images = self.as_numbers(lowering, inputs[0])

        def change(seed: int) -> int:
            drawn = lowering.builder.random("uniform", (self.draws,), seed)
            return self.traced(lowering, self.changed, images, drawn)

        otherwise = self.traced(lowering, self.unchanged, images)
        return [in_training(lowering, Seed.of(self), otherwise, change)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def _as_range(argument: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """The bounds of an argument: a pair in order, or a number, which stands for itself and its negative."""
    if isinstance(value, tuple | list):
        if len(value) == 2:
            first, last = sorted(as_number(f"{argument}[{i}]", bound) for i, bound in enumerate(value))
            if first <= high and last >= low:
                return first, last
    else:
        single = as_number(argument, value)
        if low <= single <= high:
            return max(-abs(single), low), abs(single)
    raise ValueError(f"{argument} is {value!r}; expected a number from {low:g} to {high:g}, or two of them")


def _factor(low: float) -> Checked[tuple[float, float]]:
    """An attribute `factor`, of which the bounds are kept."""
    return Checked(lambda value: _as_range("factor", 0.0 if value is None else value, low, 1.0))


def _between(drawn: Any, place: int, bounds: tuple[float, float]) -> Any:
    """Numbers (N, 1) between two bounds."""
    return drawn[:, place : place + 1] * (bounds[1] - bounds[0]) + bounds[0]


def _for_pixels(values: Any) -> Any:
    """Numbers (N, 1) for images."""
    return ops.reshape(values, (-1, 1, 1, 1))


class RandomFlip(RandomImages):
    """In training, mirrors images, each with probability 1/2.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        mode: "horizontal" (left and right), "vertical", or "horizontal_and_vertical", which does both or nothing, as in
            Keras.
        seed: as of `Dropout`.
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    _AXES = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}  # noqa: RUF012
    mode = one_of("mode", *_AXES)

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: int | None = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.mode = mode

    def changed(self, images: Any, drawn: Any) -> Any:
        return ops.where(_for_pixels(drawn) <= 0.5, ops.flip(images, self._AXES[self.mode]), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}


class _Moved(RandomImages):
    """Images whose pixels come from elsewhere: `places` says from where."""

    fill_mode = one_of("fill_mode", "reflect", "wrap", "constant", "nearest")
    interpolation = one_of("interpolation", "nearest", "bilinear")
    fill_value = number("fill_value")

    def __init__(
        self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, data_format: str | None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def places(self, drawn: Any, height: int, width: int) -> Any:
        """The first six numbers of the transforms, (N, 1) each, or one number for all images; the others are 0.

        `ops.image.affine_transform` says what they mean.
        """
        raise TypeError(f"{type(self).__name__} does not define places")

    def changed(self, images: Any, drawn: Any) -> Any:
        nothing = ops.zeros_like(drawn[:, :1])
        numbers = [nothing + item for item in self.places(drawn, images.shape[1], images.shape[2])]
        transform = ops.concatenate([*numbers, nothing, nothing], axis=1)
        return ops.image.affine_transform(images, transform, self.interpolation, self.fill_mode, self.fill_value)

    def get_config(self) -> dict[str, Any]:
        own = {"fill_mode": self.fill_mode, "interpolation": self.interpolation, "fill_value": self.fill_value}
        return {**super().get_config(), **own}


class RandomRotation(_Moved):
    """In training, turns images about their middle.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        factor: bounds of the angle, counter-clockwise and in full turns: a pair, or a number from -1 to 1, which stands
            for itself and its negative.
        fill_mode: what is outside of the image: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: as of `Dropout`.
        fill_value: for "constant".
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    factor = _factor(-1.0)

    def __init__(
        self, factor: Range, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: int | None = None,
        fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor

    def places(self, drawn: Any, height: int, width: int) -> Any:
        low, high = self.factor
        angle = _between(drawn, 0, (low * 2 * math.pi, high * 2 * math.pi))
        cos, sin = ops.cos(angle), ops.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2  # the middle, which stays where it is
        return cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class _ByHeightAndWidth(_Moved):
    """Moved by one number along the height and another one along the width."""

    draws = 2

    def __init__(
        self, height_factor: Range, width_factor: Range | None, fill_mode: str, interpolation: str, seed: int | None,
        fill_value: float, data_format: str | None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor: Any = height_factor
        self.width_factor: Any = width_factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


def _given_factor(argument: str, optional: bool = False, low: float = -1.0) -> Checked[Any]:
    """An attribute that holds a factor as it was given."""

    def check(value: Any) -> Any:
        if value is None and optional:
            return None
        bounds = value if isinstance(value, tuple | list) else (value,)
        for bound in bounds:
            _as_range(argument, bound, low, 1.0)
        _as_range(argument, value, low, 1.0)
        return tuple(map(float, value)) if isinstance(value, tuple | list) else float(value)

    return Checked(check)


class RandomTranslation(_ByHeightAndWidth):
    """In training, moves images up or down and left or right.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        height_factor, width_factor: bounds of the way, as shares of height and width: a pair, or a number, which stands
            for itself and its negative; each from -1 to 1. Up and left are negative.
        fill_mode, interpolation, seed, fill_value, data_format: as of `RandomRotation`.

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    height_factor = _given_factor("height_factor")
    width_factor = _given_factor("width_factor")

    def __init__(
        self, height_factor: Range, width_factor: Range, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            height_factor, width_factor, fill_mode, interpolation, seed, fill_value, data_format, **kwargs
        )  # fmt: skip

    def places(self, drawn: Any, height: int, width: int) -> Any:
        down = _between(drawn, 0, _as_range("height_factor", self.height_factor, -1.0, 1.0)) * height
        right = _between(drawn, 1, _as_range("width_factor", self.width_factor, -1.0, 1.0)) * width
        return 1.0, 0.0, -right, 0.0, 1.0, -down


class RandomZoom(_ByHeightAndWidth):
    """In training, makes what images show larger or smaller about their middle.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        height_factor: bounds of the change of the height: a pair, or a number, which stands for itself and its
            negative; each above -1 and at most 1. 0.2 shows 20% more of the height, -0.2 20% less.
        width_factor: the same for the width; None to keep proportions.
        fill_mode, interpolation, seed, fill_value, data_format: as of `RandomRotation`.

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    _LOW = math.nextafter(-1.0, 0.0)
    height_factor = _given_factor("height_factor", low=_LOW)
    width_factor = _given_factor("width_factor", optional=True, low=_LOW)

    def __init__(
        self, height_factor: Range, width_factor: Range | None = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            height_factor, width_factor, fill_mode, interpolation, seed, fill_value, data_format, **kwargs
        )  # fmt: skip

    def places(self, drawn: Any, height: int, width: int) -> Any:
        high = wide = _between(drawn, 0, _as_range("height_factor", self.height_factor, -1.0, 1.0)) + 1.0
        if self.width_factor is not None:
            wide = _between(drawn, 1, _as_range("width_factor", self.width_factor, -1.0, 1.0)) + 1.0
        return wide, 0.0, (1.0 - wide) * ((width - 1) / 2), 0.0, high, (1.0 - high) * ((height - 1) / 2)


def _as_value_range(value: Any) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"value_range is {value!r}; expected two numbers")
    low, high = sorted(as_number(f"value_range[{i}]", bound) for i, bound in enumerate(value))
    return low, high


class _Colors(RandomImages):
    """Images with other values, which stay inside of a range."""

    value_range = Checked(_as_value_range)

    def __init__(self, factor: Range, value_range: Any, seed: int | None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.factor: Any = factor
        self.value_range = value_range

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomContrast(_Colors):
    """In training, multiplies the distance of pixels from the mean of their image and channel: ``(x - mean) * factor +
    mean``, cut at the ends of the range of values.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        factor: (a, b) draws factors from 1 - a to 1 + b. A number b from 0 to 1 stands for (0, b), as in Keras.
        value_range: the smallest and the largest value of images.
        seed: as of `Dropout`.
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    factor = _factor(0.0)

    def __init__(self, factor: Range, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, **kwargs)

    def changed(self, images: Any, drawn: Any) -> Any:
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        factor = _for_pixels(_between(drawn, 0, (1.0 - self.factor[0], 1.0 + self.factor[1])))
        return ops.clip((images - mean) * factor + mean, *self.value_range)


class RandomBrightness(_Colors):
    """In training, adds a number to all pixels of an image and cuts them at the ends of the range of values.

    Input (N, H, W, C), or on arrays (H, W, C); output the same, float32.

    Args:
        factor: bounds of the number, as shares of the range of values: a pair, or a number from -1 to 1, which stands
            for itself and its negative.
        value_range, seed, data_format: as of `RandomContrast`.

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    factor = _factor(-1.0)

    def __init__(self, factor: Range, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, **kwargs)

    def changed(self, images: Any, drawn: Any) -> Any:
        low, high = self.value_range
        return ops.clip(images + _for_pixels(_between(drawn, 0, self.factor)) * (high - low), low, high)


class RandomCrop(RandomImages):
    """In training, a part of each image at a random place. Otherwise the largest part in the middle with the
    proportions of the result, in its size.

    Input (N, H, W, C), or on arrays (H, W, C); output (N, height, width, C), float32. In training, images that are not
    larger in both directions are cut about their middle and stretched.

    Args:
        height, width: of the result.
        seed: as of `Dropout`.
        data_format: None or "channels_last".

    Raises:
        ValueError: an argument out of range; when called, an input of another rank.
    """

    draws = 2
    height, width = size("height"), size("width")

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.height = height
        self.width = width

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = self._checked(input_shape)
        return (shape[0], self.height, self.width, shape[3])

    def changed(self, images: Any, drawn: Any) -> Any:
        high, wide = images.shape[1] - self.height, images.shape[2] - self.width
        if high <= 0 or wide <= 0:
            return self._enlarged(images)
        # Rounding may bring a product up to the number of places.
        top = ops.minimum(ops.floor(drawn[:, :1] * (high + 1)), float(high))
        left = ops.minimum(ops.floor(drawn[:, 1:] * (wide + 1)), float(wide))
        nothing = ops.zeros_like(top)
        transform = [nothing + 1.0, nothing, left, nothing, nothing + 1.0, top, nothing, nothing]
        moved = ops.image.affine_transform(images, ops.concatenate(transform, axis=1), "nearest")
        return moved[:, : self.height, : self.width]

    def _enlarged(self, images: Any) -> Any:
        """What Keras gives in training for images that are not larger in both directions."""
        (rows, columns), size = images.shape[1:3], (self.height, self.width)
        high = max(min(rows, int(columns * self.height / self.width)), 1)
        wide = max(min(columns, int(rows * self.width / self.height)), 1)
        top, left = (rows - high) // 2, (columns - wide) // 2
        images = images[:, top : top + self.height, left : left + self.width]
        return images if images.shape[1:3] == size else ops.image.resize(images, size)

    def unchanged(self, images: Any) -> Any:
        return ops.image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
