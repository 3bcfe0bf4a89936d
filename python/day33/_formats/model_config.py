"""A model as a JSON object in Keras's form: class and configuration, how it was built, and what `compile` was given."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from .._io.json_text import parse_object
from ..layers.serialization import CustomObjects, layer_config, layer_from_config
from . import compiled
from .protocols import SavedModel, is_model


def config_of(model: SavedModel, with_training: bool) -> dict[str, Any]:
    """What `model_from` reads, and Keras, too.

    Args:
        with_training: also what `compile` was given; left out, with a warning, where no file can hold it.
    """
    config = layer_config(model)
    if model.built:
        shapes = [[None, *tensor.shape[1:]] for tensor in model.known_graph().inputs]
        config["build_config"] = {"input_shape": shapes[0] if len(shapes) == 1 else shapes}
    config["compile_config"] = training_of(model) if with_training else None
    return config


def training_of(model: SavedModel) -> dict[str, Any] | None:
    """What `compile` was given; None, with a warning, where no file can hold it."""
    try:
        return compiled.compile_config(model)
    except TypeError as error:
        warnings.warn(f"model {model.name!r} is saved without its optimizer and losses: {error}", stacklevel=6)
        return None


def model_from(config: Mapping[str, Any], custom_objects: CustomObjects) -> SavedModel:
    """The model that `config_of` or Keras described, built as far as its shapes are known, and not compiled.

    Raises:
        ValueError: the configuration is of something else, or has what day33 does not have.
    """
    model: SavedModel = layer_from_config(config, custom_objects)
    if not is_model(model):
        raise ValueError(f"it holds a layer {type(model).__name__}; expected a model")
    shape = (config.get("build_config") or {}).get("input_shape")
    if not model.built and shape is not None:
        model.build(_as_shape(shape))
    return model


def as_text(config: Mapping[str, Any]) -> str:
    """As JSON. ValueError where the readers would refuse it: too long, or nested too deep."""
    text = json.dumps(config)
    parse_object(text, "the configuration of the model")
    return text


def _as_shape(shape: Any) -> Any:
    if isinstance(shape, Mapping):
        return {key: _as_shape(value) for key, value in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return (None, *shape[1:])
    return [_as_shape(entry) for entry in shape]
