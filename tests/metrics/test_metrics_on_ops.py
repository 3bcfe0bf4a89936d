"""Metrics written with `ops` and `tf` as users write them for Keras: the same values in `fit`, `evaluate`, loops."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import tf as our_tf
from support.twins import build_both

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

N, C = 23, 3
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, C, (N, 1))
ONE_HOT = np.eye(C, dtype=np.float32)[LABELS[:, 0]]
WEIGHTS = np.random.default_rng(2).random(N).astype(np.float32) + 0.5


def true_positives(library):
    """Of Keras's documentation of `Metric`."""
    ops = library.ops

    class BinaryTruePositives(library.metrics.Metric):
        def __init__(self, name="positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.true_positives = self.add_variable(shape=(), initializer="zeros", name="true_positives")

        def update_state(self, y_true, y_pred, sample_weight=None):
            y_true = ops.cast(y_true, "bool")
            y_pred = ops.cast(y_pred > 0.3, "bool")
            values = ops.logical_and(ops.equal(y_true, True), ops.equal(y_pred, True))
            values = ops.cast(values, self.dtype)
            if sample_weight is not None:
                sample_weight = ops.cast(sample_weight, self.dtype)
                sample_weight = ops.broadcast_to(ops.reshape(sample_weight, (-1, 1)), ops.shape(values))
                values = ops.multiply(values, sample_weight)
            self.true_positives.assign(self.true_positives + ops.sum(values))

        def result(self):
            return self.true_positives

    return BinaryTruePositives()


def of_tensorflow(library):
    """Of the guide to training, with functions of `tf`."""
    tf = our_tf if library is day33 else tensorflow

    class CategoricalTruePositives(library.metrics.Metric):
        def __init__(self, name="hits", **kwargs):
            super().__init__(name=name, **kwargs)
            self.true_positives = self.add_weight(name="ctp", initializer="zeros")
            self.seen = self.add_weight(name="seen", initializer="zeros", dtype="int32", shape=())

        def update_state(self, y_true, y_pred, sample_weight=None):
            y_pred = tf.reshape(tf.argmax(y_pred, axis=1), shape=(-1, 1))
            y_true = tf.reshape(tf.argmax(y_true, axis=1), shape=(-1, 1))
            values = tf.cast(y_true, "int32") == tf.cast(y_pred, "int32")
            values = tf.cast(values, "float32")
            if sample_weight is not None:
                sample_weight = tf.cast(sample_weight, "float32")
                values = tf.multiply(values, tf.reshape(sample_weight, (-1, 1)))
            self.true_positives.assign_add(tf.reduce_sum(values))
            self.seen.assign_add(tf.shape(y_true)[0])

        def result(self):
            return self.true_positives / tf.cast(self.seen, tf.float32)

        def reset_state(self):
            self.true_positives.assign(0.0)
            self.seen.assign(0)

    return CategoricalTruePositives()


def confusion(library):
    """A matrix as state, and a dict of numbers as result."""
    ops = library.ops

    class Confusion(library.metrics.Metric):
        def __init__(self, name="confusion", **kwargs):
            super().__init__(name=name, **kwargs)
            self.counts = self.add_weight(shape=(C, C), initializer="zeros", name="counts")

        def update_state(self, y_true, y_pred, sample_weight=None):
            found = ops.one_hot(ops.argmax(y_pred, axis=-1), C)
            if sample_weight is not None:
                found = found * ops.expand_dims(ops.convert_to_tensor(sample_weight, "float32"), -1)
            self.counts.assign_add(ops.matmul(ops.transpose(ops.cast(y_true, "float32")), found))

        def result(self):
            right = ops.diagonal(ops.convert_to_tensor(self.counts))
            per_class = right / ops.maximum(ops.sum(self.counts, axis=1), 1e-7)
            return {"balanced": ops.mean(per_class), "accuracy": ops.sum(right) / ops.sum(self.counts)}

    return Confusion()


def of_means(library):
    """Made of metrics that are there."""
    ops = library.ops

    class Spread(library.metrics.Metric):
        def __init__(self, name="spread", **kwargs):
            super().__init__(name=name, **kwargs)
            self.mean, self.square = library.metrics.Mean(name="m"), library.metrics.Mean(name="s")

        def update_state(self, y_true, y_pred, sample_weight=None):
            error = ops.mean(ops.abs(y_true - y_pred), axis=-1)
            self.mean.update_state(error, sample_weight=sample_weight)
            self.square.update_state(ops.square(error), sample_weight=sample_weight)

        def result(self):
            return ops.sqrt(ops.maximum(self.square.result() - self.mean.result() ** 2, 0.0))

        def reset_state(self):
            self.mean.reset_state()
            self.square.reset_state()

    return Spread()


def per_sample(library):
    ops = library.ops

    def distance(y_true, y_pred):
        return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))

    return distance


def per_batch(library):
    ops = library.ops

    def rmse(y_true, y_pred):
        return ops.sqrt(ops.mean(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred)))

    return rmse


def wrapped(library):
    return library.metrics.MeanMetricWrapper(
        lambda t, p, power: library.ops.mean(library.ops.power(library.ops.abs(t - p), power), axis=-1), name="cubic",
        power=3.0,
    )  # fmt: skip


METRICS = {
    "positives": true_positives, "tensorflow": of_tensorflow, "confusion": confusion, "means": of_means,
    "per sample": per_sample, "per batch": per_batch, "wrapped": wrapped,
}  # fmt: skip


def classifier(library):
    x = library.Input((5,))
    return library.Model(x, library.layers.Dense(C, activation="softmax")(x))


def histories(build, metrics, x, y, *, weighted=False, **options):
    """What `fit` and `evaluate` report with either library."""
    ours, theirs = build_both(build, keras)
    found = []
    for model, library in ((ours, day33), (theirs, keras)):
        made = metrics(library)
        extra = {} if library is day33 else {"run_eagerly": True}
        model.compile(
            library.optimizers.SGD(0.05), "mse", **{"weighted_metrics" if weighted else "metrics": made}, **extra
        )
        history = model.fit(x, y, epochs=2, batch_size=6, shuffle=False, verbose=0, **options).history
        weights = {key: value for key, value in options.items() if key == "sample_weight"}
        found.append((history, model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True, **weights)))
    return found


def assert_same(found):
    (mine, at_end), (correct, wanted) = found
    assert mine.keys() == correct.keys() and at_end.keys() == wanted.keys()
    for name in correct:
        np.testing.assert_allclose(mine[name], correct[name], rtol=1e-4, atol=1e-5, err_msg=name)
    for name in wanted:
        np.testing.assert_allclose(at_end[name], wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)


HOW = ["plain", "sample_weight", "weighted", "class_weight"]
# One number for the batch has no weights, see test_masked_metrics.py.
PAIRS = [(kind, how) for kind in METRICS for how in HOW if kind != "per batch" or how in HOW[:2]]


@pytest.mark.parametrize(("kind", "how"), PAIRS)
def test_in_fit_and_evaluate(kind, how):
    options = {
        "plain": {}, "sample_weight": {"sample_weight": WEIGHTS}, "weighted": {"sample_weight": WEIGHTS},
        "class_weight": {"class_weight": {0: 0.5, 1: 2.0, 2: 1.0}},
    }[how]  # fmt: skip
    weighted = how in ("weighted", "class_weight")
    assert_same(histories(
        classifier, lambda library: [METRICS[kind](library)], X, ONE_HOT, weighted=weighted, **options
    ))  # fmt: skip


def test_several_outputs():
    def build(library):
        x = library.Input((5,))
        first = library.layers.Dense(C, activation="softmax", name="first")(x)
        return library.Model(x, {"first": first, "second": library.layers.Dense(2, name="second")(x)})

    def metrics(library):
        return {
            "first": [of_tensorflow(library), confusion(library)], "second": [per_sample(library), of_means(library)]
        }  # fmt: skip

    second = np.random.default_rng(4).normal(size=(N, 2)).astype(np.float32)
    assert_same(histories(build, metrics, X, {"first": ONE_HOT, "second": second}))


def test_with_a_mask():
    def build(library):
        x = library.Input((6,), dtype="int32")
        y = library.layers.Embedding(7, 4, mask_zero=True)(x)
        return library.Model(x, library.layers.Dense(2)(library.layers.LSTM(3, return_sequences=True)(y)))

    x = np.random.default_rng(5).integers(1, 7, (N, 6))
    x[:, 3:] *= np.random.default_rng(6).integers(0, 2, (N, 3))
    y = np.random.default_rng(7).normal(size=(N, 6, 2)).astype(np.float32)

    def metrics(library):
        return [per_sample(library), wrapped(library), of_means(library)]

    assert_same(histories(build, metrics, x, y))
    assert_same(histories(build, metrics, x, y, weighted=True, sample_weight=np.ones((N, 6), np.float32)))


@pytest.mark.parametrize("kind", ["positives", "tensorflow", "confusion", "means", "wrapped"])
def test_in_a_loop(kind):
    mine, correct = METRICS[kind](day33), METRICS[kind](keras)
    predictions = np.random.default_rng(8).dirichlet([1.0] * C, N).astype(np.float32)
    for round_ in range(2):
        for part in np.array_split(np.arange(N), 4):
            for weights in (None, WEIGHTS[part]):
                for metric, array in ((mine, our_tf.constant), (correct, tensorflow.constant)):
                    metric.update_state(array(ONE_HOT[part]), array(predictions[part]), sample_weight=weights)
            found, wanted = mine.result(), correct.result()
            for name in wanted if isinstance(wanted, dict) else [None]:
                left, right = (found, wanted) if name is None else (found[name], wanted[name])
                assert float(left) == pytest.approx(float(right), rel=1e-5, abs=1e-6)
        for metric in (mine, correct):
            metric.reset_state()
            assert all(not np.any(np.asarray(variable)) for variable in metric.variables), round_
