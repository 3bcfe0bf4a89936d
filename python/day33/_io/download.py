"""Downloads: asked for by name, checked by hash, kept once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from .._core.types import PathLike

HASH_LENGTHS = {"sha256": 64, "md5": 32}  # hexadecimal digits
_HASH_NAMES = {"sha256": "a SHA-256", "md5": "an MD5"}


def cache_dir() -> Path:
    """The folder for downloads: ``DAY33_CACHE`` if set, else the operating system's cache folder for day33."""
    configured = os.environ.get("DAY33_CACHE")
    if configured:
        return Path(configured).expanduser()
    import pooch

    return Path(pooch.os_cache("day33"))


def fetch(
    url: str, known_hash: str | None, target: PathLike, name: str, progress: bool, *, algorithm: str = "sha256",
    again: bool = False,
) -> Path:  # fmt: skip
    """Download a file once, check its hash, and return where it is.

    A file that is already there with the right hash is not fetched again. The download goes to a temporary file next
    to its place and is moved there only when the hash is right, so a failed one leaves nothing behind. Where `target`
    is a folder, the file gets that `name` in it.

    Args:
        url: http:// or https://.
        known_hash: in hexadecimal digits; None takes whatever comes.
        target: where to put it.
        name: in a folder, and on the progress bar.
        progress: draw a progress bar on standard error.
        algorithm: of the hash, "sha256" or "md5".
        again: fetch it even if it is there.

    Raises:
        ValueError: another hash than `known_hash`. OSError: the server could not be reached, refused, or broke off.
    """
    length = HASH_LENGTHS[algorithm]
    if known_hash is not None and not (
        len(known_hash) == length and all(c in "0123456789abcdef" for c in known_hash.lower())
    ):
        raise ValueError(
            f"known_hash is {known_hash!r}; expected the {length} hexadecimal digits of {_HASH_NAMES[algorithm]}"
        )
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url!r}; expected one that begins with http:// or https://")
    target = Path(target).expanduser()
    if target.is_dir():
        target = target / name
    if again and target.exists():
        # Beside the old file, which stays if the download fails.
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            fetched = fetch(url, known_hash, Path(folder, target.name), name, progress, algorithm=algorithm)
            return fetched.replace(target)

    import pooch
    import requests

    bar = _DownloadBar(target.name) if progress else None
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # pooch announces every download on standard error; the bar does that here
    try:
        pooch.retrieve(
            url,
            known_hash=None if known_hash is None else f"{algorithm}:{known_hash.lower()}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(progressbar=bar or False, chunk_size=1 << 16),
        )
    except requests.exceptions.RequestException as error:
        raise OSError(f"could not download {url}: {_reason(url, error)}") from error
    except ValueError as error:
        raise ValueError(f"{url} is not the expected file, nothing was kept: {error}") from error
    finally:
        logger.setLevel(level)
        if bar is not None:
            bar.close()
    return target


def fetch_or_tell_where(url: str, known_hash: str, target: PathLike, name: str, progress: bool) -> Path:
    """`fetch`, whose error also says where to save the file if it comes from elsewhere."""
    try:
        return fetch(url, known_hash, target, name, progress)
    except OSError as error:
        if error.errno is not None:  # the disk's, not the network's
            raise
        place = Path(target).expanduser()
        place = place / name if place.is_dir() else place
        raise OSError(f"{error}; check the network, or save the file by hand as {place}") from error


def _reason(url: str, error: BaseException) -> str:
    """Why a request failed, in a few words: of the texts of requests, urllib3 and the system, the one that tells."""
    import requests

    host = urlsplit(url).hostname
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        error.response.close()  # the error keeps it, and with it the connection
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.Timeout):
        return f"{host} did not answer in time"
    if not isinstance(error, requests.exceptions.ConnectionError):
        return f"the transfer broke off ({type(error).__name__})"
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
        cause = cause.__cause__ or cause.__context__
    way = " through the proxy" if isinstance(error, requests.exceptions.ProxyError) else ""
    return f"no connection to {host}{way} ({cause.strerror if isinstance(cause, OSError) else type(error).__name__})"


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
