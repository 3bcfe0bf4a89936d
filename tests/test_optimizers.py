"""Optimizers: steps beside Keras, clipping, schedules, state."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from day33 import Sequential, layers, optimizers
from day33._core.variables import Variable
from day33.optimizers import schedules
from support.tolerances import PROMISE, TRAINING_STEPS

SHAPES = [(5, 7), (7,), (3, 3, 2, 4)]

# name: (class, arguments) for both sides
RULES = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "sgd default": ("SGD", {}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adadelta default": ("Adadelta", {}),
    "adadelta rho": ("Adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-5}),
    "adam": ("Adam", {}),
    "adam betas": ("Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
    "clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.7}),
    "clipvalue": ("Adam", {"learning_rate": 0.1, "clipvalue": 0.3}),
    "global_clipnorm": ("SGD", {"learning_rate": 0.1, "momentum": 0.5, "global_clipnorm": 1.5}),
    "weight_decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.2}),
    "weight_decay adam": ("Adam", {"learning_rate": 0.1, "weight_decay": 0.01}),
}


def arrays(seed, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("rule", RULES)
def test_ten_steps_as_keras(rule):
    keras = pytest.importorskip("keras")
    name, arguments = RULES[rule]
    ours = getattr(optimizers, name)(**arguments)
    theirs = getattr(keras.optimizers, name)(**arguments)
    first = [value * np.float32(1e-3) for value in arrays(0)]  # small, so that their rounding hides no step
    mine = [Variable(value) for value in first]
    correct = [keras.Variable(value) for value in first]
    for step in range(10):
        gradients = arrays(step + 1)
        gradients[1][0] = 0.0  # moments decay where the gradient is zero
        theirs.apply_gradients(zip([keras.ops.convert_to_tensor(g) for g in gradients], correct, strict=True))
        ours.apply([g.copy() for g in gradients], mine)
    assert ours.iterations == int(theirs.iterations) == 10
    for a, b, start in zip(mine, correct, first, strict=True):
        moved = float(np.abs(a.numpy() - start).max())
        assert moved > 5e-6
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=PROMISE, atol=PROMISE * moved)


def test_names_and_defaults():
    keras = pytest.importorskip("keras")
    for name in ("sgd", "adadelta", "adam", "Adam"):
        ours, theirs = optimizers.get(name), keras.optimizers.get(name)
        assert type(ours).__name__ == type(theirs).__name__
        assert ours.name == theirs.name.split("_")[0]  # Keras numbers them
        config = theirs.get_config()
        assert ours.learning_rate == pytest.approx(config["learning_rate"], rel=1e-6)
        for argument in ("momentum", "nesterov", "rho", "epsilon", "beta_1", "beta_2", "weight_decay", "clipnorm"):
            if argument in config:
                assert getattr(ours, argument) == config[argument]


def test_unknown_optimizers():
    with pytest.raises(ValueError, match="'rmsprop'; expected one of adadelta, adam, sgd"):
        optimizers.get("rmsprop")
    with pytest.raises(TypeError, match="expected a day33 optimizer"):
        optimizers.get(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(momentum=1.5), "momentum is 1.5"),
        (lambda: optimizers.Adam(amsgrad=True), "amsgrad"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1 is 1.0"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "at most one of clipnorm"),
        (lambda: optimizers.SGD(clipnorm=-1.0), "clipnorm is -1.0"),
        (lambda: optimizers.SGD(learning_rate=-0.1), "learning_rate is -0.1"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps is 0"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "expected one value more"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "rising"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_learning_rate_must_be_a_number():
    with pytest.raises(TypeError, match="learning_rate is 'fast'"):
        optimizers.SGD("fast")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6}),
        ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
        ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 12, "alpha": 0.1}),
        ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "warmup_target": 0.5, "warmup_steps": 4}),
        ("PiecewiseConstantDecay", {"boundaries": [3, 8], "values": [1.0, 0.5, 0.1]}),
    ],
)
def test_schedules_as_keras(name, arguments):
    keras = pytest.importorskip("keras")
    ours = getattr(schedules, name)(**arguments)
    theirs = getattr(keras.optimizers.schedules, name)(**arguments)
    for step in range(25):
        assert ours(step) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-7), step


def test_a_schedule_drives_the_steps():
    optimizer = optimizers.SGD(lambda step: 1.0 / (step + 1))
    variable = Variable(np.zeros(1))
    for expected in (-1.0, -1.5, -1.5 - 1 / 3):
        optimizer.apply([np.ones(1, np.float32)], [variable])
        assert variable.numpy()[0] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(TypeError, match="comes from a schedule"):
        optimizer.learning_rate = 0.5
    assert optimizers.SGD(lambda: 0.25).learning_rate == 0.25  # Keras's callables take nothing


def test_clipping_leaves_small_gradients_alone():
    for arguments in ({"clipnorm": 10.0}, {"clipvalue": 10.0}, {"global_clipnorm": 10.0}):
        plain, clipped = Variable(np.ones(3)), Variable(np.ones(3))
        gradient = np.array([1, -2, 3], np.float32)
        optimizers.SGD(0.1).apply([gradient.copy()], [plain])
        optimizers.SGD(0.1, **arguments).apply([gradient.copy()], [clipped])
        np.testing.assert_array_equal(plain.numpy(), clipped.numpy())


def test_not_a_number_spreads_when_clipping_all():
    variables = [Variable(np.ones(2)), Variable(np.ones(2))]
    bad = np.array([math.nan, 1], np.float32)
    optimizers.SGD(0.1, global_clipnorm=1.0).apply([bad, np.ones(2, np.float32)], variables)
    assert all(np.isnan(variable.numpy()).all() for variable in variables)


@pytest.mark.parametrize("rule", ["momentum", "nesterov", "adadelta", "adam", "sgd"])
def test_state_goes_on_with_the_same_bits(rule):
    name, arguments = RULES[rule]

    def run(optimizer, variables, steps):
        for step in steps:
            optimizer.apply(arrays(step), variables)

    whole, straight = getattr(optimizers, name)(**arguments), [Variable(v) for v in arrays(0)]
    run(whole, straight, range(1, 9))

    before, variables = getattr(optimizers, name)(**arguments), [Variable(v) for v in arrays(0)]
    run(before, variables, range(1, 5))
    state = before.get_state()
    assert all(isinstance(value, np.ndarray) for value in state.values())
    after, again = getattr(optimizers, name)(**arguments), [Variable(v.numpy()) for v in variables]
    after.learning_rate = 0.123  # comes with the state
    after.build(again)
    after.set_state(state)
    assert after.iterations == 4
    run(after, again, range(5, 9))
    for a, b in zip(straight, again, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_state_that_does_not_fit():
    optimizer = optimizers.Adam()
    optimizer.build([Variable(np.zeros((2, 3)))])
    state = optimizer.get_state()
    with pytest.raises(ValueError, match="only one side has velocity|only one side has 0/velocity"):
        optimizer.set_state({key: value for key, value in state.items() if key != "0/velocity"})
    with pytest.raises(ValueError, match=r"0/velocity is float32 of shape \(3, 2\)"):
        optimizer.set_state({**state, "0/velocity": np.zeros((3, 2), np.float32)})
    with pytest.raises(ValueError, match="iterations is not a number"):
        optimizer.set_state({**state, "iterations": np.zeros(2)})


def test_an_optimizer_belongs_to_its_variables():
    optimizer = optimizers.Adam()
    mine = Variable(np.zeros(2), path="mine")
    optimizer.apply_gradients([(np.ones(2, np.float32), mine)])
    with pytest.raises(ValueError, match="does not know other"):
        optimizer.apply([np.ones(2, np.float32)], [Variable(np.zeros(2), path="other")])


def test_copies_of_a_model_train_apart():
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    x, y = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
    optimizer = optimizers.Adam()
    optimizer.build(model.trainable_variables)
    optimizer.apply([np.ones(v.shape, np.float32) for v in model.trainable_variables], model.trainable_variables)
    twin = copy.copy(optimizer)
    assert twin.iterations == 1
    twin.apply([np.ones(v.shape, np.float32) for v in model.trainable_variables], model.trainable_variables)
    assert (twin.iterations, optimizer.iterations) == (2, 1)
    assert model.predict(x).shape == y.shape


def test_model_training_with_each_rule_as_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    x, y = rng.random((40, 6), np.float32), rng.random((40, 2), np.float32)
    for name, arguments in RULES.values():
        ours = Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
        theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
        theirs.set_weights(ours.get_weights())
        ours.compile(getattr(optimizers, name)(**arguments), "mse")
        theirs.compile(getattr(keras.optimizers, name)(**arguments), "mse")
        for start in range(0, 40, 4):
            part = slice(start, start + 4)
            mine, correct = ours.train_on_batch(x[part], y[part]), theirs.train_on_batch(x[part], y[part])
            assert mine == pytest.approx(float(correct), abs=TRAINING_STEPS)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=TRAINING_STEPS)
