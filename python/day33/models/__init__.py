"""`Model` and `Sequential`, and models made like other models."""

from .._graph.registry import CLASSES as _CLASSES
from .cloning import clone_model, model_from_json
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "model_from_json"]

# What a configuration may name; "Functional" is Keras's name of a model made of inputs and outputs.
_CLASSES.update({"Functional": Model, "Model": Model, "Sequential": Sequential})


def __dir__() -> list[str]:
    return list(__all__)
