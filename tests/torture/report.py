"""The table of a run, on the terminal and in docs/reliability.md."""

from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path

from torture.children import Tally

_BEGIN, _END = "<!-- torture: begin -->", "<!-- torture: end -->"
_SHOWN = 20


@dataclass
class Row:
    """One line of the table."""

    part: str
    name: str
    tally: Tally
    seconds: float

    @property
    def outcomes(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.tally.outcomes.most_common())

    @property
    def extremes(self) -> str:
        """The slowest and the largest trial, where these were measured."""
        if not self.tally.slowest:
            return ""
        return f"{self.tally.slowest:.2f} s, {self.tally.largest:.0f} MB"


def printed(row: Row) -> str:
    lines = [f"{row.part:10} {row.name}: {row.outcomes}  [{row.seconds:.0f} s]  {row.extremes}".rstrip()]
    lines += [f"    {failure}" for failure in row.tally.failures[:_SHOWN]]
    if len(row.tally.failures) > _SHOWN:
        lines.append(f"    and {len(row.tally.failures) - _SHOWN} more")
    return "\n".join(lines)


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def write_markdown(path: Path, rows: list[Row], what: str) -> None:
    """Replaces what is between the markers in a file. ValueError where it has none."""
    text = path.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise ValueError(f"{path} is without the lines {_BEGIN} and {_END}")
    lines = [
        f"Written on {time.strftime('%Y-%m-%d')} by `nox -s torture` ({what}).", "",
        "| trial | outcomes | slowest and largest | broken promises |", "|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        lines.append(f"| {row.name} | {row.outcomes} | {row.extremes} | {len(row.tally.failures)} |")
    total = sum(row.tally.total for row in rows)
    lines.append(f"| **all** | {total} outcomes | | {sum(len(row.tally.failures) for row in rows)} |")
    table = "\n".join([_BEGIN, "", *lines, "", _END])
    pattern = re.compile(re.escape(_BEGIN) + ".*" + re.escape(_END), re.DOTALL)
    path.write_text(pattern.sub(lambda _: table, text), encoding="utf-8")
