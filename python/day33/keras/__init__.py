"""Keras's layout of names, for code written for Keras: ``from day33.keras.layers import Dense``.

Behind every name is an object of day33's own modules: ``day33.keras.layers.Dense`` is ``day33.layers.Dense``.
`day33.tf.keras` is this package. Names of Keras that day33 does not have say so when they are used; docs/keras.md lists
what there is.

`from_keras` and `to_keras` take and give models of the real Keras.
"""

from __future__ import annotations

from .._core import namespaces
from .._native import __version__ as __version__
from . import config as config

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
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
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "to_keras",
    "utils",
    "wrappers",
]

_NAMES = {
    "Initializer": "initializers",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "from_keras": "keras.live",
    "to_keras": "keras.live",
}
_SHORT_LOSSES = {
    "MAE": "losses:mean_absolute_error",
    "MSE": "losses:mean_squared_error",
    "mae": "losses:mean_absolute_error",
    "mse": "losses:mean_squared_error",
}
_LONG_LOSSES = dict.fromkeys(
    (
        "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
        "categorical_focal_crossentropy", "categorical_hinge", "cosine_similarity", "hinge", "huber", "kl_divergence",
        "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
        "mean_squared_logarithmic_error", "poisson", "sparse_categorical_crossentropy", "squared_hinge",
    ),
    "losses",
)  # fmt: skip
_RANDOM = ("SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
           "truncated_normal", "uniform")  # fmt: skip
# Functions that no layer takes by name.
_MORE_ACTIVATIONS = ("celu", "glu", "hard_shrink", "hard_tanh", "soft_shrink", "sparse_plus", "sparse_sigmoid",
                     "squareplus", "tanh_shrink", "threshold")  # fmt: skip
_DATASETS = (
    "boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters",
)  # fmt: skip
# For each module of Keras the modules of day33 all of whose names it has.
_ROOMS: dict[str, tuple[str, ...]] = {
    "activations": ("activations",),
    "backend": ("keras.config",),
    "callbacks": ("callbacks",),
    "constraints": ("constraints",),
    "datasets": ("datasets",),
    **{f"datasets.{name}": () for name in _DATASETS},
    "initializers": ("initializers",),
    "layers": ("layers",),
    "losses": ("losses",),
    "metrics": ("metrics",),
    "models": ("models", "saving"),
    "ops": ("ops",),
    "ops.image": ("ops.image",),
    "ops.linalg": ("ops.linalg",),
    "ops.nn": ("ops.nn",),
    "ops.numpy": ("ops",),
    "optimizers": ("optimizers",),
    "optimizers.schedules": ("optimizers.schedules",),
    "preprocessing": (),
    "preprocessing.image": (),
    "preprocessing.sequence": (),
    "preprocessing.text": (),
    "random": (),
    "regularizers": ("regularizers",),
    "saving": ("saving",),
    "utils": ("utils",),
    "wrappers": (),
}
# The names beside them, or without them.
_CUSTOM_OBJECTS = dict.fromkeys(
    (
        "CustomObjectScope", "custom_object_scope", "get_custom_objects", "get_registered_name",
        "get_registered_object", "register_keras_serializable",
    ),
    "saving",
)  # fmt: skip
_SINGLE_NAMES = {
    "activations": dict.fromkeys(_MORE_ACTIVATIONS, "ops"),
    "backend": {"clear_session": "utils"},
    **{f"datasets.{name}": {"load_data": f"datasets.{name}"} for name in _DATASETS},
    "datasets.imdb": dict.fromkeys(("get_word_index", "load_data"), "datasets.imdb"),
    "datasets.reuters": dict.fromkeys(("get_label_names", "get_word_index", "load_data"), "datasets.reuters"),
    "losses": _SHORT_LOSSES,
    # `metrics.cosine_similarity` has the other sign than the loss of that name.
    "metrics": {k: v for k, v in (_SHORT_LOSSES | _LONG_LOSSES).items() if k != "cosine_similarity"},
    "preprocessing": dict.fromkeys(
        ("image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array"), "utils"
    ),
    "preprocessing.sequence": {"pad_sequences": "text"},
    "preprocessing.text": dict.fromkeys(("Tokenizer", "text_to_word_sequence", "tokenizer_from_json"), "text"),
    "random": dict.fromkeys(_RANDOM, "random"),
    "utils": _CUSTOM_OBJECTS,
    "wrappers": dict.fromkeys(("SKLearnClassifier", "SKLearnRegressor"), "sklearn"),
}

__getattr__ = namespaces.Lookup("keras", _NAMES).find
namespaces.add_modules(__name__, "keras", _ROOMS, _SINGLE_NAMES)


def __dir__() -> list[str]:
    return list(__all__)
