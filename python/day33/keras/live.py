"""Live Keras models to day33 and back: `from_keras`, `to_keras`. Keras is imported by these functions only."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..layers.base import Layer
from ..models import Model
from ..saving import load_model, save_model

__all__ = ["from_keras", "to_keras"]


def from_keras(model: Any, custom_objects: Mapping[str, type[Layer]] | None = None) -> Model:
    """A day33 model like a Keras model: layers, weights, and, where it is compiled, optimizer with state and losses.

    It goes through a temporary .keras file, so that files and live models cannot differ.

    Args:
        model: a built Keras model.
        custom_objects: classes of day33 for the model's own layers, by class name.

    Raises:
        ImportError: Keras is not installed. TypeError: not a Keras model.
        ValueError: it is not built, or has a layer or argument that day33 does not have.
    """
    keras = _import_keras()
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {model!r}; expected a Keras model")
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return load_model(path, custom_objects)


def to_keras(model: Model, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A Keras model like a day33 model: layers, weights, and, where it is compiled, optimizer with state and losses.

    Args:
        model: a built day33 model.
        custom_objects: classes of Keras for the model's own layers, by class name.

    Raises:
        ImportError: Keras is not installed. TypeError: not a day33 model, or a subclass without `get_config`.
        ValueError: it is not built, or Keras does not have one of its layers.
    """
    keras = _import_keras()
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}; expected a day33 model")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        save_model(model, path)
        try:
            return keras.saving.load_model(path, custom_objects=dict(custom_objects or {}))
        except TypeError as error:  # what Keras raises for a class it does not find
            raise ValueError(f"Keras cannot make model {model.name!r}: {error}") from error


def _import_keras() -> Any:
    try:
        import keras
    except ImportError as error:
        raise ImportError("live Keras models need Keras: pip install keras tensorflow") from error
    return keras
