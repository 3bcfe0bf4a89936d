"""The figure that shows itself in a notebook. Apart, since importing it imports Matplotlib."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure with the method by which IPython shows pictures.

    A plain figure is shown only once ``%matplotlib inline`` is on; that setting, if it is on, shows this one as well.
    """

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()
