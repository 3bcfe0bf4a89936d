"""What the parts of the command line share: what they say, how they end, and which options were given."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import typer

__all__ = ["given", "interruptible", "list_files", "reported", "resumable", "warn"]


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that a user can cause into one line and exit code 1; any other keeps its traceback.

    Notes of the error (`BaseException.add_note`) follow its message. With ``DAY33_TRACEBACK`` set, every error keeps
    its traceback.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads what is printed any more: Typer ends the command
        raise
    except (OSError, ValueError, MemoryError, ImportError) as error:
        if os.environ.get("DAY33_TRACEBACK"):
            raise
        typer.echo(f"day33: error: {_described(error)}", err=True)
        raise typer.Exit(1) from None


def _described(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        reason = error.strerror
        text = f"{_path(error.filename)}: {reason[:1].lower()}{reason[1:]}"
    return " ".join(" ".join([text, *getattr(error, "__notes__", ())]).split())


def _path(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)


@contextlib.contextmanager
def interruptible(hint: str) -> Iterator[None]:
    """Turn Ctrl-C into exit code 130, and print a hint what to do next."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. {hint}", err=True)
        raise typer.Exit(130) from None


@contextlib.contextmanager
def resumable(folder: Path, hint: str) -> Iterator[None]:
    """Inside, a run is going on: when the disk or the memory is full, or on Ctrl-C, `hint` says how to go on.

    An error of the system without a file's name is one of `folder`, where everything is written.
    """
    with interruptible(hint):
        try:
            yield
        except (OSError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno is not None and error.filename is None:
                error.filename = str(folder)
            error.add_note(f"({hint})")
            raise


def warn(text: str) -> None:
    """Print a warning to standard error."""
    typer.echo(f"day33: warning: {text}", err=True)


def list_files(folder: Path) -> None:
    """Print the files that were written to a folder."""
    typer.echo(f"Written to {folder}{os.sep}")
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            typer.echo(f"  {path.name}")


def given(context: typer.Context, name: str) -> bool:
    """Whether the option was on the command line, rather than left at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
