"""Matplotlib figures that show themselves in a notebook, and that are written whole or not at all.

They are made without ``pyplot``: nothing global is touched, no display is needed, and many threads may draw at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .._core.types import PathLike
from .files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure of (width, height) inches."""
    from .notebook_figure import NotebookFigure

    return NotebookFigure(figsize=size, layout="constrained")


def write_figure(figure: Figure, path: PathLike) -> None:
    """Write a figure. The suffix of `path` names the format; without one, Matplotlib's default is added."""
    target = Path(path)
    if not target.suffix:
        import matplotlib

        target = target.with_name(f"{target.name}.{matplotlib.rcParams['savefig.format']}")
    with replacing(target) as temporary:
        figure.savefig(temporary, dpi=_DPI)
