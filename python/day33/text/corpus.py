"""The lines of text files, cleaned, with counts of what was left out; and their split in two."""

from __future__ import annotations

import codecs
import glob
import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .._core.arrays import as_count, as_int
from .._core.types import PathLike
from .cleaning import Clean, check_clean, preprocess_sentence

__all__ = ["Corpus", "load_corpus", "read_lines", "split_passages", "split_sentences"]

_find_kept = re.compile("[a-z]").findall
_NOTHING_LEFT = preprocess_sentence("")
CleanChoice = Literal["auto", "note", "unicode"]
# Lines before a line; validation has a copy of them for each.
MOST_CONTEXT = 1000


@dataclass
class Corpus:
    """Cleaned sentences, and counts of the lines they were made of. Iterating gives the sentences.

    Attributes:
        sentences: the lines that were kept, in their order, cleaned by `preprocess_sentence`.
        files: the files that were read, in their order.
        lines: the number of lines that were read.
        empty: the number of lines left out because they hold only white space.
        headings: the number of lines left out because they end in ":".
        wordless: the number of lines left out because cleaning left nothing of them, such as "* * *".
        long: the number of lines left out because they have more than `max_tokens` tokens.
        max_tokens: that limit, ``<start>`` and ``<end>`` included; None for none.
        clean: the rule of `preprocess_sentence` that the lines were cleaned by.
        starts: the places in `sentences` where those of each file begin, of files that have any; for lines in memory 0
            alone.
    """

    sentences: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    lines: int = 0
    empty: int = 0
    headings: int = 0
    wordless: int = 0
    long: int = 0
    max_tokens: int | None = None
    clean: Clean = "note"
    starts: list[int] = field(default_factory=list)

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, max_tokens: int | None = None, clean: CleanChoice = "auto") -> Corpus:
        """Clean lines in memory.

        Args:
            lines: the lines, with or without what ends them.
            max_tokens: leave out lines with more tokens, ``<start>`` and ``<end>`` included; None for no limit.
            clean: "note" or "unicode", see `preprocess_sentence`; "auto" is "note", unless that would drop more than
                half of the letters.

        Returns:
            The corpus.

        Raises:
            TypeError: `max_tokens` is no integer.
            ValueError: `max_tokens` is below 3, the tokens of a line of one word; another `clean`.
        """
        return cls._of([list(lines)], max_tokens, clean)

    @classmethod
    def _of(cls, texts: Sequence[Sequence[str]], max_tokens: int | None, clean: CleanChoice) -> Corpus:
        """The lines of several texts, cleaned by one rule."""
        if max_tokens is not None:
            max_tokens = as_count("max_tokens", max_tokens, 3)
        check_clean(clean, "auto")
        corpus = cls(max_tokens=max_tokens, clean=_rule_for(texts) if clean == "auto" else clean)
        for lines in texts:
            corpus._add(lines)
        return corpus

    def _add(self, lines: Iterable[str]) -> None:
        begin = len(self.sentences)
        for line in lines:
            self.lines += 1
            line = line.rstrip()
            if not line:
                self.empty += 1
            elif line[-1] == ":":
                self.headings += 1
            elif (sentence := preprocess_sentence(line, self.clean)) == _NOTHING_LEFT:
                self.wordless += 1
            elif self.max_tokens is not None and sentence.count(" ") >= self.max_tokens:
                self.long += 1
            else:
                self.sentences.append(sentence)
        if len(self.sentences) > begin:
            self.starts.append(begin)

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sentences)

    def describe(self) -> str:
        """The counts in one line of text: files, lines, sentences, and the lines left out by reason."""
        left_out = [f"{self.empty:,} empty", f'{self.headings:,} ending in ":"']
        if self.wordless:
            left_out.append(f"{self.wordless:,} without words")
        if self.max_tokens is not None:
            left_out.append(f"{self.long:,} of more than {self.max_tokens} tokens")
        files = f"{len(self.files):,} file{'s' if len(self.files) != 1 else ''}, " if self.files else ""
        return f"{files}{self.lines:,} lines, {len(self):,} kept; left out: {', '.join(left_out)}"


def _rule_for(texts: Iterable[Iterable[str]]) -> Clean:
    """ "unicode" where fewer than half of the letters are a-z in lower case, else "note"."""
    letters = kept = 0
    for line in itertools.chain.from_iterable(texts):
        letters += sum(map(str.isalpha, line))
        kept += len(_find_kept(line.lower()))
    return "unicode" if 2 * kept < letters else "note"


def load_corpus(
    patterns: PathLike | Iterable[PathLike], *, max_tokens: int | None = None, clean: CleanChoice = "auto"
) -> Corpus:
    """Read and clean the lines of text files.

    Empty lines, lines that end in ":" (before white space) and lines without any word or mark are left out.

    Args:
        patterns: one or several of: a file; a folder, for all ``*.txt`` files in it and below; a pattern with ``*``,
            ``?``, ``[...]`` or ``**`` (any folders), for all files that match. A file is read once, however often it is
            named; the files of a pattern or folder are read in the order of their names.
        max_tokens: leave out lines with more tokens, ``<start>`` and ``<end>`` included; None for no limit.
        clean: "note", "unicode" or "auto", see `Corpus.from_lines`; the corpus says in `clean` which it was.

    Returns:
        The corpus.

    Raises:
        FileNotFoundError: there is no such path, or there are no files for a pattern or folder.
        TypeError: `max_tokens` is no integer.
        ValueError: a file is no UTF-8 text (the message names the line), no line was left, `max_tokens` is below
            3, or another `clean`.
    """
    files = _find_files([patterns] if isinstance(patterns, str | os.PathLike) else list(patterns))
    corpus = Corpus._of([read_lines(path) for path in files], max_tokens, clean)
    corpus.files = files
    if not corpus.sentences:
        raise ValueError(f"no line to learn from: {corpus.describe()}; read: {_shortened(files)}")
    return corpus


def split_sentences(
    sentences: Sequence[str], validation_fraction: float = 0.1, *, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Split sentences so that none is on both sides, however often it occurs.

    The hash of a sentence with `seed` decides which side it goes to: neither the order of the sentences nor how often
    one occurs matters. Each side keeps the order and the repetitions.

    Args:
        sentences: cleaned sentences.
        validation_fraction: the fraction of the distinct sentences that goes to the second side: rounded, and at least
            one sentence.
        seed: selects the split.

    Returns:
        ``(training, validation)``.

    Raises:
        TypeError: a sentence that is no str.
        ValueError: fewer than two distinct sentences, or a fraction that is not between 0 and 1.
    """
    held_out = _held_out(sentences, validation_fraction, seed)
    training = [sentence for sentence in sentences if sentence not in held_out]
    return training, [sentence for sentence in sentences if sentence in held_out]


def split_passages(
    corpus: Corpus, context: int, validation_fraction: float = 0.1, *, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Split the sentences of a corpus as `split_sentences`, together with those before them.

    A passage is a text of sentences that follow each other in a file, joined by a space. Between them there may have
    been lines that the corpus left out.

    Args:
        corpus: the sentences.
        context: how many sentences before one belong to it, up to 1,000.
        validation_fraction, seed: as of `split_sentences`; the same sentences are held out.

    Returns:
        ``(training, validation)``. Training passages are as long as they can be without a sentence that is held out, so
        they have each of the others once. A validation passage ends with a sentence that is held out; up to `context`
        sentences stand before it, from either side of the split.

    Raises:
        TypeError: `corpus` is none, or `context` no integer.
        ValueError: `context` is not from 1 to 1,000; `starts` of the corpus do not ascend from 0; no two sentences to
            learn follow each other; or as `split_sentences`.
    """
    if not isinstance(corpus, Corpus):
        raise TypeError(f"corpus is a {type(corpus).__name__}; expected a Corpus, which tells where files begin")
    context = as_int("context", context, 1, MOST_CONTEXT)
    sentences, bounds = corpus.sentences, [*(corpus.starts or [0]), len(corpus.sentences)]
    if bounds[0] != 0 or bounds != sorted(bounds):
        raise ValueError(f"corpus.starts is {corpus.starts} of {len(sentences)} sentences; expected places from 0 on")
    held_out = _held_out(sentences, validation_fraction, seed)
    training: list[str] = []
    validation: list[str] = []
    for begin, end in itertools.pairwise(bounds):
        for is_held_out, places in itertools.groupby(range(begin, end), lambda place: sentences[place] in held_out):
            if is_held_out:
                validation += [" ".join(sentences[max(place - context, begin) : place + 1]) for place in places]
            else:
                training.append(" ".join(sentences[place] for place in places))
    if len(training) == sum(sentence not in held_out for sentence in sentences):
        raise ValueError("no two sentences to learn follow each other in a file; expected passages of several")
    return training, validation


def _held_out(sentences: Sequence[str], validation_fraction: float, seed: int) -> set[str]:
    """The distinct sentences that are for validation; arguments and errors as of `split_sentences`."""
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction is {validation_fraction}; expected a number above 0 and below 1")
    distinct = list(dict.fromkeys(sentences))
    for sentence in distinct:
        if not isinstance(sentence, str):
            raise TypeError(f"sentences holds {sentence!r}; expected str")
    if len(distinct) < 2:
        raise ValueError(
            f"sentences has {len(distinct)} distinct ones of {len(sentences)}; expected at least two distinct sentences"
        )
    key = str(seed).encode()
    if len(key) > 64:
        raise ValueError(f"seed has {len(key)} digits; expected at most 64")
    distinct.sort(key=lambda sentence: hashlib.blake2b(sentence.encode(), digest_size=16, key=key).digest())
    count = min(max(round(len(distinct) * validation_fraction), 1), len(distinct) - 1)
    return set(distinct[:count])


def _find_files(patterns: Sequence[PathLike]) -> list[Path]:
    if not patterns:
        raise ValueError("patterns is empty; expected at least one file, folder or pattern")
    found: dict[str, Path] = {}
    for pattern in patterns:
        for path in _matches(os.fspath(pattern)):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        files = sorted(item for item in path.rglob("*.txt") if item.is_file())
        if not files:
            raise FileNotFoundError(f"no *.txt file in the folder {path}; other names can be given as {path / '*'}")
        return files
    if path.exists():  # a name with brackets in it is first of all a name
        return [path]
    if not glob.has_magic(pattern):
        raise FileNotFoundError(f"no such file or folder: {path}")
    files = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if os.path.isfile(name))
    if not files:
        raise FileNotFoundError(f"no file matches {pattern}")
    return files


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file, with or without a byte order mark, whatever ends its lines.

    Raises:
        ValueError: the file is no text; the message names the line.
    """
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The line counts like splitlines() below counts, over what could be read before the byte in question.
        number = _line_number(data[: error.start].decode("utf-8", "replace"))
        raise ValueError(f"{path}, line {number}: not UTF-8 text (byte 0x{data[error.start]:02x})") from None
    zero = content.find("\0")
    if zero >= 0:
        raise ValueError(f"{path}, line {_line_number(content[:zero])}: not a text file (a zero byte in it)")
    return content.splitlines()


def _line_number(before: str) -> int:
    return len((before + "x").splitlines())


def _shortened(files: Sequence[Path]) -> str:
    names = ", ".join(map(str, files[:3]))
    return names if len(files) <= 3 else f"{names} and {len(files) - 3} more"
