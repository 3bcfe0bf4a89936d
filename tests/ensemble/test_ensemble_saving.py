"""Ensembles in files: what is loaded predicts the same, and what is damaged or hostile is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.pipeline import make_pipeline

from day33.datasets import make_hidden_digits
from day33.ensemble import (
    ChannelSplitter,
    ConvClassifier,
    EncoderFeatures,
    HardVote,
    HardVotingBagging,
    load_ensemble,
    save_ensemble,
)

SPLITTER = ChannelSplitter(150, (28, 28), noise_floor=7)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    data = make_hidden_digits(n_samples=90, seed=4)
    assert data.digits is not None
    return data.features(), data.digits


@pytest.fixture(scope="module")
def fitted(rows: tuple[np.ndarray, np.ndarray]) -> HardVote:
    """One of everything that can be saved; the labels are words."""
    X, y = rows
    trees = LGBMClassifier(n_estimators=3, min_child_samples=2, verbosity=-1)
    network = ConvClassifier(
        (28, 28), n_extra=26, preprocessor=SPLITTER, filters=(4, 4), dense_units=8, epochs=1, random_state=0
    )
    encoder = make_pipeline(EncoderFeatures(epochs=1, random_state=0), SPLITTER)
    bags = [
        ("trees", HardVotingBagging(trees, 3, preprocessor=SPLITTER, random_state=0)),
        ("columns", HardVotingBagging(trees, 2, preprocessor=encoder, random_state=0, voting="soft")),
        ("networks", HardVotingBagging(network, 2, bootstrap=False, random_state=0)),
        ("network", network),
    ]
    return HardVote(bags, voting="soft", weights=[1, 2, 3, 0.5]).fit(X, np.array([f"digit {digit}" for digit in y]))


@pytest.fixture
def folder(tmp_path: Path, fitted: HardVote) -> Path:
    save_ensemble(fitted, tmp_path / "model")
    return tmp_path / "model"


def test_what_is_loaded_predicts_the_same(folder: Path, fitted: HardVote, rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = rows
    loaded = load_ensemble(folder)
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert loaded.predict(X)[0].startswith("digit ")
    with pytest.raises(ValueError, match="features"):
        loaded.predict(X[:, :-1])


def test_every_file_is_plain(folder: Path) -> None:
    suffixes = {path.suffix for path in folder.iterdir()}
    assert suffixes == {".json", ".npz", ".txt"}
    for path in folder.glob("*.txt"):
        assert path.read_text().startswith("tree\n")
    for path in folder.glob("*.npz"):
        with np.load(path, allow_pickle=False) as archive:
            assert all(array.dtype == np.float32 for array in archive.values())
    json.loads((folder / "ensemble.json").read_text())


def test_saving_again_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    save_ensemble(load_ensemble(folder), tmp_path / "again")
    first, second = (json.loads((f / "ensemble.json").read_text()) for f in (folder, tmp_path / "again"))
    assert first["ensemble"] == second["ensemble"]
    weights = {name: digest for name, digest in first["files"].items() if name.endswith(".npz")}
    for name in weights:
        with np.load(folder / name) as one, np.load(tmp_path / "again" / name) as other:
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])


def test_what_needs_pickle_is_refused(tmp_path: Path) -> None:
    bag = HardVotingBagging(n_estimators=1).fit(np.arange(8.0)[:, None], np.arange(8) % 2)
    with pytest.raises(TypeError, match="DecisionTreeClassifier cannot be saved without pickle"):
        save_ensemble(bag, tmp_path)
    assert not (tmp_path / "ensemble.json").exists()


Change = Callable[[dict[str, Any]], None]


def edit(folder: Path, change: Change) -> None:
    path = folder / "ensemble.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(format="pickle"),
        lambda m: m.update(version=2),
        lambda m: m.pop("ensemble"),
        lambda m: m.update(files=None),
        lambda m: m.update(ensemble=[1]),
        lambda m: m["ensemble"].update(kind="os.system"),
        lambda m: m["ensemble"].update(kind=["HardVote"]),
        lambda m: m["ensemble"].update(weights="heavy"),
        lambda m: m["ensemble"].update(weights=[1, 2]),
        lambda m: m["ensemble"].update(voting="loud"),
        lambda m: m["ensemble"].update(names=["a"]),
        lambda m: m["ensemble"].update(classes=["a"]),
        lambda m: m["ensemble"].update(classes=[1, "a"]),
        lambda m: m["ensemble"]["estimators"][0].update(members=[]),
        lambda m: m["ensemble"]["estimators"][0].update(features=[None]),
        lambda m: m["ensemble"]["estimators"][0]["members"][0].update(model="../secret.txt"),
        lambda m: m["ensemble"]["estimators"][0]["members"][0].update(model=7),
        lambda m: m["ensemble"]["estimators"][3].update(input_shape=[28, 28]),
        lambda m: m["ensemble"]["estimators"][3].update(input_shape=[28, 28, 1]),
        lambda m: m["ensemble"]["estimators"][3]["parameters"].update(filters=[4, 5]),
        lambda m: m["ensemble"]["estimators"][3]["parameters"].pop("n_extra"),
        lambda m: m["ensemble"]["estimators"][3].update(weights="part-000.txt"),
    ],
)
def test_a_forged_manifest_is_a_value_error(folder: Path, change: Change) -> None:
    edit(folder, change)
    with pytest.raises(ValueError, match="model"):
        load_ensemble(folder)


def test_a_manifest_within_itself_is_refused(folder: Path) -> None:
    def nest(manifest: dict[str, Any]) -> None:
        for _ in range(50):
            manifest["ensemble"] = {"kind": "Pipeline", "steps": [["a", manifest["ensemble"]]]}

    edit(folder, nest)
    with pytest.raises(ValueError, match="nested too deeply"):
        load_ensemble(folder)


@pytest.mark.parametrize("suffix", [".txt", ".npz"])
def test_a_damaged_file_is_named(folder: Path, suffix: str) -> None:
    path = sorted(folder.glob(f"*{suffix}"))[0]
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match=f"{path.name}: not the file that was saved"):
        load_ensemble(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        load_ensemble(folder)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_ensemble(tmp_path)
    (tmp_path / "ensemble.json").write_text("hello")
    with pytest.raises(ValueError, match="not a JSON file"):
        load_ensemble(tmp_path)
