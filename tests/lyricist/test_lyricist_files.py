"""Lyricists in folders: loading draws nothing and trusts no size; lines are kept; unknown words are told."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import day33
from day33 import callbacks, datasets, initializers, text
from day33.lyricist import LineWriter, Lyricist


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return text.Corpus.from_lines(datasets.generate_lyrics(80)).sentences


@pytest.fixture
def folder(tmp_path: Path, sentences: list[str]) -> Path:
    """A lyricist that has learnt nothing, saved."""
    made = Lyricist(200, 6, 8)
    made.prepare(sentences)
    made.save(tmp_path / "saved")
    return tmp_path / "saved"


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# ---- loading ----


def test_loading_draws_no_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orthogonal initial values, which take a QR decomposition per layer, cost more than reading the file."""
    expected = [weights.copy() for weights in Lyricist.load(folder).model.get_weights()]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an initial value was drawn")

    for name in initializers.__all__:
        if isinstance(getattr(initializers, name), type) and "__call__" in vars(getattr(initializers, name)):
            monkeypatch.setattr(getattr(initializers, name), "__call__", refuse)
    with pytest.raises(AssertionError, match="was drawn"):
        Lyricist(200, 6, 8).prepare(["<start> a <end>"])
    for got, want in zip(Lyricist.load(folder).model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["hidden_size", "embedding_size"])
@pytest.mark.parametrize("size", [200_000_000, 2**31 - 1])
def test_a_forged_size_takes_no_memory(folder: Path, name: str, size: int) -> None:
    rewrite(folder / "lyricist.json", **{name: size})
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"weights\.npz is not .*more than the file holds"):
            Lyricist.load(folder)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [10**30, 1e300, "Infinity", None, [6], -1, 0])
def test_a_size_that_is_none(folder: Path, size: object) -> None:
    text = (folder / "lyricist.json").read_text()
    (folder / "lyricist.json").write_text(text.replace('"hidden_size": 8', f'"hidden_size": {json.dumps(size)}'))
    with pytest.raises(ValueError, match=r"lyricist\.json"):
        Lyricist.load(folder)
    (folder / "lyricist.json").write_text(text.replace('"hidden_size": 8', '"hidden_size": Infinity'))
    with pytest.raises(ValueError, match=r"lyricist\.json"):
        Lyricist.load(folder)


def test_a_vocabulary_without_the_tokens_of_a_line(folder: Path, tmp_path: Path) -> None:
    for missing in ("<start>", "<end>", "<unk>"):
        tokenizer = text.Tokenizer(num_words=200, filters=" ", oov_token=None if missing == "<unk>" else "<unk>")
        tokenizer.fit_on_texts([" ".join(word for word in ("<start>", "a", "<end>") if word != missing)])
        (folder / "tokenizer.json").write_text(tokenizer.to_json())
        with pytest.raises(ValueError, match=rf"tokenizer\.json: its vocabulary is without {missing}"):
            Lyricist.load(folder)


@pytest.mark.parametrize("table", ["word_index", "index_word", "word_counts"])
def test_a_damaged_vocabulary_is_refused_when_it_is_loaded(folder: Path, table: str) -> None:
    outer = json.loads((folder / "tokenizer.json").read_text())
    entries = json.loads(outer["config"][table])
    entries.pop(next(iter(entries)))
    outer["config"][table] = json.dumps(entries)
    (folder / "tokenizer.json").write_text(json.dumps(outer))
    with pytest.raises(ValueError, match=r"tokenizer\.json: the JSON of the Tokenizer"):
        Lyricist.load(folder)


def test_saving_over_a_file_says_what_is_in_the_way(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="file is a file; expected a folder"):
        Lyricist.load(folder).save(tmp_path / "file")


# ---- unknown words ----


def test_unknown_words(folder: Path) -> None:
    writer = Lyricist.load(folder)
    assert writer.unknown_words("") == []
    assert writer.unknown_words("I love the Xylophone, quartz xylophone!") == ["xylophone", "quartz"]
    assert writer.unknown_words("<start> i love quartz") == ["quartz"]
    small = Lyricist(6, 4, 4)
    small.prepare(["<start> a b c d e <end>", "<start> a b a <end>"])
    assert "c" in small.tokenizer.word_index  # but among the rare words, which have no number of their own
    assert small.unknown_words("a b c") == ["c"]


# ---- lines ----


class Stop(Exception):
    pass


def train(path: Path, sentences: list[str], epochs: int, *more: callbacks.Callback) -> LineWriter:
    day33.set_random_seed(1)
    writer = Lyricist(200, 6, 8)
    writer.prepare(sentences)
    shown: list[str] = []
    lines = LineWriter(writer, path / "lines.txt", "i", seed=4, show=shown.append)
    backup = callbacks.BackupAndRestore(path / "backup", delete_checkpoint=False)
    writer.fit(sentences, epochs=epochs, batch_size=32, callbacks=[lines, backup, *more], verbose=0)
    assert lines.lines[-len(shown) :] == shown
    return lines


def test_lines_of_all_epochs_come_back(tmp_path: Path, sentences: list[str]) -> None:
    """Killed while it wrote the file anew, an earlier version left an empty one."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected = train(whole, sentences, 4).lines
    assert (whole / "lines.txt").read_text().splitlines() == expected
    assert len(expected) == 4
    train(parts, sentences, 2)
    for damage in (lambda path: path.write_text(""), Path.unlink):
        damage(parts / "lines.txt")
        assert train(parts, sentences, 3).lines == expected[:3]
        assert (parts / "lines.txt").read_text().splitlines() == expected[:3]
        (parts / "backup").rename(tmp_path / f"used-{len(list(tmp_path.iterdir()))}")
        train(parts, sentences, 2)


def test_the_file_is_replaced_as_a_whole(tmp_path: Path, sentences: list[str]) -> None:
    """A second name for the file after the first epoch keeps what was in it then."""

    class Link(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                os.link(tmp_path / "lines.txt", tmp_path / "first")

    lines = train(tmp_path, sentences, 2, Link()).lines
    assert (tmp_path / "first").read_text().splitlines() == lines[:1]
    assert (tmp_path / "lines.txt").read_text().splitlines() == lines


def test_a_state_without_lines_is_no_damage(tmp_path: Path, sentences: list[str]) -> None:
    lines = LineWriter(Lyricist(200, 6, 8), tmp_path / "lines.txt")
    lines.set_state({})
    assert lines.lines == []
    assert np.shape(lines.get_state()["lines"]) == (0,)
    lines.check_state({})
    lines.check_state({"lines": ["a"]})


@pytest.mark.parametrize("state", [{"lines": 5}, {"lines": ["a", 1]}, {"lines": None}, {"line": []}])
def test_a_state_of_other_things(tmp_path: Path, state: dict[str, Any]) -> None:
    """It would end the training with a TypeError after the next epoch."""
    with pytest.raises(ValueError, match="lines"):
        LineWriter(Lyricist(200, 6, 8), tmp_path / "lines.txt").check_state(state)


# ---- what is no file ----


@pytest.mark.parametrize("name", ["lyricist.json", "tokenizer.json", "weights.npz"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_pipes_and_devices_in_the_folder(folder: Path, name: str, make: Any) -> None:
    """Reading one would wait for ever, or take all memory."""
    (folder / name).unlink()
    make(folder / name)
    with pytest.raises(ValueError, match=rf"{name} is a folder, a FIFO or a device; expected a regular file"):
        Lyricist.load(folder)
