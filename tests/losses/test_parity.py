"""All losses beside Keras: values, gradients over training steps, and the same on arrays, in graphs and in plans."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers, losses
from support.tolerances import TRAINING_STEPS
from support.twins import build_both

keras = pytest.importorskip("keras")

REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]


def targets(kind, shape, rng):
    """Targets of a kind for predictions of a shape."""
    if kind == "labels":
        return rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
    if kind == "labels with 2 ignored":
        labels = rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
        return np.where(labels == 2, -1, labels)
    if kind == "one-hot":
        return np.eye(shape[-1], dtype=np.float32)[rng.integers(0, shape[-1], shape[:-1])]
    if kind == "signs":
        return rng.choice(np.float32([-1, 1]), shape)
    if kind == "binary":
        return rng.integers(0, 2, shape).astype(np.float32)
    if kind == "counts":
        return rng.integers(0, 5, shape).astype(np.float32)
    if kind == "shares":
        shares = rng.random(shape).astype(np.float32) + 0.05
        return shares / shares.sum(axis=-1, keepdims=True)
    return rng.normal(0, 1, shape).astype(np.float32)


def predictions(kind, shape, rng):
    """Predictions of a kind, the ends of its range among them."""
    if kind == "unit":
        values = rng.random(shape).astype(np.float32)
        values.reshape(-1)[:3] = 0, 1, 0.5
        return values
    if kind == "shares":
        values = rng.random(shape).astype(np.float32)
        values[0] = 0
        values[0, ..., 0] = 1
        return values / values.sum(axis=-1, keepdims=True)
    if kind == "positive":
        return rng.gamma(1.0, 1.0, shape).astype(np.float32)
    return rng.normal(0, 2, shape).astype(np.float32)


# Class, arguments, kind of targets, kind of predictions.
CASES = [
    ("MeanSquaredError", {}, "numbers", "numbers"),
    ("MeanAbsoluteError", {}, "numbers", "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers", "numbers"),
    ("MeanSquaredLogarithmicError", {}, "counts", "numbers"),
    ("Huber", {}, "numbers", "numbers"),
    ("Huber", {"delta": 0.3}, "numbers", "numbers"),
    ("LogCosh", {}, "numbers", "numbers"),
    ("CosineSimilarity", {}, "numbers", "numbers"),
    ("CosineSimilarity", {"axis": 1}, "numbers", "numbers"),
    ("KLDivergence", {}, "shares", "shares"),
    ("Poisson", {}, "counts", "positive"),
    ("Hinge", {}, "signs", "numbers"),
    ("Hinge", {}, "binary", "numbers"),
    ("SquaredHinge", {}, "signs", "numbers"),
    ("SquaredHinge", {}, "binary", "numbers"),
    ("CategoricalHinge", {}, "one-hot", "numbers"),
    ("BinaryCrossentropy", {}, "binary", "unit"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary", "numbers"),
    ("BinaryCrossentropy", {"axis": 1}, "binary", "unit"),
    ("CategoricalCrossentropy", {}, "one-hot", "shares"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.3}, "one-hot", "numbers"),
    ("CategoricalCrossentropy", {"axis": 1}, "one-hot", "unit"),
    ("CategoricalCrossentropy", {"axis": 1, "from_logits": True}, "one-hot", "numbers"),
    ("SparseCategoricalCrossentropy", {}, "labels", "shares"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels", "numbers"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, "labels with 2 ignored", "shares"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1, "from_logits": True}, "labels", "numbers"),
    ("BinaryFocalCrossentropy", {}, "binary", "unit"),
    ("BinaryFocalCrossentropy", {"gamma": 1.5, "from_logits": True}, "binary", "numbers"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.4}, "binary", "unit"),
    ("BinaryFocalCrossentropy", {"label_smoothing": 0.2}, "binary", "unit"),
    ("CategoricalFocalCrossentropy", {}, "one-hot", "shares"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.6, "gamma": 3.0, "from_logits": True}, "one-hot", "numbers"),
    ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2}, "one-hot", "shares"),
    ("CategoricalGeneralizedCrossEntropy", {}, "labels", "shares"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, "labels", "shares"),
    ("Dice", {}, "binary", "unit"),
    ("Dice", {"axis": (1, 2)}, "binary", "unit"),
    ("Tversky", {}, "binary", "unit"),
    ("Tversky", {"alpha": 0.3, "beta": 0.8, "axis": (1, 2)}, "binary", "unit"),
]  # fmt: skip
IDS = [f"{name}-{'-'.join(f'{k}={v}' for k, v in arguments.items())}-{kind}" for name, arguments, kind, _ in CASES]
SHAPES = [(6, 4, 3), (5, 1, 4), (3, 2, 2, 3)]


def test_every_loss_is_in_the_grid():
    public = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert public - {name for name, *_ in CASES} == {"Loss", "LossFunctionWrapper"}
    known = {name for name in dir(keras.losses) if isinstance(getattr(keras.losses, name), type)}
    assert known - public == {"CTC", "Circle"}


def both(loss, arguments, **more):
    return [getattr(library, loss)(**arguments, **more) for library in (losses, keras.losses)]


def weights_for(values_shape, rng):
    found = [None, rng.random(values_shape).astype(np.float32)]
    if len(values_shape) == 1:
        found.append(np.zeros(values_shape, np.float32))
    return found


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "arguments", "true", "pred"), CASES, ids=IDS)
def test_values(name, arguments, true, pred, reduction):
    ours, theirs = both(name, arguments, reduction=reduction)
    for seed, shape in enumerate(SHAPES):
        rng = np.random.default_rng(seed)
        y_true, y_pred = targets(true, shape, rng), predictions(pred, shape, rng)
        shape_of_values = np.shape(keras.losses.get(theirs).call(y_true, y_pred))
        for weights in weights_for(shape_of_values, rng):
            mine, correct = ours(y_true, y_pred, weights), np.asarray(theirs(y_true, y_pred, weights))
            assert np.shape(mine) == correct.shape
            np.testing.assert_allclose(mine, correct, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "arguments", "true", "pred"), CASES, ids=IDS)
def test_functions(name, arguments, true, pred):
    """The function beside Keras's, and in a graph as on arrays."""
    ours, theirs = both(name, arguments)
    rng = np.random.default_rng(3)
    shape = (6, 4, 3)
    y_true, y_pred = targets(true, shape, rng), predictions(pred, shape, rng)
    options = ours.options()
    mine = ours.fn(y_true, y_pred, **options)
    correct = np.asarray(theirs.fn(np.asarray(y_true, np.float32), y_pred, **options))
    assert type(mine).__name__ == "Tensor"
    np.testing.assert_allclose(mine, correct, rtol=2e-5, atol=2e-6)
    if mine.ndim == 0:
        return
    t, p = layers.Input(y_true.shape[1:]), layers.Input(shape[1:])
    graph = day33.Model([t, p], ours.fn(t, p, **options))
    np.testing.assert_allclose(graph.predict([y_true, y_pred], verbose=0), mine, rtol=1e-5, atol=1e-6)


HEADS = {"numbers": None, "unit": "sigmoid", "shares": "softmax", "positive": "softplus"}


def twins(pred, shape, seed=0):
    def build(library):
        x = library.layers.Input((shape[1], 5))
        h = library.layers.Dense(6, activation="tanh")(x)
        return library.Model(x, library.layers.Dense(shape[-1], activation=HEADS[pred])(h))

    return build_both(build, keras, seed)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize(("name", "arguments", "true", "pred"), CASES, ids=IDS)
def test_ten_steps(name, arguments, true, pred, reduction):
    """Training from the same weights, every other batch with sample weights: losses and weights after ten steps."""
    shape = (7, 4, 3)
    own, their = twins(pred, shape)
    rng = np.random.default_rng(1)
    loss, correct_loss = both(name, arguments, reduction=reduction)
    rate = 0.02 if reduction == "sum" or "Percentage" in name else 0.1
    rate = rate / 500 if "Percentage" in name else rate
    own.compile(day33.optimizers.SGD(rate), loss)
    their.compile(keras.optimizers.SGD(rate), correct_loss)
    for number in range(10):
        x, y = rng.random((7, 4, 5)).astype(np.float32), targets(true, shape, rng)
        if arguments.get("axis") == 1:
            # TensorFlow's gradient takes for granted that targets sum to 1 along the classes.
            y = ((y + 0.1) / (y + 0.1).sum(axis=1, keepdims=True)).astype(np.float32)
        values = correct_loss.call(np.asarray(y, np.float32), np.asarray(their(x)))
        weights = rng.random(tuple(values.shape) or (7,)).astype(np.float32) if number % 2 else None
        mine = own.train_on_batch(x, y, sample_weight=weights)
        correct = their.train_on_batch(x, y, sample_weight=weights)
        assert mine == pytest.approx(float(correct), rel=1e-4, abs=TRAINING_STEPS)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)


@pytest.mark.parametrize(("name", "arguments", "true", "pred"), CASES, ids=IDS)
def test_arrays_graphs_and_plans_agree(name, arguments, true, pred):
    """A loss called on arrays, added to a model as a value of its graph, and given to compile."""
    shape = (6, 4, 3)
    rng = np.random.default_rng(2)
    y_true, y_pred = targets(true, shape, rng), predictions(pred, shape, rng)
    for reduction in ("sum_over_batch_size", "sum"):
        loss = getattr(losses, name)(**arguments, reduction=reduction)
        correct = loss(y_true, y_pred)
        p = layers.Input(shape[1:])
        model = day33.Model(p, layers.Activation("linear")(p))
        model.compile("sgd", loss)
        assert model.evaluate(y_pred, y_true, batch_size=6, verbose=0) == pytest.approx(correct, rel=1e-5, abs=1e-6)
        t, p = layers.Input(y_true.shape[1:]), layers.Input(shape[1:])
        model = day33.Model([t, p], layers.Activation("linear")(p))
        model.add_loss(loss(t, p))
        model.compile("sgd")
        assert model.evaluate([y_true, y_pred], batch_size=6, verbose=0) == pytest.approx(correct, rel=1e-5, abs=1e-6)
        weights = rng.random(np.shape(loss.call(np.float32(y_true), y_pred)) or (6,)).astype(np.float32)
        if weights.shape[0] != 6 or np.shape(loss.call(np.float32(y_true), y_pred)) == ():
            continue
        w = layers.Input(weights.shape[1:])
        model = day33.Model([t, p, w], layers.Activation("linear")(p))
        model.add_loss(loss(t, p, sample_weight=w))
        model.compile("sgd")
        weighted = model.evaluate([y_true, y_pred, weights], batch_size=6, verbose=0)
        assert weighted == pytest.approx(loss(y_true, y_pred, weights), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
@pytest.mark.parametrize("name", ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_logits_are_found_behind_the_head(name, kind):
    """Of a prediction that rounds to 0 or 1, in a loss of the user's as in the native one."""
    rng = np.random.default_rng(4)
    x = rng.normal(0, 40, (8, 3)).astype(np.float32)
    y = targets("labels" if name.startswith("sparse") else "one-hot", (8, 3), rng)
    function = getattr(losses, name)
    found = []
    for loss in (name, lambda t, p: function(t, p)):
        model = day33.Sequential([layers.Input((3,)), layers.Dense(3, activation=kind)])
        model.set_weights([np.eye(3, dtype=np.float32), np.zeros(3, np.float32)])
        model.compile(day33.optimizers.SGD(1.0), loss)
        found.append((model.train_on_batch(x, y), *model.get_weights()))
    assert found[0][0] > 17  # more than what clipped probabilities could give
    for mine, native in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(mine, native, rtol=1e-5, atol=1e-5)


def test_names_of_keras():
    for name, theirs in keras.src.losses.ALL_OBJECTS_DICT.items():
        if name in ("Loss", "LossFunctionWrapper", "CTC", "Circle", "ctc", "circle"):
            continue
        ours = losses.get(name)
        expected = theirs.__name__ if isinstance(theirs, type) else None
        assert type(ours).__name__ == (expected or type(losses.get(theirs.__name__)).__name__), name


@pytest.mark.parametrize(("name", "arguments", "true", "pred"), CASES, ids=IDS)
def test_configurations(name, arguments, true, pred):
    """What one library writes, the other reads."""
    ours, theirs = both(name, arguments, reduction="sum", name="mine")
    for written in (losses.serialize(ours), keras.losses.serialize(theirs)):
        readers = [losses.deserialize]
        if name in keras.src.losses.ALL_OBJECTS_DICT:  # Keras itself does not find CategoricalGeneralizedCrossEntropy
            readers.append(keras.losses.deserialize)
        for read in (reader(written) for reader in readers):
            assert (type(read).__name__, read.name, read.reduction) == (name, "mine", "sum")
    again = losses.deserialize(losses.serialize(ours))
    assert again.get_config() == ours.get_config()
    assert {key: again.get_config()[key] for key in arguments} == arguments


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [2.3, np.float32(0), 3])
def test_one_weight_for_all(reduction, weight):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.random((2, 4, 3, 2)).astype(np.float32)
    ours, theirs = (lib.losses.MeanSquaredError(reduction=reduction) for lib in (day33, keras))
    right = np.asarray(theirs(y_true, y_pred, sample_weight=weight))
    with day33.GradientTape() as tape:  # in a graph
        tape.watch(y_pred)
        traced = ours(y_true, y_pred, sample_weight=weight)
    for mine in (ours(y_true, y_pred, sample_weight=weight), traced):
        assert np.shape(mine) == right.shape
        np.testing.assert_allclose(mine, right, rtol=1e-5)
