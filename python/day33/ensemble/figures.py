"""The pictures of a report: confusion matrix and most disputed images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "disputed_images"]

PathLike = str | os.PathLike[str]
_DPI = 150


def confusion_matrix(
    counts: NDArray[Any], labels: list[str], path: PathLike | None = None, *, title: str = "Confusion matrix"
) -> Figure:
    """Draw counts (K, K), row true and column predicted. Writes to `path` where one is given; returns the figure.

    Raises ValueError unless there is a label for each row and column.
    """
    from matplotlib.figure import Figure

    if counts.shape != (len(labels), len(labels)):
        raise ValueError(
            f"counts has shape {counts.shape}; expected ({len(labels)}, {len(labels)}), as there are labels"
        )
    figure = Figure(figsize=(6.0, 5.4), layout="constrained")
    ax = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title(title)
    if path is not None:
        figure.savefig(path, dpi=_DPI)
    return figure


def disputed_images(
    images: NDArray[Any],
    shares: NDArray[Any],
    labels: list[str],
    path: PathLike | None = None,
    *,
    letters: list[str] | None = None,
    truth: list[str] | None = None,
) -> Figure:
    """Draw images (N, H, W) with their two leading classes and these classes' shares (N, K) of the votes.

    Above each: its letter and its true class, where known. Writes to `path` where one is given; returns the figure.
    Raises ValueError where numbers do not fit, or there is no image.
    """
    from matplotlib.figure import Figure

    if len(images) == 0 or shares.shape != (len(images), len(labels)):
        raise ValueError(
            f"images has shape {images.shape} and shares {shares.shape}; expected (N, H, W), (N, {len(labels)})"
        )
    columns = min(6, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.5 * columns, 1.95 * rows), layout="constrained")
    for index, ax in enumerate(figure.subplots(rows, columns, squeeze=False).ravel()):
        ax.axis("off")
        if index >= len(images):
            continue
        ax.imshow(images[index], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        first, second = np.argsort(-shares[index], kind="stable")[:2]
        parts = [] if letters is None else [f"letter {letters[index]}"]
        if truth is not None:
            parts.append(f"is {truth[index]}")
        votes = f"{labels[first]}: {shares[index, first]:.0%}, {labels[second]}: {shares[index, second]:.0%}"
        ax.set_title("\n".join([*([", ".join(parts)] if parts else []), votes]), fontsize=7)
    if path is not None:
        figure.savefig(path, dpi=_DPI)
    return figure
