"""Keras's layout of names, for code written for Keras: ``from day33 import keras``, ``from day33.keras.layers import Dense``.

Behind every name is an object of day33's own modules: ``day33.keras.layers.Dense`` is ``day33.layers.Dense``.
`day33.tf.keras` is this package. Names of Keras that day33 does not have say so when they are used; docs/keras.md lists
what there is.

`from_keras` and `to_keras` take and give models of the real Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import namespaces
from .._native import __version__ as __version__
from . import config as config

if TYPE_CHECKING:
    from .live import from_keras as from_keras
    from .live import to_keras as to_keras

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "from_keras",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "to_keras",
    "utils",
]

_NAMES = {
    "Initializer": "initializers",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Sequential": "models",
    "from_keras": "keras.live",
    "to_keras": "keras.live",
}
_LOSS_FUNCTIONS = {
    name: f"losses:{name}"
    for name in (
        "binary_crossentropy", "categorical_crossentropy", "mean_absolute_error", "mean_squared_error",
        "sparse_categorical_crossentropy",
    )
}  # fmt: skip
_SHORT_NAMES = {
    "MAE": "losses:mean_absolute_error",
    "MSE": "losses:mean_squared_error",
    "mae": "losses:mean_absolute_error",
    "mse": "losses:mean_squared_error",
}
# For each module the names that are its own, and the modules of day33 all of whose names it has.
_MODULES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "activations": ({}, ("activations",)),
    "backend": ({"clear_session": "utils"}, ("keras.config",)),
    "callbacks": ({}, ("callbacks",)),
    "constraints": ({}, ()),
    "datasets": ({}, ("datasets",)),
    "datasets.mnist": ({"load_data": "datasets.mnist"}, ()),
    "initializers": ({}, ("initializers",)),
    "layers": ({}, ("layers",)),
    "losses": (_SHORT_NAMES, ("losses",)),
    "metrics": (_SHORT_NAMES | _LOSS_FUNCTIONS, ("metrics",)),
    "models": ({}, ("models", "saving")),
    "optimizers": ({}, ("optimizers",)),
    "optimizers.schedules": ({}, ("optimizers.schedules",)),
    "preprocessing": (
        {name: "utils" for name in ("image_dataset_from_directory", "timeseries_dataset_from_array")},
        (),
    ),
    "preprocessing.image": ({}, ()),
    "preprocessing.sequence": ({"pad_sequences": "text"}, ()),
    "preprocessing.text": ({name: "text" for name in ("Tokenizer", "text_to_word_sequence", "tokenizer_from_json")}, ()),
    "random": ({"SeedGenerator": "random"}, ()),
    "regularizers": ({}, ()),
    "saving": ({}, ("saving",)),
    "utils": ({}, ("utils",)),
}

__getattr__ = namespaces.Lookup("keras", _NAMES).find
namespaces.add_modules(__name__, "keras", _MODULES)


def __dir__() -> list[str]:
    return list(__all__)
