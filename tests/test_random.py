"""day33.random: distributions, seeds, and random numbers in graphs."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, ops, random
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced

N = 40_000
# A function of shape and seed; mean and variance of the distribution, and its bounds.
DISTRIBUTIONS = {
    "normal": (lambda s, seed: random.normal(s, 1.0, 2.0, seed=seed), 1.0, 4.0, (-np.inf, np.inf)),
    "uniform": (lambda s, seed: random.uniform(s, -1.0, 3.0, seed=seed), 1.0, 16 / 12, (-1.0, 3.0)),
    "truncated_normal": (lambda s, seed: random.truncated_normal(s, 1.0, 2.0, seed=seed), 1.0, 4 * 0.7737, (-3, 5)),
    "randint": (lambda s, seed: random.randint(s, -2, 5, seed=seed), 1.0, 4.0, (-2, 4)),
    "gamma": (lambda s, seed: random.gamma(s, 2.5, seed=seed), 2.5, 2.5, (0, np.inf)),
    "beta": (lambda s, seed: random.beta(s, 2.0, 3.0, seed=seed), 0.4, 0.04, (0, 1)),
    "binomial": (lambda s, seed: random.binomial(s, 10, 0.3, seed=seed), 3.0, 2.1, (0, 10)),
}
IN_GRAPHS = ("normal", "uniform", "truncated_normal", "randint")


def moments_are_right(values, name):
    _, mean, variance, (low, high) = DISTRIBUTIONS[name]
    values = np.asarray(values, np.float64)
    assert low <= values.min() and values.max() <= high
    assert abs(values.mean() - mean) < 5 * np.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.05
    # Neighbours do not depend on each other.
    flat = (values - values.mean()).ravel()
    assert abs(np.mean(flat[1:] * flat[:-1]) / variance) < 5 / np.sqrt(values.size)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name):
    draw = DISTRIBUTIONS[name][0]
    values = draw((N // 4, 4), 3)
    assert values.shape == (N // 4, 4) and values.dtype == (np.int32 if name == "randint" else np.float32)
    moments_are_right(values, name)
    np.testing.assert_array_equal(draw((7,), 3), draw((7,), 3))
    assert not np.array_equal(draw((7,), 3), draw((7,), 4))


@pytest.mark.parametrize("name", IN_GRAPHS)
def test_distributions_in_graphs(name):
    """In inference as in training: numbers of their own for each sample, each run and each call."""
    draw = DISTRIBUTIONS[name][0]
    x = np.zeros((N // 4, 3), np.float32)
    traced = Traced(lambda o, t: [draw((o.shape(t)[0], 4), None), draw((o.shape(t)[0], 4), None)], [x])
    one, other = traced.forward(seed=1)
    assert one.shape == other.shape == (N // 4, 4) and one.dtype == (np.int32 if name == "randint" else np.float32)
    moments_are_right(one, name)
    moments_are_right(other, name)
    again, _ = traced.forward(seed=1)
    np.testing.assert_array_equal(one, again)
    changed, _ = traced.forward(seed=2)
    for different in (other, changed, one[::-1]):
        assert np.mean(one == different) < 0.2


def test_bits_depend_on_seed_sample_and_element_alone():
    function = lambda o, t: random.normal((o.shape(t)[0], 5), seed=11)  # noqa: E731
    large = Traced(function, [np.zeros((50, 3), np.float32)]).forward(seed=4)[0]
    for size in (1, 7, 33):
        small = Traced(function, [np.zeros((size, 2), np.float32)]).forward(seed=4)[0]
        np.testing.assert_array_equal(small, large[:size])


def test_any_number_of_threads(threads):
    x = np.zeros((100, 3), np.float32)
    found = Traced(lambda o, t: random.normal((o.shape(t)[0], 5)), [x]).forward(seed=4)[0]
    from day33 import _native

    _native.set_num_threads(1)
    alone = Traced(lambda o, t: random.normal((o.shape(t)[0], 5)), [x]).forward(seed=4)[0]
    np.testing.assert_array_equal(found, alone)


def test_gradients_go_through_scale_and_offset():
    """The reparametrisation trick: z = mean + deviation * noise."""
    x = np.random.default_rng(0).standard_normal((8, 2, 5)).astype(np.float32)

    def sample(o, t):
        mean, log_var = t[:, 0], t[:, 1]
        return mean + o.exp(0.5 * log_var) * random.normal(o.shape(mean))

    traced = Traced(sample, [x])
    z = traced.forward()[0]
    noise = (z - x[:, 0]) / np.exp(0.5 * x[:, 1])
    (dx,), _ = traced.backward([np.ones_like(z)])
    np.testing.assert_allclose(dx[:, 0], 1.0, rtol=1e-6)
    np.testing.assert_allclose(dx[:, 1], 0.5 * np.exp(0.5 * x[:, 1]) * noise, rtol=1e-4, atol=1e-5)


def test_categorical():
    logits = np.log(np.float32([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]))
    drawn = random.categorical(logits, N // 2, seed=1)
    traced = Traced(lambda _, t: random.categorical(t, N // 2), [logits]).forward(seed=1)[0]
    for samples in (drawn, traced):
        assert samples.shape == (2, N // 2) and samples.dtype == np.int32
        shares = np.stack([(samples == k).mean(-1) for k in range(3)], -1)
        np.testing.assert_allclose(shares, np.exp(logits), atol=0.02)


def test_dropout():
    x = np.ones((N // 10, 10), np.float32)
    traced = Traced(lambda _, t: random.dropout(t, 0.3), [x])
    for y in (random.dropout(x, 0.3, seed=1), traced.forward(seed=1)[0]):
        np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
        assert abs((y == 0).mean() - 0.3) < 0.02
    y = traced.forward()[0]
    np.testing.assert_allclose(traced.backward([np.ones_like(y)])[0][0], y, rtol=1e-6)
    shared = Traced(lambda _, t: random.dropout(t, 0.5, noise_shape=(None, 1)), [x]).forward(seed=2)[0]
    assert np.all(shared == shared[:, :1]) and 0.4 < (shared == 0).mean() < 0.6
    assert np.all(random.dropout(x, 0.5, (None, 1), seed=3)[:, 0] == random.dropout(x, 0.5, (None, 1), seed=3)[:, 1])


def test_shuffle():
    x = np.arange(24).reshape(6, 4)
    mixed = random.shuffle(x, seed=1)
    assert sorted(mixed[:, 0]) == list(x[:, 0]) and not np.array_equal(mixed, x)
    np.testing.assert_array_equal(np.sort(random.shuffle(x, axis=1, seed=1), 1), x)


def test_seed_generators():
    one, other = random.SeedGenerator(5), random.SeedGenerator(5, name="mine")
    assert [random.normal((2,), seed=one)[0] for _ in range(3)] == [
        random.normal((2,), seed=other)[0] for _ in range(3)
    ]
    assert random.SeedGenerator.from_config(one.get_config()).get_state() == random.SeedGenerator(5).get_state()
    assert other.name == "mine" and random.SeedGenerator().get_config() == {"seed": None}
    day33.set_random_seed(3)
    first = random.uniform((2,))
    day33.set_random_seed(3)
    np.testing.assert_array_equal(random.uniform((2,)), first)


class Noisy(layers.Layer):
    def call(self, x):
        return x + random.normal(ops.shape(x))


class Mixed(layers.Layer):
    """A number of the batch, not of the sample."""

    def call(self, x):
        return x * random.uniform((), 0.5, 2.0)


def test_layers_draw_anew_in_every_run():
    """Training, evaluation and prediction, also of portions of one call."""
    x = np.zeros((4, 3), np.float32)
    i = day33.Input((3,))
    dense = layers.Dense(3, kernel_initializer="zeros")
    for model in (day33.Model(i, Noisy()(dense(i))), day33.Model(i, dense(i) + random.normal(ops.shape(i)))):
        model.compile(day33.optimizers.SGD(0.0), "mse")
        losses = {float(model.train_on_batch(x, x)) for _ in range(4)}
        losses |= {float(model.test_on_batch(x, x)) for _ in range(4)}
        losses |= {float(np.mean(model.predict(x, verbose=0) ** 2)) for _ in range(4)}
        losses |= {float(np.mean(np.asarray(model(x)) ** 2)) for _ in range(4)}
        assert len(losses) == 16
        y = model.predict(np.zeros((4, 3), np.float32), batch_size=2, verbose=0)
        assert not np.any(y[:2] == y[2:])
    day33.set_random_seed(3)
    first = model.predict(x, verbose=0)
    day33.set_random_seed(3)
    np.testing.assert_array_equal(model.predict(x, verbose=0), first)


def test_a_plain_shape_in_a_call_is_drawn_for_the_batch():
    layer = Mixed()
    i = day33.Input((3,))
    model = day33.Model(i, layer(i))
    y = model.predict(np.ones((6, 3), np.float32), verbose=0)
    assert np.all(y == y[0, 0]) and 0.5 <= y[0, 0] < 2.0


def test_initial_weights_are_arrays():
    """Of a layer that draws them itself, also where a call is being traced."""

    class Drawn(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(3,), initializer=lambda shape, dtype=None: random.normal(shape, seed=1))

        def call(self, x):
            return x * self.w

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Drawn()

        def call(self, x):
            return self.inner(x)

    layer = Outer()
    np.testing.assert_allclose(layer(np.ones((1, 3), np.float32))[0], random.normal((3,), seed=1), rtol=1e-6)


SYMBOL = SymbolicTensor((None, 3))
WRONG = {
    "a shape": (lambda: random.normal((2, -1)), ValueError, r"shape\[1\] is -1; expected at least 0"),
    "a seed": (lambda: random.normal((2,), seed="a"), TypeError, "seed is 'a'; expected an integer"),
    "dtype": (lambda: random.normal((2,), dtype="int32"), ValueError, "dtype is 'int32'; expected \"float32\""),
    "bounds": (lambda: random.randint((2,), 3, 3), ValueError, "minval is 3 and maxval is 3; expected a lower minval"),
    "integers": (lambda: random.randint((2,), 0, 3, "float32"), ValueError, "dtype is 'float32'; expected \"int32\""),
    "logits": (lambda: random.categorical(np.zeros(3), 2), ValueError, r"logits have shape \(3,\); expected \(N, C\)"),
    "symbolic logits": (lambda: random.categorical(SYMBOL[:, None], 2), ValueError, "expected \\(N, C\\)"),
    "rate": (lambda: random.dropout(SYMBOL, 1.0), ValueError, "rate is 1.0; expected at least 0 and below 1"),
    "noise_shape": (lambda: random.dropout(SYMBOL, 0.5, (None,)), ValueError, "noise_shape is .* as many axes"),
    "shuffle": (lambda: random.shuffle(SYMBOL), TypeError, "expected an array: day33 has no shuffle inside of a graph"),
    "gamma": (lambda: random.gamma((ops.shape(SYMBOL)[0],), 1.0), TypeError, "day33 has no gamma there"),
    "axis": (lambda: random.shuffle(np.zeros((2, 3)), 2), ValueError, r"axis is 2 and x has shape \(2, 3\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()
