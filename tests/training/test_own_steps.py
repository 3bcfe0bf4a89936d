"""Steps that users write, such as `train_step` and `compute_metrics`, against Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import callbacks, layers, utils
from day33.callbacks import LambdaCallback
from day33.metrics import Mean
from support.small_models import regression

keras = pytest.importorskip("keras")


def both(define):
    """The same subclass of `Model` in both libraries, functional, with equal weights."""
    built = []
    for library in (day33, keras):
        cls = define(library)
        inputs = library.layers.Input((6,))
        hidden = library.layers.Dense(5, activation="tanh")(inputs)
        built.append(cls(inputs, library.layers.Dense(2)(hidden)))
    ours, theirs = built
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def same_weights(ours, theirs):
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=1e-5)


def same_history(ours, theirs):
    assert sorted(ours.history) == sorted(theirs.history)
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def through_super(library):
    class Mine(library.Model):
        seen = 0

        def train_step(self, data):
            logs = super().train_step(data)
            self.seen += 1
            return {**logs, "twice": 2 * logs["loss"]}

        def test_step(self, data):
            logs = super().test_step(data)
            return {**logs, "twice": 2 * logs["loss"]}

    return Mine


def with_own_metric(library):
    class Mine(library.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.extreme = library.metrics.Mean(name="extreme")

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.extreme.update_state(abs(np.asarray(y_pred) if library is day33 else y_pred))
            return super().compute_metrics(x, y, y_pred, sample_weight)

    return Mine


def with_fewer_metrics(library):
    class Mine(library.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.own = library.metrics.Mean(name="own")

        @property
        def metrics(self):
            return [self.own]

        def train_step(self, data):
            logs = super().train_step(data)
            assert list(logs) == ["own"]
            self.own.update_state(3.0)
            return {"own": self.own.result(), "constant": 1.0}

    return Mine


@pytest.mark.parametrize("define", [through_super, with_own_metric, with_fewer_metrics])
def test_fit_evaluate_and_single_batches(define):
    ours, theirs = both(define)
    x, y = regression()
    held_out = x[:10] + 1, y[:10]
    for model in (ours, theirs):
        model.compile("sgd", "mse", metrics=["mae"])
    arguments = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, "validation_data": held_out}
    same_history(ours.fit(x, y, **arguments), theirs.fit(x, y, **arguments))
    same_weights(ours, theirs)
    for method, keywords in (("evaluate", {"verbose": 0}), ("test_on_batch", {}), ("train_on_batch", {})):
        for return_dict in (True, False):
            mine, correct = (
                getattr(model, method)(x, y, return_dict=return_dict, **keywords) for model in (ours, theirs)
            )
            if return_dict:
                assert mine.keys() == correct.keys()
                mine, correct = [mine[key] for key in mine], [correct[key] for key in mine]
            np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=1e-5, err_msg=f"{method} {return_dict}")
    same_weights(ours, theirs)


def test_what_a_step_is_given():
    """Arrays in the nesting in which they were handed over, as in Keras."""
    seen = {}

    def define(library):
        class Mine(library.Model):
            def train_step(self, data):
                seen.setdefault(library, []).append(describe(data))
                return {"loss": 1.0}

            test_step = train_step

            def predict_step(self, data):
                seen.setdefault(library, []).append(describe(data))
                return library.ops.multiply(utils.unpack_x_y_sample_weight(data)[0], 1.0)

        return Mine

    def describe(data):
        if isinstance(data, dict):
            return {key: describe(value) for key, value in data.items()}
        if isinstance(data, tuple | list):
            return tuple(describe(item) for item in data)
        return None if data is None else (tuple(data.shape), str(np.asarray(data).dtype))

    ours, theirs = both(define)
    x, y = regression()
    weights = np.ones(40, np.float32)
    for model in (ours, theirs):
        model.compile("sgd", run_eagerly=True)
        quiet = {"batch_size": 20, "verbose": 0}
        model.fit(x, **quiet)
        model.fit(x.astype(np.float64), y, **quiet)
        model.fit(x, y, sample_weight=weights, **quiet)
        model.fit(x, np.arange(40) % 2, class_weight={0: 1.0, 1: 2.0}, **quiet)
        model.fit([x, y], **quiet)
        model.fit({"a": x, "b": y}, {"c": y}, **quiet)
        model.evaluate(x, y, **quiet)
        model.predict(x, **quiet)
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict_on_batch(x)
        model.fit(x, y, validation_split=0.25, **quiet)
    assert seen[day33] == seen[keras]


def test_batches_of_iterables_arrive_as_they_are():
    class Mine(day33.Model):
        def train_step(self, data):
            first, second, third, (fourth,) = data
            self.shapes = [np.shape(item) for item in (first, second, third, fourth)]
            assert first.numpy().dtype == np.float32
            return {"mean": float(np.mean(first))}

    model = Mine(*_ends())
    model.compile("sgd")
    batches = [(np.full((4, 2), k, np.float32), np.zeros((4, 3)), "text", [np.zeros(4)]) for k in (1, 2, 3)]
    history = model.fit(iter(batches), verbose=0)
    assert model.shapes == [(4, 2), (4, 3), (), (4,)]
    assert history.history == {"mean": [3.0]}  # what the last step gave


def _ends():
    inputs = layers.Input((6,))
    return inputs, layers.Dense(2)(inputs)


def test_metrics_kept_as_attributes_start_over_with_each_epoch():
    class Mine(day33.Model):
        def __init__(self, *args):
            super().__init__(*args)
            self.trackers = [Mean("a"), Mean("b")]

        def train_step(self, data):
            for number, tracker in enumerate(self.trackers):
                tracker.update_state(number + 1.0)
            return {metric.name: metric.result() for metric in self.metrics}

    model = Mine(*_ends())
    model.compile("sgd", "mse")
    assert [metric.name for metric in model.metrics] == ["loss", "a", "b"]
    counts = []
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: counts.append(float(model.trackers[0].count)))
    history = model.fit(*regression(), batch_size=20, epochs=2, callbacks=watch, verbose=0)
    assert counts == [1.0, 2.0, 1.0, 2.0]
    assert history.history == {"a": [1.0, 1.0], "b": [2.0, 2.0], "loss": [0.0, 0.0]}


def test_a_native_model_that_has_a_metric_of_its_own():
    """As in Keras, a metric nobody updates is reported as it is."""
    histories = []
    for library in (day33, keras):
        model = library.Sequential([library.layers.Input((6,)), library.layers.Dense(2, kernel_initializer="ones")])
        model.extra = library.metrics.Mean(name="extra")
        model.compile("sgd", "mse", metrics=["mae"])
        histories.append(model.fit(*regression(), shuffle=False, verbose=0))
    same_history(*histories)
    assert histories[0].history["extra"] == [0.0]


def test_predict_step():
    def define(library):
        class Mine(library.Model):
            def predict_step(self, data):
                outputs = super().predict_step(data)
                return {"twice": 2 * outputs, "pair": [outputs, outputs[:, 0]]}

        return Mine

    ours, theirs = both(define)
    x, _ = regression()
    for call in ("predict", "predict_on_batch"):
        mine, correct = getattr(ours, call)(x), getattr(theirs, call)(x)
        assert mine.keys() == correct.keys()
        np.testing.assert_allclose(mine["twice"], correct["twice"], rtol=1e-5, atol=1e-6)
        for a, b in zip(mine["pair"], correct["pair"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    sizes = []
    watch = LambdaCallback(on_predict_batch_end=lambda batch, logs: sizes.append(len(logs["outputs"]["twice"])))
    assert ours.predict(x, batch_size=15, callbacks=watch)["twice"].shape == (40, 2)
    assert sizes == [15, 15, 10]


def test_a_step_that_returns_no_dict():
    class Mine(day33.Model):
        def train_step(self, data):
            return 1.0

    model = Mine(*_ends())
    model.compile("sgd")
    with pytest.raises(TypeError, match=r"train_step returned 1.0; expected a dict of values by name"):
        model.fit(*regression(), verbose=0)


def test_without_compile_or_loss():
    model = through_super(day33)(*_ends())
    with pytest.raises(ValueError, match="call compile"):
        model.fit(*regression(), verbose=0)
    model.compile("sgd")
    with pytest.raises(ValueError, match="there is nothing to minimise"):
        model.fit(*regression(), verbose=0)


def random_steps():
    class Mine(day33.Model):
        def __init__(self, *args):
            super().__init__(*args)
            self.tracker = Mean("tracker")

        def train_step(self, data):
            logs = super().train_step(data)
            self.tracker.update_state(day33.random.next_seed() % 1000)
            return {**logs, "tracker": self.tracker.result()}

    day33.set_random_seed(3)
    inputs = layers.Input((6,))
    model = Mine(inputs, layers.Dense(2)(layers.Dropout(0.5)(inputs)))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def test_a_run_that_is_resumed_goes_on_with_the_same_bits(tmp_path):
    x, y = regression()
    whole = random_steps()
    full = whole.fit(x, y, batch_size=8, epochs=3, verbose=0)

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2 and self.model.training_state.epoch == 1:
                raise KeyboardInterrupt

    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    with pytest.raises(KeyboardInterrupt):
        random_steps().fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[keep, Stop()])
    again = random_steps()
    rest = again.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[keep])
    assert rest.history == full.history
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_state_of_another_model_is_refused(tmp_path):
    x, y = regression()
    keep = callbacks.BackupAndRestore(tmp_path, save_freq=1, delete_checkpoint=False)
    random_steps().fit(x, y, batch_size=8, verbose=0, callbacks=[keep])
    plain = day33.Model(*_ends())
    plain.compile("adam", "mse", metrics=["mae"])
    with pytest.raises(ValueError, match="its"):
        plain.fit(x, y, batch_size=8, verbose=0, callbacks=[keep])


@pytest.mark.parametrize("name", ["make_train_function", "make_test_function", "make_predict_function"])
def test_functions_of_steps_are_refused(name):
    assert callable(getattr(keras.Model, name))
    mine = type("Mine", (day33.Model,), {name: lambda self, force=False: None})
    with pytest.raises(ValueError, match=f"Mine defines {name}.*Expected {name[5:-9]}_step"):
        mine(*_ends()).compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"Mine defines {name}"):
        mine(*_ends()).predict(np.zeros((2, 6), np.float32))


def test_packing():
    x, y, w = np.zeros(2), np.ones(2), np.full(2, 2.0)
    for library in (day33, keras):
        pack, unpack = library.utils.pack_x_y_sample_weight, library.utils.unpack_x_y_sample_weight
        assert pack(x) is x
        assert pack([x]) == ([x],)
        assert pack(x, y) == (x, y)
        assert pack(x, y, w) == (x, y, w)
        assert unpack(x) == (x, None, None)
        assert unpack((x, y)) == (x, y, None)
        assert unpack([x, y, w]) == (x, y, w)
        with pytest.raises(ValueError, match="(?i)expected"):
            unpack((x, y, w, w))
