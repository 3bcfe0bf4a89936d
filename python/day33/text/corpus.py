"""Lines of text files, cleaned, with an account of what was left out; and their split in two."""

from __future__ import annotations

import codecs
import glob
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .cleaning import preprocess_sentence

__all__ = ["Corpus", "load_corpus", "read_lines", "split_sentences"]

PathLike = str | os.PathLike[str]

_NOTHING_LEFT = preprocess_sentence("")


@dataclass
class Corpus:
    """Sentences ready for a `Tokenizer`, and how they came about. Iterating gives the sentences.

    Attributes:
        sentences: the lines that were kept, in their order, cleaned by `preprocess_sentence`.
        files: what was read, in that order.
        lines: how many lines there were.
        empty: lines left out because there was nothing in them but white space.
        headings: lines left out because they end in ":".
        wordless: lines left out because cleaning left nothing of them, such as "* * *".
        long: lines left out because they have more than `max_tokens` tokens.
        max_tokens: the limit, tokens that mark start and end included; None for none.
    """

    sentences: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    lines: int = 0
    empty: int = 0
    headings: int = 0
    wordless: int = 0
    long: int = 0
    max_tokens: int | None = None

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, max_tokens: int | None = None) -> Corpus:
        """A corpus of lines in memory. ValueError for `max_tokens` below 3, start, one word and end."""
        if max_tokens is not None and max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3 (start, a word, end), got {max_tokens}")
        corpus = cls(max_tokens=max_tokens)
        corpus._add(lines)
        return corpus

    def _add(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.lines += 1
            line = line.rstrip()
            if not line:
                self.empty += 1
            elif line[-1] == ":":
                self.headings += 1
            elif (sentence := preprocess_sentence(line)) == _NOTHING_LEFT:
                self.wordless += 1
            elif self.max_tokens is not None and sentence.count(" ") >= self.max_tokens:
                self.long += 1
            else:
                self.sentences.append(sentence)

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sentences)

    def describe(self) -> str:
        """One line: how many files, lines and sentences, and how many lines were left out why."""
        left_out = [f"{self.empty:,} empty", f'{self.headings:,} ending in ":"']
        if self.wordless:
            left_out.append(f"{self.wordless:,} without words")
        if self.max_tokens is not None:
            left_out.append(f"{self.long:,} of more than {self.max_tokens} tokens")
        files = f"{len(self.files):,} file{'s' if len(self.files) != 1 else ''}, " if self.files else ""
        return f"{files}{self.lines:,} lines, {len(self):,} kept; left out: {', '.join(left_out)}"


def load_corpus(patterns: PathLike | Iterable[PathLike], *, max_tokens: int | None = None) -> Corpus:
    """Read and clean the lines of text files.

    Empty lines and lines that end in ":" (white space after it does not count) are left out, and so are lines without
    any word or mark.

    Args:
        patterns: one or several of: a file; a folder, for all ``*.txt`` files in it and below; a pattern with ``*``,
            ``?``, ``[...]`` or ``**`` (any folders), for all files it matches. A file is read once, however often it is
            named; the files of a pattern or folder are read in the order of their names.
        max_tokens: leave out lines with more tokens, ``<start>`` and ``<end>`` included.

    Raises:
        FileNotFoundError: a path that is not there, a pattern or folder without files.
        ValueError: a file that is no UTF-8 text, named with the line; no line was left; `max_tokens` below 3.
    """
    files = _find_files([patterns] if isinstance(patterns, str | os.PathLike) else list(patterns))
    corpus = Corpus.from_lines((), max_tokens=max_tokens)
    for path in files:
        corpus.files.append(path)
        corpus._add(read_lines(path))
    if not corpus.sentences:
        raise ValueError(f"no line to learn from: {corpus.describe()}; read: {_shortened(files)}")
    return corpus


def split_sentences(
    sentences: Sequence[str], validation_fraction: float = 0.1, *, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Split by distinct sentence, so that none stands on both sides, however often it occurs.

    Which side a sentence goes to is decided by its hash with `seed`: neither the order of the sentences nor how often
    one occurs matters. Each side keeps the order and the repetitions.

    Args:
        sentences: cleaned sentences.
        validation_fraction: part of the distinct sentences that goes to the second side, rounded, and at least one.
        seed: another one gives another split.

    Returns:
        ``(training, validation)``.

    Raises:
        ValueError: fewer than two distinct sentences, or a fraction that is not between 0 and 1.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction must be above 0 and below 1, got {validation_fraction}")
    distinct = list(dict.fromkeys(sentences))
    if len(distinct) < 2:
        raise ValueError(
            f"two distinct sentences are needed for a split, got {len(distinct)} ({len(sentences)} in all)"
        )
    key = str(seed).encode()
    if len(key) > 64:
        raise ValueError(f"seed must have at most 64 digits, got {len(key)}")
    distinct.sort(key=lambda sentence: hashlib.blake2b(sentence.encode(), digest_size=16, key=key).digest())
    count = min(max(round(len(distinct) * validation_fraction), 1), len(distinct) - 1)
    held_out = set(distinct[:count])
    training = [sentence for sentence in sentences if sentence not in held_out]
    return training, [sentence for sentence in sentences if sentence in held_out]


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

    ValueError, naming the line, for anything else than text.
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
