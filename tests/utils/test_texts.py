"""Texts in folders, beside `keras.utils.text_dataset_from_directory`."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import utils

keras = pytest.importorskip("keras")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes, five texts each, one of them in a folder below."""
    root = tmp_path_factory.mktemp("texts")
    for label in ("bad", "good", "so-so"):
        (root / label / "more").mkdir(parents=True)
        for number in range(5):
            text = f"{label} {number}: " + "word \n" * number + "naïve 日本"
            (root / label / ("more" if number == 4 else "") / f"{number}.txt").write_bytes(text.encode())
    (root / "bad" / "picture.png").write_bytes(b"no text")
    (root / "good" / "UPPER.TXT").write_text("UPPER")
    return root


def elements(data):
    """Elements with their texts as Python strings, which are bytes in TensorFlow."""
    found = []
    for part in data.as_numpy_iterator():
        texts, *labels = part if isinstance(part, tuple) else (part,)
        found.append((np.asarray(texts).tolist(), *labels))
    return found


def as_text(value):
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def assert_same(mine, correct):
    mine, correct = elements(mine), elements(correct)
    assert len(mine) == len(correct)
    for (texts, *labels), (right, *right_labels) in zip(mine, correct, strict=True):
        assert texts == as_text(right)
        for a, b in zip(labels, right_labels, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


ARGUMENTS = [
    {},
    {"label_mode": "categorical", "batch_size": 4},
    {"label_mode": None},
    {"labels": None, "batch_size": None},
    {"labels": [number % 2 for number in range(16)], "label_mode": "binary"},
    {"class_names": ["so-so", "bad"], "label_mode": "binary"},
    {"max_length": 6},
    {"max_length": 400},
    {"validation_split": 0.3, "subset": "validation", "seed": 3, "shuffle": True},
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_the_texts_of_keras(folder, arguments):
    arguments = {"shuffle": False, "verbose": False} | arguments
    mine, correct = (m.text_dataset_from_directory(str(folder), **arguments) for m in (utils, keras.utils))
    assert mine.class_names == correct.class_names
    if not arguments["shuffle"]:
        assert_same(mine, correct)
    else:  # which files are on this side is Keras's choice, too
        sides = [sorted(as_text(text) for texts, *_ in elements(data) for text in texts) for data in (mine, correct)]
        assert sides[0] == sides[1]


def test_both_sides_of_a_split(folder):
    arguments = {"validation_split": 0.4, "subset": "both", "seed": 1, "verbose": False, "batch_size": None}
    sides = [m.text_dataset_from_directory(str(folder), **arguments) for m in (utils, keras.utils)]
    for mine, correct in zip(*sides, strict=True):
        assert sorted(text for text, _ in elements(mine)) == sorted(as_text(text) for text, _ in elements(correct))


def test_what_a_cut_goes_through(folder, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.txt").write_bytes("aé".encode())
    (tmp_path / "a" / "1.txt").write_bytes(b"a\xff b")
    texts = utils.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False, labels=None, batch_size=None)
    assert [str(text) for text in texts] == ["aé", "a\N{REPLACEMENT CHARACTER} b"]
    cut = utils.text_dataset_from_directory(
        tmp_path, shuffle=False, verbose=False, labels=None, batch_size=None, max_length=2
    )
    assert str(next(iter(cut))) == "a"


def test_messages(folder, tmp_path, capsys):
    utils.text_dataset_from_directory(folder)
    assert capsys.readouterr().out == "Found 16 files belonging to 3 classes.\n"
    with pytest.raises(ValueError, match="format is 'grain'; expected one of 'tf'"):
        utils.text_dataset_from_directory(folder, format="grain")
    with pytest.raises(ValueError, match="label_mode is 'one'"):
        utils.text_dataset_from_directory(folder, label_mode="one")
    with pytest.raises(ValueError, match="max_length is 0; expected at least 1"):
        utils.text_dataset_from_directory(folder, max_length=0)
    with pytest.raises(ValueError, match="at least one file that ends in .txt"):
        utils.text_dataset_from_directory(tmp_path, labels=None, verbose=False)
