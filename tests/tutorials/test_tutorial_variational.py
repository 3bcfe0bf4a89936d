"""Variational auto-encoders in the forms that people write: a step of their own, Lambda and add_loss, a subclass."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(21)
PICTURES = (RNG.random((64, 8, 8, 1)) > 0.6).astype(np.float32)
ROW_OF_NOISE = RNG.normal(size=3).astype(np.float32)


def fixed_noise(keras):
    """In place of `keras.random.normal`, the same row in both libraries."""
    return lambda shape: keras.ops.broadcast_to(keras.ops.convert_to_tensor(ROW_OF_NOISE), shape)


def halves(keras, noise, side, codes, filters=8):
    """An encoder that gives mean, logarithm of the variance and a draw; and a decoder."""
    layers, ops = keras.layers, keras.ops

    class Draw(layers.Layer):
        """mean + deviation * noise"""

        def call(self, inputs):
            mean, log_variance = inputs
            return mean + ops.exp(0.5 * log_variance) * noise(shape=ops.shape(mean))

    picture = keras.Input(shape=(side, side, 1), name="picture")
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(picture)
    x = layers.Conv2D(2 * filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(4 * filters, activation="relu")(layers.Flatten()(x))
    mean, log_variance = layers.Dense(codes, name="mean")(x), layers.Dense(codes, name="log_variance")(x)
    encoder = keras.Model(picture, [mean, log_variance, Draw()([mean, log_variance])], name="encoder")

    code = keras.Input(shape=(codes,))
    small = side // 4
    x = layers.Dense(small * small * filters, activation="relu")(code)
    x = layers.Reshape((small, small, filters))(x)
    x = layers.Conv2DTranspose(2 * filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    drawn = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
    return encoder, keras.Model(code, drawn, name="decoder")


def step_class(keras, tf):
    """A model with a train_step of its own, which takes the gradient of two summands and reports means of both."""

    class Variational(keras.Model):
        def __init__(self, encoder, decoder, **options):
            super().__init__(**options)
            self.encoder, self.decoder = encoder, decoder
            self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", "picture", "kl")}

        @property
        def metrics(self):
            return list(self.trackers.values())

        def parts(self, pictures):
            mean, log_variance, code = self.encoder(pictures)
            wrong = keras.losses.binary_crossentropy(pictures, self.decoder(code))
            picture = tf.reduce_mean(tf.reduce_sum(wrong, axis=(1, 2)))
            kl = -0.5 * (1 + log_variance - tf.square(mean) - tf.exp(log_variance))
            return picture, tf.reduce_mean(tf.reduce_sum(kl, axis=1))

        def train_step(self, data):
            with tf.GradientTape() as tape:
                picture, kl = self.parts(data)
                loss = picture + kl
            slopes = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(slopes, self.trainable_weights, strict=True))
            for name, value in (("loss", loss), ("picture", picture), ("kl", kl)):
                self.trackers[name].update_state(value)
            return {name: tracker.result() for name, tracker in self.trackers.items()}

    return Variational


def with_train_step(noise_of, pictures, codes, epochs, learning_rate=1e-3, filters=8):
    def program(keras, tf):
        encoder, decoder = halves(keras, noise_of(keras), pictures.shape[1], codes, filters)
        if noise_of is fixed_noise:
            start(encoder, decoder)
        model = step_class(keras, tf)(encoder, decoder)
        model.compile(optimizer=keras.optimizers.Adam(learning_rate))
        seen = model.fit(pictures, epochs=epochs, batch_size=16, shuffle=noise_of is not fixed_noise, verbose=0)
        found = {"history": seen.history, "mean": encoder.predict(pictures[:4], verbose=0)[0]}
        grid = np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 1.0]), axis=-1).reshape(-1, 2)
        points = np.zeros((len(grid), codes), np.float32)
        points[:, :2] = grid
        found["drawn"] = decoder.predict(points, verbose=0)
        if noise_of is fixed_noise:
            found["weights"] = encoder.get_weights() + decoder.get_weights()
        return found

    return program


def test_with_a_step_of_its_own():
    on_both(with_train_step(fixed_noise, PICTURES, 3, epochs=3))


def test_with_lambda_and_added_losses():
    """Lambda for the draw, `add_loss` inside of a layer that hands its input on."""

    def program(keras, tf):
        layers, ops = keras.layers, keras.ops

        class Divergence(layers.Layer):
            def __init__(self, weight=1.0, **options):
                super().__init__(**options)
                self.weight = weight

            def call(self, inputs):
                mean, log_variance = inputs
                kl = ops.sum(1 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)
                self.add_loss(-0.5 * self.weight * ops.mean(kl))
                return inputs

        def draw(arguments):
            mean, log_variance = arguments
            return mean + ops.exp(log_variance / 2) * fixed_noise(keras)(ops.shape(mean))

        picture = keras.Input(shape=(64,))
        hidden = layers.Dense(24, activation="tanh")(picture)
        mean, log_variance = Divergence(0.05)([layers.Dense(3)(hidden), layers.Dense(3)(hidden)])
        code = layers.Lambda(draw, output_shape=(3,), name="code")([mean, log_variance])
        back = layers.Dense(64, activation="sigmoid")(layers.Dense(24, activation="tanh")(code))
        model = keras.Model(picture, back)
        start(model)
        model.compile(optimizer="rmsprop", loss="binary_crossentropy")
        flat = PICTURES.reshape(64, 64)
        seen = model.fit(flat, flat, batch_size=16, epochs=3, shuffle=False, verbose=0)
        return {
            "history": seen.history, "loss": model.evaluate(flat, flat, verbose=0), "weights": model.get_weights(),
            "code": keras.Model(picture, mean).predict(flat[:3], verbose=0),
        }  # fmt: skip

    on_both(program)


def test_older_form_with_a_loss_added_to_a_model(digits):
    """What TensorFlow 2 had: `model.add_loss` of symbolic tensors, no loss in `compile`. Keras 3 has it no more."""
    pictures = digits[0][:1500].reshape(1500, 784)

    def program(keras, tf):
        layers, K = keras.layers, keras.ops
        x = keras.Input((784,))
        h = layers.Dense(64, "relu")(x)
        mean, log_sigma = layers.Dense(2)(h), layers.Dense(2)(h)

        def draw(pair):
            return pair[0] + K.exp(pair[1]) * keras.random.normal(K.shape(pair[0]), mean=0.0, stddev=0.1)

        z = layers.Lambda(draw)([mean, log_sigma])
        y = layers.Dense(784, "sigmoid")(layers.Dense(64, "relu")(z))
        model = keras.Model(x, y)
        picture = keras.losses.binary_crossentropy(x, y) * 784
        kl = K.sum(1 + log_sigma - K.square(mean) - K.exp(log_sigma), axis=-1) * -0.5
        model.add_loss(K.mean(picture + kl))
        model.compile(optimizer="adam")
        return model.fit(pictures, epochs=6, batch_size=32, verbose=0).history

    losses = on_day33(program)["loss"]
    assert losses[-1] < 215 and losses[-1] < 0.6 * losses[0]


def subclass(noise_of, pictures, steps):
    """Encoder, decoder and the whole as subclasses of Layer and Model; a loop by hand over a data set."""

    def program(keras, tf):
        noise = noise_of(keras)

        class Encoder(keras.layers.Layer):
            def __init__(self, codes, width, **options):
                super().__init__(**options)
                self.hidden = keras.layers.Dense(width, activation="relu")
                self.mean, self.log_variance = keras.layers.Dense(codes), keras.layers.Dense(codes)

            def call(self, inputs):
                hidden = self.hidden(inputs)
                mean, log_variance = self.mean(hidden), self.log_variance(hidden)
                return mean, log_variance, mean + tf.exp(0.5 * log_variance) * noise(keras.ops.shape(mean))

        class Decoder(keras.layers.Layer):
            def __init__(self, size, width, **options):
                super().__init__(**options)
                self.hidden = keras.layers.Dense(width, activation="relu")
                self.out = keras.layers.Dense(size, activation="sigmoid")

            def call(self, inputs):
                return self.out(self.hidden(inputs))

        class Whole(keras.Model):
            def __init__(self, size, codes, width, **options):
                super().__init__(**options)
                self.encoder, self.decoder = Encoder(codes, width), Decoder(size, width)

            def call(self, inputs):
                mean, log_variance, code = self.encoder(inputs)
                kl = tf.reduce_mean(log_variance - tf.square(mean) - tf.exp(log_variance) + 1)
                self.add_loss(-0.5 * kl)
                return self.decoder(code)

        flat = pictures.reshape(len(pictures), -1)
        model = Whole(flat.shape[1], 3, 32)
        model(flat[:1])
        if noise_of is fixed_noise:
            start(model)
        rule, measure, mean_loss = keras.optimizers.Adam(2e-3), keras.losses.MeanSquaredError(), keras.metrics.Mean()
        lines = []
        for batch in tf.data.Dataset.from_tensor_slices(flat).batch(16).repeat().take(steps):
            with tf.GradientTape() as tape:
                back = model(batch)
                loss = measure(batch, back) + sum(model.losses)
            slopes = tape.gradient(loss, model.trainable_weights)
            rule.apply_gradients(zip(slopes, model.trainable_weights, strict=True))
            mean_loss(loss)
            lines.append(float(mean_loss.result()))
        # The same by compile and fit.
        model.compile(keras.optimizers.Adam(1e-3), loss=keras.losses.MeanSquaredError())
        seen = model.fit(flat, flat, epochs=2, batch_size=32, shuffle=False, verbose=0)
        return {"lines": np.array(lines), "history": seen.history, "weights": model.get_weights()}

    return program


def test_as_a_subclass():
    on_both(subclass(fixed_noise, PICTURES, 10))


def bound_on_evidence(encoder, decoder, pictures, draws=4):
    """The evidence lower bound per picture in nats, by NumPy; noise drawn anew for each draw."""
    rng = np.random.default_rng(2)
    mean, log_variance, _ = encoder.predict(pictures, verbose=0)
    kl = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    likelihoods = []
    for _ in range(draws):
        code = mean + np.exp(0.5 * log_variance) * rng.normal(size=mean.shape)
        p = np.clip(decoder.predict(code.astype(np.float32), verbose=0).astype(np.float64), 1e-6, 1 - 1e-6)
        likelihoods.append((pictures * np.log(p) + (1 - pictures) * np.log(1 - p)).sum(axis=(1, 2, 3)))
    return float((np.mean(likelihoods, axis=0) - kl).mean())


def test_bound_on_digits(digits):
    """Far above that of a model that gives every picture the mean of all, after a few short epochs."""
    pictures = digits[0][:4000]
    held_out = digits[0][-500:]
    mean = np.clip(pictures.mean(axis=0), 1e-4, 1 - 1e-4)
    no_code = float((held_out * np.log(mean) + (1 - held_out) * np.log(1 - mean)).sum(axis=(1, 2, 3)).mean())
    parts = {}

    def program(keras, tf):
        encoder, decoder = halves(keras, keras.random.normal, 28, codes=8)
        model = step_class(keras, tf)(encoder, decoder)
        model.compile(optimizer=keras.optimizers.Adam(3e-3))
        parts["history"] = model.fit(pictures, epochs=8, batch_size=32, verbose=0).history
        parts["bound"] = bound_on_evidence(encoder, decoder, held_out)
        return parts

    on_day33(program)
    assert parts["bound"] > no_code + 60, (parts["bound"], no_code)
    # The loss that training reports is the negative bound of the digits it saw.
    assert abs(parts["history"]["loss"][-1] + parts["bound"]) < 12
    assert parts["history"]["kl"][-1] > 5  # the code is used
