"""day33.decoding: sampling, beam search, and the decoder of a model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import day33
from day33 import decoding, layers, models
from day33.decoding import Decoder
from day33.decoding.decoder import WEIGHTS as FORMATS
from support.language_models import log_softmax, logits_of, next_log_probabilities, random_weights

WEIGHTS = random_weights(vocab_size=40, spread=4.0)
PROMPT = [3, 17, 5]


@pytest.fixture(scope="module")
def decoder():
    return Decoder(*WEIGHTS.arrays)


# ---- sampling ----


def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    """The probabilities that are drawn from, by definition."""
    order = np.argsort(-logits, kind="stable")
    weights = np.exp((logits - logits.max()) / temperature)
    kept = order[:top_k]
    if top_p is not None:
        shares = np.cumsum(weights[kept]) / weights[kept].sum()
        kept = kept[: np.searchsorted(shares, top_p) + 1]
    result = np.zeros_like(weights)
    result[kept] = weights[kept] / weights[kept].sum()
    return result


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 1.0},
        {"temperature": 0.5},
        {"temperature": 3.0},
        {"top_k": 5},
        {"top_k": 1000},
        {"top_p": 0.8},
        {"temperature": 2.0, "top_k": 10, "top_p": 0.7},
        {"top_p": 1e-9},
    ],
)
def test_tokens_are_drawn_from_the_distribution(decoder, options):
    """Chi-square over 20,000 draws; the seed is fixed, so the test is too."""
    stats = pytest.importorskip("scipy.stats")
    draws = 20_000
    answers = decoder.generate([PROMPT] * draws, max_len=len(PROMPT) + 1, seed=2, **options)
    counts = np.bincount([answer[-1] for answer in answers], minlength=40)
    expected = distribution(logits_of(WEIGHTS, [PROMPT])[0, -1], **options) * draws
    assert not counts[expected == 0].any()
    rare = expected < 5
    observed = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    observed, wanted = observed[wanted > 0], wanted[wanted > 0]
    if len(wanted) == 1:
        assert observed.sum() == draws
        return
    assert stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue > 1e-3


def test_top_p_beyond_the_first_candidates():
    """A flat distribution over many tokens: more than the 64 that are looked at first."""
    weights = random_weights(vocab_size=3000, embedding_size=4, units=(4,), spread=0.5)
    decoder = Decoder(*weights.arrays)
    expected = distribution(logits_of(weights, [[1]])[0, -1], top_p=0.6)
    drawn = {answer[-1] for answer in decoder.generate([[1]] * 5_000, max_len=2, top_p=0.6, seed=4)}
    allowed = set(np.flatnonzero(expected).tolist())
    assert len(allowed) > 1000
    assert drawn <= allowed and len(drawn) > 0.8 * len(allowed)


def test_ties_at_the_edge_of_top_k_go_to_the_lower_id():
    weights = random_weights(vocab_size=30)
    weights.kernel[:], weights.bias[:] = 0.0, 0.0
    weights.bias[[4, 9, 20]] = 1.0
    drawn = {a[-1] for a in Decoder(*weights.arrays).generate([[1]] * 500, max_len=2, top_k=5, seed=0)}
    assert drawn == {4, 9, 20, 0, 1}


def test_seeds(decoder):
    options = {"max_len": 20, "temperature": 1.5}
    prompts = [PROMPT, [1], [2, 3], PROMPT]
    batch = decoder.generate(prompts, seed=11, **options)
    assert batch == decoder.generate(prompts, seed=11, **options)
    assert batch[0] != batch[3]  # a stream for each
    assert decoder.generate(prompts[:2], seed=11, **options) == batch[:2]
    assert decoder.generate(PROMPT, seed=11, **options) == batch[0]
    assert decoder.generate(prompts, seed=12, **options) != batch
    by_prompt = decoder.generate(prompts, seed=[5, 6, 2**64 - 1, 5], **options)
    assert by_prompt == [
        decoder.generate(p, seed=s, **options) for p, s in zip(prompts, [5, 6, 2**64 - 1, 5], strict=True)
    ]
    assert by_prompt[0] == by_prompt[3]
    day33.set_random_seed(1)
    first = decoder.generate(PROMPT, **options)
    second = decoder.generate(PROMPT, **options)
    day33.set_random_seed(1)
    assert (decoder.generate(PROMPT, **options), decoder.generate(PROMPT, **options)) == (first, second)
    assert first != second


def test_no_temperature_is_greedy(decoder):
    greedy = decoder.generate(PROMPT)
    assert decoder.generate(PROMPT, temperature=0) == greedy
    assert decoder.generate(PROMPT, temperature=0.0, top_k=5) == greedy
    assert decoder.generate(PROMPT, top_k=1, seed=3) == greedy
    assert decoder.generate(PROMPT, temperature=1e-6, seed=3) == greedy


def test_nan_cannot_be_drawn(decoder):
    weights = random_weights(vocab_size=20)
    weights.bias[3] = np.nan
    broken = Decoder(*weights.arrays)
    for options in ({"temperature": 1.0}, {"top_k": 3}, {"beams": 2}):
        with pytest.raises(ValueError, match="logits are NaN"):
            broken.generate([[1]] * 3, seed=0, **options)


# ---- beam search ----


def beams_by_definition(weights, prompt, beams, max_len, end_token, length_penalty, banned=()):
    """Plain beam search in Python, a whole prefix each time; returns the ranked continuations."""
    live, ended = [((), 0.0)], []
    while live:
        extensions = []
        for place, (tokens, total) in enumerate(live):
            scores = next_log_probabilities(weights, [*prompt, *tokens])
            extensions += [
                (-(total + score), place, token) for token, score in enumerate(scores) if token not in banned
            ]
        grown = []
        for negative, place, token in sorted(extensions):
            if len(grown) == beams:
                break
            candidate = ((*live[place][0], token), -negative)
            (ended if token == end_token else grown).append(candidate)
        live = grown
        length = len(live[0][0]) if live else 0
        if live and len(prompt) + length >= max_len:
            ended, live = ended + live, []
        ended = sorted(ended, key=lambda c: -c[1] / len(c[0]) ** length_penalty)[:beams]
        longest = max_len - len(prompt)
        if len(ended) == beams and live:
            worst = ended[-1][1] / len(ended[-1][0]) ** length_penalty
            if worst >= live[0][1] / longest**length_penalty:
                live = []
    return ended


@pytest.mark.parametrize("beams", [2, 3, 7])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_beam_search_by_definition(decoder, beams, length_penalty):
    for prompt in ([3], [17, 5], [1, 2, 8]):
        end = decoder.generate(prompt, max_len=9)[-1]
        options = {"max_len": 9, "end_token": end, "length_penalty": length_penalty}
        tokens, total = beams_by_definition(WEIGHTS, prompt, beams, 9, end, length_penalty)[0]
        answer, scores = decoder.generate(prompt, beams=beams, scores=True, **options)
        assert answer == [*prompt, *tokens]
        assert scores.sum() == pytest.approx(total, abs=1e-3)


def test_enough_beams_search_everything():
    """Four steps over five tokens: the best of all 625 continuations, found by trying them."""
    weights = random_weights(vocab_size=5, embedding_size=3, units=(6,), spread=2.0)
    decoder = Decoder(*weights.arrays)
    for prompt in ([0], [4, 1], [2, 2, 3]):
        sequences = np.array([[*prompt, *tail] for tail in itertools.product(range(5), repeat=4)])
        scores = log_softmax(logits_of(weights, sequences[:, :-1]))[:, len(prompt) - 1 :]
        totals = np.take_along_axis(scores, sequences[:, len(prompt) :, None], axis=2).sum(axis=(1, 2))
        best = sequences[totals.argmax()].tolist()
        assert decoder.generate(prompt, max_len=len(prompt) + 4, beams=625) == best


def test_beams_of_a_batch_and_with_bans(decoder):
    prompts = [[3], [17, 5], [1, 2, 8, 9]]
    options = {"beams": 4, "max_len": 10, "end_token": 6}
    assert decoder.generate(prompts, **options) == [decoder.generate(p, **options) for p in prompts]
    free = decoder.generate([3], **options)
    banned = free[1:4]
    tokens, _ = beams_by_definition(WEIGHTS, [3], 4, 10, 6, 1.0, banned)[0]
    assert decoder.generate([3], banned=banned, **options) == [3, *tokens]
    forced = decoder.generate([3], forced=[20, 21], **options)
    assert forced[:3] == [3, 20, 21]
    assert len(decoder.generate(list(range(15)), **options)) == 16  # longer than max_len: one token


# ---- int8 on a model that was trained ----


def test_int8_agrees_with_float32_on_a_trained_model():
    """At least 98% of greedy tokens, fed with the same prefixes, of a model trained on lines with structure."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    vocab_size, width, units, steps = 200, 32, 64, 12
    # A made-up language: after a word one of four follow, the first of them mostly.
    successors = rng.integers(1, vocab_size, (vocab_size, 4))

    def lines(count):
        tokens = np.zeros((count, steps + 1), np.int64)
        tokens[:, 0] = rng.integers(1, vocab_size, count)
        for t in range(steps):
            tokens[:, t + 1] = successors[tokens[:, t], rng.choice(4, count, p=[0.7, 0.15, 0.1, 0.05])]
        return tokens

    generator_state = torch.get_rng_state()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        embedding, lstm = torch.nn.Embedding(vocab_size, width), torch.nn.LSTM(width, units, 2, batch_first=True)
        dense = torch.nn.Linear(units, vocab_size)
        parameters = [*embedding.parameters(), *lstm.parameters(), *dense.parameters()]
        optimizer = torch.optim.Adam(parameters, 5e-3)
        for _ in range(100):
            batch = torch.from_numpy(lines(64))
            logits = dense(lstm(embedding(batch[:, :-1]))[0])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(generator_state)
    assert loss.item() < 2.5  # it has learned: log(200) is 5.3

    def array(tensor):
        return tensor.detach().numpy()

    stacked = [
        (
            array(getattr(lstm, f"weight_ih_l{i}")).T,
            array(getattr(lstm, f"weight_hh_l{i}")).T,
            array(getattr(lstm, f"bias_ih_l{i}") + getattr(lstm, f"bias_hh_l{i}")),
        )
        for i in range(2)
    ]
    tokens = lines(300)
    chosen = {}
    for kind in FORMATS:
        decoder = Decoder(array(embedding.weight), stacked, array(dense.weight).T, array(dense.bias), weights=kind)
        state = decoder.start(300)
        chosen[kind] = np.stack([decoder.step(state, column).argmax(axis=1) for column in tokens[:, :-1].T])
    expected = logits_of(
        type(WEIGHTS)(array(embedding.weight), stacked, array(dense.weight).T, array(dense.bias)), tokens[:, :-1]
    )
    assert (chosen["float32"].T == expected.argmax(axis=2)).mean() > 0.999
    assert (chosen["int8"] == chosen["float32"]).mean() >= 0.98
    assert (chosen["bfloat16"] == chosen["float32"]).mean() >= 0.98


# ---- the decoder of a model ----


def small_model(**lstm):
    model = models.Sequential([
        layers.Embedding(30, 8),
        layers.LSTM(12, return_sequences=True, **lstm),
        layers.Dropout(0.5),
        layers.LSTM(10, return_sequences=True),
        layers.Dense(30),
    ])  # fmt: skip
    model.build((None, 4))
    return model


def test_model_and_decoder_agree():
    model = small_model()
    tokens = np.random.default_rng(0).integers(0, 30, (3, 4))
    expected = np.asarray(model.predict(tokens, verbose=0))
    decoder = decoding.decoder_of(model)
    state = decoder.start(3)
    got = np.stack([decoder.step(state, column) for column in tokens.T], axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())
    assert decoding.generate(model, [1, 2]) == decoder.generate([1, 2])
    assert decoding.generate(model, [1, 2], weights="int8") == Decoder.generate(
        decoding.decoder_of(model, weights="int8"), [1, 2]
    )


def steps_like_predict(model, tokens, expected, kind):
    """What a decoder with weights of that kind gives for rows of tokens, step by step, which is what was expected."""
    decoder = decoding.decoder_of(model, weights=kind)
    state = decoder.start(len(tokens))
    got = np.stack([decoder.step(state, column) for column in tokens.T], axis=1)
    atol = {"float32": 1e-5, "bfloat16": 2e-2, "int8": 5e-2}[kind] * np.abs(expected).max()
    np.testing.assert_allclose(got, expected, atol=atol)
    return got


def reversible_model(steps=None, mask_zero=False, reverse=True, **options):
    tokens = day33.Input((steps,), dtype="int32")
    embedding = layers.ReversibleEmbedding(30, 12, mask_zero=mask_zero, **options)
    hidden = layers.Dropout(0.5)(layers.LSTM(12, return_sequences=True)(embedding(tokens)))
    return day33.Model(tokens, embedding(hidden, reverse=True) if reverse else hidden)


@pytest.mark.parametrize("tied", [True, False])
def test_an_embedding_at_both_ends(tied):
    model = reversible_model(4, mask_zero=True, tie_weights=tied)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.7, weights.shape) for weights in model.get_weights()])
    tokens = rng.integers(0, 30, (5, 4))
    expected = np.asarray(model.predict(tokens, verbose=0))
    for kind in FORMATS:
        steps_like_predict(model, tokens, expected, kind)
    first = decoding.decoder_of(model)
    assert decoding.decoder_of(model) is first
    last = model.weights[-1 if not tied else 0]
    last.assign(last.numpy() + np.float32(1))
    assert decoding.decoder_of(model) is not first


def test_what_does_not_end_with_the_embedding():
    with pytest.raises(ValueError, match="ends with an LSTM layer; expected a Dense layer or a call of"):
        decoding.decoder_of(reversible_model(reverse=False))
    with pytest.raises(ValueError, match=r"has logit_soft_cap=2.0; expected None"):
        decoding.decoder_of(reversible_model(logit_soft_cap=2.0))


def test_packed_weights_are_kept_until_one_changes():
    model = small_model(use_bias=False)
    first = decoding.decoder_of(model)
    assert decoding.decoder_of(model) is first
    assert decoding.decoder_of(model, weights="bfloat16") is not first
    assert decoding.decoder_of(model) is first
    dense = model.layers[-1]
    dense.bias.assign(np.eye(30, dtype=np.float32)[7] * 1000)
    assert decoding.decoder_of(model) is not first
    assert decoding.generate(model, [1], max_len=3) == [1, 7, 7]
    assert first.generate([1], max_len=3) != [1, 7, 7]


def test_a_masked_model_passes_over_padding():
    """With mask_zero a 0 leaves state and answer as they are, wherever it stands."""
    model = models.Sequential([
        layers.Embedding(30, 8, mask_zero=True),
        layers.LSTM(12, return_sequences=True),
        layers.LSTM(12, return_sequences=True),
        layers.Dense(30),
    ])  # fmt: skip
    model.build((None, 6))
    model.layers[-1].kernel.assign(np.random.default_rng(0).standard_normal((12, 30)))
    tokens = np.array([[0, 0, 3, 4, 5, 6], [3, 0, 4, 5, 0, 6], [3, 4, 5, 6, 0, 0], [0] * 6])
    expected = np.asarray(model.predict(tokens, verbose=0))
    for kind in FORMATS:
        got = steps_like_predict(model, tokens, expected, kind)
        np.testing.assert_array_equal(got[0, -1], got[1, -1])
        np.testing.assert_array_equal(got[0, -1], got[2, -1])
    padded = decoding.generate(model, [[0, 0, 3, 4], [3, 4]], max_len=8)
    assert padded[0][4:8] == padded[1][2:6]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: "model", TypeError, "expected a Decoder or a model"),
        (lambda: models.Sequential([layers.Dense(3)]), ValueError, "Dense; expected an Embedding"),
        (
            lambda: models.Sequential([layers.Embedding(9, 3), layers.LSTM(3), layers.Dense(9, activation="softmax")]),
            ValueError,
            "softmax",
        ),
        (
            lambda: models.Sequential([layers.Embedding(9, 3), layers.LSTM(3, go_backwards=True), layers.Dense(9)]),
            ValueError,
            "go_backwards=True",
        ),
        (
            lambda: models.Sequential([layers.Embedding(9, 3), layers.LSTM(3, activation="relu"), layers.Dense(9)]),
            ValueError,
            "activation='relu'; expected 'tanh'",
        ),
        (
            lambda: models.Sequential([layers.Embedding(9, 3), layers.LSTM(3, stateful=True), layers.Dense(9)]),
            ValueError,
            "stateful=True; expected False",
        ),
        (
            lambda: models.Sequential([layers.Embedding(9, 3), layers.LSTM(3), layers.Dense(9)]),
            ValueError,
            "no weights yet",
        ),
    ],
)
def test_models_that_cannot_write(make, error, message):
    with pytest.raises(error, match=message):
        decoding.decoder_of(make())


# ---- words in a row ----


def longest_run(tokens):
    return max(len(list(run)) for _, run in itertools.groupby(tokens))


@pytest.fixture(scope="module")
def stubborn():
    """A decoder of which each token is likeliest to follow itself, more so for lower ones."""
    table = np.eye(6, 6, dtype=np.float32)
    kernel = np.zeros((6, 24), np.float32)
    kernel[:, 12:18] = 4 * np.eye(6)
    bias = np.r_[np.full(6, 4.0), np.full(6, -8.0), np.zeros(6), np.full(6, 4.0)]
    return Decoder(table, [(kernel, np.zeros((6, 24)), bias)], 5 * np.eye(6), -0.1 * np.arange(6))


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_token_stands_more_often_in_a_row(stubborn, limit):
    assert stubborn.generate([3], max_len=8) == [3] * 8
    for options in ({}, {"temperature": 1.0, "seed": 5}, {"beams": 3}):
        for answer in stubborn.generate([[3], [3, 3], [0, 5]], max_len=40, max_repeats=limit, **options)[::2]:
            assert longest_run(answer) == limit
    # The next best takes its turn: the first token, since the others are equally far from what stands there.
    expected = ([3] * limit + [0] * limit) * 4
    assert stubborn.generate([3], max_len=8, max_repeats=limit)[: 2 * limit] == expected[:8][: 2 * limit]


def test_the_prompt_counts_and_force_goes_first(stubborn):
    assert stubborn.generate([3, 3, 3], max_len=4, max_repeats=2) == [3, 3, 3, 0]
    assert stubborn.generate([3, 3], max_len=4, max_repeats=2, forced=[3]) == [3, 3, 3, 0]
    assert list(stubborn.stream([3, 3], max_len=4, max_repeats=2)) == [0, 0]
    generated = stubborn.generate([3, 3], max_len=3, max_repeats=2, scores=True)
    free = stubborn.generate([3, 3], max_len=3, forced=[0], scores=True)
    assert generated.answer == free.answer
    np.testing.assert_array_equal(generated.scores, free.scores)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_repeats": 0}, ValueError, "max_repeats is 0; expected at least 1"),
        ({"max_repeats": 1.5}, TypeError, "max_repeats is 1.5"),
        ({"max_repeats": 1, "banned": range(5)}, ValueError, "banned leaves one id"),
    ],
)
def test_wrong_limits(stubborn, options, error, message):
    with pytest.raises(error, match=message):
        stubborn.generate([1], **options)
