"""The note's language model, training and decoding: `python -m pytest bench/test_lyricist.py`.

A training step at the note's size takes seconds, so that DAY33_BENCH_ROUNDS=3 is enough for the two training workloads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lyricist_peers
from day33 import decoding, lyricist, text
from harness import peers
from harness.limits import Work
from harness.race import Participant
from lyricist_races import LENGTH, LINES, TRAINERS, VOCABULARY, full_lines, our_model, work

STEPS = 4  # batches of real lines per epoch
TOKENS = 20  # the length of the generated lines, including the prompt


# ---- training ----


def training() -> dict[str, Participant]:
    """A step on lines of full length, in which every position counts. The answer is the loss before any step."""
    weights, batch = our_model().get_weights(), full_lines()
    return peers.installed({name: make(weights, *batch) for name, make in TRAINERS.items()})


@pytest.mark.parametrize("participant", TRAINERS)
def test_training(contest, participant):
    contest(
        f"lyricist, training, every position, batch {LINES} × {LENGTH}", participant, training,
        unit="tokens", amount=LINES * LENGTH,
        work=work(LINES, LENGTH, training=True),
    )  # fmt: skip


def lines() -> list[list[int]]:
    """The first lines of Shakespeare's plays in a random order, as tokens."""
    path = lyricist_peers.shakespeare()
    if path is None:
        pytest.skip("shakespeare.txt is neither in the folder of real data nor in the cache")
    sentences = text.load_corpus(path).sentences
    tokenizer = text.Tokenizer(num_words=VOCABULARY - 1, filters=" ", oov_token="<unk>")
    tokenizer.fit_on_texts(sentences)
    order = np.random.default_rng(33).permutation(len(sentences))[: STEPS * LINES]
    return tokenizer.texts_to_sequences([sentences[index] for index in order])


def training_on_lines(numbers: list[list[int]]) -> dict[str, Participant]:
    """An epoch over the same lines: in batches of similar length in day33, padded and masked in Keras."""
    model = our_model(padding="skip")
    batches = lyricist.LengthBatches(numbers, LINES, pool=STEPS)
    theirs = lyricist_peers.keras_model(model.get_weights(), mask=True)
    # The answer is the loss of one batch, which is the same for both.
    source, target = text.make_dataset(numbers)
    first = source[:LINES], target[:LINES]

    def epoch() -> None:
        model.fit(batches, verbose=0)

    found = {"day33": Participant(epoch, lambda: np.array([model.test_on_batch(*first)[0]]))}
    if theirs is not None:
        found["keras"] = Participant(
            lambda: theirs.fit(source, target, batch_size=LINES, verbose=0),
            lambda: np.array([theirs.test_on_batch(*first)]),
        )
    return found


@pytest.mark.parametrize("participant", ["day33", "keras"])
def test_training_on_lines(contest, participant):
    numbers = lines()
    tokens = sum(len(line) - 1 for line in numbers)
    contest(
        f"lyricist, training on Shakespeare, real tokens, batch {LINES}", participant,
        lambda: training_on_lines(numbers),
        unit="tokens", amount=tokens, work=work(tokens, 1, training=True),
    )  # fmt: skip


# ---- decoding ----


def prompts(count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Prompts of one token each."""
    return np.random.default_rng(33).integers(1, VOCABULARY, (count, 1))


def first_logits(model: Any, weights: str, tokens: np.ndarray[Any, Any]) -> Any:
    decoder = decoding.decoder_of(model, weights=weights)
    return decoder.step(decoder.start(len(tokens)), tokens[:, 0])


def work_of_writing(count: int, weights: str) -> Work | None:
    """Each step reads all weights but those of the embedding.

    Weights of int8 are multiplied as integers, whose peak is not measured. So their limit is known only for one line,
    where reading them is what takes the time.
    """
    step = work(count, 1, times=TOKENS - 1)
    if weights == "int8":
        return replace(step, flops=0, bytes=step.bytes / 4) if count == 1 else None
    return replace(step, bytes=step.bytes / 2) if weights == "bfloat16" else step


def writing(count: int, weights: str) -> dict[str, Participant]:
    """Greedy decoding to TOKENS tokens per prompt.

    The answer is the generated tokens in float32, and the logits of the first step with packed weights.
    """
    model = our_model()
    begin = prompts(count)
    exact = weights == "float32"

    def ours() -> Any:
        return np.array(model.generate(begin, max_len=TOKENS, weights=weights))

    found = {"day33": Participant(ours, ours if exact else lambda: first_logits(model, weights, begin))}
    values = model.get_weights()
    if (module := lyricist_peers.torch_model(values)) is not None:
        torch = peers.torch()
        if weights == "int8":
            module = lyricist_peers.torch_int8(module)

        def theirs() -> Any:
            return lyricist_peers.torch_greedy(module, begin, TOKENS)

        def answer() -> Any:
            with torch.inference_mode():
                return module(torch.from_numpy(begin))[0][:, -1].numpy()

        found["torch int8" if weights == "int8" else "torch"] = Participant(theirs, theirs if exact else answer)
    if exact and count == 1 and (keras_model := lyricist_peers.keras_model(values, mask=False)):
        found["the note's loop"] = peers.of_numpy(lambda: lyricist_peers.note_greedy(keras_model, begin, TOKENS))
    return found


@pytest.mark.parametrize("participant", ["day33", "torch", "torch int8", "the note's loop"])
@pytest.mark.parametrize("weights", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("count", [1, 64])
def test_writing(contest, count, weights, participant):
    if (participant == "torch int8") != (weights == "int8") and participant.startswith("torch"):
        pytest.skip("torch int8 is compared with int8 weights only, torch with the others")
    if participant == "the note's loop" and (weights, count) != ("float32", 1):
        pytest.skip("the note's loop runs with one prompt and float32 weights only")
    contest(
        f"lyricist, writing {count} line{'s' if count > 1 else ''}, {weights}", participant,
        lambda: writing(count, weights),
        unit="tokens", amount=count * (TOKENS - 1), work=work_of_writing(count, weights),
        tolerance={"float32": 1e-4, "bfloat16": 0.03, "int8": 0.1}[weights],
    )  # fmt: skip
