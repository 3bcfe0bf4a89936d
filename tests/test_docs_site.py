"""The sources of the documentation site: both languages say the same, all pages are shown, and code blocks run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from day33.explain import gallery

DOCS = Path(__file__).resolve().parents[1] / "docs"
TRANSLATED = {"start.md": "ko/start.md", "learn/index.md": "ko/learn.md"}
RUN = ("start.md", "autoencoders.md")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


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
    assert re.search("[가-힣]", korean) and not re.search("[가-힣]", english)


def test_the_learning_section_shows_every_page():
    shown = re.findall(r"^```\{explain\} (\S+)", read("learn/index.md"), flags=re.MULTILINE)
    assert sorted(shown) == sorted(gallery.PAGES)


def test_every_page_of_the_site_is_in_a_table_of_contents():
    listed = set()
    for path in DOCS.rglob("*.md"):
        for block in re.findall(r"^:::\{toctree\}\n(.*?)^:::", path.read_text(encoding="utf-8"), flags=re.M | re.S):
            listed |= {line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")}
    made = {"auto_courses/index", "auto_gallery/index", "api/index"}
    sources = {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md")} - {"index"}
    sources = {name for name in sources if not name.startswith(("_build", "api", "auto_"))}
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


@pytest.mark.parametrize("name", RUN)
def test_code_blocks_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for number, block in enumerate(blocks(read(name), "python")):
        exec(compile(block, f"{name}, block {number}", "exec"), space)
    if name == "start.md":
        assert sorted(path.name for path in tmp_path.iterdir()) == ["field.html", "maps.html", "training.html"]
