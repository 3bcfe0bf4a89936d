"""The command itself, with what belongs to none of its parts: the version, and facts about the installation."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import autoencoder, data, ensemble, explain, lyricist
from .apps import App
from .errors import reported

app = App(
    help="Train and use small neural networks on a CPU.",
    epilog="Begin with **day33 autoencoder**: it needs no data and writes its pictures to day33-autoencoder/.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # the default keeps the line breaks of docstrings
)
app.add_typer(data.app, name="data")
app.command()(autoencoder.autoencoder)
app.add_typer(ensemble.app, name="ensemble")
app.add_typer(explain.app, name="explain")
app.add_typer(lyricist.app, name="lyricist")


def main() -> None:
    """Run the command line of this process."""
    if os.name == "nt":
        _print_utf8()
    app(prog_name="day33")


def _print_utf8() -> None:
    """Files and pipes get UTF-8: the code page that Windows chooses for them lacks most letters of most languages."""
    if "PYTHONIOENCODING" in os.environ:
        return
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")


def _print_version(wanted: bool) -> None:
    if wanted:
        from .._native import __version__

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

        from .. import _native
        from ..datasets import mnist_cache_path

        mnist = mnist_cache_path()
        facts = {
            "day33": _native.__version__,
            "native core": f"{_native.__version__} ({Path(_native.__file__ or '').name})",
            "instruction set": f"{_native.isa()} ({_native.lanes()} floats per vector)",
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
