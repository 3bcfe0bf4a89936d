"""Downloads: asked for by name, checked by hash, kept once."""

from __future__ import annotations

import os
from pathlib import Path

from .._core.types import PathLike


def cache_dir() -> Path:
    """The folder for downloads: ``DAY33_CACHE`` if set, else the operating system's cache folder for day33."""
    configured = os.environ.get("DAY33_CACHE")
    if configured:
        return Path(configured).expanduser()
    import pooch

    return Path(pooch.os_cache("day33"))


def fetch(url: str, known_hash: str, target: PathLike, name: str, progress: bool) -> Path:
    """Download a file once, check its hash, and return where it is.

    A file that is already there with the right hash is not fetched again. The download goes to a temporary file next
    to its place and is moved there only when the hash is right, so a failed one leaves nothing behind. Where `target`
    is a folder, the file gets that `name` in it.

    Raises ValueError for another hash than `known_hash` (SHA-256 in hexadecimal), OSError for a server that could not
    be reached, refused, or broke off.
    """
    if not (len(known_hash) == 64 and all(c in "0123456789abcdef" for c in known_hash.lower())):
        raise ValueError(f"known_hash is {known_hash!r}; expected the 64 hexadecimal digits of a SHA-256")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url!r}; expected http:// or https:// at the beginning")
    target = Path(target).expanduser()
    if target.is_dir():
        target = target / name

    import pooch
    import requests

    bar = _DownloadBar(target.name) if progress else None
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # pooch announces every download on standard error; the bar does that here
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{known_hash.lower()}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(progressbar=bar or False, chunk_size=1 << 16),
        )
    except requests.exceptions.RequestException as error:
        raise OSError(f"could not download {url}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{url} is not the expected file, nothing was kept: {error}") from error
    finally:
        logger.setLevel(level)
        if bar is not None:
            bar.close()
    return target


class _DownloadBar:
    """A rich progress bar with the interface pooch drives: `total`, update, reset, close."""

    def __init__(self, description: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
            console=Console(stderr=True),
        )  # fmt: skip
        self._task = self._progress.add_task(description, total=None)

    @property
    def total(self) -> float | None:
        return self._progress.tasks[0].total

    @total.setter
    def total(self, value: int) -> None:
        self._progress.update(self._task, total=value or None)
        self._progress.start()

    def update(self, size: int) -> None:
        self._progress.update(self._task, advance=size)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        self._progress.stop()
