"""Weights of a model in an .npz file, or in Keras's formats."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from .._core.variables import Variable
from .._io.npz import read_npz, write_npz
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


def load(filepath: str | os.PathLike[str], model: SavedModel) -> None:
    """See `Model.load_weights`."""
    path = _checked_path(filepath, _LOADED)
    if not path.endswith(".npz"):
        named_variables(model)
        containers.load_weights(Path(path), model)
        return
    own = dict(named_variables(model))
    arrays = read_npz(path)
    missing, extra = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
    if missing or extra:
        raise ValueError(
            f"{path} does not hold the weights of model {model.name!r}: missing {missing}, unexpected {extra}"
        )
    for key, variable in own.items():
        if arrays[key].shape != variable.shape or arrays[key].dtype.kind != "f":
            raise ValueError(
                f"{path}: {key!r} has shape {arrays[key].shape} and dtype {arrays[key].dtype}; expected "
                f"{variable.shape} and float32, for model {model.name!r}"
            )
    for key, variable in own.items():
        variable.assign(arrays[key])


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
