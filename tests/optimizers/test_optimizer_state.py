"""The state of optimizers: it goes on with the same bits, through arrays, copies and pickles."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from day33 import Sequential, layers, optimizers
from day33._core.variables import Variable

RULES = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adam": ("Adam", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "nadam": ("Nadam", {}),
    "adamax": ("Adamax", {}),
    "lion": ("Lion", {}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "ftrl": ("Ftrl", {}),
    "means": ("SGD", {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}),
    "accumulating": ("AdamW", {"gradient_accumulation_steps": 3, "use_ema": True}),
}


def arrays(seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in [(5, 7), (7,), (3, 3, 2, 4)]]


def run(optimizer, variables, steps):
    for step in steps:
        optimizer.apply(arrays(step), variables)


def through_arrays(optimizer, variables):
    after = type(optimizer).from_config(optimizer.get_config())
    after.learning_rate = 0.123  # comes with the state
    again = [Variable(variable.numpy()) for variable in variables]
    after.build(again)
    after.set_state(optimizer.get_state())
    return after, again


def through_a_copy(optimizer, variables):
    return copy.deepcopy((optimizer, variables))


def through_a_pickle(optimizer, variables):
    return pickle.loads(pickle.dumps((optimizer, variables)))


@pytest.mark.parametrize("way", [through_arrays, through_a_copy, through_a_pickle])
@pytest.mark.parametrize("rule", RULES)
def test_it_goes_on_with_the_same_bits(rule, way):
    name, arguments = RULES[rule]
    whole, straight = getattr(optimizers, name)(**arguments), [Variable(v) for v in arrays(0)]
    run(whole, straight, range(1, 10))
    before, variables = getattr(optimizers, name)(**arguments), [Variable(v) for v in arrays(0)]
    run(before, variables, range(1, 6))  # in the middle of an accumulation
    after, again = way(before, variables)
    assert after.steps == 5 and after.iterations == before.iterations
    run(after, again, range(6, 10))
    for a, b in zip([*straight, *whole.variables], [*again, *after.variables], strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert before.steps == 5


def test_state_that_does_not_fit():
    optimizer = optimizers.Adam()
    optimizer.build([Variable(np.zeros((2, 3)))])
    state = optimizer.get_state()
    with pytest.raises(ValueError, match="only one side has 0/velocity"):
        optimizer.set_state({key: value for key, value in state.items() if key != "0/velocity"})
    with pytest.raises(ValueError, match=r"0/velocity is float32 of shape \(3, 2\)"):
        optimizer.set_state({**state, "0/velocity": np.zeros((3, 2), np.float32)})
    with pytest.raises(ValueError, match="iterations is not a number"):
        optimizer.set_state({**state, "iterations": np.zeros(2)})
    with pytest.raises(ValueError, match="only one side has 0/average"):
        other = optimizers.Adam(use_ema=True)
        other.build([Variable(np.zeros((2, 3)))])
        other.set_state(state)


def test_copies_of_a_model_train_apart():
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    optimizer = optimizers.Adam()
    gradients = [np.ones(v.shape, np.float32) for v in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    twin = copy.copy(optimizer)
    assert twin.iterations == 1
    twin.apply(gradients, model.trainable_variables)
    assert (twin.iterations, optimizer.iterations) == (2, 1)


@pytest.mark.parametrize("rule", RULES)
def test_slots_come_in_the_order_of_keras(rule):
    keras = pytest.importorskip("keras")
    name, arguments = RULES[rule]
    ours, theirs = getattr(optimizers, name)(**arguments), getattr(keras.optimizers, name)(**arguments)
    ours.build([Variable(v) for v in arrays(0)])
    theirs.build([keras.Variable(v) for v in arrays(0)])
    slots = theirs.variables[2 : 2 + len(ours.variables)]
    assert [slot.shape for slot in ours.variables] == [tuple(slot.shape) for slot in slots]
    assert len(theirs.variables) == 2 + len(ours.variables) + len(ours.derived_numbers())
    for key, slot in zip(ours.slot_order(), slots, strict=True):
        known = {"velocity": "momentum"} if name == "SGD" else {}
        known |= {"squares": "accumulated_grad", "deltas": "accumulated_delta_var"}
        ending = key.partition("/")[2]
        assert slot.path.endswith(known.get(ending, ending))
