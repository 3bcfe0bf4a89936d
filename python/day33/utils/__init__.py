"""What `keras.utils` has for the data around a model: labels, batches, downloads, pictures, series, and its plot."""

from __future__ import annotations

from ..layers.base import clear_session
from ..random import set_random_seed
from ..text import pad_sequences
from .arrays import normalize, to_categorical
from .downloads import get_file
from .images import image_dataset_from_directory
from .model_plot import plot_model
from .py_dataset import PyDataset
from .series import timeseries_dataset_from_array
from .splits import split_dataset
from .steps import pack_x_y_sample_weight, unpack_x_y_sample_weight
from .texts import text_dataset_from_directory

Sequence = PyDataset  # its name in Keras 2, which Keras 3 has, too

__all__ = [
    "PyDataset",
    "Sequence",
    "clear_session",
    "get_file",
    "image_dataset_from_directory",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "set_random_seed",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def __dir__() -> list[str]:
    return list(__all__)
