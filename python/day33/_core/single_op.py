"""Plans of a single op, cached by shape and attributes: what a call of a function in day33.ops runs.

Shapes are without the batch. Every function is cached (bounded, safe between threads): plans are immutable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .._native import Plan, PlanBuilder

if TYPE_CHECKING:
    from .._native import Pair
    from .types import KnownShape

_cached = lru_cache(maxsize=256)


@_cached
def conv2d(
    x: KnownShape, kernel: KnownShape, biased: bool, strides: Pair, padding: str, dilation_rate: Pair, groups: int,
    activation: str, alpha: float, layout: str = "auto",
) -> Plan:  # fmt: skip
    builder = PlanBuilder()
    image = builder.input(x)
    weights = builder.parameter(kernel)
    bias = builder.parameter(kernel[3:]) if biased else -1
    y = builder.conv2d(
        image, weights, bias, strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups,
        activation=activation, alpha=alpha,
    )  # fmt: skip
    return builder.build([y], layout=layout)


@_cached
def conv2d_transpose(
    x: KnownShape, kernel: KnownShape, biased: bool, strides: Pair, padding: str,
    output_padding: tuple[int | None, int | None], dilation_rate: Pair, activation: str, alpha: float,
    layout: str = "auto",
) -> Plan:  # fmt: skip
    builder = PlanBuilder()
    image = builder.input(x)
    weights = builder.parameter(kernel)
    bias = builder.parameter(kernel[2:3]) if biased else -1
    y = builder.conv2d_transpose(
        image, weights, bias, strides=strides, padding=padding, output_padding=output_padding,
        dilation_rate=dilation_rate, activation=activation, alpha=alpha,
    )  # fmt: skip
    return builder.build([y], layout=layout)


@_cached
def dense(kernel: KnownShape, biased: bool, activation: str, alpha: float, layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    rows = builder.input(kernel[:1])
    weights = builder.parameter(kernel)
    bias = builder.parameter(kernel[1:]) if biased else -1
    return builder.build([builder.dense(rows, weights, bias, activation=activation, alpha=alpha)], layout=layout)


@_cached
def max_pool2d(
    x: KnownShape, pool_size: Pair, strides: Pair, padding: str, with_indices: bool, layout: str = "auto"
) -> Plan:
    builder = PlanBuilder()
    y, indices = builder.max_pool2d(builder.input(x), pool_size=pool_size, strides=strides, padding=padding)
    return builder.build([y, builder.to_int64(indices)] if with_indices else [y], layout=layout)


@_cached
def max_unpool2d(x: KnownShape, output_shape: tuple[int, int, int], layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    y = builder.max_unpool2d(builder.input(x), builder.input(x, "int32"), output_shape=output_shape)
    return builder.build([y], layout=layout)


@_cached
def up_sampling2d(x: KnownShape, size: Pair, interpolation: str, layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    return builder.build(
        [builder.up_sampling2d(builder.input(x), size=size, interpolation=interpolation)], layout=layout
    )


@_cached
def activation(x: KnownShape, kind: str, alpha: float, layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    return builder.build([builder.activation(builder.input(x), kind, alpha)], layout=layout)


@_cached
def avg_pool2d(x: KnownShape, pool_size: Pair, strides: Pair, padding: str, layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    y = builder.average_pool2d(builder.input(x), pool_size=pool_size, strides=strides, padding=padding)
    return builder.build([y], layout=layout)


@_cached
def depthwise_conv2d(
    x: KnownShape, kernel: KnownShape, biased: bool, strides: Pair, padding: str, dilation_rate: Pair, activation: str,
    alpha: float, layout: str = "auto",
) -> Plan:  # fmt: skip
    builder = PlanBuilder()
    image = builder.input(x)
    weights = builder.parameter(kernel)
    bias = builder.parameter((kernel[2] * kernel[3],)) if biased else -1
    y = builder.depthwise_conv2d(
        image, weights, bias, strides=strides, padding=padding, dilation_rate=dilation_rate, activation=activation,
        alpha=alpha,
    )  # fmt: skip
    return builder.build([y], layout=layout)


@_cached
def layer_norm(x: KnownShape, scale: bool, center: bool, axes: int, epsilon: float, layout: str = "auto") -> Plan:
    builder = PlanBuilder()
    values = builder.input(x)
    gamma = builder.parameter(x[len(x) - axes :]) if scale else -1
    beta = builder.parameter(x[len(x) - axes :]) if center else -1
    y = builder.layer_normalization(values, gamma, beta, axes=axes, epsilon=epsilon)
    return builder.build([y], layout=layout)


def clear() -> None:
    """Forgets every cached plan (the tests do, when they change the instruction set)."""
    for cached in (
        conv2d, conv2d_transpose, dense, max_pool2d, max_unpool2d, up_sampling2d, activation, avg_pool2d,
        depthwise_conv2d, layer_norm,
    ):  # fmt: skip
        cached.cache_clear()
