"""Random numbers of a plan: the distribution, and what they depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from day33 import _native
from support.plans import LAYOUTS


def plan_of(kind, shape, seed, layout="auto", inputs=True):
    builder = _native.PlanBuilder()
    outputs = [builder.random(kind, shape, seed)]
    if inputs:
        outputs.append(builder.input(()))
    return builder.build(outputs, layout=layout)


def draw(kind, shape, seed=1, samples=40, run_seed=0, layout="auto", **options):
    x = np.zeros(samples, np.float32)
    return plan_of(kind, shape, seed, layout).forward([x], [], seed=run_seed, **options)[0]


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_numbers_depend_on_seeds_sample_and_element_only(kind, restored_threads):
    shape = (5, 77)
    whole = draw(kind, shape)
    assert whole.shape == (40, *shape)
    for layout in LAYOUTS:
        np.testing.assert_array_equal(draw(kind, shape, layout=layout), whole)
        np.testing.assert_array_equal(draw(kind, shape, layout=layout, samples=3), whole[:3])
        np.testing.assert_array_equal(draw(kind, shape, layout=layout, training=True), whole)
    np.testing.assert_array_equal(draw(kind, (64,)), whole.reshape(40, -1)[:, :64])
    large = draw(kind, (300_000,), samples=1)
    for threads in (1, 3):
        _native.set_num_threads(threads)
        np.testing.assert_array_equal(draw(kind, (300_000,), samples=1), large)
    for other in (draw(kind, shape, seed=2), draw(kind, shape, run_seed=1), whole[1:]):
        assert not (other == whole[: len(other)]).any(axis=(1, 2)).all()
        assert np.mean(other == whole[: len(other)]) < 1e-3
    assert plan_of(kind, shape, 1).is_random


def test_a_plan_without_inputs_has_one_sample():
    plan = plan_of("normal", (7,), 3, inputs=False)
    np.testing.assert_array_equal(plan.forward([], [], seed=5)[0], draw("normal", (7,), 3, 1, 5))


def test_dropout_of_the_same_seed_is_independent():
    builder = _native.PlanBuilder()
    x = builder.input((4000,))
    plan = builder.build([builder.dropout(x, 0.5, 9), builder.random("uniform", (4000,), 9)])
    kept, numbers = plan.forward([np.ones((1, 4000), np.float32)], [], training=True)
    assert abs(np.corrcoef(kept[0] != 0, numbers[0])[0, 1]) < 0.1


def test_uniform_numbers():
    x = draw("uniform", (100_000,), samples=10).ravel().astype(np.float64)
    assert x.min() >= 0 and x.max() < 1
    assert len(np.unique(x)) > 0.9 * 2**24 * (1 - math.exp(-x.size / 2**24))
    counts = np.histogram(x, 100, (0, 1))[0]
    expected = x.size / 100
    assert ((counts - expected) ** 2 / expected).sum() < 99 + 6 * math.sqrt(2 * 99)  # chi-squared, six deviations
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 6 / math.sqrt(x.size)


def test_normal_numbers():
    x = draw("normal", (100_000,), samples=10).ravel().astype(np.float64)
    n = x.size
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        spread = math.sqrt({1: 1, 2: 2, 3: 15, 4: 96, 6: 10170}[power] / n)  # the deviation of the mean of x^power
        assert abs((x**power).mean() - moment) < 6 * spread
    edges = np.linspace(-3.5, 3.5, 71)
    cdf = np.array([0.5 * math.erfc(-e / math.sqrt(2)) for e in edges])
    counts, expected = np.histogram(x, edges)[0], np.diff(cdf) * n
    assert ((counts - expected) ** 2 / expected).sum() < 70 + 6 * math.sqrt(140)
    # The pairs of Box and Muller, which lie 16 elements apart, are independent, their squares too.
    blocks = x[: n // 64 * 64].reshape(-1, 4, 16)
    for f in (lambda v: v, np.square):
        assert abs(np.corrcoef(f(blocks[:, 0].ravel()), f(blocks[:, 1].ravel()))[0, 1]) < 6 / math.sqrt(n / 4)
    assert np.abs(x).max() > 4


def test_random_numbers_pass_no_gradient_but_are_multiplied_by_one():
    builder = _native.PlanBuilder()
    scale = builder.input((6,))
    noise = builder.random("normal", (6,), 4)
    plan = builder.build([builder.binary("multiply", scale, noise), noise])
    x = np.full((5, 6), 2, np.float32)
    y, numbers = plan.forward([x], [], seed=8)
    np.testing.assert_array_equal(y, 2 * numbers)
    (dx,), _ = plan.backward([x], [np.ones_like(x), np.ones_like(x)], [], seed=8)
    np.testing.assert_array_equal(dx, numbers)


def test_refusals():
    builder = _native.PlanBuilder()
    with pytest.raises(ValueError, match=r"kind is 'gamma'; expected 'uniform' or 'normal'"):
        builder.random("gamma", (3,), 1)
    with pytest.raises(ValueError, match=r"shape is \(-1,\); expected dimensions from 0 to 2\^40"):
        builder.random("normal", (-1,), 1)
