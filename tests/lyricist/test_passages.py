"""Lines after those before them: the split, the batches, what is measured, and lines that follow each other."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import day33
from day33 import lyricist, optimizers, text
from day33.lyricist import Lyricist, PassageBatches, TextGenerator

START, END = 2, 3
# A couplet: the second line has the words of the first one, in turn.
WORDS = [f"{first}{second}" for first in "bdfgk" for second in "aeiou"]
COUPLETS = [line for a in WORDS for b in WORDS[:8] for line in (f"{b} {a}", f"and {a} {b}")]


def as_passage(lines: list[list[int]]) -> list[int]:
    return [token for line in lines for token in (START, *line, END)]


passages_of_lines = st.lists(
    st.lists(st.lists(st.integers(4, 9), max_size=4), min_size=1, max_size=9), min_size=1, max_size=12
)


# ---- the split ----


def test_passages_end_where_files_do_and_where_a_line_is_held_out(tmp_path: Path) -> None:
    files = [["a a", "b", "c", "a a", "d"], ["e"], ["f", "b", "", "Someone:", "g", "h h h"]]
    for number, lines in enumerate(files):
        (tmp_path / f"{number}.txt").write_text("\n".join(lines))
    corpus = text.load_corpus(tmp_path)
    assert corpus.starts == [0, 5, 6]
    kept = [[f"<start> {line} <end>" for line in lines if line and line[-1] != ":"] for lines in files]
    for seed in range(20):
        _, held_out = text.split_sentences(corpus.sentences, 0.3, seed=seed)
        training, validation = text.split_passages(corpus, 2, 0.3, seed=seed)
        expected, measured = [], []
        for lines in kept:
            run: list[str] = []
            for place, line in enumerate(lines):
                if line in held_out:
                    measured.append(" ".join(lines[max(place - 2, 0) : place + 1]))
                    expected, run = [*expected, run], []
                else:
                    run.append(line)
            expected.append(run)
        assert training == [" ".join(run) for run in expected if run]
        assert validation == measured


def test_a_corpus_of_one_s_own_is_one_text() -> None:
    sentences = [f"<start> {word} <end>" for word in WORDS]
    assert text.split_passages(text.Corpus(sentences), 1) == text.split_passages(text.Corpus.from_lines(WORDS), 1)


def test_lines_that_nothing_follows(tmp_path: Path) -> None:
    for word in WORDS:
        (tmp_path / f"{word}.txt").write_text(word)
    with pytest.raises(ValueError, match="no two sentences to learn follow each other"):
        text.split_passages(text.load_corpus(tmp_path), 1)


def test_where_files_begin() -> None:
    sentences = [f"<start> {word} <end>" for word in WORDS]
    for starts in ([3], [0, 4, 2], [0, 40], [-1]):
        with pytest.raises(ValueError, match="expected places from 0 on"):
            text.split_passages(text.Corpus(sentences, starts=starts), 2)
    with pytest.raises(TypeError, match="corpus is a list; expected a Corpus"):
        text.split_passages(sentences, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("context", "error", "reason"),
    [(0, ValueError, "context is 0"), (1.5, TypeError, "context is 1.5"), (10**30, ValueError, "at most 1000")],
)
def test_no_context(context: object, error: type[Exception], reason: str) -> None:
    corpus = text.Corpus.from_lines(WORDS)
    with pytest.raises(error, match=reason):
        text.split_passages(corpus, context)  # type: ignore[arg-type]
    with pytest.raises(error, match=reason):
        PassageBatches([[2, 4, 3]], context, 4)  # type: ignore[arg-type]


# ---- batches ----


@given(passages_of_lines, st.integers(1, 4), st.integers(1, 6), st.integers(0, 9))
def test_every_line_counts_once_in_an_epoch(
    passages: list[list[list[int]]], context: int, batch_size: int, epoch: int
) -> None:
    batches = PassageBatches([as_passage(lines) for lines in passages], context, batch_size)
    batches.epoch = epoch
    produced = list(batches)
    assert len(produced) == len(batches)
    assert batches.lines == sum(map(len, passages))
    places: Counter[tuple[int, ...]] = Counter()
    for source, target, weights in produced:
        assert source.shape == target.shape == weights.shape
        assert source.shape[1] == batches.longest
        for reads, says, counts in zip(source, target, weights, strict=True):
            tokens = [*reads[: np.count_nonzero(reads)], says[np.count_nonzero(says) - 1]]
            lines = " ".join(map(str, tokens)).split(f" {START} ")
            assert len(lines) <= context + 1
            assert list(counts) == [float(token not in (0, START)) for token in says]
            begun = [i for i, token in enumerate(tokens) if token == START]
            for begin, end in zip(begun, [*begun[1:], len(tokens)], strict=True):
                places[tuple(int(token) for token in tokens[begin + 1 : end - 1])] += 1
    assert places == Counter(tuple(line) for lines in passages for line in lines)
    for one, other in zip(produced, batches, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_every_epoch_cuts_elsewhere() -> None:
    """So that a line is learnt after none, one and two others."""
    batches = PassageBatches([as_passage([[number] for number in range(4, 14)])], 2, 100)
    before: dict[int, set[int]] = {number: set() for number in range(4, 14)}
    for epoch in range(30):
        batches.epoch = epoch
        for source, _, _ in batches:
            for row in source:
                for place, number in enumerate(row[1::3]):
                    if number:
                        before[int(number)].add(place)
    assert before[4] == {0}
    assert before[5] == {0, 1}
    assert all(before[number] == {0, 1, 2} for number in range(6, 14))


def test_batches_have_as_many_lines_as_were_asked_for() -> None:
    batches = PassageBatches([as_passage([[4]] * 9) for _ in range(100)], 2, 30)
    sizes = [np.count_nonzero(weights) / 2 for _, _, weights in batches]
    assert len(sizes) == np.mean(sizes) == 30
    assert 20 < min(sizes) and max(sizes) < 40


@given(passages_of_lines, st.integers(1, 5))
def test_only_the_last_line_is_measured(passages: list[list[list[int]]], batch_size: int) -> None:
    batches = PassageBatches([as_passage(lines) for lines in passages], 1, batch_size, last_only=True)
    produced = list(batches)
    assert len(produced) == len(batches) == -(-len(passages) // batch_size)
    assert batches.lines == len(passages)
    wholes, measured = [], []
    for source, target, weights in produced:
        for reads, says, counts in zip(source, target, weights, strict=True):
            wholes.append((*reads[: np.count_nonzero(reads)], says[np.count_nonzero(says) - 1]))
            measured.append((wholes[-1], tuple(says[counts > 0])))
    assert Counter(wholes) == Counter(tuple(as_passage(lines)) for lines in passages)
    assert Counter(measured) == Counter((tuple(as_passage(lines)), (*lines[-1], END)) for lines in passages)


def test_no_passages() -> None:
    with pytest.raises(ValueError, match="passages holds 2 passages; expected one of at least two tokens"):
        PassageBatches([[], [2]], 1, 4)
    with pytest.raises(ValueError, match="batch_size is 0"):
        PassageBatches([[2, 4, 3]], 1, 0)
    with pytest.raises(ValueError, match="width is 1"):
        PassageBatches([[2, 4, 3]], 1, 1, width=1)
    with pytest.raises(ValueError, match=r"begin with the tokens \[1, 5\]"):
        PassageBatches([[5, 3, 2, 5, 4, 2], [1, 3, 2, 1, 4, 2]], 1, 4)
    with pytest.raises(TypeError, match=r"passages\[1\] has dtype float64"):
        PassageBatches([[2, 4, 3], [2.5, 4.0, 3.0]], 1, 4)  # type: ignore[list-item]
    (batch,) = PassageBatches([[2, 4, 3]], 1, 1, width=5)
    assert [part.shape for part in batch] == [(1, 5)] * 3


# ---- what is measured, and learnt ----


def small_model() -> TextGenerator:
    day33.set_random_seed(3)
    model = TextGenerator(10, 6, 6, tied=True)
    model.build_weights()
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


PASSAGES = [as_passage([[4, 5], [6], [7, 8, 9]]), as_passage([[9]]), as_passage([[5], [4, 4]])]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_loss_is_the_mean_over_the_last_lines(batch_size: int) -> None:
    model = small_model()
    model.compile()
    measured = model.evaluate(PassageBatches(PASSAGES, 2, batch_size, last_only=True), verbose=0, return_dict=True)
    losses = []
    for passage, line in zip(PASSAGES, ([7, 8, 9], [9], [4, 4]), strict=True):
        logits = model.predict_on_batch(np.array([passage[:-1]], np.int32))[0].astype(np.float64)
        log_likelihoods = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        said = [*line, END]
        losses += [-log_likelihoods[place - len(said), token] for place, token in enumerate(said)]
    assert measured["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert measured["perplexity"] == pytest.approx(math.exp(np.mean(losses)), rel=1e-5)
    positions = sum(len(source) for source, _, _ in PassageBatches(PASSAGES, 2, batch_size, last_only=True)) * 11
    share = sum(len(passage) - 1 for passage in PASSAGES) / positions
    assert measured["padded_loss"] == pytest.approx(np.mean(losses) * share, rel=0.2 if batch_size < 5 else 1e-5)


def test_weights_of_lines_count_as_those_of_their_tokens() -> None:
    model = small_model()
    model.compile()
    source, target = text.make_dataset([[2, 4, 5, 3], [2, 6, 3]])
    of_lines = np.array([0.5, 2.0], np.float32)
    found = [
        model.test_on_batch(source, target, weights, return_dict=True)
        for weights in (of_lines, np.repeat(of_lines[:, np.newaxis], 3, axis=1))
    ]
    assert found[0] == pytest.approx(found[1])
    parts = [model.test_on_batch(source[i : i + 1], target[i : i + 1], return_dict=True)["loss"] for i in range(2)]  # type: ignore[index, call-overload]
    assert found[0]["loss"] == pytest.approx((0.5 * 3 * parts[0] + 2.0 * 2 * parts[1]) / (0.5 * 3 + 2.0 * 2))


def test_training_is_keras_s() -> None:
    keras = pytest.importorskip("keras")
    ours = small_model()
    tokens = keras.Input((None,), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(10, 6, mask_zero=True)
    hidden = embedding(tokens)
    for _ in range(2):
        hidden = keras.layers.LSTM(6, return_sequences=True)(hidden)
    theirs = keras.Model(tokens, embedding(hidden, reverse=True))
    theirs.set_weights(ours.get_weights())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    ours.compile(optimizer=optimizers.SGD(0.5))
    batches = PassageBatches(PASSAGES, 2, 4)
    for epoch in range(4):
        batches.epoch = epoch
        for source, target, weights in batches:
            got = ours.train_on_batch(source, target, weights, return_dict=True)
            # Keras's logits have no mask, so what is left out of its mean has to be in the weights.
            real = np.float32(source > 0)
            expected = theirs.train_on_batch(source, target, sample_weight=weights * real.size / real.sum())
            theirs.reset_metrics()
            # Reported is the mean over what counts.
            assert got["loss"] == pytest.approx(float(expected) * real.sum() / weights.sum(), rel=1e-4)  # type: ignore[index]
            ours.reset_metrics()
    for got_weight, expected_weight in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(got_weight, expected_weight, rtol=0, atol=1e-4 * np.abs(expected_weight).max())


def couplets(context: int) -> tuple[Lyricist, dict[str, list[float]]]:
    day33.set_random_seed(0)
    corpus = text.Corpus.from_lines(COUPLETS)
    writer = Lyricist(100, 24, 48, context=context)
    if context:
        training, validation = text.split_passages(corpus, context)
    else:
        training, validation = text.split_sentences(corpus.sentences)
    history = writer.fit(
        training, validation, epochs=40, batch_size=8, learning_rate=0.01, schedule="cosine", verbose=0
    )
    return writer, history.history


@pytest.fixture(scope="module")
def writer() -> Lyricist:
    return couplets(1)[0]


def test_the_line_before_tells_the_next() -> None:
    """Without the first line of a couplet there are 200 second ones."""
    with_context, without = (couplets(context)[1]["val_perplexity"][-1] for context in (1, 0))
    assert with_context < 0.75 * without


def test_training_twice_gives_the_same_bits(writer: Lyricist) -> None:
    for one, other in zip(writer.model.get_weights(), couplets(1)[0].model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# ---- writing ----


@pytest.mark.parametrize("context", [1, 2])
def test_each_line_is_written_after_those_before(writer: Lyricist, context: int) -> None:
    writer.context = context
    try:
        options = {"temperature": 0.9, "max_len": 7}
        written = writer.write_passage("ba", 4, after=["de fi"], detokenize=False, seed=5, **options)
        before = ["<start> de fi <end>"]
        for number, line in enumerate(written):
            lead = " ".join(before[-context:])
            begun = "<start> ba" if number == 0 else "<start>"
            (whole,) = writer.write_many(
                f"{lead} {begun}", detokenize=False, seed=5 + number, temperature=0.9, max_len=len(lead.split()) + 7
            )
            assert f"{lead} {line}" == whole
            before.append(line if line.endswith("<end>") else f"{line} <end>")
        assert written[0].startswith("<start> ba ") and len(written) == 4
    finally:
        writer.context = 1


def test_what_a_corpus_leaves_out_is_left_out(writer: Lyricist) -> None:
    assert writer.write_passage(lines=2, after=["ba be", "", "Someone:", "* * *"], seed=1) == writer.write_passage(
        lines=2, after=("ba be",), seed=1
    )


def test_words_that_are_banned_are_banned_in_all_lines(writer: Lyricist) -> None:
    banned = [word for word in WORDS if word[0] in "bdf"]
    written = writer.write_passage(lines=4, banned=iter(banned), temperature=1.5, seed=2, detokenize=False)
    assert not set(" ".join(written).split()) & set(banned)


def test_the_largest_seeds(writer: Lyricist) -> None:
    options = {"temperature": 1.0, "detokenize": False}
    seeds = [np.uint64(2**64 - 1), 0]
    written = writer.write_passage("ba", 2, seed=seeds[0], **options)  # type: ignore[arg-type]
    assert written[0] == writer.write_passage("ba", 1, seed=2**64 - 1, **options)[0]
    assert writer.write_passage("ba", 2, seed=np.int8(127), **options) == writer.write_passage(  # type: ignore[arg-type]
        "ba", 2, seed=127, **options
    )


def test_a_line_that_did_not_end_is_followed_all_the_same(writer: Lyricist) -> None:
    written = writer.write_passage("ba", 2, max_len=2, detokenize=False)
    assert written[0].split()[:2] == ["<start>", "ba"] and len(written[0].split()) == 3
    assert writer.write_passage("ba", 0) == []


def test_readable_lines(writer: Lyricist) -> None:
    raw = writer.write_passage("ba", 3, detokenize=False)
    assert writer.write_passage("ba", 3) == [text.detokenize(line) for line in raw]


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"after": "ba"}, TypeError, "after is 'ba'; expected a list of lines"),
        ({"after": None}, TypeError, "after is None"),
        ({"after": ["ba", 3]}, TypeError, "expected a list of lines"),
        ({"prompt": None}, TypeError, "prompt is None; expected a text"),
        ({"lines": -1}, ValueError, "lines is -1"),
        ({"max_len": 0, "after": ["ba"]}, ValueError, "max_len is 0"),
        ({"max_len": 1.5, "after": ["ba"]}, TypeError, "max_len is 1.5"),
        ({"seed": "a"}, TypeError, "seed is 'a'"),
        ({"seed": 2**64}, ValueError, "seed is 18446744073709551616"),
    ],
)
def test_what_cannot_follow(writer: Lyricist, options: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        writer.write_passage(**options)


def test_lines_alone_do_not_follow() -> None:
    alone = Lyricist(100, 4, 6)
    alone.prepare([f"<start> {word} <end>" for word in WORDS])
    with pytest.raises(ValueError, match="context is 0"):
        alone.write_passage()


def test_what_context_does_not_go_with() -> None:
    with pytest.raises(ValueError, match="expected 'skip' with context=2"):
        Lyricist(context=2, padding="count")
    with pytest.raises(ValueError, match="context is -1"):
        Lyricist(context=-1)
    lines = [f"<start> {word} <end>" for word in WORDS]
    passages = [f"{lines[0]} {lines[1]}", *lines]
    for training, validation, reason in (
        (lines, None, "training holds 25 lines, each alone, and context is 1; expected passages"),
        (["ba be", *lines], None, "training holds 'ba be'; expected passages of lines that begin with <start>"),
        ([3, *passages], None, "training holds 3"),
        (passages, ["ba be"], "validation holds 'ba be'"),
    ):
        with pytest.raises(ValueError, match=reason):
            lyricist.Lyricist(100, 4, 6, context=1).fit(training, validation)  # type: ignore[arg-type]


# ---- files ----


def test_the_context_is_saved(writer: Lyricist, tmp_path: Path) -> None:
    writer.save(tmp_path)
    again = Lyricist.load(tmp_path)
    assert again.context == 1
    assert again.write_passage("ba", 3) == writer.write_passage("ba", 3)
    config = json.loads((tmp_path / "lyricist.json").read_text())
    for context, reason in ((-1, "context is -1"), ("1", "context is '1'"), (10**30, "context is 1000")):
        (tmp_path / "lyricist.json").write_text(json.dumps({**config, "context": context}))
        with pytest.raises(ValueError, match=f"not the description of a lyricist: {reason}"):
            Lyricist.load(tmp_path)


def test_files_of_before_have_none(writer: Lyricist, tmp_path: Path) -> None:
    writer.save(tmp_path)
    config = json.loads((tmp_path / "lyricist.json").read_text())
    del config["context"]
    (tmp_path / "lyricist.json").write_text(json.dumps(config))
    assert Lyricist.load(tmp_path).context == 0
