"""Losses, by name and as objects, and as functions of arrays and of values of graphs.

In `compile` the five most common ones become loss terms of the native plan; all others, and those of your own, are
traced into it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .._core import custom_objects as _custom
from .._core.descriptions import Library
from .base import Loss, LossFunctionWrapper
from .crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
)
from .hinge import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from .probabilistic import KLDivergence, Poisson, kl_divergence, poisson
from .regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from .segmentation import Dice, Tversky, dice, tversky

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

_CLASSES = (
    BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, CategoricalHinge, CosineSimilarity, Dice, Hinge, Huber, KLDivergence, LogCosh,
    MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
    SparseCategoricalCrossentropy, SquaredHinge, Tversky,
)  # fmt: skip
_FUNCTIONS: dict[str, type[Loss]] = {cls().fn.__name__: cls for cls in _CLASSES}
_SHORT = {
    "bce": "binary_crossentropy", "kld": "kl_divergence", "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "mse": "mean_squared_error", "msle": "mean_squared_logarithmic_error",
}  # fmt: skip
# Names of older versions of Keras.
_OLD = {
    "cosine_proximity": "cosine_similarity", "huber_loss": "huber", "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}  # fmt: skip
_NAMED: dict[str, type[Loss]] = {
    **_FUNCTIONS,
    "LossFunctionWrapper": LossFunctionWrapper,
    **{cls.__name__: cls for cls in _CLASSES},
    **{short: _FUNCTIONS[name] for short, name in (_SHORT | _OLD).items()},
    **{short.upper(): _FUNCTIONS[name] for short, name in _SHORT.items()},
}
_LIBRARY = Library("loss", "keras.losses", _NAMED, Loss, frozenset({"dtype", "fn"}))


def get(identifier: Any) -> Loss:
    """A loss from whatever stands for one.

    Args:
        identifier: a `Loss`, or its class; a name ("mse", "mean_squared_error", "MeanSquaredError", ...), also one that
            is registered or in a `custom_object_scope`; a function of this module; what `serialize` returned; or a
            function ``fn(y_true, y_pred)`` of your own, written with functions of `day33.ops`, which is traced into the
            plan, with its gradient.

    Raises:
        ValueError: anything else; a loss that overrides `__call__`, which training does not call.
    """
    found = identifier
    if isinstance(identifier, str | Mapping):
        found = _LIBRARY.deserialize(identifier)
    if inspect.isclass(found) and issubclass(found, Loss) and found is not Loss:
        found = found()
    if isinstance(found, Loss):
        if type(found).__call__ is not Loss.__call__:
            raise ValueError(
                f"loss is {found!r}, whose class overrides __call__, which training does not call; expected "
                "call(self, y_true, y_pred)"
            )
        return found
    for name, cls in _FUNCTIONS.items():
        if found is globals()[name]:
            return cls()
    if callable(found) and not inspect.isclass(found):
        return LossFunctionWrapper(found)
    raise ValueError(
        f"loss is {identifier!r}; expected one of {_LIBRARY.expected()}, an object of these classes, a subclass of "
        "Loss with `call`, or a function fn(y_true, y_pred) of day33.ops"
    )


def serialize(loss: Any) -> Any:
    """A loss, or a function of y_true and y_pred, as files have it: what `deserialize` and Keras read.

    Raises:
        TypeError: it has no name that a file could hold.
    """
    return _LIBRARY.serialize(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss or function for a name, or for what `serialize` or Keras wrote.

    Args:
        name: see there.
        custom_objects: classes and functions by name that are not day33's.

    Raises:
        ValueError: it is neither day33's nor among the custom objects.
    """
    with _custom.known(custom_objects or {}):
        return _LIBRARY.deserialize(name)


def __dir__() -> list[str]:
    return list(__all__)
