"""``day33 lyricist``: what it writes, what it says, how it fails, and that nothing is lost when it is stopped."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
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

from day33 import datasets
from day33.lyricist import Lyricist
from support.command import run_command

RESULTS = (
    "history.csv",
    "lines.txt",
    "loss.png",
    "lyricist.json",
    "perplexity.png",
    "run.json",
    "tokenizer.json",
    "weights.npz",
)
TINY = (
    "--embedding", "6", "--hidden", "8", "--batch-size", "64", "--learning-rate", "0.01", "--dropout", "0",
    "--schedule", "constant",
)  # fmt: skip
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))
    return partial(run_command, "lyricist")


@pytest.fixture
def lyrics(tmp_path: Path) -> Path:
    """A folder with 300 lines in two files."""
    folder = tmp_path / "lyrics"
    folder.mkdir()
    lines = datasets.generate_lyrics(300)
    (folder / "a.txt").write_text("Verse:\n\n" + "\n".join(lines[:150]) + "\n", encoding="utf-8")
    (folder / "b.txt").write_text("\n".join(lines[150:]), encoding="utf-8")
    return folder


def assert_same_files(one: Path, other: Path) -> None:
    with np.load(one / "weights.npz") as a, np.load(other / "weights.npz") as b:
        assert set(a) == set(b)
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
    for name in ("history.csv", "lines.txt", "tokenizer.json", "lyricist.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_training_and_writing(run: Run, lyrics: Path) -> None:
    result = run("train", lyrics, "--output", "out", "--epochs", 3, *TINY)
    assert result.exit_code == 0, result.output
    out = Path("out")
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == sorted(RESULTS)
    for part in (
        "2 files, 302 lines",
        '1 empty, 1 ending in ":"',
        "to measure on",
        "tokens/s",
        "perplexity",
        "padded loss",
    ):
        assert part in result.output
    with open(out / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert set(rows[0]) >= {"loss", "perplexity", "padded_loss", "val_loss", "val_perplexity", "val_padded_loss"}
    written = (out / "lines.txt").read_text().splitlines()
    assert len(written) == 3
    assert all(line in result.output for line in written)

    greedy = run("write", out, "i love")
    assert greedy.exit_code == 0, greedy.output
    assert greedy.output.startswith("I love")
    assert run("write", out, "i love", "--weights", "int8").exit_code == 0
    assert run("write", out, "i love").output == greedy.output
    drawn = run("write", out, "i love", "--lines", 4, "--temperature", 1.5, "--seed", 7)
    assert drawn.output == run("write", out, "i love", "--lines", 4, "--temperature", 1.5, "--seed", 7).output
    assert len(set(drawn.output.splitlines())) > 1
    assert len(drawn.output.splitlines()) == 4
    searched = run("write", out, "i love", "--beam", 3)
    assert searched.exit_code == 0
    assert searched.output.startswith("I love")
    as_words = run("write", out, "i love", "--no-detokenize").output
    assert as_words.startswith("<start> i love ")
    raw = run("write", out, "i love", "--no-detokenize", "--note").output.strip()
    assert raw == Lyricist.load(out).model.generate("i love")


def test_the_note_s_own_sentence(run: Run, tmp_path: Path) -> None:
    """A corpus in Korean, of which the note's clean-up would leave nothing."""
    lines = ["나는 밥을 먹었다", "너는 물을 마셨다", "우리는 책을 읽었다."] * 20
    corpus = tmp_path / "korean.txt"
    corpus.write_text("\n".join(lines), encoding="utf-8")
    options = (corpus, "--epochs", 20, "--embedding", 12, "--hidden", 24, "--batch-size", 4, "--learning-rate", 0.02)
    result = run("train", *options, "--patience", 0)
    assert result.exit_code == 0, result.output
    assert "60 kept" in result.output
    assert "letters of every script (--clean unicode)" in result.output
    learnt = [
        line for line in dict.fromkeys(lines) if run("write", "day33-lyricist", line.split()[0]).output.strip() == line
    ]
    assert len(learnt) == 2  # the third was held out
    refused = run("train", *options, "--output", "as-note", "--clean", "note")
    assert refused.exit_code == 1
    assert "without words" in refused.output


def test_the_built_in_corpus(run: Run) -> None:
    result = run("train", "--epochs", 1, *TINY, "--max-tokens", 12, "--padding", "count")
    assert result.exit_code == 0, result.output
    assert "built-in grammar" in result.output
    assert "of more than 12 tokens" in result.output
    assert Path("day33-lyricist", "weights.npz").is_file()
    settings = json.loads(Path("day33-lyricist", "run.json").read_text())["settings"]
    assert settings["paths"] == []
    assert settings["padding"] == "count"


def test_defaults_for_files_and_those_of_the_note(run: Run, lyrics: Path) -> None:
    small = ("--epochs", 1, "--embedding", 6, "--hidden", 8)
    assert run("train", lyrics, "--output", "ours", *small).exit_code == 0
    assert run("train", lyrics, "--output", "note", "--note", *small).exit_code == 0
    ours, note = (json.loads(Path(name, "run.json").read_text())["settings"] for name in ("ours", "note"))
    assert (note["batch_size"], note["dropout"], note["learning_rate"], note["schedule"]) == (256, 0, 0.001, "constant")
    assert ours["batch_size"] == 16  # follows the corpus; kept, so that a resumed run goes on with it
    assert ours["dropout"] > 0
    assert ours["schedule"] == "cosine"
    assert ours["embedding"] == note["embedding"] == 6
    assert run("train", "--output", "ours", "--resume").exit_code == 1  # done, with the same settings


@pytest.mark.parametrize(
    ("options", "widths", "tied"),
    [
        ((), (256, 256), True),
        (("--hidden", 7), (7, 7), True),
        (("--embedding", 6), (6, 6), True),
        (("--hidden", 7, "--embedding", 6), (6, 7), False),
        (("--hidden", 7, "--untied"), (256, 7), False),
        (("--note",), (256, 1024), False),
        (("--note", "--tied", "--hidden", 7), (7, 7), True),
    ],
)
def test_one_matrix_for_both_ends(
    run: Run, lyrics: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[object, ...], widths: object, tied: bool
) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr("day33.cli.lyricist._train", lambda run, options, *_, **__: found.append(options))
    assert run("train", lyrics, *options).exit_code == 0
    assert (found[0]["embedding"], found[0]["hidden"]) == widths
    assert found[0]["tied"] == tied


def test_widths_that_cannot_be_tied(run: Run, lyrics: Path) -> None:
    refused = run("train", lyrics, "--tied", "--hidden", 7, "--embedding", 6)
    assert refused.exit_code == 1
    assert "embedding_size is 6 and hidden_size is 7; expected the same number" in " ".join(refused.output.split())


def test_lines_that_follow_each_other(run: Run, lyrics: Path) -> None:
    options = (*TINY, "--context", 2, "--schedule", "plateau", "--dropout", 0.1)
    whole = run("train", lyrics, "--output", "whole", "--epochs", 4, *options)
    assert whole.exit_code == 0, whole.output
    assert "to measure on, each after up to 2 before it, a vocabulary of" in " ".join(whole.output.split())
    assert run("train", lyrics, "--output", "parts", "--epochs", 2, *options).exit_code == 0
    assert run("train", "--output", "parts", "--epochs", 4, "--resume").exit_code == 0
    assert_same_files(Path("whole"), Path("parts"))
    lyricist = Lyricist.load("whole")
    assert lyricist.context == 2
    written = run("write", "whole", "i love", "--lines", 3, "--seed", 5, "--after", "you hear", "--after", "i love")
    assert written.exit_code == 0, written.output
    expected = lyricist.write_passage("i love", 3, after=["you hear", "i love"], temperature=1.0, seed=5)
    assert written.output.splitlines() == expected
    for options in (("--beam", 2, "--lines", 2), ("--after", "xylophone quartz")):
        result = run("write", "whole", *options)
        assert result.exit_code == 0, result.output
        assert ("so read as <unk>: xylophone, quartz" in " ".join(result.output.split())) == ("--after" in options)
    # Which lines follow each other depends on where a file begins, but not on files without lines.
    (lyrics / "0.txt").touch()
    assert "all 4 epochs are done" in run("train", "--output", "whole", "--resume").output
    (lyrics / "a.txt").write_text((lyrics / "a.txt").read_text() + (lyrics / "b.txt").read_text())
    (lyrics / "b.txt").unlink()
    assert "data_sha256" in run("train", lyrics, "--output", "whole", "--epochs", 5, "--resume").output


def test_lines_that_nothing_precedes(run: Run, lyrics: Path) -> None:
    assert run("train", lyrics, "--output", "out", "--epochs", 1, *TINY).exit_code == 0
    refused = run("write", "out", "--after", "i love")
    assert refused.exit_code == 1
    assert "--after needs a training with --context" in " ".join(refused.output.split())
    for options, reason in (
        (("--padding", "count"), "padding is 'count'; expected 'skip' with context=1"),
        ((), "no two sentences to learn follow each other"),
    ):
        files = [Path(name) for name in ("1.txt", "2.txt", "3.txt")]
        for file in files:
            file.write_text(f"la {file.stem.replace('1', 'a').replace('2', 'b')}")
        refused = run("train", *files, "--output", "none", "--context", 1, *TINY, *options)
        assert refused.exit_code == 1
        assert reason in " ".join(refused.output.split())
        assert not Path("none").exists()


def test_resume_for_more_epochs(run: Run, lyrics: Path) -> None:
    options = (*TINY, "--schedule", "plateau", "--dropout", 0.1)
    assert run("train", lyrics, "--output", "whole", "--epochs", 4, *options).exit_code == 0
    assert run("train", lyrics, "--output", "parts", "--epochs", 2, *options).exit_code == 0
    result = run("train", "--output", "parts", "--epochs", 4, "--resume")
    assert result.exit_code == 0, result.output
    assert_same_files(Path("whole"), Path("parts"))
    again = run("train", "--output", "parts", "--resume")
    assert again.exit_code == 1
    assert "nothing to resume" in again.output


def test_ctrl_c_and_resume(run: Run, lyrics: Path, tmp_path: Path) -> None:
    options = ("--epochs", "6", "--embedding", "6", "--hidden", "64", "--batch-size", "2")
    assert run("train", lyrics, "--output", "whole", *options).exit_code == 0
    command = [sys.executable, "-m", "day33", "lyricist", "train", str(lyrics), "--output", "stopped", *options]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = tmp_path / "stopped" / "lines.txt"
    limit = time.monotonic() + 60
    while not lines.exists() and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Go on with: day33 lyricist train --output stopped --resume" in errors
    result = run("train", "--output", "stopped", "--resume")
    assert result.exit_code == 0, result.output
    assert_same_files(tmp_path / "whole", tmp_path / "stopped")


def test_resume_refuses_what_does_not_fit(run: Run, lyrics: Path) -> None:
    def train(*arguments: object) -> Result:
        return run("train", "--output", "out", *arguments)

    assert train("--resume").exit_code == 1
    assert train(lyrics, "--epochs", 1, *TINY, "--schedule", "cosine").exit_code == 0
    unchanged = Path("out/weights.npz").read_bytes()
    for arguments, reason in (
        ((lyrics, "--epochs", 1, *TINY), "already holds"),
        (("--resume", "--epochs", 2), "cosine"),
        (("--resume", "--hidden", 9), "hidden: 8 then, 9 now"),
    ):
        result = train(*arguments)
        assert result.exit_code == 1
        assert reason in result.output
    (lyrics / "c.txt").write_text("one line more")
    result = train("--resume")
    assert result.exit_code == 1
    assert "data_sha256" in result.output
    assert Path("out/weights.npz").read_bytes() == unchanged


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("absent.txt", None, "no such file"),
        ("absent*.txt", None, "no file matches"),
        ("binary.txt", b"good line\n\x89PNG", "binary.txt, line 2"),
        ("empty.txt", b"", "no line to learn from"),
        ("headings.txt", b"Verse:\n\nChorus:\n", "no line to learn from"),
        ("one.txt", b"la la la\nla la la\n", "two distinct sentences"),
    ],
)
def test_bad_files(run: Run, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    result = run("train", name, "--output", "out", *TINY)
    assert result.exit_code == 1
    assert "day33: error: " in result.output
    assert reason in result.output
    assert not Path("out").exists()


def test_a_corpus_of_one_word(run: Run) -> None:
    Path("la.txt").write_text("la\nla la\nla la la\nla la la la\n")
    result = run("train", "la.txt", "--output", "out", "--epochs", 2, *TINY)
    assert result.exit_code == 0, result.output
    assert "a vocabulary of 5" in result.output
    assert run("write", "out", "la").output.startswith("La")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--words", "4"), ("--dropout", "1"), ("--validation", "0"), ("--validation", "1"), ("--learning-rate", "0"),
        ("--learning-rate", "nan"), ("--epochs", "0"), ("--padding", "ignore"), ("--schedule", "steps"),
        ("--max-tokens", "2"), ("--resume", "--overwrite"), ("--clip-norm", "-1"), ("--context", "-1"),
        ("--context", "1001"),
    ],
)  # fmt: skip
def test_bad_options(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("train", "--output", "out", *arguments).exit_code == 2
    assert not Path("out").exists()


def test_bad_writing(run: Run, lyrics: Path) -> None:
    result = run("write", "absent")
    assert result.exit_code == 1
    assert "lyricist.json" in result.output
    assert run("train", lyrics, "--output", "out", "--epochs", 1, *TINY).exit_code == 0
    for arguments in (
        ("--temperature", "-1"),
        ("--top-p", "0"),
        ("--beam", "2", "--temperature", "1"),
        ("--lines", "0"),
        ("--lines", "2", "--beam", "2"),
    ):
        assert run("write", "out", "i love", *arguments).exit_code == 2
    result = run("write", "out", "i love", "--ban", "xylophone")
    assert result.exit_code == 1
    assert "xylophone" in result.output
    assert run("write", "out", "no such words xylophone quartz").exit_code == 0
    assert run("write", "out", " ".join(["love"] * 40)).output.lower().count("love") >= 40


def test_help_is_there(run: Run) -> None:
    for command in ("train", "write"):
        assert run(command, "--help").exit_code == 0
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "day33", "lyricist"], capture_output=True, text=True, env=environment, check=False
    )
    assert "train" in done.stdout + done.stderr


# ---- what is not there, or not known ----


def stop_after(run: Run, lyrics: Path, epochs: int, monkeypatch: pytest.MonkeyPatch, *options: object) -> None:
    """Trains in "out" and is stopped with Ctrl-C in the middle of an epoch."""
    from day33.lyricist import LineWriter

    begun = 0

    def begin(writer: LineWriter, epoch: int, logs: object = None) -> None:
        nonlocal begun
        begun = epoch

    def stop(writer: LineWriter, batch: int, logs: object = None) -> None:
        if (begun, batch) == (epochs, 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LineWriter, "on_epoch_begin", begin)
        patch.setattr(LineWriter, "on_train_batch_end", stop)
        result = run("train", lyrics, "--output", "out", "--epochs", 4, *TINY, *options)
    assert result.exit_code == 130, result.output


def test_writing_from_a_training_that_was_stopped(run: Run, lyrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(run, lyrics, 2, monkeypatch)
    result = run("write", "out", "i love")
    assert result.exit_code == 1
    assert result.stderr.strip() == (
        "day33: error: out holds a training that has not ended, 2 of 4 epochs are done: finish it with: "
        "day33 lyricist train --output out --resume (or end it now: add --epochs 2)"
    )
    result = run("train", "--output", "out", "--resume", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert len(Path("out/lines.txt").read_text().splitlines()) == 2
    assert run("write", "out", "i love").output.startswith("I love")
    # And it can still be finished, with the same bits.
    assert run("train", lyrics, "--output", "whole", "--epochs", 4, *TINY).exit_code == 0
    assert run("train", "--output", "out", "--resume", "--epochs", 4).exit_code == 0
    assert_same_files(Path("out"), Path("whole"))


def test_a_schedule_with_an_end_of_its_own(run: Run, lyrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be ended where it stands, but not be made shorter or longer."""
    stop_after(run, lyrics, 1, monkeypatch, "--schedule", "cosine")
    result = run("write", "out")
    assert "1 of 4 epochs are done" in result.stderr
    assert "(or end it now: add --epochs 1)" in result.stderr
    for epochs in (2, 5):
        assert "cosine" in run("train", "--output", "out", "--resume", "--epochs", epochs).output
    result = run("train", "--output", "out", "--resume", "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert len(Path("out/lines.txt").read_text().splitlines()) == 1
    assert run("write", "out", "i love").output.startswith("I love")
    stop_after(run, lyrics, 0, monkeypatch, "--overwrite")
    assert "0 of 4 epochs are done" in run("write", "out").stderr


def test_writing_from_other_folders(run: Run, lyrics: Path, tmp_path: Path) -> None:
    (tmp_path / "my songs").mkdir()
    for name, shown in (("absent", "absent"), ("my songs", "'my songs'")):
        result = run("write", name)
        assert result.exit_code == 1
        assert result.stderr.strip() == (
            f"day33: error: {name}: no lyricist there (no lyricist.json); train one with: "
            f"day33 lyricist train --output {shown}"
        )
    assert run("train", lyrics, "--output", "out", "--epochs", 1, *TINY).exit_code == 0
    Path("out/weights.npz").unlink()
    assert run("write", "out").stderr.strip() == "day33: error: out/weights.npz: no such file or directory"


def test_unknown_words_are_told(run: Run, lyrics: Path) -> None:
    result = run("train", lyrics, "--output", "out", "--epochs", 1, *TINY, "--prompt", "I love xylophones")
    assert "day33: warning: not in the vocabulary, so read as <unk>: xylophones" in result.stderr
    result = run("write", "out", "I love Quartz and xylophones, quartz")
    assert result.stderr.strip() == "day33: warning: not in the vocabulary, so read as <unk>: quartz, xylophones"
    assert result.stdout.startswith("I love <unk> and <unk>, <unk>")
    assert run("write", "out", "I love").stderr == ""


def test_lines_survive_a_kill(run: Run, lyrics: Path, tmp_path: Path) -> None:
    """SIGKILL at any moment; the file is whole then, and the resumed run has the lines of all epochs."""
    options = ("--epochs", "30", "--embedding", "6", "--hidden", "8", "--batch-size", "64", "--patience", "0")
    assert run("train", lyrics, "--output", "whole", *options).exit_code == 0
    expected = Path("whole/lines.txt").read_text().splitlines()
    command = [sys.executable, "-m", "day33", "lyricist", "train", "--output", "killed"]
    for arguments, wanted in (([str(lyrics), *options], 4), (["--resume"], 12)):
        process = subprocess.Popen(
            [*command, *arguments], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        lines, limit = tmp_path / "killed" / "lines.txt", time.monotonic() + 60
        while process.poll() is None and time.monotonic() < limit:
            if lines.exists() and len(lines.read_text().splitlines()) >= wanted:
                break
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
        there = lines.read_text().splitlines()
        assert len(there) >= wanted
        assert there == expected[: len(there)]
        lines.write_text("")  # what SIGKILL between the truncation and the writing left behind
    assert run("train", "--output", "killed", "--resume").exit_code == 0
    assert_same_files(tmp_path / "whole", tmp_path / "killed")


# ---- the first impression ----


def test_the_built_in_corpus_is_learnt_by_default(run: Run) -> None:
    """Already the first line that is shown has only pairs of words that are in the grammar's lines."""
    result = run("train")
    assert result.exit_code == 0, result.output
    with open("day33-lyricist/history.csv", newline="") as stream:
        history = [float(row["val_perplexity"]) for row in csv.DictReader(stream)]
    assert len(history) == 10
    assert history[0] < 8
    assert history[-1] < 4.8
    pairs = set()
    for line in datasets.generate_lyrics(40_000, seed=9):
        words = ["<", *re.findall(r"[a-z]+|[?.!,]", line), ">"]
        pairs.update(itertools.pairwise(words))
    written = Path("day33-lyricist/lines.txt").read_text().splitlines()
    known = [
        all(pair in pairs for pair in itertools.pairwise(words))
        for words in (["<", *re.findall(r"[a-z]+|[?.!,]", line.lower()), ">"] for line in written)
    ]
    assert known[0], written[0]
    assert sum(known) >= 9, written
