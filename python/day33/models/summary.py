"""The tables of `Model.summary` and `Model.plan`: as text, and as a notebook shows them.

The receptive field of a layer is the number of input pixels, height x width, that one cell of its output can see at
most. It is found by following the span of positions that a cell sees backwards through the graph, layer by layer: a
window of k with stride s turns positions a..b into a s .. b s + k - 1, up-sampling by s into floor(a / s) and
floor(b / s).
Behind up-sampling, cells differ in what they see; the largest counts. Borders are ignored, so it may exceed the input.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from .._core.variables import Variable
from .._graph.graph import Graph
from .._graph.protocols import CalledLayer
from .._graph.tensors import Node, SymbolicTensor
from .._training.trainer import Trainer
from ..layers import InputLayer, Layer


class _Summarised(Protocol):
    name: str

    @property
    def layers(self) -> list[Layer]: ...
    @property
    def weights(self) -> list[Variable]: ...
    @property
    def trainable_weights(self) -> list[Variable]: ...
    def find_graph(self) -> Graph | None: ...


_MOST_CELLS = 64  # cells tried for the largest receptive field


def receptive_field(graph: Graph, tensor: SymbolicTensor) -> tuple[int, int] | None:
    """Height and width in input pixels of what a cell of `tensor` sees; None where it sees everything."""
    sides = []
    for axis in (0, 1):
        period = math.prod(inner.enlarges(axis) for layer in graph.layers for inner in layer.walk())
        spans = [graph.receptive_span([tensor], cell, cell, axis) for cell in range(min(period, _MOST_CELLS))]
        known = [high - low + 1 for low, high in (span for span in spans if span is not None)]
        if len(known) < len(spans):
            return None
        sides.append(max(known))
    return sides[0], sides[1]


@dataclass(frozen=True)
class Table:
    """A table with a line above and lines below it.

    Attributes:
        title: above the table; may be "".
        rows: the first one is the header.
        right: for each column, whether it is flush right.
        notes: below the table.
    """

    title: str
    rows: Sequence[Sequence[str]]
    right: Sequence[bool]
    notes: Sequence[str]

    def lines(self, line_length: int | None = None) -> list[str]:
        """The table as text, at least as wide as needed, or `line_length` characters wide."""
        title = [self.title] if self.title else []
        return [*title, *self._ruled(line_length), *(f" {note}" for note in self.notes)]

    def _ruled(self, line_length: int | None) -> list[str]:
        widths = [max(len(row[column]) for row in self.rows) for column in range(len(self.right))]
        gap = 2
        if line_length is not None:
            # The first column takes what is over, and gives what is missing.
            widths[0] = max(12, widths[0] + line_length - sum(widths) - gap * (len(widths) - 1))
        rule = "-" * (sum(widths) + gap * (len(widths) - 1))
        lines = []
        for row in self.rows:
            cells = []
            for cell, width, to_right in zip(row, widths, self.right, strict=True):
                cut = cell if len(cell) <= width else cell[: width - 3] + "..."
                cells.append(cut.rjust(width) if to_right else cut.ljust(width))
            lines.append((" " * gap).join(cells).rstrip())
        return [rule, lines[0], rule, *lines[1:], rule]

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{html.escape(self.title)}</b></p>"] if self.title else []
        parts.append("<table>")
        for number, row in enumerate(self.rows):
            tag = "td" if number else "th"
            cells = [
                f'<{tag} style="text-align: {"right" if to_right else "left"}; white-space: pre">'
                f"{html.escape(cell)}</{tag}>"
                for cell, to_right in zip(row, self.right, strict=True)
            ]
            parts.append(f"<tr>{''.join(cells)}</tr>")
        parts += ["</table>", f"<p>{'<br>'.join(html.escape(note) for note in self.notes)}</p>"]
        return "\n".join(parts)

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def summary_table(model: _Summarised, expand_nested: bool = False) -> Table:
    """The table of `Model.summary`."""
    graph = model.find_graph()
    header = ["Layer (type)", "Output shape", "Params", "Receptive field", "Multiply-adds", "Connected to"]
    rows, total = _rows(model, graph, expand_nested, "")
    # A column without content is left out.
    images = graph is not None and any(tensor.ndim == 4 for tensor in graph.inputs)
    keep = [0, 1, 2, *([3] if images else []), *([4] if graph else []), *([5] if _branches(model, graph) else [])]
    table = [[row[column] for column in keep] for row in [header, *rows]]
    counts = [sum(v.size for v in group) for group in (model.weights, model.trainable_weights)]
    notes = [
        f"{label}: {count:,} ({_bytes(4 * count)})"
        for label, count in (
            ("Total params", counts[0]),
            ("Trainable params", counts[1]),
            ("Non-trainable params", counts[0] - counts[1]),
        )
    ]
    if graph is not None:
        notes.append(f"Multiply-adds per sample: {'depends on the input size' if total is None else f'{total:,}'}")
    return Table(f'Model: "{model.name}"', table, [column in (2, 4) for column in keep], notes)


class PlanDescription(list[dict[str, Any]]):
    """The ops of a plan, as `Model.plan` gives them: a list of dicts that is shown as a table."""

    def __str__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Table:
        header = ["Stage", "Op", "Details", "Layout", "Tile", "Kernel", "Output shape", "Weights", "Output", "FLOPs"]
        rows = [
            [
                str(op["stage"]), op["kind"], op["detail"], op["layout"], str(op["tile"]), op["kernel"],
                str(op["output_shape"]), _bytes(op["weight_bytes"]), _bytes(op["bytes"]), f"{op['flops']:,}",
            ]
            for op in self
        ]  # fmt: skip
        right = [name in ("Stage", "Tile", "Weights", "Output", "FLOPs") for name in header]
        return Table("", [header, *rows], right, [f"FLOPs per sample: {sum(op['flops'] for op in self):,}"])


def _rows(
    model: _Summarised, graph: Graph | None, expand_nested: bool, indent: str
) -> tuple[list[list[str]], int | None]:
    if graph is None:
        return [[_label(layer, indent), "?", _params(layer), "", "", ""] for layer in model.layers], None
    costs = graph.multiply_adds([tensor.shape for tensor in graph.inputs])
    calls: dict[CalledLayer, list[Node]] = {}
    for node in graph.nodes:
        calls.setdefault(node.layer, []).append(node)
    rows = []
    shown = [
        layer
        for layer in cast("list[Layer]", graph.layers)
        if not (isinstance(layer, InputLayer) and layer not in model.layers)
    ]
    for layer in dict.fromkeys([*shown, *model.layers]):
        nodes = calls.get(layer, [])
        tensors = nodes[0].outputs if nodes else [layer.output] if isinstance(layer, InputLayer) else []
        shape = ", ".join(str(tensor.shape) for tensor in tensors) or "?"
        field = _field(graph, tensors[0]) if tensors else ""
        sources = list(dict.fromkeys(_source(tensor) for node in nodes for tensor in node.inputs))
        cost = _sum([costs[node] for node in nodes])
        operations = "?" if cost is None else f"{cost:,}"
        rows.append([_label(layer, indent), shape, _params(layer), field, operations, ", ".join(sources)])
        if expand_nested and isinstance(layer, Trainer):
            inner = cast("_Summarised", layer)
            rows += _rows(inner, inner.find_graph(), True, indent + "  ")[0]
    return rows, _sum(list(costs.values()))


def _sum(costs: list[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _label(layer: Layer, indent: str) -> str:
    return f"{indent}{layer.name} ({type(layer).__name__})"


def _params(layer: Layer) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _field(graph: Graph, tensor: SymbolicTensor) -> str:
    if all(start.ndim != 4 for start in graph.inputs):
        return ""
    field = receptive_field(graph, tensor)
    return "all" if field is None else f"{field[0]}x{field[1]}"


def _source(tensor: SymbolicTensor) -> str:
    if tensor.node is None:
        return tensor.name
    several = len(tensor.node.outputs) > 1
    return f"{tensor.node.layer.name}[{tensor.index}]" if several else tensor.node.layer.name


def _branches(model: _Summarised, graph: Graph | None) -> bool:
    """Whether the graph is more than a chain."""
    if graph is None or len(graph.inputs) > 1 or len(graph.outputs) > 1:
        return graph is not None
    used: set[Any] = set()
    for node in graph.nodes:
        for tensor in node.inputs:
            if tensor in used or len(node.inputs) > 1:
                return True
            used.add(tensor)
    return len({node.layer for node in graph.nodes}) < len(graph.nodes)


def _bytes(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KB", "MB", "GB"):
        size /= 1024
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
    return f"{count} B"
