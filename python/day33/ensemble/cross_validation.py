"""Cross-validation of the ensemble: accuracy of members, kinds and votes, by fold."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from .._core.arrays import as_int
from .bagging import HardVotingBagging
from .checkpoint import Checkpoint
from .hidden_digits import KINDS, WEIGHTS, Progress, Settings, Variant, fit_bag, training_of
from .pace import Training
from .voting import Shares, count_votes

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FULL",
    "Fold",
    "Report",
    "Scores",
    "check_folds",
    "cross_validate",
    "judge_folds",
    "kind_name",
    "trainings_of_fold",
]

FULL = "full ensemble"


@dataclass
class Scores:
    """Accuracies of one variant on one fold: the mean of its members', and of its votes.

    Attributes:
        members: None for the full ensemble, whose members count differently. seconds: of training.
    """

    members: float | None
    hard: float
    soft: float
    seconds: float


@dataclass
class Fold:
    """What was found on one fold.

    Attributes:
        rows: the rows that were held out (M,), ascending.
        shares: of the full ensemble for these (M, K): vote shares or probabilities, as `Settings.voting` says.
        votes: shares of the votes of all members (M, K), each kind with its weight.
        scores: of each variant, by its name.
    """

    rows: NDArray[np.intp]
    shares: Shares
    votes: Shares
    scores: dict[str, Scores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fold as JSON has it; floats keep all their bits."""
        arrays = {name: getattr(self, name).tolist() for name in ("rows", "shares", "votes")}
        return {**arrays, "scores": {name: asdict(scores) for name, scores in self.scores.items()}}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Fold:
        """The fold whose `to_json` gave that record. ValueError for any other."""
        try:
            scores = {name: Scores(**values) for name, values in record["scores"].items()}
            for each in scores.values():
                if not all(isinstance(value, float) for value in asdict(each).values() if value is not None):
                    raise TypeError(f"{each} has a score that is no number")
            shares, votes = (np.array(record[name], np.float64) for name in ("shares", "votes"))
            return cls(np.array(record["rows"], np.intp), shares, votes, scores)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ValueError(f"not the record of a fold: {type(error).__name__}: {error}") from error


class Report:
    """What a cross-validation found.

    Args:
        folds: one or more. labels: the class numbers of all rows (N,). classes: the labels they stand for (K,).

    Attributes:
        rows: the rows that were held out (M,), ascending.
        labels: their true class numbers (M,).
        shares: of the full ensemble for these (M, K), as of a `Fold`.
        votes: shares of the votes of all members (M, K), as of a `Fold`.
        classes: the labels that the numbers stand for (K,).
    """

    def __init__(self, folds: Sequence[Fold], labels: NDArray[np.intp], classes: NDArray[Any]) -> None:
        self._folds = list(folds)
        rows = np.concatenate([fold.rows for fold in folds])
        order = np.argsort(rows)
        self.rows = rows[order]
        self.labels, self.classes = labels[self.rows], classes
        self.shares = np.concatenate([fold.shares for fold in folds])[order]
        self.votes = np.concatenate([fold.votes for fold in folds])[order]

    def scores(self) -> dict[str, dict[str, list[float]]]:
        """The numbers behind the table: for each variant lists with a value per fold."""
        found: dict[str, dict[str, list[float]]] = {}
        for fold in self._folds:
            for name, scores in fold.scores.items():
                lists = found.setdefault(name, {"members": [], "hard": [], "soft": [], "seconds": []})
                for key, value in asdict(scores).items():
                    if value is not None:
                        lists[key].append(value)
        return found

    def table(self) -> pd.DataFrame:
        """A line per variant: mean and standard deviation over the folds of the accuracy, and the seconds to fit."""
        import pandas as pd

        rows = {
            name: {
                "members": _spread(lists["members"]),
                "hard vote": _spread(lists["hard"]),
                "soft vote": _spread(lists["soft"]),
                "seconds per fold": f"{np.mean(lists['seconds']):.1f}",
            }
            for name, lists in self.scores().items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")

    def accuracy(self) -> float:
        """Of the full ensemble, over the rows that were held out."""
        return float((self.shares.argmax(axis=1) == self.labels).mean())

    def confusion(self) -> NDArray[np.int64]:
        """Counts (K, K) of the full ensemble: row true, column predicted."""
        n_classes = self.shares.shape[1]
        flat = self.labels * n_classes + self.shares.argmax(axis=1)
        return np.bincount(flat, minlength=n_classes**2).reshape(n_classes, n_classes)

    def most_disputed(self, count: int) -> NDArray[np.intp]:
        """Places in `rows` whose leading class has the smallest share of the members' votes."""
        return np.argsort(self.votes.max(axis=1), kind="stable")[:count]


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}" if values else ""


def kind_name(kind: str, settings: Settings) -> str:
    """The name of a kind of the ensemble in tables."""
    return f"{KINDS[kind]} × {settings.members[kind]}"


def check_folds(y: NDArray[Any], folds: int) -> None:
    """TypeError or ValueError unless labels (N,) can be cut into so many folds, each with images of every class."""
    smallest = int(np.unique(y, return_counts=True)[1].min())
    if not 2 <= as_int("folds", folds, 0) <= smallest:
        raise ValueError(f"folds is {folds}; expected 2 to {smallest}, the images of the rarest class")


def cross_validate(
    X: NDArray[Any],
    y: NDArray[Any],
    settings: Settings,
    *,
    folds: int = 5,
    compare: Iterable[Variant] = (),
    only: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fit the ensemble and the variants on all folds but one, and judge them on that one, in turns.

    Args:
        X, y, settings, folds, compare, progress: as of `judge_folds`.
        only: stop after that many folds; the report then covers their rows.

    Raises:
        TypeError, ValueError: as `judge_folds`.
    """
    classes, labels = np.unique(y, return_inverse=True)
    judged = judge_folds(X, y, settings, folds=folds, compare=compare, progress=progress)
    done = [fold for fold, _ in zip(judged, range(folds if only is None else only), strict=False)]
    return Report(done, labels, classes)


def judge_folds(
    X: NDArray[Any],
    y: NDArray[Any],
    settings: Settings,
    *,
    folds: int = 5,
    compare: Iterable[Variant] = (),
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Fold]:
    """The folds of a cross-validation, one after the other.

    Folds are stratified and shuffled with `settings.seed`. Resampling, augmentation and preprocessors see the training
    rows only.

    Args:
        X: rows (N, 810). y: labels (N,). settings: of the ensemble. folds: 2 or more.
        compare: variants to judge besides.
        progress: called after each member.
        checkpoint: keeps folds, and members of the present one; those it has already are not trained again.

    Raises:
        TypeError: `folds` is no integer.
        ValueError: fewer images of a class than folds, or fewer than two folds.
    """
    check_folds(y, folds)
    classes, labels = np.unique(y, return_inverse=True)
    variants = list(compare)
    splits = StratifiedKFold(folds, shuffle=True, random_state=settings.seed).split(X, labels)
    for number, (train, held_out) in enumerate(splits):
        name = f"fold-{number}"
        if checkpoint is not None and (kept := _kept_fold(checkpoint, name, held_out, len(classes))) is not None:
            yield kept
            continue
        judge = _Judge(X, labels, train, held_out, len(classes), progress, checkpoint, name)
        fold = judge.fold(settings, variants)
        if checkpoint is not None:
            checkpoint.write_record(name, fold.to_json())
            checkpoint.clear(name)
        yield fold


def _kept_fold(checkpoint: Checkpoint, name: str, held_out: NDArray[np.intp], n_classes: int) -> Fold | None:
    record = checkpoint.record(name)
    if record is None:
        return None
    try:
        fold = Fold.from_json(record)
    except ValueError as error:
        raise ValueError(f"{checkpoint.path(name)}: {error}") from error
    shape = (len(held_out), n_classes)
    if not np.array_equal(fold.rows, held_out) or not fold.shares.shape == fold.votes.shape == shape:
        raise ValueError(f"{checkpoint.path(name)}: not the record of this fold")
    return fold


def trainings_of_fold(
    number: int, settings: Settings, variants: Iterable[Variant], rows: int, checkpoint: Checkpoint
) -> list[Training]:
    """What `judge_folds` has still to train for a fold, in order, on so many rows."""
    name = f"fold-{number}"
    if checkpoint.record(name) is not None:
        return []
    bags = [(variant.name, variant.kind, variant.settings) for variant in variants]
    bags += [(kind_name(kind, settings), kind, settings) for kind in KINDS if settings.members.get(kind)]
    trainings = []
    for variant, kind, of in bags:
        training = training_of(kind, of, rows)
        missing = training.members - checkpoint.shelf(name, _file_name(variant)).members()
        if missing:
            trainings.append(training._replace(members=missing))
    return trainings


@dataclass
class _Judge:
    """Trains on some rows and judges on the others."""

    X: NDArray[Any]
    labels: NDArray[np.intp]
    train: NDArray[np.intp]
    held_out: NDArray[np.intp]
    n_classes: int
    progress: Progress | None
    checkpoint: Checkpoint | None
    name: str

    def fold(self, settings: Settings, variants: list[Variant]) -> Fold:
        """The variants, the kinds of the ensemble, and all of these together."""
        scores = {variant.name: self._bag(variant.name, variant.kind, variant.settings)[0] for variant in variants}
        hard, soft = np.zeros((2, len(self.held_out), self.n_classes))
        seconds = weight = 0.0
        for kind in KINDS:
            if settings.members.get(kind):
                name = kind_name(kind, settings)
                scores[name], shares, probabilities = self._bag(name, kind, settings)
                hard += WEIGHTS[kind] * shares
                soft += WEIGHTS[kind] * probabilities
                weight += WEIGHTS[kind]
                seconds += scores[name].seconds
        scores[FULL] = Scores(None, self._accuracy(hard), self._accuracy(soft), seconds)
        shares = (hard if settings.voting == "hard" else soft) / weight
        return Fold(self.held_out, shares, hard / weight, scores)

    def _bag(self, name: str, kind: str, settings: Settings) -> tuple[Scores, Shares, Shares]:
        """Scores, vote shares (M, K) and mean probabilities (M, K) of a bag."""
        bag, seconds = self._fitted(name, kind, settings)
        X, labels = self.X[self.held_out], self.labels[self.held_out]
        votes = bag.votes(X)
        shares = count_votes(votes, self.n_classes) / votes.shape[1]
        probabilities = bag.mean_probabilities(X)
        members = float((votes == labels[:, np.newaxis]).mean())
        return Scores(members, self._accuracy(shares), self._accuracy(probabilities), seconds), shares, probabilities

    def _fitted(self, name: str, kind: str, settings: Settings) -> tuple[HardVotingBagging, float]:
        shelf = None if self.checkpoint is None else self.checkpoint.shelf(self.name, _file_name(name))
        before = 0.0 if shelf is None else shelf.seconds
        started = time.perf_counter()

        def note(kind: str, done: int, total: int) -> None:
            if shelf is not None:
                shelf.seconds = before + time.perf_counter() - started
            if self.progress is not None:
                self.progress(kind, done, total)

        bag = fit_bag(self.X[self.train], self.labels[self.train], kind, settings, note, shelf)
        return bag, before + time.perf_counter() - started

    def _accuracy(self, shares: Shares) -> float:
        return float((shares.argmax(axis=1) == self.labels[self.held_out]).mean())


def _file_name(name: str) -> str:
    """A name as that of a folder; names of variants differ in letters and digits."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
