"""The sources of the documentation: both languages say the same, all pages are on the site, and code blocks run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import day33
from day33 import Input, Sequential, layers, ops
from day33.cli import app
from day33.explain import gallery

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TRANSLATED = {
    "README.md": "README.ko.md",
    "docs/start.md": "docs/ko/start.md",
    "docs/learn/index.md": "docs/ko/learn.md",
}
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    if not str(path.relative_to(DOCS) if DOCS in path.parents else "").startswith(("_build", "api", "auto_"))
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def headings(text: str) -> list[int]:
    """The levels of the headings, in order."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [len(found) for found in re.findall(r"^(#+) ", outside, flags=re.MULTILINE)]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", TRANSLATED)
def test_both_languages_have_the_same_parts(name):
    english, korean = read(name), read(TRANSLATED[name])
    assert headings(english) == headings(korean)
    for language in ("python", "sh"):
        assert blocks(english, language) == blocks(korean, language)
    explained = re.compile(r"^```\{explain\} (\S+)", flags=re.MULTILINE)
    assert explained.findall(english) == explained.findall(korean)
    questions = re.compile(r"^\d+\. ", flags=re.MULTILINE)
    assert len(questions.findall(english)) == len(questions.findall(korean))
    assert re.search("[가-힣]", korean)
    assert not re.search("[가-힣]", english.replace("한국어", ""))


def test_the_learning_section_shows_every_page():
    shown = re.findall(r"^```\{explain\} (\S+)", read("docs/learn/index.md"), flags=re.MULTILINE)
    assert sorted(shown) == sorted(gallery.PAGES)


def test_every_page_of_the_site_is_in_a_table_of_contents():
    listed = set()
    for name in PAGES:
        for block in re.findall(r"^:::\{toctree\}\n(.*?)^:::", read(name), flags=re.M | re.S):
            listed |= {line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")}
    made = {"auto_courses/index", "auto_gallery/index", "api/index"}
    sources = {name.removeprefix("docs/").removesuffix(".md") for name in PAGES if name.startswith("docs/")} - {"index"}
    assert sources | made == listed


def test_the_gallery_has_a_dozen_entries_and_there_are_three_tutorials():
    scripts = sorted((DOCS / "gallery").glob("explain_*.py"))
    courses = sorted((DOCS / "courses").glob("tutorial_*.py"))
    assert len(scripts) >= 12
    assert len(courses) == 3
    for path in [*scripts, *courses]:
        text = path.read_text(encoding="utf-8")
        title, rule = text.splitlines()[1:3]
        assert rule == "=" * len(title), path
        compile(text, str(path), "exec")


# ---- the README ----


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_numbers_of_the_readme_are_those_of_the_benchmarks(name):
    measured = read("docs/benchmarks.md") + read("docs/lyricist.md")
    tables = re.findall(r"^\| \| day33 \|.*\n\|[-|]+\n((?:\|.*\n)+)", read(name), flags=re.MULTILINE)
    numbers = re.findall(r"([\d.,]+)(?= (?:ms|µs|samples/s|tokens/s)|×)", "".join(tables))
    assert len(tables) == 2 and len(numbers) >= 30  # with AVX-512 and with AVX2
    for number in numbers:
        assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d,])", measured), number


def test_the_readme_is_short():
    lines = read("README.md").splitlines()
    assert len(lines) <= 110
    assert sum(line.startswith("![") for line in lines) == 1


# ---- code blocks ----


def keras_file(space: dict[str, Any]) -> None:
    """What the fragments of keras.md speak of: a model that came from Keras, and data for it."""
    model = Sequential([Input((4,)), layers.Dense(3)])
    model.compile("adam", "mse")
    model.save("model.keras")
    x, y = np.random.default_rng(0).normal(size=(16, 4)), np.zeros((16, 3))
    space.update(np=np, x=x.astype("float32"), y=y)


def torch_file(space: dict[str, Any]) -> None:
    """What onnx.md speaks of: a model, and a file that another program wrote."""
    pytest.importorskip("onnx")
    model = Sequential([Input((6, 6, 1)), layers.Conv2D(2, 3)])
    model.export("from_torch.onnx")
    space.update(day33=day33, model=model)


def lyrics(space: dict[str, Any]) -> None:
    """What lyricist.md speaks of: a folder of texts; and `Lyricist(...)` is a small one."""
    from day33.datasets import generate_lyrics

    Path("lyrics").mkdir()
    Path("lyrics/lines.txt").write_text("\n".join(generate_lyrics(60)), encoding="utf-8")


def symbols(space: dict[str, Any]) -> None:
    """What the fragments of ops.md speak of: an array, and tensors of a graph."""
    space.update(x=np.ones((2, 5, 5, 3), "float32"), mean=Input((16,)), random=day33.random, ops=ops)


def small_lyricist(monkeypatch: pytest.MonkeyPatch) -> None:
    from day33 import lyricist

    kind = lyricist.Lyricist
    monkeypatch.setattr(lyricist, "Lyricist", lambda *_, **options: kind(7000, 8, 8, **options))
    fit = kind.fit
    few = {"epochs": 1, "verbose": 0}
    monkeypatch.setattr(kind, "fit", lambda self, *data, **options: fit(self, *data, **{**options, **few}))


GIVEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "docs/keras.md": keras_file,
    "docs/lyricist.md": lyrics,
    "docs/onnx.md": torch_file,
    "docs/ops.md": symbols,
}
# Pages whose commands run, too. Those of other pages are compared with the options that there are: they install day33,
# take minutes, or name files of the reader.
COMMANDS_RUN = ("docs/cluster.md", "docs/command-line.md")
SLOW = (*COMMANDS_RUN, "docs/ensemble.md")
FILES = {"docs/start.md": {"field.html", "maps.html", "training.html"}, "docs/cluster.md": {"train.sh", "runs"}}


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A function that runs lines of a shell in which `day33` is the one that is tested."""
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "day33"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m day33 "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(day33.__file__).parents[1]))
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))

    def run(lines: str) -> None:
        done = subprocess.run(["sh", "-eu"], input=lines, text=True, capture_output=True, check=False, timeout=600)
        assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"

    return run


RUN = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in PAGES
    if ("```python\n" in read(name) or name in COMMANDS_RUN) and name not in TRANSLATED.values()
]


@pytest.mark.parametrize("name", RUN)
def test_code_blocks_run(name, tmp_path, monkeypatch, shell):
    """In their order, as one program, in an empty folder."""
    if name == "docs/serving.md":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    if name == "docs/lyricist.md":
        small_lyricist(monkeypatch)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    space: dict[str, Any] = {"__name__": "__main__"}
    threads = day33.get_num_threads()
    GIVEN.get(name, lambda _: None)(space)
    languages = "python|sh" if name in COMMANDS_RUN else "python"
    found = re.findall(rf"^```({languages})\n(.*?)^```", read(name), flags=re.MULTILINE | re.DOTALL)
    try:
        for number, (language, block) in enumerate(found):
            if language == "sh":
                shell(block)
            else:
                exec(compile(block, f"{name}, block {number}", "exec"), space)
    finally:
        day33.set_num_threads(threads)
    made = {path.name for path in folder.iterdir()}
    assert made >= FILES.get(name, set())


def complaint(line: str) -> str:
    """What is wrong with a command line: day33 has no such command, or the command no such option. "" if it is fine."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command = command.commands[words.pop(0)]
    known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
    return ", ".join(f"no option {word}" for word in words if word.startswith("--") and word not in known)


def commands(text: str) -> list[str]:
    """The lines of blocks that begin with ``day33``, without patterns of options in square brackets."""
    found = re.findall(r"^```(\S*)[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip() for language, block in found if language in ("", "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("day33 ") and "[" not in line and "|" not in line]


def test_commands_of_all_pages_exist():
    lines = [(name, line) for name in PAGES for line in commands(read(name))]
    assert len(lines) >= 12
    for name, line in lines:
        assert complaint(line) == "", f"{name}: {line}"
    assert complaint("day33 sing") == "no command sing"
    assert complaint("day33 lyricist train lyrics/ --rhymes") == "no option --rhymes"


# ---- links ----


def test_links_to_files_of_the_repository_lead_somewhere():
    made = ("auto_", "api/")
    for name in PAGES:
        outside = re.sub(r"^```.*?^```", "", read(name), flags=re.MULTILINE | re.DOTALL)
        for address in re.findall(r"\]\(([^)\s]+)\)", outside):
            path, _, _ = address.partition("#")
            if path and "://" not in path and not path.startswith(made):
                assert ((ROOT / name).parent / path).exists(), f"{name}: {address}"


def test_links_inside_of_a_site_are_checked(tmp_path):
    specification = importlib.util.spec_from_file_location("check_site", ROOT / ".ci" / "check_site.py")
    assert specification is not None and specification.loader is not None
    checker = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(checker)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "page.html").write_text('<h1 id="here">x</h1><a href="../index.html#top">x</a>')
    good = '<p id="top"><a href="inner/page.html#here">x</a><a href="https://example.org/a#b">x</a><a href="#top">x</a>'
    (tmp_path / "index.html").write_text(good)
    assert checker.broken_links(tmp_path) == []
    (tmp_path / "index.html").write_text(
        good + '<a href="inner/page.html#there">x</a><img src="no.png"><a href="#bottom">'
    )
    problems = checker.broken_links(tmp_path)
    assert [line.rsplit(": ", 1)[1] for line in problems] == [
        "no such place in the page", "no such file", "no such place in the page"
    ]  # fmt: skip
