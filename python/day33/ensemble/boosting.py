"""LightGBM members that share one binned matrix.

LightGBM first sorts each feature into bins, then grows trees on the numbers of the bins. In a bag the features are the
same for all members, so the bins are made once; a member takes its rows of them, with weights where wanted.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BinnedFeatures", "BoosterMember", "booster_parameters"]

# Parameters of LGBMClassifier that are not LightGBM's; all others go to it under the name they have, an alias of its.
_WRAPPER_ONLY = ("class_weight", "importance_type", "n_estimators", "objective")


def booster_parameters(estimator: Any, n_classes: int) -> dict[str, Any] | None:
    """LightGBM's parameters for an LGBMClassifier that tells `n_classes` classes apart.

    Returns:
        The parameters; None for other estimators, and for one with a custom objective or class weights, which are left
        to LGBMClassifier itself.
    """
    if type(estimator).__module__.partition(".")[0] != "lightgbm":
        return None
    from lightgbm import LGBMClassifier

    if type(estimator) is not LGBMClassifier:
        return None
    parameters = estimator.get_params()
    if parameters["class_weight"] is not None or parameters["objective"] not in (None, "binary", "multiclass"):
        return None
    chosen = {name: value for name, value in parameters.items() if value is not None and name not in _WRAPPER_ONLY}
    chosen.setdefault("verbosity", -1)
    if n_classes > 2:
        chosen.update(objective="multiclass", num_class=n_classes)
    else:
        chosen["objective"] = "binary"
    return chosen


class BinnedFeatures:
    """A matrix in LightGBM's bins. Pickling it (to another process or machine) carries the bins, not the matrix.

    Args:
        X: rows of numbers (N, F). y: class numbers (N,). parameters: of LightGBM; those about bins count here.
    """

    def __init__(self, X: NDArray[Any], y: NDArray[np.intp], parameters: dict[str, Any]) -> None:
        import lightgbm

        self.parameters = parameters
        self._labels = np.asarray(y, np.float32)
        self._dataset: Any = lightgbm.Dataset(_as_numbers(X), label=self._labels, params=dict(parameters)).construct()

    def train(self, rows: NDArray[np.intp], weights: NDArray[Any] | None, rounds: int, changes: dict[str, Any]) -> Any:
        """Train on some rows.

        Args:
            rows: their numbers (M,), ascending, repeated as often as they count.
            weights: of these rows (M,), or None.
            rounds: of boosting.
            changes: parameters of LightGBM that differ from those of the class.

        Returns:
            A `lightgbm.Booster`.
        """
        import lightgbm

        parameters = {**self.parameters, **changes}
        part = self._dataset.subset(rows).construct()
        part.set_label(self._labels[rows])
        if weights is not None:
            part.set_weight(np.asarray(weights, np.float32))
        with warnings.catch_warnings():
            # The parameters of the subset are those of the whole, which is the point of it.
            warnings.filterwarnings("ignore", message=".*params.* will be ignored|Overriding the parameters")
            return lightgbm.train(parameters, part, num_boost_round=rounds)

    def __sizeof__(self) -> int:
        # Dask sends what is large to a worker once, and what is small along with each task.
        return int(self._dataset.num_data() * self._dataset.num_feature())

    def __getstate__(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bins")
            self._dataset.save_binary(path)
            with open(path, "rb") as stream:
                return {"parameters": self.parameters, "labels": self._labels, "bins": stream.read()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        import lightgbm

        self.parameters, self._labels = state["parameters"], state["labels"]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bins")
            with open(path, "wb") as stream:
                stream.write(state["bins"])
            self._dataset = lightgbm.Dataset(path, params=dict(self.parameters)).construct()


class BoosterMember:
    """A fitted LightGBM Booster as a classifier whose labels are the numbers of the classes.

    Args:
        booster: a `lightgbm.Booster`. n_classes: how many classes it tells apart.
    """

    def __init__(self, booster: Any, n_classes: int) -> None:
        self.booster = booster
        self.classes_ = np.arange(n_classes)

    @property
    def n_features_in_(self) -> int:
        """How many columns it takes."""
        return int(self.booster.num_feature())

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """(N, F) to probabilities (N, K)."""
        values = np.asarray(self.booster.predict(_as_numbers(X), num_threads=1), np.float64)
        return values if values.ndim == 2 else np.stack([1 - values, values], axis=1)

    def predict(self, X: NDArray[Any]) -> NDArray[np.intp]:
        """(N, F) to class numbers (N,)."""
        return np.asarray(self.predict_proba(X).argmax(axis=1), np.intp)


def _as_numbers(X: Any) -> NDArray[Any]:
    """X as an array of numbers: LightGBM would see the columns of a data frame by their names and kinds."""
    array = np.asarray(X)
    return array.astype(np.float64) if array.dtype == object else array
