"""The sample beside a model: inputs and the outputs that the model gave for them, to check it by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._io.npz import read_npz, write_npz
from .protocols import SavedModel

# Of the largest value of an output: what two libraries may differ by after some tens of layers in float32.
_TOLERANCE = 1e-4
_MAX_VALUES = 1 << 28


def sample_path(path: Path) -> Path:
    """The file with the sample of the model at `path`: model.keras has model.keras.sample.npz."""
    return path.with_name(path.name + ".sample.npz")


def write_sample(path: Path, model: SavedModel, sample: Any) -> None:
    """Stores an input for `predict`, and what it gives, beside the model at `path`. None: removes an old sample."""
    beside = sample_path(path)
    if sample is None:
        beside.unlink(missing_ok=True)
        return
    write_npz(beside, _arrays("input", sample) | _arrays("output", model.predict(sample, verbose=0)))


def verify_sample(path: Path, model: SavedModel) -> None:
    """Runs the sample beside the model at `path`, if there is one. ValueError where the outputs are others."""
    beside = sample_path(path)
    if not beside.exists():
        return
    arrays = read_npz(beside)
    inputs, expected = _numbered(beside, arrays, "input"), _numbered(beside, arrays, "output")
    if len(inputs) + len(expected) != len(arrays) or len({len(array) for array in (*inputs, *expected)}) > 1:
        raise ValueError(f"{beside} is not a sample: it has {', '.join(arrays)}")
    try:
        _refuse_large(model, inputs)
        outputs = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    except (TypeError, ValueError) as refusal:
        raise ValueError(f"{beside} is no sample of the model: {refusal}") from refusal
    found = outputs if isinstance(outputs, list | tuple) else [outputs]
    if [np.shape(array) for array in found] != [array.shape for array in expected]:
        raise ValueError(f"{path} gives outputs of shapes {[np.shape(array) for array in found]} for the sample; "
                         f"{beside} has {[array.shape for array in expected]}")  # fmt: skip
    for number, (array, wanted) in enumerate(zip(found, expected, strict=True)):
        allowed = _TOLERANCE * max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        error = float(np.max(np.abs(array - wanted), initial=0.0))
        if not error <= allowed:
            raise ValueError(
                f"{path} does not give the outputs of its sample: output {number} differs by {error:.3g}, at most "
                f"{allowed:.3g} is rounding"
            )


def _arrays(prefix: str, value: Any) -> dict[str, NDArray[Any]]:
    """One or several arrays under the keys of a sample."""
    arrays = value if isinstance(value, list | tuple) else [value]
    return {f"{prefix}_{number}": np.asarray(array) for number, array in enumerate(arrays)}


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


def _refuse_large(model: SavedModel, inputs: list[NDArray[Any]]) -> None:
    """ValueError where some layer would give more than a sample may need: its sizes come from a file, too."""
    graph = model.known_graph()
    if len(inputs) != len(graph.inputs):
        raise ValueError(f"it has {len(inputs)} inputs; the model has {len(graph.inputs)}")
    values = graph.values_inside([(None, *array.shape[1:]) for array in inputs]) * max(len(inputs[0]), 1)
    if values > _MAX_VALUES:
        raise ValueError(f"it would make the model compute {values} values; at most {_MAX_VALUES} are allowed")
