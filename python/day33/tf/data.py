"""`tf.data`: data sets in this process, see `Dataset`."""

from __future__ import annotations

from .._core import namespaces
from .._data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, Options
from .._data.specs import DatasetSpec

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "DatasetSpec", "Options",
    "experimental",  # noqa: F822 - `add_modules` sets it
]  # fmt: skip

_CONSTANTS = dict.fromkeys(("AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY"), "_data.dataset")

__getattr__ = namespaces.absent("tf.data")
# TensorFlow had the constants there before 2.4.
namespaces.add_modules(__name__, "tf.data", {"experimental": ()}, {"experimental": _CONSTANTS})


def __dir__() -> list[str]:
    return list(__all__)
