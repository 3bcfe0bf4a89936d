"""Models in files, in Keras's formats, without Keras: `save_model`, `load_model`.

A file is never trusted: no pickle, no code, nothing imported by a name that it holds, and no memory for a size that it
merely claims.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._formats import containers
from ._io.npz import read_npz, write_npz
from .layers.base import Layer
from .models import Model

__all__ = ["load_model", "save_model"]

# Of the largest value of an output: what two libraries may differ by after some tens of layers in float32.
_SAMPLE_TOLERANCE = 1e-4
_MAX_SAMPLE_VALUES = 1 << 28

PathLike = str | os.PathLike[str]


def load_model(
    filepath: PathLike, custom_objects: Mapping[str, type[Layer]] | None = None, compile: bool = True,
    safe_mode: bool = True, *, verify: bool = False,
) -> Model:  # fmt: skip
    """The model in a file that Keras or `Model.save` wrote. TensorFlow and Keras are not needed.

    Args:
        filepath: ends in .keras (Keras 3) or .h5 (a whole model in the older format, of Keras 2 and 3).
        custom_objects: your own layers and models by class name, written for day33.
        compile: also restore optimizer, losses, metrics and the optimizer's state, so that training continues. What
            day33 does not have of these leaves the model uncompiled, with a warning.
        safe_mode: for the sake of Keras code; code from a file is never run, whatever it says.
        verify: replay the sample stored beside the model (``model.keras.sample.npz``, see `save_model`), if there is
            one, and compare the outputs.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged or hostile; it has a layer or an argument that day33 does not have (the message says
            which); another suffix; or `verify` found other outputs.
    """
    path = Path(filepath)
    loaders = {".keras": containers.load_keras, ".h5": containers.load_h5, ".hdf5": containers.load_h5}
    if path.name.endswith(".weights.h5") or path.suffix not in loaders:
        raise ValueError(f"filepath is {str(path)!r}; expected a name that ends in .keras or .h5 (weights alone are "
                         "read by model.load_weights)")  # fmt: skip
    model = loaders[path.suffix](path, custom_objects or {}, compile)
    if verify:
        _verify(path, model)
    return model


def save_model(
    model: Model, filepath: PathLike, overwrite: bool = True, include_optimizer: bool = True, *, sample: Any = None
) -> None:
    """Writes a model to a file that `load_model` and Keras read, whole or not at all.

    Args:
        filepath: ends in .keras, or in .h5 for the older format.
        overwrite: False refuses to replace a file.
        include_optimizer: also write what `compile` was given, and the optimizer's state.
        sample: an input for `predict` (a list for several inputs). It is stored with the outputs beside the model,
            as ``input_0``, ... and ``output_0``, ... in ``<filepath>.sample.npz``, for ``load_model(verify=True)``.

    Raises:
        ValueError: the model is not built, or another suffix. FileExistsError: the file exists, overwrite is False.
        TypeError: the model is a subclass without `get_config`.
    """
    path = Path(filepath)
    savers = {".keras": containers.save_keras, ".h5": containers.save_h5, ".hdf5": containers.save_h5}
    if path.name.endswith(".weights.h5") or path.suffix not in savers:
        raise ValueError(f"filepath is {str(path)!r}; expected a name that ends in .keras or .h5 (weights alone are "
                         "written by model.save_weights)")  # fmt: skip
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    savers[path.suffix](path, model, include_optimizer)
    beside = containers.sample_path(path)
    if sample is not None:
        arrays = containers.arrays_of("input", sample)
        write_npz(beside, arrays | containers.arrays_of("output", model.predict(sample, verbose=0)))
    else:
        beside.unlink(missing_ok=True)  # of the model that was here before


def _verify(path: Path, model: Model) -> None:
    beside = containers.sample_path(path)
    if not beside.exists():
        return
    arrays = read_npz(beside)
    inputs, expected = _numbered(beside, arrays, "input"), _numbered(beside, arrays, "output")
    if len(inputs) + len(expected) != len(arrays) or len({len(array) for array in (*inputs, *expected)}) > 1:
        raise ValueError(f"{beside} is not a sample: it has {', '.join(arrays)}")
    _refuse_large(beside, model, inputs)
    outputs = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    found = outputs if isinstance(outputs, list | tuple) else [outputs]
    if [np.shape(array) for array in found] != [array.shape for array in expected]:
        raise ValueError(f"{path} gives outputs of shapes {[np.shape(array) for array in found]} for the sample; "
                         f"{beside} has {[array.shape for array in expected]}")  # fmt: skip
    for number, (array, wanted) in enumerate(zip(found, expected, strict=True)):
        allowed = _SAMPLE_TOLERANCE * max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        error = float(np.max(np.abs(array - wanted), initial=0.0))
        if not error <= allowed:
            raise ValueError(
                f"{path} does not give the outputs of its sample: output {number} differs by {error:.3g}, at most "
                f"{allowed:.3g} is rounding"
            )


def _numbered(beside: Path, arrays: Mapping[str, NDArray[Any]], prefix: str) -> list[NDArray[Any]]:
    found: list[NDArray[Any]] = []
    while f"{prefix}_{len(found)}" in arrays:
        array = arrays[f"{prefix}_{len(found)}"]
        if array.ndim == 0 or array.dtype.kind not in "fiu":
            raise ValueError(f"{beside}: {prefix}_{len(found)} has shape {array.shape} and dtype {array.dtype}")
        found.append(array)
    if not found:
        raise ValueError(f"{beside} is not a sample: there is no {prefix}_0")
    return found


def _refuse_large(beside: Path, model: Model, inputs: list[NDArray[Any]]) -> None:
    """ValueError where some layer would give more than a sample may need: its sizes come from a file, too."""
    graph = model.known_graph
    if len(inputs) != len(graph.inputs):
        raise ValueError(f"{beside} has {len(inputs)} inputs; the model has {len(graph.inputs)}")
    values = graph.values_inside([(None, *array.shape[1:]) for array in inputs]) * max(len(inputs[0]), 1)
    if values > _MAX_SAMPLE_VALUES:
        raise ValueError(f"{beside} would make the model compute {values} values; at most {_MAX_SAMPLE_VALUES} are "
                         "allowed in a sample")  # fmt: skip
