"""Every metric of Keras: its values over several batches, with and without weights, its name and its configuration."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from day33 import metrics
from day33.utils import clear_session

keras = pytest.importorskip("keras")

N, C = 7, 4


def arrays(kind, size, seed):
    """(y_true, y_pred) for a kind of metric."""
    rng = np.random.default_rng(seed)
    if kind == "binary":
        return rng.integers(0, 2, (size, C)), rng.random((size, C), np.float32)
    if kind == "single":
        return rng.integers(0, 2, size), rng.random((size, 1), np.float32)
    if kind == "grid":  # predictions on the thresholds themselves, at the ends and beyond them
        pred = rng.choice(np.float32([-0.5, 0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 1, 1.5]), (size, C))
        return rng.integers(0, 2, (size, C)), pred
    if kind == "logits":
        return rng.integers(0, 2, (size, C)), rng.standard_normal((size, C)).astype(np.float32) * 3
    if kind == "one-hot":
        return np.eye(C, dtype=np.float32)[rng.integers(0, C, size)], rng.random((size, C), np.float32)
    if kind == "signs":
        return rng.choice([-1.0, 1.0], (size, C)), rng.standard_normal((size, C)).astype(np.float32)
    if kind == "real":
        return rng.standard_normal((size, C)).astype(np.float32), rng.standard_normal((size, C)).astype(np.float32)
    if kind == "positive":
        return rng.random((size, C), np.float32) * 3, rng.random((size, C), np.float32) * 3
    if kind == "steps":
        return rng.standard_normal((size, 3, C)).astype(np.float32), rng.standard_normal((size, 3, C)).astype(
            np.float32
        )
    if kind == "maps":
        return rng.integers(0, C, (size, 2, 3)), rng.integers(0, C + 1, (size, 2, 3))
    if kind == "map scores":
        return np.eye(C, dtype=np.float32)[rng.integers(0, C, (size, 2))], rng.random((size, 2, C), np.float32)
    if kind == "labels":
        return rng.integers(0, C, size), rng.random((size, C), np.float32)
    if kind == "ranked":
        return rng.integers(0, C, size), np.argsort(rng.random((size, C)), axis=-1)
    raise AssertionError(kind)


CASES = [
    ("AUC", {}, "binary"),
    ("AUC", {}, "single"),
    ("AUC", {"num_thresholds": 3}, "grid"),
    ("AUC", {"num_thresholds": 11}, "grid"),
    ("AUC", {"num_thresholds": 2}, "binary"),
    ("AUC", {"curve": "PR"}, "binary"),
    ("AUC", {"curve": "pr", "num_thresholds": 11}, "grid"),
    ("AUC", {"curve": "PRGAIN"}, "binary"),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, "binary"),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, "binary"),
    ("AUC", {"summation_method": "minoring"}, "binary"),
    ("AUC", {"summation_method": "majoring"}, "grid"),
    ("AUC", {"thresholds": [0.9, 0.1, 0.3]}, "grid"),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75]}, "grid"),
    ("AUC", {"multi_label": True}, "binary"),
    ("AUC", {"multi_label": True, "num_labels": C, "curve": "PR"}, "binary"),
    ("AUC", {"multi_label": True, "label_weights": [1, 2, 0, 0.5]}, "binary"),
    ("AUC", {"multi_label": True, "thresholds": [0.2, 0.7]}, "binary"),
    ("AUC", {"label_weights": [1, 2, 0, 0.5]}, "binary"),
    ("AUC", {"label_weights": [1, 2, 0, 0.5], "thresholds": [0.2, 0.7]}, "binary"),
    ("AUC", {"from_logits": True}, "logits"),
    ("Accuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "logits"),
    ("BinaryIoU", {}, "binary"),
    ("BinaryIoU", {"threshold": 0.25, "target_class_ids": [1]}, "grid"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one-hot"),
    ("CategoricalCrossentropy", {"axis": 1}, "steps"),
    ("CategoricalHinge", {}, "one-hot"),
    ("ConcordanceCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {"axis": (1, 2)}, "steps"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 1}, "steps"),
    ("F1Score", {}, "one-hot"),
    ("F1Score", {"average": "micro"}, "one-hot"),
    ("F1Score", {"average": "macro", "threshold": 0.5}, "grid"),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}, "one-hot"),
    ("FBetaScore", {"beta": 0.5, "threshold": 0.25}, "grid"),
    ("FalseNegatives", {}, "binary"),
    ("FalseNegatives", {"thresholds": [0.7, 0.2]}, "grid"),
    ("FalsePositives", {}, "grid"),
    ("FalsePositives", {"thresholds": [0.0, 0.5, 1.0]}, "grid"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "binary"),
    ("IoU", {"num_classes": C, "target_class_ids": [0, 2]}, "maps"),
    ("KLDivergence", {}, "one-hot"),
    ("LogCoshError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanIoU", {"num_classes": C}, "maps"),
    ("MeanIoU", {"num_classes": C + 1, "ignore_class": 1}, "maps"),
    ("MeanIoU", {"num_classes": C, "sparse_y_pred": False}, "labels"),
    ("MeanSquaredError", {}, "steps"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("OneHotIoU", {"num_classes": C, "target_class_ids": [1]}, "map scores"),
    ("OneHotMeanIoU", {"num_classes": C}, "map scores"),
    ("PearsonCorrelation", {}, "real"),
    ("Poisson", {}, "positive"),
    ("Precision", {}, "binary"),
    ("Precision", {}, "single"),
    ("Precision", {"thresholds": [0.1, 0.5, 0.9]}, "grid"),
    ("Precision", {"thresholds": [0.0, 0.5, 1.0]}, "grid"),
    ("Precision", {"thresholds": 0}, "logits"),
    ("Precision", {"top_k": 2}, "binary"),
    ("Precision", {"top_k": 3, "thresholds": 0.5}, "binary"),
    ("Precision", {"class_id": 2}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.5}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 1}, "binary"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "real"),
    ("Recall", {}, "binary"),
    ("Recall", {"thresholds": [0.3]}, "grid"),
    ("Recall", {"top_k": 1, "class_id": 1}, "binary"),
    ("RecallAtPrecision", {"precision": 0.5}, "binary"),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 11, "class_id": 0}, "grid"),
    ("RootMeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "steps"),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, "binary"),
    ("SparseCategoricalAccuracy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1, "from_logits": True}, "labels"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "labels"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "ranked"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.7, "num_thresholds": 5}, "grid"),
    ("SquaredHinge", {}, "signs"),
    ("TopKCategoricalAccuracy", {"k": 3}, "one-hot"),
    ("TrueNegatives", {"thresholds": [0.5, 0.25]}, "grid"),
    ("TruePositives", {}, "single"),
]
IDS = [f"{name}-{kind}-{number}" for number, (name, _, kind) in enumerate(CASES)]
INTEGER_WEIGHTS = ("IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU")


def both(name, arguments):
    """The same metric of both libraries. Keras keeps IoU in integers and would cut weights, unless told otherwise."""
    dtype = {"dtype": "float32"} if name in INTEGER_WEIGHTS else {}
    return getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments, **dtype)


def value(result):
    return np.asarray(result, np.float64)


def assert_equal(ours, theirs):
    np.testing.assert_allclose(value(ours.result()), value(theirs.result()), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("name", "arguments", "kind"), CASES, ids=IDS)
def test_batches(name, arguments, kind, weighted):
    ours, theirs = both(name, arguments)
    rng = np.random.default_rng(3)
    for round_ in range(2):
        for number, size in enumerate((N, 1, 12)):
            true, pred = arrays(kind, size, 10 * round_ + number)
            weights = rng.choice([0.0, 0.25, 1.0, 2.0], size).astype(np.float32) if weighted else None
            if weighted and name in INTEGER_WEIGHTS and true.ndim > 1:
                weights = np.repeat(weights, true.size // size if ours.sparse_y_true else true.size // size // C)
                weights = weights.reshape(true.shape if ours.sparse_y_true else true.shape[:-1])
            ours.update_state(true, pred, weights)
            theirs.update_state(true, pred, weights)
            assert_equal(ours, theirs)
        for metric in (ours, theirs):
            metric.reset_state()


@pytest.mark.parametrize(("name", "arguments", "kind"), CASES, ids=IDS)
def test_configurations(name, arguments, kind):
    """A metric made again, by ours or theirs configuration, is the same metric; Keras takes ours."""
    ours, theirs = both(name, {**arguments, "name": "mine"})
    again = type(ours).from_config(ours.get_config())
    there = type(theirs).from_config({**ours.get_config(), "dtype": theirs.dtype})
    true, pred = arrays(kind, N, 5)
    for metric in (ours, again, there):
        metric.update_state(true, pred)
    assert again.name == there.name == "mine"
    np.testing.assert_array_equal(value(again.result()), value(ours.result()))
    assert_equal(ours, there)
    assert set(theirs.get_config()) - set(ours.get_config()) <= {"fn"}


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_constructors(name):
    """The arguments of Keras, in its order, with its defaults."""
    ours, theirs = (
        list(inspect.signature(getattr(library, name).__init__).parameters.values())[1:]
        for library in (metrics, keras.metrics)
    )
    assert [p.name for p in ours] == [p.name for p in theirs]
    for mine, correct in zip(ours, theirs, strict=True):
        if mine.name != "name":  # where it is None, it is the name of the function
            assert mine.default == correct.default, mine.name


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_names(name):
    arguments = next(arguments for known, arguments, _ in CASES if known == name)
    names = []
    for library, clear in ((metrics, clear_session), (keras.metrics, keras.utils.clear_session)):
        clear()
        names.append([getattr(library, name)(**arguments).name for _ in range(2)])
    assert names[0] == names[1]


def test_every_metric_is_in_the_grid():
    here = {name for name, _, _ in CASES} | {"Mean", "MeanMetricWrapper", "Metric", "Sum"}
    classes = {name for name in metrics.__all__ if name[0].isupper()}
    theirs = {name for name in dir(keras.metrics) if name[0].isupper()}
    assert here == classes == theirs


FUNCTIONS = [
    ("binary_accuracy", "binary"),
    ("categorical_accuracy", "one-hot"),
    ("categorical_hinge", "one-hot"),
    ("concordance_correlation", "real"),
    ("hinge", "binary"),
    ("huber", "real"),
    ("kl_divergence", "one-hot"),
    ("log_cosh", "real"),
    ("mean_absolute_percentage_error", "real"),
    ("mean_squared_logarithmic_error", "positive"),
    ("pearson_correlation", "real"),
    ("poisson", "positive"),
    ("sparse_categorical_accuracy", "labels"),
    ("sparse_top_k_categorical_accuracy", "labels"),
    ("squared_hinge", "signs"),
    ("top_k_categorical_accuracy", "one-hot"),
]


@pytest.mark.parametrize(("name", "kind"), FUNCTIONS)
def test_functions(name, kind):
    true, pred = arrays(kind, N, 1)
    mine, correct = (getattr(library, name)(true, pred) for library in (metrics, keras.metrics))
    np.testing.assert_allclose(value(mine), value(correct), rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-0.25, 1.25, width=32), min_size=1, max_size=30),
    st.integers(0, 2**31),
    st.integers(2, 40),
    st.booleans(),
)
def test_area_of_any_predictions(values, seed, num_thresholds, of_precision):
    rng = np.random.default_rng(seed)
    pred = np.float32(values)
    true, weights = rng.integers(0, 2, len(pred)), rng.random(len(pred)).astype(np.float32)
    arguments = {"num_thresholds": num_thresholds, "curve": "PR" if of_precision else "ROC"}
    ours, theirs = both("AUC", arguments)
    for metric in (ours, theirs):
        metric.update_state(true, pred, weights)
        metric.update_state(true, pred)
    assert_equal(ours, theirs)


def test_sum_and_mean_of_higher_rank():
    rng = np.random.default_rng(0)
    values = rng.random((5, 3, 2))
    for name in ("Sum", "Mean"):
        for weights in (None, rng.random(5), rng.random((5, 3)), rng.random((5, 1)), rng.random((5, 3, 2)), 2.0):
            ours, theirs = both(name, {})
            for metric in (ours, theirs):
                metric.update_state(values, weights)
                metric.update_state(values[:2])
                metric.update_state(1.5)
            assert_equal(ours, theirs)


def test_labels_that_no_class_has():
    ours, theirs = both("MeanIoU", {"num_classes": 3})
    for metric in (ours, theirs):
        metric.update_state(np.array([0, 1, 5, -1, 2]), np.array([0, 2, 1, 0, 7]))
    assert_equal(ours, theirs)


def test_weights_of_areas_count_as_they_are():
    """Keras cuts them to integers unless the dtype says otherwise."""
    ours = metrics.MeanIoU(2)
    ours.update_state([0, 0, 1, 1], [0, 1, 0, 1], [0.3, 0.3, 0.3, 0.1])
    assert ours.result() == pytest.approx((0.3 / 0.9 + 0.1 / 0.7) / 2)
    by_sample = metrics.MeanIoU(2)
    by_sample.update_state(np.zeros((2, 3)), np.ones((2, 3)), [1.0, 0.0])
    assert np.asarray(by_sample.total_cm).tolist() == [[0, 3], [0, 0]]


def test_missing_values_are_negative():
    for name in ("TruePositives", "FalseNegatives", "TrueNegatives", "FalsePositives"):
        metric = getattr(metrics, name)(thresholds=[0.2, 0.7])
        metric.update_state([1, 0], [np.nan, np.nan])
        assert np.asarray(metric.result()).tolist() == [float(name.endswith("Negatives"))] * 2


BAD = [
    (lambda: metrics.AUC(curve="roc curve"), "curve is 'roc curve'; expected one of 'ROC', 'PR'"),
    (lambda: metrics.AUC(summation_method="mean"), "summation_method is 'mean'"),
    (lambda: metrics.AUC(num_thresholds=1), "num_thresholds is 1; expected at least 2"),
    (lambda: metrics.AUC(num_labels=3), "num_labels is 3 and multi_label is False"),
    (lambda: metrics.AUC(multi_label=True)([1], [0.5]), r"y_pred has shape \(1,\); expected \(N, labels\)"),
    (lambda: metrics.Precision(thresholds=1.5), "thresholds is 1.5; expected numbers from 0 to 1"),
    (lambda: metrics.Recall(thresholds=[0.2, None]), "thresholds is"),
    (lambda: metrics.Recall(top_k=0), "top_k is 0; expected at least 1"),
    (lambda: metrics.Recall(top_k=3)([[1, 0]], [[0.5, 0.2]]), "top_k is 3; expected at most"),
    (lambda: metrics.Precision(class_id=2)([[1, 0]], [[0.5, 0.2]]), "class_id is 2; expected less than 2"),
    (lambda: metrics.Precision(class_id=0)([1], [0.5]), r"y_pred has shape \(1,\)"),
    (lambda: metrics.Precision()([1, 0, 1], [0.5, 0.2]), r"y_true has shape \(3,\) and y_pred \(2,\)"),
    (lambda: metrics.Precision()([1, 0], [0.5, 0.2], [1, 2, 3]), r"sample_weight has shape \(3,\)"),
    (lambda: metrics.RecallAtPrecision(1.2), "precision is 1.2; expected a number from 0 to 1"),
    (lambda: metrics.F1Score(average="mean"), "average is 'mean'"),
    (lambda: metrics.FBetaScore(beta=0.0), "beta is 0.0; expected a number above 0"),
    (lambda: metrics.F1Score(threshold=0.0), "threshold is 0.0"),
    (lambda: metrics.F1Score()([1.0], [0.5]), r"expected \(N, classes\)"),
    (lambda: metrics.F1Score().result(), "no result before the first batch"),
    (lambda: metrics.IoU(2, [2]), r"target_class_ids is \[2\]; expected classes from 0 to 1"),
    (lambda: metrics.MeanIoU(2)([0, 1], [0]), r"y_true has shape \(2,\) and y_pred \(1,\)"),
    (lambda: metrics.R2Score(class_aggregation="mean"), "class_aggregation is 'mean'"),
    (lambda: metrics.R2Score(num_regressors=-1), "num_regressors is -1"),
    (lambda: metrics.R2Score()([1.0], [1.0]), r"expected \(N, outputs\)"),
    (lambda: metrics.Mean(dtype="complex64"), "dtype is 'complex64'; expected a dtype of real numbers"),
    (lambda: metrics.Hinge()([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), r"y_true has shape \(1, 2\) and y_pred \(1, 3\)"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()
