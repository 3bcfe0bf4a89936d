"""The command: see the docstring of the package."""

from __future__ import annotations

import argparse
import importlib
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from torture import calls, downloads, hostile, kills, processes, valid_calls
from torture.children import Tally, output_of
from torture.report import Row, machine, printed, write_markdown

# Imported before anything forks, so that children begin at once. None of them computes when it is imported.
_PRELOADED = (
    "h5py", "joblib", "lightgbm", "matplotlib.backends.backend_agg", "pandas", "pooch", "requests", "rich.progress",
    "sklearn.ensemble", "sklearn.pipeline", "day33.autoencoder", "day33.cli", "day33.cli.ensemble_results",
    "day33.cli.runs", "day33.datasets", "day33.decoding", "day33.ensemble.checkpoint", "day33.ensemble.saving",
    "day33.ensemble.cross_validation", "day33.ensemble.hidden_digits", "day33.lyricist", "day33.plotting",
    "day33._io.notebook_figure",
)  # fmt: skip


class Session:
    """What the parts share: sizes, the seed, a folder, and the rows of the table.

    Args:
        share: of the work of a long run.
    """

    def __init__(self, seed: int, share: float, folder: Path, first: int) -> None:
        self.seed, self.share, self.folder, self.first = seed, share, folder, first
        self.rows: list[Row] = []

    def count(self, whole: int, least: int = 1) -> int:
        return max(round(whole * self.share), least)

    def rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def seeds(self, whole: int) -> range:
        return range(self.first, self.first + self.count(whole, 20))

    def note(self, part: str, name: str, work: Callable[[], Tally]) -> None:
        start = time.monotonic()
        row = Row(part, name, work(), time.monotonic() - start)
        self.rows.append(row)
        print(printed(row), flush=True)


def run_kills(session: Session) -> None:
    data = session.folder / "data.npz"
    os.environ["DAY33_CACHE"] = str(session.folder / "no-cache")
    output_of(lambda: kills.write_data(data) or "")
    for command, count in zip(kills.commands(data), (240, 160, 80), strict=True):
        folder = session.folder / command.name.replace(" ", "-")
        folder.mkdir()
        folder.chmod(0o755)
        rng = session.rng(command.name)
        kills.measure(command, folder)
        name = f"day33 {command.name}"
        kinds: dict[str, Callable[[], Tally]] = {
            "killed": lambda: kills.killed_runs(command, folder, session.count(count), rng),  # noqa: B023
            "full and broken disks": lambda: kills.failing_disks(command, folder, session.count(count // 4), rng),  # noqa: B023
            "full tmpfs": lambda: kills.full_disk(command, folder, session.count(8), rng),  # noqa: B023
            "read-only folder": lambda: kills.read_only(command, folder),  # noqa: B023
            "three in one folder": lambda: kills.side_by_side(command, folder, session.count(6), rng),  # noqa: B023
        }
        for kind, work in kinds.items():
            session.note("kills", f"{name}: {kind}", work)
    folder = session.folder / "downloads"
    folder.mkdir()
    session.note(
        "kills",
        "day33 data mnist: killed, full disks",
        lambda: downloads.killed_downloads(data, folder, session.count(60), session.rng("downloads")),
    )


def run_hostile(session: Session) -> None:
    folder = session.folder / "hostile"
    folder.mkdir()
    hostile.prepare(folder)
    for kind in hostile.KINDS:
        session.note("hostile", kind, lambda: hostile.run(kind, folder, session.seeds(1600)))  # noqa: B023


def run_calls(session: Session) -> None:
    for group, count in zip(valid_calls.GROUPS, (12_000, 8000, 4000, 12_000, 8000), strict=True):
        session.note("calls", group, lambda: calls.run(group, session.seeds(count)))  # noqa: B023


def run_processes(session: Session) -> None:
    for name, work, count in (
        ("threads", processes.threads, 40), ("forks", processes.forks, 20), ("exits", processes.exits, 40),
        ("Ctrl-C", processes.interrupts, 60),
    ):  # fmt: skip
        session.note("processes", name, lambda: work(session.count(count), session.rng(name)))  # noqa: B023
    session.note("processes", "leaks", lambda: processes.leaks(session.folder, session.share))


PARTS = {"kills": run_kills, "hostile": run_hostile, "calls": run_calls, "processes": run_processes}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=["all", *PARTS])
    parser.add_argument("--short", action="store_true", help="a twentieth of the work, about two minutes, as in CI")
    parser.add_argument("--share", type=float, default=1.0, help="of the work of a long run, 1.0 by default")
    parser.add_argument("--seed", type=int, help="of the kills and processes; drawn and printed by default")
    parser.add_argument("--first", type=int, help="the first seed of files and calls; drawn by default, 0 with --seed")
    parser.add_argument("--markdown", type=Path, help="write the table into this file, between its markers")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("this needs Linux: /proc, resource limits and fork")
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    first = arguments.first if arguments.first is not None else 0 if arguments.seed is not None else seed * 100
    share = 0.03 if arguments.short else arguments.share
    print(f"seed {seed}, files and calls from seed {first}", flush=True)
    for name in _PRELOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        session = Session(seed, share, folder, first)
        for name, run in PARTS.items():
            if arguments.part in ("all", name):
                run(session)
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, session.rows, f"seed {seed}, share {share:g}, {machine()}")
    broken = sum(len(row.tally.failures) for row in session.rows)
    print(f"{sum(row.tally.total for row in session.rows)} trials, {broken} broken promises")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
