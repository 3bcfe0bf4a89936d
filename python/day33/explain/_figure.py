"""Matrices as grids of cells with their numbers, drawn by Matplotlib in the colours of the pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._io.figures import new_figure
from ._words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["NEGATIVE", "POSITIVE", "Grid", "draw_grid", "draw_grids"]

# Blue and vermillion stay apart for colour-blind readers and in grey print (Okabe and Ito 2008).
POSITIVE, NEGATIVE, INK, LINE = "#0072B2", "#D55E00", "#1b1b1f", "#b8b8b2"
_STRENGTH = 0.55  # of the colour of the largest value; more would make its number hard to read
_CELL = 0.42  # inches


@dataclass(frozen=True)
class Grid:
    """A matrix to draw.

    Attributes:
        label: the line above it.
        values: (rows, columns).
        marked: cells with a thick border, (row, column); those in the padding count from -1 down.
        padding: cells around the matrix: at its top, left, bottom and right.
        sign: what stands in front of it: "×", "=".
    """

    label: str
    values: np.ndarray[Any, Any]
    marked: Collection[tuple[int, int]] = ()
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    sign: str = ""

    @property
    def size(self) -> tuple[int, int]:
        top, left, bottom, right = self.padding
        return self.values.shape[0] + top + bottom, self.values.shape[1] + left + right


def draw_grids(grids: Sequence[Grid], title: str, columns: int | None = None) -> Figure:
    """A figure with grids beside one another, in rows of `columns`."""
    columns = columns or len(grids)
    rows = [grids[i : i + columns] for i in range(0, len(grids), columns)]
    widths = [max(row[i].size[1] if i < len(row) else 1 for row in rows) for i in range(columns)]
    heights = [max(grid.size[0] for grid in row) for row in rows]
    figure = new_figure((_CELL * (sum(widths) + 2 * columns), _CELL * (sum(heights) + 1.8 * len(rows)) + 0.5))
    figure.suptitle(title)
    axes = figure.subplots(len(rows), columns, squeeze=False, width_ratios=widths, height_ratios=heights)
    for ax in axes.flat:
        ax.set_axis_off()
    for line, row in enumerate(rows):
        for place, grid in enumerate(row):
            draw_grid(axes[line, place], grid)
    return figure


def draw_grid(ax: Axes, grid: Grid) -> None:
    """Draw one grid into axes."""
    from matplotlib.patches import Rectangle

    top, left, bottom, right = grid.padding
    height, width = grid.values.shape
    largest = float(np.max(np.abs(grid.values), initial=0, where=np.isfinite(grid.values))) or 1.0
    for row in range(-top, height + bottom):
        for column in range(-left, width + right):
            inside = 0 <= row < height and 0 <= column < width
            value = float(grid.values[row, column]) if inside else 0.0
            colour = POSITIVE if value >= 0 else NEGATIVE
            share = min(abs(value) / largest, 1.0) if np.isfinite(value) else 0.0
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, alpha=_STRENGTH * share, edgecolor="none"))
            ax.add_patch(
                Rectangle(
                    (column, row), 1, 1, fill=False, edgecolor=LINE, linewidth=0.6, hatch="" if inside else "////"
                )
            )
            if inside:
                text = short(value)
                ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9 if len(text) < 4 else 6.5)
    for row, column in grid.marked:
        ax.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=INK, linewidth=2.2, zorder=3))
    ax.set(xlim=(-left - 0.1, width + right + 0.1), ylim=(height + bottom + 0.1, -top - 0.1), aspect="equal")
    ax.set_title(f"{grid.sign}  {grid.label}" if grid.sign else grid.label, fontsize=10)
