"""Layers of one's own, dropout that stays in prediction, penalties and constraints, classes that are rare."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(61)
X = RNG.normal(size=(64, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 2)) + 0.1 * RNG.normal(size=(64, 2))).astype(np.float32)


def own_layers(keras, tf):
    """`build` and `add_weight`, weights that do not train, a layer of layers, `get_config`, a file and back."""

    @keras.utils.register_keras_serializable(package="tutorials")
    class Affine(keras.layers.Layer):
        def __init__(self, units=4, **options):
            super().__init__(**options)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(
                shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True, name="w"
            )
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True, name="b")
            self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")

        def call(self, inputs):
            return tf.matmul(inputs, self.w) * self.scale + self.b

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @keras.utils.register_keras_serializable(package="tutorials")
    class Gated(keras.layers.Layer):
        """Half of what a layer gives, times the sigmoid of the other half; its first column apart."""

        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.inside = Affine(2 * units)

        def call(self, inputs):
            both = self.inside(inputs)
            gated = both[:, : self.units] * tf.sigmoid(both[:, self.units :])
            return tf.concat([gated, both[:, :1] ** 2], axis=-1)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    model = keras.Sequential(
        [keras.Input((6,)), Affine(5, name="first"), Gated(3, name="gated"), Affine(2, name="last")]
    )
    start(model)
    assert [w.name for w in model.layers[0].trainable_weights] == ["w", "b"]
    assert len(model.layers[1].non_trainable_weights) == 1
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    seen = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    again = keras.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    return {
        "history": seen.history, "weights": model.get_weights(), "again": again.predict(X[:4], verbose=0),
        "here": model(X[:4]).numpy(),
    }  # fmt: skip


def test_own_layers():
    on_both(own_layers)


def test_layer_that_keeps_a_sum():
    """A weight that `call` adds to: the sum of what the layer was called with."""

    def program(keras, tf):
        class Total(keras.layers.Layer):
            def __init__(self, size):
                super().__init__()
                self.total = self.add_weight(shape=(size,), initializer="zeros", trainable=False, name="total")

            def call(self, inputs):
                self.total.assign_add(tf.reduce_sum(inputs, axis=0))
                return self.total

        layer = Total(6)
        first = np.array(layer(X[:2]))
        second = np.array(layer(X[2:5]))
        return {"first": first, "second": second, "kept": layer.total.numpy()}

    on_both(program)


def test_dropout_that_stays():
    """`Dropout` whose `call` is always in training: predictions vary, and how much says how sure the model is."""

    def program(keras, tf):
        class AlwaysDropout(keras.layers.Dropout):
            def call(self, inputs):
                return super().call(inputs, training=True)

        inputs = keras.Input((6,))
        x = keras.layers.Dense(64, activation="relu")(inputs)
        x = AlwaysDropout(0.3)(x)
        model = keras.Model(inputs, keras.layers.Dense(2)(x))
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=60, batch_size=16, verbose=0)
        draws = np.stack([model.predict(X, verbose=0) for _ in range(40)])
        calls = np.stack([model(X, training=False) for _ in range(2)])
        far = np.stack([model.predict(4 * X, verbose=0) for _ in range(40)])
        wrong = float(np.sqrt(np.square(draws.mean(axis=0) - Y).mean()))
        return {"deviation": draws.std(axis=0), "calls": calls, "far": far.std(axis=0), "wrong": wrong}

    found = on_day33(program)
    assert (found["deviation"] > 0).all() and np.abs(found["calls"][0] - found["calls"][1]).max() > 0
    assert found["far"].mean() > 2 * found["deviation"].mean()  # less sure of what it has not seen
    assert found["wrong"] < 0.6 * Y.std()


def test_penalties_and_constraints():
    def program(keras, tf):
        layers, regularizers, constraints = keras.layers, keras.regularizers, keras.constraints

        class NearOne(regularizers.Regularizer):
            def __init__(self, strength):
                self.strength = strength

            def __call__(self, x):
                return self.strength * keras.ops.sum(keras.ops.square(x - 1))

            def get_config(self):
                return {"strength": self.strength}

        model = keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(8, activation="relu", kernel_regularizer=regularizers.l2(0.001), name="a"),
                layers.Dense(
                    8, activation="tanh", kernel_regularizer=regularizers.L1L2(l1=1e-3, l2=1e-2),
                    bias_regularizer="l1", activity_regularizer=regularizers.L2(1e-2), name="b",
                ),
                layers.Dense(6, kernel_constraint=constraints.MaxNorm(0.8), name="c"),
                layers.Dense(4, kernel_constraint="non_neg", bias_regularizer=NearOne(0.1), name="d"),
                layers.Dense(2, kernel_constraint=constraints.UnitNorm(axis=0), name="e"),
            ]
        )  # fmt: skip
        start(model)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mse"])
        seen = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
        weights = model.get_weights()
        assert (model.get_layer("d").get_weights()[0] >= 0).all()
        norms = np.linalg.norm(model.get_layer("c").get_weights()[0], axis=0)
        assert (norms <= 0.8 + 1e-5).all()
        model(X)  # what it adds for these samples stands first, what it adds for the weights after it
        return {
            "history": seen.history, "weights": weights, "losses": [float(loss) for loss in model.losses],
            "evaluated": model.evaluate(X, Y, verbose=0),
        }  # fmt: skip

    on_both(program)


def rare(count, seed):
    """Rows of which about one in twelve is of the class that matters."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 8))
    y = (x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=count) > 1.6).astype(np.int64)
    return x.astype(np.float32), y[:, None]


def imbalance(count, epochs, parity):
    """An initial bias from the shares of classes, class weights, and metrics that count right and wrong by kind."""

    def program(keras, tf):
        x, y = rare(count, seed=1)
        held_out = rare(600, seed=2)
        positive = int(y.sum())
        metrics = [
            keras.metrics.TruePositives(name="tp"), keras.metrics.FalsePositives(name="fp"),
            keras.metrics.TrueNegatives(name="tn"), keras.metrics.FalseNegatives(name="fn"),
            keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.Precision(name="precision"),
            keras.metrics.Recall(name="recall"), keras.metrics.AUC(name="auc"),
            keras.metrics.AUC(name="prc", curve="PR"),
        ]  # fmt: skip
        model = keras.Sequential(
            [
                keras.layers.Input(shape=(8,)),
                keras.layers.Dense(16, activation="relu"),
                *([] if parity else [keras.layers.Dropout(0.2)]),
                keras.layers.Dense(
                    1, activation="sigmoid",
                    bias_initializer=keras.initializers.Constant(np.log(positive / (len(y) - positive))),
                ),
            ]
        )  # fmt: skip
        if parity:
            start(model)
        model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", metrics=metrics)
        weight = {0: len(y) / (2 * (len(y) - positive)), 1: len(y) / (2 * positive)}
        stop = keras.callbacks.EarlyStopping(monitor="val_prc", patience=10, mode="max", restore_best_weights=True)
        seen = model.fit(
            x, y, batch_size=64, epochs=epochs, callbacks=[stop], validation_data=held_out, class_weight=weight,
            verbose=0, shuffle=not parity,
        )  # fmt: skip
        results = model.evaluate(*held_out, batch_size=64, verbose=0)
        return {
            "history": seen.history,
            "results": dict(zip(model.metrics_names, [results[0]], strict=False)),
            "all": results,
        }

    return program


def test_class_weights():
    on_both(imbalance(320, epochs=2, parity=True))


def test_class_weights_find_the_rare_class():
    history = on_day33(imbalance(2000, epochs=20, parity=False))["history"]
    assert history["val_recall"][-1] > 0.75 and history["val_auc"][-1] > 0.93
    assert history["val_tp"][-1] + history["val_fn"][-1] == pytest.approx(rare(600, seed=2)[1].sum())
