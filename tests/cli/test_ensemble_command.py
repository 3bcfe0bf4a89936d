"""day33 ensemble: what it writes and says, how it fails, and a cross-validation without leaks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from day33.datasets import HiddenDigits, load_digits_small, load_hidden_digits, make_hidden_digits
from day33.ensemble import figures
from day33.ensemble.cross_validation import cross_validate
from day33.ensemble.hidden_digits import UNSPLIT, Settings, fit_ensemble, make_bag, variants, without_lookalikes
from support.command import run_command

Run = Callable[..., Result]
QUICK = ("--members", "lgbm=2,encoder=1,conv=1", "--rounds", 4, "--epochs", 1, "--compare-epochs", 1, "--jobs", 1)


def write(data: HiddenDigits, path: Path, *, digits: bool) -> Path:
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", *(["digit"] if digits else []), "letter", *range(784)])
        for i in range(len(data)):
            answer = [data.digits[i]] if digits and data.digits is not None else []
            writer.writerow([data.ids[i], *answer, data.letters[i], *data.images[i].ravel().tolist()])
    return path


@pytest.fixture(scope="module")
def data() -> HiddenDigits:
    return make_hidden_digits(n_samples=140, seed=8)


@pytest.fixture(scope="module")
def files(data: HiddenDigits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    return write(data, folder / "train.csv", digits=True), write(data, folder / "test.csv", digits=False)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return partial(run_command, "ensemble")


def submitted(path: Path) -> list[list[str]]:
    with open(path, newline="") as stream:
        return list(csv.reader(stream))


def test_one_command_from_train_to_submission(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    train, test = files
    result = run("fit", train, "--test", test, "--cv", 2, "--output", "out", *QUICK)
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    lines = submitted(out / "submission.csv")
    assert lines[0] == ["id", "digit"]
    assert [int(number) for number, _ in lines[1:]] == list(range(1, 141))
    assert {digit for _, digit in lines[1:]} <= set("0123456789")
    for name in ("confusion.png", "disputed.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG") and (out / name).stat().st_size > 10_000
    with open(out / "table.csv", newline="") as stream:
        table = {row["variant"]: row for row in csv.DictReader(stream)}
    for wanted in ("original only", "flipped twins", "three channels", "flips", "full ensemble", "auto-encoder"):
        assert any(wanted in name for name in table), wanted
    assert all("±" in row["hard vote"] and "±" in row["soft vote"] for row in table.values())
    report = json.loads((out / "report.json").read_text())
    assert report["scores"].keys() == table.keys()
    assert len(report["scores"]["full ensemble"]["soft"]) == 2
    assert "full ensemble" in result.output

    again = run("predict", test, "--model", "out", "--submission", "again.csv")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.csv").read_bytes() == (out / "submission.csv").read_bytes()


def test_the_form_of_the_competition_is_filled(run: Run, shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "hidden_digits"
    result = run(
        "fit", folder / "train.csv.gz", "--test", folder / "test.csv.gz", "--submission", "answers/mine.csv", "--cv", 0,
        "--members", "lgbm=1", "--rounds", 1, "--limit", 60, "--jobs", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    form, mine = submitted(folder / "submission.csv"), submitted(tmp_path / "answers" / "mine.csv")
    assert [line[0] for line in mine] == [line[0] for line in form]
    assert len({digit for _, digit in mine[1:]}) > 1


def test_no_data_at_all(run: Run, tmp_path: Path) -> None:
    result = run("fit", "--cv", 0, "--members", "lgbm=1", "--rounds", 1, "--limit", 60, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "day33-ensemble" / "model" / "ensemble.json").is_file()
    assert not (tmp_path / "day33-ensemble" / "submission.csv").exists()


def error_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("day33: error: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("fit", "absent.csv"), "absent.csv"),
        (("fit", "{test}"), "no column digit"),
        (("fit", "{train}", "--members", "forest=3"), "'forest=3' is not understood"),
        (("fit", "{train}", "--members", "lgbm=-1"), "'lgbm=-1'"),
        (("fit", "{train}", "--members", "lgbm=1,lgbm=2"), "'lgbm=2'"),
        (("fit", "{train}", "--members", "lgbm=0"), "all counts are 0"),
        (("fit", "{train}", "--submission", "out.csv"), "--submission needs --test"),
        (("fit", "{train}", "--cv", "99", "--members", "lgbm=1"), "folds is 99"),
        (("predict", "{test}", "--model", "absent"), "no fitted ensemble there"),
    ],
)
def test_mistakes_are_said_in_one_line(
    run: Run, files: tuple[Path, Path], arguments: tuple[str, ...], reason: str
) -> None:
    train, test = files
    assert reason in error_line(run(*(part.format(train=train, test=test) for part in arguments)))


def test_a_bad_line_is_named(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    lines = files[0].read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",256"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    assert "line 6: pixel 783 is 256" in error_line(run("fit", "bad.csv"))


# ---- cross-validation ----


def test_no_twin_of_a_held_out_image_is_trained_on(data: HiddenDigits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that reach the trees, after augmentation: none is a held-out image or its mirror image."""
    from day33.ensemble import bagging

    reached: list[np.ndarray] = []
    original = bagging.BinnedFeatures

    def spy(X: np.ndarray, *arguments: Any) -> Any:
        reached.append(X)
        return original(X, *arguments)

    monkeypatch.setattr(bagging, "BinnedFeatures", spy)
    settings = Settings(members={"lgbm": 2}, rounds=1, flip=True, channels=UNSPLIT)
    held_out: list[np.ndarray] = []
    votes = bagging.HardVotingBagging.votes

    def judged(bag: Any, X: np.ndarray) -> Any:
        held_out.append(bag.preprocessor_.transform(X))
        return votes(bag, X)

    monkeypatch.setattr(bagging.HardVotingBagging, "votes", judged)
    cross_validate(data.features(), data.digits, settings, folds=3)
    assert len(reached) == len(held_out) == 3
    assert sum(map(len, held_out)) == len(data)
    for trained, tested in zip(reached, held_out, strict=True):
        assert len(trained) == 2 * (len(data) - len(tested))  # flipped twins are there
        pictures = {row.tobytes() for row in trained[:, :784]}
        mirrored = tested[:, :784].reshape(-1, 28, 28)[:, :, ::-1].reshape(-1, 784)
        assert not pictures & {row.tobytes() for row in tested[:, :784]}
        assert not pictures & {np.ascontiguousarray(row).tobytes() for row in mirrored}


def test_the_report_adds_up(data: HiddenDigits) -> None:
    assert data.digits is not None
    settings = Settings(members={"lgbm": 3}, rounds=3)
    report = cross_validate(data.features(), data.digits, settings, folds=2)
    matrix = report.confusion()
    np.testing.assert_array_equal(matrix.sum(axis=1), np.bincount(data.digits, minlength=10))
    assert np.trace(matrix) / matrix.sum() == report.accuracy()
    np.testing.assert_allclose(report.votes.sum(axis=1), 1)
    disputed = report.votes[report.most_disputed(5)].max(axis=1)
    assert disputed.max() <= np.delete(report.votes.max(axis=1), report.most_disputed(5)).min()
    # One kind alone is the ensemble.
    kind, full = report.scores().values()
    assert kind["hard"] == full["hard"] and kind["soft"] == full["soft"]
    one_fold = cross_validate(data.features(), data.digits, settings, folds=2, only=1)
    assert one_fold.scores()["full ensemble"]["soft"] == full["soft"][:1]
    assert len(one_fold.labels) == len(one_fold.shares) == 70
    np.testing.assert_array_equal(one_fold.shares, report.shares[one_fold.rows])


def test_the_full_ensemble_counts_every_vote(data: HiddenDigits) -> None:
    X, y = data.features(), data.digits
    settings = Settings(members={"lgbm": 3, "encoder": 2}, rounds=2, voting="hard")
    told: list[tuple[str, int, int]] = []
    vote = fit_ensemble(X, y, settings, lambda *done: told.append(done))
    assert told == [("lgbm", 1, 3), ("lgbm", 2, 3), ("lgbm", 3, 3), ("encoder", 1, 2), ("encoder", 2, 2)]
    counts = np.zeros((len(X), 10))
    for bag in vote.estimators_:
        counts += np.apply_along_axis(np.bincount, 1, bag.votes(X), minlength=10) / len(bag.estimators_)
    np.testing.assert_allclose(vote.predict_proba(X), counts / 2)


def test_each_idea_is_a_variant() -> None:
    names = [variant.name for variant in variants(Settings(), compare_epochs=3)]
    assert len(set(names)) == len(names) == 10
    assert len(variants(Settings(), compare_epochs=0)) == 5
    for variant in variants(Settings(), compare_epochs=3):
        bag = make_bag(variant.kind, variant.settings)
        built = repr(bag.get_params(deep=True))
        for word, part in (("flip", "HorizontalFlip"), ("recomposed", "Recomposed"), ("mask", "'mask', 'visible'")):
            assert (word in variant.name) == (part in built)


def test_the_judges_digits_are_others(data: HiddenDigits) -> None:
    (digits, labels), _ = load_digits_small()  # which the images were composed of
    settings = Settings(digits=(digits, labels))
    judged = without_lookalikes(settings, data.features())
    assert judged.digits is not None
    assert len(judged.digits[0]) == len(judged.digits[1]) < len(digits) - 50
    assert without_lookalikes(Settings(), data.features()) == Settings()


@pytest.mark.parametrize(("members", "reason"), [({"tree": 1}, "'tree'"), ({"lgbm": 0}, "members"), ({}, "members")])
def test_wrong_settings(members: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Settings(members=members)


def test_settings_of_a_wrong_type_or_size() -> None:
    with pytest.raises(TypeError, match=r"members\['lgbm'\] is 1.5; expected an integer"):
        Settings(members={"lgbm": 1.5})
    for name in ("rounds", "epochs"):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            Settings(**{name: 0})


def test_wrong_figures(data: HiddenDigits) -> None:
    with pytest.raises(ValueError, match="counts has shape"):
        figures.confusion_matrix(np.zeros((3, 2)), ["a", "b"])
    with pytest.raises(ValueError, match="images has shape"):
        figures.disputed_images(data.images[:2], np.zeros((3, 10)), list("0123456789"))


def test_the_competitions_images_are_learnt(shared: Path) -> None:
    """A bag of trees on channels, on part of the training set: far better than chance on images it has not seen."""
    train = load_hidden_digits(shared / "data" / "hidden_digits" / "train.csv.gz")
    X, y = train.features(), train.digits
    settings = Settings(members={"lgbm": 3}, rounds=20)
    vote = fit_ensemble(X[:800], y[:800], settings)
    assert (vote.predict(X[800:1200]) == y[800:1200]).mean() > 0.4
