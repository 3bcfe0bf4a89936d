"""Weights of a model in an .npz file, or in Keras's formats."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from .._core.variables import Variable
from .._graph.limits import limiting
from .._io.npz import read_npz, write_npz
from . import containers
from .protocols import SavedLayer, SavedModel

Made = TypeVar("Made")

_SAVED = (".npz", ".weights.h5")
_MAX_CALLS = 1000  # of layers, of the models that `load_new` is for
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
    named_variables(model)
    _assign(path, model, read_npz(path))


def load_new(path: Path, build: Callable[[], Made], model_of: Callable[[Made], SavedModel]) -> Made:
    """Builds a model for the weights in an .npz file, and reads them into it.

    While `build` runs, weights are made as zeros, without their initializers, and at most as many as the file holds: a
    size from a configuration file takes no memory that the weights do not confirm.

    Args:
        path: the .npz file.
        build: makes the model, or an object that has one.
        model_of: the model of what `build` made.

    Returns:
        What `build` made.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or does not hold the weights of the model.
    """
    arrays = read_npz(path)
    try:
        with limiting(_MAX_CALLS, sum(array.size for array in arrays.values())):
            made = build()
    except ValueError as error:
        raise ValueError(f"{path} does not hold the weights of the model: {error}") from error
    _assign(str(path), model_of(made), arrays)
    return made


def _assign(path: str, model: SavedModel, arrays: Mapping[str, NDArray[Any]]) -> None:
    own = dict(named_variables(model))
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
