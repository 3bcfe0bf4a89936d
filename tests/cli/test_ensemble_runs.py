"""day33 ensemble fit as a run: nothing is lost when it is stopped, the model comes first, and time is kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

import day33
from day33._io.locks import FolderLock
from day33.cli import ensemble_results
from day33.cli.ensemble_outlook import Outlook, in_words
from day33.datasets import load_digits_small
from day33.ensemble import checkpoint, cross_validation
from day33.ensemble.checkpoint import Checkpoint, SavedParts
from day33.ensemble.cross_validation import Fold, Report, Scores, kind_name
from day33.ensemble.hidden_digits import KINDS, Settings, variants
from day33.ensemble.pace import Pace, Training
from support.command import run_command

Run = Callable[..., Result]
QUICK = (
    "--members", "lgbm=2,encoder=1,conv=1", "--rounds", "1", "--epochs", "1", "--compare-epochs", "0", "--cv", "2",
    "--limit", "60", "--jobs", "1",
)  # fmt: skip
invoke = partial(run_command, "ensemble", "fit")


def lines(text: str) -> str:
    return " ".join(text.split())


def votes_of(folder: Path) -> tuple[bytes, dict[str, Any], float]:
    """What must not depend on stops: the model with the SHA-256 of every part, and the scores without seconds."""
    report = json.loads((folder / "report.json").read_text())
    for scores in report["scores"].values():
        del scores["seconds"]
    return (folder / "model" / "ensemble.json").read_bytes(), report["scores"], report["accuracy"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    result = invoke(*QUICK, "--output", folder)
    assert result.exit_code == 0, result.output
    return folder


class Stop:
    """Stands for Ctrl-C after a number of parts and records."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        self.done: list[str] = []
        for owner, name in ((SavedParts, "put"), (Checkpoint, "write_record")):
            original = getattr(owner, name)
            monkeypatch.setattr(owner, name, self._counted(original))

    def _counted(self, original: Callable[..., None]) -> Callable[..., None]:
        def call(owner: Any, name: str, value: Any) -> None:
            original(owner, name, value)
            self.done.append(name)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

        return call


# A bag of LightGBM keeps its preprocessor, then its members. So the ensemble keeps 3 + 2 + 1 parts, and each fold four
# variants of LightGBM with 3 each, the same 6, and a record.
@pytest.mark.parametrize("after", [1, 4, 12, 30])
def test_a_run_goes_on_where_it_was_stopped(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        before = Stop(patch, after)
        result = invoke(*QUICK, "--output", out)
        assert result.exit_code == 130
        assert f"day33 ensemble fit --output {out} --resume" in lines(result.output)
    assert len(before.done) == after
    with monkeypatch.context() as patch:
        rest = Stop(patch, 10**6)
        result = invoke("--resume", "--jobs", "1", "--output", out)
    assert result.exit_code == 0, result.output
    assert votes_of(out) == votes_of(whole)
    lgbm = ["preprocessor", "member-0", "member-1"]
    kinds = [*lgbm, "preprocessor", "member-0", "member-0"]
    # Nothing was trained twice.
    assert before.done + rest.done == [*kinds, *5 * lgbm, *kinds, "fold-0", *5 * lgbm, *kinds, "fold-1"]


def test_a_killed_run_goes_on(whole: Path, tmp_path: Path) -> None:
    """SIGKILL after two of three kinds, with no chance to tidy up."""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(day33.__file__).resolve().parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "day33", "ensemble", "fit", *QUICK, "--output", str(out)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(out.glob("checkpoint/final/encoder/member-0/ensemble.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    result = invoke("--resume", "--jobs", "2", "--output", out)
    assert result.exit_code == 0, result.output
    assert votes_of(out) == votes_of(whole)
    assert not (out / ".lock").exists()
    assert not (out / "checkpoint" / "final").exists()


def test_a_run_that_could_not_write_its_last_report(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fold is recorded then, and the report is all that is missing."""
    out = tmp_path / "out"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ensemble_results, "write_report", full)
        assert "no space left on device" in error_of(invoke(*QUICK, "--cv-first", "1", "--output", out))
    assert not (out / "report.json").exists()
    assert invoke("--resume", "--output", out).exit_code == 0
    assert json.loads((out / "report.json").read_text())["held_out"] == 30


def test_what_killed_writers_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        Stop(patch, 2)
        assert invoke(*QUICK, "--budget", "0", "--output", out).exit_code == 130
    shelf = out / "checkpoint" / "final" / "lgbm"
    (out / "model").mkdir()
    for place in (out / "model", shelf / "member-0"):
        (place / ".saving-k3_x9abc").mkdir()
        (place / ".saving-k3_x9abc" / "part.txt").write_text("half")
    (shelf / ".seconds-0123abcd.json").write_text("{")
    (out / ".notes-0123abcd.txt").write_text("mine")
    assert invoke("--resume", "--budget", "0", "--output", out).exit_code == 0
    left = [path.name for path in out.rglob(".*")]
    assert left == [".notes-0123abcd.txt"]


def test_model_and_submission_come_before_the_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_ensemble_command import write

    from day33.datasets import make_hidden_digits

    test = write(make_hidden_digits(n_samples=30, seed=3), tmp_path / "test.csv", digits=False)

    def stopped(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt
        yield

    out = tmp_path / "out"
    monkeypatch.setattr(cross_validation, "judge_folds", stopped)
    assert invoke(*QUICK, "--test", test, "--output", out).exit_code == 130
    assert (out / "model" / "ensemble.json").is_file()
    assert len((out / "submission.csv").read_text().splitlines()) == 31


def test_the_report_is_written_after_each_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    original = Checkpoint.write_record

    def stopped(owner: Checkpoint, name: str, record: dict[str, Any]) -> None:
        if name == "fold-1":
            raise KeyboardInterrupt
        original(owner, name, record)

    monkeypatch.setattr(Checkpoint, "write_record", stopped)
    assert invoke(*QUICK, "--output", out).exit_code == 130
    report = json.loads((out / "report.json").read_text())
    assert report["held_out"] == 30 and len(report["scores"]["full ensemble"]["hard"]) == 1


def test_folds_are_judged_in_the_time_of_the_budget(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    result = invoke(*QUICK, "--budget", "0", "--output", out)
    assert result.exit_code == 0, result.output
    assert "0 of 2 folds were judged in the time of --budget" in lines(result.output)
    assert (out / "model" / "ensemble.json").is_file() and not (out / "report.json").exists()
    with monkeypatch.context() as patch:
        expected = iter([1.0, 10_000.0])
        patch.setattr(Outlook, "seconds", lambda self, trainings: next(expected))
        result = invoke("--resume", "--budget", "100", "--output", out)
    assert result.exit_code == 0, result.output
    assert "1 of 2 folds were judged" in lines(result.output)
    result = invoke("--resume", "--output", out)
    assert result.exit_code == 0, result.output
    assert votes_of(out) == votes_of(whole)
    assert "nothing to resume" in invoke("--resume", "--output", out).output


def test_more_folds_of_a_finished_run(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke(*QUICK, "--cv-first", "1", "--output", out)
    assert result.exit_code == 0, result.output
    assert "nothing to resume" in invoke("--resume", "--output", out).output
    assert invoke("--resume", "--cv-first", "2", "--output", out).exit_code == 0
    assert votes_of(out) == votes_of(whole)


def test_a_run_that_was_killed_when_all_was_done_leaves_no_lock(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    (out / ".lock").write_text("process 1 on a machine\n")
    assert "nothing to resume" in invoke("--resume", "--output", out).output
    assert not (out / ".lock").exists()


def error_of(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return lines(result.stderr)


def test_what_is_in_the_folder_is_not_lost(whole: Path, tmp_path: Path) -> None:
    only = ("--members", "lgbm=1", "--rounds", "1", "--cv", "0", "--limit", "60")
    before = votes_of(whole)
    assert "already holds a finished run" in error_of(invoke(*only, "--output", whole))
    assert votes_of(whole) == before
    assert "nothing to resume" in error_of(invoke("--resume", "--output", tmp_path / "absent"))
    assert invoke("--resume", "--overwrite", "--output", whole).exit_code == 2
    out = tmp_path / "out"
    assert invoke(*only, "--output", out).exit_code == 0
    (out / "notes.txt").write_text("mine")
    first = (out / "model" / "ensemble.json").read_bytes()
    assert invoke(*only, "--seed", "1", "--overwrite", "--output", out).exit_code == 0
    assert (out / "model" / "ensemble.json").read_bytes() != first
    assert (out / "notes.txt").read_text() == "mine"


def test_a_second_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    try:
        assert f"{tmp_path} is in use by process {os.getpid()}" in error_of(invoke(*QUICK, "--output", tmp_path))
    finally:
        lock.release()
    assert not (tmp_path / "run.json").exists()


def test_other_images_are_noticed_and_moved_ones_taken(tmp_path: Path) -> None:
    from test_ensemble_command import write

    from day33.datasets import make_hidden_digits

    train, other = tmp_path / "train.csv", tmp_path / "other.csv"
    write(make_hidden_digits(n_samples=60, seed=3), train, digits=True)
    write(make_hidden_digits(n_samples=60, seed=4), other, digits=True)
    out = tmp_path / "out"
    assert invoke(train, *QUICK, "--budget", "0", "--output", out).exit_code == 0
    assert "other settings (data_sha256: " in error_of(invoke(other, "--resume", "--output", out))
    assert "other settings (rounds: 1 then, 2 now)" in error_of(invoke("--resume", "--rounds", "2", "--output", out))
    moved = train.rename(tmp_path / "moved.csv")
    assert str(train) in error_of(invoke("--resume", "--budget", "0", "--output", out))
    assert invoke(moved, "--resume", "--budget", "0", "--output", out).exit_code == 0


def test_a_damaged_member_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        Stop(patch, 2)
        invoke(*QUICK, "--output", out)
    part = next(out.glob("checkpoint/final/lgbm/member-0/*.txt"))
    part.write_text("tree")
    assert str(part) in error_of(invoke("--resume", "--output", out))


def test_a_record_of_other_rows_is_named(tmp_path: Path) -> None:
    X, y = np.zeros((20, 810)), np.arange(20) % 2
    kept = Checkpoint(tmp_path)
    for rows, shape in ((np.arange(10), (10, 2)), (np.arange(0, 20, 2), (10, 3))):
        kept.write_record("fold-0", Fold(rows, np.ones(shape), np.ones(shape)).to_json())
        with pytest.raises(ValueError, match=r"fold-0\.json: not the record of this fold"):
            next(cross_validation.judge_folds(X, y, Settings(), folds=2, checkpoint=kept))
    kept.write_record("fold-0", {})
    with pytest.raises(ValueError, match=r"fold-0\.json: not the record of a fold"):
        next(cross_validation.judge_folds(X, y, Settings(), folds=2, checkpoint=kept))


def test_flags_have_no_type_in_the_help() -> None:
    text = invoke("--help").output
    assert "--resume" in text and "--flip" in text and "<bool>" not in text


# ---- the table ----


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_fits_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    settings = Settings(digits=load_digits_small()[0])
    names = [variant.name for variant in variants(settings, compare_epochs=12)]
    names += [kind_name(kind, settings) for kind in KINDS]
    scores = {name: Scores(0.5, 0.6, 0.7, 1234.56) for name in names} | {
        "full ensemble": Scores(None, 0.8, 0.9, 9999.9)
    }
    shares = np.eye(10)
    report = Report([Fold(np.arange(10), shares, shares, scores)], np.arange(10), np.arange(10))
    ensemble_results.print_table(report)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    for name in names:
        assert all(word in printed for word in name.split())
    assert printed.count("0.600 ± 0.000") == len(names) and "9999.9" in printed
    if width == 100:
        # A name may go on in the next line, numbers never do.
        assert re.search(r"LightGBM, three channels, flipped twins +0\.500 ± 0\.000 +0\.600", printed)


def test_a_fold_keeps_its_bits_in_json() -> None:
    generator = np.random.default_rng(0)
    fold = Fold(
        np.array([1, 4]), generator.random((2, 3)), generator.random((2, 3)), {"a": Scores(None, 0.1, 1 / 3, 2.5)}
    )
    again = Fold.from_json(json.loads(json.dumps(fold.to_json())))
    for name in ("rows", "shares", "votes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fold, name))
    assert again.scores == fold.scores
    good = fold.to_json()
    for record in (
        {},
        {**good, "scores": [1]},
        {**good, "scores": {"a": {"odd": 1}}},
        {**good, "scores": {"a": {"members": None, "hard": "x", "soft": 0.5, "seconds": 1.0}}},
        {**good, "rows": [10**30, 1]},
    ):
        with pytest.raises(ValueError, match="not the record of a fold"):
            Fold.from_json(record)


# ---- the time that is left ----


def test_the_pace_of_trainings_side_by_side() -> None:
    pace = Pace(jobs=2)
    assert pace.seconds([]) == 0
    assert pace.seconds([Training("conv", 10, 1)]) is None
    pace.note(Training("conv", 10, 4), 8.0)  # two after two: four seconds for ten units of work
    assert pace.seconds([Training("conv", 20, 3)]) == 16.0
    assert pace.seconds([Training("conv", 20, 3), Training("lgbm", 1, 1)]) is None
    assert pace.including(Training("lgbm", 1, 1), 3.0).seconds([Training("lgbm", 2, 2)]) == 6.0
    assert pace.seconds([Training("lgbm", 2, 2)]) is None


def test_the_time_that_is_left() -> None:
    now = [0.0]
    coming = [Training("lgbm", 1, 2), Training("conv", 5, 1), Training("conv", 5, 3)]
    outlook = Outlook(1, coming, clock=lambda: now[0])
    assert outlook.left() is None and outlook.present == coming[0]
    now[0] = 4.0
    outlook.member_done(9, 10)  # eight of the ten are of an earlier run
    assert outlook.left() is None
    now[0] = 8.0
    outlook.member_done(10, 10)
    assert outlook.present == coming[1] and outlook.left() is None
    now[0] = 20.0
    outlook.begin()  # predictions were written in between
    now[0] = 40.0
    outlook.member_done(1, 1)
    assert outlook.left() == 60.0
    now[0] = 60.0
    outlook.member_done(1, 3)
    assert outlook.left() == pytest.approx(40.0)
    now[0] = 100.0
    outlook.member_done(2, 3)
    outlook.member_done(3, 3)
    assert outlook.left() == 0 and outlook.present is None


def test_times_in_words() -> None:
    assert [in_words(seconds) for seconds in (0.4, 59, 60, 700, 3660, 7300)] == [
        "0 s", "59 s", "1 min", "12 min", "1 h 1 min", "2 h 2 min"
    ]  # fmt: skip


def test_a_shelf_keeps_time(tmp_path: Path) -> None:
    shelf = Checkpoint(tmp_path).shelf("fold-0", "trees")
    assert shelf.seconds == 0 and shelf.members() == 0 and shelf.get("member-0") is None
    shelf.seconds = 2.5
    assert checkpoint.Checkpoint(tmp_path).shelf("fold-0", "trees").seconds == 2.5


@pytest.mark.parametrize("seconds", ["null", "[1]", '"x"', "-1", "NaN", "Infinity", "true"])
def test_a_damaged_time_is_named(tmp_path: Path, seconds: str) -> None:
    shelf = Checkpoint(tmp_path).shelf("fold-0", "trees")
    shelf.seconds = 2.5
    path = tmp_path / "fold-0" / "trees" / "seconds.json"
    for text in (f'{{"seconds": {seconds}}}', "{}"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"seconds\.json: seconds is .*; expected a number of at least 0"):
            _ = shelf.seconds
