"""Tokenizer and pad_sequences against Keras's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from day33 import text

keras_text = pytest.importorskip("keras.src.legacy.preprocessing.text")
keras_pad = pytest.importorskip("keras").utils.pad_sequences

words = st.text(st.sampled_from("abAB.,!'\t\n \u00e9"), max_size=12)
documents = st.lists(st.one_of(words, st.lists(st.text("abA", max_size=3), max_size=4)), max_size=8)
settings = st.fixed_dictionaries(
    {},
    optional={
        "num_words": st.one_of(st.none(), st.integers(0, 8)),
        "filters": st.sampled_from(["", " ", ".,!\t\n", "ab"]),
        "lower": st.booleans(),
        "split": st.sampled_from([" ", ".", "ab", "\n"]),
        "char_level": st.booleans(),
        "oov_token": st.sampled_from([None, "<unk>", "a"]),
    },
)


def both(arguments: dict[str, Any], *fits: Any) -> tuple[text.Tokenizer, Any]:
    ours, theirs = text.Tokenizer(**arguments), keras_text.Tokenizer(**arguments)
    for fit in fits:
        ours.fit_on_texts(fit)
        theirs.fit_on_texts(fit)
    return ours, theirs


def assert_same(ours: text.Tokenizer, theirs: Any) -> None:
    assert ours.document_count == theirs.document_count
    assert list(ours.word_counts.items()) == list(theirs.word_counts.items())
    assert dict(ours.word_docs) == dict(theirs.word_docs)
    assert list(ours.word_index.items()) == list(theirs.word_index.items())
    assert list(ours.index_word.items()) == list(theirs.index_word.items())
    assert dict(ours.index_docs) == dict(theirs.index_docs)


@given(settings, documents, documents)
def test_vocabulary_and_sequences(arguments: dict[str, Any], first: list[Any], second: list[Any]) -> None:
    ours, theirs = both(arguments, first)
    assert_same(ours, theirs)
    assert ours.texts_to_sequences(second) == theirs.texts_to_sequences(second)
    sequences = [*ours.texts_to_sequences(first), [0, 1, 2, 99]]
    if arguments.get("oov_token") is None or first:
        assert ours.sequences_to_texts(sequences) == theirs.sequences_to_texts(sequences)
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(second)
    assert_same(ours, theirs)


@given(settings, documents, documents, st.sampled_from(["binary", "count", "freq", "tfidf"]))
def test_matrices(arguments: dict[str, Any], first: list[Any], second: list[Any], mode: str) -> None:
    ours, theirs = both(arguments, first)
    try:
        expected = theirs.texts_to_matrix(second, mode=mode)
    except ValueError:
        with pytest.raises(ValueError):
            ours.texts_to_matrix(second, mode=mode)  # type: ignore[arg-type]
        return
    except TypeError:  # an oov_token without a number, where texts were never seen
        return
    matrix = ours.texts_to_matrix(second, mode=mode)  # type: ignore[arg-type]
    assert matrix.dtype == np.float64
    np.testing.assert_allclose(matrix, expected, rtol=1e-14)


@given(settings, documents, documents)
def test_json_is_read_by_both(arguments: dict[str, Any], first: list[Any], second: list[Any]) -> None:
    ours, theirs = both(arguments, first)
    assert json.loads(ours.to_json())["config"].keys() == json.loads(theirs.to_json())["config"].keys()
    back, over = text.tokenizer_from_json(theirs.to_json()), keras_text.tokenizer_from_json(ours.to_json())
    assert_same(back, theirs)
    assert_same(ours, over)
    assert back.texts_to_sequences(second) == over.texts_to_sequences(second) == ours.texts_to_sequences(second)
    assert text.tokenizer_from_json(ours.to_json()).get_config() == ours.get_config()
    back.fit_on_texts(second)
    ours.fit_on_texts(second)
    assert_same(back, ours)


def test_fit_on_sequences_and_an_analyzer() -> None:
    ours, theirs = both({"num_words": 6, "analyzer": lambda line: line.split("-")}, ["a-b", "b-c-c"])
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_sequences([[1, 2, 2], [2]])
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.texts_to_matrix(["b-b"], "tfidf"), theirs.texts_to_matrix(["b-b"], "tfidf"))


def test_the_whole_of_shakespeare(shared: Path) -> None:
    corpus = text.load_corpus(shared / "data" / "shakespeare.txt").sentences
    arguments = {"num_words": 7000, "filters": " ", "oov_token": "<unk>"}
    ours, theirs = both(arguments, corpus)
    assert_same(ours, theirs)
    sequences = ours.texts_to_sequences(corpus)
    assert sequences == theirs.texts_to_sequences(corpus)
    assert ours.sequences_to_texts(sequences) == theirs.sequences_to_texts(sequences)
    padded = text.pad_sequences(sequences, padding="post")
    np.testing.assert_array_equal(padded, keras_pad(sequences, padding="post"))
    raw = corpus[:2000]
    plain, keras_plain = both({"char_level": True, "num_words": 20}, raw)
    assert plain.texts_to_sequences(raw) == keras_plain.texts_to_sequences(raw)
    assert keras_text.tokenizer_from_json(ours.to_json()).word_index == ours.word_index


@given(words, st.sampled_from(["", " ", ".,!"]), st.booleans(), st.sampled_from([" ", ".", "ab"]))
def test_words_of_a_text(line: str, filters: str, lower: bool, split: str) -> None:
    expected = keras_text.text_to_word_sequence(line, filters, lower, split)
    assert text.text_to_word_sequence(line, filters, lower, split) == expected


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda outer: outer.pop("config"), "'config'"),
        (lambda outer: outer["config"].pop("index_word"), "no index_word"),
        (lambda outer: outer["config"].update(word_index="{"), "damaged word_index"),
        (lambda outer: outer["config"].update(word_index="[]"), "damaged word_index"),
        (lambda outer: outer["config"].update(word_index=5), "damaged word_index"),
        (lambda outer: outer["config"].update(word_index='{"a": "b"}'), "damaged word_index: 'b'"),
        (lambda outer: outer["config"].update(word_index='{"a": null, "b": 2}'), "damaged word_index: None"),
        (lambda outer: outer["config"].update(word_counts='{"a": null}'), "damaged word_counts: None"),
        (lambda outer: outer["config"].update(index_word='{"x": "a"}'), "damaged index_word"),
        (lambda outer: outer["config"].update(index_word='{"1": 1}'), "damaged index_word"),
        (lambda outer: outer["config"].update(num_words="many"), "num_words 'many'"),
        (lambda outer: outer["config"].update(filters=None), "filters None"),
        # Sound by themselves, but not together: a KeyError or a wrong word later.
        (
            lambda outer: outer["config"].update(index_word='{"2": "b"}'),
            "'a' is 1 in word_index, missing in index_word",
        ),
        (
            lambda outer: outer["config"].update(index_word='{"1": "b", "2": "a"}'),
            "'a' is 1 in word_index, 'b' in index_",
        ),
        (lambda outer: outer["config"].update(word_index='{"a": 1}'), "2 is 'b' in index_word, missing in word_index"),
        (lambda outer: outer["config"].update(word_counts='{"a": 1}'), "'b' is 1 in word_docs, missing in word_counts"),
        (lambda outer: outer["config"].update(word_index='{"a": 1, "b": -2}'), "damaged word_index: -2"),
        (lambda outer: outer["config"].update(word_counts='{"a": 1, "b": -2}'), "damaged word_counts: -2"),
        (lambda outer: outer["config"].update(index_docs='{"1": %s}' % 10**400), "damaged index_docs: 1000"),
        (lambda outer: outer["config"].update(index_docs="[" * 100_000), "damaged index_docs"),
        (lambda outer: outer["config"].update(num_words=-1), "num_words -1"),
        (lambda outer: outer["config"].update(oov_token="<unk>"), "oov_token is '<unk>', missing in word_index"),
        (lambda outer: outer["config"].update(num_words=True), "num_words True"),
        (lambda outer: outer["config"].update(document_count=-1), "document_count -1"),
    ],
)
def test_damaged_json(damage: Any, reason: str) -> None:
    tokenizer = text.Tokenizer()
    tokenizer.fit_on_texts(["a b"])
    outer = json.loads(tokenizer.to_json())
    damage(outer)
    with pytest.raises(ValueError, match=reason):
        text.tokenizer_from_json(json.dumps(outer))


def test_a_name_for_the_padding_is_no_damage() -> None:
    """Notebooks give 0 a name in one table or in both, which Keras's own reader takes."""
    ours, theirs = both({}, ["a b a"])
    for tokenizer in (ours, theirs):
        tokenizer.index_word[0] = "<pad>"
    for _ in range(2):
        read = text.tokenizer_from_json(theirs.to_json())
        assert_same(read, theirs)
        assert read.sequences_to_texts([[1, 0]]) == ["a <pad>"]
        theirs.word_index["<pad>"] = 0


def test_no_json() -> None:
    for content in ("", "nonsense", "[]", "null", "[" * 100_000):
        with pytest.raises(ValueError, match="not the JSON of a Tokenizer"):
            text.tokenizer_from_json(content)


def test_what_a_tokenizer_refuses() -> None:
    with pytest.raises(ValueError, match="unknown"):
        text.Tokenizer().texts_to_matrix(["a"])
    tokenizer = text.Tokenizer(oov_token="?")
    with pytest.raises(ValueError, match="no number"):
        tokenizer.sequences_to_texts([[1]])
    tokenizer.fit_on_texts(["a"])
    with pytest.raises(ValueError, match="mode"):
        tokenizer.texts_to_matrix(["a"], "counts")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        text.Tokenizer(words=3)  # type: ignore[call-arg]


# ---- pad_sequences ----

numbers = st.lists(st.integers(-5, 5), max_size=6)
sequence_lists = st.one_of(
    st.lists(numbers, max_size=5),
    st.lists(numbers.map(lambda row: np.array(row, np.int64)), max_size=5),
    st.lists(st.lists(st.floats(-2, 2), max_size=4), max_size=4),
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3), max_size=4),
    st.lists(st.lists(st.sampled_from([[1], [1, 2], 3]), max_size=3), max_size=3),
    st.lists(st.one_of(numbers, numbers.map(tuple), st.integers(0, 1)), max_size=4),
)


@given(
    sequence_lists,
    st.one_of(st.none(), st.integers(-1, 7)),
    st.sampled_from(["int32", "int64", "float32", "uint8"]),
    st.sampled_from(["pre", "post", "post", "between"]),
    st.sampled_from(["pre", "post", "post", "between"]),
    st.sampled_from([0.0, 1, -1, 2.5]),
)
def test_padding(sequences: Any, maxlen: int | None, dtype: str, padding: str, truncating: str, value: float) -> None:
    arguments = (sequences, maxlen, dtype, padding, truncating, value)
    try:
        with np.errstate(all="ignore"):
            expected = keras_pad(*arguments)
    except Exception as error:
        with pytest.raises((ValueError, type(error))):
            text.pad_sequences(*arguments)
        return
    padded = text.pad_sequences(*arguments)
    assert padded.dtype == expected.dtype
    np.testing.assert_array_equal(padded, expected)


def test_padding_cuts_off_what_the_dtype_cannot_hold() -> None:
    np.testing.assert_array_equal(text.pad_sequences([[-1, 0]], 1, "uint8"), keras_pad([[-1, 0]], 1, "uint8"))


def test_padding_texts() -> None:
    rows = [["a", "b"], ["c"]]
    padded = text.pad_sequences(rows, dtype=object, value="pad")
    np.testing.assert_array_equal(padded, keras_pad(rows, dtype=object, value="pad"))
    with pytest.raises(ValueError, match="dtype=object"):
        text.pad_sequences(rows, value="pad")


@pytest.mark.parametrize(
    ("sequences", "reason"),
    [(iter([[1]]), "without a length"), ([[1], 5], r"sequences\[1\] is 5"), ([], "length is unknown")],
)
def test_what_cannot_be_padded(sequences: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        text.pad_sequences(sequences)
    with pytest.raises(ValueError):
        keras_pad(sequences)
