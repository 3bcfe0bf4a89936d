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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._graph.limits import limiting
from .._io import hdf5
from .._io.archives import Archive, refusing
from .._io.files import open_regular, replacing
from .._io.json_text import MAX_BYTES, parse_object
from ..layers.serialization import CustomObjects
from . import compiled, model_config
from . import weights as _keras_weights
from .protocols import SavedModel

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_CALLS = 10_000
_MAX_WEIGHTS = 1 << 62  # an archive is bounded by its own rules
_SMALL = 64 << 20
_KIND = "Keras model"
_VOCABULARY = "vocabulary.txt"
_CONFIGURATION = "its configuration"


# ---- reading ----


def load_keras(path: Path, custom_objects: CustomObjects, compile: bool) -> SavedModel:
    """The model in a .keras file. See `saving.load_model`."""
    with open_regular(path) as stream:
        if hdf5.is_hdf5(stream.read(8)):  # what Keras before 2.13 writes under this name
            return load_h5(path, custom_objects, compile)
        with refusing(path, _KIND):
            with Archive(stream) as archive:
                text = archive.read(_CONFIG, MAX_BYTES)
                written_by = (
                    parse_object(archive.read(_METADATA, MAX_BYTES), "its metadata") if _METADATA in archive else {}
                )
                tree = hdf5.parse(archive.read(_WEIGHTS, _MAX_WEIGHTS))
                assets = {name: archive.read(name, MAX_BYTES) for name in archive.names if name.endswith(_VOCABULARY)}
            config = parse_object(text, _CONFIGURATION)
            model = _build(config, tree, custom_objects)
            _keras_weights.assign(_keras_weights.read(tree, model))
            _restore(model, tree, assets)
            _warn_of_keras_2(path, written_by.get("keras_version"), text.decode())
            if compile and config.get("compile_config"):
                state = _keras_weights.optimizer_arrays(tree)
                compiled.compile_as_saved(model, config["compile_config"], state, path)
            return model


def _restore(model: SavedModel, tree: hdf5.Group, assets: Mapping[str, bytes]) -> None:
    """Hands layers the vocabularies that Keras keeps in files of their own, and the arrays that go with them."""
    for path, layer in _keras_weights.groups(model):
        if not layer.array_names:
            continue
        data = assets.get(f"assets/{path}/{_VOCABULARY}")
        lines = None if data is None else data.decode().splitlines()
        while lines and not lines[-1]:
            lines.pop()
        layer.restore(_keras_weights.named_arrays(tree, path, layer), lines)


def load_h5(path: Path, custom_objects: CustomObjects, compile: bool) -> SavedModel:
    """The model in a whole-model .h5 file."""
    with open_regular(path) as stream:
        data = stream.read()
    with refusing(path, _KIND):
        tree = hdf5.parse(data)
        text = tree.attributes.get("model_config")
        if not isinstance(text, str):
            raise ValueError("it has no model_config; a file with weights only is read by model.load_weights")
        weights = tree.members.get("model_weights")
        if not isinstance(weights, hdf5.Group):
            raise ValueError("it has no model_weights")
        model = _build(parse_object(text, _CONFIGURATION), weights, custom_objects)
        _keras_weights.assign(_keras_weights.read_old(weights, model))
        _warn_of_keras_2(path, tree.attributes.get("keras_version"), text)
        training = tree.attributes.get("training_config")
        if compile and isinstance(training, str):
            settings = parse_object(training, "its training_config")
            settings["optimizer"] = settings.get("optimizer_config")
            compiled.compile_as_saved(model, settings, _keras_weights.optimizer_arrays_old(tree), path)
        return model


def _warn_of_keras_2(path: Path, version: object, configuration: str) -> None:
    """Says so where a name meant another function in Keras 2."""
    if isinstance(version, str) and version.startswith("2.") and '"hard_sigmoid"' in configuration:
        warnings.warn(
            f"the model in {path} was written by Keras {version}, whose hard_sigmoid is max(0, min(1, 0.2 x + 0.5)); "
            "here it is relu6(x + 3) / 6, as in Keras 3, so its outputs differ",
            stacklevel=4,
        )


def load_weights(path: Path, model: SavedModel, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Reads the weights of a .weights.h5, .h5 or .keras file into a model. See `Model.load_weights`."""
    with open_regular(path) as stream, refusing(path, "file of weights"):
        if hdf5.is_hdf5(stream.read(8)):
            stream.seek(0)
            tree = hdf5.parse(stream.read())
        else:
            # An archive may hold more than the file has bytes, but no more than this model and its optimizer need.
            most = _SMALL + 16 * sum(variable.value.nbytes for variable in model.weights)
            with Archive(stream) as archive:
                tree = hdf5.parse(archive.read(_WEIGHTS, most))
        old = tree.members.get("model_weights", tree)
        if isinstance(old, hdf5.Group) and any(name.startswith("layer_names") for name in old.attributes):
            found = _keras_weights.read_old(old, model, by_name, skip_mismatch)
        elif by_name:
            raise ValueError(
                "by_name is True, but it has no names of layers; expected an .h5 file in Keras's older layout"
            )
        else:
            found = _keras_weights.read(tree, model, skip_mismatch)
        _keras_weights.assign(found)


def _build(config: Mapping[str, Any], weights: hdf5.Group, custom_objects: CustomObjects) -> SavedModel:
    with limiting(_MAX_CALLS, _keras_weights.count_values(weights)):
        model = model_config.model_from(config, custom_objects)
    if not model.built:
        raise ValueError("the model was saved before it was built, so it has no weights")
    return model


# ---- writing ----


def save_keras(path: Path, model: SavedModel, include_optimizer: bool) -> None:
    """Writes a .keras file, whole or not at all."""
    config = model_config.config_of(model, include_optimizer)
    metadata = {
        "keras_version": _keras_weights.KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    _warn_of_own_layers(model)
    text = model_config.as_text(config)
    state = _state(model, config["compile_config"])
    buffer = io.BytesIO()
    _write_hdf5(buffer, lambda file: _keras_weights.write(file, model, state))
    _check_readable(model, buffer.getbuffer())
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, text)
        with archive.open(_WEIGHTS, "w", force_zip64=True) as member:
            member.write(buffer.getbuffer())


def save_h5(path: Path, model: SavedModel, include_optimizer: bool) -> None:
    """Writes a whole-model .h5 file."""
    config = model_config.config_of(model, include_optimizer)
    training = config["compile_config"]
    _warn_of_own_layers(model)
    text = model_config.as_text({"class_name": config["class_name"], "config": config["config"]})

    def write(file: Any) -> None:
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = _keras_weights.KERAS_VERSION
        file.attrs["model_config"] = text
        if training is not None:
            settings = {key: value for key, value in training.items() if key != "optimizer"}
            settings["optimizer_config"] = training["optimizer"]
            file.attrs["training_config"] = json.dumps(settings)
        _keras_weights.write_old(file, model, _state(model, training))

    with replacing(path) as temporary, open(temporary, "w+b") as stream:
        _write_hdf5(stream, write)
        stream.seek(0)
        _check_readable(model, stream.read())


def save_weights(path: Path, model: SavedModel) -> None:
    """Writes a .weights.h5 file."""
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    training = model_config.training_of(model)
    with replacing(path) as temporary, open(temporary, "w+b") as stream:
        _write_hdf5(stream, lambda file: _keras_weights.write(file, model, _state(model, training)))
        stream.seek(0)
        _check_readable(model, stream.read())


def _check_readable(model: SavedModel, data: bytes | memoryview) -> None:
    """ValueError where `hdf5.parse` would refuse what was written, such as a name of thousands of letters."""
    try:
        if sum(1 for _ in model.walk()) > _MAX_CALLS:
            raise ValueError(f"it has more than {_MAX_CALLS} layers")
        hdf5.parse(data)
    except ValueError as error:
        raise ValueError(f"model {model.name!r} cannot be saved in a form that could be read back: {error}") from error


def _write_hdf5(target: Any, write: Callable[[Any], None]) -> None:
    import h5py

    # The oldest format is the one that every reader knows.
    with h5py.File(target, "w", libver=("earliest", "v108")) as file:
        write(file)


def _state(model: SavedModel, training: Mapping[str, Any] | None) -> tuple[str, list[NDArray[Any]]] | None:
    if training is None or model.optimizer is None:
        return None
    return model.optimizer.name, compiled.optimizer_state(model)


def _warn_of_own_layers(model: SavedModel) -> None:
    own = sorted({layer.name for layer in model.walk() if not layer.known_to_keras()})
    if own:
        warnings.warn(f"Keras has no layers like {', '.join(own)}: only day33 can load this model", stacklevel=5)
