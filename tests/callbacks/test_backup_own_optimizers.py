"""`BackupAndRestore` of models with optimizers of their own: two networks against each other, a list of rules."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import GradientTape, Model, Sequential, Variable, callbacks, layers, ops, optimizers
from day33._io.npz import read_sealed, write_sealed
from day33.random import normal

X = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32)


class Game(Model):
    def __init__(self, rule=optimizers.Adam):
        super().__init__()
        self.maker = Sequential([layers.Input((3,)), layers.Dense(6, "tanh"), layers.Dense(5)])
        self.critic = Sequential([layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(1)])
        self.maker_rule = rule(0.02)
        self.rules = {"critic": [optimizers.RMSprop(0.01, momentum=0.5)]}

    def call(self, x):
        return self.critic(x)

    def train_step(self, data):
        noise = normal((len(data), 3))
        with GradientTape(persistent=True) as tape:
            made, real = self.critic(self.maker(noise)), self.critic(data)
            judged = ops.mean(ops.softplus(made) + ops.softplus(-real))
            cheated = ops.mean(ops.softplus(-made))
        for network, loss, rule in (
            (self.critic, judged, self.rules["critic"][0]), (self.maker, cheated, self.maker_rule)
        ):  # fmt: skip
            slopes = tape.gradient(loss, network.trainable_variables)
            rule.apply_gradients(zip(slopes, network.trainable_variables, strict=True))
        return {"judged": judged, "cheated": cheated}


def game(weights=None, **arguments):
    model = Game(**arguments)
    model.compile()
    model(X[:1])
    model.maker(X[:1, :3])
    if weights is not None:
        model.set_weights(weights)
    return model


def fit(model, epochs, *listeners):
    return model.fit(X, epochs=epochs, batch_size=8, verbose=0, callbacks=list(listeners)).history


def test_own_optimizers_by_their_places():
    model = game()
    assert list(model.own_optimizers()) == ["maker_rule", "rules/critic/0"]
    assert model.own_optimizers()["rules/critic/0"] is model.rules["critic"][0]
    model.again = model.maker_rule
    model.compile(model.maker_rule)  # is that of `compile` now
    assert list(model.own_optimizers()) == ["rules/critic/0"]


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_a_run_that_goes_on_ends_with_the_same_bits(tmp_path, save_freq):
    weights = game().get_weights()
    day33.set_random_seed(3)
    straight = game(weights)
    expected = fit(straight, 4)
    day33.set_random_seed(3)
    keep = callbacks.BackupAndRestore(tmp_path, save_freq, delete_checkpoint=False)

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.training_state.epoch == 2 and batch == 1:
                raise OSError

    with pytest.raises(OSError):
        fit(game(weights), 4, keep, Stop())
    resumed = game()
    assert fit(resumed, 4, keep) == expected
    for mine, correct in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, correct)
    for mine, correct in zip(resumed.own_optimizers().values(), straight.own_optimizers().values(), strict=True):
        assert mine.iterations == correct.iterations == 12
        for a, b in zip(mine.variables, correct.variables, strict=True):
            np.testing.assert_array_equal(a, b)


def test_optimizers_that_came_went_or_changed_are_refused(tmp_path):
    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    fit(game(), 1, keep)
    for change, message in (
        (lambda model: setattr(model, "maker_rule", optimizers.SGD()), "maker_rule was Adam, not SGD"),
        (
            lambda model: setattr(model, "third", optimizers.SGD()),
            r"it has the optimizers \['maker_rule', 'rules/critic/0'\] beside that of compile, the model .*'third'",
        ),
    ):  # fmt: skip
        model = game()
        change(model)
        before = model.get_weights()
        with pytest.raises(ValueError, match=message):
            fit(model, 2, keep)
        for kept, correct in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(kept, correct)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda meta, arrays: meta["optimizers"]["maker_rule"].update(variables=[0, 99]), r"are \[0, 99\]"),
        (lambda meta, arrays: meta["optimizers"]["maker_rule"].update(variables="all"), "are 'all'"),
        (lambda meta, arrays: meta["optimizers"].update(maker_rule={}), "'class' is missing"),
        (lambda meta, arrays: meta["optimizers"].update(maker_rule=3), "cannot resume"),
        (lambda meta, arrays: meta.update(optimizers=[]), "expected a dict"),
        (lambda meta, arrays: meta["optimizers"]["maker_rule"]["variables"].pop(), "does not fit adam"),
        (lambda meta, arrays: arrays.pop("optimizers/maker_rule/iterations"), "does not fit adam"),
    ],
)
def test_damaged_states_of_own_optimizers(tmp_path, damage, message):
    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    fit(game(), 1, keep)
    arrays = read_sealed(keep.path)
    meta = json.loads(arrays["meta"].tobytes())
    damage(meta, arrays)
    write_sealed(keep.path, {**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    with pytest.raises(ValueError, match=message):
        fit(game(), 2, keep)


def test_an_optimizer_of_something_else_is_refused(tmp_path):
    model = game()
    model.third = optimizers.SGD(momentum=0.5)
    model.third.apply([np.ones(3, np.float32)], [Variable(np.zeros(3), name="elsewhere")])
    with pytest.raises(
        ValueError, match="optimizer 'third' of the model updates variable 'elsewhere', which is no weight"
    ):
        model.fit(X, epochs=1, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])
