"""The lyricist: batches of like length, what is measured, training in both modes against Keras, resuming, files."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import day33
from day33 import callbacks, datasets, losses, lyricist, optimizers, text
from day33.lyricist import LengthBatches, Lyricist, TextGenerator
from day33.lyricist.measuring import real_token_loss

VOCABULARY, WIDTH, UNITS = 23, 5, 7
SEQUENCES = [
    [2, 5, 6, 7, 3],
    [2, 8, 3],
    [2, 5, 9, 10, 11, 12, 3],
    [2, 13, 14, 3],
    [2, 5, 6, 15, 16, 17, 18, 19, 3],
    [2, 20, 21, 3],
    [2, 22, 3],
]


@pytest.fixture(scope="module")
def sentences() -> tuple[list[str], list[str]]:
    corpus = text.Corpus.from_lines(datasets.generate_lyrics(1000))
    return text.split_sentences(corpus.sentences)


def small_model(padding: str = "skip", dropout: float = 0.0) -> TextGenerator:
    day33.set_random_seed(3)
    model = TextGenerator(VOCABULARY, WIDTH, UNITS, padding=padding, dropout=dropout)  # type: ignore[arg-type]
    model.build_weights()
    # The initial weights hardly tell one word from another.
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


# ---- batches ----

line_lists = st.lists(st.lists(st.integers(1, 9), max_size=8), min_size=1, max_size=30).filter(
    lambda lines: any(len(line) > 1 for line in lines)
)


@given(line_lists, st.integers(1, 6), st.integers(0, 3), st.integers(0, 5), st.integers(0, 5))
def test_every_line_is_in_one_batch(lines: list[list[int]], batch_size: int, pool: int, seed: int, epoch: int) -> None:
    batches = LengthBatches(lines, batch_size, pool=pool)
    batches.seed, batches.epoch = seed, epoch
    kept = [line for line in lines if len(line) > 1]
    found = []
    produced = list(batches)
    assert len(produced) == len(batches)
    for source, target in produced:
        assert source.shape == target.shape
        assert 1 <= len(source) <= batch_size
        lengths = np.count_nonzero(source, axis=1)
        assert list(lengths) == sorted(lengths, reverse=True)
        assert source.shape[1] == batches.longest
        np.testing.assert_array_equal(source != 0, target != 0)
        for reads, says, length in zip(source, target, lengths, strict=True):
            assert list(reads[1:length]) == list(says[: length - 1])
            found.append((*reads[:length], says[length - 1]))
    assert Counter(found) == Counter(map(tuple, kept))
    assert (batches.lines, batches.tokens) == (len(kept), sum(len(line) - 1 for line in kept))
    assert batches.longest == max(map(len, kept)) - 1
    for (source, _), (again, _) in zip(produced, batches, strict=True):
        np.testing.assert_array_equal(source, again)


def test_epochs_and_seeds_have_their_own_order() -> None:
    batches = LengthBatches([[1, i + 2] for i in range(50)], 5, pool=2)
    orders = set()
    for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1)):
        batches.seed, batches.epoch = seed, epoch
        orders.add(tuple(int(target) for _, targets in batches for target in targets[:, 0]))
    assert len(orders) == 4


def test_lines_of_a_batch_are_of_like_length() -> None:
    rng = np.random.default_rng(0)
    lines = [[1] * int(length) for length in rng.integers(2, 22, 4000)]
    cells = sum(len(source) * np.count_nonzero(source[0]) for source, _ in LengthBatches(lines, 64))
    assert cells < 1.1 * sum(len(line) - 1 for line in lines)


def test_wider_arrays() -> None:
    for source, target in LengthBatches(SEQUENCES, 3, width=12):
        assert source.shape[1] == target.shape[1] == 12
    with pytest.raises(ValueError, match="width is 7; expected at least 8"):
        LengthBatches(SEQUENCES, 3, width=7)


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ([], {}, "no line"),
        ([[1], []], {}, "at least two tokens"),
        ([[1, 2]], {"batch_size": 0}, "batch_size"),
        ([[1, 2]], {"pool": -1}, "pool"),
    ],
)
def test_no_batches(lines: list[list[int]], options: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        LengthBatches(lines, **options)


# ---- the model and what is measured ----


def log_probabilities(model: TextGenerator, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of the targets, position by position, in double; each line computed alone and without padding."""
    result = np.zeros(source.shape)
    for row, (reads, says) in enumerate(zip(source, target, strict=True)):
        length = np.count_nonzero(reads) if model.padding == "skip" else len(reads)
        logits = model.predict_on_batch(reads[None, :length])[0].astype(np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        result[row, :length] = logits[np.arange(length), says[:length]]
    return result


def test_the_shapes_are_the_note_s() -> None:
    model = TextGenerator(VOCABULARY, WIDTH, UNITS)
    model.build_weights()
    assert [weight.shape for weight in model.get_weights()] == [
        (VOCABULARY, WIDTH), (WIDTH, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, 4 * UNITS),
        (UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, VOCABULARY), (VOCABULARY,),
    ]  # fmt: skip
    assert model.predict_on_batch(np.ones((2, 3), np.int32)).shape == (2, 3, VOCABULARY)
    assert model.predict_on_batch(np.ones((2, 5), np.int32)).shape == (2, 5, VOCABULARY)


def test_perplexity_and_padded_loss_where_padding_is_skipped() -> None:
    model = small_model()
    model.compile()
    batches = LengthBatches(SEQUENCES, 3, pool=0)
    model.set_line_length(10)
    measured = model.evaluate(batches, verbose=0, return_dict=True)
    likelihood = sum(log_probabilities(model, source, target).sum() for source, target in batches)
    loss = -likelihood / batches.tokens
    assert measured["loss"] == pytest.approx(loss, rel=1e-5)
    assert measured["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert measured["padded_loss"] == pytest.approx(-likelihood / (10 * len(SEQUENCES)), rel=1e-5)
    # How the lines are cut into batches does not matter.
    whole = model.evaluate(LengthBatches(SEQUENCES, 100, pool=0), verbose=0, return_dict=True)
    assert whole["perplexity"] == pytest.approx(measured["perplexity"], rel=1e-6)


def test_perplexity_where_padding_counts() -> None:
    model = small_model("count")
    model.compile()
    source, target = text.make_dataset(text.pad_sequences(SEQUENCES, padding="post"))
    likelihoods = log_probabilities(model, source, target)
    assert float(model.evaluate(source, target, 3, verbose=0)) == pytest.approx(-likelihoods.mean(), rel=1e-5)  # type: ignore[arg-type]
    assert real_token_loss(model, source, target, 3) == pytest.approx(-likelihoods[target != 0].mean(), rel=1e-5)


@pytest.mark.parametrize("padding", ["skip", "count"])
def test_training_is_keras_s(padding: str) -> None:
    keras = pytest.importorskip("keras")
    ours = small_model(padding)
    theirs = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(VOCABULARY, WIDTH, mask_zero=padding == "skip"),
            keras.layers.LSTM(UNITS, return_sequences=True),
            keras.layers.LSTM(UNITS, return_sequences=True),
            keras.layers.Dense(VOCABULARY),
        ]
    )
    theirs.set_weights(ours.get_weights())
    theirs.compile(
        optimizer=keras.optimizers.Adam(global_clipnorm=0.5),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ours.compile(optimizer=optimizers.Adam(global_clipnorm=0.5))
    if padding == "skip":
        data = list(LengthBatches(SEQUENCES, 4))
    else:
        source, target = text.make_dataset(text.pad_sequences(SEQUENCES, padding="post"))
        data = [(source[:4], target[:4]), (source[4:], target[4:])]
    for _ in range(5):
        for batch in data:
            got, expected = ours.train_on_batch(*batch, return_dict=True), theirs.train_on_batch(*batch)  # type: ignore[call-overload]
            assert got["loss"] == pytest.approx(float(expected), rel=1e-4)
    for got_weight, expected_weight in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(got_weight, expected_weight, rtol=0, atol=1e-4 * np.abs(expected_weight).max())


def test_padding_changes_nothing() -> None:
    """A step on lines with any amount of padding behind them is a step on the lines."""
    stepped = []
    for length in (8, 12):
        model = small_model()
        model.compile(optimizer=optimizers.SGD(0.1))
        source, target = text.make_dataset(SEQUENCES)
        padded = [text.pad_sequences(part, length, padding="post") for part in (source, target)]
        model.train_on_batch(*padded)
        stepped.append(model.get_weights())
    for short, long in zip(*stepped, strict=True):
        np.testing.assert_allclose(short, long, rtol=1e-6, atol=1e-7)


def test_dropout_trains_and_infers() -> None:
    model = small_model(dropout=0.5)
    source, target = text.make_dataset(SEQUENCES)
    before = model.predict_on_batch(source)
    np.testing.assert_array_equal(before, model.predict_on_batch(source))
    trained = []
    for seed in (1, 1, 2):
        model = small_model(dropout=0.5)
        model.compile(optimizer=optimizers.SGD(0.1))
        day33.set_random_seed(seed)
        model.train_on_batch(source, target)
        trained.append(model.get_weights()[0])
    np.testing.assert_array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[0], trained[2])


@pytest.mark.usefixtures("restored_threads")
def test_dropout_does_not_depend_on_threads() -> None:
    """Tiles between two layers that take the whole batch once wrote over what others still needed."""
    rng = np.random.default_rng(0)
    source, target = (rng.integers(1, 200, (64, 14), dtype=np.int32) for _ in range(2))
    model = TextGenerator(200, 8, 64, dropout=0.2)
    model.build_weights()
    weights = model.get_weights()
    model.compile(optimizer=optimizers.SGD(1.0))
    results = []
    for threads in (1, *[3] * 40):
        day33.set_num_threads(threads)
        day33.set_random_seed(5)
        model.set_weights(weights)
        model.train_on_batch(source, target)
        results.append(model.get_weights())
    for result in results[1:]:
        for got, want in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((1,), "vocab_size is 1; expected at least 2"),
        ((5, 0), "embedding_size"),
        ((5, 4, 0), "hidden_size"),
    ],
)
def test_sizes_are_checked(arguments: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        TextGenerator(*arguments)


def test_other_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="dropout"):
        TextGenerator(5, dropout=1.0)
    with pytest.raises(ValueError, match="padding"):
        TextGenerator(5, padding="ignore")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="vocab_size"):
        TextGenerator(5.5)  # type: ignore[arg-type]


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


@pytest.fixture(scope="module")
def writer(sentences: tuple[list[str], list[str]]) -> Lyricist:
    day33.set_random_seed(0)
    made = Lyricist(200, 24, 48)
    made.fit(sentences[0], epochs=12, batch_size=32, learning_rate=0.02, schedule="cosine", verbose=0)
    return made


def test_save_and_load(tmp_path: Path, writer: Lyricist) -> None:
    writer.save(tmp_path)
    back = Lyricist.load(tmp_path)
    for got, want in zip(back.model.get_weights(), writer.model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert back.tokenizer.get_config() == writer.tokenizer.get_config()
    assert back.padding == writer.padding
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
    (tmp_path / "lyricist.json").write_text(json.dumps({**config, "hidden_size": 5}))
    with pytest.raises(ValueError, match=r"weights\.npz"):
        Lyricist.load(tmp_path)


def test_loss_given_by_the_user() -> None:
    model = small_model()
    model.compile(loss=losses.SparseCategoricalCrossentropy(from_logits=True))
    batch = next(iter(LengthBatches(SEQUENCES, 3)))
    assert set(model.train_on_batch(*batch, return_dict=True)) == {"loss", "perplexity", "padded_loss"}  # type: ignore[arg-type]


def test_names() -> None:
    assert set(lyricist.__all__) >= {"Lyricist", "TextGenerator", "LengthBatches"}


@pytest.mark.slow
def test_a_step_at_the_note_s_size_stays_under_a_gigabyte() -> None:
    """Weights, gradients, Adam's moments and all activations of 256 x 20 tokens of a vocabulary of 7,001."""
    program = """
import resource, sys
import numpy as np
from day33.lyricist import TextGenerator
model = TextGenerator(7001, 256, 1024, padding="count")
model.compile()
rng = np.random.default_rng(0)
source, target = (rng.integers(1, 7001, (256, 20), dtype=np.int32) for _ in range(2))
for _ in range(2):
    model.train_on_batch(source, target)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak)
"""
    if sys.platform == "win32":
        pytest.skip("no getrusage")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000_000


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
    assert line.startswith("i love")
    assert "<" not in line
    assert " ." not in line
    drawn = writer.write_many("i love", 5, temperature=1.0, seed=3)
    assert drawn == writer.write_many("i love", 5, temperature=1.0, seed=3)
    assert drawn[:2] == writer.write_many("i love", 2, temperature=1.0, seed=3)
    assert len(set(drawn)) > 1
    assert "love" not in writer.write("", banned=["love"]).split()
    assert writer.write("", forced=["we", "need"]).startswith("we need")


def test_what_cannot_be_continued(writer: Lyricist) -> None:
    bare = small_model()
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
