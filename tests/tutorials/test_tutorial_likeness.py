"""Likeness: two towers of shared weights, losses of their own, triplets."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(51)


def pairs(pictures, labels, rng):
    """As many pairs of one class as of two, in turn, and 1 for those of one class."""
    of_class = [np.flatnonzero(labels == c) for c in range(10)]
    left, right, alike = [], [], []
    for row, label in enumerate(labels):
        for same in (True, False):
            other = label if same else (label + rng.integers(1, 10)) % 10
            left.append(row)
            right.append(rng.choice(of_class[other]))
            alike.append(float(same))
    return pictures[left], pictures[right], np.array(alike, np.float32)


def tower(keras, shape, width, filters, normalized):
    layers = keras.layers
    x = inputs = layers.Input(shape)
    for number in range(2):
        x = layers.Conv2D(filters * (number + 1), (3, 3), activation="tanh" if not normalized else "relu")(x)
        x = layers.AveragePooling2D(pool_size=(2, 2))(x)
    x = layers.Flatten()(x)
    x = layers.BatchNormalization()(x) if normalized else x
    return keras.Model(inputs, layers.Dense(width, activation="tanh")(x), name="tower")


def contrastive(margin=1.0):
    """Squares of distances where pairs are alike, of what lacks to a margin where they are not."""

    def contrastive_loss(keras):
        def loss(y_true, y_pred):
            ops = keras.ops
            apart = ops.square(ops.maximum(margin - y_pred, 0))
            return ops.mean(y_true * ops.square(y_pred) + (1 - y_true) * apart)

        return loss

    return contrastive_loss


def two_towers(data, held_out, epochs, parity):
    """A distance by Lambda between the outputs of one tower for two pictures, trained with a function as its loss."""

    def program(keras, tf):
        layers, ops = keras.layers, keras.ops

        def distance(vectors):
            x, y = vectors
            squares = ops.sum(ops.square(x - y), axis=1, keepdims=True)
            return ops.sqrt(ops.maximum(squares, keras.backend.epsilon()))

        left, right, alike = data
        shape = left.shape[1:]
        encode = tower(keras, shape, 10, 4 if parity else 8, normalized=not parity)
        first, second = layers.Input(shape), layers.Input(shape)
        merged = layers.Lambda(distance, output_shape=(1,))([encode(first), encode(second)])
        model = keras.Model(inputs=[first, second], outputs=merged)
        if parity:
            start(model)
        near = keras.metrics.BinaryAccuracy(name="near", threshold=0.5)
        model.compile(
            optimizer=keras.optimizers.SGD(0.05) if parity else keras.optimizers.RMSprop(2e-3),
            loss=contrastive()(keras), metrics=[near],
        )  # fmt: skip
        seen = model.fit(
            [left, right], alike, batch_size=16 if parity else 64, epochs=epochs, shuffle=not parity, verbose=0
        )
        return {
            "history": seen.history, "distances": model.predict(list(held_out[:2]), verbose=0),
            "weights": model.get_weights(),
        }  # fmt: skip

    return program


def test_siamese_towers_with_contrastive_loss():
    pictures = RNG.random((24, 12, 12, 1), np.float32)
    labels = np.arange(24) % 10
    data = pairs(pictures, labels, np.random.default_rng(1))
    on_both(two_towers(data, data, epochs=4, parity=True))


def test_siamese_towers_tell_digits_apart(digits):
    pictures, labels = digits
    rng = np.random.default_rng(1)
    data, held_out = pairs(pictures[:3000], labels[:3000], rng), pairs(pictures[-1000:], labels[-1000:], rng)
    found = on_day33(two_towers(data, held_out, epochs=5, parity=False))
    right = np.mean((found["distances"][:, 0] < 0.5) == held_out[2].astype(bool))
    assert right > 0.9, right


def test_triplets_in_a_train_step():
    """A layer that gives two distances, a model with `train_step`, `test_step` and a loss of its own."""

    def program(keras, tf):
        layers = keras.layers

        class Distances(layers.Layer):
            def call(self, anchor, positive, negative):
                near = tf.reduce_sum(tf.square(anchor - positive), -1)
                far = tf.reduce_sum(tf.square(anchor - negative), -1)
                return near, far

        shape = (10, 10, 1)
        encode = tower(keras, shape, 6, 3, normalized=False)
        start(encode)
        given = [layers.Input(name=name, shape=shape) for name in ("anchor", "positive", "negative")]
        network = keras.Model(inputs=given, outputs=Distances()(*(encode(picture) for picture in given)))

        class Triplets(keras.Model):
            def __init__(self, network, margin=0.5):
                super().__init__()
                self.network, self.margin = network, margin
                self.mean = keras.metrics.Mean(name="loss")

            def call(self, inputs):
                return self.network(inputs)

            def lack(self, data):
                near, far = self.network(data)
                return tf.maximum(near - far + self.margin, 0.0)

            def train_step(self, data):
                with tf.GradientTape() as tape:
                    loss = self.lack(data)
                slopes = tape.gradient(loss, self.network.trainable_weights)
                self.optimizer.apply_gradients(zip(slopes, self.network.trainable_weights, strict=True))
                self.mean.update_state(loss)
                return {"loss": self.mean.result()}

            def test_step(self, data):
                self.mean.update_state(self.lack(data))
                return {"loss": self.mean.result()}

            @property
            def metrics(self):
                return [self.mean]

        rng = np.random.default_rng(3)
        triplets = tuple(rng.random((32, *shape), np.float32) for _ in given)
        data = (
            tf.data.Dataset.from_tensor_slices(triplets[0]),
            *(tf.data.Dataset.from_tensor_slices(pictures) for pictures in triplets[1:]),
        )
        zipped = tf.data.Dataset.zip(data).batch(8, drop_remainder=False)
        model = Triplets(network)
        model.compile(optimizer=keras.optimizers.Adam(0.0005))
        seen = model.fit(zipped.take(3), epochs=3, validation_data=zipped.skip(3), verbose=0, shuffle=False)
        alike = keras.metrics.CosineSimilarity()
        codes = [encode(pictures[:4]) for pictures in triplets[:2]]
        return {
            "history": seen.history, "alike": alike(*codes).numpy(), "weights": encode.get_weights(),
        }  # fmt: skip

    on_both(program)
