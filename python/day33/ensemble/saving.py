"""Fitted ensembles in a folder, without pickle: a JSON manifest, LightGBM's own text format, weights of day33 as .npz.

What has no such form (an estimator of another package) is refused when saving, not when loading. The manifest has the
SHA-256 of every other file, so that a damaged or exchanged one is noticed before it is parsed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .._core.types import PathLike
from .._io.files import read_json, write_json
from .nodes import read_node, write_node
from .part_files import DamagedFileError, PartReader, PartWriter, remove_parts

__all__ = ["MANIFEST_FILE", "load_ensemble", "save_ensemble"]

MANIFEST_FILE = "ensemble.json"
_FORMAT, _VERSION = "day33 ensemble", 1


def save_ensemble(estimator: Any, folder: PathLike) -> None:
    """Write a fitted ensemble to a folder: `load_ensemble` gives one that predicts the same.

    An ensemble that is in the folder is replaced as a whole: it can be loaded until the new one can, even when the
    process is killed in between. Its files are removed then.

    Args:
        estimator: `HardVotingBagging` of LightGBM or `ConvClassifier` members, `HardVote` of such, or a
            `ConvClassifier`; with `ChannelSplitter`, `EncoderFeatures` and pipelines of these as preprocessors. How
            they were trained is not kept.
        folder: made where it is not there.

    Raises:
        TypeError: a part has no form but pickle.
        ValueError: a LightGBM model is no plain classifier.
        sklearn.exceptions.NotFittedError, AttributeError: it is not fitted.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    replaced = _listed_files(target)
    files = PartWriter(target)
    root = write_node(estimator, files)
    # Last, so that a folder with a manifest is whole.
    manifest = {"format": _FORMAT, "version": _VERSION, "files": files.digests, "ensemble": root}
    write_json(target / MANIFEST_FILE, manifest)
    remove_parts(target, replaced - files.digests.keys())


def load_ensemble(folder: PathLike) -> Any:
    """What `save_ensemble` wrote.

    Args:
        folder: the folder of an ensemble; it may come from anywhere. Nothing outside of it is read, and no more memory
            is taken than its files have.

    Returns:
        The fitted estimator.

    Raises:
        FileNotFoundError: no manifest, or a file it names is missing.
        ValueError: a file is damaged or is not what the manifest says; the message names it.
    """
    path = Path(folder) / MANIFEST_FILE
    manifest = read_json(path, follow_links=False)
    if manifest.get("format") != _FORMAT or manifest.get("version") != _VERSION:
        raise ValueError(f"{path}: not the manifest of a {_FORMAT} of version {_VERSION}")
    try:
        part = read_node(manifest["ensemble"], PartReader(path.parent, manifest["files"]))
        _try_out(part)
    except (OSError, MemoryError, DamagedFileError):
        raise
    except Exception as error:  # whatever the values in a forged manifest make NumPy, scikit-learn or a layer raise
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path}: not a manifest as day33 writes it ({reason})") from error
    return part


def _try_out(part: Any) -> None:
    """Lets a classifier predict one row, so that parts which do not fit together are noticed now."""
    if hasattr(part, "predict_proba"):
        part.predict_proba(np.zeros((1, part.n_features_in_), np.float32))


def _listed_files(folder: Path) -> set[str]:
    """The files of the ensemble that is in the folder; none where there is no readable manifest."""
    try:
        files = read_json(folder / MANIFEST_FILE, follow_links=False).get("files")
    except (OSError, ValueError):
        return set()
    return set(files) if isinstance(files, dict) else set()
