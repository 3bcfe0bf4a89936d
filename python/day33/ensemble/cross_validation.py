"""Cross-validation of the ensemble: accuracy of members, kinds and votes, by fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from .bagging import HardVotingBagging
from .hidden_digits import KINDS, WEIGHTS, Progress, Settings, Variant, fit_bag
from .voting import count_votes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report", "cross_validate"]

Shares = NDArray[np.float64]


@dataclass
class _Line:
    """The scores of one variant, a value a fold."""

    members: list[float] = field(default_factory=list)
    hard: list[float] = field(default_factory=list)
    soft: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Report:
    """What a cross-validation found.

    Attributes:
        rows: the rows that were held out (N,), ascending.
        labels: their true class numbers (N,).
        shares: of the full ensemble for these (N, K): vote shares or probabilities, as `Settings.voting` says.
        votes: shares of the votes of all members (N, K), each kind with its weight.
        classes: the labels that the numbers stand for (K,).
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.intp]
    shares: Shares
    votes: Shares
    classes: NDArray[Any]
    lines: dict[str, _Line]

    def table(self) -> pd.DataFrame:
        """A line a variant: mean and standard deviation over the folds of the accuracy, and the seconds to fit."""
        import pandas as pd

        rows = {}
        for name, line in self.lines.items():
            rows[name] = {
                "members": _spread(line.members),
                "hard vote": _spread(line.hard),
                "soft vote": _spread(line.soft),
                "seconds a fold": f"{np.mean(line.seconds):.1f}",
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")

    def scores(self) -> dict[str, dict[str, list[float]]]:
        """The numbers behind the table, a list with a value a fold."""
        return {
            name: {"members": line.members, "hard": line.hard, "soft": line.soft, "seconds": line.seconds}
            for name, line in self.lines.items()
        }

    def accuracy(self) -> float:
        """Of the full ensemble, over all rows."""
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


def cross_validate(
    X: NDArray[Any],
    y: NDArray[Any],
    settings: Settings,
    *,
    folds: int = 5,
    compare: list[Variant] | None = None,
    only: int | None = None,
    progress: Progress | None = None,
    on_fold: Callable[[int], None] | None = None,
) -> Report:
    """Fit the ensemble and the variants on all folds but one, and judge them on that one, in turns.

    Folds are stratified and shuffled with `settings.seed`. Resampling, augmentation and preprocessors see the training
    rows only.

    Args:
        X: rows (N, 810). y: labels (N,). settings: of the ensemble. folds: 2 or more.
        compare: variants to judge besides.
        only: stop after so many folds; the report then covers their rows.
        progress: called with what is fitted, members done, members in all. on_fold: called before each fold.

    Raises:
        ValueError: fewer images of a class than folds, or fewer than two folds.
    """
    classes, labels = np.unique(y, return_inverse=True)
    smallest = int(np.bincount(labels).min())
    if not 2 <= folds <= smallest:
        raise ValueError(f"folds is {folds}; expected 2 to {smallest}, the images of the rarest class")
    shares, votes = np.zeros((2, len(y), len(classes)))
    report = Report(np.arange(len(y)), labels, shares, votes, classes, {})
    judged = []
    splits = StratifiedKFold(folds, shuffle=True, random_state=settings.seed).split(X, labels)
    for fold, (train, held_out) in enumerate(splits):
        if only is not None and fold >= only:
            break
        if on_fold is not None:
            on_fold(fold)
        judged.append(held_out)
        for variant in compare or []:
            bag, seconds = _timed(X[train], labels[train], variant.kind, variant.settings, progress)
            _judge(report, variant.name, bag, X[held_out], labels[held_out], seconds)
        _judge_all(report, X, labels, train, held_out, settings, progress)
    rows = np.sort(np.concatenate(judged))
    report.rows, report.labels = rows, labels[rows]
    report.shares, report.votes = shares[rows], votes[rows]
    return report


def _timed(
    X: NDArray[Any], codes: NDArray[Any], kind: str, settings: Settings, progress: Progress | None
) -> tuple[HardVotingBagging, float]:
    started = time.perf_counter()
    bag = fit_bag(X, codes, kind, settings, progress)
    return bag, time.perf_counter() - started


def _judge(
    report: Report, name: str, bag: HardVotingBagging, X: NDArray[Any], labels: NDArray[Any], seconds: float
) -> tuple[Shares, Shares]:
    """Adds a fold to the line of that name. Returns vote shares and mean probabilities."""
    votes = bag.votes(X)
    hard = count_votes(votes, len(bag.classes_)) / votes.shape[1]
    soft = bag.mean_probabilities(X)
    line = report.lines.setdefault(name, _Line())
    line.members.append(float((votes == labels[:, np.newaxis]).mean()))
    line.hard.append(float((hard.argmax(axis=1) == labels).mean()))
    line.soft.append(float((soft.argmax(axis=1) == labels).mean()))
    line.seconds.append(seconds)
    return hard, soft


def _judge_all(
    report: Report,
    X: NDArray[Any],
    labels: NDArray[Any],
    train: NDArray[Any],
    held_out: NDArray[Any],
    settings: Settings,
    progress: Progress | None,
) -> None:
    """The kinds of the ensemble on one fold, and all together."""
    hard, soft = np.zeros((2, len(held_out), report.shares.shape[1]))
    members, total, weight = [], 0.0, 0.0
    for kind in KINDS:
        if not settings.members.get(kind):
            continue
        bag, seconds = _timed(X[train], labels[train], kind, settings, progress)
        name = f"{KINDS[kind]} × {settings.members[kind]}"
        shares, probabilities = _judge(report, name, bag, X[held_out], labels[held_out], seconds)
        hard += WEIGHTS[kind] * shares
        soft += WEIGHTS[kind] * probabilities
        members.append(report.lines[name].members[-1])
        weight += WEIGHTS[kind]
        total += seconds
    line = report.lines.setdefault("full ensemble", _Line())
    line.hard.append(float((hard.argmax(axis=1) == labels[held_out]).mean()))
    line.soft.append(float((soft.argmax(axis=1) == labels[held_out]).mean()))
    line.seconds.append(total)
    report.votes[held_out] = hard / weight
    report.shares[held_out] = (hard if settings.voting == "hard" else soft) / weight
