"""Bagging of LightGBM on hidden digits: `python -m pytest bench/test_ensemble.py`.

The bag is fitted to four fifths of the competition's training images (or, without them, of composed ones) and tested on
the last fifth. scikit-learn's BaggingClassifier uses LGBMClassifier and its threads with default settings; day33 trains
the members in parallel, with one thread each, on bins that are computed once.

A fit takes minutes, so that there is one round by default (DAY33_BENCH_BAG_ROUNDS). The accuracies are compared, too:
on a fold of 410 images two of them differ by up to 3% by chance.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from conftest import Record
from harness import THREADS
from harness.data import shared_file
from harness.race import Participant, race

MEMBERS = int(os.environ.get("DAY33_BENCH_MEMBERS", "10"))
ROUNDS = int(os.environ.get("DAY33_BENCH_BAG_ROUNDS", "1"))
CHANCE = 0.03
WORKLOAD = f"bag of {MEMBERS} LightGBM, 1,638 hidden digits"

PARTICIPANTS = ("day33", "day33, same LGBMClassifier", "scikit-learn BaggingClassifier")


def images() -> Any:
    from day33.datasets import load_hidden_digits, make_hidden_digits

    path = shared_file("data", "hidden_digits", "train.csv.gz")
    return load_hidden_digits(path) if path else make_hidden_digits()


def bags() -> dict[str, Any]:
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import BaggingClassifier

    from day33.ensemble import ChannelSplitter, HardVotingBagging

    quiet = {"verbosity": -1}
    # Few bins (the background is noise of five grey levels) and few features per tree: weaker trees, but a better bag.
    lean = LGBMClassifier(n_estimators=60, max_bin=15, colsample_bytree=0.1, **quiet)
    cleaned = ChannelSplitter(noise_floor=7, channels=("original",))
    ours = {"n_estimators": MEMBERS, "voting": "soft", "n_jobs": THREADS, "random_state": 0}
    return {
        "day33": HardVotingBagging(lean, preprocessor=cleaned, **ours),
        "day33, same LGBMClassifier": HardVotingBagging(LGBMClassifier(**quiet), **ours),
        "scikit-learn BaggingClassifier": BaggingClassifier(LGBMClassifier(**quiet), MEMBERS, random_state=0),
    }


@pytest.fixture(scope="module")
def raced() -> tuple[dict[str, float], dict[str, list[float]]]:
    """The accuracy and the seconds of each fit, by participant."""
    pytest.importorskip("lightgbm")
    from sklearn.model_selection import StratifiedKFold

    data = images()
    X, y = data.images.reshape(len(data), -1).astype(np.float32), data.digits
    train, test = next(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    made = bags()
    participants = {
        name: Participant(lambda bag=bag: bag.fit(X[train], y[train]), lambda bag=bag: bag.predict(X[test]))
        for name, bag in made.items()
    }
    seconds = race(participants, ROUNDS, warm=False)
    return {name: float((participants[name].answer() == y[test]).mean()) for name in made}, seconds


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_fitting_a_bag(
    record: Record, raced: tuple[dict[str, float], dict[str, list[float]]], participant: str
) -> None:
    accuracy, seconds = raced
    assert accuracy["day33"] >= accuracy["scikit-learn BaggingClassifier"] - CHANCE
    assert accuracy["day33, same LGBMClassifier"] >= accuracy["scikit-learn BaggingClassifier"] - CHANCE
    record(
        WORKLOAD, participant, seconds[participant],
        unit="members", amount=MEMBERS, accuracy=round(accuracy[participant], 4),
    )  # fmt: skip
