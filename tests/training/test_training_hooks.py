"""What subclasses may change about a step, and what is refused because day33 would not call it."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import callbacks, layers, optimizers
from day33.optimizers import Optimizer
from support.small_models import compiled, dense_model, regression

# ---- models ----


def test_reset_metrics_is_called():
    class Mine(day33.Sequential):
        resets = 0

        def reset_metrics(self):
            self.resets += 1
            super().reset_metrics()

    model = compiled(Mine([layers.Input((6,)), layers.Dense(2)]))
    x, y = regression()
    model.fit(x, y, epochs=2, validation_data=(x, y), verbose=0)
    assert model.resets == 4
    model.train_on_batch(x, y)
    model.test_on_batch(x, y)
    model.evaluate(x, y, verbose=0)
    assert model.resets == 7


# ---- optimizers ----


def halving(library, hook):
    """An SGD that halves gradients (or the rate) in one of the methods that a step goes through."""

    class Half(library.optimizers.SGD):
        def apply_gradients(self, grads_and_vars):
            pairs = [(g * 0.5 if hook == "apply_gradients" else g, v) for g, v in grads_and_vars]
            return super().apply_gradients(pairs)

        def apply(self, grads, trainable_variables=None):
            super().apply([g * 0.5 if hook == "apply" else g for g in grads], trainable_variables)

        def update_step(self, gradient, variable, learning_rate):
            rate = learning_rate * 0.5 if hook == "learning_rate" else learning_rate
            super().update_step(gradient * 0.5 if hook == "update_step" else gradient, variable, rate)

    return Half(0.3, momentum=0.5)


@pytest.mark.parametrize("hook", ["apply_gradients", "apply", "update_step", "learning_rate", "none"])
def test_methods_of_optimizers(hook):
    keras = pytest.importorskip("keras")
    x, y = regression()
    ours = dense_model()
    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
    theirs.set_weights(ours.get_weights())
    for library, model in ((day33, ours), (keras, theirs)):
        model.compile(halving(library, hook), "mse")
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-6)


def test_a_rule_of_your_own():
    class Sign(Optimizer):
        """Steps of one size (signSGD)."""

        def update_step(self, gradient, variable, learning_rate):
            variable.assign(variable.value - learning_rate * np.sign(gradient))

    model = dense_model()
    before = model.get_weights()
    compiled(model, optimizer=Sign(0.125)).train_on_batch(*regression())
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(np.abs(a - b), 0.125, rtol=1e-5)
    assert model.optimizer.iterations == 1
    with pytest.raises(TypeError, match="Optimizer defines no rule; override update_step"):
        compiled(dense_model(), optimizer=Optimizer(0.1)).train_on_batch(*regression())


def test_the_end_of_fit_is_told():
    class Mine(optimizers.SGD):
        def finalize_variable_values(self, var_list):
            self.told = list(var_list)

    model = compiled(dense_model(), optimizer=Mine())
    model.fit(*regression(), verbose=0)
    assert model.optimizer.told == model.trainable_variables


def test_apply_without_variables():
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ValueError, match="belongs to no variables yet"):
        optimizer.apply([np.ones(2, np.float32)])
    model = dense_model()
    optimizer.build(model.trainable_variables)
    before = model.get_weights()
    optimizer.apply([np.ones(v.shape, np.float32) for v in model.trainable_variables])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a - np.float32(0.5), b)


def test_lr_is_the_learning_rate():
    optimizer = optimizers.SGD(0.1)
    optimizer.lr = 5.0
    assert optimizer.lr == optimizer.learning_rate == 5.0
    with pytest.raises(TypeError, match="comes from a schedule"):
        optimizers.SGD(lambda step: 0.1).lr = 1.0


@pytest.mark.parametrize("argument", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_a_bound_of_0_is_none(argument):
    keras = pytest.importorskip("keras")
    x = np.arange(10, dtype=np.float32)[:, None]
    for library in (day33, keras):
        model = library.Sequential([library.layers.Input((1,)), library.layers.Dense(1, use_bias=False)])
        model.set_weights([np.ones((1, 1), np.float32)])
        model.compile(library.optimizers.SGD(0.01, **{argument: 0}), "mse")
        model.train_on_batch(x, x * 0)
        assert model.get_weights()[0] == pytest.approx(1 - 0.01 * 57)


# ---- attributes that Keras's layers and optimizers have ----


def test_attributes_of_layers():
    layer = layers.BatchNormalization()
    with pytest.raises(ValueError, match="synchronized of BatchNormalization is True; day33 does not support it"):
        layer.synchronized = True
    layer.synchronized = False


@pytest.mark.parametrize(("name", "value"), [("amsgrad", True), ("centered", True), ("decay", 0.1)])
def test_attributes_of_optimizers(name, value):
    optimizer = optimizers.SGD()
    setattr(optimizer, name, value)
    with pytest.raises(ValueError, match=f"{name} of optimizer 'sgd' is {value}; day33 does not support it"):
        dense_model().compile(optimizer, "mse")


# ---- layers that become trainable ----


@pytest.mark.parametrize("how", ["fit", "train_on_batch"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adadelta"])
def test_unfreezing_after_a_step(optimizer, how):
    x, y = regression()
    model = dense_model()
    first, last = model.layers[-2:]

    def step(model):
        if how == "fit":
            model.fit(x, y, batch_size=40, verbose=0)
        else:
            model.train_on_batch(x, y)

    first.trainable = False
    compiled(model, optimizer=optimizer)
    before = model.get_weights()
    step(model)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.optimizer.trainable_variables == last.weights
    slots = [slot.copy() for slot in model.optimizer.variables]

    first.trainable = True
    assert model.optimizer.iterations == 1
    between = model.get_weights()
    step(model)
    assert all(np.any(a != b) for a, b in zip(between, model.get_weights(), strict=True))
    # The slots of the others went on, and all stand in the order of the weights.
    assert model.optimizer.trainable_variables == model.trainable_variables
    reference = optimizers.get(optimizer)
    reference.build(last.weights)
    per_variable = len(reference.slot_names)
    for old, new in zip(slots, model.optimizer.variables[2 * per_variable :], strict=True):
        assert np.any(old != new)
    assert model.optimizer.iterations == 2


def test_unfreezing_is_as_a_first_step_of_new_slots():
    """Beside two optimizers of Keras, one for each layer: their gradients do not depend on what else is trained."""
    keras = pytest.importorskip("keras")
    x, y = regression()
    ours = dense_model()
    first = ours.layers[0]
    before = ours.get_weights()
    first.trainable = False
    compiled(ours, optimizer=optimizers.SGD(0.1, momentum=0.9))
    ours.train_on_batch(x, y)
    first.trainable = True
    ours.train_on_batch(x, y)
    ours.train_on_batch(x, y)

    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
    theirs.set_weights(before)
    velocity = [np.zeros_like(w) for w in before]
    for number in range(3):
        theirs.compile(keras.optimizers.SGD(1.0), "mse")
        held = theirs.get_weights()
        theirs.train_on_batch(x, y)
        gradients = [a - b for a, b in zip(held, theirs.get_weights(), strict=True)]
        for index in range(0 if number else 2, 4):
            velocity[index] = 0.9 * velocity[index] - 0.1 * gradients[index]
            held[index] = held[index] + velocity[index]
        theirs.set_weights(held)
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=1e-5)


def test_unfreezing_in_a_callback(tmp_path):
    x, y = regression()
    model = dense_model()
    model.layers[0].trainable = False

    def thaw(epoch, logs):
        model.layers[0].trainable = epoch >= 1

    compiled(model, optimizer="adam")
    before = model.get_weights()
    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_begin=thaw), keep])
    assert np.any(model.get_weights()[0] != before[0])
    # A run whose layers are trainable from the start goes on from there.
    again = compiled(dense_model(), optimizer="adam")
    history = again.fit(x, y, epochs=4, verbose=0, callbacks=[keep])
    assert history.epoch == [0, 1, 2, 3]
    for old, new in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        assert old.shape == new.shape


def test_freezing_and_unfreezing_keep_the_slots():
    x, y = regression()
    model = compiled(dense_model(), optimizer=optimizers.SGD(0.1, momentum=0.9))
    model.train_on_batch(x, y)
    kept = model.optimizer.variables[0].copy()
    model.layers[0].trainable = False
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.optimizer.variables[0], kept)
    model.layers[0].trainable = True
    model.train_on_batch(x, y)
    assert np.any(model.optimizer.variables[0] != kept)
    assert model.optimizer.trainable_variables == model.trainable_variables


def test_the_optimizer_of_another_model_is_refused():
    x, y = regression()
    optimizer = optimizers.Adam()
    compiled(dense_model(), optimizer=optimizer).train_on_batch(x, y)
    other = compiled(dense_model(), optimizer=optimizer)
    for call in (other.fit, other.train_on_batch):
        with pytest.raises(ValueError, match="adam already belongs to other variables"):
            call(x, y)
    assert optimizer.iterations == 1
