"""The two figures of a training: its loss curve, and pictures above their reconstructions.

Figures are made without ``pyplot``: nothing global is touched, no display is needed, and many threads may draw at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loss_curves", "reconstructions"]

PathLike = str | os.PathLike[str]

# A blue and an orange that stay apart for colour-blind readers and in grey print (Okabe and Ito 2008).
_TRAINING, _VALIDATION = "#0072B2", "#D55E00"
_DPI = 150


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
            value an epoch.
        path: write the figure there as well; the suffix names the format (``.png``, ``.svg``, ``.pdf``).
        ax: draw into these axes instead of a new figure.
        title: the line above the plot.
        metric: the name to draw in place of ``"loss"``.

    Returns:
        The figure.

    Raises:
        ValueError: there is no ``"loss"``, or it has no values.
    """
    curves = getattr(history, "history", history)
    if not isinstance(curves, Mapping) or len(curves.get(metric, ())) == 0:
        raise ValueError(f"history must hold at least one epoch of {metric!r}")
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
        path: write the figure there as well; the suffix names the format.
        count: how many to draw; fewer where there are fewer.
        titles: one short text above each pair, such as a label or an anomaly score.
        figure: draw into this figure instead of a new one.

    Returns:
        The figure. Grey runs from white (0) to black (1), ink on paper, with the same scale for every picture.

    Raises:
        ValueError: shapes do not fit, or there is nothing to draw.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    top, bottom = _pictures(originals, "originals", count), _pictures(reconstructed, "reconstructed", count)
    if top.shape != bottom.shape:
        raise ValueError(
            f"originals and reconstructed must have one shape, got {np.shape(originals)} and {np.shape(reconstructed)}"
        )
    shown = len(top)
    if titles is not None and len(titles) < shown:
        raise ValueError(f"titles must have one text a picture ({shown}), got {len(titles)}")
    if figure is None:
        figure = _new_figure((1.1 * shown + 0.5, 2.6 + (0.2 if titles is not None else 0)))
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
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"{name} must be (N, H, W) or (N, H, W, 1) with N >= 1, got shape {np.shape(images)}")
    scale = 255 if array.dtype == np.uint8 else 1
    return array[:count].astype(np.float32) / np.float32(scale)


def _new_figure(size: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _axes(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if ax is None:
        made = _new_figure(size)
        return made, made.subplots()
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("ax belongs to no figure")
    return figure, ax


def _finish(figure: Figure, path: PathLike | None) -> Figure:
    if path is not None:
        figure.savefig(path, dpi=_DPI)
    return figure
