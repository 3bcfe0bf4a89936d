"""`tf.strings` against TensorFlow."""

import re
import string

import numpy as np
import pytest

from day33 import tf
from day33.layers import TextVectorization

tensorflow = pytest.importorskip("tensorflow")

TEXTS = np.array(["The <br />Quick", "  BROWN\tfox\n", "", "Éclair – ünd Straße", "a,b,,c", "x=1; y = -2.5 "])


def plain(value):
    """Strings and numbers in lists, of both libraries."""
    if hasattr(value, "to_list"):
        return [[item.decode() if isinstance(item, bytes) else item for item in row] for row in value.to_list()]
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        texts = [item.decode() if isinstance(item, bytes) else item for item in array.ravel()]
        array = np.array(texts, dtype=object).reshape(array.shape)
    return array.tolist()


def same(function, *arguments, **keywords):
    mine, correct = (function(library.strings, *arguments, **keywords) for library in (tf, tensorflow))
    assert plain(mine) == plain(correct)
    if not isinstance(mine, tf.strings.Rows) and mine.dtype.kind not in "OU":
        assert mine.dtype == correct.dtype.as_numpy_dtype
    return mine


CALLS = {
    "lower": lambda s, x: s.lower(x),
    "lower, all": lambda s, x: s.lower(x, encoding="utf-8"),
    "upper": lambda s, x: s.upper(x),
    "upper, all": lambda s, x: s.upper(x, encoding="utf-8"),
    "strip": lambda s, x: s.strip(x),
    "length": lambda s, x: s.length(x),
    "length, characters": lambda s, x: s.length(x, unit="UTF8_CHAR"),
    "join": lambda s, x: s.join(["[START]", x, x, "[END]"], separator=" "),
    "reduce_join": lambda s, x: s.reduce_join(x, separator="|"),
    "split": lambda s, x: s.split(x),
    "split, once": lambda s, x: s.split(x, maxsplit=1),
    "split, never": lambda s, x: s.split(x, maxsplit=0),
    "split, commas": lambda s, x: s.split(x, ","),
    "split, one comma": lambda s, x: s.split(x, sep=",", maxsplit=1),
    "unicode_split": lambda s, x: s.unicode_split(x, "UTF-8"),
    "unicode_decode": lambda s, x: s.unicode_decode(x, "UTF-8"),
    "regex_full_match": lambda s, x: s.regex_full_match(x, "[a-z,]*"),
    "hash": lambda s, x: s.to_hash_bucket_fast(x, 1000),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["array", "list", "one", "objects", "tensor"])
def test_values(call, kind):
    for texts in TEXTS if kind == "one" else [TEXTS]:
        given = {"list": np.ndarray.tolist, "objects": lambda x: np.asarray(x, object), "tensor": tf.constant}.get(kind)
        mine = CALLS[call](tf.strings, given(texts) if given else texts)
        correct = CALLS[call](tensorflow.strings, texts.tolist() if kind != "one" else str(texts))
        assert plain(mine) == plain(correct)
        if not isinstance(mine, tf.strings.Rows):
            expected = np.dtype(correct.dtype.as_numpy_dtype)  # of strings, an object of NumPy
            assert mine.dtype.kind == ("U" if expected.kind == "O" and kind != "objects" else expected.kind)


PATTERNS = [
    ("<br />", " "),
    (f"[{re.escape(string.punctuation)}]", ""),
    (r"\s+", " "),
    (r"[^\sa-z]", "_"),
    (r"(\w+) (\w+)", r"\2 \1\\"),
    (r"x*", "-"),
    (r"b*", "-"),
    (r"(b)?c", r"<\0\1>"),
    (r"[[:punct:]]", r"(\0)"),
    (r"[[:upper:][:digit:]]+", "#"),
    (r"[]a]", "!"),
    (r"[^]a]", "!"),
    (r"c$", "end"),
    (r"\z", "$"),
    (r"\x{e9}|\x41", "?"),
    (r"(?i)q|É", "Q"),
    (r"(?m)x$", "line"),
    (r"(?m)^", ">"),
    ("([?.!,])", r" \1 "),
    (r"\d", "0"),
    (r"[a-c", None),
    (r"(a)", r"\2"),
    (r"a", r"\n"),
]


@pytest.mark.parametrize(("pattern", "rewrite"), PATTERNS)
@pytest.mark.parametrize("everywhere", [True, False])
def test_patterns(pattern, rewrite, everywhere):
    texts = [*TEXTS.tolist(), "abbc", "bbb", "xxax", "c\n", "x\nx\n", "a[b]c^d", "line\vtab", "3½²٣"]

    def call(strings):
        return strings.regex_replace(texts, pattern, rewrite or "", replace_global=everywhere)

    if rewrite is None or rewrite in (r"\2", r"\n"):
        with pytest.raises(ValueError, match=r"pattern is|rewrite is"):
            call(tf.strings)
    else:
        same(call)


def test_parts():
    same(lambda s: s.substr(["Hello", "World"], 1, 3))
    same(lambda s: s.substr(["Hello", "World"], [1, -3], [2, 9]))
    same(lambda s: s.substr("Straße", -2, 2, unit="UTF8_CHAR"))
    same(lambda s: s.substr("Straße", 4, 2))
    same(lambda s: s.substr(["Hello"], 5, 3))
    with pytest.raises(ValueError, match="no whole characters"):
        tf.strings.substr("Straße", 4, 1)
    with pytest.raises(ValueError, match="pos is 6"):
        tf.strings.substr("Hello", 6, 1)
    with pytest.raises(ValueError, match="pos is -6"):
        tf.strings.substr("Hello", -6, 1)
    with pytest.raises(ValueError, match="unit is 'char'"):
        tf.strings.substr("Hello", 0, 1, unit="char")


@pytest.mark.parametrize("axis", [None, 0, 1, -1, [0, 1], [1, 0], [1, 2], (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_joined_along_axes(axis, keepdims):
    letters = np.array(list("abcdefghijklmnopqrstuvwx")).reshape(2, 3, 4)
    same(lambda s: s.reduce_join(letters, axis=axis, keepdims=keepdims, separator="-"))


FORMS = [{}, {"width": 9}, {"width": 9, "fill": "0"}, {"precision": 2}, {"scientific": True}, {"shortest": True}]


@pytest.mark.parametrize(
    ("numbers", "arguments"),
    [
        *[([1.5, -2.0, 1e-7, 123456.789], form) for form in FORMS],
        *[([1, -20, 300], form) for form in FORMS[:3]],
        ([True, False], {}),
    ],
)
def test_numbers_as_strings(numbers, arguments):
    given = np.array(numbers, np.float32 if isinstance(numbers[0], float) else None)
    same(lambda s: s.as_string(given, **arguments))


def test_strings_as_numbers():
    same(lambda s: s.to_number(["1.5", "-2", " 3e4 "]))
    same(lambda s: s.to_number([["1"], ["-20"]], out_type="int64"))
    same(lambda s: s.to_number("0.1", "float64"))
    for text, dtype in (("one", np.float32), ("1.5", np.int32), ("", np.float32)):
        with pytest.raises(ValueError, match="no "):
            tf.strings.to_number(text, dtype)


def test_code_points():
    same(lambda s: s.unicode_encode([72, 233, 128512], "UTF-8"))
    same(lambda s: s.unicode_encode([[72, 233], [65, 66]], "UTF-8"))
    rows = tf.strings.unicode_decode(["Hé", "", "abc"], "UTF-8")
    assert tf.strings.unicode_encode(rows).tolist() == ["Hé", "", "abc"]


def test_rows():
    texts = ["one two three", "", "four"]
    mine, correct = (library.strings.split(texts) for library in (tf, tensorflow))
    assert mine.row_lengths().tolist() == correct.row_lengths().numpy().tolist()
    assert plain(mine.to_tensor()) == plain(correct.to_tensor())
    assert plain(mine.to_tensor("[PAD]")) == plain(correct.to_tensor("[PAD]"))
    mine, correct = (library.strings.unicode_decode(texts, "UTF-8") for library in (tf, tensorflow))
    assert plain(mine.to_tensor(-1)) == plain(correct.to_tensor(-1))
    assert mine.to_tensor().dtype == np.int32
    assert plain(tf.strings.split(np.array([], np.str_)).to_tensor()) == []


def test_refusals():
    with pytest.raises(TypeError, match=r"tf.strings.lower was given dtype int64 .*; expected strings"):
        tf.strings.lower(np.array([1, 2]))
    with pytest.raises(TypeError, match=r"no values yet"):
        tf.strings.lower(tf.keras.Input((1,), dtype="string"))
    with pytest.raises(ValueError, match=r"was given shape \(1, 1\)"):
        tf.strings.split([["a b"]])
    with pytest.raises(ValueError, match="one shape"):
        tf.strings.join([["a", "b"], ["c"]])
    with pytest.raises(ValueError, match="encoding is 'latin-1'"):
        tf.strings.lower("a", encoding="latin-1")
    with pytest.raises(AttributeError, match=r"no tf.strings.ngrams"):
        tf.strings.ngrams  # noqa: B018


def test_in_the_layer_of_texts():
    """The cleaning function of TensorFlow's tutorial on film reviews, and splitting into characters."""

    def cleaned(library):
        def clean(texts):
            texts = library.strings.regex_replace(library.strings.lower(texts), "<br />", " ")
            return library.strings.regex_replace(texts, f"[{re.escape(string.punctuation)}]", "")

        return clean

    def characters(library):
        return lambda texts: library.strings.unicode_split(texts, "UTF-8")

    texts = ["A great <br />film!", "So-so...", "a GREAT, great pity"]
    for split in ("whitespace", characters):
        found = []
        for library in (tf, tensorflow):
            layer = library.keras.layers.TextVectorization(
                standardize=cleaned(library), split=split if isinstance(split, str) else split(library),
                output_sequence_length=12,
            )  # fmt: skip
            layer.adapt(library.data.Dataset.from_tensor_slices(texts).batch(2))
            found.append((layer.get_vocabulary(), np.asarray(layer(library.constant(texts))).tolist()))
        assert found[0] == found[1]
    assert isinstance(tf.keras.layers.TextVectorization(), TextVectorization)


def test_in_data_sets():
    texts = ["Hello World", "another one"]
    found = []
    for library in (tf, tensorflow):
        words = library.data.Dataset.from_tensor_slices(texts).map(library.strings.lower)
        words = words.flat_map(
            lambda text, library=library: library.data.Dataset.from_tensor_slices(library.strings.split(text))
        )
        found.append([plain(word) for word in words])
    assert found[0] == found[1] == ["hello", "world", "another", "one"]
