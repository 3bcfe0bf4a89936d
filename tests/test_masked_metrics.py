"""Masks of an output through every metric and loss, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import day33
from day33 import losses, metrics
from support.twins import build_both
from support.zoo import random

keras = pytest.importorskip("keras")

N, T, V, C = 4, 5, 7, 3
IDS = arrays.arrays(np.int32, (N, T), elements=st.integers(0, V - 1))
NOTHING = np.zeros((N, T), np.int32)
EVERYTHING = np.full((N, T), 2, np.int32)
RAGGED = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 1], [0, 0, 0, 0, 0], [0, 2, 0, 3, 0]], np.int32)

# What the output looks like, what metrics and losses suit it, and targets.
KINDS = {
    "sparse": ("softmax", ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"]),
    "one-hot": ("softmax", ["CategoricalAccuracy", "CategoricalCrossentropy"]),
    "binary": (
        "sigmoid",
        ["BinaryAccuracy", "BinaryCrossentropy", "MeanSquaredError", "MeanAbsoluteError", "Accuracy"],
    ),
}
TOP_K = {"sparse": "SparseTopKCategoricalAccuracy", "one-hot": "TopKCategoricalAccuracy"}


def targets(kind):
    labels = np.random.default_rng(3).integers(0, C, (N, T))
    return {
        "sparse": labels,
        "one-hot": np.eye(C, dtype=np.float32)[labels],
        "binary": (labels[..., None] + [0, 1, 2]) % 2,
    }[kind]


def bodies(library):
    make = library.layers
    return {
        "embedding": lambda x: make.Embedding(V, 4, mask_zero=True)(x),
        "LSTM": lambda x: make.LSTM(4, return_sequences=True)(make.Embedding(V, 3, mask_zero=True)(x)),
        "Bidirectional GRU": lambda x: make.Bidirectional(make.GRU(2, return_sequences=True))(
            make.Embedding(V, 3, mask_zero=True)(x)
        ),
    }


def pair(kind, body):
    """Our model and Keras's with the same weights, not compiled."""

    def build(library):
        x = library.Input((T,), dtype="int32")
        return library.Model(x, library.layers.Dense(C, activation=KINDS[kind][0])(bodies(library)[body](x)))

    return build_both(build, keras)


def chosen_metrics(library, kind):
    found = [getattr(library.metrics, name)(name=f"{name}_here") for name in KINDS[kind][1]]
    if kind in TOP_K:
        found.append(getattr(library.metrics, TOP_K[kind])(k=2, name="top"))
    return ["accuracy", *found]


def test_every_metric_is_in_the_grid():
    here = {name for _, names in KINDS.values() for name in names} | set(TOP_K.values())
    public = {name for name in metrics.__all__ if isinstance(getattr(metrics, name), type)}
    means = {name for name in public if issubclass(getattr(metrics, name), metrics.MeanMetricWrapper)}
    assert here <= means  # the others are in tests/metrics


def test_every_loss_is_in_the_grid():
    here = {name for _, names in KINDS.values() for name in names}
    public = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    native = {name for name in public if getattr(losses, name).kind}  # the others are in tests/losses
    assert native == here & public


def assert_same_logs(ours, theirs, ids, y, weights):
    mine = ours.test_on_batch(ids, y, sample_weight=weights, return_dict=True)
    correct = theirs.test_on_batch(ids, y, sample_weight=weights, return_dict=True)
    assert sorted(mine) == sorted(correct)
    for name, value in correct.items():
        assert mine[name] == pytest.approx(float(value), rel=2e-5, abs=1e-6), name


@pytest.mark.parametrize("body", ["embedding", "LSTM", "Bidirectional GRU"])
@pytest.mark.parametrize("kind", KINDS)
def test_metrics(kind, body):
    ours, theirs = pair(kind, body)
    y = targets(kind)
    for library, model in ((day33, ours), (keras, theirs)):
        model.compile(
            "sgd", "mse" if kind != "sparse" else "sparse_categorical_crossentropy",
            metrics=chosen_metrics(library, kind), weighted_metrics=chosen_metrics(library, kind),
        )  # fmt: skip
    weights = np.random.default_rng(5).random((N, T)).astype(np.float32)

    @settings(max_examples=12, deadline=None)
    @given(IDS)
    @example(NOTHING)
    @example(EVERYTHING)
    @example(RAGGED)
    def masks(ids):
        for given_weights in (None, weights, weights[:, :1]):
            assert_same_logs(ours, theirs, ids, y, given_weights)

    masks()


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_losses(kind, reduction):
    """The loss of masked outputs, with and without weights, and the weights after a step."""
    ours, theirs = pair(kind, "embedding")
    y = targets(kind)
    weights = np.random.default_rng(5).random((N, T)).astype(np.float32)
    before = ours.get_weights()
    for name in KINDS[kind][1]:
        if not hasattr(losses, name):
            continue
        for library, model in ((day33, ours), (keras, theirs)):
            model.set_weights(before)
            model.compile(
                library.optimizers.SGD(0.1), getattr(library.losses, name)(reduction=reduction), metrics=["accuracy"]
            )
        for ids in (RAGGED, EVERYTHING, NOTHING):
            for given_weights in (None, weights):
                if reduction != "none":  # Keras reports no number for it
                    assert_same_logs(ours, theirs, ids, y, given_weights)
                for model in (ours, theirs):
                    model.train_on_batch(ids, y, sample_weight=given_weights)
                for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
                    np.testing.assert_allclose(mine, correct, rtol=2e-5, atol=2e-6, err_msg=name)


def test_a_whole_epoch():
    """fit and evaluate average over the positions that count in all batches."""
    ours, theirs = pair("sparse", "LSTM")
    ids = np.concatenate([RAGGED, EVERYTHING, NOTHING, RAGGED])[:14]
    y = np.tile(targets("sparse"), (4, 1))[:14]
    for model in (ours, theirs):
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    weights = np.random.default_rng(5).random((14, T)).astype(np.float32)
    histories = [
        model.fit(
            ids, y, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=weights, validation_data=(ids, y)
        ).history
        for model in (ours, theirs)
    ]
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[1].items():
        assert histories[0][name] == pytest.approx(values, rel=1e-4), name


def test_outputs_without_a_loss():
    """Metrics of an output get its mask where it has no loss, too."""

    def build(library):
        x = library.Input((T,), dtype="int32")
        h = library.layers.Embedding(V, 3, mask_zero=True)(x)
        return library.Model(x, [library.layers.Dense(2, name="a")(h), library.layers.Dense(1, name="b")(h)])

    ours, theirs = build_both(build, keras)
    y = [random(N, T, 2), random(N, T, 1)]
    for model in (ours, theirs):
        model.compile("sgd", ["mse", None], metrics=[["mae"], ["mae"]])
    mine = ours.evaluate(RAGGED, y, verbose=0, return_dict=True)
    correct = theirs.evaluate(RAGGED, y, verbose=0, return_dict=True)
    assert mine == pytest.approx(correct, rel=1e-5)


def test_functions():
    ours, theirs = pair("binary", "embedding")
    y = targets("binary").astype(np.float32)
    for library, model in ((np, ours), (keras.ops, theirs)):

        def worst(true, pred, library=library):
            return library.max(library.abs(true - pred), axis=-1)

        def inner(true, pred, library=library):
            return library.abs(true - pred)

        model.compile("sgd", "mse", metrics=[worst, inner, "mse"])
    assert_same_logs(ours, theirs, RAGGED, y, None)


def test_functions_of_the_whole_batch_are_refused():
    """A number for the batch has the padding in it already. Keras fails as well."""
    ours, theirs = pair("binary", "embedding")
    y = targets("binary").astype(np.float32)
    ours.compile("sgd", "mse", metrics=[lambda true, pred: np.mean(true - pred)])
    with pytest.raises(ValueError, match=r"metric 'lambda' has values of shape \(\), and .* mask of shape \(4, 5\)"):
        ours.evaluate(RAGGED, y, verbose=0)
    theirs.compile("sgd", "mse", metrics=[lambda true, pred: keras.ops.mean(true - pred)])
    with pytest.raises(ValueError, match="BroadcastTo"):
        theirs.evaluate(RAGGED, y, verbose=0)


class Seen(metrics.Metric):
    def __init__(self, heeds_mask):
        super().__init__(name="seen")
        self.heeds_mask = heeds_mask
        self.weights = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.weights.append(sample_weight)

    def result(self):
        return 0.0

    def reset_state(self):
        pass


def test_metrics_of_your_own():
    """They get no mask, as in Keras, unless they ask for it."""
    ours, _ = pair("binary", "embedding")
    y = targets("binary").astype(np.float32)
    without, asking = Seen(False), Seen(True)
    ours.compile("sgd", "mse", metrics=[without, asking])
    ours.evaluate(RAGGED, y, verbose=0)
    assert without.weights == [None]
    np.testing.assert_array_equal(asking.weights[0], RAGGED != 0)
    ours.compile("sgd", "mse", weighted_metrics=[asking])
    ours.evaluate(RAGGED, y, verbose=0, sample_weight=np.arange(4.0))
    np.testing.assert_array_equal(asking.weights[1], (RAGGED != 0) * np.arange(4.0)[:, None])
