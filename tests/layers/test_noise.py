"""Layers that are noisy in training: their formulas with the numbers that were drawn, distributions, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import _native, layers
from day33._graph.lowering import Lowering
from support.zoo import random

N, SEED, RUN = 37, 5, 91
CASES = {
    "GaussianNoise": {"stddev": 0.3},
    "GaussianDropout": {"rate": 0.4},
    "AlphaDropout": {"rate": 0.4},
    "AlphaDropout shared": {"rate": 0.4, "noise_shape": (None, 1, 7)},
}
SHAPE = (5, 7)
LOW = -1.6732632423543772 * 1.0507009873554805  # selu at minus infinity


def make(case, **arguments):
    return getattr(layers, case.split()[0])(**{**CASES[case], "seed": SEED, **arguments})


def drawn(case):
    """The numbers of the op behind a layer with SEED in a run with RUN."""
    builder = _native.PlanBuilder()
    builder.input(SHAPE)
    kind = "uniform" if case.startswith("Alpha") else "normal"
    shape = (1, 7) if "shared" in case else SHAPE
    plan = builder.build([builder.random(kind, shape, SEED)], layout="channels")
    return plan.forward([np.zeros((N, *SHAPE), np.float32)], [], training=True, seed=RUN)[0].astype(np.float64)


def by_definition(case, x, numbers):
    """The output, and its derivative by each value of x."""
    if case == "GaussianNoise":
        return x + 0.3 * numbers, np.ones_like(x)
    if case == "GaussianDropout":
        factor = 1 + np.sqrt(0.4 / 0.6) * numbers
        return x * factor, factor
    kept = np.broadcast_to(numbers >= 0.4, x.shape)
    a = (0.6 * (1 + 0.4 * LOW**2)) ** -0.5
    return a * np.where(kept, x, LOW) - a * LOW * 0.4, a * kept


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize("case", CASES)
def test_by_definition(case, layout, isa):
    lowering = Lowering()
    outputs = make(case).lower(lowering, [lowering.input(SHAPE, "float32")])
    plan = lowering.builder.build(outputs, layout=layout)
    x, dy = random(N, *SHAPE), random(N, *SHAPE, seed=1)
    y, slope = by_definition(case, x.astype(np.float64), drawn(case))
    np.testing.assert_allclose(plan.forward([x], [], training=True, seed=RUN)[0], y, rtol=1e-5, atol=1e-5)
    dx, _ = plan.backward([x], [dy], [], training=True, seed=RUN)
    np.testing.assert_allclose(dx[0], slope * dy, rtol=1e-5, atol=1e-5)
    # Otherwise nothing is drawn, and nothing changes.
    np.testing.assert_array_equal(plan.forward([x], [], seed=RUN)[0], x)
    np.testing.assert_array_equal(plan.backward([x], [dy], [], seed=RUN)[0][0], dy)
    assert [row["kind"] for row in plan.describe()] == ["by_mode"]


@pytest.mark.parametrize("case", CASES)
def test_mean_and_variance_stay(case):
    """40,000 values of mean 0 and variance 1; with GaussianNoise the variances add up."""
    x = random(400, 5, 20)
    layer = make(case, **({"noise_shape": (None, 1, 20)} if "shared" in case else {}))
    y = layer(x, training=True)
    variance = {"GaussianNoise": 1.09, "GaussianDropout": 1 / 0.6}.get(case, 1.0)
    # Five standard errors; where five values share a draw there are a fifth as many.
    share = 5 if "shared" in case else 1
    assert y.mean() == pytest.approx(x.mean(), abs=5 * np.sqrt(variance * share / x.size))
    assert y.var() == pytest.approx(variance, abs=5 * np.sqrt(8 * share / x.size) * variance)
    assert not np.array_equal(y, layer(x, training=True))
    np.testing.assert_array_equal(layer(x), x)


@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_draws_the_same(case, restored_threads):
    x = random(300, *SHAPE)

    def draw():
        day33.set_random_seed(3)
        return make(case, seed=None)(x, training=True)

    results = []
    for count in (1, 2, 3):
        _native.set_num_threads(count)
        results.append(draw())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("case", CASES)
def test_models_train_with_noise(case):
    model = day33.Sequential([day33.Input(SHAPE), make(case), layers.Flatten(), layers.Dense(3)])
    x, y = random(64, *SHAPE), random(64, 3, seed=1)
    quiet = day33.Model(model.input, model.layers[-1](model.layers[-2](model.input)))
    np.testing.assert_array_equal(model.predict(x, verbose=0), quiet.predict(x, verbose=0))
    model.compile("sgd", "mse")
    history = model.fit(x, y, epochs=15, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("case", CASES)
def test_a_call_in_training_mode_is_always_noisy(case):
    x = day33.Input(SHAPE)
    model, data = day33.Model(x, make(case)(x, training=True)), random(N, *SHAPE)
    for result in (model(data), model.predict(data, verbose=0), model(data, training=True)):
        assert not np.array_equal(result, data)
    assert not np.array_equal(model.predict(data, verbose=0), model.predict(data, verbose=0))


def test_nothing_to_do_is_nothing_done():
    x = random(3, *SHAPE)
    for layer in (layers.GaussianNoise(0.0), layers.GaussianDropout(0.0), layers.AlphaDropout(0)):
        np.testing.assert_array_equal(layer(x, training=True), x)


@pytest.mark.parametrize(
    ("construct", "message"),
    [
        (lambda: layers.GaussianNoise(1.5), "stddev is 1.5; expected 0 <= stddev <= 1"),
        (lambda: layers.GaussianNoise(-0.5), "stddev is -0.5"),
        (lambda: layers.GaussianDropout(1.0), "rate is 1.0; expected 0 <= rate < 1"),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(1, 2)), "noise_shape is .1, 2."),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(None, 2, 1))(random(3, 4, 5)), "fits its noise_shape"),
        (lambda: layers.GaussianNoise(0.5, seed=-1), "seed is -1"),
    ],
)
def test_refused(construct, message):
    with pytest.raises(ValueError, match=message):
        construct()
