"""Bagging with a vote: members on resampled rows, the class predicted most often instead of the mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any, Protocol

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, has_fit_parameter

from .._core.arrays import as_int
from ..sklearn.inputs import validated
from ..sklearn.randomness import generator_of, seed_estimator
from ._threads import limit_jobs, one_thread, releases_gil
from .augmentation import Augmentation
from .boosting import BinnedFeatures, BoosterMember, booster_parameters
from .resampling import Draw, Resampler
from .voting import Codes, Shares, Voter, check_voting, count_votes, spread

__all__ = ["RESAMPLES", "HardVotingBagging", "Shelf"]

RESAMPLES = ("rows", "weights")
# Workers lost one after the other, with no member done in between, before it is the task that kills them.
_MAX_LOSSES = 3


class Shelf(Protocol):
    """Where a `fit` puts what it has finished, so that another `fit` of the same bag on the same rows goes on there."""

    def get(self, name: str) -> Any:
        """The fitted part of that name, or None."""

    def put(self, name: str, part: Any) -> None:
        """Keep a fitted part."""


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
        max_samples: rows a member draws: a number, or a part of 1 of all rows (with sample weights, of their sum);
            None for as many as there are.
        max_features: columns a member draws: a number, or a part of 1 of all columns.
        resample: "rows" trains on the rows drawn, repeated as often as drawn; "weights" on all rows, each with the
            number of times it was drawn as its weight.
        augment: an `Augmentation`, applied to what a member drew and to nothing else.
        preprocessor: a transformer for all rows, after any augmentation and before the members, such as
            `ChannelSplitter`: fitted once on X, it spares doing the same for each member.
        bootstrap: whether rows are drawn with replacement. With False and all rows drawn, members see the same rows
            and differ in their own randomness only, as networks do.
        bootstrap_features: whether columns are drawn with replacement.
        voting: "hard" or "soft".
        oob_score: measure the accuracy on the rows that members have not seen.
        warm_start: whether another `fit` keeps the members that are there and adds those up to `n_estimators`. With a
            number as `random_state` these are the members that a single `fit` would have made.
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
        max_samples: float | None = 1.0,
        max_features: float = 1.0,
        resample: str = "rows",
        augment: Augmentation | None = None,
        preprocessor: Any = None,
        bootstrap: bool = True,
        bootstrap_features: bool = False,
        voting: str = "hard",
        oob_score: bool = False,
        warm_start: bool = False,
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
        self.bootstrap_features = bootstrap_features
        self.voting = voting
        self.oob_score = oob_score
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ---- training ----

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        on_member: Callable[[int], None] | None = None,
        shelf: Shelf | None = None,
    ) -> HardVotingBagging:
        """Train the members.

        Args:
            X: rows (N, F), of whatever kind the members (or the preprocessor) take.
            y: labels (N,).
            sample_weight: how likely each row is to be drawn (N,), in proportion; None for all alike.
            on_member: called with the number of members that are done, after each, where joblib's backend tells.
            shelf: gets the preprocessor and each member when it is done; those it has already are not trained again.

        Raises:
            TypeError: X or y is a masked array, or a parameter has a wrong type.
            ValueError: a parameter or weight out of range, one class only, or weights wanted of an estimator that
                takes none.
        """
        estimator = self._base()
        count = self._check_parameters(estimator)
        had = len(self.estimators_) if self.warm_start and hasattr(self, "estimators_") else 0
        # What the members refuse is theirs to say, as in scikit-learn's BaggingClassifier.
        X, y = validated(self, X, y, reset=not had, dtype=None, ensure_all_finite=False)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y holds one class only ({classes[0]!r}); a classifier needs two or more")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            if not self.bootstrap:
                warnings.warn("bootstrap is False; expected True with sample_weight", stacklevel=2)
        if had:
            if not np.array_equal(classes, self.classes_):
                raise ValueError(f"y holds the classes {classes}; expected those of the first fit, {self.classes_}")
            if count < had:
                raise ValueError(f"n_estimators is {count}; expected {had} or more, the members that are there")
            if count == had:
                warnings.warn(f"n_estimators is {count}, as many as there are: nothing is trained", stacklevel=2)
                return self
        else:
            self.estimators_, self.estimators_samples_, self.estimators_features_ = [], [], []
        self.classes_ = classes
        for name in ("oob_score_", "oob_decision_function_"):
            self.__dict__.pop(name, None)  # of another fit
        self._train(estimator, X, codes, sample_weight, on_member, shelf or _Nowhere())
        if self.oob_score:
            self._score_out_of_bag(X, codes)
        return self

    def _base(self) -> Any:
        return DecisionTreeClassifier() if self.estimator is None else self.estimator

    def _check_parameters(self, estimator: Any) -> int:
        check_voting(self.voting)
        if self.resample not in RESAMPLES:
            raise ValueError(f'resample is {self.resample!r}; expected "rows" or "weights"')
        if self.resample == "weights" and not has_fit_parameter(estimator, "sample_weight"):
            raise ValueError(
                f'resample is "weights", but {type(estimator).__name__}.fit takes no sample_weight; expected "rows"'
            )
        if self.oob_score and (self.warm_start or not self.bootstrap):
            wrong = "warm_start is True; expected warm_start=False"
            if not self.bootstrap:
                wrong = "bootstrap is False; expected bootstrap=True"
            raise ValueError(f"{wrong} with oob_score=True")
        return as_int("n_estimators", self.n_estimators, 1)

    def _train(
        self,
        estimator: Any,
        X: NDArray[Any],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        on_member: Callable[[int], None] | None,
        shelf: Shelf,
    ) -> None:
        """Adds the members that are missing to `estimators_`."""
        rng = generator_of(self.random_state)
        had = len(self.estimators_)
        self._fit_preprocessor(X, rng, shelf, refit=had == 0)
        n_columns = X.shape[1] if self.preprocessor_ is None else self._prepared(X[:1]).shape[1]
        # All draws, so that those of the members to come are what they would have been without the others.
        resampler = Resampler(self.max_samples, self.max_features, self.bootstrap, self.bootstrap_features)
        draws = resampler.draws(codes, n_columns, weights, self.n_estimators, rng)[had:]
        names = [f"member-{had + number}" for number in range(len(draws))]
        members = [shelf.get(name) for name in names]
        missing = [number for number, member in enumerate(members) if member is None]
        present = self.n_estimators - len(missing)
        if missing:
            tasks, prefer = self._tasks(estimator, X, codes, [draws[number] for number in missing], rng)
            trained = zip(missing, self._results(tasks, prefer), strict=True)
            for done, (number, member) in enumerate(trained, present + 1):
                members[number] = member
                shelf.put(names[number], member)
                if on_member is not None:
                    on_member(done)
        self.estimators_ += members
        self.estimators_samples_ += [draw.rows for draw in draws]
        self.estimators_features_ += [draw.features for draw in draws]

    def _fit_preprocessor(self, X: NDArray[Any], rng: np.random.Generator, shelf: Shelf, *, refit: bool) -> None:
        if self.preprocessor is None:
            self.preprocessor_ = None
            return
        fresh = seed_estimator(clone(self.preprocessor), rng)  # draws, whether it is fitted or not
        if refit:
            self.preprocessor_ = shelf.get("preprocessor")
            if self.preprocessor_ is None:
                self.preprocessor_ = fresh.fit(X)
                shelf.put("preprocessor", self.preprocessor_)

    def _tasks(
        self, estimator: Any, X: NDArray[Any], codes: Codes, draws: list[Draw], rng: np.random.Generator
    ) -> tuple[list[Any], str | None]:
        """A joblib task for each draw, and what joblib is to prefer for them."""
        n_classes = len(self.classes_)
        weighted = self.resample == "weights"
        if self.augment is not None and X.dtype == object:
            X = X.astype(np.float64)
        parameters = booster_parameters(estimator, n_classes)
        if parameters is not None and draws[0].features is None:
            origins = np.arange(len(X))
            if self.augment is not None:
                # A generator of its own: the new rows do not depend on how many members were drawn for.
                X, codes, origins = self.augment.enlarge(X, codes, rng.spawn(1)[0])
            binned = BinnedFeatures(self._prepared(X), codes, {**parameters, "num_threads": 1})
            # num_threads also goes by other names, of which LightGBM would take one.
            for name in ("n_jobs", "nthread", "nthreads", "num_thread"):
                binned.parameters.pop(name, None)
            rounds = int(estimator.get_params()["n_estimators"])
            return [
                delayed(_train_booster)(binned, draw, origins, weighted, rounds, n_classes) for draw in draws
            ], "threads"
        return [
            delayed(_train_member)(estimator, X, codes, draw, self.augment, self.preprocessor_, weighted)
            for draw in draws
        ], "threads" if releases_gil(estimator) else None

    def _results(self, tasks: list[Any], prefer: str | None) -> Iterator[Any]:
        """The results of the tasks in order, by joblib.

        When a worker of a cluster dies, the data it held for others is lost and joblib gives up. What is still missing
        is then handed out again, with the data.
        """
        done = losses = 0
        while done < len(tasks):
            had = done
            try:
                for result in _in_parallel(tasks[had:], self.n_jobs, prefer):
                    done += 1
                    yield result
            except Exception as error:
                losses = losses + 1 if done == had else 1
                if not _is_lost_worker(error) or losses > _MAX_LOSSES:
                    raise

    # ---- use ----

    def _checked(self, X: Any) -> Any:
        return validated(self, X, reset=False, dtype=None, ensure_all_finite=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        first = self._base() if self.preprocessor is None else self.preprocessor
        tags.input_tags.allow_nan = get_tags(first).input_tags.allow_nan
        return tags

    def _member_votes(self, X: Any) -> Codes:
        return np.stack(self._each(_votes_of, X), axis=1)

    def _member_probabilities(self, X: Any) -> Shares:
        return np.stack(self._each(_probabilities_of, X))

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
        return list(self._results(tasks, "threads" if native else None))

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


class _Nowhere:
    """A shelf that keeps nothing."""

    def get(self, name: str) -> None:
        return None

    def put(self, name: str, part: Any) -> None:
        pass


# ---- what runs in a worker ----


def _train_booster(
    binned: BinnedFeatures, draw: Draw, origins: NDArray[np.intp], weighted: bool, rounds: int, n_classes: int
) -> BoosterMember:
    times = np.bincount(draw.rows, minlength=int(origins.max()) + 1)[origins]
    rows = np.flatnonzero(times) if weighted else np.repeat(np.arange(len(origins)), times)
    weights = times[rows] if weighted else None
    return BoosterMember(binned.train(rows, weights, rounds, {"random_state": draw.seed}), n_classes)


def _train_member(
    estimator: Any,
    X: NDArray[Any],
    codes: Codes,
    draw: Draw,
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
