"""A training: its curves, and what the model made of the same pictures after each epoch."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import plotting
from .._core.arrays import as_float32, drop_last_axis
from .._io.files import open_regular
from ..callbacks import read_pictures
from ._arrays import Floats
from ._explanation import Explanation, Section
from ._words import number, shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["training"]

# Of the folder of a run, as CSVLogger and PictureLogger write them.
_HISTORY_FILE, _PICTURES_FILE = "history.csv", "pictures.npz"
_MOST_BYTES = 20_000_000
_MOST_EPOCHS, _MOST_PICTURES, _MOST_PIXELS = 2000, 8, 150_000
_QUESTIONS = (
    "Which epoch's weights would you keep? Those where the validation loss is lowest. After it the model fits its "
    "training data better, but new data worse.",
    "What does it mean that both losses are high and hardly fall? The model learns too little: it is too small, the "
    "learning rate is too low or much too high, or there were too few epochs.",
    "Why can the validation loss lie below the training loss? The training loss is a mean over the epoch, while the "
    "weights were still changing and dropout was active; the validation loss is measured after it, without dropout.",
)


def training(history: Any, pictures: ArrayLike | None = None, originals: ArrayLike | None = None) -> Explanation:
    """Explain a training: its curves epoch by epoch and, where there are pictures, what the model made of them.

    Args:
        history: what ``fit`` returns, a mapping from names to one value per epoch, or the folder of a run (of
            ``day33 autoencoder`` or ``day33 lyricist train``). Of a folder, ``history.csv`` is read, and the file of a
            `day33.callbacks.PictureLogger`, ``pictures.npz``, where there is one.
        pictures: real numbers (epochs, N, H, W) or (epochs, N, H, W, 1): the reconstructions after each epoch, as a
            callback may collect them. At most 8 of each epoch are shown. They take the place of those in a folder.
        originals: real numbers (N, H, W) or (N, H, W, 1), the pictures themselves, shown above.

    Returns:
        The explanation. Of more epochs than fit on a page it shows evenly spaced ones, and says so.

    Raises:
        TypeError: no history. ValueError: no epoch, curves of different lengths, pictures that do not fit, or a file
            that is no history. OSError: the file cannot be read.
    """
    curves = _curves(history)
    epochs = len(next(iter(curves.values())))
    notes = []
    if epochs > _MOST_EPOCHS:
        step = math.ceil(epochs / _MOST_EPOCHS)
        notes.append(f"Of {epochs} epochs one in {step} is shown.")
        curves = {name: values[::step] for name, values in curves.items()}
        numbers = list(range(1, epochs + 1, step))
    else:
        numbers = list(range(1, epochs + 1))
    loss = "loss" if "loss" in curves else next(iter(curves))
    words = [f"{epochs} epochs."]
    for name, values in curves.items():
        best = _best(name, values)
        words.append(
            f"{name}: first {number(values[0])}, last {number(values[-1])}"
            + (f", {best[0]} {number(values[best[1]])} in epoch {numbers[best[1]]}." if best else ".")
        )
    sections = [
        Section(
            "The curves",
            [
                "Point at the curves, or move the slider, to read an epoch. Where the validation's curve (dashed) "
                "turns up while the training's goes on falling, the model begins to learn its training data by heart.",
            ],
            "curves",
            {"epochs": numbers, "curves": curves},
        )
    ]
    film = _film_of(history, pictures, originals, epochs)
    if film is not None:
        frames = _spread(len(film.pictures), max(2, _MOST_PIXELS // film.pictures[0].size))
        if len(frames) < epochs:
            notes.append(f"Of {epochs} epochs the pictures of {len(frames)} are shown, evenly spaced.")
        sections.append(
            Section(
                "The pictures over the epochs",
                ["Move the slider, or play the film: first the mean of all pictures, then their shapes, then details."],
                "film",
                {
                    "frames": [np.round(film.pictures[n], 3) for n in frames],
                    "epochs": [film.epochs[n] for n in frames],
                    "originals": film.originals,
                },
            )
        )
        words.append(f"Pictures of {len(film.epochs)} epochs, {shape(film.pictures.shape[1:])} each.")
    sections.append(Section("Check yourself", questions=_QUESTIONS))
    return Explanation(
        "Training",
        f"{epochs} epochs; {loss} went from {number(curves[loss][0])} to {number(curves[loss][-1])}.",
        sections,
        words=words,
        draw=lambda: _draw(curves, loss, film),
        notes=notes,
    )  # fmt: skip


def _curves(history: Any) -> dict[str, list[float]]:
    source = "history"
    if isinstance(history, str | os.PathLike):
        source = f"history ({os.fspath(history)})"
        given: Any = _read(Path(history))
    else:
        given = getattr(history, "history", history)
    if not isinstance(given, Mapping):
        raise TypeError(f"history is {history!r}; expected a History, a mapping or the folder of a run")
    curves = {}
    for name, values in given.items():
        array = np.asarray(values)
        if array.ndim == 1 and array.dtype.kind in "fiu":
            curves[str(name)] = [float(value) for value in array]
    lengths = {len(values) for values in curves.values()}
    if not curves or lengths == {0}:
        raise ValueError(
            f"{source} holds {', '.join(map(repr, given)) or 'nothing'}; expected at least one epoch of a loss"
        )
    if len(lengths) > 1:
        raise ValueError(f"{source} has curves of {sorted(lengths)} epochs; expected one length")
    return curves


def _read(folder: Path) -> dict[str, list[float]]:
    path = folder / _HISTORY_FILE if folder.is_dir() else folder
    with io.TextIOWrapper(open_regular(path), "utf-8", newline="") as stream:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size:,} bytes; expected at most {_MOST_BYTES:,}")
        try:
            rows = list(csv.reader(stream))
            header, lines = rows[0], rows[1:]
            table = {name: [_value(line[n]) for line in lines] for n, name in enumerate(header) if name != "epoch"}
        except (IndexError, ValueError, csv.Error) as error:
            raise ValueError(
                f"{path} is no history of a run: {error}; expected a header and one row per epoch"
            ) from None
    return {name: values for name, values in table.items() if not values or not all(map(math.isnan, values))}


def _value(text: str) -> float:
    """A number, or NaN for "NA", which `CSVLogger` writes where an epoch has none: without validation, for one."""
    return math.nan if text == "NA" else float(text)


def _best(name: str, values: list[float]) -> tuple[str, int] | None:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    lower = not any(word in name for word in ("acc", "auc", "precision", "recall", "score"))
    return ("lowest", values.index(min(finite))) if lower else ("highest", values.index(max(finite)))


def _pictures(name: str, value: ArrayLike, rank: int) -> Floats:
    array = drop_last_axis(as_float32(name, value), rank)
    if array.ndim != rank or 0 in array.shape:
        axes = "epochs, N, H, W" if rank == 4 else "N, H, W"
        raise ValueError(f"{name} has shape {np.shape(value)}; expected ({axes}) or ({axes}, 1)")
    return array


class _Film(NamedTuple):
    """Pictures after some epochs.

    Attributes:
        pictures: (E, N, H, W).
        epochs: the numbers of the E epochs, from 1.
        originals: (N, H, W), or None.
    """

    pictures: Floats
    epochs: list[int]
    originals: Floats | None


def _film_of(history: Any, pictures: ArrayLike | None, originals: ArrayLike | None, epochs: int) -> _Film | None:
    if pictures is None:
        return _film_in(Path(history), epochs) if isinstance(history, str | os.PathLike) else None
    film = _pictures("pictures", pictures, 4)
    if len(film) != epochs:
        raise ValueError(
            f"pictures has shape {np.shape(pictures)}; expected those of {epochs} epochs, as the history has"
        )
    film = _drawable("pictures", film)
    shown = None
    if originals is not None:
        shown = _pictures("originals", originals, 3)[: film.shape[1]]
        if shown.shape[1:] != film.shape[2:] or len(shown) < film.shape[1]:
            raise ValueError(f"originals has shape {np.shape(originals)}; expected {film.shape[1:]} to fit pictures")
    return _Film(film, list(range(1, epochs + 1)), shown)


def _film_in(folder: Path, epochs: int) -> _Film | None:
    """The pictures that a run of so many epochs has in its folder."""
    path = folder / _PICTURES_FILE
    if not path.exists():
        return None
    kept = read_pictures(path)
    if kept.epochs[-1] >= epochs:
        raise ValueError(f"{path} has pictures of epoch {kept.epochs[-1] + 1}; the history ends with {epochs}")
    film = _drawable(str(path), kept.pictures.astype(np.float32) / np.float32(255))
    originals = kept.originals[:_MOST_PICTURES].astype(np.float32) / np.float32(255)
    return _Film(film, [int(number) + 1 for number in kept.epochs], np.round(originals, 3))


def _drawable(name: str, film: Floats) -> Floats:
    """As many pictures of each epoch as are drawn. ValueError where they are too large for two epochs."""
    film = film[:, :_MOST_PICTURES]
    if film[0, 0].size * 2 > _MOST_PIXELS:
        raise ValueError(f"{name} are {film.shape[2]} x {film.shape[3]}; expected smaller ones to draw")
    return film


def _spread(count: int, most: int) -> list[int]:
    """Evenly spaced numbers from 0 to `count` - 1, at most `most` of them, both ends among them."""
    return sorted({round(n) for n in np.linspace(0, count - 1, min(count, most))})


def _draw(curves: Mapping[str, list[float]], loss: str, film: _Film | None) -> Figure:
    if film is None:
        return plotting.loss_curves(curves, metric=loss, title="Training")
    from .._io.figures import new_figure

    frames = _spread(len(film.pictures), 8)
    rows = [film.pictures[n] for n in frames] + ([] if film.originals is None else [film.originals])
    count = film.pictures.shape[1]
    figure = new_figure((1.0 * count + 1.2, 1.0 * len(rows) + 3.2))
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=(3, len(rows)))[:, 0]
    plotting.loss_curves(curves, ax=top.subplots(), metric=loss, title="Training")
    axes = bottom.subplots(len(rows), count, squeeze=False)
    labels = [f"epoch {film.epochs[n]}" for n in frames] + ([] if film.originals is None else ["original"])
    for line, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            ax = axes[line, column]
            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
        axes[line, 0].set_ylabel(labels[line], rotation=0, ha="right", va="center", fontsize=8)
    return figure
