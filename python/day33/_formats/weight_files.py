"""Weights of a model in an .npz file, or in Keras's formats."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path

from .._core.variables import Variable
from .._io.npz import Headers, read_npz, write_npz
from . import containers
from .protocols import SavedLayer, SavedModel

_SAVED = (".npz", ".weights.h5")
_LOADED = (".npz", ".weights.h5", ".h5", ".keras")


def save(filepath: str | os.PathLike[str], model: SavedModel, overwrite: bool) -> None:
    """See `Model.save_weights`."""
    path = _checked_path(filepath, _SAVED)
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    if not path.endswith(".npz"):
        containers.save_weights(Path(path), model)
        return
    write_npz(path, {key: variable.value for key, variable in named_variables(model)})


def load(filepath: str | os.PathLike[str], model: SavedModel, by_name: bool, skip_mismatch: bool) -> None:
    """See `Model.load_weights`."""
    path = _checked_path(filepath, _LOADED)
    own = dict(named_variables(model))
    if not path.endswith(".npz"):
        containers.load_weights(Path(path), model, by_name, skip_mismatch)
        return

    def fitting(headers: Headers) -> list[str]:
        missing, extra = sorted(own.keys() - headers.keys()), sorted(headers.keys() - own.keys())
        if (missing or extra) and not (by_name or skip_mismatch):
            raise ValueError(
                f"it does not hold the weights of model {model.name!r}: missing {missing}, unexpected {extra}"
            )
        found = []
        for key in [key for key in own if key in headers]:
            shape, dtype = headers[key]
            if shape == own[key].shape and dtype.kind == "f":
                found.append(key)
                continue
            problem = (
                f"{key!r} has shape {shape} and dtype {dtype}; expected {own[key].shape} and float32, for model "
                f"{model.name!r}"
            )
            if not skip_mismatch:
                raise ValueError(problem)
            warnings.warn(f"{path}: {problem}; it keeps its values", stacklevel=5)
        return found

    for key, array in read_npz(path, fitting).items():
        own[key].assign(array)


def named_variables(model: SavedModel) -> list[tuple[str, Variable]]:
    """Every variable with a key that a model made by the same code has, too. ValueError before the model is built."""
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights; call it, or build, first")
    return _named_variables(model, "", set())


def _named_variables(layer: SavedLayer, prefix: str, seen: set[SavedLayer]) -> list[tuple[str, Variable]]:
    seen.add(layer)
    named = [(prefix + v.name, v) for v in layer.own_variables()]
    counts: Counter[str] = Counter()
    taken = {inner.name for inner in layer.sublayers() if inner.named_by_user}
    for inner in layer.sublayers():
        if inner in seen:
            continue
        name = inner.name
        if not inner.named_by_user:
            stem = inner.name_stem()
            name = stem
            while name in taken:
                counts[stem] += 1
                name = f"{stem}_{counts[stem]}"
            taken.add(name)
        named += _named_variables(inner, f"{prefix}{name}/", seen)
    return named


def _checked_path(filepath: str | os.PathLike[str], suffixes: tuple[str, ...]) -> str:
    path = os.fspath(filepath)
    if not isinstance(path, str) or not path.endswith(suffixes):
        raise ValueError(f"filepath is {path!r}; expected a name that ends in {' or '.join(suffixes)}")
    return path
