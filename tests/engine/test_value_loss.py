"""The loss that a plan computes itself, and gradients of inputs from a training step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from day33 import _native
from support.plans import LAYOUTS


def squares(shape, layout, reduction, weight=1.0):
    """A plan whose loss is (x * p)^2 for x and a parameter p of `shape`."""
    builder = _native.PlanBuilder()
    x, slot = builder.input(shape), builder.parameter(shape)
    y = builder.unary("square", builder.binary("multiply", x, builder.parameter_value(slot)))
    builder.loss(y, "value", reduction=reduction, weight=weight)
    return builder.build([y], layout=layout)


def parameters_of(*values):
    parameters = [_native.Parameter(value.shape) for value in values]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.assign(value)
    return _native.ParameterList(parameters)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 2)])
def test_sums_gradients_and_weights(shape, reduction, layout):
    rng = np.random.default_rng(1)
    for samples, weighting in itertools.product([1, 7, 35], ["none", "sample", "position"]):
        x = rng.integers(-3, 4, (samples, *shape)).astype(np.float32)
        p = rng.integers(-2, 3, shape).astype(np.float32)
        weights = None
        if weighting != "none":
            weights = rng.integers(0, 3, samples if weighting == "sample" else x.shape).astype(np.float32)
        plan, given = squares(shape, layout, reduction, weight=0.5), parameters_of(p)
        gradient = np.empty_like(p)
        sums, outputs, (dx,) = plan.train_step(
            [x], [None], [weights], given, [gradient], want_outputs=True, want_input_gradients=True
        )
        w = 1.0 if weights is None else weights.reshape(weights.shape + (1,) * (x.ndim - weights.ndim))
        value = (x * p).astype(np.float64) ** 2
        assert sums == [(w * value).sum()]
        np.testing.assert_array_equal(outputs[0], value)
        scale = 0.5 if reduction == "sum" else 0.5 / x.size
        np.testing.assert_allclose(dx, scale * w * 2 * x * p * p, rtol=1e-6)
        np.testing.assert_allclose(gradient, (scale * w * 2 * x * x * p).sum(axis=0), rtol=1e-6)
        assert plan.evaluate([x], [None], [weights], given)[0] == sums
        assert len(plan.train_step([x], [None], [weights], given, [gradient])) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_beside_another_loss_of_the_same_tensor(layout):
    rng = np.random.default_rng(2)
    x, t = (rng.integers(-3, 4, (19, 6)).astype(np.float32) for _ in range(2))
    builder = _native.PlanBuilder()
    i = builder.input((6,))
    builder.loss(i, "mean_squared_error", reduction="sum")
    builder.loss(i, "value", reduction="sum")
    plan = builder.build([], layout=layout)
    sums, _, (dx,) = plan.train_step([x], [t, None], [None, None], parameters_of(), [], want_input_gradients=True)
    np.testing.assert_allclose(sums, [((x - t) ** 2).mean(axis=1).sum(), x.sum()], rtol=1e-6)
    np.testing.assert_allclose(dx, 2 * (x - t) / 6 + 1, rtol=1e-6)


def test_input_gradients_of_a_network_are_central_differences():
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(5, 6, 6, 2)).astype(np.float32), rng.integers(0, 3, 5).astype(np.int32)
    values = [rng.normal(size=s).astype(np.float32) for s in ((3, 3, 2, 4), (4,), (64, 3), (3,))]

    def build(layout):
        builder = _native.PlanBuilder()
        i, whole = builder.input((6, 6, 2)), builder.input((2,), "int32")
        slots = [builder.parameter(v.shape) for v in values]
        y = builder.conv2d(i, slots[0], slots[1], activation="tanh")
        y = builder.dense(builder.reshape(y, (64,)), slots[2], slots[3])
        builder.loss(y, "sparse_categorical_crossentropy", from_logits=True)
        return builder.build([y, whole], layout=layout)

    given, whole = parameters_of(*values), np.zeros((5, 2), np.int32)
    gradients = [np.empty_like(v) for v in values]
    direction = rng.normal(size=x.shape).astype(np.float32)
    for layout in LAYOUTS:
        plan = build(layout)
        _, _, (dx, none) = plan.train_step([x, whole], [t], [None], given, gradients, want_input_gradients=True)
        assert none is None
        loss = [plan.evaluate([x + s * direction, whole], [t], [None], given)[0][0] / 5 for s in (-2e-3, 2e-3)]
        assert abs((loss[1] - loss[0]) / 4e-3 - (dx * direction).sum()) < 1e-3


def test_empty_batches():
    plan = squares((3,), "auto", "mean")
    p = np.ones(3, np.float32)
    gradient = np.full(3, 7, np.float32)
    x = np.zeros((0, 3), np.float32)
    sums, _, (dx,) = plan.train_step([x], [None], [None], parameters_of(p), [gradient], want_input_gradients=True)
    assert sums == [0.0] and dx.shape == (0, 3) and not gradient.any()


def test_refusals():
    plan, given = squares((3,), "auto", "mean"), parameters_of(np.ones(3, np.float32))
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"y is an array; expected None for a loss without a target"):
        plan.evaluate([x], [x], [None], given)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(2, 2\); expected \(2, 3\)"):
        plan.evaluate([x], [None], [x[:, :2].copy()], given)
    builder = _native.PlanBuilder()
    i = builder.input((3,))
    builder.loss(i, "mean_squared_error")
    with pytest.raises(ValueError, match=r"y is None; expected an array"):
        builder.build([i]).evaluate([x], [None], [None], parameters_of())
    builder = _native.PlanBuilder()
    with pytest.raises(ValueError, match=r"prediction has dtype int32; expected float32"):
        builder.loss(builder.input((3,), "int32"), "value")
