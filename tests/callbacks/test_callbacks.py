"""Callbacks: hooks beside Keras, and what each callback promises."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

import day33
from day33 import Sequential, callbacks, layers, optimizers
from day33._io.npz import read_npz
from day33.callbacks import protocols
from support.small_models import watched_model as model
from support.small_models import watched_samples as samples

# ---- the order of the hooks ----


def recorder(base, events):
    hooks = [name for name in vars(callbacks.Callback) if name.startswith("on_") and name != "on_exception"]

    def make(name):
        def hook(self, *arguments, logs=None):
            *numbers, last = arguments if len(arguments) == 2 or ("batch" not in name and "epoch" not in name) else (
                *arguments, logs)  # fmt: skip
            events.append((name, tuple(numbers), None if last is None else sorted(last)))
            # The base class hands train batches on to on_batch_*.
            if name.startswith("on_train_batch"):
                getattr(base, name)(self, *numbers, logs=last)

        return hook

    return type("Recorder", (base,), {name: make(name) for name in hooks})()


def test_hooks_as_keras():
    """Same hooks, same order, same numbers, same names in the logs: fit with validation, evaluate, predict."""
    keras = pytest.importorskip("keras")
    x, y = samples()
    lists = []
    for made, base in (
        (model(), callbacks.Callback),
        (model(keras.layers, keras.Sequential), keras.callbacks.Callback),
    ):
        events = []
        watch = recorder(base, events)
        made.fit(x, y, 8, 2, verbose=0, callbacks=[watch], validation_split=0.4, validation_batch_size=5)
        made.evaluate(x, y, 8, verbose=0, callbacks=[watch])
        made.predict(x, batch_size=8, verbose=0, callbacks=[watch])
        lists.append(events)
    ours, theirs = lists
    assert [event[:2] for event in ours] == [event[:2] for event in theirs]
    assert [(a, b[2]) for a, b in zip(ours, theirs, strict=True) if a[2] != b[2]] == []
    assert [event for event in ours if event[2] is None] == []


def test_params_and_model_are_set():
    class Watch(callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seen = dict(self.params), self.model

    watch, made = Watch(), model()
    made.fit(*samples(), epochs=2, batch_size=8, verbose=0, callbacks=watch)
    assert watch.seen == ({"verbose": 0, "epochs": 2, "steps": 3}, made)


def test_a_model_has_what_callbacks_may_see():
    made = model()
    made.fit(*samples(), verbose=0)
    for protocol, value in (
        (protocols.TrainedModel, made),
        (protocols.TrainingState, made.training_state),
        (protocols.Progress, made.progress),
    ):
        names = {name for name in {*vars(protocol), *protocol.__annotations__} if not name.startswith("_")}
        assert len(names) >= 2 and [name for name in sorted(names) if not hasattr(value, name)] == []


def test_only_hooks_that_do_something_are_called():
    quiet, loud = callbacks.Callback(), callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert not callbacks.CallbackList([quiet]).listens("on_train_batch_end")
    assert callbacks.CallbackList([quiet, loud]).listens("on_train_batch_end")
    assert callbacks.CallbackList([callbacks.TerminateOnNaN()]).listens("on_train_batch_end")  # through on_batch_end


def test_batch_logs_are_running_means():
    x, y = samples()
    seen = []
    made = model(optimizer=optimizers.SGD(0.0))
    made.fit(x, y, 8, verbose=0, shuffle=False, callbacks=[
        callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))])  # fmt: skip
    expected = [made.evaluate(x[:end], y[:end], verbose=0, return_dict=True)["loss"] for end in (8, 16, 20)]
    assert seen == pytest.approx(expected, rel=1e-6)


def test_hooks_get_a_dict_where_there_are_no_logs():
    seen = []

    class Watch(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(logs)

        def on_train_begin(self, logs=None):
            seen.append(logs)

    watch = callbacks.CallbackList([Watch()])
    watch.on_epoch_begin(0)
    watch.on_begin("train")
    assert seen == [{}, {}]


# ---- callbacks that watch a value ----


@pytest.mark.parametrize("kind", ["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_improvements_by_about_min_delta(kind, mode):
    """At the border, float32 decides."""
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    first = ("x.keras",) if kind == "ModelCheckpoint" else ()
    decisions = set()
    for delta in (0.0, 1e-4, 1e-2, 0.1):
        arguments = {} if kind == "ModelCheckpoint" else {"min_delta": delta}
        ours, theirs = (getattr(lib.callbacks, kind)(*first, "loss", mode=mode, **arguments) for lib in (day33, keras))
        theirs._set_monitor_op()
        for _ in range(200):
            best = float(rng.integers(1, 20000)) * 1e-4
            value = best + int(rng.integers(-2, 3)) * delta + float(rng.choice([0, 1e-9, -1e-9, 1e-7, -1e-7]))
            if rng.random() < 0.5:  # losses are float32
                best, value = float(np.float32(best)), float(np.float32(value))
            decision = bool(theirs._is_improvement(value, best))
            assert ours.is_improvement(value, best) is decision, (value, best, delta)
            decisions.add((decision, value < best))
    assert len(decisions) >= 3


@pytest.mark.parametrize(
    ("value", "best"), [(math.inf, 1.0), (1e300, 2.0), (-1e300, 0.0), (math.nan, 1.0), (1.0, math.nan)]
)
def test_improvements_of_no_ordinary_numbers(value, best):
    for mode, expected in (("min", value < best), ("max", value > best)):
        assert callbacks.EarlyStopping("loss", mode=mode).is_improvement(value, best) is expected


CURVES = {
    "falls": [5, 4, 3, 2, 1, 0.5],
    "rises": [1, 2, 3, 4, 5, 6],
    "valley": [5, 3, 2, 2.5, 2.4, 2.6, 1.9, 3, 3, 3],
    "steps": [3, 3, 2.99999, 2, 2, 2, 2, 1, 1, 1, 1],
    "nan": [3, 2, math.nan, math.nan, math.nan, 1],
}


def drive(callback, made, values, monitor):
    """Runs the epochs of a made-up training; returns what the callback did after each."""
    callback.set_model(made)
    made.stop_training = False
    callback.on_train_begin()
    trace = []
    for epoch, value in enumerate(values):
        made.set_weights([np.full(w.shape, epoch, np.float32) for w in made.get_weights()])
        callback.on_epoch_end(epoch, {monitor: float(value)})
        rate = float(made.optimizer.learning_rate)
        trace.append((bool(made.stop_training), callback.wait, None if callback.best is None else float(callback.best)))
        trace.append(pytest.approx(rate, rel=1e-5))
        if made.stop_training:
            break
    callback.on_train_end()
    return [*trace, float(made.get_weights()[1][0])]


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"patience": 2},
        {"patience": 2, "min_delta": 0.3, "restore_best_weights": True},
        {"patience": 1, "mode": "max"},
        {"patience": 1, "baseline": 2.2, "restore_best_weights": True},
        {"patience": 1, "start_from_epoch": 3, "restore_best_weights": True},
        {"monitor": "val_mae", "patience": 2},
    ],
)
def test_early_stopping_as_keras(curve, arguments):
    compare("EarlyStopping", curve, arguments)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": 1},
        {"patience": 2, "factor": 0.5, "cooldown": 2},
        {"patience": 1, "min_lr": 0.0005, "min_delta": 0.2},
        {"patience": 1, "mode": "max", "monitor": "mae"},
    ],
)
def test_reduce_lr_on_plateau_as_keras(curve, arguments):
    compare("ReduceLROnPlateau", curve, arguments)


KERAS_MODEL = []


def compare(name, curve, arguments):
    keras = pytest.importorskip("keras")
    if not KERAS_MODEL:
        KERAS_MODEL.append(model(keras.layers, keras.Sequential))
        KERAS_MODEL[0].fit(*samples(), verbose=0)  # its metrics exist after the first batch
    theirs, ours = KERAS_MODEL[0], model()
    ours.fit(*samples(), verbose=0)
    theirs.optimizer.learning_rate = 0.01
    values, monitor = CURVES[curve], arguments.get("monitor", "val_loss")
    mine = drive(getattr(callbacks, name)(**arguments), ours, values, monitor)
    assert mine == drive(getattr(keras.callbacks, name)(**arguments), theirs, values, monitor)


def test_monitored_value_that_is_missing():
    stopping = callbacks.EarlyStopping(monitor="val_loss")
    with pytest.warns(UserWarning, match="looks for 'val_loss'; the logs have loss, mae"):
        model().fit(*samples(), verbose=0, callbacks=[stopping])


def test_direction_has_to_be_known():
    made = model()
    stopping = callbacks.EarlyStopping(monitor="speed")
    stopping.set_model(made)
    stopping.on_epoch_end(0, {"speed": 1.0})  # the first value is the best so far, whatever the direction
    with pytest.raises(ValueError, match="whether more or less of 'speed' is better"):
        stopping.on_epoch_end(1, {"speed": 2.0})
    with pytest.raises(ValueError, match="mode is 'up'"):
        callbacks.EarlyStopping(mode="up")
    with pytest.raises(ValueError, match="factor is 1.5"):
        callbacks.ReduceLROnPlateau(factor=1.5)


def test_accuracy_rises():
    made = Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, _ = samples()
    made.fit(x, np.zeros(20), verbose=0)
    stopping = callbacks.EarlyStopping(monitor="val_accuracy")
    stopping.set_model(made)
    assert stopping.is_improvement(0.9, 0.8) and not stopping.is_improvement(0.7, 0.8)


def test_learning_rate_scheduler():
    rates = []
    made = model(optimizer=optimizers.SGD(1.0))
    history = made.fit(*samples(), epochs=3, verbose=0, callbacks=[
        callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: rates.append(made.optimizer.learning_rate)),
    ])  # fmt: skip
    assert rates == history.history["learning_rate"] == [0.5, 0.25, 0.125]
    with pytest.raises(ValueError, match="the schedule gave 'x' for epoch 0"):
        made.fit(*samples(), verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "x")])


def test_terminate_on_nan(capsys):
    x, y = samples()
    x[:] = np.inf
    made = model()
    history = made.fit(x, y, 4, 3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert made.optimizer.iterations == 1 and history.epoch == [0]
    assert "the loss is nan" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="the loss is nan after batch 0"):
        model().fit(x, y, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)])


def test_lambda_callback_refuses_unknown_hooks():
    with pytest.raises(TypeError, match="on_fire is not a hook"):
        callbacks.LambdaCallback(on_fire=print)


# ---- files ----


@pytest.mark.parametrize("arguments", [{}, {"separator": ";"}])
def test_csv_logger_as_keras(tmp_path, arguments):
    keras = pytest.importorskip("keras")
    logs = [{"loss": 0.1 + 0.2, "acc": 1.0}, {"loss": 1e-9, "acc": 0.5, "late": 3.0}, {"loss": math.nan}]
    for append in (False, True):
        for base in (callbacks.CSVLogger, keras.callbacks.CSVLogger):
            logger = base(tmp_path / f"{base.__module__.split('.')[0]}.csv", append=append, **arguments)
            logger.on_train_begin()
            for epoch, values in enumerate(logs):
                logger.on_epoch_end(epoch, values)
            logger.on_train_end()
        # Line ends differ where Keras's file turns \r\n over.
        ours, theirs = ((tmp_path / f"{name}.csv").read_text().split() for name in ("day33", "keras"))
        assert ours == theirs


def test_csv_logger_reads_back_as_the_history(tmp_path):
    path = tmp_path / "log.csv"
    history = model().fit(*samples(), epochs=3, verbose=0, validation_split=0.3, callbacks=[callbacks.CSVLogger(path)])
    with open(path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["epoch"]) for row in rows] == history.epoch
    for name, values in history.history.items():
        assert [float(row[name]) for row in rows] == values  # every digit


def test_csv_logger_says_at_once_that_the_folder_is_missing(tmp_path):
    made = model()
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        made.fit(*samples(), verbose=0, callbacks=[callbacks.CSVLogger(tmp_path / "nowhere" / "log.csv")])
    assert made.optimizer.iterations == 0


def test_checkpoint_names_and_contents(tmp_path):
    made = model()
    saved = {}
    pattern = tmp_path / "deep" / "{epoch:02d}-{val_loss:.3f}.npz"
    history = made.fit(
        *samples(), epochs=3, verbose=0, validation_split=0.3,
        callbacks=[
            callbacks.ModelCheckpoint(pattern),
            callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: saved.update({epoch: made.get_weights()})),
        ],
    )  # fmt: skip
    names = [f"{epoch + 1:02d}-{loss:.3f}.npz" for epoch, loss in enumerate(history.history["val_loss"])]
    assert sorted(path.name for path in pattern.parent.iterdir()) == sorted(names)
    for epoch, name in enumerate(names):
        other = model()
        other.load_weights(pattern.parent / name)
        for a, b in zip(other.get_weights(), saved[epoch], strict=True):
            np.testing.assert_array_equal(a, b)


def test_checkpoint_of_the_best_only(tmp_path):
    made = model()
    keep = callbacks.ModelCheckpoint(tmp_path / "best.npz", monitor="loss", save_best_only=True)
    keep.set_model(made)
    stored = []
    for epoch, loss in enumerate([3.0, 2.0, 2.5, 1.0, 1.5]):
        made.set_weights([np.full(w.shape, epoch, np.float32) for w in made.get_weights()])
        keep.on_epoch_end(epoch, {"loss": loss})
        stored.append(float(next(iter(read_npz(tmp_path / "best.npz").values())).flat[0]))
    assert stored == [0, 1, 1, 3, 3]
    threshold = callbacks.ModelCheckpoint(
        tmp_path / "other.npz", monitor="loss", save_best_only=True, initial_value_threshold=0.5
    )
    threshold.set_model(made)
    threshold.on_epoch_end(0, {"loss": 0.6})
    assert not (tmp_path / "other.npz").exists()


def test_checkpoint_every_few_batches(tmp_path):
    made = model()
    made.fit(*samples(), epochs=2, batch_size=4, verbose=0, callbacks=[
        callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.npz", save_freq=3)])  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-3.npz", "2-1.npz", "2-4.npz"]  # of ten batches


def test_checkpoint_errors(tmp_path):
    made = model()
    with pytest.raises(KeyError, match="wants 'val_acc'"):
        made.fit(*samples(), verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "{val_acc}.npz")])
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.npz"):
        made.fit(*samples(), verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "folder.npz")])
    for bad in (0, -1, 1.5, "batch", True):
        with pytest.raises(ValueError, match="save_freq is"):
            callbacks.ModelCheckpoint("x.npz", save_freq=bad)
