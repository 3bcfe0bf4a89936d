"""Models behind scikit-learn's contract: its own checks, grids, pipelines, targets of every loss, messages."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import day33
from day33 import Input, Model, Sequential, layers, losses, optimizers
from day33.ensemble import HardVotingBagging
from day33.sklearn import Classifier, Regressor, SKLearnClassifier, SKLearnRegressor


def classifier(X, y, units=16, learning_rate=0.03):
    model = Sequential([Input(X.shape[1:]), layers.Dense(units, "relu"), layers.Dense(y.shape[1], "softmax")])
    model.compile(optimizers.Adam(learning_rate), "categorical_crossentropy")
    return model


def regressor(X, y, units=16):
    model = Sequential([layers.Normalization(), layers.Dense(units, "relu"), layers.Dense(y.shape[1])])
    model.layers[0].adapt(X)
    model.compile(optimizers.Adam(0.03), "mse")
    return model


def scaled(X, y):
    """For scikit-learn's checks, whose columns differ in scale."""
    inputs = Input(X.shape[1:])
    normalize = layers.Normalization()
    normalize.adapt(X)
    x = layers.Dense(16, "relu")(normalize(inputs))
    model = Model(inputs, layers.Dense(y.shape[1], "softmax")(x))
    model.compile(optimizers.Adam(0.03), "categorical_crossentropy")
    return model


ESTIMATORS = [
    Classifier(scaled, fit_kwargs={"epochs": 40}, random_state=0),
    Regressor(regressor, fit_kwargs={"epochs": 60}, random_state=0),
]
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "batches of repeated rows are other batches",
}


def checks_of(estimator):
    """As `parametrize_with_checks` makes them, which would name them by the address of the function of the model."""
    for entry in estimator_checks_generator(estimator, expected_failed_checks=EXPECTED, mark="xfail"):
        values, marks = (entry.values, entry.marks) if hasattr(entry, "marks") else (entry, ())
        check = values[1]
        name = getattr(check, "func", check).__name__
        yield pytest.param(*values, marks=marks, id=f"{type(estimator).__name__}-{name}")


@pytest.mark.parametrize(("estimator", "check"), [entry for one in ESTIMATORS for entry in checks_of(one)])
@pytest.mark.filterwarnings("ignore")
def test_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


# ---- grids and pipelines ----


def test_grids():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    pipeline = make_pipeline(StandardScaler(), Classifier(classifier, epochs=15, random_state=0))
    grid = GridSearchCV(
        pipeline, {"classifier__units": [1, 16], "classifier__batch_size": [16], "classifier__epochs": [1, 15]}, cv=3
    )
    grid.fit(X, names)
    assert grid.best_params_ == {"classifier__batch_size": 16, "classifier__epochs": 15, "classifier__units": 16}
    assert grid.best_score_ > 0.93
    best = grid.best_estimator_[-1]
    assert list(best.classes_) == ["setosa", "versicolor", "virginica"] and len(best.history_["loss"]) == 15
    assert best.model_.layers[0].units == 16
    scores = cross_val_score(clone(pipeline), X, names, cv=3, scoring="neg_log_loss")
    assert scores.mean() > -0.3


def test_regression():
    X, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    model = Regressor(regressor, epochs=30, batch_size=64, random_state=0)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.35  # a linear model reaches 0.49
    both = model.fit(X, np.stack([y, -y], axis=1)).predict(X)
    assert both.shape == (len(X), 2) and np.corrcoef(both[:, 0], -both[:, 1])[0, 1] > 0.8
    assert model.fit(X, y).predict(X).shape == (len(X),)


def test_texts():
    def build(X, y):
        words = layers.TextVectorization(output_sequence_length=4)
        words.adapt(X)
        model = Sequential(
            [words, layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")]
        )
        model.compile(optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        return model

    X = np.array(["good film", "bad film", "really good", "so bad"] * 5)
    y = np.array(["+", "-"] * 10)
    model = Classifier(build, epochs=30, random_state=1)
    for rows in (X, X.tolist(), X[:, None], X.astype(object)):
        assert model.fit(rows, y).score(rows, y) == 1.0
    with pytest.raises(ValueError, match="X has 2 columns of strings; expected 1"):
        model.predict(np.stack([X, X], axis=1))


def test_pictures():
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 5, 5, 1)), np.arange(40) % 2
    X[y == 1, :, 2] += 1

    def build(X):
        model = Sequential(
            [Input(X.shape[1:]), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
        )
        model.compile(optimizers.Adam(0.02), "binary_crossentropy")
        return model

    assert Classifier(build, epochs=20, random_state=0).fit(X, y).score(X, y) > 0.9


# ---- targets and probabilities ----

HEADS = {
    "softmax": (2, "softmax", "categorical_crossentropy"),
    "sparse": (2, "softmax", "sparse_categorical_crossentropy"),
    "logits": (2, None, losses.CategoricalCrossentropy(from_logits=True)),
    "sparse logits": (2, None, losses.SparseCategoricalCrossentropy(from_logits=True)),
    "sigmoid": (1, "sigmoid", "binary_crossentropy"),
    "one logit": (1, None, losses.BinaryCrossentropy(from_logits=True)),
    "sigmoids": (2, "sigmoid", "binary_crossentropy"),
    "squares": (2, None, "mse"),
}


@pytest.mark.parametrize("head", HEADS)
def test_targets_of_every_loss(head):
    units, activation, loss = HEADS[head]
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    labels = np.array(["malignant", "benign"])[y]

    def build():
        model = Sequential([Input((30,)), layers.Dense(units, activation)])
        model.compile(optimizers.Adam(0.02), loss)
        return model

    model = Classifier(build, epochs=15, random_state=0).fit(X, labels)
    assert model.score(X, labels) > 0.93
    if head in ("sigmoids", "squares"):
        with pytest.raises(ValueError, match="whose rows add up to .*; expected probabilities"):
            model.predict_proba(X)
        return
    shares = model.predict_proba(X)
    assert shares.shape == (len(X), 2) and shares.dtype == np.float64
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), shares)


def test_weights():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    y = (X[:, 0] + rng.standard_normal(300) > 1.5).astype(int)
    plain = Classifier(classifier, epochs=20, random_state=0).fit(X, y)
    for model in (
        Classifier(classifier, epochs=20, random_state=0, class_weight="balanced").fit(X, y),
        Classifier(classifier, epochs=20, random_state=0).fit(X, y, class_weight={0: 1.0, 1: 6.0}),
        Classifier(classifier, epochs=20, random_state=0).fit(X, y, sample_weight=1 + 5.0 * y),
    ):
        assert model.predict(X).mean() > plain.predict(X).mean() + 0.1
    named = np.array(["no", "yes"])[y]
    model = Classifier(classifier, epochs=20, random_state=0).fit(X, named, class_weight={"no": 1, "yes": 6})
    assert (model.predict(X) == "yes").mean() > plain.predict(X).mean() + 0.1


def test_validation_data_has_labels():
    X, y = load_iris(return_X_y=True)
    names = np.array(list("abc"))[y]
    model = Classifier(classifier, epochs=2, validation_data=(X[::2], names[::2])).fit(X, names)
    assert len(model.history_["val_loss"]) == 2
    assert len(Classifier(classifier, validation_split=0.2).fit(X, names).history_["val_loss"]) == 1
    Regressor(regressor, validation_data=(X, y)).fit(X, y)
    with pytest.raises(ValueError, match="validation_data has labels that y lacks"):
        Classifier(classifier, validation_data=(X, np.full(150, "d"))).fit(X, names)


# ---- what is fitted ----


def test_a_model_as_it_is():
    """Every fit trains a copy whose trainable weights begin anew; frozen ones stay."""
    day33.set_random_seed(5)
    X, y = load_iris(return_X_y=True)
    frozen = layers.Dense(8, "tanh", trainable=False)
    model = Sequential([Input((4,)), frozen, layers.Dense(3, "softmax")])
    model.compile(optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=2, verbose=0)
    before = model.get_weights()
    wrapped = Classifier(model, epochs=30, random_state=3)
    first = wrapped.fit(X, y)
    assert first.score(X, y) > 0.8 and "accuracy" in first.history_
    for mine, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(first.model_.get_weights()[0], before[0])
    assert first.model_.optimizer.iterations == 30 * 5 and model.optimizer.iterations == 2 * 5
    again = clone(wrapped).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), first.predict_proba(X))


def test_warm_start():
    X, y = load_iris(return_X_y=True)
    model = Classifier(classifier, epochs=3, random_state=0, warm_start=True).fit(X, y)
    trained = model.model_
    loss = model.history_["loss"][-1]
    model.fit(X, y)
    assert model.model_ is trained and model.history_["loss"][-1] < loss
    given = classifier(X, np.eye(3)[y])
    assert Classifier(given, warm_start=True).fit(X, y).model_ is given


def test_results_depend_on_the_random_state_alone():
    X, y = load_iris(return_X_y=True)
    results = []
    for seed in (0, 0, 1):
        day33.set_random_seed(len(results))
        results.append(Classifier(classifier, epochs=2, random_state=seed).fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    bags = [
        HardVotingBagging(Classifier(classifier, epochs=2), n_estimators=3, n_jobs=jobs, random_state=0).fit(X, y)
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(bags[0].predict_proba(X), bags[1].predict_proba(X))


def test_pickles():
    X, y = load_iris(return_X_y=True)
    model = pickle.loads(pickle.dumps(Classifier(classifier, epochs=2, units=3, random_state=0).fit(X, y)))
    assert model.get_params()["units"] == 3 and model.predict(X).shape == (150,)


def test_parameters():
    model = Classifier(classifier, units=3, epochs=2, model_kwargs={"learning_rate": 0.1})
    assert {"units": 3, "epochs": 2}.items() <= model.get_params().items()
    assert repr(model).startswith("Classifier(epochs=2, model=<function classifier")
    model.set_params(units=5, batch_size=8, warm_start=True)
    assert (model.units, model.batch_size, model.warm_start) == (5, 8, True)
    assert clone(model).get_params()["units"] == 5
    X, y = load_iris(return_X_y=True)
    model.fit(X, y)
    assert model.model_.layers[0].units == 5 and model.model_.optimizer.learning_rate == pytest.approx(0.1)
    for name in ("unit", "fit", "classes_"):
        with pytest.raises(ValueError, match=f"'{name}' is no parameter of Classifier; expected"):
            Classifier(classifier, **{name: 3})
        with pytest.raises(ValueError, match=f"'{name}' is no parameter of Classifier; expected"):
            model.set_params(**{name: 3})
    with pytest.raises(ValueError, match="fit was given epoch; expected arguments of Model.fit"):
        model.fit(X, y, epoch=3)
    assert issubclass(SKLearnClassifier, Classifier) and issubclass(SKLearnRegressor, Regressor)
    assert day33.keras.wrappers.SKLearnClassifier is SKLearnClassifier
    pipeline = make_pipeline(StandardScaler(), SKLearnClassifier(classifier, fit_kwargs={"epochs": 1}))
    assert list(pipeline.named_steps) == ["standardscaler", "sklearnclassifier"]  # as with Keras's wrapper
    X, y = load_iris(return_X_y=True)
    copied = pickle.loads(pickle.dumps(pipeline.fit(X, y)))
    np.testing.assert_array_equal(copied.predict(X), pipeline.predict(X))


BAD = [
    (lambda X, y: Classifier(lambda: 3), "and gives 3; expected a compiled model"),
    (lambda X, y: Classifier(lambda: Sequential([Input((4,)), layers.Dense(3)])), "gives a model that is not compiled"),
    (lambda X, y: Classifier(compiled(4)), "the model gives 4 values per sample; expected 3, one per class"),
    (lambda X, y: Classifier(compiled(1)), "the model gives 1 values per sample; expected 3"),
    (lambda X, y: Regressor(compiled(2)), "the model gives 2 values per sample; expected 1, as y has"),
    (lambda X, y: Classifier(classifier, validation_data=3), "validation_data is no tuple"),
    (lambda X, y: Classifier(classifier, class_weight={7: 1.0}), r"class_weight has the labels \[7\]"),
    (lambda X, y: Classifier(two_outputs()), "the model has outputs of shapes"),
]


def compiled(units):
    model = Sequential([Input((4,)), layers.Dense(units)])
    model.compile("sgd", "mse")
    return model


def two_outputs():
    inputs = Input((4,))
    model = Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])
    model.compile("sgd", ["mse", "mse"])
    return model


@pytest.mark.parametrize(("make", "message"), BAD)
def test_messages(make, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        make(X, y).fit(X, y)


def test_labels_that_are_refused():
    X, y = load_iris(return_X_y=True)
    model = Classifier(classifier)
    with pytest.raises(ValueError, match="y holds one class only"):
        model.fit(X, np.zeros(150))
    with pytest.raises(ValueError, match="expected labels"):
        model.fit(X, np.eye(3, dtype=int)[y])
    with pytest.raises(TypeError, match="masked"):
        model.fit(np.ma.masked_array(X, X > 5), y)
    with pytest.raises(ValueError, match=r"X has 3 rows and y shape \(2,\); expected as many"):
        model.fit(["a", "b", "c"], [0, 1])
