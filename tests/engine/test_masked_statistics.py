"""Batch normalisation with a mask: both layouts, in tiles that keep everything, something and nothing, against the
formula in double."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native, get_num_threads, set_num_threads

T, EPSILON = 4, 1e-3


def case(samples, channels):
    rng = np.random.default_rng(samples * 100 + channels)
    x, dy = rng.normal(1, 2, (samples, T, channels)), rng.normal(size=(samples, T, channels))
    mask = rng.random((samples, T)) < 0.5
    mask[samples // 3 : samples // 2] = False  # whole tiles of padding
    parameters = [rng.normal(1, 0.3, channels), rng.normal(size=channels), np.zeros(channels), np.ones(channels)]
    return (
        x.astype(np.float32),
        mask.astype(np.int32),
        dy.astype(np.float32),
        [p.astype(np.float32) for p in parameters],
    )


def run(x, mask, dy, values, layout):
    builder = _native.PlanBuilder()
    inputs = builder.input(x.shape[1:], "float32"), builder.input((T,), "int32")
    slots = [builder.parameter(value.shape, trainable=number < 2) for number, value in enumerate(values)]
    y = builder.batch_normalization(inputs[0], *slots, momentum=0.0, epsilon=EPSILON, mask=inputs[1])
    plan = builder.build([y], layout=layout)
    parameters = [_native.Parameter(value.shape) for value in values]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.assign(value)
    given = _native.ParameterList(parameters)
    (out,) = plan.forward([x, mask], given, training=True)
    (dx, *_), gradients = plan.backward([x, mask], [dy], given, training=True)
    return out, parameters[2].view().copy(), parameters[3].view().copy(), dx, gradients[0], gradients[1]


def formula(x, mask, dy, values):
    x, dy, keep = x.astype(np.float64), dy.astype(np.float64), mask[..., None].astype(np.float64)
    gamma, beta = (value.astype(np.float64) for value in values[:2])
    count = max(keep.sum(), 1.0)
    mean = (x * keep).sum((0, 1)) / count
    variance = ((x - mean) ** 2 * keep).sum((0, 1)) / count
    inv_std = 1 / np.sqrt(variance + EPSILON)
    xhat = (x - mean) * inv_std
    dxhat = dy * gamma
    through_statistics = keep * (dxhat.sum((0, 1)) + xhat * (dxhat * xhat).sum((0, 1))) / count
    return (xhat * gamma + beta, mean, variance, inv_std * (dxhat - through_statistics), (dy * xhat).sum((0, 1)),
            dy.sum((0, 1)))  # fmt: skip


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize("channels", [1, 5, 40])
@pytest.mark.parametrize("samples", [1, 3, 17, 300])
def test_masked_batch_statistics(samples, channels, layout):
    given = case(samples, channels)
    # Two roundings of x - mean, times 1 / std, which is at most 32.
    scale = 32 * np.abs(given[0]).max()
    for mine, correct in zip(run(*given, layout), formula(*given), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=4e-7 * max(scale, np.abs(correct).max()))


@pytest.mark.parametrize("layout", ["lanes", "channels"])
def test_the_same_bits_for_any_number_of_threads(layout):
    given, before = case(300, 5), get_num_threads()
    try:
        set_num_threads(1)
        alone = run(*given, layout)
        set_num_threads(3)
        together = run(*given, layout)
    finally:
        set_num_threads(before)
    for left, right in zip(alone, together, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_mask_of_another_shape():
    builder = _native.PlanBuilder()
    x, mask = builder.input((T, 3), "float32"), builder.input((T + 1,), "int32")
    slots = [builder.parameter((3,), trainable=True) for _ in range(4)]
    with pytest.raises(ValueError, match=r"mask has shape \(5,?\)"):
        builder.batch_normalization(x, *slots, momentum=0.5, epsilon=EPSILON, mask=mask)
