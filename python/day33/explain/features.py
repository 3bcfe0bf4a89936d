"""What the filters of a network hold, and what each makes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.arrays import as_float32
from .._graph.tensors import Node
from ..layers import Layer
from ..models import Model
from ._arrays import MAX_KERNEL, Floats
from ._explanation import Explanation, Section
from ._figure import NEGATIVE, POSITIVE
from ._spans import images_of, nodes_before
from ._words import number, shape, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["feature_maps", "filters"]

_MOST_SIDE, _MOST_LAYERS, _MOST_MAPS = 64, 40, 16
_MOST_CHANNELS = 4
_MOST_VALUES = 250_000  # of all maps on a page
_MAP_QUESTIONS = (
    "How many maps does a convolution with 8 filters make of an image with 3 channels? 8: each filter reads all 3 "
    "channels and makes one map.",
    "Why has a map behind relu no vermillion cells? relu sets everything below zero to 0, which is white.",
    "What does a map say that is zero everywhere? Its filter did not find on this image what it looks for. If it is "
    "zero on all images, the filter is of no use.",
)
_FILTER_QUESTIONS = (
    "What does a filter of nine weights of 1/9 do? It takes the mean of each window of 3 × 3 cells: it blurs the "
    "image.",
    "What does a filter answer to an even area if its weights add up to zero? Its bias alone, however bright the area "
    "is. It answers where the brightness changes.",
    "How many weights has a filter of 3 × 3 on an image with 16 channels? 3·3·16 = 144, and a bias.",
)


def feature_maps(model: Any, image: ArrayLike) -> Explanation:
    """Explain what each filter of a model sees in an image; for an auto-encoder also its code and its error per pixel.

    Args:
        model: a built model with one input (None, H, W, C).
        image: real numbers (H, W, C), (H, W) for one channel, or (1, H, W, C).

    Returns:
        The explanation. Of layers with more than 16 channels it shows the first ones, and says so.

    Raises:
        TypeError: no model, or no numbers. ValueError: an image of another shape, images of more than 64 x 64, a model
            of more than 40 layers.
    """
    graph, start = images_of(model)
    sizes = tuple(int(size or 0) for size in start.shape[1:])
    pixels = as_float32("image", image)
    if pixels.size == np.prod(sizes) and pixels.shape in (sizes, (1, *sizes), sizes[:2]):
        pixels = pixels.reshape(1, *sizes)
    else:
        raise ValueError(f"image has shape {pixels.shape}; expected {sizes}, the input of model {model.name!r}")
    nodes = nodes_before(graph)
    if max(sizes[:2]) > _MOST_SIDE or len(nodes) > _MOST_LAYERS or not nodes:
        raise ValueError(
            f"model {model.name!r} has images of {sizes[0]} x {sizes[1]} and {len(nodes)} layers with maps; "
            f"expected at most {_MOST_SIDE} x {_MOST_SIDE} and 1 to {_MOST_LAYERS} to draw"
        )
    results = Model(model.inputs, [node.outputs[0] for node in nodes]).predict(pixels, verbose=0)
    values: list[Floats] = [np.asarray(result)[0] for result in (results if len(nodes) > 1 else [np.asarray(results)])]
    most = _MOST_MAPS
    while most > 1 and sum(maps[:, :, :most].size for maps in values) > _MOST_VALUES:
        most //= 2
    cut = [node.layer.name for node, maps in zip(nodes, values, strict=True) if maps.shape[2] > most]
    notes = [] if not cut else [f"The first {most} channels are shown of {', '.join(f'`{name}`' for name in cut)}."]
    layers = [_layer_data(node, maps, most) for node, maps in zip(nodes, values, strict=True)]
    sections = [
        Section(
            "What each filter sees",
            [
                "Each picture is one channel of a layer's output: where the filter found what it looks for. Blue is "
                "above zero, vermillion below, white is zero; each layer has one scale. Point at a map to read its "
                "numbers.",
            ],
            "features",
            {"image": np.moveaxis(pixels[0], 2, 0), "layers": layers},
        )
    ]
    words = [f"Model {model.name!r}, image {shape(sizes)}."]
    for node, maps in zip(nodes, values, strict=True):
        quiet = int((np.abs(maps).reshape(-1, maps.shape[2]).max(axis=0) == 0).sum())
        words.append(
            f"{node.layer.name} ({type(node.layer).__name__}): {maps.shape[2]} maps of {maps.shape[0]} x "
            f"{maps.shape[1]}, values from {number(maps.min())} to {number(maps.max())}, {quiet} maps all zero."
        )
    error: Floats | None = None
    if values[-1].shape == sizes:
        error = np.abs(values[-1] - pixels[0]).mean(axis=-1)
        code = min(range(len(nodes)), key=lambda n: values[n].size)
        ratio = np.prod(sizes) / values[code].size
        sections.append(
            Section(
                "The code, the reconstruction and its error",
                [
                    f"The narrowest layer, `{nodes[code].layer.name}`, has {values[code].size} numbers for "
                    f"{int(np.prod(sizes))} pixels: {number(ratio)} pixels a number. The decoder has nothing else to "
                    f"go by. The mean absolute error per pixel is {number(error.mean())}, the largest "
                    f"{number(error.max())}.",
                ],
                "restored",
                {
                    "image": pixels[0].mean(axis=-1), "restored": values[-1].mean(axis=-1), "error": error,
                    "code": np.moveaxis(values[code], 2, 0)[:most],
                },
            )
        )  # fmt: skip
        words.append(f"Mean absolute error of the reconstruction per pixel: {number(error.mean())}.")
    sections.append(Section("Check yourself", questions=_MAP_QUESTIONS))
    return Explanation(
        "Feature maps",
        "A layer looks at an image through each of its filters, and hands on one map for each.",
        sections,
        words=words,
        draw=lambda: _draw_maps(pixels[0], nodes, values, error),
        notes=notes,
    )


def _layer_data(node: Node, maps: Floats, most: int) -> dict[str, Any]:
    shown = np.moveaxis(maps[:, :, :most], 2, 0)
    finite = np.abs(shown[np.isfinite(shown)])
    return {
        "name": node.layer.name, "kind": type(node.layer).__name__, "shape": maps.shape, "maps": _rounded(shown),
        "scale": float(finite.max(initial=0)) or 1.0,
    }  # fmt: skip


def _rounded(values: Floats) -> list[Any]:
    """Four significant digits, which is what a page shows of a map."""
    return [[[float(f"{value:.4g}") for value in row] for row in matrix] for matrix in values.tolist()]


def filters(layer: Any) -> Explanation:
    """Explain the filters of a convolution: their numbers, as pictures and as tables.

    Args:
        layer: a built layer with a kernel (KH, KW, C, O): `Conv2D`, or `Conv2DTranspose` with (KH, KW, O, C), or
            `DepthwiseConv2D` with (KH, KW, C, M).

    Returns:
        The explanation. Of more than 16 filters and of more than 4 channels it shows the first ones, and says so.

    Raises:
        TypeError: no layer. ValueError: a layer without such a kernel, or not built, or a kernel of more than 7 x 7.
    """
    from ..layers import Conv2DTranspose

    if not isinstance(layer, Layer):
        raise TypeError(f"layer is {layer!r}; expected a layer of day33")
    variable: Any = getattr(layer, "kernel", None)
    if variable is None or len(variable.shape) != 4:
        raise ValueError(f"layer {layer.name!r} has no kernel of four axes; expected a built convolution of images")
    kernel = np.asarray(variable, np.float32)
    if max(kernel.shape[:2]) > MAX_KERNEL:
        raise ValueError(
            f"layer {layer.name!r} has a kernel of {kernel.shape[0]} x {kernel.shape[1]}; "
            f"expected at most {MAX_KERNEL} x {MAX_KERNEL} to draw"
        )
    ordered = kernel.transpose(2, 3, 0, 1) if isinstance(layer, Conv2DTranspose) else kernel.transpose(3, 2, 0, 1)
    shown = ordered[:_MOST_MAPS, :_MOST_CHANNELS]
    notes = []
    if shown.shape != ordered.shape:
        notes.append(
            f"The kernel of `{layer.name}` has {ordered.shape[0]} filters of {ordered.shape[1]} channels; shown are "
            f"the first {shown.shape[0]} and {shown.shape[1]}."
        )
    words = [f"Layer {layer.name!r} ({type(layer).__name__}): kernel {shape(kernel.shape)}, {kernel.size} weights."]
    for o, taps in enumerate(shown):
        words.append(f"Filter {o}: sum {number(ordered[o].sum())}, norm {number(np.linalg.norm(ordered[o]))}.")
        for c, matrix in enumerate(taps):
            words += [f"  channel {c}:", *table(matrix, "    ")]
    return Explanation(
        f"Filters of {layer.name}",
        f"{ordered.shape[0]} filters of {kernel.shape[0]} × {kernel.shape[1]} × {ordered.shape[1]} weights. Training "
        "finds them; where they are blue they look for bright, where vermillion for dark.",
        [
            Section(
                "Point at a weight",
                [
                    "All filters have one scale.",
                    "A filter whose weights add up to zero answers to edges, not to brightness.",
                ],
                "kernels",
                {"kernels": shown, "scale": float(np.abs(shown).max(initial=0)) or 1.0,
                 "sums": ordered.sum(axis=(1, 2, 3)), "norms": np.sqrt((ordered**2).sum(axis=(1, 2, 3)))},
            ),
            Section("Check yourself", questions=_FILTER_QUESTIONS),
        ],
        words=words,
        draw=lambda: _draw_filters(shown, layer.name),
        notes=notes,
    )  # fmt: skip


def _signed() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [NEGATIVE, "#ffffff", POSITIVE])


def _draw_maps(image: Floats, nodes: list[Node], values: list[Floats], error: Floats | None) -> Figure:
    from .._io.figures import new_figure

    columns = 1 + min(8, max(maps.shape[2] for maps in values))
    figure = new_figure((1.1 * columns, 1.25 * (len(nodes) + 1)))
    axes = figure.subplots(len(nodes) + 1, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    axes[0, 0].imshow(image.mean(axis=-1), cmap="gray_r", interpolation="nearest")
    axes[0, 0].set_title("image", fontsize=8)
    if error is not None:
        axes[0, 1].imshow(error, cmap="Blues", interpolation="nearest")
        axes[0, 1].set_title("error", fontsize=8)
    for line, (node, maps) in enumerate(zip(nodes, values, strict=True), start=1):
        largest = float(np.abs(maps).max(initial=0)) or 1.0
        axes[line, 0].text(0, 0.5, node.layer.name, fontsize=7, transform=axes[line, 0].transAxes, wrap=True)
        for c in range(min(maps.shape[2], columns - 1)):
            axes[line, c + 1].imshow(
                maps[:, :, c], cmap=_signed(), vmin=-largest, vmax=largest, interpolation="nearest"
            )
    return figure


def _draw_filters(shown: Floats, name: str) -> Figure:
    from .._io.figures import new_figure

    count, channels = shown.shape[:2]
    columns = min(8, count)
    lines = -(-count // columns)
    figure = new_figure((1.1 * columns, 1.2 * lines * channels + 0.4))
    figure.suptitle(f"Filters of {name}")
    axes = figure.subplots(lines * channels, columns, squeeze=False)
    largest = float(np.abs(shown).max(initial=0)) or 1.0
    for ax in axes.flat:
        ax.set_axis_off()
    for o in range(count):
        for c in range(channels):
            ax = axes[(o // columns) * channels + c, o % columns]
            ax.imshow(shown[o, c], cmap=_signed(), vmin=-largest, vmax=largest, interpolation="nearest")
            if c == 0:
                ax.set_title(str(o), fontsize=8)
    return figure
