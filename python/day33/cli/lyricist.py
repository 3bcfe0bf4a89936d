"""``day33 lyricist``: train on text files, and write lines."""

from __future__ import annotations

import enum
import shlex
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apps import App
from .errors import given, interruptible, list_files, reported, resumable, warn

if TYPE_CHECKING:
    from ..lyricist import Lyricist
    from ..text import Corpus
    from ..text.corpus import CleanChoice
    from .runs import RunFolder

app = App(help="Learn lines from text files, and write new ones.", no_args_is_help=True)


class PaddingMode(enum.Enum):
    """The values of --padding."""

    skip = "skip"
    count = "count"


class ScheduleName(enum.StrEnum):
    """The values of --schedule."""

    constant = "constant"
    cosine = "cosine"
    plateau = "plateau"


class CleanRule(enum.StrEnum):
    """The values of --clean."""

    auto = "auto"
    note = "note"
    unicode = "unicode"


class WeightFormat(enum.StrEnum):
    """The values of --weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    int8 = "int8"


LOSS_FIGURE = "loss.png"
PERPLEXITY_FIGURE = "perplexity.png"
LINES_FILE = "lines.txt"
_BUILT_IN = "lines of a built-in grammar"
# With --note: the training of the note.
_NOTE_DEFAULTS = {
    "epochs": 30, "batch_size": 256, "embedding": 256, "hidden": 1024, "dropout": 0.0, "tied": False,
    "learning_rate": 0.001, "schedule": "constant",
}  # fmt: skip
# For files: what won on Shakespeare (docs/lyricist.md). The batch size follows the number of lines.
_FILE_DEFAULTS = {
    "epochs": 10, "batch_size": None, "embedding": 256, "hidden": 256, "dropout": 0.35, "tied": True,
    "learning_rate": 0.003, "schedule": "cosine",
}  # fmt: skip
# The built-in grammar has fewer than two hundred words, for which the note's sizes would only be slow, and few lines,
# of which batches of 256 make 15 steps per epoch. With these, a line is a sentence after the first epoch (validation
# perplexity 6.6, in the end 4.5), and all ten take about a quarter of a minute on two cores.
_GRAMMAR_DEFAULTS = {
    "epochs": 10, "batch_size": 16, "embedding": 64, "hidden": 128, "dropout": 0.0, "tied": False,
    "learning_rate": 0.01, "schedule": "plateau",
}  # fmt: skip
_SETTING_TYPES = {
    "paths": list,
    "epochs": int,
    "batch_size": int,
    "words": int,
    "embedding": int,
    "hidden": int,
    "dropout": float,
    "tied": bool,
    "padding": str,
    "max_tokens": int | None,
    "clean": str,
    "context": int,
    "validation": float,
    "learning_rate": float,
    "schedule": str,
    "clip_norm": float,
    "patience": int,
    "prompt": str,
    "seed": int,
    "data_sha256": str,
}


@app.command()
def train(
    invocation: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Text files, folders (all .txt in them) or patterns.", show_default=_BUILT_IN),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder for everything that is written.")] = Path("day33-lyricist"),
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the lines, at most.", show_default="10; note 30"),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Lines per step.", show_default="by the number of lines; built-in corpus 16; note 256"
        ),
    ] = None,
    words: Annotated[
        int, typer.Option(min=5, help="Size of the vocabulary; rarer words become the unknown one.")
    ] = 7000,
    embedding: Annotated[
        int | None,
        typer.Option(min=1, help="Width of the word vectors.", show_default="256, or as --hidden; built-in corpus 64"),
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Units of each LSTM layer.",
            show_default="256, or as --embedding; built-in corpus 128; note 1024",
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            help="Fraction of the activations dropped in training.", show_default="0.35; built-in corpus and note 0"
        ),
    ] = None,
    tied: Annotated[
        bool | None,
        typer.Option(
            "--tied/--untied",
            help="Let the word vectors be the weights of the output, too; they are as wide as the LSTM layers then.",
            show_default="tied where widths allow it; built-in corpus and note untied",
        ),
    ] = None,
    padding: Annotated[
        PaddingMode, typer.Option(help="Learn real tokens only, or fill lines up to one length and learn that too.")
    ] = PaddingMode.skip,
    max_tokens: Annotated[int | None, typer.Option(min=3, help="Leave out longer lines; start and end count.")] = None,
    clean: Annotated[
        CleanRule,
        typer.Option(
            help="Which letters words are of: a-z (note), or those of every script (unicode), which auto chooses where "
            "most letters are not a-z."
        ),
    ] = CleanRule.auto,
    context: Annotated[
        int,
        typer.Option(
            min=0, max=1000, help="Lines before a line that are read to write it; files tell which follow each other."
        ),
    ] = 0,
    validation: Annotated[float, typer.Option(help="Fraction of the distinct lines to measure on.")] = 0.1,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size of Adam.", show_default="0.003; built-in corpus 0.01; note 0.001")
    ] = None,
    schedule: Annotated[
        ScheduleName | None,
        typer.Option(
            help="Of the step size: falling to 0 (cosine), or halved when nothing improves (plateau).",
            show_default="cosine; built-in corpus plateau; note constant",
        ),
    ] = None,
    clip_norm: Annotated[float, typer.Option(help="Upper bound for the norm of the gradients; 0 for none.")] = 1.0,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after this many epochs without a better validation; 0 never stops.")
    ] = 3,
    prompt: Annotated[str, typer.Option(help="Begin the line after each epoch with this.")] = "",
    note: Annotated[
        bool,
        typer.Option("--note", help="Sizes, batches and steps of the note, where no other option says otherwise."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Fixes the split, the initial weights and the order.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; the result does not depend on them.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")] = False,
) -> None:
    """Train a language model on the lines of text files.

    Writes the weights, the vocabulary, the history, curves of loss and perplexity and a line after every epoch to the
    output folder, and a checkpoint after every epoch and on Ctrl-C. A run that was stopped or killed goes on with
    --resume: it takes its options from the folder, and ends with the same bits as a run that was never stopped.
    """
    if resume and overwrite:
        raise typer.BadParameter("cannot be combined with --resume", param_hint="'--overwrite'")
    for option, value, low, high in (
        ("dropout", dropout, 0, 1), ("validation", validation, 0, 1), ("learning-rate", learning_rate, 0, float("inf")),
        ("clip-norm", clip_norm, 0, float("inf")),
    ):  # fmt: skip
        if value is None:
            continue
        if not low <= value < high or (value == 0 and option in ("validation", "learning-rate")):
            raise typer.BadParameter(f"{value} is out of range", param_hint=f"'--{option}'")
    options: dict[str, Any] = {
        "paths": [str(Path(path).expanduser().absolute()) for path in paths or []],
        "epochs": epochs,
        "batch_size": batch_size,
        "words": words,
        "embedding": embedding,
        "hidden": hidden,
        "dropout": dropout,
        "tied": tied,
        "padding": padding.value,
        "max_tokens": max_tokens,
        "clean": clean.value,
        "context": context,
        "validation": validation,
        "learning_rate": learning_rate,
        "schedule": None if schedule is None else schedule.value,
        "clip_norm": clip_norm,
        "patience": patience,
        "prompt": prompt,
        "seed": seed,
    }
    with reported(), interruptible("Nothing was changed."):
        from .. import _native

        with _run_folder(output) as run:
            if threads is not None:
                _native.set_num_threads(threads)
            if resume:
                stored = run.stored_settings()
                options = {name: value if given(invocation, name) else stored[name] for name, value in options.items()}
                # The epochs that are done already can be the last ones: no further step would be taken.
                if options["schedule"] == "cosine" and options["epochs"] not in (stored["epochs"], run.logged_epochs()):
                    raise ValueError("the cosine schedule ends with its last epoch, so --epochs cannot change")
            defaults = _NOTE_DEFAULTS if note else _FILE_DEFAULTS if options["paths"] else _GRAMMAR_DEFAULTS
            options = _with_defaults(options, defaults)
            corpus = _load_corpus(options["paths"], options["max_tokens"], options["clean"])
            options["clean"] = corpus.clean
            _train(run, options, corpus, resume=resume, overwrite=overwrite)


def _with_defaults(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with defaults for those that are None. Weights are tied by default only where both widths are the
    same, and one width that is given is that of both where they are tied.
    """
    widths = [options[name] for name in ("embedding", "hidden") if options[name] is not None]
    tied = defaults["tied"] if options["tied"] is None else options["tied"]
    if options["tied"] is None and len(set(widths)) == 2:
        tied = False
    if tied and len(widths) == 1:
        defaults = {**defaults, "embedding": widths[0], "hidden": widths[0]}
    given = {name: value for name, value in options.items() if value is not None}
    return {**options, **defaults, **given, "tied": tied}


def _run_folder(path: Path) -> RunFolder:
    from ..lyricist import Lyricist
    from .runs import RunFolder

    return RunFolder(path, (*Lyricist.files, LOSS_FIGURE, PERPLEXITY_FIGURE, LINES_FILE), _SETTING_TYPES)


def _load_corpus(paths: list[str], max_tokens: int | None, clean: CleanChoice) -> Corpus:
    from .. import datasets
    from ..text import Corpus, load_corpus

    if paths:
        corpus = load_corpus(paths, max_tokens=max_tokens, clean=clean)
    else:
        typer.echo(f"No files given: using {_BUILT_IN}.")
        corpus = Corpus.from_lines(datasets.generate_lyrics(), max_tokens=max_tokens, clean=clean)
    typer.echo(corpus.describe())
    if clean == "auto" and corpus.clean == "unicode":
        typer.echo("Most letters are not a-z: words are of the letters of every script (--clean unicode).")
    return corpus


def _train(run: RunFolder, options: dict[str, Any], corpus: Corpus, *, resume: bool, overwrite: bool) -> None:
    import hashlib

    from ..lyricist import Lyricist
    from ..text import split_passages, split_sentences

    lyricist = Lyricist(
        options["words"],
        options["embedding"],
        options["hidden"],
        dropout=options["dropout"],
        tied=options["tied"],
        padding=options["padding"],
        clean=options["clean"],
        context=options["context"],
    )
    fraction, seed = options["validation"], options["seed"]
    if options["context"]:
        training, validation = split_passages(corpus, options["context"], fraction, seed=seed)
        # Which lines follow each other depends on where files begin, too.
        known = "\n".join([*corpus.sentences, repr(corpus.starts)])
    else:
        training, validation = split_sentences(corpus.sentences, fraction, seed=seed)
        known = "\n".join(corpus.sentences)
    if options["batch_size"] is None:
        options["batch_size"] = lyricist.batch_size(training)
    digest = hashlib.sha256(known.encode()).hexdigest()
    settings = {**options, "data_sha256": digest}  # what the files hold counts, not where they are
    if resume:
        settings["paths"] = run.stored_settings()["paths"]
        warnings = run.resume(settings)
    else:
        warnings = run.start(settings, overwrite=overwrite)
    for warning in warnings:
        warn(warning)
    with resumable(run.path, f"Go on with: {_resume_command(run.path)}"):
        _train_and_write(run, options, lyricist, training, validation)


def _resume_command(folder: Path) -> str:
    return f"day33 lyricist train --output {shlex.quote(str(folder))} --resume"


def _train_and_write(
    run: RunFolder, options: dict[str, Any], lyricist: Lyricist, training: list[str], validation: list[str]
) -> None:
    from ..callbacks import BackupAndRestore, CSVLogger, LambdaCallback
    from ..lyricist import LineWriter
    from ..lyricist.pipeline import count_lines
    from ..random import set_random_seed

    set_random_seed(options["seed"])
    model = lyricist.prepare(training)
    follows = f", each after up to {options['context']} before it" if options["context"] else ""
    typer.echo(
        f"{count_lines(training):,} lines to learn, {len(validation):,} to measure on{follows}, a vocabulary of "
        f"{model.vocab_size:,}, {model.count_params():,} parameters"
    )
    _warn_of_unknown_words(lyricist, options["prompt"])
    lines_path = run.path / LINES_FILE
    done: list[int] = []  # the epochs of this part of the run; the history also has those before
    started = time.perf_counter()
    history = lyricist.fit(
        training,
        validation,
        epochs=options["epochs"],
        batch_size=options["batch_size"],
        learning_rate=options["learning_rate"],
        schedule=options["schedule"],
        clip_norm=options["clip_norm"] or None,
        patience=options["patience"] or None,
        callbacks=[
            CSVLogger(run.history_path),
            LambdaCallback(on_epoch_end=lambda epoch, _: done.append(epoch)),
            LineWriter(lyricist, lines_path, options["prompt"], seed=options["seed"], show=_show_line),
            BackupAndRestore(run.checkpoint_path, delete_checkpoint=False),
        ],
    )
    seconds = time.perf_counter() - started
    _write_results(lyricist, run, options, history.history)
    run.finish(options["epochs"])
    _report(run, history.history, len(done), seconds)


def _show_line(line: str) -> None:
    typer.echo(f"  {line}")


def _warn_of_unknown_words(lyricist: Lyricist, prompt: str) -> None:
    unknown = lyricist.unknown_words(prompt)
    if unknown:
        warn(f"not in the vocabulary, so read as <unk>: {', '.join(unknown)}")


def _write_results(
    lyricist: Lyricist, run: RunFolder, options: dict[str, Any], history: Mapping[str, list[float]]
) -> None:
    from .. import plotting

    lyricist.save(run.path)
    padding = "padding skipped" if options["padding"] == "skip" else "padding counted"
    plotting.loss_curves(history, run.path / LOSS_FIGURE, title=f"Loss of the lyricist ({padding})")
    title = "Perplexity of the lyricist per real token"
    plotting.loss_curves(history, run.path / PERPLEXITY_FIGURE, title=title, metric="perplexity")


def _report(run: RunFolder, history: Mapping[str, list[float]], epochs: int, seconds: float) -> None:
    best = min(range(len(history["val_perplexity"])), key=history["val_perplexity"].__getitem__)
    typer.echo(
        f"After {len(history['loss'])} epochs, the best of which was number {best + 1}: validation loss "
        f"{history['val_loss'][best]:.4f}, perplexity {history['val_perplexity'][best]:.2f}, padded loss "
        f"{history['val_padded_loss'][best]:.4f}"
    )
    if epochs:
        typer.echo(f"{epochs} epochs in {seconds:.1f} s")
    list_files(run.path)


@app.command()
def write(
    directory: Annotated[Path, typer.Argument(help="The folder of a training.")],
    prompt: Annotated[str, typer.Argument(help="How the line begins.")] = "",
    lines: Annotated[
        int, typer.Option(min=1, help="How many lines. After a training with --context they follow each other.")
    ] = 1,
    after: Annotated[
        list[str] | None,
        typer.Option(help="A line before the first one; may be repeated. Needs --context in training."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Draw words at random; the higher, the more of the unlikely ones.",
            show_default="0, or 1 for many lines",
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Draw from this many words only, the likeliest.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the likeliest words that have this probability together.")
    ] = None,
    beam: Annotated[int, typer.Option(min=1, help="Search for the likeliest line, with this many at once.")] = 1,
    max_len: Annotated[int, typer.Option(min=1, help="Tokens in a line at most, start and end included.")] = 20,
    detokenize: Annotated[
        bool, typer.Option(help="Print lines with an upper-case letter first and no space before a mark.")
    ] = True,
    note: Annotated[
        bool,
        typer.Option(
            "--note", help="Write as the note does: also the unknown word, and a word more than twice in a row."
        ),
    ] = False,
    weights: Annotated[WeightFormat, typer.Option(help="How the weights are packed.")] = WeightFormat.float32,
    ban: Annotated[list[str] | None, typer.Option(help="A word not to use; may be repeated.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Makes the draws repeatable.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; the result does not depend on them.")] = None,
) -> None:
    """Write lines that begin with a prompt."""
    if temperature is not None and not 0 <= temperature < float("inf"):
        raise typer.BadParameter(f"{temperature} is out of range", param_hint="'--temperature'")
    if top_p is not None and not 0 < top_p <= 1:
        raise typer.BadParameter(f"{top_p} is out of range", param_hint="'--top-p'")
    if temperature is None:
        drawn = lines > 1 or top_k is not None or top_p is not None
        temperature = 1.0 if drawn and beam == 1 else 0.0
    if beam > 1 and (temperature > 0 or top_k is not None or top_p is not None):
        raise typer.BadParameter("cannot be combined with drawing at random", param_hint="'--beam'")
    with reported(), interruptible("Nothing was changed."):
        from .. import _native

        if threads is not None:
            _native.set_num_threads(threads)
        lyricist = _load(directory)
        if beam > 1 and lines > 1 and not lyricist.context:
            raise typer.BadParameter("gives one line", param_hint="'--beam'")
        _warn_of_unknown_words(lyricist, " ".join([*(after or ()), prompt]))
        if after and not lyricist.context:
            raise ValueError(f"{directory} knows lines alone; --after needs a training with --context")
        write = partial(lyricist.write_passage, after=after or ()) if lyricist.context else lyricist.write_many
        written = write(
            prompt,
            lines,
            detokenize=detokenize,
            unknown=note,
            max_repeats=None if note else 2,
            max_len=max_len,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            beams=beam,
            weights=weights.value,
            banned=tuple(ban or ()),
            seed=seed,
        )
        for line in written:
            typer.echo(line)


def _load(folder: Path) -> Lyricist:
    """The lyricist in a folder, or an error that says what to do where there is none."""
    from ..lyricist import Lyricist
    from .runs import RunError

    try:
        return Lyricist.load(folder)
    except FileNotFoundError as error:
        run = _run_folder(folder)
        if run.is_unfinished():
            settings, done = run.stored_settings(), run.logged_epochs()
            early = f" (or end it now: add --epochs {done})" if done else ""
            raise RunError(
                f"{folder} holds a training that has not ended, {done} of {settings['epochs']} epochs are done: finish "
                f"it with: {_resume_command(folder)}{early}"
            ) from error
        description = Lyricist.files[-1]
        if (folder / description).exists():
            raise
        command = f"day33 lyricist train --output {shlex.quote(str(folder))}"
        raise FileNotFoundError(
            f"{folder}: no lyricist there (no {Lyricist.files[-1]}); train one with: {command}"
        ) from error
