"""What the parts of the command line share: errors in one line, Ctrl-C, and which options were given."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import typer

__all__ = ["given", "interruptible", "reported"]


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turns the errors a user can cause into one line and exit code 1; a bug keeps its traceback."""
    try:
        yield
    except (OSError, ValueError, MemoryError, ImportError) as error:
        if os.environ.get("DAY33_TRACEBACK"):
            raise
        text = " ".join(str(error).split()) or type(error).__name__
        typer.echo(f"day33: error: {text}", err=True)
        raise typer.Exit(1) from None


@contextlib.contextmanager
def interruptible(hint: str) -> Iterator[None]:
    """Turns Ctrl-C into exit code 130 and a hint what to do next."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. {hint}", err=True)
        raise typer.Exit(130) from None


def given(context: typer.Context, name: str) -> bool:
    """Whether the option was on the command line, or is what it is by default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
