"""`Classifier` and `Regressor`: any model of day33 behind scikit-learn's contract."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d

from .._core.arrays import refuse_masked
from ..models import Model
from ..models.cloning import clone_model, compile_alike
from ..utils import to_categorical
from .inputs import validated
from .randomness import SEED_LIMIT, OwnSeed, generator_of, seeded_stream
from .targets import class_targets, probabilities, single_output

__all__ = ["Classifier", "Regressor", "SKLearnClassifier", "SKLearnRegressor"]

_NUMBERS: dict[str, Any] = {"dtype": np.float32, "allow_nd": True}
_OF_FIT = frozenset(inspect.signature(Model.fit).parameters) - {"self", "x", "y", "sample_weight"}


class _Wrapper(BaseEstimator):  # type: ignore[misc]
    """What both have in common; see `Classifier`."""

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
        *,
        random_state: Any = None,
        **parameters: Any,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state
        self._refuse_unknown(parameters)
        self.__dict__.update(parameters)

    # ---- parameters ----

    def _own_parameters(self) -> dict[str, Any]:
        """Those beside the ones of the constructor: of `fit`, and of the function that makes the model."""
        named = self._get_param_names()
        return {
            name: value
            for name, value in vars(self).items()
            if name not in named and not name.endswith("_") and not name.startswith("_")
        }

    def _of_model(self) -> set[str]:
        if isinstance(self.model, Model) or not callable(self.model):
            return set()
        return set(inspect.signature(self.model).parameters) - {"X", "y"}

    def _refuse_unknown(self, names: Any) -> None:
        # What any function takes, it refuses itself; of what is neither a model nor a function, `fit` speaks.
        takes_all = not isinstance(self.model, Model) and (not callable(self.model) or _takes_any(self.model))
        allowed = _OF_FIT | self._of_model()
        for name in names:
            if hasattr(type(self), name) or name.endswith("_") or not (takes_all or name in allowed):
                raise ValueError(
                    f"{name!r} is no parameter of {type(self).__name__}; expected one of its own, "
                    f"{sorted(self._get_param_names())}, of Model.fit, or of the function that makes the model: "
                    f"{sorted(self._of_model())}"
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, as scikit-learn asks for them."""
        return {**super().get_params(deep=deep), **self._own_parameters()}

    def set_params(self, **params: Any) -> Self:
        """Sets parameters, as a grid does. ValueError for one that neither `fit` nor the model takes."""
        known = self.get_params(deep=False)
        new = {name: value for name, value in params.items() if name not in known and "__" not in name}
        if "model" in params:
            self.model = params.pop("model")
        self._refuse_unknown(new)
        self.__dict__.update(new)
        rest = {name: value for name, value in params.items() if name not in new}
        own = {name: value for name, value in rest.items() if name in known and name not in self._get_param_names()}
        self.__dict__.update(own)
        super().set_params(**{name: value for name, value in rest.items() if name not in own})
        return self

    # ---- fitting ----

    def _fit(self, X: Any, y: Any, shown: Any, sample_weight: Any, options: Mapping[str, Any]) -> Self:
        """Trains.

        Args:
            X: checked rows. y: what is left of the labels, by `_targets` to be made targets.
            shown: what the function that makes the model is given as y.
            sample_weight: (N,) or None.
            options: of `Model.fit`, as `fit` was given them.
        """
        rng = generator_of(self.random_state)
        with seeded_stream(int(rng.integers(SEED_LIMIT))):
            model = self._model_for(X, shown)
            if not model.built:
                model.build_for(X[:1])
        arguments: dict[str, Any] = {"verbose": 0, **(self.fit_kwargs or {})}
        arguments |= {name: value for name, value in self._own_parameters().items() if name in _OF_FIT}
        arguments |= dict(options)
        unknown = sorted(set(arguments) - _OF_FIT)
        if unknown:
            raise ValueError(f"fit was given {', '.join(unknown)}; expected arguments of Model.fit")
        if arguments.get("validation_data") is not None:
            arguments["validation_data"] = self._validation(model, arguments["validation_data"])
        self._adjust(model, y, arguments)
        seed = OwnSeed(int(rng.integers(2**63)))
        arguments["callbacks"] = [seed, *(arguments.get("callbacks") or [])]
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float32, ensure_non_negative=True)
        history = model.fit(X, self._targets(model, y), sample_weight=sample_weight, **arguments)
        self.model_ = model
        self.history_ = dict(history.history)
        return self

    def _model_for(self, X: Any, shown: Any) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model) or not callable(self.model):
            made: Any = self.model if self.warm_start else _afresh(self.model)
        else:
            known = set(inspect.signature(self.model).parameters)
            given = dict(self.model_kwargs or {})
            given |= {
                name: value for name, value in self._own_parameters().items() if name in known or name not in _OF_FIT
            }
            data = {"X": X, "y": shown}
            made = self.model(
                **{name: value for name, value in data.items() if name in known or _takes_any(self.model)}, **given
            )
        if not isinstance(made, Model) or not made.compiled:
            what = "a model that is not compiled" if isinstance(made, Model) else repr(made)
            raise ValueError(f"model is {self.model!r}, and gives {what}; expected a compiled model of day33")
        return made

    def _targets(self, model: Model, y: Any) -> Any:
        raise NotImplementedError

    def _adjust(self, model: Model, y: Any, arguments: dict[str, Any]) -> None:
        """Makes arguments of labels those of targets; a hook."""

    def _validation(self, model: Model, given: Any) -> Any:
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise ValueError("validation_data is no tuple of X, y and maybe weights; expected one")
        X, y, *rest = given
        return (self._rows(X, reset=False), self._targets(model, self._labels(y)), *rest)

    def _labels(self, y: Any) -> Any:
        raise NotImplementedError

    # ---- rows ----

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """X as the model takes it: float32 (N, F, ...); or strings, (N,) or (N, F), for models of texts."""
        refuse_masked("X", X)
        texts = _texts(X)
        if texts is None:
            return validated(self, X, reset=reset, **_NUMBERS)
        columns = 1 if texts.ndim == 1 else texts.shape[1]
        if reset:
            self.n_features_in_ = columns
        elif columns != self.n_features_in_:
            raise ValueError(f"X has {columns} columns of strings; expected {self.n_features_in_}, as fit saw")
        return texts

    def _rows_and_labels(self, X: Any, y: Any) -> tuple[Any, Any]:
        """X as `_rows` gives it, and y."""
        if _texts(X) is None:
            return validated(self, X, y, multi_output=True, **_NUMBERS)  # type: ignore[no-any-return]
        rows = self._rows(X, reset=True)
        refuse_masked("y", y)
        y = np.asarray(y)
        if y.shape[:1] != (len(rows),):
            raise ValueError(f"X has {len(rows)} rows and y shape {y.shape}; expected as many")
        return rows, y

    def _outputs(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        return np.asarray(self.model_.predict(self._rows(X, reset=False), verbose=0))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


class Classifier(ClassifierMixin, _Wrapper):  # type: ignore[misc]
    """A model of day33 as a classifier of scikit-learn, for ``GridSearchCV``, pipelines and ensembles.

        def build(X, y, units=8):
            model = Sequential([Input(X.shape[1:]), Dense(units, "relu"), Dense(y.shape[1], "softmax")])
            model.compile("adam", "categorical_crossentropy")
            return model

        GridSearchCV(Classifier(build, epochs=20, random_state=0), {"units": [8, 16], "batch_size": [16, 32]})

    Labels may be anything; the model gets class numbers or one-hot targets, as its loss takes them. A model with a
    single output is one for two classes.

    Args:
        model: a function that returns a compiled model; or a compiled model, of which every fit trains a copy whose
            trainable weights begin anew (frozen ones stay). The function is given X (N, F) and y, one-hot (N, K), if it
            takes arguments of these names.
        warm_start: go on with the weights of the fit before, or with the model itself.
        model_kwargs: further arguments of the function.
        fit_kwargs: arguments of `Model.fit`. `verbose` is 0 unless it is given.
        random_state: fixes weights, order and dropout.
        parameters: more arguments of `Model.fit` (epochs, batch_size, ...) and of the function (units, ...), which a
            grid may search.

    Raises:
        ValueError: a parameter that neither takes.

    Attributes:
        model_: the trained model. classes_: the labels. history_: what each epoch reported, by name.
        n_features_in_: the columns of X.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_kwargs: Any) -> Classifier:
        """Trains the model.

        Args:
            X: rows (N, F, ...) of numbers, or strings (N,) or (N, F) for a model that takes them.
            y: labels (N,).
            sample_weight: weights of the rows (N,); None for none.
            fit_kwargs: arguments of `Model.fit`, before those of the constructor. `class_weight` is "balanced", or a
                dict by label.

        Raises:
            TypeError: X or y is a masked array.
            ValueError: one class only, NaN or infinity, a model that is not compiled or has another number of outputs,
                an unknown argument.
        """
        X, y = self._rows_and_labels(X, y)
        check_classification_targets(y)
        if y.ndim != 1 and (y.ndim != 2 or y.shape[1] != 1):
            raise ValueError(f"y has shape {y.shape}; expected labels (N,)")
        self.classes_, codes = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only ({self.classes_[0]!r}); a classifier needs two or more")
        shown = to_categorical(codes, len(self.classes_)).astype(np.float32)
        self._fit(X, codes, shown, sample_weight, fit_kwargs)
        return self

    def _labels(self, y: Any) -> NDArray[np.intp]:
        labels = np.asarray(y).ravel()
        codes = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        if not (self.classes_[codes] == labels).all():
            raise ValueError(f"validation_data has labels that y lacks; expected {self.classes_}")
        return codes

    def _targets(self, model: Model, y: Any) -> NDArray[Any]:
        return class_targets(model, y, len(self.classes_))

    def _adjust(self, model: Model, y: Any, arguments: dict[str, Any]) -> None:
        weight = arguments.get("class_weight")
        if weight is None:
            return
        if not isinstance(weight, str):
            unknown = [label for label in weight if label not in self.classes_]
            if unknown:
                raise ValueError(f"class_weight has the labels {unknown}; expected those of y, {self.classes_}")
        balanced = compute_class_weight(weight, classes=self.classes_, y=self.classes_[y])
        arguments["class_weight"] = {code: float(value) for code, value in enumerate(balanced)}

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class (N, K) for rows X; from logits where the loss says that the model gives these.

        ValueError where the model gives no probabilities.
        """
        outputs = self._outputs(X)
        return probabilities(self.model_, outputs)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithm of `predict_proba` (N, K); -inf for 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row (N,); the first of several."""
        outputs = self._outputs(X)
        if outputs.shape[1] > 1:
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        return np.asarray(self.classes_[(probabilities(self.model_, outputs)[:, 1] > 0.5).astype(np.intp)])


class Regressor(RegressorMixin, _Wrapper):  # type: ignore[misc]
    """A model of day33 as a regressor of scikit-learn; see `Classifier`.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state, parameters: as of `Classifier`; the function is given
            y as (N, M).

    Attributes:
        model_: the trained model. history_: what each epoch reported, by name. n_features_in_: the columns of X.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_kwargs: Any) -> Regressor:
        """Trains the model.

        Args:
            X: rows (N, F, ...) of numbers, or strings (N,) or (N, F) for a model that takes them.
            y: numbers (N,) or (N, M).
            sample_weight: weights of the rows (N,); None for none.
            fit_kwargs: arguments of `Model.fit`, before those of the constructor.

        Raises:
            TypeError: X or y is a masked array.
            ValueError: NaN or infinity, a model that is not compiled or has another number of outputs, an unknown
                argument.
        """
        X, y = self._rows_and_labels(X, y)
        self._is_flat = y.ndim == 1
        y = self._labels(y)
        self._fit(X, y, y, sample_weight, fit_kwargs)
        return self

    def _labels(self, y: Any) -> NDArray[np.float32]:
        values = np.asarray(y, np.float32)
        return values[:, np.newaxis] if values.ndim == 1 else values

    def _targets(self, model: Model, y: Any) -> NDArray[np.float32]:
        if single_output(model) != y.shape[1]:
            raise ValueError(
                f"the model gives {single_output(model)} values per sample; expected {y.shape[1]}, as y has"
            )
        return np.asarray(y, np.float32)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The model's numbers for rows X: (N,) or (N, M), as y was."""
        outputs = np.asarray(self._outputs(X), np.float64)
        return outputs[:, 0] if self._is_flat else outputs


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _texts(X: Any) -> NDArray[Any] | None:
    """X as an array of strings, (N,) or (N, F); None where it is none."""
    array = np.asarray(X)
    if array.dtype.kind == "O" and array.size and all(isinstance(item, str) for item in array.ravel()):
        return array
    return array if array.dtype.kind == "U" else None


def _afresh(model: Any) -> Any:
    """A copy, compiled as the model is, whose trainable weights begin anew. What is no compiled model is not copied."""
    if not isinstance(model, Model) or not model.compiled or model.optimizer is None:
        return model
    fresh = copy.deepcopy(model)
    if fresh.built:
        for variable, other in zip(fresh.weights, clone_model(model).weights, strict=True):
            if variable.trainable:
                variable.assign(other.numpy())
    compile_alike(model, fresh)
    return fresh


class SKLearnClassifier(Classifier):
    """`Classifier` under Keras's name, after which ``make_pipeline`` names the step."""


class SKLearnRegressor(Regressor):
    """`Regressor` under Keras's name."""
