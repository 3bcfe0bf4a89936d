"""What ``day33 ensemble`` writes and prints: the report of a cross-validation, and a submission."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .._io.files import make_folder, replacing, write_json

if TYPE_CHECKING:
    from ..datasets.hidden_digits import HiddenDigits
    from ..ensemble.cross_validation import Report
    from ..ensemble.voting import HardVote

TABLE_FILE = "table.csv"
REPORT_FILE = "report.json"
CONFUSION_FIGURE = "confusion.png"
DISPUTED_FIGURE = "disputed.png"
REPORT_FILES = (TABLE_FILE, REPORT_FILE, CONFUSION_FIGURE, DISPUTED_FIGURE)
_DISPUTED = 24
_WIDTH = 100  # columns, where the output is no terminal


def write_report(report: Report, data: HiddenDigits, output: Path) -> None:
    """Write the table, all numbers, and the two figures of a cross-validation on `data`."""
    from ..ensemble.figures import confusion_matrix, disputed_images

    with replacing(output / TABLE_FILE) as path:
        report.table().to_csv(path)
    write_json(
        output / REPORT_FILE, {"held_out": len(report.rows), "accuracy": report.accuracy(), "scores": report.scores()}
    )
    digits = [str(digit) for digit in report.classes]
    title = f"Full ensemble, {len(report.rows)} held-out images: {report.accuracy():.3f}"
    confusion_matrix(report.confusion(), digits, output / CONFUSION_FIGURE, title=title)
    disputed = report.most_disputed(_DISPUTED)
    rows = report.rows[disputed]
    disputed_images(
        data.images[rows],
        report.votes[disputed],
        digits,
        output / DISPUTED_FIGURE,
        letters=[str(letter) for letter in data.letters[rows]],
        truth=[digits[label] for label in report.labels[disputed]],
    )


def print_table(report: Report) -> None:
    """Print the table; names of variants that are too long for the terminal go on in the next line."""
    from rich.console import Console
    from rich.table import Table

    frame = report.table()
    table = Table(box=None, show_edge=False, pad_edge=False)
    table.add_column(str(frame.index.name), overflow="fold")
    for column in frame.columns:
        table.add_column(column.replace(" per ", "\nper "), justify="right", no_wrap=True)
    for name, values in zip(frame.index, frame.to_numpy(), strict=True):
        table.add_row(name, *values)
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    Console(width=width, highlight=False, markup=False).print(table)


def write_submission(path: Path, data: HiddenDigits, vote: HardVote) -> None:
    """Write the digits that an ensemble predicts for `data`, as the competition wants them."""
    predicted: Any = vote.predict(data.features())
    make_folder(path.parent)
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "digit"])
        writer.writerows(zip(data.ids.tolist(), predicted.tolist(), strict=True))
    typer.echo(f"{len(data)} predictions: {path}")
