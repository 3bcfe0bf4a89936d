"""Weights of a model in an .npz file, or in Keras's formats."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from .._core.variables import Variable
from .._graph.limits import limiting
from .._io.archives import refusing
from .._io.npz import Headers, read_npz, write_npz
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


def load(filepath: str | os.PathLike[str], model: SavedModel, by_name: bool, skip_mismatch: bool) -> None:
    """See `Model.load_weights`."""
    path = _checked_path(filepath, _LOADED)
    own = dict(named_variables(model))
    if not path.endswith(".npz"):
        containers.load_weights(Path(path), model, by_name, skip_mismatch)
        return

    def fitting(headers: Headers) -> list[str]:
        return _fitting(path, model, own, headers, by_name or skip_mismatch, skip_mismatch)

    for key, array in read_npz(path, fitting).items():
        own[key].assign(array)


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
    with refusing(path, "file of the model's weights"):
        with limiting(_MAX_CALLS, sum(array.size for array in arrays.values())):
            made = build()
        model = model_of(made)
        own = dict(named_variables(model))
        headers = {key: (array.shape, array.dtype) for key, array in arrays.items()}
        for key in _fitting(str(path), model, own, headers, partial=False, skip_mismatch=False):
            own[key].assign(arrays[key])
    return made


def _fitting(
    path: str, model: SavedModel, own: Mapping[str, Variable], headers: Headers, partial: bool, skip_mismatch: bool
) -> list[str]:
    """The keys of the arrays that go into the variables `own`.

    Raises ValueError where some are missing or left over, unless `partial`, or have another shape, unless
    `skip_mismatch`.
    """
    missing, extra = sorted(own.keys() - headers.keys()), sorted(headers.keys() - own.keys())
    if (missing or extra) and not partial:
        raise ValueError(f"it does not hold the weights of model {model.name!r}: missing {missing}, unexpected {extra}")
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
        warnings.warn(f"{path}: {problem}; it keeps its values", stacklevel=6)
    return found


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
