"""The bag: scikit-learn's contract, the vote against scikit-learn's, and resamples that leak nothing."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from day33.ensemble import ChannelSplitter, HardVote, HardVotingBagging, HorizontalFlip
from day33.ensemble.voting import count_votes

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)


def few_trees(**options: Any) -> LGBMClassifier:
    return LGBMClassifier(**{"n_estimators": 4, "min_child_samples": 2, "verbosity": -1, **options})


def data(n: int = 200, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=classes, n_clusters_per_class=1, class_sep=0.7, random_state=seed
    )
    return X.astype(np.float32), y


def check_id(value: Any) -> str | None:
    return type(value).__name__ if isinstance(value, BaseEstimator) else None


@parametrize_with_checks(
    [
        HardVotingBagging(n_estimators=3, random_state=0),
        HardVotingBagging(few_trees(), n_estimators=3, resample="weights", voting="soft", random_state=0),
        HardVote([("tree", TREE), ("bayes", GaussianNB())]),
        ChannelSplitter(),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_the_contract_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


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
        ({"n_estimators": 2.5}, "n_estimators is 2.5"),
        ({"max_samples": 0.0}, "max_samples is 0.0"),
        ({"max_samples": 1.5}, "max_samples is 1.5"),
        ({"max_features": 9}, "max_features is 9"),
        ({"max_features": True}, "max_features is True"),
        ({"resample": "columns"}, "resample is 'columns'"),
        ({"voting": "loud"}, "voting is 'loud'"),
        ({"estimator": KNeighborsClassifier(), "resample": "weights"}, "sample_weight"),
        ({"bootstrap": False, "oob_score": True}, "bootstrap=True"),
    ],
)
def test_wrong_parameters_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HardVotingBagging(**{"estimator": TREE, **options}).fit(*data())


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
