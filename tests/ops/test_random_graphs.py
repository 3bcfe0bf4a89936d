"""Random graphs of functions: traced, on arrays, and as Keras on TensorFlow computes them, with gradients.

A graph takes two inputs with a batch, a weight and a constant. Each step applies a function to values that are there,
any of which may be used again; operands are broadcast. Steps keep values of moderate size: rounding stays small.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import day33
from day33 import layers, ops
from support.graphs import check
from support.tolerances import UNIT_ROUNDOFF
from support.zoo import random

keras = pytest.importorskip("keras")
# Keras wonders about graphs in which a weight has no gradient, and about shares of a single value.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}") for text in ("Gradients do not exist", "You are using a soft")
]

BATCH = 5
CONSTANT = random(4, seed=9)

UNARY = {
    "tanh": lambda o, x: o.tanh(x),
    "sigmoid": lambda o, x: o.sigmoid(x),
    "softplus": lambda o, x: o.softplus(x),
    "sin": lambda o, x: o.sin(x),
    "exp": lambda o, x: o.exp(-o.square(x)),
    "log": lambda o, x: o.log(1.0 + o.abs(x)),
    "sqrt": lambda o, x: o.sqrt(1.0 + x * x),
    "rsqrt": lambda o, x: o.rsqrt(2.0 + o.square(x)),
    "divide": lambda o, x: x / (1.0 + o.square(x)),
    "negative": lambda o, x: 0.5 - x,
    "power": lambda o, x: o.tanh(x) ** 3,
    "clip": lambda o, x: o.clip(x, -0.77, 0.81),
    "relu": lambda o, x: o.relu(x),
    "where": lambda o, x: o.where(x > 0.13, x, 0.3 * x),
    "stop_gradient": lambda o, x: x * o.stop_gradient(o.sigmoid(x)),
    "cast": lambda o, x: x * o.cast(x > 0.11, "float32"),
    "softmax": lambda o, x: o.softmax(x, axis=-1),
    "logsumexp": lambda o, x: o.logsumexp(x, axis=-1, keepdims=True),
    "mean": lambda o, x: o.mean(x, axis=-1),
    "mean kept": lambda o, x: o.mean(x, axis=-1, keepdims=True),
    "sum": lambda o, x: 0.3 * o.sum(x, axis=-1, keepdims=True),
    "max": lambda o, x: o.max(x, axis=-1),
    "var": lambda o, x: o.var(x, axis=-1, keepdims=True),
    "mean of the batch": lambda o, x: o.mean(x, axis=0, keepdims=True),
    "reshape": lambda o, x: o.reshape(x, (o.shape(x)[0], -1)),
    "expand_dims": lambda o, x: o.expand_dims(x, 1),
    "flip": lambda o, x: o.flip(x, -1),
    "slice": lambda o, x: o.split(x, [1], axis=-1)[0],
    "tile": lambda o, x: o.repeat(x, 2, axis=-1),
    "cumsum": lambda o, x: 0.3 * o.cumsum(x, axis=-1),
}
BINARY = {
    "add": lambda o, x, y: x + y,
    "subtract": lambda o, x, y: x - y,
    "multiply": lambda o, x, y: x * y,
    "divide": lambda o, x, y: x / (1.5 + o.square(y)),
    "maximum": lambda o, x, y: o.maximum(x, y + 0.01),
    "minimum": lambda o, x, y: o.minimum(x, 0.99 * y),
    "where": lambda o, x, y: o.where(o.logical_and(x > 0.1, y < 0.7), x, y),
    "arctan2": lambda o, x, y: o.arctan2(x, 2.0 + o.square(y)),
}


@st.composite
def graphs(draw):
    """Steps: a function and the numbers of its arguments among inputs, weight, constant and results so far."""
    shapes = [draw(st.sampled_from([(4,), (3, 4), (1, 4), (2, 3, 4)])), draw(st.sampled_from([(4,), (3, 1), (3, 4)]))]
    values = [random(BATCH, *shape, seed=number) for number, shape in enumerate(shapes)]
    values += [random(4, seed=7), CONSTANT]
    steps = []
    for _ in range(draw(st.integers(4, 16))):
        places = st.integers(0, len(values) - 1)
        if draw(st.booleans()):
            name, arguments = draw(st.sampled_from(sorted(BINARY))), (draw(places), draw(places))
            one, other = (values[number].shape for number in arguments)
            if set(arguments) == {3} or not may_meet(one, other):
                continue  # of constants alone there is no graph
            function = BINARY[name]
        else:
            name, arguments = draw(st.sampled_from(sorted(UNARY))), (draw(places),)
            function = UNARY[name]
            # Functions with a batch do not take what has none, and -1 is the last axis of an array with one.
            if values[arguments[0]].ndim < 2 or values[arguments[0]].ndim > 4:
                continue
        found = np.asarray(function(ops, *(values[number] for number in arguments)))
        if found.size > 4000 or np.abs(found).max() > 30:
            continue
        values.append(found)
        steps.append((name, arguments))
    return shapes, steps


def may_meet(one, other):
    """Whether shapes broadcast, the batch with the batch alone."""
    ranks = len(one), len(other)
    if min(ranks) > 1 and ranks[0] != ranks[1]:
        return False
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return True


def program(steps):
    """The mean of all results that have a batch, sample by sample, and the result of the last step."""

    def function(o, x, y, w):
        values = [x, y, w, CONSTANT]
        for name, arguments in steps:
            given = [values[number] for number in arguments]
            values.append((BINARY if len(given) == 2 else UNARY)[name](o, *given))
        total = o.mean(o.reshape(x, (o.shape(x)[0], -1)), axis=1)
        for value in values[4:]:
            if len(value.shape) > 1 and value.shape[0] != 1:
                total = total + o.mean(o.reshape(value, (o.shape(x)[0], -1)), axis=1)
        return [total, values[-1]]

    return function


SETTINGS = settings(
    max_examples=300, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip


@SETTINGS
@given(graphs())
def test_values_and_gradients(case):
    shapes, steps = case
    if not steps:
        return
    arrays = [random(BATCH, *shape, seed=number) for number, shape in enumerate(shapes)]
    check(program(steps), *arrays, weights=[random(4, seed=7)], exact=False, tolerance=2e-5)


class Computed(layers.Layer):
    """A layer that computes a random graph of its input, with a weight."""

    def __init__(self, steps, **kwargs):
        super().__init__(**kwargs)
        self.steps = steps

    def build(self, input_shape):
        self.w = self.add_weight(shape=(4,), initializer="ones", name="w")

    def call(self, x):
        return ops.expand_dims(program(self.steps)(ops, x, 2.0 * x, self.w)[0], -1)


def of_keras(steps):
    class Theirs(keras.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(4,), initializer="ones", name="w")

        def call(self, x):
            return keras.ops.expand_dims(program(steps)(keras.ops, x, 2.0 * x, self.w)[0], -1)

    return Theirs()


@settings(SETTINGS, max_examples=40)
@given(graphs())
def test_training_steps(case):
    """Three steps of training of a model with such a layer: losses and weights as Keras's."""
    _, steps = case
    if not steps:
        return
    try:
        program(steps)(ops, *(np.ones(shape, np.float32) for shape in ((BATCH, 4), (BATCH, 4), (4,))))
    except (ValueError, IndexError):
        return  # of other shapes than these
    x, y = random(BATCH, 6, seed=3), random(BATCH, 1, seed=4)
    start = 0.5 * random(6, 4, seed=5)

    def trained(library, layer, kernel):
        i = library.Input((6,))
        dense = library.layers.Dense(4, activation="tanh")
        model = library.Model(i, layer(dense(i)))
        dense.set_weights([kernel, np.zeros(4, np.float32)])
        model.compile(library.optimizers.SGD(0.1), "mse")
        return np.array([float(model.train_on_batch(x, y)) for _ in range(3)]), model.get_weights()

    history, weights = trained(day33, Computed(steps), start)
    # What the last bit of the weights is worth; functions are wrong by some such bits, differently for each processor.
    sensitivity = [np.zeros(())] * (1 + len(weights))
    for seed in range(4):
        nudged = start * (1 + UNIT_ROUNDOFF * 2 * np.sign(random(6, 4, seed=10 + seed)))
        losses, others = trained(day33, Computed(steps), nudged.astype(np.float32))
        moved = [np.abs(losses - history).max(), *(np.abs(a - b).max() for a, b in zip(others, weights, strict=True))]
        sensitivity = [np.maximum(a, b) for a, b in zip(sensitivity, moved, strict=True)]
    losses, others = trained(keras, of_keras(steps), start)
    for mine, theirs, moved in zip([history, *weights], [losses, *others], sensitivity, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max() + 32 * moved)
