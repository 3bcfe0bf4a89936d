"""The lyricist's model: what is measured, and training in both modes against Keras."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys

import numpy as np
import pytest

import day33
from day33 import losses, lyricist, optimizers, text
from day33.lyricist import LengthBatches, TextGenerator
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


def small_model(padding: str = "skip", dropout: float = 0.0, tied: bool = False) -> TextGenerator:
    day33.set_random_seed(3)
    width = UNITS if tied else WIDTH
    model = TextGenerator(VOCABULARY, width, UNITS, padding=padding, dropout=dropout, tied=tied)  # type: ignore[arg-type]
    model.build_weights()
    # The initial weights hardly tell one word from another.
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


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
@pytest.mark.parametrize("tied", [False, True])
def test_training_is_keras_s(padding: str, tied: bool) -> None:
    keras = pytest.importorskip("keras")
    ours = small_model(padding, tied=tied)
    kind = keras.layers.ReversibleEmbedding if tied else keras.layers.Embedding
    embedding = kind(VOCABULARY, UNITS if tied else WIDTH, mask_zero=padding == "skip")
    tokens = keras.Input((None,), dtype="int32")
    hidden = keras.layers.LSTM(UNITS, return_sequences=True)(embedding(tokens))
    hidden = keras.layers.LSTM(UNITS, return_sequences=True)(hidden)
    theirs = keras.Model(tokens, embedding(hidden, reverse=True) if tied else keras.layers.Dense(VOCABULARY)(hidden))
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
            # Keras's ReversibleEmbedding drops the mask of its input.
            real = np.float32(batch[0] > 0)
            weights = {"sample_weight": real * real.size / real.sum()} if tied and padding == "skip" else {}
            got, expected = ours.train_on_batch(*batch, return_dict=True), theirs.train_on_batch(*batch, **weights)  # type: ignore[call-overload]
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
    with pytest.raises(ValueError, match="embedding_size is 4 and hidden_size is 6; expected the same number"):
        TextGenerator(5, 4, 6, tied=True)
    with pytest.raises(TypeError, match="vocab_size"):
        TextGenerator(5.5)  # type: ignore[arg-type]


def test_a_configuration_has_every_argument() -> None:
    arguments = set(inspect.signature(TextGenerator).parameters) - {"tokenizer"}
    given = {
        "vocab_size": 11, "embedding_size": 6, "hidden_size": 6, "dropout": 0.25, "tied": True, "padding": "count",
        "clean": "unicode", "name": "writer",
    }  # fmt: skip
    assert set(given) == arguments
    assert TextGenerator(**given).get_config() == given  # type: ignore[arg-type]
    again = TextGenerator.from_config(given)
    again.build_weights()
    assert again.get_config() == given
    assert again.count_params() == 11 * 6 + 2 * (6 * 24 + 6 * 24 + 24)  # with no matrix for the output


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
import re, resource, sys
from pathlib import Path
import numpy as np
from day33.lyricist import TextGenerator
model = TextGenerator(7001, 256, 1024, padding="count")
model.compile()
rng = np.random.default_rng(0)
source, target = (rng.integers(1, 7001, (256, 20), dtype=np.int32) for _ in range(2))
for _ in range(2):
    model.train_on_batch(source, target)
# What getrusage says on Linux begins with the size of the process that started this one.
if Path("/proc/self/status").exists():
    peak = 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak)
"""
    if sys.platform == "win32":
        pytest.skip("no getrusage")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000_000
