"""Which cell is connected with which, along one axis of a convolution.

A convolution and the transposed convolution with the same kernel have one pattern of connections between a large side
and a small side. The cell ``i`` of the small side is connected with the cells ``i * stride - before + u * dilation`` of
the large side, ``u`` from 0 to ``kernel - 1``, as far as these exist. A convolution reads the large side and writes the
small one; a transposed convolution reads the small side and writes the large one.

Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016; the padding "same" as in
TensorFlow, with an odd row or column of zeros at the end.
"""

from __future__ import annotations

from typing import NamedTuple


class Axis(NamedTuple):
    """The pattern along one axis.

    Attributes:
        large, small: cells of the two sides.
        kernel, stride, dilation: of the convolution.
        before: cells of padding in front of the large side.
    """

    large: int
    small: int
    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def span(self) -> int:
        """The cells from the first to the last that one window covers."""
        return span_of(self.kernel, self.dilation)

    @property
    def after(self) -> int:
        """Cells of padding that windows reach behind the large side."""
        return max((self.small - 1) * self.stride + self.span - self.before - self.large, 0)

    def place(self, small: int, tap: int) -> int:
        """The cell of the large side, which may lie in the padding: below 0, or `large` and more."""
        return small * self.stride - self.before + tap * self.dilation

    def taps_of(self, large: int) -> list[tuple[int, int]]:
        """All (cell of the small side, tap) that are connected with a cell of the large side."""
        return [
            (small, tap)
            for small in range(self.small)
            for tap in range(self.kernel)
            if self.place(small, tap) == large
        ]  # fmt: skip

    def data(self) -> dict[str, int]:
        """For the page's scripts."""
        return {**self._asdict(), "after": self.after, "span": self.span}


def span_of(kernel: int, dilation: int) -> int:
    """The cells from the first to the last that a window covers."""
    return (kernel - 1) * dilation + 1


def axis_of(large: int, small: int, kernel: int, stride: int, dilation: int, padding: str) -> Axis:
    """The pattern along an axis whose two sizes are known."""
    missing = (small - 1) * stride + span_of(kernel, dilation) - large if padding == "same" else 0
    return Axis(large, small, kernel, stride, dilation, max(missing, 0) // 2)
