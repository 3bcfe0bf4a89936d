"""The report of a benchmark run, made from invented results. Nothing is timed and no peer is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.bench import HARNESS, harness_module

SCRIPT = HARNESS / "report.py"


@pytest.fixture(scope="module")
def report() -> ModuleType:
    return harness_module("report")


def entry(file: str, workload: str, participant: str, seconds: float, **facts: Any) -> dict[str, Any]:
    return {
        "fullname": f"bench/{file}.py::test_it[{participant}]",
        "group": workload,
        "stats": {"median": seconds, "iqr": seconds / 10},
        "extra_info": {"participant": participant, "unit": "images", "amount": 100, **facts},
    }


LIMITS = {
    "isa": "avx2", "threads": 2, "flops": 190e9, "reading": {"L1": 600e9, "L2": 300e9, "L3": 80e9, "DRAM": 25.6e9},
}  # fmt: skip


def run_of(*entries: dict[str, Any]) -> dict[str, Any]:
    ours = {"version": "1.2", "isa": "avx2", "threads": 2, "peers": {"torch": "2.0"}, "limits": [LIMITS]}
    machine = {"system": "Linux", "machine": "x86_64", "python_version": "3.11", "cpu": {"brand_raw": "A CPU"}}
    return {
        "machine_info": machine | {"day33": ours}, "datetime": "2030-01-02T03:04:05", "benchmarks": list(entries),
    }  # fmt: skip


def row(table: str, title: str) -> list[str]:
    """The cells of the only row with this title."""
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


SMALL = {"family": "small channels"}
RUN = run_of(
    entry("test_kernels", "conv a", "day33", 1e-3, **SMALL, limit_seconds=9e-4, limit="arithmetic"),
    entry("test_kernels", "conv a", "torch", 2e-3, **SMALL),
    entry("test_kernels", "conv a", "tensorflow", 8e-3, **SMALL),
    entry("test_kernels", "conv b", "day33", 1e-3, **SMALL, limit_seconds=4e-4, limit="L3"),
    entry("test_kernels", "conv b", "torch", 8e-3, **SMALL),
    entry("test_kernels_dense", "one of its kind", "day33", 2e-3, family="dense"),
    entry("test_kernels_dense", "one of its kind", "numpy", 1e-3, family="dense"),
    entry("test_autoencoder", "inference", "day33", 1e-3),
    entry("test_autoencoder", "inference", "day33 predict", 2e-3),
    entry("test_autoencoder", "inference", "keras predict", 0.4),
    entry("test_autoencoder", "inference", "torch", 4e-3),
    entry("test_ensemble", "bag", "day33", 10.0),
    entry("test_ensemble", "bag", "day33, same", 20.0),
    entry("test_scaling", "threads: x", "day33, 1 thread", 3e-3, library="day33", rung="1 thread"),
    entry(
        "test_scaling",
        "threads: x",
        "day33, 2 threads",
        2e-3,
        library="day33",
        rung="2 threads",
        limit_seconds=1.5e-3,
        limit="arithmetic",
    ),
    entry("test_scaling", "threads: x", "torch, 1 thread", 8e-3, library="torch", rung="1 thread"),
    entry("test_scaling", "threads: x", "torch, 2 threads", 5e-3, library="torch", rung="2 threads"),
    entry("test_scaling", "batch 1", "day33", 5e-5),
    entry("test_scaling", "batch 1", "torch", 1e-4),
    entry("test_memory", "memory: a step", "day33", 1.0, bytes=4_000_000),
    entry("test_memory", "memory: a step", "torch", 1.0, bytes=20_000_000),
    entry("test_installation", "import", "day33", 0.1, bytes=3_000_000, bytes_needed=None),
    entry("test_installation", "import", "torch", 2.5, bytes=700_000_000, bytes_needed=1_200_000_000),
)


def test_each_participant_of_day33_has_a_row_with_the_peers_fastest_first(report: ModuleType) -> None:
    table = report.tables(RUN)
    assert row(table, "inference") == [
        "inference", "1 ms ± 10% (100,000 images/s)", "–", "torch: 4 ms ± 10% (25,000 images/s)", "**4×**",
        "keras predict 400×",
    ]  # fmt: skip
    assert row(table, "inference, predict")[4:] == ["**2×**", "keras predict 200×"]
    assert row(table, "bag, same")[2:] == ["–", "–", "–", "–"]


def test_the_share_of_the_limit_and_the_mark_of_a_row_far_below(report: ModuleType) -> None:
    table = report.tables(RUN)
    assert row(table, "conv a")[2] == "90% (arithmetic)"
    assert row(table, "conv b")[2] == "▼ 40% (L3)"
    assert row(table, "*geometric mean: small channels*")[2] == "60%"
    assert [line.split(" | ")[4] for line in table.splitlines() if line.startswith("| threads: x |")] == [
        "75% (arithmetic)", "–",
    ]  # fmt: skip
    assert (
        "Limits: 2 threads (avx2) 190 GFLOP/s, reading in GB/s L1 600, L2 300, L3 80, DRAM 25.6. "
        "▼: below 60% of the limit.\n"
    ) in table


def test_a_run_without_limits_has_none_in_its_head(report: ModuleType) -> None:
    run = json.loads(json.dumps(RUN))
    del run["machine_info"]["day33"]["limits"]
    assert "Limits" not in report.tables(run)


def test_geometric_means_of_families_of_several_rows(report: ModuleType) -> None:
    table = report.tables(RUN)
    # The ratios to the fastest peers are 2 and 8. TensorFlow has only one of the two rows.
    assert row(table, "*geometric mean: small channels*")[1:] == [
        "2 rows", "60%", "each row's best", "**4×**", "torch 4×, tensorflow 8×",
    ]  # fmt: skip
    assert "geometric mean: dense" not in table
    assert row(table, "one of its kind")[4] == "**0.5×**"


def test_a_ladder_is_measured_against_its_first_rung(report: ModuleType) -> None:
    lines = [line for line in report.tables(RUN).splitlines() if line.startswith("| threads: x |")]
    assert [re.findall(r"\*\*(.*)×\*\*", line) for line in lines] == [["1.5"], ["1.6"]]
    assert "1 thread: 3 ms" in lines[0] and "2 threads: 2 ms" in lines[0]
    assert row(report.tables(RUN), "batch 1")[4] == "**2×**"


def test_memory_and_installation_compare_bytes(report: ModuleType) -> None:
    table = report.tables(RUN)
    assert row(table, "a step") == ["a step", "4 MB", "torch 20 MB (5×)"]
    assert row(table, "day33") == ["day33", "100 ms", "1×", "3 MB", "–"]
    assert row(table, "torch") == ["torch", "2.5 s", "25×", "700 MB", "1.2 GB"]


def test_sections_are_in_order_and_none_is_empty(report: ModuleType) -> None:
    def headings(run: dict[str, Any]) -> list[str]:
        return re.findall(r"^### (.*)$", report.tables(run), re.MULTILINE)

    assert headings(RUN) == ["Auto-encoders", "Kernels", "Ensemble", "Scaling", "Memory", "Installation"]
    assert headings(run_of(entry("test_new", "w", "day33", 1.0))) == ["Others"]
    assert report.tables(RUN).startswith(
        "A CPU, 2 threads each, Linux x86_64, Python 3.11; day33 1.2 (avx2); torch 2.0"
    )


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (7e-8, "70 ns"), (3e-10, "0.3 ns")]
)
def test_durations(report: ModuleType, value: float, text: str) -> None:
    assert report.duration(value) == text


def test_bars_are_workloads_and_means_of_families(report: ModuleType) -> None:
    bars = {title: leads for title, *leads in report.bars(RUN)}
    assert bars["inference"] == pytest.approx([4, 400])
    assert bars["small channels"] == pytest.approx([4, 8])
    assert bars["dense"] == [0.5, None]
    # Workloads without a peer and the sections that the chart leaves out have no bars.
    assert set(bars) == {"inference", "small channels", "dense"}


def test_command_writes_table_and_chart_without_importing_a_peer(report: ModuleType, tmp_path: Path) -> None:
    files = []
    for number, chosen in enumerate((RUN["benchmarks"][:7], RUN["benchmarks"][7:])):
        files.append(tmp_path / f"run{number}.json")
        files[-1].write_text(json.dumps(run_of(*chosen)), encoding="utf-8")
    table, chart = tmp_path / "table.md", tmp_path / "images" / "speed.png"
    options = ["--markdown", str(table), "--chart", str(chart)]
    program = (
        "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__');"
        "print(sorted({'tensorflow', 'keras', 'torch', 'onnxruntime', 'jax', 'day33'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(SCRIPT), *map(str, files), *options],
        capture_output=True, encoding="utf-8", check=True, env=os.environ | {"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert table.read_text(encoding="utf-8") == report.tables(RUN)
    assert done.stdout == report.tables(RUN) + "[]\n"
    assert chart.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_chart_needs_a_workload_with_a_peer(report: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workloads with day33 and a peer is 0"):
        report.draw(run_of(entry("test_kernels", "alone", "day33", 1.0)), tmp_path / "chart.png")


def test_the_turns_of_several_runs_are_joined(report: ModuleType) -> None:
    def run(ours: list[float], torch: list[float], jax: list[float], limit: float) -> dict[str, Any]:
        found = []
        for name, seconds in (("day33", ours), ("torch", torch), ("jax", jax)):
            facts = {"limit_seconds": limit} if name == "day33" else {}
            made = entry("test_kernels", "conv a", name, sorted(seconds)[1], **facts)
            made["stats"]["data"] = seconds
            found.append(made)
        return run_of(*found)

    alone = run_of(entry("test_kernels", "conv b", "day33", 1e-3), entry("test_kernels", "conv b", "torch", 3e-3))
    runs = [
        run([1e-3, 2e-3, 3e-3], [4e-3, 4e-3, 5e-3], [6e-3, 7e-3, 8e-3], 1e-3),
        run([1e-3, 1e-3, 4e-3], [5e-3, 5e-3, 5e-3], [3e-3, 3e-3, 9e-3], 8e-4),
        alone,
    ]
    table = report.tables(report.joined(runs))
    ours, limit, best, ratio, others = row(table, "conv a")[1:]
    assert ours.startswith("1.5 ms") and limit == "▼ 53%"  # of 1, 1, 1, 2, 3, 4 ms; the least limit is 0.8 ms
    assert best.startswith("torch: 5 ms")
    # In the first run torch was the fastest peer, 4 ms to 2; in the second JAX, 3 ms to 1.
    assert ratio == "**3.33×** (2, 3)" and others == "jax 4.33×"
    assert row(table, "conv b")[4] == "**3×**"
