"""What happens around the rules in a step: gradients that are missing or of another kind, clipping, weight decay,
means of weights, accumulated gradients, and options that change on the way.
"""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest

import day33
from day33 import Sequential, layers, optimizers
from day33._core.variables import Variable
from support.tolerances import PROMISE, TRAINING_STEPS


def variables(*values):
    return [Variable(np.array(value, np.float32), name=f"v{index}") for index, value in enumerate(values)]


# ---- gradients ----


def test_none_leaves_a_variable_alone_with_a_warning_as_keras():
    keras = pytest.importorskip("keras")
    mine = variables([1, 2], [3, 4])
    correct = [keras.Variable(v.numpy(), name=v.name) for v in mine]
    ours, theirs = optimizers.SGD(0.1, momentum=0.9), keras.optimizers.SGD(0.1, momentum=0.9)
    for gradients in (([1, 1], [1, 1]), (None, [2, 1]), ([1, 1], [1, 1])):
        arrays = [None if g is None else np.array(g, np.float32) for g in gradients]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ours.apply_gradients(zip(arrays, mine, strict=True))
            count = len(caught)
            theirs.apply_gradients(zip(arrays, correct, strict=True))
        assert count == len(caught) - count == (None in gradients)
        if count:
            text = r"Gradients do not exist for variables \['v0'\] when minimizing the loss"
            assert all(re.match(text, str(item.message)) for item in caught)
    for a, b in zip(mine, correct, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=PROMISE)


def test_no_gradient_at_all():
    optimizer, (variable,) = optimizers.SGD(), variables([1.0])
    with pytest.raises(ValueError, match="every gradient is None"):
        optimizer.apply([None], [variable])
    optimizer.apply([], [])
    optimizer.apply_gradients([])
    assert optimizer.iterations == 0 and not optimizer.built


@pytest.mark.parametrize(
    "gradient", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), np.array([[1.0, 3.0], [2.0, 4.0]]).T]
)
def test_gradients_are_anything_that_is_an_array(gradient):
    (variable,) = variables(np.zeros((2, 2)))
    assert optimizers.SGD(1.0).apply_gradients([(gradient, variable)]) == 1
    np.testing.assert_array_equal(variable.numpy(), [[-1, -2], [-3, -4]])


@pytest.mark.parametrize(
    ("gradients", "error", "message"),
    [
        ([np.ones(3)], ValueError, r"gradient of variable 'v0' has shape \(3,\); expected \(2,\)"),
        ([["a", "b"]], TypeError, "gradient of variable 'v0' has dtype"),
        ([np.ones(2), np.ones(2)], ValueError, "grads has 2 entries; expected one for each of 1 variables"),
    ],
)
def test_bad_gradients_change_nothing(gradients, error, message):
    optimizer, mine = optimizers.SGD(), variables([1, 2])
    with pytest.raises(error, match=message):
        optimizer.apply(gradients, mine)
    np.testing.assert_array_equal(mine[0].numpy(), [1, 2])
    assert optimizer.iterations == 0


def test_variables_may_be_left_out_once_it_is_built():
    optimizer, mine = optimizers.SGD(1.0), variables([1.0], [2.0])
    with pytest.raises(ValueError, match="belongs to no variables yet"):
        optimizer.apply([np.ones(1)])
    optimizer.build(mine)
    optimizer.apply([np.ones(1), np.ones(1)])
    assert [v.numpy()[0] for v in mine] == [0, 1]


def test_an_optimizer_belongs_to_its_variables():
    optimizer, (mine,) = optimizers.Adam(), variables([1, 2])
    optimizer.apply_gradients([(np.ones(2, np.float32), mine)])
    with pytest.raises(ValueError, match="does not know other"):
        optimizer.apply([np.ones(2, np.float32)], [Variable(np.zeros(2), path="other")])


# ---- clipping ----


@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_leaves_small_gradients_and_the_callers_arrays_alone(option):
    plain, clipped, cut = variables(np.ones(3), np.ones(3), np.ones(3))
    gradient = np.array([1, -2, 3], np.float32)
    optimizers.SGD(0.1).apply([gradient], [plain])
    optimizers.SGD(0.1, **{option: 10.0}).apply([gradient], [clipped])
    np.testing.assert_array_equal(plain.numpy(), clipped.numpy())
    optimizers.SGD(0.1, **{option: 0.5}).apply([gradient], [cut])
    assert np.all(cut.numpy() != plain.numpy())
    np.testing.assert_array_equal(gradient, [1, -2, 3])


@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clipping_what_is_not_finite_as_keras(option, bad):
    keras = pytest.importorskip("keras")
    mine = variables([1, 1], [1, 1])
    correct = [keras.Variable(v.numpy()) for v in mine]
    gradients = [np.array([bad, 1], np.float32), np.ones(2, np.float32)]
    optimizers.SGD(0.1, **{option: 1.0}).apply(gradients, mine)
    keras.optimizers.SGD(0.1, **{option: 1.0}).apply(gradients, correct)
    for a, b in zip(mine, correct, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=PROMISE)


# ---- weight decay ----


@pytest.mark.parametrize("by", ["variables", "names", "layer", "both", "nothing"])
def test_exclusion_from_weight_decay_as_keras(by):
    keras = pytest.importorskip("keras")
    x, y = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
    models = []
    for library in (day33, keras):
        first, last = library.layers.Dense(4, name="first"), library.layers.Dense(2, name="last")
        model = library.Sequential([library.Input((3,)), first, last])
        optimizer = library.optimizers.AdamW(0.01, weight_decay=5.0)
        optimizer.exclude_from_weight_decay(
            var_list=[first.kernel] if by in ("variables", "both") else None,
            var_names={"names": ["bias"], "both": ["bias", "nowhere"], "layer": ["last/"]}.get(by),
        )
        model.compile(optimizer, "mse")
        models.append(model)
    ours, theirs = models
    weights = [np.full(w.shape, 1 + i, np.float32) for i, w in enumerate(ours.get_weights())]
    for model in models:
        model.set_weights(weights)
        for _ in range(3):
            model.train_on_batch(x, y)
    excluded = 0
    for a, b, before in zip(ours.get_weights(), theirs.get_weights(), weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=TRAINING_STEPS)
        excluded += np.abs(a / before - 1).max() < 0.1
    assert excluded == {"variables": 1, "names": 2, "layer": 2, "both": 3, "nothing": 0}[by]


# ---- means of weights ----


def models_with(*arguments, **options):
    keras = pytest.importorskip("keras")
    ours = Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
    theirs.set_weights(ours.get_weights())
    for library, model in ((day33, ours), (keras, theirs)):
        model.compile(library.optimizers.SGD(*arguments, **options), "mse")
    return ours, theirs


def data(seed=3):
    rng = np.random.default_rng(seed)
    return rng.random((40, 6), np.float32), rng.random((40, 2), np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {"use_ema": True, "ema_momentum": 0.9},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 3},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2, "gradient_accumulation_steps": 2},
        {"ema_momentum": 0.5, "ema_overwrite_frequency": 1},  # without use_ema they mean nothing
    ],
)
def test_fit_as_keras(options):
    x, y = data()
    ours, theirs = models_with(0.3, momentum=0.5, **options)
    for model in (ours, theirs):
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TRAINING_STEPS)
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)


def test_fit_ends_with_the_means_and_the_means_go_on():
    x, y = data()
    model, _ = models_with(0.3, use_ema=True, ema_momentum=0.9)
    twin = Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
    twin.set_weights(model.get_weights())
    twin.compile(optimizers.SGD(0.3), "mse")
    mean = None
    for begin in range(0, 40, 4):
        twin.train_on_batch(x[begin : begin + 4], y[begin : begin + 4])
        now = twin.get_weights()
        mean = now if mean is None else [0.9 * m + 0.1 * w for m, w in zip(mean, now, strict=True)]
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), mean, strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=1e-6)


def test_a_weight_that_becomes_trainable_begins_its_mean_with_itself():
    x, y = data()
    model, _ = models_with(0.3, use_ema=True, ema_momentum=0.5)
    model.layers[0].trainable = False
    model.train_on_batch(x, y)
    kernel = model.layers[0].kernel
    before = kernel.numpy()
    model.layers[0].trainable = True
    model.train_on_batch(x, y)
    expected = 0.5 * before + 0.5 * kernel.numpy()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    np.testing.assert_allclose(kernel.numpy(), expected, rtol=PROMISE)


def test_accumulated_gradients_are_a_larger_batch():
    x, y = data()
    small, _ = models_with(0.3, momentum=0.9, gradient_accumulation_steps=5)
    large, _ = models_with(0.3, momentum=0.9)
    large.set_weights(small.get_weights())
    before = small.get_weights()
    for begin in range(0, 36, 4):
        small.train_on_batch(x[begin : begin + 4], y[begin : begin + 4])
        assert small.optimizer.iterations == (begin + 4) // 20
        assert np.array_equal(small.get_weights()[0], before[0]) == (begin < 16)
    small.train_on_batch(x[36:], y[36:])
    for begin in range(0, 40, 20):
        large.train_on_batch(x[begin : begin + 20], y[begin : begin + 20])
    for a, b in zip(small.get_weights(), large.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=PROMISE, atol=1e-6)


def test_averages_are_exchanged_and_back():
    optimizer, (variable,) = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), variables([4.0])
    optimizer.swap_averages()  # nothing yet
    for _ in range(2):
        optimizer.apply([np.ones(1)], [variable])
    assert variable.numpy()[0] == 2
    optimizer.swap_averages()
    assert optimizer.averages_in_place and variable.numpy()[0] == 2.5
    state = optimizer.get_state()
    optimizer.apply([np.ones(1)], [variable])  # goes on from the weights
    assert not optimizer.averages_in_place and variable.numpy()[0] == 1
    optimizer.set_state(state)
    variable.assign([2.5])
    optimizer.finalize_variable_values([variable])
    assert variable.numpy()[0] == 2.5 and not optimizer.averages_in_place


# ---- options that change ----


def test_options_take_effect_at_the_next_step():
    optimizer, (variable,) = optimizers.SGD(1.0), variables([8.0])

    def step():
        before = variable.numpy()[0]
        optimizer.apply([np.ones(1)], [variable])
        return variable.numpy()[0] - before

    assert step() == -1
    optimizer.clipvalue = 0.5
    assert step() == -0.5
    optimizer.clipvalue = None
    optimizer.momentum = 0.5  # a velocity of 0 before
    assert [step(), step()] == [-1, -1.5]
    optimizer.momentum = 0.0
    assert step() == -1
    optimizer.use_ema, optimizer.ema_momentum = True, 0.0
    step()
    assert set(optimizer.get_state()) == {"iterations", "learning_rate", "averages_in_place", "0/average"}
    np.testing.assert_array_equal(optimizer.variables[0], variable.numpy())
    optimizer.use_ema = False
    optimizer.gradient_accumulation_steps = 2
    assert optimizer.steps == 6 and optimizer.iterations == 3
    assert [step(), step()] == [0, -1]


def test_amsgrad_switched_on_keeps_the_moments():
    optimizer, (variable,) = optimizers.Adam(), variables([1.0, 2.0])
    optimizer.apply([np.array([1.0, -3.0])], [variable])
    moments = [slot.copy() for slot in optimizer.variables]
    optimizer.amsgrad = True
    optimizer.build([variable])
    for kept, before in zip(optimizer.variables, [*moments, np.zeros(2)], strict=True):
        np.testing.assert_array_equal(kept, before)


def test_iterations_may_be_set():
    optimizer, (variable,) = optimizers.Adam(1.0, beta_1=0.5, beta_2=0.5, epsilon=0.0), variables([0.0])
    optimizer.iterations = 40  # far on, the correction of the means is gone
    optimizer.apply([np.ones(1)], [variable])
    assert variable.numpy()[0] == pytest.approx(-0.5 / math.sqrt(0.5)) and optimizer.iterations == 41


# ---- optimizers of one's own ----


class Signs(optimizers.Optimizer):
    def __init__(self, learning_rate=0.5, floor=0.0, **options):
        super().__init__(learning_rate, **options)
        self.floor = floor

    def update_step(self, gradient, variable, learning_rate):
        step = learning_rate * np.where(np.abs(gradient) > self.floor, np.sign(gradient), 0)
        variable.assign(variable.numpy() - step)


def test_an_optimizer_of_ones_own():
    optimizer, (variable,) = Signs(floor=1.5, clipvalue=2.0, use_ema=True), variables([0.0, 0.0, 0.0])
    optimizer.apply([np.array([1.0, 5.0, -3.0])], [variable])
    np.testing.assert_array_equal(variable.numpy(), [0, -0.5, 0.5])
    config = optimizer.get_config()
    assert config["floor"] == 1.5 and config["clipvalue"] == 2.0 and config["name"] == "signs"
    again = optimizers.deserialize(optimizers.serialize(optimizer), {"Signs": Signs})
    assert type(again) is Signs and again.get_config() == config
    with pytest.raises(ValueError, match="optimizer is 'Signs'; expected one of"):
        optimizers.deserialize(optimizers.serialize(optimizer))
    with pytest.raises(TypeError, match="Optimizer defines no rule"):
        optimizers.Optimizer(0.1).apply([np.ones(1)], variables([1.0]))


def heavy_ball(library):
    """An optimizer as Keras's guide writes one, for either library."""

    class HeavyBall(library.optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, momentum=0.9, name="heavy_ball", **options):
            super().__init__(learning_rate=learning_rate, name=name, **options)
            self.momentum = momentum

        def build(self, variables):
            super().build(variables)
            self.momentums = [self.add_variable_from_reference(v, name="momentum") for v in variables]
            self.means, self.roots = self.add_optimizer_variables(variables, ["mean", "root"], ["zeros", "ones"])

        def update_step(self, gradient, variable, learning_rate):
            number = self._get_variable_index(variable)
            ball, mean, root = self.momentums[number], self.means[number], self.roots[number]
            self.assign(ball, np.asarray(ball) * self.momentum - np.asarray(gradient) * np.float32(learning_rate))
            self.assign_add(mean, np.asarray(ball) * 0.5)
            self.assign_sub(root, np.asarray(mean))
            self.assign_add(variable, np.asarray(ball) + np.float32(1e-3) * np.asarray(root))

    return HeavyBall


def test_an_optimizer_written_for_keras():
    keras = pytest.importorskip("keras")
    mine, theirs = heavy_ball(day33)(0.05, weight_decay=0.1), heavy_ball(keras)(0.05, weight_decay=0.1)
    rng = np.random.default_rng(1)
    start = [rng.standard_normal(shape).astype(np.float32) for shape in [(3, 4), (4,)]]
    ours, correct = [Variable(v) for v in start], [keras.Variable(v) for v in start]
    for _ in range(5):
        gradients = [rng.standard_normal(v.shape).astype(np.float32) for v in start]
        mine.apply(gradients, ours)
        theirs.apply(gradients, correct)
        mine.build(ours)  # as every `fit` does; the variables stay
    for a, b in zip([*ours, *mine.own_variables], [*correct, *theirs.variables[2:]], strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=PROMISE, atol=1e-6)
    state = mine.get_state()
    assert len(state) == 2 + 6
    after, again = heavy_ball(day33)(0.05, weight_decay=0.1), [Variable(v.numpy()) for v in ours]
    after.build(again)
    after.set_state(state)
    for optimizer, variables in ((mine, ours), (after, again)):
        optimizer.apply(gradients, variables)
    for a, b in zip(ours, again, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(ValueError, match="heavy_ball has variables of its own .* and cannot take more"):
        mine.extend([Variable([1.0])])
