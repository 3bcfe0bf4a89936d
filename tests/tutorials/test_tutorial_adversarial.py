"""Generators against judges: with a tape, with a step of their own, on a condition, with Wasserstein's loss."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(31)
PICTURES = RNG.uniform(-1, 1, (48, 8, 8, 1)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 48)
NOISE = RNG.normal(size=(48, 6)).astype(np.float32)


def painter(keras, codes, side, filters, normalized=True):
    """Makes pictures from -1 to 1 of codes."""
    layers = keras.layers
    small = side // 4
    model = keras.Sequential(name="painter")
    model.add(keras.Input((codes,)))
    model.add(layers.Dense(small * small * 2 * filters, use_bias=False))
    if normalized:
        model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Reshape((small, small, 2 * filters)))
    for width in (filters, filters // 2):
        model.add(layers.Conv2DTranspose(width, (4, 4), strides=(2, 2), padding="same", use_bias=False))
        if normalized:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Conv2D(1, (3, 3), padding="same", activation="tanh"))
    return model


def judge(keras, side, channels, filters, dropout=0.0, constraint=None):
    """One logit per picture."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((side, side, channels))], name="judge")
    for width in (filters, 2 * filters):
        model.add(layers.Conv2D(width, (3, 3), strides=(2, 2), padding="same", kernel_constraint=constraint))
        model.add(layers.LeakyReLU(negative_slope=0.2))
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, kernel_constraint=constraint))
    return model


def loop_by_hand(keras, tf):
    """Two models, two tapes, two optimizers, losses as functions, `tf.function` around the step."""
    maker, critic = painter(keras, 6, 8, 4), judge(keras, 8, 1, 4)
    start(maker, critic)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    rules = keras.optimizers.Adam(2e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5)

    def of_judge(real, made):
        return entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(made), made)

    @tf.function
    def learn(pictures, noise):
        with tf.GradientTape() as first, tf.GradientTape() as second:
            made = maker(noise, training=True)
            real_scores, made_scores = critic(pictures, training=True), critic(made, training=True)
            loss_of_maker = entropy(tf.ones_like(made_scores), made_scores)
            loss_of_critic = of_judge(real_scores, made_scores)
        for tape, loss, model, rule in (
            (first, loss_of_maker, maker, rules[0]), (second, loss_of_critic, critic, rules[1])
        ):  # fmt: skip
            slopes = tape.gradient(loss, model.trainable_variables)
            rule.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
        return loss_of_maker, loss_of_critic

    lines = []
    for _ in range(3):
        for row in range(0, 48, 16):
            losses = learn(tf.constant(PICTURES[row : row + 16]), tf.constant(NOISE[row : row + 16]))
            lines.append([float(loss) for loss in losses])
    return {
        "lines": np.array(lines), "weights": maker.get_weights() + critic.get_weights(),
        "pictures": maker(NOISE[:4], training=False).numpy(),
    }  # fmt: skip


def test_with_a_tape():
    on_both(loop_by_hand)


def game(keras, tf):
    """A model of two models with `compile` and `train_step` of its own; labels are noisy only on day33's own run."""

    class Game(keras.Model):
        def __init__(self, maker, critic, codes, draw):
            super().__init__()
            self.maker, self.critic, self.codes, self.draw = maker, critic, codes, draw

        def compile(self, critic_rule, maker_rule, loss_fn):
            super().compile()
            self.critic_rule, self.maker_rule, self.loss_fn = critic_rule, maker_rule, loss_fn
            self.critic_loss = keras.metrics.Mean(name="critic_loss")
            self.maker_loss = keras.metrics.Mean(name="maker_loss")

        @property
        def metrics(self):
            return [self.critic_loss, self.maker_loss]

        def train_step(self, pictures):
            count = tf.shape(pictures)[0]
            made = self.maker(self.draw(count, self.codes), training=True)
            both = tf.concat([made, pictures], axis=0)
            labels = tf.concat([tf.ones((count, 1)), tf.zeros((count, 1))], axis=0)
            with tf.GradientTape() as tape:
                loss = self.loss_fn(labels, self.critic(both, training=True))
            slopes = tape.gradient(loss, self.critic.trainable_weights)
            self.critic_rule.apply_gradients(zip(slopes, self.critic.trainable_weights, strict=True))

            noise = self.draw(count, self.codes)
            with tf.GradientTape() as tape:
                scores = self.critic(self.maker(noise, training=True), training=True)
                cheated = self.loss_fn(tf.zeros((count, 1)), scores)
            slopes = tape.gradient(cheated, self.maker.trainable_weights)
            self.maker_rule.apply_gradients(zip(slopes, self.maker.trainable_weights, strict=True))

            self.critic_loss.update_state(loss)
            self.maker_loss.update_state(cheated)
            return {"critic_loss": self.critic_loss.result(), "maker_loss": self.maker_loss.result()}

    return Game


def rows_of_noise(tf):
    """The same noise for every batch, in both libraries."""
    return lambda count, codes: tf.constant(NOISE[:16, :codes])


def test_with_train_step():
    def program(keras, tf):
        maker, critic = painter(keras, 6, 8, 4), judge(keras, 8, 1, 4)
        start(maker, critic)
        model = game(keras, tf)(maker, critic, 6, rows_of_noise(tf))
        model.compile(
            critic_rule=keras.optimizers.Adam(learning_rate=1e-3), maker_rule=keras.optimizers.Adam(learning_rate=1e-3),
            loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
        )  # fmt: skip
        data = tf.data.Dataset.from_tensor_slices(PICTURES).batch(16)
        seen = model.fit(data, epochs=3, verbose=0)
        return {
            "history": seen.history, "maker": maker.get_weights(), "critic": critic.get_weights(),
            "made": maker.predict(NOISE[:3], verbose=0),
        }  # fmt: skip

    on_both(program)


def test_on_a_condition():
    """The class as planes of a picture for the judge, as a part of the code for the painter."""

    def program(keras, tf):
        kinds, side = 3, 8
        maker, critic = painter(keras, 6 + kinds, side, 4), judge(keras, side, 1 + kinds, 4)
        start(maker, critic)

        class OnCondition(keras.Model):
            def __init__(self):
                super().__init__()
                self.maker, self.critic = maker, critic
                self.track = [keras.metrics.Mean(name=name) for name in ("critic", "maker")]

            def compile(self, rules, loss):
                super().compile()
                self.rules, self.measure = rules, loss

            @property
            def metrics(self):
                return self.track

            def train_step(self, data):
                pictures, labels = data
                planes = tf.repeat(labels[:, :, None, None], repeats=[side * side])
                planes = tf.reshape(planes, (-1, side, side, kinds))
                count = tf.shape(pictures)[0]
                codes = tf.concat([tf.constant(NOISE[:16]), labels], axis=1)
                made = self.maker(codes)
                shown = tf.concat([tf.concat([made, planes], axis=-1), tf.concat([pictures, planes], axis=-1)], axis=0)
                labels_of_shown = tf.concat([tf.ones((count, 1)), tf.zeros((count, 1))], axis=0)
                with tf.GradientTape() as tape:
                    loss = self.measure(labels_of_shown, self.critic(shown))
                slopes = tape.gradient(loss, self.critic.trainable_weights)
                self.rules[0].apply_gradients(zip(slopes, self.critic.trainable_weights, strict=True))
                with tf.GradientTape() as tape:
                    scores = self.critic(tf.concat([self.maker(codes), planes], -1))
                    cheated = self.measure(tf.zeros((count, 1)), scores)
                slopes = tape.gradient(cheated, self.maker.trainable_weights)
                self.rules[1].apply_gradients(zip(slopes, self.maker.trainable_weights, strict=True))
                for tracker, value in zip(self.track, (loss, cheated), strict=True):
                    tracker.update_state(value)
                return {tracker.name: tracker.result() for tracker in self.track}

        model = OnCondition()
        model.compile(
            rules=[keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3)],
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
        )
        targets = keras.utils.to_categorical(CLASSES, kinds).astype("float32")
        data = tf.data.Dataset.from_tensor_slices((PICTURES, targets)).batch(16)
        seen = model.fit(data, epochs=3, verbose=0)
        between = np.linspace(targets[0], targets[1], 3)
        codes = np.concatenate([np.repeat(NOISE[:1], 3, axis=0), between], axis=1).astype("float32")
        return {
            "history": seen.history, "weights": maker.get_weights() + critic.get_weights(),
            "between": maker.predict(codes, verbose=0),
        }  # fmt: skip

    on_both(program)


def test_wasserstein_with_clipped_weights():
    """A critic without sigmoid whose weights a constraint keeps small; the loss is a function of two means."""

    def program(keras, tf):
        class Clipped(keras.constraints.Constraint):
            def __init__(self, most):
                self.most = most

            def __call__(self, weights):
                return keras.ops.clip(weights, -self.most, self.most)

            def get_config(self):
                return {"most": self.most}

        def wasserstein(signs, scores):
            return keras.ops.mean(signs * scores)

        maker = painter(keras, 6, 8, 4, normalized=False)
        critic = judge(keras, 8, 1, 4, constraint=Clipped(0.25))
        start(maker, critic)
        critic.compile(loss=wasserstein, optimizer=keras.optimizers.RMSprop(learning_rate=5e-4))
        critic.trainable = False
        code = keras.Input((6,))
        together = keras.Model(code, critic(maker(code)))
        together.compile(loss=wasserstein, optimizer=keras.optimizers.RMSprop(learning_rate=5e-4))
        real, fake = -np.ones((16, 1), np.float32), np.ones((16, 1), np.float32)
        lines = []
        for row in range(0, 48, 16):
            noise = NOISE[row : row + 16]
            critic.trainable = True
            critic.compile(loss=wasserstein, optimizer=critic.optimizer)
            for _ in range(2):
                on_real = critic.train_on_batch(PICTURES[row : row + 16], real)
                on_fake = critic.train_on_batch(maker.predict(noise, verbose=0), fake)
            critic.trainable = False
            together.compile(loss=wasserstein, optimizer=together.optimizer)
            lines.append([float(np.ravel(v)[0]) for v in (on_real, on_fake, together.train_on_batch(noise, real))])
        most = max(float(np.abs(w).max()) for w in critic.get_weights()[::2])
        assert most <= 0.25 + 1e-7
        return {"lines": np.array(lines), "weights": maker.get_weights() + critic.get_weights()}

    on_both(program)


def nearest_classes(pictures, examples, labels):
    """The class of the nearest of some examples."""
    flat, known = pictures.reshape(len(pictures), -1), examples.reshape(len(examples), -1)
    distances = (flat**2).sum(1)[:, None] - 2 * flat @ known.T + (known**2).sum(1)
    return labels[distances.argmin(axis=1)], np.sqrt(np.maximum(distances.min(axis=1), 0))


@pytest.mark.slow
def test_does_not_collapse_on_digits(digits):
    """After some hundred steps the pictures are of many classes, differ from each other, and are near to digits."""
    pictures, labels = digits[0][:, 4:-4, 4:-4] * 2 - 1, digits[1]

    def program(keras, tf):
        maker, critic = painter(keras, 16, 20, 16), judge(keras, 20, 1, 16, dropout=0.2)
        model = game(keras, tf)(maker, critic, 16, lambda count, codes: tf.random.normal((count, codes)))
        model.compile(
            critic_rule=keras.optimizers.Adam(3e-4, beta_1=0.5), maker_rule=keras.optimizers.Adam(1e-3, beta_1=0.5),
            loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
        )  # fmt: skip
        data = tf.data.Dataset.from_tensor_slices(pictures[:6400]).shuffle(6400).batch(64)
        seen = model.fit(data, epochs=5, verbose=0)
        made = maker.predict(np.random.default_rng(5).normal(size=(200, 16)).astype(np.float32), verbose=0)
        return {"history": seen.history, "made": made}

    found = on_day33(program)
    classes, distances = nearest_classes(found["made"], pictures[-3000:], labels[-3000:])
    counts = np.bincount(classes, minlength=10)
    real = pictures[6400:6600]
    _, among_real = nearest_classes(real, pictures[-3000:], labels[-3000:])
    spread, real_spread = (np.std(p, axis=0).mean() for p in (found["made"], real))
    assert (counts > 0).sum() >= 8 and counts.max() < 100, counts
    assert spread > 0.6 * real_spread
    assert distances.mean() < 1.75 * among_real.mean()  # 1.4 to 1.53, by instruction set; grey pictures 2.1
