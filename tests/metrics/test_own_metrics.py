"""Metrics of the user's: subclasses written for Keras, functions, state, and both in `compile`, `fit` and loops."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, callbacks, layers, metrics
from day33.metrics import Metric

keras = pytest.importorskip("keras")


def own_metrics(library):
    """Subclasses of a library's Metric, as tutorials write them."""

    class BinaryTruePositives(library.metrics.Metric):
        def __init__(self, name="binary_true_positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.true_positives = self.add_variable(shape=(), initializer="zeros", name="true_positives")

        def update_state(self, y_true, y_pred, sample_weight=None):
            y_true, y_pred = np.asarray(y_true) != 0, np.asarray(y_pred) > 0.5
            values = (y_true & y_pred).astype(np.dtype(self.dtype))
            if sample_weight is not None:
                values = values * np.broadcast_to(np.asarray(sample_weight)[:, None], values.shape)
            self.true_positives.assign(self.true_positives + np.sum(values))

        def result(self):  # the variable itself would change in the logs of Keras until they are read
            return self.true_positives + 0.0

    class PerClass(library.metrics.Metric):
        """Several values, in variables of several shapes and dtypes."""

        def __init__(self, classes, **kwargs):
            super().__init__(**kwargs)
            self.sums = self.add_weight(shape=(classes,), initializer="zeros", name="sums")
            self.seen = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="seen")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.sums.assign_add(np.sum(np.abs(np.asarray(y_pred) - np.asarray(y_true)), axis=0))
            self.seen.assign_add(len(np.asarray(y_true)))

        def result(self):
            return {
                f"distance_{index}": float(self.sums[index]) / max(int(self.seen), 1)
                for index in range(self.sums.shape[0])
            }

    class FromOthers(library.metrics.Metric):
        def __init__(self, name="f1", **kwargs):
            super().__init__(name=name, **kwargs)
            self.precision = library.metrics.Precision()
            self.recall = library.metrics.Recall()

        def update_state(self, y_true, y_pred, sample_weight=None):
            for metric in (self.precision, self.recall):
                metric.update_state(y_true, y_pred, sample_weight)

        def result(self):
            p, r = float(self.precision.result()), float(self.recall.result())
            return 2 * p * r / (p + r + 1e-7)

    return BinaryTruePositives, PerClass, FromOthers


def twins(own=True):
    """A model of both libraries with the same weights, compiled with all of them in both places, and their data."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)).astype(np.float32)
    y = (rng.random((50, 2)) < 0.5).astype(np.float32)
    models = []
    for library in (day33, keras):
        model = library.Sequential([library.layers.Input((3,)), library.layers.Dense(2, activation="sigmoid")])
        chosen = []
        if own:
            positives, per_class, from_others = own_metrics(library)
            chosen = [positives(), per_class(2, name="per_class"), from_others()]
        chosen += [library.metrics.F1Score(threshold=0.5), library.metrics.AUC(name="area"), "precision"]
        weighted = [library.metrics.Recall(name="recall"), library.metrics.R2Score(name="fit")]
        model.compile(
            library.optimizers.SGD(0.5), "binary_crossentropy", metrics=chosen, weighted_metrics=weighted,
            **({} if library is day33 else {"run_eagerly": True}),
        )  # fmt: skip
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    return *models, x, y, rng.choice([0.0, 1.0, 2.0], 50).astype(np.float32)


def assert_same(mine, correct):
    assert sorted(mine) == sorted(correct)
    for name, expected in correct.items():
        np.testing.assert_allclose(np.asarray(mine[name]), np.asarray(expected), rtol=1e-4, atol=1e-5, err_msg=name)


def test_in_fit_and_evaluate():
    ours, theirs, x, y, weights = twins()
    histories = []
    for model in (ours, theirs):
        history = model.fit(
            x, y, sample_weight=weights, batch_size=16, epochs=3, shuffle=False, verbose=0,
            validation_data=(x[:20], y[:20], weights[:20]),
        )  # fmt: skip
        histories.append(history.history)
    assert_same(*histories)
    assert np.shape(histories[0]["f1_score"]) == (3, 2)
    assert_same(*(m.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True) for m in (ours, theirs)))
    assert_same(*(m.test_on_batch(x, y, return_dict=True) for m in (ours, theirs)))
    assert_same(*(m.train_on_batch(x, y, return_dict=True) for m in (ours, theirs)))


def test_in_a_loop():
    found = []
    for library in (day33, keras):
        positives, per_class, from_others = own_metrics(library)
        values = []
        for metric in (positives(), per_class(2), from_others()):
            for _ in range(2):
                for start in range(0, 6, 2):
                    true = np.float32([[1, 0], [1, 1]]) * (start != 2)
                    metric.update_state(true, np.float32([[0.75, 0.25], [start / 8, 1.0]]))
                result = metric.result()
                values += list(result.values()) if isinstance(result, dict) else [float(result)]
                metric.reset_state()
        found.append(values)
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0][:2] == [4.0, 4.0]


def test_variables():
    class Kept(Metric):
        def __init__(self):
            super().__init__(dtype="float64", name="kept")
            self.a = self.add_weight(name="a")
            self.b = self.add_variable((2, 3), "ones", dtype="int32", name="b")
            self.inner = {"means": [metrics.Mean(), metrics.Sum()]}

    metric = Kept()
    assert [v.name for v in metric.variables] == ["a", "b", "total", "count", "total"]
    assert (metric.a.dtype, metric.a.shape, metric.b.dtype, metric.b.shape) == ("float64", (), "int32", (2, 3))
    assert metric.b.numpy().tolist() == [[1] * 3] * 2
    metric.b.assign_add([1, 2, 3])
    metric.b.assign_sub(np.array([[1], [0]]))
    assert np.asarray(metric.b).tolist() == [[1, 2, 3], [2, 3, 4]]
    assert metric.b[1].tolist() == [2, 3, 4] and len(metric.b) == 2 and [row[0] for row in metric.b] == [1, 2]
    doubled = 2 * metric.b
    metric.b.assign(np.zeros((2, 3)))
    assert doubled.numpy().tolist() == [[2, 4, 6], [4, 6, 8]]
    assert np.float32([1, 2]) @ metric.b.value.astype(np.float32) == pytest.approx(np.zeros(3))
    metric.a.assign(2.5)
    assert float(metric.a) == 2.5 and int(metric.a) == 2 and (metric.a > 2) and -metric.a + 1 == -1.5
    assert np.add(metric.a, metric.a) == 5.0 and metric.a.numpy() == 2.5
    with pytest.raises(ValueError, match=r"value for variable 'b' has shape \(3,\); expected \(2, 3\)"):
        metric.b.assign(np.zeros(3))
    metric.inner["means"][0].update_state([1.0, 3.0])
    metric.reset_state()
    assert all(not np.any(np.asarray(v)) for v in metric.variables)
    assert metric.inner["means"][0].result() == 0.0
    assert metric.get_config() == {"name": "kept", "dtype": "float64"}


def test_messages():
    class NoSuper(Metric):
        def __init__(self):
            self.a = self.add_weight()

    with pytest.raises(AttributeError, match=r"NoSuper adds a variable before super\(\).__init__"):
        NoSuper()

    class Nothing(Metric):
        pass

    with pytest.raises(TypeError, match="Nothing has no variables and does not define reset_state"):
        Nothing().reset_state()
    with pytest.raises(TypeError, match="name is 3; expected a string"):
        Nothing(name=3)


def test_functions_in_compile():
    """They get arrays, once per batch; names, classes, objects and configurations are taken beside them."""
    shapes = []

    def largest_error(y_true, y_pred):
        shapes.append((y_true.numpy().shape, y_pred.shape))
        return np.max(np.abs(y_true - y_pred), axis=-1)

    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    chosen = [
        largest_error, lambda y_true, y_pred: np.mean(y_pred), "AUC", "f1_score", "mape", metrics.Precision,
        metrics.get({"class_name": "Recall", "config": {"thresholds": 0.25, "name": "found"}}),
    ]  # fmt: skip
    day33.utils.clear_session()
    model.compile("sgd", "mse", metrics=chosen)
    x, y = np.ones((5, 3)), np.zeros((5, 2))
    model.set_weights([np.full((3, 2), 0.1), np.array([0.1, 0.3])])
    logs = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    assert list(logs) == ["AUC", "f1_score", "found", "lambda", "largest_error", "loss", "mape", "precision"]
    assert shapes == [((2, 2), (2, 2))] * 2 + [((1, 2), (1, 2))]
    assert logs["largest_error"] == pytest.approx(0.6)
    assert logs["lambda"] == pytest.approx(0.5)
    assert model.metrics[-1].thresholds == [0.25]


def test_names_are_counted_once_per_metric():
    """As in Keras, so that "val_auc_1" is found where it was."""
    names = []
    for library, clear in ((day33, day33.utils.clear_session), (keras, keras.utils.clear_session)):
        clear()
        for _ in range(2):
            model = library.Sequential([library.layers.Input((3,)), library.layers.Dense(1, activation="sigmoid")])
            model.compile("sgd", "mse", metrics=[library.metrics.AUC(), "Recall", library.metrics.Recall(), "acc"])
            names.append(list(model.evaluate(np.ones((2, 3)), np.ones((2, 1)), verbose=0, return_dict=True)))
    assert names[:2] == names[2:]


def test_outputs_with_metrics_of_their_own():
    entry = layers.Input((3,))
    model = Model(entry, [layers.Dense(2, activation="sigmoid", name="a")(entry), layers.Dense(1, name="b")(entry)])
    positives, per_class, _ = own_metrics(day33)
    model.compile("sgd", ["mse", "mse"], metrics={"a": [positives(), per_class(2, name="p")], "b": ["r2_score"]})
    logs = model.evaluate(np.eye(3), [np.ones((3, 2)), np.ones((3, 1))], verbose=0, return_dict=True)
    assert {"a_binary_true_positives", "distance_0", "distance_1", "b_r2_score"} <= set(logs)


class Stop(Exception):
    pass


class StopAt(callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.batch:
            raise Stop


def test_an_epoch_that_was_interrupted_goes_on(tmp_path):
    """The state of metrics, arrays and metrics inside of metrics included, is in a checkpoint."""

    def run(*listeners, epochs=2):
        model, _, x, y, weights = twins()
        model.set_weights([np.full((3, 2), 0.1), np.zeros(2)])
        return model.fit(
            x,
            y,
            sample_weight=weights,
            batch_size=8,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=list(listeners),
        ).history

    expected = run()
    with pytest.raises(Stop):
        run(callbacks.BackupAndRestore(tmp_path, save_freq=2), StopAt(4))
    found = run(callbacks.BackupAndRestore(tmp_path, save_freq=2))
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_states_that_do_not_fit():
    metric = metrics.Precision(thresholds=[0.2, 0.4])
    metric.update_state([1, 0], [0.3, 0.9])
    state = metric.get_state()
    again = metrics.Precision(thresholds=[0.2, 0.4])
    again.check_state(state)
    again.set_state(state)
    assert again.result().tolist() == metric.result().tolist() == [0.5, 0.0]
    for wrong in ({}, {**state, "more": 1.0}, {**state, "true_positives": 1.0}, {**state, "true_positives": "a"}):
        with pytest.raises(ValueError, match="the state of metric 'precision.*' is .*; expected numbers for true_pos"):
            again.check_state(wrong)


def test_several_values_in_files_and_lines(tmp_path, capsys):
    ours, _, x, y, _ = twins(own=False)
    path = tmp_path / "log.csv"
    ours.fit(x, y, epochs=1, verbose=2, callbacks=[callbacks.CSVLogger(path)])
    with path.open() as lines:
        row = next(csv.DictReader(lines))
    values = [float(value) for value in row["f1_score"].strip('"[]').split(",")]
    assert len(values) == 2
    line = capsys.readouterr().out
    assert "f1_score: [" + " ".join(f"{value:.4g}" for value in np.float32(values)) + "]" in line


def test_metrics_in_keras_files(tmp_path):
    ours, theirs, x, y, _ = twins(own=False)
    for name, model in (("ours.keras", ours), ("theirs.keras", theirs)):
        path = tmp_path / name
        model.save(path)
        expected = model.evaluate(x, y, verbose=0, return_dict=True)
        for loaded in (day33.load_model(path), keras.saving.load_model(path)):
            assert_same(loaded.evaluate(x, y, verbose=0, return_dict=True), expected)


@pytest.mark.parametrize("library", ["day33", "keras"])
def test_arguments_in_keras_files(tmp_path, library):
    lib = day33 if library == "day33" else keras
    model = lib.Sequential([lib.layers.Input((3,)), lib.layers.Dense(4, activation="softmax")])
    chosen = [
        lib.metrics.AUC(multi_label=True, num_labels=4, name="area"),
        lib.metrics.AUC(thresholds=[0.2, 0.3], curve="PR", name="pr"),
        lib.metrics.Precision(thresholds=[0.2, 0.3], name="p"),
        lib.metrics.TopKCategoricalAccuracy(k=2),
        lib.metrics.OneHotMeanIoU(4, name="iou"),
        lib.metrics.SensitivityAtSpecificity(0.3, name="s"),
        lib.metrics.FBetaScore("macro", 2.0, name="f"),
        lib.metrics.ConcordanceCorrelation(name="c"),
    ]
    model.compile("sgd", "categorical_crossentropy", metrics=chosen)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)).astype(np.float32), np.eye(4, dtype=np.float32)[rng.integers(0, 4, 20)]
    path = tmp_path / "model.keras"
    model.save(path)
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    for loaded in (day33.load_model(path), keras.saving.load_model(path)):
        assert_same(loaded.evaluate(x, y, verbose=0, return_dict=True), expected)
