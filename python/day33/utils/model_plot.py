"""`plot_model`: a model's layers as boxes, with arrows between them, drawn by Matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._graph.tensors import Node, SymbolicTensor
from ..models import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTER, _LINE, _GAP = 0.085, 0.2, 0.45  # inches
_MAX_INCHES = 200.0  # Matplotlib refuses pictures of more than 2**16 pixels a side


@dataclass
class _Box:
    lines: list[str]
    sources: list[int]
    rank: int = 0
    place: float = 0.0  # in its row, from 0 to 1

    @property
    def width(self) -> float:
        return _LETTER * max(map(len, self.lines)) + 0.3

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + 0.2


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Figure:
    """Draws a model: a box for each call of a layer, arrows along its tensors.

    Args:
        model: a built model.
        to_file: write the picture there; the suffix names the format (.png, .svg, .pdf). None to draw only.
        show_shapes: the shapes of inputs and outputs, batch first.
        show_dtype: the dtype of the outputs.
        show_layer_names: the names of the layers beside their classes.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: the layers of models inside, too, in place of one box for the model.
        dpi: pixels per inch.
        show_layer_activations: the activations of layers that have one.
        show_trainable: whether layers are trainable.

    Returns:
        The figure.

    Raises:
        TypeError: not a day33 model. ValueError: it is not built, or another `rankdir`.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}; expected a day33 model")
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet; call it, or build, first")
    if rankdir not in ("TB", "LR"):
        raise ValueError(f'rankdir is {rankdir!r}; expected "TB" or "LR"')

    def describe(node: Node) -> list[str]:
        layer = node.layer
        lines = [f"{layer.name} ({type(layer).__name__})" if show_layer_names else type(layer).__name__]
        activation = getattr(layer, "activation", None)
        if show_layer_activations and activation is not None:
            lines.append(f"activation: {getattr(activation, 'label', activation)}")
        if show_shapes:
            if node.inputs:
                lines.append(f"input: {_shapes(node.inputs)}")
            lines.append(f"output: {_shapes(node.outputs)}")
        if show_dtype:
            lines.append("dtype: " + ", ".join(tensor.dtype for tensor in node.outputs))
        if show_trainable:
            lines.append("trainable" if getattr(layer, "trainable", False) else "not trainable")
        return lines

    boxes: list[_Box] = []

    def add(outputs: Sequence[SymbolicTensor], given: Mapping[SymbolicTensor, int]) -> list[int]:
        """Boxes for all calls behind `outputs`; which boxes give these."""
        values = dict(given)
        for tensor in _placeholders(outputs, values):
            values[tensor] = len(boxes)
            boxes.append(_Box(["Input"] + ([f"output: {tensor.shape}"] if show_shapes else []), []))
        for node in _in_order(outputs, values):
            sources = [values[tensor] for tensor in node.inputs]
            inner = node.layer
            if expand_nested and isinstance(inner, Model) and all(tensor.node is not None for tensor in inner.inputs):
                results = add(inner.outputs, dict(zip(inner.inputs, sources, strict=True)))
            else:
                results = [len(boxes)] * len(node.outputs)
                boxes.append(_Box(describe(node), sources))
            values.update(zip(node.outputs, results, strict=True))
        return [values[tensor] for tensor in outputs]

    add(model.outputs, {})
    return _draw(boxes, rankdir == "LR", to_file, dpi)


def _shapes(tensors: Sequence[SymbolicTensor]) -> str:
    return ", ".join(str(tensor.shape) for tensor in tensors)


def _in_order(outputs: Sequence[SymbolicTensor], known: Mapping[SymbolicTensor, int]) -> Iterator[Node]:
    """The calls behind `outputs`, those whose results are needed first; not beyond `known` tensors."""
    done: set[Node] = set()
    for output in outputs:
        # Not recursive: a model may be deeper than Python's stack.
        path = [output.node] if output not in known else []
        while path:
            node = path[-1]
            missing = [
                tensor.node for tensor in node.inputs if tensor not in known and tensor.node not in done
            ] if node is not None and node not in done else []  # fmt: skip
            if missing:
                path.append(missing[0])
                continue
            path.pop()
            if node is not None and node not in done:
                done.add(node)
                yield node


def _placeholders(outputs: Sequence[SymbolicTensor], known: Mapping[SymbolicTensor, int]) -> list[SymbolicTensor]:
    """Tensors behind `outputs` that no call gives: the inputs of a model that is defined by its `call`."""
    found: dict[SymbolicTensor, None] = {}
    waiting, seen = list(outputs), set(known)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if tensor.node is None:
            found[tensor] = None
        else:
            waiting.extend(tensor.node.inputs)
    return list(found)


def _arrange(boxes: Sequence[_Box]) -> list[list[_Box]]:
    """Rows of boxes: each as far down as its longest way from an input, and below the middle of what it comes from."""
    rows: list[list[_Box]] = []
    for box in boxes:
        box.rank = max((boxes[source].rank + 1 for source in box.sources), default=0)
        if box.rank == len(rows):
            rows.append([])
        rows[box.rank].append(box)
    for row in rows:
        middles = {
            id(box): sum(boxes[source].place for source in box.sources) / max(len(box.sources), 1) for box in row
        }
        row.sort(key=lambda box: middles[id(box)])
        for number, box in enumerate(row):
            box.place = (number + 0.5) / len(row)
    return rows


def _draw(boxes: Sequence[_Box], across: bool, path: str | os.PathLike[str] | None, dpi: int) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    rows = _arrange(boxes)

    def along(box: _Box) -> float:
        return box.width if across else box.height

    def beside(box: _Box) -> float:
        return box.height if across else box.width

    breadth = max(sum(beside(box) + _GAP for box in row) for row in rows)
    starts, length = [], _GAP
    for row in rows:
        starts.append(length)
        length += max(along(box) for box in row) + _GAP
    centres: dict[int, tuple[float, float]] = {}
    for row, start in zip(rows, starts, strict=True):
        free = (breadth - sum(beside(box) for box in row)) / len(row)
        edge = free / 2
        for box in row:
            down, sideways = start + max(map(along, row)) / 2, edge + beside(box) / 2
            centres[id(box)] = (down, sideways) if across else (sideways, length - down)
            edge += beside(box) + free
    width, height = (length, breadth) if across else (breadth, length)
    scale = min(1.0, _MAX_INCHES / max(width, height))
    figure = Figure(figsize=(width * scale, height * scale))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    for box in boxes:
        for source in box.sources:
            _add_arrow(ax, (boxes[source], centres[id(boxes[source])]), (box, centres[id(box)]), across, breadth)
    for box in boxes:
        x, y = centres[id(box)]
        corner = (x - box.width / 2, y - box.height / 2)
        ax.add_patch(FancyBboxPatch(corner, box.width, box.height, "round,pad=0,rounding_size=0.05", fc="w", ec="0.3"))
        ax.text(x, y, "\n".join(box.lines), ha="center", va="center", fontsize=9 * scale, family="monospace")
    if path is not None:
        figure.savefig(path, dpi=dpi)
    return figure


_Placed = tuple[_Box, tuple[float, float]]


def _add_arrow(ax: Axes, source: _Placed, target: _Placed, across: bool, breadth: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    (first, (x0, y0)), (second, (x1, y1)) = source, target
    start = (x0 + first.width / 2, y0) if across else (x0, y0 - first.height / 2)
    end = (x1 - second.width / 2, y1) if across else (x1, y1 + second.height / 2)
    # Past the rows between them, an arrow goes around what stands in their middle.
    passed = second.rank - first.rank - 1
    bend = 0.0 if passed == 0 else breadth / math.dist(start, end)
    ax.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=9,
                                 shrinkA=0, shrinkB=0, color="0.3"))  # fmt: skip
