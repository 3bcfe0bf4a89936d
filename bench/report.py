"""Turns the JSON file of a benchmark run into a Markdown table of ratios: day33 against each peer.

python -m pytest bench --benchmark-json=bench.json && python bench/report.py bench.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def head(report: Entry) -> str:
    machine, ours = report["machine_info"], report["machine_info"]["day33"]
    peers = ", ".join(f"{name} {version}" for name, version in ours["peers"].items())
    cpu = machine.get("cpu", {})
    brand = cpu.get("brand_raw", machine.get("processor", "unknown processor"))
    system = f"{machine['system']} {machine['machine']}, Python {machine['python_version']}"
    versions = f"day33 {ours['version']} ({ours['isa']}); {peers}"
    return f"{brand}, {ours['threads']} threads each, {system}; {versions}. {report['datetime'][:10]}."


def by_workload(report: Entry) -> dict[str, dict[str, Entry]]:
    groups: dict[str, dict[str, Entry]] = {}
    for entry in report["benchmarks"]:
        groups.setdefault(entry["group"], {})[entry["extra_info"]["participant"]] = entry
    return groups


def number(value: float) -> str:
    """Three significant digits, with separators above a thousand."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{number(seconds * factor)} {unit}"
    return f"{number(seconds * 1e9)} ns"


def cell(entry: Entry) -> str:
    """Median time of a call with the interquartile range in per cent, and the rate."""
    stats, info = entry["stats"], entry["extra_info"]
    spread = 100 * stats["iqr"] / stats["median"]
    return f"{duration(stats['median'])} ± {spread:.0f}% ({number(info['amount'] / stats['median'])} {info['unit']}/s)"


def rows(workload: str, entries: dict[str, Entry]) -> list[str]:
    """One for each way into day33 ("day33", "day33 predict")."""

    def median(name: str) -> float:
        return float(entries[name]["stats"]["median"])

    peers = sorted((name for name in entries if not name.startswith("day33")), key=median)
    lines = []
    for ours in (name for name in entries if name.startswith("day33")):
        title = workload + ours.removeprefix("day33").replace(" ", ", ", 1)
        if not peers:
            lines.append(f"| {title} | {cell(entries[ours])} | – | – | – |")
            continue
        ratios = [f"{number(median(name) / median(ours))}×" for name in peers]
        others = ", ".join(f"{name} {ratio}" for name, ratio in zip(peers[1:], ratios[1:], strict=True)) or "–"
        best = f"{peers[0]}: {cell(entries[peers[0]])}"
        lines.append(f"| {title} | {cell(entries[ours])} | {best} | **{ratios[0]}** | {others} |")
    return lines


def table(report: Entry) -> str:
    lines = [
        head(report),
        "",
        "| workload | day33 | best peer | day33 is faster by | than the others by |",
        "|---|---|---|---|---|",
    ]
    for workload, entries in by_workload(report).items():
        lines += rows(workload, entries)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("json", type=Path, help="what pytest --benchmark-json wrote")
    print(table(json.loads(parser.parse_args().json.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
