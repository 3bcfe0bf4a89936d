"""Where Keras keeps the weights of a model in an HDF5 file: the new layout, by attributes and classes, and the old one.

New (.keras, .weights.h5): each layer has a group, with its weights under ``vars`` by number. A layer of a functional or
sequential model is found as ``layers/<class>_<number>``, others by the attribute that holds them, attributes in
alphabetical order, private ones last; a layer that was met before is not entered again. Keras 2.12 has the layers of a
model in a dict that names those with weights twice, so that their numbers go up by two.

Old (.h5): ``model_weights/<layer>``, weights by name, with their order in the attribute ``weight_names``.

Names and shapes are compared before a value is read.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.variables import Variable
from .._io.hdf5 import Group
from .._io.hdf5_datasets import Dataset
from .protocols import SavedLayer, SavedModel, is_layer

OPTIMIZER, _METRICS = "optimizer", "metrics"

Found = list[tuple[Variable, Dataset]]
_LAYERS, _LAYERS_2_12 = "layers", "_layer_checkpoint_dependencies"


# ---- new layout ----


def groups(model: SavedLayer, layers: str = _LAYERS) -> list[tuple[str, SavedLayer]]:
    """Each layer with the path of its group, without ``vars``; the model itself has "". `layers`: what Keras calls the
    layers of a model.
    """
    return list(_groups(model, "", layers, set()))


def _groups(layer: SavedLayer, path: str, layers: str, seen: set[SavedLayer]) -> Iterator[tuple[str, SavedLayer]]:
    if layer in seen:
        return
    seen.add(layer)
    yield path, layer
    for attribute, value in layer.saved_children():
        name = layers if attribute == _LAYERS else attribute
        yield from _entry(value, f"{path}/{name}".lstrip("/"), layers, seen)


def _entry(value: Any, path: str, layers: str, seen: set[SavedLayer]) -> Iterator[tuple[str, SavedLayer]]:
    if is_layer(value):
        yield from _groups(value, path, layers, seen)
    elif isinstance(value, list | tuple | dict):
        used: Counter[str] = Counter()
        for item in value.values() if isinstance(value, dict) else value:
            if is_layer(item):
                stem = item.name_stem()
            elif isinstance(item, list | tuple | dict):
                stem = "container"
            else:
                continue
            name = f"{stem}_{used[stem]}" if used[stem] else stem
            used[stem] += 2 if layers == _LAYERS_2_12 and is_layer(item) and item.weights else 1
            yield from _entry(item, f"{path}/{name}", layers, seen)


def _own_group(layer: SavedLayer, path: str) -> str:
    """The group with the variables of `layer` itself."""
    return "/".join(step for step in (path, layer.variable_group, "vars") if step)


def read(tree: Group, model: SavedLayer, skip_mismatch: bool = False) -> Found:
    """Each variable of `model` with what the file has for it. ValueError where the file has others.

    Args:
        skip_mismatch: leave out layers for which the file has other numbers or shapes, with a warning.
    """
    found: Found = []
    expected: set[str] = set()
    layers = _LAYERS_2_12 if _LAYERS_2_12 in tree.members else _LAYERS
    for path, layer in groups(model, layers):
        variables = layer.own_variables()
        group = _own_group(layer, path)
        if variables or layer.array_names:
            expected.add(group)
        if not variables:
            continue
        found += _pairs(variables, _numbered(tree, group), f"{group!r}", layer.name, skip_mismatch)
    extra = sorted(set(_groups_with_arrays(tree)) - expected)
    if extra and not skip_mismatch:
        raise ValueError(f"it has weights that no layer of {model.name!r} takes: {', '.join(extra[:8])}")
    return found


def named_arrays(tree: Group, path: str, layer: SavedLayer) -> dict[str, NDArray[Any]]:
    """The arrays beside the weights that a file has for the layer at `path`."""
    found = {name: tree.get(f"{_own_group(layer, path)}/{name}") for name in layer.array_names}
    return {name: array.read() for name, array in found.items() if isinstance(array, Dataset)}


def _pairs(
    variables: Sequence[Variable], stored: Sequence[Dataset], where: str, layer: str, skip_mismatch: bool
) -> Found:
    """Variables with what is stored for them. ValueError, or with `skip_mismatch` a warning, where it does not fit."""
    try:
        if len(stored) != len(variables):
            raise ValueError(
                f"{where} has {len(stored)} arrays for layer {layer!r}; expected {len(variables)}: "
                f"{[variable.name for variable in variables]}"
            )
        for variable, array in zip(variables, stored, strict=True):
            # Keras counts in integers: Normalization has a single number of samples.
            kinds = "f" if array.shape else "fiu"
            if array.shape != variable.shape or array.dtype.kind not in kinds:
                raise ValueError(
                    f"weight {variable.path!r} has shape {array.shape} and dtype {array.dtype} in the file; expected "
                    f"{variable.shape} and floating-point numbers"
                )
    except ValueError as error:
        if not skip_mismatch:
            raise
        warnings.warn(f"layer {layer!r} keeps its weights: {error}", stacklevel=6)
        return []
    return list(zip(variables, stored, strict=True))


def optimizer_arrays(tree: Group) -> list[Dataset]:
    """The state of the optimizer in order, of one that scales losses that of the one inside; empty without one."""
    return _numbered(tree, f"{OPTIMIZER}/inner_optimizer/vars") or _numbered(tree, f"{OPTIMIZER}/vars")


def count_values(tree: Group) -> int:
    """How many numbers the weights in a file have, without those of the optimizer."""
    weights = [member for name, member in tree.members.items() if name != OPTIMIZER]
    return sum(sum(d.size for d in m.datasets()) if isinstance(m, Group) else m.size for m in weights)


def _numbered(tree: Group, path: str) -> list[Dataset]:
    group = tree.get(path)
    if group is None:
        return []
    if not isinstance(group, Group):
        raise ValueError(f"{path!r} is not a group")
    arrays = []
    for number in range(len(group.members)):
        member = group.members.get(str(number))
        if not isinstance(member, Dataset):
            raise ValueError(f"{path!r} has no array {number}; it has {sorted(group.members)[:8]}")
        arrays.append(member)
    return arrays


def _groups_with_arrays(tree: Group, prefix: str = "") -> Iterator[str]:
    """Groups with arrays that are weights: neither an optimizer's nor the metrics', which Keras 2 saves, too."""
    for name, member in tree.members.items():
        if isinstance(member, Group) and not (prefix == "" and name in (OPTIMIZER, _METRICS)):
            arrays = any(isinstance(inner, Dataset) for inner in member.members.values())
            if arrays and not _counts_steps(member):
                yield prefix + name
            yield from _groups_with_arrays(member, f"{prefix}{name}/")


def _counts_steps(group: Group) -> bool:
    """Whether these are the variables of an optimizer, which models may have as attributes: its first one is the number
    of steps, and those of layers are floats.
    """
    steps = group.members.get("0")
    return isinstance(steps, Dataset) and steps.shape == () and steps.dtype.kind == "i"


def assign(found: Found) -> None:
    """Writes what `read` found into the variables: all of it is read before anything is written."""
    values = [(variable, dataset.read()) for variable, dataset in found]
    for variable, value in values:
        variable.assign(value)


def write(file: Any, model: SavedLayer, optimizer: tuple[str, Sequence[NDArray[Any]]] | None) -> None:
    """Writes into an open h5py file what `read` and Keras read."""
    for path, layer in groups(model):
        group = file.create_group(f"{path}/vars".lstrip("/"))
        group.attrs["name"] = layer.name
        inner = _own_group(layer, path)
        if inner != f"{path}/vars".lstrip("/"):
            group = file.create_group(inner)
        for number, variable in enumerate(layer.own_variables()):
            group[str(number)] = variable.value
        for name, array in layer.saved_arrays().items():
            group[name] = array
    if optimizer is not None:
        group = file.create_group(f"{OPTIMIZER}/vars")
        group.attrs["name"] = optimizer[0]
        for number, array in enumerate(optimizer[1]):
            group[str(number)] = array


# ---- old layout ----

# Keras's own "optimizer_weights" would leave a model that Keras loads with an optimizer that knows no variables, and so
# unable to train (seen in 3.15); with this name it starts the optimizer afresh.
_OLD_OPTIMIZER = "optimizer_state"
_ATTRIBUTE_LIMIT = 64512  # bytes in an object's header; longer lists of names are cut into numbered pieces


def _old_order(layer: SavedLayer) -> list[Variable]:
    """The trainable weights, then the others."""
    return layer.trainable_weights + layer.non_trainable_weights


def read_old(weights: Group, model: SavedModel, by_name: bool = False, skip_mismatch: bool = False) -> Found:
    """As `read`, from the group ``model_weights`` (or the root of a weights file) of the old layout.

    Args:
        by_name: layers are those of the same name, in place of those at the same position; others keep their weights.
    """
    stored = []
    for name in _names(weights, "layer_names"):
        group = weights.get(name)
        if not isinstance(group, Group):
            raise ValueError(f"there is no group {name!r} for a layer of that name")
        arrays = []
        for weight in _names(group, "weight_names"):
            array = group.get(weight)
            if not isinstance(array, Dataset):
                raise ValueError(f"layer {name!r} has no array {weight!r}")
            arrays.append(array)
        if arrays:
            stored.append((name, arrays))
    layers = [layer for layer in model.layers if layer.weights]
    if by_name:
        named = {layer.name: layer for layer in layers}
        pairs = [(name, arrays, named[name]) for name, arrays in stored if name in named]
    elif len(stored) != len(layers):
        raise ValueError(f"it has weights for {len(stored)} layers; model {model.name!r} expects {len(layers)}")
    else:
        pairs = [(name, arrays, layer) for (name, arrays), layer in zip(stored, layers, strict=True)]
    found: Found = []
    for name, arrays, layer in pairs:
        found += _pairs(_old_order(layer), arrays, f"layer {name!r}", layer.name, skip_mismatch)
    return found


def optimizer_arrays_old(tree: Group) -> list[Dataset]:
    """The state of the optimizer in order; empty where there is none."""
    group = tree.members.get(_OLD_OPTIMIZER, tree.members.get("optimizer_weights"))
    if not isinstance(group, Group):
        return []
    names = _names(group, "weight_names")
    if names and names[0].endswith("/iter:0"):
        # Keras before 2.11: all arrays of one slot, then those of the next, as "Adam/dense/kernel/m:0".
        slots: dict[str, list[str]] = {}
        for name in names[1:]:
            slots.setdefault(name.rpartition("/")[2], []).append(name)
        names = [names[0], *(name for of_variable in zip(*slots.values(), strict=True) for name in of_variable)]
    found = []
    for name in names:
        dataset = group.get(name)
        if not isinstance(dataset, Dataset):
            raise ValueError("the state of the optimizer is incomplete")
        found.append(dataset)
    return found


def _names(group: Group, attribute: str) -> list[str]:
    if attribute in group.attributes:
        pieces = [group.attributes[attribute]]
    else:
        pieces = []
        while f"{attribute}{len(pieces)}" in group.attributes:
            pieces.append(group.attributes[f"{attribute}{len(pieces)}"])
        if not pieces:
            raise ValueError(f"there is no list {attribute!r}")
    names = [name for piece in pieces for name in (piece if isinstance(piece, list) else [piece])]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"the list {attribute!r} holds something else than names")
    return names


def write_old(file: Any, model: SavedModel, optimizer: tuple[str, Sequence[NDArray[Any]]] | None) -> None:
    """Writes ``model_weights`` and the optimizer's state into an open h5py file."""
    weights = file.create_group("model_weights")
    weights.attrs["backend"] = "tensorflow"
    weights.attrs["keras_version"] = KERAS_VERSION
    _write_names(weights, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        variables = _old_order(layer)
        _write_arrays(weights.create_group(layer.name), _paths(variables), [v.value for v in variables])
    _write_arrays(weights.create_group("top_level_model_weights"), [], [])
    if optimizer is not None:
        name, arrays = optimizer
        _write_arrays(file.create_group(_OLD_OPTIMIZER), [f"{name}/{number}" for number in range(len(arrays))], arrays)


KERAS_VERSION = "3.15.1"  # whose format is written


def _paths(variables: Sequence[Variable]) -> list[str]:
    """The variables' paths, made unique where layers inside share a name."""
    used: Counter[str] = Counter()
    paths = []
    for variable in variables:
        number = used[variable.path]
        used[variable.path] += 1
        paths.append(f"{variable.path}_{number}" if number else variable.path)
    return paths


def _write_arrays(group: Any, names: list[str], arrays: Iterable[NDArray[Any]]) -> None:
    _write_names(group, "weight_names", names)
    for name, array in zip(names, arrays, strict=True):
        group[name] = array


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    encoded = np.array([name.encode() for name in names])
    pieces = 1
    while any(piece.nbytes > _ATTRIBUTE_LIMIT for piece in np.array_split(encoded, pieces)):
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = encoded
        return
    for number, piece in enumerate(np.array_split(encoded, pieces)):
        group.attrs[f"{attribute}{number}"] = piece
