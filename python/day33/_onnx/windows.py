"""Operators on images and sequences: convolutions, pooling, resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import layers, ops
from .._graph.tensors import SymbolicTensor
from .registry import Call, Result, reads
from .values import BATCH, Value, channels_last

_LOWEST = float(np.finfo(np.float32).min)  # never wins in a maximum


class _Window:
    """The attributes that windows have, for the spatial axes of an input.

    Attributes:
        x: channels last. rank: of the spatial axes. size, strides, dilation: along each.
        before, behind: padding along each.
    """

    def __init__(self, call: Call, size: Sequence[int]) -> None:
        self._call = call
        value = call.given(0)
        self.rank = value.rank - 2
        if self.rank not in (1, 2):
            raise ValueError(f"its input has shape {value.sizes}; expected (N, C, T) or (N, C, H, W)")
        self.order = channels_last(value.rank)
        self.x: SymbolicTensor = value.tensor(self.order)
        self.sizes = list(self.x.shape[1:-1])
        self.size = tuple(size)
        self.strides = self._numbers(call, "strides", 1)
        self.dilation = self._numbers(call, "dilations", 1)
        if len(self.size) != self.rank or min(self.size) < 1:
            raise ValueError(f"its window is {self.size}; expected {self.rank} sizes")
        self.reach = [(size - 1) * step + 1 for size, step in zip(self.size, self.dilation, strict=True)]
        self.automatic = call.expect("auto_pad", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
        pads = list(call.get("pads", (0,) * (2 * self.rank)))
        if len(pads) != 2 * self.rank or min(pads) < 0:
            raise ValueError(f"its attribute 'pads' is {pads}; expected {2 * self.rank} numbers, none below 0")
        if self.automatic == "VALID":
            pads = [0] * (2 * self.rank)
        self.before, self.behind = pads[: self.rank], pads[self.rank :]

    def _numbers(self, call: Call, name: str, default: int) -> tuple[int, ...]:
        found = call.get(name, (default,) * self.rank)
        if len(found) != self.rank or any(number < 1 for number in found):
            raise ValueError(f"its attribute {name!r} is {found}; expected {self.rank} numbers above 0")
        return tuple(found)

    def same(self) -> list[int] | None:
        """The padding in sum along each axis that day33 calls "same", where that is known."""
        totals = []
        for size, stride, reach in zip(self.sizes, self.strides, self.reach, strict=True):
            if size is None and stride > 1:
                return None
            steps = 0 if size is None else size - (-(-size // stride) - 1) * stride
            totals.append(reach - 1 if size is None else max(reach - steps, 0))
        return totals

    def set_behind(self, behind: Sequence[int]) -> None:
        self.behind = list(behind)

    def padding(self) -> str | None:
        """ "valid" or "same" where it is one of them; None where borders are needed."""
        if self.automatic == "SAME_UPPER":
            return "same"
        totals = self.same()
        if self.automatic == "SAME_LOWER":
            if totals is None:
                raise ValueError("it pads inputs of open sizes; expected known sizes")
            self.behind = [total // 2 for total in totals]
            self.before = [total - total // 2 for total in totals]
        if not any(self.before) and not any(self.behind):
            return "valid"
        if totals is not None and self.before == [total // 2 for total in totals]:
            if self.behind == [total - total // 2 for total in totals]:
                return "same"
        return None

    def bordered(self, number: float = 0.0) -> SymbolicTensor:
        """The input with its borders."""
        borders = [(0, 0), *zip(self.before, self.behind, strict=True), (0, 0)]
        if number == 0.0 and any(map(any, borders)):
            pairs: Any = borders[1:-1]
            name = self._call.unique(f"{self._call.name}_padding")
            result: SymbolicTensor = _layer("ZeroPadding", self.rank)(pairs if self.rank == 2 else pairs[0], name=name)(
                self.x
            )
        else:
            result = ops.pad(self.x, borders, constant_values=number)
        return result


def _layer(name: str, rank: int) -> Any:
    return getattr(layers, f"{name}{rank}D")


def _with_weights(layer: Any, x: SymbolicTensor, *weights: Any) -> SymbolicTensor:
    result: SymbolicTensor = layer(x)
    layer.set_weights([np.asarray(weight, np.float32) for weight in weights])
    return result


def _bias(call: Call, channels: int) -> list[Any]:
    if not call.has(2):
        return []
    bias = call.constant(2)
    if bias.shape != (channels,):
        raise ValueError(f"its bias has shape {bias.shape}; expected {(channels,)}")
    return [bias]


@reads("Conv")
def _convolution(call: Call) -> Result:
    kernel = call.constant(1)  # (O, C / groups, ...)
    if kernel.ndim < 3:
        raise ValueError(f"its kernel has shape {kernel.shape}; expected (O, C, ...)")
    window = _Window(call, kernel.shape[2:])
    groups, outputs = call.get("group", 1), kernel.shape[0]
    channels = window.x.shape[-1]
    if groups < 1 or channels != kernel.shape[1] * groups or outputs % groups:
        raise ValueError(f"its kernel has shape {kernel.shape} for {channels} channels in {groups} groups")
    padding = window.padding()
    x = window.x if padding else window.bordered()
    bias = _bias(call, outputs)
    options = {
        "strides": window.strides, "padding": padding or "valid", "dilation_rate": window.dilation,
        "use_bias": bool(bias), "name": call.name,
    }  # fmt: skip
    spatial = tuple(range(2, kernel.ndim))
    if groups == channels and groups > 1 and len(set(window.strides)) == 1:
        make, arguments = _layer("DepthwiseConv", window.rank), {"depth_multiplier": outputs // groups}
        weight = kernel.reshape(groups, outputs // groups, *window.size).transpose(*spatial, 0, 1)
    else:
        make, arguments = _layer("Conv", window.rank), {"filters": outputs, "groups": groups}
        weight = kernel.transpose(*spatial, 1, 0)
    layer = call.layer(lambda: make(kernel_size=window.size, **arguments, **options), options["padding"])
    return Value.of(_with_weights(layer, x, weight, *bias), window.order)


@reads("ConvTranspose")
def _transposed_convolution(call: Call) -> Result:
    kernel = call.constant(1)  # (C, O, ...)
    if kernel.ndim < 3:
        raise ValueError(f"its kernel has shape {kernel.shape}; expected (C, O, ...)")
    call.expect("group", 1)
    window = _Window(call, kernel.shape[2:])
    if window.automatic not in ("NOTSET", "VALID") or "output_shape" in call.node.attributes:
        raise ValueError("its padding follows from other attributes; expected 'pads' and 'output_padding'")
    if window.x.shape[-1] != kernel.shape[0]:
        raise ValueError(f"its kernel has shape {kernel.shape} for {window.x.shape[-1]} channels")
    extra = tuple(call.get("output_padding", (0,) * window.rank))
    bias = _bias(call, kernel.shape[1])
    options: dict[str, Any] = {
        "strides": window.strides, "dilation_rate": window.dilation, "use_bias": bool(bias), "name": call.name,
    }  # fmt: skip
    surplus = [reach - stride for reach, stride in zip(window.reach, window.strides, strict=True)]
    wanted = [b + e - o for b, e, o in zip(window.before, window.behind, extra, strict=True)]
    same = wanted == surplus and all(
        before == max(total, 0) // 2 for before, total in zip(window.before, surplus, strict=True)
    )
    if not same:  # everything, and then the borders are cut off
        options["output_padding"] = extra
        if any(more >= stride for more, stride in zip(extra, window.strides, strict=True)):
            raise ValueError(f"its attribute 'output_padding' is {extra}; expected less than the strides")
    kind = getattr(layers, f"Conv{window.rank}DTranspose")
    made = call.layer(lambda: kind(kernel.shape[1], window.size, padding="same" if same else "valid", **options))
    weight = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    result = _with_weights(made, window.x, weight, *bias)
    if not same and (any(window.before) or any(window.behind)):
        pairs: Any = tuple(zip(window.before, window.behind, strict=True))
        name = call.unique(f"{call.name}_cropping")
        result = _layer("Cropping", window.rank)(pairs if window.rank == 2 else pairs[0], name=name)(result)
    return Value.of(result, window.order)


# ---- pooling ----


def _pooling_window(call: Call) -> _Window:
    window = _Window(call, call.get("kernel_shape"))
    if max(window.dilation) > 1:
        raise ValueError(f"its attribute 'dilations' is {window.dilation}; expected 1")
    if call.get("ceil_mode", 0):
        behind = []
        for n, size in enumerate(window.sizes):
            if size is None:
                raise ValueError("its attribute 'ceil_mode' is 1 for an input of open sizes; expected known ones")
            given = size + window.before[n] + window.behind[n] - window.size[n]
            count = -(-given // window.strides[n]) + 1
            if (count - 1) * window.strides[n] >= size + window.before[n]:  # would begin in the border
                count -= 1
            behind.append(max((count - 1) * window.strides[n] - given, 0) + window.behind[n])
        window.set_behind(behind)
    return window


@reads("MaxPool")
def _max_pooling(call: Call) -> Result:
    if len(call.wanted) > 1 and call.wanted[1]:
        raise ValueError("its indices are read; expected its first output alone")
    window = _pooling_window(call)
    padding = window.padding()
    x = window.x if padding else window.bordered(_LOWEST)
    layer = _layer("MaxPooling", window.rank)(window.size, window.strides, padding or "valid", name=call.name)
    return Value.of(layer(x), window.order)


@reads("AveragePool")
def _average_pooling(call: Call) -> Result:
    behind = list(call.get("pads", ())) or [0]
    window = _pooling_window(call)
    counted = call.expect("count_include_pad", 0, 1)
    padding = window.padding()
    grown = call.get("ceil_mode", 0) and window.behind != behind[len(behind) // 2 :]
    if padding is None or (counted and padding == "same"):
        if not counted or grown:
            raise ValueError(
                f'its padding is {window.before} and {window.behind}; expected none, that of "same", or that which '
                "counts in the mean"
            )
        x, padding = window.bordered(), "valid"
    else:
        x = window.x
    layer = _layer("AveragePooling", window.rank)(window.size, window.strides, padding, name=call.name)
    return Value.of(layer(x), window.order)


def _with_positions(call: Call) -> tuple[Value, tuple[int, ...]]:
    """The first input, (N, C, T) or (N, C, H, W), and its axes with the channels last."""
    value = call.given(0)
    if value.rank not in (3, 4):
        raise ValueError(f"its input has shape {value.sizes}; expected (N, C, T) or (N, C, H, W)")
    return value, channels_last(value.rank)


@reads("GlobalAveragePool", "GlobalMaxPool")
def _global_pooling(call: Call) -> Result:
    value, order = _with_positions(call)
    name = "GlobalAveragePooling" if call.node.op == "GlobalAveragePool" else "GlobalMaxPooling"
    layer = _layer(name, value.rank - 2)(keepdims=True, name=call.name)
    return Value.of(layer(value.tensor(order)), order)


# ---- resizing ----


@reads("Resize", "Upsample")
def _resize(call: Call) -> Result:
    value, order = _with_positions(call)
    x, rank = value.tensor(order), value.rank - 2
    factors = _factors(call, value)
    mode = call.get("mode", "nearest")
    if call.node.op == "Upsample":
        places, rounding = "asymmetric", "floor"
    else:
        places = call.get("coordinate_transformation_mode", "half_pixel")
        rounding = call.get("nearest_mode", "round_prefer_floor")
    whole = all(float(factor).is_integer() and factor >= 1 for factor in factors)
    if mode == "nearest" and whole and (places, rounding) == ("asymmetric", "floor"):
        counts = tuple(int(factor) for factor in factors)
        layer = _layer("UpSampling", rank)(counts if rank == 2 else counts[0], name=call.name)
        return Value.of(layer(x), order)
    half = places in ("half_pixel", "pytorch_half_pixel")
    if rank == 2 and half and mode == "linear" and not call.get("antialias", 0):
        if whole:
            counts = tuple(int(factor) for factor in factors)
            return Value.of(layers.UpSampling2D(counts, interpolation="bilinear", name=call.name)(x), order)
        sizes = [math.floor((size or 0) * factor) for size, factor in zip(x.shape[1:-1], factors, strict=True)]
        return Value.of(ops.image.resize(x, tuple(sizes), interpolation="bilinear"), order)
    raise ValueError(
        f"its mode is {mode!r} with {places!r} and {rounding!r} by factors of {factors}; expected 'nearest' by whole "
        "factors with 'asymmetric' and 'floor', or 'linear' of images with 'half_pixel'"
    )


def _factors(call: Call, value: Value) -> list[float]:
    """By how much the spatial axes grow."""
    if call.node.op == "Upsample" and call.opset < 9:
        scales = list(call.get("scales"))
    elif call.node.op == "Upsample" or call.opset < 11:
        scales = call.constant(1).reshape(-1).tolist()
    elif call.has(2) and call.constant(2).size:
        scales = call.constant(2).reshape(-1).tolist()
    else:
        wanted = call.given(3).numbers()
        sizes = [1 if size is BATCH else size for size in value.sizes]
        wanted = [1 if size is BATCH else size for size in wanted]
        scales = [wish / mine if wish != mine else 1.0 for wish, mine in zip(wanted, sizes, strict=True)]
    if "axes" in call.node.attributes or len(scales) != value.rank or scales[:2] != [1.0, 1.0]:
        raise ValueError(f"its scales are {scales}; expected 1 for batch and channels and one for each other axis")
    if any(not 0 < scale < 1e6 for scale in scales):
        raise ValueError(f"its scales are {scales}; expected numbers above 0")
    return [float(scale) for scale in scales[2:]]
