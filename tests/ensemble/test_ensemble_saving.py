"""Ensembles in files: what is loaded predicts the same, and what is damaged or hostile is refused."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.pipeline import make_pipeline

from day33 import initializers
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
from day33.ensemble.boosting import BoosterMember

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
        (28, 28), n_extra=26, preprocessor=SPLITTER, filters=(4, 4), dense_units=8, epochs=1, shift=1, random_state=0
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


def test_ensembles_of_before_shift_are_read(
    folder: Path, fitted: HardVote, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    edit(folder, lambda m: m["ensemble"]["estimators"][3]["parameters"].pop("shift"))
    still = load_ensemble(folder).estimators_[3].predict_proba(rows[0])
    assert np.abs(still - fitted.estimators_[3].predict_proba(rows[0])).max() > 1e-4


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


# ---- saving over an ensemble ----


class KilledError(BaseException):
    """Stands for the end of the process."""


def two_bags(rows: tuple[np.ndarray, np.ndarray]) -> tuple[HardVotingBagging, HardVotingBagging]:
    X, y = rows
    trees = LGBMClassifier(n_estimators=1, min_child_samples=2, verbosity=-1)
    one, other = (HardVotingBagging(trees, 2, random_state=seed).fit(X[:, :40], y) for seed in (0, 1))
    assert (one.votes(X[:, :40]) != other.votes(X[:, :40])).any()
    return one, other


def test_a_kill_leaves_the_old_ensemble_or_the_new_one(
    tmp_path: Path, rows: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every rename and every removal while a second ensemble takes the place of the first."""
    old, new = two_bags(rows)
    X = rows[0][:, :40]
    steps = 0
    for killed_at in range(100):
        folder = tmp_path / str(killed_at)
        save_ensemble(old, folder)
        left = killed_at

        def step(original: Callable[..., None], *arguments: Any, **options: Any) -> None:
            nonlocal left
            if left == 0:
                raise KilledError
            left -= 1
            original(*arguments, **options)

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                original = getattr(os, name)
                patch.setattr(os, name, lambda *a, original=original, **o: step(original, *a, **o))
            try:
                save_ensemble(new, folder)
                steps = killed_at
                break
            except KilledError:
                pass
        votes = load_ensemble(folder).votes(X)
        assert (votes == old.votes(X)).all() or (votes == new.votes(X)).all()
    assert steps > 5
    np.testing.assert_array_equal(load_ensemble(folder).votes(X), new.votes(X))


def test_files_of_the_old_ensemble_go_and_no_others(tmp_path: Path, rows: tuple[np.ndarray, np.ndarray]) -> None:
    old, new = two_bags(rows)
    (tmp_path / "notes.txt").write_text("mine")
    save_ensemble(old, tmp_path)
    edit(tmp_path, lambda manifest: manifest["files"].update({"notes.txt": "0", "../notes.txt": "0"}))
    save_ensemble(new, tmp_path)
    listed = json.loads((tmp_path / "ensemble.json").read_text())["files"]
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "ensemble.json", *listed}
    save_ensemble(new, tmp_path)
    assert json.loads((tmp_path / "ensemble.json").read_text())["files"] == listed


def test_the_old_ensemble_stays_where_the_new_one_needs_pickle(
    tmp_path: Path, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    old, _ = two_bags(rows)
    X, y = rows[0][:, :40], rows[1]
    save_ensemble(old, tmp_path)
    with pytest.raises(TypeError, match="pickle"):
        save_ensemble(HardVote([("old", old), ("trees", HardVotingBagging(n_estimators=1))]).fit(X, y), tmp_path)
    np.testing.assert_array_equal(load_ensemble(tmp_path).votes(X), old.votes(X))


def test_what_needs_pickle_is_refused(tmp_path: Path) -> None:
    bag = HardVotingBagging(n_estimators=1).fit(np.arange(8.0)[:, None], np.arange(8) % 2)
    with pytest.raises(TypeError, match="DecisionTreeClassifier cannot be saved without pickle"):
        save_ensemble(bag, tmp_path)
    assert not (tmp_path / "ensemble.json").exists()


Change = Callable[[dict[str, Any]], Any]


def bag_of(manifest: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return dict.__getitem__(manifest, "ensemble")["estimators"][number]


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
        lambda m: m["ensemble"].update(weights=[1, 1, 1, float("nan")]),
        lambda m: m["ensemble"].update(weights=[1, 1, 1, float("inf")]),
        lambda m: m["ensemble"].update(n_features=809),
        lambda m: m["ensemble"].update(classes=sorted(m["ensemble"]["classes"])[::-1]),
        lambda m: m["ensemble"].update(classes=[10**30 + i for i in range(10)]),
        lambda m: (
            m["ensemble"]["estimators"].insert(0, bag_of(m)["preprocessor"]) or m["ensemble"]["names"].append("z")
        ),
        lambda m: bag_of(m).update(n_features=809),
        lambda m: bag_of(m).update(classes=list(range(2, 12))),
        lambda m: bag_of(m).update(preprocessor=None),
        lambda m: bag_of(m).update(preprocessor=bag_of(m)["members"][0]),
        lambda m: bag_of(m)["features"].__setitem__(0, [0, 1]),
        lambda m: bag_of(m)["features"].__setitem__(0, [10**6] * 2378),
        lambda m: bag_of(m)["features"].__setitem__(0, "all"),
        lambda m: bag_of(m)["members"].__setitem__(0, bag_of(m)["preprocessor"]),
        lambda m: bag_of(m)["members"][0].update(n_classes=9),
        lambda m: bag_of(m)["members"][0].update(n_classes=True),
        lambda m: bag_of(m)["preprocessor"].update(n_pixels=783),
        lambda m: bag_of(m)["preprocessor"].update(n_features=10**9),
        lambda m: bag_of(m)["preprocessor"]["parameters"].update(threshold="bright"),
        lambda m: bag_of(m)["preprocessor"]["parameters"].update(channels=["original"]),
        lambda m: bag_of(m)["preprocessor"]["parameters"].update(image_shape=[28.5, 28]),
        lambda m: bag_of(m, 1)["preprocessor"]["steps"].reverse(),
        lambda m: bag_of(m, 1)["preprocessor"]["steps"].clear(),
        lambda m: bag_of(m, 1)["preprocessor"]["steps"][0][1].update(scale=0),
        lambda m: bag_of(m, 1)["preprocessor"]["steps"][0][1]["parameters"].update(passthrough="yes"),
        lambda m: bag_of(m, 1)["preprocessor"]["steps"][0][1]["parameters"].update(image_shape=[40_000, 40_000]),
        lambda m: m["ensemble"]["estimators"][3].update(scale="1"),
        lambda m: m["ensemble"]["estimators"][3].update(scale=float("nan")),
        lambda m: m["ensemble"]["estimators"][3].update(classes=list(range(5))),
        lambda m: m["ensemble"]["estimators"][3]["parameters"].update(dropout=2),
        lambda m: m["ensemble"]["estimators"][3]["parameters"].update(n_extra=25),
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


# Each member of a manifest replaced by each of these: a value of another type, or one that is out of range.
STRANGE = (None, True, -1, 0, 3, 10**6, 2**40, 0.5, "", "x", [], [1], [[0, 1]], {}, {"kind": "ChannelSplitter"})


def test_what_loads_predicts(tmp_path: Path, rows: tuple[np.ndarray, np.ndarray]) -> None:
    """A changed manifest is refused when it is loaded, or else what it gives can predict."""
    X, y = rows[0][:30, 300:316], rows[1][:30] % 2
    network = ConvClassifier((4, 4), filters=(2,), dense_units=2, epochs=1, random_state=0)
    trees = LGBMClassifier(n_estimators=1, min_child_samples=2, verbosity=-1)
    boosted = HardVotingBagging(trees, 1, preprocessor=ChannelSplitter(150, (4, 4)), random_state=0)
    some = HardVotingBagging(network, 1, max_features=0.999, bootstrap=False, random_state=0)
    some.set_params(estimator__image_shape=(3, 5))
    save_ensemble(HardVote([("boosted", boosted), ("some", some)]).fit(X, y), tmp_path)
    original = (tmp_path / "ensemble.json").read_text()

    def places(node: Any) -> list[tuple[Any, Any]]:
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        return [(node, key) for key, _ in entries] + [place for _, entry in entries for place in places(entry)]

    number = len(places(json.loads(original)["ensemble"]))
    refused = 0
    for index in range(number * len(STRANGE)):
        manifest = json.loads(original)
        node, key = places(manifest["ensemble"])[index // len(STRANGE)]
        node[key] = STRANGE[index % len(STRANGE)]
        (tmp_path / "ensemble.json").write_text(json.dumps(manifest))
        try:
            loaded = load_ensemble(tmp_path)
        except ValueError:
            refused += 1
        else:
            assert loaded.predict(X).shape == (30,), (index, key, node[key])
    assert refused > number * len(STRANGE) // 2


def test_sizes_are_checked_before_anything_is_allocated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred million units would take 48 GiB; and nothing is drawn for what is read."""
    for initializer in (initializers.HeNormal, initializers.GlorotUniform):
        monkeypatch.setattr(initializer, "__call__", None)
    load_ensemble(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, value in (("dense_units", 2 * 10**8), ("filters", [4, 2 * 10**6])):
        edit(
            folder, lambda m, name=name, value=value: m["ensemble"]["estimators"][3]["parameters"].update({name: value})
        )
        with pytest.raises(ValueError, match="more than the file holds"):
            load_ensemble(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_json_that_is_nested_too_deeply_is_a_value_error(folder: Path) -> None:
    deep = "[" * 200_000 + "]" * 200_000
    for text in (deep, f'{{"format": {deep}}}', f'{{"a": {"[" * 900}{"]" * 900}}}'):
        (folder / "ensemble.json").write_text(text)
        with pytest.raises(ValueError, match="ensemble.json"):
            load_ensemble(folder)


# ---- texts of LightGBM, with the SHA-256 made right ----


def forge(folder: Path, change: Callable[[str], str]) -> None:
    path = sorted(folder.glob("*.txt"))[0]
    text = change(path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    edit(folder, lambda manifest: manifest["files"].update({path.name: digest}))


def changed(key: str, value: str, *, first: bool = True) -> Callable[[str], str]:
    """Replaces the first (or last) number of the first line of that key; sizes of trees are made right again."""

    def change(text: str) -> str:
        head, _, trees = text.partition("\n\n")
        sizes = [int(size) for size in head.rpartition("tree_sizes=")[2].split()]
        before, line, after = trees.partition(f"\n{key}=")
        values, newline, rest = after.partition("\n")
        numbers = values.split(" ")
        numbers[0 if first else -1] = value
        new = " ".join(numbers)
        sizes[0] += len(new) - len(values)
        head = head.rpartition("tree_sizes=")[0] + "tree_sizes=" + " ".join(map(str, sizes))
        return f"{head}\n\n{before}{line}{new}{newline}{rest}"

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed("num_leaves", "-1"),
        changed("num_leaves", "2000000000"),
        changed("num_leaves", "1"),
        changed("num_cat", "7"),
        changed("split_feature", "99999"),
        changed("split_feature", "-1"),
        changed("threshold", "nan"),
        changed("threshold", "1e999"),
        changed("threshold", "1e-310"),  # LightGBM ends the process: strtod says that it is out of range
        changed("decision_type", "1"),
        changed("decision_type", "200"),
        changed("left_child", "0"),
        changed("left_child", "5000"),
        changed("right_child", "-5000"),
        changed("right_child", "1 1"),
        changed("leaf_value", "much"),
        changed("leaf_value", "1 2", first=False),
        changed("shrinkage", ""),
        changed("is_linear", "1"),
        lambda text: text.replace("num_class=10", "num_class=1000000000"),
        lambda text: text.replace("max_feature_idx=", "max_feature_idx=9"),
        lambda text: text.replace("tree_sizes=", "tree_sizes=9"),
        lambda text: text.replace("tree_sizes=", "tree_sizes=-"),
        lambda text: text.replace("objective=multiclass", "objective=regression"),
        lambda text: text.replace("feature_names=", "feature_names=x "),
        lambda text: text[: len(text) // 2],
        lambda text: text[:40],
        lambda text: text.replace("end of trees", "end of all trees"),
        lambda text: text.replace("left_child", "right_child"),
        lambda text: text.replace("Tree=3", "Tree=4"),
        lambda text: text.replace("Tree=0", "Trée=0"),
        lambda text: "",
    ],
)
def test_a_forged_text_is_refused_before_lightgbm_sees_it(
    folder: Path, change: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LightGBM would end the process at some of these, and read outside of its arrays or never return at others."""
    forge(folder, change)
    name = sorted(folder.glob("*.txt"))[0].name
    original = lightgbm.Booster.__init__

    def unless_forged(self: Any, *arguments: Any, **options: Any) -> None:
        assert options.get("model_str") != (folder / name).read_text()
        original(self, *arguments, **options)

    monkeypatch.setattr(lightgbm.Booster, "__init__", unless_forged)
    with pytest.raises(ValueError, match=f"{name}: not a LightGBM model"):
        load_ensemble(folder)


@pytest.mark.parametrize(
    "options",
    [
        {"linear_tree": True},
        {"boosting_type": "dart"},
        {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
        {"monotone_constraints": [1, 0, -1, 0, 0]},
        {"min_child_samples": 500},  # trees that are a single leaf
    ],
)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_form_of_tree_is_saved_and_loaded(tmp_path: Path, options: dict[str, Any], classes: int) -> None:
    generator = np.random.default_rng(0)
    X = np.column_stack([generator.integers(0, 40, 200), generator.random((200, 4))])
    X[:20, 1] = np.nan
    y = (X[:, 0].astype(int) + (X[:, 2] > 0.5)) % classes
    trees = LGBMClassifier(**{"n_estimators": 3, "min_child_samples": 2, "verbosity": -1, **options})
    bag = HardVotingBagging(trees, 2, voting="soft", random_state=0).fit(X, y)
    save_ensemble(bag, tmp_path)
    np.testing.assert_array_equal(load_ensemble(tmp_path).predict_proba(X), bag.predict_proba(X))


def test_trees_of_categories_are_saved_and_loaded(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    X, y = generator.integers(0, 70, (300, 2)).astype(np.float64), generator.integers(0, 3, 300)
    parameters = {"objective": "multiclass", "num_class": 3, "min_data_per_group": 2, "cat_smooth": 1, "verbosity": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(X, y, categorical_feature=[0]), 3)
    assert "cat_threshold=" in booster.model_to_string()
    save_ensemble(BoosterMember(booster, 3), tmp_path)
    np.testing.assert_array_equal(load_ensemble(tmp_path).predict_proba(X), booster.predict(X))
    forge(tmp_path, changed("cat_boundaries", "99", first=False))
    with pytest.raises(ValueError, match="not a LightGBM model"):
        load_ensemble(tmp_path)


# ---- files that are no files ----


def within(seconds: float, function: Callable[[], Any]) -> Any:
    """What a function raises; an AssertionError where it is still at work after that time."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    return raised[0] if raised else None


@pytest.mark.parametrize("name", ["ensemble.json", "*.txt", "*.npz"])
@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "link out", "link in"])
def test_only_regular_files_are_read(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    path = sorted(folder.glob(name))[0]
    if kind.startswith("link"):
        target = (tmp_path if kind == "link out" else folder) / "elsewhere"
        path.rename(target)
        path.symlink_to(target)
    else:
        path.unlink()
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            path.mkdir()
    error = within(20, lambda: load_ensemble(folder))
    assert isinstance(error, ValueError) and path.name in str(error) and "expected a regular file" in str(error)


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
