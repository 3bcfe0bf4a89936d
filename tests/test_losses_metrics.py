"""Losses and metrics: values beside Keras, gradients beside TensorFlow, names, weights, errors."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, layers, losses, metrics, optimizers

RNG_SEED = 5


def data(kind, from_logits, shape=(6, 4, 3)):
    """(y_true, y_pred) that fit a loss; predictions include the ends of the range."""
    rng = np.random.default_rng(RNG_SEED)
    pred = rng.standard_normal(shape).astype(np.float32) * 3
    if kind in ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"):
        if not from_logits:
            pred = rng.random(shape).astype(np.float32)
            pred[0, 0], pred[0, 1], pred[0, 2] = (1, 0, 0), (0, 1, 0), (0.5, 0.25, 0.25)
        if kind == "binary_crossentropy":
            return rng.integers(0, 2, shape).astype(np.float32), pred
        labels = rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
        return (labels if kind.startswith("sparse") else np.eye(shape[-1], dtype=np.float32)[labels]), pred
    return rng.standard_normal(shape).astype(np.float32), pred


CASES = [
    ("MeanSquaredError", {}),
    ("MeanAbsoluteError", {}),
    ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"from_logits": True}),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {}),
    ("CategoricalCrossentropy", {"from_logits": True}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.3}),
    ("SparseCategoricalCrossentropy", {}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "none", None])
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_values_as_keras(name, arguments, reduction):
    keras = pytest.importorskip("keras")
    ours = getattr(losses, name)(**arguments, reduction=reduction)
    theirs = getattr(keras.losses, name)(**arguments, reduction=reduction)
    true, pred = data(ours.kind, arguments.get("from_logits", False))
    weights = np.random.default_rng(1).random(true.shape[:2]).astype(np.float32)
    for weight in (None, weights):
        mine, correct = ours(true, pred, weight), np.asarray(theirs(true, pred, weight))
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-6)
    assert np.shape(ours(true, pred)) == (true.shape[:2] if reduction in ("none", None) else ())


HEADS = {
    "BinaryCrossentropy": "sigmoid",
    "CategoricalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
}


@pytest.mark.parametrize("own_head", [False, True], ids=["bare", "head"])
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_gradients_as_keras(name, arguments, own_head):
    """The gradient of the loss behind a dense layer, bare and with its own activation, where logits are taken."""
    if own_head and (name not in HEADS or arguments.get("from_logits")):
        pytest.skip("no such head")
    head = HEADS[name] if own_head else "none"
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    activation = None if head == "none" else head
    if head == "none" and "entropy" in name and not arguments.get("from_logits"):
        activation = "relu"  # bare probabilities, clipped
    ours = Sequential([layers.Input((5,)), layers.Dense(3, activation=activation)])
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation=activation)])
    rng = np.random.default_rng(11)
    kernel = rng.random((5, 3), np.float32) * 0.3 + 0.02
    for model in (ours, theirs):
        model.set_weights([kernel, np.full(3, 0.1, np.float32)])
    kind = getattr(losses, name).kind
    true, _ = data(kind, True, (8, 1, 3))
    true = true[:, 0]
    x, weights = rng.random((8, 5), np.float32) * 0.5, rng.random(8).astype(np.float32)
    loss = getattr(keras.losses, name)(**arguments)
    with tf.GradientTape() as tape:
        value = loss(true, theirs(x), sample_weight=weights)
    expected = tape.gradient(value, theirs.trainable_variables)
    ours.compile("sgd", getattr(losses, name)(**arguments))
    assert ours.train_on_batch(x, true, sample_weight=weights) == pytest.approx(float(value), rel=1e-5, abs=1e-6)
    program = ours._training_plans._program((x.shape[1:],), (), True)
    for mine, correct in zip(program.gradients, expected, strict=True):
        np.testing.assert_allclose(mine, correct, rtol=1e-4, atol=2e-6)


def test_names_and_aliases():
    for name, kind in {
        "mse": "mean_squared_error",
        "MSE": "mean_squared_error",
        "MeanSquaredError": "mean_squared_error",
        "mean_squared_error": "mean_squared_error",
        "mae": "mean_absolute_error",
        "bce": "binary_crossentropy",
        "BinaryCrossentropy": "binary_crossentropy",
        "categorical_crossentropy": "categorical_crossentropy",
        "sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
    }.items():
        assert losses.get(name).kind == kind
    assert losses.get(losses.mean_squared_error).kind == "mean_squared_error"
    loss = losses.BinaryCrossentropy(from_logits=True)
    assert losses.get(loss) is loss


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction is 'average'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), "label_smoothing is 2"),
        (lambda: losses.mean_squared_error(np.zeros((3, 2)), np.zeros((3, 4))), r"y_true has shape \(3, 2\)"),
        (lambda: losses.SparseCategoricalCrossentropy()([3], np.ones((1, 3))), "labels from 3 to 3; expected 0 to 2"),
        (lambda: losses.SparseCategoricalCrossentropy()([-1], np.ones((1, 3))), "labels from -1"),
        (lambda: losses.SparseCategoricalCrossentropy()([np.nan], np.ones((1, 3))), "labels from nan"),
        (lambda: losses.SparseCategoricalCrossentropy()([0, 1], np.ones((1, 3))), r"y_true has shape \(2,\)"),
        (lambda: losses.MeanSquaredError()(np.zeros((3, 2)), np.zeros((3, 2)), np.ones(2)), "sample_weight has shape"),
    ],
)
def test_bad_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_objects_are_refused():
    with pytest.raises(TypeError, match="y_pred has dtype complex128"):
        losses.MeanSquaredError()(np.zeros((2, 1)), np.zeros((2, 1), complex))
    with pytest.raises(TypeError, match="y_true has dtype <U1"):
        losses.SparseCategoricalCrossentropy()(["a"], np.ones((1, 3)))


def test_ranks_that_differ_by_a_last_axis_of_one():
    assert losses.MeanSquaredError()([1.0, 2.0], [[1.0], [4.0]]) == 2.0
    assert losses.SparseCategoricalCrossentropy()([[1], [0]], [[0.5, 0.5], [0.25, 0.75]]) == pytest.approx(
        (np.log(2) + np.log(4)) / 2, rel=1e-6
    )


# ---- metrics ----

METRICS = [
    ("Accuracy", {}, "labels"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.8}, "binary"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("MeanSquaredError", {}, "binary"),
    ("MeanAbsoluteError", {}, "binary"),
    ("BinaryCrossentropy", {}, "binary"),
    ("CategoricalCrossentropy", {}, "one-hot"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
]


def batches(kind):
    rng = np.random.default_rng(2)
    for size in (5, 3, 8):
        pred = rng.random((size, 4)).astype(np.float32)
        pred[:, 1] = pred[:, 2]  # ties
        labels = rng.integers(0, 4, size)
        true = {
            "labels": np.round(pred * 2) * rng.integers(0, 2, pred.shape),
            "binary": rng.integers(0, 2, (size, 4)).astype(np.float32),
            "one-hot": np.eye(4, dtype=np.float32)[labels],
            "sparse": labels,
        }[kind]
        yield true, np.round(pred * 2) if kind == "labels" else pred, rng.random(size).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "kind"), METRICS)
def test_metrics_as_keras(name, arguments, kind, weighted):
    keras = pytest.importorskip("keras")
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    assert ours.name == theirs.name
    assert ours.result() == 0.0
    for true, pred, weight in batches(kind):
        ours.update_state(true, pred, weight if weighted else None)
        theirs.update_state(true, pred, weight if weighted else None)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-5)
    ours.reset_state()
    assert ours.result() == 0.0


def test_sparse_labels_with_a_last_axis():
    pred = np.eye(3, dtype=np.float32)
    assert metrics.SparseCategoricalAccuracy()(np.array([[0], [1], [0]]), pred) == pytest.approx(2 / 3)
    assert metrics.SparseTopKCategoricalAccuracy(k=1)(np.array([[0], [1], [0]]), pred) == pytest.approx(2 / 3)


def test_mean():
    mean = metrics.Mean()
    assert mean([1.0, 3.0]) == 2.0
    assert mean(8.0) == 4.0
    mean.reset_state()
    assert mean([1.0, 3.0], sample_weight=[3.0, 1.0]) == 1.5
    mean.reset_state()
    assert mean(np.zeros((0, 2))) == 0.0
    restored = metrics.Mean()
    mean([5.0])
    restored.set_state(mean.get_state())
    assert restored.result() == 5.0


def test_functions_are_averaged_over_samples():
    metric = metrics.get(lambda true, pred: np.abs(true - pred).max(axis=-1))
    metric.update_state(np.zeros((3, 2)), np.array([[1, 2], [0, 4], [3, 0]]))
    metric.update_state(np.zeros((1, 2)), np.array([[7, 0]]))
    assert metric.result() == 4.0


def test_unknown_metrics():
    with pytest.raises(ValueError, match=r"metric is 'area'; expected one of .*accuracy"):
        metrics.get("area")
    with pytest.raises(TypeError, match="metric is 3"):
        metrics.get(3)


@pytest.mark.parametrize(
    ("units", "true_shape", "expected"),
    [
        (1, (8,), metrics.BinaryAccuracy),
        (1, (8, 1), metrics.BinaryAccuracy),
        (3, (8,), metrics.SparseCategoricalAccuracy),
        (3, (8, 1), metrics.SparseCategoricalAccuracy),
        (3, (8, 3), metrics.CategoricalAccuracy),
    ],
)
def test_accuracy_is_chosen_by_shape(units, true_shape, expected):
    keras = pytest.importorskip("keras")
    loss = "sparse_categorical_crossentropy" if expected is metrics.SparseCategoricalAccuracy else "mse"
    activation = "softmax" if units > 1 else "sigmoid"
    ours = Sequential([layers.Input((2,)), layers.Dense(units, activation=activation)])
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation=activation)])
    theirs.set_weights(ours.get_weights())
    rng = np.random.default_rng(0)
    x = rng.standard_normal((8, 2)).astype(np.float32)
    y = rng.integers(0, 2, true_shape).astype(np.float32)
    for model in (ours, theirs):
        model.compile("sgd", loss, metrics=["accuracy", "acc", "Accuracy", "ACC", "Acc"])
    mine = ours.evaluate(x, y, verbose=0, return_dict=True)
    correct = theirs.evaluate(x, y, verbose=0, return_dict=True)
    assert list(mine) == list(correct) == ["ACC", "Acc", "Accuracy", "acc", "accuracy", "loss"]
    assert mine == pytest.approx(correct, rel=1e-5)
    assert [type(metric) for metric in ours.metrics[1:]] == [expected] * 5


def test_names_of_functions_as_keras():
    keras = pytest.importorskip("keras")

    def MyMetric(true, pred):
        return abs(true - pred)

    class Distance:
        def __call__(self, true, pred):
            return abs(true - pred)

    functions = [MyMetric, Distance(), functools.partial(MyMetric), lambda true, pred: abs(true - pred)]
    found = []
    for library in (day33, keras):
        model = library.Sequential([library.layers.Input((2,)), library.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[*functions, functions[-1]])
        found.append(list(model.evaluate(np.ones((3, 2)), np.ones((3, 1)), verbose=0, return_dict=True)))
    assert found[0] == found[1] == ["distance", "lambda", "lambda_1", "loss", "my_metric", "partial"]


def test_losses_of_outputs_are_means_over_samples():
    """So they add up to the total. Keras agrees with run_eagerly=True; in its graphs it averages over batches."""
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(4)
    x, y = rng.random((10, 3), np.float32), [rng.random((10, 1), np.float32), rng.random((10, 2), np.float32)]
    models = []
    for library in (day33, keras):
        entry = library.layers.Input((3,))
        outputs = [library.layers.Dense(1, name="a")(entry), library.layers.Dense(2, name="b")(entry)]
        models.append((day33 if library is day33 else keras).Model(entry, outputs))
        models[-1].compile("sgd", ["mse", "mae"], loss_weights=[2.0, 0.5], run_eagerly=True)
    ours, theirs = models
    theirs.set_weights(ours.get_weights())
    mine = ours.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert mine == pytest.approx(theirs.evaluate(x, y, batch_size=4, verbose=0, return_dict=True), rel=1e-5)
    assert mine["loss"] == pytest.approx(2.0 * mine["a_loss"] + 0.5 * mine["b_loss"])
    history = [model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history for model in models]
    for name, values in history[1].items():
        assert history[0][name] == pytest.approx(values, rel=1e-5), name


def test_predictions_that_sum_to_zero():
    """The loss of such a row is NaN as in Keras, but it spoils no weights: its gradient is 0."""
    keras = pytest.importorskip("keras")
    pred = np.array([[0, 0, 0], [0.2, 0.3, 0.5]], np.float32)
    true = np.eye(3, dtype=np.float32)[[0, 2]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mine = losses.categorical_crossentropy(true, pred)
    np.testing.assert_allclose(mine, np.asarray(keras.losses.categorical_crossentropy(true, pred)), rtol=1e-6)
    assert np.isnan(mine[0])
    model = Sequential([layers.Input((2,)), layers.Dense(3, activation="relu", use_bias=False)])
    kernel = np.array([[0.2, 0.3, 0.5], [-1, -1, -1]], np.float32)
    model.set_weights([kernel])
    model.compile(optimizers.SGD(0.1), "categorical_crossentropy")
    assert np.isnan(model.train_on_batch(np.array([[0, 1], [1, 0]], np.float32), true))
    after = model.get_weights()[0]
    np.testing.assert_array_equal(after[1], kernel[1])
    # The other row as in a batch of its own, at half the weight: -1/2 + 1/6 for its class, 1/2 for the others.
    np.testing.assert_allclose(after[0] - kernel[0], 0.1 * 0.5 * (true[1] / kernel[0] - 1), rtol=1e-5)


def test_two_outputs_as_keras():
    """Losses, weights, metrics and names for a model with two outputs, in every way to write them."""
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(4)
    # Three batches of the same size: see test_losses_of_outputs_are_means_over_samples.
    x = rng.random((24, 3), np.float32)
    y = [rng.integers(0, 4, 24), rng.random((24, 2), np.float32)]
    named = {"kind": y[0], "place": y[1]}
    ways = [
        dict(loss=["sparse_categorical_crossentropy", "mse"], metrics=[["accuracy"], ["mae", "mse"]]),
        dict(
            loss={"kind": "sparse_categorical_crossentropy", "place": "mse"},
            loss_weights={"kind": 0.5, "place": 2.0},
            metrics={"place": "mae"},
        ),
        dict(
            loss=["sparse_categorical_crossentropy", "mae"],
            loss_weights=[3.0, 0.25],
            metrics=[None, ["mse"]],
            weighted_metrics=[["accuracy"], ["mse"]],
        ),
    ]
    for way in ways:
        models = []
        for library, model in ((keras, keras.Model), (None, Model)):
            layer = library.layers if library else layers
            entry = layer.Input((3,))
            hidden = layer.Dense(5, activation="relu", name="hidden")(entry)
            kind = layer.Dense(4, activation="softmax", name="kind")(hidden)
            models.append(model(entry, [kind, layer.Dense(2, name="place")(hidden)]))
            models[-1].compile("sgd", **way)
        theirs, ours = models
        theirs.set_weights(ours.get_weights())
        weights = rng.random(24).astype(np.float32)
        for targets in (y, named):
            # Keras takes one array of weights an output, and dicts of them only for dicts of outputs.
            sample_weight = [weights, weights] if targets is y else None
            correct = theirs.evaluate(x, targets, sample_weight=sample_weight, batch_size=8, verbose=0)
            for own in [weights, sample_weight] if targets is y else [None]:
                mine = ours.evaluate(x, targets, sample_weight=own, batch_size=8, verbose=0)
                assert mine == pytest.approx(correct, rel=1e-5)
            results = [
                model.fit(x, targets, batch_size=8, epochs=2, shuffle=False, verbose=0).history for model in models
            ]
            assert list(results[0]) == list(results[1])
            for name, values in results[0].items():
                assert results[1][name] == pytest.approx(values, abs=1e-4), name
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": ["mse"]}, r"loss has 1 entries; expected 2, for the outputs \['a', 'b'\]"),
        ({"loss": {"a": "mse"}}, r"loss has the keys \['a'\]"),
        ({"loss": {"a": "mse", "c": "mse"}}, r"loss has the keys"),
        ({"loss": "mse", "loss_weights": [1.0, 2.0, 3.0]}, "loss_weights has 3 numbers"),
        ({"loss": "mse", "loss_weights": {"c": 1.0}}, r"loss_weights has the keys \['c'\]"),
        ({"loss": "mse", "metrics": ["mae", "mse", "mse"]}, "metrics has 3 entries"),
        ({"loss": [losses.MeanSquaredError(reduction="none"), "mse"]}, 'reduction "none"'),
    ],
)
def test_compile_arguments_that_do_not_fit_the_outputs(arguments, message):
    entry = layers.Input((3,))
    model = Model(entry, [layers.Dense(1, name="a")(entry), layers.Dense(1, name="b")(entry)])
    model.compile("sgd", **arguments)
    x, y = np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)
    with pytest.raises(ValueError, match=message):
        model.fit(x, [y, y], verbose=0)


def test_an_output_without_a_loss():
    entry = layers.Input((3,))
    model = Model(entry, [layers.Dense(1, name="a")(entry), layers.Dense(2, name="b")(entry)])
    model.compile("sgd", loss=[None, "mse"], metrics=[None, ["mae"]])
    x, y = np.zeros((2, 3), np.float32), np.ones((2, 2), np.float32)
    before = model.get_weights()
    assert model.train_on_batch(x, [y], return_dict=True) == {"b_mae": 1.0, "loss": 1.0}
    assert model.train_on_batch(x, [None, y], return_dict=True)["loss"] < 1.0
    after = model.get_weights()
    np.testing.assert_array_equal(before[1], after[1])  # a/bias has no gradient
    assert np.abs(after[3]).max() > 0


def test_labels_and_scores_that_do_not_fit():
    """TensorFlow's in_top_k takes a label of no class for a miss; day33's functions said IndexError, or took -1 for the
    last class."""
    scores = np.array([[0.1, 0.7, 0.2], [0.1, 0.2, 0.7]], np.float32)
    for labels in ([3, 2], [-1, 2], [2**40, 2]):
        np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy(labels, scores, 2), [False, True])
    for labels, predictions in (([0], scores), ([0, 1, 2], scores), ([0, 1], scores[:, :0]), (0, 0.5)):
        with pytest.raises(ValueError, match="y_true has shape"):
            metrics.sparse_top_k_categorical_accuracy(labels, predictions)
    with pytest.raises(ValueError, match="y_pred has shape"):
        metrics.sparse_categorical_accuracy([0], 0.5)
