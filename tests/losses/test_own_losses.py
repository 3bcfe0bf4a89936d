"""Losses of the user's: functions and subclasses, traced into the plan; how they are weighted, saved and refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import day33
from day33 import layers, losses, ops, optimizers, saving
from support.small_models import compiled, dense_model, regression
from support.tolerances import TRAINING_STEPS
from support.twins import build_both

keras = pytest.importorskip("keras")


def squares(library):
    """Pairs of the same loss in the operations of each library."""
    o = ops if library is day33 else keras.ops

    def relative(y_true, y_pred):
        return o.mean(o.square(y_true - y_pred) / (1.0 + o.abs(y_true)), axis=-1)

    def of_samples(y_true, y_pred):
        return o.sum(o.square(y_true - y_pred), axis=(1, 2))

    def of_batch(y_true, y_pred):
        return o.mean(o.square(y_true - y_pred)) + 0.25 * o.sum(o.abs(y_pred)) - 1.5

    def crossing(y_true, y_pred):
        return o.log(1.0 + o.sum(o.square(y_true - y_pred)))

    def of_channels(y_true, y_pred):
        return o.sum(o.square(y_true - y_pred), axis=(0, 1)) / (1.0 + o.sum(o.abs(y_true), axis=(0, 1)))

    class Smooth(library.losses.Loss):
        def __init__(self, alpha=0.5, **kwargs):
            super().__init__(**kwargs)
            self.alpha = alpha

        def call(self, y_true, y_pred):
            error = y_pred - y_true
            return o.mean(o.sqrt(o.square(error) + self.alpha), axis=-1)

        def get_config(self):
            return {**super().get_config(), "alpha": self.alpha}

    return {
        "relative": relative, "of_samples": of_samples, "of_batch": of_batch, "crossing": crossing,
        "of_channels": of_channels, "Smooth": Smooth(0.25), "summed": Smooth(name="s", reduction="sum"),
        "weighted mean": Smooth(reduction="mean_with_sample_weight"), "none": Smooth(reduction=None),
    }  # fmt: skip


NAMES = list(squares(day33))
OURS, THEIRS = squares(day33), squares(keras)


def build(library):
    x = library.layers.Input((4, 5))
    h = library.layers.Dense(6, activation="tanh")(x)
    return library.Model(x, library.layers.Dense(3)(h))


@pytest.mark.parametrize("weighted", ["not", "per sample", "per position"])
@pytest.mark.parametrize("name", NAMES)
def test_ten_steps(name, weighted):
    if weighted == "per position" and name in ("of_samples", "of_batch", "crossing", "of_channels"):
        pytest.skip("no values per position")
    if name == "of_channels" and weighted != "not":
        pytest.skip("Keras cannot")
    own, their = build_both(build, keras)
    rate = 0.01 if name in ("summed", "none", "of_samples", "of_batch") else 0.1
    # Keras reports a vector of losses for reduction None; with run_eagerly it averages it, as its graphs do.
    own.compile(optimizers.SGD(rate), OURS[name])
    their.compile(keras.optimizers.SGD(rate), THEIRS[name])
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, y = rng.random((6, 4, 5), np.float32), rng.normal(0, 1, (6, 4, 3)).astype(np.float32)
        shape = {"not": None, "per sample": (6,), "per position": (6, 4)}[weighted]
        weights = None if shape is None else rng.random(shape, np.float32)
        # Keras does not stretch weights of samples over positions.
        stretched = weights
        if weighted == "per sample" and name not in ("of_samples", "of_batch", "crossing"):
            stretched = np.repeat(weights[:, np.newaxis], 4, axis=1)
        mine = own.train_on_batch(x, y, sample_weight=stretched if name == "weighted mean" else weights)
        correct = their.train_on_batch(x, y, sample_weight=stretched)
        assert mine == pytest.approx(float(np.mean(correct)), rel=1e-4, abs=TRAINING_STEPS)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    mine = own.evaluate(x, y, batch_size=6, verbose=0)
    assert mine == pytest.approx(float(np.mean(their.evaluate(x, y, batch_size=6, verbose=0))), rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_on_arrays(name):
    rng = np.random.default_rng(1)
    y, p = (rng.normal(0, 1, (6, 4, 3)).astype(np.float32) for _ in range(2))
    mine, correct = losses.get(OURS[name]), THEIRS[name]
    if not isinstance(correct, keras.losses.Loss):
        correct = keras.src.trainers.compile_utils.losses_module.LossFunctionWrapper(correct)
    np.testing.assert_allclose(mine(y, p), np.asarray(correct(y, p)), rtol=1e-5)
    own = compiled(build(day33), OURS[name])
    own.set_weights([w * 0 for w in own.get_weights()])
    zeros = np.zeros_like(y)
    values = np.mean(mine(y, zeros))
    assert own.evaluate(rng.random((6, 4, 5), np.float32), y, batch_size=6, verbose=0) == pytest.approx(
        values, rel=1e-5
    )


def test_masks_and_weights_as_keras():
    """A mask of the output leaves positions out of a traced loss as it does out of a native one."""

    def build(library):
        x = library.layers.Input((5,), dtype="int32")
        h = library.layers.Embedding(7, 4, mask_zero=True)(x)
        return library.Model(x, library.layers.Dense(3)(library.layers.LSTM(4, return_sequences=True)(h)))

    own, their = build_both(build, keras)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 7, (6, 5))
    x[:, 3:] *= rng.integers(0, 2, (6, 2))
    y, weights = rng.normal(0, 1, (6, 5, 3)).astype(np.float32), rng.random((6, 5), np.float32)
    for name in ("relative", "Smooth", "summed", "weighted mean", "of_batch"):
        for given in (None, weights) if name != "of_batch" else (None, weights[:, 0]):
            own.compile("sgd", OURS[name])
            their.compile("sgd", THEIRS[name])
            if name == "of_batch" and given is not None:
                continue  # Keras cannot add weights of samples to a mask of positions
            mine = own.evaluate(x, y, sample_weight=given, batch_size=6, verbose=0)
            correct = their.evaluate(x, y, sample_weight=given, batch_size=6, verbose=0)
            assert mine == pytest.approx(float(np.mean(correct)), rel=1e-5), name


def test_several_outputs():
    """Own and native losses mixed, with loss_weights, metrics and weights for each."""

    def build(library):
        x = library.layers.Input((5,))
        h = library.layers.Dense(6, activation="tanh")(x)
        heads = [library.layers.Dense(3, name="a")(h), library.layers.Dense(2, name="b")(h)]
        return library.Model(x, [*heads, library.layers.Dense(4, activation="softmax", name="c")(h)])

    def arguments(library):
        o = ops if library is day33 else keras.ops
        found = {
            "a": lambda t, p: o.mean(o.abs(t - p), axis=-1), "b": "mse", "c": "sparse_categorical_crossentropy",
        }  # fmt: skip
        return {"loss": found, "loss_weights": {"a": 0.5, "b": 2.0, "c": 1.5}, "metrics": {"a": ["mae"], "c": ["acc"]}}

    own, their = build_both(build, keras)
    own.compile(optimizers.SGD(0.1), **arguments(day33))
    their.compile(keras.optimizers.SGD(0.1), **arguments(keras))
    rng = np.random.default_rng(0)
    for number in range(10):
        x = rng.random((8, 5), np.float32)
        y = [rng.random((8, 3), np.float32), rng.random((8, 2), np.float32), rng.integers(0, 4, 8)]
        weights = [rng.random(8, np.float32) for _ in y] if number % 2 else None
        mine = own.train_on_batch(x, y, sample_weight=weights, return_dict=True)
        correct = their.train_on_batch(x, y, sample_weight=weights, return_dict=True)
        assert mine == pytest.approx({key: float(value) for key, value in correct.items()}, abs=TRAINING_STEPS)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)


def test_class_weights():
    def build(library):
        return library.Sequential([library.layers.Input((5,)), library.layers.Dense(3, activation="softmax")])

    def loss(library):
        o = ops if library is day33 else keras.ops
        return lambda t, p: -o.log(1e-3 + o.sum(p * o.cast(o.equal(t, np.arange(3, dtype=np.float32)), "float32"), -1))

    own, their = build_both(build, keras)
    rng = np.random.default_rng(0)
    x, y = rng.random((16, 5), np.float32), rng.integers(0, 3, (16, 1))
    for library, model in ((day33, own), (keras, their)):
        model.compile("sgd", loss(library))
        model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, class_weight={0: 0.5, 1: 2.0, 2: 3.0})
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=1e-5)


def test_targets_of_another_rank():
    """(N,) for an output (N, 1), as Keras's wrapper of functions fits them."""
    x, y = regression()
    model = compiled(dense_model(1), lambda t, p: ops.mean(ops.square(t - p), axis=-1))
    native = compiled(dense_model(1), "mse")
    native.set_weights(model.get_weights())
    values = [m.evaluate(x, y[:, 0], verbose=0) for m in (model, native)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_traced_once_for_each_shape():
    calls = []

    def loss(y_true, y_pred):
        calls.append(y_pred.shape)
        return ops.mean(ops.square(y_true - y_pred), axis=-1)

    x, y = regression()
    model = compiled(dense_model(), loss)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    assert calls == [(None, 2)]


def test_same_bits_for_any_number_of_threads(restored_threads):
    x, y = regression(200)
    found = []
    for threads in (1, 2, 3):
        day33._native.set_num_threads(threads)
        day33.set_random_seed(3)
        model = compiled(dense_model(), OURS["crossing"])
        model.fit(x, y, batch_size=64, epochs=2, verbose=0)
        found.append(model.get_weights())
    for other in found[1:]:
        for mine, first in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(mine, first)


# ---- files ----


@saving.register_keras_serializable("tests")
class Registered(losses.Loss):
    def __init__(self, power=2.0, name="registered", reduction="sum"):
        super().__init__(name, reduction)
        self.power = power

    def call(self, y_true, y_pred):
        return ops.mean(ops.power(ops.abs(y_true - y_pred), self.power), axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@saving.register_keras_serializable("tests", "by_another_name")
def registered(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def plain(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


class Plain(Registered):
    pass


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("loss", "objects"),
    [
        (Registered(1.5), {}), (registered, {}), (plain, {"plain": plain}), (Plain(3.0), {"Plain": Plain}),
        (losses.Huber(0.3), {}), ("mape", {}), (losses.log_cosh, {}), (losses.Dice(axis=-1), {}),
    ],
)  # fmt: skip
def test_files(loss, objects, suffix, tmp_path):
    x, y = regression()
    model = compiled(dense_model(), loss, optimizers.Adam())
    model.fit(x, y, verbose=0)
    model.save(tmp_path / f"model{suffix}")
    again = saving.load_model(tmp_path / f"model{suffix}", custom_objects=objects)
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    for one in (model, again):
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for mine, first in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, first)
    with saving.custom_object_scope(objects):
        assert saving.load_model(tmp_path / f"model{suffix}").compiled
    if objects:
        with pytest.warns(UserWarning, match=r"is not compiled: loss is '(plain|Plain)'"):
            assert not saving.load_model(tmp_path / f"model{suffix}").compiled


def test_files_without_a_name(tmp_path):
    model = compiled(dense_model(), lambda t, p: ops.mean(ops.square(t - p), axis=-1))
    with pytest.warns(UserWarning, match="saved without its optimizer and losses: loss is .*lambda.* has no name"):
        model.save(tmp_path / "model.keras")
    assert not saving.load_model(tmp_path / "model.keras").compiled


def test_files_of_keras(tmp_path):
    """What Keras wrote with a loss of the user's continues here, with the twin of that loss."""
    _, their = build_both(build, keras)

    @keras.saving.register_keras_serializable("twins")
    class Twin(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    rng = np.random.default_rng(0)
    x, y = rng.random((6, 4, 5), np.float32), rng.random((6, 4, 3), np.float32)
    their.compile(keras.optimizers.SGD(0.1), Twin())
    their.train_on_batch(x, y)
    their.save(tmp_path / "keras.keras")
    again = saving.load_model(tmp_path / "keras.keras", custom_objects={"Twin": Mine})
    assert again.train_on_batch(x, y) == pytest.approx(float(their.train_on_batch(x, y)), rel=1e-5)


def test_registering():
    assert saving.get_registered_name(Registered) == "tests>Registered"
    assert saving.get_registered_name(plain) == "plain"
    assert saving.get_registered_object("tests>by_another_name") is registered
    assert saving.get_custom_objects()["tests>Registered"] is Registered
    assert saving.get_registered_object("plain") is None
    with saving.CustomObjectScope({"plain": plain}):
        assert saving.get_registered_object("plain") is plain
        assert losses.get("plain").fn is plain
    assert saving.get_registered_object("plain") is None
    assert day33.keras.utils.get_custom_objects() is saving.get_custom_objects()
    with pytest.raises(ValueError, match="NoConfig has no get_config"):
        saving.register_keras_serializable()(type("NoConfig", (), {}))


# ---- refusals ----


def uses_numpy(y_true, y_pred):
    return np.mean(np.square(np.asarray(y_true) - np.asarray(y_pred)), axis=-1)


def uses_a_function_of_numpy(y_true, y_pred):
    return ops.mean(np.log1p(y_pred), axis=-1)


def has_an_if(y_true, y_pred):
    if ops.sum(y_true) > 0:
        return ops.mean(y_pred, axis=-1)
    return ops.mean(y_true, axis=-1)


def does_not_broadcast(y_true, y_pred):
    return ops.mean(y_true - ops.concatenate([y_pred, y_pred], axis=-1), axis=-1)


def takes_a_float(y_true, y_pred):
    return ops.mean(y_pred, axis=-1) * float(y_pred)


def gives_nothing(y_true, y_pred):
    ops.mean(y_pred)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (uses_numpy, TypeError, r"\(return np\.mean.*has no values yet.*expected layers and functions of day33\.ops"),
        (uses_a_function_of_numpy, TypeError, r"\(return ops\.mean.*numpy\.log1p was called.*day33\.ops\.log1p"),
        (has_an_if, TypeError, r"\(if ops\.sum.*neither true nor false; instead of `if`, use day33\.ops\.where"),
        (
            does_not_broadcast,
            ValueError,
            r"\(return ops\.mean.*shapes do not broadcast: x1 \(None, 2\), x2 \(None, 4\)",
        ),
        (takes_a_float, TypeError, r"\(return ops\.mean.*it is no number; expected functions of day33\.ops"),
        (
            gives_nothing,
            TypeError,
            "gave None for symbolic tensors; expected what functions of day33.ops make of y_pred",
        ),
    ],
)
def test_what_cannot_be_traced(loss, error, message):
    x, y = regression()
    line = "" if loss is gives_nothing else r", line \d+ of test_own_losses\.py "
    for method in ("fit", "evaluate", "train_on_batch"):
        with pytest.raises(error, match=f"loss '{loss.__name__}'{line}{'' if line else ' '}.*{message}"):
            getattr(compiled(dense_model(), loss), method)(x, y)


def test_weights_that_do_not_fit():
    x, y = regression()
    model = compiled(dense_model(), lambda t, p: ops.mean(ops.square(t - p), axis=-1))
    with pytest.raises(ValueError, match=r"sample_weight.* has shape \(40, 3\); expected \(40,\)"):
        model.evaluate(x, y, sample_weight=np.ones((40, 3)), batch_size=40, verbose=0)
    model = compiled(dense_model(), losses.LossFunctionWrapper(OURS["crossing"] and gives_number, reduction=None))
    with pytest.raises(ValueError, match="one number for the batch; with reduction None, expected none"):
        model.train_on_batch(x, y, sample_weight=np.ones(40))


def gives_number(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def test_what_is_no_loss():
    with pytest.raises(TypeError, match=r"Bare does not define call\(self, y_true, y_pred\)"):
        type("Bare", (losses.Loss,), {})()(np.ones((2, 1)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="overrides __call__, which training does not call"):
        compiled(dense_model(), type("Called", (losses.Loss,), {"__call__": lambda self, t, p: 0.0})())
    with pytest.raises(ValueError, match="dtype is 'float16'; day33 computes in float32 only"):
        losses.MeanSquaredError(dtype="float16")
    for identifier in ("nothing", 3, None, {"class_name": "Nothing", "config": {}}):
        with pytest.raises(ValueError, match="expected one of .*binary_crossentropy"):
            losses.get(identifier)


def test_a_subclass_of_a_native_loss():
    """A `call` of its own is what training minimises."""

    class Doubled(losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred) * 2

    class Named(losses.MeanSquaredError):
        def __init__(self):
            super().__init__(name="mine")

    x, y = regression()
    model = dense_model()
    values = [compiled(model, loss).evaluate(x, y, verbose=0) for loss in ("mse", Doubled(), Named())]
    assert values[1] == pytest.approx(2 * values[0], rel=1e-6)
    assert values[2] == values[0]
    assert losses.get(Named()).is_native


def test_options_that_are_changed_take_effect():
    loss = losses.Huber(1.0)
    y, p = np.zeros((1, 1), np.float32), np.full((1, 1), 5, np.float32)
    assert loss(y, p) == 4.5
    loss.delta = 2.0
    assert loss(y, p) == 8.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = day33.Sequential([layers.Input((1,)), layers.Activation("linear")])
        model.compile("sgd", loss)
        assert model.evaluate(p, y, verbose=0) == 8.0
