"""The vote: each member names a class, the class named most often wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["HardVote", "Voter", "count_votes"]

Codes = NDArray[np.intp]
Shares = NDArray[np.float64]

VOTINGS = ("hard", "soft")


def count_votes(votes: Codes, n_classes: int, weights: Sequence[float] | NDArray[np.float64] | None = None) -> Shares:
    """How many votes each class got: votes (N, M) of class numbers, weights (M,) or None, to counts (N, K).

    A negative number is an abstention. ``counts.argmax(axis=1)`` gives a tie to the lowest class, as scikit-learn's
    VotingClassifier does.
    """
    n, members = votes.shape
    counts = np.zeros((n, n_classes))
    each = np.ones(members) if weights is None else np.asarray(weights, np.float64)
    for member in range(members):
        present = np.flatnonzero(votes[:, member] >= 0)
        counts[present, votes[present, member]] += each[member]
    return counts


def check_voting(voting: str) -> None:
    """ValueError unless it is "hard" or "soft"."""
    if voting not in VOTINGS:
        raise ValueError(f'voting is {voting!r}; expected "hard" or "soft"')


def spread(values: NDArray[Any], classes: NDArray[Any], n_classes: int) -> Shares:
    """Probabilities (N, k) of a member that knows the class numbers `classes` only, over all classes (N, K)."""
    codes = np.asarray(classes, np.intp)
    if len(codes) == n_classes:
        return np.asarray(values, np.float64)
    wide = np.zeros((len(values), n_classes))
    wide[:, codes] = values
    return wide


class Voter(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What classifiers that count votes share. Subclasses set `classes_` and `voting` and say what members think.

    `_member_votes(X)` gives class numbers (N, M), `_member_probabilities(X)` the mean of the members' (N, K).
    """

    classes_: NDArray[Any]
    voting: str

    def votes(self, X: Any) -> Codes:
        """What each member votes for: numbers of classes in `classes_`, (N, M)."""
        check_is_fitted(self)
        return self._member_votes(self._checked(X))

    def mean_probabilities(self, X: Any) -> Shares:
        """The mean of the members' probabilities (N, K), whatever the voting."""
        check_is_fitted(self)
        return self._member_probabilities(self._checked(X))

    def predict_proba(self, X: Any) -> Shares:
        """Hard: the shares of the votes (N, K). Soft: the mean of the members' probabilities (N, K)."""
        check_is_fitted(self)
        X = self._checked(X)
        if self.voting == "soft":
            return self._member_probabilities(X)
        counts = count_votes(self._member_votes(X), len(self.classes_), self._weights())
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with most votes, or with the highest mean probability (N,); the lowest of several."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _checked(self, X: Any) -> Any:
        return validate_data(self, X, reset=False, dtype="numeric", ensure_all_finite=self._finiteness())

    def _checked_for_fit(self, X: Any, y: Any) -> Any:
        return validate_data(self, X, y, dtype="numeric", ensure_all_finite=self._finiteness())

    def _finiteness(self) -> Any:
        return "allow-nan" if self._allows_nan() else True

    def _allows_nan(self) -> bool:
        raise TypeError(f"{type(self).__name__} does not define whether its members take NaN")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allows_nan()
        return tags

    def _member_votes(self, X: Any) -> Codes:
        raise TypeError(f"{type(self).__name__} does not define how its members vote")

    def _member_probabilities(self, X: Any) -> Shares:
        raise TypeError(f"{type(self).__name__} does not define its members' probabilities")

    def _weights(self) -> Sequence[float] | None:
        return None


class HardVote(Voter, _BaseComposition):  # type: ignore[misc]
    """Members of different kinds, fitted on the same rows; the class named most often wins.

    As scikit-learn's VotingClassifier(voting="hard"), with vote shares as probabilities. (Its Stacking is the way to
    learn how far to trust whom.)

    Args:
        estimators: list of (name, classifier).
        voting: "hard" counts votes; "soft" averages probabilities.
        weights: how much each one's vote counts; None for equally.

    Attributes:
        classes_: the labels. estimators_: the fitted classifiers, in order.
    """

    def __init__(
        self, estimators: list[tuple[str, Any]], *, voting: str = "hard", weights: Sequence[float] | None = None
    ) -> None:
        self.estimators = estimators
        self.voting = voting
        self.weights = weights

    @classmethod
    def of_fitted(
        cls,
        estimators: list[tuple[str, Any]],
        classes: Any,
        *,
        voting: str = "hard",
        weights: Sequence[float] | None = None,
    ) -> HardVote:
        """A vote of classifiers that are fitted already, to the numbers of `classes` as their labels."""
        vote = cls(estimators, voting=voting, weights=weights)
        vote._check_parameters()
        vote.classes_ = np.asarray(classes)
        vote.estimators_ = [estimator for _, estimator in estimators]
        vote.n_features_in_ = vote.estimators_[0].n_features_in_
        return vote

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, with those of the estimators by their names."""
        return dict(self._get_params("estimators", deep=deep))

    def set_params(self, **params: Any) -> HardVote:
        """Set parameters; an estimator by its name, one of its parameters by ``name__parameter``."""
        self._set_params("estimators", **params)
        return self

    def fit(self, X: Any, y: Any) -> HardVote:
        """Fit every estimator on X (N, F) and y (N,). ValueError for no estimators, wrong weights or labels."""
        self._check_parameters()
        X, y = self._checked_for_fit(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.estimators_ = [clone(estimator).fit(X, codes) for _, estimator in self.estimators]
        return self

    def _allows_nan(self) -> bool:
        return bool(self.estimators) and all(
            get_tags(estimator).input_tags.allow_nan for _, estimator in self.estimators
        )

    def _check_parameters(self) -> None:
        check_voting(self.voting)
        if not self.estimators:
            raise ValueError("estimators is empty; expected a list of (name, classifier)")
        self._validate_names([name for name, _ in self.estimators])
        if self.weights is not None and (
            len(self.weights) != len(self.estimators) or min(self.weights) < 0 or not sum(self.weights) > 0
        ):
            raise ValueError(
                f"weights is {self.weights!r}; expected {len(self.estimators)} numbers that are not negative nor all 0"
            )

    def _member_votes(self, X: Any) -> Codes:
        # The classes of the members are class numbers of ours.
        return np.stack([np.asarray(member.predict(X), np.intp) for member in self.estimators_], axis=1)

    def _member_probabilities(self, X: Any) -> Shares:
        each = [spread(m.predict_proba(X), m.classes_, len(self.classes_)) for m in self.estimators_]
        return np.asarray(np.average(each, axis=0, weights=self.weights))

    def _weights(self) -> Sequence[float] | None:
        return self.weights
