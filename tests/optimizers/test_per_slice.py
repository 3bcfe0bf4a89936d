"""Both rules for the gradient of a table: the square of the sum of its slices, as torch has it and Keras for gradients
that are one array; and with `per_slice` the sum of their squares, as Keras on TensorFlow has it for an `Embedding`.
"""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import day33
from day33 import layers, optimizers
from day33._core.slices import SlicedGradient, wanted_sums
from support.tolerances import PROMISE
from support.twins import assert_all_close, build_both

V, E, T, BATCH, STEPS = 11, 5, 12, 8, 6
# Steps of adaptive rules are worth as much as their quotients are exact: epsilon is well above the noise of rounding.
RULES = {
    "adam": ("Adam", {"epsilon": 1e-3}),
    "adam amsgrad": ("Adam", {"epsilon": 1e-3, "amsgrad": True}),
    "adamw": ("AdamW", {"epsilon": 1e-3, "weight_decay": 0.1}),
    "nadam": ("Nadam", {"epsilon": 1e-3}),
    "adamax": ("Adamax", {"epsilon": 1e-3}),
    "adadelta": ("Adadelta", {"epsilon": 1e-5}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {"epsilon": 1e-5}),
    "rmsprop with momentum": ("RMSprop", {"epsilon": 1e-5, "momentum": 0.5}),
    "ftrl": ("Ftrl", {"l1_regularization_strength": 1e-3, "l2_shrinkage_regularization_strength": 0.01}),
}
RATES = {"Adadelta": 1.0, "Adagrad": 0.1, "Ftrl": 0.5, "SGD": 0.5}
CLIPPED = {
    "sgd, each norm": ("SGD", {"clipnorm": 0.05}),
    "sgd, one norm": ("SGD", {"global_clipnorm": 0.05}),
    "lion": ("Lion", {"clipnorm": 0.05}),
    "adam, each norm": ("Adam", {"epsilon": 1e-3, "clipnorm": 0.05}),
    "adam, one norm": ("Adam", {"epsilon": 1e-3, "global_clipnorm": 0.05}),
    "adamax, each norm": ("Adamax", {"epsilon": 1e-3, "clipnorm": 0.05}),
    "adagrad, a norm that is never reached": ("Adagrad", {"clipnorm": 50.0}),
    "adagrad, one norm that is never reached": ("Adagrad", {"global_clipnorm": 50.0}),
    "rmsprop, means of weights": ("RMSprop", {"epsilon": 1e-5, "use_ema": True, "ema_overwrite_frequency": 2}),
    "adam, decay": ("Adam", {"epsilon": 1e-3, "weight_decay": 0.1}),
}


def made(library, rule, **options):
    name, own = (RULES | CLIPPED)[rule]
    given = {"learning_rate": RATES.get(name, 0.01)} | own | options
    return getattr(library.optimizers, name)(**given)


def batches(seed=5):
    """Numbers that occur many times in a batch, some more than others, and one that never does."""
    rng = np.random.default_rng(seed)
    chances = np.arange(V - 1, 0, -1.0)
    ids = rng.choice(V - 1, (STEPS, BATCH, T), p=chances / chances.sum()).astype(np.int32)
    return ids, rng.normal(0, 1, (STEPS, BATCH, T, 2)).astype(np.float32)


def model_of(library, twice=False, tied=False, regularizer=None):
    make = library.layers
    x = library.Input((T,), dtype="int32")
    if tied:
        table = make.ReversibleEmbedding(V, E)
        return library.Model(x, make.Dense(2)(table(make.Dense(E, activation="tanh")(table(x)), reverse=True)))
    table = make.Embedding(V, E, embeddings_regularizer=regularizer)
    y = table(x)
    if twice:
        y = make.Concatenate()([y, make.Activation("tanh")(table(x))])
    return library.Model(x, make.Dense(2)(make.Dense(6, activation="tanh")(y)))


def trained(model, optimizer, options=None, steps=STEPS):
    model.compile(optimizer=optimizer, loss="mean_squared_error", **(options or {}))
    for x, y in zip(*(array[:steps] for array in batches()), strict=True):
        model.train_on_batch(x, y)
    return model.get_weights()


# ---- a slow reference, in double: one table, of which rows are looked up, with a squared error ----


def slices_of(table, ids, targets):
    """The slices of the gradient of the mean squared error of looked up rows, one for each position."""
    return [
        (row, 2 * (table[row] - y) / targets.size) for row, y in zip(ids.ravel(), targets.reshape(-1, E), strict=True)
    ]


class Reference:
    """The rules, of g, its squares and magnitudes, which are those of the sum or sums of those of the slices."""

    def __init__(self, name, rate, per_slice, **options):
        self.name, self.rate, self.per_slice, self.options = name, rate, per_slice, options
        self.slots = {}

    def step(self, table, slices, t):
        g, squares, magnitudes = (np.zeros_like(table) for _ in range(3))
        for row, part in slices:
            g[row] += part
            squares[row] += part**2
            magnitudes[row] += np.abs(part)
        if not self.per_slice:
            squares, magnitudes = g**2, np.abs(g)
        slots = self.slots
        if not slots:
            slots.update({name: np.zeros_like(table) for name in "mvud"}, a=np.full_like(table, 0.1), z=0.0, p=1.0)
        rate, epsilon, name = self.rate, self.options.get("epsilon", 1e-7), self.name
        if name in ("Adam", "AdamW", "Nadam", "Adamax"):
            slots["m"] = 0.9 * slots["m"] + 0.1 * g
            slots["v"] = 0.999 * slots["v"] + 0.001 * squares
            slots["u"] = np.maximum(0.999 * slots["u"], magnitudes)
        if name == "Adam":
            return table - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * slots["m"] / (np.sqrt(slots["v"]) + epsilon)
        if name == "Adamax":
            return table - rate / (1 - 0.9**t) * slots["m"] / (slots["u"] + epsilon)
        if name == "Nadam":
            now, following = 0.9 * (1 - 0.5 * 0.96**t), 0.9 * (1 - 0.5 * 0.96 ** (t + 1))
            slots["p"] *= now
            mean = following * slots["m"] / (1 - slots["p"] * following) + (1 - now) * g / (1 - slots["p"])
            return table - rate * mean / (np.sqrt(slots["v"] / (1 - 0.999**t)) + epsilon)
        if name == "RMSprop":
            slots["v"] = 0.9 * slots["v"] + 0.1 * squares
            return table - rate * g / np.sqrt(slots["v"] + epsilon)
        if name == "Adadelta":
            slots["v"] = 0.95 * slots["v"] + 0.05 * squares
            scale = np.sqrt(slots["d"] + epsilon) / np.sqrt(slots["v"] + epsilon)
            slots["d"] = 0.95 * slots["d"] + 0.05 * scale**2 * squares
            return table - rate * scale * g
        before, slots["a"] = slots["a"], slots["a"] + squares
        if name == "Adagrad":
            return table - rate * g / np.sqrt(slots["a"] + epsilon)
        assert name == "Ftrl"
        slots["z"] = slots["z"] + g - (np.sqrt(slots["a"]) - np.sqrt(before)) / rate * table
        return -slots["z"] / (np.sqrt(slots["a"]) / rate)


@pytest.mark.parametrize("per_slice", [False, True])
@pytest.mark.parametrize("name", ["Adam", "Adamax", "Nadam", "RMSprop", "Adadelta", "Adagrad", "Ftrl"])
def test_the_reference(name, per_slice):
    rng = np.random.default_rng(1)
    table = rng.normal(0, 1, (V, E))
    model = day33.Sequential([day33.Input((T,), dtype="int32"), layers.Embedding(V, E)])
    model.set_weights([table])
    options = {} if name == "Ftrl" else {"epsilon": 1e-5}
    rate = RATES.get(name, 0.01)
    model.compile(getattr(optimizers, name)(rate, per_slice=per_slice, **options), loss="mean_squared_error")
    reference = Reference(name, rate, per_slice, **options)
    table = table.astype(np.float32).astype(np.float64)
    start = table.copy()
    for t, ids in enumerate(batches()[0], 1):
        targets = rng.normal(0, 1, (BATCH, T, E)).astype(np.float32)
        table = reference.step(table, slices_of(table, ids, targets), t)
        model.train_on_batch(ids, targets)
    np.testing.assert_allclose(model.get_weights()[0], table, rtol=0, atol=PROMISE)
    assert np.abs(table - start).max() > 1e-2


# ---- beside Keras ----


@pytest.mark.parametrize("rule", [*RULES, *CLIPPED])
def test_per_slice_is_keras_on_tensorflow(rule):
    keras = pytest.importorskip("keras")
    ours, theirs = build_both(lambda library: model_of(library, twice=True), keras)
    before = ours.get_weights()
    mine = trained(ours, made(day33, rule, per_slice=True))
    correct = trained(theirs, made(keras, rule), {"jit_compile": False})
    assert_all_close(mine, correct, PROMISE)
    ours.set_weights(before)
    other = trained(ours, made(day33, rule))
    if rule == "adagrad, one norm that is never reached":  # after which there are no slices
        assert_all_close(other, correct, PROMISE)
    else:  # the other rule is another one, and the test could tell
        assert np.abs(other[0] - correct[0]).max() > 10 * PROMISE


@pytest.mark.parametrize("rule", [*RULES, "sgd, each norm", "adam, one norm"])
def test_per_sum_is_keras_with_dense_gradients(rule):
    keras = pytest.importorskip("keras")
    import tensorflow as tf

    ours, theirs = build_both(lambda library: model_of(library, twice=True), keras)
    theirs_optimizer = made(keras, rule)
    plain = theirs_optimizer.apply
    theirs_optimizer.apply = lambda gradients, variables=None: plain(
        [tf.convert_to_tensor(gradient) for gradient in gradients], variables
    )
    assert_all_close(
        trained(ours, made(day33, rule)), trained(theirs, theirs_optimizer, {"jit_compile": False}), PROMISE
    )


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adagrad"])
def test_per_sum_is_torch(name):
    torch = pytest.importorskip("torch")
    start = np.random.default_rng(2).normal(0, 1, (V, E)).astype(np.float32)
    targets = np.random.default_rng(3).normal(0, 1, (STEPS, BATCH, T, E)).astype(np.float32)
    model = day33.Sequential([day33.Input((T,), dtype="int32"), layers.Embedding(V, E)])
    model.set_weights([start])
    # torch adds epsilon to the root, and corrects Adam's bias in it.
    ours = {
        "Adam": optimizers.Adam(0.01, epsilon=1e-12),
        "RMSprop": optimizers.RMSprop(0.01, epsilon=1e-12),
        "Adagrad": optimizers.Adagrad(0.1, initial_accumulator_value=0.1, epsilon=1e-12),
    }[name]
    model.compile(ours, loss="mean_squared_error")
    table = torch.nn.Embedding(V, E, _weight=torch.tensor(start.copy()))
    theirs = {
        "Adam": lambda w: torch.optim.Adam(w, 0.01, eps=1e-12),
        "RMSprop": lambda w: torch.optim.RMSprop(w, 0.01, alpha=0.9, eps=1e-12),
        "Adagrad": lambda w: torch.optim.Adagrad(w, 0.1, initial_accumulator_value=0.1, eps=1e-12),
    }[name](table.parameters())
    for ids, y in zip(batches()[0], targets, strict=True):
        model.train_on_batch(ids, y)
        theirs.zero_grad()
        torch.nn.functional.mse_loss(table(torch.tensor(ids)), torch.tensor(y)).backward()
        theirs.step()
    # The row that is never looked up has a gradient of 0, and torch divides it by 1e-12.
    np.testing.assert_allclose(model.get_weights()[0], table.weight.detach().numpy(), rtol=0, atol=PROMISE)


def test_fit_beside_keras():
    keras = pytest.importorskip("keras")
    ours, theirs = build_both(model_of, keras)
    x, y = (array.reshape(-1, *array.shape[2:]) for array in batches())
    losses = []
    for model, optimizer, options in (
        (ours, made(day33, "adam", per_slice=True), {}),
        (theirs, made(keras, "adam"), {"jit_compile": False}),
    ):
        model.compile(optimizer, "mean_squared_error", **options)
        history = model.fit(x, y, batch_size=7, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=PROMISE)
    assert_all_close(ours.get_weights(), theirs.get_weights(), PROMISE)


@pytest.mark.parametrize("case", ["tied", "regularizer"])
def test_a_table_with_another_use_is_a_weight_like_any_other(case):
    """On TensorFlow, too: a slice and an array add up to an array."""
    keras = pytest.importorskip("keras")
    options = {"tied": True} if case == "tied" else {"regularizer": "l2"}
    ours, theirs = build_both(lambda library: model_of(library, **options), keras)
    before = ours.get_weights()
    mine = trained(ours, made(day33, "adam", per_slice=True))
    assert_all_close(mine, trained(theirs, made(keras, "adam"), {"jit_compile": False}), PROMISE)
    ours.set_weights(before)
    for a, b in zip(mine, trained(ours, made(day33, "adam")), strict=True):
        assert np.array_equal(a, b)


def test_two_tables_one_of_them_regularized():
    keras = pytest.importorskip("keras")

    def build(library):
        make = library.layers
        x = library.Input((T,), dtype="int32")
        both = [make.Embedding(V, E, embeddings_regularizer="l2")(x), make.Embedding(V, E)(x)]
        return library.Model(x, make.Dense(2)(make.Concatenate()(both)))

    ours, theirs = build_both(build, keras)
    mine = trained(ours, made(day33, "adam", per_slice=True))
    assert_all_close(mine, trained(theirs, made(keras, "adam"), {"jit_compile": False}), PROMISE)


def test_rows_that_a_function_takes():
    """`ops.take` of a variable, in a layer of the user's own, looks up as `Embedding` does."""
    keras = pytest.importorskip("keras")

    def build(library):
        class Rows(library.layers.Layer):
            def build(self, shape):
                self.table = self.add_weight(shape=(V, E), name="table")

            def call(self, x):
                return library.ops.take(self.table, x, axis=0)

        x = library.Input((T,), dtype="int32")
        return library.Model(x, library.layers.Dense(2)(Rows()(x)))

    ours, theirs = build_both(build, keras)
    before = ours.get_weights()
    mine = trained(ours, made(day33, "adam", per_slice=True))
    assert_all_close(mine, trained(theirs, made(keras, "adam"), {"jit_compile": False}), PROMISE)
    ours.set_weights(before)
    assert np.abs(trained(ours, made(day33, "adam"))[0] - mine[0]).max() > 10 * PROMISE


def test_where_nothing_is_looked_up_twice_both_rules_are_one():
    x = np.arange(V - 1, dtype=np.int32)[None]
    y = np.ones((1, V - 1, 2), np.float32)

    def weights(**options):
        day33.set_random_seed(3)
        inputs = day33.Input((V - 1,), dtype="int32")
        model = day33.Model(inputs, layers.Dense(2)(layers.Embedding(V, E)(inputs)))
        model.compile(optimizers.Adagrad(0.1, **options), "mean_squared_error")
        for _ in range(3):
            model.train_on_batch(x, y)
        return model.get_weights()

    assert_all_close(weights(per_slice=True), weights(), 1e-7)


# ---- plans in stages, and tapes ----


@pytest.fixture
def alone(monkeypatch):
    """As if there were no optimizers yet."""
    monkeypatch.setattr("day33._core.slices._interested", weakref.WeakSet())


def test_a_model_in_stages():
    """A function across samples cuts the plan: the table is looked up before and after the cut."""
    keras = pytest.importorskip("keras")

    def build(library):
        make = library.layers
        x = library.Input((T,), dtype="int32")
        table = make.Embedding(V, E)
        y = table(x)
        mixed = library.ops.add(y, library.ops.mean(y, axis=0, keepdims=True))
        return library.Model(x, make.Dense(2)(make.Concatenate()([mixed, table(x)])))

    ours, theirs = build_both(build, keras)
    mine = trained(ours, made(day33, "adam", per_slice=True))
    assert_all_close(mine, trained(theirs, made(keras, "adam"), {"jit_compile": False}), PROMISE)


def taped(model, optimizer, tape_of, mean):
    for x, y in zip(*batches(), strict=True):
        with tape_of() as tape:
            error = model(x, training=True) - y
            loss = mean(error * error)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return model.get_weights()


@pytest.mark.parametrize("rule", ["adam", "adamax", "adam, each norm", "sgd, one norm"])
def test_tapes_beside_keras(rule):
    keras = pytest.importorskip("keras")
    import tensorflow as tf

    ours, theirs = build_both(lambda library: model_of(library, twice=True), keras)
    mine = taped(ours, made(day33, rule, per_slice=True), day33.GradientTape, day33.ops.mean)
    assert_all_close(mine, taped(theirs, made(keras, rule), tf.GradientTape, tf.reduce_mean), PROMISE)


def test_tapes_and_training_agree():
    ours, again = (build_both(model_of, day33)[0] for _ in range(2))
    native = trained(ours, made(day33, "adagrad", per_slice=True))
    with_tapes = taped(again, made(day33, "adagrad", per_slice=True), day33.GradientTape, day33.ops.mean)
    assert_all_close(with_tapes, native, 1e-6)


def test_a_tape_inside_of_another():
    model = build_both(model_of, day33)[0]
    optimizer = made(day33, "adam", per_slice=True)
    x, y = (array[0] for array in batches())
    with day33.GradientTape() as outer:
        with day33.GradientTape() as tape:
            loss = day33.ops.mean((model(x) - y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    assert outer is not None and optimizer.iterations == 1


@pytest.mark.parametrize("kind", ["train_step", "compute_loss"])
def test_steps_of_the_users_own(kind):
    class Own(day33.Model):
        def train_step(self, data):
            x, y, *_ = data
            with day33.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    class OwnLoss(day33.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return day33.ops.mean((y_pred - y) ** 2)

    plain = build_both(model_of, day33)[0]
    own = (Own if kind == "train_step" else OwnLoss)(plain.inputs, plain.outputs)
    before = plain.get_weights()
    found = trained(own, made(day33, "adam", per_slice=True))
    own.set_weights(before)
    assert_all_close(found, trained(plain, made(day33, "adam", per_slice=True)), 1e-6)


@pytest.mark.usefixtures("alone")
def test_arrays_that_do_not_know_their_slices_are_refused():
    model = build_both(model_of, day33)[0]
    x, y = (array[0] for array in batches())
    variables = model.trainable_variables

    def gradients():
        with day33.GradientTape() as tape:
            loss = day33.ops.mean((model(x) - y) ** 2)
        return tape.gradient(loss, variables)

    assert wanted_sums() == ()
    early = gradients()
    assert not any(isinstance(gradient, SlicedGradient) for gradient in early)
    optimizer = made(day33, "adam", per_slice=True)
    late = gradients()
    for given in (early, [g * 2 for g in late], [np.array(g) for g in late], [g.copy() for g in late]):
        with pytest.raises(ValueError, match=r"gradient of variable '.*embeddings' is an array that does not say of"):
            optimizer.apply_gradients(zip(given, variables, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        late[0] *= 2
    with pytest.raises(ValueError, match="an array that does not say of"):  # there was no need of magnitudes
        made(day33, "adamax", per_slice=True).apply_gradients(zip(late, variables, strict=True))
    assert optimizer.iterations == 0
    optimizer.apply_gradients(zip(late, variables, strict=True))
    # To others they are arrays like any other.
    other = optimizers.Adam(0.01)
    other.apply_gradients(zip(late, variables, strict=True))
    assert type(late[0] * 2) is not np.ndarray and isinstance(late[0].numpy(), np.ndarray)
    np.testing.assert_array_equal(late[0].numpy(), early[0].numpy())


def test_an_optimizer_of_your_own():
    class Halved(optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate / 2)

    ours, again = (build_both(model_of, day33)[0] for _ in range(2))
    half = trained(ours, Halved(0.02, epsilon=1e-3, per_slice=True))
    assert_all_close(half, trained(again, optimizers.Adam(0.01, epsilon=1e-3, per_slice=True)), 1e-7)


# ---- what does not go with it ----


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("Adam", {"clipvalue": 1.0}, "clipvalue bounds each slice"),
        ("Adam", {"gradient_accumulation_steps": 2}, "gradient_accumulation_steps adds up"),
        ("RMSprop", {"centered": True}, "centered=True"),
        ("SGD", {}, "SGD takes no square of a gradient"),
        ("SGD", {"momentum": 0.9, "clipnorm": 0}, "SGD takes no square of a gradient"),
        ("Lion", {}, "Lion takes no square of a gradient"),
    ],
)
def test_refused(name, options, text):
    with pytest.raises(ValueError, match=rf"^per_slice is True; expected False.*{text}"):
        getattr(optimizers, name)(per_slice=True, **options)
    # Whatever is set last.
    optimizer = getattr(optimizers, name)(**options)
    with pytest.raises(ValueError, match=text):
        optimizer.per_slice = True
    assert optimizer.per_slice is False
    if name in ("Adam", "RMSprop"):
        optimizer = getattr(optimizers, name)(per_slice=True)
        for option, value in options.items():
            with pytest.raises(ValueError, match=text):
                setattr(optimizer, option, value)
            assert not getattr(optimizer, option)


def test_a_norm_that_is_taken_away():
    optimizer = optimizers.SGD(clipnorm=1.0, per_slice=True)
    with pytest.raises(ValueError, match="SGD takes no square"):
        optimizer.clipnorm = None
    optimizer.global_clipnorm = 1.0
    optimizer.clipnorm = None
    optimizer.per_slice = False
    optimizer.global_clipnorm = None


def test_set_between_steps():
    """An option holds from the next step on."""
    ours, again = (build_both(model_of, day33)[0] for _ in range(2))
    changing, fixed = made(day33, "adam"), made(day33, "adam", per_slice=True)
    for model, optimizer in ((ours, changing), (again, fixed)):
        model.compile(optimizer, "mean_squared_error")
    (x, *_), (y, *_) = batches()
    changing.per_slice = True
    ours.train_on_batch(x, y)
    again.train_on_batch(x, y)
    assert_all_close(ours.get_weights(), again.get_weights(), 0)
    changing.per_slice = fixed.per_slice = False
    ours.train_on_batch(x, y)
    again.train_on_batch(x, y)
    assert_all_close(ours.get_weights(), again.get_weights(), 0)


# ---- configuration and files ----


def test_configuration():
    plain, own = optimizers.Adam(0.01), optimizers.Adam(0.01, per_slice=True)
    assert "per_slice" not in plain.get_config() and own.get_config()["per_slice"] is True
    assert optimizers.Adam.from_config(own.get_config()).per_slice is True
    described = optimizers.serialize(own)
    assert described["day33"] == {"per_slice": True} and "per_slice" not in described["config"]
    assert "day33" not in optimizers.serialize(plain)
    assert optimizers.deserialize(described).per_slice is True
    assert optimizers.deserialize(optimizers.serialize(plain)).per_slice is False
    for changed in ({"per_slice": True, "other": 1}, [1], "per_slice"):
        with pytest.raises(ValueError, match='the entry "day33" of the optimizer'):
            optimizers.deserialize({**described, "day33": changed})


def test_keras_reads_the_description():
    keras = pytest.importorskip("keras")
    theirs = keras.optimizers.deserialize(optimizers.serialize(optimizers.Adam(0.01, beta_1=0.8, per_slice=True)))
    assert theirs.beta_1 == 0.8
    with pytest.raises((TypeError, ValueError)):
        keras.optimizers.Adam.from_config(optimizers.Adam(per_slice=True).get_config())


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_files(tmp_path, ending):
    """Training that goes on from a file is that without the file, in day33 and in Keras."""
    keras = pytest.importorskip("keras")
    whole, model = (build_both(model_of, day33)[0] for _ in range(2))
    whole_weights = trained(whole, made(day33, "adam", per_slice=True))
    trained(model, made(day33, "adam", per_slice=True), steps=3)
    path = tmp_path / f"model{ending}"
    model.save(path)
    again, theirs = day33.saving.load_model(path), keras.saving.load_model(path)
    assert again.optimizer.per_slice is True
    for x, y in zip(*(array[3:] for array in batches()), strict=True):
        again.train_on_batch(x, y)
        theirs.train_on_batch(x, y)
    assert_all_close(again.get_weights(), whole_weights, 0)
    if ending == ".keras":  # from the other one Keras starts an optimizer afresh: docs/keras.md
        assert_all_close(theirs.get_weights(), whole_weights, PROMISE)


@pytest.mark.usefixtures("alone")
def test_copies_and_pickles():
    optimizer = made(day33, "adam", per_slice=True)
    others = [copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]
    assert all(other.per_slice for other in others)
    del optimizer
    assert wanted_sums() == ("squares",)
    extra = made(day33, "adamax", per_slice=True)
    assert wanted_sums() == ("squares", "magnitudes")
    del extra, others
    gc.collect()
    assert wanted_sums() == ()


# ---- the same bits ----


def test_any_number_of_threads():
    """A wide table, so that threads share its columns."""
    rng = np.random.default_rng(7)
    x = rng.integers(0, 30, (64, 32)).astype(np.int32)
    y = rng.normal(0, 1, (64, 32, 600)).astype(np.float32)
    found = []
    for threads in (1, 2, 3):
        day33.set_random_seed(1)
        model = day33.Sequential([day33.Input((32,), dtype="int32"), layers.Embedding(30, 600)])
        model.compile(optimizers.Adamax(0.01, clipnorm=0.01, per_slice=True), "mean_squared_error")
        before = day33.get_num_threads()
        day33.set_num_threads(threads)
        try:
            for _ in range(3):
                model.train_on_batch(x, y)
        finally:
            day33.set_num_threads(before)
        found.append(model.get_weights()[0])
    assert all(np.array_equal(found[0], other) for other in found[1:])
