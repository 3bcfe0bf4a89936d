"""Layers that only change the shape, or put values elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .._core.arrays import as_int, as_pair
from .._core.types import Shape
from .._graph.lowering import Lowering
from ._attributes import Checked, check_channels_last
from ._spatial import Spatial
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


class _Borders(Spatial):
    """Adds to, or takes from, each end of each axis but that of the channels."""

    def _borders(self) -> list[Border]:
        """What is added before and after, of each axis."""
        raise TypeError(f"{type(self).__name__} does not define _borders")

    @classmethod
    def _checked_borders(cls, argument: str, value: Any) -> Any:
        """None below 0: of sequences an int or a pair; of images an int, a pair, or ((top, bottom), (left, right))."""
        if cls.rank == 1:
            return as_pair(argument, value, 0)
        if isinstance(value, tuple | list):
            if len(value) != 2:
                raise ValueError(f"{argument} is {value!r}; expected an int, a pair, or ((top, bottom), (left, right))")
            height, width = value
            return as_pair(f"{argument}[0]", height, 0), as_pair(f"{argument}[1]", width, 0)
        both = as_pair(argument, value, 0)
        return both, both

    def _by_axis(self, borders: Any) -> list[Border]:
        return [borders] if self.rank == 1 else list(borders)

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        sizes = zip(shape[1:-1], self._borders(), strict=True)
        return [None if size is None else size + sum(border) for size, border in sizes]

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        return [lowering.builder.pad(inputs[0], [*self._borders(), (0, 0)])]

    def _span(self, low: int, high: int, axis: int) -> tuple[int, int]:
        before, _ = self._borders()[axis]
        return low - before, high - before


class _ZeroPadding(_Borders):
    padding: Any

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = self._checked_borders("padding", padding)
        self.data_format = data_format

    def _borders(self) -> list[Border]:
        return self._by_axis(self.padding)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Input (N, H, W, C), float32; output (N, H + top + bottom, W + left + right, C).

    Args:
        padding: an int, a pair for height and width, or ((top, bottom), (left, right)).
        data_format: None or "channels_last".

    Raises:
        ValueError: a negative size, or another data_format; when called, an input of another rank.
    """


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences.

    Input (N, T, C), float32; output (N, before + T + after, C).

    Args:
        padding: an int, or a pair (before, after).
        data_format: None or "channels_last".

    Raises:
        ValueError: a negative size, or another data_format; when called, an input of another rank.
    """

    rank = 1


class _Cropping(_Borders):
    cropping: Any

    def _borders(self) -> list[Border]:
        return [(-before, -after) for before, after in self._by_axis(self.cropping)]

    def _output_sizes(self, shape: Shape) -> list[int | None]:
        sizes = super()._output_sizes(shape)
        if any(size is not None and size < 1 for size in sizes):
            raise ValueError(
                f"layer {self.name!r} was given an input of shape {tuple(shape)}; cropping {self.cropping} leaves "
                "nothing of it"
            )
        return sizes

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


class Cropping2D(_Cropping):
    """Images without their borders.

    Input (N, H, W, C), float32; output (N, H - top - bottom, W - left - right, C).

    Args:
        cropping: an int, a pair for height and width, or ((top, bottom), (left, right)).
        data_format: None or "channels_last".

    Raises:
        ValueError: a negative size, or another data_format; when called, an input of another rank, or of which nothing
            would be left.
    """

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self._checked_borders("cropping", cropping)
        self.data_format = data_format

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Cropping1D(_Cropping):
    """Sequences without their ends.

    Input (N, T, C), float32; output (N, T - before - after, C).

    Args:
        cropping: an int, or a pair (before, after).

    Raises:
        ValueError: a negative size; when called, an input of another rank, or of which nothing would be left.
    """

    rank = 1

    def __init__(self, cropping: int | Sequence[int] = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self._checked_borders("cropping", cropping)
