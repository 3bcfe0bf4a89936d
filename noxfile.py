"""One command per task: `nox -s tests | lint | native | sanitizers | bench | build`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "tests", "native", "sanitizers"]

PROJECT = nox.project.load_toml("pyproject.toml")
WHEEL_LIMIT = 5_000_000  # bytes
CMAKE = ("cmake>=3.25", "ninja")


@nox.session
def tests(session: nox.Session) -> None:
    """Install with the yardsticks and run the Python tests. Arguments go to pytest."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Load ten thousand mutated model files. Arguments replace the number (and --seed)."""
    session.install(".")
    session.run("python", "tests/formats/fuzz_keras_files.py", *(session.posargs or ["10000"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, mypy and clang-format, and change nothing."""
    tools = [r for r in PROJECT["project"]["optional-dependencies"]["dev"] if r.startswith(("clang-", "mypy", "ruff"))]
    session.install(*tools, *PROJECT["project"]["dependencies"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    sources = sorted(str(p) for d in ("csrc", "tests/native") for p in Path(d).rglob("*") if p.suffix in (".cpp", ".h"))
    session.run("clang-format", "--dry-run", "--Werror", *sources)


@nox.session
def native(session: nox.Session) -> None:
    """Build and run the native tests. Arguments name presets of CMakePresets.json (release by default)."""
    session.install(*CMAKE)
    for preset in session.posargs or ["release"]:
        run_preset(session, preset)


@nox.session
def sanitizers(session: nox.Session) -> None:
    """Run the native tests under ASan+UBSan, then under TSan. Arguments name other presets."""
    session.install(*CMAKE)
    for preset in session.posargs or ["asan-ubsan", "tsan"]:
        run_preset(session, preset)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks, and write tables and chart to build/. Arguments go to pytest; files replace all of bench/."""
    session.install(".[bench]")
    results, table, chart = (Path("build", name) for name in ("bench.json", "bench.md", "speed.png"))
    results.parent.mkdir(exist_ok=True)
    chosen = [] if any(argument.startswith("bench/") for argument in session.posargs) else ["bench"]
    session.run("python", "-m", "pytest", *chosen, f"--benchmark-json={results}", *session.posargs)
    session.run("python", "bench/harness/report.py", str(results), f"--markdown={table}", f"--chart={chart}")
    session.log(f"{table}, {chart}")


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and, out of it, the wheel, and check the wheel's size and that it computes."""
    session.install("build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
    (wheel,) = Path("dist").glob("*.whl")
    size = wheel.stat().st_size
    session.log(f"{wheel.name}: {size / 1e6:.2f} MB")
    if size >= WHEEL_LIMIT:
        session.error(f"the wheel has {size} bytes; the limit is {WHEEL_LIMIT}")
    session.install(str(wheel))
    session.run("python", ".ci/smoke.py")


def run_preset(session: nox.Session, preset: str) -> None:
    """Configure, build and test one preset.

    ThreadSanitizer needs the addresses it reserves. Kernels that randomise more bits than it expects break it, so
    the layout is fixed where that is allowed.
    """
    command = ["cmake", "--workflow", "--preset", preset]
    if preset.endswith("tsan") and can_fix_addresses():
        command = ["setarch", "-R", *command]
    session.run(*command, external=True)


def can_fix_addresses() -> bool:
    """Tell whether setarch exists and may switch address randomisation off (containers often forbid it)."""
    if shutil.which("setarch") is None:
        return False
    return subprocess.run(["setarch", "-R", "true"], check=False, capture_output=True).returncode == 0
