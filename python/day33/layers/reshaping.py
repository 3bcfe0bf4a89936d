"""Layers that only change the shape, or put values elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .._core.arrays import as_int, as_pair
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._attributes import Checked
from ._images import check_channels_last, image_shape
from .base import Layer

Border = tuple[int, int]


class Flatten(Layer):
    """(N, ...) to (N, product of the rest), row by row; (N,) to (N, 1).

    Args:
        data_format: None or "channels_last".

    Raises:
        ValueError: another data_format.
    """

    data_format = Checked(check_channels_last)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes = tuple(input_shape[1:])
        return (input_shape[0], None if None in sizes else math.prod(sizes))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.reshape(inputs[0], (math.prod(lowering.shape(inputs[0])),))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(N, ...) to (N, *target_shape), row by row.

    Args:
        target_shape: without the batch. One size may be -1: what is left for it.

    Raises:
        ValueError: a size of 0, or more than one -1; when called, an input that does not have as many values.
    """

    def __init__(self, target_shape: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = target_shape if isinstance(target_shape, Iterable) else (target_shape,)
        self.target_shape = tuple(as_int(f"target_shape[{i}]", size, -1) for i, size in enumerate(sizes))
        if self.target_shape.count(-1) > 1 or 0 in self.target_shape:
            raise ValueError(f"target_shape is {target_shape}; expected positive sizes, at most one of them -1")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes = tuple(input_shape[1:])
        if None in sizes:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        total, known = math.prod(sizes), math.prod(size for size in self.target_shape if size != -1)
        if (total % known or not known) if -1 in self.target_shape else total != known:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)}, {total} values per sample; "
                f"expected what fits target_shape {self.target_shape}"
            )
        return (input_shape[0], *(total // known if size == -1 else size for size in self.target_shape))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        shape: Any = self.compute_output_shape((None, *lowering.shape(inputs[0])))
        return [lowering.builder.reshape(inputs[0], shape[1:])]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None if len(self.target_shape) == 3 else (low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """The axes of each sample in another order.

    Input (N, ...); output axis i is input axis ``dims[i - 1]``.

    Args:
        dims: the axes, counted from 1 without the batch.

    Raises:
        ValueError: dims does not name each axis once; when called, an input of another rank.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(as_int(f"dims[{i}]", dim, 0) for i, dim in enumerate(dims))
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims is {tuple(dims)}; expected every axis from 1 to {len(self.dims)} once")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) != len(self.dims) + 1:
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(input_shape)}; expected {len(self.dims)} axes "
                f"after the batch, as many as in dims {self.dims}"
            )
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        result = lowering.builder.permute(inputs[0], [dim - 1 for dim in self.dims])
        lowering.set_mask(result, -1)  # its axes are elsewhere now
        return [result]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if len(self.dims) > axis and self.dims[axis] == axis + 1 else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """(N, C) to (N, n, C): each row n times.

    Args:
        n: how often, at least 1.

    Raises:
        ValueError: n is no count; when called, an input of another rank.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = as_int("n", n, 1)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) != 2:
            raise ValueError(f"layer {self.name!r} was given an input of shape {tuple(input_shape)}; expected (N, C)")
        return (input_shape[0], self.n, input_shape[1])

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.broadcast_to(inputs[0], (self.n, *lowering.shape(inputs[0])))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


def _borders(argument: str, value: object) -> tuple[Border, Border]:
    """An int, a pair, or a pair of pairs as ((top, bottom), (left, right)), none below 0."""
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"{argument} is {value!r}; expected an int, a pair, or ((top, bottom), (left, right))")
        height, width = value
        return as_pair(f"{argument}[0]", height, 0), as_pair(f"{argument}[1]", width, 0)
    both = as_pair(argument, value, 0)
    return both, both


class ZeroPadding2D(Layer):
    """Zeros around images.

    Input (N, H, W, C), float32; output (N, H + top + bottom, W + left + right, C).

    Args:
        padding: an int, a pair for height and width, or ((top, bottom), (left, right)).
        data_format: None or "channels_last".

    Raises:
        ValueError: a negative size, or another data_format; when called, an input of another rank.
    """

    data_format = Checked(check_channels_last)

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = _borders("padding", padding)
        self.data_format = data_format

    def compute_output_shape(self, input_shape: Any) -> Shape:
        n, h, w, c = image_shape(self, input_shape)
        sizes = zip((h, w), self.padding, strict=True)
        return (n, *(None if size is None else size + sum(border) for size, border in sizes), c)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.pad(inputs[0], [*self.padding, (0, 0)])]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        return low - self.padding[axis][0], high - self.padding[axis][0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class Cropping2D(Layer):
    """Images without their borders.

    Input (N, H, W, C), float32; output (N, H - top - bottom, W - left - right, C).

    Args:
        cropping: an int, a pair for height and width, or ((top, bottom), (left, right)).
        data_format: None or "channels_last".

    Raises:
        ValueError: a negative size, or another data_format; when called, an input of another rank, or of which nothing
            would be left.
    """

    data_format = Checked(check_channels_last)

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = _borders("cropping", cropping)
        self.data_format = data_format

    def compute_output_shape(self, input_shape: Any) -> Shape:
        n, h, w, c = image_shape(self, input_shape)
        sizes = []
        for size, border in zip((h, w), self.cropping, strict=True):
            if size is not None and size <= sum(border):
                raise ValueError(
                    f"layer {self.name!r} was given an input of shape {tuple(input_shape)}; cropping {self.cropping} "
                    "leaves nothing of it"
                )
            sizes.append(None if size is None else size - sum(border))
        return (n, *sizes, c)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        height, width = ((-before, -after) for before, after in self.cropping)
        return [lowering.builder.pad(inputs[0], [height, width, (0, 0)])]

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int]:
        return low + self.cropping[axis][0], high + self.cropping[axis][0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}
