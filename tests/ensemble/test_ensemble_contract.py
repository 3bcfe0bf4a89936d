"""scikit-learn's contract, kept by every public estimator, and day33's rule for masked arrays."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from day33 import ensemble
from day33.ensemble import ChannelSplitter, ConvClassifier, EncoderFeatures, HardVote, HardVotingBagging

TREES = LGBMClassifier(n_estimators=4, min_child_samples=2, verbosity=-1)
VOTERS = [("tree", DecisionTreeClassifier(max_depth=4, random_state=0)), ("bayes", GaussianNB())]

# The checks have rows of a few columns, so pictures are what fits; networks are as small as still learn something.
ESTIMATORS = [
    HardVotingBagging(n_estimators=3, random_state=0),
    HardVotingBagging(TREES, n_estimators=3, resample="weights", voting="soft", random_state=0),
    HardVote(VOTERS),
    HardVote(VOTERS, voting="soft"),
    ChannelSplitter(),
    ConvClassifier(
        filters=(4,), dense_units=16, epochs=40, batch_size=8, learning_rate=0.02, dropout=0.0, random_state=0
    ),
    EncoderFeatures(None, epochs=1, random_state=0),
    EncoderFeatures(None, kind="transposed", passthrough=False, epochs=1, random_state=0),
]


def expected_failures(estimator: Any) -> dict[str, str]:
    """As in scikit-learn's own list for its BaggingClassifier."""
    if isinstance(estimator, HardVotingBagging):
        return {"check_sample_weight_equivalence_on_dense_data": "rows are drawn: the same in distribution only"}
    return {}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
@pytest.mark.filterwarnings("ignore")
def test_the_contract_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_every_public_estimator_is_checked() -> None:
    public = {getattr(ensemble, name) for name in ensemble.__all__}
    estimators = {value for value in public if inspect.isclass(value) and hasattr(value, "fit")}
    assert estimators == {type(estimator) for estimator in ESTIMATORS}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_masked_arrays_are_refused(estimator: Any) -> None:
    """numpy.asarray, and so scikit-learn, would use the values that the mask hides."""
    generator = np.random.default_rng(0)
    X, y = generator.random((24, 9)), np.arange(24) % 2
    masked = np.ma.masked_array(X, mask=X < 0.2)
    with pytest.raises(TypeError, match=r"X is a masked array of shape \(24, 9\)"):
        estimator.fit(masked, y)
    fitted = estimator.fit(X, y)
    for method in ("predict", "predict_proba", "votes", "transform"):
        if hasattr(fitted, method):
            with pytest.raises(TypeError, match="X is a masked array"):
                getattr(fitted, method)(masked)
    if hasattr(estimator, "predict"):
        with pytest.raises(TypeError, match="y is a masked array"):
            estimator.fit(X, np.ma.masked_array(y, mask=y == 1))
