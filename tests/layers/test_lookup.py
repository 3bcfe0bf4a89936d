"""StringLookup, IntegerLookup and TextVectorization beside Keras: vocabularies, modes, special tokens, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import day33
from day33 import layers, tf

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

WORDS = np.array([["a", "b", "zz"], ["b", "", "c"], ["[UNK]", "b", "a"], ["é", "日本", "c"]])
NUMBERS = np.array([[3, 7, 7], [7, -5, 0], [-1, 7, 3], [99, 12, 0]])


def plain(value):
    """Values of either library: strings as str."""
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        array = np.array([item.decode() for item in array.ravel()]).reshape(array.shape)
    return array


def assert_same(mine, correct):
    mine, correct = plain(mine), plain(correct)
    assert mine.shape == correct.shape
    if correct.dtype.kind == "f":
        assert mine.dtype == correct.dtype
        np.testing.assert_allclose(mine, correct, rtol=1e-6)
    else:
        assert mine.dtype.kind == correct.dtype.kind and mine.tolist() == correct.tolist()
        assert mine.dtype.kind == "U" or mine.dtype == correct.dtype


def both(kind, **arguments):
    return getattr(layers, kind)(**arguments), getattr(keras.layers, kind)(**arguments)


ADAPTED = [
    {},
    {"mask_token": "b"},
    {"mask_token": "", "max_tokens": 4},
    {"num_oov_indices": 3},
    {"num_oov_indices": 3, "salt": (133, 137)},
    {"num_oov_indices": 2, "salt": 5, "mask_token": "a"},
    {"output_mode": "one_hot"},
    {"output_mode": "multi_hot", "mask_token": "b"},
    {"output_mode": "count", "num_oov_indices": 2},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "max_tokens": 12, "pad_to_max_tokens": True, "num_oov_indices": 2, "mask_token": "b"},
    {"output_mode": "count", "max_tokens": 12, "pad_to_max_tokens": True},
    {"output_mode": "binary", "max_tokens": 4},
    {"oov_token": "?"},
]
INPUTS = [WORDS, WORDS[0], "b", [["a"], ["never"]], ["a", "never", "", "日本"], WORDS[:0]]


@pytest.mark.parametrize("arguments", ADAPTED)
def test_strings_adapted(arguments):
    ours, theirs = both("StringLookup", **arguments)
    for layer in (ours, theirs):
        layer.adapt(WORDS)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    assert ours.get_vocabulary(include_special_tokens=False) == theirs.get_vocabulary(include_special_tokens=False)
    assert ours.vocabulary_size() == theirs.vocabulary_size()
    for inputs in INPUTS:
        assert_same(ours(inputs), theirs(tensorflow.constant(inputs)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"vocabulary": ["b", "a", "日本"]},
        {"vocabulary": ["[UNK]", "b", "a"]},
        {"vocabulary": ["", "[UNK]", "b", "a"], "mask_token": ""},
        {"vocabulary": np.array(["b", "a"]), "num_oov_indices": 2},
        {"vocabulary": ["b", "a"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
        {"vocabulary": ["[UNK]", "b", "a"], "output_mode": "tf_idf", "idf_weights": [0.25, 0.5, 2.0]},
        {
            "vocabulary": ["b", "a"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0], "max_tokens": 5,
            "pad_to_max_tokens": True,
        },
    ],
)  # fmt: skip
def test_strings_given(arguments):
    ours, theirs = both("StringLookup", **arguments)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    for inputs in INPUTS:
        assert_same(ours(inputs), theirs(tensorflow.constant(inputs)))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"mask_token": 7},
        {"num_oov_indices": 3},
        {"num_oov_indices": 3, "oov_method": "farmhash"},
        {"num_oov_indices": 3, "oov_method": "farmhash", "salt": [1, 2]},
        {"output_mode": "one_hot", "max_tokens": 4},
        {"output_mode": "count", "mask_token": 0, "num_oov_indices": 2},
        {"output_mode": "tf_idf"},
    ],
)
def test_integers_adapted(arguments):
    ours, theirs = both("IntegerLookup", **arguments)
    for layer in (ours, theirs):
        layer.adapt(NUMBERS)
    assert ours.get_vocabulary() == [int(token) for token in theirs.get_vocabulary()]
    for inputs in (NUMBERS, NUMBERS[0], 7, [[3], [1000]], [-7, -1, 2**40]):
        assert_same(ours(inputs), theirs(tensorflow.constant(inputs, tensorflow.int64)))


def test_there_and_back():
    for name, vocabulary in (("StringLookup", ["x", "y"]), ("IntegerLookup", [12, 36])):
        for special in ({}, {"mask_token": "" if name == "StringLookup" else 0}, {"num_oov_indices": 2}):
            ours, theirs = both(name, vocabulary=vocabulary, invert=True, **special)
            assert ours.get_vocabulary() == [
                item if isinstance(item, str) else int(item) for item in theirs.get_vocabulary()
            ]
            assert_same(ours(np.array([[0, 1], [2, 3], [4, -1]])), theirs(np.array([[0, 1], [2, 3], [4, -1]])))
    there = layers.StringLookup(vocabulary=list("abc"), mask_token=None)
    back = layers.StringLookup(vocabulary=there.get_vocabulary(), invert=True)
    assert back(there(list("cab"))).tolist() == list("cab")


def test_batches():
    """Of a data set, of a generator; a batch of (N,) is one document."""
    for mode in ("int", "tf_idf"):
        ours, theirs = both("StringLookup", output_mode=mode)
        ours.adapt(tf.data.Dataset.from_tensor_slices(WORDS).batch(2))
        theirs.adapt(tensorflow.data.Dataset.from_tensor_slices(WORDS).batch(2))
        assert ours.get_vocabulary() == theirs.get_vocabulary()
        assert_same(ours(WORDS), theirs(WORDS))
        ours, theirs = both("StringLookup", output_mode=mode)
        for layer in (ours, theirs):
            layer.adapt(iter([WORDS[0], WORDS[1], WORDS[2]]), steps=2)
        assert ours.get_vocabulary() == theirs.get_vocabulary()
        assert_same(ours(WORDS), theirs(WORDS))
        ours.adapt(["x", "y", "x"])  # anew; Keras refuses another size in "tf_idf"
        assert ours.get_vocabulary() == ["[UNK]", "x", "y"]


def test_files_of_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("earth\nwind\nünd\n", encoding="utf-8")
    ours, theirs = both("StringLookup", vocabulary=str(path), mask_token="")
    assert ours.get_vocabulary() == theirs.get_vocabulary() == ["", "[UNK]", "earth", "wind", "ünd"]
    (tmp_path / "numbers.txt").write_text("12\n-3\n")
    assert layers.IntegerLookup(vocabulary=str(tmp_path / "numbers.txt")).get_vocabulary() == [-1, 12, -3]
    for content, message in ((b"a\xff", "can't decode"), (b"a\na\n", "'a' more than once")):
        (tmp_path / "damaged.txt").write_bytes(content)
        with pytest.raises(ValueError, match=f"damaged.txt: .*{message}"):
            layers.StringLookup(vocabulary=str(tmp_path / "damaged.txt"))
    with pytest.raises(FileNotFoundError):
        layers.StringLookup(vocabulary=str(tmp_path / "none.txt"))
    with pytest.raises(ValueError, match="is the path .*, in a configuration; expected the tokens"):
        layers.StringLookup.from_config({**layers.StringLookup().get_config(), "vocabulary": str(path)})


TEXTS = [
    "The cat sat; on the MAT!", "  the\tdog \n ran  ", "", "naïve ÉTÉ, (don't) [stop] a_b `x` 日本 語",
    "the the the cat", "\u00a0wide\u2003space\x1cend",
]  # fmt: skip
VECTORIZERS = [
    {},
    {"output_sequence_length": 4},
    {"output_sequence_length": 20},
    {"standardize": None},
    {"standardize": "lower"},
    {"standardize": "strip_punctuation"},
    {"split": "character"},
    {"split": "character", "output_sequence_length": 5, "max_tokens": 6},
    {"ngrams": 2},
    {"ngrams": (1, 3), "output_sequence_length": 6},
    {"max_tokens": 5},
    {"output_mode": "multi_hot"},
    {"output_mode": "count", "max_tokens": 6},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf-idf", "max_tokens": 30, "pad_to_max_tokens": True},
    {"output_mode": "binary", "ngrams": 2, "max_tokens": 7},
]


@pytest.mark.parametrize("arguments", VECTORIZERS)
def test_texts(arguments):
    ours, theirs = both("TextVectorization", **arguments)
    for layer in (ours, theirs):
        layer.adapt(TEXTS)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    assert ours.get_vocabulary(False) == theirs.get_vocabulary(False)
    for inputs in (TEXTS, [[text] for text in TEXTS], ["the unknown cat"], TEXTS[0], [""]):
        assert_same(ours(inputs), theirs(tensorflow.constant(inputs)))
    assert_same(ours(np.array(TEXTS[:3], object)), theirs(TEXTS[:3]))


@pytest.mark.parametrize("mode", ["int", "multi_hot", "one_hot", "tf_idf"])
def test_words_that_are_split_already(mode):
    arguments = {"split": None, "output_mode": mode}
    ours, theirs = both("TextVectorization", **arguments)
    for layer in (ours, theirs):
        layer.adapt(WORDS)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    for inputs in (WORDS, WORDS[:, :1]):
        assert_same(ours(inputs), theirs(tensorflow.constant(inputs)))


def test_functions_that_clean_and_split():
    import re

    def without_breaks(texts):
        return np.array([re.sub("<br />", " ", str(text)).lower() for text in texts.ravel()]).reshape(texts.shape)

    sizes = []

    def at_commas(texts):
        sizes.append(texts.shape)
        return [str(text).split(",") for text in texts]

    layer = layers.TextVectorization(standardize=without_breaks, split=at_commas)
    layer.adapt(["A<br />b,c", "c,d"] * 200)
    assert layer.get_vocabulary() == ["", "[UNK]", "c", "d", "a b"]
    assert sizes == [(256,), (144,)]
    assert layer([["d,A<br />B"], ["e"]]).tolist() == [[3, 4], [1, 0]]
    with pytest.raises(ValueError, match="standardize of layer 'v' gave another shape"):
        layers.TextVectorization(vocabulary=["a"], name="v", standardize=lambda texts: texts[:1])(["a", "b"])
    with pytest.raises(ValueError, match="split of layer 'v' gave 1 lists for 2 texts"):
        layers.TextVectorization(vocabulary=["a"], name="v", split=lambda texts: [["a"]])(["a", "b"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), min_size=1, max_size=6))
def test_any_texts(texts):
    ours, theirs = both("TextVectorization")
    for layer in (ours, theirs):
        layer.adapt(texts)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    if len(ours.get_vocabulary()) > 2:
        assert_same(ours(texts), theirs(tensorflow.constant(texts)))


def test_in_data_sets():
    data = tf.data.Dataset
    layer = layers.TextVectorization(output_sequence_length=3)
    layer.adapt(data.from_tensor_slices(TEXTS).batch(4))
    pairs = data.from_tensor_slices((TEXTS, np.arange(len(TEXTS)))).batch(4).map(lambda x, y: (layer(x), y))
    x, y = next(iter(pairs))
    assert x.shape == (4, 3) and x.dtype == np.int64 and y.tolist() == [0, 1, 2, 3]
    assert pairs.element_spec[0] == tf.TensorSpec((None, 3), tf.int64)
    single = next(iter(data.from_tensor_slices(TEXTS).map(layer)))
    assert single.tolist() == x[0].tolist()
    characters = data.from_tensor_slices(list("hello"))
    lookup = layers.StringLookup(vocabulary=list("ehlo"))
    assert [int(i) for i in characters.map(lookup)] == [2, 1, 3, 3, 4]


def test_configurations_as_keras():
    cases = [
        ("StringLookup", {"vocabulary": ["a", "b"], "mask_token": "", "num_oov_indices": 2}),
        ("StringLookup", {"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [2.0]}),
        ("IntegerLookup", {"vocabulary": [1, 5], "output_mode": "count", "oov_method": "farmhash", "salt": 3}),
        ("TextVectorization", {"vocabulary": ["a", "b"], "ngrams": 2, "max_tokens": 9}),
        ("TextVectorization", {"vocabulary": ["a", "b"], "output_sequence_length": 4, "standardize": "lower"}),
    ]
    for name, arguments in cases:
        ours, theirs = both(name, **arguments, name="mine")
        mine, correct = ours.get_config(), theirs.get_config()
        dtypes = mine.pop("dtype"), correct.pop("dtype")
        assert dtypes[0] == "float32"
        assert {key: list(v) if isinstance(v, tuple) else v for key, v in mine.items()} == {
            key: list(v) if isinstance(v, tuple) else v for key, v in correct.items()
        }
        inputs = np.array([["a", "b c"], ["c", "a"]])[:, :1] if name != "IntegerLookup" else np.array([[1, 7]])
        for config in (ours.get_config(), theirs.get_config()):
            assert_same(type(ours).from_config(config)(inputs), theirs(tensorflow.constant(inputs)))


BAD = [
    (lambda: layers.StringLookup(max_tokens=1), "max_tokens is 1; expected at least 2"),
    (lambda: layers.StringLookup(num_oov_indices=-1), "num_oov_indices is -1"),
    (lambda: layers.StringLookup(pad_to_max_tokens=True), "pad_to_max_tokens is True and max_tokens is None"),
    (lambda: layers.StringLookup(invert=True, output_mode="count"), "invert is True and output_mode is 'count'"),
    (lambda: layers.StringLookup(output_mode="hot"), "output_mode is 'hot'; expected one of 'int'"),
    (lambda: layers.StringLookup(sparse=True), "sparse is True; expected False"),
    (lambda: layers.StringLookup(vocabulary=["a", "b", "a"]), "vocabulary holds 'a' more than once"),
    (lambda: layers.StringLookup(vocabulary=[]), "is empty"),
    (lambda: layers.StringLookup(vocabulary=["a", "m"], mask_token="m"), "holds mask_token 'm' among the tokens"),
    (lambda: layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True), r"holds oov_token '\[UNK\]'"),
    (
        lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2),
        "vocabulary has 3 tokens, special",
    ),
    (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        "idf_weights is None and output_mode is",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]), "idf_weights is given and output_mode is 'int'"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0, 2.0], output_mode="tf_idf"),
        r"idf_weights has shape \(2,\); expected \(1,\)",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]), "has a vocabulary from its constructor"),
    (
        lambda: layers.StringLookup(name="s")(["a"]),
        "layer 's' has no vocabulary; expected `vocabulary`, or a call of adapt",
    ),
    (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "b", "c"]),
        "was given 'b', 'c', not in its",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), "lists of different lengths"),
    (lambda: layers.StringLookup(vocabulary=["a"], output_mode="count")([[["a"]]]), r"expected \(T,\) or \(N, T\)"),
    (lambda: layers.StringLookup(encoding="latin-1"), "encoding is 'latin-1'"),
    (lambda: layers.StringLookup(salt="x"), "salt"),
    (lambda: layers.IntegerLookup(salt=3), "salt is 3 and oov_method is 'floormod'; expected \"farmhash\""),
    (lambda: layers.IntegerLookup(oov_method="md5"), "oov_method is 'md5'"),
    (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "vocabulary_dtype is 'int32'"),
    (lambda: layers.TextVectorization(standardize="upper"), "standardize is 'upper'; expected 'lower_and_strip_punct"),
    (lambda: layers.TextVectorization(split="comma"), "split is 'comma'"),
    (lambda: layers.TextVectorization(ngrams="two"), "ngrams is 'two'"),
    (lambda: layers.TextVectorization(ragged=True), "ragged is True; expected False"),
    (
        lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
        "output_sequence_length is 3 and",
    ),
    (lambda: layers.TextVectorization(output_mode="one_hot"), "for texts of different lengths"),
    (
        lambda: layers.TextVectorization(vocabulary=["a"])(np.full((2, 3), "a")),
        r"expected \(N,\) or \(N, 1\), to split",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_messages(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_other_kinds_of_input():
    layer = layers.StringLookup(vocabulary=["a"], name="s")
    with pytest.raises(TypeError, match=r"layer 's' was given dtype float64 and shape \(2,\); expected strings"):
        layer(np.zeros(2))
    with pytest.raises(TypeError, match="layer 's' was given a int; expected strings"):
        layer(["a", 3])
    with pytest.raises(TypeError, match="layer 's' was given a str; expected an array, a list or a data set"):
        layer.adapt("text")
    with pytest.raises(TypeError, match="batches that are tuples; expected inputs alone"):
        layers.StringLookup(name="s").adapt(tf.data.Dataset.from_tensor_slices((["a"], [1])).batch(1))
    with pytest.raises(TypeError, match=r"dtype <U1 and shape \(1,\); expected integers"):
        layers.IntegerLookup(vocabulary=[3])(["a"])
    with pytest.raises(TypeError, match=r"takes one input, got 2"):
        layer(["a"], ["b"])
    assert layer(inputs=["a"]).tolist() == [1] and isinstance(layer(["a"]), tf.Tensor)
    assert layer(np.array([b"a", b"b"])).tolist() == layer([b"a", "b"]).tolist() == [1, 0]
    assert day33.keras.layers.StringLookup is layers.StringLookup
