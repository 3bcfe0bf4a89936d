"""Figures: they show what they are given, and touch nothing global."""

from __future__ import annotations

import errno
import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from day33 import plotting
from day33.ensemble import figures as ensemble_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HISTORY = {"loss": [0.6, 0.4, 0.3], "val_loss": [0.55, 0.42, 0.35]}


def read_png(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return imread(path)[..., :3]


def test_loss_curves_draw_both_losses(tmp_path: Path) -> None:
    path = tmp_path / "loss.png"
    figure = plotting.loss_curves(HISTORY, path, title="A title")
    (ax,) = figure.axes
    lines = ax.get_lines()
    np.testing.assert_array_equal(lines[0].get_xydata(), [[1, 0.6], [2, 0.4], [3, 0.3]])
    np.testing.assert_array_equal(lines[1].get_ydata(), HISTORY["val_loss"])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("epoch", "loss", "A title")
    assert [text.get_text().split()[0] for text in ax.get_legend().get_texts()] == ["training", "validation"]
    pixels = read_png(path)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):  # both curves are in the picture
        assert (np.abs(pixels - np.array(colour) / 255).max(axis=-1) < 0.02).sum() > 100


def test_loss_curves_take_a_history_object_and_one_epoch() -> None:
    figure = plotting.loss_curves(SimpleNamespace(history={"loss": [0.5]}))
    (line,) = figure.axes[0].get_lines()
    assert line.get_marker() == "o"


def test_loss_curves_draw_into_given_axes() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(1, 2)
    assert plotting.loss_curves(HISTORY, ax=axes[1]) is figure
    assert not axes[0].get_lines()
    assert len(axes[1].get_lines()) == 2


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"val_loss": [1.0]}, [1, 2], None])
def test_loss_curves_need_a_loss(history: object) -> None:
    with pytest.raises(ValueError, match="'loss'"):
        plotting.loss_curves(history)


def test_nan_losses_are_drawn_as_gaps(tmp_path: Path) -> None:
    plotting.loss_curves({"loss": [0.5, float("nan"), 0.4]}, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


@pytest.mark.parametrize("channel", [(), (1,)])
def test_reconstructions_are_two_rows(tmp_path: Path, channel: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    originals = rng.integers(0, 256, (12, 28, 28, *channel), dtype=np.uint8)
    rebuilt = rng.random((12, 28, 28, *channel), dtype=np.float32)
    path = tmp_path / "pictures.png"
    figure = plotting.reconstructions(originals, rebuilt, path)
    assert len(figure.axes) == 20
    shown = [ax.get_images()[0] for ax in figure.axes]
    np.testing.assert_allclose(shown[3].get_array(), originals[3].reshape(28, 28) / 255, rtol=1e-6)
    np.testing.assert_array_equal(shown[14].get_array(), rebuilt[4].reshape(28, 28))
    assert {image.get_clim() for image in shown} == {(0, 1)}  # one scale for all, or greys could not be compared
    assert figure.axes[0].get_ylabel() == "original"
    assert figure.axes[10].get_ylabel() == "reconstructed"
    pixels = read_png(path)
    assert pixels.shape[1] > pixels.shape[0] > 200
    assert len(np.unique(pixels)) > 100


def test_ink_is_dark_on_paper(tmp_path: Path) -> None:
    images = np.zeros((1, 28, 28), np.float32)
    images[:, :, :14] = 1
    plotting.reconstructions(images, images, tmp_path / "half.png")
    pixels = read_png(tmp_path / "half.png").mean(axis=-1)
    assert (pixels < 0.05).mean() > 0.1
    assert (pixels > 0.95).mean() > 0.3


def test_fewer_pictures_and_titles() -> None:
    images = np.zeros((3, 12, 12), np.uint8)
    figure = plotting.reconstructions(images, images, titles=["a", "b", "c"])
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in figure.axes[:3]] == ["a", "b", "c"]
    assert len(plotting.reconstructions(images, images, count=2).axes) == 4


@pytest.mark.parametrize(
    ("originals", "rebuilt", "options", "reason"),
    [
        ((0, 28, 28), (0, 28, 28), {}, r"has shape \(0, 28, 28\).*N >= 1"),
        ((3, 28, 28, 3), (3, 28, 28, 3), {}, r"\(3, 28, 28, 3\)"),
        ((28, 28), (28, 28), {}, r"\(28, 28\)"),
        ((3, 28, 28), (2, 28, 28), {}, r"\(3, 28, 28\) and reconstructed \(2, 28, 28\); expected one shape"),
        ((3, 28, 28), (3, 27, 28), {}, "one shape"),
        ((3, 28, 28), (3, 28, 28), {"count": 0}, "count"),
        ((3, 28, 28), (3, 28, 28), {"titles": ["a"]}, "titles"),
    ],
)
def test_reconstructions_check_shapes(originals: tuple, rebuilt: tuple, options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        plotting.reconstructions(np.zeros(originals), np.zeros(rebuilt), **options)


FIGURES = [
    lambda path=None: plotting.loss_curves(HISTORY, path),
    lambda path=None: plotting.reconstructions(np.zeros((2, 4, 4)), np.ones((2, 4, 4)), path),
    lambda path=None: ensemble_figures.confusion_matrix(np.eye(2), ["a", "b"], path),
    lambda path=None: ensemble_figures.disputed_images(np.zeros((1, 4, 4)), np.array([[0.6, 0.4]]), ["a", "b"], path),
]


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_shows_itself_in_a_notebook(draw: Callable[..., Figure]) -> None:
    """By IPython's protocol, which needs neither pyplot nor a backend."""
    from matplotlib.image import imread

    figure = draw()
    picture = figure._repr_png_()
    pixels = imread(io.BytesIO(picture))
    width, height = figure.get_size_inches() * figure.dpi
    assert pixels.shape[:2] == (int(height), int(width))
    assert len(np.unique(pixels)) > 1
    assert pickle.loads(pickle.dumps(figure))._repr_png_() == picture


def test_ipython_finds_the_picture() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(plotting.loss_curves(HISTORY))
    assert data["image/png"]


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_that_cannot_be_written_leaves_the_old_one(
    draw: Callable[..., Figure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    draw(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()

    def stop(figure: Figure, path: Path, **_: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", stop)
    with pytest.raises(OSError, match=r"a\.png"):
        draw(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_name_without_suffix_gets_one(tmp_path: Path) -> None:
    plotting.loss_curves(HISTORY, tmp_path / "loss")
    assert [path.name for path in tmp_path.iterdir()] == ["loss.png"]


def test_pyplot_is_not_touched(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys, numpy as np\nfrom day33 import plotting\n"
        f"plotting.loss_curves({HISTORY!r}, {str(tmp_path / 'a.png')!r})\n"
        f"plotting.reconstructions(np.ones((2, 4, 4)), np.ones((2, 4, 4)), {str(tmp_path / 'b.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "b.png").stat().st_size > 500
