"""The pictures of a report: confusion matrix and most disputed images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import PathLike
from .._io.figures import new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "disputed_images"]


def confusion_matrix(
    counts: NDArray[Any], labels: list[str], path: PathLike | None = None, *, title: str = "Confusion matrix"
) -> Figure:
    """Draw a confusion matrix.

    Args:
        counts: (K, K), row true and column predicted. labels: of the classes (K).
        path: where to write the figure; None for nowhere. title: above it.

    Returns:
        The figure.

    Raises:
        ValueError: there is not a label for each row and column.
    """
    if counts.shape != (len(labels), len(labels)):
        raise ValueError(
            f"counts has shape {counts.shape}; expected ({len(labels)}, {len(labels)}), a row and column per label"
        )
    figure = new_figure((6.0, 5.4))
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
        write_figure(figure, path)
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
    """Draw images with their two leading classes and the shares of the votes that these got.

    Args:
        images: (N, H, W), 0 to 255, one or more. shares: of the votes (N, K). labels: of the classes (K).
        path: where to write the figure; None for nowhere.
        letters, truth: of each image its letter and its true class (N), to be written above it; None where not known.

    Returns:
        The figure.

    Raises:
        ValueError: there are not shares for each image and class, or there is no image.
    """
    if len(images) == 0 or shares.shape != (len(images), len(labels)):
        raise ValueError(
            f"images has shape {images.shape} and shares {shares.shape}; expected (N, H, W), (N, {len(labels)})"
        )
    columns = min(6, len(images))
    rows = -(-len(images) // columns)
    figure = new_figure((1.5 * columns, 1.95 * rows))
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
        write_figure(figure, path)
    return figure
