"""How many batches an epoch has and which, where steps and data do not agree: beside Keras."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import day33
from day33 import callbacks
from day33._training.batches import ArrayData, Batch
from support.small_models import compiled, dense_model, regression

ROWS = np.arange(100, dtype=np.float32)[:, None]
RAN_OUT = "ran out of"


def identity(library):
    """A model that gives back its input and does not learn: the loss of a batch is the mean square of its rows."""
    model = library.Sequential([library.layers.Input((1,)), library.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1), np.float32)])
    model.compile(library.optimizers.SGD(0.0), "mse")
    return model


def counter(library):
    class Steps(library.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.found = []

        def on_epoch_begin(self, epoch, logs=None):
            self.found.append(0)

        def on_train_batch_end(self, batch, logs=None):
            self.found[-1] += 1

    return Steps()


def epochs_of(library, x, **arguments):
    """Steps of each epoch, their numbers, the history, and what was warned of."""
    steps = counter(library)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = identity(library).fit(x, verbose=0, callbacks=[steps], **arguments)
    return steps.found, history.epoch, history.history, [str(warning.message) for warning in caught]


def assert_same_epochs(mine, correct):
    assert mine[0] == correct[0]
    assert mine[1] == correct[1]
    assert mine[2] == {name: pytest.approx(values, rel=1e-6) for name, values in correct[2].items()}
    assert said(mine) == said(correct)


def said(found):
    """How often it was said that data ran out."""
    return sum(RAN_OUT in message for message in found[3])


def parts(count):
    return [(np.full((4, 1), index, np.float32), np.zeros((4, 1), np.float32)) for index in range(count)]


def sequence(base, count):
    class Sequence(base):
        def __len__(self):
            return count

        def __getitem__(self, index):
            return parts(count)[index]

    return Sequence()


CASES = [(100, 25, 3, 4), (10, 4, 5, 2), (100, 25, 2, 3), (100, 30, 4, 2), (12, 4, 3, 2), (7, 2, 1, 6), (5, 8, 2, 2)]


@pytest.mark.parametrize("initial_epoch", [0, 1])
@pytest.mark.parametrize(("rows", "batch_size", "steps", "epochs"), CASES)
def test_arrays(rows, batch_size, steps, epochs, initial_epoch):
    keras = pytest.importorskip("keras")
    arguments = dict(
        batch_size=batch_size, steps_per_epoch=steps, epochs=epochs, initial_epoch=initial_epoch, shuffle=False
    )
    x = ROWS[:rows]
    mine, correct = (epochs_of(library, x, y=x * 0, **arguments) for library in (day33, keras))
    assert_same_epochs(mine, correct)


@pytest.mark.parametrize("steps", [None, 2, 3, 4, 6])
def test_sequences(steps):
    keras = pytest.importorskip("keras")
    arguments = dict(steps_per_epoch=steps, epochs=5, shuffle=False)
    mine = epochs_of(day33, sequence(object, 4), **arguments)
    assert_same_epochs(mine, epochs_of(keras, sequence(keras.utils.PyDataset, 4), **arguments))
    assert_same_epochs(epochs_of(day33, parts(4), **arguments), mine)


@pytest.mark.parametrize("steps", [None, 2, 3, 6])
def test_iterables_of_unknown_length(steps):
    """Data sets of TensorFlow that do not know their length, and functions."""
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    spec = tf.TensorSpec((None, 1), tf.float32)
    arguments = dict(steps_per_epoch=steps, epochs=5)
    data = tf.data.Dataset.from_generator(lambda: iter(parts(5)), output_signature=(spec, spec))
    mine = epochs_of(day33, data, **arguments)
    correct = epochs_of(keras, data, **arguments)
    if steps is None:
        correct = (*correct[:3], [])  # Keras says so of whole passes, too
    assert_same_epochs(mine, correct)
    assert_same_epochs(epochs_of(day33, lambda: iter(parts(5)), **arguments), mine)


def test_a_pass_that_ends_with_the_epoch():
    """It shows with the next batch only; the next epoch is a whole one. (Keras has an epoch without batches there.)"""
    seen = []

    def batches():
        for index, part in enumerate(parts(4)):
            seen.append(index)
            yield part

    assert epochs_of(day33, batches, steps_per_epoch=2, epochs=4) == (
        [2, 2, 2, 2], [0, 1, 2, 3], {"loss": [0.5, 6.5, 0.5, 6.5]}, [],
    )  # fmt: skip
    assert seen == [0, 1, 2, 3, 0, 1, 2, 3]


ENDED = "x has no more batches; training ends after {} epochs"


@pytest.mark.parametrize(
    ("count", "steps", "losses", "messages"),
    [
        (5, [2, 2, 1], [0.5, 6.5, 16.0],
         ["x ran out of batches in epoch 3, after 1 of 2 steps; the epoch ends there", ENDED.format(3)]),
        (4, [2, 2], [0.5, 6.5], [ENDED.format(2)]),
        (8, [2, 2, 2, 2], [0.5, 6.5, 20.5, 42.5], []),
        (9, [2, 2, 2, 2], [0.5, 6.5, 20.5, 42.5], []),
    ],
)  # fmt: skip
def test_generators(count, steps, losses, messages):
    """Training ends with the batches. (Keras gives the first two of them again, which it has put aside.)"""
    found = epochs_of(day33, iter(parts(count)), steps_per_epoch=2, epochs=4)
    assert found == (steps, list(range(len(steps))), {"loss": losses}, messages)


def test_generators_to_validate_on():
    x = ROWS[:8]
    model = identity(day33)
    with pytest.warns(UserWarning) as caught:
        history = model.fit(x, x * 0, epochs=4, verbose=0, validation_data=iter(parts(3)), validation_steps=2).history
    assert history["val_loss"] == [0.5, 4.0]
    assert len(history["loss"]) == 4
    said = [str(warning.message) for warning in caught]
    assert said == [
        "validation_data ran out of batches in epoch 2, after 1 of 2 steps; the epoch ends there",
        "validation_data has no more batches; epoch 3 is not validated",
        "validation_data has no more batches; epoch 4 is not validated",
    ]


def test_validation_begins_anew():
    keras = pytest.importorskip("keras")
    x = ROWS[:10]
    found = []
    for library in (day33, keras):
        base = object if library is day33 else keras.utils.PyDataset
        for given in ((x, x * 0), sequence(base, 3)):
            history = identity(library).fit(
                x, x * 0, batch_size=4, validation_data=given, validation_steps=2, epochs=3, verbose=0
            )
            found.append(history.history["val_loss"])
    assert found == [[17.5] * 3, [0.5] * 3] * 2


def test_steps_of_evaluate_and_predict():
    keras = pytest.importorskip("keras")
    x = ROWS[:10]
    for library in (day33, keras):
        model = identity(library)
        with pytest.warns(UserWarning, match=RAN_OUT):
            assert model.evaluate(x, x * 0, batch_size=4, steps=5, verbose=0) == 28.5
        with pytest.warns(UserWarning, match=RAN_OUT):
            assert model.predict(x, batch_size=4, steps=5, verbose=0).shape == (10, 1)
        assert model.evaluate(x, x * 0, batch_size=4, steps=2, verbose=0) == 17.5
        assert model.predict(x, batch_size=4, steps=2, verbose=0).shape == (8, 1)


def test_warnings_point_at_the_caller():
    x = ROWS[:10]
    for given in ((x, x * 0), (parts(2), None)):
        with pytest.warns(UserWarning, match=RAN_OUT) as caught:
            identity(day33).fit(*given, batch_size=4, steps_per_epoch=5, verbose=0)
        assert caught[0].filename == __file__


# ---- sequences that know of epochs ----


class Following:
    def __init__(self):
        super().__init__()
        self.said = []

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.said.append(index)
        return parts(3)[index]

    def on_epoch_begin(self):
        self.said.append("begin")

    def on_epoch_end(self):
        self.said.append("end")


def test_epochs_are_told():
    training, held_out = Following(), Following()
    model = identity(day33)
    model.fit(training, epochs=2, validation_data=held_out, verbose=0)
    assert training.said == held_out.said == ["begin", 0, 1, 2, "end"] * 2
    for call in (model.evaluate, model.predict):
        data = Following()
        call(data, verbose=0)
        assert data.said == ["begin", 0, 1, 2, "end"]
    short = Following()
    with pytest.warns(UserWarning, match=RAN_OUT):
        model.fit(short, epochs=3, steps_per_epoch=2, verbose=0)
    assert short.said == ["begin", 0, 1, "end", "begin", 2, "end", "begin", 0, 1, "end"]


def test_epochs_are_told_as_by_keras():
    """But for the two batches that Keras takes a look at first."""
    keras = pytest.importorskip("keras")
    theirs = type("Theirs", (Following, keras.utils.PyDataset), {})()
    identity(keras).fit(theirs, epochs=3, verbose=0, shuffle=False)
    ours = Following()
    identity(day33).fit(ours, epochs=3, verbose=0)
    assert theirs.said[theirs.said.index("begin") :] == ours.said


def test_an_epoch_that_is_cut_short_is_not_told_to_have_ended():
    data = Following()
    model = identity(day33)

    def stop(batch, logs):
        model.stop_training = True

    model.fit(data, epochs=3, verbose=0, callbacks=[callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert data.said == ["begin", 0]


def test_a_resumed_run_tells_the_epochs_it_has_had(tmp_path):
    def fail(epoch, logs):
        if epoch == 2:
            raise OSError("killed")

    def run(data, *more):
        model = identity(day33)
        model.fit(data, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "backup"), *more])

    with pytest.raises(OSError, match="killed"):
        run(Following(), callbacks.LambdaCallback(on_epoch_begin=fail))
    data = Following()
    run(data)
    assert data.said == ["begin", "end"] * 2 + ["begin", 0, 1, 2, "end"] * 2


# ---- order ----


def rows_of(data, epoch, start=0):
    return [batch.inputs[0][:, 0].copy() for batch in data.batches(epoch, start)]


@pytest.mark.filterwarnings("ignore:.*ran out of")
@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 9])
def test_the_epochs_of_a_pass_hold_every_sample_once(steps, first):
    x = ROWS[:23]
    data = ArrayData(Batch(23, [x]), 5, steps, shuffle=True, first=first)
    data.seed = 11
    epochs = [rows_of(data, first + number) for number in range(12)]
    per_pass = -(-5 // steps)
    passes = [
        np.concatenate([rows for epoch in epochs[begin : begin + per_pass] for rows in epoch])
        for begin in range(0, 12 - 12 % per_pass, per_pass)
    ]
    for order in passes:
        np.testing.assert_array_equal(np.sort(order), x[:, 0])
    assert not np.array_equal(passes[0], passes[1])
    again = ArrayData(Batch(23, [x]), 5, steps, shuffle=True, first=first)
    again.seed = 11
    for number in (7, 2):
        for start in range(len(epochs[number])):
            for mine, expected in zip(rows_of(again, first + number, start), epochs[number][start:], strict=True):
                np.testing.assert_array_equal(mine, expected)


def test_shuffling_inside_of_batches():
    """shuffle="batch" keeps the samples of a batch together, as in Keras 3."""
    keras = pytest.importorskip("keras")
    x = ROWS[:23]
    data = ArrayData(Batch(23, [x]), 5, shuffle="batch")
    orders = []
    for epoch in range(2):
        batches = rows_of(data, epoch)
        for number, rows in enumerate(batches):
            np.testing.assert_array_equal(np.sort(rows), x[5 * number : 5 * number + 5, 0])
        orders.append(np.concatenate(batches))
    assert not np.array_equal(orders[0], x[:, 0])
    assert not np.array_equal(orders[0], orders[1])
    squares, sizes = [np.mean(x[low : low + 5] ** 2) for low in range(0, 23, 5)], [5, 5, 5, 5, 3]
    for library in (day33, keras):  # a batch has the same loss in any order
        losses = []
        keep = library.callbacks.LambdaCallback(
            on_train_batch_end=lambda _, logs, losses=losses: losses.append(logs["loss"])
        )
        identity(library).fit(x, x * 0, batch_size=5, shuffle="batch", verbose=0, callbacks=[keep])
        assert losses == pytest.approx((np.cumsum(np.multiply(squares, sizes)) / np.cumsum(sizes)).tolist(), rel=1e-6)


# ---- validation_data ----


def test_validation_data_in_a_list():
    keras = pytest.importorskip("keras")
    x = ROWS[:10]
    weights = np.arange(10.0)
    for library in (day33, keras):
        for container in (list, tuple):
            for given in ([x, x * 0], [x, x * 0, weights]):
                history = identity(library).fit(x, x * 0, validation_data=container(given), verbose=0).history
                expected = np.mean(x[:, 0] ** 2 * (weights if len(given) == 3 else 1))
                assert history["val_loss"] == pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize("container", [list, tuple])
def test_validation_data_of_several_arrays(container):
    """[[xa, xb], [ya, yb]] is x and y, although it looks like batches of x and y."""
    entries = [day33.Input((3,)), day33.Input((3,))]
    joined = day33.layers.Concatenate()(entries)
    model = compiled(day33.Model(entries, [day33.layers.Dense(2)(joined), day33.layers.Dense(2)(joined)]))
    xa, xb = np.random.default_rng(0).random((2, 6, 3), np.float32)
    ya, yb = np.random.default_rng(1).random((2, 6, 2), np.float32)
    expected = model.evaluate([xa, xb], [ya, yb], verbose=0, return_dict=True)
    weights = model.get_weights()

    def validated(given, **arguments):
        model.set_weights(weights)
        model.compile(day33.optimizers.SGD(0.0), "mse")
        return model.fit([xa, xb], [ya, yb], validation_data=given, verbose=0, **arguments).history["val_loss"]

    for inner in (list, tuple):
        x, y = inner([xa, xb]), inner([ya, yb])
        assert validated(container([x, y])) == pytest.approx([expected["loss"]])
        batches = [(list(x), list(y)), (list(x), list(y))]
        assert validated(container(batches)) == pytest.approx([expected["loss"]])


def test_lists_of_batches_of_one_input():
    x, y = regression(12)
    model = compiled(dense_model())
    batches = [(x[:6], y[:6]), (x[6:], y[6:])]
    history = model.fit(x, y, validation_data=batches, verbose=0).history
    assert history["val_loss"] == pytest.approx([model.evaluate(x, y, verbose=0)])


@pytest.mark.parametrize("given", [[ROWS], (ROWS,), [ROWS] * 4])
def test_validation_data_of_another_length(given):
    message = f"validation_data is a {type(given).__name__} of {len(given)}; expected (x, y)"
    with pytest.raises(ValueError, match=re.escape(message)):
        identity(day33).fit(ROWS, ROWS * 0, validation_data=given, verbose=0)
