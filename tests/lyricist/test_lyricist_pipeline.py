"""The lyricist's pipeline: learning, resuming, files, writing."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import day33
from day33 import callbacks, datasets, text
from day33.lyricist import LengthBatches, Lyricist, TextGenerator


@pytest.fixture(scope="module")
def sentences() -> tuple[list[str], list[str]]:
    corpus = text.Corpus.from_lines(datasets.generate_lyrics(1000))
    return text.split_sentences(corpus.sentences)


# ---- the pipeline ----


@pytest.mark.parametrize("padding", ["skip", "count"])
def test_learning_lines(sentences: tuple[list[str], list[str]], padding: str) -> None:
    training, validation = sentences
    day33.set_random_seed(0)
    writer = Lyricist(200, 24, 32, padding=padding)  # type: ignore[arg-type]
    history = writer.fit(
        training, validation, epochs=12, batch_size=32, learning_rate=0.02, schedule="cosine", verbose=0
    ).history
    keys = {"loss", "perplexity", "padded_loss"}
    assert set(history) == keys | {f"val_{key}" for key in keys}
    assert all(len(values) == 12 for values in history.values())
    words = Counter(word for line in training for word in line.split()[1:])
    shares = np.array(list(words.values())) / sum(words.values())
    unigram = math.exp(-(shares * np.log(shares)).sum())
    assert history["val_perplexity"][-1] < unigram / 3
    if padding == "skip":
        assert history["perplexity"][-1] == pytest.approx(math.exp(history["loss"][-1]))
    else:
        assert history["padded_loss"] == history["loss"]
        assert history["val_padded_loss"] == history["val_loss"]
    longest = max(len(line.split()) for line in training + validation) - 1
    share = sum(len(line.split()) - 1 for line in validation) / (longest * len(validation))
    # Padding is certain where it is skipped, and nearly so where it was learnt.
    padded = share * math.log(history["val_perplexity"][-1])
    assert history["val_padded_loss"][-1] == pytest.approx(padded, rel=1e-5 if padding == "skip" else 0.05)


def test_early_stopping_keeps_the_best(sentences: tuple[list[str], list[str]]) -> None:
    training, validation = sentences[0][:60], sentences[1]
    day33.set_random_seed(0)
    writer = Lyricist(200, 16, 32)
    history = writer.fit(
        training, validation, epochs=60, batch_size=8, learning_rate=0.03, patience=2, verbose=0
    ).history
    assert len(history["loss"]) < 60
    numbers = writer.tokenizer.texts_to_sequences(validation)
    measured = writer.model.evaluate(LengthBatches(numbers, 8, pool=0), verbose=0, return_dict=True)
    assert measured["perplexity"] == pytest.approx(min(history["val_perplexity"]), rel=1e-5)


def test_a_plateau_halves_the_rate(sentences: tuple[list[str], list[str]]) -> None:
    training, validation = sentences[0][:60], sentences[1]
    writer = Lyricist(200, 16, 32)
    history = writer.fit(
        training, validation, epochs=12, batch_size=8, learning_rate=0.05, schedule="plateau", verbose=0
    ).history
    assert history["learning_rate"][0] == 0.05
    assert history["learning_rate"][-1] <= 0.025


def test_a_vocabulary_that_is_full() -> None:
    writer = Lyricist(6, 4, 4)
    lines = ["<start> a b c d e <end>", "<start> a b a <end>"]
    model = writer.prepare(lines)
    assert model.vocab_size == 7
    assert writer.tokenizer.texts_to_sequences(lines)[0].count(1) >= 2
    assert Lyricist(7000, 4, 4).prepare(lines).vocab_size == 9


def test_what_cannot_be_learnt() -> None:
    writer = Lyricist(10, 4, 4)
    with pytest.raises(ValueError, match="no sentences"):
        writer.fit([])
    with pytest.raises(ValueError, match="<start> and <end>"):
        writer.fit(["no marks here"])
    with pytest.raises(ValueError, match="num_words is 1; expected at least 5"):
        Lyricist(1)
    lines = ["<start> a b <end>"]
    for options, reason in (
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"schedule": "steps"}, "schedule"),
        ({"patience": 2}, "validation"),
        ({"schedule": "plateau"}, "validation"),
        ({"epochs": -1}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"clip_norm": -1.0}, "global_clipnorm"),
    ):
        with pytest.raises(ValueError, match=reason):
            Lyricist(10, 4, 4).fit(lines, verbose=0, **options)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no model yet"):
        _ = Lyricist(10).model


# ---- resuming ----


class StopAt(callbacks.Callback):
    """Ctrl-C after a batch."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self._at, self._epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self._epoch, batch) == self._at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("padding", ["skip", "count"])
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_a_stopped_training_ends_with_the_same_bits(
    tmp_path: Path, sentences: tuple[list[str], list[str]], padding: str, schedule: str
) -> None:
    def fit(seed: int, *more: callbacks.Callback) -> tuple[list[np.ndarray], dict[str, list[float]]]:
        day33.set_random_seed(seed)
        writer = Lyricist(200, 8, 12, padding=padding, dropout=0.2)  # type: ignore[arg-type]
        history = writer.fit(
            *sentences, epochs=4, batch_size=128, learning_rate=0.01, schedule=schedule, patience=3,  # type: ignore[arg-type]
            callbacks=more, verbose=0,
        )  # fmt: skip
        return writer.model.get_weights(), history.history

    expected, expected_history = fit(1)
    for folder, place in (("within", (1, 2)), ("later", (2, 0))):
        backup = tmp_path / folder
        with pytest.raises(KeyboardInterrupt):
            fit(1, StopAt(*place), callbacks.BackupAndRestore(backup, delete_checkpoint=False))
        # Another seed: everything comes from the checkpoint.
        weights, history = fit(2, callbacks.BackupAndRestore(backup))
        assert history == expected_history
        for got, want in zip(weights, expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_ctrl_c_saves_the_batch(tmp_path: Path, sentences: tuple[list[str], list[str]]) -> None:
    seen: list[tuple[int, int]] = []

    class Seen(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((self.epoch, batch))

    def fit(*more: callbacks.Callback) -> None:
        backup = callbacks.BackupAndRestore(tmp_path)
        Lyricist(200, 4, 4).fit(sentences[0], epochs=2, batch_size=64, callbacks=[*more, backup], verbose=0)

    with pytest.raises(KeyboardInterrupt):
        fit(StopAt(1, 1))
    fit(Seen())
    assert seen[0] == (1, 2)


# ---- files ----


@pytest.fixture(scope="module", params=[False, True], ids=["untied", "tied"])
def writer(sentences: tuple[list[str], list[str]], request: pytest.FixtureRequest) -> Lyricist:
    day33.set_random_seed(0)
    made = Lyricist(200, 48 if request.param else 24, 48, tied=request.param)
    made.fit(sentences[0], epochs=12, batch_size=32, learning_rate=0.02, schedule="cosine", verbose=0)
    return made


def test_save_and_load(tmp_path: Path, writer: Lyricist) -> None:
    writer.save(tmp_path)
    back = Lyricist.load(tmp_path)
    for got, want in zip(back.model.get_weights(), writer.model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert back.tokenizer.get_config() == writer.tokenizer.get_config()
    assert back.padding == writer.padding
    assert back.model.tied == writer.model.tied
    assert back.write("i love") == writer.write("i love")
    keras_text = pytest.importorskip("keras.src.legacy.preprocessing.text")
    read = keras_text.tokenizer_from_json((tmp_path / "tokenizer.json").read_text())
    assert read.texts_to_sequences(["<start> i love you"]) == back.tokenizer.texts_to_sequences(["<start> i love you"])


def test_damaged_folders(tmp_path: Path, writer: Lyricist) -> None:
    with pytest.raises(FileNotFoundError, match="lyricist.json"):
        Lyricist.load(tmp_path)
    writer.save(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Lyricist.load(tmp_path)
    other = text.Tokenizer(num_words=200, filters=" ", oov_token="<unk>")
    other.fit_on_texts(["<start> a <end>"])
    (tmp_path / "tokenizer.json").write_text(other.to_json())
    with pytest.raises(ValueError, match="a vocabulary of 5 tokens"):
        Lyricist.load(tmp_path)
    writer.save(tmp_path)
    for damage in ("[]", "{}", '{"vocab_size": 0}', '{"vocab_size": "a"}', '{"vocab_size": 5, "layers": 9}', "\xff"):
        (tmp_path / "lyricist.json").write_bytes(damage.encode("latin-1"))
        with pytest.raises(ValueError, match=r"lyricist\.json"):
            Lyricist.load(tmp_path)
    writer.save(tmp_path)
    config = json.loads((tmp_path / "lyricist.json").read_text())
    (tmp_path / "lyricist.json").write_text(json.dumps({**config, "embedding_size": 5, "hidden_size": 5}))
    with pytest.raises(ValueError, match=r"weights\.npz"):
        Lyricist.load(tmp_path)


# ---- writing ----


def note_loop(model: TextGenerator, ids: list[int], max_len: int, end: int) -> list[int]:
    """The note's generate_text, on numbers: the whole text so far goes through the model for every token."""
    ids = list(ids)
    while True:
        ids.append(int(model.predict_on_batch(np.array([ids], np.int32))[0, -1].argmax()))
        if ids[-1] == end or len(ids) >= max_len:
            return ids


def test_greedy_answers_are_the_note_s(writer: Lyricist) -> None:
    model, tokenizer = writer.model, writer.tokenizer
    end = tokenizer.word_index["<end>"]
    for prompt in ("i love", "", "The River, oh", "xylophone quartz", "<start> she", "love " * 30):
        begun = (
            prompt if prompt.startswith("<start>") else f"<start> {' '.join(prompt.lower().replace(',', ' ,').split())}"
        )
        ids = tokenizer.texts_to_sequences([begun])[0]
        expected = note_loop(model, ids, 20, end)
        assert model.generate(ids, end_token=end) == expected
        assert model.generate(prompt) == " ".join(tokenizer.index_word[i] for i in expected)
        assert list(model.stream(prompt)) == [tokenizer.index_word[i] for i in expected[len(ids) :]]
    texts = model.generate(["i love", "", "we"])
    assert texts == [model.generate(prompt) for prompt in ("i love", "", "we")]
    arrays = model.generate(np.array([[2, 5], [2, 6]]))
    assert [array.tolist() for array in arrays] == [model.generate([2, 5]), model.generate([2, 6])]


def test_lines_for_readers(writer: Lyricist) -> None:
    line = writer.write("I LOVE")
    assert line.startswith("I love")
    assert "<" not in line
    assert " ." not in line
    words = writer.write("I LOVE", detokenize=False)
    assert words.startswith("<start> i love ")
    assert text.detokenize(words) == line
    assert words == writer.model.generate("I LOVE", max_repeats=2, banned=["<unk>"])
    drawn = writer.write_many("i love", 5, temperature=1.0, seed=3)
    assert drawn == writer.write_many("i love", 5, temperature=1.0, seed=3)
    assert drawn[:2] == writer.write_many("i love", 2, temperature=1.0, seed=3)
    assert len(set(drawn)) > 1
    assert "love" not in writer.write("", banned=["love"]).lower().split()
    assert writer.write("", forced=["we", "need"]).startswith("We need")


def test_neither_unknown_words_nor_a_word_three_times_in_a_row() -> None:
    """Lines of which most words are unknown to so small a vocabulary, and of which the others repeat."""
    lines = [f"<start> la la la la w{i} w{i + 1} w{i + 2} <end>" for i in range(60)]
    day33.set_random_seed(0)
    writer = Lyricist(5, 8, 16)
    writer.fit(lines, epochs=8, batch_size=8, learning_rate=0.03, verbose=0)
    as_the_model_says = writer.model.generate("")
    assert as_the_model_says.startswith("<start> la la la")
    assert "<unk>" in as_the_model_says
    assert writer.write("", unknown=True, max_repeats=None) == text.detokenize(as_the_model_says)
    for options in ({}, {"temperature": 1.0, "seed": 2}, {"beams": 2}):
        line = writer.write("", **options).lower()
        assert line.startswith("la la")
        assert "unk" not in line
        assert "la la la" not in line
    assert writer.write("la la la", unknown=True).startswith("La la la <unk>")


def test_what_cannot_be_continued(writer: Lyricist) -> None:
    bare = TextGenerator(23, 5, 7)
    bare.build_weights()
    with pytest.raises(TypeError, match="tokenizer"):
        bare.generate("i love")
    with pytest.raises(ValueError, match="start token"):
        bare.generate([[]])
    with pytest.raises(ValueError, match="23"):
        bare.generate([23])
    with pytest.raises(ValueError, match="xylophone"):
        writer.write("i love", banned=["xylophone"])
    with pytest.raises(ValueError, match="temperature"):
        writer.write("i love", temperature=-1.0)
