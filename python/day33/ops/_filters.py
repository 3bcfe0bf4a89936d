"""Convolutions and pooling of images (N, H, W, C) and of sequences (N, W, C), which are images of height 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from .._native import conv_output_length, conv_transpose_output_length
from ._elementwise import as_float

Pair = tuple[int, int]


def as_pair(sizes: Sequence[Any], along_height: Any = 1) -> tuple[Any, Any]:
    """Sizes of height and width, where there may be a width alone."""
    height, width = sizes if len(sizes) == 2 else (along_height, *sizes)
    return height, width


@dataclass(frozen=True)
class Filter(Function):
    """What slides along the axes between the batch and the channels of its first argument.

    Attributes:
        strides, padding: the steps along each of these axes, and "valid" or "same".
    """

    strides: tuple[int, ...]
    padding: str
    samples: ClassVar[int] = 1
    keras_module: ClassVar[str] = "nn"

    def keeps_samples(self, *given: Given) -> bool:
        x, *others = given
        return x.batched and not any(item.batched for item in others)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x = operands[0]
        tensor = as_float(plan, x)
        if len(x.shape) == 2:
            tensor = plan.builder.reshape(tensor, (1, *x.shape))
        slots = [item.slot for item in operands[1:]]
        result = self._write(plan, tensor, *slots)
        if len(x.shape) == 2:
            result = plan.builder.reshape(result, plan.shape(result)[1:])
        return [result]

    def _write(self, plan: Writer, x: int, *slots: Any) -> int:
        """Writes the op on an image."""
        raise NotImplementedError

    def _check(self, given: Sequence[Spec]) -> None:
        """ValueError for ranks that do not fit."""
        x = given[0].shape
        axes = len(self.strides)
        if len(x) != axes + 2:
            raise ValueError(f"inputs have shape {x} and strides are {self.strides}; expected one stride for each axis "
                             "between the batch and the channels")  # fmt: skip
        for kernel in given[1:]:
            if len(kernel.shape) != axes + 2:
                raise ValueError(f"kernel has shape {kernel.shape} and inputs {x}; expected {axes + 2} axes")

    def _lengths(self, shape: Shape, windows: Sequence[int], length: Callable[..., int]) -> Shape:
        """The sizes of the result along the axes between batch and channels."""
        sizes = shape[1:-1]
        for size, window in zip(sizes, windows, strict=True):
            if size is not None and self.padding == "valid" and size < window:
                raise ValueError(f'inputs have shape {shape}; expected at least {window} cells for padding "valid"')
        return tuple(None if size is None else length(axis, size) for axis, size in enumerate(sizes))


@dataclass(frozen=True)
class Conv(Filter):
    """Convolution with a kernel (..., C / groups, O)."""

    dilation_rate: tuple[int, ...]
    keras_name = "Conv"

    def infer(self, *given: Spec) -> Spec:
        self._check(given)
        x, kernel = given[0].shape, known(given[1])
        channels, outputs = x[-1], kernel[-1]
        groups = channels // kernel[-2] if channels and kernel[-2] else 0
        if channels is not None and (not groups or channels % kernel[-2] or outputs % groups):
            raise ValueError(f"kernel has shape {kernel} and inputs have shape {x}; expected (..., C / groups, O) with "
                             "groups a divisor of C and O")  # fmt: skip
        return Spec((x[0], *self._sizes(x, kernel), outputs))

    def _sizes(self, x: Shape, kernel: Sequence[int]) -> Shape:
        windows = [(size - 1) * step + 1 for size, step in zip(kernel, self.dilation_rate, strict=False)]
        return self._lengths(x, windows, lambda axis, size: conv_output_length(
            size, kernel[axis], self.strides[axis], self.dilation_rate[axis], self.padding
        ))  # fmt: skip

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        groups = operands[0].shape[-1] // operands[1].shape[-2]
        return Filter.emit(_Grouped(self.strides, self.padding, self.dilation_rate, groups), plan, operands, first)

    def get_config(self) -> dict[str, Any]:
        return {**_config(self), "dilation_rate": list(self.dilation_rate)}


@dataclass(frozen=True)
class _Grouped(Conv):
    """A convolution whose groups are known."""

    groups: int

    def _write(self, plan: Writer, x: int, *slots: Any) -> int:
        return plan.builder.conv2d(
            x, slots[0], strides=as_pair(self.strides), padding=self.padding,
            dilation_rate=as_pair(self.dilation_rate), groups=self.groups,
        )  # fmt: skip


@dataclass(frozen=True)
class DepthwiseConv(Conv):
    """Convolution of every channel by itself with a kernel (..., C, M)."""

    keras_name = "DepthwiseConv"

    def infer(self, *given: Spec) -> Spec:
        self._check(given)
        x, kernel = given[0].shape, known(given[1])
        if x[-1] not in (None, kernel[-2]):
            raise ValueError(f"kernel has shape {kernel} and inputs have shape {x}; expected (..., {x[-1]}, M)")
        return Spec((x[0], *self._sizes(x, kernel), kernel[-2] * kernel[-1]))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return Filter.emit(self, plan, operands, first)

    def _write(self, plan: Writer, x: int, *slots: Any) -> int:
        return plan.builder.depthwise_conv2d(
            x, slots[0], strides=as_pair(self.strides), padding=self.padding,
            dilation_rate=as_pair(self.dilation_rate),
        )  # fmt: skip


@dataclass(frozen=True)
class ConvTranspose(Filter):
    """Transposed convolution with a kernel (..., O, C)."""

    output_padding: tuple[int | None, ...]
    dilation_rate: tuple[int, ...]
    keras_name = "ConvTranspose"

    def infer(self, *given: Spec) -> Spec:
        self._check(given)
        x, kernel = given[0].shape, known(given[1])
        if x[-1] not in (None, kernel[-1]):
            raise ValueError(f"kernel has shape {kernel} and inputs have shape {x}; expected (..., O, {x[-1]})")
        sizes = self._lengths(x, [1] * len(self.strides), lambda axis, size: conv_transpose_output_length(
            size, kernel[axis], self.strides[axis], self.dilation_rate[axis], self.padding, self.output_padding[axis]
        ))  # fmt: skip
        return Spec((x[0], *sizes, kernel[-2]))

    def _write(self, plan: Writer, x: int, *slots: Any) -> int:
        return plan.builder.conv2d_transpose(
            x, slots[0], strides=as_pair(self.strides), padding=self.padding,
            output_padding=as_pair(self.output_padding, None), dilation_rate=as_pair(self.dilation_rate),
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        padding = None if None in self.output_padding else list(self.output_padding)
        return {**_config(self), "output_padding": padding, "dilation_rate": list(self.dilation_rate)}


@dataclass(frozen=True)
class Pool(Filter):
    """The largest value or the mean of every window, channel by channel."""

    kind: str  # "max" or "average"
    pool_size: tuple[int, ...]

    @property
    def keras_name(self) -> str:  # type: ignore[override]
        return f"{self.kind.capitalize()}Pool"

    def infer(self, *given: Spec) -> Spec:
        self._check(given)
        x = given[0].shape
        sizes = self._lengths(x, self.pool_size, lambda axis, size: conv_output_length(
            size, self.pool_size[axis], self.strides[axis], 1, self.padding
        ))  # fmt: skip
        return Spec((x[0], *sizes, x[-1]))

    def _write(self, plan: Writer, x: int, *slots: Any) -> int:
        size, strides = as_pair(self.pool_size), as_pair(self.strides)
        if self.kind == "max":
            return plan.builder.max_pool2d(x, pool_size=size, strides=strides, padding=self.padding)[0]
        return plan.builder.average_pool2d(x, pool_size=size, strides=strides, padding=self.padding)

    def get_config(self) -> dict[str, Any]:
        return {"pool_size": list(self.pool_size), **_config(self)}


def known(kernel: Spec) -> tuple[int, ...]:
    """The shape of a kernel. ValueError where a size is unknown or 0."""
    sizes = tuple(size for size in kernel.shape if size)
    if len(sizes) < len(kernel.shape):
        raise ValueError(f"kernel has shape {kernel.shape}; expected known sizes of at least 1")
    return sizes


def _config(function: Filter) -> dict[str, Any]:
    return {"strides": list(function.strides), "padding": function.padding, "data_format": "channels_last"}
