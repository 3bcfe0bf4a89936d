"""Ten training steps of a small language model beside Keras, and what else models with sequences must do."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import day33
from day33 import callbacks, layers, optimizers
from support.tolerances import TRAINING_STEPS
from support.twins import assert_all_close, assert_same_predictions, build_both

keras = pytest.importorskip("keras")

V, T, BATCH, STEPS = 40, 7, 16, 10


def language_model(library=day33, width=None, cell="LSTM", steps=T):
    """The note's model, small: numbers, vectors, a recurrent layer, the next number."""
    make = library.layers
    x = library.Input((steps,), dtype="int32")
    y = make.Embedding(V, 8, mask_zero=True)(x)
    y = make.Dropout(0.0)(getattr(make, cell)(12, return_sequences=True)(y))
    return library.Model(x, make.Dense(width or V, activation="softmax")(y))


def sentences(count=STEPS * BATCH, seed=3):
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, V, (count, T + 1)).astype(np.int32)
    ids[np.arange(T + 1) >= rng.integers(2, T + 2, count)[:, None]] = 0
    return ids[:, :-1].copy(), ids[:, 1:].copy()


def dense_gradients(model):
    """Keras on TensorFlow, but the slices of an embedding's gradient are added before an optimizer squares them."""
    import tensorflow as tf

    plain = model.optimizer.apply
    model.optimizer.apply = lambda gradients, variables=None: plain(
        [tf.convert_to_tensor(gradient) for gradient in gradients], variables
    )


# Above the noise of rounding: see test_parity_training.py.
OPTIMIZERS = {
    "adam": lambda library: library.optimizers.Adam(0.01, epsilon=1e-3),
    "sgd with momentum": lambda library: library.optimizers.SGD(0.5, momentum=0.9),
    "adadelta": lambda library: library.optimizers.Adadelta(1.0),
}


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_steps(optimizer, cell):
    ours, theirs = build_both(lambda library: language_model(library, cell=cell), keras)
    for model, library in ((ours, day33), (theirs, keras)):
        options = {} if library is day33 else {"jit_compile": False}
        model.compile(optimizer=OPTIMIZERS[optimizer](library), loss="sparse_categorical_crossentropy", **options)
    dense_gradients(theirs)
    before = ours.get_weights()
    for x, y in zip(*(np.split(array, STEPS) for array in sentences()), strict=True):
        ours.reset_metrics()
        theirs.reset_metrics()
        mine, correct = ours.train_on_batch(x, y), theirs.train_on_batch(x, y)
        assert float(mine) == pytest.approx(float(correct), abs=TRAINING_STEPS)
    assert_all_close(ours.get_weights(), theirs.get_weights(), TRAINING_STEPS)
    assert max(np.abs(a - b).max() for a, b in zip(ours.get_weights(), before, strict=True)) > 1e-2


def test_the_difference_in_sparse_gradients_is_the_only_one():
    """A number that occurs twice: without `dense_gradients`, Keras on TensorFlow adds squares."""
    x = np.full((1, 2), 3, np.int32)
    y = np.ones((1, 2, 1), np.float32)

    def moved(library, dense):
        inputs = library.Input((2,), dtype="int32")
        model = library.Model(inputs, library.layers.Dense(1)(library.layers.Embedding(5, 2)(inputs)))
        model.set_weights([np.full((5, 2), 0.5, np.float32), np.ones((2, 1), np.float32), np.ones(1, np.float32)])
        options = {} if library is day33 else {"run_eagerly": True, "jit_compile": False}
        model.compile(optimizer=library.optimizers.Adam(0.1, epsilon=1e-3), loss="mse", **options)
        if dense:
            dense_gradients(model)
        model.train_on_batch(x, y)
        return model.get_weights()[0]

    ours, dense, sparse = moved(day33, False), moved(keras, True), moved(keras, False)
    np.testing.assert_allclose(ours, dense, rtol=1e-5)
    assert np.abs(ours - sparse)[3].max() > 1e-3


MODELS = {
    "language model": lambda library: language_model(library),
    "gru": lambda library: language_model(library, cell="GRU"),
    "both ways": lambda library: both_ways(library),
}


def both_ways(library):
    make = library.layers
    x = library.Input((T,), dtype="int32")
    y = make.Bidirectional(make.GRU(5, return_sequences=True))(make.Embedding(V, 4, mask_zero=True)(x))
    y = make.GlobalAveragePooling1D()(make.TimeDistributed(make.Dense(3, activation="tanh"))(y))
    return library.Model(x, make.Dense(2)(y))


@pytest.mark.parametrize("name", MODELS)
def test_files_and_configurations(name, tmp_path):
    model = MODELS[name](day33)
    ids, _ = sentences(6)
    expected = model.predict(ids, verbose=0)
    again = day33.Model.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert not np.array_equal(again.predict(ids, verbose=0), expected)
    model.save_weights(tmp_path / "kept.weights.npz")
    again.load_weights(tmp_path / "kept.weights.npz")
    np.testing.assert_array_equal(again.predict(ids, verbose=0), expected)
    model.save(tmp_path / "kept.keras")
    np.testing.assert_array_equal(day33.load_model(tmp_path / "kept.keras").predict(ids, verbose=0), expected)
    theirs = keras.models.load_model(tmp_path / "kept.keras")
    assert_same_predictions(model, theirs, ids)


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
def test_sequences_of_any_length(cell):
    ours, theirs = build_both(lambda library: language_model(library, cell=cell, steps=None), keras)
    for steps in (3, 9, 1, 3):
        ids = np.random.default_rng(steps).integers(0, V, (4, steps)).astype(np.int32)
        ids[:, 0] = 1
        assert_same_predictions(ours, theirs, ids)


class Stop(callbacks.Callback):
    """Ends a training as a crash would."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_a_training_that_was_cut_off_goes_on(tmp_path):
    ids, labels = sentences(48)

    def fit(folder=None, stop=False):
        day33.set_random_seed(6)
        model = language_model()
        model.compile(optimizer=optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
        extra = [callbacks.BackupAndRestore(folder)] if folder else []
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(ids, labels, batch_size=16, epochs=4, verbose=0, callbacks=[*extra, *([Stop()] if stop else [])])
        return model.get_weights()

    whole = fit()
    fit(tmp_path / "backup", stop=True)
    for mine, expected in zip(fit(tmp_path / "backup"), whole, strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_summary_and_plan():
    lines: list[str] = []
    model = both_ways(day33)
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    for name in ("embedding", "bidirectional", "time_distributed", "global_average_pooling1d"):
        assert name in text
    assert f"{model.count_params():,}" in text or str(model.count_params()) in text
    theirs = both_ways(keras)
    assert model.count_params() == theirs.count_params()
    assert "gru" in str(model.plan())


def test_own_layer_with_a_recurrent_part():
    class Reader(layers.Layer):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(V, 4, mask_zero=True)
            self.reader = layers.LSTM(5, return_state=True)
            self.writer = layers.LSTM(5, return_sequences=True)

        def call(self, ids):
            embedded = self.embedding(ids)
            _, h, c = self.reader(embedded)
            return self.writer(embedded, initial_state=[h, c])

    model = day33.Sequential([Reader(), layers.Dense(V)])
    model.compile(optimizer="adam", loss=day33.losses.SparseCategoricalCrossentropy(from_logits=True))
    ids, labels = sentences(32)
    losses = model.fit(ids, labels, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
