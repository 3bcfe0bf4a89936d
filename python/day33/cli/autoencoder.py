"""``day33 autoencoder``: from images to a trained network, its curve and its reconstructions."""

from __future__ import annotations

import enum
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import given, interruptible, list_files, reported, resumable, warn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..autoencoder import AutoEncoder
    from .runs import RunFolder


class Kind(enum.StrEnum):
    """The values of --model."""

    upsampling = "upsampling"
    transposed = "transposed"


class OptimizerName(enum.StrEnum):
    """The values of --optimizer."""

    adadelta = "adadelta"
    adam = "adam"
    sgd = "sgd"


LOSS_FIGURE = "loss.png"
PICTURES_FIGURE = "reconstructions.png"
SUMMARY_FILE = "summary.txt"
EPOCHS_FILE = "pictures.npz"  # what `day33 explain training` shows as a film
_SMALL_DIGITS = "small digits of scikit-learn"
# For MNIST, and other data of its size: the training of the note.
_MNIST_DEFAULTS = {"epochs": 50, "batch_size": 256, "optimizer": "adadelta", "learning_rate": 1.0}
# 1,500 digits make six steps per epoch of that, after which reconstructions are blobs (validation loss 0.275). With
# these, digits can be read (0.228, of which 0.218 is the entropy of the greys) after some ten seconds on two cores.
_SMALL_DEFAULTS = {"epochs": 150, "batch_size": 16, "optimizer": "adam", "learning_rate": 0.003}
_SETTING_TYPES = {
    "model": str,
    "data": str,
    "epochs": int,
    "batch_size": int,
    "optimizer": str,
    "learning_rate": float,
    "limit": int | None,
    "seed": int,
    "data_sha256": str,
}


def autoencoder(
    context: typer.Context,
    model: Annotated[Kind, typer.Option(help="The decoder: plain or transposed convolutions.")] = Kind.upsampling,
    data: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file with Keras's keys or a folder of IDX files.",
            show_default="the cached MNIST, else scikit-learn's small digits",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training images.", show_default="50; small digits 150")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images per step.", show_default="256; small digits 16")
    ] = None,
    optimizer: Annotated[
        OptimizerName | None, typer.Option(help="The update rule.", show_default="adadelta; small digits adam at 0.003")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Its step size.", show_default="adadelta 1.0, adam 0.001, sgd 0.01")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Train on this many images only, the first.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes the initial weights and the order of the images.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; the result does not depend on them.")] = None,
    output: Annotated[Path, typer.Option(help="The folder for everything that is written.")] = Path(
        "day33-autoencoder"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")] = False,
) -> None:
    """Train a convolutional auto-encoder and draw what it makes of ten test images.

    Writes the weights, the history, the loss curve and the reconstructions to the output folder, and a checkpoint after
    every epoch; also reconstructions of up to 32 epochs, which `day33 explain training` shows as a film. A run that was
    stopped or killed goes on with --resume: it takes its options from the folder, and ends with the same bits as a run
    that was never stopped.
    """
    if resume and overwrite:
        raise typer.BadParameter("cannot be combined with --resume", param_hint="'--overwrite'")
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise typer.BadParameter(f"{learning_rate} is not a positive number", param_hint="'--learning-rate'")
    options: dict[str, Any] = {
        "model": model.value,
        "data": None if data is None else str(data.absolute()),
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": None if optimizer is None else optimizer.value,
        "learning_rate": learning_rate,
        "limit": limit,
        "seed": seed,
    }
    with reported(), interruptible("Nothing was changed."):
        from .. import _native
        from ..autoencoder import AutoEncoder
        from .runs import RunFolder

        results = (*AutoEncoder.files, LOSS_FIGURE, PICTURES_FIGURE, SUMMARY_FILE, EPOCHS_FILE)
        with RunFolder(output, results, _SETTING_TYPES) as run:
            if threads is not None:
                _native.set_num_threads(threads)
            if resume:
                stored = run.stored_settings()
                options = {name: value if given(context, name) else stored[name] for name, value in options.items()}
            x_train, x_test, options["data"] = _load_images(options["data"])
            _fill_in_defaults(options)
            x_train = x_train[: options["limit"]]
            _train(run, options, x_train, x_test, resume=resume, overwrite=overwrite)


def _fill_in_defaults(options: dict[str, Any]) -> None:
    """Set the options that were not given, by the data. The learning rate follows an optimizer that was given."""
    from ..autoencoder import AutoEncoder

    if options["learning_rate"] is None and options["optimizer"] is not None:
        options["learning_rate"] = AutoEncoder.learning_rates[options["optimizer"]]
    defaults: dict[str, Any] = _SMALL_DEFAULTS if options["data"] == _SMALL_DIGITS else _MNIST_DEFAULTS
    options.update({name: value for name, value in defaults.items() if options[name] is None})


def _load_images(data: str | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Training and test images, and the name under which a resumed run finds them again."""
    from .. import datasets

    if data is None and datasets.mnist_cache_path().is_file():
        data = str(datasets.mnist_cache_path())
    if data is None:
        typer.echo(f"No MNIST in the cache: using the {_SMALL_DIGITS} instead. Fetch it with: day33 data mnist")
    if data is None or data == _SMALL_DIGITS:
        (x_train, _), (x_test, _) = datasets.load_digits_small()
        return x_train, x_test, _SMALL_DIGITS
    (x_train, _), (x_test, _) = datasets.load_mnist(data)
    return x_train, x_test, data


def _train(
    run: RunFolder,
    options: dict[str, Any],
    x_train: NDArray[np.uint8],
    x_test: NDArray[np.uint8],
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from .runs import fingerprint

    # The values count, not the path: data may move between two parts of a run.
    settings = {**options, "data_sha256": fingerprint(x_train, x_test)}
    if resume:
        settings["data"] = run.stored_settings()["data"]
        warnings = run.resume(settings)
    else:
        warnings = run.start(settings, overwrite=overwrite)
    for warning in warnings:
        warn(warning)
    again = f"Go on with: day33 autoencoder --output {shlex.quote(str(run.path))} --resume"
    with resumable(run.path, again):
        _train_and_write(run, options, x_train, x_test)


def _train_and_write(
    run: RunFolder, options: dict[str, Any], x_train: NDArray[np.uint8], x_test: NDArray[np.uint8]
) -> None:
    from ..autoencoder import AutoEncoder
    from ..callbacks import BackupAndRestore, CSVLogger, LambdaCallback, PictureLogger
    from ..random import set_random_seed

    typer.echo(
        f"{options['model']} auto-encoder: {len(x_train)} training and {len(x_test)} test images ({options['data']}), "
        f"{options['epochs']} epochs, {options['optimizer']} at {options['learning_rate']:g}"
    )
    set_random_seed(options["seed"])
    trainer = AutoEncoder(
        options["model"],
        optimizer=options["optimizer"],
        learning_rate=options["learning_rate"],
    )
    _write_summary(trainer, run.path / SUMMARY_FILE)
    done: list[int] = []  # the epochs of this part of the run; the history also has those before
    started = time.perf_counter()
    history = trainer.fit(
        x_train,
        x_test,
        epochs=options["epochs"],
        batch_size=options["batch_size"],
        callbacks=[
            CSVLogger(run.history_path),
            PictureLogger(run.path / EPOCHS_FILE, x_test[:8]),
            LambdaCallback(on_epoch_end=lambda epoch, _: done.append(epoch)),
            BackupAndRestore(run.checkpoint_path, delete_checkpoint=False),
        ],
    )
    seconds = time.perf_counter() - started
    _write_results(trainer, run, options, history.history, x_test)
    run.finish(options["epochs"])
    _report(run, history.history, len(done), len(done) * len(x_train) / seconds, seconds)


def _write_summary(trainer: AutoEncoder, path: Path) -> None:
    from .._io.files import write_text

    lines: list[str] = []
    trainer.model.summary(print_fn=lambda line, **_: lines.append(str(line)))
    write_text(path, "\n".join(lines) + "\n")


def _write_results(
    trainer: AutoEncoder,
    run: RunFolder,
    options: dict[str, Any],
    history: Mapping[str, list[float]],
    x_test: NDArray[np.uint8],
) -> None:
    from .. import plotting

    trainer.save(run.path)
    title = f"Loss of the {options['model']} auto-encoder (binary cross-entropy)"
    plotting.loss_curves(history, run.path / LOSS_FIGURE, title=title)
    plotting.reconstructions(x_test[:10], trainer.reconstruct(x_test[:10]), run.path / PICTURES_FIGURE)


def _report(run: RunFolder, history: Mapping[str, list[float]], epochs: int, speed: float, seconds: float) -> None:
    losses = f"loss {history['loss'][-1]:.4f}, validation loss {history['val_loss'][-1]:.4f}"
    typer.echo(f"After {len(history['loss'])} epochs: {losses}")
    if epochs:
        typer.echo(f"{epochs} epochs in {seconds:.1f} s, {speed:,.0f} samples/s")
    list_files(run.path)
