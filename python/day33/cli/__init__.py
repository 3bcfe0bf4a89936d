"""The ``day33`` command.

Exit codes: 0 done; 1 it could not be done, said in one line; 2 the command line is wrong; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import autoencoder, ensemble, lyricist
from .errors import interruptible, reported

app = typer.Typer(
    help="Train and use small neural networks on a CPU.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # the default keeps the line breaks of docstrings
)
data_app = typer.Typer(
    help="Fetch data sets. No other command downloads. In Python, `keras.datasets.mnist.load_data()` and "
    "`keras.utils.get_file` do, as Keras's own.",
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")
app.command()(autoencoder.autoencoder)
app.add_typer(ensemble.app, name="ensemble")
app.add_typer(lyricist.app, name="lyricist")


def main() -> None:
    """The console script."""
    app(prog_name="day33")


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"day33 {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def info() -> None:
    """Print the version, the instruction set and the threads in use, and where downloads are kept."""
    with reported():
        import platform

        import numpy as np

        from .. import __version__, _native
        from ..datasets import mnist_cache_path

        mnist = mnist_cache_path()
        facts = {
            "day33": __version__,
            "native core": f"{_native.__version__} ({Path(_native.__file__ or '').name})",
            "instruction set": f"{_native.isa()} ({_native.lanes()} floats a vector)",
            "available": ", ".join(_native.available_isas()),
            "threads": _native.get_num_threads(),
            "Python": f"{platform.python_version()} ({platform.python_implementation()})",
            "NumPy": np.__version__,
            "machine": f"{platform.system()} {platform.machine()}",
            "MNIST": f"{mnist} ({'present' if mnist.is_file() else 'not fetched'})",
        }
        facts.update({f"build: {name}": value for name, value in _native.build_info().items()})
        width = max(map(len, facts))
        for name, value in facts.items():
            typer.echo(f"{name:<{width}}  {value}")


@data_app.command("mnist")
def data_mnist(
    url: Annotated[str | None, typer.Option(help="Fetch it from here instead of Keras's server.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The SHA-256 expected, if the file is not the usual one.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it here instead of into the cache.")] = None,
) -> None:
    """Download MNIST (11 MB), check its hash, and keep it in the cache."""
    with reported(), interruptible("Nothing was kept."):
        from ..datasets import mnist

        path = mnist.download_mnist(url or mnist.MNIST_URL, sha256 or mnist.MNIST_SHA256, output=output)
        (x_train, _), (x_test, _) = mnist.load_mnist(path)
        typer.echo(f"{path}: {len(x_train)} training and {len(x_test)} test images, hash checked.")


@data_app.command("shakespeare")
def data_shakespeare(
    url: Annotated[str | None, typer.Option(help="Fetch it from here instead of TensorFlow's server.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The SHA-256 expected, if the file is not the usual one.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it here instead of into the cache.")] = None,
) -> None:
    """Download Shakespeare's plays (1 MB), check their hash, and keep them in the cache."""
    with reported(), interruptible("Nothing was kept."):
        from ..datasets import shakespeare

        path = shakespeare.download_shakespeare(
            url or shakespeare.SHAKESPEARE_URL, sha256 or shakespeare.SHAKESPEARE_SHA256, output=output
        )
        typer.echo(f"{path}: {len(shakespeare.load_shakespeare(path)):,} lines, hash checked.")
