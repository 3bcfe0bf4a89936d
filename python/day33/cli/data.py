"""``day33 data``: the downloads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from .apps import App
from .errors import interruptible, reported

app = App(
    help="Download data sets. No other command downloads anything. In Python, `keras.datasets.mnist.load_data()` and "
    "`keras.utils.get_file` do, as Keras's own.",
    no_args_is_help=True,
)


@contextlib.contextmanager
def _downloading() -> Iterator[None]:
    with reported(), interruptible("Nothing was kept."):
        try:
            yield
        except OSError as error:
            if error.errno is None:  # not the disk
                error.add_note("(--url takes it from another address)")
            raise


@app.command()
def mnist(
    url: Annotated[str | None, typer.Option(help="Fetch it from here instead of Keras's server.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The SHA-256 expected, if the file is not the usual one.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it here instead of into the cache.")] = None,
) -> None:
    """Download MNIST (11 MB), check its hash, and keep it in the cache."""
    with _downloading():
        from ..datasets import mnist

        path = mnist.download_mnist(url or mnist.MNIST_URL, sha256 or mnist.MNIST_SHA256, output=output)
        (x_train, _), (x_test, _) = mnist.load_mnist(path)
        typer.echo(f"{path}: {len(x_train)} training and {len(x_test)} test images, hash checked.")


@app.command()
def shakespeare(
    url: Annotated[str | None, typer.Option(help="Fetch it from here instead of TensorFlow's server.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The SHA-256 expected, if the file is not the usual one.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it here instead of into the cache.")] = None,
) -> None:
    """Download Shakespeare's plays (1 MB), check their hash, and keep them in the cache."""
    with _downloading():
        from ..datasets import shakespeare

        path = shakespeare.download_shakespeare(
            url or shakespeare.SHAKESPEARE_URL, sha256 or shakespeare.SHAKESPEARE_SHA256, output=output
        )
        typer.echo(f"{path}: {len(shakespeare.load_shakespeare(path)):,} lines, hash checked.")
