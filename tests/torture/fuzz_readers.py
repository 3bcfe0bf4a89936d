"""The readers of `hostile` under atheris, which watches what code a file reaches and goes on from there. By hand.

    pip install atheris
    PYTHONPATH=tests python -m torture.fuzz_readers build/fuzz --minutes 60

A child for each kind of file begins with good files and with those in tests/torture/corpus, and keeps what it found in
the folder: inputs that reach new code, and, under findings/, those that broke a promise. With --keep, the smallest
input for each line of day33 that refuses a file goes to tests/torture/corpus, which `test_torture_corpus.py` reads.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import os
import pkgutil
import random
import re
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torture import corpus, hostile
from torture.children import fork_into
from torture.mutations import mutated, with_right_digests

_LARGEST = 100_000  # bytes of an input


class Target:
    """One kind of file as libFuzzer calls it.

    What breaks a promise is kept in a folder and counted, and the run goes on: only a crash, a hang and memory that
    runs out end it.

    Args:
        findings: the folder.
        seconds: of the CPU's time, after which the run ends.
    """

    def __init__(self, name: str, findings: Path, seconds: float) -> None:
        self._name, self._findings, self._seconds = name, findings, seconds
        self._found: set[str] = set()
        self._place = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)

    def read(self, data: bytes) -> None:
        start = time.thread_time()
        try:
            corpus.outcome(self._name, data, Path(self._place.name))
            if broken := hostile.LIMITS.broken(time.thread_time() - start):
                raise AssertionError(broken)
        except Exception as error:
            known = f"{type(error).__name__} {corpus.origin(error)}"
            if known not in self._found:
                self._found.add(known)
                self._findings.mkdir(parents=True, exist_ok=True)
                stem = self._findings / hashlib.sha256(known.encode()).hexdigest()[:12]
                stem.write_bytes(data)
                stem.with_suffix(".txt").write_text("".join(traceback.format_exception(error)))
        if time.process_time() > self._seconds:
            os.kill(os.getpid(), signal.SIGUSR1)  # libFuzzer ends, and prints what it did

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Changes what is inside of archives and makes their checksums right; bytes change as libFuzzer wants."""
        import atheris

        def scramble(_: random.Random, part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + 64))

        rng = random.Random(seed)
        action = rng.random()
        if action < 0.2 or len(data) < 2:
            return bytes(atheris.Mutate(data, max_size))
        name, is_folder = corpus.member(self._name, data)
        content = mutated(rng, f"{name}.zip" if is_folder else name, data[1:], scramble if action < 0.7 else _own)
        if is_folder and rng.random() < 0.8:
            content = _with_right_manifest(content)
        return (data[:1] + content)[:max_size]


def _own(rng: random.Random, data: bytes) -> bytes:
    from formats.fuzz_keras_files import mutated_bytes

    return mutated_bytes(rng, data)


def _with_right_manifest(packed: bytes) -> bytes:
    """The folder of an ensemble whose manifest knows its files as they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # it is damaged
        return packed
    if "ensemble.json" not in members:
        return packed
    members["ensemble.json"] = with_right_digests(members["ensemble.json"], members)
    return corpus.packed(members)


def import_watched() -> None:
    """Imports all of day33, and has atheris watch it."""
    import atheris

    with atheris.instrument_imports(include=["day33"]):
        import day33

        for module in pkgutil.walk_packages(day33.__path__, "day33."):
            with contextlib.suppress(ImportError):  # what needs a package that is not there
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)


def fuzz(name: str, folder: Path, seconds: float) -> int:
    """Runs libFuzzer, which ends the process after that much of the CPU's time."""
    import atheris

    target = Target(name, folder / "findings", seconds)
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    for data in corpus.good(name, _LARGEST) + corpus.kept(name):
        (inputs / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)
    limits = hostile.LIMITS
    flags = [
        f"-timeout={limits.wall_seconds:.0f}", f"-rss_limit_mb={limits.megabytes:.0f}", f"-max_len={_LARGEST}",
        f"-artifact_prefix={folder}/", "-print_final_stats=1", str(inputs),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags], target.read, custom_mutator=target.mutate)
    atheris.Fuzz()
    return 0


@dataclass
class Run:
    """What came of the fuzzing of one kind, and how much of the CPU's time it took."""

    name: str
    executions: int = 0
    cpu_seconds: float = 0.0
    ended: int = 0

    def line(self, folder: Path) -> str:
        inputs = len(list((folder / "inputs").iterdir()))
        findings = len(list(folder.glob("findings/*.txt"))) + self.ended
        return f"| {self.name} | {self.cpu_seconds / 60:.1f} | {self.executions:,} | {inputs} | {findings} |"


def run(name: str, folder: Path, seconds: float) -> Run:
    """Fuzzes one kind in a child, in another one after a crash or a hang, until that much of the CPU's time is over."""
    found = Run(name)
    folder.mkdir(parents=True, exist_ok=True)
    while (left := seconds - found.cpu_seconds) > 5:
        log = folder / "log.txt"
        _, status, used = os.wait4(fork_into(lambda: fuzz(name, folder, left), log), 0)
        found.cpu_seconds += used.ru_utime + used.ru_stime
        text = log.read_text(errors="replace")
        found.executions += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", text)))
        if status != 0:
            found.ended += 1
            log.rename(folder / f"ended-{os.getpid()}-{found.ended}.txt")
    return found


def keep(name: str, inputs: Iterable[Path]) -> str:
    """Writes the smallest input for each way in which files of that kind are refused to the corpus in the tree.

    Fails where one breaks a promise.
    """
    smallest: dict[str, bytes] = {}
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        for data in corpus.kept(name) + [path.read_bytes() for path in inputs]:
            way = corpus.outcome(name, data, Path(place))
            outcomes[way] += 1
            if len(data) < len(smallest.get(way, bytes(_LARGEST))):
                smallest[way] = data
    corpus.keep(name, smallest.values())
    return f"{name}: {outcomes.total()} inputs, {len(smallest)} ways"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m torture.fuzz_readers", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0, help="of the CPU, for all kinds together")
    parser.add_argument("--kinds", nargs="*", default=list(hostile.KINDS), choices=list(hostile.KINDS), metavar="KIND")
    parser.add_argument("--keep", action="store_true", help="fuzz nothing; write the corpus in the tree")
    arguments = parser.parse_args()
    if not arguments.keep:
        import_watched()
    for name in arguments.kinds:
        folder = arguments.folder / corpus.file_name(name)
        if arguments.keep:
            found = [path for path in sorted(folder.glob("*/*")) if not path.suffix]  # inputs and findings
            print(keep(name, found), flush=True)
        else:
            print(run(name, folder, arguments.minutes * 60 / len(arguments.kinds)).line(folder), flush=True)


if __name__ == "__main__":
    main()
