"""What layers and models add to the loss: in training, in `layer.losses`, on a tape, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import Model, layers, ops, optimizers
from support.penalties import L2, keras, model_with, penalty, train_both, twins
from support.small_models import compiled, dense_model, regression
from support.tolerances import TRAINING_STEPS


def vae_like(library):
    """A layer that adds two losses, inside of another that adds one."""
    o = ops if library is day33 else keras.ops
    made = library.layers

    class Inner(made.Layer):
        def __init__(self):
            super().__init__()
            self.mean, self.log_var = made.Dense(3), made.Dense(3)

        def call(self, x):
            mean, log_var = self.mean(x), self.log_var(x)
            self.add_loss(-0.05 * o.mean(1.0 + log_var - o.square(mean) - o.exp(log_var)))
            self.add_loss([0.1 * o.sum(o.square(mean), axis=-1)])
            return mean

    class Outer(made.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()
            self.head = made.Dense(4)

        def call(self, x):
            h = self.inner(x)
            self.add_loss(0.01 * o.mean(o.abs(h)) + 0.5)
            return self.head(h)

    return Outer


def test_losses_of_layers():
    def build(library):
        return model_with(library, lambda _: vae_like(library)(), (5,))

    own, their = twins(build)
    train_both(own, their, (5,), rate=0.05)


def test_losses_of_a_subclass_of_model():
    def build(library):
        o = ops if library is day33 else keras.ops
        outer = vae_like(library)

        class Mine(library.Model):
            def __init__(self):
                super().__init__()
                self.outer, self.drop = outer(), library.layers.Dropout(0.0)
                self.head = library.layers.Dense(2)

            def call(self, x, training=None):
                h = self.drop(self.outer(x), training=training)
                self.add_loss(0.03 * o.mean(o.square(h)))
                return self.head(h)

        model = Mine()
        model(np.zeros((1, 5), np.float32))
        return model

    train_both(*twins(build), (5,), rate=0.05)


def test_a_loss_in_training_alone():
    def build(library):
        o = ops if library is day33 else keras.ops

        class Noted(library.layers.Layer):
            def call(self, x, training=None):
                if training:
                    self.add_loss(0.3 * o.mean(o.square(x)))
                return x

        return model_with(library, lambda made: Noted(), (5,))

    train_both(*twins(build), (5,))


def test_a_loss_of_weights():
    def build(library):
        o = ops if library is day33 else keras.ops

        class Weighted(library.layers.Layer):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(5, 3), name="w")

            def call(self, x):
                self.add_loss(0.1 * o.sum(o.square(self.w)))
                return o.matmul(x, self.w)

        return model_with(library, lambda _: Weighted(), (5,))

    train_both(*twins(build), (5,))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_add_loss_alone():
    """A model without a loss in compile; what is added is all that is minimised."""

    def build(library):
        return model_with(library, lambda _: vae_like(library)(), (5,))

    own, their = twins(build)
    x = np.random.default_rng(0).random((8, 5), np.float32)
    own.compile(optimizers.SGD(0.1))
    their.compile(keras.optimizers.SGD(0.1))
    for _ in range(10):
        assert own.train_on_batch(x) == pytest.approx(float(their.train_on_batch(x)), rel=1e-5)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    history = own.fit(x, epochs=2, validation_data=(x, None), verbose=0).history
    assert set(history) == {"loss", "val_loss"}
    with pytest.raises(ValueError, match="there is nothing to minimise: training and evaluation need a loss"):
        compiled(dense_model(), loss=None).fit(*regression(), verbose=0)


def functional_vae(library, head):
    made = library.layers
    x = made.Input((5,))
    h = made.Dense(4, activation="tanh")(x)
    return x, h, made.Dense(5, name=head)(h)


def test_add_loss_of_a_functional_model():
    """An expression of inputs, outputs and what is between them, as TensorFlow 2 took it."""
    x, h, y = functional_vae(day33, "y")
    model = Model(x, y)
    model.add_loss(ops.mean(ops.square(y - x)) + 0.1 * ops.mean(ops.sum(ops.abs(h), axis=-1)))
    model.add_loss(lambda: [0.01 * ops.sum(ops.square(model.layers[1].kernel)), 0.25])
    model.compile(optimizers.SGD(0.1))

    class Twin(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.head = keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(5)

        def call(self, x):
            h = self.inner(x)
            y = self.head(h)
            o = keras.ops
            self.add_loss(o.mean(o.square(y - x)) + 0.1 * o.mean(o.sum(o.abs(h), axis=-1)) + 0.25)
            self.add_loss(0.01 * o.sum(o.square(self.inner.kernel)))
            return y

    twin = Twin()
    twin(np.zeros((1, 5), np.float32))
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.SGD(0.1))
    rng = np.random.default_rng(0)
    for _ in range(10):
        batch = rng.random((8, 5), np.float32)
        assert model.train_on_batch(batch) == pytest.approx(float(twin.train_on_batch(batch)), rel=1e-5)
    for mine, correct in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    assert model.predict(batch, verbose=0).shape == (8, 5)
    with pytest.warns(UserWarning, match="what add_loss added to model .* is left out of its configuration"):
        model.get_config()


def test_what_is_reported_beside_other_losses():
    x, y = regression()
    model = dense_model()
    model.add_loss(0.5 * ops.mean(ops.abs(model.outputs[0])))
    compiled(model, metrics=["mae"])
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    predicted = model.predict(x, verbose=0)
    assert logs["loss"] == pytest.approx(np.mean((predicted - y) ** 2) + 0.5 * np.mean(np.abs(predicted)), rel=1e-5)
    assert logs["mae"] == pytest.approx(np.mean(np.abs(predicted - y)), rel=1e-5)


def test_what_cannot_be_added():
    x, y = regression()
    layer = layers.Dense(2)
    with pytest.raises(RuntimeError, match="add_loss of layer 'dense.* was called outside of call"):
        layer.add_loss(1.0)
    model = dense_model()
    other = layers.Input((3,))
    with pytest.raises(ValueError, match="depends on .* which is not among the inputs"):
        model.add_loss(ops.mean(other))
    for wrong in ("a", 0.5, ops.sum(ops.square(model.layers[0].kernel))):
        with pytest.raises(TypeError, match="in add_loss, which never changes; expected what functions of"):
            model.add_loss(wrong)
    with pytest.raises(TypeError, match="added 'a' to the loss; expected what functions of day33.ops make"):
        model.add_loss(lambda: "a")

    def with_numpy(w):
        return np.sum(np.asarray(w))

    model = dense_model()
    model.layers[0].kernel_regularizer = with_numpy
    with pytest.raises(TypeError, match=r"regularizer of .*kernel, line \d+ of .*return np\.sum.*has no values yet"):
        compiled(model).fit(x, y, verbose=0)
    model.layers[0].kernel_regularizer = lambda w: None
    with pytest.raises(TypeError, match=r"regularizer of .*kernel added None to the loss"):
        compiled(model).fit(x, y, verbose=0)
    with pytest.raises(TypeError, match="kernel.* is 3; expected a function"):
        model.layers[0].kernel.regularizer = 3


# ---- layer.losses ----


def test_losses_after_a_call():
    """What the last call added, of each layer, then the penalties, as Keras lists them."""

    def build(library):
        made = library.layers
        x = made.Input((5,))
        h = made.Dense(4, activity_regularizer=penalty(library, L2), kernel_regularizer=penalty(library, L2))(x)
        h = made.Dropout(0.5)(vae_like(library)()(h))
        return library.Model(x, made.Dense(2, activity_regularizer="l1", bias_regularizer="l2")(h))

    own, their = twins(build)
    rng = np.random.default_rng(0)
    for size in (6, 3):
        x = rng.random((size, 5), np.float32)
        np.testing.assert_allclose(own(x), np.asarray(their(x)), rtol=1e-5, atol=1e-6)
        mine, correct = [float(np.sum(v)) for v in own.losses], [float(keras.ops.sum(v)) for v in their.losses]
        assert sorted(mine) == pytest.approx(sorted(correct), rel=1e-5)
    assert [float(v) for v in own.layers[1].losses] == pytest.approx(
        [float(v) for v in their.layers[1].losses], rel=1e-5
    )
    assert own.predict(x, verbose=0).shape == (3, 2)


def test_losses_on_a_tape():
    """In a training step written by hand, gradients of all that is added."""
    tf = pytest.importorskip("tensorflow")

    def build(library):
        made = library.layers
        x = made.Input((5,))
        h = made.Dense(4, activity_regularizer=penalty(library, L2), kernel_regularizer=penalty(library, L2))(x)
        return library.Model(x, made.Dense(2)(vae_like(library)()(h)))

    own, their = twins(build)
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 5), np.float32), rng.random((6, 2), np.float32)
    with day33.GradientTape() as tape:
        total = ops.mean(ops.square(own(x, training=True) - y))
        for value in own.losses:
            total = total + ops.sum(value)
    mine = tape.gradient(total, own.trainable_variables)
    with tf.GradientTape() as tape:
        correct_total = tf.reduce_mean(tf.square(their(x, training=True) - y))
        for value in their.losses:
            correct_total += tf.reduce_sum(value)
    correct = tape.gradient(correct_total, their.trainable_variables)
    assert float(total) == pytest.approx(float(correct_total), rel=1e-5)
    for number, (one, other) in enumerate(zip(mine, correct, strict=True)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=str(number))


def test_losses_of_a_step_of_ones_own():
    """A train_step that is overridden sees them in compute_loss; it trains as fit does without it."""

    class Mine(Model):
        def train_step(self, data):
            x, y = data
            with day33.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"total": loss}

    found, weights = [], None
    x, y = regression()
    for cls in (Model, Mine):
        given = layers.Input((6,))
        h = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l1")(given)
        model = cls(given, layers.Dense(2)(vae_like(day33)()(h)))
        if weights is not None:
            model.set_weights(weights)
        weights = model.get_weights()
        model.compile(optimizers.SGD(0.05), "mse")
        history = model.fit(x, y, batch_size=40, epochs=5, shuffle=False, verbose=0).history
        found.append([*history["total" if cls is Mine else "loss"], *model.get_weights()])
    for mine, native in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(mine, native, rtol=1e-5, atol=1e-6)


def test_a_loss_that_a_tape_does_not_see():
    x = layers.Input((4, 2))
    model = Model(x, layers.TimeDistributed(layers.Dense(3, activity_regularizer="l1"))(x))
    with (
        day33.GradientTape(),
        pytest.raises(ValueError, match=r"inside of 'time_distributed.* adds to the loss, which a tape does not see"),
    ):
        model(np.ones((2, 4, 2), np.float32))
    assert model(np.ones((2, 4, 2), np.float32)).shape == (2, 4, 3)
