"""LightGBM's text format, checked before LightGBM sees it.

LightGBM trusts its own files: a wrong count ends the process, a wrong child of a node makes `predict` loop or read
outside of its arrays. So a text is compared line by line with what LightGBM 4 writes (`GBDT::SaveModelToString` and
`Tree::ToString` of its sources), and every number that it uses as a size or an index is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoosterShape", "check_model_text", "without_training"]

_END = "end of trees\n"
_MAX_LEAVES = 131_072  # LightGBM's own limit
_INT32_MAX = 2**31 - 1

_INTEGER = r"-?\d{1,10}"
_NUMBER = r"-?(?:\d{1,400}(?:\.\d{1,40})?(?:e[+-]\d{1,3})?|inf|nan)"
_INTEGERS = re.compile(rf"(?:{_INTEGER}(?: {_INTEGER})*)?")
_NUMBERS = re.compile(rf"(?:{_NUMBER}(?: {_NUMBER})*)?")
_NAME = re.compile(r"[!-~]{1,1000}")
_RANGE = re.compile(rf"none|\[{_NUMBER}:{_NUMBER}\]|{_INTEGER}(?::{_INTEGER})*")

# decision_type of a node: bit 0 says that its feature is categorical, bits 2 and 3 which values count as missing.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, (0, 4, 8)
_DECISIONS = [missing | bits for missing in _MISSING for bits in range(_CATEGORICAL + _DEFAULT_LEFT + 1)]


class BoosterShape(NamedTuple):
    """What a model takes and gives: `n_features` columns, `n_classes` probabilities."""

    n_features: int
    n_classes: int


def without_training(text: str) -> str:
    """The text up to the last tree; how the model was trained follows there, which no prediction needs."""
    return text[: text.find(_END) + len(_END)] if _END in text else text


def check_model_text(text: str) -> BoosterShape:
    """Check the text of a classifier, as `without_training` gives it.

    Returns:
        How many columns the model takes and how many classes it tells apart.

    Raises:
        ValueError: LightGBM would not write such a text; the message says where it differs.
    """
    if not text.isascii():
        raise ValueError("it has characters that are not ASCII")
    head, separator, rest = text.partition("\n\n")
    if not separator:
        raise ValueError("it ends before the first tree")
    shape, sizes = _check_header(head.split("\n"))
    position = 0
    for number, size in enumerate(sizes):
        # Trees are written with two empty lines behind each; the size counts them.
        lines = rest[position : position + size].split("\n")
        if size < 1 or lines[0] != f"Tree={number}" or lines[-3:] != ["", "", ""]:
            raise ValueError(f"tree {number} is not where tree_sizes says")
        try:
            _check_tree(_Lines(lines[1:-3]), shape.n_features)
        except ValueError as error:
            raise ValueError(f"tree {number}: {error}") from error
        position += size
    if rest[position:] != _END:
        raise ValueError(f"{_END.strip()!r} is not behind the last tree")
    return shape


class _Lines:
    """Lines ``key=value`` that are taken one after the other."""

    def __init__(self, lines: list[str]) -> None:
        self._lines: Iterator[str] = iter(lines)

    def text(self, key: str) -> str:
        line = next(self._lines, "")
        if not line.startswith(f"{key}="):
            raise ValueError(f"line {line[:40]!r}; expected {key}=")
        return line[len(key) + 1 :]

    def integer(self, key: str, low: int, high: int = _INT32_MAX) -> int:
        return int(self.integers(key, 1, low, high)[0])

    def integers(self, key: str, count: int, low: int, high: int = _INT32_MAX) -> NDArray[np.int64]:
        values = _integers(self.text(key), key)
        if len(values) != count:
            raise ValueError(f"{key} has {len(values)} values; expected {count}")
        if count and not low <= values.min() <= values.max() <= high:
            raise ValueError(f"{key} goes from {values.min()} to {values.max()}; expected {low} to {high}")
        return values

    def numbers(self, key: str, count: int) -> NDArray[np.float64]:
        """Numbers that are used: finite ones."""
        values = _numbers(self.text(key), key, count)
        if not np.isfinite(values).all():
            raise ValueError(f"{key} has numbers that are not finite")
        return values

    def notes(self, key: str, count: int) -> None:
        """Numbers that only describe the training, which may be infinite or NaN."""
        _numbers(self.text(key), key, count)

    def end(self) -> None:
        line = next(self._lines, None)
        if line is not None:
            raise ValueError(f"line {line[:40]!r}; expected no more")


def _integers(text: str, key: str) -> NDArray[np.int64]:
    if not _INTEGERS.fullmatch(text):
        raise ValueError(f"{key} is not a list of integers")
    return np.array(text.split(), np.int64)


def _numbers(text: str, key: str, count: int) -> NDArray[np.float64]:
    if not _NUMBERS.fullmatch(text):
        raise ValueError(f"{key} is not a list of numbers")
    values = np.array(text.split(), np.float64)
    if len(values) != count:
        raise ValueError(f"{key} has {len(values)} values; expected {count}")
    # LightGBM reads numbers with strtod and ends the process where that reports one too large or too small.
    tiny = (values != 0) & (np.abs(values) < np.finfo(np.float64).tiny)
    if tiny.any() or np.isinf(values).sum() != text.count("inf"):
        raise ValueError(f"{key} has numbers out of the range of float64")
    return values


def _check_header(lines: list[str]) -> tuple[BoosterShape, list[int]]:
    # Two lines are there for some models only.
    optional = [line for line in lines if line == "average_output" or line.startswith("monotone_constraints=")]
    if len({line[:1] for line in optional}) != len(optional):
        raise ValueError(f"{optional[0][:40]!r} is there twice")
    if lines[:1] != ["tree"]:
        raise ValueError("it does not begin with the line 'tree'")
    header = _Lines([line for line in lines[1:] if line not in optional])
    version = header.text("version")
    if version not in ("v3", "v4"):
        raise ValueError(f"version is {version[:10]!r}; expected v3 or v4")
    outputs = header.integer("num_class", 1)
    per_iteration = header.integer("num_tree_per_iteration", 1)
    header.integer("label_index", 0)
    features = header.integer("max_feature_idx", 0) + 1
    _check_objective(header.text("objective"), outputs)
    if per_iteration != outputs:
        raise ValueError(f"num_tree_per_iteration is {per_iteration}; expected {outputs}")
    names = header.text("feature_names").split(" ")
    if len(names) != features or not all(map(_NAME.fullmatch, names)):
        raise ValueError(f"feature_names is not the names of {features} features")
    ranges = header.text("feature_infos").split(" ")
    if len(ranges) != features or not all(map(_RANGE.fullmatch, ranges)):
        raise ValueError(f"feature_infos is not the ranges of {features} features")
    sizes = _integers(header.text("tree_sizes"), "tree_sizes").tolist()
    header.end()
    if not sizes or len(sizes) % per_iteration:
        raise ValueError(f"tree_sizes has {len(sizes)} values; expected a multiple of {per_iteration}")
    for line in optional:
        if line.startswith("monotone"):
            _Lines([line]).integers("monotone_constraints", features, -1, 1)
    return BoosterShape(features, max(outputs, 2)), sizes


def _check_objective(text: str, outputs: int) -> None:
    name, _, parameter = text.partition(" ")
    key, _, value = parameter.partition(":")
    if outputs > 1:
        fits = text == f"multiclass num_class:{outputs}"
    else:
        fits = (name, key) == ("binary", "sigmoid") and _numbers(value, "sigmoid", 1)[0] > 0
    if not fits:
        raise ValueError(f"objective is {text[:40]!r} with num_class {outputs}; expected that of a classifier")


def _check_tree(tree: _Lines, n_features: int) -> None:
    leaves = tree.integer("num_leaves", 1, _MAX_LEAVES)
    nodes = leaves - 1
    categories = tree.integer("num_cat", 0, nodes)
    tree.integers("split_feature", nodes, 0, n_features - 1)
    tree.notes("split_gain", nodes)
    thresholds = tree.numbers("threshold", nodes)
    decisions = tree.integers("decision_type", nodes, min(_DECISIONS), max(_DECISIONS))
    if not np.isin(decisions, _DECISIONS).all():
        raise ValueError("decision_type has values that LightGBM does not know")
    children = [tree.integers(key, nodes, -leaves, nodes - 1) for key in ("left_child", "right_child")]
    _check_children(np.stack(children))
    tree.numbers("leaf_value", leaves)
    # A tree that is a single leaf has no weight.
    tree.notes("leaf_weight", leaves if nodes else 0)
    tree.integers("leaf_count", leaves, 0)
    tree.notes("internal_value", nodes)
    tree.notes("internal_weight", nodes)
    tree.integers("internal_count", nodes, 0)
    _check_sets(thresholds[(decisions & _CATEGORICAL) != 0], categories)
    if categories:
        boundaries = tree.integers("cat_boundaries", categories + 1, 0)
        if boundaries[0] != 0 or (np.diff(boundaries) < 0).any():
            raise ValueError("cat_boundaries do not rise from 0")
        tree.integers("cat_threshold", int(boundaries[-1]), 0, 2**32 - 1)  # words of a bit set
    if tree.integer("is_linear", 0, 1):
        _check_linear(tree, leaves, n_features)
    tree.numbers("shrinkage", 1)
    tree.end()


def _check_children(children: NDArray[np.int64]) -> None:
    """Children (2, nodes) of each node: nodes that come later, or leaves as -1 - leaf; each is the child of one."""
    nodes = children.shape[1]
    if nodes == 0:
        return
    inner = children >= 0
    if (children[inner] <= np.broadcast_to(np.arange(nodes), (2, nodes))[inner]).any():
        raise ValueError("a node is its own descendant")
    once = np.concatenate([np.arange(-nodes - 1, 0), np.arange(1, nodes)])
    if not np.array_equal(np.sort(children, axis=None), once):
        raise ValueError("a node or leaf is not the child of exactly one node")


def _check_sets(sets: NDArray[np.float64], categories: int) -> None:
    """Thresholds of categorical nodes: which of the tree's sets of categories goes left."""
    if (sets != np.floor(sets)).any() or (sets.size and not 0 <= sets.min() <= sets.max() < categories):
        raise ValueError(f"threshold of a categorical node is not one of {categories} sets")


def _check_linear(tree: _Lines, leaves: int, n_features: int) -> None:
    """Leaves with a linear model each; its lists have a space behind each number and one more behind each leaf."""
    tree.numbers("leaf_const", leaves)
    terms = int(tree.integers("num_features", leaves, 0, n_features).sum())
    features = _integers(" ".join(tree.text("leaf_features").split()), "leaf_features")
    if len(features) != terms or (terms and not 0 <= features.min() <= features.max() < n_features):
        raise ValueError(f"leaf_features is not {terms} features")
    coefficients = _numbers(" ".join(tree.text("leaf_coeff").split()), "leaf_coeff", terms)
    if not np.isfinite(coefficients).all():
        raise ValueError("leaf_coeff has numbers that are not finite")
