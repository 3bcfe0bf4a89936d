"""First programs: a classifier in a few lines, a loop with a tape, an auto-encoder, a convolutional network."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(11)
PICTURES = RNG.random((80, 12, 12), np.float32)
CLASSES = RNG.integers(0, 5, 80)


def few_lines(keras, tf):
    """A quick start: fit, evaluate, logits turned into shares by a second model, and what losses say of arrays."""
    network = keras.models.Sequential()
    network.add(keras.layers.InputLayer(input_shape=(12, 12)))
    network.add(keras.layers.Flatten())
    network.add(keras.layers.Dense(20, activation="relu"))
    network.add(keras.layers.Dense(5))
    start(network)
    untrained = network(PICTURES[:2]).numpy()
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    at_first = float(entropy(CLASSES[:2], untrained).numpy())
    network.compile(optimizer="adam", loss=entropy, metrics=["accuracy"])
    seen = network.fit(PICTURES, CLASSES, batch_size=16, epochs=2, shuffle=False, verbose=0)
    loss, accuracy = network.evaluate(PICTURES, CLASSES, verbose=0)
    shares = keras.Sequential([network, keras.layers.Softmax()])
    return {
        "untrained": untrained, "shares before": tf.nn.softmax(untrained).numpy(), "first loss": at_first,
        "history": seen.history, "loss": loss, "accuracy": accuracy,
        "shares": shares(PICTURES[:3]).numpy(), "weights": network.get_weights(),
    }  # fmt: skip


def test_quick_start_for_beginners():
    on_both(few_lines)


def loop_with_tape(keras, tf):
    """A quick start for experts: a subclass of Model, tf.function, a tape, metrics as objects, data sets."""

    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.filters = keras.layers.Conv2D(6, 3, activation="relu")
            self.flat = keras.layers.Flatten()
            self.hidden = keras.layers.Dense(16, activation="relu")
            self.scores = keras.layers.Dense(5)

        def call(self, pictures):
            return self.scores(self.hidden(self.flat(self.filters(pictures))))

    pictures = PICTURES[..., tf.newaxis].astype("float32")
    training = tf.data.Dataset.from_tensor_slices((pictures[:64], CLASSES[:64])).batch(16)
    held_out = tf.data.Dataset.from_tensor_slices((pictures[64:], CLASSES[64:])).batch(16)

    network = Classifier()
    network(pictures[:1])
    start(network)
    measure = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rule = keras.optimizers.Adam()
    mean_loss = keras.metrics.Mean(name="mean_loss")
    right = keras.metrics.SparseCategoricalAccuracy(name="right")
    held_out_loss = keras.metrics.Mean(name="held_out_loss")

    @tf.function
    def learn(images, labels):
        with tf.GradientTape() as tape:
            scores = network(images, training=True)
            loss = measure(labels, scores)
        slopes = tape.gradient(loss, network.trainable_variables)
        rule.apply_gradients(zip(slopes, network.trainable_variables, strict=True))
        mean_loss(loss)
        right(labels, scores)

    @tf.function
    def check(images, labels):
        held_out_loss(measure(labels, network(images, training=False)))

    lines = []
    for _ in range(3):
        for metric in (mean_loss, right, held_out_loss):
            metric.reset_state()
        for images, labels in training:
            learn(images, labels)
        for images, labels in held_out:
            check(images, labels)
        lines.append([float(metric.result()) for metric in (mean_loss, right, held_out_loss)])
    return {"lines": np.array(lines), "weights": [v.numpy() for v in network.trainable_variables]}


def test_quick_start_for_experts():
    on_both(loop_with_tape)


def narrow_middle(keras, tf):
    """An auto-encoder whose two halves are Sequential attributes of a Model."""
    layers = keras.layers

    class Squeezer(keras.models.Model):
        def __init__(self, width, shape):
            super().__init__()
            self.down = keras.Sequential([layers.Flatten(), layers.Dense(width, activation=tf.nn.relu)])
            self.up = keras.Sequential(
                [layers.Dense(int(np.prod(shape)), activation="sigmoid"), layers.Reshape(tuple(shape))]
            )

        def call(self, pictures):
            return self.up(self.down(pictures))

    squeezer = Squeezer(9, PICTURES.shape[1:])
    squeezer.compile(optimizer="adam", loss=keras.losses.MeanSquaredError())
    squeezer(PICTURES[:1])
    start(squeezer)
    seen = squeezer.fit(
        PICTURES, PICTURES, batch_size=8, epochs=1, shuffle=False, verbose=0, validation_data=(PICTURES[:8],) * 2
    )
    codes = squeezer.down(PICTURES[:4]).numpy()
    back = squeezer.up(codes).numpy()
    errors = tf.reduce_mean(tf.square(back - PICTURES[:4]), axis=[1, 2])
    return {
        "history": seen.history, "codes": codes, "pictures": back,
        "errors": keras.losses.mse(back.reshape(4, -1), PICTURES[:4].reshape(4, -1)).numpy(), "same": errors.numpy(),
    }  # fmt: skip


def test_autoencoder_of_two_sequential_halves():
    on_both(narrow_middle)


def convnet(pictures, labels, epochs, dropout):
    """A small convolutional network on digits, with labels as one-hot vectors."""

    def program(keras, tf):
        layers = keras.layers
        network = keras.Sequential(
            [
                keras.Input(shape=pictures.shape[1:]),
                layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Conv2D(16, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Flatten(),
                *([layers.Dropout(0.3)] if dropout else []),
                layers.Dense(10, activation="softmax"),
            ]
        )
        if not dropout:
            start(network)
        network.compile(
            loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(0.002), metrics=["accuracy"]
        )
        targets = keras.utils.to_categorical(labels, 10)
        seen = network.fit(
            pictures, targets, batch_size=64, epochs=epochs, shuffle=dropout, validation_split=0.2, verbose=0
        )
        score = network.evaluate(pictures[-64:], targets[-64:], verbose=0)
        classes = network.predict(pictures[:9], verbose=0).argmax(axis=1)
        return {"history": seen.history, "score": score, "classes": classes}

    return program


def test_convolutional_network(digits):
    pictures, labels = digits
    on_both(convnet(pictures[:400], labels[:400], epochs=2, dropout=False))


def test_convolutional_network_learns_digits(digits):
    pictures, labels = digits
    found = on_day33(convnet(pictures[:6000], labels[:6000], epochs=4, dropout=True))
    assert found["history"]["val_accuracy"][-1] > 0.93
