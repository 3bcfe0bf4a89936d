"""The rules beside Keras: ten steps with the same gradients, for every option; names, defaults and arguments."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import day33
from day33 import Sequential, layers, optimizers
from day33._core.variables import Variable
from support.tolerances import PROMISE, TRAINING_STEPS, UNIT_ROUNDOFF

keras = pytest.importorskip("keras")

NAMES = ["Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"]
SHAPES = [(5, 7), (7,), (3, 3, 2, 4)]
STEPS = 10

# Keras casts the betas of Adam's bias correction to float32 even where it computes in double; these are exact there.
EXACT = {"beta_1": 0.875, "beta_2": 1 - 2.0**-10}
RULES = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", EXACT),
    "amsgrad": ("Adam", {**EXACT, "amsgrad": True, "epsilon": 1e-4}),
    "adamw": ("AdamW", EXACT),
    "adamw amsgrad": ("AdamW", {**EXACT, "amsgrad": True}),
    "nadam": ("Nadam", {}),
    "nadam betas": ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}),
    "adamax": ("Adamax", {}),
    "adamax betas": ("Adamax", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    "lion": ("Lion", {"beta_1": 0.8}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adadelta rho": ("Adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-5}),
    "adagrad": ("Adagrad", {}),
    "adagrad from zero": ("Adagrad", {"initial_accumulator_value": 0.0}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop momentum": ("RMSprop", {"momentum": 0.9}),
    "rmsprop centered": ("RMSprop", {"centered": True}),
    "rmsprop all": ("RMSprop", {"momentum": 0.9, "centered": True, "rho": 0.8, "epsilon": 1e-3}),
    "ftrl": ("Ftrl", {}),
    "ftrl penalties": (
        "Ftrl",
        {
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.3,
        },
    ),
    "ftrl power": ("Ftrl", {"learning_rate_power": -0.7, "learning_rate": 0.1}),
    "ftrl linear": ("Ftrl", {"learning_rate_power": 0.0, "learning_rate": 0.1, "initial_accumulator_value": 0.0}),
}
OPTIONS = {
    "": {},
    "decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.7},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 1.5},
    "ema": {"use_ema": True, "ema_momentum": 0.7},
    "ema overwrites": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "schedule": {"learning_rate": "schedule"},
    "all": {
        "weight_decay": 0.05,
        "clipnorm": 2.0,
        "use_ema": True,
        "ema_momentum": 0.6,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
}


def arrays(seed, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def made(library, name, arguments):
    if arguments.get("learning_rate") == "schedule":
        schedule = library.optimizers.schedules.InverseTimeDecay(0.01, 2, 0.5)
        arguments = {**arguments, "learning_rate": schedule}
    return getattr(library.optimizers, name)(**arguments)


def start():
    return [value * np.float32(1e-3) for value in arrays(0)]  # small, so that their rounding hides no step


def gradients_of(step):
    gradients = arrays(step)
    gradients[1][0] = 0.0  # moments decay where the gradient is zero
    return gradients


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_ten_steps_as_keras_in_double(rule, option):
    """Keras computes in double what day33 does in float32.

    A step rounds the weight once, and computes the step from state and gradient in at most a dozen operations, whose
    errors are relative to the step; those of the state are relative to the state. 16 units of roundoff on the way that
    a weight has gone bound the second kind, one per step on its largest value the first.
    """
    name, arguments = RULES[rule]
    arguments = {**arguments, **OPTIONS[option]}
    ours, theirs = made(day33, name, arguments), made(keras, name, arguments)
    mine = [Variable(value) for value in start()]
    correct = [keras.Variable(value.astype(np.float64), dtype="float64") for value in start()]
    values = [np.asarray(variable) for variable in correct]
    way, largest = [np.zeros(shape) for shape in SHAPES], [np.abs(value) for value in values]
    for step in range(1, STEPS + 1):
        gradients = gradients_of(step)
        theirs.apply([keras.ops.convert_to_tensor(g.astype(np.float64)) for g in gradients], correct)
        ours.apply(gradients, mine)
        before, values = values, [np.asarray(variable) for variable in correct]
        for index, value in enumerate(values):
            way[index] += np.abs(value - before[index])
            largest[index] = np.maximum(largest[index], np.abs(value))
    assert ours.iterations == int(theirs.iterations) == STEPS // (arguments.get("gradient_accumulation_steps") or 1)
    for a, b, path, top in zip(mine, values, way, largest, strict=True):
        assert path.max() > 5e-5
        np.testing.assert_array_less(np.abs(a.numpy() - b), UNIT_ROUNDOFF * (16 * path + STEPS * top) + 1e-30)


@pytest.mark.parametrize("name", NAMES)
def test_ten_steps_as_keras_with_defaults(name):
    ours, theirs = getattr(optimizers, name)(), getattr(keras.optimizers, name)()
    mine, correct = [Variable(value) for value in start()], [keras.Variable(value) for value in start()]
    for step in range(1, STEPS + 1):
        gradients = gradients_of(step)
        theirs.apply_gradients(zip([keras.ops.convert_to_tensor(g) for g in gradients], correct, strict=True))
        ours.apply_gradients(zip(gradients, mine, strict=True))
    for a, b, first in zip(mine, correct, start(), strict=True):
        moved = float(np.abs(a.numpy() - first).max())
        assert moved > 5e-6
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=PROMISE, atol=PROMISE * moved)


@pytest.mark.parametrize("name", NAMES)
def test_names_defaults_and_arguments(name):
    ours, theirs = optimizers.get(name.lower()), keras.optimizers.get(name.lower())
    assert type(ours) is type(optimizers.get(name)) is getattr(optimizers, name)
    assert re.fullmatch(rf"{ours.name}(_\d+)?", theirs.name)  # Keras numbers them
    config, correct = ours.get_config(), theirs.get_config()
    assert config.pop("learning_rate") == pytest.approx(correct.pop("learning_rate"), rel=1e-6)
    assert {**config, "name": ""} == {**correct, "name": ""}
    wanted = [p for p in inspect.signature(type(theirs)).parameters.values() if p.name != "kwargs"]
    *found, own = inspect.signature(type(ours)).parameters.values()
    assert [(p.name, p.default) for p in found] == [(p.name, p.default) for p in wanted]
    assert (own.name, own.default, own.kind) == ("per_slice", False, own.KEYWORD_ONLY)


@pytest.mark.parametrize("name", [*NAMES, None])
def test_compile_takes_names(name):
    """In any case, and RMSprop where none is given, as in Keras."""
    for given in (name.lower(), name, optimizers.serialize(optimizers.get(name))) if name else ("",):
        ours, theirs = (
            lib.Sequential([lib.Input((3,)), lib.layers.Dense(2, kernel_initializer="ones")]) for lib in (day33, keras)
        )
        for model in (ours, theirs):
            model.compile(**({"optimizer": given} if given else {}), loss="mse")
            model.train_on_batch(np.ones((2, 3), np.float32), np.zeros((2, 2), np.float32))
        assert type(ours.optimizer).__name__ == type(theirs.optimizer).__name__ == (name or "RMSprop")
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=PROMISE, atol=1e-9)


def test_unknown_optimizers():
    with pytest.raises(ValueError, match="optimizer is 'lars'; expected one of Adadelta, Adagrad, Adam, AdamW"):
        optimizers.get("lars")
    with pytest.raises(TypeError, match="expected a day33 optimizer"):
        optimizers.get(3)
    with pytest.raises(ValueError, match="optimizer is 'Lars'; expected one of Adadelta"):
        optimizers.get({"class_name": "Lars", "config": {}})
    with pytest.raises(ValueError, match="SGD does not support rho=0.5"):
        optimizers.deserialize({"class_name": "SGD", "config": {"rho": 0.5}})
    with pytest.raises(TypeError, match="rho"):
        optimizers.SGD(rho=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(momentum=1.5), "momentum is 1.5"),
        (lambda: optimizers.RMSprop(momentum=-0.5), "momentum is -0.5"),
        (lambda: optimizers.RMSprop(rho=1.0), "rho is 1.0"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1 is 1.0"),
        (lambda: optimizers.Nadam(beta_2=-0.1), "beta_2 is -0.1"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1 is 0.0; expected a number above 0"),
        (lambda: optimizers.Adagrad(epsilon=-1e-3), "epsilon is -0.001"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value is -1"),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.5),
            "learning_rate_power is 0.5; expected a number of at",
        ),
        (lambda: optimizers.Ftrl(0.0).apply([np.ones(2)], [Variable(np.ones(2))]), "learning_rate is 0.0; expected"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay is None"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "at most one of clipnorm"),
        (lambda: optimizers.SGD(clipnorm=-1.0), "clipnorm is -1.0"),
        (lambda: optimizers.SGD(learning_rate=-0.1), "learning_rate is -0.1"),
        (lambda: optimizers.SGD(ema_momentum=1.1), "ema_momentum is 1.1"),
        (lambda: optimizers.SGD(ema_overwrite_frequency=-1), "ema_overwrite_frequency is -1"),
        (
            lambda: optimizers.SGD(gradient_accumulation_steps=1),
            "gradient_accumulation_steps is 1; expected at",
        ),
        (lambda: optimizers.SGD(loss_scale_factor=2.0), "loss_scale_factor is 2.0; expected None"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "value"),
    [("momentum", 2), ("clipnorm", -1), ("gradient_accumulation_steps", 1), ("weight_decay", "much")],
)
def test_attributes_are_checked_like_arguments(name, value):
    optimizer = optimizers.SGD()
    with pytest.raises((ValueError, TypeError), match=f"^{name} is"):
        setattr(optimizer, name, value)


def test_learning_rate_must_be_a_number():
    with pytest.raises(TypeError, match="learning_rate is 'fast'"):
        optimizers.SGD("fast")


def test_model_training_with_each_rule_as_keras():
    rng = np.random.default_rng(3)
    x, y = rng.random((40, 6), np.float32), rng.random((40, 2), np.float32)
    for name, arguments in [
        *RULES.values(),
        *(("Adam", OPTIONS[option]) for option in OPTIONS if option != "schedule"),
    ]:
        ours = Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
        theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
        theirs.set_weights(ours.get_weights())
        ours.compile(getattr(optimizers, name)(**arguments), "mse")
        theirs.compile(getattr(keras.optimizers, name)(**arguments), "mse")
        for begin in range(0, 40, 4):
            part = slice(begin, begin + 4)
            mine, correct = ours.train_on_batch(x[part], y[part]), theirs.train_on_batch(x[part], y[part])
            assert mine == pytest.approx(float(correct), abs=TRAINING_STEPS)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=TRAINING_STEPS)
