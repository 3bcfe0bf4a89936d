"""The containers of Keras models: .keras (a zip), .h5 (one HDF5 file), .weights.h5.

What is read is bytes in memory: the archive by `_io.archives`, HDF5 by `_io.hdf5`, JSON with bounded size and depth.
Weights are made only as far as the file holds values for them, and only assigned when all of them fit.
"""

from __future__ import annotations

import datetime
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._graph.limits import limiting
from .._io import hdf5
from .._io.archives import Archive, refusing
from .._io.files import replacing
from ..layers.serialization import CustomObjects, layer_config, layer_from_config
from . import compiled
from . import weights as _keras_weights
from .protocols import SavedModel, is_model

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_JSON = 16 << 20
_MAX_JSON_DEPTH = 200
_MAX_CALLS = 10_000
_KIND = "Keras model"


# ---- reading ----


def load_keras(path: Path, custom_objects: CustomObjects, compile: bool) -> SavedModel:
    """The model in a .keras file. See `saving.load_model`."""
    with open(path, "rb") as stream, refusing(path, _KIND):
        with Archive(stream) as archive:
            config = _parse_json(archive.read(_CONFIG, _MAX_JSON))
            tree = hdf5.parse(archive.read(_WEIGHTS, 1 << 62))
        model = _build(config, tree, custom_objects)
        _keras_weights.assign(_keras_weights.read(tree, model))
        if compile and config.get("compile_config"):
            _compile(path, model, config["compile_config"], _keras_weights.optimizer_arrays(tree))
        return model


def load_h5(path: Path, custom_objects: CustomObjects, compile: bool) -> SavedModel:
    """The model in a whole-model .h5 file."""
    data = path.read_bytes()
    with refusing(path, _KIND):
        tree = hdf5.parse(data)
        text = tree.attributes.get("model_config")
        if not isinstance(text, str):
            raise ValueError("it has no model_config; a file with weights only is read by model.load_weights")
        weights = tree.members.get("model_weights")
        if not isinstance(weights, hdf5.Group):
            raise ValueError("it has no model_weights")
        model = _build(_parse_json(text.encode()), weights, custom_objects)
        _keras_weights.assign(_keras_weights.read_old(weights, model))
        training = tree.attributes.get("training_config")
        if compile and isinstance(training, str):
            settings = _parse_json(training.encode())
            settings["optimizer"] = settings.get("optimizer_config")
            _compile(path, model, settings, _keras_weights.optimizer_arrays_old(tree))
        return model


def load_weights(path: Path, model: SavedModel) -> None:
    """Reads the weights of a .weights.h5, .h5 or .keras file into a model of the same layers."""
    with open(path, "rb") as stream, refusing(path, "file of weights"):
        if path.suffix == ".keras":
            with Archive(stream) as archive:
                tree = hdf5.parse(archive.read(_WEIGHTS, 1 << 62))
        else:
            tree = hdf5.parse(stream.read())
        old = tree.members.get("model_weights", tree)
        if isinstance(old, hdf5.Group) and any(name.startswith("layer_names") for name in old.attributes):
            found = _keras_weights.read_old(old, model)
        else:
            found = _keras_weights.read(tree, model)
        _keras_weights.assign(found)


def _parse_json(data: bytes) -> dict[str, Any]:
    if len(data) > _MAX_JSON:
        raise ValueError(f"its configuration has {len(data)} bytes; at most {_MAX_JSON} are read")
    depth = deepest = 0
    in_string = escaped = False
    for byte in data:  # before the parser, which recurses
        if escaped:
            escaped = False
        elif in_string:
            escaped, in_string = byte == 0x5C, byte != 0x22
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    if deepest > _MAX_JSON_DEPTH:
        raise ValueError(f"its configuration is nested {deepest} deep; at most {_MAX_JSON_DEPTH} are read")
    value = json.loads(data.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"its configuration is a {type(value).__name__}, expected an object")
    return value


def _build(config: Mapping[str, Any], weights: hdf5.Group, custom_objects: CustomObjects) -> SavedModel:
    with limiting(_MAX_CALLS, _keras_weights.count_values(weights)):
        model: SavedModel = layer_from_config(config, custom_objects)
        if not is_model(model):
            raise ValueError(f"it holds a layer {type(model).__name__}; expected a model")
        if not model.built:
            shape = (config.get("build_config") or {}).get("input_shape")
            if shape is None:
                raise ValueError("the model was saved before it was built, so it has no weights")
            model.build(_as_shape(shape))
        return model


def _as_shape(shape: Any) -> Any:
    if isinstance(shape, Mapping):
        return {key: _as_shape(value) for key, value in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return (None, *shape[1:])
    return [_as_shape(entry) for entry in shape]


def _compile(path: Path, model: SavedModel, config: Mapping[str, Any], state: Sequence[NDArray[Any]]) -> None:
    try:
        compiled.compile_from_config(model, config)
    except ValueError as error:
        warnings.warn(f"the model in {path} is not compiled: {error}", stacklevel=4)
        return
    try:
        compiled.set_optimizer_state(model, state)
    except ValueError as error:  # older versions kept other things
        warnings.warn(f"the optimizer of the model in {path} starts afresh: {error}", stacklevel=4)


# ---- writing ----


def save_keras(path: Path, model: SavedModel, include_optimizer: bool) -> None:
    """Writes a .keras file, whole or not at all."""
    config = layer_config(model)
    config["build_config"] = {"input_shape": _input_shape(model)}
    training = _training(model) if include_optimizer else None
    config["compile_config"] = training
    metadata = {
        "keras_version": _keras_weights.KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    _warn_of_own_layers(model)
    buffer = io.BytesIO()
    _write_hdf5(buffer, lambda file: _keras_weights.write(file, model, _state(model, training)))
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, json.dumps(config))
        with archive.open(_WEIGHTS, "w", force_zip64=True) as member:
            member.write(buffer.getbuffer())


def save_h5(path: Path, model: SavedModel, include_optimizer: bool) -> None:
    """Writes a whole-model .h5 file."""
    config = layer_config(model)
    training = _training(model) if include_optimizer else None
    _warn_of_own_layers(model)

    def write(file: Any) -> None:
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = _keras_weights.KERAS_VERSION
        file.attrs["model_config"] = json.dumps({"class_name": config["class_name"], "config": config["config"]})
        if training is not None:
            settings = {key: value for key, value in training.items() if key != "optimizer"}
            settings["optimizer_config"] = training["optimizer"]
            file.attrs["training_config"] = json.dumps(settings)
        _keras_weights.write_old(file, model, _state(model, training))

    with replacing(path) as temporary, open(temporary, "w+b") as stream:
        _write_hdf5(stream, write)


def save_weights(path: Path, model: SavedModel) -> None:
    """Writes a .weights.h5 file."""
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    training = _training(model)
    with replacing(path) as temporary, open(temporary, "w+b") as stream:
        _write_hdf5(stream, lambda file: _keras_weights.write(file, model, _state(model, training)))


def _write_hdf5(target: Any, write: Callable[[Any], None]) -> None:
    import h5py

    # The oldest format is the one that every reader knows, ours included.
    with h5py.File(target, "w", libver=("earliest", "v108")) as file:
        write(file)


def _input_shape(model: SavedModel) -> Any:
    shapes = [[None, *tensor.shape[1:]] for tensor in model.known_graph().inputs]
    return shapes[0] if len(shapes) == 1 else shapes


def _training(model: SavedModel) -> dict[str, Any] | None:
    try:
        return compiled.compile_config(model)
    except TypeError as error:
        warnings.warn(f"model {model.name!r} is saved without its optimizer and losses: {error}", stacklevel=5)
        return None


def _state(model: SavedModel, training: Mapping[str, Any] | None) -> tuple[str, list[NDArray[Any]]] | None:
    if training is None or model.optimizer is None:
        return None
    return model.optimizer.name, compiled.optimizer_state(model)


def _warn_of_own_layers(model: SavedModel) -> None:
    own = sorted({layer.name for layer in model.walk() if not layer.known_to_keras()})
    if own:
        warnings.warn(f"Keras has no layers like {', '.join(own)}: only day33 can load this model", stacklevel=5)
