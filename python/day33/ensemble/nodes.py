"""Fitted parts of an ensemble as nodes of its manifest, and back.

A node is a JSON object with a kind and what a part of that kind needs to predict. Every value is checked when it is
read, and what comes out of one part must fit the next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from .._core.arrays import as_int
from .bagging import HardVotingBagging
from .boosting import BoosterMember
from .channels import ChannelSplitter
from .convolutional import ConvClassifier
from .encoder import EncoderFeatures
from .lightgbm_text import check_model_text, without_training
from .part_files import DamagedFileError, PartReader, PartWriter
from .voting import HardVote, check_voting

__all__ = ["Node", "read_node", "write_node"]

Node = dict[str, Any]
_MAX_DEPTH = 20


def write_node(part: Any, files: PartWriter) -> Node:
    """The node of a fitted part; its weights and texts go to `files`.

    Raises:
        TypeError: the part has no form but pickle. ValueError: nor has its model.
        sklearn.exceptions.NotFittedError, AttributeError: it is not fitted.
    """
    for name, kind in _KINDS.items():
        if type(part) is kind.cls:
            return {"kind": name, **kind.write(part, files)}
    raise TypeError(
        f"{type(part).__name__} cannot be saved without pickle; an ensemble is saved if it is made of "
        + ", ".join(kind.cls.__name__ for kind in _KINDS.values())
    )


def read_node(node: Any, files: PartReader, depth: int = 0) -> Any:
    """The part that `write_node` made a node of.

    Raises:
        ValueError, TypeError, KeyError: the node is not as `write_node` makes it.
        OSError: a file cannot be read.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    name = node["kind"]
    if not isinstance(name, str) or name not in _KINDS:
        raise ValueError(f"unknown kind {name!r}")
    return _KINDS[name].read(node, files, depth + 1)


# ---- values ----


def _plain(value: Any) -> Any:
    """Tuples and NumPy's numbers and arrays as JSON has them. TypeError for what it has not."""
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value.tolist()]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be saved without pickle")


def _list(node: Node, name: str) -> list[Any]:
    if not isinstance(node[name], list) or not node[name]:
        raise ValueError(f"{name} is {node[name]!r:.80}; expected a list that is not empty")
    return list(node[name])


def _number(node: Node, name: str, *, positive: bool = False) -> float:
    value = node[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r:.80}; expected a finite number")
    if positive and not value > 0:
        raise ValueError(f"{name} is {value!r}; expected a number above 0")
    return value


def _flag(node: Node, name: str) -> bool:
    if not isinstance(node[name], bool):
        raise ValueError(f"{name} is {node[name]!r:.80}; expected true or false")
    return bool(node[name])


def _counts(node: Node, name: str) -> tuple[int, ...]:
    return tuple(as_int(f"{name}[{index}]", value, 1) for index, value in enumerate(_list(node, name)))


def _side_pair(node: Node, name: str) -> tuple[int, int] | None:
    if node[name] is None:
        return None
    sides = _counts(node, name)
    if len(sides) != 2:
        raise ValueError(f"{name} is {sides}; expected two numbers")
    return sides[0], sides[1]


def _columns(node: Node) -> int:
    return as_int("n_features", node["n_features"], 1)


def _classes(node: Node) -> NDArray[Any]:
    values = _list(node, "classes")
    kind = type(values[0])
    if kind not in (bool, int, float, str) or any(type(value) is not kind for value in values):
        raise ValueError("classes are not labels of one type")
    classes = np.array(values)
    if classes.dtype == object or len(values) < 2 or not np.array_equal(np.unique(classes), classes):
        raise ValueError(f"classes are {str(values)[:80]}; expected two or more, ascending")
    return classes


# ---- how parts fit together ----


def _width(part: Any) -> int:
    """How many columns a transformer makes."""
    if isinstance(part, Pipeline):
        return _width(part.steps[-1][1])
    if isinstance(part, EncoderFeatures):
        return part._code_size + (part.n_features_in_ if part.passthrough else 0)
    return int(part.n_features_in_ + part.n_pixels_ * (len(part.channels) - 1))


def _is_transformer(part: Any) -> bool:
    if isinstance(part, Pipeline):
        return _is_transformer(part.steps[-1][1])
    return isinstance(part, ChannelSplitter | EncoderFeatures)


def _transformer(node: Any, files: PartReader, depth: int) -> Any:
    part = read_node(node, files, depth)
    if not _is_transformer(part):
        raise ValueError(f"{node['kind']} is no transformer")
    return part


def _preprocessor(node: Node, columns: int, files: PartReader, depth: int) -> tuple[Any, int]:
    """The preprocessor for rows of so many columns, or None, and how many columns the rows have then."""
    if node["preprocessor"] is None:
        return None, columns
    part = _transformer(node["preprocessor"], files, depth)
    _check_columns(part, columns)
    return part, _width(part)


def _classifier(node: Any, n_classes: int, files: PartReader, depth: int) -> Any:
    """A classifier whose labels are among the numbers of so many classes."""
    part = read_node(node, files, depth)
    if _is_transformer(part):
        raise ValueError(f"{node['kind']} is no classifier")
    codes = part.classes_
    if codes.dtype.kind != "i" or not 0 <= codes[0] <= codes[-1] < n_classes:
        raise ValueError(f"{node['kind']} has the classes {codes}; expected numbers from 0 to {n_classes - 1}")
    return part


def _check_columns(part: Any, columns: int) -> None:
    if part.n_features_in_ != columns:
        raise ValueError(f"{type(part).__name__} takes {part.n_features_in_} columns; expected {columns}")


# ---- a pair of functions for each kind ----


def _parameters(part: Any, names: tuple[str, ...]) -> Node:
    return {name: _plain(getattr(part, name)) for name in names}


def _write_splitter(part: ChannelSplitter, files: PartWriter) -> Node:
    return {
        "parameters": _parameters(part, ("threshold", "image_shape", "noise_floor", "channels")),
        "n_pixels": int(part.n_pixels_),
        "n_features": int(part.n_features_in_),
    }


def _read_splitter(node: Node, files: PartReader, depth: int) -> ChannelSplitter:
    chosen = node["parameters"]
    part = ChannelSplitter(
        _number(chosen, "threshold"),
        _side_pair(chosen, "image_shape"),
        noise_floor=_number(chosen, "noise_floor"),
        channels=tuple(_list(chosen, "channels")),
    )
    part.n_features_in_ = _columns(node)
    part.n_pixels_ = part._pixels_of(part.n_features_in_)
    if node["n_pixels"] != part.n_pixels_:
        raise ValueError(f"n_pixels is {node['n_pixels']!r}; expected {part.n_pixels_}")
    return part


def _write_encoder(part: EncoderFeatures, files: PartWriter) -> Node:
    return {
        "parameters": {**_parameters(part, ("kind", "passthrough")), "image_shape": _plain(part.image_shape_)},
        "scale": part.scale_,
        "n_features": int(part.n_features_in_),
        "weights": files.weights(part.model_.get_weights()),
    }


def _read_encoder(node: Node, files: PartReader, depth: int) -> EncoderFeatures:
    chosen = node["parameters"]
    shape = _side_pair(chosen, "image_shape")
    if shape is None:
        raise ValueError("image_shape is null; expected two numbers")
    part = EncoderFeatures(shape, kind=chosen["kind"], passthrough=_flag(chosen, "passthrough"))
    part.n_features_in_, part.scale_, part.image_shape_ = _columns(node), _number(node, "scale", positive=True), shape
    if part.n_features_in_ < shape[0] * shape[1]:
        raise ValueError(f"n_features is {part.n_features_in_}; pictures of {shape} need {shape[0] * shape[1]}")
    part._restore(files.weights(node["weights"]))
    return part


def _write_pipeline(part: Pipeline, files: PartWriter) -> Node:
    return {"steps": [[name, write_node(step, files)] for name, step in part.steps]}


def _read_pipeline(node: Node, files: PartReader, depth: int) -> Pipeline:
    *first, last = _list(node, "steps")
    steps = [(name, _transformer(step, files, depth)) for name, step in first]
    steps.append((last[0], read_node(last[1], files, depth)))
    if len({name for name, _ in steps}) != len(steps) or not all(isinstance(name, str) for name, _ in steps):
        raise ValueError("steps have no names of their own")
    for (_, before), (_, after) in itertools.pairwise(steps):
        _check_columns(after, _width(before))
    return Pipeline(steps)


def _write_conv(part: ConvClassifier, files: PartWriter) -> Node:
    return {
        "parameters": _parameters(part, ("image_shape", "n_extra", "filters", "dense_units", "dropout", "shift")),
        "classes": _plain(part.classes_),
        "preprocessor": None if part.preprocessor_ is None else write_node(part.preprocessor_, files),
        "scale": part.scale_,
        "input_shape": list(part.input_shape_),
        "n_features": int(part.n_features_in_),
        "weights": files.weights(part.model_.get_weights()),
    }


def _read_conv(node: Node, files: PartReader, depth: int) -> ConvClassifier:
    chosen = node["parameters"]
    part = ConvClassifier(
        _side_pair(chosen, "image_shape"),
        n_extra=as_int("n_extra", chosen["n_extra"], 0),
        filters=_counts(chosen, "filters"),
        dense_units=as_int("dense_units", chosen["dense_units"], 1),
        dropout=_number(chosen, "dropout"),
        shift=as_int("shift", chosen.get("shift", 0), 0),  # files of before it have none
    )
    part.classes_ = _classes(node)
    part.n_features_in_, part.scale_ = _columns(node), _number(node, "scale", positive=True)
    part.preprocessor_, columns = _preprocessor(node, part.n_features_in_, files, depth)
    height, width, channels = _counts(node, "input_shape")
    if height * width * channels + part.n_extra != columns:
        raise ValueError(f"input_shape is {height, width, channels}; expected the {columns} columns of the rows")
    part.input_shape_ = (height, width, channels)
    part._restore(files.weights(node["weights"]))
    return part


def _write_booster(part: BoosterMember, files: PartWriter) -> Node:
    text = without_training(part.booster.model_to_string())
    check_model_text(text)
    return {"n_classes": len(part.classes_), "model": files.text(text)}


def _read_booster(node: Node, files: PartReader, depth: int) -> BoosterMember:
    import lightgbm

    text, path = without_training(files.text(node["model"])), files.path(node["model"])
    try:
        shape = check_model_text(text)
        booster = lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise DamagedFileError(f"{path}: not a LightGBM model: {error}") from error
    if as_int("n_classes", node["n_classes"], 2) != shape.n_classes:
        raise ValueError(f"n_classes is {node['n_classes']}; expected the {shape.n_classes} of {path}")
    return BoosterMember(booster, shape.n_classes)


def _write_bag(part: HardVotingBagging, files: PartWriter) -> Node:
    return {
        "voting": part.voting,
        "classes": _plain(part.classes_),
        "n_features": int(part.n_features_in_),
        "preprocessor": None if part.preprocessor_ is None else write_node(part.preprocessor_, files),
        "features": [_plain(features) for features in part.estimators_features_],
        "members": [write_node(member, files) for member in part.estimators_],
    }


def _read_bag(node: Node, files: PartReader, depth: int) -> HardVotingBagging:
    nodes, columns_of = _list(node, "members"), _list(node, "features")
    if len(nodes) != len(columns_of):
        raise ValueError(f"features has {len(columns_of)} entries; expected one for each of {len(nodes)} members")
    part = HardVotingBagging(n_estimators=len(nodes), voting=node["voting"])
    check_voting(part.voting)
    part.classes_, part.n_features_in_ = _classes(node), _columns(node)
    part.preprocessor_, width = _preprocessor(node, part.n_features_in_, files, depth)
    part.estimators_ = [_classifier(member, len(part.classes_), files, depth) for member in nodes]
    part.estimators_features_ = [_feature_numbers(columns, width) for columns in columns_of]
    for member, features in zip(part.estimators_, part.estimators_features_, strict=True):
        _check_columns(member, width if features is None else len(features))
    return part


def _feature_numbers(values: Any, width: int) -> NDArray[np.intp] | None:
    if values is None:
        return None
    if not isinstance(values, list) or not values:
        raise ValueError(f"features is {values!r:.80}; expected null or numbers of columns")
    numbers = np.array([as_int("features", value, 0) for value in values], np.intp)
    if numbers.max() >= width:
        raise ValueError(f"features has the column {numbers.max()}; expected numbers from 0 to {width - 1}")
    return numbers


def _write_vote(part: HardVote, files: PartWriter) -> Node:
    kept = [name for name, estimator in part.named_estimators_.items() if not isinstance(estimator, str)]
    return {
        "voting": part.voting,
        "weights": _plain(part._weights()),
        "classes": _plain(part.classes_),
        "n_features": int(part.n_features_in_),
        "names": kept,
        "estimators": [write_node(estimator, files) for estimator in part.estimators_],
    }


def _read_vote(node: Node, files: PartReader, depth: int) -> HardVote:
    classes, columns, names = _classes(node), _columns(node), _list(node, "names")
    estimators = [_classifier(estimator, len(classes), files, depth) for estimator in _list(node, "estimators")]
    for estimator in estimators:
        _check_columns(estimator, columns)
    weights = node["weights"]
    if weights is not None:
        weights = [_number({"weights": weight}, "weights") for weight in _list(node, "weights")]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("names are not texts")
    named = list(zip(names, estimators, strict=True))
    return HardVote.of_fitted(named, classes, voting=node["voting"], weights=weights)


class _Kind(NamedTuple):
    cls: type
    write: Callable[..., Node]
    read: Callable[[Node, PartReader, int], Any]


_KINDS: dict[str, _Kind] = {
    "ChannelSplitter": _Kind(ChannelSplitter, _write_splitter, _read_splitter),
    "EncoderFeatures": _Kind(EncoderFeatures, _write_encoder, _read_encoder),
    "Pipeline": _Kind(Pipeline, _write_pipeline, _read_pipeline),
    "ConvClassifier": _Kind(ConvClassifier, _write_conv, _read_conv),
    "LightGBM": _Kind(BoosterMember, _write_booster, _read_booster),
    "HardVotingBagging": _Kind(HardVotingBagging, _write_bag, _read_bag),
    "HardVote": _Kind(HardVote, _write_vote, _read_vote),
}
