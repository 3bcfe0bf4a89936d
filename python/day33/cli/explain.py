"""``day33 explain``: pages that explain, on the reader's own arrays, models and runs, or on examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apps import App
from .errors import interruptible, list_files, reported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..explain import Explanation

app = App(help="Write pages that explain, as HTML files that need no network.")

_GALLERY = Path("day33-explain")

_Input = Annotated[
    Path | None, typer.Option(help="An .npy file, (N, H, W, C) or (H, W).", show_default="an example", metavar="FILE")
]
_Kernel = Annotated[
    Path | None, typer.Option(help="An .npy file with the kernel.", show_default="an example", metavar="FILE")
]
_Strides = Annotated[str, typer.Option(help="One number, or height,width.", metavar="NUMBERS")]
_Padding = Annotated[str, typer.Option(help="valid or same.")]
_Output = Annotated[
    Path | None, typer.Option(help="The page.", show_default="the name of the command, .html", metavar="FILE")
]
_Text = Annotated[bool, typer.Option("--text", help="Also print what the page says, in words and numbers.")]
_Model = Annotated[Path, typer.Argument(help="A .keras or .h5 file.", show_default=False)]


@app.callback(invoke_without_command=True)
def explain(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option(help="The folder for the pages, where no subject is named.", metavar="FOLDER")
    ] = _GALLERY,
) -> None:
    """Write every page, each with an example, and an index.html that shows them; or only that of a subject.

    Without a subject, three small models are trained for the examples, which takes about a quarter of a minute.
    """
    if context.invoked_subcommand is not None:
        return
    with reported(), interruptible("The pages that are written already are complete."):
        from ..explain.gallery import write_gallery

        write_gallery(output, lambda name: typer.echo(f"  {name}"))
        list_files(output)


@app.command("conv2d")
def conv2d(
    input: _Input = None,
    kernel: _Kernel = None,
    strides: _Strides = "1",
    padding: _Padding = "valid",
    dilation: _Strides = "1",
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain a convolution: which inputs each output reads."""

    def make() -> Explanation:
        from .. import explain

        return explain.conv2d(
            _array(input), _array(kernel), strides=_sizes("--strides", strides), padding=padding,
            dilation_rate=_sizes("--dilation", dilation),
        )  # fmt: skip

    _write("conv2d", make, output, text)


@app.command("conv2d-transpose")
def conv2d_transpose(
    input: _Input = None,
    kernel: _Kernel = None,
    strides: _Strides = "2",
    padding: _Padding = "valid",
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain a transposed convolution: each input's stamp, and the matrix C and its transpose."""

    def make() -> Explanation:
        from .. import explain

        steps = _sizes("--strides", strides)
        return explain.conv2d_transpose(_array(input), _array(kernel), strides=steps, padding=padding)

    _write("conv2d-transpose", make, output, text)


@app.command("max-pool2d")
def max_pool2d(
    input: _Input = None,
    pool_size: _Strides = "2",
    strides: Annotated[str | None, typer.Option(metavar="NUMBERS", show_default="the pool size")] = None,
    padding: _Padding = "valid",
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain max pooling: the winners, and three ways back."""

    def make() -> Explanation:
        from .. import explain

        steps = None if strides is None else _sizes("--strides", strides)
        return explain.max_pool2d(_array(input), _sizes("--pool-size", pool_size), strides=steps, padding=padding)

    _write("max-pool2d", make, output, text)


@app.command("up-sampling2d")
def up_sampling2d(input: _Input = None, size: _Strides = "2", output: _Output = None, text: _Text = False) -> None:
    """Explain up-sampling: nearest, bilinear and bed of nails."""

    def make() -> Explanation:
        from .. import explain

        return explain.up_sampling2d(_array(input), _sizes("--size", size))

    _write("up-sampling2d", make, output, text)


@app.command("max-unpool2d")
def max_unpool2d(output: _Output = None, text: _Text = False) -> None:
    """Explain max un-pooling, on an example."""

    def make() -> Explanation:
        from .. import explain

        return explain.max_unpool2d()

    _write("max-unpool2d", make, output, text)


@app.command("dense")
def dense(
    input: Annotated[
        Path | None, typer.Option(help="An .npy file, (..., C).", show_default="two rectangles", metavar="FILE")
    ] = None,
    kernel: _Kernel = None,
    bias: Annotated[Path | None, typer.Option(help="An .npy file, (O,).", metavar="FILE", show_default="none")] = None,
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain a dense layer: rows times columns, and two rectangles that one column cannot tell apart."""

    def make() -> Explanation:
        from .. import explain

        return explain.dense(_array(input), _array(kernel), _array(bias))

    _write("dense", make, output, text)


@app.command("receptive-field")
def receptive_field(
    model: Annotated[
        Path | None, typer.Option(help="A .keras or .h5 file.", show_default="an auto-encoder", metavar="FILE")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Its name.", show_default="the one with fewest cells")] = None,
    position: Annotated[
        str | None, typer.Option(help="row,column of a cell.", show_default="the middle", metavar="NUMBERS")
    ] = None,
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain which pixels a cell of a layer sees, and which of them count."""

    def make() -> Explanation:
        from .. import explain
        from ..saving import load_model

        place = None if position is None else _sizes("--position", position, 2)
        return explain.receptive_field(None if model is None else load_model(model), layer, place)

    _write("receptive-field", make, output, text)


@app.command("feature-maps")
def feature_maps(
    model: _Model,
    image: Annotated[Path, typer.Argument(help="An .npy file, (H, W, C) or (H, W).", show_default=False)],
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain what each filter of a model sees in an image."""

    def make() -> Explanation:
        from .. import explain
        from ..saving import load_model

        pixels = _array(image)
        assert pixels is not None
        return explain.feature_maps(load_model(model), pixels)

    _write("feature-maps", make, output, text)


@app.command("filters")
def filters(
    model: _Model,
    layer: Annotated[str, typer.Argument(help="The name of a convolution in it.", show_default=False)],
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain the filters of a convolution."""

    def make() -> Explanation:
        from .. import explain
        from ..saving import load_model

        return explain.filters(load_model(model).get_layer(layer))

    _write("filters", make, output, text)


@app.command("training")
def training(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or its history.csv.", show_default=False)],
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain a training: its curves and, of an auto-encoder, its pictures epoch by epoch."""

    def make() -> Explanation:
        from .. import explain

        return explain.training(run)

    _write("training", make, output, text)


@app.command("next-word")
def next_word(
    lyricist: Annotated[Path, typer.Argument(help="A folder of `day33 lyricist train`.", show_default=False)],
    prompt: Annotated[str, typer.Argument(help="How the line begins.")] = "",
    steps: Annotated[int, typer.Option(min=1, help="How many words to write.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampled path.")] = 0,
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain how a lyricist chooses the next word."""

    def make() -> Explanation:
        from .. import explain
        from ..lyricist import Lyricist

        return explain.next_word(Lyricist.load(lyricist), prompt, steps=steps, seed=seed)

    _write("next-word", make, output, text)


@app.command("loss")
def loss(
    lyricist: Annotated[Path, typer.Argument(help="A folder of `day33 lyricist train`.", show_default=False)],
    line: Annotated[str, typer.Argument(help="A line of words.", show_default=False)],
    line_length: Annotated[int, typer.Option(min=1, help="What lines are filled up to.")] = 20,
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain the loss of a lyricist on a line."""

    def make() -> Explanation:
        from .. import explain
        from ..lyricist import Lyricist

        return explain.loss(Lyricist.load(lyricist), line, line_length=line_length)

    _write("loss", make, output, text)


@app.command("votes")
def votes(
    ensemble: Annotated[Path, typer.Argument(help="A folder of `day33 ensemble fit`.", show_default=False)],
    image: Annotated[
        Path, typer.Argument(help="An .npy file with one row, as the ensemble takes it.", show_default=False)
    ],
    output: _Output = None,
    text: _Text = False,
) -> None:
    """Explain a vote: who voted for what."""

    def make() -> Explanation:
        from .. import explain
        from ..ensemble import load_ensemble

        row = _array(image)
        assert row is not None
        return explain.votes(load_ensemble(ensemble), row)

    _write("votes", make, output, text)


def _write(name: str, make: Callable[[], Explanation], output: Path | None, text: bool) -> None:
    with reported(), interruptible("Nothing was written."):
        try:
            explanation = make()
        except TypeError as error:  # of arrays in files: wrong input here, and no mistake of the program
            raise ValueError(str(error)) from error
        path = explanation.save(output or Path(f"{name}.html"))
        for note in explanation.notes:
            typer.echo(note.replace("`", ""))
        if text:
            typer.echo(explanation.text())
        typer.echo(f"Written to {path}")


def _array(path: Path | None) -> NDArray[Any] | None:
    """The array of an .npy file; ValueError where it is none."""
    if path is None:
        return None
    from .._io.archives import read_npy
    from .._io.files import open_regular

    with open_regular(path) as stream:
        return read_npy(stream, path.stat().st_size, str(path))


def _sizes(option: str, text: str, count: int | None = None) -> Any:
    """ "2" as 2, "2,1" as (2, 1)."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) not in ((count,) if count else (1, 2)):
        raise ValueError(f"{option} is {text}; expected {'row,column' if count else 'a number, or height,width'}")
    numbers = tuple(int(part) for part in parts)
    return numbers if len(numbers) > 1 else numbers[0]
