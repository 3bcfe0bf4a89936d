"""The two figures of a training: its loss curve, and pictures above their reconstructions.

Figures are made without ``pyplot``: nothing global is touched, no display is needed, and many threads may draw at once.
As the last line of a notebook's cell they show as pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core.arrays import as_count, drop_last_axis
from ._core.types import PathLike
from ._io.figures import new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loss_curves", "reconstructions"]

# A blue and an orange that stay apart for colour-blind readers and in grey print (Okabe and Ito 2008).
_TRAINING, _VALIDATION = "#0072B2", "#D55E00"


def loss_curves(
    history: Mapping[str, Sequence[float]] | Any,
    path: PathLike | None = None,
    ax: Axes | None = None,
    *,
    title: str = "Loss",
    metric: str = "loss",
) -> Figure:
    """Draw training and validation loss, or another metric, over the epochs.

    Args:
        history: what ``fit`` returns, or a mapping with ``"loss"`` and, if there was a validation, ``"val_loss"``: one
            value per epoch.
        path: write the figure to this file as well; the suffix names the format (``.png``, ``.svg``, ``.pdf``).
        ax: draw into these axes instead of a new figure.
        title: the line above the plot.
        metric: the name to draw in place of ``"loss"``.

    Returns:
        The figure.

    Raises:
        ValueError: `history` has no values of the metric, or `ax` belongs to no figure.
        OSError: the file cannot be written.
    """
    curves = getattr(history, "history", history)
    if not isinstance(curves, Mapping) or len(curves.get(metric, ())) == 0:
        known = ", ".join(map(repr, curves)) if isinstance(curves, Mapping) else type(history).__name__
        raise ValueError(f"history is {known or 'empty'}; expected at least one epoch of {metric!r}")
    figure, ax = _axes(ax, (6.4, 4.0))
    for key, label, colour in ((metric, "training", _TRAINING), (f"val_{metric}", "validation", _VALIDATION)):
        values = np.asarray(curves.get(key, ()), dtype=np.float64)
        if len(values) == 0:
            continue
        epochs = np.arange(1, len(values) + 1)
        # One or two points make no visible line, so they get a marker.
        ax.plot(epochs, values, color=colour, label=f"{label} (last {values[-1]:.4f})", linewidth=1.8,
                marker="o" if len(values) < 3 else None)  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("epoch")
    ax.set_ylabel(metric)
    ax.set_title(title)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return _finish(figure, path)


def reconstructions(
    originals: ArrayLike,
    reconstructed: ArrayLike,
    path: PathLike | None = None,
    *,
    count: int = 10,
    titles: Sequence[str] | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw the first `count` pictures in one row, and what the auto-encoder made of each in the row below.

    Args:
        originals: (N, H, W) or (N, H, W, 1); uint8 of 0 to 255, or floats of 0 to 1.
        reconstructed: the same number of pictures of the same size.
        path: write the figure to this file as well; the suffix names the format.
        count: how many to draw; fewer where there are fewer.
        titles: one short text above each pair, such as a label or an anomaly score.
        figure: draw into this figure instead of a new one.

    Returns:
        The figure. Grey runs from white (0) to black (1), ink on paper, with the same scale for every picture.

    Raises:
        TypeError: `count` is no integer.
        ValueError: shapes do not fit, or there is nothing to draw.
        OSError: the file cannot be written.
    """
    count = as_count("count", count)
    top, bottom = _pictures(originals, "originals", count), _pictures(reconstructed, "reconstructed", count)
    if top.shape != bottom.shape:
        raise ValueError(
            f"originals has shape {np.shape(originals)} and reconstructed {np.shape(reconstructed)}; expected one shape"
        )
    shown = len(top)
    if titles is not None and len(titles) < shown:
        raise ValueError(f"titles has {len(titles)} texts; expected {shown}, one per picture")
    if figure is None:
        figure = new_figure((1.1 * shown + 0.5, 2.6 + (0.2 if titles is not None else 0)))
    axes = figure.subplots(2, shown, squeeze=False)
    for row, pictures in enumerate((top, bottom)):
        for column, picture in enumerate(pictures):
            ax = axes[row, column]
            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set(color="0.8", linewidth=0.6)
    axes[0, 0].set_ylabel("original")
    axes[1, 0].set_ylabel("reconstructed")
    for ax, text in zip(axes[0], titles or (), strict=False):
        ax.set_title(text, fontsize=8)
    return _finish(figure, path)


def _pictures(images: ArrayLike, name: str, count: int) -> NDArray[np.float32]:
    array = drop_last_axis(np.asarray(images), 3)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"{name} has shape {np.shape(images)}; expected (N, H, W) or (N, H, W, 1) with N >= 1")
    scale = 255 if array.dtype == np.uint8 else 1
    return array[:count].astype(np.float32) / np.float32(scale)


def _axes(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if ax is None:
        made = new_figure(size)
        return made, made.subplots()
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("ax belongs to no figure; expected axes of one")
    return figure, ax


def _finish(figure: Figure, path: PathLike | None) -> Figure:
    if path is not None:
        write_figure(figure, path)
    return figure


def __dir__() -> list[str]:
    return list(__all__)
