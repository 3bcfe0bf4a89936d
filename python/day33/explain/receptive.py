"""The receptive field: which pixels of the image a cell of a layer depends on, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import ops
from .._core.arrays import as_float32, as_pair
from .._graph.graph import Graph
from .._graph.tensors import Node
from .._tape import GradientTape
from ..models import Model
from ._arrays import Floats
from ._explanation import Explanation, Section
from ._figure import NEGATIVE
from ._spans import images_of, layer_of, nodes_before, spans_before
from ._words import number, shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["receptive_field"]

_MOST_SIDE, _MOST_LAYERS, _SAMPLES = 64, 40, 16


def receptive_field(
    model: Any = None,
    layer: Any = None,
    position: tuple[int, int] | None = None,
    *,
    image: ArrayLike | None = None,
) -> Explanation:
    """Explain the receptive field of a layer's cell: layer by layer, as far as it reaches and where it counts.

    The theoretical field follows windows, strides and paddings back to the image. The effective one is the mean of the
    absolute gradients of the cell, summed over its channels, with respect to the image's pixels.

    Source: Luo, Li, Urtasun and Zemel, Understanding the Effective Receptive Field in Deep Convolutional Neural
    Networks, 2016.

    Args:
        model: a built model with one input (None, H, W, C). None for an auto-encoder with new weights.
        layer: a layer with an output (N, H, W, C), its name, or its number in ``model.layers``. None for the one with
            the fewest cells.
        position: (row, column) of its cell; None for the one in the middle.
        image: real numbers (H, W, C) or (N, H, W, C), where the gradients are taken. None for 16 images of normally
            distributed numbers.

    Returns:
        The explanation.

    Raises:
        TypeError: no model, or a wrong type. ValueError: a model without such a layer, images of more than 64 x 64, a
            model of more than 40 layers, a position outside the layer's output, an image of another shape.
    """
    if model is None:
        from .. import autoencoder

        model = autoencoder.build("upsampling")
    graph, start = images_of(model)
    H, W, C = (int(size or 0) for size in start.shape[1:])
    everything = nodes_before(graph)
    if max(H, W) > _MOST_SIDE or len(everything) > _MOST_LAYERS:
        raise ValueError(
            f"model {model.name!r} has images of {H} x {W} and {len(everything)} layers; "
            f"expected at most {_MOST_SIDE} x {_MOST_SIDE} and {_MOST_LAYERS} to draw"
        )
    if layer is None:
        node = min(everything, key=_cells)
    else:
        node = layer_of(model, graph, layer)
    rows, columns = _sides(node)
    place = (rows // 2, columns // 2) if position is None else as_pair("position", position, 0)
    if place[0] >= rows or place[1] >= columns:
        raise ValueError(
            f"position is {position}; expected a cell of the output ({rows}, {columns}) of {node.layer.name}"
        )

    stages = nodes_before(graph, node)
    fields = {other: _fields(graph, stages, other) for other in stages}
    gradient = _gradient(model, node, place, _images(image, (H, W, C)))
    total = float(gradient.sum())
    box = _box(fields[node], place)
    area = 0 if box is None else (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
    # The smallest share of the field's pixels that holds nine tenths of the gradient.
    ranked = np.sort(gradient.ravel())[::-1].cumsum()
    most = int(np.searchsorted(ranked, 0.9 * total)) + 1 if total > 0 else 0
    effective = f"{most} of its {area} pixels hold 90 % of the gradient" if area else "it sees no pixel"

    maps = [{"name": "image", "kind": "", "shape": [H, W, C]}] + [
        {
            "name": stage.layer.name,
            "kind": type(stage.layer).__name__,
            "shape": [*_sides(stage), stage.outputs[0].shape[3]],
        }
        for stage in stages
    ]
    data = {
        "maps": maps,
        "fields": [fields[stage] for stage in stages],
        "layer": len(stages) - 1,
        "position": place,
    }
    lines = [_described(stage, fields[stage]) for stage in stages]
    seen = "no pixel" if box is None else (
        f"rows {box[0]} to {box[2]} and columns {box[1]} to {box[3]} of the image, "
        f"{box[2] - box[0] + 1} × {box[3] - box[1] + 1} pixels"
    )  # fmt: skip
    sections = [
        Section(
            "Point at a cell: what it sees, layer by layer",
            [
                "Choose a layer, and point at a cell of its output (or use the arrow keys): on every layer before it, "
                "and on the image, a frame shows what the cell depends on. Each window widens the field; pooling and "
                "strides make every later step wider.",
            ],
            "field",
            data,
        ),
        Section(
            "Where it counts: the effective field",
            [
                f"Cell {place} of `{node.layer.name}` can see {seen}. It does not look at all of them alike: a pixel "
                "in the middle takes part in many windows, one at the border in few. Darker pixels change the cell "
                f"more; {effective}.",
            ],
            "heat",
            {"values": gradient, "box": box, "label": "mean absolute gradient of the cell for each pixel"},
        ),
        Section("Field sizes", lines),
        Section(
            "Check yourself",
            questions=[
                "What does a cell see after two 3 × 3 convolutions with a 2 × 2 pooling between them? 8 × 8 pixels: 3, "
                "then 3 + 1 = 4, then 4 + 2·2 = 8. A window of K cells adds K − 1 steps; a step is one pixel at first, "
                "and each stride multiplies it.",
                "Why does pooling make the field grow faster? After a pooling of 2 one step of a window is two pixels "
                "of the image, after two of them four.",
                "What must be in the field so that an object can be found? The object, or enough of it; a cell cannot "
                "know what lies outside.",
                "Which other way is there to a larger field without pooling? Dilation: the same number of weights, "
                "further apart.",
            ],
        ),
    ]
    return Explanation(
        "Receptive field",
        "A cell deep in a network sees a part of the image only: its receptive field. It grows from layer to layer.",
        sections,
        words=[
            f"Model {model.name!r}, image {shape((H, W, C))}.",
            *(line.replace("`", "") for line in lines),
            f"Cell {place} of {node.layer.name} sees {seen}.",
            f"Effective field: {effective}; the largest mean absolute gradient is {number(gradient.max())}.",
        ],
        draw=lambda: _draw(gradient, box, node.layer.name, place),
    )


def _sides(node: Node) -> tuple[int, int]:
    _, height, width, _ = node.outputs[0].shape
    return int(height or 0), int(width or 0)


def _cells(node: Node) -> int:
    height, width = _sides(node)
    return height * width


def _fields(graph: Graph, stages: list[Node], node: Node) -> list[list[list[list[int] | None]]]:
    """[axis][cell of `node`][image and each stage]: first and last cell, or None."""
    tensors = [graph.inputs[0], *(stage.outputs[0] for stage in stages)]
    return [
        [
            [list(span) if (span := spans.get(tensor)) is not None else None for tensor in tensors]
            for cell in range(size)
            for spans in [spans_before(graph, node.outputs, cell, axis)]
        ]
        for axis, size in enumerate(_sides(node))
    ]


def _box(fields: list[list[list[list[int] | None]]], place: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """First row and column, last row and column on the image."""
    across, down = fields[0][place[0]][0], fields[1][place[1]][0]
    if across is None or down is None:
        return None
    return across[0], down[0], across[1], down[1]


def _described(node: Node, fields: list[list[list[list[int] | None]]]) -> str:
    sizes = [
        max((field[0][1] - field[0][0] + 1 for field in axis if field[0] is not None), default=0) for axis in fields
    ]
    return (
        f"`{node.layer.name}` ({type(node.layer).__name__}): output {shape(_sides(node))}, a cell sees up to "
        f"{sizes[0]} × {sizes[1]} pixels."
    )


def _images(image: ArrayLike | None, sizes: tuple[int, int, int]) -> Floats:
    if image is None:
        return np.random.default_rng(0).normal(size=(_SAMPLES, *sizes)).astype(np.float32)
    images = as_float32("image", image)
    if images.ndim == 3:
        images = images[np.newaxis]
    if images.ndim != 4 or images.shape[1:] != sizes or not len(images):
        raise ValueError(f"image has shape {np.shape(image)}; expected {sizes}, or a batch of them")
    return images


def _gradient(model: Any, node: Node, place: tuple[int, int], images: Floats) -> Floats:
    """(H, W): the mean over images, and the sum over the image's channels, of absolute gradients of the cell."""
    part = Model(model.inputs, node.outputs[0])
    with GradientTape() as tape:
        tape.watch(images)
        y = part(images)
        cell = ops.sum(y[:, place[0], place[1], :])
    gradient = tape.gradient(cell, images)
    if gradient is None:
        return np.zeros(images.shape[1:3], np.float32)
    mean: Floats = np.abs(np.asarray(gradient, np.float32)).mean(axis=0).sum(axis=-1)
    return mean


def _draw(gradient: Floats, box: tuple[int, int, int, int] | None, name: str, place: tuple[int, int]) -> Figure:
    from matplotlib.patches import Rectangle

    from .._io.figures import new_figure

    figure = new_figure((5.2, 4.4))
    ax = figure.subplots()
    drawn = ax.imshow(gradient, cmap="Blues", interpolation="nearest")
    if box is not None:
        ax.add_patch(Rectangle((box[1] - 0.5, box[0] - 0.5), box[3] - box[1] + 1, box[2] - box[0] + 1, fill=False,
                               edgecolor=NEGATIVE, linewidth=2))  # fmt: skip
    ax.set_title(f"What cell {place} of {name} sees")
    figure.colorbar(drawn, label="mean absolute gradient")
    return figure
