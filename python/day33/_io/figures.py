"""Matplotlib figures that show themselves in a notebook and are written whole.

They are made without ``pyplot``: nothing global is touched, no display is needed, and many threads may draw at once.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.types import PathLike
from .files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150


def new_figure(size: tuple[float, float], **options: Any) -> Figure:
    """A figure of (width, height) inches. As the last line of a notebook's cell it shows as a picture.

    A figure of ``pyplot`` does so only once ``%matplotlib inline`` is on, and one made without ``pyplot`` does not.
    """
    return _figure_class()(figsize=size, **({"layout": "constrained"} | options))


@functools.cache
def _figure_class() -> type[Figure]:
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return ShownFigure


def write_figure(figure: Figure, path: PathLike) -> None:
    """Write a figure; the suffix of `path` names the format. The file appears whole or not at all."""
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=DPI)
