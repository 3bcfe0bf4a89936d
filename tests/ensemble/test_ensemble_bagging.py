"""The bag: scikit-learn's contract, the vote against scikit-learn's, and resamples that leak nothing."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, RandomTreesEmbedding, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from day33.ensemble import HardVote, HardVotingBagging, HorizontalFlip, RandomAffine
from day33.ensemble.voting import count_votes

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)


def few_trees(**options: Any) -> LGBMClassifier:
    return LGBMClassifier(**{"n_estimators": 4, "min_child_samples": 2, "verbosity": -1, **options})


def data(n: int = 200, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=classes, n_clusters_per_class=1, class_sep=0.7, random_state=seed
    )
    return X.astype(np.float32), y


# ---- the vote ----


def test_counting_votes() -> None:
    votes = np.array([[0, 1, 1], [2, 0, 1], [1, 1, -1], [2, 2, 0]])
    np.testing.assert_array_equal(count_votes(votes, 3), [[1, 2, 0], [1, 1, 1], [0, 2, 0], [1, 0, 2]])
    np.testing.assert_array_equal(count_votes(votes[:1], 3, [3, 1, 1]), [[3, 2, 0]])
    assert count_votes(votes, 3).argmax(axis=1).tolist() == [1, 0, 1, 2]  # the tie goes to the lowest


@pytest.mark.parametrize("weights", [None, [1, 2, 1], [0.5, 0.2, 0.2]])
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_as_voting_classifier(voting: str, weights: list[float] | None) -> None:
    X, y = data()
    names = np.array(["ant", "bee", "cow"])[y]
    estimators = [("tree", TREE), ("bayes", GaussianNB()), ("near", KNeighborsClassifier(1))]
    theirs = VotingClassifier(estimators, voting=voting, weights=weights).fit(X[:100], names[:100])
    ours = HardVote(estimators, voting=voting, weights=weights).fit(X[:100], names[:100])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    if voting == "soft":
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    else:
        shares = np.apply_along_axis(lambda v: np.bincount(v, weights, 3), 1, ours.votes(X))
        np.testing.assert_allclose(ours.predict_proba(X), shares / shares.sum(axis=1, keepdims=True))


def some_voters() -> list[tuple[str, Any]]:
    return [("tree", TREE), ("bayes", GaussianNB()), ("near", KNeighborsClassifier(1))]


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_dropped_voters_do_not_count(voting: str) -> None:
    X, y = data()
    options: dict[str, Any] = {"voting": voting, "weights": [1, 2, 4]}
    theirs = VotingClassifier(some_voters(), **options).set_params(near="drop").fit(X[:100], y[:100])
    ours = HardVote(some_voters(), **options).set_params(near="drop").fit(X[:100], y[:100])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    assert ours.votes(X).shape == (200, 2)
    assert ours.named_estimators_.near == "drop" and len(ours.estimators_) == 2
    with pytest.raises(ValueError, match="dropped"):
        ours.set_params(tree="drop", bayes="drop").fit(X, y)
    with pytest.raises(ValueError, match="nor all 0"):
        HardVote(some_voters(), weights=[0, 0, 1]).set_params(near="drop").fit(X, y)


@pytest.mark.parametrize("options", [{}, {"voting": "soft"}, {"voting": "soft", "flatten_transform": False}])
def test_transform_and_names_are_those_of_voting_classifier(options: dict[str, Any]) -> None:
    X, y = data()
    names = np.array(["ant", "bee", "cow"])[y]
    theirs = VotingClassifier(some_voters(), **options).fit(X[:100], names[:100])
    ours = HardVote(some_voters(), **options).fit(X[:100], names[:100])
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    if options.get("flatten_transform", True):
        expected = [name.replace("votingclassifier", "hardvote") for name in theirs.get_feature_names_out()]
        assert ours.get_feature_names_out().tolist() == expected


def test_logarithms_of_the_shares() -> None:
    X, y = data()
    vote = HardVote(some_voters()).fit(X[:100], y[:100])
    shares = vote.predict_proba(X)
    logarithms = vote.predict_log_proba(X)
    assert (np.isneginf(logarithms) == (shares == 0)).all() and (shares == 0).any()
    np.testing.assert_allclose(np.exp(logarithms), shares, rtol=1e-15)
    X = X.astype(np.float64)
    theirs = BaggingClassifier(GaussianNB(), 5, random_state=0).fit(X[:120], y[:120])
    ours = HardVotingBagging(GaussianNB(), 5, voting="soft", random_state=0).fit(X[:120], y[:120])
    ours.estimators_ = theirs.estimators_
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-12, atol=1e-12)


def test_voters_are_fitted_side_by_side_on_one_thread_each() -> None:
    X, y = data()
    alone = HardVote(some_voters()).fit(X, y)
    together = HardVote([*some_voters(), ("bag", HardVotingBagging(TREE, 2, n_jobs=2, random_state=0))], n_jobs=2)
    together.fit(X, y)
    np.testing.assert_array_equal(together.votes(X)[:, :3], alone.votes(X))
    assert together.estimators_[2].n_jobs == together.estimators_[3].n_jobs == 1
    assert alone.estimators_[2].n_jobs is None


def test_weights_of_rows_reach_the_voters() -> None:
    X, y = data()
    weights = np.random.default_rng(0).integers(0, 4, 200)
    voters = some_voters()[:2]
    theirs = VotingClassifier(voters).fit(X, y, sample_weight=weights)
    ours = HardVote(voters).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    assert (ours.transform(X) != HardVote(voters).fit(X, y).transform(X)).any()
    with pytest.raises(TypeError, match="sample_weight"):
        HardVote(some_voters()).fit(X, y, sample_weight=weights)


def test_two_that_disagree_elect_the_lowest() -> None:
    class Always(ClassifierMixin, BaseEstimator):
        def __init__(self, label: int = 0) -> None:
            self.label = label

        def fit(self, X: Any, y: Any) -> Any:
            self.classes_ = np.unique(y)
            return self

        def predict(self, X: Any) -> Any:
            return np.full(len(X), self.classes_[self.label])

    X, y = np.zeros((4, 2)), np.array([5, 6, 7, 8])
    vote = HardVote([("a", Always(3)), ("b", Always(1))]).fit(X, y)
    assert vote.predict(X).tolist() == [6] * 4
    assert vote.predict_proba(X[:1]).tolist() == [[0, 0.5, 0, 0.5]]
    assert (
        VotingClassifier([("a", Always(3)), ("b", Always(1))]).fit(X, y).predict(X).tolist() == vote.predict(X).tolist()
    )


def test_a_bag_counts_the_votes_of_its_members() -> None:
    X, y = data()
    bag = HardVotingBagging(TREE, 7, random_state=1).fit(X[:120], y[:120])
    by_hand = np.stack([member.predict(X) for member in bag.estimators_], axis=1)
    np.testing.assert_array_equal(bag.votes(X), by_hand)
    shares = np.apply_along_axis(np.bincount, 1, by_hand, minlength=3) / 7
    np.testing.assert_allclose(bag.predict_proba(X), shares)
    np.testing.assert_array_equal(bag.predict(X), shares.argmax(axis=1))


def test_soft_voting_is_the_mean_as_in_bagging_classifier() -> None:
    """On the same members: scikit-learn's bag draws them, ours lets them vote."""
    X, y = data()
    theirs = BaggingClassifier(TREE, 5, random_state=0).fit(X[:120], y[:120])
    ours = HardVotingBagging(TREE, 5, voting="soft", random_state=0).fit(X[:120], y[:120])
    ours.estimators_ = theirs.estimators_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)


def test_stacking_takes_bags() -> None:
    X, y = data()
    members = [("bag", HardVotingBagging(TREE, 3, random_state=0)), ("bayes", GaussianNB())]
    stack = StackingClassifier(members, LogisticRegression(), cv=3).fit(X[:120], y[:120])
    assert stack.score(X[120:], y[120:]) > 0.5


# ---- what rows may hold ----


def frame() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers, a missing one, words and truth values; the words tell the class."""
    generator = np.random.default_rng(0)
    y = np.arange(60) % 3
    columns = {
        "word": np.array(["ant", "bee", "cow"])[y],
        "count": generator.integers(0, 9, 60),
        "part": generator.random(60).astype(np.float32),
        "open": generator.random(60) > 0.5,
    }
    table = pd.DataFrame(columns)
    table.loc[3, "part"] = np.nan
    return table, y


def reader_of_frames(word: Any) -> Any:
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), [word]), (SimpleImputer(), [1, 2] if word == 0 else ["count", "part"])
    )
    return make_pipeline(columns, DecisionTreeClassifier(random_state=0))


def test_frames_of_mixed_types_reach_the_voters() -> None:
    X, y = frame()
    voters = [("by name", reader_of_frames("word"))]
    theirs, ours = VotingClassifier(voters).fit(X, y), HardVote(voters).fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.predict(X), y)
    assert ours.feature_names_in_.tolist() == theirs.feature_names_in_.tolist() == list(X)


@pytest.mark.parametrize("place", ["estimator", "preprocessor"])
def test_frames_of_mixed_types_reach_the_members(place: str) -> None:
    X, y = frame()
    pipeline = reader_of_frames(0)
    if place == "estimator":
        theirs = BaggingClassifier(pipeline, 3, random_state=0).fit(X, y)
        np.testing.assert_array_equal(theirs.predict(X), y)
        bag = HardVotingBagging(pipeline, 3, random_state=0)
    else:
        bag = HardVotingBagging(pipeline[1], 3, preprocessor=pipeline[0], random_state=0)
    np.testing.assert_array_equal(bag.fit(X, y).predict(X), y)


def test_frames_of_numbers_reach_boosted_members() -> None:
    X, y = frame()
    numbers = X.drop(columns="word")
    as_frame = HardVotingBagging(few_trees(), 3, random_state=0).fit(numbers, y)
    as_array = HardVotingBagging(few_trees(), 3, random_state=0).fit(numbers.to_numpy(np.float64), y)
    np.testing.assert_array_equal(as_frame.votes(numbers), as_array.votes(numbers.to_numpy(np.float64)))


def test_missing_values_are_the_members_to_refuse() -> None:
    X, y = data()
    X[5, 2] = X[150, 0] = np.nan
    filled = make_pipeline(SimpleImputer(), GaussianNB())
    theirs = VotingClassifier([("filled", filled)]).fit(X[:100], y[:100])
    np.testing.assert_array_equal(HardVote([("filled", filled)]).fit(X[:100], y[:100]).predict(X), theirs.predict(X))
    BaggingClassifier(filled, 3, random_state=0).fit(X, y).predict(X)
    for bag in (
        HardVotingBagging(filled, 3, random_state=0),
        HardVotingBagging(GaussianNB(), 3, preprocessor=SimpleImputer(), random_state=0),
        HardVotingBagging(few_trees(), 3, random_state=0),
    ):
        assert bag.fit(X, y).score(X, y) > 0.6
    for estimator in (HardVotingBagging(GaussianNB(), 2), HardVote([("bayes", GaussianNB())])):
        with pytest.raises(ValueError, match="NaN"):
            estimator.fit(X, y)


# ---- resamples ----


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted on, with its weights."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Recorder:
        self.seen_, self.labels_, self.weights_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X: Any) -> Any:
        return np.tile(np.eye(len(self.classes_))[:1], (len(X), 1))


def pictures_with_numbers(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a 2 x 3 picture and, behind it, the number of the row; labels are the numbers modulo 4."""
    rng = np.random.default_rng(0)
    numbers = np.arange(n)
    return np.concatenate([rng.random((n, 6)), numbers[:, None]], axis=1), numbers % 4


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("resample", ["rows", "weights"])
def test_a_member_sees_what_it_drew_and_its_twins_only(resample: str, flip: bool) -> None:
    X, y = pictures_with_numbers(40)
    augment = HorizontalFlip((2, 3)) if flip else None
    bag = HardVotingBagging(Recorder(), 6, resample=resample, augment=augment, random_state=3).fit(X, y)
    for member, drawn in zip(bag.estimators_, bag.estimators_samples_, strict=True):
        assert len(drawn) == 40
        weights = np.ones(len(member.seen_)) if resample == "rows" else member.weights_
        numbers = member.seen_[:, 6].astype(int)
        np.testing.assert_array_equal(member.labels_, numbers % 4)
        times = np.bincount(numbers, weights, minlength=40)
        np.testing.assert_array_equal(times, np.bincount(drawn, minlength=40) * (2 if flip else 1))
        left_out = np.setdiff1d(np.arange(40), drawn)
        assert len(left_out) > 5
        used = member.seen_[weights > 0, :6].reshape(-1, 2, 3)
        for picture in X[left_out, :6].reshape(-1, 2, 3):
            assert not (used == picture).all(axis=(1, 2)).any()
            assert not (used == picture[:, ::-1]).all(axis=(1, 2)).any()


def test_boosted_members_see_what_they_drew_and_its_twins_only(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = pictures_with_numbers(40)
    used = []
    original = lightgbm.Dataset.subset
    monkeypatch.setattr(
        lightgbm.Dataset, "subset", lambda self, rows, params=None: used.append(rows) or original(self, rows, params)
    )
    bag = HardVotingBagging(few_trees(), 5, augment=HorizontalFlip((2, 3)), random_state=3).fit(X, y)
    assert len(used) == 5
    for rows, drawn in zip(used, bag.estimators_samples_, strict=True):
        np.testing.assert_array_equal(np.sort(rows % 40), np.sort(np.repeat(drawn, 2)))  # row i's twin is row 40 + i


def test_features_are_sorted_into_bins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = data()
    from_arrays = []
    original = lightgbm.Dataset.__init__

    def spy(self: Any, data: Any, *arguments: Any, **options: Any) -> None:
        if data is not None:  # a subset has none of its own
            from_arrays.append(np.shape(data))
        original(self, data, *arguments, **options)

    monkeypatch.setattr(lightgbm.Dataset, "__init__", spy)
    for resample in ("rows", "weights"):
        HardVotingBagging(few_trees(), 6, resample=resample, random_state=0).fit(X, y)
    assert from_arrays == [X.shape, X.shape]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_boosted_member_is_the_booster_of_its_rows(classes: int) -> None:
    """Shared bins change nothing: the same as LightGBM on the member's rows of a Dataset of all rows."""
    X, y = data(classes=classes)
    bag = HardVotingBagging(few_trees(learning_rate=0.3), 2, voting="soft", random_state=0).fit(X, y)
    whole = lightgbm.Dataset(X, label=y, params={"min_data_in_leaf": 2, "verbosity": -1}).construct()
    objective = {"objective": "multiclass", "num_class": 3} if classes == 3 else {"objective": "binary"}
    for member, rows in zip(bag.estimators_, bag.estimators_samples_, strict=True):
        parameters = {
            **objective, "min_data_in_leaf": 2, "learning_rate": 0.3, "num_threads": 1, "verbosity": -1,
            "min_sum_hessian_in_leaf": 1e-3,
        }  # fmt: skip
        booster = lightgbm.train(parameters, whole.subset(rows), 4)
        values = booster.predict(X)
        expected = values if classes == 3 else np.stack([1 - values, values], axis=1)
        np.testing.assert_allclose(member.predict_proba(X), expected, rtol=1e-6)


def test_weights_and_rows_agree() -> None:
    """For a classifier of sums, a row drawn twice is a row of weight two."""
    X, y = data(400)
    options: dict[str, Any] = {"n_estimators": 3, "random_state": 0, "voting": "soft"}
    bayes = GaussianNB(var_smoothing=0)
    rows = HardVotingBagging(bayes, resample="rows", **options).fit(X, y)
    weights = HardVotingBagging(bayes, resample="weights", **options).fit(X, y)
    np.testing.assert_allclose(rows.predict_proba(X), weights.predict_proba(X), rtol=1e-5, atol=1e-12)


def test_weights_of_one_change_nothing_for_boosted_members() -> None:
    X, y = data(400)
    options: dict[str, Any] = {"n_estimators": 2, "random_state": 0, "voting": "soft", "bootstrap": False}
    rows = HardVotingBagging(few_trees(), resample="rows", **options).fit(X, y)
    weights = HardVotingBagging(few_trees(), resample="weights", **options).fit(X, y)
    np.testing.assert_allclose(rows.predict_proba(X), weights.predict_proba(X), rtol=1e-6)


def test_features_are_drawn_without_replacement() -> None:
    X, y = data()
    bag = HardVotingBagging(Recorder(), 4, max_features=3, max_samples=50, random_state=0).fit(X, y)
    for member, features, rows in zip(bag.estimators_, bag.estimators_features_, bag.estimators_samples_, strict=True):
        assert len(set(features.tolist())) == 3
        np.testing.assert_array_equal(member.seen_, X[rows][:, features])
        assert len(rows) == 50
    assert len({tuple(features) for features in bag.estimators_features_}) > 1
    boosted = HardVotingBagging(few_trees(), 3, max_features=0.5, random_state=0).fit(X[:100], y[:100])
    assert boosted.score(X[:100], y[:100]) > 0.7


def test_rows_are_drawn_as_often_as_they_weigh() -> None:
    """As many rows as scikit-learn's bag draws, and each as often as its weight says."""
    X, y = pictures_with_numbers(40)
    weights = np.arange(40) % 5 / 2
    theirs = BaggingClassifier(Recorder(), 200, max_samples=1.0, random_state=0).fit(X, y, sample_weight=weights)
    ours = HardVotingBagging(Recorder(), 200, random_state=0).fit(X, y, sample_weight=weights)
    assert (
        {len(rows) for rows in ours.estimators_samples_} == {len(rows) for rows in theirs.estimators_samples_} == {40}
    )
    expected = 200 * 40 * weights / weights.sum()
    for bag in (theirs, ours):
        times = np.bincount(np.concatenate(bag.estimators_samples_), minlength=40)
        assert not times[weights == 0].any()
        # Binomial: within five standard deviations.
        assert (np.abs(times - expected) <= 5 * np.sqrt(expected)).all()
    for member, rows in zip(ours.estimators_, ours.estimators_samples_, strict=True):
        np.testing.assert_array_equal(member.seen_, X[rows])
    few = HardVotingBagging(Recorder(), 2, max_samples=0.25, random_state=0).fit(X, y, sample_weight=weights)
    assert [len(rows) for rows in few.estimators_samples_] == [10, 10]
    one_each = HardVotingBagging(Recorder(), 2, max_samples=None, random_state=0).fit(X, y, sample_weight=weights)
    assert [len(rows) for rows in one_each.estimators_samples_] == [40, 40]
    times = HardVotingBagging(Recorder(), 2, resample="weights", random_state=0).fit(X, y, sample_weight=weights)
    for member, rows in zip(times.estimators_, times.estimators_samples_, strict=True):
        np.testing.assert_array_equal(member.weights_, np.bincount(rows, minlength=40))


def test_boosted_members_draw_rows_that_weigh_something_only() -> None:
    X, y = data()
    weights = (np.arange(200) < 100) * 2.0
    same = {"random_state": 0, "voting": "soft", "max_samples": 100}
    ours = HardVotingBagging(few_trees(), 3, **same).fit(X, y, sample_weight=weights)
    assert all(len(rows) == 100 and rows.max() < 100 for rows in ours.estimators_samples_)


def test_weights_that_no_resample_can_have_are_refused() -> None:
    X, y = data()
    with pytest.warns(UserWarning, match="bootstrap is False"):
        bag = HardVotingBagging(TREE, 2, bootstrap=False, max_samples=50, random_state=0)
        bag.fit(X, y, sample_weight=np.ones(200))
    assert all(len(set(rows.tolist())) == 50 for rows in bag.estimators_samples_)
    heavy = np.ones(200)
    heavy[-1] = 2
    # As scikit-learn's: "max_samples=201 must be <= n_samples=200".
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="max_samples is 201 rows; expected at most 200"):
        HardVotingBagging(TREE, 2, bootstrap=False).fit(X, y, sample_weight=heavy)
    few = np.arange(200) < 40.0
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match="expected at most 40, the rows of a weight above 0"),
    ):
        HardVotingBagging(TREE, 2, bootstrap=False, max_samples=41).fit(X, y, sample_weight=few)
    with pytest.raises(ValueError, match="Negative values"):
        HardVotingBagging(TREE, 2).fit(X, y, sample_weight=-heavy)
    with pytest.raises(ValueError, match="with sample_weight"):
        HardVotingBagging(TREE, 2).fit(X, y, sample_weight=y == 1)


def test_features_are_drawn_with_replacement() -> None:
    """As in scikit-learn's bag: as many as max_features says, some of them twice."""
    X, y = data()
    theirs = BaggingClassifier(Recorder(), 4, bootstrap_features=True, random_state=0).fit(X, y)
    ours = HardVotingBagging(Recorder(), 4, bootstrap_features=True, random_state=0).fit(X, y)
    for bag in (theirs, ours):
        assert all(len(features) == 8 and len(set(features.tolist())) < 8 for features in bag.estimators_features_)
    for member, rows, features in zip(
        ours.estimators_, ours.estimators_samples_, ours.estimators_features_, strict=True
    ):
        np.testing.assert_array_equal(member.seen_, X[rows][:, features])
    boosted = HardVotingBagging(few_trees(), 3, bootstrap_features=True, random_state=0).fit(X[:100], y[:100])
    assert boosted.score(X[:100], y[:100]) > 0.7


@pytest.mark.parametrize(
    "options",
    [
        {"estimator": TREE},
        {"estimator": few_trees(), "max_features": 0.5},
        {"estimator": few_trees(), "augment": RandomAffine(image_shape=(2, 3))},
        {"estimator": TREE, "preprocessor": make_pipeline(RandomTreesEmbedding(3, sparse_output=False))},
    ],
)
def test_a_warm_start_ends_where_a_single_fit_does(options: dict[str, Any]) -> None:
    X, y = data()
    bag = HardVotingBagging(n_estimators=2, warm_start=True, random_state=3, voting="soft", **options).fit(X, y)
    first, preprocessor = list(bag.estimators_), bag.preprocessor_
    told: list[int] = []
    bag.set_params(n_estimators=5).fit(X, y, on_member=told.append)
    assert bag.estimators_[:2] == first and bag.preprocessor_ is preprocessor
    assert told == [3, 4, 5]
    at_once = clone(bag).fit(X, y)
    np.testing.assert_array_equal(bag.predict_proba(X), at_once.predict_proba(X))
    for name in ("estimators_samples_", "estimators_features_"):
        for one, other in zip(getattr(bag, name), getattr(at_once, name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_a_warm_start_refuses() -> None:
    """As scikit-learn's: fewer members, or scores of rows that no member has seen."""
    X, y = data()
    bag = HardVotingBagging(TREE, 3, warm_start=True, random_state=0).fit(X, y)
    votes = bag.votes(X)
    with pytest.warns(UserWarning, match="nothing is trained"):
        bag.fit(X + 1, y)
    np.testing.assert_array_equal(bag.votes(X), votes)
    with pytest.raises(ValueError, match="n_estimators is 2; expected 3 or more"):
        bag.set_params(n_estimators=2).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        bag.set_params(n_estimators=4).fit(X[:, :3], y)
    with pytest.raises(ValueError, match=r"classes \[1 2 3\]; expected those of the first fit, \[0 1 2\]"):
        bag.fit(X, y + 1)
    with pytest.raises(ValueError, match="warm_start=False with oob_score=True"):
        bag.set_params(oob_score=True).fit(X, y)
    scored = HardVotingBagging(TREE, 25, oob_score=True, random_state=0).fit(X, y)
    assert not hasattr(scored.set_params(oob_score=False, warm_start=True, n_estimators=26).fit(X, y), "oob_score_")


def test_a_fit_goes_on_with_what_is_on_the_shelf() -> None:
    X, y = data()
    kept: dict[str, Any] = {}

    class Shelf:
        def get(self, name: str) -> Any:
            return kept.get(name)

        def put(self, name: str, part: Any) -> None:
            kept[name] = part

    bag = HardVotingBagging(TREE, 4, preprocessor=SimpleImputer(), random_state=0).fit(X, y, shelf=Shelf())
    assert list(kept) == ["preprocessor", "member-0", "member-1", "member-2", "member-3"]
    votes = bag.votes(X)
    lost = kept.pop("member-2")
    told: list[int] = []
    again = clone(bag).fit(X, y, shelf=Shelf(), on_member=told.append)
    np.testing.assert_array_equal(again.votes(X), votes)
    assert again.estimators_[0] is bag.estimators_[0] and again.estimators_[2] is not lost
    assert told == [4]


def test_without_bootstrap_all_rows_are_there() -> None:
    X, y = data()
    bag = HardVotingBagging(Recorder(), 2, bootstrap=False, random_state=0).fit(X, y)
    for member in bag.estimators_:
        np.testing.assert_array_equal(member.seen_, X)


def test_a_class_that_a_resample_misses_counts_as_none() -> None:
    X = np.arange(12.0)[:, None]
    y = np.array(["a"] * 6 + ["b"] * 5 + ["rare"])
    bag = HardVotingBagging(TREE, 8, voting="soft", random_state=0).fit(X, y)
    assert any(len(member.classes_) == 2 for member in bag.estimators_)
    probabilities = bag.predict_proba(X)
    assert probabilities.shape == (12, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_out_of_bag(voting: str) -> None:
    X, y = data()
    bag = HardVotingBagging(TREE, 9, voting=voting, oob_score=True, random_state=0)
    with pytest.warns(UserWarning, match="no out-of-bag vote"):
        clone(bag).set_params(n_estimators=2).fit(X, y)
    bag.set_params(n_estimators=25).fit(X, y)
    row = 17
    unseen = [m for m, rows in zip(bag.estimators_, bag.estimators_samples_, strict=True) if row not in rows]
    if voting == "hard":
        expected = np.bincount([int(m.predict(X[[row]])[0]) for m in unseen], minlength=3) / len(unseen)
    else:
        expected = np.mean([m.predict_proba(X[[row]])[0] for m in unseen], axis=0)
    np.testing.assert_allclose(bag.oob_decision_function_[row], expected)
    assert bag.oob_score_ == (bag.oob_decision_function_.argmax(axis=1) == y).mean()
    assert 0.5 < bag.oob_score_ < bag.score(X, y)


@pytest.mark.parametrize("estimator", [TREE, few_trees()])
def test_the_seed_fixes_everything_whatever_the_number_of_jobs(estimator: Any) -> None:
    X, y = data()
    one, two = (HardVotingBagging(estimator, 4, random_state=5, n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    np.testing.assert_array_equal(one.votes(X), two.votes(X))
    other = HardVotingBagging(estimator, 4, random_state=6).fit(X, y)
    assert (other.votes(X) != one.votes(X)).any()


def test_members_report_and_run_on_one_thread() -> None:
    X, y = data()
    done: list[int] = []
    HardVotingBagging(few_trees(n_jobs=7), 4, random_state=0, n_jobs=2).fit(X, y, on_member=done.append)
    assert done == [1, 2, 3, 4]

    bag = HardVotingBagging(KNeighborsClassifier(n_jobs=7), 2, random_state=0).fit(X, y)
    assert [member.n_jobs for member in bag.estimators_] == [1, 1]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"max_samples": 0.0}, "max_samples is 0.0"),
        ({"max_samples": 1.5}, "max_samples is 1.5"),
        ({"max_samples": 0}, "max_samples is 0"),
        ({"max_samples": 201, "bootstrap": False}, "max_samples is 201 rows; expected at most 200"),
        ({"max_features": 9}, "max_features is 9; expected at most 8"),
        ({"resample": "columns"}, "resample is 'columns'"),
        ({"voting": "loud"}, "voting is 'loud'"),
        ({"estimator": KNeighborsClassifier(), "resample": "weights"}, "sample_weight"),
        ({"bootstrap": False, "oob_score": True}, "bootstrap=True"),
    ],
)
def test_wrong_parameters_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HardVotingBagging(**{"estimator": TREE, **options}).fit(*data())


@pytest.mark.parametrize(("name", "value"), [("n_estimators", 2.5), ("max_features", True), ("max_samples", "all")])
def test_parameters_of_a_wrong_type_are_refused(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} is {value!r}; expected an integer"):
        HardVotingBagging(TREE, **{name: value}).fit(*data())


def test_wrong_votes_are_refused() -> None:
    X, y = data()
    with pytest.raises(ValueError, match="estimators is empty"):
        HardVote([]).fit(X, y)
    with pytest.raises(ValueError, match="weights is"):
        HardVote([("a", TREE)], weights=[1, 2]).fit(X, y)
    with pytest.raises(ValueError, match="one class only"):
        HardVotingBagging().fit(X, np.zeros(len(X)))
    with pytest.raises(NotFittedError):
        HardVotingBagging().votes(X)


def test_parameters_of_the_voters_by_name() -> None:
    vote = HardVote([("tree", DecisionTreeClassifier()), ("bag", HardVotingBagging(TREE))])
    vote.set_params(tree__max_depth=2, bag__estimator__max_depth=1, bag__n_estimators=3)
    fitted = vote.fit(*data())
    assert fitted.estimators_[0].get_depth() == 2
    assert [member.get_depth() for member in fitted.estimators_[1].estimators_] == [1, 1, 1]
