"""Masks that results carry: losses and metrics called on them, in loops and in steps of one's own, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, ops, tf
from support.twins import build_both

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

N, T, C = 6, 5, 3
X = np.random.default_rng(0).integers(0, 7, (N, T))
X[:, 2:] *= np.random.default_rng(1).integers(0, 2, (N, T - 2))  # some padding, nowhere a whole sample
Y = np.random.default_rng(2).normal(size=(N, T, C)).astype(np.float32)
LABELS = np.random.default_rng(3).integers(0, C, (N, T))
WEIGHTS = np.random.default_rng(4).random(N).astype(np.float32) + 0.5


def tagger(library, head=None):
    make = library.layers
    x = library.Input((T,), dtype="int32")
    y = make.LSTM(4, return_sequences=True)(make.Embedding(7, 4, mask_zero=True)(x))
    return library.Model(x, make.Dense(C, activation=head)(y))


def own(library, reduction):
    class Absolute(library.losses.Loss):
        def call(self, y_true, y_pred):
            return library.ops.mean(library.ops.abs(y_true - y_pred), axis=-1)

    return Absolute(reduction=reduction)


def scalar(library, reduction):
    class Whole(library.losses.Loss):
        def call(self, y_true, y_pred):
            return library.ops.sqrt(library.ops.mean(library.ops.square(y_true - y_pred)))

    return Whole(reduction=reduction)


KINDS = {
    "mse": lambda library, reduction: library.losses.MeanSquaredError(reduction=reduction),
    "own": own, "scalar": scalar,
    "sparse": lambda library, reduction: library.losses.SparseCategoricalCrossentropy(True, reduction=reduction),
    "ignore": lambda library, reduction: library.losses.SparseCategoricalCrossentropy(
        True, ignore_class=1, reduction=reduction
    ),
}  # fmt: skip
CASES = [
    (kind, reduction, weights)
    for kind in KINDS for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none")
    for weights in (None, WEIGHTS[:, None]) if not (kind == "scalar" and weights is not None)
]  # fmt: skip


@pytest.mark.parametrize(("kind", "reduction", "weights"), CASES)
def test_a_loss_of_what_a_model_gave(kind, reduction, weights):
    ours, theirs = build_both(tagger, keras)
    target = LABELS if kind in ("sparse", "ignore") else Y
    mine, correct = KINDS[kind](day33, reduction), KINDS[kind](keras, reduction)
    with day33.GradientTape() as tape:
        y = ours(X, training=True)
        value = mine(target, y, sample_weight=weights)
        loss = ops.sum(value)
    with tensorflow.GradientTape() as other:
        expected_y = theirs(X, training=True)
        expected_value = correct(target, expected_y, sample_weight=weights)
        expected = tensorflow.reduce_sum(expected_value)
    np.testing.assert_array_equal(y._keras_mask, np.asarray(expected_y._keras_mask))
    np.testing.assert_allclose(np.asarray(value), np.asarray(expected_value), rtol=1e-5, atol=1e-6)
    gradients = other.gradient(expected, theirs.trainable_variables)
    for found, wanted in zip(tape.gradient(loss, ours.trainable_variables), gradients, strict=True):
        np.testing.assert_allclose(found, np.asarray(tensorflow.convert_to_tensor(wanted)), rtol=1e-4, atol=1e-5)
    # Without a tape, too.
    result = mine(target, ours(tf.constant(X)), sample_weight=weights)
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected_value), rtol=1e-5, atol=1e-6)


def test_layers_one_after_the_other():
    def build(library):
        make = library.layers
        return [
            make.Masking(),
            make.LSTM(4, return_sequences=True),
            make.Dropout(0.5),
            make.TimeDistributed(make.Dense(2)),
        ]

    x = np.array(Y)
    x[:3, 3:] = 0
    x[4, 1:] = 0
    ours, theirs = build(day33), build(keras)
    for library in (ours, theirs):
        h = x
        for layer in library:
            h = layer(h)
    for mine, correct in zip(ours, theirs, strict=True):
        mine.set_weights(correct.get_weights())
    h, expected = tf.constant(x), tensorflow.constant(x)
    for mine, correct in zip(ours, theirs, strict=True):  # the LSTM takes the mask of what it is called on
        h, expected = mine(h), correct(expected)
        np.testing.assert_array_equal(h._keras_mask, (x != 0).any(-1))
        np.testing.assert_allclose(h, np.asarray(expected), rtol=1e-5, atol=1e-6)
    with day33.GradientTape():
        y = ours[3](ours[2](ours[1](ours[0](x))))
        loss = day33.losses.MeanSquaredError()(Y[..., :2], y)
    np.testing.assert_array_equal(y._keras_mask, (x != 0).any(-1))
    wanted = keras.losses.MeanSquaredError()(Y[..., :2], expected)
    assert float(loss) == pytest.approx(float(wanted), rel=1e-5)


def test_what_has_no_mask():
    dense = layers.Dense(2)
    assert dense(tf.constant(Y))._keras_mask is None
    pooled = day33.Sequential([layers.Embedding(7, 4, mask_zero=True), layers.GlobalAveragePooling1D()])
    assert pooled(tf.constant(X))._keras_mask is None
    embedding = layers.Embedding(7, 4)
    assert embedding(tf.constant(X))._keras_mask is None
    with day33.GradientTape():
        assert pooled(X)._keras_mask is None and (embedding(X) * 2.0)._keras_mask is None


def stepping(library):
    """A model whose steps are its own, as Keras's guide writes them."""

    class Own(library.Model):
        def train_step(self, data):
            x, y, sample_weight = library.utils.unpack_x_y_sample_weight(data)
            tape_of = day33 if library is day33 else tensorflow
            with tape_of.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred, sample_weight)
            gradients = tape.gradient(loss, self.trainable_variables)
            if library is keras:
                gradients = [tensorflow.convert_to_tensor(item) for item in gradients]
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return self.measured(loss, y, y_pred, sample_weight)

        def test_step(self, data):
            x, y, sample_weight = library.utils.unpack_x_y_sample_weight(data)
            y_pred = self(x, training=False)
            return self.measured(self.compute_loss(x, y, y_pred, sample_weight), y, y_pred, sample_weight)

        def measured(self, loss, y, y_pred, sample_weight):
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred, sample_weight=sample_weight)
            return {metric.name: metric.result() for metric in self.metrics}

    plain = tagger(library)
    return Own(plain.inputs, plain.outputs)


@pytest.mark.parametrize("weights", [None, np.repeat(WEIGHTS[:, None], T, 1)])
def test_steps_of_ones_own(weights):
    ours, theirs = build_both(stepping, keras)
    native = tagger(day33)
    native.set_weights(ours.get_weights())
    for model, library in ((ours, day33), (theirs, keras), (native, day33)):
        extra = {"run_eagerly": True} if library is keras else {}
        model.compile(library.optimizers.SGD(0.1), "mse", metrics=["mae"] if weights is None else None,
                      weighted_metrics=None if weights is None else ["mae"], **extra)  # fmt: skip
    for model in (ours, theirs, native):
        model.fit(X, Y, sample_weight=weights, batch_size=3, epochs=2, shuffle=False, verbose=0)
    for mine, correct, plain in zip(ours.get_weights(), theirs.get_weights(), native.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(plain, correct, rtol=1e-4, atol=1e-5)
    found = [
        model.evaluate(X, Y, sample_weight=weights, batch_size=N, verbose=0, return_dict=True)
        for model in (ours, theirs, native)
    ]  # fmt: skip
    for one in (found[0], found[2]):
        assert one.keys() == found[1].keys()
        for name, value in one.items():
            assert float(value) == pytest.approx(float(found[1][name]), rel=1e-4), name


def test_an_overridden_compute_metrics_sees_masks():
    ours, theirs = [], []

    def build(library, seen):
        class Own(library.Model):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                self.error = library.metrics.MeanAbsoluteError(name="error")

            def compute_metrics(self, x, y, y_pred, sample_weight=None):
                self.error.update_state(y, y_pred)
                seen.append(float(self.error.result()))
                return {"error": self.error.result()}

        plain = tagger(library)
        return Own(plain.inputs, plain.outputs)

    mine = build(day33, ours)
    correct = build(keras, theirs)
    correct.set_weights(mine.get_weights())
    for model, extra in ((mine, {}), (correct, {"run_eagerly": True})):
        model.compile("sgd", "mse", **extra)
        model.evaluate(X, Y, batch_size=3, verbose=0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
