"""day33.decoding: greedy answers, batches, text, streams, errors."""

from __future__ import annotations

import re

import numpy as np
import pytest

from day33 import _native, decoding
from day33.decoding import Decoder
from day33.decoding.decoder import WEIGHTS as FORMATS
from support.language_models import SpaceTokenizer, log_softmax, logits_of, random_weights
from support.tolerances import PROMISE

WEIGHTS = random_weights()
END = 22  # a token that these weights like


@pytest.fixture(scope="module")
def decoder():
    return Decoder(*WEIGHTS.arrays)


def random_prompts(count, seed=0, longest=9, vocab_size=60):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, vocab_size, rng.integers(1, longest + 1)).tolist() for _ in range(count)]


def greedy_by_definition(weights, prompt, max_len, end_token):
    tokens = list(prompt)
    while True:
        tokens.append(int(logits_of(weights, [tokens])[0, -1].argmax()))
        if tokens[-1] == end_token or len(tokens) >= max_len:
            return tokens


# ---- greedy ----


def keras_model(weights):
    keras = pytest.importorskip("keras")
    vocab_size, width = weights.embedding.shape
    model = keras.Sequential([
        keras.layers.Embedding(vocab_size, width),
        *(keras.layers.LSTM(r.shape[0], return_sequences=True) for _, r, _ in weights.lstm),
        keras.layers.Dense(vocab_size),
    ])  # fmt: skip
    model.build((None, None))
    model.set_weights([weights.embedding, *(a for layer in weights.lstm for a in layer), weights.kernel, weights.bias])
    return model


def test_greedy_is_the_loop_of_the_note(decoder):
    """The note's generate_text, whole prefix each time, on the same weights in TensorFlow."""
    tf = pytest.importorskip("tensorflow")
    model = keras_model(WEIGHTS)

    @tf.function(reduce_retracing=True)
    def predict(tokens):
        return tf.argmax(tf.nn.softmax(model(tokens), axis=-1), axis=-1)[:, -1]

    def loop(prompt, max_len):
        tensor = tf.convert_to_tensor([prompt], tf.int64)
        while True:
            word = predict(tensor)
            tensor = tf.concat([tensor, tf.expand_dims(word, axis=0)], axis=-1)
            if word.numpy()[0] == END:
                break
            if tensor.shape[1] >= max_len:
                break
        return tensor[0].numpy().tolist()

    prompts = [*random_prompts(40), [3] * 14, list(range(20)), list(range(25))]
    expected = [loop(prompt, 14) for prompt in prompts]
    assert any(len(answer) < 14 for answer in expected[:40])  # some meet the end token
    assert decoder.generate(prompts, max_len=14, end_token=END) == expected
    assert [decoder.generate(prompt, max_len=14, end_token=END) for prompt in prompts] == expected


@pytest.mark.parametrize("units", [(1,), (5,), (16, 3), (17, 33, 8)])
def test_greedy_for_other_sizes(isa, units):
    weights = random_weights(vocab_size=23, embedding_size=7, units=units, seed=len(units))
    decoder = Decoder(*weights.arrays)
    for prompt in random_prompts(5, vocab_size=23):
        assert decoder.generate(prompt, max_len=12, end_token=END) == greedy_by_definition(weights, prompt, 12, END)


def test_the_first_of_equal_logits_wins():
    weights = random_weights(vocab_size=40)
    weights.kernel[:], weights.bias[:] = 0.0, 0.0
    assert Decoder(*weights.arrays).generate([1], max_len=3) == [1, 0, 0]
    weights.bias[[9, 21, 39]] = 1.0
    assert Decoder(*weights.arrays).generate([1], max_len=3) == [1, 9, 9]


def test_a_missing_bias_is_zero():
    weights = random_weights(seed=3)
    without = [(kernel, recurrent, None) for kernel, recurrent, _ in weights.lstm]
    zeros = [(kernel, recurrent, np.zeros_like(bias)) for kernel, recurrent, bias in weights.lstm]
    answers = [
        Decoder(weights.embedding, layers, weights.kernel, bias).generate([4, 5], max_len=30)
        for layers, bias in ((without, None), (zeros, np.zeros(60)))
    ]
    assert answers[0] == answers[1]


# ---- the same answer whatever the batch, the threads, the steps ----


@pytest.mark.parametrize("kind", FORMATS)
def test_a_batch_gives_the_answers_of_one_by_one(isa, kind):
    decoder = Decoder(*WEIGHTS.arrays, weights=kind)
    prompts = random_prompts(37, seed=1)
    batch = decoder.generate(prompts, max_len=16, end_token=END, scores=True)
    for prompt, answer, scores in zip(prompts, *batch, strict=True):
        alone = decoder.generate(prompt, max_len=16, end_token=END, scores=True)
        assert alone.answer == answer
        assert alone.scores.tobytes() == scores.tobytes()


def test_more_prompts_than_one_native_batch(decoder, monkeypatch):
    prompts = random_prompts(30, seed=2)
    options = {"max_len": 12, "temperature": 1.0, "seed": 5, "end_token": [i % 60 for i in range(30)]}
    expected = decoder.generate(prompts, **options)
    monkeypatch.setattr(decoding.decoder, "_MAX_ROWS", 7)
    assert decoder.generate(prompts, **options) == expected


@pytest.mark.parametrize("kind", FORMATS)
def test_logits_do_not_depend_on_threads(restored_threads, kind):
    """Sizes at which the work is really spread."""
    weights = random_weights(vocab_size=1500, embedding_size=64, units=(160, 160))
    decoder = Decoder(*weights.arrays, weights=kind)
    tokens = np.random.default_rng(0).integers(0, 1500, (4, 9))
    results = []
    for threads in (1, 2, 5):
        _native.set_num_threads(threads)
        state = decoder.start(9)
        results.append([decoder.step(state, row).tobytes() for row in tokens])
        results[-1].append(repr(decoder.generate(tokens.T, max_len=20, temperature=2.0, seed=1)))
    assert results[0] == results[1] == results[2]


def test_many_python_threads_at_once(decoder):
    from concurrent.futures import ThreadPoolExecutor

    prompts = random_prompts(24, seed=4)
    expected = [decoder.generate(prompt, max_len=30) for prompt in prompts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda prompt: decoder.generate(prompt, max_len=30), prompts)) == expected


# ---- steps ----


def test_step_gives_the_logits(isa):
    decoder = Decoder(*WEIGHTS.arrays)
    tokens = np.random.default_rng(0).integers(0, 60, (5, 8))
    state = decoder.start(5)
    got = np.stack([decoder.step(state, column) for column in tokens.T], axis=1)
    expected = logits_of(WEIGHTS, tokens)
    np.testing.assert_allclose(got, expected, rtol=0, atol=PROMISE * np.abs(expected).max())


@pytest.mark.parametrize("kind", FORMATS)
def test_state_is_read_written_reordered_and_reset(kind):
    decoder = Decoder(*WEIGHTS.arrays, weights=kind)
    state = decoder.start(3)
    first = decoder.step(state, [1, 2, 3])
    saved = state.get()
    assert [h.shape for h, _ in saved] == [(3, 24), (3, 24)]
    second = decoder.step(state, [4, 5, 6])

    other = decoder.start(3)
    other.set(saved)
    np.testing.assert_array_equal(decoder.step(other, [4, 5, 6]), second)
    other.set(saved)
    other.reorder([2, 2, 0])
    np.testing.assert_array_equal(decoder.step(other, [6, 6, 4]), second[[2, 2, 0]])
    state.reset()
    np.testing.assert_array_equal(decoder.step(state, [1, 2, 3]), first)
    assert decoder.step(decoder.start(0), []).shape == (0, 60)


# ---- packed weights ----


def test_bfloat16_is_float32_with_rounded_weights():
    """Rounded to nearest, ties to even: what torch and TensorFlow do."""

    def rounded(a):
        bits = np.asarray(a, np.float32).view(np.uint32)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        return bits.astype(np.uint32).view(np.float32)

    weights = random_weights(seed=5)
    weights.kernel[0, :3] = [1 + 2.0**-8, 1 + 3 * 2.0**-8, -1 - 2.0**-8]  # ties
    plain = Decoder(
        weights.embedding, [(rounded(k), rounded(r), b) for k, r, b in weights.lstm], rounded(weights.kernel),
        weights.bias,
    )  # fmt: skip
    packed = Decoder(*weights.arrays, weights="bfloat16")
    assert packed.nbytes < 0.6 * plain.nbytes
    a, b = plain.start(4), packed.start(4)
    for tokens in np.random.default_rng(0).integers(0, 60, (6, 4)):
        np.testing.assert_array_equal(packed.step(b, tokens), plain.step(a, tokens))


def test_nan_passes_through_bfloat16_and_is_refused_by_int8():
    weights = random_weights()
    weights.kernel[3, 5] = np.nan
    decoder = Decoder(*weights.arrays, weights="bfloat16")
    logits = decoder.step(decoder.start(1), [2])
    assert np.isnan(logits[0, 5])
    assert np.isfinite(np.delete(logits, 5)).all()
    for kind, target in (("int8", weights.kernel), ("int8", weights.embedding)):
        target[3, 5] = np.inf
        with pytest.raises(ValueError, match="int8 cannot represent NaN or infinity"):
            Decoder(*weights.arrays, weights=kind)


def test_int8_gives_the_same_on_every_instruction_set(restored_isa):
    """The integers are the same; the rest differs by the rounding of float32."""
    results = []
    for isa in _native.available_isas():
        _native.select_isa(isa)
        decoder = Decoder(*WEIGHTS.arrays, weights="int8")
        results.append(decoder.step(decoder.start(6), np.arange(6)))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=PROMISE * np.abs(results[0]).max())


def test_int8_with_columns_and_rows_of_zeros_and_tiny_weights():
    weights = random_weights()
    weights.kernel[:, 3], weights.embedding[4] = 0.0, 0.0
    weights.kernel[:, 9] = 1e-44
    decoder = Decoder(*weights.arrays, weights="int8")
    logits = decoder.step(decoder.start(2), [4, 5])
    assert np.isfinite(logits).all()
    np.testing.assert_array_equal(logits[:, [3, 9]], np.tile(weights.bias[[3, 9]], (2, 1)))


# ---- texts, and answers in kind ----

WORDS = ["<start>", "<end>", "i", "love", "you", *(f"word{i}" for i in range(53))]


@pytest.fixture(scope="module")
def tokenizer():
    return SpaceTokenizer(WORDS)


def test_texts(decoder, tokenizer):
    ids = tokenizer.texts_to_sequences(["<start> i love"])[0]
    expected = decoder.generate(ids, end_token=tokenizer.word_index["<end>"])
    text = decoding.generate(decoder, "<start> i love", tokenizer=tokenizer)
    assert text.startswith("<start> i love ")
    assert tokenizer.texts_to_sequences([text]) == [expected]
    assert decoder.generate(["<start> i love", "<start> i adore"], tokenizer=tokenizer)[0] == text
    assert decoder.generate("<start> i adore", tokenizer=tokenizer).startswith("<start> i <unk> ")
    assert decoder.generate("", tokenizer=tokenizer) == decoder.generate("<start>", tokenizer=tokenizer)
    assert decoder.generate("", tokenizer=tokenizer, start_token="you").startswith("you ")
    never = decoder.generate("<start> i love", tokenizer=tokenizer, end_token=None, max_len=50)
    assert never.startswith(text) and len(never.split()) == 50
    assert decoder.generate("i", tokenizer=tokenizer, end_token="love", forced=["love"], max_len=9) == "i love"


def test_answers_in_kind(decoder):
    answer = decoder.generate([2, 3])
    assert isinstance(answer, list) and all(type(token) is int for token in answer)
    assert decoder.generate((2, 3)) == answer
    assert decoder.generate([np.int64(2), np.int64(3)]) == answer
    array = decoder.generate(np.array([2, 3], np.int16))
    assert array.dtype == np.int16 and array.tolist() == answer
    arrays = decoder.generate(np.array([[2, 3], [4, 5]]))
    assert [type(a) for a in arrays] == [np.ndarray] * 2 and arrays[0].tolist() == answer
    assert decoder.generate([[2, 3]]) == [answer]
    assert decoder.generate([]) == []
    assert decoder.generate(np.zeros((0, 4), int)) == []
    assert decoder.generate([[], [2, 3]], start_token=2)[1] == answer
    assert decoder.generate([[]], start_token=2) == [decoder.generate([2])]


def test_end_tokens_by_prompt(decoder):
    free = decoder.generate([[5, 6]] * 3, max_len=15)[0]
    stop = free[4]
    first = free.index(stop, 2)
    answers = decoder.generate([[5, 6]] * 3, max_len=15, end_token=[stop, None, free[3]])
    assert answers == [free[: first + 1], free, free[: free.index(free[3], 2) + 1]]


def test_scores_are_log_probabilities(decoder):
    prompts = random_prompts(6, seed=8)
    for options in ({}, {"temperature": 0.7, "seed": 1}, {"banned": [1, 2]}, {"forced": {1: 9}}):
        answers, scores = decoder.generate(prompts, max_len=13, scores=True, **options)
        for prompt, answer, score in zip(prompts, answers, scores, strict=True):
            rows = log_softmax(logits_of(WEIGHTS, [answer[:-1]])[0])
            expected = rows[np.arange(len(answer) - 1), answer[1:]][len(prompt) - 1 :]
            assert score.dtype == np.float32
            np.testing.assert_allclose(score, expected, atol=PROMISE * 30)


def test_banned_and_forced(decoder):
    prompts = random_prompts(20, seed=9)
    free = decoder.generate(prompts, max_len=20)
    counts = np.bincount([token for p, a in zip(prompts, free, strict=True) for token in a[len(p) :]], minlength=60)
    banned = np.argsort(-counts)[:10].tolist()
    for prompt, answer in zip(prompts, decoder.generate(prompts, max_len=20, banned=banned), strict=True):
        assert not set(answer[len(prompt) :]) & set(banned)
    # The rest of the answer is what a prompt with the forced tokens would get.
    for prompt in prompts:
        answer = decoder.generate(prompt, max_len=20, forced=[11, 12])
        assert answer == decoder.generate([*prompt, 11, 12], max_len=20)
        answer = decoder.generate(prompt, max_len=20, forced={2: 13}, banned=[13])
        head = decoder.generate(prompt, max_len=len(prompt) + 2, banned=[13])
        assert answer == decoder.generate([*head, 13], max_len=20, banned=[13])


# ---- streams ----


def test_stream(decoder, tokenizer):
    for options in ({}, {"temperature": 1.3, "seed": 3}, {"end_token": END}):
        prompt = [3, 4, 5]
        assert prompt + list(decoder.stream(prompt, **options)) == decoder.generate(prompt, **options)
    words = list(decoding.stream(decoder, "<start> i", tokenizer=tokenizer, max_len=9))
    assert " ".join(["<start>", "i", *words]) == decoder.generate("<start> i", tokenizer=tokenizer, max_len=9)
    endless = decoder.stream([1], max_len=10**9)
    assert len([next(endless) for _ in range(200)]) == 200
    with pytest.raises(ValueError, match="batch of 2"):
        decoder.stream([[1], [2]])
    with pytest.raises(ValueError, match="max_len is 0"):
        decoder.stream([1], max_len=0)


# ---- errors ----


@pytest.mark.parametrize(
    ("prompts", "options", "error", "message"),
    [
        (3, {}, TypeError, "prompts is 3"),
        (b"i love", {}, TypeError, "expected text, ids"),
        ("i love", {}, TypeError, "need a tokenizer"),
        ([1.5], {}, TypeError, "dtype float64"),
        ([True], {}, TypeError, "dtype bool"),
        ([60], {}, ValueError, "prompts holds the id 60; expected ids from 0 to 59"),
        ([[1], [2, -1]], {}, ValueError, r"prompts\[1\] holds the id -1"),
        ([2**40], {}, ValueError, "prompts holds the id 1099511627776; expected"),
        ([3, 2**70], {}, ValueError, f"prompts holds the id {2**70}; expected"),
        ([[1], []], {}, ValueError, r"prompts\[1\] is empty"),
        (np.zeros((1, 2, 3), int), {}, ValueError, r"\(1, 2, 3\)"),
        ([1], {"max_len": 0}, ValueError, "max_len is 0"),
        ([1], {"max_len": "20"}, TypeError, "max_len is '20'"),
        ([1], {"end_token": 60}, ValueError, "end_token is 60"),
        ([1], {"end_token": "<end>"}, TypeError, "words need a tokenizer"),
        ([[1], [2]], {"end_token": [1]}, ValueError, "end_token has 1 entries for 2 prompts"),
        ([1], {"temperature": -1.0}, ValueError, "temperature is -1.0"),
        ([1], {"temperature": float("nan")}, ValueError, "temperature is nan"),
        ([1], {"temperature": "hot"}, TypeError, "temperature is 'hot'"),
        ([1], {"top_k": 0}, ValueError, "top_k is 0"),
        ([1], {"top_p": 0.0}, ValueError, "top_p is 0.0"),
        ([1], {"top_p": 1.5}, ValueError, "top_p is 1.5"),
        ([1], {"temperature": 1.0, "seed": -1}, ValueError, "seed is -1"),
        ([1], {"temperature": 1.0, "seed": 1.5}, TypeError, "seed"),
        ([[1], [2]], {"temperature": 1.0, "seed": [1]}, ValueError, "seed has 1 entries for 2 prompts"),
        ([1], {"beams": 0}, ValueError, "beams is 0"),
        ([1], {"beams": 2, "temperature": 1.0}, ValueError, "one or the other"),
        ([1], {"beams": 2, "length_penalty": -1}, ValueError, "length_penalty is -1"),
        ([1], {"banned": [61]}, ValueError, "banned is 61"),
        ([1], {"banned": range(60)}, ValueError, "all 60 ids"),
        ([1], {"banned": "word"}, TypeError, "banned is 'word'"),
        ([1], {"banned": 3}, TypeError, "banned is 3"),
        ([1], {"forced": 3}, TypeError, "forced is 3"),
        ([1], {"end_token": 1.5}, TypeError, "end_token is 1.5"),
        ([1], {"forced": {-1: 3}}, ValueError, "place in forced is -1"),
        ([1], {"forced": [99]}, ValueError, r"forced\[0\] is 99"),
        ([1], {"tokenizer": "words"}, TypeError, "tokenizer is 'words'"),
    ],
)
def test_wrong_arguments(decoder, prompts, options, error, message):
    with pytest.raises(error, match=message):
        decoder.generate(prompts, **options)


def test_unknown_words_in_options(decoder, tokenizer):
    with pytest.raises(ValueError, match="banned is 'adore'; expected a word of the tokenizer"):
        decoder.generate("i", tokenizer=tokenizer, banned=["adore"])
    with pytest.raises(TypeError, match="mixes"):
        decoder.generate(["i", [3]], tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"embedding": np.zeros((60, 12, 1))}, ValueError, r"embedding has shape \(60, 12, 1\)"),
        (
            {"embedding": np.zeros((60, 11))},
            ValueError,
            r"kernel of lstm\[0\] has shape \(12, 96\); expected \(11, 96\)",
        ),
        ({"embedding": np.zeros((60, 12), complex)}, TypeError, "complex128"),
        ({"lstm": []}, ValueError, "lstm is empty"),
        ({"lstm": [(np.zeros((12, 8)), np.zeros((2, 8)))]}, ValueError, "2 arrays"),
        ({"lstm": [(np.zeros((12, 8)), np.zeros((2, 9)), None)]}, ValueError, r"\(2, 9\); expected \(2, 8\)"),
        ({"lstm": [(np.zeros((12, 8)), np.zeros((2, 8)), np.zeros(7))]}, ValueError, r"bias of lstm\[0\]"),
        ({"kernel": np.zeros((24, 59))}, ValueError, r"kernel has shape \(24, 59\); expected \(24, 60\)"),
        ({"bias": np.zeros(61)}, ValueError, "bias has shape"),
        ({"weights": "float16"}, ValueError, "weights is 'float16'"),
    ],
)
def test_wrong_weights(change, error, message):
    arrays = dict(zip(("embedding", "lstm", "kernel", "bias"), WEIGHTS.arrays, strict=True))
    with pytest.raises(error, match=message):
        Decoder(**(arrays | change))


def test_wrong_steps(decoder):
    with pytest.raises(ValueError, match=r"tokens has shape \(3,\); expected \(2,\)"):
        decoder.step(decoder.start(2), [1, 2, 3])
    with pytest.raises(ValueError, match="tokens holds the id 60"):
        decoder.step(decoder.start(1), [60])
    with pytest.raises(ValueError, match="another decoder"):
        Decoder(*WEIGHTS.arrays).step(decoder.start(1), [1])
    for parents, error, message in (
        ([0, 2], ValueError, "parents of shape (2,) holds 2 at (1,); expected numbers from 0 to 1"),
        ([0, -1], ValueError, "holds -1 at (1,)"),
        ([0, 2**40], ValueError, "holds 1099511627776 at (1,)"),
        ([0], ValueError, "parents has shape (1,); expected (2,)"),
        ([0.5, 1.0], TypeError, "parents has dtype float64"),
    ):
        with pytest.raises(error, match=re.escape(message)):
            decoder.start(2).reorder(parents)
    decoder.start(0).reorder([])
    with pytest.raises(ValueError, match="rows is -1"):
        decoder.start(-1)
