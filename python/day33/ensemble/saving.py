"""Fitted ensembles in a folder, without pickle: a JSON manifest, LightGBM's own text format, weights of day33 as .npz.

What has no such form (an estimator of another package) is refused when saving, not when loading. The manifest has the
SHA-256 of every other file, so that a damaged or exchanged one is noticed before it is parsed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .. import initializers
from .._io.files import read_json, write_json, write_text
from .._io.npz import read_npz, write_npz
from .bagging import HardVotingBagging
from .boosting import BoosterMember
from .channels import ChannelSplitter
from .convolutional import ConvClassifier
from .encoder import EncoderFeatures
from .voting import VOTINGS, HardVote

__all__ = ["load_ensemble", "save_ensemble"]

MANIFEST_FILE = "ensemble.json"
FORMAT, VERSION = "day33 ensemble", 1
Node = dict[str, Any]
_MAX_DEPTH = 20


def save_ensemble(estimator: Any, folder: str | os.PathLike[str]) -> None:
    """Write a fitted ensemble to a folder: `load_ensemble` gives one that predicts the same.

    `HardVotingBagging` of LightGBM or `ConvClassifier` members, `HardVote` of such, `ConvClassifier` alone; with
    `ChannelSplitter`, `EncoderFeatures` and pipelines of these as preprocessors. How they were trained is not kept.

    Raises:
        TypeError: a part has no form but pickle.
        sklearn.exceptions.NotFittedError, AttributeError: it is not fitted.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    writer = _Writer(target)
    root = writer.node(estimator)
    # Last, so that a folder with a manifest is whole.
    manifest = {"format": FORMAT, "version": VERSION, "files": writer.digests, "ensemble": root}
    write_json(target / MANIFEST_FILE, manifest)


def load_ensemble(folder: str | os.PathLike[str]) -> Any:
    """What `save_ensemble` wrote.

    Raises:
        FileNotFoundError: no manifest, or a file it names is missing.
        ValueError: a file is damaged or is not what the manifest says; the message names it.
    """
    source = Path(folder)
    manifest = read_json(source / MANIFEST_FILE)
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise ValueError(f"{source / MANIFEST_FILE}: not the manifest of a {FORMAT} of version {VERSION}")
    try:
        return _Reader(source, manifest["files"]).node(manifest["ensemble"], 0)
    except _DamagedError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{source / MANIFEST_FILE}: not a manifest as day33 writes it ({reason})") from error


class _DamagedError(ValueError):
    """With a message that names the file."""


class _Writer:
    """Turns estimators into nodes of the manifest, and writes the files they need."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digests: dict[str, str] = {}

    def node(self, part: Any) -> Node:
        for kind, (cls, write, _) in _KINDS.items():
            if type(part) is cls:
                return {"kind": kind, **write(self, part)}
        raise TypeError(
            f"{type(part).__name__} cannot be saved without pickle; an ensemble is saved if it is made of "
            + ", ".join(cls.__name__ for cls, _, _ in _KINDS.values())
        )

    def text(self, text: str) -> str:
        name = f"part-{len(self.digests):03d}.txt"
        write_text(self._folder / name, text)
        return self._noted(name)

    def weights(self, weights: list[Any]) -> str:
        name = f"part-{len(self.digests):03d}.npz"
        write_npz(self._folder / name, {str(index): array for index, array in enumerate(weights)})
        return self._noted(name)

    def _noted(self, name: str) -> str:
        self.digests[name] = _sha256(self._folder / name)
        return name


class _Reader:
    """Turns nodes back into estimators. Trusts nothing in them."""

    def __init__(self, folder: Path, digests: Any) -> None:
        self._folder, self._digests = folder, digests

    def node(self, node: Node, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise _DamagedError(f"{self._folder / MANIFEST_FILE}: nested too deeply")
        kind = node["kind"]
        if not isinstance(kind, str) or kind not in _KINDS:
            raise _DamagedError(f"{self._folder / MANIFEST_FILE}: unknown kind {kind!r}")
        return _KINDS[kind][2](self, node, depth + 1)

    def maybe(self, node: Node | None, depth: int) -> Any:
        return None if node is None else self.node(node, depth)

    def path(self, name: Any) -> Path:
        if not isinstance(name, str) or name not in self._digests or Path(name).name != name:
            raise _DamagedError(f"{self._folder / MANIFEST_FILE}: {name!r} is not one of its files")
        path = self._folder / name
        if _sha256(path) != self._digests[name]:
            raise _DamagedError(f"{path}: not the file that was saved (its SHA-256 is another)")
        return path

    def weights(self, name: Any) -> list[Any]:
        arrays = read_npz(self.path(name))
        return [arrays[str(index)] for index in range(len(arrays))]


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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


def _tupled(value: Any) -> Any:
    return tuple(_tupled(entry) for entry in value) if isinstance(value, list) else value


def _classes(values: Any) -> Any:
    if not isinstance(values, list) or len(values) < 2 or len({type(value) for value in values}) != 1:
        raise TypeError(f"classes are {values!r}")
    return np.array(values)


def _parameters(part: Any, names: tuple[str, ...]) -> Node:
    return {name: _plain(getattr(part, name)) for name in names}


def _chosen(node: Node, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _tupled(node["parameters"][name]) for name in names}


# ---- a pair of functions for each kind ----

_SPLITTER = ("threshold", "image_shape", "noise_floor", "channels")
_ENCODER = ("image_shape", "kind", "passthrough")
_CONV = ("image_shape", "n_extra", "filters", "dense_units", "dropout")


def _write_splitter(writer: _Writer, part: ChannelSplitter) -> Node:
    return {
        "parameters": _parameters(part, _SPLITTER),
        "n_pixels": int(part.n_pixels_),
        "n_features": int(part.n_features_in_),
    }


def _read_splitter(reader: _Reader, node: Node, depth: int) -> ChannelSplitter:
    part = ChannelSplitter(**_chosen(node, _SPLITTER))
    part.n_pixels_, part.n_features_in_ = int(node["n_pixels"]), int(node["n_features"])
    return part


def _write_encoder(writer: _Writer, part: EncoderFeatures) -> Node:
    return {
        "parameters": _parameters(part, _ENCODER),
        "scale": part.scale_,
        "n_features": int(part.n_features_in_),
        "weights": writer.weights(part.model_.get_weights()),
    }


def _read_encoder(reader: _Reader, node: Node, depth: int) -> EncoderFeatures:
    part = EncoderFeatures(**_chosen(node, _ENCODER))
    part.n_features_in_, part.scale_ = int(node["n_features"]), float(node["scale"])
    part._build(reader.weights(node["weights"]))
    return part


def _write_pipeline(writer: _Writer, part: Pipeline) -> Node:
    return {"steps": [[name, writer.node(step)] for name, step in part.steps]}


def _read_pipeline(reader: _Reader, node: Node, depth: int) -> Pipeline:
    return Pipeline([(str(name), reader.node(step, depth)) for name, step in node["steps"]])


def _write_conv(writer: _Writer, part: ConvClassifier) -> Node:
    return {
        "parameters": _parameters(part, _CONV),
        "classes": _plain(part.classes_),
        "preprocessor": None if part.preprocessor_ is None else writer.node(part.preprocessor_),
        "scale": part.scale_,
        "input_shape": list(part.input_shape_),
        "n_features": int(part.n_features_in_),
        "weights": writer.weights(part.model_.get_weights()),
    }


def _read_conv(reader: _Reader, node: Node, depth: int) -> ConvClassifier:
    part = ConvClassifier(**_chosen(node, _CONV))
    part.classes_ = _classes(node["classes"])
    part.preprocessor_ = reader.maybe(node["preprocessor"], depth)
    part.scale_, part.n_features_in_ = float(node["scale"]), int(node["n_features"])
    height, width, channels = node["input_shape"]
    part.input_shape_ = (int(height), int(width), int(channels))
    part.model_ = part._build(initializers.Zeros())
    part.model_.set_weights(reader.weights(node["weights"]))
    return part


def _write_booster(writer: _Writer, part: BoosterMember) -> Node:
    return {"n_classes": len(part.classes_), "model": writer.text(part.booster.model_to_string())}


def _read_booster(reader: _Reader, node: Node, depth: int) -> BoosterMember:
    import lightgbm

    path = reader.path(node["model"])
    try:
        booster = lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
        raise _DamagedError(f"{path}: not a LightGBM model: {error}") from error
    return BoosterMember(booster, int(node["n_classes"]))


def _write_bag(writer: _Writer, part: HardVotingBagging) -> Node:
    return {
        "voting": part.voting,
        "classes": _plain(part.classes_),
        "n_features": int(part.n_features_in_),
        "preprocessor": None if part.preprocessor_ is None else writer.node(part.preprocessor_),
        "features": [_plain(features) for features in part.estimators_features_],
        "members": [writer.node(member) for member in part.estimators_],
    }


def _read_bag(reader: _Reader, node: Node, depth: int) -> HardVotingBagging:
    members = [reader.node(member, depth) for member in node["members"]]
    part = HardVotingBagging(n_estimators=len(members), voting=_voting(node))
    part.classes_, part.n_features_in_ = _classes(node["classes"]), int(node["n_features"])
    part.preprocessor_ = reader.maybe(node["preprocessor"], depth)
    part.estimators_ = members
    part.estimators_features_ = [
        None if features is None else np.array(features, np.intp) for features in node["features"]
    ]
    if not members or len(members) != len(part.estimators_features_):
        raise IndexError(f"{len(members)} members, {len(part.estimators_features_)} lists of features")
    return part


def _write_vote(writer: _Writer, part: HardVote) -> Node:
    return {
        "voting": part.voting,
        "weights": _plain(part.weights),
        "classes": _plain(part.classes_),
        "n_features": int(part.n_features_in_),
        "names": [str(name) for name, _ in part.estimators],
        "estimators": [writer.node(estimator) for estimator in part.estimators_],
    }


def _read_vote(reader: _Reader, node: Node, depth: int) -> HardVote:
    estimators = [reader.node(estimator, depth) for estimator in node["estimators"]]
    weights = node["weights"]
    if weights is not None:
        weights = [float(weight) for weight in weights]
    part = HardVote.of_fitted(
        list(zip(map(str, node["names"]), estimators, strict=True)),
        _classes(node["classes"]),
        voting=_voting(node),
        weights=weights,
    )
    part.n_features_in_ = int(node["n_features"])
    return part


def _voting(node: Node) -> str:
    if node["voting"] not in VOTINGS:
        raise TypeError(f"voting is {node['voting']!r}")
    return str(node["voting"])


_KINDS: dict[str, tuple[type, Callable[..., Node], Callable[..., Any]]] = {
    "ChannelSplitter": (ChannelSplitter, _write_splitter, _read_splitter),
    "EncoderFeatures": (EncoderFeatures, _write_encoder, _read_encoder),
    "Pipeline": (Pipeline, _write_pipeline, _read_pipeline),
    "ConvClassifier": (ConvClassifier, _write_conv, _read_conv),
    "LightGBM": (BoosterMember, _write_booster, _read_booster),
    "HardVotingBagging": (HardVotingBagging, _write_bag, _read_bag),
    "HardVote": (HardVote, _write_vote, _read_vote),
}
