"""Models as scikit-learn estimators, for pipelines, grids and cross-validation.

from day33.sklearn import Classifier, Regressor
"""

from __future__ import annotations

from .wrappers import Classifier, Regressor, SKLearnClassifier, SKLearnRegressor

__all__ = ["Classifier", "Regressor", "SKLearnClassifier", "SKLearnRegressor"]


def __dir__() -> list[str]:
    return list(__all__)
