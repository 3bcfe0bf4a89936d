"""Schedules beside Keras, as learning rates, and as configurations."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import optimizers
from day33._core.variables import Variable
from day33.optimizers import schedules

CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
    ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 12, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "warmup_target": 0.5, "warmup_steps": 4}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 8], "values": [1.0, 0.5, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.3, "decay_steps": 12}),
    ("PolynomialDecay", {"initial_learning_rate": 0.3, "decay_steps": 12, "end_learning_rate": 0.05, "power": 0.5}),
    ("PolynomialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "power": 2.0, "cycle": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.3, "decay_steps": 3, "decay_rate": 0.6}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.3, "decay_steps": 3, "decay_rate": 0.6, "staircase": True}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 4}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.8}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 3, "t_mul": 1.5, "alpha": 0.2}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_schedules_as_keras(name, arguments):
    keras = pytest.importorskip("keras")
    ours = getattr(schedules, name)(**arguments)
    theirs = getattr(keras.optimizers.schedules, name)(**arguments)
    for step in range(40):
        assert ours(step) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-6), step


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_configurations_go_both_ways(name, arguments):
    keras = pytest.importorskip("keras")
    ours = getattr(schedules, name)(**arguments)
    theirs = getattr(keras.optimizers.schedules, name)(**arguments)
    assert schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)
    for again in (
        schedules.deserialize(keras.optimizers.schedules.serialize(theirs)),
        type(ours).from_config(ours.get_config()),
    ):
        assert type(again) is type(ours) and [again(step) for step in range(9)] == [ours(step) for step in range(9)]
    back = keras.optimizers.schedules.deserialize(schedules.serialize(ours))
    assert type(back) is type(theirs) and back.get_config() == theirs.get_config()


class Halving(schedules.LearningRateSchedule):
    def __init__(self, first):
        self.first = first

    def __call__(self, step):
        return self.first * 0.5**step


def test_a_schedule_of_ones_own_in_a_configuration():
    config = optimizers.serialize(optimizers.SGD(Halving(0.5)))
    with pytest.raises(ValueError, match="schedule is 'Halving'; expected one of"):
        optimizers.deserialize(config)
    again = optimizers.deserialize(config, {"Halving": Halving})
    assert [again.schedule(step) for step in range(3)] == [0.5, 0.25, 0.125]
    with pytest.raises(TypeError, match="which no file can hold"):
        optimizers.serialize(optimizers.SGD(lambda step: 0.1))


def test_a_schedule_drives_the_steps():
    optimizer = optimizers.SGD(lambda step: 1.0 / (step + 1))
    variable = Variable(np.zeros(1))
    for expected in (-1.0, -1.5, -1.5 - 1 / 3):
        optimizer.apply([np.ones(1, np.float32)], [variable])
        assert variable.numpy()[0] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(TypeError, match="comes from a schedule"):
        optimizer.learning_rate = 0.5
    assert optimizers.SGD(lambda: 0.25).learning_rate == 0.25  # Keras's callables take nothing


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps is 0"),
        (lambda: schedules.PolynomialDecay(0.1, -1), "decay_steps is -1"),
        (lambda: schedules.InverseTimeDecay(0.1, 0, 0.5), "decay_steps is 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps is 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul is 0.5; expected a number of at least 1"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "expected one value more"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "rising"),
        (lambda: schedules.deserialize({"class_name": "CosineDecay", "config": {"slope": 2}}), "slope=2"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
