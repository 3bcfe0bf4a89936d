"""Shakespeare's plays as lines of text."""

from __future__ import annotations

from pathlib import Path

from .._core.types import PathLike
from .._io.download import cache_dir, fetch_or_tell_where
from ..text.corpus import read_lines

__all__ = ["download_shakespeare", "load_shakespeare", "shakespeare_cache_path"]

# The 40,000 lines that TensorFlow's tutorials use, and their SHA-256.
SHAKESPEARE_URL = "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SHAKESPEARE_FILE = "shakespeare.txt"


def shakespeare_cache_path() -> Path:
    """Where `download_shakespeare` puts the plays and `load_shakespeare` looks for them. The file need not exist."""
    return cache_dir() / SHAKESPEARE_FILE


def load_shakespeare(path: PathLike | None = None) -> list[str]:
    """The lines of a text file; without a path those of the cached download of Shakespeare's plays.

    Nothing is ever downloaded by this function. `day33.text.Corpus.from_lines` cleans the lines,
    `day33.text.load_corpus` reads many files at once.

    Args:
        path: a UTF-8 text file, or None for the cached download.

    Returns:
        The lines, without what ends them.

    Raises:
        FileNotFoundError: nothing is there; the message names the command that fetches the plays.
        ValueError: the file is not UTF-8 text, or empty.
    """
    source = shakespeare_cache_path() if path is None else Path(path).expanduser()
    if not source.is_file():
        where = f"not in the cache ({source})" if path is None else f"not there: {source}"
        raise FileNotFoundError(f"Shakespeare's plays are {where}; fetch them once with: day33 data shakespeare")
    lines = read_lines(source)
    if not lines:
        raise ValueError(f"{source} is empty")
    return lines


def download_shakespeare(
    url: str = SHAKESPEARE_URL,
    known_hash: str = SHAKESPEARE_SHA256,
    progress: bool = True,
    *,
    output: PathLike | None = None,
) -> Path:
    """Download Shakespeare's plays (1.1 MB) once, check their hash, and return the path of the text file.

    Args:
        url, known_hash, progress, output: as those of `download_mnist`.

    Returns:
        The path of the file.

    Raises:
        ValueError, OSError: as `download_mnist`.
    """
    target = shakespeare_cache_path() if output is None else output
    return fetch_or_tell_where(url, known_hash, target, SHAKESPEARE_FILE, progress)
