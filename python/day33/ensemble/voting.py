"""The vote: each member names a class, the class named most often wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import VotingClassifier
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._core.arrays import refuse_masked
from ._threads import limit_jobs, one_thread, releases_gil

__all__ = ["VOTINGS", "Codes", "HardVote", "Shares", "Voter", "check_voting", "count_votes", "spread"]

Codes = NDArray[np.intp]
Shares = NDArray[np.float64]

VOTINGS = ("hard", "soft")
_DROPPED = "drop"


def count_votes(votes: Codes, n_classes: int, weights: Sequence[float] | NDArray[np.float64] | None = None) -> Shares:
    """How many votes each class got.

    ``counts.argmax(axis=1)`` gives a tie to the lowest class, as scikit-learn's VotingClassifier does.

    Args:
        votes: class numbers (N, M), intp; a negative number is an abstention.
        n_classes: the number of classes K.
        weights: how much the vote of each member counts (M,), or None for 1 each.

    Returns:
        The counts (N, K), float64.
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
    """What classifiers that count votes share. Subclasses set `classes_` and `voting` and say how members vote.

    `_member_votes(X)` gives class numbers (N, M), `_member_probabilities(X)` probabilities (M, N, K).
    """

    classes_: NDArray[Any]
    voting: str

    def votes(self, X: Any) -> Codes:
        """What each member votes for.

        Args:
            X: rows (N, F).

        Returns:
            Numbers of classes in `classes_` (N, M), intp.
        """
        check_is_fitted(self)
        return self._member_votes(self._checked(X))

    def member_probabilities(self, X: Any) -> Shares:
        """The probabilities that each member gives.

        Args:
            X: rows (N, F).

        Returns:
            (N, M, K), float64: for each row and member one probability per class in `classes_`.

        Raises:
            AttributeError: a member has no ``predict_proba``.
        """
        check_is_fitted(self)
        return np.moveaxis(self._member_probabilities(self._checked(X)), 0, 1)

    def mean_probabilities(self, X: Any) -> Shares:
        """The mean of the members' probabilities (N, K), whatever the voting, for rows (N, F)."""
        check_is_fitted(self)
        return np.asarray(np.average(self._member_probabilities(self._checked(X)), axis=0, weights=self._weights()))

    def predict_proba(self, X: Any) -> Shares:
        """Hard: the shares of the votes. Soft: the mean of the members' probabilities.

        Args:
            X: rows (N, F).

        Returns:
            (N, K), float64; each row sums to 1.
        """
        if self.voting == "soft":
            return self.mean_probabilities(X)
        counts = count_votes(self.votes(X), len(self.classes_), self._weights())
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def predict_log_proba(self, X: Any) -> Shares:
        """The logarithm of `predict_proba` (N, K) for rows (N, F); -inf for a class that nobody votes for."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with most votes, or with the highest mean probability (N,) for rows (N, F); the lowest of several.

        TypeError for a masked array; ValueError where a member refuses X.
        """
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _checked(self, X: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define how rows are checked")

    def _member_votes(self, X: Any) -> Codes:
        raise TypeError(f"{type(self).__name__} does not define how its members vote")

    def _member_probabilities(self, X: Any) -> Shares:
        raise TypeError(f"{type(self).__name__} does not define its members' probabilities")

    def _weights(self) -> Sequence[float] | None:
        return None


class HardVote(Voter, VotingClassifier):  # type: ignore[misc]
    """Members of different kinds, fitted on the same rows; the class named most often wins.

    scikit-learn's VotingClassifier, with vote shares as probabilities where voting is hard, and with day33's members
    on one thread each while several are fitted at a time. (Stacking is scikit-learn's way to learn how much each
    member counts.) X goes to the members as it is: data frames, strings and NaN are theirs to take or to refuse.

    Args:
        estimators: list of (name, classifier); "drop" in place of a classifier leaves it out.
        voting: "hard" counts votes; "soft" averages probabilities.
        weights: how much each one's vote counts, dropped ones included; None for equally.
        n_jobs: members fitted at a time, as in joblib.
        flatten_transform: whether `transform` with soft voting gives a matrix (N, M * K) rather than (M, N, K).

    Attributes:
        classes_: the labels (K,). estimators_: the fitted classifiers, in order, without dropped ones; their labels are
            the numbers of the classes. named_estimators_: the same by name, with "drop" where one is dropped.
        n_features_in_: columns, where the first classifier says how many it takes.
    """

    def __init__(
        self,
        estimators: list[tuple[str, Any]],
        *,
        voting: str = "hard",
        weights: Sequence[float] | None = None,
        n_jobs: int | None = None,
        flatten_transform: bool = True,
    ) -> None:
        super().__init__(estimators, voting=voting, weights=weights, n_jobs=n_jobs, flatten_transform=flatten_transform)

    @classmethod
    def of_fitted(
        cls,
        estimators: list[tuple[str, Any]],
        classes: Any,
        *,
        voting: str = "hard",
        weights: Sequence[float] | None = None,
    ) -> HardVote:
        """A vote of classifiers that are fitted already.

        Args:
            estimators: list of (name, classifier), fitted to the numbers of `classes` as their labels.
            classes: the labels (K,), ascending.
            voting, weights: as of the class.

        Raises:
            ValueError: no estimators, a name that is there twice, or wrong weights.
        """
        vote = cls(estimators, voting=voting, weights=weights)
        vote._check_parameters()
        vote._set_fitted(LabelEncoder().fit(classes), [estimator for _, estimator in estimators])
        return vote

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HardVote:
        """Fit every estimator.

        Args:
            X: rows (N, F), of whatever kind the estimators take.
            y: labels (N,).
            sample_weight: weights of the rows (N,), for estimators that all take them; None for none.

        Raises:
            TypeError: X or y is a masked array, or weights are given and an estimator takes none.
            ValueError: no estimators, a name that is there twice, wrong weights, or labels that are not (N,).
        """
        for name, value in (("X", X), ("y", y)):
            refuse_masked(name, value)
        self._check_parameters()
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        encoder = LabelEncoder().fit(y)
        codes = encoder.transform(y)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        kept = [estimator for _, estimator in self.estimators if _is_kept(estimator)]
        alone = effective_n_jobs(self.n_jobs) == 1
        prefer = "threads" if all(map(releases_gil, kept)) else None
        tasks = [delayed(_fit_member)(clone(estimator), X, codes, weights, alone) for estimator in kept]
        self._set_fitted(encoder, Parallel(n_jobs=self.n_jobs, prefer=prefer)(tasks))
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """What each member says, as features for another estimator.

        Args:
            X: rows (N, F).

        Returns:
            Hard: the members' votes (N, M), as class numbers. Soft: their probabilities (N, M * K), or (M, N, K)
            without `flatten_transform`.

        Raises:
            TypeError: X is a masked array.
        """
        return np.asarray(super().transform(self._checked(X)))

    def _set_fitted(self, encoder: LabelEncoder, fitted: list[Any]) -> None:
        self.le_, self.classes_, self.estimators_ = encoder, encoder.classes_, fitted
        others = iter(fitted)
        self.named_estimators_ = Bunch(
            **{name: next(others) if _is_kept(estimator) else estimator for name, estimator in self.estimators}
        )
        for member in fitted:
            if hasattr(member, "feature_names_in_"):
                self.feature_names_in_ = member.feature_names_in_

    def _check_parameters(self) -> None:
        check_voting(self.voting)
        if not self.estimators:
            raise ValueError("estimators is empty; expected a list of (name, classifier)")
        self._validate_estimators()
        if self.weights is None:
            return
        weights = np.asarray(self.weights, np.float64)
        if weights.shape != (len(self.estimators),):
            raise ValueError(f"weights is {self.weights!r}; expected {len(self.estimators)} numbers")
        counted = np.asarray(self._weights(), np.float64)
        if not np.isfinite(weights).all() or weights.min() < 0 or counted.sum() == 0:
            raise ValueError(f"weights is {self.weights!r}; expected numbers that are not negative nor all 0")

    def _checked(self, X: Any) -> Any:
        refuse_masked("X", X)
        return X

    def _member_votes(self, X: Any) -> Codes:
        # The classes of the members are class numbers of ours.
        return np.stack([np.asarray(member.predict(X), np.intp) for member in self.estimators_], axis=1)

    def _member_probabilities(self, X: Any) -> Shares:
        return np.stack([spread(m.predict_proba(X), m.classes_, len(self.classes_)) for m in self.estimators_])

    def _weights(self) -> Sequence[float] | None:
        if self.weights is None:
            return None
        return [w for (_, estimator), w in zip(self.estimators, self.weights, strict=True) if _is_kept(estimator)]


def _is_kept(estimator: Any) -> bool:
    return not (isinstance(estimator, str) and estimator == _DROPPED)


def _fit_member(member: Any, X: Any, codes: Codes, weights: dict[str, Any], alone: bool) -> Any:
    if alone:
        return member.fit(X, codes, **weights)
    with one_thread():
        return limit_jobs(member).fit(X, codes, **weights)
