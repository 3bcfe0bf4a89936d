"""``day33 explain``: pages from files, from folders of runs, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from day33 import Sequential, explain, layers
from day33.explain import gallery
from day33.lyricist import Lyricist
from day33.text import preprocess_sentence
from support.command import run_command
from support.pages import Page


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return partial(run_command, "explain")


def read(path: Path | str) -> str:
    return Path(path).read_text(encoding="utf-8")


def test_a_page_of_arrays_in_files(run):
    x, kernel = np.arange(24.0).reshape(4, 6), np.ones((2, 3))
    np.save("x.npy", x)
    np.save("kernel.npy", kernel)
    arguments = ["--input", "x.npy", "--kernel", "kernel.npy", "--strides", "2,3", "--padding", "same"]
    result = run("conv2d", *arguments, "--output", "page.html", "--text")
    assert result.exit_code == 0, result.output
    made = explain.conv2d(x, kernel, strides=(2, 3), padding="same")
    assert read("page.html") == made.html()
    assert made.text() in result.output and "Written to page.html" in result.output
    result = run("conv2d-transpose", *arguments[:4], "--strides", 1)
    assert result.exit_code == 0, result.output
    assert read("conv2d-transpose.html") == explain.conv2d_transpose(x, kernel, strides=1).html()


@pytest.mark.parametrize("name", ["conv2d", "conv2d-transpose", "max-pool2d", "max-unpool2d", "up-sampling2d", "dense"])
def test_every_operation_has_an_example(run, name):
    result = run(name)
    assert result.exit_code == 0, result.output
    assert read(f"{name}.html") == getattr(explain, name.replace("-", "_"))().html()


def test_pages_of_models(run):
    model = Sequential([layers.Input((6, 5, 1)), layers.Conv2D(2, 3, name="first"), layers.MaxPooling2D(2)])
    model.save("model.keras")
    image = np.random.default_rng(0).random((6, 5)).astype(np.float32)
    np.save("image.npy", image)
    assert run("receptive-field", "--model", "model.keras", "--layer", "first", "--position", "3,2").exit_code == 0
    assert Page(read("receptive-field.html")).of("field")["position"] == [3, 2]
    assert run("feature-maps", "model.keras", "image.npy").exit_code == 0
    shown = Page(read("feature-maps.html")).of("features")
    assert [layer["shape"] for layer in shown["layers"]] == [[4, 3, 2], [2, 1, 2]]
    assert run("filters", "model.keras", "first").exit_code == 0
    kernels = np.float32(Page(read("filters.html")).of("kernels")["kernels"])
    np.testing.assert_array_equal(kernels, np.asarray(model.get_layer("first").kernel).transpose(3, 2, 0, 1))


def test_pages_of_runs(run):
    Path("run").mkdir()
    Path("run/history.csv").write_text("epoch,loss,val_loss\n0,0.5,0.6\n1,0.25,0.5\n")
    assert run("training", "run").exit_code == 0
    assert Page(read("training.html")).of("curves")["curves"] == {"loss": [0.5, 0.25], "val_loss": [0.6, 0.5]}
    writer = Lyricist(num_words=20, embedding_size=4, hidden_size=6)
    writer.prepare([preprocess_sentence("i love you"), preprocess_sentence("you love me")])
    writer.save("lyricist")
    assert run("next-word", "lyricist", "i love", "--steps", 3, "--seed", 5).exit_code == 0
    assert read("next-word.html") == explain.next_word(Lyricist.load("lyricist"), "i love", steps=3, seed=5).html()
    assert run("loss", "lyricist", "you love you", "--line-length", 9).exit_code == 0
    assert Page(read("loss.html")).of("tokens")["length"] == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv2d", "--input", "absent.npy"], "absent.npy: no such file or directory"),
        (["conv2d", "--input", "text.npy"], "text.npy"),
        (["conv2d", "--input", "words.npy"], "expected real numbers"),
        (["conv2d", "--strides", "two"], "--strides is two; expected a number, or height,width"),
        (["conv2d", "--padding", "full"], "padding is 'full'; expected"),
        (["conv2d", "--input", "ones.npy", "--kernel", "big.npy"], "expected at least"),
        (["receptive-field", "--position", "3"], "--position is 3; expected row,column"),
        (["training", "absent"], "absent"),
        (["next-word", "absent"], "absent"),
        (["filters", "absent.keras", "first"], "absent.keras"),
        (["dense", "--output", "absent/page.html"], "absent/page.html"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, arguments, message):
    Path("text.npy").write_text("no array")
    np.save("words.npy", np.array(["a", "b"]))
    np.save("ones.npy", np.ones((3, 3)))
    np.save("big.npy", np.ones((5, 5)))
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("day33: error: ") and message in line


def test_without_a_subject_all_pages_and_an_index(run, tmp_path, monkeypatch):
    """The pages of trained models, which take long, are made once, by `test_the_gallery`."""
    quick = {name: gallery.PAGES[name] for name in ("dense", "conv2d", "conv2d-transpose")}
    monkeypatch.setattr(gallery, "PAGES", quick)
    result = run("--output", "pages")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("pages").iterdir()) == sorted(
        ["index.html", *(f"{n}.html" for n in quick)]
    )
    index = Page(read("pages/index.html"))
    assert [address for address in index.addresses if not address.startswith("data:image/png;base64,")] == [
        f"{name}.html" for name in quick
    ]
    assert "Transposed convolution" in index.words and index.scripts == []


@pytest.mark.slow
def test_the_gallery(tmp_path):
    paths = gallery.write_gallery(tmp_path / "all")
    assert [path.stem for path in paths] == ["index", *gallery.PAGES]
    assert len(paths) == 14
    for path in paths:
        Page(path.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="name is 'absent'; expected one of 'dense', "):
        gallery.example("absent")
