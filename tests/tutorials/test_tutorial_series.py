"""Series: what is unusual in them, and what comes next, by convolutions and recurrent layers, from windows of data."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(41)
TIME = np.arange(600)
CALM = (np.sin(TIME / 7) + 0.3 * np.sin(TIME / 3) + RNG.normal(0, 0.05, 600)).astype(np.float32)


def windows_of(series, length):
    return np.stack([series[i : i + length] for i in range(len(series) - length + 1)])[..., None]


def anomalies(count, epochs, parity):
    """Convolutions down and transposed ones up; what is rebuilt worse than anything in training is unusual."""

    def program(keras, tf):
        layers = keras.layers
        mean, deviation = CALM.mean(), CALM.std()
        calm = windows_of((CALM - mean) / deviation, 24)
        model = keras.Sequential(
            [
                layers.Input(shape=calm.shape[1:]),
                layers.Conv1D(filters=12, kernel_size=5, padding="same", strides=2, activation="relu"),
                *([] if parity else [layers.Dropout(rate=0.1)]),
                layers.Conv1D(filters=6, kernel_size=5, padding="same", strides=2, activation="relu"),
                layers.Conv1DTranspose(filters=6, kernel_size=5, padding="same", strides=2, activation="relu"),
                layers.Conv1DTranspose(filters=12, kernel_size=5, padding="same", strides=2, activation="relu"),
                layers.Conv1DTranspose(filters=1, kernel_size=5, padding="same"),
            ]
        )
        if parity:
            start(model)
        model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss="mse")
        seen = model.fit(
            calm[:count], calm[:count], epochs=epochs, batch_size=32, validation_split=0.1, verbose=0,
            shuffle=not parity,
            callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=20, mode="min")],
        )  # fmt: skip
        errors = np.mean(np.abs(model.predict(calm, verbose=0) - calm), axis=(1, 2))
        disturbed = CALM.copy()
        disturbed[300:308] += 1.5
        shown = windows_of((disturbed - mean) / deviation, 24)
        unusual = np.mean(np.abs(model.predict(shown, verbose=0) - shown), axis=(1, 2))
        return {"history": seen.history, "threshold": float(errors.max()), "unusual": unusual}

    return program


def test_unusual_stretches_of_a_series():
    on_both(anomalies(128, epochs=2, parity=True))


def test_unusual_stretches_are_found():
    found = on_day33(anomalies(577, epochs=30, parity=False))
    flagged = np.flatnonzero(found["unusual"] > found["threshold"])
    assert len(flagged) >= 8  # some windows of 24 hold most of the eight disturbed values
    assert flagged.min() >= 300 - 23 and flagged.max() <= 307


def test_causal_dilated_convolutions():
    """Padding at the front only, dilations 1, 2, 4, gated and added to what came before; no look at the future."""

    def program(keras, tf):
        layers = keras.layers

        def block(x, filters, dilation):
            signal = layers.Conv1D(filters, 2, dilation_rate=dilation, padding="causal", activation="tanh")(x)
            gate = layers.Conv1D(filters, 2, dilation_rate=dilation, padding="causal", activation="sigmoid")(x)
            merged = layers.multiply([signal, gate])
            return layers.add([x, layers.Conv1D(filters, 1)(merged)]), merged

        inputs = keras.Input(shape=(None, 1))
        x = layers.Conv1D(8, 1)(inputs)
        skipped = []
        for dilation in (1, 2, 4):
            x, merged = block(x, 8, dilation)
            skipped.append(layers.Conv1D(8, 1)(merged))
        outputs = layers.Conv1D(1, 1)(layers.Activation("relu")(layers.add(skipped)))
        model = keras.Model(inputs, outputs)
        start(model)
        model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
        x, y = windows_of(CALM, 16)[:64], windows_of(CALM, 16)[1:65]
        seen = model.fit(x, y, batch_size=32, epochs=5, shuffle=False, verbose=0)
        changed = x[:1].copy()
        changed[:, 10:] = 5
        before, after = model.predict(x[:1], verbose=0), model.predict(changed, verbose=0)
        assert np.abs(before[:, :10] - after[:, :10]).max() < 1e-6 and np.abs(before[:, 10:] - after[:, 10:]).min() > 0
        return {"history": seen.history, "after": after, "weights": model.get_weights()}

    on_both(program)


def test_forecast_from_timeseries_dataset():
    """`timeseries_dataset_from_array` for training and validation, an LSTM, the best weights kept in a file."""

    def program(keras, tf, path="best.weights.h5"):
        features = np.stack([CALM, np.roll(CALM, 5), TIME / 600], axis=1).astype(np.float32)
        ahead, past = 4, 12

        def data(first, last, batch_size=32):
            return keras.preprocessing.timeseries_dataset_from_array(
                features[first : last - ahead], CALM[first + past + ahead - 1 : last], sequence_length=past,
                sampling_rate=1, batch_size=batch_size,
            )  # fmt: skip

        training, held_out = data(0, 200), data(200, 300)
        for inputs, targets in training.take(1):
            shapes = [list(inputs.shape), list(targets.shape)]
        inputs = keras.layers.Input(shape=(shapes[0][1], shapes[0][2]))
        outputs = keras.layers.Dense(1)(keras.layers.LSTM(8)(inputs))
        model = keras.Model(inputs=inputs, outputs=outputs)
        start(model)
        model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss=keras.losses.Huber())
        stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5, restore_best_weights=True)
        seen = model.fit(training, epochs=2, validation_data=held_out, callbacks=[stop], verbose=0, shuffle=False)
        return {"shapes": shapes, "history": seen.history, "next": model.predict(held_out, verbose=0)}

    on_both(program)


def windowed(count, epochs, parity):
    """`Dataset.window`, `flat_map` and `map` make windows; a convolution before an LSTM; a rising rate."""

    def program(keras, tf):
        series = CALM[:count]

        def data(series, length, batch_size):
            dataset = tf.data.Dataset.from_tensor_slices(tf.expand_dims(series, axis=-1))
            dataset = dataset.window(length + 1, shift=1, drop_remainder=True)
            dataset = dataset.flat_map(lambda window: window.batch(length + 1))
            dataset = dataset.map(lambda window: (window[:-1], window[-1]))
            if not parity:
                dataset = dataset.shuffle(400)
            return dataset.batch(batch_size).prefetch(1)

        model = keras.models.Sequential(
            [
                keras.Input((None, 1)),
                keras.layers.Conv1D(16, 5, strides=1, padding="causal", activation="relu"),
                keras.layers.LSTM(12, return_sequences=True),
                keras.layers.LSTM(12),
                keras.layers.Dense(1),
                keras.layers.Lambda(lambda x: x * 2.0),
            ]
        )
        if parity:
            start(model)
        rise = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-2 * 1.05**epoch)
        model.compile(loss=keras.losses.Huber(), optimizer=keras.optimizers.SGD(1e-2, momentum=0.9), metrics=["mae"])
        seen = model.fit(data(series, 16, 32), epochs=epochs, callbacks=[rise], verbose=0, shuffle=False)
        later = tf.data.Dataset.from_tensor_slices(tf.expand_dims(CALM[400:], -1))
        later = later.window(16, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(16)).batch(32).prefetch(1)
        ahead = model.predict(later, verbose=0)[:-1, 0]
        wrong = float(np.abs(ahead - CALM[416:]).mean())
        return {"history": seen.history, "wrong": wrong, "ahead": ahead}

    return program


def test_forecast_from_windows():
    on_both(windowed(150, epochs=2, parity=True))


def test_forecast_from_windows_is_near():
    found = on_day33(windowed(400, epochs=30, parity=False))
    assert found["wrong"] < 0.12, found[
        "wrong"
    ]  # the noise alone is 0.05 · √(2/π) = 0.04; the last value repeated: 0.19
