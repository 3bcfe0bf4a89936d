"""Import time and installed size: `python -m pytest bench/test_installation.py`.

The packages take turns; each import is in a new process, and timed without the start of the interpreter. The first
import of each package is not counted, because it writes bytecode and fills the file cache.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conftest import Record
from harness.race import ROUNDS, turns

# For each module, the distributions that may provide it.
DISTRIBUTIONS = {
    "day33": ("day33",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "keras": ("keras",),
    "torch": ("torch",),
    "onnxruntime": ("onnxruntime",),
    "jax": ("jax",),
}
IMPORT_ROUNDS = min(ROUNDS, 7)  # an import of TensorFlow takes seconds
PROGRAM = "import time; begin = time.perf_counter(); import {module}; print(time.perf_counter() - begin)"


def seconds_of_import(module: str) -> float:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split()[-1])


@pytest.fixture(scope="module")
def imports() -> dict[str, list[float]]:
    modules = [module for module in DISTRIBUTIONS if importlib.util.find_spec(module)]
    times: dict[str, list[float]] = {module: [] for module in modules}
    for module in modules:
        seconds_of_import(module)
    for module in turns(modules, IMPORT_ROUNDS):
        times[module].append(seconds_of_import(module))
    return times


def folder_size(folder: Path) -> int:
    """Bytes of its files, without bytecode."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")


def distribution_of(module: str) -> metadata.Distribution | None:
    for name in DISTRIBUTIONS[module]:
        try:
            return metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def own_size(distribution: metadata.Distribution) -> int:
    """Bytes of its files, without bytecode."""
    paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())


def with_dependencies(distribution: metadata.Distribution) -> dict[str, metadata.Distribution]:
    """The distribution and its dependencies, direct and indirect, by normalised name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [distribution]
    while waiting:
        current = waiting.pop()
        name = re.sub(r"[-_.]+", "-", current.metadata["Name"]).lower()
        if name in found:
            continue
        found[name] = current
        for text in current.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                try:
                    waiting.append(metadata.distribution(requirement.name))
                except metadata.PackageNotFoundError:
                    continue
    return found


def sizes(module: str) -> tuple[int, int | None]:
    """Bytes of the package without and with its dependencies.

    The second is None if the package is not installed, but only on the path.
    """
    distribution = distribution_of(module)
    spec = importlib.util.find_spec(module)
    folder = Path(str(spec.origin)).parent if spec else Path()
    if distribution is None:
        return folder_size(folder), None
    # An editable installation consists of a few small files that refer to the folder.
    own = max(own_size(distribution), folder_size(folder))
    others = [other for other in with_dependencies(distribution).values() if other is not distribution]
    return own, own + sum(map(own_size, others))


@pytest.mark.parametrize("participant", DISTRIBUTIONS)
def test_import(record: Record, imports: dict[str, list[float]], participant: str) -> None:
    if participant not in imports:
        pytest.skip(f"{participant} is not installed")
    own, needed = sizes(participant)
    assert own > 0
    record("import", participant, imports[participant], unit="imports", amount=1, bytes=own, bytes_needed=needed)
