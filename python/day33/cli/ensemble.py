"""``day33 ensemble``: from train.csv to submission.csv, with a report beside it."""

from __future__ import annotations

import contextlib
import csv
import enum
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apps import App
from .errors import interruptible, reported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..datasets.hidden_digits import HiddenDigits
    from ..ensemble.cross_validation import Report
    from ..ensemble.hidden_digits import Settings, Variant
    from ..ensemble.voting import HardVote

app = App(help="Vote on hidden digits: bagged LightGBM and convolutional networks.", no_args_is_help=True)

MODEL_FOLDER = "model"
SUBMISSION_FILE = "submission.csv"
TABLE_FILE = "table.csv"
REPORT_FILE = "report.json"
CONFUSION_FIGURE = "confusion.png"
DISPUTED_FIGURE = "disputed.png"
_DISPUTED = 24
CONNECT_SECONDS = 30


class Voting(enum.StrEnum):
    """The values of --voting."""

    hard = "hard"
    soft = "soft"


@app.command()
def fit(
    train: Annotated[
        Path | None,
        typer.Argument(help="The competition's train.csv or train.csv.gz.", show_default="composed images"),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Its test.csv or test.csv.gz, to predict.")] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Where to write the predictions.", show_default="submission.csv in the output")
    ] = None,
    members: Annotated[str, typer.Option(help="How many of each kind: lgbm, encoder, conv.")] = (
        "lgbm=10,encoder=5,conv=5"
    ),
    cv: Annotated[int, typer.Option(help="Folds of the cross-validation; 0 leaves it out.", min=0)] = 5,
    cv_first: Annotated[
        int | None, typer.Option(min=1, help="Judge the first so many folds only.", show_default="all")
    ] = None,
    digits: Annotated[
        Path | None,
        typer.Option(help="More digits (as for the auto-encoder: .npz or IDX) to compose training images of."),
    ] = None,
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Mirrored images join the training set.")] = False,
    channels: Annotated[
        bool, typer.Option("--channels/--no-channels", help="Digit and letter get channels of their own.")
    ] = True,
    voting: Annotated[Voting, typer.Option(help="Count members' votes, or average their probabilities.")] = Voting.hard,
    rounds: Annotated[int, typer.Option(min=1, help="Boosting rounds of LightGBM.")] = 60,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes of each network over the images; with --digits, three composed images to one in each.",
            show_default="40, or 10 with --digits",
        ),
    ] = None,
    compare_epochs: Annotated[
        int, typer.Option(min=0, help="Epochs in which ideas are compared on networks; 0 leaves these lines out.")
    ] = 12,
    limit: Annotated[int | None, typer.Option(min=20, help="Use the first so many training images only.")] = None,
    jobs: Annotated[int, typer.Option(help="Members trained at a time; -1 for one a core.")] = -1,
    scheduler: Annotated[
        str | None, typer.Option(help="Train on the cluster of the Dask scheduler at this address, tcp://host:port.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes folds, resamples, weights and augmentation.")] = 0,
    output: Annotated[Path, typer.Option(help="The folder for everything that is written.")] = Path("day33-ensemble"),
) -> None:
    """Train the ensemble, say what each idea is worth, and fill in the submission.

    Writes the table, the confusion matrix and the most disputed images (by cross-validation), the fitted ensemble
    (without pickle; `day33 ensemble predict` loads it), and with --test the submission.
    """
    with reported(), interruptible("Nothing of the ensemble was kept."):
        counts = _parse_members(members)
        from ..datasets import load_hidden_digits, load_mnist, make_hidden_digits
        from ..ensemble.hidden_digits import Settings, variants, without_lookalikes
        from ..ensemble.saving import save_ensemble

        data = make_hidden_digits(seed=seed) if train is None else load_hidden_digits(train)
        if data.digits is None:
            raise ValueError(f"{train}: no column digit, so there is nothing to learn from; is it the test set?")
        tested = None if test is None else load_hidden_digits(test)
        if submission is not None and tested is None:
            raise ValueError("--submission needs --test, the images to predict")
        settings = Settings(
            members=counts,
            voting=voting.value,
            channels=channels,
            flip=flip,
            digits=None if digits is None else load_mnist(digits)[0],
            rounds=rounds,
            epochs=epochs,
            n_jobs=jobs,
            seed=seed,
        )
        X, y = data.features()[:limit], data.digits[:limit]
        output.mkdir(parents=True, exist_ok=True)
        typer.echo(f"{len(X)} images ({train or 'composed'}), members {members}, {voting.value} voting")
        with _cluster(scheduler):
            if cv:
                judged = without_lookalikes(settings, X)
                if judged.digits is not None and digits is not None:
                    typer.echo(
                        f"Cross-validation composes with {len(judged.digits[0])} of the digits in {digits}: "
                        "those that one of the images might hide are left out"
                    )
                compared = variants(judged, compare_epochs=compare_epochs)
                _validate(X, y, data, judged, compared, (cv, cv_first), output)
            started = time.perf_counter()
            with _bars() as show:
                vote = _fit(X, y, settings, show)
            typer.echo(f"Final fit on all {len(X)} images: {time.perf_counter() - started:.0f} s")
        save_ensemble(vote, output / MODEL_FOLDER)
        if tested is not None:
            _write_submission(submission or output / SUBMISSION_FILE, tested, vote)
        typer.echo(f"Written to {output}{os.sep}")


@app.command()
def predict(
    test: Annotated[Path, typer.Argument(help="The competition's test.csv or test.csv.gz.")],
    model: Annotated[Path, typer.Option(help="The output folder of `day33 ensemble fit`, or the model in it.")] = Path(
        "day33-ensemble"
    ),
    submission: Annotated[Path, typer.Option(help="Where to write the predictions.")] = Path(SUBMISSION_FILE),
) -> None:
    """Predict the digits of a file with a fitted ensemble."""
    with reported(), interruptible("Nothing was written."):
        from ..datasets import load_hidden_digits
        from ..ensemble.saving import MANIFEST_FILE, load_ensemble

        inside = model / MODEL_FOLDER
        folder = inside if (inside / MANIFEST_FILE).is_file() else model
        if not (folder / MANIFEST_FILE).is_file():
            raise FileNotFoundError(
                f"{model}: no fitted ensemble there (no {MANIFEST_FILE}); make one with: day33 ensemble fit"
            )
        vote = load_ensemble(folder)
        _write_submission(submission, load_hidden_digits(test), vote)


def _parse_members(text: str) -> dict[str, int]:
    from ..ensemble.hidden_digits import KINDS

    counts: dict[str, int] = {}
    for part in text.split(","):
        kind, _, number = part.strip().partition("=")
        if kind not in KINDS or kind in counts or not number.isascii() or not number.isdigit():
            raise ValueError(
                f"--members: {part.strip()!r} is not understood; expected such as lgbm=10,conv=5 "
                f"with the kinds {', '.join(KINDS)}"
            )
        counts[kind] = int(number)
    if not any(counts.values()):
        raise ValueError("--members: all counts are 0; expected one member or more")
    return counts


@contextlib.contextmanager
def _cluster(scheduler: str | None) -> Iterator[None]:
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("--scheduler needs Dask: pip install 'day33[distributed]'") from error
    import joblib

    with Client(scheduler, timeout=CONNECT_SECONDS) as client:
        typer.echo(f"{len(client.scheduler_info()['workers'])} workers at {scheduler}")
        with joblib.parallel_config(backend="dask"):
            yield


def _fit(X: NDArray[Any], y: NDArray[Any], settings: Settings, show: Callable[[str, int, int], None]) -> HardVote:
    from ..ensemble.hidden_digits import fit_ensemble

    return fit_ensemble(X, y, settings, show)


@contextlib.contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for what is being fitted; on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("members"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done)

        yield show


def _validate(
    X: NDArray[Any],
    y: NDArray[Any],
    data: HiddenDigits,
    settings: Settings,
    compared: list[Variant],
    folds: tuple[int, int | None],
    output: Path,
) -> None:
    from ..ensemble.cross_validation import cross_validate

    count, first = folds
    with _bars() as show:
        report = cross_validate(
            X, y, settings, folds=count, only=first, compare=compared, progress=show,
            on_fold=lambda fold: typer.echo(f"Fold {fold + 1} of {count}", err=True),
        )  # fmt: skip
    _write_report(report, data, output)


def _write_report(report: Report, data: HiddenDigits, output: Path) -> None:
    from .._io.files import replacing, write_json
    from ..ensemble.figures import confusion_matrix, disputed_images

    table = report.table()
    typer.echo(table.to_string())
    with replacing(output / TABLE_FILE) as path:
        table.to_csv(path)
    write_json(
        output / REPORT_FILE, {"held_out": len(report.rows), "accuracy": report.accuracy(), "scores": report.scores()}
    )
    digits = [str(digit) for digit in report.classes]
    with replacing(output / CONFUSION_FIGURE) as path:
        title = f"Full ensemble, {len(report.rows)} held-out images: {report.accuracy():.3f}"
        confusion_matrix(report.confusion(), digits, path, title=title)
    disputed = report.most_disputed(_DISPUTED)
    rows = report.rows[disputed]
    with replacing(output / DISPUTED_FIGURE) as path:
        disputed_images(
            data.images[rows],
            report.votes[disputed],
            digits,
            path,
            letters=[str(letter) for letter in data.letters[rows]],
            truth=[digits[label] for label in report.labels[disputed]],
        )


def _write_submission(path: Path, data: HiddenDigits, vote: HardVote) -> None:
    from .._io.files import replacing

    predicted: NDArray[np.int64] = vote.predict(data.features())
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "digit"])
        writer.writerows(zip(data.ids.tolist(), predicted.tolist(), strict=True))
    typer.echo(f"{len(data)} predictions: {path}")
