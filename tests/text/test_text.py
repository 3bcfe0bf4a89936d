"""Cleaning, corpora, splits and arrays of tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from day33 import datasets, text

Clean = Callable[[str], str]


@pytest.fixture(scope="session")
def note_function(shared: Path) -> Clean:
    """The note's own preprocess_sentence, taken from its code block."""
    note = (shared / "the-note.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", note, flags=re.DOTALL)
    (block,) = [block for block in blocks if "def preprocess_sentence" in block]
    names: dict[str, Clean] = {"re": re}  # type: ignore[dict-item]
    exec(block.split("\nprint(")[0], names)
    return names["preprocess_sentence"]


# ---- cleaning ----

tricky = st.text(st.sampled_from("aZz?.!,¿ \"\t\n\r'0-_İKſß\xa0\u2028é;:@<>"), max_size=30)


@given(st.one_of(st.text(max_size=40), tricky))
def test_cleaning_is_the_note_s(note_function: Clean, sentence: str) -> None:
    assert text.preprocess_sentence(sentence) == note_function(sentence)


def test_cleaning_shakespeare(note_function: Clean, shared: Path) -> None:
    lines = datasets.load_shakespeare(shared / "data" / "shakespeare.txt")
    assert text.preprocess_sentences(lines) == [note_function(line) for line in lines]


@pytest.mark.parametrize(
    ("sentence", "cleaned"),
    [
        ("This @_is ;;;sample        sentence.", "<start> this is sample sentence . <end>"),
        ("a?!b", "<start> a ? ! b <end>"),
        ("It's 3 o'clock", "<start> it s o clock <end>"),
        ("", "<start>  <end>"),
        ("가나다", "<start>  <end>"),
    ],
)
def test_cleaned_sentences(sentence: str, cleaned: str) -> None:
    assert text.preprocess_sentence(sentence) == cleaned


@given(st.text(max_size=40))
def test_cleaning_twice_changes_nothing_more(sentence: str) -> None:
    once = text.preprocess_sentence(sentence)
    assert text.preprocess_sentence(once.removeprefix("<start>").removesuffix("<end>")) == once


def test_only_text_is_cleaned() -> None:
    with pytest.raises(TypeError, match="bytes"):
        text.preprocess_sentence(b"abc")  # type: ignore[arg-type]


# ---- corpora ----


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path, "song.txt", "Verse:\n\nI love you\n  \nVerse: \n* * *\none two three four\nI love you\r\nlast"
    )
    corpus = text.load_corpus(path, max_tokens=5)
    assert list(corpus) == ["<start> i love you <end>", "<start> i love you <end>", "<start> last <end>"]
    assert (corpus.lines, corpus.empty, corpus.headings, corpus.wordless, corpus.long) == (9, 2, 2, 1, 1)
    assert len(corpus) == 3
    described = corpus.describe()
    for part in ("1 file", "9 lines", "3 kept", "2 empty", '2 ending in ":"', "1 without words", "1 of more than 5"):
        assert part in described


def test_folders_patterns_and_files(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "second")
    write(tmp_path, "a.txt", "first")
    write(tmp_path, "deep/er/c.txt", "third")
    write(tmp_path, "notes.md", "fourth")
    write(tmp_path, "[x].txt", "brackets")

    def words(*patterns: object) -> list[str]:
        return [sentence.split()[1] for sentence in text.load_corpus([str(item) for item in patterns])]

    assert words(tmp_path) == ["brackets", "first", "second", "third"]
    assert words(tmp_path / "[ab].txt") == ["first", "second"]
    assert words(tmp_path / "[x].txt") == ["brackets"]
    assert words(tmp_path / "**" / "c.*") == ["third"]
    assert words(tmp_path / "*") == ["brackets", "first", "second", "fourth"]
    assert words(tmp_path / "b.txt", tmp_path, tmp_path / "b*") == ["second", "brackets", "first", "third"]


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    corpus = text.load_corpus(write(tmp_path, "a.txt", b"\xef\xbb\xbfHello\nVerse:"))
    assert list(corpus) == ["<start> hello <end>"]
    assert corpus.headings == 1


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"one\ntwo\nna\xefve\nfour", 3, "0xef"),
        (b"\xff\xfeh\0i\0", 1, "0xff"),
        (b"\xef\xbb\xbfone\r\n\r\nna\xefve", 3, "0xef"),
        (b"one\ntwo\0three", 2, "zero byte"),
        (b"one\rtwo\xe2\x80\xa8three\x80", 3, "0x80"),
        (b"cut off \xe2\x82", 1, "0xe2"),
    ],
)
def test_binary_files_are_named_with_the_line(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    write(tmp_path, "good.txt", "good")
    path = write(tmp_path, "song.txt", content)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}, line {line}: .*{reason}"):
        text.load_corpus(tmp_path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent.txt"):
        text.load_corpus(tmp_path / "absent.txt")
    with pytest.raises(FileNotFoundError, match=r"no \*.txt file"):
        text.load_corpus(tmp_path)
    with pytest.raises(FileNotFoundError, match="no file matches"):
        text.load_corpus(str(tmp_path / "*.txt"))
    with pytest.raises(ValueError, match="patterns is empty"):
        text.load_corpus([])


def test_an_empty_corpus(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "Verse:\n\n***\n")
    with pytest.raises(ValueError, match=r"no line to learn from.*a\.txt"):
        text.load_corpus(path)
    with pytest.raises(ValueError, match="max_tokens is 2; expected at least 3"):
        text.load_corpus(path, max_tokens=2)


def test_shakespeare(shared: Path) -> None:
    path = shared / "data" / "shakespeare.txt"
    raw = path.read_text(encoding="utf-8").splitlines()
    corpus = text.load_corpus(path)
    assert corpus.lines == len(raw) == 40_000
    assert list(corpus) == [text.preprocess_sentence(line) for line in raw if line and line[-1] != ":"]


# ---- the split ----


@given(
    st.lists(st.sampled_from("abcdefghijkl"), min_size=2).filter(lambda items: len(set(items)) > 1),
    st.floats(0.01, 0.99),
    st.integers(0, 10),
)
def test_no_sentence_stands_on_both_sides(sentences: list[str], fraction: float, seed: int) -> None:
    training, validation = text.split_sentences(sentences, fraction, seed=seed)
    assert training
    assert validation
    assert not set(training) & set(validation)
    assert sorted(training + validation) == sorted(sentences)
    assert training == [sentence for sentence in sentences if sentence in training]
    expected = min(max(round(fraction * len(set(sentences))), 1), len(set(sentences)) - 1)
    assert len(set(validation)) == expected
    # Neither order nor repetition decides.
    again = text.split_sentences(sorted(sentences) * 2, fraction, seed=seed)
    assert set(again[1]) == set(validation)


def test_another_seed_is_another_split() -> None:
    sentences = datasets.generate_lyrics(500)
    splits = {tuple(text.split_sentences(sentences, seed=seed)[1]) for seed in range(5)}
    assert len(splits) == 5


def test_nothing_to_split() -> None:
    with pytest.raises(ValueError, match="two distinct sentences"):
        text.split_sentences(["a", "a", "a"])
    for fraction in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="validation_fraction"):
            text.split_sentences(["a", "b"], fraction)


# ---- source and target ----

sequence_lists = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=6).filter(
    lambda rows: any(len(row) > 1 for row in rows)
)


@given(sequence_lists, st.one_of(st.none(), st.integers(2, 9)))
def test_each_line_loses_its_own_ends(rows: list[list[int]], maxlen: int | None) -> None:
    source, target = text.make_dataset(rows, maxlen)
    assert source.dtype == target.dtype == np.int32
    assert source.flags.c_contiguous
    assert target.flags.c_contiguous
    cut = [row[:maxlen] for row in rows]
    assert source.shape == target.shape == (len(rows), max(map(len, cut)) - 1)
    for row, reads, says in zip(cut, source, target, strict=True):
        assert list(reads[: len(row[:-1])]) == row[:-1]
        assert list(says[: len(row[1:])]) == row[1:]
        assert not reads[len(row[:-1]) :].any()
        assert not says[len(row[1:]) :].any()


def test_padded_rows_are_cut_as_in_the_note() -> None:
    padded = text.pad_sequences([[1, 2, 3], [4, 5]], padding="post")
    source, target = text.make_dataset(padded)
    np.testing.assert_array_equal(source, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(target, [[2, 3], [5, 0]])
    source[:] = 7
    assert padded[0, 0] == 1


@pytest.mark.parametrize(
    ("sequences", "maxlen", "error", "reason"),
    [
        ([], None, ValueError, "0 sequences"),
        ([[1], []], None, ValueError, "at least two tokens"),
        ([[1, 2]], 1, ValueError, "maxlen"),
        (np.ones((2, 1), int), None, ValueError, r"\(2, 1\)"),
        (np.ones((0, 3), int), None, ValueError, r"\(0, 3\)"),
        (np.ones(3, int), None, ValueError, r"\(3,\)"),
        (np.ones((2, 3)), None, TypeError, "float64"),
        (np.ones((2, 3), int), 2, ValueError, "maxlen"),
        # These would come out as 0 and -1 in int32.
        (np.array([[1, 2**40]]), None, ValueError, r"holds 1099511627776 at \(0, 1\)"),
        (np.array([[2**40 - 1, 1]]), None, ValueError, r"holds 1099511627775 at \(0, 0\)"),
        ([[1, 2**40]], None, ValueError, r"holds 1099511627776 at \(0, 1\)"),
        ([np.array([1, 2**40])], None, ValueError, r"holds 1099511627776 at \(0, 1\)"),
        ([[1, 2], [2**32 + 3, 1]], None, ValueError, r"holds 4294967299 at \(1, 0\)"),
        ([[1, 2**70]], None, ValueError, "beyond int64"),
        ([[1, -1]], None, ValueError, r"holds -1 at \(0, 1\)"),
        ([[1, 2]], 2.0, TypeError, "maxlen is 2.0"),
    ],
)
def test_no_dataset(sequences: object, maxlen: int | None, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        text.make_dataset(sequences, maxlen)  # type: ignore[arg-type]


# ---- the built-in lines ----


def test_generated_lines() -> None:
    lines = datasets.generate_lyrics(2000)
    assert lines == datasets.generate_lyrics(2500)[:2000]
    assert lines[:3] == [
        "little bird, we follow the tender sparrow by the valley!",
        "there is no window without the trains as if nobody hears the stranger like i do.",
        "where does the street shine?",
    ]
    assert lines != datasets.generate_lyrics(2000, seed=1)
    assert len(set(lines)) > 1900
    assert not re.search(r"[{}+]|  ", "".join(lines))
    corpus = text.Corpus.from_lines(lines)
    assert len(corpus) == 2000
    assert 150 < len(set(" ".join(corpus).split())) < 300
    with pytest.raises(ValueError, match="-1"):
        datasets.generate_lyrics(-1)


# ---- letters of every script ----


def test_words_of_every_script() -> None:
    for line, cleaned in (
        ("나는 밥을 먹었다!", "나는 밥을 먹었다 !"),
        ("Ça va, l'été?", "ça va , l été ?"),
        ("¿QUÉ tal?", "¿ qué tal ?"),
        ("Привет, мир...", "привет , мир . . ."),
        ("हिन्दी में 3 शब्द", "हिन्दी में शब्द"),  # vowel signs are no letters, and belong to words
        ("snake_case 10% x2y", "snake case x y"),
        ("* * *", ""),
    ):
        assert text.preprocess_sentence(line, "unicode") == f"<start> {cleaned} <end>"


def test_two_ways_to_write_a_letter_are_one_word() -> None:
    for composed in ("é", "한글", "Ǹ"):
        apart = unicodedata.normalize("NFD", composed)
        assert apart != composed
        assert text.preprocess_sentence(apart, "unicode") == text.preprocess_sentence(composed, "unicode")


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_on_ascii_both_rules_are_one(line: str) -> None:
    assert text.preprocess_sentence(line, "unicode") == text.preprocess_sentence(line)


@given(st.text())
def test_cleaning_by_unicode_is_idempotent(line: str) -> None:
    once = text.preprocess_sentence(line, "unicode")
    assert text.preprocess_sentence(once.removeprefix("<start>").removesuffix("<end>"), "unicode") == once


def test_the_rule_follows_the_letters(tmp_path: Path) -> None:
    korean, english = ["나는 밥을 먹었다.", "너는 OK 했다!"], ["I had rice.", "Señor Ñandú, olé!"]
    assert text.Corpus.from_lines(korean).clean == "unicode"
    assert text.Corpus.from_lines(english).clean == "note"
    assert text.Corpus.from_lines(korean, clean="note").sentences == ["<start> . <end>", "<start> ok ! <end>"]
    assert text.Corpus.from_lines(english, clean="unicode").sentences[1] == "<start> señor ñandú , olé ! <end>"
    (tmp_path / "a.txt").write_text("\n".join(korean), encoding="utf-8")
    corpus = text.load_corpus(tmp_path)
    assert (corpus.clean, list(corpus)) == (
        "unicode",
        ["<start> 나는 밥을 먹었다 . <end>", "<start> 너는 ok 했다 ! <end>"],
    )
    for wrong in (lambda: text.load_corpus(tmp_path, clean="latin"), lambda: text.Corpus.from_lines([], clean="latin")):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="clean is 'latin'; expected one of 'note', 'unicode', 'auto'"):
            wrong()
    with pytest.raises(ValueError, match="clean is 'auto'; expected one of 'note', 'unicode'"):
        text.preprocess_sentence("a", "auto")  # type: ignore[arg-type]


# ---- the way back ----


def test_lines_for_readers() -> None:
    for cleaned, line in (
        ("<start> why , o why ? <end>", "Why, o why?"),
        ("¿ qué tal ? ¡", "¿Qué tal? ¡"),
        ("나는 밥을 먹었다 .", "나는 밥을 먹었다."),
        ("<start> , but <end>", ", but"),
        ("<start>  <end>", ""),
        ("", ""),
    ):
        assert text.detokenize(cleaned) == line


@given(st.text(alphabet="abc ,.?!¿"))
def test_a_line_for_readers_is_cleaned_to_the_same_sentence(line: str) -> None:
    once = text.preprocess_sentence(line)
    assert text.preprocess_sentence(text.detokenize(once)) == once
