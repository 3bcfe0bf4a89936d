"""An ensemble: who voted for what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_float32
from ._explanation import Explanation, Section
from ._figure import NEGATIVE, POSITIVE
from ._words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["votes"]

_MOST_MEMBERS, _MOST_CLASSES = 64, 40
_PICTURE = 28 * 28  # pixels in front of other columns, in the rows of the hidden digits


def votes(ensemble: Any, image: ArrayLike) -> Explanation:
    """Explain a vote: what each member votes for and how sure it is, and the winner of hard and of soft voting.

    Args:
        ensemble: a fitted `HardVote`, `HardVotingBagging`, or what else of `day33.ensemble` counts votes.
        image: real numbers (F,) or (1, F), one row as the ensemble takes it.

    Returns:
        The explanation.

    Raises:
        TypeError: an ensemble that does not vote, or no numbers. ValueError: more than one row, more than 64 members or
            40 classes; what the ensemble refuses.
    """
    from ..ensemble.voting import Voter, count_votes

    if not isinstance(ensemble, Voter):
        raise TypeError(f"ensemble is {ensemble!r}; expected one of day33.ensemble that counts votes")
    row = as_float32("image", image)
    row = row.reshape(1, -1) if row.ndim == 1 else row
    if row.ndim != 2 or len(row) != 1:
        raise ValueError(f"image has shape {row.shape}; expected one row, (F,) or (1, F)")
    cast = ensemble.votes(row)[0]
    classes = [str(label) for label in ensemble.classes_]
    if len(cast) > _MOST_MEMBERS or len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"ensemble has {len(cast)} members and {len(classes)} classes; "
            f"expected at most {_MOST_MEMBERS} and {_MOST_CLASSES} to draw"
        )
    counts = count_votes(cast[None], len(classes))[0]
    each, shares = _soft(ensemble, row)
    final = str(ensemble.predict(row)[0])
    names = _names(ensemble, len(cast))
    hard = classes[int(counts.argmax())]
    soft = None if shares is None else classes[int(shares.argmax())]
    tied = int((counts == counts.max()).sum()) > 1
    outcome = f"Counted by heads, {hard} wins with {int(counts.max())} of {len(cast)} votes" + (
        ", a tie that goes to the first class." if tied else "."
    )
    averaged = "" if shares is None else (
        f" By the mean of the probabilities it is {soft}, with {shares.max():.1%}."
    )  # fmt: skip
    members: list[dict[str, Any]] = [
        {"name": name, "vote": classes[code] if code >= 0 else "—", "shares": None if each is None else each[n]}
        for n, (name, code) in enumerate(zip(names, cast, strict=True))
    ]
    return Explanation(
        "The vote",
        outcome + averaged,
        [
            Section(
                "Who voted for what",
                [
                    "Hard voting counts heads: every member has one vote, however sure it is. Soft voting averages the "
                    "members' probabilities, so that one that is sure can outweigh two that hesitate. "
                    f"This ensemble's `voting` is {ensemble.voting}, and its answer {final}.",
                    *([] if each is None else [
                        "Each row of the table is a member and the probabilities that it gives the classes; the "
                        "largest is framed. The last row is their mean, which decides the soft vote."
                    ]),
                ],
                "ballots",
                {
                    "members": members, "classes": classes, "counts": counts, "shares": shares,
                    "picture": _picture(row[0]),
                },
            ),
            Section(
                "Check yourself",
                questions=[
                    "How can the soft vote overrule the hard one? Three members give class A 0.9, 0.4 and 0.4, and "
                    "class B the rest. Two of three vote for B, but the mean is 0.567 for A: the one that is sure is "
                    "further from the middle than the other two together.",
                    "When is that of use? When a member that is sure is right more often. Where members are sure and "
                    "wrong, counting heads is the safer vote.",
                ],
            ),
        ],
        words=[
            outcome + averaged,
            *(f"  {one['name']}: {one['vote']}{_probabilities(classes, one['shares'])}" for one in members),
            "Votes: " + _listed(classes, counts),
            *([] if shares is None else ["Mean probabilities: " + _listed(classes, shares)]),
            f"The ensemble's answer ({ensemble.voting} voting): {final}.",
        ],
        draw=lambda: _draw(classes, counts, shares, names, each),
    )  # fmt: skip


def _listed(classes: list[str], values: np.ndarray[Any, Any]) -> str:
    return ", ".join(f"{label} {number(value)}" for label, value in zip(classes, values, strict=True))


def _probabilities(classes: list[str], shares: np.ndarray[Any, Any] | None) -> str:
    """The probabilities of a member that do not round to 0.0%; nothing where it has none."""
    if shares is None:
        return ""
    listed = (f"{label} {share:.1%}" for label, share in zip(classes, shares, strict=True) if share >= 0.0005)
    return f" (probabilities: {', '.join(listed)})"


def _soft(
    ensemble: Any, row: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | tuple[None, None]:
    """The probabilities of each member (M, K) and their mean (K,); None and None where a member has none."""
    try:
        return ensemble.member_probabilities(row)[0], ensemble.mean_probabilities(row)[0]
    except AttributeError:
        return None, None


def _names(ensemble: Any, count: int) -> list[str]:
    named = [name for name, estimator in getattr(ensemble, "estimators", None) or [] if estimator != "drop"]
    return [str(name) for name in named] if len(named) == count else [f"member {n}" for n in range(count)]


def _picture(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    side = math.isqrt(len(row))
    if len(row) == side * side:
        return row.reshape(side, side)
    return row[:_PICTURE].reshape(28, 28) if len(row) >= _PICTURE else None


def _draw(
    classes: list[str], counts: np.ndarray[Any, Any], shares: np.ndarray[Any, Any] | None, names: list[str],
    each: np.ndarray[Any, Any] | None,
) -> Figure:  # fmt: skip
    from .._io.figures import new_figure

    width = max(5.0, 0.45 * len(classes) + 1.5)
    places = np.arange(len(classes))
    if each is None:
        figure = new_figure((width, 3.4))
        ax = figure.subplots()
    else:
        table = max(1.2, 0.3 * len(names) + 0.6)
        figure = new_figure((width, table + 3.4))
        ax, lower = figure.subplots(2, 1, height_ratios=(3.0, table))
        _draw_members(lower, classes, names, each)
    ax.bar(places - 0.2, counts / max(counts.sum(), 1), 0.4, color=POSITIVE, label="hard: share of the votes")
    if shares is not None:
        ax.bar(places + 0.2, shares, 0.4, color=NEGATIVE, label="soft: mean probability")
    ax.set_xticks(places, classes)
    ax.set_xlim(-0.5, len(classes) - 0.5)
    ax.set_title("The vote")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_members(ax: Axes, classes: list[str], names: list[str], each: np.ndarray[Any, Any]) -> None:
    """One row per member, darker where its probability is larger; the numbers as well where there is room."""
    ax.imshow(each, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    ax.set_xticks(range(len(classes)), classes)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_title("The members' probabilities", fontsize=10)
    for (member, label), share in np.ndenumerate(each):
        if share >= 0.005:
            colour = "white" if share > 0.6 else "black"
            ax.text(label, member, f"{share:.2f}", ha="center", va="center", fontsize=7, color=colour)
