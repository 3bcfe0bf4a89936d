"""compile, fit, evaluate, predict: beside Keras, and by their own promises."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, callbacks, layers, losses, optimizers
from day33._training.batches import ArrayData, Batch
from support.small_models import compiled, conv_layers, dense_model, images, regression, two_inputs
from support.tolerances import TRAINING_STEPS


@pytest.fixture(autouse=True)
def _seeded():
    day33.set_random_seed(0)


def twins(ours, theirs, optimizer="sgd", **arguments):
    """Both compiled, with the same weights."""
    theirs.set_weights(ours.get_weights())
    for model in (ours, theirs):
        model.compile(optimizer, **arguments)
    return ours, theirs


def assert_same_history(ours, theirs, tolerance=TRAINING_STEPS):
    assert list(ours.history) == list(theirs.history)
    assert ours.epoch == theirs.epoch
    for name, values in theirs.history.items():
        assert ours.history[name] == pytest.approx(values, abs=tolerance), name


def assert_same_weights(ours, theirs, tolerance=TRAINING_STEPS):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


# ---- beside Keras ----

FITS = {
    "plain": {},
    "last batch smaller": {"batch_size": 7},
    "validation_split": {"validation_split": 0.3, "batch_size": 8},
    "validation_freq": {"validation_split": 0.25, "validation_freq": 2},
    "validation_freq list": {"validation_split": 0.25, "validation_freq": [1, 3]},
    "validation_data": {"validation": True, "validation_batch_size": 5, "batch_size": 10},
    "sample_weight": {"weights": True, "batch_size": 8},
    "sample_weight and split": {"weights": True, "validation_split": 0.2, "batch_size": 8},
    "class_weight": {"class_weight": {0: 2.0, 1: 0.5, 3: 0.0}, "batch_size": 8},
    "class_weight and split": {"class_weight": {0: 2.0, 1: 0.5}, "batch_size": 8, "validation_split": 0.2},
    "initial_epoch": {"initial_epoch": 2},
    "steps_per_epoch": {"steps_per_epoch": 2, "batch_size": 10},
    "steps without batch size": {"steps_per_epoch": 3},
}


@pytest.mark.parametrize("case", FITS)
def test_fit_as_keras(case):
    """A convolutional classifier over three epochs in the given order: history and weights."""
    keras = pytest.importorskip("keras")
    arguments = dict(FITS[case])
    ours, theirs = twins(
        Sequential(conv_layers(layers)),
        keras.Sequential(conv_layers(keras.layers)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    x, y = images()
    if arguments.pop("validation", False):
        arguments["validation_data"] = images(12, seed=1)
    if arguments.pop("weights", False):
        arguments["sample_weight"] = np.random.default_rng(2).random(len(x)).astype(np.float32)
    histories = [model.fit(x, y, epochs=3, shuffle=False, verbose=0, **arguments) for model in (ours, theirs)]
    assert_same_history(*histories)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize("reduction", ["sum", "none", "mean", "sum_over_batch_size"])
@pytest.mark.parametrize("weighted", [False, True])
def test_reductions_in_compile_as_keras(reduction, weighted):
    keras = pytest.importorskip("keras")
    ours = dense_model(3)
    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)])
    theirs.set_weights(ours.get_weights())
    for model, library in ((ours, losses), (theirs, keras.losses)):
        model.compile("sgd", library.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction))
    x, _ = regression(30)
    y = np.random.default_rng(1).integers(0, 3, 30)
    weights = np.random.default_rng(2).random(30).astype(np.float32) if weighted else None
    # Whole batches: with a smaller last one Keras's graph averages the values of "none" over samples, as we do.
    for model in (ours, theirs):
        model.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0, sample_weight=weights)
    assert ours.history.history["loss"] == pytest.approx(theirs.history.history["loss"], rel=1e-4)
    assert_same_weights(ours, theirs)
    assert ours.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(
        theirs.evaluate(x, y, sample_weight=weights, verbose=0), rel=1e-4
    )


def test_weights_of_single_positions_as_keras():
    keras = pytest.importorskip("keras")
    ours = Sequential([layers.Input((5, 3)), layers.Dense(4)])
    theirs = keras.Sequential([keras.Input((5, 3)), keras.layers.Dense(4)])
    twins(ours, theirs, loss="mse")
    rng = np.random.default_rng(0)
    x, y = rng.random((12, 5, 3), np.float32), rng.random((12, 5, 4), np.float32)
    for weights in (rng.random((12, 5), np.float32), rng.random((12, 1), np.float32)):
        assert ours.train_on_batch(x, y, weights) == pytest.approx(
            float(theirs.train_on_batch(x, y, weights)), rel=1e-5
        )
        assert_same_weights(ours, theirs, 1e-6)


@pytest.mark.parametrize("container", ["list of batches", "generator function", "generator", "iterable"])
def test_batches_as_keras_on_arrays(container):
    """Batches from anything that can be iterated train as the same batches cut from arrays."""
    x, y = regression()
    weights = np.random.default_rng(4).random(40).astype(np.float32)
    parts = [slice(start, start + 8) for start in range(0, 40, 8)]

    def batches():
        for part in parts:
            yield x[part], y[part], weights[part]

    class Source:
        def __iter__(self):
            return batches()

    def endless():
        while True:
            yield from batches()

    source, steps = {
        "list of batches": (list(batches()), None),
        "generator function": (batches, None),
        "generator": (endless(), 5),
        "iterable": (Source(), None),
    }[container]
    reference = compiled(dense_model(), metrics=["mae"])
    model = dense_model()
    model.set_weights(reference.get_weights())
    compiled(model, metrics=["mae"])
    expected = reference.fit(x, y, 8, 3, verbose=0, shuffle=False, sample_weight=weights, validation_data=(x, y))
    history = model.fit(
        source, epochs=3, verbose=0, steps_per_epoch=steps, validation_data=[(x[p], y[p]) for p in parts]
    )
    assert_same_history(history, expected, 1e-9)
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.evaluate(list(batches()), verbose=0) == pytest.approx(
        model.evaluate(x, y, sample_weight=weights, batch_size=8, verbose=0), rel=1e-9
    )


def test_batches_from_other_libraries():
    """What gives tensors when iterated: a tf.data.Dataset and a torch DataLoader."""
    x, y = regression(16)
    model = compiled(dense_model())
    weights = model.get_weights()
    expected = model.fit(x, y, 4, verbose=0, shuffle=False).history["loss"]
    tf = pytest.importorskip("tensorflow")
    model.set_weights(weights)
    assert model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(4), verbose=0).history["loss"] == expected
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(list(zip(x, y, strict=True)), batch_size=4)
    model.set_weights(weights)
    assert model.fit(loader, verbose=0).history["loss"] == expected


# ---- order, seeds ----


def batches_of(data, epoch):
    return [batch.inputs[0].copy() for batch in data.batches(epoch)]


@pytest.mark.parametrize(("size", "batch"), [(1, 1), (10, 3), (12, 4), (5, 8)])
def test_shuffled_epochs_hold_every_sample_once(size, batch):
    samples = np.arange(size, dtype=np.float32)[:, None]
    data = ArrayData(Batch(size, [samples], targets=[samples]), batch, shuffle=True)
    data.seed = 7
    orders = [np.concatenate(batches_of(data, epoch)) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order, axis=0), samples)
    if size > 4:
        assert not np.array_equal(orders[0], orders[1])
    # Any epoch can be made again, from the middle too.
    again = batches_of(data, 1)
    np.testing.assert_array_equal(np.concatenate(again), orders[1])
    late = [b.inputs[0].copy() for b in data.batches(1, start=len(again) - 1)]
    np.testing.assert_array_equal(late[0], again[-1])
    data.seed = 8
    if size > 4:
        assert not np.array_equal(np.concatenate(batches_of(data, 0)), orders[0])


def test_inputs_and_targets_are_shuffled_together():
    samples = np.arange(50, dtype=np.float32)[:, None]
    whole = Batch(50, [samples], labels=[samples], targets=[samples * 2], weights=[samples[:, 0]])
    data = ArrayData(whole, 16, shuffle=True)
    for batch in data.batches(3):
        np.testing.assert_array_equal(batch.inputs[0] * 2, batch.targets[0])
        np.testing.assert_array_equal(batch.inputs[0][:, 0], batch.weights[0])
        assert batch.labels[0] is batch.inputs[0]  # gathered once


def noisy_model():
    return Sequential([layers.Input((6,)), layers.Dense(9, activation="relu"), layers.Dropout(0.3), layers.Dense(2)])


def test_a_seed_fixes_shuffling_and_dropout():
    x, y = regression()
    runs = []
    for seed in (1, 1, 2):
        day33.set_random_seed(seed)
        model = compiled(noisy_model(), optimizer="adam")
        model.set_weights([np.full(w.shape, 0.1, np.float32) for w in model.get_weights()])
        model.fit(x, y, epochs=2, batch_size=8, verbose=0)
        runs.append(model.get_weights())
    for a, b in zip(runs[0], runs[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, c) for a, c in zip(runs[0], runs[2], strict=True))


def test_dropout_differs_between_steps_and_epochs():
    state = day33._training.state.TrainingState(None, seed=5, epoch=0)
    seeds = set()
    for epoch in range(20):
        for step in range(50):
            state.epoch, state.step = epoch, step
            seeds.add(state.step_seed())
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_going_on_with_initial_epoch_gives_the_same_bits():
    x, y = regression()
    results = []
    for parts in ([(0, 4)], [(0, 2), (2, 4)]):
        day33.set_random_seed(9)  # the seed of the dropout layer
        model = compiled(noisy_model(), optimizer="adam")
        model.set_weights([np.full(w.shape, 0.1, np.float32) for w in model.get_weights()])
        for first, last in parts:
            day33.set_random_seed(3)
            model.fit(x, y, epochs=last, initial_epoch=first, batch_size=8, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_numbers_of_threads_give_the_same_bits(restored_threads):
    x, y = images(64)
    results = []
    for count in (1, 2, 5):
        day33.set_num_threads(count)
        day33.set_random_seed(0)
        model = compiled(Sequential(conv_layers(layers)), "sparse_categorical_crossentropy", "adam")
        history = model.fit(x, y, epochs=2, batch_size=24, verbose=0, validation_split=0.2)
        results.append((history.history, model.get_weights()))
    for history, weights in results[1:]:
        assert history == results[0][0]
        for a, b in zip(weights, results[0][1], strict=True):
            np.testing.assert_array_equal(a, b)


# ---- what fit leaves ----


def test_history_and_return_values():
    x, y = regression()
    model = compiled(dense_model(), metrics=["mae"])
    history = model.fit(x, y, epochs=3, batch_size=16, verbose=0, validation_data=(x, y))
    assert model.history is history
    assert history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(type(value) is float for values in history.history.values() for value in values)
    loss, mae = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == {"loss": loss, "mae": mae}
    assert model.test_on_batch(x, y) == pytest.approx([loss, mae], rel=1e-6)
    assert model.metrics_names == ["loss", "mae"]
    assert isinstance(compiled(dense_model()).evaluate(x, y, verbose=0), float)


def test_a_history_in_one_line():
    assert repr(callbacks.History()) == "<History of 0 epochs>"
    x, y = regression()
    history = compiled(dense_model(), metrics=["mae"]).fit(x, y, verbose=0)
    assert repr(history).startswith("<History of 1 epoch - loss: ")
    history = compiled(dense_model(), metrics=["mae"]).fit(x, y, epochs=3, validation_split=0.2, verbose=0)
    last = "  ".join(f"{name}: {values[2]:.4g}" for name, values in history.history.items())
    assert repr(history) == f"<History of 3 epochs - {last}>"
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    history.history["rates"] = [[1, 2]]
    assert repr(history).endswith("  rates: [1, 2]>")


def test_what_compile_takes_in_one_line():
    model = compiled(dense_model(), losses.MeanSquaredError(name="far"), optimizers.Adam(0.002), metrics=["mae"])
    model.train_on_batch(*regression())
    assert repr(model.optimizer) == "<Adam 'adam': learning rate 0.002, 1 steps done>"
    assert repr(model.compile_arguments["loss"]) == "<MeanSquaredError 'far'>"
    assert repr(model.metrics) == "[<Mean name=loss>, <MeanAbsoluteError name=mae>]"


def test_the_epoch_loss_is_the_mean_over_samples():
    x, y = regression(10)
    model = compiled(dense_model(), optimizer=optimizers.SGD(0.0))
    whole = model.evaluate(x, y, batch_size=10, verbose=0)
    assert model.fit(x, y, batch_size=4, verbose=0).history["loss"][0] == pytest.approx(whole, rel=1e-6)
    assert model.evaluate(x, y, batch_size=3, verbose=0) == pytest.approx(whole, rel=1e-6)


def test_fit_of_no_epochs():
    x, y = regression()
    assert compiled(dense_model()).fit(x, y, epochs=0, verbose=0).history == {}


def test_stop_training_ends_after_the_batch():
    x, y = regression()
    model = compiled(dense_model())

    def stop(batch, logs):
        model.stop_training = batch == 1

    history = model.fit(x, y, 8, 5, verbose=0, callbacks=[callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert model.optimizer.iterations == 2
    assert history.epoch == [0]
    model.fit(x, y, 8, 1, verbose=0)  # the wish does not outlive its fit
    assert model.optimizer.iterations == 7


def test_frozen_layers_stay():
    model = dense_model()
    model.layers[0].trainable = False
    compiled(model)
    before = model.get_weights()
    model.fit(*regression(), verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])
    model.trainable = False
    compiled(model)
    with pytest.warns(UserWarning, match="no trainable weights"):
        model.fit(*regression(), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[2], after[2])


def test_models_without_a_declared_input():
    x, y = regression()
    late = compiled(Sequential([layers.Dense(5, activation="tanh"), layers.Dense(2)]))

    class Written(Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(5, activation="tanh"), layers.Dense(2)

        def call(self, inputs):
            return self.second(self.first(inputs))

    for model in (late, compiled(Written())):
        history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.2)
        assert len(history.history["val_loss"]) == 2
        assert model.predict(x).shape == (40, 2)
    assert Sequential([layers.Dense(3)]).predict(x).shape == (40, 3)


def test_not_a_number_passes_through():
    x, y = regression()
    x[3, 2] = np.nan
    model = compiled(dense_model())
    assert np.isnan(model.predict(x)).any(axis=1).sum() == 1
    assert np.isnan(model.fit(x, y, verbose=0).history["loss"][0])


# ---- predict ----


def test_predict_in_portions_gives_the_same(monkeypatch):
    x, _ = images(70)
    model = Sequential(conv_layers(layers))
    whole = model.predict(x)
    assert whole.shape == (70, 4) and whole.dtype == np.float32
    for size in (1, 7, 32, 70, 100):
        np.testing.assert_allclose(model.predict(x, batch_size=size), whole, atol=1e-6)
        np.testing.assert_allclose(model.predict(x, batch_size=size, callbacks=[]), whole, atol=1e-6)
    monkeypatch.setattr("day33._training.predictor._PORTION_FLOPS", 1.0)
    np.testing.assert_allclose(model.predict(x), whole, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(x), whole, atol=1e-6)
    assert model.predict(x, batch_size=8, steps=2).shape == (16, 4)


def test_predict_again_heeds_what_changed():
    """The plan of a call stays at hand for the next one like it."""
    x, _ = images(40)
    model = Sequential(conv_layers(layers))
    first = [model.predict(x[:3]), model.predict_on_batch(x[:3])]
    np.testing.assert_array_equal(model.predict(x[:3]), first[0])
    np.testing.assert_allclose(model.predict(x[:8])[:3], first[0], atol=1e-6)
    np.testing.assert_allclose(model.predict(x)[:3], first[0], atol=1e-6)
    model.set_weights([2 * w for w in model.get_weights()])
    changed = model.predict(x[:3])
    assert np.abs(changed - first[0]).max() > 1e-3
    np.testing.assert_array_equal(changed, model(x[:3]))
    model.predict_step = lambda data: np.full((3, 2), 7.0)
    for call in (model.predict, model.predict_on_batch):
        np.testing.assert_array_equal(call(x[:3]), np.full((3, 2), 7.0))


def test_predict_again_heeds_the_batch_size():
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    expected = model.predict(x)
    for batch_size in (1, 4, 5, 100, np.int64(2)):
        np.testing.assert_allclose(model.predict(x, batch_size=batch_size), expected, atol=1e-6)
    refused = [(0, ValueError), (-1, ValueError), (True, TypeError), ("5", TypeError), (2.5, TypeError)]
    for samples in (x, x[:0]):
        for batch_size, error in refused:
            with pytest.raises(error, match="batch_size"):
                model.predict(samples, batch_size=batch_size)


def test_predict_again_with_states_takes_portions():
    model = Sequential([layers.Input(batch_shape=(4, 5, 2)), layers.LSTM(3, stateful=True)])
    x = np.random.default_rng(0).normal(size=(8, 5, 2)).astype(np.float32)
    model.predict(x[:4])
    model.layers[-1].reset_states()
    both = model.predict(x)
    model.layers[-1].reset_states()
    np.testing.assert_array_equal(both, np.concatenate([model.predict(x[:4]), model.predict(x[4:])]))


def test_predict_no_samples():
    model = Sequential(conv_layers(layers))
    for empty in (model.predict(np.zeros((0, 8, 8, 1))), model.predict_on_batch(np.zeros((0, 8, 8, 1), np.float32))):
        assert empty.shape == (0, 4) and empty.dtype == np.float32
    assert two_inputs().predict([np.zeros((0, 6)), np.zeros((0, 3))]).shape == (0, 2)


def test_predict_batches():
    x, y = regression()
    model = dense_model()
    expected = model.predict(x)
    for source in ([x[:8], x[8:]], ((x[:8],), (x[8:], y[8:])), lambda: iter([x[:8], x[8:]])):
        if isinstance(source, list):
            source = iter(source)  # a list of arrays would be several inputs
        np.testing.assert_allclose(model.predict(source), expected, atol=1e-6)


# ---- Ctrl-C ----


@pytest.mark.parametrize(("method", "call"), [("update_step", 6), ("_update", 2)])
def test_interrupt_waits_for_the_end_of_the_step(method, call):
    """SIGINT between two of the four parameters' updates, or before that of all, in the second step: the step is
    finished, then KeyboardInterrupt leaves `fit`.
    """
    x, y = regression()
    reference = compiled(dense_model(), optimizer="adam")
    model = dense_model()
    model.set_weights(reference.get_weights())
    compiled(model, optimizer="adam")
    reference.fit(x[:16], y[:16], batch_size=8, shuffle=False, verbose=0)

    update = getattr(model.optimizer, method)
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
        update(*arguments)

    setattr(model.optimizer, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    assert model.optimizer.iterations == 2
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    setattr(model.optimizer, method, update)
    model.fit(x, y, verbose=0)


def test_interrupt_in_a_callback_is_immediate():
    ended = []

    class Interrupting(callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)
            ended.append("never")

        def on_train_end(self, logs=None):
            ended.append("never")

        def on_exception(self):
            ended.append("let go")

    with pytest.raises(KeyboardInterrupt):
        compiled(dense_model()).fit(*regression(), verbose=0, callbacks=[Interrupting()])
    assert ended == ["let go"]
