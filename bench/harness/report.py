"""Writes the JSON file of a benchmark run as Markdown tables, with ratios of day33 to each peer, and as a chart.

python -m pytest bench --benchmark-json=bench.json
python bench/harness/report.py bench.json --markdown bench.md --chart docs/images/speed.png

Of several files, the turns of the same benchmark are joined, and the ratio of each run stands beside that of all turns.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
Workloads = dict[str, dict[str, Entry]]  # entries by workload and participant
# The section of a benchmark by the prefix of its file name, the longest one that matches. Sections have this order.
SECTIONS = {
    "test_autoencoder": "Auto-encoders",
    "test_open_engine": "Open engine",
    "test_kernels": "Kernels",
    "test_lyricist": "Lyricist",
    "test_ensemble": "Ensemble",
    "test_scaling": "Scaling",
    "test_memory": "Memory",
    "test_installation": "Installation",
}
OTHERS = "Others"
ENOUGH = 0.6  # of the limit; rows below are marked
# Participants that run on TensorFlow.
KERAS = ("keras", "tf", "tensorflow", "the note's loop")


def head(report: Entry) -> str:
    machine, ours = report["machine_info"], report["machine_info"]["day33"]
    peers = ", ".join(f"{name} {version}" for name, version in ours["peers"].items())
    cpu = machine.get("cpu", {})
    brand = cpu.get("brand_raw", machine.get("processor", "unknown processor"))
    system = f"{machine['system']} {machine['machine']}, Python {machine['python_version']}"
    versions = f"day33 {ours['version']} ({ours['isa']}); {peers}"
    first = f"{brand}, {ours['threads']} threads each, {system}; {versions}. {report['datetime'][:10]}."
    limits = "; ".join(map(of_machine, ours.get("limits", ())))
    return f"{first}\n\nLimits: {limits}. ▼: below {ENOUGH:.0%} of the limit." if limits else first


def of_machine(limits: dict[str, Any]) -> str:
    """What the machine does at most on so many threads."""
    reading = ", ".join(f"{level} {number(rate / 1e9)}" for level, rate in limits["reading"].items())
    threads = f"{limits['threads']} thread{'s' if limits['threads'] > 1 else ''}"
    return f"{threads} ({limits['isa']}) {number(limits['flops'] / 1e9)} GFLOP/s, reading in GB/s {reading}"


def section_of(entry: Entry) -> str:
    stem = Path(entry["fullname"].split("::")[0]).stem
    prefixes = [name for name in SECTIONS if stem.startswith(name)]
    return SECTIONS[max(prefixes, key=len)] if prefixes else OTHERS


def by_section(report: Entry) -> dict[str, Workloads]:
    sections: dict[str, Workloads] = {name: {} for name in (*SECTIONS.values(), OTHERS)}
    for entry in report["benchmarks"]:
        workload = sections[section_of(entry)].setdefault(entry["group"], {})
        workload[entry["extra_info"]["participant"]] = entry
    return {name: workloads for name, workloads in sections.items() if workloads}


def joined(runs: list[Entry]) -> Entry:
    """One report of several: a benchmark that is in more than one of them has the turns of all.

    Its median is of all turns, ``extra_info["runs"]`` has the median of each run, and its limit is the least one, since
    what slows the machine for a while is no limit of it.
    """
    found: dict[tuple[str, str], list[Entry]] = {}
    for run in runs:
        for entry in run["benchmarks"]:
            found.setdefault((entry["fullname"], entry["group"]), []).append(entry)
    return runs[0] | {"benchmarks": [same[0] if len(same) == 1 else _of_all_turns(same) for same in found.values()]}


def _of_all_turns(same: list[Entry]) -> Entry:
    seconds = [value for entry in same for value in entry["stats"]["data"]]
    lower, middle, upper = statistics.quantiles(seconds, n=4, method="inclusive")
    info = same[0]["extra_info"] | {"runs": [median(entry) for entry in same]}
    if limits := [entry["extra_info"]["limit_seconds"] for entry in same if "limit_seconds" in entry["extra_info"]]:
        info["limit_seconds"] = min(limits)
    return same[0] | {"stats": {"median": middle, "iqr": upper - lower, "data": seconds}, "extra_info": info}


# ---- numbers ----


def number(value: float) -> str:
    """Three significant digits, with thousands separators."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def scaled(value: float, units: Iterable[tuple[float, str]]) -> str:
    """The value in the first unit in which it is at least 1, or else in the last one."""
    chosen = list(units)
    factor, unit = next((pair for pair in chosen if value * pair[0] >= 1), chosen[-1])
    return f"{number(value * factor)} {unit}"


def duration(seconds: float) -> str:
    return scaled(seconds, ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")))


def size(count: float) -> str:
    return scaled(count, ((1e-9, "GB"), (1e-6, "MB"), (1e-3, "kB")))


def median(entry: Entry) -> float:
    return float(entry["stats"]["median"])


def cell(entry: Entry) -> str:
    """Median time per call with the interquartile range in percent, and the rate."""
    info = entry["extra_info"]
    spread = 100 * entry["stats"]["iqr"] / median(entry)
    return f"{duration(median(entry))} ± {spread:.0f}% ({number(info['amount'] / median(entry))} {info['unit']}/s)"


def share(entry: Entry) -> float | None:
    """The shortest time that the machine allows, as a part of the median time; None where it is not known."""
    least = entry["extra_info"].get("limit_seconds")
    return least / median(entry) if least else None


def of_limit(ours: float | None, limit: str = "") -> str:
    """A cell with a share of the limit, and by what the machine limits it."""
    if ours is None:
        return "–"
    return f"{'▼ ' if ours < ENOUGH else ''}{ours:.0%}{f' ({limit})' if limit else ''}"


def limit_cell(entry: Entry) -> str:
    return of_limit(share(entry), entry["extra_info"].get("limit", ""))


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def is_ours(participant: str) -> bool:
    return participant.startswith("day33")


def peers_of(entries: dict[str, Entry]) -> list[str]:
    """The participants other than day33, fastest first."""
    return sorted((name for name in entries if not is_ours(name)), key=lambda name: median(entries[name]))


def lead(entries: dict[str, Entry], *, over: tuple[str, ...] | None = None) -> float | None:
    """How many times faster day33 is than the fastest peer, of those whose names begin with one of `over` if given.

    None where there is no such peer, or no day33.
    """
    peers = [name for name in peers_of(entries) if over is None or name.startswith(over)]
    if "day33" not in entries or not peers:
        return None
    return median(entries[peers[0]]) / median(entries["day33"])


def leads(members: list[dict[str, Entry]], *, over: tuple[str, ...] | None = None) -> list[float]:
    """The `lead` of each workload that has one."""
    return [ratio for entries in members if (ratio := lead(entries, over=over)) is not None]


def by_family(workloads: Workloads) -> dict[str, list[dict[str, Entry]]]:
    """The workloads of each family of kernels."""
    families: dict[str, list[dict[str, Entry]]] = {}
    for entries in workloads.values():
        if family := next(iter(entries.values()))["extra_info"].get("family"):
            families.setdefault(family, []).append(entries)
    return families


# ---- tables ----

RATIOS = [
    "| workload | day33 | of the limit | best peer | day33 is faster by | than the others by |",
    "|---|---|---|---|---|---|",
]


def rows(workload: str, entries: dict[str, Entry]) -> list[str]:
    """One row for each participant of day33 ("day33", "day33 predict")."""
    peers = peers_of(entries)
    lines = []
    for ours in filter(is_ours, entries):
        way = ours.removeprefix("day33").lstrip(", ")
        title = f"{workload}, {way}" if way else workload
        measured = f"{cell(entries[ours])} | {limit_cell(entries[ours])}"
        if not peers:
            lines.append(f"| {title} | {measured} | – | – | – |")
            continue
        ratios = [f"{number(median(entries[name]) / median(entries[ours]))}×" for name in peers]
        others = ", ".join(f"{name} {ratio}" for name, ratio in zip(peers[1:], ratios[1:], strict=True)) or "–"
        best = f"{peers[0]}: {cell(entries[peers[0]])}"
        lines.append(f"| {title} | {measured} | {best} | **{ratios[0]}**{of_runs(entries, ours)} | {others} |")
    return lines


def of_runs(entries: dict[str, Entry], ours: str) -> str:
    """How many times faster than the fastest peer of that run, for each run that was joined."""
    medians = {name: entry["extra_info"].get("runs", ()) for name, entry in entries.items()}
    if len(set(map(len, medians.values()))) > 1:
        return ""  # a participant is missing in a run
    found = []
    for times in zip(*medians.values(), strict=True):
        run = dict(zip(medians, times, strict=True))
        found.append(number(min(run[name] for name in run if not is_ours(name)) / run[ours]))
    return f" ({', '.join(found)})" if found else ""


def mean_rows(workloads: Workloads) -> list[str]:
    """A row for each family of several kernels: the geometric mean over the workloads of day33 and the peer."""
    lines = []
    for family, members in by_family(workloads).items():
        best = leads(members)
        if len(best) < 2:
            continue
        names = dict.fromkeys(name for entries in members for name in entries if not is_ours(name))
        means = []
        for name in names:
            ratios = [median(e[name]) / median(e["day33"]) for e in members if name in e and "day33" in e]
            if ratios:
                means.append(f"{name} {number(geometric_mean(ratios))}×")
        shares = [part for e in members if "day33" in e and (part := share(e["day33"])) is not None]
        of_all = of_limit(geometric_mean(shares) if shares else None)
        mean = f"**{number(geometric_mean(best))}×**"
        lines.append(
            f"| *geometric mean: {family}* | {len(best)} rows | {of_all} | each row's best | {mean} | "
            f"{', '.join(means)} |"
        )
    return lines


def ladder_rows(workload: str, entries: dict[str, Entry]) -> list[str]:
    """The rungs of each library relative to its first one (one thread, the baseline instruction set)."""
    libraries: dict[str, list[Entry]] = {}
    for entry in entries.values():
        libraries.setdefault(entry["extra_info"]["library"], []).append(entry)
    lines = []
    for library, (first, *rungs) in libraries.items():
        for entry in rungs:
            low, high = (f"{e['extra_info']['rung']}: {cell(e)}" for e in (first, entry))
            limit = limit_cell(entry) if is_ours(library) else "–"
            faster = f"**{number(median(first) / median(entry))}×**"
            lines.append(f"| {workload} | {library} | {low} | {high} | {limit} | {faster} |")
    return lines


def scaling_table(workloads: Workloads) -> list[str]:
    ladders: list[str] = []
    races: list[str] = []
    for workload, entries in workloads.items():
        if all("rung" in entry["extra_info"] for entry in entries.values()):
            ladders += ladder_rows(workload, entries)
        else:
            races += rows(workload, entries)
    if ladders:
        ladders = [
            "| workload | library | from | to | of the limit | faster by |",
            "|---|---|---|---|---|---|",
            *ladders,
        ]
    if races:
        races = [*RATIOS, *races]
    return [*ladders, *([""] if ladders and races else []), *races]


def memory_table(workloads: Workloads) -> list[str]:
    lines = ["| workload | day33 | peers (multiple of day33) |", "|---|---|---|"]
    for workload, entries in workloads.items():
        taken = {name: entry["extra_info"]["bytes"] for name, entry in entries.items()}
        ours = taken.pop("day33", None)
        peers = []
        for name in sorted(taken, key=taken.__getitem__):
            ratio = f" ({number(taken[name] / ours)}×)" if ours else ""
            peers.append(f"{name} {size(taken[name])}{ratio}")
        title = workload.removeprefix("memory: ")
        lines.append(f"| {title} | {size(ours) if ours else '–'} | {', '.join(peers) or '–'} |")
    return lines


def installation_table(workloads: Workloads) -> list[str]:
    lines = ["| package | import | multiple of day33 | installed | with dependencies |", "|---|---|---|---|---|"]
    for entries in workloads.values():
        for name, entry in entries.items():
            info = entry["extra_info"]
            ratio = f"{number(median(entry) / median(entries['day33']))}×" if "day33" in entries else "–"
            needed = size(info["bytes_needed"]) if info.get("bytes_needed") else "–"
            lines.append(f"| {name} | {duration(median(entry))} | {ratio} | {size(info['bytes'])} | {needed} |")
    return lines


TABLES = {"Scaling": scaling_table, "Memory": memory_table, "Installation": installation_table}


def tables(report: Entry) -> str:
    lines = [head(report)]
    for section, workloads in by_section(report).items():
        lines += ["", f"### {section}", ""]
        if section in TABLES:
            lines += TABLES[section](workloads)
        else:
            lines += [*RATIOS, *(line for item in workloads.items() for line in rows(*item)), *mean_rows(workloads)]
    return "\n".join(lines) + "\n"


# ---- chart ----


def bars(report: Entry) -> list[tuple[str, float, float | None]]:
    """The title, the lead over the fastest peer and the lead over Keras or TensorFlow, for each bar of the chart.

    A family of kernels is one bar: the geometric means of its leads.
    """
    sections = by_section(report)
    found = []
    for section in ("Auto-encoders", "Kernels", "Lyricist", "Ensemble"):
        workloads = sections.get(section, {})
        families = by_family(workloads)
        for workload, entries in workloads.items():
            if "family" not in next(iter(entries.values()))["extra_info"] and (best := lead(entries)) is not None:
                found.append((workload, best, lead(entries, over=KERAS)))
        for family, members in families.items():
            best_of, keras_of = leads(members), leads(members, over=KERAS)
            if best_of:
                mean = geometric_mean(keras_of) if keras_of else None
                found.append((family, geometric_mean(best_of), mean))
    return found


def draw(report: Entry, path: Path) -> None:
    """Draws horizontal bars on a logarithmic scale.

    Raises ValueError if no workload has both day33 and a peer.
    """
    from matplotlib.figure import Figure

    found = bars(report)
    if not found:
        raise ValueError("the number of workloads with day33 and a peer is 0; expected at least 1 for the chart")
    # An opaque background, so that the chart is legible on light and on dark pages.
    card, ink, line = "#f6f8fa", "#1f2328", "#afb8c1"
    series: list[tuple[str, str, list[Any]]]
    series = [("the fastest peer", "#0969da", [row[1] for row in found]),
              ("Keras or TensorFlow", "#bf8700", [row[2] for row in found])]  # fmt: skip
    figure = Figure(figsize=(8.4, 1.5 + 0.42 * len(found)), facecolor=card, layout="constrained")
    axes = figure.add_subplot(facecolor=card)
    thickness = 0.38
    for place, (label, colour, ratios) in enumerate(series):
        for row, ratio in enumerate(ratios):
            if ratio is None:
                continue
            height = row + (place - 0.5) * thickness
            # Bars begin at 1, so that a ratio below 1 (day33 is slower) extends to the left.
            axes.barh(height, ratio - 1, thickness, left=1, color=colour, label=label)
            side, shift = ("left", 3) if ratio >= 1 else ("right", -3)
            axes.annotate(f"{number(ratio)}×", (ratio, height), (shift, 0), textcoords="offset points",
                          ha=side, va="center", fontsize=8.5, color=ink)  # fmt: skip
    values = [ratio for _, _, ratios in series for ratio in ratios if ratio is not None]
    axes.set_xscale("log")
    axes.set_xlim(0.5 * min(1.0, *values), 2 * max(1.0, *values))
    ticks = [tick for power in range(-3, 6) for tick in (10.0**power, 3 * 10.0**power)]
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in ticks if low <= tick <= high], minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{number(value)}×")
    axes.set_yticks(range(len(found)), [row[0] for row in found], fontsize=9, color=ink)
    axes.set_ylim(len(found) - 0.4, -0.6)  # the first bar at the top
    axes.axvline(1, color=ink, linewidth=0.8)
    axes.grid(axis="x", color=line, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelcolor=ink)
    axes.spines[:].set_visible(False)
    axes.set_title("How many times faster day33 is", loc="left", fontsize=11, color=ink)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), [f"than {label}" for label in handles], loc="outside lower center", ncols=2,
                  frameon=False, fontsize=9, labelcolor=ink)  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=180)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "json", type=Path, nargs="+", help="files written by pytest --benchmark-json; several are joined"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="also write the chart to this file (.png, .svg)")
    chosen = parser.parse_args(arguments)
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in chosen.json]
    report = joined(runs)
    text = tables(report)
    print(text, end="")
    if chosen.markdown:
        chosen.markdown.write_text(text, encoding="utf-8")
    if chosen.chart:
        draw(report, chosen.chart)


if __name__ == "__main__":
    main()
