"""Whole models in files of either format, chosen by the suffix of the name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .._core.custom_objects import known
from . import containers
from .protocols import SavedModel
from .samples import verify_sample, write_sample

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LOADERS = {".keras": containers.load_keras, ".h5": containers.load_h5, ".hdf5": containers.load_h5}
_SAVERS = {".keras": containers.save_keras, ".h5": containers.save_h5, ".hdf5": containers.save_h5}


def load(filepath: str | os.PathLike[str], custom_objects: Mapping[str, type[Any]], compile: bool, verify: bool) -> Any:
    """See `day33.saving.load_model`."""
    path = Path(filepath)
    with known(custom_objects):
        model = _chosen(path, _LOADERS, "read by model.load_weights")(path, custom_objects, compile)
    if verify:
        verify_sample(path, model)
    return model


def save(
    filepath: str | os.PathLike[str], model: SavedModel, overwrite: bool, include_optimizer: bool, sample: Any
) -> None:
    """See `day33.saving.save_model`."""
    path = Path(filepath)
    write = _chosen(path, _SAVERS, "written by model.save_weights")
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    write(path, model, include_optimizer)
    write_sample(path, model, sample)


def _chosen(path: Path, functions: Mapping[str, _Function], how_weights: str) -> _Function:
    if path.name.endswith(".weights.h5") or path.suffix not in functions:
        raise ValueError(f"filepath is {str(path)!r}; expected a name that ends in .keras or .h5 (weights alone are "
                         f"{how_weights})")  # fmt: skip
    return functions[path.suffix]
