"""Bagging with a vote: members on resampled rows, the class predicted most often instead of the mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import has_fit_parameter

from ._randomness import SEED_LIMIT, generator_of, seed_estimator
from ._threads import limit_jobs, one_thread
from .augmentation import Augmentation
from .boosting import BinnedFeatures, BoosterMember, booster_parameters
from .voting import Codes, Shares, Voter, check_voting, count_votes, spread

__all__ = ["HardVotingBagging"]

RESAMPLES = ("rows", "weights")
# A resample of one class teaches nothing and many classifiers refuse it; it is drawn again.
_MAX_DRAWS = 100
# Workers lost one after the other, with no member done in between, before it is the task that kills them.
_MAX_LOSSES = 3


@dataclass(frozen=True)
class _Draw:
    """What a member is trained on, and the seed of all else it draws."""

    rows: NDArray[np.intp]
    features: NDArray[np.intp] | None
    seed: int


class HardVotingBagging(MetaEstimatorMixin, Voter):  # type: ignore[misc]
    """A bag of one kind of classifier that votes (Breiman, Bagging Predictors, 1996, in its original form).

    Each member is trained on rows drawn with replacement. A member has one vote, the class with most votes wins, a tie
    goes to the lowest class. scikit-learn's BaggingClassifier averages probabilities instead; that is
    ``voting="soft"``.

    With an LGBMClassifier the features are sorted into bins once and the bins are shared by all members; an
    augmentation then enlarges the training set once, and a member gets the new rows of those it drew.

    Members are trained by joblib, each on one thread, so on one machine or, under ``joblib.parallel_config(backend=
    "dask")``, on a cluster.

    Args:
        estimator: the classifier to bag; None for a decision tree.
        n_estimators: how many members.
        max_samples: rows a member draws: a number, or a part of 1 of all rows.
        max_features: columns a member draws, without replacement: a number, or a part of 1 of all columns.
        resample: "rows" trains on the rows drawn, repeated as often as drawn; "weights" on all rows, each with the
            number of times it was drawn as its weight.
        augment: an `Augmentation`, applied to what a member drew and to nothing else.
        preprocessor: a transformer for all rows, after any augmentation and before the members, such as
            `ChannelSplitter`: fitted once on X, it spares doing the same for each member.
        bootstrap: whether rows are drawn with replacement. With False and max_samples=1.0 all members see the same rows
            and differ in their own randomness only, as networks do.
        voting: "hard" or "soft".
        oob_score: measure the accuracy on the rows that members have not seen.
        n_jobs: members trained at the same time, as in joblib.
        random_state: fixes what is drawn, and the members' own randomness.

    Attributes:
        classes_: the labels. estimators_: the fitted members; their labels are the numbers of the classes.
        estimators_features_: the columns of each member (of what the preprocessor gives), or None for all.
        estimators_samples_: the rows each member drew, ascending.
        oob_score_: accuracy over the rows that some member has not seen.
        oob_decision_function_: their vote shares or mean probabilities (N, K); NaN where every member saw the row.
    """

    estimators_: list[Any]
    estimators_features_: list[NDArray[np.intp] | None]
    estimators_samples_: list[NDArray[np.intp]]
    preprocessor_: Any

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 10,
        *,
        max_samples: float = 1.0,
        max_features: float = 1.0,
        resample: str = "rows",
        augment: Augmentation | None = None,
        preprocessor: Any = None,
        bootstrap: bool = True,
        voting: str = "hard",
        oob_score: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.resample = resample
        self.augment = augment
        self.preprocessor = preprocessor
        self.bootstrap = bootstrap
        self.voting = voting
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ---- training ----

    def fit(self, X: Any, y: Any, *, on_member: Callable[[int], None] | None = None) -> HardVotingBagging:
        """Train the members on X (N, F) and y (N,).

        Args:
            X: the rows. y: their labels.
            on_member: called with the number of members that are done, after each, where joblib's backend tells.

        Raises:
            ValueError: a parameter out of range, one class only, or weights wanted of an estimator that takes none.
        """
        check_voting(self.voting)
        if self.resample not in RESAMPLES:
            raise ValueError(f'resample is {self.resample!r}; expected "rows" or "weights"')
        count = self.n_estimators
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"n_estimators is {count!r}; expected an integer of 1 or more")
        estimator = DecisionTreeClassifier() if self.estimator is None else self.estimator
        if self.resample == "weights" and not has_fit_parameter(estimator, "sample_weight"):
            raise ValueError(
                f'resample="weights" needs an estimator whose fit takes sample_weight; {type(estimator).__name__} '
                'does not, use resample="rows"'
            )
        X, y = self._checked_for_fit(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only ({self.classes_[0]!r}); a classifier needs two or more")
        if not self.bootstrap and self.oob_score:
            raise ValueError("oob_score=True needs bootstrap=True: without it there may be no rows left out")
        rng = generator_of(self.random_state)
        self.preprocessor_ = None if self.preprocessor is None else clone(self.preprocessor)
        n_columns = X.shape[1]
        if self.preprocessor_ is not None:
            seed_estimator(self.preprocessor_, rng).fit(X)
            n_columns = self._prepared(X[:1]).shape[1]
        draws = [self._draw(codes, n_columns, rng) for _ in range(self.n_estimators)]
        self.estimators_samples_ = [draw.rows for draw in draws]
        self.estimators_features_ = [draw.features for draw in draws]
        self.estimators_ = self._train(estimator, X, codes, draws, rng, on_member)
        if self.oob_score:
            self._score_out_of_bag(X, codes)
        return self

    def _draw(self, codes: Codes, n_features: int, rng: np.random.Generator) -> _Draw:
        n = len(codes)
        size = amount("max_samples", self.max_samples, n)
        for _ in range(_MAX_DRAWS):
            rows = np.sort(rng.integers(n, size=size) if self.bootstrap else rng.permutation(n)[:size])
            if np.ptp(codes[rows]) > 0:
                break
        else:
            raise ValueError(
                f"max_samples={self.max_samples!r}: {_MAX_DRAWS} resamples of {size} rows all held one class only; "
                "draw more rows"
            )
        wanted = amount("max_features", self.max_features, n_features)
        features = None if wanted == n_features else np.sort(rng.choice(n_features, wanted, replace=False))
        return _Draw(rows, features, int(rng.integers(SEED_LIMIT)))

    def _train(
        self,
        estimator: Any,
        X: NDArray[Any],
        codes: Codes,
        draws: list[_Draw],
        rng: np.random.Generator,
        on_member: Callable[[int], None] | None,
    ) -> list[Any]:
        n_classes = len(self.classes_)
        parameters = booster_parameters(estimator, n_classes)
        if parameters is not None and self.estimators_features_[0] is None:
            origins = np.arange(len(X))
            if self.augment is not None:
                X, codes, origins = self.augment.enlarge(X, codes, rng)
            binned = BinnedFeatures(self._prepared(X), codes, {**parameters, "num_threads": 1})
            # num_threads also goes by other names, of which LightGBM would take one.
            for name in ("n_jobs", "nthread", "nthreads", "num_thread"):
                binned.parameters.pop(name, None)
            rounds = int(estimator.get_params()["n_estimators"])
            weighted = self.resample == "weights"
            tasks = [delayed(_train_booster)(binned, draw, origins, weighted, rounds, n_classes) for draw in draws]
            return self._run(tasks, "threads", on_member)
        tasks = [
            delayed(_train_member)(
                estimator, X, codes, draw, self.augment, self.preprocessor_, self.resample == "weights"
            )
            for draw in draws
        ]
        return self._run(tasks, "threads" if releases_gil(estimator) else None, on_member)

    def _run(self, tasks: list[Any], prefer: str | None, on_member: Callable[[int], None] | None = None) -> list[Any]:
        """The results of the tasks in order, by joblib.

        When a worker of a cluster dies, the data it held for others is lost and joblib gives up. What is still missing
        is then handed out again, with the data.
        """
        results: list[Any] = []
        losses = 0
        while len(results) < len(tasks):
            had = len(results)
            try:
                for result in _in_parallel(tasks[had:], self.n_jobs, prefer):
                    results.append(result)
                    if on_member is not None:
                        on_member(len(results))
            except Exception as error:
                losses = losses + 1 if len(results) == had else 1
                if not _is_lost_worker(error) or losses > _MAX_LOSSES:
                    raise
        return results

    # ---- use ----

    def _allows_nan(self) -> bool:
        return self.estimator is None or bool(get_tags(self.estimator).input_tags.allow_nan)

    def _member_votes(self, X: Any) -> Codes:
        return np.stack(self._each(_votes_of, X), axis=1)

    def _member_probabilities(self, X: Any) -> Shares:
        return np.asarray(np.mean(self._each(_probabilities_of, X), axis=0))

    def _prepared(self, X: Any) -> Any:
        return X if self.preprocessor_ is None else self.preprocessor_.transform(X)

    def _each(self, function: Callable[..., Any], X: Any) -> list[Any]:
        """A function of every member and its columns of X."""
        X = self._prepared(X)
        tasks = [
            delayed(function)(member, X if features is None else X[:, features], len(self.classes_))
            for member, features in zip(self.estimators_, self.estimators_features_, strict=True)
        ]
        native = all(isinstance(member, BoosterMember) or releases_gil(member) for member in self.estimators_)
        return self._run(tasks, "threads" if native else None)

    def _score_out_of_bag(self, X: NDArray[Any], codes: Codes) -> None:
        seen = np.zeros((len(X), len(self.estimators_)), np.bool_)
        for member, rows in enumerate(self.estimators_samples_):
            seen[rows, member] = True
        if self.voting == "hard":
            totals = count_votes(np.where(seen, -1, self._member_votes(X)), len(self.classes_))
        else:
            each = np.stack(self._each(_probabilities_of, X), axis=1)
            totals = np.where(seen[:, :, np.newaxis], 0.0, each).sum(axis=1)
        judged = ~seen.all(axis=1)
        if not judged.all():
            warnings.warn(
                f"{np.count_nonzero(~judged)} rows were drawn by every member and have no out-of-bag vote; "
                "more members give all rows one",
                stacklevel=3,
            )
        with np.errstate(invalid="ignore"):
            self.oob_decision_function_ = totals / totals.sum(axis=1, keepdims=True)
        right = totals[judged].argmax(axis=1) == codes[judged]
        self.oob_score_ = float(right.mean()) if right.size else float("nan")


def _in_parallel(tasks: list[Any], n_jobs: int | None, prefer: str | None) -> Iterator[Any]:
    try:
        one_by_one = Parallel(n_jobs=n_jobs, prefer=prefer, return_as="generator")
    except ValueError:  # the backend gives results all at once
        yield from Parallel(n_jobs=n_jobs, prefer=prefer)(tasks)
    else:
        yield from one_by_one(tasks)


def _is_lost_worker(error: BaseException) -> bool:
    """Whether Dask or Ray says that a worker, or what it held, is gone."""
    return isinstance(error, CancelledError) or type(error).__module__.partition(".")[0] in ("distributed", "ray")


def amount(name: str, value: Any, of: int) -> int:
    """How many of `of` a number, or a part of 1, means. ValueError out of range."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if 1 <= value and (value <= of or name == "max_samples"):
            return int(value)
    elif isinstance(value, float | np.floating) and 0 < value <= 1:
        return max(int(value * of), 1)
    raise ValueError(f"{name} is {value!r}; expected an integer of 1 or more, or a float above 0 and up to 1 (of {of})")


def releases_gil(estimator: Any) -> bool:
    """Whether threads of one process train it side by side: day33's own classifiers, and LightGBM's."""
    package = type(estimator).__module__.partition(".")[0]
    steps = getattr(estimator, "steps", None)
    if package == "sklearn" and steps:
        return releases_gil(steps[-1][1])
    return package in ("day33", "lightgbm")


# ---- what runs in a worker ----


def _train_booster(
    binned: BinnedFeatures, draw: _Draw, origins: NDArray[np.intp], weighted: bool, rounds: int, n_classes: int
) -> BoosterMember:
    times = np.bincount(draw.rows, minlength=int(origins.max()) + 1)[origins]
    rows = np.flatnonzero(times) if weighted else np.repeat(np.arange(len(origins)), times)
    weights = times[rows] if weighted else None
    return BoosterMember(binned.train(rows, weights, rounds, {"random_state": draw.seed}), n_classes)


def _train_member(
    estimator: Any,
    X: NDArray[Any],
    codes: Codes,
    draw: _Draw,
    augment: Augmentation | None,
    preprocessor: Any,
    weighted: bool,
) -> Any:
    rng = np.random.default_rng(draw.seed)
    member = limit_jobs(seed_estimator(clone(estimator), rng))
    options = {}
    if weighted:
        times = np.bincount(draw.rows, minlength=len(X))
        if augment is not None:
            X, codes, origins = augment.enlarge(X, codes, rng)
            times = times[origins]
        options["sample_weight"] = times.astype(np.float64)
    else:
        X, codes = X[draw.rows], codes[draw.rows]
        if augment is not None:
            X, codes, _ = augment.enlarge(X, codes, rng)
    if preprocessor is not None:
        X = preprocessor.transform(X)
    if draw.features is not None:
        X = X[:, draw.features]
    with one_thread():
        return member.fit(X, codes, **options)


def _votes_of(member: Any, X: NDArray[Any], n_classes: int) -> Codes:
    with one_thread():
        return np.asarray(member.predict(X), np.intp)


def _probabilities_of(member: Any, X: NDArray[Any], n_classes: int) -> Shares:
    with one_thread():
        return spread(member.predict_proba(X), member.classes_, n_classes)
