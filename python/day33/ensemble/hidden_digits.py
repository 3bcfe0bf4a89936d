"""The ensemble for hidden digits: which members there are, how they are trained, and what is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from .._core.arrays import as_int
from ..datasets.hidden_digits import LETTERS, N_PIXELS, SIDE
from .augmentation import Augmentation, Chain, HorizontalFlip, RandomAffine
from .bagging import HardVotingBagging, Shelf
from .channels import CHANNELS, ChannelSplitter
from .composition import ComposedDigits, Recomposed, lookalikes
from .convolutional import ConvClassifier
from .encoder import EncoderFeatures
from .pace import Training
from .voting import HardVote

__all__ = [
    "DEFAULT_MEMBERS",
    "KINDS",
    "UNSPLIT",
    "WEIGHTS",
    "Progress",
    "Settings",
    "Variant",
    "fit_bag",
    "fit_ensemble",
    "make_bag",
    "training_of",
    "variants",
    "without_lookalikes",
]

# What each kind is, for tables and --help.
KINDS = {
    "lgbm": "LightGBM on the channels",
    "encoder": "LightGBM on the channels and an auto-encoder's code",
    "conv": "convolutional networks with the letter as second input",
}
DEFAULT_MEMBERS = {"lgbm": 10, "encoder": 5, "conv": 2}
# How much the vote of a kind counts, shared by its members: networks are right far more often than trees.
WEIGHTS = {"lgbm": 1.0, "encoder": 1.0, "conv": 18.0}

_IMAGE = (SIDE, SIDE)
# Above the background's noise of 0 to 4 with the rounding of a bilinear shift.
_NOISE_FLOOR = 7
# Composed images for each one of the training set.
_SHARES = {"lgbm": 2, "encoder": 2, "conv": 9}


class _Recipe(NamedTuple):
    """How networks are trained."""

    dropout: float
    epochs: int


# Few images are seen often, so they have to change; of composed ones there are always others.
_FEW, _COMPOSED = _Recipe(dropout=0.2, epochs=100), _Recipe(dropout=0.15, epochs=14)
# Rotation, scale and shift of images that are seen often; letters are centred. And how many of them are cut.
_AFFINE, _CUT = (0.12, 0.10, 0.04), 0.7
# Pixels by which a picture is moved for more opinions on it.
_SHIFT = 1

# The channels of an image: as it is, and what networks see most in; trees see more in `CHANNELS`, those of the note.
UNSPLIT, SPLIT = ("original",), ("original", "mask", "visible")

Progress = Callable[[str, int, int], None]
"""Called with the kind that is trained, its members that are done, and all of them."""


@dataclass(frozen=True)
class Settings:
    """What an ensemble is made of.

    Attributes:
        members: how many of each kind (see `KINDS`); 0 or absent for none.
        voting: "hard" or "soft", of every bag.
        channels: of the images, as in `ChannelSplitter`; None for those that suit each kind.
        recompose: whether networks see the images in other light and other letters, where there are no digits to
            compose with.
        flip: whether mirrored images join the training set.
        digits: images (M, 28, 28) uint8 and labels (M,) to compose more training images of, or None.
        rounds: of LightGBM.
        epochs: passes of the networks over the training images; None for 100, or for 14 where each pass also has nine
            composed images for each of them. filters: of the networks.
        threshold: the grey value that separates digit and letter.
        n_jobs: members trained at a time, as in joblib. seed: fixes everything.

    Raises:
        TypeError: a number that is no integer.
        ValueError: an unknown kind, no member at all, or a number out of range.
    """

    members: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_MEMBERS))
    voting: str = "soft"
    channels: tuple[str, ...] | None = None
    recompose: bool = True
    flip: bool = False
    digits: tuple[NDArray[np.uint8], NDArray[Any]] | None = None
    rounds: int = 60
    epochs: int | None = None
    filters: tuple[int, ...] = (32, 32, 64, 64)
    threshold: float = 150
    n_jobs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.members) - set(KINDS))
        if unknown:
            raise ValueError(f"unknown kind of member {unknown[0]!r}; expected {', '.join(KINDS)}")
        for kind, count in self.members.items():
            as_int(f"members[{kind!r}]", count, 0)
        if not any(self.members.values()):
            raise ValueError(f"members is {dict(self.members)}; expected one member or more")
        as_int("rounds", self.rounds, 1)
        if self.epochs is not None:
            as_int("epochs", self.epochs, 1)
        as_int("seed", self.seed, 0)


def make_bag(kind: str, settings: Settings) -> HardVotingBagging:
    """The bag of one kind, not yet fitted, for rows as `HiddenDigits.features` gives them."""
    seed = settings.seed * len(KINDS) + list(KINDS).index(kind)
    shared: dict[str, Any] = {
        "n_estimators": settings.members[kind],
        "voting": settings.voting,
        "n_jobs": settings.n_jobs,
        "random_state": seed,
    }
    if kind == "conv":
        recipe = _recipe(settings)
        network = ConvClassifier(
            _IMAGE,
            n_extra=len(LETTERS),
            preprocessor=ChannelSplitter(settings.threshold, _IMAGE, channels=_channels(kind, settings)),
            augment=_augmentation(kind, settings),
            filters=settings.filters,
            dropout=recipe.dropout,
            epochs=recipe.epochs,
            shift=_SHIFT,
        )
        # Networks differ enough by their seeds, and a third of the images is too many to miss.
        return HardVotingBagging(network, bootstrap=False, **shared)
    from lightgbm import LGBMClassifier

    trees = LGBMClassifier(n_estimators=settings.rounds, max_bin=15, colsample_bytree=0.1, n_jobs=1, verbosity=-1)
    splitter = ChannelSplitter(settings.threshold, _IMAGE, noise_floor=_NOISE_FLOOR, channels=_channels(kind, settings))
    preprocessor: Any = splitter
    if kind == "encoder":
        # The code goes behind the pixels, where the splitter passes it on.
        preprocessor = Pipeline([("code", EncoderFeatures(_IMAGE)), ("channels", splitter)])
    augment = _augmentation(kind, settings)
    return HardVotingBagging(trees, preprocessor=preprocessor, augment=augment, **shared)


def _channels(kind: str, settings: Settings) -> tuple[str, ...]:
    if settings.channels is not None:
        return settings.channels
    return SPLIT if kind == "conv" else CHANNELS


def _recipe(settings: Settings) -> _Recipe:
    recipe = _FEW if settings.digits is None else _COMPOSED
    return recipe if settings.epochs is None else recipe._replace(epochs=settings.epochs)


def _augmentation(kind: str, settings: Settings) -> Augmentation | None:
    """What members of a kind see beside the training set, or in its place."""
    is_network = kind == "conv"
    steps: list[Augmentation] = []
    if settings.digits is not None:
        steps.append(ComposedDigits(*settings.digits, share=_SHARES[kind], mirror=is_network))
    if settings.flip:
        steps.append(HorizontalFlip(_IMAGE))
    if is_network and settings.digits is None:
        steps.append(RandomAffine(*_AFFINE))
        if settings.recompose:
            steps.append(Recomposed(_CUT, _IMAGE))
    if len(steps) < 2:
        return steps[0] if steps else None
    return Chain(steps)


def training_of(kind: str, settings: Settings, rows: int) -> Training:
    """The training of one kind on so many rows, for an estimate of how long it takes."""
    images = float(rows) * (1 if settings.digits is None else 1 + _SHARES[kind])
    if kind == "conv":
        passes = _recipe(settings).epochs
    else:
        # Trees grow on all columns.
        passes = settings.rounds * len(_channels(kind, settings))
        images *= 2 if settings.flip else 1
    return Training(kind, images * passes, settings.members[kind])


def fit_ensemble(
    X: NDArray[Any],
    y: NDArray[Any],
    settings: Settings,
    progress: Progress | None = None,
    *,
    shelf_of: Callable[[str], Shelf] | None = None,
) -> HardVote:
    """Fit all kinds, and let them vote.

    Each member's vote (or probability, with soft voting) counts; together the members of a kind have its weight.

    Args:
        X: rows (N, 810), as `HiddenDigits.features` gives them. y: labels (N,). settings: of the ensemble.
        progress: called after each member.
        shelf_of: gives the shelf of each kind, which keeps members that are done.

    Returns:
        The fitted vote.
    """
    classes, codes = np.unique(y, return_inverse=True)
    bags = []
    for kind in KINDS:
        if settings.members.get(kind):
            shelf = None if shelf_of is None else shelf_of(kind)
            bags.append((kind, fit_bag(X, codes, kind, settings, progress, shelf)))
    # Means of vote shares are votes counted one by one.
    return HardVote.of_fitted(bags, classes, voting="soft", weights=[WEIGHTS[kind] for kind, _ in bags])


def fit_bag(
    X: NDArray[Any],
    codes: NDArray[Any],
    kind: str,
    settings: Settings,
    progress: Progress | None = None,
    shelf: Shelf | None = None,
) -> HardVotingBagging:
    """The fitted bag of one kind; rows (N, 810), class numbers (N,), and the rest as of `fit_ensemble`."""
    total = settings.members[kind]

    def report(done: int) -> None:
        if progress is not None:
            progress(kind, done, total)

    return make_bag(kind, settings).fit(X, codes, on_member=report, shelf=shelf)


def without_lookalikes(settings: Settings, X: NDArray[Any]) -> Settings:
    """The settings without those digits that the images in X (N, 810) may hide, for cross-validation."""
    if settings.digits is None:
        return settings
    digits, labels = settings.digits
    others = ~lookalikes(digits, X[:, :N_PIXELS].reshape(-1, SIDE, SIDE))
    return replace(settings, digits=(digits[others], np.asarray(labels)[others]))


@dataclass(frozen=True)
class Variant:
    """One line of the comparison: a kind of member with one idea on or off.

    Attributes:
        name: in tables. kind: of member. settings: of its bag.
    """

    name: str
    kind: str
    settings: Settings


def variants(settings: Settings, *, compare_epochs: int) -> list[Variant]:
    """What shows the worth of each idea: every kind as it is in the ensemble, and with one thing changed at a time.

    Networks are compared one at a time in the training steps of `compare_epochs` epochs (0 leaves these out), since a
    full training of every variant would take hours. An epoch with composed images has ten times the steps of others.
    """
    found = []
    if count := settings.members.get("lgbm"):
        few = replace(settings, members={"lgbm": count})
        bare = replace(few, channels=UNSPLIT, flip=False, digits=None)
        three = replace(bare, channels=CHANNELS)
        found += [
            Variant("LightGBM, original only", "lgbm", bare),
            Variant("LightGBM, original only, flipped twins", "lgbm", replace(bare, flip=True)),
            Variant("LightGBM, three channels", "lgbm", three),
            Variant("LightGBM, three channels, flipped twins", "lgbm", replace(three, flip=True)),
            Variant("LightGBM, mask and visible part", "lgbm", replace(bare, channels=SPLIT)),
        ]
        if settings.digits is not None:
            composed = replace(three, digits=settings.digits)
            found.append(Variant("LightGBM, three channels, composed digits", "lgbm", composed))
    if settings.members.get("conv") and compare_epochs:
        one = replace(
            settings, members={"conv": 1}, epochs=compare_epochs, channels=CHANNELS, recompose=False, flip=False,
            digits=None,
        )  # fmt: skip
        label = f"({compare_epochs} epochs' steps)"
        found += [
            Variant(f"network, original only {label}", "conv", replace(one, channels=UNSPLIT)),
            Variant(f"network, three channels {label}", "conv", one),
            Variant(f"network, three channels, flips {label}", "conv", replace(one, flip=True)),
            Variant(f"network, mask and visible part {label}", "conv", replace(one, channels=SPLIT)),
            Variant(f"network, three channels, recomposed {label}", "conv", replace(one, recompose=True)),
        ]
        if settings.digits is not None:
            epochs = max(compare_epochs // (1 + _SHARES["conv"]), 1)
            composed = replace(one, digits=settings.digits, epochs=epochs)
            found.append(Variant(f"network, three channels, composed digits {label}", "conv", composed))
    return found
