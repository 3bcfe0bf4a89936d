"""``day33 ensemble``: from train.csv to submission.csv, with a report beside it."""

from __future__ import annotations

import contextlib
import enum
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apps import App
from .errors import given, interruptible, list_files, reported, resumable, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..datasets.hidden_digits import HiddenDigits
    from ..ensemble.checkpoint import Checkpoint
    from ..ensemble.cross_validation import Fold, Report
    from ..ensemble.hidden_digits import Settings, Variant
    from ..ensemble.pace import Training
    from ..ensemble.voting import HardVote
    from .ensemble_outlook import Outlook
    from .runs import RunFolder

app = App(help="Vote on hidden digits: bagged LightGBM and convolutional networks.", no_args_is_help=True)

MODEL_FOLDER = "model"
SUBMISSION_FILE = "submission.csv"
CONNECT_SECONDS = 30
_FINAL = "final"  # the shelves of the ensemble itself, beside those of the folds
# `parts` counts what is finished: the ensemble itself, then each fold.
_SETTING_TYPES = {
    "train": str | None,
    "test": str | None,
    "submission": str | None,
    "members": str,
    "cv": int,
    "parts": int,
    "digits": str | None,
    "flip": bool,
    "channels": bool,
    "voting": str,
    "rounds": int,
    "epochs": int | None,
    "compare_epochs": int,
    "limit": int | None,
    "seed": int,
    "data_sha256": str,
}
# What a resumed run reads again, wherever it is now, and what it writes: neither changes the ensemble.
_PATHS = ("train", "test", "submission", "digits")


class Voting(enum.StrEnum):
    """The values of --voting."""

    hard = "hard"
    soft = "soft"


@app.command()
def fit(
    context: typer.Context,
    train: Annotated[
        Path | None,
        typer.Argument(help="The competition's train.csv or train.csv.gz.", show_default="composed images"),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Its test.csv or test.csv.gz, to predict.")] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Where to write the predictions.", show_default="submission.csv in the output")
    ] = None,
    members: Annotated[str, typer.Option(help="How many of each kind: lgbm, encoder, conv.")] = (
        "lgbm=10,encoder=5,conv=2"
    ),
    cv: Annotated[int, typer.Option(help="Folds of the cross-validation; 0 leaves it out.", min=0)] = 5,
    cv_first: Annotated[
        int | None, typer.Option(min=1, help="Judge this many of the folds only, the first.", show_default="all")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Minutes for the command: judge the folds that are expected to be done by then.",
            show_default="no limit",
        ),
    ] = None,
    digits: Annotated[
        Path | None,
        typer.Option(help="More digits (as for the auto-encoder: .npz or IDX) to compose training images of."),
    ] = None,
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Mirrored images join the training set.")] = False,
    channels: Annotated[
        bool, typer.Option("--channels/--no-channels", help="Digit and letter get channels of their own.")
    ] = True,
    voting: Annotated[Voting, typer.Option(help="Count members' votes, or average their probabilities.")] = Voting.soft,
    rounds: Annotated[int, typer.Option(min=1, help="Boosting rounds of LightGBM.")] = 60,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes of each network over the images; with --digits, each pass has nine composed images more "
            "for every image.",
            show_default="100, or 14 with --digits",
        ),
    ] = None,
    compare_epochs: Annotated[
        int,
        typer.Option(
            min=0,
            help="Epochs in which ideas are compared on networks, with composed images a tenth of them; 0 leaves these "
            "lines out.",
        ),
    ] = 10,
    limit: Annotated[
        int | None, typer.Option(min=20, help="Use this many training images only, the first.", show_default="all")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Members trained at a time; -1 for one per core.")] = -1,
    scheduler: Annotated[
        str | None, typer.Option(help="Train on the cluster of the Dask scheduler at this address, tcp://host:port.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes folds, resamples, weights and augmentation.")] = 0,
    output: Annotated[Path, typer.Option(help="The folder for everything that is written.")] = Path("day33-ensemble"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")] = False,
) -> None:
    """Train the ensemble, fill in the submission, and say what each idea is worth.

    The ensemble is trained first and written (without pickle; `day33 ensemble predict` loads it), and with --test the
    submission. Then follows the cross-validation, which takes several times as long: after each fold, the table, the
    confusion matrix and the most disputed images are written for the folds so far. Every member and every fold is kept
    when it is done. A run that was stopped or killed goes on with --resume: it takes its options from the folder, and
    ends with the same votes as a run that was never stopped.
    """
    if resume and overwrite:
        raise typer.BadParameter("cannot be combined with --resume", param_hint="'--overwrite'")
    started = time.perf_counter()
    options: dict[str, Any] = {
        "train": _absolute(train),
        "test": _absolute(test),
        "submission": _absolute(submission),
        "members": members,
        "cv": cv,
        "digits": _absolute(digits),
        "flip": flip,
        "channels": channels,
        "voting": voting.value,
        "rounds": rounds,
        "epochs": epochs,
        "compare_epochs": compare_epochs,
        "limit": limit,
        "seed": seed,
    }
    with reported(), interruptible("Nothing was changed."):
        with _run_folder(output) as run:
            folds = cv if cv_first is None else min(cv_first, cv)
            if resume:
                stored = run.stored_settings()
                options = {name: value if given(context, name) else stored[name] for name, value in options.items()}
                folds = min(options["cv"], cv_first or stored["parts"] - 1)
            job = _prepare(options, folds, jobs)
            with _cluster(scheduler):
                _begin(run, job, options, resume=resume, overwrite=overwrite)
                again = f"Go on with: day33 ensemble fit --output {shlex.quote(str(output))} --resume"
                with resumable(run.path, again):
                    until = None if budget is None else started + 60 * budget
                    _work(run, job, until, again)


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
        from .ensemble_results import write_submission

        inside = model / MODEL_FOLDER
        folder = inside if (inside / MANIFEST_FILE).is_file() else model
        if not (folder / MANIFEST_FILE).is_file():
            raise FileNotFoundError(
                f"{model}: no fitted ensemble there (no {MANIFEST_FILE}); make one with: day33 ensemble fit"
            )
        write_submission(submission, load_hidden_digits(test), load_ensemble(folder))


# ---- what is asked for ----


@dataclass
class _Job:
    """Everything that a run needs, read and checked before the folder is touched."""

    data: HiddenDigits
    X: NDArray[Any]
    y: NDArray[Any]
    tested: HiddenDigits | None
    submission: Path | None
    settings: Settings
    judged: Settings
    compared: list[Variant]
    folds: int
    of_folds: int
    title: str
    data_sha256: str

    @property
    def parts(self) -> int:
        return 1 + self.folds


def _prepare(options: dict[str, Any], folds: int, jobs: int) -> _Job:
    counts = _parse_members(options["members"])
    from ..datasets import load_hidden_digits, load_mnist, make_hidden_digits
    from ..ensemble.cross_validation import check_folds
    from ..ensemble.hidden_digits import UNSPLIT, Settings, variants, without_lookalikes
    from .runs import fingerprint

    train, test, digits = options["train"], options["test"], options["digits"]
    data = make_hidden_digits(seed=options["seed"]) if train is None else load_hidden_digits(train)
    if data.digits is None:
        raise ValueError(f"{train}: no column digit, so there is nothing to learn from; is it the test set?")
    tested = None if test is None else load_hidden_digits(test)
    if options["submission"] is not None and tested is None:
        raise ValueError("--submission needs --test, the images to predict")
    settings = Settings(
        members=counts,
        voting=options["voting"],
        channels=None if options["channels"] else UNSPLIT,
        flip=options["flip"],
        digits=None if digits is None else load_mnist(digits)[0],
        rounds=options["rounds"],
        epochs=options["epochs"],
        n_jobs=jobs,
        seed=options["seed"],
    )
    X, y = data.features()[: options["limit"]], data.digits[: options["limit"]]
    if options["cv"]:
        check_folds(y, options["cv"])
    judged = without_lookalikes(settings, X) if folds else settings
    if folds and judged.digits is not None:
        typer.echo(
            f"Cross-validation composes with {len(judged.digits[0])} of the digits in {digits}: "
            "those that one of the images might hide are left out"
        )
    return _Job(
        data=data,
        X=X,
        y=y,
        tested=tested,
        submission=None if options["submission"] is None else Path(options["submission"]),
        settings=settings,
        judged=judged,
        compared=variants(judged, compare_epochs=options["compare_epochs"]),
        folds=folds,
        of_folds=options["cv"],
        title=f"{len(X)} images ({train or 'composed'}), members {options['members']}, {options['voting']} voting",
        data_sha256=fingerprint(X, y, *(settings.digits or ())),
    )


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _parse_members(text: str) -> dict[str, int]:
    from ..ensemble.hidden_digits import KINDS

    counts: dict[str, int] = {}
    for part in text.split(","):
        kind, _, number = part.strip().partition("=")
        if kind not in KINDS or kind in counts or not number.isascii() or not number.isdigit():
            raise ValueError(
                f"--members: {part.strip()!r} is not understood; expected such as lgbm=10,conv=2 "
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


# ---- the run ----


def _run_folder(path: Path) -> RunFolder:
    from .ensemble_results import REPORT_FILES
    from .runs import RunFolder

    return RunFolder(path, (MODEL_FOLDER, SUBMISSION_FILE, *REPORT_FILES), _SETTING_TYPES, length="parts")


def _begin(run: RunFolder, job: _Job, options: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
    settings = {**options, "parts": job.parts, "data_sha256": job.data_sha256}
    if resume:
        stored = run.stored_settings()
        done = f"the ensemble and {job.folds} folds are done"
        warnings = run.resume({**settings, **{name: stored[name] for name in _PATHS}}, done=done)
    else:
        warnings = run.start(settings, overwrite=overwrite)
    for warning in warnings:
        warn(warning)


def _work(run: RunFolder, job: _Job, until: float | None, again: str) -> None:
    from joblib import effective_n_jobs

    from ..ensemble.checkpoint import Checkpoint
    from .ensemble_outlook import Outlook

    typer.echo(job.title)
    checkpoint = Checkpoint(run.checkpoint_path)
    final = _trainings_of_ensemble(run, job, checkpoint)
    folds = _trainings_of_folds(job, checkpoint)
    outlook = Outlook(effective_n_jobs(job.settings.n_jobs), [*final, *(each for fold in folds for each in fold)])
    vote = _ensemble(run, job, checkpoint, outlook)
    if job.tested is not None:
        from .ensemble_results import write_submission

        write_submission(job.submission or run.path / SUBMISSION_FILE, job.tested, vote)
    done = _validate(run, job, checkpoint, outlook, folds, until)
    if done == job.folds:
        run.finish(job.parts)
    else:
        typer.echo(f"{done} of {job.folds} folds were judged in the time of --budget. {again}")
    list_files(run.path)


def _is_fitted(run: RunFolder) -> bool:
    from ..ensemble.saving import MANIFEST_FILE

    return (run.path / MODEL_FOLDER / MANIFEST_FILE).is_file()


def _trainings_of_ensemble(run: RunFolder, job: _Job, checkpoint: Checkpoint) -> list[Training]:
    from ..ensemble.hidden_digits import KINDS, training_of

    if _is_fitted(run):
        return []
    found = []
    for kind in KINDS:
        if job.settings.members.get(kind):
            training = training_of(kind, job.settings, len(job.X))
            found.append(training._replace(members=training.members - checkpoint.shelf(_FINAL, kind).members()))
    return [training for training in found if training.members]


def _trainings_of_folds(job: _Job, checkpoint: Checkpoint) -> list[list[Training]]:
    from ..ensemble.cross_validation import trainings_of_fold

    if not job.folds:
        return []
    rows = len(job.X) * (job.of_folds - 1) // job.of_folds
    return [trainings_of_fold(number, job.judged, job.compared, rows, checkpoint) for number in range(job.folds)]


def _ensemble(run: RunFolder, job: _Job, checkpoint: Checkpoint, outlook: Outlook) -> HardVote:
    """The ensemble, fitted on all images and written, or as it was written before."""
    from ..ensemble.hidden_digits import fit_ensemble
    from ..ensemble.saving import load_ensemble, save_ensemble
    from .ensemble_outlook import in_words, progress_bars

    folder = run.path / MODEL_FOLDER
    if _is_fitted(run):
        vote: HardVote = load_ensemble(folder)
    else:
        started = time.perf_counter()
        outlook.begin()
        with progress_bars(outlook) as show:
            vote = fit_ensemble(job.X, job.y, job.settings, show, shelf_of=lambda kind: checkpoint.shelf(_FINAL, kind))
        save_ensemble(vote, folder)
        typer.echo(
            f"The ensemble, fitted on all {len(job.X)} images in {in_words(time.perf_counter() - started)}: {folder}"
        )
    checkpoint.clear(_FINAL)
    return vote


def _validate(
    run: RunFolder,
    job: _Job,
    checkpoint: Checkpoint,
    outlook: Outlook,
    trainings: list[list[Training]],
    until: float | None,
) -> int:
    """Judges the folds for which there is time; returns how many are judged now. Writes the report after each."""
    import numpy as np

    from ..ensemble.cross_validation import Report, judge_folds
    from .ensemble_outlook import in_words, progress_bars
    from .ensemble_results import print_table, write_report

    classes, labels = np.unique(job.y, return_inverse=True)
    folds: list[Fold] = []
    report: Report | None = None
    written = False
    with progress_bars(outlook) as show:
        judged = judge_folds(
            job.X, job.y, job.judged, folds=job.of_folds, compare=job.compared, progress=show, checkpoint=checkpoint
        )
        for number, ahead in enumerate(trainings):
            seconds = outlook.seconds(ahead)
            if until is not None and ahead and time.perf_counter() + (seconds or 0) > until:
                break
            left = outlook.left()
            typer.echo(
                f"Fold {number + 1} of {job.of_folds}" + ("" if left is None else f", about {in_words(left)} left"),
                err=True,
            )
            outlook.begin()
            folds.append(next(judged))
            report = Report(folds, labels, classes)
            written = bool(ahead)
            if written:
                write_report(report, job.data, run.path)
    if report is not None:
        if not written:  # every fold is of an earlier run, which may have been killed before it wrote the report
            write_report(report, job.data, run.path)
        print_table(report)
    return len(folds)
