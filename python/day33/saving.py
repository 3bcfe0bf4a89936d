"""Models in files, in Keras's formats, without Keras: `save_model`, `load_model`.

A file is never trusted: no pickle, no code, nothing imported by a name that it holds, and no memory for a size that it
merely claims.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ._core.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ._formats import model_files as _model_files
from .models import Model as _Model

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "register_keras_serializable",
    "save_model",
]


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True,
    safe_mode: bool = True, *, verify: bool = False,
) -> _Model:  # fmt: skip
    """Reads the model in a file that Keras or `Model.save` wrote. TensorFlow and Keras are not needed.

    Args:
        filepath: ends in .keras (Keras 3) or .h5 (a whole model in the older format, of Keras 2 and 3).
        custom_objects: your own layers, models, losses, regularizers and the like by name, written for day33.
        compile: also restore optimizer, losses, metrics and the optimizer's state, so that training continues. What
            day33 does not have of these leaves the model uncompiled, with a warning.
        safe_mode: for the sake of Keras code; code from a file is never run, whatever it says.
        verify: replay the sample stored beside the model (``model.keras.sample.npz``, see `save_model`), if there is
            one, and compare the outputs.

    Returns:
        The model, built, with its weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged or hostile; it has a layer or an argument that day33 does not have (the message says
            which); another suffix; or `verify` found other outputs.
    """
    model: _Model = _model_files.load(filepath, custom_objects or {}, compile, verify)
    return model


def save_model(
    model: _Model, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True, *,
    sample: Any = None,
) -> None:  # fmt: skip
    """Writes a model to a file that `load_model` and Keras read, whole or not at all.

    Args:
        model: a built model.
        filepath: ends in .keras, or in .h5 for the older format.
        overwrite: False refuses to replace a file.
        include_optimizer: also write what `compile` was given, and the optimizer's state.
        sample: an input for `predict` (a list for several inputs). It is stored with the outputs beside the model,
            as ``input_0``, ... and ``output_0``, ... in ``<filepath>.sample.npz``, for ``load_model(verify=True)``.

    Raises:
        ValueError: the model is not built, or another suffix. FileExistsError: the file exists, overwrite is False.
        TypeError: the model is a subclass without `get_config`.
    """
    _model_files.save(filepath, model, overwrite, include_optimizer, sample)


def __dir__() -> list[str]:
    return list(__all__)
