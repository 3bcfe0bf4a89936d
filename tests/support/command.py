"""The command line, called in this process."""

from __future__ import annotations

import inspect

from typer.testing import CliRunner, Result

from day33.cli import app

# Before click 8.2, a runner mixes both streams unless it is told otherwise; since then it always tells them apart.
_SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


def run_command(*arguments: object) -> Result:
    """What ``day33 arguments...`` prints, on each stream, and its exit code."""
    return CliRunner(**_SEPARATE).invoke(app, [str(argument) for argument in arguments])
